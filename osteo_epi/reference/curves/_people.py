"""What of the people a curve stands for that are not of one group or one scale: said, not refused.

`fit_reference` and `peaks` refuse scanners that stand together; a single curve may be of a
measurement that needs no scanner, and is the reader's to judge.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from osteo_epi.frames import Frame
from osteo_epi.reference._devices import CORRECTED, DEVICES, device_findings, readings
from osteo_epi.rounding import counted


def mixed_people(frame: Frame, column: str) -> Iterator[str]:
    """Both sexes in one curve, and readings of several scanners uncalibrated.

    Parameters
    ----------
    frame
        The people.
    column
        What the curve is of; people without it do not count.
    """
    schema = frame.collect_schema()
    there = [name for name in ("sex", *DEVICES, CORRECTED) if name in schema]
    known = pl.col(column).is_not_null()
    people = frame.lazy().filter(known).select(pl.col(there).cast(pl.String)).collect()
    if "sex" in there:
        n = people["sex"].value_counts().drop_nulls().sort("sex")
        if len(n) > 1:
            each = " and ".join(f"{counted(k, 'row')} of sex {sex}" for sex, k in n.iter_rows())
            yield (
                f"one curve of both sexes ({each}): it is the distribution of neither; fit each "
                "sex by itself"
            )
    if readings(pl.DataFrame(schema={column: pl.Float64})):
        for finding in device_findings(people):
            if finding.severity == "error":
                yield f"{finding.column}: {finding.message}; {finding.fix}"
