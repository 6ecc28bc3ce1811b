"""Drift of a device: its periods, steps in its phantom series, and what is decided about them.

A decision is taken once, printed and applied: correct from when to when and by how much, or
decline, and why. The record goes into the report; the cohort is corrected by code that reads it,
and by nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.agreement import PointEstimate, critical_value
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, as_polars, in_callers_kind, series_given
from osteo_epi.norms import READING_TOLERANCE, falls_below
from osteo_epi.results import Result
from osteo_epi.rounding import count, number, percent

Floats = NDArray[np.float64]


def with_period(
    data: Any,
    *,
    changes: Mapping[str, Sequence[Any]],
    device: str = "device",
    date: str = "scan_date",
) -> Any:
    """Number the periods of each device, so that each can have its own phantom line.

    Parameters
    ----------
    data
        A frame of any kind: phantom scans or people. Use the same `changes` for both.
    changes
        Device to the dates from which it read differently (new tube, new software; the day itself
        counts as after). A device that is not named has one period.
    device, date
        Columns of the device and the date of a scan.

    Returns
    -------
    frame
        With `period`, 1 up to the first change and so on; null where a device with changes has no
        date.

    Raises
    ------
    SchemaError
        If a column is absent, or a device named in `changes` is not in the data's types.

    Examples
    --------
    >>> scans = pl.DataFrame({"device": ["A", "A", "B"], "scan_date": [1, 5, 5]})
    >>> with_period(scans, changes={"A": [5]})["period"].to_list()
    [1, 2, 1]
    """
    frame, restore = as_polars(data)
    there = frame.lazy().collect_schema().names()
    absent = [name for name in (device, date) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; periods need a device and a date")
    number: pl.Expr = pl.lit(1, dtype=pl.Int32)
    for name, dates in changes.items():
        own = pl.col(device).cast(pl.String) == name
        passed = pl.sum_horizontal(
            ((pl.col(date) >= when).cast(pl.Int32) for when in dates), ignore_nulls=False
        )
        number = pl.when(own).then(1 + passed).otherwise(number)
    return restore(frame.with_columns(number.cast(pl.Int32).alias("period")))


@dataclass(frozen=True)
class Step:
    """A change of a series' mean: the first reading after it, and its size."""

    index: int
    at: Any
    before: float
    after: float
    change: PointEstimate
    change_percent: float
    p: float
    n_before: int
    n_after: int
    kind: str


@dataclass(frozen=True, repr=False)
class Steps(Result):
    """Steps of one series, in order."""

    steps: tuple[Step, ...]
    n: int

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int) -> Step:
        return self.steps[place]

    def to_polars(self) -> pl.DataFrame:
        """One row per step."""
        rows = [
            {"at": s.at, "before": s.before, "after": s.after, **s.change.as_row()}
            | {"change_percent": s.change_percent, "p": s.p, "n_before": s.n_before}
            | {"n_after": s.n_after, "kind": s.kind}
            for s in self.steps
        ]
        names = ("at", "before", "after", "estimate", "se", "lower", "upper", "change_percent")
        empty = dict.fromkeys((*names, "p", "n_before", "n_after", "kind"), pl.Null)
        return pl.DataFrame(rows) if rows else pl.DataFrame(schema=empty)

    def _summary(self) -> str:
        return f"readings: {count(self.n)}, steps: {len(self)}"


@in_callers_kind
def change_points(
    *data: Any,
    values: Column = None,
    at: Column = None,
    alpha: float = 0.01,
    least: int = 5,
    permutations: int = 999,
    seed: int = 0,
    confidence: float = 0.95,
) -> Steps:
    """Find steps in a series by binary segmentation, each tested by permutation.

    Parameters
    ----------
    *data, values
        Phantom readings in order of time, complete, shape (n,). They come first, or a frame comes
        first and `values` names its column.
    at
        What dates them, a column's name or values (default: their place).
    alpha
        A step is kept if fewer than this share of permuted series have one as large.
    least
        Readings on either side of a step.
    permutations, seed
        Of the test. `p` cannot fall below 1/(permutations + 1).
    confidence
        Of each step's size (Welch).

    Returns
    -------
    Steps

    Notes
    -----
    Readings are taken as independent given the steps: a slow drift is shown as several steps.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> series = np.r_[rng.normal(1.00, 0.004, 40), rng.normal(1.02, 0.004, 40)]
    >>> [step.index for step in change_points(series)]
    [40]
    """
    readings, at = series_given(data, optional=("at",), values=values, at=at)
    series = _series(readings, 2 * least)
    dates = list(range(len(series))) if at is None else list(at)
    rng = np.random.default_rng(seed)
    p_values: dict[int, float] = {}
    waiting = [(0, len(series))]
    while waiting:
        low, high = waiting.pop()
        if high - low < 2 * least:
            continue
        place, p = _split(series[low:high], least, permutations, rng)
        if p <= alpha:
            p_values[low + place] = p
            waiting += [(low, low + place), (low + place, high)]
    edges = [0, *sorted(p_values), len(series)]
    steps = [
        _step(series, dates, edges[k : k + 3], p_values[edges[k + 1]], "change point", confidence)
        for k in range(len(edges) - 2)
    ]
    return Steps(tuple(steps), len(series))


