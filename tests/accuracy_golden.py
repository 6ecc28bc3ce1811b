"""Our answer to each record of tests/golden/d_diag_accuracy.json, and what differs and why.

The generator is tests/golden/R/04b_accuracy.R. An answer has the record's own structure.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
from agreement_golden import FOLDER, numbers

from osteo_epi.accuracy import Accuracy, Measure, accuracy, compare_tests, corrected_prevalence
from osteo_epi.agreement import PointEstimate

RELATIVE = 1e-8
# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"epi\.tests\..*/(est|lower|upper)\.nndx": (
        "the number needed to diagnose is 1 / Youden's index: a reader who wants it divides"
    ),
    r"epi\.tests\..*/(lower|upper)\.youden": (
        "epiR adds the limits of sensitivity and specificity, which covers more than the level; "
        "the toolkit takes Newcombe's limits of a difference of two shares"
    ),
    r"epi\.tests\.agresti/est\.(?!diag\.or|lr|nndx).*": (
        "epiR gives the middle of the Agresti-Coull interval for the estimate; the toolkit the "
        "share that was observed, whatever the interval"
    ),
    r"epi\.tests\.agresti/(lower|upper)\.lr\.(pos|neg)": (
        "epiR makes the limits of a likelihood ratio of those middles too"
    ),
    r"mcnemar/chi_cc": "with continuity correction the toolkit gives p, and not the statistic",
    r"epi\.prev\.(blaker|sterne)\..*/.*": "Blaker's and Sterne's intervals are not offered",
}
EPIR = {
    "exact": "clopper_pearson",
    "clopper-pearson": "clopper_pearson",
    "c-p": "clopper_pearson",
    "wilson": "wilson",
    "agresti": "agresti_coull",
    "jeffreys": "jeffreys",
}
NAMES = {
    "ap": "apparent_prevalence",
    "tp": "prevalence",
    "se": "sensitivity",
    "sp": "specificity",
    "diag.ac": "proportion_correct",
    "diag.or": "diagnostic_odds_ratio",
    "youden": "youden",
    "pv.pos": "ppv",
    "pv.neg": "npv",
    "lr.pos": "lr_positive",
    "lr.neg": "lr_negative",
    "p.rin": "apparent_prevalence",
}
COMPLEMENTS = {
    "p.rout": "apparent_prevalence",
    "p.tpdn": "specificity",
    "p.tndp": "sensitivity",
    "p.dntp": "ppv",
    "p.dptn": "npv",
}
VALIDATED = {"80_200": (0.85, 0.9), "12_300": (0.7, 0.95), "156_1032": (0.9, 0.93)}


def people() -> pl.DataFrame:
    """The people of osteo_diag."""
    return pl.read_csv(FOLDER / "data" / "osteo_diag.csv")


def of_ost(**options: Any) -> Accuracy:
    """The index ost at 0.5 against the disease, as in R."""
    return accuracy(people(), test="ost", test_positive="[0.5, inf)", truth="y", **options)


def rows(record: dict[str, Any]) -> dict[str, Any]:
    """The record of epi.tests by the name of each statistic."""
    names = record["statistic"]
    ends = ("est", "lower", "upper")
    return {end: dict(zip(names, record[end], strict=True)) for end in ends}


def _limits(measure: PointEstimate) -> dict[str, Any]:
    return {"est": measure.estimate, "lower": measure.lower, "upper": measure.upper}


def _complement(m: Measure) -> dict[str, Any]:
    return {"est": 1 - m.estimate, "lower": 1 - (m.upper or 0), "upper": 1 - (m.lower or 0)}


def _epi_tests(method: str) -> dict[str, Any]:
    result = of_ost(interval=EPIR[method])
    ours = {k: _limits(result.measures[name]) for k, name in NAMES.items()}
    ours |= {k: _complement(result.measures[name]) for k, name in COMPLEMENTS.items()}
    return {end: {k: v[end] for k, v in ours.items()} for end in ("est", "lower", "upper")}


def _epi_prev(method: str, case: str) -> dict[str, Any]:
    events, n = map(int, case.split("_"))
    tested = pl.DataFrame({"test": np.arange(n) < events})
    se, sp = VALIDATED[case]
    result = corrected_prevalence(
        tested, test="test", sensitivity=se, specificity=sp, interval=EPIR[method]
    )
    return {"ap": _limits(result.uncorrected), "tp": _limits(result.untruncated)}


def _mcnemar() -> dict[str, Any]:
    half = {"first_positive": "[0.5, inf)", "second_positive": "[0.5, inf)"}
    result = compare_tests(people(), first="ost", second="qus", truth="y", **half).sensitivity
    return {
        "b": result.second_only,
        "c": result.first_only,
        "chi": result.statistic,
        "p": result.p,
        "p_cc": result.p_corrected,
        "exact": result.p_exact,
    }


def _rogan_gladen() -> dict[str, Any]:
    tested = pl.DataFrame({"test": np.arange(200) < 80})
    known = {"test": "test", "sensitivity": 0.85, "specificity": 0.9}
    exact = corrected_prevalence(tested, **known)
    delta = corrected_prevalence(tested, **known, n_sensitivity=100, n_specificity=150)
    p = exact.prevalence
    return {"tp": p.estimate, "se": p.se, "se_delta": delta.prevalence.se}


def answer(record: str) -> dict[str, Any]:
    """Our answer to one record."""
    head, _, rest = record.partition(".")
    if record.startswith("epi.tests."):
        return _epi_tests(record.removeprefix("epi.tests."))
    if record.startswith("epi.prev."):
        method, _, case = rest.removeprefix("prev.").partition(".")
        return _epi_prev(method, case) if method in EPIR else {}
    if head == "tab":
        c = of_ost().counts
        cells = (c.true_positive, c.false_positive, c.false_negative, c.true_negative)
        return dict(zip(("tp", "fp", "fn", "tn"), cells, strict=True))
    return {"mcnemar": _mcnemar, "rogan_gladen_var": _rogan_gladen}[head]()


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine, bad = dict(numbers(answer(record))), []
    theirs = rows(expected) if "statistic" in expected else expected
    for path, value in numbers(theirs):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-300):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad
