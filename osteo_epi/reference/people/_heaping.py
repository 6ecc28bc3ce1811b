"""Ages that were rounded when they were told: too many end in 0 and 5."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from osteo_epi.frames import numbers_of

FIRST, LAST = 23, 62
DIGITS = (0, 5)
ROUGH = 125.0
"""Whipple's index from which the United Nations call ages "rough" (their classes: below 105 highly
accurate, 105–110 fairly, 110–125 approximate, 125–175 rough, above very rough); read in secondary
copies alone (grade B)."""


class Heaping(NamedTuple):
    """Ages told in round numbers.

    `whipple` is the index, 100 without heaping, 500 where all end in 0 and 5; `n` are the people of
    23–62 years, `at_digits` those of them at a 0 or 5, `p` how likely so many are where a fifth
    would be.
    """

    whipple: float
    n: int
    at_digits: int
    p: float


def whipple(age: npt.ArrayLike) -> Heaping:
    """Whipple's index: 500 × the share of people of 23 to 62 years whose age ends in 0 or 5.

    Parameters
    ----------
    age
        (n,) [years]; completed years are taken.

    Returns
    -------
    Heaping
        NaN without people of these ages.

    Notes
    -----
    The forty years hold each last digit four times, so that a fifth of ages that change evenly
    with age ends in 0 or 5. p is of the binomial test to the upper side, ours: few people miss
    the fifth by chance. Shryock HS, Siegel JS. The Methods and Materials of Demography, 1976.

    Examples
    --------
    >>> whipple(list(range(20, 70))).whipple
    100.0
    >>> whipple([30.0, 40.0, 45.0, 51.0]).whipple
    375.0
    """
    from scipy.stats import binomtest

    years = np.floor(numbers_of(age, "age"))
    years = years[(years >= FIRST) & (years <= LAST)]
    n, at = len(years), int(np.isin(years % 10, DIGITS).sum())
    if not n:
        return Heaping(float("nan"), 0, 0, float("nan"))
    p = float(binomtest(at, n, 0.2, alternative="greater").pvalue)
    return Heaping(500.0 * at / n, n, at, p)
