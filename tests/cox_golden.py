"""Our answer to each record of tests/golden/f_cox.json, and what differs and why.

The generator is tests/golden/R/11_cox.R. An answer has the record's own structure.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from accuracy_golden import RELATIVE
from agreement_golden import FOLDER, numbers

from osteo_epi.risk import (
    Association,
    CoxFit,
    fit_cox,
    hazard_ratios,
    odds_ratios,
    person_years,
)
from osteo_epi.risk.association import KNOTS, spline_basis
from osteo_epi.risk.hazard import proportionality, time_function

# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"(cox|lung)\b.*/(e\.|b\.)?concordance\..*": (
        "Harrell's C is a measure of a risk score in people; it has records of its own"
    ),
    r"logistic/se\..*": "R's glm stops at 1e-8 of the deviance; the record logistic_tight agrees",
    r"rms\.cph/(coef\..*|nl_wald)": (
        "R's coxph stops at 1e-9 of the likelihood; the record spline_tight agrees"
    ),
    r"logistic(_tight)?/(dev|coef\.\(Intercept\)|se\.\(Intercept\)|prof\.values\.0\..*)": (
        "a table of odds ratios holds neither the intercept nor the deviance"
    ),
    r"logistic/prof\.values\.[1-3]\..*": (
        "R interpolates the profile likelihood between points, the toolkit ends where it falls by "
        "the quantile; test_profile_limits_of_r_are_near_and_ours_are_roots holds both"
    ),
    r"pyears/off": "time outside the bands is a note",
    r"parametric/.*": (
        "accelerated failure times (Weibull, lognormal) are not offered: studies of osteoporosis "
        "report hazard ratios; the exponential model is `person_years` without covariates"
    ),
}
TIMES = np.array([1.0, 5.0, 10.0])
NAMES = ("age", "tscore", "prior", "tbs")


@cache
def people(name: str = "osteo_cohort") -> pl.DataFrame:
    """The people of a data file, with the T-score in standard deviations of the sample."""
    frame = pl.read_csv(FOLDER / "data" / f"{name}.csv")
    if "tscore" not in frame.columns:
        return frame
    score = pl.col("tscore")
    return frame.with_columns(lower=-(score - score.mean()) / score.std())


def table(frame: pl.DataFrame, *names: str) -> np.ndarray:
    """Columns as a matrix."""
    return frame.select(names).to_numpy().astype(float)


def fit(*names: str, data: str = "osteo_cohort", **options: Any) -> CoxFit:
    """The model of fractures in the cohort."""
    frame = people(data)
    x = table(frame, *names)
    return fit_cox(frame["time"].to_numpy(), frame["fx"].to_numpy() == 1, x, **options)


def summary(model: CoxFit, names: tuple[str, ...], *, robust: Any = None) -> dict[str, Any]:
    """What R's summary of a model holds."""
    covariance = model.covariance if robust is None else robust
    b, se = model.coefficients, np.sqrt(np.diag(covariance))
    limits = {"hr": b, "lo": b - 1.959963984540054 * se, "hi": b + 1.959963984540054 * se}
    answer: dict[str, Any] = {key: _named(names, np.exp(value)) for key, value in limits.items()}
    answer |= {"coef": _named(names, b), "se": _named(names, se)}
    answer |= {"robust": None if robust is None else model.se.tolist()}
    wald = float(b @ np.linalg.solve(covariance, b))
    return answer | {"loglik": list(model.loglik), "score": model.score_test, "wald": wald}


def _named(names: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _plain(*names: str, **options: Any) -> dict[str, Any]:
    return summary(fit(*names, **options), names)


def _per_sd() -> dict[str, Any]:
    model = fit("lower", "age")
    return summary(model, ("I(-t_sd)", "age"))


def _per_sd_sex() -> dict[str, Any]:
    frame = people()
    x = table(frame.with_columns(both=pl.col("lower") * pl.col("sex")), "lower", "sex", "age",
              "both")  # fmt: skip
    model = fit_cox(frame["time"].to_numpy(), frame["fx"].to_numpy() == 1, x)
    return summary(model, ("I(-t_sd)", "sex", "age", "I(-t_sd):sex"))


def _cluster() -> dict[str, Any]:
    model = fit("age", "tscore", "prior")
    robust = model.robust_covariance(people()["site"].to_numpy())
    return summary(model, ("age", "tscore", "prior"), robust=robust)


def _weights() -> dict[str, Any]:
    model = fit("age", "tscore", weight=1 + 0.5 * people()["rx"].to_numpy())
    return summary(model, ("age", "tscore"), robust=model.robust_covariance())


def _left_truncated() -> dict[str, Any]:
    frame, names = people(), ("tscore", "prior", "sex")
    age = frame["age"].to_numpy()
    end, event = age + frame["time"].to_numpy(), frame["fx"].to_numpy() == 1
    return summary(fit_cox(end, event, table(frame, *names), entry=age), names)


def _hazards() -> dict[str, Any]:
    model = fit("age", "tscore")
    hazard, se = model.cumulative_hazard(np.array([[60.0, -1.0], [80.0, -3.0]]), TIMES)
    survival, reach = np.exp(-hazard).T, 1.959963984540054 * se.T
    answer = {"surv": survival, "se": survival * se.T, "lo": survival * np.exp(-reach)}
    answer |= {"hi": np.minimum(survival * np.exp(reach), 1.0)}
    return {"H0": model.baseline().at(TIMES).tolist()} | {
        name: {"values": value.tolist()} for name, value in answer.items()
    }


def _test(transform: str, data: str = "osteo_cohort") -> dict[str, Any]:
    model, time = fit(*NAMES, data=data), people(data)["time"].to_numpy()
    test = proportionality(model, time_function(model, time, transform))
    rows = np.column_stack([test.statistic, test.df, test.p]).tolist()
    return {"values": [*rows, list(test.whole)]}


def _residuals() -> dict[str, Any]:
    model, frame = fit("age", "tscore"), people()
    order = np.argsort(frame["time"].to_numpy(), kind="stable")
    order = order[frame["fx"].to_numpy()[order] == 1][:10]
    ids = tuple(str(i) for i in range(1, 11))
    return {
        "mart": _named(ids, model.martingale()[:10]),
        "dev": _named(ids, model.deviance()[:10]),
        "sch": {"values": model.schoenfeld()[order].tolist()},
        "dfb": {"values": model.dfbeta()[:10].tolist()},
    }


def _lung() -> dict[str, Any]:
    names, answer = ("age", "sex", "ph.ecog"), {}
    frame = people("surv_lung").select("time", "status", *names).drop_nulls()
    time, event = frame["time"].to_numpy().astype(float), frame["status"].to_numpy() == 2
    for short, ties in (("e", "efron"), ("b", "breslow")):
        answer[short] = summary(fit_cox(time, event, table(frame, *names), ties=ties), names)
    return answer


def _logistic() -> dict[str, Any]:
    result = odds_ratios(
        people("osteo_diag"), event="y", exposures=["ost", "age", "qus"], mutual=True,
        decrease=False, design="srs",
    )  # fmt: skip
    names, limits = ("ost", "age", "qus"), result.to_frame().select("lower", "upper").to_numpy()
    table_ = result.coefficients
    rows = np.vstack([[np.nan, np.nan], np.log(limits)]).tolist()
    return {
        "coef": dict(zip(names, table_["coefficient"], strict=True)),
        "se": dict(zip(names, table_["se"], strict=True)),
        "prof": {"values": rows},
    }


def _spline() -> dict[str, Any]:
    frame = people()
    age = frame["age"].to_numpy()
    knots = np.quantile(age, KNOTS[4])
    basis = spline_basis(age, knots)
    result: Association = hazard_ratios(
        frame, time="time", event="fx", exposures="tscore", adjust="age", splines={"age": 4},
        decrease=False,
    )  # fmt: skip
    (model,) = result.models
    coefficients = model.coefficients["coefficient"].to_numpy()
    curved, spread = coefficients[2:], model.covariance[2:, 2:]
    fitted = fit_cox(
        frame["time"].to_numpy(), frame["fx"].to_numpy() == 1,
        np.column_stack([basis, frame["tscore"].to_numpy()]),
    )  # fmt: skip
    return {
        "knots": knots.tolist(),
        "basis": {"values": basis[:5].tolist()},
        "coef": [*coefficients[1:].tolist(), float(coefficients[0])],
        "ll": list(fitted.loglik),
        "nl_wald": float(curved @ np.linalg.solve(spread, curved)),
    }


def _person_years() -> dict[str, Any]:
    result = person_years(
        people(), time="time", event="fx", age="age", ages=(50, 60, 70, 80, 90, 105)
    ).to_frame()
    return {"py": result["person_time"].to_list(), "ev": result["n_events"].to_list()}


ANSWERS = {
    **{f"cox.{t}": lambda t=t: _plain(*NAMES, ties=t) for t in ("efron", "breslow", "exact")},
    "cox.per_sd": _per_sd,
    "cox.per_sd_sex": _per_sd_sex,
    "cox.strata": lambda: _plain("age", "tscore", stratum=people()["sex"].to_numpy()),
    "cox.cluster": _cluster,
    "cox.weights": _weights,
    "cox.lefttrunc": _left_truncated,
    "cox.basehaz": _hazards,
    **{f"cox.zph.{t}": lambda t=t: _test(t) for t in ("km", "rank", "identity", "log")},
    "cox.zph_untied": lambda: _test("identity", "osteo_cohort_untied"),
    "cox.resid": _residuals,
    "lung": _lung,
    "pyears": _person_years,
    "logistic": _logistic,
    "logistic_tight": _logistic,
    "spline_tight": _spline,
    "rms.cph": _spline,
}


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine, bad = dict(numbers(ANSWERS[record]() if record in ANSWERS else {})), []
    for path, value in numbers(expected):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-8):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad
