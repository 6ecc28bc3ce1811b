"""Our answer to each record of tests/golden/d_diag_cutpoints.json, and what differs and why.

The generator is tests/golden/R/04d_cutpoints.R. An answer has the record's own structure.
"""

from __future__ import annotations

import re
from typing import Any

from accuracy_golden import RELATIVE
from agreement_golden import numbers
from roc_golden import direction, people

from osteo_epi.accuracy import CutPoint, CutPoints, accuracy, cut_points, roc

# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r".*\.bootstrap/.*": (
        "a bootstrap draws by its own random numbers: limits are compared within Monte-Carlo error"
    ),
    r"osteo_diag\.qus\.coords/sens_at_spec90\..*|pROC_aSAH\..*\.coords/sens_at_spec90\..*": (
        "pROC interpolates between two points of the curve, at a rate that no cut-point has; the "
        "toolkit gives the last cut-point with at least that rate"
    ),
    r"osteo_diag\.ost\.coords/sens_at_spec90\.threshold": (
        "of two cut-points with one sensitivity pROC gives that whose specificity is 0.9, the "
        "toolkit that with the higher one"
    ),
    r"osteo_diag\.qus\.coords/weighted\..*": (
        "two cut-points are equally good, and pROC keeps the one that rounding favours; "
        "test_where_proc_takes_one_of_equals_it_is_among_ours holds it"
    ),
}


def found(name: str, score: str, **options: Any) -> CutPoints:
    """Cut-points of one score."""
    way = direction(score)
    given = {"score": score, "truth": "y", "direction": way, "replicates": 0, "specificity": 0.9}
    return cut_points(people(name), **(given | options))


def _rates(point: CutPoint) -> dict[str, float]:
    assert point.cut_point is not None
    return {
        "threshold": point.cut_point,
        "sensitivity": point.sensitivity.estimate,
        "specificity": point.specificity.estimate,
    }


def _whole(name: str, score: str, point: CutPoint) -> dict[str, float]:
    """With the two-by-two table at the cut-point."""
    low = direction(score) == "low"
    cut = point.cut_point
    at = f"(-inf, {cut!r})" if low else f"({cut!r}, inf)"
    table = accuracy(people(name), test=score, test_positive=at, truth="y")
    counts = table.counts
    return _rates(point) | {
        "ppv": table.ppv.estimate,
        "npv": table.npv.estimate,
        "youden": point.youden.estimate + 1,  # as pROC has it
        "accuracy": table.proportion_correct.estimate,
        "tp": counts.true_positive,
        "tn": counts.true_negative,
        "fp": counts.false_positive,
        "fn": counts.false_negative,
    }


def _coordinates(name: str, score: str) -> dict[str, Any]:
    """Costs: pROC's ratio is that of a false negative over a false positive."""
    result = found(name, score)
    costs = found(name, score, criteria=("cost",), cost_ratio=1 / 2, prevalence=0.2)
    first = _rates(result["specificity"])
    return {
        "youden": _whole(name, score, result["youden"]),
        "topleft": _rates(result["closest"]),
        "weighted": _rates(costs["cost"]),
        "sens_at_spec90": {k: first[k] for k in ("threshold", "sensitivity")},
    }


def answer(record: str) -> Any:
    """Our answer to one record."""
    if record == "optimal.osteo":
        point = found("osteo_diag", "ost")["youden"]
        rates = point.sensitivity.estimate, point.specificity.estimate
        return [{"cut": point.observed, "se": rates[0], "sp": rates[1]}]
    if record == "cutpointr.osteo":
        point = found("osteo_diag", "ost")["youden"]
        curve = roc(people("osteo_diag"), score="ost", truth="y", direction="high")
        return {"cut": point.observed, "youden": point.youden.estimate, "auc": curve.auc.estimate}
    name, score, kind = record.split(".")
    return _coordinates(name, score) if kind == "coords" else {}


def unlike(record: str, expected: Any) -> list[str]:
    """Numbers of a record that we do not give to 1e-8."""
    mine = dict(numbers(answer(record)))
    return [
        f"{record}/{path}"
        for path, value in numbers(expected)
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-8)
    ]


def faults(record: str, expected: Any) -> list[str]:
    """Those of them that we have no reason for."""
    listed = "|".join(f"(?:{pattern})" for pattern in DIFFERENT)
    return [path for path in unlike(record, expected) if not re.fullmatch(listed, path)]
