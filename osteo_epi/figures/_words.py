"""Words on a figure: broken into lines, and no name of the data too strange to stand there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from textwrap import fill
from unicodedata import east_asian_width

from osteo_epi.language import said
from osteo_epi.rounding import MISSING, p_value
from osteo_epi.visible import visible

TIE = "\N{NO-BREAK SPACE}"
TIED = re.compile(
    r"(?<=\d) (?=\()|(?<=\d) to (?=[\d−])|(?<=[<>≤≥]) |(?<=\bn) (?=\d)|(?<=\bgrade) (?=[A-Z]\b)"
)
"""Blanks at which no line ends: before limits and within, after a sign, and within n 900."""
PARTS = re.compile(
    "[（《“]*(?:[\u2e80-\u9fff\uf900-\ufaff]|[^ \u2e80-\u9fff\uf900-\ufaff（《“，。、；：）》”]+)"
    "[，。、；：）》”]* *| +|."
)
"""What stays in one line: a word, or a Chinese character, with the marks that belong to it."""
NAME = 28
"""Letters of a line of a name in a legend or at a tick."""
MOST_LINES = 3
MOST_SPOKEN = 6
"""Rows that a sentence about a figure names."""
LONGEST = 90
"""Letters of a line across a figure."""
# A legend leaves out what begins with an underscore; nobody sees this blank of no width.
_GUARD = "\N{ZERO WIDTH SPACE}"


def legible(name: object, *, letters: int = NAME, most: int = MOST_LINES) -> str:
    """Make a name of the data fit for a legend or a tick.

    Parameters
    ----------
    name
        A level or the name of a column, whatever is in it.
    letters, most
        Letters of a line, and lines; what is longer ends in "…".

    Examples
    --------
    >>> legible("$20,000-$44,999"), legible(" "), legible("two\\nlines")
    ('$20,000-$44,999', '(empty)', 'two lines')
    >>> legible("_low").endswith("_low"), legible("_low").startswith("_")
    (True, False)
    """
    text = " ".join(visible(name).split()) or "(empty)"
    lines = in_lines(text, letters).split("\n")
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: letters - 1] + "…"]
    return ("" if lines[0][0] != "_" else _GUARD) + "\n".join(lines)


def fitted(text: str, *, letters: int = LONGEST) -> str:
    """Break what would run out of the figure; lines that fit stay.

    Examples
    --------
    >>> fitted("a title"), fitted("x" * 500).count("\\n")
    ('a title', 2)
    """
    lines = [line if width(line) <= letters else legible(line, letters=letters)
             for line in visible(text).split("\n")]  # fmt: skip
    return "\n".join(lines)


def in_lines(text: str, letters: int) -> str:
    """Break a label into lines: a long code at its underscores, and no number from its limits.

    Examples
    --------
    >>> in_lines("vbmd_lumbar_spine_of_device: AUC 0.78 (0.73 to 0.83)", 20).splitlines()
    ['vbmd_lumbar_spine_', 'of_device: AUC', '0.78 (0.73 to 0.83)']
    """
    tied = TIED.sub(lambda found: found[0].replace(" ", TIE), visible(text))
    parted = re.sub(rf"\S{{{letters + 1},}}", lambda m: m[0].replace("_", "_ "), tied)
    return "\n".join(
        line.replace("_ ", "_").replace(TIE, " ") for line in filled(parted, letters).split("\n")
    )


def filled(text: str, letters: int) -> str:
    """Break a text into lines of so many letters; Chinese breaks between any two characters.

    Examples
    --------
    >>> filled("one two three", 8).split("\\n"), filled("腰椎骨密度，女性", 6).split("\\n")
    (['one two', 'three'], ['腰椎骨', '密度，', '女性'])
    """
    if width(text) == len(text):
        return fill(text, letters)
    lines = [""]
    for part in PARTS.findall(text):
        if width(lines[-1] + part.rstrip(" ")) > letters and lines[-1].strip():
            lines.append(part)
        else:
            lines[-1] += part
    return "\n".join(line.strip(" ") for line in lines)


def columns_of(labels: list[str], *, letters: int = LONGEST) -> int:
    """Columns of a legend that is as wide as a figure, of so many letters.

    Examples
    --------
    >>> columns_of(["Women", "Men"]), columns_of(["Women and men"] * 6, letters=60)
    (2, 3)
    """
    widest = max((width(line) for label in labels for line in label.split("\n")), default=1)
    most = max(1, min(len(labels), letters // (widest + 5)))
    rows = -(-len(labels) // most)
    return -(-len(labels) // rows) if labels else 1


def width(text: str) -> int:
    """How many letters wide a text is; a Chinese character is as wide as two.

    Examples
    --------
    >>> width("BMD"), width("骨密度")
    (3, 6)
    """
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def listed(parts: Iterable[str]) -> str:
    """Parts of a sentence one after the other, with the marks of the language.

    Examples
    --------
    >>> listed(["women: 31%", "men: 6%"])
    'women: 31%; men: 6%'
    """
    return said("; ").join(parts)


def briefly(parts: Sequence[str]) -> str:
    """The first of many rows one after the other, and how many more there are.

    Examples
    --------
    >>> briefly(["a"] * 7)[-4:], briefly(["a"] * 9)[-20:]
    ('a; a', '; and 3 further rows')
    """
    rest = len(parts) - MOST_SPOKEN
    # One further row is spoken of sooner than counted.
    if rest <= 1:
        return listed(parts)
    return listed(parts[:MOST_SPOKEN]) + said("; and {n} further rows", n=rest)


def joined(*parts: str) -> str:
    """Parts of a name or a label, one after the other.

    Examples
    --------
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     joined("全髋", "女性")
    '全髋，女性'
    """
    return (
        said("{first}, {second}", first=parts[0], second=joined(*parts[1:]))
        if len(parts) > 1
        else parts[0]
    )


def unbroken(text: str) -> str:
    """A text in one line again; Chinese has no blank where a line ended.

    Examples
    --------
    >>> unbroken("one\\ntwo"), unbroken("百分\\n点")
    ('one two', '百分点')
    """
    return re.sub(r"(?<=[\u2e80-\uffef])\n|\n(?=[\u2e80-\uffef])", "", text).replace("\n", " ")


def with_limits(estimate: str, lower: str, upper: str) -> str:
    """An estimate with its limits, alone where one is missing.

    Examples
    --------
    >>> with_limits("0.75", "0.60", "0.90"), with_limits("0.75", "–", "–")
    ('0.75 (0.60 to 0.90)', '0.75')
    """
    if MISSING in (lower, upper):
        return estimate
    return said("{estimate} ({lower} to {upper})", estimate=estimate, lower=lower, upper=upper)


def limits_said(text: str) -> str:
    """An estimate with limits, as a result writes it, in the language spoken.

    Examples
    --------
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     limits_said("0.75 (-0.40 to 1.11)")
    '0.75（−0.40～1.11）'
    """
    found = re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", text.replace("-", "−"))
    if found is None:
        return text.replace("-", "−")
    return with_limits(*found.groups())


def method_said(name: str) -> str:
    """How an interval was made, in words.

    Examples
    --------
    >>> method_said("jackknife"), method_said("of our own")
    ('jackknife', 'of our own')
    """
    words = {
        "exact": said("exact"),
        "approximate": said("approximate"),
        "analytic": said("analytic"),
        "jackknife": said("jackknife"),
        "bootstrap": said("bootstrap"),
        "ranks": said("ranks"),
    }
    return words.get(name, name)


def line_said(method: str) -> str:
    """What a line between two methods is called; one that bears names keeps them.

    Examples
    --------
    >>> line_said("least squares"), line_said("Deming")
    ('least squares', 'Deming')
    """
    words = {
        "least squares": said("least squares"),
        "least squares, weights 1/x²": said("least squares, weights 1/x²"),
        "weighted Deming": said("weighted Deming"),
        "mixed model for repeated scans (REML)": said("mixed model for repeated scans (REML)"),
    }
    return words.get(method, method)


def p_text(p: float) -> str:
    """A p-value as a journal prints it.

    Examples
    --------
    >>> p_text(0.0021), p_text(1e-9)
    ('p = 0.002', 'p < 0.001')
    """
    text = p_value(p)
    return f"p {text[0]} {text[1:]}" if text[0] in "<>" else f"p = {text}"
