"""How often limits of a cut-point hold the true one, and what is left of its optimism.

    nice -n 15 python benchmarks/cut_point_coverage.py [--samples 250]

Healthy scores are normal with mean 0 and SD 1; diseased ones have the mean at which two equal SDs
give a sensitivity and a specificity of 0.84 (the law of Leeflang and others 2008, doi
10.1373/clinchem.2007.096032), and an SD of 1 or 1.5. As many people are diseased in each sample as
`diseased` says, and both classes are drawn apart (500 replicates). One row a law, size, criterion
and correction; "bootstrap" uses the same samples as "cross_validation":

true_cut_point  best in the population
holds           share of samples whose limits of the cut-point hold it; holds_error is its
                Monte-Carlo standard error at 95 %
width           median width of the limits [SD of the healthy]
true_youden     mean true Youden of the cut-points that were found
apparent        mean of apparent less true
corrected       mean of corrected less true, with Monte-Carlo error
rmse            root mean square of corrected less true
youden_holds, sensitivity_holds, specificity_holds
                share of samples whose corrected limits hold the true value of the cut-point found

Nothing is tuned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm

from osteo_epi.accuracy import CutPoint, cut_points

REPORT = Path(__file__).parents[1] / "reports" / "cut_point_coverage.csv"
SHIFT = 2 * norm.ppf(0.84)
PLAN = ((40, 20, 1.0), (200, 100, 1.0), (200, 40, 1.0), (200, 60, 1.5), (600, 200, 1.0))
CRITERIA = ("youden", "closest", "sensitivity")
CORRECTIONS = ("cross_validation", "bootstrap")
REPLICATES = 500
LEVEL = 0.9


def true_rates(cut: np.ndarray | float, sd: float) -> np.ndarray:
    """Sensitivity, specificity and Youden of a cut-point."""
    rates = np.array([norm.sf((cut - SHIFT) / sd), norm.cdf(cut)])
    return np.array([*rates, rates.sum(axis=0) - 1])


def true_cut_point(criterion: str, sd: float) -> float:
    """Best cut-point in the population."""
    if criterion == "sensitivity":
        return float(SHIFT + sd * norm.ppf(1 - LEVEL))
    grid = np.linspace(-3, 4, 700_001)
    sensitivity, specificity, youden = true_rates(grid, sd)
    value = youden if criterion == "youden" else -np.hypot(1 - sensitivity, 1 - specificity)
    return float(grid[value.argmax()])


def sample(rng: np.random.Generator, n: int, diseased: int, sd: float) -> pl.DataFrame:
    """People of both classes."""
    scores = rng.normal(SHIFT, sd, diseased), rng.normal(0, 1, n - diseased)
    return pl.DataFrame({"x": np.concatenate(scores), "y": np.arange(n) < diseased})


def judged(point: CutPoint, truth: float, sd: float) -> list[float]:
    """What one sample says of one cut-point."""
    true = true_rates(point.cut_point, sd)
    corrected = [getattr(point, f"{name}_corrected") for name in ("sensitivity", "specificity")]
    corrected.append(point.youden_corrected)
    return [
        point.lower <= truth <= point.upper,
        point.upper - point.lower,
        true[2],
        point.youden.estimate - true[2],
        corrected[2].estimate - true[2],
        *(m.lower <= value <= m.upper for m, value in zip(corrected, true, strict=True)),
    ]


def rows(n: int, diseased: int, sd: float, samples: int) -> Iterator[dict[str, object]]:
    """One row a criterion and correction."""
    rng = np.random.default_rng(n + diseased)
    truths = {name: true_cut_point(name, sd) for name in CRITERIA}
    tables: dict[tuple[str, str], list[list[float]]] = {}
    for seed in range(samples):
        people = sample(rng, n, diseased, sd)
        for correction in CORRECTIONS:
            result = cut_points(
                people, score="x", truth="y", direction="high", criteria=CRITERIA, stratified=True,
                sensitivity=LEVEL, replicates=REPLICATES, seed=seed, correction=correction,
            )  # fmt: skip
            for name in CRITERIA:
                row = judged(result[name], truths[name], sd)
                tables.setdefault((name, correction), []).append(row)
    for (name, correction), table in tables.items():
        values = np.array(table, float)
        mean = values.mean(axis=0)
        yield {
            "n": n, "diseased": diseased, "sd": sd, "criterion": name, "correction": correction,
            "samples": samples, "true_cut_point": truths[name], "holds": mean[0],
            "holds_error": np.sqrt(0.95 * 0.05 / samples), "width": np.median(values[:, 1]),
            "true_youden": mean[2], "apparent": mean[3], "corrected": mean[4],
            "corrected_error": values[:, 4].std(ddof=1) / np.sqrt(samples),
            "rmse": np.sqrt((values[:, 4] ** 2).mean()), "youden_holds": mean[7],
            "sensitivity_holds": mean[5], "specificity_holds": mean[6],
        }  # fmt: skip


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=250)
    samples = parser.parse_args().samples
    frame = pl.DataFrame([row for plan in PLAN for row in rows(*plan, samples)])
    frame.with_columns(pl.col(pl.Float64).round(5)).write_csv(REPORT)
    print(frame)


if __name__ == "__main__":
    main()
