"""How closely two readings go together: correlation, concordance, intraclass correlation.

A correlation is an association, never an agreement. Lin's concordance is closeness to the identity
line, not to just any line. Intraclass correlations are all six forms of Shrout & Fleiss with the
intervals of McGraw & Wong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement._line import ROUNDING, PointEstimate, critical_value
from osteo_epi.agreement._pairs import Missing, paired
from osteo_epi.arguments import one_of
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind, numbers_of, ratings_given
from osteo_epi.results import Result
from osteo_epi.rounding import count, number

Floats = NDArray[np.float64]

NOTE = (
    "Association, not agreement: a method that reads twice the other correlates perfectly. "
    "Read the limits of agreement and the line."
)
AVERAGES = ("spearman_brown", "mcgraw_wong")
MEANING = {
    "ICC1": "one way, single rating",
    "ICC2": "two way random, absolute agreement, single rating",
    "ICC3": "two way mixed, consistency, single rating",
    "ICC1k": "one way, mean of k ratings",
    "ICC2k": "two way random, absolute agreement, mean of k ratings",
    "ICC3k": "two way mixed, consistency, mean of k ratings",
}


@dataclass(frozen=True, repr=False)
class Correlation(Result):
    """Pearson's r and R² with intervals, Spearman's rho, Kendall's tau-b."""

    pearson: PointEstimate
    r_squared: PointEstimate
    spearman: float
    kendall: float
    n: int
    n_missing: int
    confidence: float
    note: str = NOTE

    def to_polars(self) -> pl.DataFrame:
        """One row per coefficient."""
        plain = [PointEstimate(v, None, None, None) for v in (self.spearman, self.kendall)]
        names = ("pearson", "r_squared", "spearman", "kendall")
        values = (self.pearson, self.r_squared, *plain)
        rows = [{"statistic": k, **v.as_row()} for k, v in zip(names, values, strict=True)]
        types = dict.fromkeys(("se", "lower", "upper"), pl.Float64)
        frame = pl.DataFrame(rows, schema_overrides=types)
        return frame.with_columns(
            n=pl.lit(self.n), confidence=pl.lit(self.confidence), note=pl.lit(self.note)
        )

    def _repr_html_(self) -> str:
        return self._shown(self.to_polars().drop("note"), caption="correlation", notes=(self.note,))

    def _summary(self) -> str:
        return f"r {self.pearson}, n = {count(self.n)}; association, not agreement"


@in_callers_kind
def correlation(
    *data: Any,
    x: Column = None,
    y: Column = None,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Correlation:
    """Correlate two methods.

    Parameters
    ----------
    *data, x, y
        Readings, shape (n,), n > 3; units may differ.
        They come first, or a frame comes first and `x` and `y` name its columns.
    confidence
        Of the interval after Fisher's transformation; that of R² is its square (from 0 where r's
        interval holds 0).
    missing
        See `paired`.

    Raises
    ------
    SchemaError
        If there are fewer than four pairs, or the pairs have a fault.

    Examples
    --------
    >>> round(correlation([1, 2, 3, 4], [2, 4, 6, 9]).pearson.estimate, 4)
    0.9944
    """
    from scipy import stats

    pairs = paired(*data, x=x, y=y, missing=missing)
    if pairs.n < 4:
        raise SchemaError("the interval of a correlation needs at least four pairs")
    pearson = stats.pearsonr(pairs.x, pairs.y)
    r, (low, high) = float(pearson.statistic), map(float, pearson.confidence_interval(confidence))
    ends = sorted((low**2, high**2))
    return Correlation(
        PointEstimate(r, None, low, high),
        PointEstimate(r**2, None, 0.0 if low <= 0 <= high else ends[0], ends[1]),
        float(stats.spearmanr(pairs.x, pairs.y).statistic),
        float(stats.kendalltau(pairs.x, pairs.y).statistic),
        pairs.n,
        pairs.n_missing,
        confidence,
    )


@dataclass(frozen=True, repr=False)
class Concordance(Result):
    """CCC = Pearson's r × accuracy; accuracy 1 only without shift of scale or location."""

    ccc: PointEstimate
    precision: float
    accuracy: float
    scale_shift: float
    location_shift: float
    interval: str
    n: int
    n_missing: int
    confidence: float

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        names = ("precision", "accuracy", "scale_shift", "location_shift", "interval", "n")
        rest = {name: getattr(self, name) for name in (*names, "n_missing", "confidence")}
        return pl.DataFrame([{**self.ccc.as_row(), **rest}])

    def _repr_html_(self) -> str:
        note = "precision is Pearson's r: high with any straight line, hence no agreement by itself"
        return self._shown(caption="concordance correlation", notes=(note,))

    def _summary(self) -> str:
        return f"CCC {self.ccc}, n = {count(self.n)}"


@in_callers_kind
def concordance(
    *data: Any,
    x: Column = None,
    y: Column = None,
    interval: Literal["z", "asymptotic"] = "z",
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Concordance:
    """Lin's concordance correlation coefficient.

    Parameters
    ----------
    *data, x, y
        Readings of the two methods in one unit, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    interval
        `"z"`: symmetric after Fisher's transformation (default); `"asymptotic"`.
    confidence, missing
        As elsewhere in this room.

    Returns
    -------
    Concordance
        `scale_shift` is sd(y)/sd(x), `location_shift` the difference of means y − x over the
        geometric mean of the SDs.

    Notes
    -----
    Lin 1989, Biometrics 45:255–268, with the variance as corrected in Lin 2000 (56:324–325).
    Variances with divisor n. Its size depends on how widely the people differ: a CCC from a wide
    range does not carry over to a narrow one. Where the two read alike to the last bit, the
    limits are 1 and 1: no difference was seen, which is not to say that there is none.

    Examples
    --------
    >>> round(concordance([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13]).ccc.estimate, 4)
    0.9641
    """
    one_of(interval, "interval", ("z", "asymptotic"))
    pairs = paired(*data, x=x, y=y, missing=missing, same_unit=True)
    n = pairs.n
    sx, sy = pairs.x.std(), pairs.y.std()
    shift = (pairs.y.mean() - pairs.x.mean()) / math.sqrt(sx * sy)
    r = float(np.corrcoef(pairs.x, pairs.y)[0, 1])
    scale = float(sy / sx)
    accuracy = float(2 / (scale + 1 / scale + shift**2))
    ccc = float(r * accuracy)
    if 1 - abs(ccc) <= ROUNDING:
        ccc = math.copysign(1.0, ccc)
    se = _standard_error(ccc, r, accuracy, float(shift), n)
    z = critical_value(confidence)
    if interval == "z" and abs(ccc) < 1:
        centre, reach = math.atanh(ccc), z * se / (1 - ccc**2)
        low, high = math.tanh(centre - reach), math.tanh(centre + reach)
    else:
        low, high = ccc - z * se, ccc + z * se
    return Concordance(
        PointEstimate(ccc, se, low, high),
        r,
        accuracy,
        scale,
        float(shift),
        interval,
        n,
        pairs.n_missing,
        confidence,
    )


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


@dataclass(frozen=True, repr=False)
class Intraclass(Result):
    """The six forms for one table of ratings; index by name."""

    forms: tuple[IntraclassForm, ...]
    n: int
    raters: int
    n_missing: int
    confidence: float

    def __getitem__(self, form: str) -> IntraclassForm:
        return next(f for f in self.forms if f.form == form)

    def to_polars(self) -> pl.DataFrame:
        """One row per form."""
        frame = pl.DataFrame([vars(f) for f in self.forms])
        names = ("n", "raters", "n_missing", "confidence")
        return frame.with_columns(pl.lit(getattr(self, k)).alias(k) for k in names)

    def _summary(self) -> str:
        icc2, icc3 = (number(self[form].estimate) for form in ("ICC2", "ICC3"))
        return f"ICC2 {icc2}, ICC3 {icc3}, {self.raters} ratings of {count(self.n)} people"


@in_callers_kind
def intraclass(
    ratings: Any,
    *,
    columns: Sequence[str] | None = None,
    average_agreement: str = "spearman_brown",
    confidence: float = 0.95,
) -> Intraclass:
    """Intraclass correlations of k ratings of n people.

    Parameters
    ----------
    ratings
        Shape (n people, k raters, devices or repeats), or a frame. People with a missing rating
        are left out and counted.
    columns
        Of a frame, one a rater, device or repeat; all by default.
    average_agreement
        Interval of ICC2k: `"spearman_brown"` turns that of ICC2 (psych, DescTools), `"mcgraw_wong"`
        takes the degrees of freedom at ICC2k itself (irr).
    confidence
        Of the intervals.

    Returns
    -------
    Intraclass
        Of ratings that agree perfectly: 1, with limits 1 to 1 and F infinite (as psych gives, whose
        F is the rounding's). No error was seen to make an interval of; that is no proof of none.

    Raises
    ------
    SchemaError
        Another shape, fewer than three people with all ratings, an unknown `average_agreement`, or
        people whose means are all equal: nothing differs that ratings could agree on.

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
    values = numbers_of(ratings_given(ratings, columns), "ratings")
    if values.ndim != 2 or values.shape[1] < 2:
        raise SchemaError("ratings need the shape (people, raters) with at least two raters")
    if average_agreement not in AVERAGES:
        raise SchemaError(
            f"average_agreement={average_agreement!r}: choose one of {', '.join(AVERAGES)}"
        )
    complete = ~np.isnan(values).any(axis=1)
    squares = _squares(values[complete])
    forms = [*_plain(squares, confidence), *_agreement(squares, average_agreement, confidence)]
    order = list(MEANING)
    forms.sort(key=lambda f: order.index(f.form))
    return Intraclass(tuple(forms), squares.n, squares.k, int((~complete).sum()), confidence)


def _standard_error(ccc: float, r: float, accuracy: float, shift: float, n: int) -> float:
    """Lin's, with accuracy for CCC / r, which holds at r = 0 too."""
    value = (
        (1 - r**2) * accuracy**2 * (1 - ccc**2)
        + 2 * ccc**2 * accuracy * (1 - ccc) * shift**2
        - ccc**2 * accuracy**2 * shift**4 / 2
    )
    return math.sqrt(max(value, 0.0) / (n - 2))


@dataclass(frozen=True)
class _Squares:
    rows: float
    columns: float
    error: float
    within: float
    n: int
    k: int


def _squares(values: Floats) -> _Squares:
    n, k = values.shape
    if n < 3:
        raise SchemaError(f"{n} people with all {k} ratings, at least three are needed")
    if np.ptp(values) == 0:
        raise SchemaError(f"constant readings: all ratings of {n} people are equal")
    least = (ROUNDING * np.abs(values).max()) ** 2
    people, columns = values.mean(axis=1), values.mean(axis=0)
    rest = values - people[:, None] - columns + values.mean()
    squares = (
        k * people.var(ddof=1),
        n * columns.var(ddof=1),
        (rest**2).sum() / ((n - 1) * (k - 1)),
        values.var(axis=1, ddof=1).mean(),
    )
    between, bias, error, within = (0.0 if s <= least else float(s) for s in squares)
    if between == 0:
        raise SchemaError(
            f"the mean ratings of all {n} people are equal: an intraclass correlation needs people "
            "who differ"
        )
    return _Squares(between, bias, error, within, n, k)


def _plain(s: _Squares, confidence: float) -> list[IntraclassForm]:
    """ICC1, ICC3 and their means of k: one mean square of error each."""
    from scipy import stats

    out = []
    for name, error, df in (
        ("ICC1", s.within, s.n * (s.k - 1)),
        ("ICC3", s.error, (s.n - 1) * (s.k - 1)),
    ):
        f = _f(s.rows, error)
        p = float(stats.f.sf(f, s.n - 1, df))
        # The error against the people's mean square: at its estimate, and at the limits of F.
        high, low = _critical_f(confidence, s.n - 1, df), _critical_f(confidence, df, s.n - 1)
        shares = [times * error / s.rows for times in (1.0, high, 1 / low)]
        single = [(1 - v) / (1 + (s.k - 1) * v) for v in shares]
        mean = [1 - v for v in shares]
        for form, values in ((name, single), (name + "k", mean)):
            est, lower, upper = (float(v) for v in values)
            out.append(IntraclassForm(form, MEANING[form], est, lower, upper, f, s.n - 1, df, p))
    return out


def _agreement(s: _Squares, average: str, confidence: float) -> list[IntraclassForm]:
    """ICC2 and ICC2k, whose interval needs Satterthwaite's degrees of freedom."""
    from scipy import stats

    bias = s.columns - s.error
    single = (s.rows - s.error) / (s.rows + (s.k - 1) * s.error + s.k * bias / s.n)
    mean = (s.rows - s.error) / (s.rows + bias / s.n)
    low, high, df_single = _bounds(s, single, confidence)
    at_mean = _bounds(s, mean if average == "mcgraw_wong" else single, confidence)
    mean_low, mean_high = (_step_up(v, s.k) for v in at_mean[:2])
    f, df = _f(s.rows, s.error), (s.n - 1) * (s.k - 1)
    test = (f, s.n - 1, df, float(stats.f.sf(f, s.n - 1, df)))
    return [
        IntraclassForm("ICC2", MEANING["ICC2"], single, low, high, *test, df_single),
        IntraclassForm("ICC2k", MEANING["ICC2k"], mean, mean_low, mean_high, *test, at_mean[2]),
    ]


def _f(rows: float, error: float) -> float:
    return rows / error if error > 0 else math.inf


def _satterthwaite(columns: float, error: float, n: int, k: int, icc: float) -> float:
    """Degrees of freedom of the error of absolute agreement, at a value of the ICC."""
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    parts = (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    return (a * columns + b * error) ** 2 / parts


def _bounds(s: _Squares, icc: float, confidence: float) -> tuple[float, float, float | None]:
    if s.error == s.columns == 0:
        return 1.0, 1.0, None
    df = _satterthwaite(s.columns, s.error, s.n, s.k, icc)
    low, high = _critical_f(confidence, s.n - 1, df), _critical_f(confidence, df, s.n - 1)
    noise = s.k * s.columns + (s.k * s.n - s.k - s.n) * s.error
    lower = s.n * (s.rows - low * s.error) / (low * noise + s.n * s.rows)
    upper = s.n * (high * s.rows - s.error) / (noise + s.n * high * s.rows)
    return float(lower), float(upper), df


def _critical_f(confidence: float, df1: float, df2: float) -> float:
    from scipy import stats

    return float(stats.f.ppf((1 + confidence) / 2, df1, df2))


def _step_up(icc: float, k: int) -> float:
    """Spearman–Brown: reliability of the mean of k from that of one."""
    return icc * k / (1 + icc * (k - 1))
