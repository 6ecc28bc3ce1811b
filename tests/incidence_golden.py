"""Our answer to each record of tests/golden/f_incidence.json, and what differs and why.

The generator is tests/golden/R/13_incidence.R. An answer has the record's own structure.
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
    CumulativeIncidence,
    CurveComparison,
    FineGrayFit,
    SurvivalCurve,
    compare_curves,
    compare_incidence,
    cumulative_incidence,
    fit_fine_gray,
    survival_curve,
)
from osteo_epi.risk.hazard import fit_cox
from osteo_epi.survey import SurveyDesign

# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"cohort\.svykm/ci.*": (
        "survey takes limits from the normal law; the toolkit from Student's t with the design's "
        "degrees of freedom. test_survey_limits_of_r_are_ours_with_the_normal_law gets theirs"
    ),
    r"cohort\.svylogrank/.*": (
        "survey takes tied events as Efron does, a log-rank test otherwise has all who are at risk "
        "at the time; without ties (untied.svylogrank) they agree"
    ),
    r"cif\.prodlim/(lower|upper)\..*": (
        "prodlim prints its limits to fifteen digits of estimate ± 1.96 errors; its `n.event` and "
        "`n.lost` are of the last time printed"
    ),
    r"cif\.prodlim/n\.(event|lost)\..*": (
        "events and losses at one time of the table, which have no use between times"
    ),
    r"finegray/nrow": "rows of R's expanded table: none is made here",
    r"causespecific/(risk|se)\..*": (
        "an absolute risk of people with given covariates is a matter of prediction"
    ),
    r"late\.km/n\.risk.*": (
        "R counts at the next time at which somebody comes or leaves, the toolkit at the time asked"
    ),
    r"km\.rmst/(n\.max|n\.start)": "people, as `records`",
}
TIMES = (1.0, 5.0, 10.0)
NAMES = ("age", "tscore", "prior", "tbs")
DESIGN = SurveyDesign(weight="wt", stratum="strata", psu="psu")
KINDS = {
    1: {"event": "status", "event_positive": 1, "competing": "status", "competing_positive": 2},
    2: {"event": "status", "event_positive": 2, "competing": "status", "competing_positive": 1},
}


@cache
def people(name: str = "osteo_cohort") -> pl.DataFrame:
    """The people of a data file; "untied_survey" has the times without ties."""
    if name == "untied_survey":
        untied = people("osteo_cohort_untied")["time"]
        return people("osteo_cohort_survey").with_columns(untied)
    frame = pl.read_csv(FOLDER / "data" / f"{name}.csv")
    if name == "osteo_cohort":
        return frame.with_columns(end=pl.col("age") + pl.col("time"))
    return frame


def fit(kind: int = 1, *, data: str = "osteo_cohort", **options: Any) -> FineGrayFit:
    """Fine and Gray's model of the records."""
    frame = people(data)
    x = frame.select(NAMES).to_numpy().astype(float)
    return fit_fine_gray(
        frame["time"].to_numpy(), frame["status"].to_numpy(), x, kind=kind, **options
    )


def curve(data: str = "osteo_cohort", **options: Any) -> SurvivalCurve:
    """Survival free of fracture."""
    given = {"time": "time", "event": "fx", "at": TIMES} | options
    return survival_curve(people(data), **given)


def share(kind: int = 1, data: str = "osteo_cohort", **options: Any) -> CumulativeIncidence:
    """Cumulative incidence of fracture (1) or death (2)."""
    given = {"time": "time", "at": TIMES} | KINDS[kind] | options
    return cumulative_incidence(people(data), **given)


def _column(result: Any, name: str) -> list[float]:
    own = result.to_frame()
    if "event" in own.columns:
        own = own.filter(pl.col("event") == own["event"][0])
    return own[name].to_list()


def _km(interval: str) -> dict[str, Any]:
    result = curve(interval=interval)
    names = {"surv": "survival", "se": "se", "lo": "lower", "hi": "upper", "n.risk": "n_at_risk"}
    return {key: _column(result, name) for key, name in names.items()}


