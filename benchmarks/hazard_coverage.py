"""How often 95 % limits of the hazard ratio per standard deviation hold its truth.

    nice -n 15 python benchmarks/hazard_coverage.py [--samples 2000]

The log hazard falls by 0.6 a standard deviation of density and by 0.3 a decade of age. Times are
rounded to half a year (ties) and censored at random, so that half of the people fracture. Samples:

simple     500 people, drawn one by one
clustered  500 people of 50 centres of 10, alike in density and in time to fracture (a Gaussian
           copula of correlation 0.5, which keeps the hazard ratio of people as it is); limits by
           `cluster=`, and by people as if they were independent
survey     8 strata of 5 units of 60 people, of whom those with a fracture or a low density are
           kept oftener (0.4 against 0.1), weighted by the inverse; limits by the design, and
           without weights

Ratios are per known standard deviation (1), and per that of the sample or of the population by its
weights, whose own error is in the limits. One row a sample, limits and standard deviation:

mean_error  mean of log ratio − truth
sd          of the log ratios
mean_se     of the standard errors
holds       share of samples whose limits hold the truth
holds_error Monte-Carlo standard error of that share, at 95 %
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import polars as pl
from scipy import special

from osteo_epi.risk import hazard_ratios
from osteo_epi.survey import SurveyDesign

REPORT = Path(__file__).parents[1] / "reports" / "hazard_coverage.csv"
TRUTH = 0.6
ALIKE = 0.5
DESIGN = SurveyDesign(weight="w", stratum="stratum", psu="unit")
PLAN = (
    ("simple", "people", 1.0, {}),
    ("simple", "people", "sample", {}),
    ("clustered", "cluster", 1.0, {"cluster": "unit"}),
    ("clustered", "people", 1.0, {}),
    ("survey", "design", 1.0, {"design": DESIGN}),
    ("survey", "design", "population", {"design": DESIGN}),
    ("survey", "unweighted", 1.0, {}),
)


def people(rng: np.random.Generator, n: int, unit: np.ndarray, alike: float) -> pl.DataFrame:
    """People whose density [SD] and time to fracture are alike in units."""
    units = int(unit.max()) + 1

    def normal() -> np.ndarray:
        shared = rng.normal(size=units)[unit]
        return math.sqrt(alike) * shared + math.sqrt(1 - alike) * rng.normal(size=n)

    density, age = normal(), rng.uniform(-1, 1, n)
    fracture = -np.log(special.ndtr(normal())) * 8 * np.exp(TRUTH * density - 0.3 * age)
    end = rng.uniform(1, 20, n)
    return pl.DataFrame({
        "bmd": density, "age": age, "unit": unit,
        "years": np.ceil(np.minimum(fracture, end) * 2) / 2, "fracture": fracture < end,
    })  # fmt: skip


def sample(kind: str, rng: np.random.Generator) -> pl.DataFrame:
    """One sample of a kind."""
    if kind == "simple":
        return people(rng, 500, np.arange(500), 0.0)
    if kind == "clustered":
        return people(rng, 500, np.arange(500) // 10, ALIKE)
    unit = np.arange(2400) // 60
    whole = people(rng, 2400, unit, 0.1).with_columns(stratum=pl.Series(unit // 5))
    often = whole["fracture"].to_numpy() | (whole["bmd"].to_numpy() < -1)
    chance = np.where(often, 0.4, 0.1)
    kept = rng.random(2400) < chance
    return whole.with_columns(w=pl.Series(1 / chance)).filter(pl.Series(kept))


def row(kind: str, limits: str, per_sd: str | float, found: list[tuple[float, ...]]) -> dict:
    """What the samples of one line of the plan come to."""
    value, se, lower, upper = np.array(found).T
    holds = float(np.mean((lower <= TRUTH) & (upper >= TRUTH)))
    return {
        "sample": kind, "limits": limits, "per_sd": str(per_sd), "truth": TRUTH,
        "mean_error": value.mean() - TRUTH, "sd": value.std(ddof=1), "mean_se": se.mean(),
        "samples": len(found), "holds": holds,
        "holds_error": math.sqrt(0.95 * 0.05 / len(found)),
    }  # fmt: skip


def simulate(samples: int) -> pl.DataFrame:
    """All lines of the plan, each sample answered by every line of its kind."""
    found: list[list[tuple[float, ...]]] = [[] for _ in PLAN]
    for number in range(samples):
        for place, kind in enumerate(("simple", "clustered", "survey")):
            frame = sample(kind, np.random.default_rng([place, number]))
            for i, (own, _, per_sd, options) in enumerate(PLAN):
                if own != kind:
                    continue
                given = {"design": "srs"} | options
                result = hazard_ratios(
                    frame, time="years", event="fracture", exposures="bmd", adjust="age",
                    per_sd=per_sd, **given,
                )  # fmt: skip
                (one,) = result.ratios
                ends = (math.log(one.ratio.lower), math.log(one.ratio.upper))
                found[i].append((math.log(one.ratio.estimate), one.log_se, *ends))
    return pl.DataFrame([row(*line[:3], own) for line, own in zip(PLAN, found, strict=True)])


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2000)
    frame = simulate(parser.parse_args().samples)
    frame.with_columns(pl.selectors.float().round_sig_figs(5)).write_csv(REPORT)
    print(frame)


if __name__ == "__main__":
    main()
