"""Weights fitted to known totals of the population: post-strata, margins, or any quantities.

What the fit knows no longer varies from sample to sample: linearised values are replaced by their
residuals on what was fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.survey._arrays import Array, Codes, DesignArrays

# The residual of raking is found by sweeping over the margins this often, as in R survey.
SWEEPS = 10
ROUNDS = 200


def poststratify(design: DesignArrays, stratum: Codes, totals: Array) -> DesignArrays:
    """Scale weights so that each post-stratum has its known size.

    Parameters
    ----------
    design
        The design over n rows.
    stratum
        (n,) post-stratum 0 … S − 1 of every row.
    totals
        (S,) people of the population in each.

    Raises
    ------
    DesignError
        If a post-stratum has people but no weight in the sample, or a row has none.

    Examples
    --------
    >>> from osteo_epi.survey import SurveyDesign
    >>> import polars as pl
    >>> design = SurveyDesign().arrays(pl.DataFrame({"x": [1, 2, 3]}))
    >>> poststratify(design, np.array([0, 0, 1]), np.array([10.0, 4.0])).weight
    array([5., 5., 4.])
    """
    old = design.weight
    factor = _factors(old, stratum, totals)
    new = old * factor[stratum]
    size = np.bincount(stratum, weights=old, minlength=len(totals))
    ratio = np.divide(old, new, out=np.ones(len(old)), where=new > 0)

    def residual(values: Array) -> Array:
        # Means under the old weights of values / new weight, taken off weighted by the new.
        means = [np.bincount(stratum, column * ratio, minlength=len(totals)) for column in values.T]
        return values - np.column_stack(means)[stratum] / size[stratum, None] * new[:, None]

    return design.fitted(new, residual)


def rake(
    design: DesignArrays,
    margins: Sequence[tuple[Codes, Array]],
    *,
    tolerance: float = 1e-10,
) -> DesignArrays:
    """Fit weights to several margins in turn until all hold.

    Parameters
    ----------
    design
        The design over n rows.
    margins
        Pairs of (n,) classes and their (S,) totals in the population.
    tolerance
        The rounds end when no cell of the cross-classification changes by more than this share
        of the total weight (R: `rake(control = list(epsilon = 1))`, one person).

    Raises
    ------
    DesignError
        If the margins cannot be met together.
    """
    cell = _cross([classes for classes, _ in margins])
    weight, before = design.weight, np.bincount(cell, weights=design.weight)
    for _ in range(ROUNDS):
        for classes, totals in margins:
            weight = weight * _factors(weight, classes, totals)[classes]
        after = np.bincount(cell, weights=weight)
        if np.max(np.abs(after - before)) < tolerance * after.sum():
            break
        before = after
    _refuse_unmet(weight, margins, 100 * tolerance)
    return design.fitted(weight, _raking_residual(weight, [classes for classes, _ in margins]))


def _refuse_unmet(weight: Array, margins: Sequence[tuple[Codes, Array]], tolerance: float) -> None:
    for i, (classes, totals) in enumerate(margins):
        away = np.abs(np.bincount(classes, weights=weight, minlength=len(totals)) - totals)
        if away.max() > tolerance * totals.sum():
            raise DesignError(
                f"raking cannot meet margin {i + 1} together with the others in {ROUNDS} rounds: "
                "the margins may have different totals, or a cell no people; merge classes"
            )


def _raking_residual(weight: Array, margins: Sequence[Codes]) -> Callable[[Array], Array]:
    safe = np.where(weight > 0, weight, 1.0)

    def residual(values: Array) -> Array:
        for _ in range(SWEEPS):
            for classes in margins:
                count = np.bincount(classes)
                sums = [np.bincount(classes, column / safe) for column in values.T]
                means = np.column_stack(sums) / np.maximum(count, 1)[:, None]
                values = values - weight[:, None] * means[classes]
        return values

    return residual


def calibrate(design: DesignArrays, table: Array, totals: Array) -> DesignArrays:
    """Linear (GREG) calibration to totals of any quantities.

    Parameters
    ----------
    design
        The design over n rows.
    table
        (n, p) quantities, an intercept among them where the size is known.
    totals
        (p,) their totals in the population.

    Notes
    -----
    Deville and Särndal 1992, doi 10.1080/01621459.1992.10475217, linear distance.
    """
    weight = design.weight
    lack = totals - weight @ table
    factor = 1 + table @ np.linalg.solve(table.T @ (table * weight[:, None]), lack)
    root = np.sqrt(weight)
    basis, _ = np.linalg.qr(table * root[:, None])
    scale = np.where(factor * root != 0, factor * root, 1.0)[:, None]

    def residual(values: Array) -> Array:
        scaled = values / scale
        return (scaled - basis @ (basis.T @ scaled)) * scale

    return design.fitted(weight * factor, residual)


def trim_weights(weight: Array, *, lower: float = 0.0, upper: float = np.inf) -> Array:
    """Cut (n,) weights to limits; what is cut is shared equally among the others.

    Examples
    --------
    >>> trim_weights(np.array([1.0, 2.0, 6.0]), upper=5.0)
    array([1.5, 2.5, 5. ])
    """
    outside = (weight < lower) | (weight > upper)
    if outside.all():
        raise DesignError("every weight lies outside the limits: nothing is left to take the rest")
    trimmed = np.clip(weight, lower, upper)
    trimmed[~outside] += (weight - trimmed).sum() / (~outside).sum()
    return trimmed


def _factors(weight: Array, classes: Codes, totals: Array) -> Array:
    if len(classes) and (classes.min() < 0 or classes.max() >= len(totals)):
        raise DesignError("every row needs one of the classes whose totals are given")
    size = np.bincount(classes, weights=weight, minlength=len(totals))
    empty = int(((size <= 0) & (totals > 0)).sum())
    if empty:
        raise DesignError(
            f"{empty} class(es) with people in the population have none in the sample"
        )
    return np.divide(totals, size, out=np.zeros(len(totals)), where=size > 0)


def _cross(classes: Sequence[Codes]) -> Codes:
    """(n,) code of each row's combination of classes."""
    return np.unique(np.column_stack(classes), axis=0, return_inverse=True)[1].ravel()
