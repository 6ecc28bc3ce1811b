"""How often intervals of net benefit and of calibration hold the truth they were simulated from.

    python benchmarks/performance_coverage.py [--samples 400]

People have a risk that is true; a second risk is the same with noise, a third has its log-odds
doubled (slope ½). Settings: people drawn one by one (500, 2,000); 40 units of 15 people who share
a part of their risk, with unequal weights that go with it; 1,000 people followed with censoring
and deaths, risk of the event within 5 years where death competes. Truths of net benefit are means
over two million people; of slope, intercept and O/E they are exact.

Writes reports/performance_coverage.csv. Nothing is tuned.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from scipy import special

from osteo_epi.risk import decision_curve, reclassification, risk_calibration
from osteo_epi.survey import SurveyDesign

REPORT = Path(__file__).parents[1] / "reports" / "performance_coverage.csv"
AT, THRESHOLD, LARGE = 5.0, 0.2, 2_000_000
KNOWN = {"outcome": "y"}
FOLLOWED = {"time": "time", "event": "status", "event_positive": 1, "competing": "status",
            "competing_positive": 2, "at": AT}  # fmt: skip
Draw = Callable[[np.random.Generator, int], pl.DataFrame]


def _frame(risk: np.ndarray, rng: np.random.Generator, **columns: np.ndarray) -> pl.DataFrame:
    logit = special.logit(risk)
    noisy = special.expit(logit + rng.normal(size=len(risk)))
    return pl.DataFrame(
        {"risk": risk, "noisy": noisy, "extreme": special.expit(2 * logit)} | columns
    )


def known(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """People whose outcome is known."""
    risk = special.expit(-1.5 + rng.normal(size=n))
    return _frame(risk, rng, y=rng.random(n) < risk)


def clustered(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Units of 15 people; the weight, 1 to 3, goes with the unit."""
    unit = np.arange(n) // 15
    shared = rng.normal(size=unit[-1] + 1)[unit]
    risk = special.expit(-1.5 + 0.6 * shared + 0.8 * rng.normal(size=n))
    weight = 2 + np.tanh(shared)
    return _frame(risk, rng, y=rng.random(n) < risk, unit=unit, w=weight)


def followed(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """People with exponential times to event and to death, some censored."""
    rate, death = 0.05 * np.exp(0.9 * rng.normal(size=n)), 0.03
    risk = rate / (rate + death) * -np.expm1(-(rate + death) * AT)
    times = np.column_stack([rng.uniform(2, 12, n), rng.exponential(1 / rate),
                             rng.exponential(1 / death, n)])  # fmt: skip
    return _frame(risk, rng, time=times.min(axis=1), status=times.argmin(axis=1))


SETTINGS: dict[str, tuple[Draw, int, dict, object]] = {
    "one by one": (known, 500, KNOWN, "srs"),
    "one by one, more": (known, 2_000, KNOWN, "srs"),
    "units with weights": (clustered, 600, KNOWN, SurveyDesign(weight="w", psu="unit")),
    "followed": (followed, 1_000, FOLLOWED, "srs"),
}


def truths(draw: Draw) -> dict[str, float]:
    """What the intervals are to hold."""
    people = draw(np.random.default_rng(0), LARGE)
    weight = people["w"].to_numpy() if "w" in people.columns else np.ones(LARGE)
    risk, noisy = people["risk"].to_numpy(), people["noisy"].to_numpy()
    share = float(np.average(risk, weights=weight))

    def benefit(rule: np.ndarray) -> float:
        gain = (rule >= THRESHOLD) * (risk - THRESHOLD) / (1 - THRESHOLD)
        return float(np.average(gain, weights=weight))

    gap = benefit(risk) - benefit(noisy)
    result = {"net_benefit": benefit(risk), "standardised": benefit(risk) / share}
    result |= {"difference": gap, "slope": 1.0, "intercept": 0.0, "observed_expected": 1.0}
    if draw is followed:
        return result
    up = np.sign(risk - noisy)
    events = np.average(up, weights=weight * risk) - np.average(up, weights=weight * (1 - risk))
    moved = np.average(risk - noisy, weights=weight * risk)
    idi = moved - np.average(risk - noisy, weights=weight * (1 - risk))
    return result | {"slope_extreme": 0.5, "nri": float(events), "idi": float(idi)}


def answers(people: pl.DataFrame, happened: dict, design: object) -> dict[str, tuple[float, ...]]:
    """Estimate, standard error and limits of each quantity."""
    curve = decision_curve(
        people, risks=["risk", "noisy"], **happened, thresholds=[THRESHOLD], design=design
    )
    found = {
        "net_benefit": curve.to_frame().row(0)[2:6],
        "standardised": curve.standardised("risk").row(0)[1:],
        "difference": curve.difference("risk", "noisy").row(0)[1:],
    }
    result = risk_calibration(people, risk="risk", **happened, design=design)
    for name in ("slope", "intercept", "observed_expected"):
        found[name] = tuple(result.measures[name].as_row().values())[:4]
    if "y" in people.columns:
        other = risk_calibration(people, risk="extreme", **happened, design=design)
        found["slope_extreme"] = tuple(other.slope.as_row().values())[:4]
        moved = reclassification(
            people, first="noisy", second="risk", outcome="y", thresholds=[THRESHOLD],
            design=design,
        )  # fmt: skip
        for name in ("nri", "idi"):
            found[name] = tuple(moved.measures[name].as_row().values())[:4]
    return found


def main() -> None:
    """Simulate every setting, and write one row a setting and quantity."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=400)
    samples = parser.parse_args().samples
    rows = []
    for place, (setting, (draw, n, happened, design)) in enumerate(SETTINGS.items()):
        truth = truths(draw)
        streams = np.random.default_rng([place, 1]).spawn(samples)
        found = [answers(draw(rng, n), happened, design) for rng in streams]
        for quantity, value in truth.items():
            table = np.array([one[quantity] for one in found], float)
            holds = float(((table[:, 2] <= value) & (value <= table[:, 3])).mean())
            rows.append(
                {
                    "setting": setting, "n": n, "quantity": quantity, "truth": value,
                    "mean_error": table[:, 0].mean() - value, "sd": table[:, 0].std(ddof=1),
                    "mean_se": table[:, 1].mean(), "samples": samples, "holds": holds,
                    "holds_error": np.sqrt(0.95 * 0.05 / samples),
                }
            )  # fmt: skip
    result = pl.DataFrame(rows)
    result.with_columns(pl.selectors.float().round_sig_figs(6)).write_csv(REPORT)
    print(result)


if __name__ == "__main__":
    main()
