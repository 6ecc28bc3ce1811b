"""Two one-sided tests: are two methods equivalent within a margin stated beforehand?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import stats

from osteo_epi.calibration.estimate import Estimate, bracketed
from osteo_epi.calibration.pairs import Missing, paired
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError


@dataclass(frozen=True)
class Equivalence:
    """Mean difference y − x with the 1 − 2α interval, and the two one-sided tests."""

    difference: Estimate
    margin: tuple[float, float]
    t_lower: float
    p_lower: float
    t_upper: float
    p_upper: float
    p: float
    equivalent: bool
    alpha: float
    n: int
    n_missing: int

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        row = {**self.difference.as_row(), "margin_lower": self.margin[0]}
        row |= {"margin_upper": self.margin[1]}
        names = ("t_lower", "p_lower", "t_upper", "p_upper", "p", "equivalent", "alpha", "n")
        return pl.DataFrame([row | {k: getattr(self, k) for k in (*names, "n_missing")}])

    def _repr_html_(self) -> str:
        note = (
            "Equivalence of the means; for a single person look at the limits of agreement. "
            "Without equivalence nothing is shown: it is no proof of a difference."
        )
        return html_table(self.to_frame(), caption="equivalence (TOST)", notes=(note,))


def equivalence(
    x: ArrayLike,
    y: ArrayLike,
    *,
    margin: float | tuple[float, float],
    alpha: float = 0.05,
    missing: Missing = "fail",
) -> Equivalence:
    """Test the equivalence of the means of two methods on the same people.

    Parameters
    ----------
    x, y
        Readings in one unit, shape (n,).
    margin
        The difference y − x that does not matter, in the unit of the readings: one number for
        ±margin, or (lower, upper). Stated beforehand; there is no default.
    alpha
        Of each one-sided test.
    missing
        See `pairs.paired`.

    Returns
    -------
    Equivalence
        `p` is the larger of the two; `equivalent` if it is below alpha, which is the same as the
        1 − 2α interval lying within the margin.

    Notes
    -----
    Schuirmann 1987, doi 10.1007/BF01068419.

    Examples
    --------
    >>> result = equivalence([0.8, 0.9, 1.0, 1.1], [0.81, 0.89, 1.0, 1.11], margin=0.03)
    >>> result.equivalent
    True
    """
    pairs = paired(x, y, missing=missing, same_unit=True, varying=False)
    low, high = (-margin, margin) if isinstance(margin, int | float) else margin
    if not low < high:
        raise SchemaError("the margin must be positive, or (lower, upper) with lower < upper")
    differences = pairs.y - pairs.x
    mean, df = float(differences.mean()), pairs.n - 1
    se = float(differences.std(ddof=1) / np.sqrt(pairs.n))
    if se == 0:
        raise SchemaError(
            f"constant readings: all {pairs.n} differences are equal, so there is no error to "
            "test with"
        )
    t_low, t_high = (mean - low) / se, (mean - high) / se
    p_low, p_high = float(stats.t.sf(t_low, df)), float(stats.t.cdf(t_high, df))
    p = max(p_low, p_high)
    reach = float(stats.t.ppf(1 - alpha, df)) * se
    return Equivalence(
        bracketed(mean, se, reach),
        (float(low), float(high)),
        t_low,
        p_low,
        t_high,
        p_high,
        p,
        p < alpha,
        alpha,
        pairs.n,
        pairs.n_missing,
    )
