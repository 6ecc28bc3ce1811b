"""What python-docx has no call for: styles in two scripts, fields, links, alternative texts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

LATIN, CHINESE, MONO = "Times New Roman", "SimSun", "Courier New"
LEAD, LABEL, NOTE, QUOTE = "Report lead", "Report label", "Report note", "Report quote"
CODE, PICTURE, REFERENCE = "Report code", "Report picture", "Report reference"
BOX_TITLE, BOX_END = "Report box", "Report box end"
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
INK, WARNING, FAINT = "222222", "7A2C00", "4D4D4D"
MARGIN = 20
"""[mm] Of a page on every side, as of the tables."""
EMU = 12700
"""Units of an office file in a point."""
# Size [pt], colour, bold, space before and after [pt].
LOOKS = {
    "Normal": (10.5, INK, False, 0, 6),
    "Title": (20, INK, True, 0, 4),
    "Subtitle": (10, FAINT, False, 0, 10),
    "Heading 1": (14, INK, True, 18, 6),
    "Heading 2": (11.5, INK, True, 12, 4),
    "Caption": (9.5, INK, True, 6, 4),
    LEAD: (12, INK, False, 0, 8),
    LABEL: (10.5, WARNING, True, 4, 8),
    NOTE: (8.5, FAINT, False, 0, 4),
    QUOTE: (10.5, INK, False, 4, 8),
    CODE: (8.5, INK, False, 2, 6),
    PICTURE: (10.5, INK, False, 8, 0),
    REFERENCE: (9.5, INK, False, 0, 4),
    BOX_TITLE: (10.5, INK, True, 10, 4),
    BOX_END: (4, INK, False, 0, 8),
}


def set_up(file: Any, *, language: str, label: str) -> None:
    """Give an empty file its page, its styles, and what stands on every page."""
    _page(file)
    _styles(file, LANGUAGES[language])
    section = file.sections[0]
    if label:
        header = section.header.paragraphs[0]
        header.style, header.alignment = NOTE, 1
        run = header.add_run(label)
        run.bold, run.font.color.rgb = True, _colour(WARNING)
    footer = section.footer.paragraphs[0]
    footer.style, footer.alignment = NOTE, 1
    _field(footer, "PAGE", "1")
    footer.add_run(" / ")
    _field(footer, "NUMPAGES", "1")


def room(file: Any) -> float:
    """[pt] Width of the text on the last page."""
    section = file.sections[-1]
    return float(section.page_width - section.left_margin - section.right_margin) / EMU


def new_section(file: Any, *, landscape: bool) -> None:
    """Go on on a new page that lies or stands."""
    section = file.add_section()
    long, short = sorted((section.page_width, section.page_height), reverse=True)
    section.orientation = int(landscape)
    section.page_width, section.page_height = (long, short) if landscape else (short, long)


def contents(file: Any, titles: Sequence[str]) -> None:
    """The contents as a field that Word makes anew when it is asked to, filled already."""
    for place, title in enumerate(titles, start=1):
        paragraph = file.add_paragraph(style=NOTE)
        paragraph.paragraph_format.space_after = 0
        if place == 1:
            _field_mark(paragraph, "begin")
            _field_code(paragraph, 'TOC \\o "1-1" \\n \\h \\z')
            _field_mark(paragraph, "separate")
        anchored = _element("w:hyperlink", anchor=_bookmark(place), history="1")
        anchored.append(_run(title))
        paragraph._p.append(anchored)
        if place == len(titles):
            _field_mark(paragraph, "end")


def bookmark(paragraph: Any, number: int) -> None:
    """Let the contents point to a heading."""
    start = _element("w:bookmarkStart", id=str(number), name=_bookmark(number))
    paragraph._p.insert(1, start)
    paragraph._p.append(_element("w:bookmarkEnd", id=str(number)))


def spoken(paragraph: Any, language: str) -> None:
    """Say in which language a paragraph is."""
    code = LANGUAGES.get(language, language)
    for run in paragraph.runs:
        run._r.get_or_add_rPr().append(_element("w:lang", val=code, eastAsia=code))


def picture(paragraph: Any, png: bytes, *, inches: float, alt: str) -> None:
    """A picture, and what it shows for those who cannot see it."""
    from docx.shared import Inches

    shape = paragraph.add_run().add_picture(io.BytesIO(png), width=Inches(inches))
    shape._inline.docPr.set("descr", alt)


def link(paragraph: Any, address: str) -> None:
    """An address that can be followed."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml.ns import qn

    place = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    anchored = _element("w:hyperlink", history="1")
    anchored.set(qn("r:id"), place)
    run = _run(address)
    looks = _element("w:rPr")
    looks.append(_element("w:color", val="00558C"))
    run.insert(0, looks)
    anchored.append(run)
    paragraph._p.append(anchored)


def _page(file: Any) -> None:
    from docx.shared import Mm

    section = file.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Mm(MARGIN))


def _styles(file: Any, language: str) -> None:
    from docx.enum.style import WD_STYLE_TYPE

    there = {style.name for style in file.styles}
    for name, looks in LOOKS.items():
        if name not in there:
            file.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        _look(file.styles[name], *looks)
    _frame(file.styles[LABEL], "A33B00", ("top", "left", "bottom", "right"), fill="FFF4EC")
    _frame(file.styles[QUOTE], "0072B2", ("left",), fill="F5F9FC")
    _frame(file.styles[CODE], "", (), fill="F6F6F6")
    _frame(file.styles[BOX_TITLE], "8A8A8A", ("top",))
    _frame(file.styles[BOX_END], "8A8A8A", ("bottom",))
    _frame(file.styles["Title"], "", ())
    _fonts(file.styles[CODE], MONO)
    _hang(file.styles[REFERENCE])
    for name in (PICTURE, BOX_TITLE, "Heading 1", "Heading 2"):
        file.styles[name].paragraph_format.keep_with_next = True
    file.styles["Normal"].element.get_or_add_rPr().append(
        _element("w:lang", val=language, eastAsia="zh-CN")
    )


def _look(style: Any, size: float, colour: str, bold: bool, before: float, after: float) -> None:
    from docx.shared import Pt

    _fonts(style, LATIN)
    font, form = style.font, style.paragraph_format
    font.size, font.bold, font.italic = Pt(size), bold, False
    font.color.rgb = _colour(colour)
    form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), 1.15


def _fonts(style: Any, latin: str) -> None:
    """A font for each script; the theme of Word's template has none for Chinese."""
    from docx.oxml.ns import qn

    style.font.name = latin
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), CHINESE)
    fonts.set(qn("w:cs"), latin)
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)


def _frame(style: Any, colour: str, edges: Sequence[str], *, fill: str = "") -> None:
    """Lines round a paragraph, and a ground below it; those of the template go."""
    properties = style.element.get_or_add_pPr()
    for old in properties.findall(_name("w:pBdr")):
        properties.remove(old)
    if edges:
        borders = _element("w:pBdr")
        for edge in edges:
            borders.append(_element(f"w:{edge}", val="single", sz="8", space="4", color=colour))
        properties.insert_element_before(borders, *_AFTER_BORDERS)
    if fill:
        ground = _element("w:shd", val="clear", color="auto", fill=fill)
        properties.insert_element_before(ground, *_AFTER_BORDERS[1:])


# The order of properties that the format prescribes.
_AFTER_BORDERS = (
    *("w:shd", "w:tabs", "w:suppressAutoHyphens", "w:kinsoku", "w:wordWrap", "w:overflowPunct"),
    *("w:topLinePunct", "w:autoSpaceDE", "w:autoSpaceDN", "w:bidi", "w:adjustRightInd"),
    *("w:snapToGrid", "w:spacing", "w:ind", "w:contextualSpacing", "w:mirrorIndents"),
    *("w:suppressOverlap", "w:jc", "w:textDirection", "w:textAlignment", "w:outlineLvl"),
)


def _hang(style: Any) -> None:
    from docx.shared import Pt

    form = style.paragraph_format
    form.left_indent, form.first_line_indent = Pt(20), Pt(-20)
    form.tab_stops.add_tab_stop(Pt(20))


def _colour(code: str) -> Any:
    from docx.shared import RGBColor

    return RGBColor.from_string(code)


def _bookmark(number: int) -> str:
    return f"_Toc{number:08d}"


def _name(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))


def _element(name: str, /, **attributes: str) -> Any:
    from docx.oxml import OxmlElement

    made = OxmlElement(name)
    for key, value in attributes.items():
        made.set(_name(f"w:{key}"), value)
    return made


def _run(text: str) -> Any:
    run, words = _element("w:r"), _element("w:t")
    words.text = text
    run.append(words)
    return run


def _field(paragraph: Any, code: str, shown: str) -> None:
    field = _element("w:fldSimple", instr=code)
    field.append(_run(shown))
    paragraph._p.append(field)


def _field_mark(paragraph: Any, kind: str) -> None:
    paragraph.add_run()._r.append(_element("w:fldChar", fldCharType=kind))


def _field_code(paragraph: Any, code: str) -> None:
    words = _element("w:instrText")
    words.text = f" {code} "
    paragraph.add_run()._r.append(words)
