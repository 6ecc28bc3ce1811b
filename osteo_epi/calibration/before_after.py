"""What a correction does to people's readings, device by device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from osteo_epi.calibration.correct import (
    check_devices,
    chosen_columns,
    joined_key,
    with_corrected,
)
from osteo_epi.calibration.correction import Correction
from osteo_epi.calibration.table import html_table
from osteo_epi.frames import enter


@dataclass(frozen=True, eq=False)
class BeforeAfter:
    """Means and SDs of each device's readings before and after, with the mean change's interval."""

    table: pl.DataFrame
    correction: Correction

    def to_frame(self) -> pl.DataFrame:
        """One row a column and device."""
        return self.table

    def _repr_html_(self) -> str:
        notes = (
            "limits of the mean change: the calibration's uncertainty alone",
            *((self.correction.label,) if self.correction.label else ()),
        )
        return html_table(self.table, caption=f"{self.correction}", notes=notes)


def before_after(
    people: Any,
    correction: Correction,
    *,
    columns: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> BeforeAfter:
    """Summarise a correction before it is applied.

    Parameters
    ----------
    people
        The readings as they were made, a frame of any kind.
    correction
        The correction.
    columns
        Readings; by default all that would be corrected.
    confidence
        Of the limits of the mean change.

    Returns
    -------
    BeforeAfter
        For each column and device: n, means and SDs before and after, and the mean change with
        its limits, which hold the uncertainty of the calibration and nothing else.

    Raises
    ------
    SchemaError
        As when the correction is applied.

    Examples
    --------
    >>> from osteo_epi.calibration.correction import correction_between
    >>> from osteo_epi.calibration.ols import least_squares
    >>> line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
    >>> people = pl.DataFrame({"device": ["B", "B"], "abmd_total_hip": [0.9, 1.1]})
    >>> made = before_after(people, correction_between({("B",): line})).to_frame()
    >>> made.select(pl.col("mean_before", "mean_after", "change").round(6)).row(0)
    (1.0, 0.9, -0.1)
    """
    frame, _ = enter(people)
    chosen = chosen_columns(frame, correction, columns)
    check_devices(frame, correction, chosen)
    key = joined_key(correction.by).alias("device")
    both = pl.concat(
        [
            frame.lazy().select(key, *chosen),
            with_corrected(frame, correction, chosen)
            .lazy()
            .select(pl.col(c).alias(f"{c} after") for c in chosen),
        ],
        how="horizontal",
    )
    tables = []
    for name in chosen:
        grouped = both.drop_nulls([name, "device"]).group_by("device")
        table = grouped.agg(*_numbers(name)).sort("device").collect()
        tables.append(_with_limits(table, correction, confidence, name))
    order = ["column", "device", "n", "mean_before", "mean_after", "change", "change_se", "lower"]
    return BeforeAfter(
        pl.concat(tables).select(*order, "upper", "sd_before", "sd_after"), correction
    )


def _numbers(name: str) -> list[pl.Expr]:
    before, after = pl.col(name), pl.col(f"{name} after")
    return [
        pl.len().alias("n"),
        before.mean().alias("mean_before"),
        after.mean().alias("mean_after"),
        before.std().alias("sd_before"),
        after.std().alias("sd_after"),
    ]


def _with_limits(
    table: pl.DataFrame, correction: Correction, confidence: float, name: str
) -> pl.DataFrame:
    """The mean change is shift + (factor − 1) · mean: a line's variance at the mean."""
    means = table["mean_before"].to_numpy()
    blocks = [correction.block(correction.names.index(d)) for d in table["device"]]
    at = np.column_stack([np.ones(len(means)), means])
    se = np.sqrt([max(a @ b @ a, 0.0) for a, b in zip(at, blocks, strict=True)])
    reach = stats.t.ppf((1 + confidence) / 2, correction.df) * se
    change = table["mean_after"].to_numpy() - means
    return table.with_columns(
        pl.lit(name).alias("column"),
        change=pl.Series(change),
        change_se=pl.Series(se),
        lower=pl.Series(change - reach),
        upper=pl.Series(change + reach),
    )