@in_callers_kind
def steps_at_events(
    *data: Any,
    values: Column = None,
    at: Column = None,
    events: Sequence[Any],
    confidence: float = 0.95,
) -> Steps:
    """Size of the change at each known event: new software, a repair, a move.

    Parameters
    ----------
    *data, values, at
        Phantom readings in order of time, complete, and their dates. They come first, or a frame
        comes first and `values` and `at` name its columns.
    events
        Dates of the events; a reading on the day counts as after.
    confidence
        Of each step's size (Welch).

    Raises
    ------
    SchemaError
        Missing readings, readings that are all equal, a period with fewer than two, or one with a
        mean of zero beside a step.

    Examples
    --------
    >>> steps = steps_at_events([1.00, 1.01, 0.99, 1.03, 1.02, 1.04], at=range(6), events=[3])
    >>> round(steps[0].change.estimate, 3)
    0.03
    """
    readings, at = series_given(data, values=values, at=at)
    series, dates = _series(readings, 4), list(at)
    places = [sum(d < event for d in dates) for event in sorted(events)]
    edges = [0, *places, len(series)]
    thin = sum(b - a < 2 for a, b in pairwise(edges))
    if thin:
        raise SchemaError(
            f"{thin} of the periods between {len(places)} events have fewer than two phantom "
            "scans; a step cannot be measured there"
        )
    steps = [
        _step(series, dates, edges[k : k + 3], None, "event", confidence)
        for k in range(len(edges) - 2)
    ]
    return Steps(tuple(steps), len(series))


@dataclass(frozen=True)
class Decision:
    """What was decided about one device's step, and why. `end` None: to the end of the study.

    `action` "correct" multiplies the device's readings by `factor` from `start` (included) to
    `end` (excluded); "decline" leaves them.
    """

    device: str
    action: Literal["correct", "decline"]
    start: Any
    end: Any
    factor: float
    change_percent: float
    reason: str

    def __str__(self) -> str:
        until = "the end" if self.end is None else f"before {self.end}"
        what = f"× {number(self.factor)}" if self.action == "correct" else "left as read"
        return (
            f"{self.device}: {self.action}, from {self.start} to {until}, {what} "
            f"(phantom {percent(self.change_percent / 100, sign='+')} %): {self.reason}"
        )


@dataclass(frozen=True, repr=False)
class Decisions(Result):
    """The decisions of a study, printable, applicable."""

    no_figure = "is a list of decisions with their reasons: read it in to_frame()"

    decisions: tuple[Decision, ...]

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)

    def __len__(self) -> int:
        return len(self.decisions)

    def __add__(self, other: Decisions) -> Decisions:
        return Decisions(self.decisions + other.decisions)

    def __str__(self) -> str:
        return "\n".join(map(str, self.decisions))

    def to_polars(self) -> pl.DataFrame:
        """One row per decision."""
        return pl.DataFrame([vars(d) for d in self.decisions], infer_schema_length=None)

    def _summary(self) -> str:
        corrected = sum(d.action == "correct" for d in self)
        return f"decisions on drift: {len(self)}, to correct: {corrected}"

    def apply(
        self,
        people: Any,
        *,
        columns: Sequence[str],
        device: str = "device",
        date: str = "scan_date",
    ) -> Any:
        """Correct the readings that a decision covers.

        Parameters
        ----------
        people
            A frame of any kind.
        columns
            Readings to correct (all of the ROI and unit that the phantom stands for).
        device, date
            Columns that tell which decision covers a row.

        Returns
        -------
        frame
            `columns` corrected, and `drift_factor` (1 where nothing was done).

        Examples
        --------
        >>> one = Decision("D1", "correct", 3, None, 0.98, 2.04, "new software")
        >>> decisions = Decisions((one,))
        >>> scans = pl.DataFrame({"device": ["D1", "D1"], "scan_date": [2, 3], "bmd": [1.0, 1.02]})
        >>> decisions.apply(scans, columns=["bmd"])["drift_factor"].to_list()
        [1.0, 0.98]
        """
        frame, restore = as_polars(people)
        there = frame.lazy().collect_schema().names()
        absent = [name for name in (*columns, device, date) if name not in there]
        if absent:
            raise SchemaError(f"columns {absent} are missing; there are {there}")
        factor = pl.lit(1.0)
        for decision in self.decisions:
            if decision.action == "correct":
                covered = (pl.col(device) == decision.device) & (pl.col(date) >= decision.start)
                if decision.end is not None:
                    covered &= pl.col(date) < decision.end
                # A device may have several steps: their factors multiply where they overlap.
                factor = factor * pl.when(covered).then(decision.factor).otherwise(1.0)
        step = frame.with_columns(drift_factor=factor)
        return restore(step.with_columns(pl.col(c) * pl.col("drift_factor") for c in columns))


@in_callers_kind
def decide(
    steps: Steps, *, device: str, threshold_percent: float, end: Any = None, reason: str = ""
) -> Decisions:
    """Turn measured steps into decisions by a threshold stated beforehand.

    Parameters
    ----------
    steps
        Of one device, from `change_points` or `steps_at_events`.
    device
        As the cohort names it.
    threshold_percent
        A step is corrected if it is at least this large and its interval excludes zero. No
        default: the study's protocol says.
    end
        Date at which the correction ends (default: the end of the study).
    reason
        What is known of the cause; joined to the numbers.

    Returns
    -------
    Decisions
        Each correction takes the readings back to the level before its step; with several steps
        the factors multiply, so that all periods return to the first.

    Examples
    --------
    >>> from osteo_epi.calibration import steps_at_events
    >>> steps = steps_at_events([1.00, 1.01, 0.99, 1.03, 1.02, 1.04], at=range(6), events=[3])
    >>> print(decide(steps, device="D1", threshold_percent=1.0, reason="new software"))
    D1: correct, from 3 to the end, × 0.97087 (phantom +3.00 %): new software; ...
    """
    return Decisions(tuple(_decide(s, device, threshold_percent, end, reason) for s in steps))


def _series(values: ArrayLike, least: int) -> Floats:
    series = np.asarray(values, float)
    if np.isnan(series).any():
        raise SchemaError(f"{int(np.isnan(series).sum())} readings are missing; leave them out")
    if len(series) < least:
        raise SchemaError(f"{len(series)} readings, at least {least} are needed to look for steps")
    if np.ptp(series) == 0:
        raise SchemaError(f"constant readings: all {len(series)} phantom readings are equal")
    return series


def _split(
    series: Floats, least: int, permutations: int, rng: np.random.Generator
) -> tuple[int, float]:
    """Best split, and the share of permuted series that split as well."""
    sizes, places = _contrast(series[None, :], least)
    drawn = rng.permuted(np.tile(series, (permutations, 1)), axis=1)
    larger = int((_contrast(drawn, least)[0] >= sizes[0]).sum())
    return int(places[0]), (1 + larger) / (1 + permutations)


def _contrast(series: Floats, least: int) -> tuple[Floats, NDArray]:
    """Largest standardised difference of means on the two sides of any split, by row."""
    n = series.shape[1]
    left = np.arange(1, n)
    centred = series - series.mean(axis=1, keepdims=True)
    total = np.cumsum(centred, axis=1)[:, :-1]
    size = np.abs(total) / np.sqrt(left * (n - left) / n)
    size[:, (left < least) | (n - left < least)] = -np.inf
    best = size.argmax(axis=1)
    return size[np.arange(len(size)), best], best + 1


def _step(
    series: Floats,
    dates: list[Any],
    edges: list[int],
    p: float | None,
    kind: str,
    confidence: float,
) -> Step:
    from scipy import stats

    start, place, end = edges
    before, after = series[start:place], series[place:end]
    parts = [s.var(ddof=1) / len(s) for s in (before, after)]
    se = math.sqrt(sum(parts))
    change = float(after.mean() - before.mean())
    if 0.0 in (before.mean(), after.mean()):
        raise SchemaError(
            "the phantom readings on one side of a step have a mean of zero, which no factor "
            "brings back; take a section of the phantom that holds mineral"
        )
    sides = zip(parts, (len(before), len(after)), strict=True)
    # By hand, for scipy's test warns where the readings of a period are all equal.
    if se > 0:
        df = sum(parts) ** 2 / sum(part**2 / (size - 1) for part, size in sides)
        welch = float(2 * stats.t.sf(abs(change) / se, df))
    else:
        df, welch = float(len(before) + len(after) - 2), float(change == 0)
    return Step(
        place,
        dates[place],
        float(before.mean()),
        float(after.mean()),
        PointEstimate.symmetric(change, se, critical_value(confidence, df) * se),
        100 * change / float(before.mean()),
        welch if p is None else p,
        len(before),
        len(after),
        kind,
    )


def _decide(step: Step, device: str, threshold: float, end: Any, reason: str) -> Decision:
    size, near = abs(step.change_percent), 100 * READING_TOLERANCE
    large = not falls_below(size, threshold, takes_cut=False, by=near)
    sure = not step.change.compatible_with(0.0)
    if large and sure:
        action, why = "correct", f"not below {threshold} %, and the interval excludes zero"
    elif large:
        action, why = "decline", "large, but its interval holds zero"
    else:
        action, why = "decline", f"below the threshold of {threshold} %"
    factor = step.before / step.after if action == "correct" else 1.0
    text = "; ".join(part for part in (reason, why) if part)
    return Decision(
        device,
        "correct" if action == "correct" else "decline",
        step.at,
        end,
        factor,
        step.change_percent,
        text,
    )
