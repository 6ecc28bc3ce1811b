"""Do centres differ once people's ages and sexes are the same? Before and after a correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors as cs

from osteo_epi.agreement import critical_value
from osteo_epi.calibration._correction import (
    DONE,
    Correction,
    check_devices,
    chosen_columns,
    corrected_rows,
    joined_key,
    with_corrected,
)
from osteo_epi.cohort import refuse_errors
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, as_polars, in_callers_kind, on_people, refuse_words
from osteo_epi.results import Result
from osteo_epi.rounding import count, number
from osteo_epi.summation import moments

Floats = NDArray[np.float64]
TEN_YEARS = 10.0


@dataclass(frozen=True, repr=False, eq=False)
class Differences(Result):
    """Adjusted mean differences of devices from one of them, and the test that all are zero."""

    table: pl.DataFrame
    column: str
    reference: str
    f: float
    df: tuple[int, int]
    p: float
    largest: float
    n: int
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row a device: device, n, difference, se, lower, upper."""
        return self.table

    def _repr_html_(self) -> str:
        f, p = number(self.f, digits=3), number(self.p, digits=3)
        test = f"All differences zero: F = {f} on {self.df[0]} and {self.df[1]} degrees of freedom"
        notes = (f"{self.method}; n = {count(self.n)}. {test}, p = {p}.",)
        return self._shown(self.table, caption=self._summary(), notes=notes)

    def _summary(self) -> str:
        return f"{self.column}, difference from {self.reference}"