def _rmst() -> dict[str, Any]:
    (one,) = curve(mean_until=10).groups
    assert one.mean is not None
    return {
        "records": one.n, "events": one.n_events, "rmean": one.mean.estimate,
        "se(rmean)": one.mean.se,
    }  # fmt: skip


def _log_rank(data: str = "osteo_cohort", by: str = "prior", **options: Any) -> CurveComparison:
    return compare_curves(people(data), time="time", event="fx", by=by, **options)


def _compared() -> dict[str, Any]:
    first, peto = _log_rank(), _log_rank(rho=1)
    return {
        "chisq": first.statistic, "O": first.observed.tolist(), "E": first.expected.tolist(),
        "peto": peto.statistic,
    }  # fmt: skip


def _cmprsk() -> dict[str, Any]:
    estimates, variances, tests = [], [], []
    for kind in (1, 2):
        for one in share(kind, by="prior", variance="aalen").groups:
            estimates.append([m.estimate for m in one.estimates])
            variances.append([(m.se or 0.0) ** 2 for m in one.estimates])
        test = compare_incidence(people(), time="time", by="prior", **KINDS[kind])
        tests.append([test.statistic, test.p, test.df[0]])
    return {k: {"values": v} for k, v in
            {"est": estimates, "var": variances, "tests": tests}.items()}  # fmt: skip


def _states() -> dict[str, Any]:
    """R's limits are on the scale of the logarithm; its first state is free of both events."""
    first, second = (share(kind, interval="log") for kind in (1, 2))
    both = survival_curve(
        people(), time="time", event="status", event_positive="[1, 2]", at=TIMES, interval="log"
    )
    names = {"p": "incidence", "se": "se", "lo": "lower", "hi": "upper"}
    columns = {
        key: [_column(both, "survival" if key == "p" else name),
              *(_column(one, name) for one in (first, second))]
        for key, name in names.items()
    }  # fmt: skip
    return {key: {"values": np.transpose(value).tolist()} for key, value in columns.items()}


def _prodlim() -> dict[str, Any]:
    result = share(interval="plain")
    names = {"time": "time", "n.risk": "n_at_risk", "cuminc": "incidence", "se.cuminc": "se"}
    return {key: _column(result, name) for key, name in names.items()}


def _coefficients(model: FineGrayFit, covariance: np.ndarray) -> dict[str, Any]:
    named = dict(zip(NAMES, model.coefficients.tolist(), strict=True))
    return {"coef": named, "se": np.sqrt(np.diag(covariance)).tolist()}


def _crr(kind: int = 1, data: str = "osteo_cohort") -> dict[str, Any]:
    model = fit(kind, data=data)
    at = np.array([[70, -2.5, 1, 1.3], [60, -1, 0, 1.35]])
    last = [model.baseline.times[model.baseline.times <= t][-1] for t in TIMES]
    risks = np.column_stack([last, model.incidence(at, np.array(TIMES)).T])
    return _coefficients(model, model.covariance) | {
        "vcov": {"values": model.covariance.tolist()},
        "ll0": model.loglik[0], "ll": model.loglik[1],
        "shr": dict(zip(NAMES, np.exp(model.coefficients).tolist(), strict=True)),
        "pred": {"values": risks.tolist()},
    }  # fmt: skip


def _finegray() -> dict[str, Any]:
    model = fit(ties="efron")
    answer = _coefficients(model, model.sandwich(model.simple_residuals))
    return answer | {"se": dict(zip(NAMES, answer["se"], strict=True))}


def _cause_specific() -> dict[str, Any]:
    """The competing event is taken as censoring."""
    frame, names = people(), NAMES[:3]
    x, time = frame.select(names).to_numpy().astype(float), frame["time"].to_numpy()
    answer = {}
    for kind in (1, 2):
        model = fit_cox(time, frame["status"].to_numpy() == kind, x)
        answer[f"Cause {kind}"] = dict(zip(names, model.coefficients.tolist(), strict=True))
    return {"coef": answer}


