"""Put a definition together from names, norms and choices; refuse parts that do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
from polars import selectors as cs

from osteo_epi import norms
from osteo_epi.arguments import is_a, true_or_false
from osteo_epi.cohort import Faults, codebook, refuse_errors
from osteo_epi.diagnosis._definition import (
    CLASSES,
    REPORTED,
    SWITCHES,
    Definition,
    Reported,
    Unreferenced,
    one_of,
)
from osteo_epi.diagnosis._regions import LOWEST_T, NOT_STATED, Site, site_rule, supported_evidence
from osteo_epi.diagnosis.fracture import check_choices, genant_index
from osteo_epi.diagnosis.measurements import SpineRule, find_spine_rule
from osteo_epi.diagnosis.own_reference import (
    CTXA_ROIS,
    OWN_REFERENCE,
    ctxa_reference_of_people,
    reference_of_people,
)
from osteo_epi.diagnosis.suitability import BY_MAKER, Readings, age_reference_by_maker
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import as_polars, of_queries
from osteo_epi.norms import (
    CTXA,
    SEX_RULES,
    AgeReference,
    Criterion,
    YoungAdultReference,
)

SCORED = {"dxa", "ctxa"}
AREAL = ("abmd_", "bmc_", "t_score_", "z_score_")
VOLUMETRIC = ("vbmd_l", "vbmd_lumbar_spine")


@of_queries
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
    rois_required: str | None = None,
    substitute: str = "when_unusable",
    hip_side: str = "lowest",
    fracture_open: str = "not_established",
    menopause_unknown: str | None = None,
    ctxa_reference: str | YoungAdultReference | None = None,
    norms_folder: Any = None,
    people: Any = None,
    weight: str | None = None,
    accept_errors: bool = False,
) -> Definition:
    """Put a definition of osteoporosis together.

    Parameters
    ----------
    name
        A criterion: `china_2020`, `who_1994`, `iscd_2019`, `nchs_bone_2021`, or your own.
    reference
        Young adults behind the T-score: a norm's name, a `YoungAdultReference` (for instance from
        `young_adult_reference`), "own_young_adults" for the 20–39-year-olds of `people`, or
        "reported" to take the file's own `t_score_<roi>_reported`.
        It can be left out where the criterion itself names one, and where no score is made:
        with `evidence=["qct"]`, or for `people` with volumetric densities and no areal ones.
    age_reference
        People of the same age behind the Z-score; a name, an `AgeReference`, "reported", or
        "by_maker" for the embedded curves of the maker of `people`'s densities: lumbar spine,
        L1–L4, femoral neck and total hip of both sexes, derived from a survey of the United States
        (Hologic alone so far).
        Without one, people to whom the Z-score applies are not classifiable.
    sex_rule
        `own_sex` or `female` (one female reference for both sexes, as ISCD has it).
    spine_rule
        `at_least_two`, `all_four` or `given_total`.
    sites
        Sites ("spine", "hip") or regions ("femoral_neck") to be read instead of the criterion's;
        "not_stated" reads the lowest T-score of a file that does not say of which regions
        (`t_score_min_reported`, with "reported" as reference), and is taken by itself where
        `people` have nothing else.
    evidence
        Some of `fracture`, `dxa`, `ctxa`, `qct`; all that the criterion has by default.
    genant_from
        Genant grade from which a vertebra is fractured; the criterion's by default.
    endplate_rule
        `when_stated`, `required` or `ignored`, see `with_fragility_fracture`.
    rois_required
        `all`: every region named has to be there unless its site is unusable; `any`: one region
        of a site is enough. The criterion's by default: `all` for `china_2020`.
    substitute
        When the radius stands in for spine or hip: `when_unusable` (a reason or an invalid
        reading is stated) or `when_missing` (also where the site was merely not measured).
    hip_side
        Which hip counts where both were measured: `lowest`, `left`, `right` or `mean`.
    fracture_open
        What a fracture record is that lacks trauma, imaging or secondary causes:
        `not_established`, `established` or `unknown`.
    menopause_unknown
        `by_age` (past menopause from the age of the T-score) or `unknown` (not classifiable); the
        criterion's by default.
    ctxa_reference
        Young adults measured by CTXA: a `YoungAdultReference` with the entries
        `femoral_neck_ctxa`, `total_hip_ctxa`, the name of such a file in `norms_folder`, or
        "own_young_adults" with `people` (their sampling error is not part of an interval). Without
        one, the DXA means of `reference` are used and that is said, since CTXA reads lower.
    norms_folder
        A folder of your own norms.
    people
        Cohort or frame from which "own_young_adults" takes its young adults, the pregnant left
        out. Where the people have too few for CTXA, CTXA is no evidence:
        it reads lower than DXA, whose young adults cannot stand in.
    weight
        Column of survey weights behind "own_young_adults"; by default that of the people, "equal"
        for none, see `young_adult_reference`.
    accept_errors
        Take young adults of a cohort although it carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    Definition

    Raises
    ------
    DefinitionError
        If a part is missing, unknown, or does not fit the others.
    NormError
        If a norm does not exist; the message lists those there are.
    SchemaError
        If `people` have too few young adults at a region that the definition rests on, or are a
        cohort with errors that nobody accepted.

    Warns
    -----
    PrecisionWarning
        If `people` have too few young adults at another region, which is then left out.

    Examples
    --------
    >>> nchs = definition("nchs_bone_2021")
    >>> nchs.rois, nchs.sex_rule
    (('lumbar_spine', 'femoral_neck'), 'female')
    >>> definition("china_2020")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DefinitionError: china_2020 names no reference of its own: give reference=...
    >>> from osteo_epi.cohort import simulate
    >>> own = definition("china_2020", reference="own_young_adults", people=simulate(9_000, seed=1))
    >>> own.reference.title
    "the study's own young adults, 20–39 years"
    """
    _refuse_data(accept_errors, reference, age_reference, ctxa_reference)
    criterion = _criterion(name, norms_folder)
    rule = find_spine_rule(spine_rule or criterion.spine_rule)
    read_at = _sites_read(criterion, sites, reference or criterion.young_adult, people)
    kinds = supported_evidence(criterion, evidence)
    if evidence is None and reference is None:
        kinds = _readable(kinds, people)
    if OWN_REFERENCE in (reference, ctxa_reference):
        people = _sound(people, accept_errors=accept_errors)
    by_ctxa = _ctxa(ctxa_reference, norms_folder, people, weight, hip_side)
    young: YoungAdultReference | Reported | Unreferenced
    if isinstance(reference, str) and reference == OWN_REFERENCE:
        required = [roi for site in read_at for roi in site.rois]
        young, few = _of_people(people, required, rule, hip_side, weight)
        kinds = _judged(kinds, () if by_ctxa else few, explicit=evidence is not None)
    else:
        scored = SCORED & set(kinds) - ({"ctxa"} if by_ctxa else set())
        young = _young(criterion, reference, norms_folder, scored=bool(scored))
    chosen = Definition(
        criterion=criterion,
        reference=young,
        age_reference=_aged(criterion, age_reference, young, norms_folder, people),
        sex_rule=one_of("sex_rule", sex_rule or criterion.sex_rule, SEX_RULES),
        spine_rule=rule,
        sites=read_at,
        evidence=kinds,
        genant_from=criterion.fracture.genant_from if genant_from is None else genant_from,
        endplate_rule=endplate_rule,
        rois_required=_switch("rois_required", rois_required or criterion.rois_required),
        substitute_rule=_switch("substitute", substitute),
        hip_side=_switch("hip_side", hip_side),
        fracture_open=_switch("fracture_open", fracture_open),
        menopause_unknown=_switch(
            "menopause_unknown", menopause_unknown or criterion.applies.menopause_unknown
        ),
        ctxa_reference=by_ctxa,
        genant=genant_index(),
    )
    check_choices(chosen.genant, genant_from=chosen.genant_from, endplate_rule=endplate_rule)
    return chosen


def check_names(
    faults: Faults,
    *,
    name: str,
    reference: Any = None,
    age_reference: Any = None,
    ctxa_reference: Any = None,
    sites: Any = None,
    evidence: Any = None,
    spine_rule: str | None = None,
    sex_rule: str | None = None,
    norms_folder: Any = None,
    genant_from: int | None = None,
    endplate_rule: str = "when_stated",
    **switches: str | None,
) -> Criterion | None:
    """Gather the names that a definition cannot be put together of, before people are read.

    Parameters
    ----------
    faults
        Where they are gathered.
    name, reference, …
        As `definition` takes them.

    Returns
    -------
    Criterion or None
        The criterion, where there is one of the name.

    Examples
    --------
    >>> faults = Faults()
    >>> _ = check_names(faults, name="china_2020", reference="zang_2007", sites=["hips"])
    >>> faults.refuse()
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: 2 faults:
    1. reference (--reference): there is no young_adult 'zang_2007' (did you mean zhang_2007?); ...
    """
    criterion: Criterion | None = None
    with faults.naming("definition (--definition)"):
        criterion = norms.load("criteria", name, folder=norms_folder)
    for choice, kind, given, words in (
        ("reference (--reference)", "young_adult", reference, (OWN_REFERENCE, REPORTED)),
        ("ctxa_reference (--ctxa-reference)", "young_adult", ctxa_reference, (OWN_REFERENCE,)),
        ("age_reference (--age-reference)", "by_age", age_reference, (BY_MAKER, REPORTED)),
    ):
        if isinstance(given, str) and given not in words:
            with faults.naming(choice):
                norms.load(kind, given, folder=norms_folder)
    if criterion is not None:
        with faults:
            site_rule(criterion, sites)
        with faults:
            supported_evidence(criterion, evidence)
    with faults:
        find_spine_rule(spine_rule or "at_least_two")
    with faults:
        one_of("sex_rule", sex_rule or SEX_RULES[0], SEX_RULES)
    with faults:
        check_choices(
            genant_index(),
            genant_from=1 if genant_from is None else genant_from,
            endplate_rule=endplate_rule,
        )
    for switch, value in switches.items():
        with faults:
            _switch(switch, value or next(iter(SWITCHES[switch])))
    return criterion


def planned_readings(
    criterion: Criterion, *, sites: Any, evidence: Any, reference: Any, age_reference: Any
) -> Readings:
    """What a definition of these parts will read, before there are people to make it for."""
    read_at = site_rule(criterion, sites)
    extra = (criterion.substitute,) if criterion.substitute and len(read_at) > 1 else ()
    own = reference == REPORTED if isinstance(reference, str | None) else False
    return Readings(
        rois=tuple(roi for site in read_at for roi in site.rois) + extra,
        evidence=supported_evidence(criterion, evidence),
        reported_t=own,
        reported_z=age_reference == REPORTED or (own and age_reference is None),
    )


def needs_reference(
    criterion: Criterion, *, evidence: Any, reference: Any, ctxa_reference: Any, people: Any
) -> bool:
    """Whether scores are to be made, and neither the criterion nor the choices say of whom."""
    if reference is not None or criterion.young_adult is not None:
        return False
    kinds = supported_evidence(criterion, evidence)
    if evidence is None:
        kinds = _readable(kinds, people)
    return bool(SCORED & set(kinds) - ({"ctxa"} if ctxa_reference is not None else set()))


def _of_people(
    people: Any, required: list[str], rule: SpineRule, hip_side: str, weight: str | None
) -> tuple[YoungAdultReference, tuple[str, ...]]:
    """Young adults of the people analysed, and the regions that too few of them have."""
    if people is None:
        raise DefinitionError(
            f"reference {OWN_REFERENCE!r} is taken from the people analysed: give people= (and "
            "weight= where they are weighted), or what young_adult_reference(people) gave"
        )
    return reference_of_people(
        people, required=required, spine_rule=rule.name, hip_side=hip_side, weight=weight
    )


def _judged(kinds: tuple[str, ...], few: tuple[str, ...], *, explicit: bool) -> tuple[str, ...]:
    """The kinds of evidence that the young adults can judge; never one less than was named."""
    lacking = [roi for roi in few if roi.endswith(CTXA)]
    if not lacking or "ctxa" not in kinds:
        return kinds
    if explicit:
        raise DefinitionError(
            f"evidence ctxa needs young adults with {', '.join(lacking)}, and the people have too "
            "few: leave ctxa out of evidence=, or name a published reference"
        )
    return tuple(kind for kind in kinds if kind != "ctxa")


def _has_lowest_alone(people: Any) -> bool:
    """Whether people have a lowest T-score, of no stated regions, and nothing of any region."""
    if people is None:
        return False
    names = as_polars(people)[0].collect_schema().names()
    regions = [n for n in names if n.startswith(("abmd_", "t_score_")) and n in codebook()]
    return regions == [LOWEST_T]


def _sites_read(criterion: Criterion, sites: Any, reference: Any, people: Any) -> tuple[Site, ...]:
    """The sites asked for; those of no name where people have a lowest reported score alone."""
    reports = isinstance(reference, str) and reference == REPORTED
    if sites is None and reports and _has_lowest_alone(people):
        return site_rule(criterion, NOT_STATED)
    chosen = site_rule(criterion, sites)
    if chosen[0].name == NOT_STATED and not reports:
        raise DefinitionError(
            f"sites {NOT_STATED!r} (--sites) take a lowest T-score as the file reports it: they go "
            f"with reference={REPORTED!r} (--reference {REPORTED})"
        )
    return chosen


def _refuse_data(
    accept_errors: bool, reference: Any, age_reference: Any, ctxa_reference: Any
) -> None:
    """Refuse a column or a frame in the place of a reference: compared to a word, it is neither."""
    true_or_false(accept_errors=accept_errors)
    references = {
        "reference": reference,
        "age_reference": age_reference,
        "ctxa_reference": ctxa_reference,
    }
    for name, given in references.items():
        if isinstance(given, pl.DataFrame | pl.Series | pl.Expr | np.ndarray):
            raise DefinitionError(f"{name} is a {type(given).__name__}, expected the id of a norm")


def _switch(name: str, value: str) -> str:
    return one_of(name, value, tuple(SWITCHES[name]))


def _ctxa(
    given: Any, folder: Any, people: Any, weight: str | None, hip_side: str
) -> YoungAdultReference | None:
    """Young adults measured by CTXA: those of a norm, or of the people themselves."""
    if given is None:
        return None
    if isinstance(given, str) and given == OWN_REFERENCE:
        return _own_ctxa(people, weight, hip_side)
    reference: YoungAdultReference = (
        norms.load("young_adult", given, folder=folder) if isinstance(given, str) else given
    )
    is_a(reference, "ctxa_reference", YoungAdultReference, "a name or a YoungAdultReference")
    if not any(reference.has_own(roi) for roi in CTXA_ROIS):
        raise DefinitionError(
            f"ctxa_reference (--ctxa-reference) {reference.id} has no entry "
            f"{' or '.join(CTXA_ROIS)}: its people were not measured by CTXA; give one that has, a "
            f"file in a folder of your own norms (norms_folder=, --norms), or {OWN_REFERENCE!r}"
        )
    return reference


def _own_ctxa(people: Any, weight: str | None, hip_side: str) -> YoungAdultReference:
    if people is None:
        raise DefinitionError(
            f"ctxa_reference {OWN_REFERENCE!r} is taken from the people analysed: give people="
        )
    return ctxa_reference_of_people(people, weight=weight, hip_side=hip_side)


def _criterion(name: str, folder: Any) -> Criterion:
    criterion = norms.load("criteria", name, folder=folder)
    _check_classes(criterion)
    return criterion


def _check_classes(criterion: Criterion) -> None:
    for bands in (criterion.t_score, criterion.z_score, criterion.vbmd_lumbar_spine):
        unknown = [name for name in bands or () if name not in CLASSES]
        if unknown:
            raise DefinitionError(
                f"criterion {criterion.id} has the class(es) {', '.join(unknown)}; classes are "
                f"{', '.join(CLASSES[:-1])}"
            )


def _sound(people: Any, *, accept_errors: bool) -> Any:
    """People of whom it can be told who is a young adult; their densities are looked at later."""
    who = cs.by_name("age", "sex", require_all=False)
    read = None if people is None else as_polars(people)[0].select(who)
    return refuse_errors(people, accept_errors=accept_errors, frame=read)


def _readable(kinds: tuple[str, ...], people: Any) -> tuple[str, ...]:
    """Leave out scores where the people hold volumetric densities and no areal one at all."""
    if people is None:
        return kinds
    frame = as_polars(people)[0]
    names = frame.collect_schema().names()
    starts = [[n for n in names if n.startswith(start)] for start in (AREAL, VOLUMETRIC)]
    held = (
        frame.lazy()
        .select(
            pl.any_horizontal(pl.col(chosen).is_not_null().any(), False).alias(kind)
            for kind, chosen in zip(("areal", "volumetric"), starts, strict=True)
            if chosen
        )
        .collect()
    )
    if "volumetric" not in held.columns or not held["volumetric"].any():
        return kinds
    if "areal" in held.columns and held["areal"].any():
        return kinds
    return tuple(kind for kind in kinds if kind not in SCORED)


def _young(
    criterion: Criterion, given: Any, folder: Any, *, scored: bool
) -> YoungAdultReference | Reported | Unreferenced:
    if isinstance(given, YoungAdultReference):
        return given
    name = given or criterion.young_adult
    if not scored and given is None:
        return Unreferenced()
    if name == REPORTED:
        return Reported()
    if isinstance(name, str):
        return norms.load("young_adult", name, folder=folder)
    there = ", ".join(norms.available("young_adult", folder=folder).ids)
    if name is not None:
        raise DefinitionError(
            f"reference is {type(name).__name__}, expected a name, a YoungAdultReference, "
            f"{OWN_REFERENCE!r} or {REPORTED!r}; there are {there}"
        )
    raise DefinitionError(
        f"{criterion.id} names no reference of its own: give reference=, one of {there}, "
        f"{REPORTED!r}, or {OWN_REFERENCE!r} with people= for their own young adults"
    )


def _aged(
    criterion: Criterion,
    given: Any,
    young: YoungAdultReference | Reported | Unreferenced,
    folder: Any,
    people: Any,
) -> AgeReference | Reported | None:
    if isinstance(given, AgeReference):
        return given
    if isinstance(given, str) and given == BY_MAKER:
        given = age_reference_by_maker(people)
    name = given or (REPORTED if isinstance(young, Reported) else criterion.by_age)
    if name is None:
        return None
    if not isinstance(name, str):
        raise DefinitionError(
            f"age_reference is {type(name).__name__}, expected a name, an AgeReference, "
            f"{REPORTED!r} or {BY_MAKER!r}"
        )
    return Reported() if name == REPORTED else norms.load("by_age", name, folder=folder)
