"""Categories out of words and codes: sex, yes and no, fracture site and the like.

A word is read; a bare number is read only where somebody declared it: the caller, the heading
(性别(1男2女)), the value labels of a statistical file, or a source of known coding. Sex coded 1 and
2 means opposite things in different files.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from osteo_epi.cohort.codebook import Variable
from osteo_epi.cohort.findings import Finding
from osteo_epi.cohort.headings import normalise
from osteo_epi.cohort.numbers import half_width, is_missing_word
from osteo_epi.errors import SchemaError

_MANY = 0.5  # distinct values a row, above which a table of them saves nothing


def texts(column: pl.Series, keep: Collection[str] = ()) -> pl.Series:
    """Any column as trimmed text: whole numbers without a point, missing words as null.

    `keep` are words (normalised) that mean something here though they mean missing elsewhere,
    such as "none" for a trauma. Each distinct value is worked on once.
    """
    if column.dtype.is_float():
        whole = (column == column.round(0)).fill_null(False).all()
        column = column.fill_nan(None).cast(pl.Int64) if whole else column
    given = column.cast(pl.String)
    if given.dtype == pl.String and given.n_unique() > _MANY * len(given):
        return _plain(given, keep)
    distinct = given.unique().drop_nulls()
    return given.replace_strict(distinct, _plain(distinct, keep), return_dtype=pl.String)


def _plain(distinct: pl.Series, keep: Collection[str]) -> pl.Series:
    plain = half_width(distinct).str.replace(r"^(-?\d+)\.0+$", "${1}")
    missing = is_missing_word(plain).fill_null(False)
    if keep and missing.any():
        kept = [normalise(text) in keep for text in plain.filter(missing)]
        missing = missing.scatter(missing.arg_true(), [not k for k in kept])
    return plain.set(missing, None)


def to_categories(
    column: pl.Series, variable: Variable, *, heading: str, coding: dict[str, str] | None = None
) -> tuple[pl.Series, list[Finding]]:
    """Read a column of words or declared codes.

    Parameters
    ----------
    column
        The file's column.
    variable
        A category or a boolean of the codebook.
    heading
        The file's heading, for the messages.
    coding
        Code → word, where it was declared.

    Returns
    -------
    tuple
        The column in the variable's type, and findings.

    Raises
    ------
    SchemaError
        If codes need a declaration, or nothing is understood.

    Examples
    --------
    >>> from osteo_epi.cohort.codebook import codebook
    >>> sex = codebook()["sex"]
    >>> to_categories(pl.Series(["男", "女士", "F", None]), sex, heading="性别")[0].to_list()
    ['male', 'female', 'female', None]
    >>> to_categories(pl.Series([1, 2]), sex, heading="性别")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: column '性别': codes 1, 2 do not say which is which; ...
    """
    given = column.cast(pl.String) if column.dtype == pl.Boolean else column
    words = {normalise(word): value for word, value in variable.words.items()}
    words |= {normalise(category): category for category in variable.categories}
    plain = texts(given, words).alias(variable.name)
    table = _table(plain, words, variable, heading, coding or {})
    result = plain.replace_strict(table, default=None, return_dtype=pl.String)
    lost = int((plain.is_not_null() & result.is_null()).sum())
    if lost and lost == plain.is_not_null().sum():
        raise SchemaError(
            f"column {heading!r}: none of its {lost} values is understood as {variable.name} "
            f"({_expected(variable)}); correct the file, or leave the column out with "
            f"map={{{heading!r}: None}}"
        )
    return _typed(result, variable), _lost(variable, lost)


def _typed(result: pl.Series, variable: Variable) -> pl.Series:
    return result == "true" if variable.kind == "boolean" else result.cast(variable.dtype)


def _table(
    plain: pl.Series,
    words: dict[str, str],
    variable: Variable,
    heading: str,
    coding: dict[str, str],
) -> dict[str, str]:
    """What each distinct text of the column means, the declared codes first."""
    declared = {code: _word(word, words, variable, heading) for code, word in coding.items()}
    known = plain.unique().drop_nulls().to_list()
    found = {t: declared.get(t, words.get(normalise(t))) for t in known}
    codes = sorted(t for t in known if t.lstrip("-").isdigit() and found[t] is None)
    ambiguous = [c for c in codes if c in ("0", "1", "2")]
    if ambiguous and not coding:
        raise SchemaError(_ask(variable, heading, sorted(t for t in known if t.isdigit())))
    if variable.kind == "boolean" and not coding and {"1", "2"} <= set(known):
        raise SchemaError(_ask(variable, heading, ["1", "2"]))
    return {text: value for text, value in found.items() if value is not None}


def _word(word: str, words: dict[str, str], variable: Variable, heading: str) -> str:
    value = words.get(normalise(word))
    if value is None:
        raise SchemaError(
            f"column {heading!r}: its declared coding names {word!r}, which is not understood as "
            f"{variable.name} ({_expected(variable)}); declare the coding in these words"
        )
    return value


def _expected(variable: Variable) -> str:
    return ", ".join(variable.categories) if variable.categories else "yes, no"


def _ask(variable: Variable, heading: str, codes: list[str]) -> str:
    shown = ", ".join(code for code in codes if len(code) == 1)
    if variable.name == "sex":
        example = ", ".join(
            f'"{code}": "{sex}"' for code, sex in zip(codes, ("male", "female"), strict=False)
        )
        how = f"declare them, e.g. sex_coding={{{example}}}"
    else:
        how = (
            f"write them in words ({_expected(variable)}) or state them in the heading, e.g. "
            f"{heading}(1=yes,2=no)"
        )
    return f"column {heading!r}: codes {shown} do not say which is which; {how}"


def _lost(variable: Variable, lost: int) -> list[Finding]:
    if not lost:
        return []
    return [
        Finding(
            "not_understood",
            "error" if variable.name == "sex" else "warning",
            variable.name,
            lost,
            f"values not understood as {variable.name}, now null: {lost}",
            f"write them as {_expected(variable)}, or declare their coding",
        )
    ]
