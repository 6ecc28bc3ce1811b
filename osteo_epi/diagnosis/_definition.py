"""What "osteoporosis" means in one analysis: criterion, reference, and every choice beside them.

Two papers on the same people differ by up to 9 points in men and 17 in women through the reference
alone. So a definition is one object: it prints itself, cites itself, and carries a digest of all
that can change a class.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from osteo_epi import norms
from osteo_epi.diagnosis._fracture import ENDPLATE_RULES, check_choices, genant_index
from osteo_epi.diagnosis._own_reference import OWN_REFERENCE, reference_of_people
from osteo_epi.diagnosis._regions import Gap, Site, site_rule, supported_evidence
from osteo_epi.diagnosis._spine import SpineRule, find_spine_rule
from osteo_epi.errors import DefinitionError
from osteo_epi.norms import (
    CTXA,
    OWN_DATA,
    SEX_RULES,
    SEXES,
    AgeReference,
    Criterion,
    Index,
    Norm,
    YoungAdultReference,
    graded,
)

REPORTED = "reported"
CLASSES = (
    "osteoporosis",
    "low_bone_mass",
    "normal",
    "below_expected_range",
    "within_expected_range",
    "not_classifiable",
)


@dataclass(frozen=True)
class Reported:
    """Scores that the file holds, from a reference nobody here knows."""

    id: str = REPORTED
    title: str = "as reported by the device, reference unknown"
    title_zh: str = ""
    verification: str = "C"
    sha256: str = REPORTED

    @property
    def digest(self) -> str:
        """In place of a norm's."""
        return self.sha256

    def cite(self) -> str:
        """Say that there is nothing to cite."""
        return f"Scores {self.title} [grade {self.verification}]"


