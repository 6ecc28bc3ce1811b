"""Our answer to each record of tests/golden/d_diag_roc.json, and what differs and why.

The generator is tests/golden/R/04c_roc.R. An answer has the record's own structure.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import polars as pl
from accuracy_golden import RELATIVE
from agreement_golden import FOLDER, numbers

from osteo_epi.accuracy import (
    ROC,
    ROCComparison,
    compare_independent_roc,
    compare_roc,
    roc,
    smooth_roc,
)
from osteo_epi.survey import SurveyDesign

# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r".*\.(ci_boot|boot|smooth_boot)/.*|.*\.ci_se/(low|high).*": (
        "a bootstrap draws by its own random numbers: limits and tests are compared "
        "within Monte-Carlo error"
    ),
    r"osteo_diag\.\w+_vs_hu\.delong/cov": (
        "pROC's cov() of two curves of opposite directions is not what its own roc.test() rests "
        "on; test_the_covariance_of_opposite_directions_follows_from_the_test of pROC gives ours"
    ),
}
LOW = {"hu"}


@cache
def people(name: str) -> pl.DataFrame:
    """The people of a data file, with the truth as y."""
    frame = pl.read_csv(FOLDER / "data" / f"{name}.csv")
    return frame if "y" in frame.columns else frame.with_columns(y=pl.col("outcome") == "Poor")


def direction(score: str) -> Any:
    """As the record declares it."""
    return "low" if score in LOW else "high"


def curve(name: str, score: str, **options: Any) -> ROC:
    """The curve of one score."""
    given = {"score": score, "truth": "y", "direction": direction(score)}
    return roc(people(name), **given, **options)


def _auc(name: str, score: str) -> dict[str, Any]:
    full, ninety = (
        curve(name, score, confidence=level, interval="wald").auc for level in (0.95, 0.9)
    )
    assert full.se is not None
    return {
        "auc": full.estimate,
        "var": full.se**2,
        "se": full.se,
        "ci": [full.lower, full.upper],
        "ci90": [ninety.lower, ninety.upper],
    }


def _points(name: str, score: str) -> dict[str, Any]:
    """R begins with everybody positive."""
    points = curve(name, score).points().reverse()
    return {
        "thr": points["cut_point"].to_list(),
        "sens": points["sensitivity"].to_list(),
        "spec": points["specificity"].to_list(),
    }


def _partial(name: str, score: str) -> dict[str, Any]:
    answers = {}
    for short, of in (("spec", "specificity"), ("sens", "sensitivity")):
        result = curve(name, score, partial=(0.8, 1.0), partial_of=of)
        answers[short] = result.partial.estimate
        answers[f"{short}_corr"] = result.partial_standardised.estimate
    return answers


def _smooth(name: str, score: str) -> dict[str, Any]:
    result = smooth_roc(
        people(name), score=score, truth="y", direction=direction(score), replicates=2
    )
    return {"auc": result.auc.estimate}


def _sensitivity(name: str, score: str) -> dict[str, Any]:
    return {"se": curve(name, score).band([0.5, 0.7, 0.9], replicates=2).estimate.tolist()}


def _somers(name: str, score: str) -> dict[str, Any]:
    result = curve(name, score)
    c = result.auc.estimate
    return {"C": c, "Dxy": 2 * (c - 0.5), "n": result.auc.n, "Missing": result.n_score_missing}


def comparison(name: str, first: str, second: str, **options: Any) -> ROCComparison:
    """Two scores of the same people."""
    return compare_roc(
        people(name), first=first, first_direction=direction(first), second=second,
        second_direction=direction(second), truth="y", **options,
    )  # fmt: skip


def _paired(name: str, first: str, second: str) -> dict[str, Any]:
    result = comparison(name, first, second)
    limits = [result.lower, result.upper]
    return {"z": result.statistic, "p": result.p, "ci": limits, "cov": result.covariance}


def _unpaired(name: str, first: str, second: str) -> dict[str, Any]:
    result = compare_independent_roc(curve(name, first), curve(name, second))
    return {"D": result.statistic, "df": result.df, "p": result.p}


ANSWERS = {
    "auc": _auc,
    "roc": _points,
    "pauc": _partial,
    "smooth": _smooth,
    "ci_se": _sensitivity,
    "hmisc": _somers,
}
PAIRS = {"delong": _paired, "delong_unpaired": _unpaired}


def answer(record: str) -> dict[str, Any]:
    """Our answer to one record."""
    if record == "weighted_auc":
        design = SurveyDesign(weight="w")
        return {"auc": curve("osteo_diag", "ost", design=design).auc.estimate}
    name, what, kind = record.split(".")
    if kind in ANSWERS:
        return ANSWERS[kind](name, what)
    return PAIRS[kind](name, *what.split("_vs_")) if kind in PAIRS else {}


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine, bad = dict(numbers(answer(record))), []
    for path, value in numbers(expected):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-8):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad
