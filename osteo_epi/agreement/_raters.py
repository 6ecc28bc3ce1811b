"""Agreement of several raters: Fleiss' kappa, Krippendorff's alpha, Kendall's W of rankings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement._line import PointEstimate, critical_value
from osteo_epi.arguments import one_of
from osteo_epi.errors import SchemaError
from osteo_epi.frames import in_callers_kind, numbers_of, ratings_given
from osteo_epi.results import Result
from osteo_epi.rounding import count, number

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Raters(Result):
    """Agreement of several raters, taken as interchangeable; `by_class` has each class's kappa."""

    fleiss: PointEstimate
    z: float
    p: float
    krippendorff_nominal: float
    krippendorff_ordinal: float
    all_agree: float
    by_class: pl.DataFrame
    n: int
    raters: int
    n_missing: int
    confidence: float

    def to_polars(self) -> pl.DataFrame:
        """One row per statistic; Fleiss' kappa has an interval."""
        names = ("krippendorff_nominal", "krippendorff_ordinal", "all_agree")
        rows = [{"statistic": "fleiss", **self.fleiss.as_row()}]
        rows += [{"statistic": k, "estimate": getattr(self, k)} for k in names]
        frame = pl.DataFrame(rows)
        keep = ("n", "raters", "n_missing", "confidence")
        return frame.with_columns(pl.lit(getattr(self, k)).alias(k) for k in keep)

    def _summary(self) -> str:
        return f"Fleiss' kappa {self.fleiss}, {self.raters} raters, n = {count(self.n)}"


@in_callers_kind
def raters(
    ratings: Any, *, columns: Sequence[str] | None = None, confidence: float = 0.95
) -> Raters:
    """Agreement of m raters on the classes of n people.

    Parameters
    ----------
    ratings
        Numeric classes, shape (n people, m raters), or a frame; people with a missing rating are
        left out and counted.
    columns
        Of a frame, one a rater; all by default.
    confidence
        Of the interval of Fleiss' kappa (standard error under chance, as DescTools).

    Returns
    -------
    Raters

    Raises
    ------
    SchemaError
        Another shape, or fewer than three people with all ratings and two classes among them.

    Notes
    -----
    Fleiss 1971, doi 10.1037/h0031619; Krippendorff 2004. irr::kripp.alpha forgets to
    divide by m − 1 with more than two raters, so its value differs from the analytic one here.

    Examples
    --------
    >>> result = raters([[0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0]])
    >>> round(result.fleiss.estimate, 4)
    0.4444
    """
    from scipy import stats

    values = _ratings(ratings, columns)
    complete = ~np.isnan(values).any(axis=1)
    values = values[complete]
    classes = np.unique(values)
    if len(classes) < 2 or len(values) < 3:
        raise SchemaError(
            f"{len(values)} people with all ratings in {len(classes)} classes: at least three "
            "people and two classes are needed"
        )
    counts = (values[:, :, None] == classes).sum(axis=1).astype(float)
    n, m = values.shape
    share = counts.sum(axis=0) / (n * m)
    agreement = (counts * (counts - 1)).sum() / (n * m * (m - 1))
    chance = float((share**2).sum())
    fleiss, se = (agreement - chance) / (1 - chance), _fleiss_error(share, n, m)
    z = critical_value(confidence)
    return Raters(
        fleiss=PointEstimate.symmetric(fleiss, se, z * se),
        z=fleiss / se,
        p=float(2 * stats.norm.sf(abs(fleiss / se))),
        krippendorff_nominal=krippendorff(values, level="nominal"),
        krippendorff_ordinal=krippendorff(values, level="ordinal"),
        all_agree=float((counts == m).any(axis=1).mean()),
        by_class=_by_class(counts, share, classes),
        n=n,
        raters=m,
        n_missing=int((~complete).sum()),
        confidence=confidence,
    )


def krippendorff(
    ratings: Any,
    *,
    level: Literal["nominal", "ordinal", "interval"],
    columns: Sequence[str] | None = None,
) -> float:
    """Krippendorff's alpha; missing ratings (NaN) are allowed. `ratings` as in `raters`.

    Raises SchemaError where the people with two ratings at least hold fewer than two classes.

    Examples
    --------
    >>> round(krippendorff([[1, 1], [2, 2], [1, 2], [2, 2], [1, 1]], level="nominal"), 4)
    0.64
    """
    one_of(level, "level", ("nominal", "ordinal", "interval"))
    values = _ratings(ratings, columns)
    values = values[(~np.isnan(values)).sum(axis=1) > 1]
    classes = np.unique(values[~np.isnan(values)])
    if len(classes) < 2:
        raise SchemaError(
            f"{len(values)} people with two ratings or more, in {len(classes)} classes: alpha "
            "needs two classes; report the observed agreement"
        )
    counts = (values[:, :, None] == classes).sum(axis=1).astype(float)
    size = counts.sum(axis=1)
    pairs = np.einsum("ic,ik->ick", counts, counts) - np.einsum(
        "ic,ck->ick", counts, np.eye(len(classes))
    )
    coincidence = (pairs / (size - 1)[:, None, None]).sum(axis=0)
    margin = coincidence.sum(axis=0)
    distance = _distance(classes, margin, level)
    expected = (np.outer(margin, margin) * distance).sum() / (margin.sum() - 1)
    return float(1 - (coincidence * distance).sum() / expected)


@dataclass(frozen=True, repr=False)
class KendallW(Result):
    """Kendall's coefficient of concordance of rankings, corrected for ties."""

    no_figure = "is one number without limits, with its p: they are in to_frame()"

    w: float
    chi2: float
    df: int
    p: float

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self._by_name()])

    def _summary(self) -> str:
        return f"W = {number(self.w)}, p = {number(self.p, digits=3)}"


@in_callers_kind
def kendall_w(ratings: Any, *, columns: Sequence[str] | None = None) -> KendallW:
    """Concordance of the rankings of n people by m raters; shape (n, m), complete, or a frame.

    Raises SchemaError for fewer than two people, missing ratings, or raters who rank nobody apart.

    Examples
    --------
    >>> kendall_w([[1, 1], [2, 2], [3, 3]]).w
    1.0
    """
    from scipy import stats

    values = _ratings(ratings, columns)
    n, m = values.shape
    gaps = int(np.isnan(values).any(axis=1).sum())
    if n < 2 or gaps or (np.ptp(values, axis=0) == 0).all():
        raise SchemaError(
            f"{n} people, {gaps} of them with a missing rating: rankings need two people at least, "
            "all ratings, and a rater who tells people apart; leave people without a rating out"
        )
    ranks = stats.rankdata(values, axis=0)
    ties = [np.unique(column, return_counts=True)[1] for column in values.T]
    loss = m * sum(float((t**3 - t).sum()) for t in ties)
    spread = ((ranks.sum(axis=1) - m * (n + 1) / 2) ** 2).sum()
    w = float(12 * spread / (m**2 * (n**3 - n) - loss))
    chi2 = m * (n - 1) * w
    return KendallW(w, chi2, n - 1, float(stats.chi2.sf(chi2, n - 1)))


def _ratings(ratings: Any, columns: Sequence[str] | None = None) -> Floats:
    values = numbers_of(ratings_given(ratings, columns), "ratings")
    if values.ndim != 2 or values.shape[1] < 2:
        raise SchemaError("ratings need the shape (people, raters) with at least two raters")
    return values


def _fleiss_error(share: Floats, n: int, m: int) -> float:
    """Fleiss, Nee & Landis 1979: standard error under chance."""
    spread = share * (1 - share)
    inner = spread.sum() ** 2 - (spread * (1 - 2 * share)).sum()
    return math.sqrt(2 * inner / (n * m * (m - 1))) / float(spread.sum())


def _by_class(counts: Floats, share: Floats, classes: Floats) -> pl.DataFrame:
    """Kappa of each class against all others."""
    from scipy import stats

    n, m = len(counts), counts[0].sum()
    spread = share * (1 - share)
    value = 1 - (counts * (m - counts)).sum(axis=0) / (n * m * (m - 1) * spread)
    z = value / math.sqrt(2 / (n * m * (m - 1)))
    return pl.DataFrame({"class": classes, "kappa": value, "z": z, "p": 2 * stats.norm.sf(abs(z))})


def _distance(classes: Floats, margin: Floats, level: str) -> Floats:
    if level == "nominal":
        return 1 - np.eye(len(classes))
    # Ordinal: how many ratings lie between two classes, half of each of the two counted.
    place = classes if level == "interval" else np.cumsum(margin) - margin / 2
    return np.subtract.outer(place, place) ** 2
