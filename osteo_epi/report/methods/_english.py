"""The methods paragraph in English."""

from __future__ import annotations

import re
from collections.abc import Sequence

from osteo_epi.diagnosis import MAKERS
from osteo_epi.norms import GRADE_MEANING
from osteo_epi.report.methods._paragraph import Paragraph

ROIS = {
    "lumbar_spine": "lumbar spine (L1–L4)",
    "femoral_neck": "femoral neck",
    "total_hip": "total hip",
    "radius_33": "distal third of the radius",
    "femoral_neck_ctxa": "femoral neck by CTXA",
    "total_hip_ctxa": "total hip by CTXA",
}
CRITERIA = {
    "china_2020": "the Chinese expert consensus on imaging and bone-density diagnosis of "
    "osteoporosis (2020)",
    "iscd_2019": "the official positions of the International Society for Clinical Densitometry "
    "(2019)",
    "nchs_bone_2021": "the method of the US National Center for Health Statistics (NCHS Data "
    "Brief 405, 2021)",
    "who_1994": "the criterion of the World Health Organization (1994)",
}
SPINE = {
    "all_four": "The lumbar spine required all four vertebrae L1–L4 to be valid.",
    "at_least_two": "The lumbar spine required at least two valid vertebrae of L1–L4.",
    "given_total": "The density of the lumbar spine was the total that the data give.",
}
HIPS = {
    "lowest": "the lower density",
    "left": "the left hip",
    "right": "the right hip",
    "mean": "the mean of both",
}
REASONS = {
    "not examined": "who were not examined",
    "pregnant": "who were pregnant",
    "weight of zero": "without a sampling weight",
    "age missing": "of unknown age",
}
OPEN = {
    "not_established": "taken as showing no fragility fracture",
    "established": "taken as showing a fragility fracture",
    "unknown": "taken as unknown",
}
INTERVALS = {
    "logit": "as Wald limits on the scale of the log-odds",
    "likelihood": "by the profile likelihood with Rao–Scott scaling",
    "beta": "by the method of Korn and Graubard (beta distribution)",
    "mean": "as Wald limits",
    "wilson": "by Wilson's method with the effective sample size",
    "agresti_coull": "by the method of Agresti and Coull with the effective sample size",
    "jeffreys": "by Jeffreys' method with the effective sample size",
    "clopper_pearson": "by the method of Clopper and Pearson with the effective sample size",
}
LONELY = {
    "certainty": "contributed nothing to the variance",
    "adjust": "were centred on the mean of all units",
    "average": "were given the mean variance of the other strata",
    "remove": "were left out of the variance",
}


