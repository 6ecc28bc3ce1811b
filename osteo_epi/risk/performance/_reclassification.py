"""Who moves from one risk to another: NRI and IDI beside the net benefit, never instead of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Joint, Measure, Positive
from osteo_epi.agreement import critical_value
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk.performance._decision import decision_curve, treated
from osteo_epi.risk.performance._predictions import Happened, Predictions, read_predictions
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array, Codes, Mask

CAUTION = (
    "NRI and IDI can rise where a risk is merely made more extreme, and weigh harm and benefit by "
    "no stated judgement (Hilden and Gerds 2014, doi 10.1002/sim.5804): decide by the difference "
    "of net benefit, in the first rows"
)


@dataclass(frozen=True, repr=False)
class Reclassification(Result):
    """How people move from one risk to another, by what happened to them.

    Attributes
    ----------
    net_benefit
        threshold, difference, se, lower, upper: net benefit of the second risk less that of the
        first. It decides.
    measures
        Name to `Measure`; each is an attribute too. nri_events: share of people with the outcome
        whose risk rises less the share whose risk falls; nri_nonevents: the reverse of those
        without; nri: their sum (from −2 to 2, no share of anybody). category_nri…: the same of
        moves between the categories, where there are cut-offs. idi_events, idi_nonevents, idi:
        the same of mean risk.
    moves
        One row an outcome: outcome, n, up, down (shares), and category_up, category_down.
    table
        One row an outcome and pair of categories: outcome, first_category, second_category, n.
        Empty without cut-offs.
    first, second, outcome, cut_offs, n, n_events, design, confidence, notes
        What was asked, and what a reader must know.
    """

    net_benefit: pl.DataFrame
    measures: dict[str, Measure]
    moves: pl.DataFrame
    table: pl.DataFrame
    first: str
    second: str
    outcome: str
    cut_offs: tuple[float, ...]
    n: int
    n_events: int
    design: str
    confidence: float
    notes: tuple[str, ...] = field(repr=False)

    def __getattr__(self, name: str) -> Measure:
        measures = self.__dict__.get("measures", {})
        if name in measures:
            return measures[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def to_polars(self) -> pl.DataFrame:
        """One row a measure, the net benefit first.

        Returns
        -------
        polars.DataFrame
            measure, threshold (null but for net_benefit_difference), estimate, se, lower, upper,
            n.
        """
        order = ("measure", "threshold", "estimate", "se", "lower", "upper", "n")
        gains = self.net_benefit.rename({"difference": "estimate"}).with_columns(
            measure=pl.lit("net_benefit_difference"), n=pl.lit(self.n, pl.Int64)
        )
        rows = [{"measure": k, **m.as_row()} for k, m in self.measures.items()]
        types = dict.fromkeys(("threshold", "estimate", "se", "lower", "upper"), pl.Float64)
        others = pl.DataFrame(rows, schema_overrides=types | {"n": pl.Int64}).with_columns(
            threshold=pl.lit(None, pl.Float64)
        )
        return pl.concat([gains.select(order), others.select(order)])

    def _summary(self) -> str:
        gains = (
            f"{number(gap, digits=3, sign='+')} at {number(t, digits=3)}"
            for t, gap in self.net_benefit.select("threshold", "difference").iter_rows()
        )
        nri, idi = (self.measures[k].rounded(3) for k in ("nri", "idi"))
        return (
            f"{self.second} after {self.first}, net benefit {', '.join(gains)}; NRI {nri}, IDI "
            f"{idi}, n {count(self.n)}"
        )


@on_people("first", "second", "outcome", "domain")
def reclassification(
    people: Any = None,
    *,
    first: Column,
    second: Column,
    outcome: Column,
    outcome_positive: Positive = None,
    cut_offs: Sequence[float] | None = None,
    thresholds: Sequence[float] | None = None,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Reclassification:
    """Net reclassification and integrated discrimination, beside the difference of net benefit.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    first, second
        Columns of two predicted risks [0 to 1; percent as in `decision_curve`].
    outcome, outcome_positive
        Column of what happened, and what counts as yes. For people who were followed for unequal
        times `decision_curve` compares two risks.
    cut_offs
        Risks at which categories begin, each above 0 and below 1; a risk on one is in the upper
        category.
    thresholds
        Risks from which people would be treated, for the net benefit; the cut-offs by default,
        without any the share of people with the outcome.
    design, domain, confidence, accept_errors
        As in `decision_curve`.

    Returns
    -------
    Reclassification

    Raises
    ------
    SchemaError, DefinitionError
        As `decision_curve`.

    Notes
    -----
    NRI and IDI of Pencina and others 2008, doi 10.1002/sim.2929, and 2011, doi 10.1002/sim.4085.
    Standard errors of people drawn one by one are those of Hmisc's `improveProb`, with a design
    those of the linearised form; both take the risks as given.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "age_only": [0.1, 0.2, 0.2, 0.3, 0.3, 0.4], "with_bmd": [0.1, 0.1, 0.3, 0.2, 0.5, 0.6],
    ...     "fracture": [False, False, False, False, True, True],
    ... })
    >>> result = reclassification(
    ...     people, first="age_only", second="with_bmd", outcome="fracture", cut_offs=[0.25])
    >>> result.table.filter(pl.col("n") > 0).rows()
    [('no', '< 0.25', '< 0.25', 2), ('no', '< 0.25', '≥ 0.25', 1), ('no', '≥ 0.25', '< 0.25', 1),
    ('yes', '≥ 0.25', '≥ 0.25', 2)]
    >>> result.nri_events.estimate, result.nri_nonevents.estimate
    (1.0, 0.25)
    """
    arguments.confidence_level(confidence)
    cuts = _cut_offs(cut_offs)
    if first == second:
        raise DefinitionError(f"first and second are both {first}: nobody moves; name two risks")
    given: dict[str, Any] = {"outcome": outcome, "outcome_positive": outcome_positive}
    options: dict[str, Any] = {"design": design, "domain": domain, "accept_errors": accept_errors}
    read = read_predictions(people, (first, second), (), Happened(**given), **options)
    at = thresholds if thresholds is not None else cuts or _share(read)
    curve = decision_curve(
        people, risks=(first, second), **given, **options, thresholds=at, confidence=confidence
    )
    one, two = read.risks.values()
    moves = {"": np.sign(two - one)}
    classes = [_classes(risk, cuts) for risk in (one, two)]
    if cuts:
        moves["category_"] = np.sign(classes[1] - classes[0]).astype(float)
    measures: dict[str, Measure] = {}
    for prefix, move in moves.items():
        measures |= _three(read, move, f"{prefix}nri", 0, confidence)
    measures |= _three(read, two - one, "idi", 1, confidence)
    return Reclassification(
        curve.difference(second, first), measures, _moves(read, moves), _table(read, classes, cuts),
        first, second, read.outcome.label, cuts, read.n, read.n_events, str(read.sample.design),
        confidence, (CAUTION, *curve.notes),
    )  # fmt: skip


def _cut_offs(given: Sequence[float] | None) -> tuple[float, ...]:
    if given is None:
        return ()
    arguments.numbers(given, "cut_offs", above=0, below=1)
    return tuple(sorted({float(cut) for cut in given}))


def _share(read: Predictions) -> tuple[float]:
    return (float(read.outcome.linear(read.sample.weight, read.rows)[0]),)


def _classes(risk: Array, cuts: tuple[float, ...]) -> Codes:
    """(n,) number of cut-offs that a risk reaches."""
    return np.sum([treated(risk, cut) for cut in cuts], axis=0, dtype=int) + np.zeros(
        len(risk), dtype=int
    )


def _groups(read: Predictions) -> dict[str, Mask]:
    assert read.answers is not None
    return {"no": read.rows & ~read.answers.yes, "yes": read.rows & read.answers.yes}


def _mean(value: Array, weight: Array, among: Mask) -> tuple[float, Array]:
    total = weight[among].sum()
    mean = float((weight * np.where(among, value, 0.0)).sum() / total)
    return mean, np.where(among, weight * (value - mean) / total, 0.0)


def _three(
    read: Predictions, move: Array, name: str, ddof: int, confidence: float
) -> dict[str, Measure]:
    """The part of events, that of the others, and their sum."""
    groups = _groups(read)

    def statistic(weight: Array) -> tuple[Array, Array]:
        yes, d_yes = _mean(move, weight, groups["yes"])
        no, d_no = _mean(move, weight, groups["no"])
        return np.array([yes, -no]), np.column_stack([d_yes, -d_no])

    joint = _independent(read, move, ddof) if read.sample.simple else read.joint(statistic)
    reach = critical_value(confidence, joint.df)
    parts = {f"{name}_events": (1, 0), f"{name}_nonevents": (0, 1), name: (1, 1)}
    sizes = (int(groups["yes"].sum()), int(groups["no"].sum()), read.n)
    result = {}
    for (called, gradient), n in zip(parts.items(), sizes, strict=True):
        middle, se = float(np.dot(gradient, joint.value)), joint.error(gradient)
        # Each part is a difference of shares or of mean risks; the sum is of two.
        most = float(sum(gradient))
        ends = max(middle - reach * se, -most), min(middle + reach * se, most)
        result[called] = Measure(middle, se, *ends, n, "Wald")
    return result


def _independent(read: Predictions, move: Array, ddof: int) -> Joint:
    """Both parts of people drawn one by one, with the divisors of `improveProb`."""
    groups = _groups(read)
    yes, no = move[groups["yes"]], move[groups["no"]]
    spreads = [float(np.var(x)) / (len(x) - ddof) if len(x) > ddof else math.nan for x in (yes, no)]
    return Joint(np.array([yes.mean(), -no.mean()]), np.diag(spreads), math.inf)


def _moves(read: Predictions, moves: dict[str, Array]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for outcome, group in _groups(read).items():
        row: dict[str, Any] = {"outcome": outcome, "n": int(group.sum())}
        for prefix, move in moves.items():
            for word, sign in (("up", 1), ("down", -1)):
                row[prefix + word] = _mean((move == sign) * 1.0, read.sample.weight, group)[0]
        rows.append(row)
    return pl.DataFrame(rows)


def _table(read: Predictions, classes: list[Codes], cuts: tuple[float, ...]) -> pl.DataFrame:
    """People of each outcome by both categories, those without anybody among them."""
    named = [number(cut, digits=3) for cut in cuts]
    middle = [f"{low} to < {high}" for low, high in pairwise(named)]
    names = [f"< {named[0]}", *middle, f"≥ {named[-1]}"] if named else []
    size, rows = len(names), []
    for outcome, group in _groups(read).items():
        pairs = np.bincount((classes[0] * size + classes[1])[group], minlength=size * size)
        rows += [
            (outcome, names[i], names[j], int(pairs[i * size + j]))
            for i in range(size)
            for j in range(size)
        ]
    schema = ["outcome", "first_category", "second_category", "n"]
    types = dict(zip(schema, (*[pl.String] * 3, pl.Int64), strict=True))
    return pl.DataFrame(rows, schema=types, orient="row")
