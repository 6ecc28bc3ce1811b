"""Curves by age, behind a Z-score: mean and SD, or a whole distribution (LMS and its like)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from osteo_epi.norms._bands import Interval
from osteo_epi.norms._families import FAMILIES, PARAMETERS, Family
from osteo_epi.norms._norm import Fields, grade

Array = npt.NDArray[np.float64]
DISTRIBUTIONS = ("normal", "log_normal", "bccg", "bct", "bcpe")
"""Families of a norm's curve: how a fit added its parameters up is no matter of theirs."""


@dataclass(frozen=True)
class AgeCurve:
    """Mean and SD of density by age, linear between knots and null outside the valid ages.

    Attributes
    ----------
    age
        [years] Knots, ascending.
    mean, sd
        [g/cm²] At the knots.
    ages
        [years] Ages for which the curve stands. They may reach past the first and last knot to
        the edges of the printed bands; there the band's own mean and SD are held.
    grade
        A, B, C or derived.
    """

    age: tuple[float, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    ages: Interval
    grade: str = "A"

    def at(self, age: npt.ArrayLike) -> tuple[Array, Array]:
        """Mean and SD [g/cm²] at some ages [years]; NaN outside the valid ages.

        Examples
        --------
        >>> curve = AgeCurve((25, 35), (1.0, 0.9), (0.1, 0.1), Interval.parse("[20, 40)"))
        >>> curve.at([30, 20, 45])[0]
        array([0.95, 1.  ,  nan])
        """
        years = np.asarray(age, dtype=np.float64)
        valid = _valid(years, self.ages)
        mean = np.interp(years, self.age, self.mean)
        sd = np.interp(years, self.age, self.sd)
        return np.where(valid, mean, np.nan), np.where(valid, sd, np.nan)

    def score(self, abmd: npt.ArrayLike, age: npt.ArrayLike) -> Array:
        """Z-score [SD] of (n,) densities [g/cm²] at (n,) ages [years]; NaN outside the ages."""
        mean, sd = self.at(age)
        return np.asarray((np.asarray(abmd, dtype=np.float64) - mean) / sd)

    def value(self, z: npt.ArrayLike, age: npt.ArrayLike) -> Array:
        """Density [g/cm²] at a Z-score: the inverse of `score`."""
        mean, sd = self.at(age)
        return np.asarray(mean + np.asarray(z, dtype=np.float64) * sd)


@dataclass(frozen=True)
class DistributionCurve:
    """A distribution of density by age, its parameters linear between knots.

    Attributes
    ----------
    age
        [years] Knots, ascending.
    family
        "normal", "log_normal", "bccg" (LMS: L is nu, M is mu, S is sigma), "bct" or "bcpe".
    mu, sigma, nu, tau
        At the knots; None where the family has no such parameter. mu is in g/cm² (of log_normal,
        the mean of the logarithm).
    ages
        [years] Ages for which the curve stands, as in `AgeCurve`.
    grade
        A, B, C or derived.

    Notes
    -----
    Cole & Green 1992, doi:10.1002/sim.4780111005; Rigby & Stasinopoulos 2004,
    doi:10.1002/sim.1861, and 2006, doi:10.1191/1471082X06st122oa.

    Examples
    --------
    >>> from osteo_epi.norms import Interval
    >>> curve = DistributionCurve(
    ...     (20, 21), "bccg", (1.0, 1.0), (0.1, 0.1), (0.5, 0.5), None, Interval.parse("[20, 22)")
    ... )
    >>> curve.score([0.81, 1.21, 1.0], [20, 21.5, 40]).round(6)
    array([-2.,  2., nan])
    """

    age: tuple[float, ...]
    family: str
    mu: tuple[float, ...]
    sigma: tuple[float, ...]
    nu: tuple[float, ...] | None
    tau: tuple[float, ...] | None
    ages: Interval
    grade: str = "A"

    @property
    def distribution(self) -> Family:
        """The family, with its score and its centiles."""
        return FAMILIES[self.family]

    def parameters(self, age: npt.ArrayLike) -> dict[str, Array]:
        """Parameters at some ages [years]; NaN outside the valid ages."""
        years = np.asarray(age, dtype=np.float64)
        valid = _valid(years, self.ages)
        return {
            name: np.where(valid, np.interp(years, self.age, getattr(self, name)), np.nan)
            for name in self.distribution.parameters
        }

    def score(self, abmd: npt.ArrayLike, age: npt.ArrayLike) -> Array:
        """Z-score [SD] of (n,) densities [g/cm²] at (n,) ages; NaN outside the valid ages."""
        y = np.asarray(abmd, dtype=np.float64)
        if self.family != "normal":
            y = np.where(y > 0, y, np.nan)
        return self.distribution.normal_score(y, self.parameters(age))

    def value(self, z: npt.ArrayLike, age: npt.ArrayLike) -> Array:
        """Density [g/cm²] at a Z-score: the inverse of `score`."""
        from scipy.special import ndtr

        at = self.parameters(age)
        share = np.broadcast_to(ndtr(np.asarray(z, dtype=np.float64)), at["mu"].shape)
        return self.distribution.quantile(share, at)

    def at(self, age: npt.ArrayLike) -> tuple[Array, Array]:
        """Median, and half the way from Z = −1 to Z = 1 [g/cm²]; NaN outside the valid ages.

        They are the mean and SD where the distribution is normal. Those of a skewed one with heavy
        tails need not exist: of a Box–Cox t with nu below 0 both are infinite.
        """
        median, (low, high) = self.value(0.0, age), (self.value(z, age) for z in (-1.0, 1.0))
        return median, (high - low) / 2


AnyCurve = AgeCurve | DistributionCurve


def read_curve(fields: Fields, default: str) -> AnyCurve:
    """Build a curve from a table `[[curve]]`: `mean` and `sd`, or `family` and its parameters."""
    age = fields.numbers("age", above=-1)
    if len(age) < 2 or any(b <= a for a, b in pairwise(age)):
        raise fields.fail("age", "at least two knots in ascending order")
    if any(knot != int(knot) for knot in age):
        raise fields.fail("age", "knots at whole years")
    family = fields.choice("family", DISTRIBUTIONS, None)
    names = ("mean", "sd") if family is None else FAMILIES[family].parameters
    columns = {name: _column(fields, name, family, len(age)) for name in names}
    _refuse_mixture(fields, family)
    ages = fields.interval("ages")
    if (
        ages.lower > age[0]
        or ages.upper < age[-1]
        or not np.isfinite([ages.lower, ages.upper]).all()
    ):
        raise fields.fail(
            "ages", f"a finite interval that holds the knots {age[0]:g} to {age[-1]:g}"
        )
    graded = grade(fields, default)
    if family is None:
        return AgeCurve(age, columns["mean"], columns["sd"], ages, graded)
    mu, sigma, nu, tau = (columns.get(name) for name in PARAMETERS)
    assert mu is not None
    assert sigma is not None
    return DistributionCurve(age, family, mu, sigma, nu, tau, ages, graded)


def _column(fields: Fields, name: str, family: str | None, knots: int) -> tuple[float, ...]:
    free = name == "nu" or (name == "mu" and family == "log_normal")
    values = fields.numbers(name, above=-np.inf if free else 0)
    if len(values) != knots:
        raise fields.fail(name, f"{knots} numbers, one for each knot")
    return values


def _refuse_mixture(fields: Fields, family: str | None) -> None:
    """Say which names belong together: a parameter too many is no misspelt field."""
    known = ("mean", "sd", *PARAMETERS)
    wanted = ("mean", "sd") if family is None else FAMILIES[family].parameters
    extra = [name for name in known if name in fields.table and name not in wanted]
    if extra:
        form = "without family" if family is None else f"with family {family!r}"
        raise fields.fail(extra[0], f"nothing: a curve {form} has {', '.join(wanted)}")


def _valid(years: Array, ages: Interval) -> npt.NDArray[np.bool_]:
    above = years >= ages.lower if ages.closed_lower else years > ages.lower
    below = years <= ages.upper if ages.closed_upper else years < ages.upper
    return np.asarray(above & below)
