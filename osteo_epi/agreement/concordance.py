"""Lin's concordance correlation: closeness to the identity line, not to just any line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import stats

from osteo_epi.calibration.estimate import Estimate
from osteo_epi.calibration.pairs import Missing, paired
from osteo_epi.calibration.table import html_table


@dataclass(frozen=True)
class Concordance:
    """CCC = Pearson's r × accuracy; accuracy 1 only without shift of scale or location."""

    ccc: Estimate
    precision: float
    accuracy: float
    scale_shift: float
    location_shift: float
    interval: str
    n: int
    n_missing: int
    confidence: float

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        names = ("precision", "accuracy", "scale_shift", "location_shift", "interval", "n")
        rest = {name: getattr(self, name) for name in (*names, "n_missing", "confidence")}
        return pl.DataFrame([{**self.ccc.as_row(), **rest}])

    def _repr_html_(self) -> str:
        note = "precision is Pearson's r: high with any straight line, hence no agreement by itself"
        return html_table(self.to_frame(), caption="concordance correlation", notes=(note,))


def concordance(
    x: ArrayLike,
    y: ArrayLike,
    *,
    interval: Literal["z", "asymptotic"] = "z",
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Concordance:
    """Lin's concordance correlation coefficient.

    Parameters
    ----------
    x, y
        Readings of the two methods in one unit, shape (n,).
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
    range does not carry over to a narrow one.

    Examples
    --------
    >>> round(concordance([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13]).ccc.estimate, 4)
    0.9641
    """
    pairs = paired(x, y, missing=missing, same_unit=True)
    n = pairs.n
    sx, sy = pairs.x.std(), pairs.y.std()
    shift = (pairs.y.mean() - pairs.x.mean()) / math.sqrt(sx * sy)
    r = float(np.corrcoef(pairs.x, pairs.y)[0, 1])
    scale = float(sy / sx)
    accuracy = float(2 / (scale + 1 / scale + shift**2))
    ccc = float(r * accuracy)
    se = _standard_error(ccc, r, float(shift), n)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    if interval == "z":
        centre, reach = math.atanh(ccc), z * se / (1 - ccc**2)
        low, high = math.tanh(centre - reach), math.tanh(centre + reach)
    else:
        low, high = ccc - z * se, ccc + z * se
    return Concordance(
        Estimate(ccc, se, low, high),
        r,
        accuracy,
        scale,
        float(shift),
        interval,
        n,
        pairs.n_missing,
        confidence,
    )


def _standard_error(ccc: float, r: float, shift: float, n: int) -> float:
    value = (
        (1 - r**2) * ccc**2 * (1 - ccc**2) / r**2
        + 2 * ccc**3 * (1 - ccc) * shift**2 / r
        - ccc**4 * shift**4 / (2 * r**2)
    )
    return math.sqrt(value / (n - 2))
