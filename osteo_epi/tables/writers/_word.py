"""A journal table in Word: a style of its own, its head on every page, points below each other."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteo_epi.files import undated
from osteo_epi.language import language, said
from osteo_epi.tables.writers._libraries import library
from osteo_epi.tables.writers._printed import Printed

STYLE = "Journal table"
TEXT = "Journal cell"
NOTE = "Journal note"
LATIN, CHINESE = "Times New Roman", "SimSun"
POINTS = 8.5
CHARACTER = 0.5 * POINTS
"""[pt] Width of a digit."""
WIDTHS = {
    0.5: "., \u2008\u00a0",
    0.65: "()[]:;-'fijltI|/",
    1.15: "±−<>+=≤≥",
    1.55: "mw",
    1.8: "MW%",
}
"""Widths of Times in digits, to the characters that are not as wide as others of their kind."""
FIRST_WIDE = 0x2E80
"""Character from which on those of Chinese are two digits wide."""
BOLD, PLAIN = 1.15, 1.03
"""How much wider letters are that are bold, and room for what rounding takes."""
BREAKS = re.compile("[ \n]|(?=（)|(?<=[\u2e80-\uffef]{4})(?=[\u2e80-\uffef])")
"""Where a heading may break: at blanks, and in Chinese at brackets and behind four characters."""
LABEL_BREAKS = re.compile("[ \n]|(?<=[\u2e80-\uffef]{8})(?=[\u2e80-\uffef])")
"""Where a text may break: in Chinese behind any eight."""
BETWEEN_SCRIPTS = re.compile("[\u2e80-\uffef][0-9A-Za-z]|[0-9A-Za-z%][\u2e80-\uffef]")
"""Where Word puts a narrow blank of its own."""
SHORT_TABLE = 18
"""Lines up to which a table is not broken between pages."""
SHORT = re.compile(r"\([^()]{1,14}\)")
"""A short bracket in a heading."""
EMU = 12700
"""Units of an office file in a point."""
GUTTER = 8.0
"""[pt] Blank to the right and left of a cell together."""
MARGIN = 20
"""[mm] Of a page on every side."""
PORTRAIT = 482.0
"""[pt] Width of the text on A4 with such margins."""
LANDSCAPE = 728.0
"""[pt] The same on its side."""


def write_word(path: Path, table: Printed) -> None:
    """Write a document of this table alone, on pages that are as wide as it needs."""
    docx = library("docx", path)
    document = docx.Document()
    _page(docx, document, landscape=word_width(table) > PORTRAIT)
    word_table(document, table)
    buffer = io.BytesIO()
    document.save(buffer)
    path.write_bytes(undated(buffer.getvalue()))


def word_table(document: Any, table: Printed, *, number: int | None = None) -> None:
    """Put a table at the end of a document of python-docx: caption, table, notes.

    Parameters
    ----------
    document
        A `docx.Document`; its last section says how wide a page is.
    table
        The table.
    number
        Number in its caption; without one Word counts.
    """
    _styles(document)
    section = document.sections[-1]
    room = (section.page_width - section.left_margin - section.right_margin) / EMU
    _caption(document, table.title, number)
    head = 2 if table.spanners else 1
    grid = document.add_table(rows=head, cols=len(table.columns), style=STYLE)
    grid.autofit = False
    widths = word_widths(table, room)
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = int(width * EMU)
    _write_head(grid, table, widths)
    lines = _lines(table)
    for text, indent, cells in lines:
        _write_line(grid, text, indent, cells, table, widths)
    for row in grid.rows[:head]:
        _row_property(row, "w:tblHeader")
    for row in grid.rows:
        _row_property(row, "w:cantSplit")
    if len(lines) <= SHORT_TABLE:
        _keep_together(grid)
    _borders(grid.rows[head - 1].cells, "bottom", 6)
    for note in table.notes:
        document.add_paragraph(note, style=NOTE)


def word_width(table: Printed) -> float:
    """[pt] Width in which no number breaks, and no word of a text."""
    return sum(_least(table))


def _least(table: Printed) -> list[float]:
    """[pt] Least width of each column: its longest number, or its longest word."""
    widths = []
    for place, (side, column) in enumerate(zip(table.align, _columns(table), strict=True)):
        is_text = side == "left"
        cells = max(
            (_longest(cell, LABEL_BREAKS) if is_text else _digits(cell) for cell in column),
            default=0.0,
        )
        head = BOLD * _longest(together(table.columns[place]), BREAKS)
        widths.append(CHARACTER * max(cells * PLAIN, head) + GUTTER)
    widths[0] += _set_in(table)
    at = 0
    for text, n in table.spanners or ():
        # No word over a column breaks either.
        lacking = CHARACTER * BOLD * _longest(text, BREAKS) + GUTTER - sum(widths[at : at + n])
        for place in range(at, at + n):
            widths[place] += max(0.0, lacking) / n
        at += n
    return widths


def _set_in(table: Printed) -> float:
    """[pt] How far the rows that are set in furthest are."""
    return POINTS * max(table.indents, default=0)


def _columns(table: Printed) -> list[tuple[str, ...]]:
    """The cells of each column, with the blanks that align them."""
    return list(zip(*table.aligned(), strict=True)) or [()] * len(table.columns)


def together(heading: str) -> str:
    """Keep what stands in brackets on one line, as the n of a group.

    Examples
    --------
    >>> together("Women (n = 1,020)").split(" ")
    ['Women', '(n\\xa0=\\xa01,020)']
    """
    return SHORT.sub(lambda found: found[0].replace(" ", "\u00a0"), heading)


def _longest(text: str, breaks: re.Pattern[str]) -> float:
    """Width of the longest word of a text in digits."""
    return max(min(_digits(word), 24) for word in breaks.split(text))


def _digits(text: str) -> float:
    """Width of a text in digits."""
    return sum(map(_width, text)) + len(BETWEEN_SCRIPTS.findall(text))


def _width(character: str) -> float:
    if ord(character) > FIRST_WIDE:
        return 2.0
    for width, characters in WIDTHS.items():
        if character in characters:
            return width
    return 1.4 if character.isupper() else 0.95 if character.islower() else 1.0


def word_widths(table: Printed, room: float) -> list[float]:
    """[pt] Widths of the columns: the least, and texts share what is left by what they hold."""
    least = _least(table)
    before = [_set_in(table), *[0.0] * (len(least) - 1)]
    wanted = [
        max(low, CHARACTER * PLAIN * max(map(_digits, column), default=0.0) + GUTTER + space)
        if side == "left"
        else low
        for low, side, column, space in zip(
            least, table.align, _columns(table), before, strict=True
        )
    ]
    spare, lacking = room - sum(least), [w - low for w, low in zip(wanted, least, strict=True)]
    share = min(1.0, max(0.0, spare) / sum(lacking)) if sum(lacking) else 0.0
    widths = [low + share * more for low, more in zip(least, lacking, strict=True)]
    return [width * min(1.0, room / sum(widths)) for width in widths]


def _lines(table: Printed) -> list[tuple[str, int, tuple[str, ...]]]:
    """Rows with their indents, and a row of its own before each section: its text, no cells."""
    lines: list[tuple[str, int, tuple[str, ...]]] = []
    before = ""
    for section, indent, row in zip(table.sections, table.indents, table.aligned(), strict=True):
        if section and section != before:
            lines.append((section, 0, ()))
        lines.append(("", indent, row))
        before = section
    return lines


def _write_head(grid: Any, table: Printed, widths: Sequence[float]) -> None:
    if table.spanners:
        at = 0
        for text, n in table.spanners:
            cells = grid.rows[0].cells[at : at + n]
            whole = cells[0].merge(cells[-1]) if n > 1 else cells[0]
            _fill(whole, text, "center", bold=True)
            if text:
                _borders(cells, "bottom", 4)
            at += n
    for cell, text, side, width in zip(
        grid.rows[-1].cells, table.columns, table.align, widths, strict=True
    ):
        _fill(cell, together(text), {"decimal": "center"}.get(side, side), bold=True)
        cell.vertical_alignment = 3
        _set_width(cell, width)


def _write_line(
    grid: Any,
    section: str,
    indent: int,
    cells: Sequence[str],
    table: Printed,
    widths: Sequence[float],
) -> None:
    row = grid.add_row().cells
    if not cells:
        _fill(row[0].merge(row[-1]), section, "left", bold=True, keep=True)
        return
    for place, (cell, text) in enumerate(zip(row, cells, strict=True)):
        side = table.align[place]
        _fill(cell, text, {"decimal": "center"}.get(side, side))
        _set_width(cell, widths[place])
        if place == 0 and indent:
            _indent(cell, indent)


def _fill(cell: Any, text: str, side: str, *, bold: bool = False, keep: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.style = TEXT
    paragraph.alignment = {"left": 0, "center": 1, "right": 2}[side]
    first, *below = text.split("\n")
    paragraph.add_run(first).bold = bold or None
    for line in below:
        paragraph.add_run().add_break()
        paragraph.add_run(line).font.size = int((POINTS - 1) * EMU)
    if keep:
        paragraph.paragraph_format.keep_with_next = True


def _indent(cell: Any, steps: int) -> None:
    from docx.shared import Pt

    cell.paragraphs[0].paragraph_format.left_indent = Pt(steps * POINTS)


def _set_width(cell: Any, points: float) -> None:
    cell.width = int(points * EMU)


def _caption(document: Any, title: str, number: int | None) -> None:
    """A caption that Word numbers itself, so that tables may be moved and put together."""
    paragraph = document.add_paragraph(style="Caption")
    paragraph.paragraph_format.keep_with_next = True
    paragraph.add_run(said("Table") + ("" if language() == "zh" else "\u00a0"))
    if number is None:
        _field(paragraph, "SEQ Table \\* ARABIC", "1")
    else:
        paragraph.add_run(str(number))
    paragraph.add_run(said(". {title}", title=title))


def _field(paragraph: Any, code: str, shown: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = shown
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def _row_property(row: Any, name: str) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _keep_together(grid: Any) -> None:
    for row in list(grid.rows)[:-1]:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = True


def _borders(cells: Sequence[Any], edge: str, eighths: int) -> None:
    for cell in cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = _child(properties, "w:tcBorders")
        _line(borders, edge, eighths)


def _child(parent: Any, name: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    found = parent.find(qn(name))
    if found is None:
        found = OxmlElement(name)
        parent.append(found)
    return found


def _line(parent: Any, edge: str, eighths: int) -> None:
    from docx.oxml.ns import qn

    line = _child(parent, f"w:{edge}")
    for key, value in {"val": "single", "sz": str(eighths), "space": "0", "color": "auto"}.items():
        line.set(qn(f"w:{key}"), value)


def _page(docx: Any, document: Any, *, landscape: bool) -> None:
    section = document.sections[-1]
    short, long = docx.shared.Mm(210), docx.shared.Mm(297)
    section.orientation = int(landscape)
    section.page_width, section.page_height = (long, short) if landscape else (short, long)
    for margin in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, margin, docx.shared.Mm(MARGIN))


def _styles(document: Any) -> None:
    """Styles of their own, which an author can change for all tables at once."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Pt, RGBColor

    if STYLE in [style.name for style in document.styles]:
        return
    text = document.styles.add_style(TEXT, WD_STYLE_TYPE.PARAGRAPH)
    note = document.styles.add_style(NOTE, WD_STYLE_TYPE.PARAGRAPH)
    for style, size, after in ((text, POINTS, 0.5), (note, POINTS - 1, 1.0)):
        _font(style, size)
        form = style.paragraph_format
        form.space_before, form.space_after, form.line_spacing = Pt(0.5), Pt(after), 1.0
    caption = document.styles["Caption"]
    _font(caption, POINTS + 1)
    caption.font.color.rgb, caption.font.bold = RGBColor(0, 0, 0), True
    caption.paragraph_format.space_after = Pt(4)
    _table_style(document.styles.add_style(STYLE, WD_STYLE_TYPE.TABLE))


def _font(style: Any, points: float) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style.font.name, style.font.size = LATIN, Pt(points)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), CHINESE)
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)


def _table_style(style: Any) -> None:
    """Rules above and below, no other lines; the rule under the head is the head's own."""
    from docx.oxml.ns import qn

    properties = _child(style.element, "w:tblPr")
    borders = _child(properties, "w:tblBorders")
    for edge in ("top", "bottom"):
        _line(borders, edge, 12)
    margins = _child(properties, "w:tblCellMar")
    for edge in ("left", "right"):
        margin = _child(margins, f"w:{edge}")
        margin.set(qn("w:w"), "80")
        margin.set(qn("w:type"), "dxa")
