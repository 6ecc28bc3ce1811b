"""What is read off a curve and gets limits: centiles, the peak, the density at a T-score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.norms import Family
from osteo_epi.reference.curves import Curve
from osteo_epi.survey import Array

SEARCHED = (20, 49)
"""[years] Where the peak lies."""
PEAK_AGE, PEAK_MEAN, PEAK_SD, AT_T = "peak age", "peak mean", "peak sd", "value at t"
QUANTITIES = (PEAK_AGE, PEAK_MEAN, PEAK_SD, AT_T)
SCORES = np.linspace(-4.0, 4.0, 81)
# Normal scores over which a mean and an SD are taken: all but 6 people in 100,000. Of heavy tails
# with a negative power the outermost decide, or there are no moments.


def searched(curve: Curve) -> Array:
    """Ages [years], twenty a year, at which the peak is looked for; none without people there."""
    low, high = max(SEARCHED[0], curve.ages[0]), min(SEARCHED[1], curve.ages[1])
    return np.linspace(low, high, int((high - low) * 20) + 1) if low < high else np.empty(0)


def peak_age(curve: Curve) -> float:
    """Age [years] at which the median is highest among young adults; NaN where there are none."""
    ages = searched(curve)
    if not len(ages):
        return float("nan")
    return float(ages[int(np.argmax(curve.parameters(ages)["mu"]))])


def mean_sd(family: Family, at: dict[str, Array]) -> tuple[Array, Array]:
    """Mean and standard deviation of a distribution: T-scores are made of them."""
    if not family.has_power and family.name != "log_normal":
        return at["mu"], at["sigma"]
    from scipy.special import ndtr

    mass = np.exp(-0.5 * SCORES**2)
    mass /= mass.sum()
    wide = {name: np.repeat(value, len(SCORES)) for name, value in at.items()}
    y = family.quantile(np.tile(ndtr(SCORES), len(at["mu"])), wide).reshape(-1, len(SCORES))
    mean = y @ mass
    return mean, np.sqrt(np.maximum((y - mean[:, None]) ** 2 @ mass, 0.0))


@dataclass(frozen=True)
class Quantities:
    """Which numbers of a curve get limits.

    Parameters
    ----------
    ages
        (m,) [years]
    percents
        (q,) of people below.
    t
        T-score of the line.
    """

    ages: Array
    percents: Array
    t: float

    def of(self, curve: Curve) -> Array:
        """(m · q + 4,) centiles by age, then the peak's age, mean, SD, and the value at t."""
        centiles = [curve.quantile(self.ages, p / 100) for p in self.percents]
        top = peak_age(curve)
        (mean,), (sd,) = mean_sd(curve.family, curve.parameters([top]))
        return np.append(np.column_stack(centiles).ravel(), [top, mean, sd, mean + self.t * sd])
