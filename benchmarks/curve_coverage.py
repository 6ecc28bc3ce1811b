"""How near curves come to a known truth, and how often their 95 % limits hold it.

    nice -n 15 python benchmarks/curve_coverage.py [--samples 200] [--only delta --only "12 df"]

People of 20–85 years, as many of each age, whose measurement is normal, skewed (Box–Cox Cole–Green)
or heavy-tailed (Box–Cox t) about a median that peaks at 32 years and falls fastest at 55. Each
sample is fitted with its own family, P-splines for median and spread, smoothness by local maximum
likelihood ("chosen") or more than any truth needs ("12 df" for the median, 8 for the spread).
Limits by the delta method for 500 and 5,000 people; by bootstrap (60 replicates, a quarter of the
samples) for 500. One row a smoothness, family, size, method, age and quantity (centiles, and the
peak's age, mean, SD and the value at T = −2.5, whose age is empty):

mean_error  mean of estimate − truth
sd          of the estimates
mean_se     of the standard errors
holds       share of samples whose limits hold the truth; `samples` have limits
holds_error Monte-Carlo standard error of that share, at 95 %

Nothing is tuned; the ends of the ages (21 and 84 years) are in.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from osteo_epi.reference import FAMILIES, PSpline, bands, fit_curve

REPORT = Path(__file__).parents[1] / "reports" / "curve_coverage.csv"
AGES = (21.0, 25.0, 32.0, 40.0, 50.0, 55.0, 60.0, 70.0, 80.0, 84.0)
PERCENTS = (3.0, 10.0, 50.0, 90.0, 97.0)
TRUTHS = {"normal": {}, "bccg": {"nu": -0.4}, "bct": {"nu": 0.4, "tau": 6.0}}
CHOSEN, STATED = "chosen", "12 df"
TERMS = {CHOSEN: {}, STATED: {"mu": PSpline(df=10), "sigma": PSpline(df=6)}}
PLAN = (
    (500, "delta", CHOSEN),
    (5000, "delta", CHOSEN),
    (500, "bootstrap", CHOSEN),
    (500, "delta", STATED),
    (5000, "delta", STATED),
)
REPLICATES = 60
T = -2.5


def truth(family: str, age: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters at some ages [years]."""
    mu = 0.87 - 0.00006 * (age - 32) ** 2 - 0.1 / (1 + np.exp(-(age - 55) / 4))
    spread = 0.12 + 0.0006 * (age - 20)
    extra = {name: np.full(len(age), value) for name, value in TRUTHS[family].items()}
    return {"mu": mu, "sigma": spread * mu if family == "normal" else spread, **extra}


def true_values(family: str) -> np.ndarray:
    """Centiles by age, then the peak's age, mean, SD and the value at T, as `bands` lists them."""
    at = truth(family, np.repeat(AGES, len(PERCENTS)))
    centiles = FAMILIES[family].quantile(np.tile(PERCENTS, len(AGES)) / 100, at)
    ages = np.linspace(20, 49, 29_001)
    top = ages[int(np.argmax(truth(family, ages)["mu"]))]
    shares = (np.arange(1_000_000) + 0.5) / 1_000_000
    y = FAMILIES[family].quantile(shares, truth(family, np.full(len(shares), top)))
    return np.append(centiles, [top, y.mean(), y.std(), y.mean() + T * y.std()])


def drawn(family: str, n: int, seed: int) -> pl.DataFrame:
    """A sample of people."""
    rng = np.random.default_rng([seed, n])
    age = np.round(rng.uniform(20, 85, n), 2)
    y = FAMILIES[family].quantile(rng.uniform(size=n), truth(family, age))
    return pl.DataFrame({"age": age, "y": y})


def limits(family: str, n: int, method: str, seed: int, smoothness: str = CHOSEN) -> np.ndarray:
    """(k, 4) estimate, standard error and limits in one sample; NaN where there is no fit."""
    people = drawn(family, n, seed)
    options = {"replicates": REPLICATES, "seed": seed} if method == "bootstrap" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = fit_curve(people, "y", family=family, **TERMS[smoothness])
        found = bands(curve, people, method=method, ages=AGES, percents=PERCENTS, t=T, **options)
    table = pl.concat(
        [found.to_frame().drop("age", "percent"), found.peak.drop("quantity")]
    ).to_numpy()
    return table if curve.fit.converged else np.full_like(table, np.nan)


def summary(family: str, n: int, method: str, tables: np.ndarray) -> Iterator[dict]:
    """Rows from (samples, k, 4) limits."""
    names = [(age, f"p{p:g}") for age in AGES for p in PERCENTS]
    names += [(None, name) for name in ("peak age", "peak mean", "peak sd", "value at t")]
    for k, ((age, quantity), true) in enumerate(zip(names, true_values(family), strict=True)):
        estimate, se, lower, upper = tables[:, k].T
        known = np.isfinite(lower) & np.isfinite(upper)
        held = (lower[known] <= true) & (true <= upper[known])
        yield {
            "family": family,
            "n": n,
            "method": method,
            "age": age,
            "quantity": quantity,
            "truth": true,
            "mean_error": np.nanmean(estimate) - true,
            "sd": np.nanstd(estimate, ddof=1),
            "mean_se": np.nanmean(se[known]),
            "samples": int(known.sum()),
            "holds": held.mean(),
            "holds_error": math.sqrt(0.95 * 0.05 / max(int(known.sum()), 1)),
        }


def main() -> None:
    """Draw, fit, count; write the rows and print what is far from 95 %."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--out", type=Path, default=REPORT)
    parser.add_argument(
        "--only",
        action="append",
        choices=["delta", "bootstrap", CHOSEN, STATED],
        help="a method or a smoothness that is made anew; the other rows are kept",
    )
    arguments = parser.parse_args()
    wanted = [step for step in PLAN if set(arguments.only or step[1:]) <= set(step[1:])]
    parts = []
    if arguments.only:
        old = pl.read_csv(arguments.out)
        made = [
            (old["n"] == n) & (old["method"] == m) & (old["smoothness"] == s) for n, m, s in wanted
        ]
        parts.append(old.filter(~pl.any_horizontal(made)))
    for n, method, smoothness in wanted:
        samples = arguments.samples // (4 if method == "bootstrap" else 1)
        for family in TRUTHS:
            tables = [limits(family, n, method, seed, smoothness) for seed in range(samples)]
            rows = pl.DataFrame(summary(family, n, method, np.array(tables)))
            rows = rows.insert_column(0, pl.lit(smoothness).alias("smoothness"))
            parts.append(rows.with_columns(pl.selectors.float().round_sig_figs(6)))
            print(family, n, method, smoothness, "done", flush=True)
            table = pl.concat(parts, how="vertical_relaxed")
            arguments.out.parent.mkdir(exist_ok=True)
            table.write_csv(arguments.out)
    centiles = table.filter(pl.col("age").is_not_null())
    edge = pl.col("age").is_in([21.0, 84.0]).alias("edge")
    keys = ["n", "method", "smoothness", "family", edge]
    shown = centiles.group_by(keys, maintain_order=True).agg(
        pl.col("holds").mean(), pl.col("holds").min().alias("least")
    )
    with pl.Config(tbl_rows=-1, tbl_cols=-1):
        print("share of samples whose 95 % limits of a centile hold the truth", shown)


if __name__ == "__main__":
    main()