@on_people("column")
def between_devices(
    people: Any = None,
    *,
    column: Column,
    reference: str,
    by: Sequence[str] = ("device",),
    correction: Correction | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
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
    accept_errors
        Compare although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    Differences

    Raises
    ------
    SchemaError
        Columns missing, no such device, a correction that these readings did not go through, or
        a cohort with errors that nobody accepted.

    Notes
    -----
    Least squares on device and, within each sex, age to the third power (the cubic of the Chinese
    survey, Zeng 2019), complete rows. Differences that remain may be people's own: centres draw
    from different regions. Sampling weights are not used.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> people = oe.simulate(3_000, seed=1, devices="seven_centres")
    >>> differences = between_devices(people, column="abmd_total_hip", reference="lunar_1")
    >>> differences.to_frame().select("device", "n", "difference").row(5)
    ('lunar_7', 261, -0.0447...)
    """
    frame = as_polars(people)[0].lazy()
    read = frame.select(cs.by_name("age", "sex", column, require_all=False))
    people = refuse_errors(people, accept_errors=accept_errors, frame=read)
    there = frame.collect_schema().names()
    absent = [name for name in ("age", "sex", column, *by) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; there are {there}")
    refuse_words(frame.collect_schema(), ("age", column), purpose="a comparison of devices")
    done = corrected_rows(frame, [column])
    if done and done[0] < done[1]:
        raise SchemaError(
            f"column {DONE} holds a value in {done[0]:,} of {done[1]:,} rows with {column}: "
            "devices are compared when all readings are corrected, or none"
        )
    if (correction is not None) != bool(done):
        raise SchemaError(
            f"correction= has to be the one that the readings went through; they "
            f"{'were' if done else 'were not'} corrected ({DONE!r})"
        )
    key = joined_key(by).alias("_device")
    rows = frame.select(key, "age", pl.col("sex").cast(pl.String), column).drop_nulls().collect()
    names = sorted(rows["_device"].unique().to_list())
    if reference not in names:
        raise SchemaError(f"no device {reference!r} among those with readings; there are {names}")
    others = [name for name in names if name != reference]
    fit = _fit(rows, others, column)
    covariance = fit.cov_params()[: len(others), : len(others)]
    method = "least squares on device, sex and cubic age by sex"
    if correction is not None:
        covariance = covariance + _calibration(rows, [reference, *others], column, correction)
        method += "; with the uncertainty of the correction"
    return _differences(fit, covariance, rows, others, (column, reference, method), confidence)


@dataclass(frozen=True, repr=False, eq=False)
class BeforeAfter(Result):
    """Means and SDs of each device's readings before and after, with the mean change's interval."""

    table: pl.DataFrame
    correction: Correction

    def to_polars(self) -> pl.DataFrame:
        """One row a column and device."""
        return self.table

    def _repr_html_(self) -> str:
        notes = (
            "limits of the mean change: the calibration's uncertainty alone",
            *filter(None, (self.correction.label,)),
        )
        return self._shown(self.table, caption=self._summary(), notes=notes)

    def _summary(self) -> str:
        return f"{self.correction}"


@in_callers_kind
def before_after(
    people: Any,
    correction: Correction,
    *,
    columns: Sequence[str] | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
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
    accept_errors
        Summarise although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    BeforeAfter
        For each column and device: n, means and SDs before and after, and the mean change with
        its limits, which hold the uncertainty of the calibration and nothing else.

    Raises
    ------
    SchemaError
        As when the correction is applied, or if a cohort carries errors that nobody accepted.

    Examples
    --------
    >>> from osteo_epi.calibration import correction_between
    >>> from osteo_epi.agreement import least_squares
    >>> line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
    >>> people = pl.DataFrame({"device": ["B", "B"], "abmd_total_hip": [0.9, 1.1]})
    >>> table = before_after(people, correction_between({("B",): line})).to_frame()
    >>> table.select(pl.col("mean_before", "mean_after", "change").round(6)).row(0)
    (1.0, 0.9, -0.1)
    """
    people = refuse_errors(people, accept_errors=accept_errors)
    frame, _ = as_polars(people)
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
        table = _numbers(both.drop_nulls([name, "device"]), name)
        tables.append(_with_limits(table, correction, confidence, name))
    order = ["column", "device", "n", "mean_before", "mean_after", "change", "change_se", "lower"]
    return BeforeAfter(
        pl.concat(tables).select(*order, "upper", "sd_before", "sd_after"), correction
    )


def _fit(rows: pl.DataFrame, others: list[str], column: str) -> Any:
    """Devices first among the columns, so that their block of the covariance is the first."""
    from statsmodels.regression.linear_model import OLS

    age = (rows["age"].to_numpy() - rows["age"].mean()) / TEN_YEARS  # type: ignore[operator]
    device = rows["_device"].to_numpy()
    parts = [(device == name).astype(float) for name in others]
    for sex in sorted(rows["sex"].unique().to_list()):
        of_sex = (rows["sex"] == sex).cast(pl.Float64).to_numpy()
        parts += [of_sex * age**power for power in range(4)]
    design, y = np.column_stack(parts), rows[column].cast(pl.Float64).to_numpy()
    if len(y) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        raise SchemaError(
            f"{len(y)} people are too few, or too alike in age, for a cubic in age by sex and "
            f"{len(others) + 1} devices"
        )
    return OLS(y, design).fit()


def _calibration(
    rows: pl.DataFrame, names: list[str], column: str, correction: Correction
) -> Floats:
    """Covariance of differences of means that comes from the correction, at each device's mean."""
    means = dict(moments(rows, ["_device"], column).select("_device", "mean").iter_rows())
    jacobian = np.zeros((len(names), 2 * len(correction.keys)))
    for row, name in enumerate(names):
        place = correction.names.index(name)
        shift, factor = correction.coefficients[place]
        jacobian[row, 2 * place : 2 * place + 2] = 1.0, (means[name] - shift) / factor
    apart = jacobian[1:] - jacobian[0]
    return apart @ correction.covariance @ apart.T


def _differences(
    fit: Any,
    covariance: Floats,
    rows: pl.DataFrame,
    others: list[str],
    names: tuple[str, str, str],
    confidence: float,
) -> Differences:
    from scipy import stats

    column, reference, method = names
    difference = fit.params[: len(others)]
    se = np.sqrt(np.diag(covariance))
    df = int(fit.df_resid)
    reach = critical_value(confidence, df) * se
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
        df=(len(others), df),
        p=float(stats.f.sf(f, len(others), df)),
        largest=float(np.abs(difference).max()),
        n=len(rows),
        method=method,
    )


def _numbers(both: pl.LazyFrame, name: str) -> pl.DataFrame:
    """Number, means and SDs of each device's people, before and after."""
    parts = [
        moments(both, ["device"], column).select(
            "device",
            "n",
            pl.col("mean").alias(f"mean_{when}"),
            pl.when(pl.col("n") > 1)
            .then((pl.col("squares") / (pl.col("n") - 1)).sqrt())
            .alias(f"sd_{when}"),
        )
        for when, column in (("before", name), ("after", f"{name} after"))
    ]
    return parts[0].join(parts[1].drop("n"), on="device").sort("device")


def _with_limits(
    table: pl.DataFrame, correction: Correction, confidence: float, name: str
) -> pl.DataFrame:
    """The mean change is shift + (factor − 1) · mean: a line's variance at the mean."""
    means = table["mean_before"].to_numpy()
    blocks = [correction.block(correction.names.index(d)) for d in table["device"]]
    at = np.column_stack([np.ones(len(means)), means])
    se = np.sqrt([max(a @ b @ a, 0.0) for a, b in zip(at, blocks, strict=True)])
    reach = critical_value(confidence, correction.df) * se
    change = table["mean_after"].to_numpy() - means
    return table.with_columns(
        pl.lit(name).alias("column"),
        change=pl.Series(change),
        change_se=pl.Series(se),
        lower=pl.Series(change - reach),
        upper=pl.Series(change + reach),
    )
