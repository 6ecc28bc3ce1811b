"""Our answer to each record of R survey: identifier -> function that gives the same structure.

The generator is tests/golden/R/01_survey.R; the records are tests/golden/a_survey.json.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from osteo_epi.survey import (
    Estimate,
    SurveyDesign,
    contrast,
    degrees_of_freedom,
    domain_means,
    mean,
    ratio,
    shares_by_name,
    standardised_mean,
    standardised_weights,
    survey_interval,
    total,
    variance_of,
)

DATA = Path(__file__).parent / "golden" / "data"
SHARED = Path(os.environ.get("OSTEO_EPI_SHARED", Path(__file__).parents[2] / "shared"))
CIPROP = ("logit", "likelihood", "beta", "mean", "wilson")
BANDS = ("50-59", "60-69", "70-79", "80+")
LONELY = ("adjust", "average", "certainty", "remove")
STANDARD = {"50-59": 13500.0, "60-69": 11500.0, "70-79": 9000.0, "80+": 5000.0}
OSTEO = SurveyDesign(weight="wt", stratum="strata", psu="psu")
NHANES = SurveyDesign(weight="WTMEC2YR", stratum="SDMVSTRA", psu="SDMVPSU")
API = {
    "apistrat": SurveyDesign(weight="pw", stratum="stype", fpc="fpc"),
    "apiclus1": SurveyDesign(weight="pw", psu="dnum", fpc="fpc"),
    "apiclus2": SurveyDesign(psu=("dnum", "snum"), fpc=("fpc1", "fpc2")),
}


@cache
def table(name: str) -> pl.DataFrame:
    """Data of the project, or NHANES microdata, which are never part of it."""
    path = DATA / f"{name}.csv"
    if not path.exists():
        path = SHARED / "golden" / "data" / path.name
    if not path.exists():
        pytest.skip(f"{path.name} is microdata: absent without the shared folder")
    return pl.read_csv(path, infer_schema_length=None)


def column(name: str, field: str) -> np.ndarray:
    return table(name)[field].cast(pl.Float64).to_numpy()


def codes(name: str, field: str, levels: tuple[Any, ...]) -> np.ndarray:
    values = table(name)[field].to_list()
    return np.array([levels.index(v) if v in levels else -1 for v in values])


@cache
def arrays(name: str, design: SurveyDesign = OSTEO):
    return design.arrays(table(name))


def full(estimate: Estimate, names: list[str], df: int) -> dict[str, Any]:
    """The R function of the same name: estimate, se, limits on z and on t."""
    low_z, high_z = estimate.interval(df=np.inf)
    low_t, high_t = estimate.interval(df=df)
    named = {"estimate": estimate.value, "se": estimate.se}
    result: dict[str, Any] = {k: dict(zip(names, v, strict=True)) for k, v in named.items()}
    limits = {"ci_z_lo": low_z, "ci_z_hi": high_z, "ci_t_lo": low_t, "ci_t_hi": high_t}
    single = len(names) == 1
    for key, value in limits.items():
        result[key] = value[0] if single else dict(zip(names, value, strict=True))
    return result | {"df": df}


def est(estimate: Estimate, name: str) -> dict[str, Any]:
    return {"estimate": {name: estimate.value[0]}, "se": {name: estimate.se[0]}}


def limits(estimate: Estimate, *, n: int, df: int, methods: tuple[str, ...] = CIPROP) -> dict:
    result = {}
    for method in methods:
        low, high = survey_interval(estimate.value, estimate.se, n=n, df=df, method=method)
        result[method] = {"est": estimate.value[0], "lo": low[0], "hi": high[0]}
    return result


Records = dict[str, Callable[[], Any]]


def quick(prefix: str, name: str, design: SurveyDesign, binary: str, quantity: str) -> Records:
    """The R function of the same name; R counts rows with a missing outcome in ciprop's n."""

    def ciprop() -> dict:
        d = arrays(name, design)
        result = mean(column(name, binary), d)
        return limits(result, n=d.n_rows, df=degrees_of_freedom(d))

    def deff() -> dict:
        result = mean(column(name, binary), arrays(name, design))
        return {"deff": result.design_effect, "deff_replace": result.design_effect_replace}

    def whole(function: Callable, field: str) -> dict:
        d = arrays(name, design)
        return full(function(column(name, field), d), [field], degrees_of_freedom(d))

    def var() -> dict:
        result = variance_of(column(name, quantity), arrays(name, design))
        return {"estimate": result.value[0], "se": result.se[0]}

    return {
        f"{prefix}.mean.{quantity}": lambda: whole(mean, quantity),
        f"{prefix}.total.{quantity}": lambda: whole(total, quantity),
        f"{prefix}.prop.{binary}": lambda: whole(mean, binary),
        f"{prefix}.ciprop.{binary}": ciprop,
        f"{prefix}.deff.{binary}": deff,
        f"{prefix}.var.{quantity}": var,
    }


