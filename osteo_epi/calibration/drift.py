"""Steps in a phantom series: where they are and how large; `decisions` says what is done."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.calibration.estimate import Estimate
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A change of a series' mean: the first reading after it, and its size."""

    index: int
    at: Any
    before: float
    after: float
    change: Estimate
    change_percent: float
    p: float
    n_before: int
    n_after: int
    found_by: str


@dataclass(frozen=True)
class Steps:
    """Steps of one series, in order."""

    steps: tuple[Step, ...]
    n: int

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int) -> Step:
        return self.steps[place]

    def to_frame(self) -> pl.DataFrame:
        """One row per step."""
        rows = [
            {"at": s.at, "before": s.before, "after": s.after, **s.change.as_row()}
            | {"change_percent": s.change_percent, "p": s.p, "n_before": s.n_before}
            | {"n_after": s.n_after, "found_by": s.found_by}
            for s in self.steps
        ]
        names = ("at", "before", "after", "estimate", "se", "lower", "upper", "change_percent")
        empty = dict.fromkeys((*names, "p", "n_before", "n_after", "found_by"), pl.Null)
        return pl.DataFrame(rows) if rows else pl.DataFrame(schema=empty)

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption=f"steps in {self.n} readings")


def change_points(
    values: ArrayLike,
    *,
    at: Sequence[Any] | pl.Series | None = None,
    alpha: float = 0.01,
    least: int = 5,
    permutations: int = 999,
    seed: int = 0,
    confidence: float = 0.95,
) -> Steps:
    """Find steps in a series by binary segmentation, each tested by permutation.

    Parameters
    ----------
    values
        Phantom readings in order of time, complete, shape (n,).
    at
        What dates them (default: their place).
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
    series = _series(values, 2 * least)
    dates = list(range(len(series))) if at is None else list(at)
    rng = np.random.default_rng(seed)
    found: dict[int, float] = {}
    waiting = [(0, len(series))]
    while waiting:
        low, high = waiting.pop()
        if high - low < 2 * least:
            continue
        place, p = _split(series[low:high], least, permutations, rng)
        if p <= alpha:
            found[low + place] = p
            waiting += [(low, low + place), (low + place, high)]
    edges = [0, *sorted(found), len(series)]
    steps = [
        _step(series, dates, edges[k : k + 3], found[edges[k + 1]], "change point", confidence)
        for k in range(len(edges) - 2)
    ]
    return Steps(tuple(steps), len(series))


def steps_at_events(
    values: ArrayLike,
    *,
    at: Sequence[Any] | pl.Series,
    events: Sequence[Any],
    confidence: float = 0.95,
) -> Steps:
    """Size of the change at each known event: new software, a repair, a move.

    Parameters
    ----------
    values, at
        Phantom readings in order of time, complete, and their dates.
    events
        Dates of the events; a reading on the day counts as after.
    confidence
        Of each step's size (Welch).

    Examples
    --------
    >>> steps = steps_at_events([1.00, 1.01, 0.99, 1.03, 1.02, 1.04], at=range(6), events=[3])
    >>> round(steps[0].change.estimate, 3)
    0.03
    """
    series, dates = _series(values, 4), list(at)
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
    found_by: str,
    confidence: float,
) -> Step:
    start, place, end = edges
    before, after = series[start:place], series[place:end]
    parts = [s.var(ddof=1) / len(s) for s in (before, after)]
    se = math.sqrt(sum(parts))
    change = float(after.mean() - before.mean())
    sides = zip(parts, (len(before), len(after)), strict=True)
    df = sum(parts) ** 2 / sum(part**2 / (size - 1) for part, size in sides)
    reach = float(stats.t.ppf((1 + confidence) / 2, df)) * se
    welch = float(2 * stats.t.sf(abs(change) / se, df))
    return Step(
        place,
        dates[place],
        float(before.mean()),
        float(after.mean()),
        Estimate(change, se, change - reach, change + reach),
        100 * change / float(before.mean()),
        welch if p is None else p,
        len(before),
        len(after),
        found_by,
    )
