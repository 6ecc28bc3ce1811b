"""The definition of a run: the one asked for, with a reference from the people where that is."""

from __future__ import annotations

import warnings

import polars as pl

from osteo_epi import norms
from osteo_epi.cohort import Cohort
from osteo_epi.diagnosis import (
    LEAST,
    REGIONS,
    Areal,
    Columns,
    Definition,
    definition,
    find_spine_rule,
    supported_evidence,
    young_adult_reference,
)
from osteo_epi.errors import PrecisionWarning
from osteo_epi.norms import CTXA, SEXES, Criterion, YoungAdultReference
from osteo_epi.report._choices import OWN, Choices

YOUNG = (20, 39)


def make_definition(people: Cohort, choices: Choices, *, weight: str | None) -> Definition:
    """Put the definition of a run together.

    Parameters
    ----------
    people
        The cohort: the young adults behind "own_young_adults" are taken from it.
    choices
        The options of the run.
    weight
        Column of survey weights, or None.
    """
    reference, evidence = choices.reference, None
    if reference == OWN:
        criterion = norms.load("criteria", choices.definition, folder=choices.norms)
        reference, evidence = _own(_not_pregnant(people.frame), criterion, weight)
    return definition(
        choices.definition,
        reference=reference,
        age_reference=choices.age_reference,
        evidence=evidence,
        norms_folder=choices.norms,
    )


def _own(
    frame: pl.DataFrame, criterion: Criterion, weight: str | None
) -> tuple[YoungAdultReference, tuple[str, ...]]:
    """Take the people's own young adults, and the evidence that they can judge.

    A region that few young adults have is left out, unless the criterion rests on it: then its
    lack is an error. CTXA reads lower than DXA, so without values of its own it is no evidence.
    """
    areal = Areal(Columns.of(frame), find_spine_rule(criterion.spine_rule))
    there = [roi for roi in REGIONS if areal.density(roi) is not None]
    few = [roi for roi in there if roi not in criterion.rois and _too_few(frame, roi)]
    if few:
        warnings.warn(_left_out(few), PrecisionWarning, stacklevel=2)
    reference = young_adult_reference(
        frame,
        ages=YOUNG,
        weight=weight,
        spine_rule=criterion.spine_rule,
        rois=tuple(roi for roi in there if roi not in few) or None,
    )
    kinds = supported_evidence(criterion, None)
    judged = not any(roi.endswith(CTXA) for roi in few)
    return reference, tuple(kind for kind in kinds if judged or kind != "ctxa")


def _too_few(frame: pl.DataFrame, roi: str) -> bool:
    """Say whether a sex that has this region has too few young adults with it."""
    measured = frame.filter(pl.col(f"abmd_{roi}") > 0)
    young = measured.filter(pl.col("age").floor().is_between(*YOUNG))
    return any(
        young.filter(pl.col("sex") == sex).height < LEAST
        for sex in SEXES
        if measured.filter(pl.col("sex") == sex).height
    )


def _left_out(few: list[str]) -> str:
    return (
        f"fewer than {LEAST} young adults of a sex have {', '.join(few)}: left out of the "
        "reference and of the definition; name a published reference to keep it"
    )


def _not_pregnant(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out those who are pregnant: their bone is not that of a young reference."""
    if "pregnant" not in frame.columns:
        return frame
    return frame.filter(~pl.col("pregnant").fill_null(False))
