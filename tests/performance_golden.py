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

from osteo_epi.accuracy import roc
from osteo_epi.risk import (
    DecisionCurve,
    RiskCalibration,
    decision_curve,
    reclassification,
    risk_calibration,
)

FILES = ("d_diag_prediction", "f_survival_performance")
# File, record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"f_survival_performance\.idi\.inf/.*": (
        "IDI and NRI of censored people, which fit their own models and perturb them: not offered. "
        "`decision_curve` compares two risks of people who were followed"
    ),
    r"d_diag_prediction\.valprob/(Intercept|U:Chi-sq)|d_diag_prediction\.calib/citl.*": (
        "0 of risks that were fitted to these people: what either software leaves of it, at 5e-11"
    ),
    r"d_diag_prediction\.calib/slope_se": (
        "glm takes the information before its last step, which leaves the standard error off by "
        "7e-8; started at its own coefficients it gives ours, 0.1228722191645268 (R 4.2)"
    ),
    r"d_diag_prediction\.valprob/(D|Q|U|D:Chi-sq)": (
        "χ² less its degrees of freedom, over n: not offered beside R², AUC and the test of "
        "intercept and slope"
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
        for name, more in (("km", {"nothing_competes": True}), ("cr", death))
    }


def _calibration(risk: str, **options: Any) -> RiskCalibration:
    return risk_calibration(people("osteo_diag_pred"), risk=risk, outcome="y", **options)


def _valprob(_: dict[str, Any]) -> dict[str, Any]:
    result = _calibration("p2", curve="lowess")
    auc = roc(people("osteo_diag_pred"), score="p2", truth="y", direction="high").auc.estimate
    z, unreliable = (result.tests.row(i, named=True) for i in (1, 0))
    by_name = {
        "Slope": result.slope, "R2": result.r2_nagelkerke, "Brier": result.brier,
        "Emax": result.emax, "E90": result.e90, "Eavg": result.ici,
    }  # fmt: skip
    return {name: m.estimate for name, m in by_name.items()} | {
        "Dxy": 2 * auc - 1, "C (ROC)": auc, "S:z": z["statistic"], "S:p": z["p"],
        "U:p": unreliable["p"],
    }  # fmt: skip


def _calib(_: dict[str, Any]) -> dict[str, Any]:
    result = _calibration("p1")
    lemeshow = result.tests.row(3, named=True)
    return {
        "oe": result.observed_expected.estimate,
        "citl_se": {"values": [result.intercept.se]},
        "slope": {"l": result.slope.estimate},
        "slope_se": result.slope.se,
        "brier": result.brier.estimate,
        "hl": {"chi": lemeshow["statistic"], "p": lemeshow["p"]},
    }


def _calib_followed(_: dict[str, Any]) -> dict[str, Any]:
    given = {"risk": "risk_a", "time": "time", "event": "fx", "at": 10, "groups": 5}
    km, aj = (
        risk_calibration(people("osteo_cohort"), **given, **more)
        for more in ({"nothing_competes": True}, {"competing": "death"})
    )
    means = km.groups["mean_risk"].to_list()
    return {
        "oe_aj": aj.observed_expected.estimate,
        "oe_km": km.observed_expected.estimate,
        "mean_pred": {str(i + 1): value for i, value in enumerate(means)},
        "obs_aj": aj.groups["observed"].to_list(),
        "obs_km": km.groups["observed"].to_list(),
        "slope": {"cl": km.hazard_slope.estimate},
        "slope_se": {"values": [km.hazard_slope.se]},
    }


def _improved(_: dict[str, Any]) -> dict[str, Any]:
    result = reclassification(people("osteo_diag_pred"), first="p1", second="p2", outcome="y")
    no, yes = result.moves.iter_rows(named=True)
    names = {"nri": "nri", "nri.ev": "nri_events", "nri.ne": "nri_nonevents", "idi": "idi"}
    answer = {"pup.ev": yes["up"], "pdown.ev": yes["down"], "pup.ne": no["up"],
              "pdown.ne": no["down"]}  # fmt: skip
    for theirs, ours in names.items():
        m = result.measures[ours]
        assert m.se is not None
        answer |= {theirs: m.estimate, f"se.{theirs}": m.se, f"z.{theirs}": m.estimate / m.se}
    return answer


def _reclassified(_: dict[str, Any]) -> dict[str, Any]:
    result = reclassification(
        people("osteo_diag_pred"), first="p1", second="p2", outcome="y", cut_offs=[0.2, 0.5]
    )
    no, yes = result.moves.iter_rows(named=True)

    def seven(prefix: str) -> list[float]:
        names = (f"{prefix}nri", f"{prefix}nri_events", f"{prefix}nri_nonevents")
        moves = [(yes, "up"), (yes, "down"), (no, "down"), (no, "up")]
        return [result.measures[name].estimate for name in names] + [
            who[f"{prefix}{way}"] for who, way in moves
        ]

    return {"cat": seven("category_"), "diff": seven("")}


ANSWERS = {
    "d_diag_prediction.improveProb": _improved,
    "d_diag_prediction.nribin": _reclassified,
    "d_diag_prediction.dca": lambda r: _dca(r, ("p1", "p2")),
    "d_diag_prediction.dca_prev": lambda r: _dca(r, ("p1",), prevalence=0.1),
    "d_diag_prediction.dca_ni": lambda r: _dca(r, ("p1",)),
    "d_diag_prediction.valprob": _valprob,
    "d_diag_prediction.calib": _calib,
    "f_survival_performance.dca_surv": _followed,
    "f_survival_performance.calib": _calib_followed,
}


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine = dict(numbers(ANSWERS[record](expected))) if record in ANSWERS else {}
    bad = []
    for path, value in numbers(expected):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-8):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad


RECORDS = {f"{file}.{name}": record for file in FILES for name, record in records(file).items()}
