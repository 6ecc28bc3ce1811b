"""Do centres differ once people's ages and sexes are the same? Before and after a correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from osteo_epi.calibration.correct import DONE, joined_key
from osteo_epi.calibration.correction import Correction
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError
from osteo_epi.frames import enter

Floats = NDArray[np.float64]
TEN_YEARS = 10.0


@dataclass(frozen=True, eq=False)
class Differences:
    """Adjusted mean differences of devices from one of them, and the test that all are nought."""

    table: pl.DataFrame
    column: str
    reference: str
    f: float
    df: tuple[int, float]
    p: float
    largest: float
    n: int
    method: str

    def to_frame(self) -> pl.DataFrame:
        """One row a device: device, n, difference, se, lower, upper."""
        return self.table

    def _repr_html_(self) -> str:
        notes = (
            f"{self.method}; n = {self.n:,}. All differences nought: F = {self.f:.3g} on "
            f"{self.df[0]} and {self.df[1]:.0f} degrees of freedom, p = {self.p:.3g}.",
        )
        caption = f"{self.column}, difference from {self.reference}"
        return html_table(self.table, caption=caption, notes=notes)


def between_devices(
    people: Any,
    *,
    column: str,
    reference: str,
    by: Sequence[str] = ("device",),
    correction: Correction | None = None,
    confidence: float = 0.95,
) -> Differences:
    """Mean differences between devices (centres) among people of the same age and sex.

    Parameters
    ----------
    people
        A frame of any kind with age [years], sex, the columns of `by` and the reading.
    column
        The reading.
    reference
        The device that others are compared with, its `by` values joined by " · ".
    by
        Columns that make a device.
    correction
        The correction that the readings went through: its uncertainty is added to the
        differences' own.
    confidence
        Of the intervals.

    Returns
    -------
    Differences

    Raises
    ------
    SchemaError
        Columns missing, no such device, or a correction that these readings did not go through.

    Notes
    -----
    Least squares on device and, within each sex, age to the third power (the cubic of the Chinese
    survey, Zeng 2019), complete rows. Differences that remain may be people's own: centres draw
    from different regions. Sampling weights are not used.
    """
    frame = enter(people)[0].lazy()
    there = frame.collect_schema().names()
    absent = [name for name in ("age", "sex", column, *by) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; there are {there}")
    if (correction is not None) != (DONE in there):
        raise SchemaError(
            f"correction= has to be the one that the readings went through; they "
            f"{'were' if DONE in there else 'were not'} corrected ({DONE!r})"
        )
    key = joined_key(by).alias("_device")
    rows = frame.select(key, "age", pl.col("sex").cast(pl.String), column).drop_nulls().collect()
    names = sorted(rows["_device"].unique().to_list())
    if reference not in names:
        raise SchemaError(f"no device {reference!r} among those with readings; there are {names}")
    others = [name for name in names if name != reference]
    fit = _fit(rows, others, column)
    covariance = fit.covariance[: len(others), : len(others)]
    method = "least squares on device, sex and cubic age by sex"
    if correction is not None:
        covariance = covariance + _calibration(rows, [reference, *others], column, correction)
        method += "; with the uncertainty of the correction"
    return _differences(fit, covariance, rows, others, (column, reference, method), confidence)


@dataclass(frozen=True)
class _Fit:
    beta: Floats
    covariance: Floats
    df: int


def _fit(rows: pl.DataFrame, others: list[str], column: str) -> _Fit:
    """Devices first among the columns, so that their block of the covariance is the first."""
    age = (rows["age"].to_numpy() - rows["age"].mean()) / TEN_YEARS  # type: ignore[operator]
    device = rows["_device"].to_numpy()
    parts = [(device == name).astype(float) for name in others]
    for sex in sorted(rows["sex"].unique().to_list()):
        mine = (rows["sex"] == sex).cast(pl.Float64).to_numpy()
        parts += [mine * age**power for power in range(4)]
    design, y = np.column_stack(parts), rows[column].cast(pl.Float64).to_numpy()
    df = len(y) - design.shape[1]
    if df < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        raise SchemaError(
            f"{len(y)} people are too few, or too alike in age, for a cubic in age by sex and "
            f"{len(others) + 1} devices"
        )
    beta = np.linalg.solve(design.T @ design, design.T @ y)
    variance = float(((y - design @ beta) ** 2).sum()) / df
    return _Fit(beta, variance * np.linalg.inv(design.T @ design), df)


def _calibration(
    rows: pl.DataFrame, names: list[str], column: str, correction: Correction
) -> Floats:
    """Covariance of differences of means that comes from the correction, at each device's mean."""
    means = dict(rows.group_by("_device").agg(pl.col(column).mean()).iter_rows())
    jacobian = np.zeros((len(names), 2 * len(correction.keys)))
    for row, name in enumerate(names):
        place = correction.names.index(name)
        shift, factor = correction.coefficients[place]
        jacobian[row, 2 * place : 2 * place + 2] = 1.0, (means[name] - shift) / factor
    apart = jacobian[1:] - jacobian[0]
    return apart @ correction.covariance @ apart.T


def _differences(
    fit: _Fit,
    covariance: Floats,
    rows: pl.DataFrame,
    others: list[str],
    words: tuple[str, str, str],
    confidence: float,
) -> Differences:
    column, reference, method = words
    difference = fit.beta[: len(others)]
    se = np.sqrt(np.diag(covariance))
    reach = stats.t.ppf((1 + confidence) / 2, fit.df) * se
    n = dict(rows.group_by("_device").len().iter_rows())
    table = pl.DataFrame(
        {
            "device": others,
            "n": [n[name] for name in others],
            "difference": difference,
            "se": se,
            "lower": difference - reach,
            "upper": difference + reach,
        }
    )
    f = float(difference @ np.linalg.solve(covariance, difference)) / len(others)
    return Differences(
        table=table,
        column=column,
        reference=reference,
        f=f,
        df=(len(others), fit.df),
        p=float(stats.f.sf(f, len(others), fit.df)),
        largest=float(np.abs(difference).max()),
        n=len(rows),
        method=method,
    )
