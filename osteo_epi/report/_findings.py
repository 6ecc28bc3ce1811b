"""Whom a reference leaves without a class, said among the findings beside the faults of data."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort import Cohort
from osteo_epi.diagnosis import Definition, explain
from osteo_epi.findings import Finding

CODES = ("reference_lacks_sex", "reference_lacks_region")


def reference_findings(people: Cohort, definition: Definition) -> tuple[Finding, ...]:
    """Count the classified people whom the young-adult reference could not score.

    Examples
    --------
    >>> from osteo_epi.diagnosis import classify, definition
    >>> rules = definition("china_2020", reference="zhang_2007")
    >>> man = Cohort.from_frame(pl.DataFrame({
    ...     "age": [66.0], "sex": ["male"], "abmd_lumbar_spine": [0.9],
    ...     "abmd_femoral_neck": [0.8], "abmd_total_hip": [0.9]}))
    >>> print(reference_findings(classify(man, rules), rules)[0].message)
    the young-adult reference holds no values for this sex (zhang_2007): 1 not classifiable
    """
    found = []
    for code in CODES:
        where = pl.col("bone_class_reason").str.starts_with(code).fill_null(False)
        n = int(people.frame.select(where.sum()).item())
        if n:
            said = f"{explain(code)} ({definition.reference.id}): {n:,} not classifiable"
            fix = "choose a reference that holds them, or leave them out of the population by name"
            found.append(Finding(code, "warning", "bone_class", n, said, fix, where))
    return tuple(found)
