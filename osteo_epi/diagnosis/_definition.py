"""What "osteoporosis" means in one analysis: criterion, reference, and every choice beside them.

Two papers on the same people differ by up to 9 points in men and 17 in women through the reference
alone. So a definition is one object: it prints itself, cites itself, and carries a digest of all
that can change a class.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from osteo_epi.arguments import is_among
from osteo_epi.diagnosis._regions import NOT_STATED, Gap, Site
from osteo_epi.diagnosis.fracture import ENDPLATE_RULES
from osteo_epi.diagnosis.measurements import SpineRule
from osteo_epi.errors import DefinitionError, did_you_mean
from osteo_epi.norms import (
    CTXA,
    DERIVED,
    OWN_DATA,
    SEXES,
    AgeReference,
    Bands,
    Criterion,
    Index,
    MeanSD,
    Norm,
    YoungAdultReference,
    graded,
    load,
)

REPORTED = "reported"
CTXA_STUDIES = ("cheng_2014", "kong_2013")
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
CLASS_NAMES = {
    "en": {
        "osteoporosis": "osteoporosis",
        "low_bone_mass": "low bone mass",
        "normal": "normal",
        "below_expected_range": "below the expected range for age",
        "within_expected_range": "within the expected range for age",
    },
    "zh": {
        "osteoporosis": "骨质疏松",
        "low_bone_mass": "骨量减低",
        "normal": "骨量正常",
        "below_expected_range": "低于同年龄段预期范围",
        "within_expected_range": "在同年龄段预期范围内",
    },
}
SIGNS = {"en": ("; ", ": "), "zh": ("；", "：")}
"""What stands between two classes, and between a class and its limits."""


def one_of(what: str, value: str, known: Iterable[str]) -> str:
    """Insist that a choice is one of those there are."""
    if not is_among(value, set(known)):
        names = list(known)
        near = did_you_mean(value, names)
        option = f"--{what.replace('_', '-')}"
        raise DefinitionError(
            f"unknown {what} ({option}) {value!r}{near}; there are {', '.join(names)}"
        )
    return value


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


@dataclass(frozen=True)
class Unreferenced:
    """No young adults: the evidence that is read is judged without a score."""

    id: str = "none"
    title: str = "no young adults, since no score is made"
    title_zh: str = ""
    verification: str = "A"
    sha256: str = "unreferenced"

    @property
    def digest(self) -> str:
        """In place of a norm's."""
        return self.sha256

    def cite(self) -> str:
        """Say that there is nothing to cite."""
        return "No young-adult reference: no T-score is made"


@dataclass(frozen=True, repr=False)
class Definition:
    """A definition of osteoporosis, complete.

    Made by `definition()`; see there for the parts.
    """

    criterion: Criterion
    reference: YoungAdultReference | Reported | Unreferenced
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

    def young_adults(self, roi: str) -> YoungAdultReference | Reported | Unreferenced:
        """Whom a region's T-score compares with: regions by CTXA with their own, where given."""
        own = self.ctxa_reference if roi.endswith(CTXA) else None
        return self.reference if own is None else own

    def mean_sd(self, sex: str, roi: str) -> MeanSD | None:
        """Mean and SD [g/cm²] that a person of a sex is compared with at a region, or None."""
        young = self.young_adults(roi)
        if not isinstance(young, YoungAdultReference):
            return None
        return young.mean_sd(self.reference_sex(sex), roi)

    def on_dxa(self, score: str) -> tuple[str, ...]:
        """Regions by CTXA whose score compares with people measured by DXA.

        Parameters
        ----------
        score
            `t` or `z`.
        """
        return tuple(roi for roi in self.ctxa_rois if self._is_on_dxa(roi, score))

    def _is_on_dxa(self, roi: str, score: str) -> bool:
        if score == "t":
            young = self.young_adults(roi)
            scored = any(self.mean_sd(sex, roi) for sex in SEXES)
            return scored and isinstance(young, YoungAdultReference) and not young.has_own(roi)
        aged = self.age_reference
        return isinstance(aged, AgeReference) and not aged.has_own(roi)

    @property
    def label(self) -> str:
        """All choices in one line, as it stands in tables."""
        parts = [self.criterion.id, f"reference {self.reference.id}"]
        if self.age_reference is not None:
            parts.append(f"age reference {self.age_reference.id}")
        if self.is_scored:
            parts += [
                f"sex rule {self.sex_rule}",
                f"regions {self._read_at}",
                *([f"spine {self.spine_rule.name}"] if self.reads_spine else []),
            ]
        parts.append(f"evidence {'+'.join(self.evidence)}")
        return "; ".join(
            [*parts, *(self._of_regions() if self.is_scored else []), *self._of_people()]
        )

    @property
    def states_regions(self) -> bool:
        """Whether it is known at which regions was read: not of a lowest T-score alone."""
        return self.sites[0].name != NOT_STATED

    @property
    def reads_spine(self) -> bool:
        """Whether the lumbar spine is read, so that the rule of its vertebrae decides anything."""
        return "lumbar_spine" in self.rois

    @property
    def _read_at(self) -> str:
        if self.states_regions:
            return "+".join(self.rois)
        return "not stated (lowest T-score as reported by the file)"

    def _of_regions(self) -> list[str]:
        """The choices about regions that can change a class under this definition."""
        parts = [f"regions required {self.rois_required}"]
        if self.ctxa_reference is not None:
            parts.append(f"CTXA reference {self.ctxa_reference.id}")
        elif self.on_dxa("t"):
            parts.append("CTXA on means of DXA")
        if self.substitute:
            parts.append(f"{self.substitute} {self.substitute_rule}")
        if any(site.name == "hip" for site in self.sites):
            parts.append(f"hip side {self.hip_side}")
        return parts

    def _of_people(self) -> list[str]:
        """The choices about menopause and fractures that can change a class."""
        parts = []
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
                young = self.young_adults(roi)
                if isinstance(young, YoungAdultReference) and self.mean_sd(sex, roi) is None:
                    gaps.append(Gap("young_adult", young.id, sex, roi))
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
            roi, sex, mean, sd and cut_off [g/cm²], grade, n; empty where the scores are reported,
            or none are made. Regions by CTXA stand there with a reference of their own.

        Examples
        --------
        >>> from osteo_epi.diagnosis import definition
        >>> definition("nchs_bone_2021").cut_offs()[1]["cut_off"]
        0.558
        """
        cut = self.criterion.t_score["osteoporosis"].upper
        by_ctxa = () if self.ctxa_reference is None else self.ctxa_rois
        rois = (*self.rois, *by_ctxa)
        values = ((roi, sex, self.mean_sd(sex, roi)) for sex in SEXES for roi in rois)
        return [
            {"roi": roi, "sex": sex, "mean": value.mean, "sd": value.sd,
             "cut_off": value.mean + cut * value.sd, "grade": value.grade, "n": value.n}
            for roi, sex, value in values
            if value is not None
        ]  # fmt: skip

    def citations(self) -> tuple[str, ...]:
        """Cite criterion and references, each with its grade, and Genant where it is used."""
        used: list[Any] = [self.criterion]
        used += [] if isinstance(self.reference, Unreferenced) else [self.reference]
        used += [norm for norm in (self.age_reference, self.ctxa_reference) if norm is not None]
        used += [self.genant] if "fracture" in self.evidence else []
        return tuple(norm.cite() for norm in used)

    def notes(
        self, *, rois: Collection[str] | None = None, sexes: Collection[str] = SEXES
    ) -> tuple[str, ...]:
        """Name what a reader has to know: weak grades, labels, what the references lack.

        Parameters
        ----------
        rois
            Regions that the people have; all that the definition scores by default.
        sexes
            Sexes of the people.

        Examples
        --------
        >>> from osteo_epi.diagnosis import definition
        >>> print(*definition("who_1994", reference="zhang_2007").notes(), sep="\\n")
        young_adult zhang_2007 lacks male lumbar_spine, femoral_neck, total_hip
        >>> definition("who_1994", reference="zhang_2007").notes(sexes=["female"])
        ()
        """
        read = self.scored if rois is None else rois
        notes = [f"scores {self.reference.title}"] if isinstance(self.reference, Reported) else []
        notes += [
            _weak(self.young_adults(used[1]).id, *used)
            for used in self._values(sexes)
            if used[2] not in ("A", DERIVED, OWN_DATA) and used[1] in read
        ]
        if self.on_dxa("t") and any(roi.endswith(CTXA) for roi in read):
            lower = ctxa_lower()
            notes.append(f"the hip by CTXA is scored on young adults by DXA; {lower}")
        for norm in (self.criterion, self.reference, self.age_reference, self.ctxa_reference):
            if isinstance(norm, Norm) and norm.labels:
                notes.append(f"{norm.id} is labelled {', '.join(norm.labels)}")
        gaps = (gap for gap in self.gaps() if gap.roi in read and gap.sex in sexes)
        return (*notes, *_joined(gaps))

    def _values(self, sexes: Collection[str]) -> list[tuple[str, str, str]]:
        """Sex, region and grade of the young-adult values in use."""
        keys = {(self.reference_sex(sex), roi): None for sex in sexes for roi in self.scored}
        values = ((sex, roi, self.mean_sd(sex, roi)) for sex, roi in keys)
        return [(sex, roi, value.grade) for sex, roi, value in values if value is not None]

    def class_limits(self, *, language: str = "en", evidence: Collection[str] | None = None) -> str:
        """Say where the classes lie, as the foot of a table prints it.

        Parameters
        ----------
        language
            `en` or `zh`.
        evidence
            Kinds of evidence that the people have, and "z" where Z-scores judge some of them; all
            of the definition by default.

        Examples
        --------
        >>> from osteo_epi.diagnosis import definition
        >>> print(definition("nchs_bone_2021").class_limits())
        osteoporosis: T ≤ −2.5; low bone mass: −2.5 < T < −1.0; normal: T ≥ −1.0
        """
        names, semicolon, colon = CLASS_NAMES[language], *SIGNS[language]
        scales = self._scales((*self.evidence, "z") if evidence is None else evidence)
        return semicolon.join(
            f"{names[name]}{colon}{interval.inequality(symbol, decimals=decimals)}{unit}"
            for bands, symbol, decimals, unit in scales
            for name, interval in bands.items()
        )

    def _scales(self, evidence: Collection[str]) -> list[tuple[Bands, str, int, str]]:
        """What the classes are read from: bands, symbol, decimals, unit."""
        criterion, scales = self.criterion, []
        if {"dxa", "ctxa"} & set(evidence):
            scales.append((criterion.t_score, "T", 1, ""))
            if "z" in evidence and criterion.z_score is not None and self.age_reference is not None:
                scales.append((criterion.z_score, "Z", 1, ""))
        if "qct" in evidence and criterion.vbmd_lumbar_spine is not None:
            scales.append((criterion.vbmd_lumbar_spine, "vBMD", 0, " mg/cm³"))
        return scales

    def __str__(self) -> str:
        criterion = f"{self.criterion.title} [{graded(self.criterion.verification)}]"
        limits = self.class_limits()
        sentences = [
            f"Osteoporosis by {criterion}{self._scores()}; evidence: {', '.join(self.evidence)}",
            f"{limits[0].upper()}{limits[1:]}" if limits else "",
            self._regions(),
            self._fractures(),
            "" if self.age_reference is None else f"Z-scores: {self.age_reference.title}",
        ]
        return " ".join(f"{sentence}." for sentence in sentences if sentence)

    @property
    def is_scored(self) -> bool:
        """Whether T-scores are read at all."""
        return bool({"dxa", "ctxa"} & set(self.evidence))

    def _regions(self) -> str:
        """Which regions are read, and when they are complete."""
        if not self.is_scored:
            return ""
        sites = "; ".join(f"{site.name}: {', '.join(site.rois)}" for site in self.sites)
        required = (
            "every site is required"
            if self.criterion.all_sites_required
            else "osteoporotic at any site is osteoporosis; otherwise every site is required"
        )
        text = f"Regions: {sites} ({required}; {self._meaning('rois_required')})"
        parts = [text]
        if self.reads_spine:
            parts.append(f"lumbar spine: {self.spine_rule.label}")
        if any(site.name == "hip" for site in self.sites):
            parts.append(f"hip: {self._meaning('hip_side')}")
        if self.substitute:
            where = SWITCHES["substitute"][self.substitute_rule]
            parts.append(f"{self.substitute} stands in {where}")
        return "; ".join(parts)

    def _fractures(self) -> str:
        if "fracture" not in self.evidence:
            return ""
        return (
            f"A vertebra is fractured from Genant grade {self.genant_from}; "
            f"{ENDPLATE_RULES[self.endplate_rule]}; {self._meaning('fracture_open')}"
        )

    def _scores(self) -> str:
        """What the scores are compared with; nothing where none are made."""
        sexes = {"own_sex": "people of the same sex", "female": "women, for both sexes"}
        by_ctxa = (
            "" if self.ctxa_reference is None else f"; CTXA against {_named(self.ctxa_reference)}"
        )
        if isinstance(self.reference, Unreferenced):
            return by_ctxa
        if isinstance(self.reference, Reported):
            return f", T-scores {self.reference.title}{by_ctxa}"
        return f", T-scores against {_named(self.reference)}{by_ctxa}, {sexes[self.sex_rule]}"

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


def _joined(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """Gaps of a norm and sex in one line, with the regions that it lacks."""
    regions: dict[Gap, list[str]] = {}
    for gap in gaps:
        regions.setdefault(replace(gap, roi=""), []).append(gap.roi)
    return tuple(str(replace(gap, roi=", ".join(rois))) for gap, rois in regions.items())


def _named(reference: YoungAdultReference) -> str:
    return f"{reference.title} [{graded(reference.verification)}]"


@cache
def ctxa_lower() -> str:
    """Say how much lower CTXA reads than DXA, as published.

    Examples
    --------
    >>> ctxa_lower()
    'CTXA read 10 to 21 % lower than DXA in 2 studies (cheng_2014, kong_2013)'
    """
    studies = [load("published", name) for name in CTXA_STUDIES]
    lower = [
        -estimate["value"]
        for study in studies
        for estimate in study.estimates
        if estimate["quantity"] == "ctxa_minus_dxa"
    ]
    return (
        f"CTXA read {min(lower):.0f} to {max(lower):.0f} % lower than DXA in {len(studies)} "
        f"studies ({', '.join(CTXA_STUDIES)})"
    )


def _weak(reference: str, sex: str, roi: str, grade: str) -> str:
    return f"reference value of grade {grade}: {roi}, {sex} ({reference})"
