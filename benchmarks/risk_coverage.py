"""How often the 95 % limits of absolute risks and their discrimination hold a known truth.

    nice -n 15 python benchmarks/risk_coverage.py [--samples 1000] [--only risk_cox]

Each experiment draws samples of people from a law whose truth is known. One row an experiment and
method:

mean_error  mean of estimate − truth
sd          of the estimates
mean_se     of the standard errors
holds       share of samples whose limits hold the truth, of `samples`
holds_error Monte-Carlo standard error of that share, at 95 %

risk_*   10-year risk of a person of given covariates, 400 people, by each model from its own law
         (constant hazards, with death at constant hazard; Fine and Gray's own law), a third
         censored before 10 years. se is on the scale of the risk, from the limits.
c        C-index of a risk, 300 people, two thirds of them censored before 8 years, events up to
         then: Harrell's against its value under the same censoring, Uno's against that
         without; uno_known takes the share not yet censored as known, as R's survival does
horizon  area at 8 years and Brier score beside death, 300 people
optimism concordance of a model of 2 predictors and 8 that are noise, 200 people, a tenth of the
         samples: apparent, and corrected by 40 bootstrap replicates or 10 folds, against that of
         the same fitted model in 20,000 new people; there are no limits

Truths that have no formula are those of 400,000 people of the same law. Nothing is tuned.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from osteo_epi.risk import (
    brier_score,
    concordance,
    fit_risk_model,
    time_dependent_auc,
    validate_risk_model,
)
from osteo_epi.risk.discrimination import Ranking

REPORT = Path(__file__).parents[1] / "reports" / "risk_coverage.csv"
MANY, Z = 400_000, 1.959963984540054
FOLLOWED = {"time": "years", "event": "status", "event_positive": 1}
BESIDE = FOLLOWED | {"competing": "status", "competing_positive": 2}
SHORT = (0.5, 11.0)
PROFILE = np.array([1.0, 1.0])
Row = tuple[float, float, float, float]
"""Estimate less truth, standard error, and the limits less the truth."""


def covariates(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 2) a normal one, and one of yes and no."""
    return np.column_stack([rng.normal(size=n), rng.random(n) < 0.4]).astype(float)