def matrix(values: np.ndarray) -> list[list[float]]:
    return values.tolist()


def indicators(name: str, field: str, levels: tuple[Any, ...]) -> np.ndarray:
    return (codes(name, field, levels)[:, None] == np.arange(len(levels))).astype(float)


def mean2() -> dict:
    both = np.column_stack([column("osteo_survey", c) for c in ("bmi", "age")])
    result = mean(both, arrays("osteo_survey"))
    return full(result, ["bmi", "age"], 17) | {"vcov": {"values": matrix(result.covariance)}}


def factor_mean(name: str, design: SurveyDesign, field: str, levels: tuple, df: int) -> dict:
    result = mean(indicators(name, field, levels), arrays(name, design))
    shown = full(result, [f"{field}{level}" for level in levels], df)
    return shown | {"vcov": {"values": matrix(result.covariance)}}


def osteo_ratio() -> dict:
    result = ratio(*(column("osteo_survey", c) for c in ("priorfx", "age")), arrays("osteo_survey"))
    low, high = result.interval()
    return {"est": result.value[0], "se": result.se[0], "ci": [low[0], high[0]]}


def nonmissing() -> dict:
    result = mean(column("osteo_survey", "osteo"), arrays("osteo_survey"))
    return limits(result, n=result.n, df=result.df)


def older(sex: int) -> np.ndarray:
    return (column("osteo_survey", "sex") == sex) & (column("osteo_survey", "age") >= 65)


def domain_ciprop(sex: int, *, whole_df: bool) -> dict:
    d, mask = arrays("osteo_survey"), older(sex)
    result = mean(column("osteo_survey", "osteo"), d, domain=mask)
    df = degrees_of_freedom(d, None if whole_df else mask)
    return {"degf": df} | limits(result, n=int(mask.sum()), df=df)


def missing_psu() -> dict:
    strata, psu = column("osteo_survey", "strata"), column("osteo_survey", "psu")
    mask = ~np.isin(strata, (3, 6)) & ~((strata == 8) & (psu == 2))
    result = mean(column("osteo_survey", "bmd"), arrays("osteo_survey"), domain=mask)
    return full(result, ["bmd"], degrees_of_freedom(arrays("osteo_survey"), mask))


def cells() -> list[tuple[str, int, np.ndarray]]:
    age, sex = codes("osteo_survey", "agegrp", BANDS), column("osteo_survey", "sex")
    return [(b, s, (age == i) & (sex == s)) for s in (0, 1) for i, b in enumerate(BANDS)]


def svyby() -> dict:
    d = arrays("osteo_survey")
    parts = [mean(column("osteo_survey", "osteo"), d, domain=mask) for _, _, mask in cells()]
    se = np.array([p.se[0] for p in parts])
    value = np.array([p.value[0] for p in parts])
    with np.errstate(invalid="ignore", divide="ignore"):
        cv = se / value
    # R's svyby(vartype = "ci", df =) reaches confint of each domain with the t of that df.
    ends = [p.interval(df=np.inf) for p in parts]
    return {
        "agegrp": [b for b, _, _ in cells()],
        "sex": [s for _, s, _ in cells()],
        "osteo": value,
        "se": se,
        "ci_l": [low[0] for low, _ in ends],
        "ci_u": [high[0] for _, high in ends],
        "cv": cv,
        "var": se**2,
        "DEff.osteo": [p.design_effect[0] for p in parts],
    }


def svyby_beta() -> dict:
    d = arrays("osteo_survey")
    shown: dict[str, list] = {"agegrp": [], "sex": [], "osteo": [], "ci_l": [], "ci_u": []}
    for band, sex, mask in cells():
        result = mean(column("osteo_survey", "osteo"), d, domain=mask)
        df = degrees_of_freedom(d, mask)
        beta = limits(result, n=int(mask.sum()), df=df, methods=("beta",))["beta"]
        row = (band, sex, beta["est"], beta["lo"], beta["hi"])
        for key, value in zip(shown, row, strict=True):
            shown[key].append(value)
    # R has no limits where there are no events; ours are exact there and tested elsewhere.
    zero = shown["osteo"].index(0.0)
    shown["ci_l"][zero] = shown["ci_u"][zero] = None
    return shown


def svyby_cov() -> dict:
    sex = column("osteo_survey", "sex").astype(int)
    result = domain_means(column("osteo_survey", "bmd"), sex, arrays("osteo_survey"))
    difference = contrast(result, np.array([1.0, -1.0]))
    return {
        "vcov": {"values": matrix(result.covariance)},
        "diff": difference.value[0],
        "se": difference.se[0],
    }


def standard(domain: np.ndarray | None = None) -> Estimate:
    return standardised_mean(
        column("osteo_survey", "osteo"),
        codes("osteo_survey", "agegrp", BANDS),
        shares_by_name(STANDARD, BANDS),
        arrays("osteo_survey"),
        domain=domain,
    )


def std_ciprop() -> dict:
    return limits(standard(), n=standard().n, df=17)


def std_by_sex() -> dict:
    parts = [standard(column("osteo_survey", "sex") == s) for s in (0, 1)]
    ends = [p.interval(df=np.inf) for p in parts]
    return {
        "sex": [0, 1],
        "osteo": [p.value[0] for p in parts],
        "se": [p.se[0] for p in parts],
        "ci_l": [low[0] for low, _ in ends],
        "ci_u": [high[0] for _, high in ends],
    }


def std_weights() -> dict:
    sex = column("osteo_survey", "sex")
    measured = ~np.isnan(column("osteo_survey", "osteo"))
    age, share = codes("osteo_survey", "agegrp", BANDS), shares_by_name(STANDARD, BANDS)
    new = sum(
        standardised_weights(arrays("osteo_survey"), age, share, domain=measured & (sex == s))
        for s in (0, 1)
    )
    return {"w": new[measured][:30]}


def lonely(option: str) -> dict:
    name, design = "osteo_survey_lonely", SurveyDesign("wt", "strata", "psu", lonely=option)
    d = arrays(name, design)
    osteo = mean(column(name, "osteo"), d)
    df = degrees_of_freedom(d)
    return full(mean(column(name, "bmi"), d), ["bmi"], df) | {
        "osteo": est(osteo, "osteo"),
        "total": est(total(column(name, "priorfx"), d), "priorfx"),
        "ciprop": limits(osteo, n=d.n_rows, df=df),
    }


def lonely_domain(option: str, thinned: bool) -> dict:
    design = SurveyDesign("wt", "strata", "psu", lonely=option, lonely_domains=thinned)
    strata, psu = column("osteo_survey", "strata"), column("osteo_survey", "psu")
    mask = ~((strata == 5) & (psu == 1))
    d = arrays("osteo_survey", design)
    result = mean(column("osteo_survey", "bmi"), d, domain=mask)
    return full(result, ["bmi"], degrees_of_freedom(d, mask))


AGECAT = ("(0,19]", "(19,39]", "(39,59]", "(59,Inf]")
RACE_SEX = [(race, sex) for sex in (1, 2) for race in (1, 2, 3, 4)]


def race_sex(race: int, sex: int) -> np.ndarray:
    name = "nhanes_survey"
    return (column(name, "race") == race) & (column(name, "RIAGENDR") == sex)


def race_sex_shown(parts: list[Estimate]) -> dict:
    ends = [p.interval(df=np.inf) for p in parts]
    return {
        "race": [race for race, _ in RACE_SEX],
        "RIAGENDR": [sex for _, sex in RACE_SEX],
        "HI_CHOL": [p.value[0] for p in parts],
        "se": [p.se[0] for p in parts],
        "ci_l": [low[0] for low, _ in ends],
        "ci_u": [high[0] for _, high in ends],
    }


def by_race_sex() -> dict:
    d, high = arrays("nhanes_survey", NHANES), column("nhanes_survey", "HI_CHOL")
    return race_sex_shown([mean(high, d, domain=race_sex(*cell)) for cell in RACE_SEX])


