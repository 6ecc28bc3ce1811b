"""Cross-validation: the curve fitted without some people, and those people judged by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from osteo_epi.errors import DefinitionError
from osteo_epi.reference.curves import Curve, Fitting, Sample
from osteo_epi.reference.diagnostics._residuals import Residuals
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Array, Codes, Mask, SurveyDesign


@dataclass(frozen=True)
class HeldOut:
    """Each person's score by the curve of the others.

    Parameters
    ----------
    residuals
        With these scores.
    deviance
        Minus twice the weighted logarithm of the density, a person: lower predicts better.
    """

    residuals: Residuals
    deviance: float


def held_out(residuals: Residuals, folds: int, seed: int) -> HeldOut:
    """Fit the same terms to all folds but one, and score that one, for each fold.

    People of one sampling unit stay together; the units of a stratum go to different folds.

    Raises
    ------
    DefinitionError
        If there are fewer than two folds, or fewer units than folds.
    """
    fold = _folds(residuals, folds, seed)
    known = residuals.known
    age, y, weight = residuals.age[known], residuals.y[known], residuals.weight[known]
    if residuals.curve.weight is None:
        weight = np.ones(len(weight))
    sample = Sample.of(age, y, weight * len(y) / weight.sum(), residuals.curve.ages)
    first = Fitting.at_start(residuals.curve.family, sample, residuals.curve.terms)
    z, density = np.full(len(y), np.nan), np.full(len(y), np.nan)
    lost = 0
    for own in (fold[known] == each for each in range(folds)):
        curve = _without(residuals.curve, first, weight, own)
        if curve is None:
            lost += 1
            continue
        inside = own & _within(age, age[~own])
        z[inside] = curve.z(age[inside], y[inside])
        density[inside] = curve.family.log_density(y[inside], curve.parameters(age[inside]))
    scores = np.full(len(known), np.nan)
    scores[known] = np.where(np.isfinite(z), z, np.nan)
    notes = (*residuals.notes, *_notes(int((~np.isfinite(z)).sum()), lost))
    judged = np.isfinite(density)
    if not judged.any():
        raise DefinitionError(
            f"no curve could be fitted without a fold of {folds}: folds=0 for none"
        )
    deviance = -2 * float(np.average(density[judged], weights=weight[judged]))
    bands = tuple(replace(band, rows=band.rows & np.isfinite(scores)) for band in residuals.bands)
    return HeldOut(replace(residuals, z=scores, bands=bands, notes=notes), deviance)


def _without(curve: Curve, first: Fitting, weight: Array, own: Mask) -> Curve | None:
    """The curve of the others; None where it does not converge."""
    try:
        fit = first.again(first.sample.reweighted(np.where(own, 0.0, weight)), curve.fit).run()
    except np.linalg.LinAlgError:
        return None
    return replace(curve, fit=fit) if fit.converged else None


def _within(age: Array, others: Array) -> Mask:
    """Who is no younger and no older than the others: their curve is not drawn on."""
    return np.asarray((age >= others.min()) & (age <= others.max()))


def _notes(unscored: int, lost: int) -> Iterator[str]:
    if lost:
        yield f"cross-validation: {counted(lost, 'fold')} whose curve did not converge"
    if unscored:
        yield (
            f"cross-validation: {count(unscored)} without a score, at the ends of the ages or in "
            "a fold without a curve"
        )


def _folds(residuals: Residuals, folds: int, seed: int) -> Codes:
    """(N,) fold of each row."""
    if folds < 2:
        raise DefinitionError(f"folds={folds}; expected 2 at least, or 0 for none")
    unit, stratum = _units(residuals)
    rng = np.random.default_rng(seed)
    if len(stratum) < folds:
        raise DefinitionError(
            f"folds={folds}, and the design has {counted(len(stratum), 'sampling unit')}, which "
            "stay together: take fewer folds, or 0 for none"
        )
    # Shuffled within strata, then dealt out in turn: each fold gets units of every stratum.
    order = np.lexsort((rng.random(len(stratum)), stratum))
    of_unit = np.empty(len(stratum), dtype=np.int64)
    of_unit[order] = np.arange(len(stratum)) % folds
    return of_unit[unit]


def _units(residuals: Residuals) -> tuple[Codes, Codes]:
    """(N,) unit of each row, and (U,) stratum of each unit; people where there are no units."""
    rows = np.arange(len(residuals.z))
    if not isinstance(residuals.design, SurveyDesign):
        return rows, np.zeros(len(rows), dtype=np.int64)
    stage = residuals.drawn.stages[0]
    if stage.unit is None:
        return rows, stage.stratum
    return stage.unit, stage.stratum
