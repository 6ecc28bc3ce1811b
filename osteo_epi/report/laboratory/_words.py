"""What the study found, in sentences, and the methods paragraph in English and Chinese."""

from __future__ import annotations

from importlib.metadata import version

from osteo_epi.report.laboratory._study import ThresholdStudy
from osteo_epi.report.laboratory._tables import limited, limited_at, way
from osteo_epi.rounding import count, level, number, percent


def study_verdict(study: ThresholdStudy) -> list[str]:
    """What the cut-off is worth here, a sentence or two a line; the most important first."""
    found = [_worth(study), _predictive(study), _beside(study)]
    return [*found, *_prediction(study)]


def _share(value: float, lower: float | None, upper: float | None) -> str:
    """A share with its limits, as a sentence says it."""
    if lower is None or upper is None:
        return f"{percent(value, decimals=0)} %"
    middle, *ends = (percent(v, decimals=0) for v in (value, lower, upper))
    return f"{middle} % ({ends[0]} to {ends[1]})"


def _worth(study: ThresholdStudy) -> str:
    at, rule = study.accuracy, study.question.rule
    sensitivity, specificity = (
        _share(m.estimate, m.lower, m.upper) for m in (at.sensitivity, at.specificity)
    )
    return (
        f"{rule} is positive in {sensitivity} of the {count(at.counts.diseased)} people with the "
        f"condition ({at.truth}), and negative in {specificity} of the "
        f"{count(at.counts.healthy)} without it ({level(at.confidence)} limits)."
    )


def _predictive(study: ThresholdStudy) -> str:
    at = study.accuracy
    share, true = (percent(m.estimate, decimals=0) for m in (at.apparent_prevalence, at.prevalence))
    ppv, npv = (_share(m.estimate, m.lower, m.upper) for m in (at.ppv, at.npv))
    return (
        f"It calls {share} % of people positive, where {true} % have the condition: {ppv} of "
        f"those it calls positive have it, and {npv} of the others have not."
    )


def _beside(study: ThresholdStudy) -> str:
    auc, first = study.roc.auc, study.cut_points.points[0]
    area = limited(auc.estimate, auc.lower, auc.upper, decimals=3)
    words = f"Over all cut-offs the area under the ROC curve is {area}."
    if first.criterion.startswith("stated") or first.cut_point is None:
        return words
    words += f' By the criterion "{first.label}" the cut-off would be {limited_at(first)}'
    if first.lower is None or first.upper is None:
        return f"{words}."
    cut = study.question.cut_off
    place = (
        "below" if cut < first.lower else "above" if cut > first.upper else "within"
    )  # fmt: skip
    return f"{words}; {number(cut)} lies {place} those limits."


def _prediction(study: ThresholdStudy) -> list[str]:
    q, lines = study.question, []
    if study.association is not None:
        row = study.association.to_polars().row(0, named=True)
        ratio = limited(row["estimate"], row["lower"], row["upper"])
        adjusted = f"adjusted for {', '.join(q.adjust)}" if q.adjust else "not adjusted"
        lines.append(
            f"{row['exposure']}, {row['contrast']}: {row['measure']} of {q.outcome} {ratio}, "
            f"{adjusted}; SD {number(row['sd'], digits=3)}, that of the {row['sd_source']}."
        )
    if study.incidence is not None:
        rows = study.incidence.to_polars().filter(event=study.incidence.to_polars()["event"][0])
        shares = {
            f"{q.test} {row['group']}": _share(row["incidence"], row["lower"], row["upper"])
            for row in rows.iter_rows(named=True)
        }
        told = " and ".join(f"{share} of those with {group}" for group, share in shares.items())
        lines.append(f"By {number(q.at)} ({q.time}), {told} had had the outcome ({q.outcome}).")
    return lines