def std_race_sex() -> dict:
    d, high = arrays("nhanes_survey", NHANES), column("nhanes_survey", "HI_CHOL")
    counts = dict(zip(AGECAT, (55901.0, 77670.0, 72816.0, 45364.0), strict=True))
    age, share = codes("nhanes_survey", "agecat", AGECAT), shares_by_name(counts, AGECAT)
    return race_sex_shown(
        [standardised_mean(high, age, share, d, domain=race_sex(*cell)) for cell in RACE_SEX]
    )


def agecat(function: Callable) -> dict:
    result = function(
        indicators("nhanes_survey", "agecat", AGECAT), arrays("nhanes_survey", NHANES)
    )
    return full(result, [f"agecat{level}" for level in AGECAT], 16)


def api_of(name: str, kind: str) -> dict:
    d = arrays(name, API[name])
    if kind == "deff":
        result = mean(column(name, "api00"), d)
        return {"deff": result.design_effect, "replace": result.design_effect_replace}
    if kind == "ratio":
        result = ratio(column(name, "api.stu"), column(name, "enroll"), d)
        return {"est": result.value[0], "se": result.se[0]}
    function, field = {"mean": (mean, "api00"), "total": (total, "enroll")}[kind]
    return full(function(column(name, field), d), [field], degrees_of_freedom(d))


def api_ciprop(name: str, event: pl.Expr) -> dict:
    d = arrays(name, API[name])
    values = table(name).select(event.cast(pl.Float64)).to_series().to_numpy()
    return limits(mean(values, d), n=d.n_rows, df=degrees_of_freedom(d))


AWARDED = pl.col("awards") == "Yes"
RECORDS: Records = {
    **quick("osteo", "osteo_survey", OSTEO, "osteo", "bmd"),
    **{
        k: v
        for k, v in quick("nhanes", "nhanes_survey", NHANES, "HI_CHOL", "HI_CHOL").items()
        if "total" not in k and "var" not in k
    },
    "osteo.mean2": mean2,
    "osteo.factor_mean": lambda: factor_mean("osteo_survey", OSTEO, "agegrp", BANDS, 17),
    "osteo.ratio": osteo_ratio,
    "osteo.ciprop_nonmissing.osteo": nonmissing,
    **{
        f"osteo.domain.sex{s}_65p.mean": lambda s=s: full(
            mean(column("osteo_survey", "bmd"), arrays("osteo_survey"), domain=older(s)),
            ["bmd"],
            17,
        )
        for s in (0, 1)
    },
    **{
        f"osteo.domain.sex{s}_65p.ciprop{tail}": lambda s=s, tail=tail: domain_ciprop(
            s, whole_df=bool(tail)
        )
        for s in (0, 1)
        for tail in ("", "_fulldf")
    },
    "osteo.domain.missingPSU": missing_psu,
    "osteo.svyby": svyby,
    "osteo.svyby_ciprop_beta": svyby_beta,
    "osteo.svyby_cov": svyby_cov,
    "osteo.std.overall": lambda: full(standard(), ["osteo"], 17),
    "osteo.std.ciprop": std_ciprop,
    "osteo.std.bysex": std_by_sex,
    "osteo.std.weights": std_weights,
    **{f"lonely.{o}": lambda o=o: lonely(o) for o in LONELY},
    **{
        f"lonely_domain.{o}.adjust_{str(t).upper()}": lambda o=o, t=t: lonely_domain(o, t)
        for o in LONELY
        for t in (True, False)
    },
    "nhanes.mean.agecat": lambda: agecat(mean),
    "nhanes.total.agecat": lambda: agecat(total),
    "nhanes.bysexrace": by_race_sex,
    "nhanes.std": std_race_sex,
    **{
        f"{name}.{kind}": lambda name=name, kind=kind: api_of(name, kind)
        for name in API
        for kind in ("mean", "total", "deff", "ratio")
    },
    **{
        f"{name}.both": lambda name=name: factor_mean(
            name, API[name], "awards", ("No", "Yes"), degrees_of_freedom(arrays(name, API[name]))
        )
        for name in API
    },
    "apistrat.ciprop": lambda: api_ciprop("apistrat", AWARDED),
    "apiclus1.ciprop": lambda: api_ciprop("apiclus1", AWARDED),
    "apiclus1.ciprop_rare": lambda: api_ciprop("apiclus1", pl.col("ell") == 0),
}
