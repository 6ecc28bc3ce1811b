"""A study's own young adults as a reference: their sampling error belongs into every interval.

A T-score against the study's own mean and SD shares their error with everybody else's, so that
the design's standard error alone is too small: intervals at 95 % then hold the truth in 80 to 90
of 100 samples of the size of the Chinese surveys (benchmarks/coverage_200_seeds.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from osteo_epi.diagnosis.classify import classify
from osteo_epi.diagnosis.definition import Definition
from osteo_epi.diagnosis.own_reference import OwnReference
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Frame
from osteo_epi.population.calibrated_rows import Draws, propagated
from osteo_epi.population.replicate_design import Design, ReplicateDesign
from osteo_epi.population.structure import Array, Mask, degrees_of_freedom
from osteo_epi.population.variance import covariance

SAID = "sampling error of the own young adults added by the delta method"
KNOWN = "own young adults taken as known: their sampling error is not in the interval"
# Of the largest axis: smaller ones cannot show in any digit that is reported.
NEGLIGIBLE = 1e-12
# Standard errors to either side: one moves so few people across a cut-off that their chance
# number would add to the variance; over five the prevalence is still straight (0.05 in T).
STEP = 5.0


def can_be_propagated(frame: Frame, definition: Definition) -> bool:
    """Whether the reference was made of these people, whose measurements are still there."""
    if not isinstance(definition.reference, OwnReference):
        return False
    try:
        definition.reference.linearised(frame)
        classify(frame.lazy().head(0), definition).collect()
    except SchemaError:
        return False
    return True


def with_reference_error(
    rows: pl.DataFrame,
    frame: Frame,
    definition: Definition,
    design: Design,
    estimate: Callable[[Frame, Definition], pl.DataFrame],
    *,
    interval: str,
    keys: list[str],
) -> pl.DataFrame:
    """Put the sampling error of the own young adults into every row of a prevalence.

    Parameters
    ----------
    rows
        Of `prevalence`, with the design's uncertainty.
    frame
        The people, young and old.
    definition
        Whose reference is an `OwnReference` made of these people.
    design
        The survey design.
    estimate
        Gives the rows for people and another definition; only their estimates are used.
    interval
        Kind of the limits.
    keys
        Columns that name a row.

    Returns
    -------
    DataFrame
        The rows with se, limits, df, n_effective, deff and people affected of both; `method`
        says so.

    Notes
    -----
    variance = design + J Σ Jᵀ, Σ the design-based covariance of the means and SDs, J the change of
    the estimate along each axis of Σ, over five standard errors to either side: derivatives at a
    point do not exist where single people cross a cut-off. Young and old are different people; a
    covariance between them through shared sampling units is left out.
    """
    reference = definition.reference
    assert isinstance(reference, OwnReference), "the caller asked can_be_propagated"
    linear = reference.linearised(frame)
    young = np.any(linear != 0, axis=1)
    sides: list[tuple[pl.DataFrame, ...]] = []
    sigma, df = _sampling_error(linear, frame.lazy().collect(), design, young)
    for axis in _axes(sigma, reference):
        steps = STEP * axis, -STEP * axis
        moved = (replace(definition, reference=reference.moved(step)) for step in steps)
        sides.append(tuple(estimate(frame, other) for other in moved))
    draws = Draws("delta", tuple(sides))
    made = propagated(rows, draws, df=df, interval=interval, keys=keys, step=STEP, said=SAID)
    return made.select(rows.columns)


def _sampling_error(
    linear: Array, frame: pl.DataFrame, design: Design, young: Mask
) -> tuple[Array, int]:
    """(k, k) covariance of the sums of linearised values, and its degrees of freedom."""
    if not isinstance(design, ReplicateDesign):
        arrays = design.arrays(frame)
        return covariance(linear, arrays, domain=young), degrees_of_freedom(arrays, young)
    sample = design.sample(frame)
    weight = sample.weight[:, None]
    values = np.divide(linear, weight, out=np.zeros_like(linear), where=weight > 0)
    return sample.covariance(sample.totals(values), sample.weight @ values), sample.df


def _axes(sigma: Array, reference: OwnReference) -> Array:
    """(a, 2k) axes of the covariance one standard error long, in units of each entry's SD."""
    unit = np.repeat([entry.value.sd for entry in reference.entries], 2)
    size, direction = np.linalg.eigh(sigma / np.outer(unit, unit))
    kept = size > NEGLIGIBLE * size.max()
    return (direction[:, kept] * np.sqrt(size[kept])).T * unit