@dataclass(frozen=True, repr=False)
class Definition:
    """A definition of osteoporosis, complete.

    Made by `definition()`; see there for the parts.
    """

    criterion: Criterion
    reference: YoungAdultReference | Reported
    age_reference: AgeReference | Reported | None
    sex_rule: str
    spine_rule: SpineRule
    sites: tuple[Site, ...]
    evidence: tuple[str, ...]
    genant_from: int
    endplate_rule: str
    genant: Index = field(repr=False)

    @property
    def substitute(self) -> str | None:
        """Region read in place of the one site that is lacking, where two are asked for."""
        return self.criterion.substitute if len(self.sites) > 1 else None

    @property
    def rois(self) -> tuple[str, ...]:
        """Regions of interest by DXA, without the substitute."""
        return tuple(roi for site in self.sites for roi in site.rois)

    @property
    def scored(self) -> tuple[str, ...]:
        """Every region that can be given a score: by DXA, the substitute, and by CTXA."""
        dxa = self.rois if "dxa" in self.evidence else ()
        extra = (self.substitute,) if dxa and self.substitute else ()
        return dxa + extra + self.ctxa_rois

    @property
    def ctxa_rois(self) -> tuple[str, ...]:
        """Regions of the hip by QCT."""
        hips = (roi for site in self.sites if site.name == "hip" for roi in site.rois)
        return tuple(roi + CTXA for roi in hips) if "ctxa" in self.evidence else ()

    @property
    def label(self) -> str:
        """All choices in one line, as it stands in tables."""
        parts = [
            self.criterion.id,
            f"reference {self.reference.id}",
            f"sex rule {self.sex_rule}",
            f"regions {'+'.join(self.rois)}",
            f"spine {self.spine_rule.name}",
            f"evidence {'+'.join(self.evidence)}",
        ]
        if self.age_reference is not None:
            parts.insert(2, f"age reference {self.age_reference.id}")
        if "fracture" in self.evidence:
            parts.append(f"Genant from {self.genant_from}, end-plates {self.endplate_rule}")
        return "; ".join(parts)

    @property
    def sha256(self) -> str:
        """Digest of everything that can change a class, the norm files' bytes included."""
        parts = {
            "criterion": self.criterion.digest,
            "reference": self.reference.digest,
            "age_reference": self.age_reference.digest if self.age_reference else None,
            "genant": self.genant.digest if "fracture" in self.evidence else None,
            "label": self.label,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def gaps(self) -> tuple[Gap, ...]:
        """List what the references lack: those people are not classifiable there, with a reason.

        Examples
        --------
        >>> from osteo_epi.diagnosis import definition
        >>> print(*definition("china_2020", reference="zhang_2007").gaps()[:2], sep="\\n")
        young_adult zhang_2007 lacks female radius_33
        young_adult zhang_2007 lacks male lumbar_spine
        """
        gaps = []
        for sex in SEXES:
            for roi in self.scored:
                if isinstance(self.reference, YoungAdultReference) and (
                    self.reference.mean_sd(self.reference_sex(sex), roi) is None
                ):
                    gaps.append(Gap("young_adult", self.reference.id, sex, roi))
                if isinstance(self.age_reference, AgeReference) and (
                    self.age_reference.curve(sex, roi) is None
                ):
                    gaps.append(Gap("by_age", self.age_reference.id, sex, roi))
        return tuple(gaps)

    def reference_sex(self, sex: str) -> str:
        """Whose young adults a person of this sex is compared with."""
        return "female" if self.sex_rule == "female" else sex

    def cut_offs(self) -> list[dict[str, Any]]:
        """Where the young adults compared with put the cut-off, one entry a region and sex.

        Returns
        -------
        list of dict
            roi, sex, mean, sd and cut_off [g/cm²], grade, n; empty where the scores are reported.

        Examples
        --------
        >>> from osteo_epi.diagnosis import definition
        >>> definition("nchs_bone_2021").cut_offs()[1]["cut_off"]
        0.558
        """
        if isinstance(self.reference, Reported):
            return []
        cut = self.criterion.t_score["osteoporosis"].upper
        values = (
            (roi, sex, self.reference.mean_sd(self.reference_sex(sex), roi))
            for sex in SEXES
            for roi in self.rois
        )
        return [
            {"roi": roi, "sex": sex, "mean": value.mean, "sd": value.sd,
             "cut_off": value.mean + cut * value.sd, "grade": value.grade, "n": value.n}
            for roi, sex, value in values
            if value is not None
        ]  # fmt: skip

    def citations(self) -> tuple[str, ...]:
        """Cite criterion and references, each with its grade, and Genant where it is used."""
        used: list[Any] = [self.criterion, self.reference]
        used += [] if self.age_reference is None else [self.age_reference]
        used += [self.genant] if "fracture" in self.evidence else []
        return tuple(norm.cite() for norm in used)

    def notes(self) -> tuple[str, ...]:
        """Name what a reader has to know: weak grades, labels, what the references lack."""
        notes = [f"scores {self.reference.title}"] if isinstance(self.reference, Reported) else []
        notes += [
            _weak(self.reference.id, *used)
            for used in self._values()
            if used[2] not in ("A", OWN_DATA)
        ]
        for norm in (self.criterion, self.reference, self.age_reference):
            if isinstance(norm, Norm) and norm.labels:
                notes.append(f"{norm.id} is labelled {', '.join(norm.labels)}")
        return tuple(notes + [str(gap) for gap in self.gaps()])

    def _values(self) -> list[tuple[str, str, str]]:
        """Sex, region and grade of the young-adult values in use."""
        if isinstance(self.reference, Reported):
            return []
        keys = {(self.reference_sex(sex), roi): None for sex in SEXES for roi in self.scored}
        values = ((sex, roi, self.reference.mean_sd(sex, roi)) for sex, roi in keys)
        return [(sex, roi, value.grade) for sex, roi, value in values if value is not None]

    def __str__(self) -> str:
        sexes = {"own_sex": "people of the same sex", "female": "women, for both sexes"}
        sites = "; ".join(f"{site.name}: {', '.join(site.rois)}" for site in self.sites)
        required = (
            "every site is required"
            if self.criterion.all_sites_required
            else ("osteoporotic at any site is osteoporosis; otherwise every site is required")
        )
        text = (
            f"Osteoporosis by {self.criterion.title} [{graded(self.criterion.verification)}], "
            f"T-scores against {self.reference.title} [{graded(self.reference.verification)}], "
            f"{sexes[self.sex_rule]}; regions: {sites} ({required}); lumbar spine: "
            f"{self.spine_rule.label}; evidence: {', '.join(self.evidence)}."
        )
        if self.substitute:
            text += f" Where one site is unusable, {self.substitute} stands in."
        if "fracture" in self.evidence:
            text += (
                f" A vertebra is fractured from Genant grade {self.genant_from}; "
                f"{ENDPLATE_RULES[self.endplate_rule]}."
            )
        if self.age_reference is not None:
            text += f" Z-scores: {self.age_reference.title}."
        return text

    def __repr__(self) -> str:
        return f"Definition({self.criterion.id}, reference {self.reference.id})"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in self.citations())
        notes = "".join(f"<li>{html.escape(line)}</li>" for line in self.notes())
        return (
            f"<p>{html.escape(str(self))}</p><ul>{items}</ul>"
            + (f"<p>Notes</p><ul>{notes}</ul>" if notes else "")
            + f"<p><code>{self.sha256}</code></p>"
        )


