"""Standard errors that a sample will have: of a cut-off, a centile, a prevalence.

All for normal measurements, or Box–Cox ones of small spread; in SD of the people of an age.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from osteo_epi.errors import DefinitionError
from osteo_epi.reference.curves import Term
from osteo_epi.survey import Array

# Information of a person about the median, the spread and the power of a Box–Cox distribution
# (Cole & Green 1992), each in the unit in which a centile is an SD, the spread going to 0.
_INFORMATION = np.array([[1.0, 0.0, -0.5], [0.0, 2.0, 0.0], [-0.5, 0.0, 1.75]])
_NORMAL, _ORDER = "normal", "order"
_NEAR = 1e-9


def score_error(n: npt.ArrayLike, z: float, *, design_effect: float = 1.0) -> Array:
    """Standard error of mean + z · SD of n normal people [SD].

    Parameters
    ----------
    n
        (k,) or one; 2 or more.
    z
        −2.5 for the cut-off of osteoporosis, Φ⁻¹(0.03) for the third centile.
    design_effect
        Of the sample.

    Returns
    -------
    ndarray
        √(1/n + z²/(2(n − 1))), times the root of the design effect.

    Notes
    -----
    Mean and SD of normal people are independent, with variances SD²/n and near SD²/(2(n − 1)).

    Examples
    --------
    >>> round(float(score_error(400, -2.5)), 4)
    0.1016
    """
    people = _at_least(n, 2, "n")
    return np.sqrt(design_effect * (1 / people + z**2 / (2 * (people - 1))))


def people_for_score(se: float, z: float, *, design_effect: float = 1.0) -> int:
    """People whose mean + z · SD has a standard error of `se` [SD] or less.

    Examples
    --------
    >>> people_for_score(0.1, -2.5), round(float(score_error(414, -2.5)), 4)
    (414, 0.0999)
    """
    wished = positive(se, "the standard error") / math.sqrt(design_effect)
    return max(math.ceil(equivalent_people(wished, z) - _NEAR), 2)


def equivalent_people(se: float, z: float) -> float:
    """People of a simple random sample whose mean + z · SD has the standard error `se` [SD].

    Examples
    --------
    >>> round(equivalent_people(float(score_error(400, -2.5)), -2.5), 6)
    400.0
    """
    square = se**2
    linear = square + 1 + z**2 / 2
    return (linear + math.sqrt(linear**2 - 4 * square)) / (2 * square)


def centile_error(
    n: npt.ArrayLike, percent: float, *, method: str = _NORMAL, design_effect: float = 1.0
) -> Array:
    """Standard error of a raw centile of n people of an age, without smoothing [SD].

    Parameters
    ----------
    n
        (k,) or one; 2 or more.
    percent
        Of people below, between 0 and 100.
    method
        "normal": the centile is mean + z · SD, see `score_error`. "order": it is read of the ranks,
        √(p(1 − p)/n)/φ(z), whatever the distribution's name; more people for the same error.
    design_effect
        Of the sample.

    Raises
    ------
    DefinitionError
        If there is no such method.

    Examples
    --------
    >>> both = [centile_error(327, 2.275, method=way) for way in ("normal", "order")]
    >>> [round(float(se), 3) for se in both]
    [0.096, 0.153]
    """
    from scipy.stats import norm

    z = score_of(percent)
    if method == _NORMAL:
        return score_error(n, z, design_effect=design_effect)
    if method != _ORDER:
        raise DefinitionError(f"method={method!r}; expected {_NORMAL!r} or {_ORDER!r}")
    share = percent / 100
    people = _at_least(n, 2, "n")
    return np.sqrt(design_effect * share * (1 - share) / people) / float(norm.pdf(z))


def smooth_centile_error(
    people: Mapping[float, float],
    percent: float,
    terms: Sequence[Term],
    *,
    at: npt.ArrayLike | None = None,
    design_effect: float = 1.0,
) -> Array:
    """Standard error of a centile of a curve fitted to people of many ages [SD].

    Parameters
    ----------
    people
        Number of people by age [years].
    percent
        Of people below.
    terms
        How mean and SD change with age, and a third for the power of a Box–Cox distribution (LMS),
        as `fit_curve` takes them; a P-spline with its df.
    at
        (m,) ages [years]; by default those of the people.
    design_effect
        Of the sample.

    Returns
    -------
    ndarray
        (m,)

    Raises
    ------
    DefinitionError
        If a P-spline states no df, or there are neither two nor three terms.

    Notes
    -----
    By theory, not by simulation, and ours: the inverse of the expected information of all
    coefficients, the penalty that gives each term its df included, and the gradient (1, z, −z²/2)
    of a centile by median, log spread and power. Over the people's own ages the mean variance is
    near (df of mu + df of sigma · z²/2)/N. Smoothing bias beyond what the penalty expects is not in
    it. Where the spread is some 15 % of the median, as of BMD, that it goes to 0 changes little.

    Examples
    --------
    >>> from osteo_epi.reference import Polynomial
    >>> people = {age: 100 for age in range(20, 80)}
    >>> raw = centile_error(100, 3)
    >>> smooth = smooth_centile_error(people, 3, [Polynomial(3), Polynomial(1)])
    >>> bool(smooth.max() < raw), round(float((smooth**2).mean() * 6_000), 1)
    (True, 7.5)
    """
    if len(terms) not in (2, 3):
        raise DefinitionError(
            f"{len(terms)} terms; expected those of mu and sigma, and of nu or not"
        )
    ages = np.array(list(people), dtype=np.float64)
    weight = np.array(list(people.values()), dtype=np.float64)
    span = (float(ages.min()), float(ages.max()))
    z = score_of(percent)
    where = ages if at is None else np.atleast_1d(np.asarray(at, dtype=np.float64))
    gradient = (1.0, z, -(z**2) / 2)[: len(terms)]
    bases = [term.basis(ages, span) for term in terms]
    blocks = [
        [_INFORMATION[i, j] * (one.T * weight) @ two for j, two in enumerate(bases)]
        for i, one in enumerate(bases)
    ]
    for i, term in enumerate(terms):
        blocks[i][i] = blocks[i][i] + _penalty(term, blocks[i][i])
    information = np.block(blocks)
    rows = np.hstack([g * term.basis(where, span) for g, term in zip(gradient, terms, strict=True)])
    variance = np.einsum("ij,ji->i", rows, np.linalg.solve(information, rows.T))
    return np.asarray(np.sqrt(design_effect * variance))


def _penalty(term: Term, information: Array) -> Array:
    """The penalty that leaves a term the degrees of freedom that it states."""
    from scipy.optimize import brentq

    rough = term.penalty(len(information))
    if rough is None:
        return np.zeros_like(information)
    stated = getattr(term, "df", None)
    if stated is None:
        raise DefinitionError(
            f"a {term.label} has its smoothness chosen by the data, which a plan does not have: "
            "state it, PSpline(df=4)"
        )
    size = np.trace(information) / np.trace(rough)
    wished = stated + len(rough) - np.linalg.matrix_rank(rough)

    def excess(log_size: float) -> float:
        full = information + math.exp(log_size) * size * rough
        return float(np.trace(np.linalg.solve(full, information))) - wished

    return math.exp(brentq(excess, -30.0, 30.0)) * size * rough


def prevalence_error(
    n: npt.ArrayLike,
    prevalence: npt.ArrayLike,
    *,
    shares: npt.ArrayLike | None = None,
    population: npt.ArrayLike | None = None,
    design_effect: float = 1.0,
) -> float:
    """Standard error of a prevalence, crude or standardised over bands.

    Parameters
    ----------
    n, prevalence
        People and prevalence (0 to 1); one, or (k,) by band of age.
    shares
        (k,) of the standard population, to which they are scaled to sum; without it, bands count
        by their people.
    population
        People in the population (k,), where it is so small that those measured are much of it.
    design_effect
        Of the sample.

    Returns
    -------
    float
        √(Σ w² · D · p(1 − p)/n · (1 − n/N)).

    Raises
    ------
    DefinitionError
        If numbers, prevalences and shares are not as many, or there are more people than in the
        population.

    Examples
    --------
    >>> round(prevalence_error(1_000, 0.29, design_effect=1.5), 4)
    0.0176
    >>> round(prevalence_error([500, 500], [0.1, 0.4], shares=[0.7, 0.3]), 4)
    0.0115
    """
    people = np.atleast_1d(_at_least(n, 1, "n"))
    share = np.atleast_1d(_of_shares(prevalence))
    weight = people if shares is None else np.atleast_1d(np.asarray(shares, dtype=np.float64))
    if len({len(people), len(share), len(weight)}) > 1:
        raise DefinitionError(
            f"{len(people)} numbers of people, {len(share)} prevalences and {len(weight)} shares; "
            "expected as many of each"
        )
    whole = np.inf if population is None else np.asarray(population, dtype=np.float64)
    if np.any(whole < people):
        raise DefinitionError("more people than the population= holds")
    variance = design_effect * share * (1 - share) / people * (1 - people / whole)
    return float(np.sqrt(np.sum((weight / weight.sum()) ** 2 * variance)))


def people_for_prevalence(
    se: float, prevalence: float, *, population: float | None = None, design_effect: float = 1.0
) -> int:
    """People whose prevalence has a standard error of `se` or less.

    Examples
    --------
    >>> people_for_prevalence(0.02, 0.29), people_for_prevalence(0.02, 0.29, population=1_000)
    (515, 340)
    """
    share = float(_of_shares(prevalence))
    spread = design_effect * share * (1 - share)
    n = spread / positive(se, "the standard error") ** 2
    if population is not None:
        n /= 1 + n / population
    return max(math.ceil(n - _NEAR), 1)


def score_of(percent: float) -> float:
    """The Z-score of a centile.

    Examples
    --------
    >>> round(score_of(2.275), 3)
    -2.0
    """
    from scipy.special import ndtri

    if not 0 < percent < 100:
        raise DefinitionError(f"percent={percent}; expected a percentage between 0 and 100")
    return float(ndtri(percent / 100))


def positive(value: float, name: str) -> float:
    """A number above 0, or an error.

    Examples
    --------
    >>> positive(0.1, "the standard error")
    0.1
    """
    if not (value > 0 and math.isfinite(value)):
        raise DefinitionError(f"{name} is {value}; expected a number above 0")
    return value


def _at_least(n: npt.ArrayLike, least: int, name: str) -> Array:
    people = np.asarray(n, dtype=np.float64)
    if not np.all(people >= least):
        raise DefinitionError(f"{name} holds a number below {least}")
    return people


def _of_shares(prevalence: npt.ArrayLike) -> Array:
    share = np.asarray(prevalence, dtype=np.float64)
    if not np.all((share > 0) & (share < 1)):
        raise DefinitionError(f"prevalence={prevalence!r}; expected shares between 0 and 1, not %")
    return share
