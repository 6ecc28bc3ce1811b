"""Two risks in the same people: what sets them apart at each horizon."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.accuracy import Joint, Measure
from osteo_epi.results import Result
from osteo_epi.risk.discrimination._at import States
from osteo_epi.risk.discrimination._read import Risks, p_value
from osteo_epi.rounding import count
from osteo_epi.survey import Array

WORDS = {"auc": "AUC", "brier": "Brier score"}


@dataclass(frozen=True, repr=False)
class HorizonComparison(Result):
    """Difference of a measure of two risks at one or several horizons.

    Attributes
    ----------
    measure
        "auc", or "brier" (where less is better).
    first, second
        The risks.
    at, states
        The horizons [unit of time], and how many people are in which state at each.
    value_first, value_second
        (k,) values of either.
    difference
        First − second at each horizon, with its limits.
    statistic, p
        Difference over its standard error at each, and its two-sided p; None where that is 0.
    covariance
        (2k, 2k) of the values of the first and then of the second.
    n, design, confidence, df, notes
        As of `TimeDependentAUC`.
    """

    measure: str
    first: str
    second: str
    at: tuple[float, ...]
    states: tuple[States, ...]
    value_first: Array
    value_second: Array
    difference: tuple[Measure, ...]
    statistic: tuple[float | None, ...]
    p: tuple[float | None, ...]
    covariance: Array
    n: int
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a horizon: both values, their difference with se, limits and p."""
        rows = [
            {"at": t, "first": float(a), "second": float(b)} | one.as_row()
            | {"statistic": z, "p": p} | state.as_row()
            for t, a, b, one, z, p, state in zip(
                self.at, self.value_first, self.value_second, self.difference, self.statistic,
                self.p, self.states, strict=True,
            )
        ]  # fmt: skip
        floats = dict.fromkeys(("statistic", "p"), pl.Float64)
        return pl.DataFrame(rows, schema_overrides=floats).rename({"estimate": "difference"})

    def _summary(self) -> str:
        gaps = (f"{t:g}: {m.rounded(3)}" for t, m in zip(self.at, self.difference, strict=True))
        return (
            f"{self.first} less {self.second}, {WORDS[self.measure]} difference at "
            f"{'; '.join(gaps)}; n {count(self.n)}"
        )


def compared(
    measure: str,
    names: tuple[str, str],
    risks: Risks,
    states: tuple[States, ...],
    joint: Joint,
    confidence: float,
) -> HorizonComparison:
    """The comparison of (2k,) values with their covariance."""
    k, q = len(states), joint.quantile(confidence)
    differences, tests = [], []
    for i in range(k):
        gap = float(joint.value[i] - joint.value[k + i])
        gradient = [0.0] * (2 * k)
        gradient[i], gradient[k + i] = 1.0, -1.0
        se = joint.error(gradient)
        ends = max(gap - q * se, -1.0), min(gap + q * se, 1.0)
        differences.append(Measure(gap, se, *ends, risks.seen.n, risks.method))
        tests.append(p_value(gap, se, joint.df))
    return HorizonComparison(
        measure, *names, tuple(s.at for s in states), states, joint.value[:k], joint.value[k:],
        tuple(differences), tuple(z for z, _ in tests), tuple(p for _, p in tests),
        joint.covariance, risks.seen.n, str(risks.seen.sample.design), confidence, joint.df,
        risks.seen.notes,
    )  # fmt: skip
