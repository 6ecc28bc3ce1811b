"""How often the 95 % limits of accuracy hold a known truth.

    nice -n 15 python benchmarks/accuracy_coverage.py [--samples 2000] [--only auc_survey]

Each experiment is a function by name that draws samples of people from a law whose truth is known,
and gives estimate, standard error and limits of every method in one sample; a further one is a
function in EXPERIMENTS. One row an experiment, method and setting:

mean_error  mean of estimate − truth
sd          of the estimates
mean_se     of the standard errors
holds       share of samples whose limits hold the truth; `samples` have limits
holds_error Monte-Carlo standard error of that share, at 95 %

auc_normal     150 people, a third diseased, normal scores, area 0.75 and 0.95: DeLong with limits
               on the plain scale and of log-odds, and the bootstrap (400 replicates)
auc_ties       the same with scores of five values
auc_small      30 people, half of them diseased, area 0.85
auc_clustered  300 people in 30 villages that share a part of their score and of their risk: DeLong
               that takes them for independent, and the design-based error
auc_survey     about 300 people in 8 strata of 4 villages, drawn with unequal chances that go with
               score and disease: with weights and units, with weights alone, without either
sensitivity_at 200 people: sensitivity at a specificity of 0.9 by the bootstrap

Truths of a normal score are exact; of clusters and surveys, areas of a million people drawn from
the same law. Nothing is tuned.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm

from osteo_epi.accuracy import Measure, roc
from osteo_epi.survey import SurveyDesign

REPORT = Path(__file__).parents[1] / "reports" / "accuracy_coverage.csv"
REPLICATES = 400
GIVEN = {"score": "x", "truth": "y", "direction": "high"}
FIVE = (-1.0, 0.0, 0.8, 1.6)
Sample = dict[str, Measure]
"""Measures by method."""
Experiment = tuple[float, Callable[[int], Sample]]
"""Truth, and a function of the seed that gives the measures of one sample."""


def independent(n: int, sick: int, shift: float, seed: int, *, five: bool = False) -> pl.DataFrame:
    """People whose normal score lies `shift` higher in the diseased."""
    rng = np.random.default_rng([seed, n])
    y = np.arange(n) < sick
    x = rng.normal(size=n) + shift * y
    return pl.DataFrame({"x": np.digitize(x, FIVE).astype(float) if five else x, "y": y})


def by_every_way(people: pl.DataFrame, seed: int) -> Sample:
    """DeLong and the bootstrap."""
    return {
        "DeLong, wald": roc(people, **GIVEN, interval="wald").auc,
        "DeLong, logit": roc(people, **GIVEN, interval="logit").auc,
        "bootstrap": roc(people, **GIVEN, uncertainty="bootstrap", replicates=REPLICATES,
                         seed=seed).auc,
    }  # fmt: skip


def auc_normal() -> Iterator[tuple[str, Experiment]]:
    """Independent people."""
    for area in (0.75, 0.95):
        shift = math.sqrt(2) * norm.ppf(area)
        yield (
            f"n 150, area {area}",
            (area, lambda seed, s=shift: by_every_way(independent(150, 50, s, seed), seed)),
        )


def auc_ties() -> Iterator[tuple[str, Experiment]]:
    """Independent people whose score has five values."""
    cuts = np.array([-np.inf, *FIVE, np.inf])
    well, sick = np.diff(norm.cdf(cuts)), np.diff(norm.cdf(cuts - 1.0))
    area = float(sick @ (np.cumsum(well) - well / 2))
    yield (
        "n 150, five values",
        (area, lambda seed: by_every_way(independent(150, 50, 1.0, seed, five=True), seed)),
    )


def auc_small() -> Iterator[tuple[str, Experiment]]:
    """Few people."""
    shift = math.sqrt(2) * norm.ppf(0.85)
    yield (
        "n 30, area 0.85",
        (0.85, lambda seed: by_every_way(independent(30, 15, shift, seed), seed)),
    )


def villages(count: int, size: int, seed: int, *, strata: int = 1) -> pl.DataFrame:
    """People of villages that share a part of score and risk."""
    rng = np.random.default_rng([seed, count, size])
    unit = np.repeat(np.arange(count), size)
    stratum = unit % strata
    risk, level = rng.normal(size=count), rng.normal(size=count)
    high = (stratum - (strata - 1) / 2) / max(strata, 2)
    p = 1 / (1 + np.exp(-(-0.9 + 0.8 * risk[unit] + high)))
    y = rng.random(len(unit)) < p
    x = rng.normal(size=len(unit)) + 0.9 * y + 1.0 * level[unit] + high
    return pl.DataFrame({"x": x, "y": y, "unit": unit, "stratum": stratum})


@cache
def true_area(strata: int) -> float:
    """Of a million people, 5 a village."""
    return float(roc(villages(200_000, 5, 9, strata=strata), **GIVEN, design="srs").auc.estimate)


def auc_clustered() -> Iterator[tuple[str, Experiment]]:
    """Villages drawn whole."""

    def sample(seed: int) -> Sample:
        people = villages(30, 10, seed)
        design = SurveyDesign(psu="unit")
        return {
            "DeLong, as if independent": roc(people, **GIVEN, design="srs").auc,
            "design-based, wald": roc(people, **GIVEN, design=design, interval="wald").auc,
            "design-based, logit": roc(people, **GIVEN, design=design, interval="logit").auc,
            "bootstrap of units": roc(people, **GIVEN, design=design, uncertainty="bootstrap",
                                      replicates=REPLICATES, seed=seed).auc,
        }  # fmt: skip

    yield "30 villages of 10", (true_area(1), sample)


def drawn_unequally(seed: int) -> pl.DataFrame:
    """8 strata of 4 villages, in them people by chances that score and truth move."""
    people = villages(32, 30, seed, strata=8)
    rng = np.random.default_rng([seed, 1])
    chance = 1 / (1 + np.exp(-(-1.2 + 0.8 * people["y"].to_numpy() + 0.5 * people["x"].to_numpy())))
    return people.with_columns(w=1 / chance).filter(pl.Series(rng.random(people.height) < chance))


def auc_survey() -> Iterator[tuple[str, Experiment]]:
    """Strata, villages and weights that matter."""

    def sample(seed: int) -> Sample:
        people = drawn_unequally(seed)
        full = SurveyDesign(weight="w", psu="unit", stratum="stratum")
        return {
            "without a design": roc(people, **GIVEN, design="srs").auc,
            "weights alone": roc(people, **GIVEN, design=SurveyDesign(weight="w")).auc,
            "design-based, wald": roc(people, **GIVEN, design=full, interval="wald").auc,
            "design-based, logit": roc(people, **GIVEN, design=full, interval="logit").auc,
            "bootstrap of units": roc(people, **GIVEN, design=full, uncertainty="bootstrap",
                                      replicates=REPLICATES, seed=seed).auc,
        }  # fmt: skip

    yield "8 strata of 4 villages", (true_area(8), sample)


def sensitivity_at() -> Iterator[tuple[str, Experiment]]:
    """Sensitivity at a specificity."""

    def sample(seed: int) -> Sample:
        curve = roc(independent(200, 80, 1.2, seed), **GIVEN)
        return {"bootstrap": curve.at(specificity=0.9, replicates=REPLICATES, seed=seed)}

    yield "n 200, specificity 0.9", (float(norm.cdf(1.2 - norm.ppf(0.9))), sample)


EXPERIMENTS: dict[str, Callable[[], Iterator[tuple[str, Experiment]]]] = {
    "auc_normal": auc_normal,
    "auc_ties": auc_ties,
    "auc_small": auc_small,
    "auc_clustered": auc_clustered,
    "auc_survey": auc_survey,
    "sensitivity_at": sensitivity_at,
}


def rows(name: str, samples: int, *, first: int = 0) -> Iterator[dict]:
    """Rows of an experiment."""
    for setting, (truth, sample) in EXPERIMENTS[name]():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            drawn = [sample(seed) for seed in range(first, first + samples)]
        for method in drawn[0]:
            numbers = np.array([
                [np.nan if v is None else v for v in (m.estimate, m.se, m.lower, m.upper)]
                for m in (one[method] for one in drawn)
            ])  # fmt: skip
            yield {"experiment": name, "setting": setting, "method": method} | summary(
                truth, numbers
            )


def summary(truth: float, numbers: np.ndarray) -> dict:
    """What (samples, 4) estimates, errors and limits say of the truth."""
    estimate, se, lower, upper = numbers.T
    known = np.isfinite(lower) & np.isfinite(upper)
    held = (lower[known] <= truth) & (truth <= upper[known])
    return {
        "truth": truth,
        "mean_error": float(np.nanmean(estimate) - truth),
        "sd": float(np.nanstd(estimate, ddof=1)),
        "mean_se": float(np.nanmean(se)),
        "samples": int(known.sum()),
        "holds": float(held.mean()),
        "holds_error": math.sqrt(0.95 * 0.05 / max(int(known.sum()), 1)),
    }


def main() -> None:
    """Draw, estimate, count; write the rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=REPORT)
    parser.add_argument(
        "--only", action="append", choices=list(EXPERIMENTS),
        help="an experiment that is made anew; the other rows are kept",
    )  # fmt: skip
    arguments = parser.parse_args()
    wanted = arguments.only or list(EXPERIMENTS)
    table = pl.read_csv(arguments.out) if arguments.only and arguments.out.exists() else None
    for name in wanted:
        made = pl.DataFrame(rows(name, arguments.samples))
        made = made.with_columns(pl.selectors.float().round_sig_figs(6))
        others = [] if table is None else [table.filter(pl.col("experiment") != name)]
        table = pl.concat([*others, made], how="vertical_relaxed")
        place = {known: k for k, known in enumerate(EXPERIMENTS)}
        order = pl.col("experiment").replace_strict(place, default=len(place))
        table = table.sort(order, maintain_order=True)
        arguments.out.parent.mkdir(exist_ok=True)
        table.write_csv(arguments.out)
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, fmt_str_lengths=40):
            print(made, flush=True)


if __name__ == "__main__":
    main()
