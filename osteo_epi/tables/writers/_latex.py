"""A journal table as LaTeX: a longtable with booktabs rules, its head on every page."""

from __future__ import annotations

from osteo_epi.tables.writers._printed import Printed
from osteo_epi.tables.writers._word import (
    LANDSCAPE,
    PORTRAIT,
    together,
    word_width,
    word_widths,
)

SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "×": r"\ensuremath{\times}",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "·": r"\textperiodcentered{}",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
    "’": "'",
    "\u2007": r"\phantom{0}",
    "\u2008": r"\phantom{.}",
    "\u00a0": "~",
    "\n": " ",
}
PACKAGES = (
    "% \\usepackage{{array,booktabs,longtable{more}}}; with Chinese also \\usepackage{{ctex}}"
)
WIDER = 1.15
"""How much wider Computer Modern at eight points sets a number than Word its nine, measured with
a table of means ± SD that pdflatex compiled: narrower, and the SD went into a line of its own."""
_SIDES = {"left": "raggedright", "right": "raggedleft", "decimal": "centering"}


def escaped(text: str) -> str:
    """Write a text so that LaTeX prints it as it stands.

    Examples
    --------
    >>> print(escaped("5 % & T ≤ −2.5"))
    5 \\% \\& T \\ensuremath{\\leq} \\ensuremath{-}2.5
    """
    return "".join(SPECIAL.get(character, character) for character in text)


def latex(table: Printed) -> str:
    """Write a longtable; `PACKAGES` stand in its first line, and a wide one lies on its side."""
    lies = WIDER * word_width(table) > PORTRAIT
    begin, end = ("\\begin{landscape}\n", "\\end{landscape}\n") if lies else ("", "")
    head = "\n".join([r"\toprule", *_head(table), r"\midrule"])
    width = len(table.columns)
    caption = f"\\caption{{{escaped(table.title)}}}\\\\\n" if table.title else ""
    notes = "\\par\n".join(escaped(note) for note in table.notes)
    return (
        f"{PACKAGES.format(more=',pdflscape' if lies else '')}\n"
        f"{begin}{{\\footnotesize\\setlength{{\\tabcolsep}}{{4pt}}\n"
        f"\\begin{{longtable}}{{{_columns(table, LANDSCAPE if lies else PORTRAIT)}}}\n"
        f"{caption}{head}\n\\endfirsthead\n{head}\n\\endhead\n"
        f"\\bottomrule\n\\endfoot\n"
        + "\n".join(_body(table, width))
        + "\n\\end{longtable}\n"
        + (f"\\setlength{{\\parindent}}{{0pt}}\n{notes}\\par\n" if notes else "")
        + f"}}\n{end}"
    )


def _columns(table: Printed, room: float) -> str:
    """Columns that break headings and texts, as wide as in Word for the wider letters."""
    widths = [WIDER * width for width in word_widths(table, room / WIDER)]
    return "".join(
        f">{{\\{_SIDES[side]}\\arraybackslash}}"
        f"p{{\\dimexpr {width / room:.3f}\\linewidth-2\\tabcolsep\\relax}}"
        for width, side in zip(widths, table.align, strict=True)
    )


def _head(table: Printed) -> list[str]:
    lines = []
    if table.spanners:
        cells, rules, at = [], [], 1
        for text, n in table.spanners:
            cells.append(f"\\multicolumn{{{n}}}{{c}}{{{escaped(text)}}}")
            if text:
                rules.append(f"\\cmidrule(lr){{{at}-{at + n - 1}}}")
            at += n
        lines += [" & ".join(cells) + r" \\", "".join(rules)]
    return [*lines, " & ".join(map(_heading, table.columns)) + r" \\"]


def _heading(text: str) -> str:
    return escaped(together(text))


def _body(table: Printed, width: int) -> list[str]:
    lines: list[str] = []
    before = ""
    for section, indent, row in zip(table.sections, table.indents, table.aligned(), strict=True):
        if section and section != before:
            space = r"\addlinespace" + "\n" if lines else ""
            heading = f"\\multicolumn{{{width}}}{{l}}{{\\textbf{{{escaped(section)}}}}}"
            lines.append(space + heading + r" \\*")
        before = section
        first = r"\quad " * indent + escaped(row[0])
        # A bracket or star at the start of a line is an option to the end of the line before.
        guard = "{}" if first[:1] in ("[", "*") else ""
        lines.append(" & ".join([guard + first, *map(escaped, row[1:])]) + r" \\")
    return lines
