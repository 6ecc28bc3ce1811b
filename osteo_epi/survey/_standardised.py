"""Direct standardisation with a design-based standard error.

The standardised mean is the sum over strata (age, or age by sex) of the standard's share times
the stratum's mean. Its linearised value is share · w (y − mean) / W in each stratum: the same as
post-stratifying the weights to the standard, without making new weights.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.summation import group_sums, sums, weighted_sums
from osteo_epi.survey._arrays import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    degrees_of_freedom,
    refuse_names,
    rows_in,
)
from osteo_epi.survey._estimates import Estimate, with_design_effects
from osteo_epi.survey._variance import covariance


def shares_by_name(standard: Mapping[Any, float], names: Sequence[Hashable]) -> Array:
    """Shares of a standard population in the order of the strata's names.

    Parameters
    ----------
    standard
        People or weights by stratum name; a name may be a tuple such as ("50-59", "female").
    names
        (S,) the strata to standardise over.

    Returns
    -------
    ndarray
        (S,) shares that sum to 1.

    Raises
    ------
    DesignError
        If a stratum is absent from the standard, or the standard has people where there is no
        stratum: neither is left out in silence. If the standard holds nobody.

    Examples
    --------
    >>> shares_by_name({"65+": 1.0, "50-64": 3.0}, ["50-64", "65+"])
    array([0.75, 0.25])
    """
    unknown = [name for name in names if name not in standard]
    unused = [name for name, count in standard.items() if count > 0 and name not in set(names)]
    if unknown or unused:
        raise DesignError(
            "the strata of the data and of the standard population differ: "
            f"{_listed(unknown)} only in the data, {_listed(unused)} only in the standard; "
            "use the same names, or merge bands (age_bands=...)"
        )
    counts = np.array([standard[name] for name in names], dtype=float)
    if not counts.sum() > 0:
        raise DesignError(
            "the standard population holds nobody: give its people by stratum, one count above "
            "zero at least"
        )
    return counts / counts.sum()


def standardised_mean(
    values: Array,
    stratum: Codes,
    share: Array,
    design: DesignArrays,
    *,
    domain: Mask | None = None,
    names: Sequence[str] | None = None,
) -> Estimate:
    """Mean directly standardised over strata.

    Parameters
    ----------
    values
        (n,) outcome; NaN leaves the estimate (as `excluding.missing` in R's `svystandardize`).
    stratum
        (n,) stratum 0 … S − 1 of each row; −1 where it is unknown, which leaves the estimate.
    share
        (S,) shares of the standard population, see `shares_by_name`.
    design
        The design over the n rows.
    domain
        (n,) mask of the population that the estimate is about.
    names
        (S,) what a message calls the strata.

    Returns
    -------
    Estimate
        Of length 1.

    Raises
    ------
    DesignError
        If a stratum with a share has nobody in the sample.

    Notes
    -----
    Equals `svymean` on `svystandardize(design, by=, over=, excluding.missing=)` of R survey,
    where the domain is one cell of `over`.
    """
    refuse_names("standardised_mean", values=values, stratum=stratum, design=design)
    rows = rows_in(design, domain) & (stratum >= 0) & ~np.isnan(values)
    weight = np.where(rows, design.weight, 0.0)
    outcome = np.where(rows, values, 0.0)
    value, influence = linearised_standard(outcome, weight, stratum, share, names=names)
    result = Estimate(
        value=np.array([value]),
        covariance=covariance(influence, design, domain=rows),
        n=int(rows.sum()),
        df=degrees_of_freedom(design, rows),
        influence=influence[:, None],
    )
    new_weight = weight * _factors(weight, stratum, share)[np.maximum(stratum, 0)]
    spread = weighted_sums(new_weight, (outcome - value) ** 2) / sums(new_weight)
    return with_design_effects(result, np.array([spread]), float(sums(weight)))


def linearised_standard(
    outcome: Array,
    weight: Array,
    stratum: Codes,
    share: Array,
    *,
    names: Sequence[str] | None = None,
) -> tuple[float, Array]:
    """Standardised mean and its (n,) linearised values, of rows whose weight is not zero."""
    size = refuse_empty(weight, stratum, share, names=names)
    place = np.maximum(stratum, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = group_sums(place, weight * outcome, size=len(share)) / size
        factor = np.where(share > 0, share / size, 0.0)
    means = np.where(share > 0, means, 0.0)
    return float(share @ means), factor[place] * weight * (outcome - means[place])


def refuse_empty(
    weight: Array, stratum: Codes, share: Array, *, names: Sequence[str] | None = None
) -> Array:
    """(S,) sums of the weights by stratum; an error where a stratum with a share has nobody.

    Raises
    ------
    DesignError
        That names the strata.
    """
    size = _sizes(weight, stratum, share)
    if empty := _lacking(size, share):
        called = [names[i] if names is not None else f"stratum {i + 1}" for i in empty]
        raise DesignError(
            f"nobody was measured in {_listed(called)}: standardisation needs someone in every "
            "band; merge it with its neighbour (age_bands=...)"
        )
    return size


def empty_strata(weight: Array, stratum: Codes, share: Array) -> list[int]:
    """Strata with a share of whom nobody has a weight.

    >>> empty_strata(np.array([1.0, 0.0]), np.array([0, 1]), np.array([0.5, 0.5]))
    [1]
    """
    return _lacking(_sizes(weight, stratum, share), share)


def _lacking(size: Array, share: Array) -> list[int]:
    return [int(i) for i in np.flatnonzero((size <= 0) & (share > 0))]


def standardised_weights(
    design: DesignArrays, stratum: Codes, share: Array, *, domain: Mask | None = None
) -> Array:
    """(n,) weights under which the domain has the standard's structure and its own weighted size.

    Rows out of the domain or without a stratum get 0.
    """
    rows = rows_in(design, domain) & (stratum >= 0)
    weight = np.where(rows, design.weight, 0.0)
    return weight * _factors(weight, stratum, share)[np.maximum(stratum, 0)]


def _factors(weight: Array, stratum: Codes, share: Array) -> Array:
    size = _sizes(weight, stratum, share)
    return np.divide(share * sums(weight), size, out=np.zeros(len(share)), where=size > 0)


def _sizes(weight: Array, stratum: Codes, share: Array) -> Array:
    return group_sums(np.maximum(stratum, 0), weight, size=len(share))


def _listed(names: Sequence[Hashable]) -> str:
    return ", ".join(str(name) for name in names) if len(names) else "none"
