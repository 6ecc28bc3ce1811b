"""One cut-off in one population: every result that the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.accuracy import (
    ROC,
    Accuracy,
    CutPoints,
    ROCBand,
    StardFlow,
    accuracy,
    cut_points,
    roc,
    stard_flow,
)
from osteo_epi.cohort import Cohort, is_simulated, refuse_errors
from osteo_epi.norms import cite
from osteo_epi.report._analysis import label_of
from osteo_epi.report.laboratory._question import CRITERION, ThresholdQuestion, prepared
from osteo_epi.report.laboratory._reached import once, said_steps, steps_to_model
from osteo_epi.results import Result
from osteo_epi.risk import (
    Association,
    CumulativeIncidence,
    DecisionCurve,
    RiskCalibration,
    cumulative_incidence,
    decision_curve,
    hazard_ratios,
    odds_ratios,
    risk_calibration,
)
from osteo_epi.rounding import count


@dataclass(frozen=True, repr=False)
class ThresholdStudy(Result):
    """What a cut-off is worth, and what it predicts, in these people.

    Attributes
    ----------
    question
        What was asked, in the columns of the people.
    accuracy, roc, band, cut_points, flow
        At the cut-off; of all cut-offs, with pointwise limits; the cut-points by each criterion
        beside the one asked about; the people at each step.
    association, incidence, decision, calibrations
        With an outcome: ratio per SD of the test; with a follow-up the incidence above and below
        the cut-off; net benefit of the cut-off and of each risk; calibration of each risk.
        None, or empty, where not asked for.
    steps
        Words and people left of each step to the model of the association; empty without one.
    label
        What must be said wherever a number is shown; "" if nothing.
    sources
        Citations of the norms in use, with their grades.
    """

    no_figure = (
        "has a figure a part: study.accuracy.plot(), study.roc.plot(), "
        "study.cut_points.plot(); all are in its report"
    )

    question: ThresholdQuestion
    accuracy: Accuracy
    roc: ROC
    band: ROCBand
    cut_points: CutPoints
    flow: StardFlow
    association: Association | None
    incidence: CumulativeIncidence | None
    decision: DecisionCurve | None
    calibrations: dict[str, RiskCalibration]
    steps: tuple[tuple[str, int], ...]
    label: str
    sources: tuple[str, ...]

    @property
    def results(self) -> dict[str, Any]:
        """Results by their name, in the order of the report."""
        named = {
            "accuracy": self.accuracy, "roc": self.roc, "cut_points": self.cut_points,
            "flow": self.flow, "association": self.association, "incidence": self.incidence,
            "decision": self.decision,
        }  # fmt: skip
        there = {name: result for name, result in named.items() if result is not None}
        return there | {f"calibration_{name}": c for name, c in self.calibrations.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know, each once."""
        said = [note for r in self.results.values() for note in getattr(r, "notes", ())]
        lost = len({n for _, n in self.steps}) > 1
        first = [f"How n of the model is reached: {said_steps(self.steps)}"] if lost else []
        q = self.question
        columns = (q.test, q.outcome, q.time, q.competing, *q.adjust) if lost else ()
        return once((*first, *said), [name for name in columns if name])

    def to_polars(self) -> pl.DataFrame:
        """Accuracy at the cut-off, one row a measure."""
        return self.accuracy.to_polars()

    def _summary(self) -> str:
        warned = ", SIMULATED people" if self.label else ""
        return f"{self.question.rule} against {self.accuracy.truth}, n {count(self.n)}{warned}"

    @property
    def n(self) -> int:
        """People in the two-by-two table."""
        return self.accuracy.counts.n


def threshold_study(
    people: Any, question: ThresholdQuestion, *, design: Any = None, accept_errors: bool = False
) -> ThresholdStudy:
    """Answer a question about a cut-off.

    Parameters
    ----------
    people
        A frame of any kind, one row a person, or a cohort.
    question
        What is asked.
    design, accept_errors
        As in `accuracy.accuracy`.

    Returns
    -------
    ThresholdStudy

    Raises
    ------
    SchemaError
        If a column is absent or says nothing that can be read, the truth has one class only, or
        the test is constant.
    DesignError, DefinitionError
        If a criterion, a number or the survey design does not hold.

    Examples
    --------
    >>> from osteo_epi.datasets import follow_up
    >>> asked = ThresholdQuestion(
    ...     test="vbmd_lumbar_spine", direction="low", truth="dxa_osteoporosis",
    ...     criteria=("youden",), replicates=50,
    ... )
    >>> threshold_study(follow_up(), asked)
    ThresholdStudy(vbmd_lumbar_spine < 80 against dxa_osteoporosis, n 1,754, SIMULATED people)
    """
    people = refuse_errors(people, accept_errors=accept_errors)
    people = people if isinstance(people, Cohort) else Cohort.from_frame(_eager(people))
    people, asked = prepared(people, question)
    more: dict[str, Any] = {
        "design": design, "domain": asked.within, "confidence": asked.confidence,
        "accept_errors": accept_errors,
    }  # fmt: skip
    return ThresholdStudy(
        asked,
        **_answers(people, asked, more),
        **_predictions(people, asked, more),
        label=label_of(people) if is_simulated(people) else "",
        sources=(cite(CRITERION, kind="criteria"),) if asked.from_criterion else (),
    )


