"""Arrays of a test of which a part was verified: shares of all tested, linearised. Knows no frame.

Each verified person stands for those of the same test result and covariates who were not. Strata
take the share diseased among the verified of each stratum (Begg and Greenes 1983); a logistic
model of being verified weights the verified by the inverse of their chance. Both are sums of
y v / r, with r estimated, and the linearised form carries that estimation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from osteo_epi.accuracy._measures import Counts
from osteo_epi.errors import DesignError
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Codes, DesignArrays, Mask, survey_regression

SHARES = ("sensitivity", "specificity", "ppv", "npv", "prevalence")
# A share's two totals among: diseased positive, healthy negative, diseased, healthy, positive,
# negative, all.
TOTALS = ((0, 2), (1, 3), (0, 4), (1, 5), (2, 6))


@dataclass(frozen=True)
class Verified:
    """n people who were tested, and who of them was verified.

    Parameters
    ----------
    positive, diseased, verified
        (n,) test and truth; the truth of those not verified is not looked at.
    rows
        (n,) people of the question who have the test and the covariates.
    """

    positive: Mask
    diseased: Mask
    verified: Mask
    rows: Mask

    @property
    def counts(self) -> Counts:
        """The verified people by test and truth."""
        t, d = self.positive, self.diseased
        seen = self.rows & self.verified
        cells = (t & d, t & ~d, ~t & d, ~t & ~d)
        return Counts(*(int((seen & cell).sum()) for cell in cells))

    @property
    def members(self) -> Array:
        """(n, 7) 0 or 1: whom each total counts, as far as the truth is known."""
        yes, no = self.diseased & self.verified, ~self.diseased & self.verified
        t = self.positive
        columns = (yes & t, no & ~t, yes, no, t & self.verified, ~t & self.verified, self.verified)
        return np.column_stack(columns).astype(float) * self.rows[:, None]


@dataclass(frozen=True)
class Chances:
    """(n,) chance of being verified, and what (n, 7) linearised totals owe to its estimation."""

    chance: Array
    owed: Callable[[Array], Array]


def by_strata(people: Verified, stratum: Codes, weight: Array) -> Chances:
    """Shares verified of each stratum, which lies within one test result."""
    size = int(stratum.max(initial=0)) + 1
    mine = np.where(people.rows, weight, 0.0)
    everybody = np.bincount(stratum, mine, minlength=size)
    seen = np.bincount(stratum, mine * people.verified, minlength=size)
    empty = int(((everybody > 0) & (seen == 0)).sum())
    if empty:
        raise DesignError(
            f"{count(empty)} strata of test and covariates have nobody verified: what is true of "
            'them cannot be told; merge classes, or take method="inverse_probability"'
        )
    share = np.divide(seen, everybody, out=np.ones(size), where=everybody > 0)
    chance = share[stratum]

    def owed(parts: Array) -> Array:
        """Of each stratum: its mean times (1 - v / r)."""
        sums = np.column_stack([np.bincount(stratum, c, minlength=size) for c in parts.T])
        mean = np.divide(sums, everybody[:, None], out=np.zeros_like(sums),
                         where=everybody[:, None] > 0)  # fmt: skip
        return mean[stratum] * (mine * (1 - people.verified / chance))[:, None]

    return Chances(chance, owed)


def by_model(people: Verified, table: Array, design: DesignArrays) -> Chances:
    """Logistic regressions of being verified on the (n, p) table, one for each test result."""
    chance, groups = np.ones(len(table)), []
    for result in (people.positive, ~people.positive):
        rows = people.rows & result & (design.weight > 0)
        if people.verified[rows].all():
            continue
        if not people.verified[rows].any():
            raise DesignError(
                "nobody with one of the two test results was verified: what is true of them "
                "cannot be told; see the bounds that test and truth leave open"
            )
        fit = survey_regression(
            people.verified.astype(float), table, design, family="binomial", domain=rows
        )
        chance[rows] = 1 / (1 + np.exp(-(table[rows] @ fit.value)))
        groups.append((rows, fit.influence))

    def owed(parts: Array) -> Array:
        """Slope of each total by the coefficients, times their linearised values."""
        total = np.zeros(parts.shape)
        for rows, influence in groups:
            slope = (parts[rows] * (1 - chance[rows])[:, None]).T @ table[rows]
            total -= influence @ slope.T
        return total

    return Chances(chance, owed)


def linear_shares(people: Verified, chances: Chances, weight: Array) -> tuple[Array, Array]:
    """(5,) shares as `SHARES`, and their (n, 5) weighted linearised values."""
    parts = people.members * (weight / chances.chance)[:, None]
    totals = parts.sum(axis=0)
    linear = parts + chances.owed(parts)
    top, bottom = (list(side) for side in zip(*TOTALS, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = totals[top] / totals[bottom]
        return value, (linear[:, top] - value * linear[:, bottom]) / totals[bottom]


def bounds(people: Verified, weight: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Sensitivity and specificity whatever is true of those who were not verified."""
    mine = np.where(people.rows, weight, 0.0)
    t, d, v = people.positive, people.diseased, people.verified
    tp, fp, fn, tn = (float(mine[v & cell].sum()) for cell in (t & d, t & ~d, ~t & d, ~t & ~d))
    open_t, open_n = (float(mine[~v & result].sum()) for result in (t, ~t))
    return (
        (tp / (tp + fn + open_n), (tp + open_t) / (tp + open_t + fn)),
        (tn / (tn + fp + open_t), (tn + open_n) / (tn + open_n + fp)),
    )


def reweighted(design: DesignArrays, weight: Array) -> DesignArrays:
    """The same people with the weights of a replicate."""
    return replace(design, weight=weight)