def _weak(reference: str, sex: str, roi: str, grade: str) -> str:
    return f"reference value of grade {grade}: {roi}, {sex} ({reference})"


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
    people: Any = None,
    weight: str | None = None,
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
    people
        Cohort or frame from which "own_young_adults" takes its young adults, the pregnant left
        out; nothing else reads it. Where the people have too few for CTXA, CTXA is no evidence:
        it reads lower than DXA, whose young adults cannot stand in.
    weight
        Column of survey weights behind "own_young_adults".

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
        If `people` have too few young adults at a region that the definition rests on.

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
    criterion = norms.load("criteria", name, folder=norms_folder)
    _check_classes(criterion)
    rule = find_spine_rule(spine_rule or criterion.spine_rule)
    read_at = site_rule(criterion, sites)
    kinds = supported_evidence(criterion, evidence)
    young: YoungAdultReference | Reported
    if isinstance(reference, str) and reference == OWN_REFERENCE:
        required = [roi for site in read_at for roi in site.rois]
        young, few = _of_people(people, required, rule, weight)
        kinds = _judged(kinds, few, explicit=evidence is not None)
    else:
        young = _young(criterion, reference, norms_folder)
    chosen = Definition(
        criterion=criterion,
        reference=young,
        age_reference=_aged(criterion, age_reference, young, norms_folder),
        sex_rule=_one_of("sex_rule", sex_rule or criterion.sex_rule, SEX_RULES),
        spine_rule=rule,
        sites=read_at,
        evidence=kinds,
        genant_from=criterion.fracture.genant_from if genant_from is None else genant_from,
        endplate_rule=endplate_rule,
        genant=genant_index(),
    )
    check_choices(chosen.genant, genant_from=chosen.genant_from, endplate_rule=endplate_rule)
    return chosen


def _of_people(
    people: Any, required: list[str], rule: SpineRule, weight: str | None
) -> tuple[YoungAdultReference, tuple[str, ...]]:
    """Young adults of the people analysed, and the regions that too few of them have."""
    if people is None:
        raise DefinitionError(
            f"reference {OWN_REFERENCE!r} is taken from the people analysed: give people= (and "
            "weight= where they are weighted), or what young_adult_reference(people) gave"
        )
    return reference_of_people(people, required=required, spine_rule=rule.name, weight=weight)


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
            f"reference is {type(name).__name__}, expected a name, a YoungAdultReference, "
            f"{OWN_REFERENCE!r} or {REPORTED!r}; there are {there}"
        )
    raise DefinitionError(
        f"{criterion.id} names no reference of its own: give reference=, one of {there}, "
        f"{REPORTED!r}, or {OWN_REFERENCE!r} with people= for their own young adults"
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