class English(Paragraph):
    """A study and its definition in English sentences."""

    def sentences(self) -> list[str]:
        """In the order in which a paper has them; empty where one has nothing to say."""
        return [
            self._data(),
            self._people(),
            self._incomplete(),
            *(self._densities() if self.by_dxa else []),
            *self._qct_scans(),
            self._definition(),
            self._scores(),
            self._grades(),
            self._z_scores(),
            self._ctxa(),
            self._qct(),
            *self._fractures(),
            self._menopause(),
            self._apart(),
            self._standard(),
            self._affected(),
            *self._design(),
            self._interval(),
            "The intervals include the sampling error of the study's own young adults."
            if self.study.counts_reference_error
            else "",
            self._shown(),
            f"Analyses were made with osteo-epi {self.study.version}.",
        ]

    def _data(self) -> str:
        study = self.study
        if study.cycles:
            return (
                "Data were the public-use files of the US National Health and Nutrition "
                f"Examination Survey (NHANES), {_listed([*map(_dashed, study.cycles)])}."
            )
        if study.is_simulated:
            return f"The records are of {study.label or 'SIMULATED people'}.".replace("..", ".")
        where = f" of {study.n_centres:,} centres" if study.n_centres > 1 else ""
        when = f", examined {_years(*study.years)}" if study.years else ""
        source = f" ({study.label})" if study.label else ""
        return f"The data were records of {_people(study.n_in)}{where}{when}{source}."

    def _people(self) -> str:
        study = self.study
        ages = (
            f"aged {study.ages[0]:g} years or older"
            if study.ages[1] == float("inf")
            else f"aged {study.ages[0]:g} to {study.ages[1] - 1:g} years"
        )
        left_out = [f"{n:,} {_reason(reason, n)}" for reason, n in study.left_out.items()]
        of_all = "We" if self.says_n else f"Of {_people(study.n_in)}, we"
        out = f"{of_all} excluded {_listed(left_out)}. " if left_out else ""
        rest = f"the remaining {_people(self.n_of_age)}" if left_out else _people(self.n_of_age)
        by_z = study.n_judged_by_z
        only = f" For {by_z:,} of those analysed only a Z-score applies, which counts as no "
        only += "osteoporosis."
        return f"{out}{self._analysed(rest, ages)}{only if by_z else ''}"

    def _analysed(self, rest: str, ages: str) -> str:
        n, missing = self.study.n, self.study.n_missing
        if not missing:
            of = "of " if self.study.left_out else ""
            return f"All {of}{rest}, {ages}, could be classified and were analysed."
        return (
            f"Of {rest}, {ages}, {n:,} could be classified and were analysed; {missing:,} "
            f"({self.share(missing)}%) could not be classified and were treated as missing, not as "
            "healthy."
        )

    def _incomplete(self) -> str:
        n = self.study.n_incomplete
        return (
            f"Those missing include {n:,} with osteoporosis at one region and another required "
            "region not measured, since only people with every required region enter the estimate."
            if n
            else ""
        )

    def _densities(self) -> list[str]:
        if not self.definition.states_regions:
            return ["The lowest T-score that the data report was used; its region is not stated."]
        rois = _listed([ROIS.get(roi, roi) for roi in self.regions()])
        makers = [MAKERS.get(maker, maker) for maker in self.study.makers]
        models = _listed(list(self.study.devices))
        scanner = f" on {models} densitometers" if models else ""
        if makers:
            scanner = f" on {_listed(makers)} densitometers" + (f" ({models})" if models else "")
        method = "by dual-energy X-ray absorptiometry (DXA)"
        stands_in = self.definition.substitute in self.study.rois
        return [
            f"Areal bone mineral density (BMD) was measured {method} at the {rois}{scanner}.",
            "" if scanner else "The data do not state the make of the densitometer.",
            SPINE.get(self.definition.spine_rule.name, "") if self.study.has_vertebrae else "",
            f"Of two hips, {HIPS[self.definition.hip_side]} was used."
            if self.study.has_both_hips
            else "",
            f"The {ROIS.get(str(self.definition.substitute))} stood in for a site that could not "
            "be used."
            if stands_in
            else "",
        ]

    def _qct_scans(self) -> list[str]:
        if not (self.by_qct or self.by_ctxa):
            return []
        places = ["the trabecular density of the lumbar vertebrae"] if self.by_qct else []
        places += ["the areal density of the hip (CTXA)"] if self.by_ctxa else []
        by = f", calibrated by {_listed(list(self.study.calibrations))}"
        text = f"Quantitative computed tomography (QCT) measured {_listed(places)}"
        return [f"{text}{by if self.study.calibrations else ''}."]

    def _definition(self) -> str:
        criterion = self.definition.criterion
        name = CRITERIA.get(criterion.id, f"“{criterion.title}”")
        text = f"Osteoporosis was defined by {name}{self.cited('criterion')}"
        if not self.by_score:
            return f"{text}."
        of = " of these regions" if self.by_dxa and self.definition.states_regions else ""
        return (
            f"{text}; by the lowest T-score{of}, people were classed as having "
            f"{self._classes('t')}."
        )

    def _classes(self, scale: str) -> str:
        names = {"normal": "normal BMD"}
        limits = self.limits(scale, "en")
        named = [f"{names.get(name, name)} ({limit})" for name, limit in limits]
        return _listed(named, last="or")

    def _scores(self) -> str:
        if not self.by_score:
            return ""
        if self.is_reported:
            return (
                "T-scores were taken as the densitometer reported them; the young adults behind "
                "them are not known."
            )
        reference, source = self.definition.reference, self.cited("young-adult reference")
        title = _dashed(reference.title)
        named = title if self.is_own else f"“{title}”{source}"
        whose = {
            "own_sex": "young adults of the same sex",
            "female": "young women, for both sexes",
        }[self.definition.sex_rule]
        return (
            f"T-scores were computed from the mean and standard deviation of {whose}: {named}; "
            "they were not rounded before people were classed."
        )

    def _grades(self) -> str:
        texts = []
        for grade, places in self.grades().items():
            where = [f"{_plain(r)}{f' in {_SEXES[s]}' if s else ''}" for r, s in places]
            texts.append(f"{grade} for the {_listed(where)} ({GRADE_MEANING[grade]})")
        graded = "The reference values were graded by how far they could be verified"
        return f"{graded}: {_listed(texts)}." if texts else ""

    def _z_scores(self) -> str:
        aged = self.definition.age_reference
        if not self.study.has_z_scores or aged is None:
            return ""
        against = (
            "as reported"
            if self.is_reported
            else f"against “{_dashed(aged.title)}”{self.cited('age reference')}"
        )
        return (
            "People to whom no T-score applies, as premenopausal women, were classed by Z-scores "
            f"{against} as {self._classes('z')}."
        )

    def _ctxa(self) -> str:
        if not self.by_ctxa:
            return ""
        own = self.definition.ctxa_reference
        text = "Areal BMD of the hip by CTXA was classed by the same T-scores"
        if own is not None:
            number = self.cited("young-adult reference, CTXA")
            return f"{text}, against the young adults of “{_dashed(own.title)}”{number}."
        on_dxa = self.definition.on_dxa("t")
        return f"{text}{', against young adults measured by DXA' if on_dxa else ''}."

    def _qct(self) -> str:
        if not self.by_qct:
            return ""
        return (
            "By the mean trabecular density of two lumbar vertebrae (vBMD), people with QCT were "
            f"classed as having {self._classes('vbmd')}."
        )

    def _fractures(self) -> list[str]:
        if "fracture" not in self.definition.evidence:
            return ["Fractures were not part of the definition."]
        if "fracture" not in self.study.measured:
            return ["The data hold no record that could establish a fragility fracture."]
        n, taken = self.study.n_open_fractures, OPEN[self.definition.fracture_open]
        record, was = ("record", "was") if n == 1 else ("records", "were")
        return [
            self._rule(),
            f"The fracture {record} of {_people(n)} {was} incomplete and {taken}." if n else "",
        ]

    def _rule(self) -> str:
        stated, from_parts = self.study.fractures_stated, self.study.fractures_from_parts
        if stated and not from_parts:
            return (
                "A fragility fracture, as the data state it, established osteoporosis whatever the "
                "BMD."
            )
        also = "; where the data themselves state whether there was one, that was taken"
        return (
            "A fragility fracture established osteoporosis whatever the BMD: a fracture after no "
            "or minor trauma with imaging evidence, secondary causes being excluded; vertebral "
            f"fractures counted from Genant grade {self.definition.genant_from}"
            f"{self.cited('vertebral fracture')}{also if stated else ''}."
        )

    def _menopause(self) -> str:
        n = self.by_age_alone
        women = "1 woman" if n == 1 else f"{n:,} women"
        return f"Menopause was not recorded for {women} and was inferred from age." if n else ""

    def _apart(self) -> str:
        if not self.study.counts_fractures_apart:
            return ""
        return (
            "Prevalence was estimated as f + (1 − f)·q, where f is the share of people with an "
            "established fragility fracture among those whose fracture status is known, and q the "
            "share of the class by BMD among people without one who have every required region."
        )

    def _standard(self) -> str:
        standard = self.study.standard
        if standard is None:
            return "Prevalence was not age-standardised."
        return (
            "Prevalence was age-standardised by the direct method to the standard population "
            f"“{_dashed(standard.title)}”{self.cited('standard population')}."
        )

    def _affected(self) -> str:
        of, standard = self.study.people_affected, self.study.standard
        if of == "weights":
            return (
                "The number of people affected is the crude prevalence times the population that "
                "the sampling weights describe, those who could not be classified taken to be like "
                "the others."
            )
        if of == "standard" and standard is not None:
            return f"The number of people affected is that of the population of {standard.title}."
        return ""

    def _design(self) -> list[str]:
        if not self.study.design:
            return ["People were treated as a simple random sample."]
        parts = self.design()
        weighted = f"Estimates were weighted by {parts['weights']}." if "weights" in parts else ""
        if "replicates" in parts:
            return [weighted, f"Variances are of replicate weights ({parts['replicates']})."]
        named = [f"{parts['strata']} as strata"] if "strata" in parts else []
        named += [f"{parts['units']} as sampling units"] if "units" in parts else []
        named += [f"{parts['fpc']} as finite population correction"] if "fpc" in parts else []
        with_names = f", with {_listed(named)}" if named else ""
        lonely = LONELY.get(parts.get("lonely", ""), "")
        return [
            weighted,
            f"Variances were estimated by Taylor linearisation{with_names}; subpopulations were "
            "treated as domains.",
            f"Strata with a single unit {lonely}." if lonely else "",
        ]

    def _interval(self) -> str:
        level, kind = f"{self.study.confidence * 100:g}%", INTERVALS[self.study.interval]
        return f"Confidence intervals ({level}) were computed {kind}."

    def _shown(self) -> str:
        number = self.cited("rule of presentation")
        text = "Estimates that are not precise enough by the presentation standards of the US"
        return (
            f"{text} National Center for Health Statistics{number} are withheld or marked."
            if number
            else ""
        )


_SEXES = {"female": "women", "male": "men"}


def _reason(reason: str, n: int) -> str:
    """A reason of the flow, behind the number of people."""
    if reason.startswith("younger than "):
        return f"{reason} years"
    if reason.endswith(" years or older"):
        return f"aged {reason}"
    words = REASONS.get(reason, f"({reason})")
    return words.replace("who were", "who was") if n == 1 else words


def _years(first: int, last: int) -> str:
    return f"in {first}" if first == last else f"from {first} to {last}"


def _dashed(text: str) -> str:
    """A text whose spans of years have dashes, as print has them."""
    return re.sub(r"(?<=\d)-(?=\d)", "–", text)


def _plain(roi: str) -> str:
    return ROIS.get(roi, roi).removesuffix(" (L1–L4)")


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n:,} people"


def _listed(words: Sequence[str], last: str = "and") -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