def rates(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Constant hazards of fracture and death [1/year]."""
    return 0.03 * np.exp(x @ [0.6, 0.5]), 0.02 * np.exp(x @ [-0.4, 0.3])


def people(
    seed: int,
    n: int,
    *,
    death: bool,
    law: str = "hazards",
    censored: bool = True,
    followed: tuple[float, float] = (6.0, 16.0),
) -> pl.DataFrame:
    """People followed for 6 to 16 years, or as stated, or to the end."""
    rng = np.random.default_rng([seed, n])
    x = covariates(rng, n)
    own, other = rates(x)
    first = rng.exponential(1 / own)
    last = rng.exponential(1 / other) if death else np.full(n, np.inf)
    if law == "fine_gray":
        first, last = subdistribution(rng, x)
    end = rng.uniform(*followed, n) if censored else np.full(n, np.inf)
    times = np.column_stack([first, last, end])
    columns = {"a": x[:, 0], "b": x[:, 1], "years": times.min(axis=1)}
    columns |= {"status": np.array([1, 2, 0])[times.argmin(axis=1)]}
    risk = -np.expm1(-8 * own)
    return pl.DataFrame(columns | {"risk": risk})


def subdistribution(rng: np.random.Generator, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times under F(t|x) = 1 − (1 − 0.4 (1 − exp(−t/12)))^exp(xβ), or of death."""
    ratio = np.exp(x @ [0.6, 0.5])
    share = 1 - (1 - 0.4) ** ratio
    u = rng.random(len(x))
    inner = (1 - (1 - np.minimum(u, share)) ** (1 / ratio)) / 0.4
    with np.errstate(divide="ignore"):
        first = np.where(u < share, -12 * np.log1p(-np.minimum(inner, 1.0)), np.inf)
    return first, np.where(u < share, np.inf, rng.exponential(15, len(x)))


def true_risk(model: str) -> float:
    """10-year risk of the profile."""
    own, other = (float(v[0]) for v in rates(PROFILE[None]))
    if model == "cox":
        return -math.expm1(-10 * own)
    if model == "cause_specific":
        return own / (own + other) * -math.expm1(-10 * (own + other))
    ratio = math.exp(PROFILE @ np.array([0.6, 0.5]))
    return 1 - (1 - 0.4 * -math.expm1(-10 / 12)) ** ratio


def risk(model: str) -> Callable[[int], dict[str, Row]]:
    """Limits of the risk of the profile."""
    truth = true_risk(model)
    asked = FOLLOWED | {"nothing_competes": True} if model == "cox" else BESIDE
    profile = pl.DataFrame({"a": PROFILE[:1], "b": PROFILE[1:]})

    def one(seed: int) -> dict[str, Row]:
        law = "fine_gray" if model == "fine_gray" else "hazards"
        frame = people(seed, 400, death=model != "cox", law=law)
        fit = fit_risk_model(frame, **asked, predictors=("a", "b"), model=model, at=10)
        row = fit.predict(profile, limits=True).to_frame().row(0, named=True)
        value, low, high = (row[f"risk_10{end}"] for end in ("", "_lower", "_upper"))
        wide = math.log(-math.log1p(-high)) - math.log(-math.log1p(-low))
        se = wide / (2 * Z) * (1 - value) * -math.log1p(-value)
        return {model: (value - truth, se, low - truth, high - truth)}

    return one


def of_measure(measure: object, truth: float) -> Row:
    """From an estimate with its limits."""
    value, se, low, high = (getattr(measure, k) for k in ("estimate", "se", "lower", "upper"))
    return value - truth, se, low - truth, high - truth


def c_truth(*, censored: bool) -> float:
    """Harrell's C of events up to 8 years among very many people."""
    frame = people(1, MANY, death=False, censored=censored, followed=SHORT)
    time, status, value = (frame[c].to_numpy() for c in ("years", "status", "risk"))
    return Ranking.of(time, status, value, uno=False, horizon=8.0).pairs(np.ones(MANY)).c


def index() -> Callable[[int], dict[str, Row]]:
    """C-indices."""
    truths = {"harrell": c_truth(censored=True), "uno": c_truth(censored=False)}

    def one(seed: int) -> dict[str, Row]:
        frame = people(seed, 300, death=False, followed=SHORT)
        asked = {"risk": "risk", "horizon": 8, **FOLLOWED}
        rows = {
            name: of_measure(concordance(frame, method=name, **asked).c, truth)
            for name, truth in truths.items()
        }
        time, status, value = (frame[c].to_numpy() for c in ("years", "status", "risk"))
        ranking = Ranking.of(time, status, value, uno=True, horizon=8.0)
        _, moved = ranking.influence(np.ones(300), censoring=False)
        gap, se = rows["uno"][0], float(np.sqrt(moved @ moved))
        return rows | {"uno_known": (gap, se, gap - Z * se, gap + Z * se)}

    return one


def at_horizon() -> Callable[[int], dict[str, Row]]:
    """Area and Brier score at 8 years, with death."""
    frame = people(1, MANY, death=True, censored=False)
    happened = ((frame["years"] <= 8) & (frame["status"] == 1)).to_numpy()
    value = frame["risk"].to_numpy()
    ranks = np.argsort(np.argsort(value)) + 1.0
    cases = int(happened.sum())
    area = (ranks[happened].sum() - cases * (cases + 1) / 2) / (cases * (MANY - cases))
    brier = float(np.mean((happened - value) ** 2))
    ipa = 1 - brier / (happened.mean() * (1 - happened.mean()))

    def one(seed: int) -> dict[str, Row]:
        sample = people(seed, 300, death=True)
        score = brier_score(sample, risk="risk", at=8, **BESIDE)
        auc = time_dependent_auc(sample, risk="risk", at=8, **BESIDE).auc[0]
        return {
            "auc": of_measure(auc, area),
            "brier": of_measure(score.brier[0], brier),
            "ipa": of_measure(score.ipa[0], ipa),
        }

    return one


def optimism() -> Callable[[int], dict[str, Row]]:
    """Concordance of a model that fits noise, against the same model in new people."""
    noise = tuple(f"noise{k}" for k in range(8))

    def noisy(seed: int, n: int) -> pl.DataFrame:
        rng = np.random.default_rng([seed, n, 8])
        frame = people(seed, n, death=False)
        return frame.with_columns(pl.Series(name, rng.normal(size=n)) for name in noise)

    def one(seed: int) -> dict[str, Row]:
        fit = fit_risk_model(
            noisy(seed, 200), **FOLLOWED, predictors=("a", "b", *noise), model="cox", at=8
        )
        new = fit.predict(noisy(seed, 20_000).drop("risk")).to_frame()
        truth = concordance(new, risk="risk_8", horizon=8, **FOLLOWED).c.estimate
        boot = validate_risk_model(fit, replicates=40)
        folds = validate_risk_model(fit, method="cross_validation")
        apparent = float(boot.to_frame()["apparent"][0])
        values = {
            "apparent": apparent,
            "bootstrap": boot.corrected("concordance", 8),
            "cross_validation": folds.corrected("concordance", 8),
        }
        return {name: (value - truth, *[math.nan] * 3) for name, value in values.items()}

    return one


EXPERIMENTS: dict[str, tuple[Callable[[], Callable[[int], dict[str, Row]]], float]] = {
    "risk_cox": (lambda: risk("cox"), 1.0),
    "risk_cause_specific": (lambda: risk("cause_specific"), 1.0),
    "risk_fine_gray": (lambda: risk("fine_gray"), 1.0),
    "c": (index, 1.0),
    "horizon": (at_horizon, 1.0),
    "optimism": (optimism, 0.1),
}


def summary(name: str, method: str, rows: list[Row]) -> dict[str, object]:
    """One row of the report."""
    gap, se, low, high = np.array(rows).T
    limits = bool(np.isfinite(se).all())
    n = len(gap)
    return {
        "experiment": name, "method": method, "samples": n,
        "mean_error": round(float(gap.mean()), 5),
        "mean_error_se": round(float(gap.std(ddof=1)) / math.sqrt(n), 5),
        "sd": round(float(gap.std(ddof=1)), 5),
        "mean_se": round(float(se.mean()), 5) if limits else None,
        "holds": round(float(((low <= 0) & (high >= 0)).mean()), 4) if limits else None,
        "holds_error": round(math.sqrt(0.95 * 0.05 / n), 4) if limits else None,
    }  # fmt: skip


def main() -> None:
    """Run what is asked for and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--only", choices=EXPERIMENTS)
    parser.add_argument("--out", type=Path, default=REPORT)
    given = parser.parse_args()
    report = []
    for name, (made, part) in EXPERIMENTS.items():
        if given.only not in (None, name):
            continue
        one = made()
        results = [one(seed) for seed in range(10, 10 + max(2, int(given.samples * part)))]
        report += [summary(name, m, [r[m] for r in results]) for m in results[0]]
        print(pl.DataFrame(report, infer_schema_length=None)[-len(results[0]) :], flush=True)
    if given.only is None:
        pl.DataFrame(report, infer_schema_length=None).write_csv(given.out)


if __name__ == "__main__":
    main()
