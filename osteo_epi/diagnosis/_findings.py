"""What a classification shows that its reader has to know: counted, with what to do."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from osteo_epi.diagnosis._definition import Definition
from osteo_epi.diagnosis._reasons import explain
from osteo_epi.findings import Finding, rows_where

UNSCORED = ("reference_lacks_sex", "reference_lacks_region")


def classification_findings(frame: pl.DataFrame, definition: Definition) -> tuple[Finding, ...]:
    """Say of classified people what the definition could not judge or had to assume.

    Parameters
    ----------
    frame
        Classified people, see `classify`; of a cohort it adds these findings by itself.
    definition
        The definition that classified them.

    Examples
    --------
    >>> from osteo_epi.diagnosis import classify, definition
    >>> rules = definition("china_2020", reference="zhang_2007")
    >>> man = pl.DataFrame({
    ...     "age": [66.0], "sex": ["male"], "abmd_lumbar_spine": [0.9],
    ...     "abmd_femoral_neck": [0.8], "abmd_total_hip": [0.9]})
    >>> print(classification_findings(classify(man, rules), rules)[0].message)
    the young-adult reference holds no values for this sex (zhang_2007): 1 not classifiable
    """
    parts = (_reference,)
    return tuple(finding for part in parts for finding in part(frame, definition))


def _reference(frame: pl.DataFrame, definition: Definition) -> Iterator[Finding]:
    """People whom the young-adult reference could not score."""
    for code in UNSCORED:
        where = pl.col("bone_class_reason").str.starts_with(code)
        n = rows_where(frame, where)
        if n:
            message = f"{explain(code)} ({definition.reference.id}): {n:,} not classifiable"
            fix = "choose a reference that holds them, or leave them out of the population by name"
            yield Finding(code, "warning", "bone_class", n, message, fix, where)
