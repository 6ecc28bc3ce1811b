"""The methods paragraph that goes into a paper, English and Chinese, from what was really done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osteo_epi.diagnosis import Definition
from osteo_epi.norms import CTXA, GRADE_MEANING
from osteo_epi.report._study import Study
from osteo_epi.survey import INTERVAL_NAMES

MISSING_ZH = "，按缺失处理，不计为正常"
MISSING = ", and count as missing, not as healthy"
_CHINESE_ROIS = {
    "lumbar_spine": "腰椎（L1—L4）",
    "femoral_neck": "股骨颈",
    "total_hip": "全髋",
    "radius_33": "桡骨远端1/3",
    "femoral_neck_ctxa": "股骨颈（CTXA）",
    "total_hip_ctxa": "全髋（CTXA）",
}
_ROIS = {
    "lumbar_spine": "lumbar spine (L1–L4)",
    "femoral_neck": "femoral neck",
    "total_hip": "total hip",
    "radius_33": "distal third of the radius",
    "femoral_neck_ctxa": "femoral neck (CTXA)",
    "total_hip_ctxa": "total hip (CTXA)",
}
_CHINESE_INTERVALS = {"beta": "Korn–Graubard（beta）法", "logit": "logit变换法"}
_CHINESE_SEXES = {"female": "女性", "male": "男性"}
_CHINESE_REASONS = {
    "not examined": "未检查",
    "pregnant": "妊娠",
    "weight of zero": "权重为0",
    "age missing": "年龄缺失",
}
_CHINESE_DESIGN = {
    "equal weights": "等权重",
    "weights": "权重",
    "strata": "分层",
    "units": "抽样单位",
}


def english(definition: Definition, study: Study) -> str:
    """Write the methods paragraph in English.

    Parameters
    ----------
    definition
        The definition that was applied.
    study
        The other facts.

    Returns
    -------
    str
        One paragraph that a methods section can take.
    """
    return " ".join(sentence for sentence in _English(definition, study).sentences() if sentence)


def chinese(definition: Definition, study: Study) -> str:
    """Write the methods paragraph in Chinese, see `english`."""
    return "".join(sentence for sentence in _Chinese(definition, study).sentences() if sentence)


@dataclass(frozen=True)
class _Paragraph:
    """What both languages know of a study: a rule is stated where somebody was judged by it."""

    definition: Definition
    study: Study

    @property
    def by_dxa(self) -> bool:
        """Whether somebody was judged by DXA."""
        return "dxa" in self.study.measured

    @property
    def by_score(self) -> bool:
        """Whether somebody was judged by a T-score."""
        return bool({"dxa", "ctxa"} & self.study.measured)

    @property
    def is_reported(self) -> bool:
        """Whether the scores are the file's own."""
        return self.definition.reference.id == "reported"

    @property
    def vbmd_cut(self) -> float | None:
        """[mg/cm³] Below which QCT of the spine is osteoporosis, where somebody has it."""
        bands = self.definition.criterion.vbmd_lumbar_spine
        return bands["osteoporosis"].upper if "qct" in self.study.measured and bands else None

    @property
    def weak(self) -> list[tuple[str, str]]:
        """Regions and sexes of grade C among those that somebody was judged by."""
        by_ctxa = "ctxa" in self.study.measured
        return [
            (roi, sex)
            for roi, sex in self.definition.weak_values()
            if (by_ctxa if roi.endswith(CTXA) else self.by_dxa)
        ]

    @property
    def by_age_alone(self) -> int:
        """Women taken as postmenopausal by age, where the state of menopause decides at all."""
        by_state = self.definition.criterion.applies.women == "postmenopausal"
        return self.study.n_menopause_by_age if by_state else 0


