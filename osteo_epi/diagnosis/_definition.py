"""What "osteoporosis" means in one analysis: criterion, reference, and every choice beside them.

Two papers on the same people differ by up to 9 points in men and 17 in women through the reference
alone. So a definition is one object: it prints itself, cites itself, and carries a digest of all
that can change a class.
"""

from __future__ import annotations

import hashlib
import html
import json
from dataclasses import dataclass, field
from typing import Any

from osteo_epi.diagnosis._fracture import ENDPLATE_RULES
from osteo_epi.diagnosis._regions import Gap, Site
from osteo_epi.diagnosis.measurements import SpineRule
from osteo_epi.norms import (
    CTXA,
    OWN_DATA,
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
SWITCHES = {
    "rois_required": {
        "all": "each region named has to be there unless its site is unusable",
        "any": "one region of a site is enough",
    },
    "substitute": {
        "when_unusable": "where one site is stated to be unusable",
        "when_missing": "where one site is unusable or was merely not measured",
    },
    "hip_side": {
        "lowest": "the lower of two hips",
        "left": "the left hip",
        "right": "the right hip",
        "mean": "the mean of two hips",
    },
    "fracture_open": {
        "not_established": "a fracture record that is not complete establishes no fracture",
        "established": "a fracture record that is not complete counts as a fragility fracture",
        "unknown": "a fracture record that is not complete leaves the fracture unknown",
    },
    "menopause_unknown": {
        "by_age": "women of unknown menopausal state are taken by age",
        "unknown": "women of unknown menopausal state are not classified",
    },
}
"""Choices of a definition where the guideline is silent, with what each of them means."""


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
    rois_required: str
    substitute_rule: str
    hip_side: str
    fracture_open: str
    menopause_unknown: str
    ctxa_reference: YoungAdultReference | None
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
        return "; ".join([*parts, *self._switches()])

    def _switches(self) -> list[str]:
        """The choices that can change a class under this definition, for its label."""
        parts = [f"regions required {self.rois_required}"]
        if self.ctxa_reference is not None:
            parts.append(f"CTXA reference {self.ctxa_reference.id}")
        if self.substitute:
            parts.append(f"{self.substitute} {self.substitute_rule}")
        if any(site.name == "hip" for site in self.sites):
            parts.append(f"hip side {self.hip_side}")
        if self.criterion.applies.women == "postmenopausal":
            parts.append(f"menopause unknown {self.menopause_unknown}")
        if "fracture" in self.evidence:
            parts.append(f"Genant from {self.genant_from}, end-plates {self.endplate_rule}")
            parts.append(f"open fractures {self.fracture_open}")
        return parts

    @property
    def sha256(self) -> str:
        """Digest of everything that can change a class, the norm files' bytes included."""
        parts = {
            "criterion": self.criterion.digest,
            "reference": self.reference.digest,
            "age_reference": self.age_reference.digest if self.age_reference else None,
            "ctxa_reference": self.ctxa_reference.digest if self.ctxa_reference else None,
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
        used += [norm for norm in (self.age_reference, self.ctxa_reference) if norm is not None]
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
            f"{self.spine_rule.label}; hip: {self._meaning('hip_side')}; "
            f"{self._meaning('rois_required')}; evidence: {', '.join(self.evidence)}."
        )
        if self.substitute:
            where = SWITCHES["substitute"][self.substitute_rule]
            text += f" {where[0].upper()}{where[1:]}, {self.substitute} stands in."
        if "fracture" in self.evidence:
            text += (
                f" A vertebra is fractured from Genant grade {self.genant_from}; "
                f"{ENDPLATE_RULES[self.endplate_rule]}; {self._meaning('fracture_open')}."
            )
        if self.age_reference is not None:
            text += f" Z-scores: {self.age_reference.title}."
        return text

    def _meaning(self, switch: str) -> str:
        return SWITCHES[switch][getattr(self, switch)]

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
