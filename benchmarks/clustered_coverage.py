"""How often the limits of a prevalence hold the truth in samples of villages.

    nice -n 15 python benchmarks/clustered_coverage.py [--samples 1000]

A population of 8 strata of different size and density of bone; in each, villages are drawn, and in
each village some twenty people. Villages share a part of their T-scores (an intraclass correlation
of 0.02 or 0.15), people's weights vary by a factor of about three within a stratum, and the share
of people with T <= -2.5 is known from the law. One row a setting and method of `survey_interval`:

mean_error  mean of estimate − truth
sd, mean_se spread of the estimates, and mean of the standard errors
holds       share of samples whose 95 % limits hold the truth; `samples` have limits
holds_error Monte-Carlo standard error of that share, at 95 %
below,above shares of samples whose limits lie wholly below, or above, the truth

The method "beta, no design" takes the same people as drawn one by one, with their weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from osteo_epi.survey import Estimate, SurveyDesign, mean, survey_interval

REPORT = Path(__file__).parents[1] / "reports" / "clustered_coverage.csv"
METHODS = ("beta", "logit", "likelihood", "wilson", "agresti_coull", "jeffreys", "mean")
PREVALENCE, VILLAGES, CORRELATION = (0.05, 0.3), (2, 4, 12), (0.02, 0.15)
SIZES = np.array([5.0, 3.0, 8.0, 2.0, 6.0, 4.0, 7.0, 5.0])
"""Thousands of people in each stratum."""
SHIFT = np.linspace(-0.3, 0.3, len(SIZES))
"""How far a stratum's mean T-score lies from the middle one's, in SD."""
PEOPLE = 20
CUT = -2.5


def middle(prevalence: float) -> float:
    """Mean T-score by which this share of the population lies at or below the cut-off."""
    low, high = CUT - 8.0, CUT + 8.0
    while high - low > 1e-12:
        half = (low + high) / 2
        share = SIZES @ ndtr(CUT - half - SHIFT) / SIZES.sum()
        low, high = (half, high) if share > prevalence else (low, half)
    return (low + high) / 2


def sample(prevalence: float, villages: int, correlation: float, seed: int) -> pl.DataFrame:
    """People in villages of strata, with their weights."""
    rng = np.random.default_rng([seed, round(1000 * prevalence), villages])
    stratum = np.repeat(np.arange(len(SIZES)), villages)
    people = rng.poisson(PEOPLE - 1, len(stratum)) + 1
    village = np.repeat(np.arange(len(stratum)), people)
    own = stratum[village]
    shared = rng.normal(0, np.sqrt(correlation), len(stratum))[village]
    alone = rng.normal(0, np.sqrt(1 - correlation), len(village))
    spread = rng.lognormal(0, 0.35, len(village))
    return pl.DataFrame({
        "t": middle(prevalence) + SHIFT[own] + shared + alone,
        "stratum": own,
        "village": village,
        "weight": 1000 * SIZES[own] / (villages * PEOPLE) * spread,
    })  # fmt: skip


def limits_of(people: pl.DataFrame) -> Iterator[tuple[str, Estimate, float, float]]:
    """The estimate of one sample, and the limits of each method."""
    osteoporotic = (people["t"] <= CUT).cast(float).to_numpy()
    full = SurveyDesign(weight="weight", stratum="stratum", psu="village")
    for design, methods in ((full, METHODS), (SurveyDesign(weight="weight"), METHODS[:1])):
        result = mean(osteoporotic, design.arrays(people))
        for method in methods:
            lower, upper = survey_interval(
                result.value, result.se, n=result.n, df=result.df, method=method
            )
            name = method if design is full else f"{method}, no design"
            yield name, result, float(lower[0]), float(upper[0])


def rows(prevalence: float, villages: int, correlation: float, samples: int) -> list[dict]:
    """One row a method."""
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for seed in range(samples):
        for name, result, *limits in limits_of(sample(prevalence, villages, correlation, seed)):
            numbers = (float(result.value[0]), float(result.se[0]), *limits)
            found.setdefault(name, []).append(numbers)
    return [
        {"prevalence": prevalence, "villages": villages, "correlation": correlation, "method": name}
        | _row(np.array(numbers), prevalence)
        for name, numbers in found.items()
    ]


def _row(numbers: np.ndarray, truth: float) -> dict:
    estimate, se, lower, upper = numbers.T
    known = np.isfinite(lower) & np.isfinite(upper)
    lower, upper = lower[known], upper[known]
    holds = float(((lower <= truth) & (truth <= upper)).mean())
    return {
        "samples": int(known.sum()),
        "mean_error": float(estimate.mean() - truth),
        "sd": float(estimate.std(ddof=1)),
        "mean_se": float(se.mean()),
        "holds": holds,
        "holds_error": float(np.sqrt(holds * (1 - holds) / known.sum())) * float(ndtri(0.975)),
        "below": float((upper < truth).mean()),
        "above": float((lower > truth).mean()),
        "width": float((upper - lower).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    chosen = parser.parse_args()
    settings = product(PREVALENCE, VILLAGES, CORRELATION)
    table = pl.DataFrame([row for s in settings for row in rows(*s, chosen.samples)])
    table.with_columns(pl.col(pl.Float64).round_sig_figs(8)).write_csv(REPORT)
    with pl.Config(tbl_rows=-1, tbl_cols=-1):
        print(table)


if __name__ == "__main__":
    main()
