"""Our answer to each record of tests/golden/f_risk_model.json, and what differs and why.

The generator is tests/golden/R/14_risk_model.R. An answer has the record's own structure.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from accuracy_golden import RELATIVE
from agreement_golden import FOLDER, numbers

from osteo_epi.risk import RiskModel, fit_risk_model

# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"causespecific/se\..*": (
        "riskRegression's influence on the baseline is by Breslow's formula about Efron's fit; "
        "the toolkit's is checked against the derivative by each person's weight "
        "(test_what_each_person_moves_is_the_derivative_by_their_weight); within 3 %"
    ),
    r"cox\.basehaz/(se|lo|hi)\..*": (
        "R's error takes the hazards as proportional (Tsiatis); `predict` gives what each person "
        "moves, as a survey design needs it. Tsiatis's is `CoxFit.cumulative_hazard`"
    ),
}
PEOPLE = pl.DataFrame({"age": [60.0, 80.0], "tscore": [-1.0, -3.0], "prior": [0, 1]})
AT = (1, 5, 10)


@cache
def cohort() -> pl.DataFrame:
    """The people of the records."""
    return pl.read_csv(FOLDER / "data" / "osteo_cohort.csv")


def model(kind: Any = "cause_specific", **options: Any) -> RiskModel:
    """A model of the cohort."""
    beside = {"competing": "death"} if kind != "cox" else {"nothing_competes": True}
    given = {"predictors": ("age", "tscore", "prior"), "at": AT} | options
    return fit_risk_model(cohort(), time="time", event="fx", model=kind, **beside, **given)


def risks(fitted: RiskModel) -> np.ndarray:
    """(2, 3) risks of the two people."""
    return fitted.predict(PEOPLE).to_frame().select(*fitted.columns.values()).to_numpy()


def _causes() -> dict[str, Any]:
    fitted = model()
    names = {1: "Cause 1", 2: "Cause 2"}
    coefficients = {
        names[one.kind]: dict(zip(fitted.predictors.names, one.coefficients, strict=True))
        for one in fitted.absolute.hazards
    }
    return {"coef": coefficients, "risk": {"values": risks(fitted).tolist()}}


def _cox() -> dict[str, Any]:
    fitted = model("cox", predictors=("age", "tscore"))
    (one,) = fitted.absolute.hazards
    back = float(one.ratio(np.zeros((1, 2)))[0])
    hazards = [float(one.jumps[one.times <= t].sum()) * back for t in AT]
    return {"H0": hazards, "surv": {"values": (1 - risks(fitted)).T.tolist()}}


def answer(record: str) -> dict[str, Any]:
    """Our answer to one record."""
    return {"causespecific": _causes, "cox.basehaz": _cox}[record]()


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine, bad = dict(numbers(answer(record))), []
    for path, value in numbers(expected):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-8):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad
