"""Intraclass correlation, all six forms of Shrout & Fleiss with the intervals of McGraw & Wong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]

MEANING = {
    "ICC1": "one way, single rating",
    "ICC2": "two way random, absolute agreement, single rating",
    "ICC3": "two way mixed, consistency, single rating",
    "ICC1k": "one way, mean of k ratings",
    "ICC2k": "two way random, absolute agreement, mean of k ratings",
    "ICC3k": "two way mixed, consistency, mean of k ratings",
}


@dataclass(frozen=True)
class IntraclassForm:
    """One form: estimate, interval, and the F test of no differences between people.

    `df_interval` are Satterthwaite's degrees of freedom behind the interval of ICC2 and ICC2k;
    irr also tests with them.
    """

    form: str
    meaning: str
    estimate: float
    lower: float
    upper: float
    f: float
    df1: float
    df2: float
    p: float
    df_interval: float | None = None


@dataclass(frozen=True)
class Intraclass:
    """The six forms for one table of ratings; index by name."""

    forms: tuple[IntraclassForm, ...]
    n: int
    raters: int
    n_missing: int
    confidence: float

    def __getitem__(self, form: str) -> IntraclassForm:
        return next(f for f in self.forms if f.form == form)

    def to_frame(self) -> pl.DataFrame:
        """One row per form."""
        frame = pl.DataFrame([vars(f) for f in self.forms])
        names = ("n", "raters", "n_missing", "confidence")
        return frame.with_columns(pl.lit(getattr(self, k)).alias(k) for k in names)

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption="intraclass correlation")


@dataclass(frozen=True)
class _Squares:
    rows: float
    columns: float
    error: float
    within: float
    n: int
    k: int


def intraclass(
    ratings: ArrayLike, *, average_agreement: str = "spearman_brown", confidence: float = 0.95
) -> Intraclass:
    """Intraclass correlations of k ratings of n people.

    Parameters
    ----------
    ratings
        Shape (n people, k raters, devices or repeats). People with a missing rating are left out
        and counted.
    average_agreement
        Interval of ICC2k: `"spearman_brown"` turns that of ICC2 (psych, DescTools), `"mcgraw_wong"`
        takes the degrees of freedom at ICC2k itself (irr).
    confidence
        Of the intervals.

    Returns
    -------
    Intraclass

    Notes
    -----
    Shrout & Fleiss 1979, doi 10.1037/0033-2909.86.2.420; McGraw & Wong 1996, doi
    10.1037/1082-989X.1.1.30. Name the form: ICC3 forgives a constant bias between devices, ICC2
    does not. The size depends on how widely the people differ.

    Examples
    --------
    >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8],
    ...          [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> round(intraclass(table)["ICC2"].estimate, 2)
    0.29
    """
    values = np.asarray(ratings, float)
    if values.ndim != 2 or values.shape[1] < 2:
        raise SchemaError("ratings need the shape (people, raters) with at least two raters")
    complete = ~np.isnan(values).any(axis=1)
    squares = _squares(values[complete])
    forms = [*_plain(squares, confidence), *_agreement(squares, average_agreement, confidence)]
    order = list(MEANING)
    forms.sort(key=lambda f: order.index(f.form))
    return Intraclass(tuple(forms), squares.n, squares.k, int((~complete).sum()), confidence)


def _squares(values: Floats) -> _Squares:
    n, k = values.shape
    if n < 3:
        raise SchemaError(f"{n} people with all {k} ratings, at least three are needed")
    if np.ptp(values) == 0:
        raise SchemaError(f"constant readings: all ratings of {n} people are equal")
    rows = k * values.mean(axis=1).var(ddof=1)
    columns = n * values.mean(axis=0).var(ddof=1)
    within = float(values.var(axis=1, ddof=1).mean())
    total = values.var(ddof=1) * (n * k - 1)
    error = (total - rows * (n - 1) - columns * (k - 1)) / ((n - 1) * (k - 1))
    return _Squares(float(rows), float(columns), float(error), within, n, k)


def _plain(s: _Squares, confidence: float) -> list[IntraclassForm]:
    """ICC1, ICC3 and their means of k: one mean square of error each."""
    out = []
    for name, error, df in (
        ("ICC1", s.within, s.n * (s.k - 1)),
        ("ICC3", s.error, (s.n - 1) * (s.k - 1)),
    ):
        f = s.rows / error
        p = float(stats.f.sf(f, s.n - 1, df))
        low = f / stats.f.ppf((1 + confidence) / 2, s.n - 1, df)
        high = f * stats.f.ppf((1 + confidence) / 2, df, s.n - 1)
        single = [(v - 1) / (v + s.k - 1) for v in (f, low, high)]
        mean = [1 - 1 / v for v in (f, low, high)]
        for form, values in ((name, single), (name + "k", mean)):
            est, lower, upper = (float(v) for v in values)
            out.append(IntraclassForm(form, MEANING[form], est, lower, upper, f, s.n - 1, df, p))
    return out


def _agreement(s: _Squares, average: str, confidence: float) -> list[IntraclassForm]:
    """ICC2 and ICC2k, whose interval needs Satterthwaite's degrees of freedom."""
    bias = s.columns - s.error
    single = (s.rows - s.error) / (s.rows + (s.k - 1) * s.error + s.k * bias / s.n)
    mean = (s.rows - s.error) / (s.rows + bias / s.n)
    low, high, df_single = _bounds(s, single, confidence)
    at_mean = _bounds(s, mean if average == "mcgraw_wong" else single, confidence)
    mean_low, mean_high = (_step_up(v, s.k) for v in at_mean[:2])
    f, df = s.rows / s.error, (s.n - 1) * (s.k - 1)
    test = (f, s.n - 1, df, float(stats.f.sf(f, s.n - 1, df)))
    return [
        IntraclassForm("ICC2", MEANING["ICC2"], single, low, high, *test, df_single),
        IntraclassForm("ICC2k", MEANING["ICC2k"], mean, mean_low, mean_high, *test, at_mean[2]),
    ]


def satterthwaite(columns: float, error: float, n: int, k: int, icc: float) -> float:
    """Degrees of freedom of the error of absolute agreement, at a value of the ICC."""
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    parts = (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    return (a * columns + b * error) ** 2 / parts


def _bounds(s: _Squares, icc: float, confidence: float) -> tuple[float, float, float]:
    df = satterthwaite(s.columns, s.error, s.n, s.k, icc)
    low = stats.f.ppf((1 + confidence) / 2, s.n - 1, df)
    high = stats.f.ppf((1 + confidence) / 2, df, s.n - 1)
    noise = s.k * s.columns + (s.k * s.n - s.k - s.n) * s.error
    lower = s.n * (s.rows - low * s.error) / (low * noise + s.n * s.rows)
    upper = s.n * (high * s.rows - s.error) / (noise + s.n * high * s.rows)
    return float(lower), float(upper), df


def _step_up(icc: float, k: int) -> float:
    """Spearman–Brown: reliability of the mean of k from that of one."""
    return icc * k / (1 + icc * (k - 1))