def english(study: ThresholdStudy) -> str:
    """Methods in English, one paragraph."""
    q, at = study.question, study.accuracy
    people = "Simulated people. " if study.label else ""
    sentences = [
        f"{people}The index test was {q.rule}; the condition was {at.truth}. Of "
        f"{count(at.n_people)} people, {count(at.counts.n)} had both and were analysed.",
        f"Survey design: {at.design}. Limits are at {level(q.confidence)}: of shares by the "
        f"{way(at.sensitivity.method)} method, of the area under the ROC curve by "
        f"{way(study.roc.auc.method)}.",
        _cut_points_en(study),
        _outcome_en(study),
        f"Analyses were made with osteo-epi {version('osteo-epi')}.",
    ]
    return " ".join(filter(None, sentences))


def _cut_points_en(study: ThresholdStudy) -> str:
    q, result = study.question, study.cut_points
    named = "; ".join(p.label for p in result.points if not p.criterion.startswith("stated"))
    if not result.replicates:
        return f"Cut-points were taken by these criteria: {named}."
    return (
        f"Cut-points were taken by these criteria: {named}; their limits are percentiles of "
        f"{count(result.replicates)} bootstrap samples (seed {q.seed}), and their accuracy in "
        "other people was estimated by cross-validation."
    )


def _outcome_en(study: ThresholdStudy) -> str:
    q = study.question
    if study.association is None:
        return ""
    measure = study.association.to_polars()["measure"][0]
    words = f"The association with {q.outcome} is the {measure} per SD"
    words += f", adjusted for {', '.join(q.adjust)}." if q.adjust else ", not adjusted."
    if q.time is not None:
        death = f", {q.competing} competing (Aalen–Johansen)" if q.competing else ""
        words += f" Cumulative incidence was estimated until {number(q.at)} of {q.time}{death}."
    return f"{words} Net benefit is that of Vickers and Elkin."


def chinese(study: ThresholdStudy) -> str:
    """Methods in Chinese, one paragraph."""
    q, at = study.question, study.accuracy
    people = "模拟人群。" if study.label else ""
    sentences = [
        f"{people}待评价试验为{q.rule}，参考标准为{at.truth}。{count(at.n_people)}人中"
        f"{count(at.counts.n)}人两项均有结果，纳入分析。",
        f"抽样设计：{_design_zh(at.design)}。可信区间水平为{level(q.confidence).replace(' ', '')}，"
        f"率的区间采用{way(at.sensitivity.method)}法，ROC曲线下面积采用{way(study.roc.auc.method)}法。",
        _cut_points_zh(study),
        _outcome_zh(study),
        f"分析使用osteo-epi {version('osteo-epi')}。",
    ]
    return "".join(filter(None, sentences))


def _design_zh(design: str) -> str:
    return "简单随机样本" if design.startswith("simple random") else design


_CRITERIA_ZH = {
    "youden": "约登指数最大",
    "closest": "距（0，1）点最近",
    "sensitivity": "灵敏度优先",
    "specificity": "特异度优先",
    "cost": "误判代价最小",
    "prevalence": "阳性率等于患病率",
    "deming": "戴明回归换算",
    "equipercentile": "等百分位换算",
    "risk": "骨折风险等值",
}


def _cut_points_zh(study: ThresholdStudy) -> str:
    result = study.cut_points
    names = [p.criterion for p in result.points if not p.criterion.startswith("stated")]
    named = "、".join(_CRITERIA_ZH.get(name, name) for name in names)
    if not result.replicates:
        return f"截断值按以下准则确定：{named}。"
    return (
        f"截断值按以下准则确定：{named}；其可信区间为{count(result.replicates)}次自助抽样的百分位数"
        f"（随机种子{study.question.seed}），在其他人群中的准确度由交叉验证估计。"
    )


def _outcome_zh(study: ThresholdStudy) -> str:
    q = study.question
    if study.association is None:
        return ""
    what = "风险比" if q.time is not None else "比值比"
    way = "降低" if q.direction == "low" else "升高"
    adjusted = f"，校正{'、'.join(q.adjust)}" if q.adjust else "，未校正"
    words = f"结局为{q.outcome}，关联以检测值每{way}1个标准差的{what}表示{adjusted}。"
    if q.time is not None:
        death = f"，以{q.competing}为竞争事件（Aalen–Johansen法）" if q.competing else ""
        words += f"累积发生率计至{q.time}为{number(q.at)}时{death}。"
    return f"{words}净获益按Vickers和Elkin的方法计算。"