class _English(_Paragraph):
    def sentences(self) -> list[str]:
        """The sentences in their order; empty where one has nothing to say."""
        study, definition = self.study, self.definition
        limits = definition.class_limits(evidence=study.judged)
        return [
            f"Data: {_ending(study.label)}" if study.label else "",
            f"Osteoporosis was defined by “{definition.criterion.title}”.",
            self._density(),
            f"The classes were: {limits}." if limits else "",
            self._scores(),
            self._weak(),
            self._qct(),
            self._fracture(),
            self._menopause(),
            self._people(),
            self._apart(),
            self._standard(),
            self._affected(),
            self._design(),
            "The intervals include the sampling error of the study's own young adults."
            if study.counts_reference_error
            else "",
            f"Analyses used osteo-epi {study.version}.",
        ]

    def _density(self) -> str:
        if not self.by_dxa:
            return ""
        if not self.definition.states_regions:
            return "The lowest T-score that the file reports decided; its regions are not stated."
        rois = _listed([_ROIS.get(roi, roi) for roi in self.definition.rois], "and")
        spine = self.definition.spine_rule.label
        read = "lumbar_spine" in self.definition.rois and self.study.has_vertebrae
        return (
            f"Areal bone mineral density (BMD) was read at the {rois}, and the lowest T-score "
            f"decided{f'; for the lumbar spine, {spine}' if read else ''}."
        )

    def _scores(self) -> str:
        if not self.by_score:
            return ""
        if self.is_reported:
            return (
                "T-scores were taken as the densitometer reported them; the young adults behind "
                "them are not known."
            )
        sexes = {"own_sex": "same-sex", "female": "female (for both sexes)"}
        return (
            f"T-scores were computed against the {sexes[self.definition.sex_rule]} mean and SD of "
            f"the young adults of “{self.definition.reference.title}”, and classified unrounded."
        )

    def _weak(self) -> str:
        weak = self.weak
        if not weak:
            return ""
        named = _listed([f"{_ROIS.get(roi, roi)}, {sex}" for roi, sex in weak], "and")
        return f"Of these, the values of the {named} are of grade C ({GRADE_MEANING['C']})."

    def _qct(self) -> str:
        parts = []
        if "ctxa" in self.study.measured:
            text = "areal BMD of the hip by QCT (CTXA) was judged by the same T-score rule"
            parts.append(f"{text}{self._ctxa_young()}")
        if self.vbmd_cut is not None:
            parts.append(
                f"a mean trabecular density of two lumbar vertebrae by QCT below "
                f"{self.vbmd_cut:g} mg/cm³ counted as osteoporosis"
            )
        return f"Where measured, {' and '.join(parts)}." if parts else ""

    def _ctxa_young(self) -> str:
        """With whom the hip by CTXA is compared, where that is not said with DXA."""
        own = self.definition.ctxa_reference
        if own is not None:
            return f" against the young adults of “{own.title}”"
        return " against young adults measured by DXA" if self.definition.on_dxa("t") else ""

    def _fracture(self) -> str:
        if "fracture" not in self.definition.evidence:
            return "Fractures were not part of the definition."
        if "fracture" not in self.study.measured:
            return "The data hold no record that could establish a fragility fracture."
        stated, from_parts = self.study.fractures_stated, self.study.fractures_from_parts
        rule = (
            "no or minor trauma, imaging evidence, secondary causes excluded; vertebral from "
            f"Genant grade {self.definition.genant_from}"
        )
        if stated:
            rule = (
                f"{rule}; or as the file itself states it"
                if from_parts
                else "as the file states it"
            )
        text = f"A fragility fracture ({rule}) diagnosed osteoporosis whatever the BMD."
        n = self.study.n_open_fractures
        taken = {
            "not_established": "taken as no fragility fracture",
            "established": "taken as a fragility fracture",
            "unknown": "taken as unknown",
        }[self.definition.fracture_open]
        return f"{text} An incomplete fracture record ({n:,} people) was {taken}." if n else text

    def _menopause(self) -> str:
        n = self.by_age_alone
        women = "1 woman" if n == 1 else f"{n:,} women"
        return f"Menopause was not stated for {women} and was taken from age." if n else ""

    def _people(self) -> str:
        study = self.study
        out = _listed([f"{n:,} ({reason})" for reason, n in study.left_out.items()], "and")
        left_out = f" Left out were {out}." if out else ""
        by_z = f" ({study.n_judged_by_z:,} of them without a class: to them only the Z-score "
        by_z += "applies, which makes no osteoporosis)"
        missing = f"{study.n_missing:,}" if study.n_missing else "none"
        return (
            f"Of {study.n_in:,} people, {study.n:,} aged {study.lowest_age:g} years or older could "
            f"be classified{by_z if study.n_judged_by_z else ''}; {missing} of that age "
            f"could not{MISSING if study.n_missing else ''}.{self._incomplete()}{left_out}"
        )

    def _incomplete(self) -> str:
        n = self.study.n_incomplete
        return (
            f" Among the missing are {n:,} with osteoporosis at one region and another required "
            "region missing: only people with all of them enter the estimate."
            if n
            else ""
        )

    def _apart(self) -> str:
        if not self.study.counts_fractures_apart:
            return ""
        return (
            "Prevalence was estimated as f + (1 − f)·q, where f is the share with an established "
            "fragility fracture among people whose fracture status is known, and q the share of "
            "the class by BMD among people without one who have all required sites."
        )

    def _standard(self) -> str:
        if self.study.standard is None:
            return "Prevalence was not age-standardised."
        return f"Prevalence was directly age-standardised to {self.study.standard.title}."

    def _affected(self) -> str:
        of, standard = self.study.people_affected, self.study.standard
        if of == "weights":
            return (
                "People affected are the crude prevalence times the population that the survey "
                "weights describe, those not classified taken to be like those classified."
            )
        if of == "standard" and standard is not None:
            return f"People affected are of the population of {standard.title}."
        return ""

    def _design(self) -> str:
        study = self.study
        percent, kind = f"{study.confidence * 100:g} %", INTERVAL_NAMES[study.interval]
        if not study.design:
            return (
                f"People were taken as a simple random sample; {percent} intervals are by {kind}."
            )
        return (
            f"Variances are by Taylor linearisation with the survey design ({study.design}), "
            f"subpopulations taken as domains; {percent} intervals are by {kind}."
        )


