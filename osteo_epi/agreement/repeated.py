"""Bland–Altman where people are measured more than once by each method.

Pairs of one person are not independent: ignoring it makes the limits too narrow. Two designs
(Bland & Altman 2007, doi 10.1080/10543400701329422): the true value varies between a person's
pairs (a follow-up), or it is constant and each method's repeats are its own (a precision study).
The intervals of the limits are Zou's (2013, doi 10.1177/0962280211402548).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.agreement.bland_altman import NOT_CORRELATION, BlandAltman
from osteo_epi.calibration.estimate import Estimate, bracketed
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """Readings by person: how many, their means, and the pooled variance within."""

    counts: Floats
    means: Floats
    within: float
    df: int


def bland_altman_repeated(
    x: ArrayLike,
    y: ArrayLike,
    *,
    person: ArrayLike,
    y_person: ArrayLike | None = None,
    true_value: Literal["varies", "constant"],
    agreement: float = 0.95,
    confidence: float = 0.95,
) -> BlandAltman:
    """Limits of agreement with repeated measurements.

    Parameters
    ----------
    x, y
        Readings of the two methods, complete. With `true_value="varies"` paired row by row,
        shape (n,); with `"constant"` each of its own length.
    person
        Identifier of the person of each reading of x (and of y, if `y_person` is not given).
    y_person
        Identifier of the person of each reading of y.
    true_value
        `"varies"` between the pairs of a person, or `"constant"`.
    agreement, confidence
        As for `bland_altman`.

    Returns
    -------
    BlandAltman
        For a single reading by each method of a new person.

    Examples
    --------
    >>> ba = bland_altman_repeated(
    ...     [0.80, 0.82, 0.90, 0.91, 1.00, 1.03], [0.83, 0.83, 0.95, 0.93, 1.01, 1.06],
    ...     person=[1, 1, 2, 2, 3, 3], true_value="varies")
    >>> ba.n_people, round(ba.bias.estimate, 4)
    (3, 0.025)
    """
    first, second = np.asarray(x, float), np.asarray(y, float)
    ids = np.asarray(person)
    other = ids if y_person is None else np.asarray(y_person)
    _check(first, second, ids, other, varies=true_value == "varies")
    if true_value == "varies":
        groups = _groups(second - first, ids)
        bias, variance, parts = _varies(groups)
        n = len(first)
    else:
        bias, variance, parts, groups = _constant(first, second, ids, other)
        n = len(first) + len(second)
    return _result(bias, variance, parts, groups, n, true_value, agreement, confidence)


def _varies(groups: Groups) -> tuple[float, float, list[tuple[float, float, float]]]:
    """Total variance of a single difference: between people (by Satterthwaite parts) and within."""
    k = len(groups.counts)
    harmonic = float(np.mean(1 / groups.counts))
    of_means = float(groups.means.var(ddof=1))
    share = 1 - harmonic
    parts = [(1.0, of_means, float(k - 1)), (share, groups.within, float(groups.df))]
    return float(groups.means.mean()), of_means + share * groups.within, parts


def _constant(
    x: Floats, y: Floats, x_ids: NDArray, y_ids: NDArray
) -> tuple[float, float, list[tuple[float, float, float]], Groups]:
    """As `_varies`, with a variance within for each method."""
    first, second = _groups(x, x_ids), _groups(y, y_ids)
    differences = second.means - first.means
    of_means = float(differences.var(ddof=1))
    parts = [(1.0, of_means, float(len(differences) - 1))]
    for groups in (first, second):
        share = 1 - float(np.mean(1 / groups.counts))
        parts.append((share, groups.within, float(groups.df)))
    variance = sum(share * value for share, value, _ in parts)
    whole = Groups(first.counts, differences, first.within, first.df)
    return float(differences.mean()), variance, parts, whole


def _result(
    bias: float,
    variance: float,
    parts: list[tuple[float, float, float]],
    groups: Groups,
    n: int,
    true_value: str,
    agreement: float,
    confidence: float,
) -> BlandAltman:
    people, sd = len(groups.means), math.sqrt(variance)
    z = float(stats.norm.ppf((1 + agreement) / 2))
    se = float(groups.means.std(ddof=1)) / math.sqrt(people)
    reach = float(stats.t.ppf((1 + confidence) / 2, people - 1)) * se
    smallest, largest = _mover(variance, parts, confidence)
    near = math.hypot(reach, z * (sd - math.sqrt(smallest)))
    far = math.hypot(reach, z * (math.sqrt(largest) - sd))
    low, high = bias - z * sd, bias + z * sd
    return BlandAltman(
        bias=bracketed(bias, se, reach),
        lower=Estimate(low, None, low - far, low + near),
        upper=Estimate(high, None, high - near, high + far),
        sd=sd,
        proportional=None,
        scale="difference",
        interval="mover",
        factor=z,
        agreement=agreement,
        confidence=confidence,
        n=n,
        n_people=people,
        n_missing=0,
        design=f"repeated, true value {true_value}",
        notes=(NOT_CORRELATION,),
    )


def _mover(
    variance: float, parts: list[tuple[float, float, float]], confidence: float
) -> tuple[float, float]:
    """Interval of a weighted sum of variances from the chi-square interval of each."""
    below = above = 0.0
    for share, value, df in parts:
        if df == 0:
            continue
        low = df / stats.chi2.ppf((1 + confidence) / 2, df)
        high = df / stats.chi2.ppf((1 - confidence) / 2, df)
        below += (share * value * (1 - low)) ** 2
        above += (share * value * (high - 1)) ** 2
    return max(variance - math.sqrt(below), 0.0), variance + math.sqrt(above)


def _groups(values: Floats, ids: NDArray) -> Groups:
    _, place, counts = np.unique(ids, return_inverse=True, return_counts=True)
    means = np.bincount(place, values) / counts
    df = int(counts.sum() - len(counts))
    squares = float(((values - means[place]) ** 2).sum())
    return Groups(counts.astype(float), means, squares / df if df else 0.0, df)


def _check(x: Floats, y: Floats, x_ids: NDArray, y_ids: NDArray, *, varies: bool) -> None:
    lost = int(np.isnan(x).sum() + np.isnan(y).sum())
    if lost:
        raise SchemaError(f"{lost} readings are missing; leave those rows out first")
    if len(x) != len(x_ids) or len(y) != len(y_ids) or (varies and len(x) != len(y)):
        raise SchemaError(
            f"unpaired rows: {len(x)} readings of x, {len(y)} of y, {len(x_ids)} and {len(y_ids)} "
            "identifiers; give one identifier per reading"
        )
    alone = len(np.setxor1d(x_ids, y_ids))
    if alone:
        raise SchemaError(f"{alone} people were measured by one method only; leave them out")
    if len(np.unique(x_ids)) < 3:
        raise SchemaError(f"{len(np.unique(x_ids))} people, at least three are needed")
