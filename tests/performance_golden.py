"""Our answer to each record of what a risk is worth, and what differs and why.

The generators are tests/golden/R/04e_prediction.R and 06e_performance.R. An answer has the record's
own structure.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from agreement_golden import FOLDER, RELATIVE, numbers, records

from osteo_epi.risk import DecisionCurve, decision_curve

FILES = ("d_diag_prediction", "f_survival_performance")
# File, record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"f_survival_performance\.idi\.inf/.*": (
        "IDI and NRI of censored people, which fit their own models and perturb them: not offered. "
        "`decision_curve` compares two risks of people who were followed"
    ),
}
NAMES = {"all": "treat all", "none": "treat none"}
FIXED = {"threshold": "threshold", "tp_rate": "true_positive", "fp_rate": "false_positive",
         "net_intervention_avoided": "interventions_avoided"}  # fmt: skip


@cache
def people(name: str) -> pl.DataFrame:
    """The people of a data file."""
    return pl.read_csv(FOLDER / "data" / f"{name}.csv")


def _curve(curve: DecisionCurve, expected: dict[str, Any]) -> dict[str, Any]:
    """Numbers in the order of the record: all, none, then the risks."""
    frame, names = curve.to_frame(), list(dict.fromkeys(expected["variable"]))
    ordered = pl.concat(frame.filter(pl.col("strategy") == NAMES.get(name, name)) for name in names)
    return {key: ordered[FIXED.get(key, key)].to_list() for key in expected if key != "variable"}


def _dca(expected: dict[str, Any], risks: tuple[str, ...], **options: Any) -> dict[str, Any]:
    cuts = np.unique(expected["threshold"])
    curve = decision_curve(
        people("osteo_diag_pred"), risks=risks, outcome="y", thresholds=cuts, **options
    )
    return _curve(curve, expected)


def _followed(expected: dict[str, Any]) -> dict[str, Any]:
    given = {"risks": "risk_a", "time": "time", "at": 8, "event": "status", "event_positive": 1}
    death = {"competing": "status", "competing_positive": 2}
    cuts = [0.05, 0.1, 0.2, 0.3]
    frame = people("osteo_cohort")
    return {
        name: _curve(decision_curve(frame, **given, **more, thresholds=cuts), expected[name])
        for name, more in (("km", {}), ("cr", death))
    }


ANSWERS = {
    "d_diag_prediction.dca": lambda r: _dca(r, ("p1", "p2")),
    "d_diag_prediction.dca_prev": lambda r: _dca(r, ("p1",), prevalence=0.1),
    "d_diag_prediction.dca_ni": lambda r: _dca(r, ("p1",)),
    "f_survival_performance.dca_surv": _followed,
}


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine = dict(numbers(ANSWERS[record](expected))) if record in ANSWERS else {}
    bad = []
    for path, value in numbers(expected):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-7):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad


RECORDS = {f"{file}.{name}": record for file in FILES for name, record in records(file).items()}
