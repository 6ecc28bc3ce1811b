"""Why a class is what it is, as codes; and the catalogue that says each code in two languages."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from numbers import Real
from typing import Any

import polars as pl

from osteo_epi.arguments import is_a, is_among
from osteo_epi.diagnosis._columns import OWN, first_true, joined
from osteo_epi.diagnosis._definition import CLASSES
from osteo_epi.diagnosis._stages import (
    COMPLETE,
    CTXA_MIN,
    DXA,
    SUBSTITUTED,
    T_APPLIES,
    VBMD,
    Stages,
    lacks_sex,
)
from osteo_epi.diagnosis.fracture import OPEN, REASON, SCREENED, STATUS, secondary_cause
from osteo_epi.errors import DefinitionError
from osteo_epi.language import language as spoken
from osteo_epi.language import phrase
from osteo_epi.norms import SEXES

LANGUAGES = ("en", "zh")
OBSTACLE = f"{OWN}obstacle"
SEVERAL = "one_trauma_for_several_fractures"
DISAGREE = "dxa_and_qct_disagree"
CTXA_ON_DXA = "ctxa_scored_on_dxa"
Case = tuple[pl.Expr | None, str]
Limits = tuple[float | None, float | None]


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Read every code with its kind and its sentences.

    Examples
    --------
    >>> catalogue()["screening_only"]["kind"]
    'class'
    """
    return tomllib.loads(files(__package__).joinpath("reasons.toml").read_text(encoding="utf-8"))


def explain(codes: str | None, *, language: str = "en") -> str:
    """Turn the codes of a column into sentences.

    Parameters
    ----------
    codes
        A value of `bone_class_reason`, `score_reason`, `advice` …: codes joined by "; ", each
        perhaps with what the source itself says after a colon. None gives "".
    language
        `en` or `zh`.

    Raises
    ------
    DefinitionError
        If a code or the language is unknown.

    Examples
    --------
    >>> print(explain("radius_for_hip; hip_unusable: implant"))
    the distal third of the radius stands in for the hip; the hip is declared unusable: implant
    """
    if not is_among(language, LANGUAGES):
        raise DefinitionError(f"unknown language {language!r}; there are {', '.join(LANGUAGES)}")
    if codes is None:
        return ""
    is_a(codes, "codes", str, "one value of the column, a text; call it for each")
    if not codes:
        return ""
    separator = {"en": "; ", "zh": "；"}[language]
    entries, sentences = catalogue(), []
    for part in codes.split("; "):
        code, colon, detail = part.partition(": ")
        if code in entries:
            sentences.append(entries[code][language] + colon + detail)
        elif sentences:
            # What the source says may itself hold a semicolon: it goes on from the part before.
            sentences[-1] += "; " + part
        else:
            raise DefinitionError("the text holds no known code; expected values of classify()")
    return separator.join(sentences)


def reason_words(text: str) -> str:
    """Say a reason of the flow in the language spoken: a sentence of the catalogue, or a phrase.

    Examples
    --------
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     print(reason_words("pregnant"), reason_words(explain("age_not_stated")))
    妊娠 年龄缺失，T值与Z值均不适用
    """
    for entry in catalogue().values():
        if entry["en"] == text:
            return entry[spoken()]
    return phrase(text)


