"""Is a straight line enough? Lack of fit against the scatter of repeats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteo_epi.calibration.line import Line
from osteo_epi.errors import SchemaError


@dataclass(frozen=True)
class Linearity:
    """Lack-of-fit test of a line: whether level means stray from it more than repeats explain.

    `largest` is the largest distance of a level's mean from the line, in the unit of the reading;
    a tiny one may be significant with many repeats. `f` and `p` are None with two levels, where
    any two means lie on a line.
    """

    f: float | None
    df_fit: int
    df_repeats: int
    p: float | None
    largest: float
    sd_repeats: float


def lack_of_fit(x: ArrayLike, y: ArrayLike, line: Line) -> Linearity:
    """Test a least-squares line against the repeats at each level of x.

    Parameters
    ----------
    x, y
        Levels (nominal densities) and readings, shape (n,); some level is read at least twice.
    line
        Fitted to the same readings without weights.

    Returns
    -------
    Linearity
        F on (levels − 2, n − levels) degrees of freedom.

    Notes
    -----
    Fisher 1922; e.g. Draper & Smith 1998, Applied Regression Analysis, section 2.1.

    Examples
    --------
    >>> from osteo_epi.calibration.ols import least_squares
    >>> x, y = [1, 1, 2, 2, 3, 3], [1.0, 1.2, 2.0, 2.2, 3.5, 3.7]
    >>> test = lack_of_fit(x, y, least_squares(x, y))
    >>> round(test.f, 6), test.df_fit, test.df_repeats
    (4.166667, 1, 3)
    """
    levels, place, counts = np.unique(np.asarray(x, float), return_inverse=True, return_counts=True)
    readings = np.asarray(y, float)
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
    f = float(counts @ away**2) / df_fit / variance if variance else float("inf")
    p = float(stats.f.sf(f, df_fit, df_repeats))
    return Linearity(f, df_fit, df_repeats, p, largest, variance**0.5)
