"""Texts that are numbers, and numbers that mean missing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TypeVar

import polars as pl

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort.conform._headings import normalise
from osteo_epi.findings import Finding

V = TypeVar("V", pl.Series, pl.Expr)
_MINUS = r"[\u2010-\u2015\u2212\uFE63\uFF0D]"
_THOUSANDS = r"^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_COMMA = r"^-?\d*,\d+$"
_MOST = 0.5
_MARKED = r"^([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+))\s*([*†‡§#^!~↑↓]{1,3})$"
"""A number and a sign behind it, as reports set one to a value that differs from the last."""
_BOUND = r"^(?:[<>≤≥]|<=|>=)\s*[-+]?[\d.,]+$"
_REMARK = r"^[-+]?[\d.,]+\s*[(\[{].*[)\]}]$"
_CLASS = r"(?i)^\d[\d.]*\s*(?:(?:-|~|to|至|到)\s*\d[\d.]*|\+)\s*\D*$"
"""A class of values, as 50-54 or 85+."""
_BRACKETS = r"^[(]\s*\d[\d.,]*\s*[)]$"
_APART, _BEHIND = r"^-\s+([\d.,]+)$", r"^([\d.,]+)\s*-$"
"""A minus and a blank before the number, and one behind it, as SAP writes."""
_FEWEST_BEHIND = 2
_NEARLY = {"bounds": _BOUND, "remarks": _REMARK, "classes": _CLASS, "brackets": _BRACKETS}
"""Cells that nearly are a number, by how `Numbers` counts them."""


@dataclass(frozen=True)
class Numbers:
    """A column as Float64, with what had to be done to it, in counts of cells."""

    values: pl.Series
    text: pl.Series
    full_width: int = 0
    comma_decimal: int = 0
    missing_words: int = 0
    not_finite: int = 0
    marked: int = 0
    marks: tuple[str, ...] = ()
    bounds: int = 0
    remarks: int = 0
    classes: int = 0
    brackets: int = 0
    minus_behind: int = 0

    @property
    def n_text(self) -> int:
        """Cells that are neither a number nor a word for missing."""
        return int(self.text.sum())


def half_width(column: pl.Series) -> pl.Series:
    """Text in half-width letters and digits, with plain minus signs and no blanks around it.

    >>> half_width(pl.Series(["－２．５", " 0.8 "])).to_list()
    ['-2.5', '0.8']
    """
    if (column.str.len_bytes() == column.str.len_chars()).all():
        return column.str.strip_chars()
    return column.str.normalize("NFKC").str.replace_all(_MINUS, "-").str.strip_chars()


def is_missing_word(column: pl.Series) -> pl.Series:
    """Cells that say "missing" in words (empty, NA, 未测 …)."""
    words = pl.Series(sorted(codebook().missing_words))
    return column.str.to_lowercase().str.strip_chars().is_in(words.implode())


def to_numbers(column: pl.Series, variable: Variable) -> Numbers:
    """Take a column as numbers.

    Parameters
    ----------
    column
        Any type; text is parsed.
    variable
        What it is: its unit may stand in the cells (65岁, 168 cm), and its range tells whether
        1,044 is a comma decimal (ranges below 1000) or a thousand.

    Returns
    -------
    Numbers
        Values in Float64; NaN and infinity are null and counted.

    Examples
    --------
    >>> numbers = to_numbers(pl.Series(["0,858", "０．７１２", "未测", "abc"]),
    ...                      codebook()["abmd_femoral_neck"])
    >>> numbers.values.to_list(), numbers.comma_decimal, numbers.full_width, numbers.n_text
    ([0.858, 0.712, None, None], 1, 1, 1)
    """
    if column.dtype == pl.String or column.dtype in (pl.Categorical, pl.Enum):
        return _from_text(column.cast(pl.String), variable)
    none = pl.repeat(False, len(column), dtype=pl.Boolean, eager=True)
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        return Numbers(
            pl.repeat(None, len(column), dtype=pl.Float64, eager=True), ~column.is_null()
        )
    values, not_finite = _finite(column.cast(pl.Float64))
    return Numbers(values, none, not_finite=not_finite)


def _from_text(column: pl.Series, variable: Variable) -> Numbers:
    """Plain numbers are cast at once; only the cells that are none take the long way."""
    values = column.cast(pl.Float64, strict=False)
    unparsed = column.is_not_null() & values.is_null()
    values, not_finite = _finite(values)
    if not unparsed.any():
        return Numbers(values, unparsed, not_finite=not_finite)
    rows = unparsed.arg_true()
    odd = _odd_cells(column.gather(rows), variable, signed=bool((values < 0).any()))
    text = unparsed.scatter(rows, odd.text)
    values = values.scatter(rows, odd.values)
    return replace(odd, values=values, text=text, not_finite=odd.not_finite + not_finite)


def _odd_cells(column: pl.Series, variable: Variable, *, signed: bool) -> Numbers:
    plain = half_width(column)
    missing = is_missing_word(plain)
    body, marks = _without_marks(plain.set(missing, None))
    body, behind = _minus_before(body, variable, signed=signed)
    body = _without_words(_without_unit(_years(body, variable), variable), variable)
    large = variable.range is None or variable.range[1] >= 1000
    thousands = body.str.contains(_THOUSANDS) & large
    comma = body.str.contains(_COMMA) & ~thousands
    body = _decimal_points(body, comma, thousands)
    cast = body.cast(pl.Float64, strict=False)
    values, not_finite = _finite(cast)
    changed = (plain != column.str.strip_chars()) & values.is_not_null()
    words = int((missing & (plain != "")).sum())
    text = body.is_not_null() & cast.is_null()
    return Numbers(
        values, text, int((changed & marks.is_null()).sum()), int(comma.sum()), words, not_finite,
        marked=marks.count(), marks=tuple(sorted(marks.drop_nulls().unique())),
        minus_behind=int((behind & values.is_not_null()).sum()),
        **{
            kind: int((text & plain.str.contains(form)).sum() or 0)
            for kind, form in _NEARLY.items()
        },
    )  # fmt: skip


def _without_marks(plain: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Cells without a sign behind their number, and the signs; of any other cell null.

    >>> [part.to_list() for part in _without_marks(pl.Series(["0.812*", "0.7", "0.812 (QC)"]))]
    [['0.812', '0.7', '0.812 (QC)'], ['*', None, None]]
    """
    marks = plain.str.extract(_MARKED, 2)
    return plain.str.replace(_MARKED, "${1}"), marks


def _minus_before(
    body: pl.Series, variable: Variable, *, signed: bool
) -> tuple[pl.Series, pl.Series]:
    """Cells with their minus before the number, and where it stood behind.

    Behind it is read only where every negative number of the column is written so: `signed` says
    that some other cell has its minus before.

    >>> score = codebook()["t_score_total_hip_reported"]
    >>> _minus_before(pl.Series(["2.5-", "1,0 -"]), score, signed=False)[0].to_list()
    ['-2.5', '-1,0']
    >>> _minus_before(pl.Series(["- 2.5", "1.0-"]), score, signed=False)[0].to_list()
    ['-2.5', '1.0-']
    """
    if variable.range is None or variable.range[0] >= 0:
        return body, pl.repeat(False, len(body), dtype=pl.Boolean, eager=True)
    behind = body.str.contains(_BEHIND).fill_null(False)
    before = signed or bool(body.str.starts_with("-").any())
    if before or int(behind.sum()) < _FEWEST_BEHIND:
        behind = behind & False
    body = body.str.replace(_APART, "-${1}")
    return body.str.replace(_BEHIND, "-${1}").zip_with(behind, body), behind


def bears(column: pl.Series, marks: Collection[str]) -> pl.Series:
    """Cells whose number one of these signs stands behind, or before: 0.812* and *, <0.5 and <.

    >>> bears(pl.Series(["0.812*", "<0.5", "0.7"]), ["*", "<"]).to_list()
    [True, True, False]
    """
    plain = half_width(column)
    behind = plain.str.extract(_MARKED, 2).is_in(list(marks))
    before = plain.str.extract(r"^([<>≤≥]=?)\s*[-+]?[\d.,]+$", 1).is_in(list(marks))
    return behind.fill_null(False) | before.fill_null(False)


def _decimal_points(body: pl.Series, comma: pl.Series, thousands: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"body": body, "comma": comma, "thousands": thousands})
    return frame.select(
        pl.when("thousands")
        .then(pl.col("body").str.replace_all(",", ""))
        .when("comma")
        .then(pl.col("body").str.replace(",", "."))
        .otherwise("body")
    ).to_series()


def _years(plain: pl.Series, variable: Variable) -> pl.Series:
    """Write an age in years and months (67岁3月, 5y 6m) as the years that it is.

    >>> _years(pl.Series(["67岁3个月", "5y 6m", "5y 13m"]), codebook()["age"]).to_list()
    ['67.25', '5.5', '5y 13m']
    """
    if variable.unit != "years":
        return plain
    years, months = (_ends(unit) for unit in ("years", "months"))
    form = rf"(?i)^(\d{{1,3}})\s*(?:{years})\s*,?\s*(\d{{1,2}})\s*(?:{months}|m)$"
    parts = plain.str.extract_groups(form)
    year, month = (parts.struct[i].cast(pl.Float64) for i in range(2))
    whole = (year + month / 12).set((month >= 12).fill_null(False), None)
    return whole.cast(pl.String).zip_with(whole.is_not_null(), plain)


def _without_unit(plain: pl.Series, variable: Variable) -> pl.Series:
    """Take the variable's own unit off the end of a cell; any other unit stays, and is refused."""
    ends = _ends(variable.unit)
    return plain.str.replace(rf"(?i)^([-+]?[\d.,]+)\s*(?:{ends})$", "${1}") if ends else plain


def _ends(unit: str | None) -> str:
    """The spellings of a unit, as a part of a regular expression; empty of none."""
    spellings = [s for s, name in codebook().units.items() if name == unit]
    return "|".join(s.replace("^", r"\^").replace(".", r"\.") for s in sorted(spellings, key=len))


def _without_words(plain: pl.Series, variable: Variable) -> pl.Series:
    """Write grades that stand in words (轻度, II度) as the numbers that they are."""
    if not variable.words:
        return plain
    numbers = {normalise(word): number for word, number in variable.words.items()}
    distinct = plain.unique().drop_nulls().to_list()
    graded = {text: numbers[normalise(text)] for text in distinct if normalise(text) in numbers}
    return plain.replace(graded) if graded else plain


def _finite(values: pl.Series) -> tuple[pl.Series, int]:
    bad = ~values.is_finite()
    return values.set(bad.fill_null(False), None), int(bad.sum())


def in_range(values: V, variable: Variable, factor: float = 1.0) -> V:
    """Whether values, brought to the canonical unit, can be a living person's."""
    if variable.range is None:
        return values.is_not_null()
    low, high = variable.range
    return (values * factor).is_between(low, high)


def share(mask: pl.Series) -> float:
    """How large a part of the rows is true; none of an empty column."""
    return int(mask.sum() or 0) / len(mask) if len(mask) else 0.0


def without_codes(
    values: pl.Series, variable: Variable, *, factor: float = 1.0, declared: tuple[float, ...] = ()
) -> tuple[pl.Series, dict[float, int]]:
    """Make codes for missing null.

    Declared codes go wherever they stand. The codebook's usual codes go only where they lie
    outside the plausible range, and a positive one only if most other values lie inside: where
    none does, the unit is in doubt, and 999 may be 999 mg/cm².

    Parameters
    ----------
    values
        Numbers, in the unit that they came in.
    variable
        What they are.
    factor
        What brings them to the canonical unit.
    declared
        Codes that the caller named.

    Returns
    -------
    tuple
        The values, and how many cells each code took.

    Examples
    --------
    >>> age = codebook()["age"]
    >>> values, counts = without_codes(pl.Series([61.0, 99.0, 999.0, -9.0, 54.0, 70.0]), age)
    >>> values.to_list(), counts
    ([61.0, 99.0, None, None, 54.0, 70.0], {-9.0: 1, 999.0: 1})
    """
    outside = _outside(variable, factor)
    present = _counts(values, {*declared, *outside})
    if not present:  # as in most columns, which are not looked at again then
        return values, {}
    codes = set(declared) | set(_usual(values, outside, variable, factor))
    counts = {code: n for code, n in present.items() if code in codes}
    if not counts:
        return values, {}
    coded = values.is_in(pl.Series(list(counts)).implode()).fill_null(False)
    return values.set(coded, None), counts


def _counts(values: pl.Series, codes: Collection[float]) -> dict[float, int]:
    """How often each of these codes stands, those that do, in their order."""
    coded = values.is_in(pl.Series(sorted(codes), dtype=pl.Float64).implode())
    if not coded.any():
        return {}
    return dict(sorted(values.filter(coded).value_counts().iter_rows()))


def _outside(variable: Variable, factor: float) -> pl.Series:
    """The usual codes that are no value of the variable."""
    codes = [] if variable.no_codes else codebook().missing_codes
    series = pl.Series(codes, dtype=pl.Float64)
    return series.filter(~in_range(series, variable, factor))


def _usual(values: pl.Series, outside: pl.Series, variable: Variable, factor: float) -> list[float]:
    """Those of them that stand for missing here: positive ones where most others are plausible."""
    uncoded = values.drop_nulls().filter(~values.drop_nulls().is_in(outside.implode()))
    sound = not len(uncoded) or share(in_range(uncoded, variable, factor)) >= _MOST
    return [code for code in outside if sound or code <= 0]


def code_finding(variable: str, counts: dict[float, int]) -> list[Finding]:
    """Say which codes became null, and how often."""
    if not counts:
        return []
    listed = ", ".join(f"{code:g} ({n})" for code, n in counts.items())
    return [
        Finding(
            "missing_code",
            "note",
            variable,
            sum(counts.values()),
            f"codes for missing became null: {listed}",
            "if one of them is a true value, correct the file; other codes are declared with "
            f'missing={{"{variable}": [...]}} (--missing {variable}=...)',
        )
    ]
