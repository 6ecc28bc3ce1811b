"""The methods paragraph of a study of a threshold, in English and Chinese."""

from __future__ import annotations

import re
from importlib.metadata import version

from osteo_epi.language import design_words, speaking
from osteo_epi.report.laboratory._study import ThresholdStudy
from osteo_epi.report.laboratory._tables import way
from osteo_epi.rounding import count, number
from osteo_epi.tables import variable_words

CRITERIA_ZH = {
    "youden": "约登指数最大",
    "closest": "距（0，1）点最近",
    "cost": "误判代价最小",
    "prevalence": "阳性率等于患病率",
    "deming": "戴明回归换算",
    "equipercentile": "等百分位换算",
    "risk": "骨折风险等值",
}
CRITERIA_EN = {
    "youden": "the greatest Youden index",
    "closest": "the point closest to (0, 1)",
    "prevalence": "as many positive as have the condition",
}
SHARES_ZH = {"sensitivity": "灵敏度", "specificity": "特异度"}
LIMITS_EN = {
    "DeLong, logit": "by the method of DeLong on the logit scale",
    "design-based, logit": "by the survey design on the logit scale",
    "Korn-Graubard (beta)": "by the method of Korn and Graubard (beta distribution)",
}
LIMITS_ZH = {
    "DeLong, logit": "logit变换的DeLong法",
    "design-based, logit": "基于抽样设计的logit变换法",
    "Korn-Graubard (beta)": "Korn–Graubard法（beta分布）",
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+")
"""A column's name in a text: words joined by underscores."""


def english(study: ThresholdStudy) -> str:
    """Methods in English, one paragraph."""
    with speaking("en"):
        sentences = [
            "The people were simulated." if study.label else "",
            _people_en(study),
            _design_en(study),
            _limits_en(study),
            _cut_points_en(study),
            _outcome_en(study),
            f"Analyses were made with osteo-epi {version('osteo-epi')}.",
        ]
    return " ".join(filter(None, sentences))


def _rule(study: ThresholdStudy) -> str:
    """What is positive, with the name and the unit of the test."""
    label, unit = variable_words(study.question.test)
    label = label if label[1:2].isupper() else label[:1].lower() + label[1:]
    return f"{label} {study.question.sign} {unit}".rstrip()


def _named(text: str | None) -> str:
    """A text with the columns of the codebook called by their labels."""
    return NAME.sub(lambda found: variable_words(found[0])[0], text or "")


def _people_en(study: ThresholdStudy) -> str:
    at = study.accuracy
    return (
        f"The index test was {_rule(study)}; the reference standard was {_named(at.truth)}. Of "
        f"{count(at.n_people)} people, {count(at.counts.n)} had both and were analysed."
    )


def _design_en(study: ThresholdStudy) -> str:
    design = study.accuracy.design
    if design.startswith("simple random"):
        return "People were treated as a simple random sample."
    return f"The survey design was taken into account ({design_words(design)})."


def _limits_en(study: ThresholdStudy) -> str:
    level = f"{100 * study.question.confidence:g}%"
    shares, area = (
        LIMITS_EN.get(way(method), f"by the method of {way(method)}")
        for method in (study.accuracy.sensitivity.method, study.roc.auc.method)
    )
    return (
        f"Confidence limits ({level}) of shares were computed {shares}, and those of the area "
        f"under the ROC curve {area}."
    )


def _cut_points_en(study: ThresholdStudy) -> str:
    q, result = study.question, study.cut_points
    chosen = [p for p in result.points if not p.criterion.startswith("stated")]
    named = "; ".join(CRITERIA_EN.get(p.criterion, _named(p.label)) for p in chosen)
    text = f"Cut-points were chosen by these criteria: {named}."
    if not result.replicates:
        return text
    return (
        f"{text} Their limits are percentiles of {count(result.replicates)} bootstrap samples "
        f"(seed {q.seed}), and their accuracy in other people was estimated by cross-validation."
    )


def _outcome_en(study: ThresholdStudy) -> str:
    q = study.question
    if study.association is None:
        return ""
    measure = study.association.to_frame()["measure"][0]
    names = [variable_words(name)[0].lower() for name in q.adjust]
    adjusted = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    words = f"The association with {_named(q.outcome)} is given as the {measure} per SD"
    words += f", adjusted for {adjusted}." if adjusted else ", not adjusted."
    if q.time is not None:
        death = f", with {_named(q.competing)} as a competing event" if q.competing else ""
        method = " (Aalen–Johansen)" if q.competing else ""
        words += (
            f" Cumulative incidence was estimated until {number(q.at)} of {q.time}{death}{method}."
        )
    return f"{words} Net benefit was computed as by Vickers and Elkin."


def chinese(study: ThresholdStudy) -> str:
    """Methods in Chinese, one paragraph."""
    with speaking("zh"):
        sentences = [
            "研究对象为模拟人群。" if study.label else "",
            _people_zh(study),
            _design_zh(study),
            _limits_zh(study),
            _cut_points_zh(study),
            _outcome_zh(study),
            f"统计分析采用osteo-epi {version('osteo-epi')}软件。",
        ]
    return "".join(filter(None, sentences))


def _people_zh(study: ThresholdStudy) -> str:
    at = study.accuracy
    return (
        f"待评价试验为{_rule(study)}，参考标准为{_named(at.truth)}。{count(at.n_people)}人中"
        f"{count(at.counts.n)}人两项均有结果，纳入分析。"
    )


def _design_zh(study: ThresholdStudy) -> str:
    design = study.accuracy.design
    if design.startswith("simple random"):
        return "研究对象按简单随机样本处理。"
    return f"分析已考虑抽样设计（{design_words(design)}）。"


def _limits_zh(study: ThresholdStudy) -> str:
    level = f"{100 * study.question.confidence:g}%"
    shares, area = (
        LIMITS_ZH.get(way(method), f"{way(method)}法")
        for method in (study.accuracy.sensitivity.method, study.roc.auc.method)
    )
    return f"率的{level}置信区间采用{shares}计算，ROC曲线下面积的{level}置信区间采用{area}计算。"


def _criterion_zh(criterion: str, label: str) -> str:
    for word, name in SHARES_ZH.items():
        if criterion.startswith(word):
            return name + label.removeprefix(word).replace(" ", "")
    return CRITERIA_ZH.get(criterion, label)


def _cut_points_zh(study: ThresholdStudy) -> str:
    result = study.cut_points
    chosen = [p for p in result.points if not p.criterion.startswith("stated")]
    named = "、".join(_criterion_zh(p.criterion, p.label) for p in chosen)
    text = f"截断值按以下准则确定：{named}。"
    if not result.replicates:
        return text
    return (
        f"{text}其置信区间为{count(result.replicates)}次自助抽样的百分位数"
        f"（随机种子为{study.question.seed}），在其他人群中的准确度由交叉验证估计。"
    )


def _outcome_zh(study: ThresholdStudy) -> str:
    q = study.question
    if study.association is None:
        return ""
    what = "风险比" if q.time is not None else "比值比"
    change = "降低" if q.direction == "low" else "升高"
    adjusted = "、".join(variable_words(name)[0] for name in q.adjust)
    words = f"结局为{_named(q.outcome)}，关联以检测值每{change}1个标准差的{what}表示，"
    words += f"并对{adjusted}进行校正。" if adjusted else "未作校正。"
    if q.time is not None:
        death = f"，以{_named(q.competing)}为竞争事件（Aalen–Johansen法）" if q.competing else ""
        words += f"累积发生率估计至{q.time}为{number(q.at)}时{death}。"
    return f"{words}净获益按Vickers和Elkin的方法计算。"