def _eager(people: Any) -> pl.DataFrame:
    from osteo_epi.frames import as_polars

    return as_polars(people)[0].lazy().collect()


def _answers(people: Cohort, q: ThresholdQuestion, more: dict[str, Any]) -> dict[str, Any]:
    truth: dict[str, Any] = {"truth": q.truth, "truth_positive": q.truth_positive}
    test: dict[str, Any] = {"test": q.test, "test_positive": q.positive}
    scored: dict[str, Any] = {"score": q.test, "direction": q.direction}
    at_cut = accuracy(people, **test, **truth, prevalence=q.prevalence, **more)
    curve = roc(people, **scored, **truth, **more)
    drawn: dict[str, Any] = {"replicates": q.replicates, "seed": q.seed} if q.replicates else {}
    return {
        "accuracy": at_cut,
        "roc": curve,
        "band": curve.band(**drawn),
        "cut_points": cut_points(
            people, **scored, **truth, criteria=q.criteria, cost_ratio=q.cost_ratio,
            reference=q.compare_with, reference_positive=q.compare_positive,
            error_ratio=q.error_ratio, **_predicted(q), beside=q.positive,
            replicates=q.replicates, seed=q.seed, **more,
        ),
        "flow": stard_flow(
            people, **test, **truth, eligible=q.within, accept_errors=more["accept_errors"]
        ),
    }  # fmt: skip


def _predicted(q: ThresholdQuestion) -> dict[str, Any]:
    """The outcome for the criterion of equal risk, where that is asked for or can be met.

    A follow-up has no yes or no of everybody, which a fitted risk would need.
    """
    met = q.compare_positive is not None if q.criteria is None else "risk" in q.criteria
    if q.outcome is None or q.time is not None or not met:
        return {}
    return {"outcome": q.outcome, "outcome_positive": q.outcome_positive}


def _predictions(people: Cohort, q: ThresholdQuestion, more: dict[str, Any]) -> dict[str, Any]:
    if q.outcome is None:
        return {"association": None, "incidence": None, "decision": None, "calibrations": {},
                "steps": ()}  # fmt: skip
    followed: dict[str, Any] = {
        "time": q.time, "event": q.outcome, "event_positive": q.outcome_positive,
        "competing": q.competing, "competing_positive": q.competing_positive,
    }  # fmt: skip
    ratios: dict[str, Any] = {
        "exposures": q.test, "adjust": q.adjust, "per_sd": "sample",
        "decrease": q.direction == "low", **more,
    }  # fmt: skip
    if q.time is None:
        happened: dict[str, Any] = {"outcome": q.outcome, "outcome_positive": q.outcome_positive}
        event: dict[str, Any] = {"event": q.outcome, "event_positive": q.outcome_positive}
        association, incidence = odds_ratios(people, **event, **ratios), None
    else:
        happened = followed | {"at": q.at, "nothing_competes": q.nothing_competes}
        association = hazard_ratios(people, **followed, **ratios)
        incidence = _incidence(people, q, followed, more)
    n = int(association.to_polars()["n"][0])
    return {
        "association": association,
        "steps": steps_to_model(people, q, n),
        "incidence": incidence,
        "decision": decision_curve(
            people, risks=q.risks, tests=[(q.test, q.positive)], **happened, **more
        ),
        "calibrations": {
            risk: risk_calibration(people, risk=risk, **happened, **more) for risk in q.risks
        },
    }


def _incidence(
    people: Cohort, q: ThresholdQuestion, followed: dict[str, Any], more: dict[str, Any]
) -> CumulativeIncidence:
    """Incidence of the outcome in those whom the cut-off finds, and in the others."""
    found = q.interval.expression(pl.col(q.test))
    words = pl.when(found).then(pl.lit(q.sign)).when(~found).then(pl.lit(q.other_sign))
    grouped = people.with_frame(people.frame.with_columns(words.alias(q.test)))
    return cumulative_incidence(
        grouped,
        **followed,
        at=[float(q.at or 0)],
        by=q.test,
        nothing_competes=q.competing is None,
        **more,
    )
