"""What the study found, in sentences."""

from __future__ import annotations

from osteo_epi.report.laboratory._study import ThresholdStudy
from osteo_epi.report.laboratory._tables import limited, limited_at
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
