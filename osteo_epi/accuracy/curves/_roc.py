"""How well a score tells the diseased from the healthy over all its cut-points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi.accuracy._columns import (
    Answers,
    People,
    Positive,
    refuse_confidence,
    refuse_one_class,
    tolerance_of,
)
from osteo_epi.accuracy._measures import Measure, limits
from osteo_epi.accuracy._sample import Joint, Sample, quantile
from osteo_epi.accuracy.curves._curve import (
    Area,
    Groups,
    Segments,
    area,
    delong,
    whole_area,
)
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.html import html_table
from osteo_epi.norms import out_of_range
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Codes, Mask, bootstrap_replicates

DIRECTIONS = ("low", "high")
RATES = ("specificity", "sensitivity")
AREA_INTERVALS = ("wald", "logit")
UNCERTAINTY = ("analytic", "bootstrap")


@dataclass(frozen=True, repr=False)
class ROC(Result):
    """A receiver operating characteristic.

    Attributes
    ----------
    auc
        Area under the curve: the probability that of a diseased and a healthy person the diseased
        has the more suspect score, ties counted a half.
    partial, partial_standardised
        Area over the rates of `over` only, as it is, and on the scale of `auc` (0.5 for a score
        that tells nothing, 1 for a perfect one; McClish 1989, doi 10.1177/0272989x8900900307);
        None where not wanted.
    over
        The rate and its range, as ("specificity", 0.8, 1.0); None where not wanted.
    cut_points, sensitivity, specificity
        (K + 1,) from nobody positive to everybody positive. A person is positive below the
        cut-point where low is diseased, above it where high is; the cut-points lie halfway
        between scores.
    n_diseased, n_healthy, n_people, n_score_missing, n_truth_missing, n_both_missing
        People of the curve; those of the domain; those who lack the score only, the truth only, or
        both.
    score, direction, truth, design, confidence, df, notes
        What was asked, degrees of freedom of the limits, and what a reader must know.
    """

    auc: Measure
    partial: Measure | None
    partial_standardised: Measure | None
    over: tuple[str, float, float] | None
    cut_points: Array
    sensitivity: Array
    specificity: Array
    n_diseased: int
    n_healthy: int
    n_people: int
    n_score_missing: int
    n_truth_missing: int
    n_both_missing: int
    score: str
    direction: str
    truth: str
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...]

    def to_frame(self) -> pl.DataFrame:
        """One row an area: area, estimate, se, lower, upper, n, method."""
        areas = ("auc", "partial", "partial_standardised")
        rows = [(name, m) for name in areas if (m := getattr(self, name)) is not None]
        return pl.DataFrame(
            [{"area": name} | m.as_row() | {"method": m.method} for name, m in rows],
            schema_overrides=dict.fromkeys(("estimate", "se", "lower", "upper"), pl.Float64),
        )

    def points(self) -> pl.DataFrame:
        """The curve: cut_point, sensitivity, specificity."""
        names = ("cut_points", "sensitivity", "specificity")
        columns = {name.removesuffix("_points"): getattr(self, name) for name in names}
        return pl.DataFrame(columns).rename({"cut": "cut_point"})

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption=self._summary(), notes=self.notes)

    def _summary(self) -> str:
        return (
            f"{self.score} ({self.direction} is diseased) against {self.truth}, AUC "
            f"{self.auc.rounded(3)}, {count(self.n_diseased)} diseased, "
            f"{count(self.n_healthy)} healthy"
        )


@dataclass(frozen=True)
class Scored:
    """The score and truth of people, with their design: what every area is made of."""

    people: People
    sample: Sample
    truth: Answers
    inside: Mask
    rows: Mask
    groups: tuple[Groups, ...]

    @property
    def weight(self) -> Array:
        """(m,) weights of the people of the curve."""
        return self.sample.weight[self.rows]

    @property
    def df(self) -> float:
        """Degrees of freedom of an area."""
        return math.inf if self.sample.simple else self.sample.df(self.rows)

    def segments(self, which: int = 0) -> Segments:
        """The curve of one score."""
        return Segments.of(*self.groups[which].sums(self.weight))

    def joint(self, areas: list[Area]) -> Joint:
        """Areas, one a score or several of the first, with their covariance."""
        groups = (
            list(self.groups) if len(self.groups) == len(areas) else [self.groups[0]] * len(areas)
        )
        value = np.array([a.value for a in areas])
        if self.sample.simple:
            return Joint(value, delong(areas, groups), math.inf)
        linear = np.zeros((len(self.rows), len(areas)))
        for k, (one, group) in enumerate(zip(areas, groups, strict=True)):
            linear[self.rows, k] = one.linear(group, self.weight)
        return self.sample.linearised(value, linear, self.rows)


def read_scores(
    people: Any,
    scores: tuple[tuple[str, str, str | None], ...],
    *,
    truth: str,
    truth_positive: Positive,
    design: Any,
    domain: str | pl.Expr | None,
    tolerance: float | None,
    accept_errors: bool,
) -> tuple[Scored, list[Array]]:
    """Read (role, column, direction) of scores and the truth; the (n,) scores beside it.

    Raises
    ------
    SchemaError
        If a direction is not declared, a column is absent or no number, a score is constant, or a
        class of the truth has fewer than two people.
    """
    for role, _, direction in scores:
        _refuse_direction(role, direction)
    known = People.of(people, accept_errors=accept_errors)
    sample = Sample.of(known.frame, design)
    values = [known.numbers(column, role) for role, column, _ in scores]
    true = known.answers(truth, truth_positive, "truth")
    inside = known.domain(domain) & (sample.weight > 0)
    rows = inside & true.known & ~np.isnan(values).any(axis=0)
    refuse_one_class(true.yes, rows, true.label)
    diseased = true.yes[rows]
    _refuse_few(diseased, true.label)
    groups = []
    for (_, column, direction), value in zip(scores, values, strict=True):
        score = value[rows]
        by = tolerance_of(column, float(np.abs(score).max())) if tolerance is None else tolerance
        groups.append(Groups.of(score, diseased, low=direction == "low", tolerance=by))
        if len(groups[-1].value) == 1:
            raise SchemaError(
                f"{column} is constant: all {count(len(score))} people with score and truth have "
                "one value, and no cut-point tells them apart; look whether it is the measurement"
            )
    return Scored(known, sample, true, inside, rows, tuple(groups)), values


def roc(
    people: Any,
    *,
    score: str,
    truth: str,
    direction: Literal["low", "high"] | None = None,
    truth_positive: Positive = None,
    partial: tuple[float, float] | None = None,
    partial_of: Literal["specificity", "sensitivity"] = "specificity",
    design: Any = None,
    domain: str | pl.Expr | None = None,
    uncertainty: Literal["analytic", "bootstrap"] = "analytic",
    interval: Literal["wald", "logit"] = "wald",
    replicates: int = 2000,
    seed: int = 0,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> ROC:
    """Receiver operating characteristic of a score, with the area under it.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    score
        Column of numbers.
    truth, truth_positive
        Column of the truth, and what counts as diseased, as in `accuracy`.
    direction
        "low" where low scores are diseased (densities, T-scores), "high" where high ones are
        (risk scores). Declared, never guessed from the data: a guess makes every area 0.5 at
        least.
    partial, partial_of
        Range of specificity (or of sensitivity) that matters, as (0.8, 1.0): the area over it is
        given beside the whole.
    design, domain
        As in `accuracy`.
    uncertainty
        "analytic": DeLong's standard error for people drawn one by one; with a survey design by
        linearisation over its units, with replicate weights over the replicates. "bootstrap":
        diseased and healthy people drawn anew, or the sampling units of the design.
    interval
        "wald", brought into 0 to 1, or "logit", on the scale of log-odds. The bootstrap's limits
        are percentiles.
    replicates, seed
        Of the bootstrap.
    tolerance
        How near to each other two scores are equal [their unit]; None as in `accuracy`. Scores so
        dense that this would tie a chain of them longer than the tolerance (continuous ones, of
        many people) are tied only where they are equal.
    confidence
        Level of the limits.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    ROC

    Raises
    ------
    SchemaError
        If the direction is not declared, a column is absent, the score is constant, or a class of
        the truth has fewer than two people.
    DesignError
        If a range or an interval is none, or the people hold half a survey design.

    Notes
    -----
    The weighted area compares a diseased and a healthy person drawn from the population. DeLong,
    DeLong, Clarke-Pearson 1988, doi 10.2307/2531595, by midranks in the time of a sort (Sun and
    Xu 2014, doi 10.1109/lsp.2014.2337313).

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "abmd_total_hip": [0.61, 0.70, 0.74, 0.92, 0.74, 0.98, 0.88, 1.02],
    ...     "fracture": [True, True, True, True, False, False, False, False],
    ... })
    >>> roc(people, score="abmd_total_hip", truth="fracture", direction="low")
    ROC(abmd_total_hip (low is diseased) against fracture, AUC 0.844 (0.548 to 1), 4 diseased,
    4 healthy)
    """
    refuse_confidence(confidence)
    _refuse_choices(partial, partial_of, uncertainty, interval)
    scored, values = read_scores(
        people, (("score", score, direction),), truth=truth, truth_positive=truth_positive,
        design=design, domain=domain, tolerance=tolerance, accept_errors=accept_errors,
    )  # fmt: skip
    assert direction is not None
    segments = scored.segments()
    over = None if partial is None else (partial_of, *partial)
    areas = [area(segments), *(_partial(segments, over) if over else ())]
    measures = _measures(scored, areas, over, uncertainty, interval, replicates, seed, confidence)
    n = int(scored.groups[0].diseased.sum())
    gap = np.isnan(values[0])
    cases = (gap & scored.truth.known, ~gap & ~scored.truth.known, gap & ~scored.truth.known)
    lost = [int((case & scored.inside).sum()) for case in cases]
    return ROC(
        measures[0], measures[1] if over else None, measures[2] if over else None, over,
        scored.groups[0].cut_points(), np.concatenate([[0.0], segments.true_after]),
        1 - np.concatenate([[0.0], segments.false_after]), n, int(scored.rows.sum()) - n,
        int(scored.inside.sum()), lost[0], lost[1], lost[2], score, direction, scored.truth.label,
        str(scored.sample.design), confidence, scored.df,
        _notes(scored, score, lost, areas[0].value),
    )  # fmt: skip


def _partial(segments: Segments, over: tuple[str, float, float]) -> tuple[Area, Area]:
    """The partial area as it is, and standardised by its least and its largest value."""
    of, low, high = over
    rates = (1 - high, 1 - low)
    raw = area(segments, rates) if of == "specificity" else area(segments.turned(), rates).turned()
    least, most = (rates[1] ** 2 - rates[0] ** 2) / 2, rates[1] - rates[0]
    factor = 1 / (2 * (most - least))
    return raw, raw.scaled(factor, 0.5 - least * factor)


def _areas(sick: Array, well: Array, over: tuple[str, float, float] | None) -> Array:
    """Every area that is wanted, from (K,) weights."""
    if over is None:
        return np.array([whole_area(sick, well)])
    segments = Segments.of(sick, well)
    parts = (a.value for a in _partial(segments, over))
    return np.array([whole_area(sick, well), *parts])


def _measures(
    scored: Scored,
    areas: list[Area],
    over: tuple[str, float, float] | None,
    uncertainty: str,
    interval: str,
    replicates: int,
    seed: int,
    confidence: float,
) -> list[Measure]:
    groups, n = scored.groups[0], int(scored.rows.sum())

    def statistic(weight: Array) -> Array:
        return _areas(*groups.sums(weight[scored.rows]), over)

    if uncertainty == "bootstrap":
        drawn = _drawn(scored, over, replicates, seed)
        tails = (1 - confidence) / 2
        ends = np.quantile(drawn, [tails, 1 - tails], axis=0)
        errors = drawn.std(axis=0, ddof=1)
        return [
            Measure(a.value, float(se), *limits(low, high), n, "bootstrap, percentile")
            for a, se, low, high in zip(areas, errors, *ends, strict=True)
        ]
    if scored.sample.replicates is not None:
        joint = scored.sample.replicated(statistic, scored.rows)
    else:
        joint = scored.joint(areas)
    errors = np.sqrt(np.diag(joint.covariance))
    critical = quantile(joint.df, confidence)
    way = "DeLong" if scored.sample.simple else "design-based"
    return [
        Measure(a.value, float(se), *_limits(a.value, float(critical * se), interval), n,
                f"{way}, {interval}")
        for a, se in zip(areas, errors, strict=True)
    ]  # fmt: skip


def _limits(value: float, reach: float, interval: str) -> tuple[float | None, float | None]:
    if interval == "wald" or not 0 < value < 1:
        return limits(max(value - reach, 0.0), min(value + reach, 1.0))
    centre, scaled = math.log(value / (1 - value)), reach / (value * (1 - value))
    ends = (1 / (1 + math.exp(-(centre + side * scaled))) for side in (-1, 1))
    return limits(*ends)


def _drawn(
    scored: Scored, over: tuple[str, float, float] | None, replicates: int, seed: int
) -> Array:
    """(R, k) areas of people, or sampling units, drawn anew."""
    groups, sample = scored.groups[0], scored.sample
    if sample.arrays is None:
        raise DesignError(
            'replicate weights are their own uncertainty: take uncertainty="analytic", which uses '
            "them"
        )
    if sample.simple:
        rng, size = np.random.default_rng(seed), len(groups.value)
        classes = [groups.code[rows] for rows in (groups.diseased, ~groups.diseased)]

        def anew(codes: Codes) -> Array:
            people = codes[rng.integers(0, len(codes), len(codes))]
            return np.bincount(people, minlength=size).astype(float)

        sick, well = classes
        return np.array([_areas(anew(sick), anew(well), over) for _ in range(replicates)])
    drawn = bootstrap_replicates(sample.arrays, seed=seed, n_replicates=replicates)
    weights = (groups.sums(drawn.weights(r)[scored.rows]) for r in range(replicates))
    kept = [_areas(sick, well, over) for sick, well in weights if sick.sum() * well.sum() > 0]
    return np.array(kept)


def _refuse_direction(role: str, direction: str | None) -> None:
    word = "direction" if role == "score" else f"{role}_direction"
    if direction is None:
        raise SchemaError(
            f'{word} is not given: say {word}="low" where low values are diseased (densities, '
            'T-scores) or "high" where high ones are; it is never guessed'
        )
    if direction not in DIRECTIONS:
        raise SchemaError(f'{word} is "low" or "high", not {direction!r}')


def _refuse_few(diseased: Mask, label: str) -> None:
    sizes = {"diseased": int(diseased.sum()), "healthy": int((~diseased).sum())}
    few = [f"{n} {name}" for name, n in sizes.items() if n < 2]
    if few:
        raise SchemaError(
            f"{few[0]} by {label}: an area has a standard error from two people in each class; "
            "take a larger domain"
        )


def _refuse_choices(
    partial: tuple[float, float] | None, partial_of: str, uncertainty: str, interval: str
) -> None:
    given = {"partial_of": (partial_of, RATES), "uncertainty": (uncertainty, UNCERTAINTY),
             "interval": (interval, AREA_INTERVALS)}  # fmt: skip
    for word, (value, names) in given.items():
        if value not in names:
            raise DesignError(f"{word} must be one of {', '.join(names)}, not {value!r}")
    if partial is None:
        return
    low, high = partial
    if out_of_range(low, 0.0, 1.0, by=0.0) or out_of_range(high, low, 1.0, by=0.0) or low == high:
        raise DesignError(
            f"partial= is a range within 0 to 1, the lower end first, as (0.8, 1.0); got {partial}"
        )


def _notes(scored: Scored, score: str, lost: list[int], value: float) -> tuple[str, ...]:
    total, notes = count(int(scored.inside.sum())), [*scored.people.notes, *scored.sample.notes]
    if lost[0] + lost[2]:
        notes.append(f"{count(lost[0] + lost[2])} of {total} people lack {score}")
    if lost[1]:
        notes.append(
            f"{count(lost[1])} of {total} people have {score} and lack the truth "
            f"({scored.truth.label}): if the score decided who was verified, the curve is biased"
        )
    if value in (0.0, 1.0):
        notes.append(
            "the score separates everybody: the standard error is 0 and says nothing; take limits "
            "from more people"
        )
    if value < 0.5:
        notes.append(
            "the area is below 0.5: diseased people have the less suspect scores; look whether "
            "direction= says what was meant"
        )
    return tuple(notes)