@dataclass(frozen=True)
class Reasons:
    """The expressions of the reason on the columns of the stages and of the class."""

    stages: Stages

    def apply(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add codes joined by "; ": why there is no class, else what the class rests on."""
        unclassified = pl.col("bone_class") == "not_classifiable"
        frame = frame.with_columns(pl.when(unclassified).then(self._obstacle()).alias(OBSTACLE))
        parts = [pl.col(OBSTACLE), *self._why_missing(), *self._remarks(~unclassified)]
        names = [f"{OWN}remark_{number}" for number in range(len(parts))]
        frame = frame.with_columns(
            part.alias(name) for part, name in zip(parts, names, strict=True)
        )
        return frame.with_columns(joined(map(pl.col, names)).alias("bone_class_reason"))

    def _obstacle(self) -> pl.Expr:
        """Name the first obstacle to a class."""
        applies = pl.col(T_APPLIES)
        return first_true(
            [
                (applies.is_null(), "no_score_applies"),
                *self._open_fracture(),
                *self._no_z(~applies),
                *self._other_methods(),
                *self._reference(applies),
                *self._sites(),
                *self._no_fracture(),
                (pl.lit(True), "no_evidence"),
            ]
        )

    def _open_fracture(self) -> list[Case]:
        """Only the fracture is open: the scores are complete."""
        if not self.stages.leaves_open:
            return []
        return [(pl.col(OPEN) & pl.col(COMPLETE), "fracture_unknown")]

    def _no_fracture(self) -> list[Case]:
        """A fracture record is there, and nothing else that the definition reads."""
        if not self.stages.takes_fractures:
            return []
        return [(pl.col(REASON).is_not_null(), "no_fracture_established")]

    def _why_missing(self) -> list[pl.Expr]:
        """Go on to say why a site lacks, once the code says that it does."""
        densities, code, both = self.stages.densities, pl.col(OBSTACLE), "spine_and_hip_missing"
        reasons: list[pl.Expr] = [
            pl.when(code.is_in([f"{site}_missing", both])).then(densities.site_reason(site))
            for site in self.stages.required
        ]
        if densities.takes_reported():
            reasons.append(_when(code.str.ends_with("_missing"), "score_not_reported"))
        return reasons + self._why_no_radius(code.str.ends_with("_missing"))

    def _why_no_radius(self, missing: pl.Expr) -> list[pl.Expr]:
        """Say why a forearm that was measured does not stand in for the unusable site."""
        stages = self.stages
        if not stages.substitutes:
            return []
        radius, needed = stages.substitutes[0], missing & stages.forearm_needed()
        dominant = needed & stages.measured(radius) & stages.dominant_forearm()
        return [
            _when(needed & stages.unscored(radius), "reference_lacks_forearm"),
            _when(dominant, "forearm_dominant"),
        ]

    def _no_z(self, z_applies: pl.Expr) -> list[Case]:
        definition = self.stages.definition
        if definition.criterion.z_score is None:
            return [(z_applies, "no_z_score_bands")]
        if self.stages.has_volumetric:
            only_qct = z_applies & pl.col(VBMD).is_not_null() & ~self._any_density()
            cases: list[Case] = [(only_qct, "qct_not_for_this_age")]
        else:
            cases = []
        return cases + ([] if definition.age_reference else [(z_applies, "no_age_reference")])

    def _other_methods(self) -> list[Case]:
        """Name what was measured where nothing was that diagnoses."""
        densities, nothing = self.stages.densities, ~self._any_density()
        if self.stages.has_volumetric:
            nothing = nothing & pl.col(VBMD).is_null()
        return [
            (nothing & densities.some_volumetric(), densities.unread_volumetric),
            (nothing & densities.ct_values(), "ct_values_are_no_density"),
            (nothing & densities.adjuncts.screened(), "screening_only"),
        ]

    def _any_density(self) -> pl.Expr:
        """Whether any region that can be scored was measured."""
        measured = [self.stages.measured(roi) for roi in self.stages.definition.scored]
        return pl.any_horizontal(measured) if measured else pl.lit(False)

    def _reference(self, applies: pl.Expr) -> list[Case]:
        """Name what a reference lacks for a region, by DXA or CT, that was measured."""
        stages = self.stages
        rois = [roi for site in stages.required_sites for roi in site.rois]
        unscored = [stages.unscored(roi) for roi in (*rois, *stages.definition.ctxa_rois)]
        if not unscored:
            return []
        without = pl.any_horizontal(unscored)
        return [
            (applies & without & self._sex_lacking(), "reference_lacks_sex"),
            (applies & without, "reference_lacks_region"),
            (~applies & without, "outside_age_reference"),
        ]

    def _sex_lacking(self) -> pl.Expr:
        definition = self.stages.definition
        lacking = [
            sex for sex in SEXES if lacks_sex(definition.reference, definition.reference_sex(sex))
        ]
        return pl.col("sex").cast(pl.String).is_in(lacking)

    def _sites(self) -> list[Case]:
        lacking = {site: self.stages.lacks(site) for site in self.stages.required}
        cases: list[Case] = []
        if len(lacking) > 1:
            cases.append((pl.all_horizontal(lacking.values()), "spine_and_hip_missing"))
        cases += [(missing, f"{site}_missing") for site, missing in lacking.items()]
        return cases + [
            (self.stages.absent(roi), f"{roi}_missing") for roi in self.stages.required_rois
        ]

    def _remarks(self, classified: pl.Expr) -> list[pl.Expr]:
        """Codes that go with a class."""
        stages, remarks = self.stages, []
        for site in stages.required if stages.can_substitute else ():
            radius = classified & pl.col(SUBSTITUTED) & stages.lacks(site)
            reasons = stages.densities.site_reason(site)
            remarks += [_when(radius, f"radius_for_{site}"), pl.when(radius).then(reasons)]
        remarks += self._fracture(classified) if stages.takes_fractures else []
        cause = secondary_cause(stages.columns)
        if cause is not None:
            remarks.append(_when(classified & cause, "secondary_cause_known"))
        return remarks + self._disagreement(classified)

    def _disagreement(self, classified: pl.Expr) -> list[pl.Expr]:
        """DXA and QCT, of the spine or the hip, give different classes.

        DXA that lacks a region may yet be the worse; it cannot be the better.
        """
        criterion, kind = self.stages.definition.criterion, pl.Enum(CLASSES)
        ctxa = criterion.t_score.expression(CTXA_MIN, dtype=kind).to_physical()
        by_qct = [ctxa] if self.stages.definition.ctxa_rois else []
        if self.stages.has_volumetric and criterion.vbmd_lumbar_spine is not None:
            spine = criterion.vbmd_lumbar_spine.expression(VBMD, dtype=kind)
            by_qct.append(spine.to_physical())
        if not by_qct or not self.stages.required:
            return []
        dxa = criterion.t_score.expression(DXA, dtype=kind).to_physical()
        worse, better = dxa < pl.min_horizontal(by_qct), dxa > pl.min_horizontal(by_qct)
        differ = worse | (better & self.stages.dxa_is_whole())
        return [_when(classified & pl.col(T_APPLIES) & differ, DISAGREE)]

    def _fracture(self, classified: pl.Expr) -> list[pl.Expr]:
        """What a fracture adds to its class, or why a fracture that is recorded gave none."""
        vertebra, reason = self.stages.fracture.vertebra, pl.col(REASON)
        applies = pl.col(T_APPLIES).fill_null(False)
        decides = pl.col(STATUS).fill_null(False) & applies
        several = reason.str.contains(SEVERAL, literal=True) & decides
        remarks = [
            _when(pl.col(STATUS) & pl.col(OPEN), "fracture_open_established"),
            _when(decides & vertebra.is_severe(), "severe_vertebral_fracture"),
            _when(decides & vertebra.is_multiple(), "multiple_vertebral_fractures"),
            _when(several, SEVERAL),
        ]
        young = pl.col(STATUS) & ~pl.col(T_APPLIES)
        return [
            *remarks,
            _when(young, "young_fragility_fracture"),
            pl.when(~decides & ~young.fill_null(False) & self._tells(classified)).then(reason),
        ]

    def _tells(self, classified: pl.Expr) -> pl.Expr:
        """Whether the reason tells more than that nobody saw a fracture in a person with a class.

        A known secondary cause has a code of its own.
        """
        stages, reason = self.stages, pl.col(REASON)
        only_fracture = stages.definition.evidence == ("fracture",)
        nothing = ("fracture_no_imaging_evidence", "fracture_none_recorded", "fracture_stated_none")
        unseen = reason.is_in(nothing)
        if "fracture_site" in stages.columns:
            site = pl.col("fracture_site").cast(pl.String)
            unseen = unseen & (site.is_null() | (site == "none"))
        settled = pl.col("fragility_fracture").is_not_null() & ~pl.col(OPEN)
        cause = secondary_cause(stages.columns)
        said = pl.lit(False) if cause is None else cause.fill_null(False) & classified
        told = (settled & ~unseen | pl.col(OPEN)) & ~((reason == "fracture_secondary_cause") & said)
        return told | pl.lit(only_fracture)


def _when(condition: pl.Expr, code: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(code))


def _pair(limits: Any) -> Limits:
    """The lower and the upper limit of the body mass index."""
    sound = isinstance(limits, Sequence) and len(limits) == 2
    if not (sound and all(isinstance(one, Real | None) for one in limits)):
        raise DefinitionError(
            "bmi_limits takes (lower, upper) [kg/m²], None where there is no limit, such as "
            "(18.5, 35)"
        )
    return limits[0], limits[1]


@dataclass(frozen=True)
class Advice:
    """The expressions of the advice on the columns of the stages and of the class."""

    stages: Stages
    bmi_limits: Limits

    def __post_init__(self) -> None:
        low, high = pair = _pair(self.bmi_limits)
        if low is not None and high is not None and low >= high:
            raise DefinitionError(f"bmi_limits={pair}: expected (lower, upper) [kg/m²]")

    def advice(self) -> pl.Expr:
        """Codes joined by "; "; null where there is nothing to advise."""
        cases = [
            *self._doubtful_dxa(),
            *self._fracture(),
            *self._qct(),
            *self._ctxa(),
            *self._further(),
        ]
        return joined(
            pl.when(condition).then(pl.lit(code))
            for condition, code in cases
            if condition is not None
        )

    def _doubtful_dxa(self) -> list[Case]:
        """Advise QCT where weight, scoliosis or degeneration make DXA doubtful (row 14)."""
        columns, (low, high) = self.stages.columns, self.bmi_limits
        bmi = self._bmi()
        cases: list[Case] = [
            (None if bmi is None or low is None else bmi < low, "consider_qct_low_bmi"),
            (None if bmi is None or high is None else bmi > high, "consider_qct_high_bmi"),
            (columns.stated("scoliosis"), "consider_qct_scoliosis"),
            (columns.stated("spine_degeneration"), "consider_qct_degeneration"),
        ]
        by_dxa_only = pl.col(CTXA_MIN).is_null()
        if self.stages.has_volumetric:
            by_dxa_only = by_dxa_only & pl.col(VBMD).is_null()
        return [(c if c is None else c & by_dxa_only, code) for c, code in cases]

    def _bmi(self) -> pl.Expr | None:
        """Body mass index [kg/m²], given or from weight [kg] and height [cm]."""
        stated = self.stages.columns.quantity("bmi")
        weight = self.stages.columns.density("weight")
        height = self.stages.columns.density("height")
        if weight is None or height is None:
            return stated
        computed = weight * 1e4 / (height * height)
        return computed if stated is None else pl.coalesce(stated, computed)

    def _fracture(self) -> list[Case]:
        """Advise what an open fracture record needs (rows 2 and 6)."""
        if not self.stages.takes_fractures:
            return []
        screened = pl.col(OPEN) & pl.col(SCREENED)
        return [
            (screened, "confirm_fracture_by_imaging"),
            (pl.col(OPEN) & ~screened, "complete_fracture_record"),
        ]

    def _qct(self) -> list[Case]:
        """Say where QCT stands on another ground than the criterion's (rows 16 and 20)."""
        qct = self.stages.densities.qct
        if qct is None or not self.stages.has_volumetric:
            return []
        has_qct = pl.col(VBMD).is_not_null()
        return [(has_qct & differs, code) for differs, code in qct.remarks()]

    def _ctxa(self) -> list[Case]:
        """Say where the hip by CTXA is scored on people measured by DXA (row 17)."""
        stages, applies = self.stages, pl.col(T_APPLIES)
        scored = [
            who & score.is_not_null()
            for who, kind in ((applies, "t"), (~applies, "z"))
            for score in stages.chosen(stages.definition.on_dxa(kind))
        ]
        return [(pl.any_horizontal(scored), CTXA_ON_DXA)] if scored else []

    def _further(self) -> list[Case]:
        """Advise the forearm, a search for secondary causes, or a central measurement."""
        screened = self.stages.densities.adjuncts.screened() & self._unmeasured()
        return [
            (self._forearm(), "measure_forearm"),
            (self._young_and_weak(), "search_secondary_cause"),
            (screened, "measure_central_density"),
        ]

    def _unmeasured(self) -> pl.Expr:
        return pl.col("bone_class_reason").str.starts_with("screening_only").fill_null(False)

    def _forearm(self) -> pl.Expr | None:
        """One site is unusable and no radius stands in, unless the reference lacks it (row 8)."""
        stages = self.stages
        if not stages.substitutes:
            return None
        unscored = stages.unscored(stages.substitutes[0])
        return stages.forearm_needed() & ~pl.col(SUBSTITUTED) & ~unscored

    def _young_and_weak(self) -> pl.Expr | None:
        """A low density or a fracture in a person to whom no T-score applies (rows 11, 16)."""
        criterion, low = self.stages.definition.criterion, []
        if self.stages.z_counts and criterion.z_score is not None:
            low.append(pl.col("bone_class") == criterion.z_score.classes[0])
        bands = criterion.vbmd_lumbar_spine
        if self.stages.has_volumetric and bands is not None:
            low.append(~bands.holds(bands.classes[-1], VBMD))
        if self.stages.takes_fractures:
            low.append(pl.col(STATUS))
        return ~pl.col(T_APPLIES) & pl.any_horizontal(low) if low else None