class _Chinese(_Paragraph):
    def sentences(self) -> list[str]:
        """As in English."""
        study, definition = self.study, self.definition
        limits = definition.class_limits(language="zh", evidence=study.judged)
        return [
            "本数据为模拟数据，并非真实人群。" if "simulat" in study.label.lower() else "",
            f"骨质疏松按{definition.criterion.title_zh or definition.criterion.title}定义。",
            self._density(),
            f"分类界值为：{limits}。" if limits else "",
            self._scores(),
            self._weak(),
            self._qct(),
            self._fracture(),
            self._menopause(),
            self._people(),
            self._apart(),
            self._standard(),
            self._affected(),
            self._design(),
            "区间已计入本研究青年参考值的抽样误差。" if study.counts_reference_error else "",
            f"分析使用osteo-epi {study.version}。",
        ]

    def _density(self) -> str:
        if not self.by_dxa:
            return ""
        if not self.definition.states_regions:
            return "以文件报告的最低T值判断，其测量部位未说明。"
        rois = "、".join(_CHINESE_ROIS.get(roi, roi) for roi in self.definition.rois)
        return f"测量{rois}的面积骨密度，以最低T值判断。"

    def _scores(self) -> str:
        if not self.by_score:
            return ""
        if self.is_reported:
            return "T值采用设备报告值，其青年参考值不详。"
        sexes = {"own_sex": "同性别", "female": "女性（男女共用）"}[self.definition.sex_rule]
        reference = self.definition.reference.title_zh or self.definition.reference.title
        return f"T值以{reference}的{sexes}青年均值与标准差计算，分类前不作四舍五入。"

    def _weak(self) -> str:
        weak = self.weak
        if not weak:
            return ""
        named = "、".join(
            f"{_CHINESE_SEXES[sex]}{_CHINESE_ROIS.get(roi, roi)}" for roi, sex in weak
        )
        return f"其中{named}的参考值为C级（领域内通用，未经原文核实）。"

    def _qct(self) -> str:
        parts = []
        if "ctxa" in self.study.measured:
            parts.append(f"髋部QCT面积骨密度（CTXA）按相同T值标准判断{self._ctxa_young()}")
        if self.vbmd_cut is not None:
            parts.append(f"腰椎QCT（2个椎体均值）低于{self.vbmd_cut:g} mg/cm³诊断为骨质疏松")
        return f"有QCT检查者，{'，'.join(parts)}。" if parts else ""

    def _ctxa_young(self) -> str:
        """With whom the hip by CTXA is compared, where that is not said with DXA."""
        own = self.definition.ctxa_reference
        if own is not None:
            return f"（参考人群：“{own.title_zh or own.title}”）"
        return "（参考人群由DXA测得）" if self.definition.on_dxa("t") else ""

    def _fracture(self) -> str:
        if "fracture" not in self.definition.evidence:
            return "定义不含骨折。"
        if "fracture" not in self.study.measured:
            return "数据中无可确立脆性骨折的记录。"
        stated, from_parts = self.study.fractures_stated, self.study.fractures_from_parts
        also = "；来源已直接判断有无脆性骨折者，以来源判断为准" if stated else ""
        text = (
            "符合以下条件的脆性骨折不论骨密度均诊断为骨质疏松：无外伤或轻微外伤、有影像学证据、"
            f"除外继发性骨质疏松；椎体骨折以Genant {self.definition.genant_from}度及以上计{also}。"
            if from_parts or not stated
            else "来源判断的脆性骨折不论骨密度均诊断为骨质疏松。"
        )
        taken = {"not_established": "非脆性骨折", "established": "脆性骨折", "unknown": "不详"}
        n, how = self.study.n_open_fractures, taken[self.definition.fracture_open]
        return f"{text}骨折记录不完整者{n:,}人，按{how}处理。" if n else text

    def _menopause(self) -> str:
        n = self.by_age_alone
        return f"绝经状态缺失者{n:,}人，按年龄视为绝经后。" if n else ""

    def _people(self) -> str:
        study = self.study
        out = "、".join(f"{_reason_zh(reason)}{n:,}人" for reason, n in study.left_out.items())
        n = study.n_judged_by_z
        by_z = f"（含仅适用Z值而未分类者{n:,}人，Z值不诊断骨质疏松）" if n else ""
        return (
            f"共{study.n_in:,}人，其中{study.lowest_age:g}岁及以上可分类者{study.n:,}人"
            f"{by_z}，同龄不能分类者{study.n_missing:,}人{MISSING_ZH if study.n_missing else ''}"
            f"{self._incomplete()}{f'；未纳入者：{out}' if out else ''}。"
        )

    def _incomplete(self) -> str:
        n = self.study.n_incomplete
        text = "因估计仅用所需部位完整者，亦计为缺失"
        return f"；其中{n:,}人某一部位达骨质疏松而另有所需部位缺失，{text}" if n else ""

    def _apart(self) -> str:
        if not self.study.counts_fractures_apart:
            return ""
        return (
            "患病率按f +（1 − f）·q估计：f为骨折状态已知者中脆性骨折成立的比例，"
            "q为无脆性骨折且所需部位完整者中按骨密度属该类的比例。"
        )

    def _standard(self) -> str:
        standard = self.study.standard
        if standard is None:
            return "患病率未作年龄标准化。"
        return f"患病率以{standard.title_zh or standard.title}直接标准化。"

    def _affected(self) -> str:
        of, standard = self.study.people_affected, self.study.standard
        if of == "weights":
            return "患病人数为粗患病率乘以抽样权重所代表的人口数，不能分类者视同可分类者。"
        if of == "standard" and standard is not None:
            return f"患病人数对应于{standard.title_zh or standard.title}。"
        return ""

    def _design(self) -> str:
        study = self.study
        percent = f"{study.confidence * 100:g}%"
        kind = _CHINESE_INTERVALS.get(study.interval, INTERVAL_NAMES[study.interval])
        if not study.design:
            return f"按简单随机抽样处理，{percent}置信区间采用{kind}。"
        design = _replaced(study.design, _CHINESE_DESIGN)
        return (
            f"方差按复杂抽样设计（{design}）以泰勒级数线性化估计，"
            f"亚人群作为域处理，{percent}置信区间采用{kind}。"
        )


def _reason_zh(reason: str) -> str:
    """A reason of the flow in Chinese; ages stand in two forms."""
    if reason.startswith("younger than "):
        return f"小于{reason.removeprefix('younger than ')}岁"
    if reason.endswith(" years or older"):
        return f"{reason.removesuffix(' years or older')}岁及以上"
    return _CHINESE_REASONS.get(reason, reason)


def _replaced(text: str, words: Mapping[str, str]) -> str:
    parts = []
    for part in text.partition("; single units")[0].split("; "):
        name = next((name for name in words if part.startswith(name)), "")
        parts.append(words.get(name, "") + part.removeprefix(name))
    return "；".join(parts)


def _listed(words: list[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def _ending(sentence: str) -> str:
    return sentence if sentence.endswith(".") else sentence + "."
