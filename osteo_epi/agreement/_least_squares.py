"""Least squares of one method on another: right only where the reference has no error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement._line import Line, as_covariance, coefficients
from osteo_epi.agreement._pairs import Missing, Pairs, paired, readings_of
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind, numbers_of
from osteo_epi.results import Result
from osteo_epi.rounding import number

Floats = NDArray[np.float64]


@in_callers_kind
def least_squares(
    *data: Any,
    x: Column = None,
    y: Column = None,
    proportional: bool = False,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit y on x by ordinary or weighted least squares.

    Parameters
    ----------
    *data, x, y
        Readings of the reference (taken as free of error, e.g. a phantom's nominal values) and of
        the other method, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    proportional
        The scatter grows in proportion to the reference: weights 1/x².
    confidence
        Of the Student intervals on n − 2 degrees of freedom.
    missing
        See `paired`.

    Returns
    -------
    Line

    Notes
    -----
    With error in both methods the slope is drawn towards zero (by the reliability of x): use
    `deming` or `passing_bablok` there. Same as mcr's LinReg and WLinReg.

    Examples
    --------
    >>> line = least_squares([0.5, 1.0, 1.5], [0.52, 1.01, 1.52])
    >>> round(line.slope.estimate, 6), round(line.intercept.estimate, 6)
    (1.0, 0.016667)
    """
    from statsmodels.regression.linear_model import WLS

    pairs = paired(*data, x=x, y=y, missing=missing)
    weights = _weights(pairs, proportional=proportional)
    fit = WLS(pairs.y, np.column_stack([np.ones(pairs.n), pairs.x]), weights).fit()
    covariance, df = fit.cov_params(), pairs.n - 2
    intercept, slope = coefficients(fit.params, covariance, df=df, confidence=confidence)
    return Line(
        method="least squares, weights 1/x²" if proportional else "least squares",
        interval="analytic",
        intercept=intercept,
        slope=slope,
        covariance=as_covariance(covariance),
        n=pairs.n,
        n_missing=pairs.n_missing,
        df=df,
        confidence=confidence,
        residual_sd=float(np.sqrt(fit.scale)),
        error_model="proportional" if proportional else "constant",
        x_range=(float(pairs.x.min()), float(pairs.x.max())),
        notes=("takes the reference as free of error",),
        weights=weights,
    )


@dataclass(frozen=True, repr=False)
class Linearity(Result):
    """Lack-of-fit test of a line: whether level means stray from it more than repeats explain.

    `largest` is the largest distance of a level's mean from the line, in the unit of the reading;
    a tiny one may be significant with many repeats. `f` and `p` are None with two levels, where
    any two means lie on a line.
    """

    no_figure = (
        "is a test with one p: line.plot(x=…, y=…) shows whether readings leave the line; "
        "its numbers are in to_frame()"
    )

    f: float | None
    df_fit: int
    df_repeats: int
    p: float | None
    largest: float
    sd_repeats: float

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        floats = dict.fromkeys(("f", "p"), pl.Float64)
        return pl.DataFrame([self._by_name()], schema_overrides=floats)

    def _summary(self) -> str:
        test = f"F = {number(self.f, digits=3)} on {self.df_fit} and {self.df_repeats}"
        return f"lack of fit: {test}, p = {number(self.p, digits=3)}"


@in_callers_kind
def lack_of_fit(*data: Any, line: Line, x: Column = None, y: Column = None) -> Linearity:
    """Test a least-squares line against the repeats at each level of x.

    Parameters
    ----------
    *data, x, y
        Levels (nominal densities) and readings, shape (n,); some level is read at least twice.
        They come first, or a frame comes first and `x` and `y` name its columns.
    line
        Fitted to the same readings without weights.

    Returns
    -------
    Linearity
        F on (levels − 2, n − levels) degrees of freedom.

    Raises
    ------
    SchemaError
        If no level was read twice.

    Notes
    -----
    Fisher 1922; e.g. Draper & Smith 1998, Applied Regression Analysis, section 2.1.

    Examples
    --------
    >>> from osteo_epi.agreement import least_squares
    >>> x, y = [1, 1, 2, 2, 3, 3], [1.0, 1.2, 2.0, 2.2, 3.5, 3.7]
    >>> test = lack_of_fit(x, y, line=least_squares(x, y))
    >>> round(test.f, 6), test.df_fit, test.df_repeats
    (4.166667, 1, 3)
    """
    given = map(numbers_of, readings_of(data, x=x, y=y), ("x", "y"))
    nominal, readings = given
    levels, place, counts = np.unique(nominal, return_inverse=True, return_counts=True)
    df_repeats = len(readings) - len(levels)
    if df_repeats == 0:
        raise SchemaError(
            "no level was read twice: whether a line is enough cannot be told from single readings"
        )
    means = np.bincount(place, readings) / counts
    away = means - line.at(levels)
    variance = float(((readings - means[place]) ** 2).sum()) / df_repeats
    df_fit = len(levels) - 2
    largest = float(np.abs(away).max())
    if df_fit == 0:
        return Linearity(None, 0, df_repeats, None, largest, variance**0.5)
    from scipy import stats

    f = float(counts @ away**2) / df_fit / variance if variance else float("inf")
    p = float(stats.f.sf(f, df_fit, df_repeats))
    return Linearity(f, df_fit, df_repeats, p, largest, variance**0.5)


def _weights(pairs: Pairs, *, proportional: bool) -> Floats:
    if not proportional:
        return np.ones(pairs.n)
    if (pairs.x <= 0).any():
        raise SchemaError(
            f"{int((pairs.x <= 0).sum())} of {pairs.n} reference readings are not positive: "
            "scatter in proportion to the reading is not possible; use proportional=False"
        )
    return 1 / pairs.x**2