def _svykm() -> dict[str, Any]:
    """With errors, R's curve is exp(−cumulative hazard)."""
    result = curve("osteo_cohort_survey", at=(2.0, 5.0, 10.0), design=DESIGN)
    (one,) = result.groups
    return {
        "time": list(result.times),
        "surv": {str(i + 1): float(np.exp(-m.estimate)) for i, m in enumerate(one.hazards)},
        "varlog": [(m.se or 0.0) ** 2 for m in one.hazards],
    }


def _svylogrank() -> dict[str, Any]:
    """R leaves out the first group."""
    first, peto = (_log_rank("untied_survey", "site", design=DESIGN, rho=r) for r in (0, 1))
    return {
        "score": first.score[1:].tolist(), "se": first.se[1:].tolist(),
        "chisq": {"Chisq": first.statistic}, "peto": {"Chisq": peto.statistic},
    }  # fmt: skip


def _late() -> tuple[SurvivalCurve, CumulativeIncidence, CumulativeIncidence]:
    given = {"time": "end", "entry": "age", "at": (70.0, 80.0, 90.0)}
    return curve(**given), share(1, **given), share(2, **given)


def _late_km() -> dict[str, Any]:
    result = _late()[0]
    names = {"surv": "survival", "se": "se", "H": "hazard", "Hse": "hazard_se",
             "n.risk": "n_at_risk"}  # fmt: skip
    return {key: _column(result, name) for key, name in names.items()}


def _late_cif() -> dict[str, Any]:
    ours = _late()[1:]
    pairs = {"p": "incidence", "se": "se"}
    return {
        key: {"values": np.transpose([_column(one, name) for one in ours]).tolist()}
        for key, name in pairs.items()
    }


def _lung() -> dict[str, Any]:
    frame = people("surv_lung").with_columns(died=pl.col("status") == 2)
    given = {"time": "time", "event": "died", "by": "sex"}
    medians = [g.median for g in survival_curve(frame, at=[1], **given).groups]
    ends = {"median": "estimate", "lo": "lower", "hi": "upper"}
    answer: dict[str, Any] = {
        key: {f"sex={i + 1}": getattr(m, name) for i, m in enumerate(medians)}
        for key, name in ends.items()
    }
    return answer | {"chisq": compare_curves(frame, **given).statistic}


def _weighted() -> dict[str, Any]:
    """Weights of people drawn one by one, without the factor n / (n − 1) of a design."""
    result = share(1, "osteo_cohort_survey", by="prior", design=SurveyDesign(weight="wt"))
    n = people().height
    ses = [m.se * np.sqrt((n - 1) / n) for g in result.groups for m in g.estimates if m.se]
    return {"p": _column(result, "incidence"), "se": ses}


ANSWERS = {
    "km.rmst": _rmst,
    "na": lambda: {"H": _column(curve(), "hazard"), "se": _column(curve(), "hazard_se")},
    "logrank": _compared,
    "cif.cmprsk": _cmprsk,
    "cif.survival": _states,
    "cif.prodlim": _prodlim,
    "crr.cause1": _crr,
    "crr.cause2": lambda: _crr(2),
    "untied.crr": lambda: _crr(1, "osteo_cohort_untied"),
    "finegray": _finegray,
    "causespecific": _cause_specific,
    "cohort.svykm": _svykm,
    "untied.svylogrank.site": _svylogrank,
    "untied.svykm.exact": lambda: {
        "surv": _column(curve("untied_survey", at=(2.0, 5.0, 10.0), design=DESIGN), "survival")
    },
    "weighted.cif": _weighted,
    "late.km": _late_km,
    "late.cif": _late_cif,
    "lung.km": _lung,
}


def answer(record: str) -> dict[str, Any]:
    """Our answer to one record."""
    if record.startswith("km.") and record != "km.rmst":
        return _km(record.removeprefix("km.").replace("-", "_"))
    return ANSWERS[record]() if record in ANSWERS else {}


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine, bad = dict(numbers(answer(record))), []
    for path, value in numbers(expected):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-8):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad
