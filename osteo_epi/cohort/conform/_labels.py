"""Codes whose labels, which statistical packages keep, say that there is no answer."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort.conform._headings import normalise
from osteo_epi.findings import Finding

_NONE = {"none", "nil", "无"}
"""Labels that are an answer as well (0 = None): missing only by another code than 0."""
_SAYS_NOTHING = {
    *("dontknow", "donotknow", "dk", "refusal", "refusedtoanswer", "declined", "noanswer"),
    *("notascertained", "notstated", "notavailable", "notapplicable", "inapplicable", "skipped"),
    *("missingvalue", "systemmissing", "不知道", "不清楚", "拒答", "拒绝回答", "未回答", "无应答"),
    *("不适用", "缺失值", "未填", "拒絕", "拒絕回答", "不明", "無回答", "未記入", "모름", "무응답"),
}


def says_nothing(label: str, code: str = "") -> bool:
    """Whether the label of a code says that the answer is missing.

    >>> says_nothing("Don’t know"), says_nothing("9. Refused / Missing"), says_nothing("Female")
    (True, True, False)
    >>> says_nothing("None", "0"), says_nothing("None", "99")
    (False, True)
    """
    parts = [normalise(part).lstrip("0123456789") for part in label.replace(",", "/").split("/")]
    words = {normalise(word) for word in codebook().missing_words} | _SAYS_NOTHING
    parts = [part for part in parts if part]
    is_zero = code.strip() in ("0", "0.0")
    return bool(parts) and all(p in words and not (is_zero and p in _NONE) for p in parts)


def answered(
    column: pl.Series, labels: dict[str, str], variable: Variable
) -> tuple[pl.Series, dict[str, str], list[Finding]]:
    """A column without the codes whose labels say that there is no answer, and the other labels.

    Parameters
    ----------
    column
        As it came.
    labels
        Code → label.
    variable
        What the column is of.

    Returns
    -------
    tuple
        The column, the labels that are left, and how many cells became null.

    Examples
    --------
    >>> column = pl.Series([1, 2, 9])
    >>> labels = {"1": "male", "2": "female", "9": "Refused"}
    >>> column, labels, findings = answered(column, labels, codebook()["sex"])
    >>> column.to_list(), labels, findings[0].n
    ([1, 2, None], {'1': 'male', '2': 'female'}, 1)
    """
    known = {normalise(word) for word in variable.words}
    codes = [
        code
        for code, label in labels.items()
        if says_nothing(label, code) and normalise(label) not in known
    ]
    if not codes:
        return column, labels, []
    text = column.cast(pl.String, strict=False).str.strip_chars().str.strip_suffix(".0")
    silent = text.is_in(pl.Series(codes).implode()).fill_null(False)
    left = {code: label for code, label in labels.items() if code not in codes}
    n = int(silent.sum())
    message = f"cells whose label in the file says that there is no answer became null: {n}"
    found = [Finding("labelled_missing", "note", variable.name, n, message)] * bool(n)
    return column.set(silent, None), left, found
