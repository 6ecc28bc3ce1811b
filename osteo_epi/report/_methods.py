"""The methods paragraph that goes into a paper, English and Chinese, from what was really done."""

from __future__ import annotations

from dataclasses import dataclass

from osteo_epi.diagnosis import Definition
from osteo_epi.norms import StandardPopulation
from osteo_epi.survey import INTERVAL_NAMES

_CHINESE_ROIS = {
    "lumbar_spine": "腰椎（L1—L4）",
    "femoral_neck": "股骨颈",
    "total_hip": "全髋",
    "radius_33": "桡骨远端1/3",
}
_ROIS = {
    "lumbar_spine": "lumbar spine (L1–L4)",
    "femoral_neck": "femoral neck",
    "total_hip": "total hip",
    "radius_33": "distal third of the radius",
}
_CHINESE_INTERVALS = {"beta": "Korn–Graubard（beta）法", "logit": "logit变换法"}


@dataclass(frozen=True)
class Study:
    """What a methods paragraph states beside the definition.

    Parameters
    ----------
    n_in, n
        People in the data; people that the estimate for all rests on.
    n_missing
        People of the population who could not be classified.
    lowest_age
        [years]
    standard
        The standard population, or None.
    design
        The survey design in words; "" for a simple random sample.
    interval, confidence
        Kind of interval and its level.
    version
        Of the package.
    label
        What must be said of the data, e.g. that they are simulated.
    counts_reference_error
        Whether the intervals hold the sampling error of the study's own young adults.
    """

    n_in: int
    n: int
    n_missing: int
    lowest_age: float
    standard: StandardPopulation | None
    design: str
    interval: str
    confidence: float
    version: str
    label: str = ""
    counts_reference_error: bool = False


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
    sexes = {"own_sex": "same-sex", "female": "female (for both sexes)"}[definition.sex_rule]
    rois = _listed([_ROIS.get(roi, roi) for roi in definition.rois], "and")
    parts = [
        f"Data: {_ending(study.label)}" if study.label else "",
        f"Osteoporosis was defined by “{definition.criterion.title}”, from areal bone mineral "
        f"density (BMD) at the {rois}; the lowest T-score decided.",
        f"T-scores were computed against the {sexes} mean and SD of the young adults of "
        f"“{definition.reference.title}”, and classified unrounded.",
        f"For the lumbar spine, {definition.spine_rule.label}.",
        _qct_en(definition),
        _fracture_en(definition),
        f"Of {study.n_in:,} people, {study.n:,} aged {study.lowest_age:g} years or older "
        f"could be classified; {study.n_missing:,} of that age could not, and were counted as "
        "missing, not as healthy.",
        _standard_en(study),
        _design_en(study),
        "The intervals include the sampling error of the study's own young adults."
        if study.counts_reference_error
        else "",
        f"Analyses used osteo-epi {study.version}.",
    ]
    return " ".join(part for part in parts if part)


def chinese(definition: Definition, study: Study) -> str:
    """Write the methods paragraph in Chinese, see `english`."""
    sexes = {"own_sex": "同性别", "female": "女性（男女共用）"}[definition.sex_rule]
    rois = "、".join(_CHINESE_ROIS.get(roi, roi) for roi in definition.rois)
    criterion = definition.criterion.title_zh or definition.criterion.title
    reference = definition.reference.title_zh or definition.reference.title
    parts = [
        "本数据为模拟数据，并非真实人群。" if "simulat" in study.label.lower() else "",
        f"骨质疏松按{criterion}定义，依据{rois}的面积骨密度，以最低T值判断。",
        f"T值以{reference}的{sexes}青年均值与标准差计算，分类前不作四舍五入。",
        _qct_zh(definition),
        _fracture_zh(definition),
        f"共{study.n_in:,}人，其中{study.lowest_age:g}岁及以上可分类者{study.n:,}人，"
        f"同龄不能分类者{study.n_missing:,}人，按缺失处理，不计为正常。",
        _standard_zh(study),
        _design_zh(study),
        "区间已计入本研究青年参考值的抽样误差。" if study.counts_reference_error else "",
        f"分析使用osteo-epi {study.version}。",
    ]
    return "".join(part for part in parts if part)


def _qct_en(definition: Definition) -> str:
    parts = []
    if "ctxa" in definition.evidence:
        parts.append("areal BMD of the hip by QCT (CTXA) was judged by the same T-score rule")
    bands = definition.criterion.vbmd_lumbar_spine
    if "qct" in definition.evidence and bands is not None:
        cut = bands["osteoporosis"].upper
        parts.append(f"lumbar QCT below {cut:g} mg/cm³ (mean of two vertebrae) counted as well")
    return f"Where measured, {' and '.join(parts)}." if parts else ""


def _qct_zh(definition: Definition) -> str:
    parts = []
    if "ctxa" in definition.evidence:
        parts.append("QCT髋部面积骨密度（CTXA）按相同T值标准判断")
    bands = definition.criterion.vbmd_lumbar_spine
    if "qct" in definition.evidence and bands is not None:
        cut = bands["osteoporosis"].upper
        parts.append(f"腰椎QCT（2个椎体均值）低于{cut:g} mg/cm³亦诊断为骨质疏松")
    return f"有QCT检查者，{'，'.join(parts)}。" if parts else ""


def _fracture_en(definition: Definition) -> str:
    if "fracture" not in definition.evidence:
        return "Fractures were not part of the definition."
    return (
        "A fragility fracture (no or minor trauma, imaging evidence, secondary causes excluded; "
        f"vertebral from Genant grade {definition.genant_from}) diagnosed osteoporosis whatever "
        "the BMD."
    )


def _fracture_zh(definition: Definition) -> str:
    if "fracture" not in definition.evidence:
        return "定义不含骨折。"
    return (
        "符合以下条件的脆性骨折不论骨密度均诊断为骨质疏松：无外伤或轻微外伤、有影像学证据、"
        f"除外继发性骨质疏松；椎体骨折以Genant {definition.genant_from}度及以上计。"
    )


def _standard_en(study: Study) -> str:
    if study.standard is None:
        return "Prevalence was not age-standardised."
    return f"Prevalence was directly age-standardised to {study.standard.title}."


def _standard_zh(study: Study) -> str:
    if study.standard is None:
        return "患病率未作年龄标准化。"
    return f"患病率以{study.standard.title_zh or study.standard.title}直接标准化。"


def _design_en(study: Study) -> str:
    percent, kind = f"{study.confidence * 100:g} %", INTERVAL_NAMES[study.interval]
    if not study.design:
        return f"People were treated as a simple random sample; {percent} intervals are by {kind}."
    return (
        f"Variances are by Taylor linearisation with the survey design ({study.design}), "
        f"subpopulations taken as domains; {percent} intervals are by {kind}."
    )


def _design_zh(study: Study) -> str:
    percent = f"{study.confidence * 100:g}%"
    kind = _CHINESE_INTERVALS.get(study.interval, INTERVAL_NAMES[study.interval])
    if not study.design:
        return f"按简单随机抽样处理，{percent}置信区间采用{kind}。"
    return (
        "方差按复杂抽样设计（权重、分层与初级抽样单位）以泰勒级数线性化估计，亚人群作为域处理，"
        f"{percent}置信区间采用{kind}。"
    )


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _ending(sentence: str) -> str:
    return sentence if sentence.endswith(".") else sentence + "."
