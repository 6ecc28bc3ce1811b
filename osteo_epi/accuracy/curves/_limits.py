"""Standard errors and limits of what is made of a curve: by draws, or by a survey's replicates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from osteo_epi.accuracy._measures import Measure, limits
from osteo_epi.accuracy._sample import quantile
from osteo_epi.accuracy.curves._curve import Groups
from osteo_epi.accuracy.curves._draws import drawn_groups, drawn_weights
from osteo_epi.accuracy.curves._scores import Scored
from osteo_epi.progress import with_progress
from osteo_epi.rounding import count
from osteo_epi.survey import Array

UNIT = (0.0, 1.0)


def area_limits(
    value: float, reach: float, interval: str, ends: tuple[float, float] = UNIT
) -> tuple[float | None, float | None]:
    """Limits within what is possible: value ± reach cut there, or on the log-odds of its place."""
    least, most = ends
    place, scaled = (value - least) / (most - least), reach / (most - least)
    if interval == "wald" or not 0 < place < 1:
        return limits(max(value - reach, least), min(value + reach, most))
    centre, scaled = math.log(place / (1 - place)), scaled / (place * (1 - place))
    low, high = (1 / (1 + math.exp(-(centre + side * scaled))) for side in (-1, 1))
    return limits(least + low * (most - least), least + high * (most - least))


@dataclass(frozen=True)
class Estimates:
    """(k,) values with standard errors and limits, how these were made, and what to say of it."""

    value: Array
    se: Array
    lower: Array
    upper: Array
    way: str
    notes: tuple[str, ...] = ()

    def after(self, k: int) -> Estimates:
        """Those from the k-th on."""
        return replace(
            self, value=self.value[k:], se=self.se[k:], lower=self.lower[k:], upper=self.upper[k:]
        )

    def measure(self, k: int, n: int) -> Measure:
        """One of them, resting on n people."""
        ends, se = limits(self.lower[k], self.upper[k]), self.se[k]
        return Measure(
            float(self.value[k]), None if np.isnan(se) else float(se), *ends, n, self.way
        )


def lost_draw_notes(known: int, drawn: int) -> list[str]:
    """Say how many samples of a bootstrap gave nothing."""
    if known == drawn:
        return []
    return [
        f"{count(drawn - known)} of {count(drawn)} samples of the bootstrap have no such "
        "estimate (one class only, or too few different scores) and are left out of its limits"
    ]


def draw_notes(known: int, drawn: int, confidence: float) -> tuple[str, ...]:
    """Say how many samples of a bootstrap gave nothing, and where they are too few for a level."""
    notes = lost_draw_notes(known, drawn)
    least = math.ceil(round(2 / (1 - confidence), 6))
    if known < least:
        notes.append(
            f"{count(known)} samples are too few for limits at {100 * confidence:g} %, which are "
            f"their extremes: take replicates={least} or more"
        )
    return tuple(notes)


@dataclass(frozen=True)
class Resampling:
    """The draws that limits come from; replicate weights of a survey are used as they are."""

    replicates: int
    seed: int
    confidence: float

    def of_groups(
        self, scored: Scored, groups: Groups, statistic: Callable[[Array, Array], Array]
    ) -> Estimates:
        """Of a function of (r, K) weights of the diseased and healthy that gives (r, k)."""

        def of(weight: Array) -> Array:
            sick, well = groups.sums(weight[scored.rows])
            return statistic(sick[None], well[None])[0]

        if scored.sample.replicates is not None:
            return self._given(scored, of)
        draws = drawn_groups(scored, groups, replicates=self.replicates, seed=self.seed)
        value = of(scored.sample.weight)
        parts = [statistic(sick, well) for sick, well in draws]
        drawn = np.concatenate(parts) if parts else np.zeros((0, len(value)))
        return self._drawn(value, drawn)

    def of_people(self, scored: Scored, statistic: Callable[[Array], Array]) -> Estimates:
        """Of a function of (m,) weights of the people of the curve that gives (k,)."""

        def of(weight: Array) -> Array:
            return statistic(weight[scored.rows])

        if scored.sample.replicates is not None:
            return self._given(scored, of)
        draws = drawn_weights(scored, replicates=self.replicates, seed=self.seed)
        value = statistic(scored.weight)
        counted = with_progress(draws, "bootstrap", total=self.replicates)
        drawn = np.array([statistic(weight) for weight in counted]).reshape(-1, len(value))
        return self._drawn(value, drawn)

    def _drawn(self, value: Array, drawn: Array) -> Estimates:
        known = drawn[np.isfinite(drawn).all(axis=1)]
        notes = draw_notes(len(known), self.replicates, self.confidence)
        way = "bootstrap, percentile"
        if len(known) < self.replicates:
            way += f", {count(len(known))} of {count(self.replicates)} samples"
        if len(known) < 2:
            none = np.full(len(value), np.nan)
            return Estimates(value, none, none, none, way, notes)
        tails = (1 - self.confidence) / 2
        low, high = np.quantile(known, [tails, 1 - tails], axis=0)
        return Estimates(value, known.std(axis=0, ddof=1), low, high, way, notes)

    def _given(self, scored: Scored, statistic: Callable[[Array], Array]) -> Estimates:
        joint = scored.sample.replicated(statistic, scored.rows)
        se = np.sqrt(np.diag(joint.covariance))
        reach = quantile(joint.df, self.confidence) * se
        return Estimates(
            joint.value, se, joint.value - reach, joint.value + reach, "design-based, wald"
        )
