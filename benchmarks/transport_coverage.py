"""How often limits of a transported threshold hold the truth, the cut-off being an estimate too.

    nice -n 15 python benchmarks/transport_coverage.py [--samples 1000]

True densities are normal with mean 100 and SD 29 [mg/cm3] in the people, uniform from 40 to 180 in
the pairs; either device adds a normal error of SD 4. The data's device reads 8 + 0.95 × density,
or the same ("shifted", "alike"). People are measured on the data's device alone: one by one, or in
40 units of 25 drawn within 4 strata, a tenth of the variance lying between units. The cut-off 80 is
carried by a line with its covariance by jackknife, or by bootstrap, of paired readings of other
people ("other"), or of the first of these people ("these"), which `transport` does not know. One
row a law, line, number of pairs, sample and quantity:

truth       prevalence by the carried cut-off, or its difference from that by 80
mean_error  mean of estimate − truth
sd          of the estimates
mean_se     of the standard errors
cut_share   mean share of the variance that is the cut-off's
samples     in which the cut-off could be carried
holds       share of them whose 95 % limits hold the truth
holds_error Monte-Carlo standard error of that share, at 95 %

Nothing is tuned.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm

from osteo_epi.accuracy import Measure, Threshold, transport
from osteo_epi.agreement import Line, deming, passing_bablok
from osteo_epi.survey import SurveyDesign

REPORT = Path(__file__).parents[1] / "reports" / "transport_coverage.csv"
COLUMN = "vbmd_lumbar_spine"
CUT, MEAN, SD, ERROR = 80.0, 100.0, 29.0, 4.0
LAWS = {"shifted": (8.0, 0.95), "alike": (0.0, 1.0)}
JACKKNIFE = {"interval": "jackknife"}
LINES = {
    "deming": (deming, JACKKNIFE),
    "passing_bablok": (passing_bablok, JACKKNIFE),
    "passing_bablok, bootstrap": (passing_bablok, {"interval": "bootstrap", "resamples": 199}),
}
BOOTSTRAP = "passing_bablok, bootstrap"
FEWER = 4
"""How many times fewer samples the bootstrap has: each takes a quarter of a second."""
SAMPLES = {"one by one": (1000, 1), "units": (1000, 25)}
BETWEEN = 0.1
"""Share of the variance of densities between units."""
STRATA = 4
DESIGN = SurveyDesign(weight="weight", stratum="stratum", psu="psu")
OTHER, THESE = "other", "these"
ALONE, UNITS = SAMPLES
PLAN = (
    *(
        (law, line, pairs, sample, of)
        for law, pairs, sample, of in (
            ("shifted", 30, ALONE, OTHER),
            ("shifted", 60, ALONE, OTHER),
            ("shifted", 30, UNITS, OTHER),
            ("alike", 30, ALONE, OTHER),
            ("shifted", 60, ALONE, THESE),
        )
        for line in ("deming", "passing_bablok")
    ),
    ("shifted", BOOTSTRAP, 30, ALONE, OTHER),
)
QUANTITIES = ("new", "difference")
THRESHOLD = Threshold.stated(COLUMN, f"(-inf, {CUT})", source="simulated")


def true_values(law: str) -> dict[str, float]:
    """Prevalence by the carried cut-off in the population, and less that by the old one."""
    shift, factor = LAWS[law]
    centre, spread = shift + factor * MEAN, math.hypot(factor * SD, ERROR)
    old, new = norm.cdf((np.array([CUT, shift + factor * CUT]) - centre) / spread)
    return {"new": float(new), "difference": float(new - old)}


def densities(rng: np.random.Generator, sample: str) -> tuple[np.ndarray, np.ndarray]:
    """(n,) true densities of people, and their units."""
    n, size = SAMPLES[sample]
    unit = np.arange(n) // size
    if size == 1:
        return rng.normal(MEAN, SD, n), unit
    between = rng.normal(0, SD * math.sqrt(BETWEEN), n // size)
    return MEAN + between[unit] + rng.normal(0, SD * math.sqrt(1 - BETWEEN), n), unit


def limits(law: str, line: str, pairs: int, sample: str, of: str, seed: int) -> list[list[float]]:
    """(quantity, 5) estimate, standard error, limits, and share of variance by the cut-off."""
    rng = np.random.default_rng([seed, pairs])
    shift, factor = LAWS[law]
    true, unit = densities(rng, sample)
    score = shift + factor * true + rng.normal(0, ERROR, len(true))
    if of == THESE:
        bone, y = true[:pairs], score[:pairs]
    else:
        bone = rng.uniform(40, 180, pairs)
        y = shift + factor * bone + rng.normal(0, ERROR, pairs)
    fit, options = LINES[line]
    relation: Line = fit(bone + rng.normal(0, ERROR, pairs), y, **options)
    people = pl.DataFrame({COLUMN: score})
    if SAMPLES[sample][1] > 1:
        stratum = unit % STRATA
        people = people.with_columns(weight=1.0, stratum=pl.Series(stratum), psu=pl.Series(unit))
    design = DESIGN if SAMPLES[sample][1] > 1 else "srs"
    change = transport(people, THRESHOLD, relation=relation, design=design).changes[0]
    return [_numbers(measure, change.se_cut) for measure in (change.new, change.difference)]


def _numbers(measure: Measure | None, se_cut: float | None) -> list[float]:
    if measure is None or se_cut is None:  # no pair below 80: it is not carried
        return [math.nan] * 5
    return [measure.estimate, measure.se, measure.lower, measure.upper, (se_cut / measure.se) ** 2]


def summary(step: tuple, tables: np.ndarray) -> Iterator[dict]:
    """Rows from (samples, quantity, 5) limits."""
    law, line, pairs, sample, of = step
    for k, quantity in enumerate(QUANTITIES):
        true = true_values(law)[quantity]
        carried = tables[~np.isnan(tables[:, k, 0]), k]
        estimate, se, lower, upper, share = carried.T
        held = (lower <= true) & (true <= upper)
        yield {
            "law": law, "line": line, "pairs": pairs, "pairs_of": of, "sample": sample,
            "quantity": quantity, "truth": true, "mean_error": estimate.mean() - true,
            "sd": estimate.std(ddof=1), "mean_se": se.mean(), "cut_share": share.mean(),
            "samples": len(held), "holds": held.mean(),
            "holds_error": math.sqrt(0.95 * 0.05 / len(held)),
        }  # fmt: skip


def main() -> None:
    """Draw, fit, carry, count; write the rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    rows: list[dict] = []
    for step in PLAN:
        samples = arguments.samples // (FEWER if step[1] == BOOTSTRAP else 1)
        tables = np.array([limits(*step, seed) for seed in range(samples)])
        rows += summary(step, tables)
        print(*step, "done", flush=True)
    table = pl.DataFrame(rows).with_columns(pl.selectors.float().round_sig_figs(6))
    arguments.out.parent.mkdir(exist_ok=True)
    table.write_csv(arguments.out)
    with pl.Config(tbl_rows=-1, tbl_cols=-1):
        print(table.select("law", "line", "pairs", "pairs_of", "sample", "quantity",
                           "cut_share", "holds"))  # fmt: skip


if __name__ == "__main__":
    main()
