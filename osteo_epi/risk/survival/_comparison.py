"""Whether groups differ in time to an event, or in its incidence where another competes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Joint, Positive
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk._competing import refuse_unnamed
from osteo_epi.risk._follow_up import EVENT, FollowUp, follow_up
from osteo_epi.risk.survival._estimates import Followed
from osteo_epi.risk.survival._gray import gray_score
from osteo_epi.risk.survival._groups import (
    group_notes,
    groups_of,
    refuse_one_group,
)
from osteo_epi.risk.survival._log_rank import LogRank
from osteo_epi.risk.survival._subdistribution import null_score
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array, Codes, Mask


@dataclass(frozen=True, repr=False)
class CurveComparison(Result):
    """A test that groups do not differ.

    Attributes
    ----------
    groups, n, n_events
        (G,) values of the column of groups, people, and people with the event.
    observed, expected
        (G,) events, and those expected if groups did not differ; weighted with a design, and by
        time where the test weights times.
    statistic, df, p
        Chi-square; its degrees of freedom, and those of the design (infinite without one: else
        statistic / df is referred to F); the p value.
    score, se
        (G,) observed less expected, and its standard error.
    method, event, competing, by, design, notes
        What was asked, how people were drawn, and what a reader must know.
    """

    groups: tuple[str, ...]
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    observed: Array
    expected: Array
    statistic: float
    df: tuple[int, float]
    p: float
    score: Array
    se: Array
    method: str
    event: str
    competing: str | None
    by: str
    design: str
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """A row a group: group, n, n_events, observed, expected, score, se."""
        names = ("n", "n_events", "observed", "expected", "score", "se")
        return pl.DataFrame({"group": self.groups} | {k: list(getattr(self, k)) for k in names})

    def _summary(self) -> str:
        chi, p = (number(v, digits=3) for v in (self.statistic, self.p))
        return (
            f"{self.event} by {self.by}, {self.method}: chi-square {chi}, df {self.df[0]}, p {p}, "
            f"{count(sum(self.n))} people, {count(sum(self.n_events))} events"
        )


@on_people("time", "event", "by", "entry", "domain")
def compare_curves(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    by: Column,
    event_positive: Positive = None,
    rho: float = 0.0,
    entry: Column = None,
    design: Any = None,
    domain: Column = None,
    accept_errors: bool = False,
) -> CurveComparison:
    """Test whether groups differ in their survival curves: the log-rank test.

    Parameters
    ----------
    people, time, event, event_positive, entry
        As in `survival_curve`.
    by
        Column of groups.
    rho
        Times count by the pooled curve before them to this power: 0 is the log-rank test, 1 that
        of Peto and Peto, which looks at early times.
    design, domain, accept_errors
        As in `survival_curve`.

    Returns
    -------
    CurveComparison
        Harrington and Fleming 1982, doi 10.1093/biomet/69.3.553, as `survival::survdiff`. With a
        design the score is weighted and its covariance is that of its linearised values, as
        `survey::svylogrank` (Rader 2014, Harvard dissertation), which takes tied
        events as Efron does.

    Raises
    ------
    SchemaError
        As `survival_curve`, or if there is one group only.

    Examples
    --------
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5, 6], "hip": [1, 1, 0, 1, 0, 0],
    ...                        "sex": ["f", "f", "f", "m", "m", "m"]})
    >>> compare_curves(people, time="years", event="hip", by="sex")
    CurveComparison(hip by sex, log-rank: chi-square 2.47, df 1, p 0.116, 6 people, 3 events)
    """
    arguments.number(rho, "rho", least=0)
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, entry=entry, design=design,
        domain=domain, accept_errors=accept_errors,
    )  # fmt: skip
    groups = groups_of(seen, by, entry=entry)
    refuse_one_group(by, groups)
    rows, code = _codes(groups)
    late = seen.entry[rows] if entry is not None else None
    event_ = seen.status[rows] == EVENT

    def test(weight: Array) -> LogRank:
        return LogRank.of(seen.time[rows], event_, code, weight=weight, entry=late, rho=rho)

    pooled = Followed(seen, rows, entry is not None)
    weight = pooled.weight[rows]
    here = test(weight)
    if seen.sample.simple:
        joint = Joint(here.observed - here.expected, here.covariance(), math.inf)
    elif seen.sample.arrays is None:
        joint = seen.sample.replicated(lambda w: _gap(test(w[rows])), rows)
    else:
        joint = _linearised(seen, rows, here.linear(event_, code, weight))
    notes = [*seen.notes, *group_notes(seen, by, groups)]
    method = "log-rank" if rho == 0 else f"G-rho, rho {rho:g}" + (" (Peto-Peto)" * (rho == 1))
    return _comparison(seen, by, groups, joint, here.observed, here.expected, method, notes)


@on_people("time", "event", "by", "competing", "domain")
def compare_incidence(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    by: Column,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    rho: float = 0.0,
    design: Any = None,
    domain: Column = None,
    accept_errors: bool = False,
) -> CurveComparison:
    """Test whether groups differ in the cumulative incidence of an event: Gray's test.

    Parameters
    ----------
    people, time, event, event_positive, competing, competing_positive, nothing_competes
        As in `cumulative_incidence`.
    by
        Column of groups.
    rho
        Times count by 1 − the pooled incidence before them to this power; only of people drawn
        one by one.
    design, domain, accept_errors
        As in `cumulative_incidence`.

    Returns
    -------
    CurveComparison
        Gray 1988, doi 10.1214/aos/1176350951, as `cmprsk::cuminc`. It has no form for survey
        weights: with a design the test is the score test of Fine and Gray's model for the groups,
        with the covariance of its linearised values, the weights for censoring counted in.

    Raises
    ------
    SchemaError
        As `cumulative_incidence`, or if there is one group only.
    DefinitionError
        If `rho` is below 0, or other than 0 with a design.

    Examples
    --------
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5, 6], "status": [1, 1, 2, 1, 2, 0],
    ...                        "sex": ["f", "f", "f", "m", "m", "m"]})
    >>> test = compare_incidence(people, time="years", event="status", event_positive=1,
    ...                          competing="status", competing_positive=2, by="sex")
    >>> round(test.p, 2)
    0.12
    """
    arguments.number(rho, "rho", least=0)
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, nothing_competes=nothing_competes, design=design,
        domain=domain,
        accept_errors=accept_errors,
    )  # fmt: skip
    refuse_unnamed(seen.competing, seen.unsaid, nothing_competes=nothing_competes)
    groups = groups_of(seen, by, entry=None)
    refuse_one_group(by, groups)
    rows, code = _codes(groups)
    time_, status = seen.time[rows], seen.status[rows]
    weight = seen.weight[rows]
    if seen.sample.simple:
        joint = Joint(*gray_score(time_, status, code, rho=rho), math.inf)
        method = "Gray's test" if rho == 0 else f"Gray's test, rho {rho:g}"
    else:
        if rho != 0:
            arguments.number(rho, "rho with a survey design", least=0, most=0)
        joint = _score_of_model(seen, rows, code)
        method = "score test of subdistribution hazards"
    mine = weight * (status == EVENT)
    observed = np.bincount(code, weights=mine, minlength=len(groups)).astype(float)
    notes = [*seen.notes, *group_notes(seen, by, groups)]
    return _comparison(
        seen, by, groups, joint, observed, observed - joint.value, method, notes
    )  # fmt: skip


def _score_of_model(seen: FollowUp, rows: Mask, code: Codes) -> Joint:
    dummies = np.eye(int(code.max()) + 1)[code]
    time, status = seen.time[rows], seen.status[rows]
    if seen.sample.arrays is None:
        return seen.sample.replicated(
            lambda w: null_score(time, status, dummies, weight=w[rows]).sum(axis=0), rows
        )
    return _linearised(seen, rows, null_score(time, status, dummies, weight=seen.weight[rows]))


def _gap(test: LogRank) -> Array:
    return test.observed - test.expected


def _codes(groups: dict[str, Followed]) -> tuple[Mask, Codes]:
    """People in any group, and the group of each of them, from 0."""
    masks = np.array([one.rows for one in groups.values()])
    rows = np.asarray(np.any(masks, axis=0))
    return rows, np.argmax(masks[:, rows], axis=0)


def _linearised(seen: FollowUp, rows: Mask, linear: Array) -> Joint:
    spread = np.zeros((len(rows), linear.shape[1]))
    spread[rows] = linear
    return seen.sample.linearised(linear.sum(axis=0), spread, rows)


def _comparison(
    seen: FollowUp,
    by: str,
    groups: dict[str, Followed],
    joint: Joint,
    observed: Array,
    expected: Array,
    method: str,
    notes: list[str],
) -> CurveComparison:
    from scipy import special

    # The scores add up to 0: the last follows from the others.
    k = len(groups) - 1
    value, spread = joint.value[:k], joint.covariance[:k, :k]
    statistic = float(value @ np.linalg.pinv(spread, hermitian=True) @ value)
    k = int(np.linalg.matrix_rank(spread, hermitian=True))
    if math.isinf(joint.df):
        p = float(special.chdtrc(k, statistic))
    else:
        p = float(special.fdtrc(k, joint.df, statistic / k)) if joint.df > 0 else math.nan
    sizes = [int(one.rows.sum()) for one in groups.values()]
    events = [int((seen.status[one.rows] == EVENT).sum()) for one in groups.values()]
    return CurveComparison(
        tuple(groups), tuple(sizes), tuple(events), observed, expected, statistic, (k, joint.df), p,
        joint.value, np.sqrt(np.diag(joint.covariance)), method, seen.event, seen.competing, by,
        str(seen.sample.design), tuple(notes),
    )  # fmt: skip
