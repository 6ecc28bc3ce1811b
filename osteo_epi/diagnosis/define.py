"""Put a definition together: find its norms, and refuse parts that do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from osteo_epi import norms
from osteo_epi.diagnosis.definition import CLASSES, REPORTED, Definition, Reported
from osteo_epi.diagnosis.fracture import check_choices, genant_index
from osteo_epi.diagnosis.regions import site_rule, supported_evidence
from osteo_epi.diagnosis.spine import find_spine_rule
from osteo_epi.errors import DefinitionError
from osteo_epi.norms.criterion import SEX_RULES, Criterion
from osteo_epi.norms.references import AgeReference, YoungAdultReference


def definition(
    name: str,
    *,
    reference: str | YoungAdultReference | None = None,
    age_reference: str | AgeReference | None = None,
    sex_rule: str | None = None,
    spine_rule: str | None = None,
    sites: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
    evidence: Iterable[str] | None = None,
    genant_from: int | None = None,
    endplate_rule: str = "when_stated",
    norms_folder: Any = None,
) -> Definition:
    """Put a definition of osteoporosis together.

    Parameters
    ----------
    name
        A criterion: `china_2020`, `who_1994`, `iscd_2019`, `nchs_bone_2021`, or your own.
    reference
        Young adults behind the T-score: a norm's name, a `YoungAdultReference` (for instance from
        `young_adult_reference`), or "reported" to take the file's own `t_score_<roi>_reported`.
        Only where the criterion itself names a reference can it be left out.
    age_reference
        People of the same age behind the Z-score; a name, an `AgeReference`, or "reported".
        Without one, people to whom the Z-score applies are not classifiable.
    sex_rule
        `own_sex` or `female` (one female reference for both sexes, as ISCD has it).
    spine_rule
        `at_least_two`, `all_four` or `given_total`.
    sites
        Sites ("spine", "hip") or regions ("femoral_neck") to be read instead of the criterion's.
    evidence
        Some of `fracture`, `dxa`, `ctxa`, `qct`; all that the criterion has by default.
    genant_from
        Genant grade from which a vertebra is fractured; the criterion's by default.
    endplate_rule
        `when_stated`, `required` or `ignored`, see `with_fragility_fracture`.
    norms_folder
        A folder of your own norms.

    Returns
    -------
    Definition

    Raises
    ------
    DefinitionError
        If a part is missing, unknown, or does not fit the others.
    NormError
        If a norm does not exist; the message lists those there are.

    Examples
    --------
    >>> nchs = definition("nchs_bone_2021")
    >>> nchs.rois, nchs.sex_rule
    (('lumbar_spine', 'femoral_neck'), 'female')
    >>> definition("china_2020")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DefinitionError: china_2020 names no reference of its own: give reference=...
    """
    criterion = norms.load("criteria", name, folder=norms_folder)
    _check_classes(criterion)
    young = _young(criterion, reference, norms_folder)
    made = Definition(
        criterion=criterion,
        reference=young,
        age_reference=_aged(criterion, age_reference, young, norms_folder),
        sex_rule=_one_of("sex_rule", sex_rule or criterion.sex_rule, SEX_RULES),
        spine_rule=find_spine_rule(spine_rule or criterion.spine_rule),
        sites=site_rule(criterion, sites),
        evidence=supported_evidence(criterion, evidence),
        genant_from=criterion.fracture.genant_from if genant_from is None else genant_from,
        endplate_rule=endplate_rule,
        genant=genant_index(),
    )
    check_choices(made.genant, genant_from=made.genant_from, endplate_rule=made.endplate_rule)
    return made


def _one_of(what: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise DefinitionError(f"unknown {what} {value!r}; there are {', '.join(known)}")
    return value


def _check_classes(criterion: Criterion) -> None:
    for bands in (criterion.t_score, criterion.z_score, criterion.vbmd_lumbar_spine):
        unknown = [name for name in bands or () if name not in CLASSES]
        if unknown:
            raise DefinitionError(
                f"criterion {criterion.id} has the class(es) {', '.join(unknown)}; classes are "
                f"{', '.join(CLASSES[:-1])}"
            )


def _young(criterion: Criterion, given: Any, folder: Any) -> YoungAdultReference | Reported:
    if isinstance(given, YoungAdultReference):
        return given
    name = given or criterion.young_adult
    if name == REPORTED:
        return Reported()
    if isinstance(name, str):
        return norms.load("young_adult", name, folder=folder)
    there = ", ".join(norms.available("young_adult", folder=folder).ids)
    if name is not None:
        raise DefinitionError(
            f"reference is {type(name).__name__}, expected a name, a YoungAdultReference or "
            f"{REPORTED!r}; there are {there}"
        )
    raise DefinitionError(
        f"{criterion.id} names no reference of its own: give reference=, one of {there}, "
        f"{REPORTED!r}, or your own young adults by young_adult_reference(people)"
    )


def _aged(
    criterion: Criterion, given: Any, young: YoungAdultReference | Reported, folder: Any
) -> AgeReference | Reported | None:
    if isinstance(given, AgeReference):
        return given
    name = given or (REPORTED if isinstance(young, Reported) else criterion.by_age)
    if name is None:
        return None
    if not isinstance(name, str):
        raise DefinitionError(
            f"age_reference is {type(name).__name__}, expected a name, an AgeReference or "
            f"{REPORTED!r}"
        )
    return Reported() if name == REPORTED else norms.load("by_age", name, folder=folder)
