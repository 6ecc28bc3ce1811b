"""Our answers to R survey's quantiles, regressions, tests, calibrated and replicate weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.special import expit
from survey_records import (
    API,
    BANDS,
    DATA,
    NHANES,
    OSTEO,
    Records,
    arrays,
    codes,
    column,
    est,
    limits,
    table,
)

from osteo_epi import survey as fitted_weights
from osteo_epi import survey as replication
from osteo_epi.survey import (
    BINOMIAL,
    QUANTILE_RULES,
    Regression,
    SurveyDesign,
    fit,
    mean,
    survey_quantile,
    survey_regression,
    term_test,
    total,
)
from osteo_epi.survey import _tests as survey_tests

QUARTILES = (0.25, 0.5, 0.75)
TAILS = (0.1, 0.25, 0.5, 0.9)
ETH = (1, 2, 3, 4)


def quantiles(
    name: str, field: str, asked: tuple, design: SurveyDesign = OSTEO, **how: Any
) -> dict:
    found = survey_quantile(column(name, field), asked, arrays(name, design), **how)
    ci = np.column_stack([found.lower, found.upper])
    return {"est": found.value, "se": found.se, "ci": {"values": ci.tolist()}}


def dummies(name: str, field: str, levels: tuple) -> list[np.ndarray]:
    code = codes(name, field, levels)
    return [(code == i).astype(float) for i in range(1, len(levels))]


def model(
    name: str,
    outcome: str,
    columns: dict[str, np.ndarray],
    family: str,
    design: SurveyDesign = OSTEO,
    domain: np.ndarray | None = None,
) -> Regression:
    parts = [np.ones(table(name).height), *columns.values()]
    return survey_regression(
        column(name, outcome),
        np.column_stack(parts),
        arrays(name, design),
        family=family,
        names=("(Intercept)", *columns),
        domain=domain,
    )


def scale_of_r(
    name: str, field: str, design: SurveyDesign = OSTEO, domain: np.ndarray | None = None
) -> float:
    """Mean weight of rows with the outcome over that of all: R's fits scale weights by that."""
    inside = np.ones(table(name).height, dtype=bool) if domain is None else domain
    complete = inside & ~np.isnan(column(name, field))
    weight = arrays(name, design).weight
    return weight[complete].mean() / weight[inside].mean()


def shown(result: Regression, scale: float = 1.0) -> dict:
    frame = result.to_frame()
    named = {"coef": "estimate", "se": "se", "t": "t", "p": "p", "ci_lo": "lower", "ci_hi": "upper"}
    values = {k: dict(zip(result.names, frame[v], strict=True)) for k, v in named.items()}
    return values | {
        "vcov": {"values": result.covariance.tolist()},
        "df_resid": result.df_residual,
        "dispersion": result.dispersion * scale,
    }


def plain(name: str, fields: str) -> dict[str, np.ndarray]:
    return {field: column(name, field) for field in fields.split()}


def gaussian() -> Regression:
    eth = dict(zip(("eth2", "eth3", "eth4"), dummies("osteo_survey", "eth", ETH), strict=True))
    return model("osteo_survey", "bmd", plain("osteo_survey", "age sex bmi") | eth, "gaussian")


def logistic() -> dict:
    columns = plain("osteo_survey", "age sex bmi smoke")
    result = model("osteo_survey", "osteo", columns, "binomial")
    return shown(result, scale_of_r("osteo_survey", "osteo"))


def in_women() -> dict:
    women = column("osteo_survey", "sex") == 1
    columns = plain("osteo_survey", "age bmi")
    result = model("osteo_survey", "osteo", columns, "binomial", domain=women)
    return shown(result, scale_of_r("osteo_survey", "osteo", domain=women))


def nhanes_model() -> dict:
    race = dummies("nhanes_survey", "race", (1, 2, 3, 4))
    age = dummies("nhanes_survey", "agecat", ("(0,19]", "(19,39]", "(39,59]", "(59,Inf]"))
    columns = dict(zip((f"factor(race){i}" for i in (2, 3, 4)), race, strict=True))
    names = ("agecat(19,39]", "agecat(39,59]", "agecat(59,Inf]")
    columns |= dict(zip(names, age, strict=True)) | plain("nhanes_survey", "RIAGENDR")
    result = model("nhanes_survey", "HI_CHOL", columns, "binomial", NHANES)
    return shown(result, scale_of_r("nhanes_survey", "HI_CHOL", NHANES))


def term() -> dict:
    whole = gaussian()
    terms = ("eth2", "eth3", "eth4")
    statistic, df, ddf, p = term_test(whole, terms)
    reduced = model("osteo_survey", "bmd", plain("osteo_survey", "age sex bmi"), "gaussian")
    lrt, effects = survey_tests.term_likelihood_test(whole, reduced, terms)
    result = {"F": statistic, "df": df, "ddf": ddf, "p": p, "lrt_p": lrt.p}
    scale = scale_of_r("osteo_survey", "bmd")
    return result | {"lrt_chisq": lrt.statistic * scale, "lambda": effects * scale}


def pair(
    rows: str, columns: str, levels: tuple, statistic: str, n: int | None
) -> survey_tests.Test:
    return survey_tests.association(
        codes("osteo_survey", rows, (0, 1)),
        codes("osteo_survey", columns, levels),
        arrays("osteo_survey"),
        statistic=statistic,
        n=n,
    )


def chisq(statistic: str) -> dict:
    test = pair("osteo", "agegrp", BANDS, statistic, table("osteo_survey").height)
    par = list(test.df)
    return {"stat": test.statistic, "par": par[0] if statistic == "Chisq" else par, "p": test.p}


def chisq_2x2(statistic: str) -> dict:
    test = pair("priorfx", "sex", (0, 1), statistic, None)
    par = list(test.df)
    return {"stat": test.statistic, "par": par[0] if statistic == "Chisq" else par, "p": test.p}


def chisq_nonmissing() -> dict:
    test = pair("osteo", "agegrp", BANDS, "Chisq", None)
    return {"stat": test.statistic, "p": test.p}


def chisq_nhanes() -> dict:
    test = survey_tests.association(
        codes("nhanes_survey", "HI_CHOL", (0, 1)),
        codes("nhanes_survey", "race", (1, 2, 3, 4)),
        arrays("nhanes_survey", NHANES),
        n=table("nhanes_survey").height,
    )
    return {"F": test.statistic, "par": list(test.df), "p": test.p}


def weighted_table() -> dict:
    rows, age = codes("osteo_survey", "osteo", (0, 1)), codes("osteo_survey", "agegrp", BANDS)
    cell = (rows[:, None] == np.arange(2))[:, :, None] & (age[:, None] == np.arange(4))[:, None]
    counts = total(cell.reshape(len(rows), 8).astype(float), arrays("osteo_survey"))
    return {"counts": {"values": counts.value.reshape(2, 4).tolist()}}


def t_test() -> dict:
    x = plain("osteo_survey", "sex")
    result = model("osteo_survey", "bmd", x, "gaussian")
    test = survey_tests.t_test(column("osteo_survey", "bmd"), x["sex"], arrays("osteo_survey"))
    low, high = result.to_frame()["lower"][1], result.to_frame()["upper"][1]
    shown = {"t": test.statistic, "df": test.df[0], "p": test.p, "est": test.estimate}
    return shown | {"ci": [low, high]}


def ranks(kind: str) -> dict:
    test = survey_tests.rank_test(
        column("osteo_survey", "bmd"),
        column("osteo_survey", "sex"),
        arrays("osteo_survey"),
        kind=kind,
    )
    return {"t": test.statistic, "df": test.df[0], "p": test.p, "diff": test.estimate}


def agreement() -> dict:
    result = survey_tests.kappa(
        *(codes("osteo_survey", c, (0, 1)) for c in ("osteo", "lowbm")), arrays("osteo_survey")
    )
    return {"k": result.value[0], "se": result.se[0]}


def distribution() -> dict:
    bmd = column("osteo_survey", "bmd")
    below = np.where(np.isnan(bmd)[:, None], np.nan, bmd[:, None] <= np.array([0.6, 0.8, 1.0]))
    return {"F": mean(below, arrays("osteo_survey")).value}


POPULATION = np.array([4e6, 3.5e6, 2.2e6, 1.1e6])


def fitted(design: Any, quantity: str, count: str | None, size: int = 20) -> dict:
    result: dict[str, Any] = {"mean": est(mean(column("osteo_survey", quantity), design), quantity)}
    if count:
        result["tot"] = est(total(column("osteo_survey", count), design), count)
    return result | {"w": design.weight[:size]}


def poststratified() -> dict:
    age = codes("osteo_survey", "agegrp", BANDS)
    return fitted(
        fitted_weights.poststratify(arrays("osteo_survey"), age, POPULATION), "bmi", "priorfx"
    )


def raked() -> dict:
    age, sex = codes("osteo_survey", "agegrp", BANDS), codes("osteo_survey", "sex", (0, 1))
    margins = [(age, POPULATION), (sex, np.array([5.1e6, 5.7e6]))]
    # R ends when no cell changes by one person.
    design = fitted_weights.rake(arrays("osteo_survey"), margins, tolerance=1 / POPULATION.sum())
    return fitted(design, "bmi", "priorfx")


def greg() -> dict:
    x = np.column_stack(
        [np.ones(table("osteo_survey").height), *plain("osteo_survey", "bmi sex").values()]
    )
    totals = np.array([1.08e7, 1.08e7 * 27.2, 5.7e6])
    return fitted(fitted_weights.calibrate(arrays("osteo_survey"), x, totals), "age", None)


def trimmed() -> dict:
    weight = fitted_weights.trim_weights(arrays("osteo_survey").weight, upper=15000)
    frame = table("osteo_survey").with_columns(wt=weight)
    result = mean(column("osteo_survey", "bmi"), OSTEO.arrays(frame))
    return {"w": weight[:40], "mean": est(result, "bmi")}


@cache
def sample(kind: str) -> tuple[str, replication.Replicates]:
    name = "osteo_survey_2psu" if kind in ("BRR", "Fay") else "osteo_survey"
    if kind in ("BRR", "Fay"):
        given = np.loadtxt(DATA / "osteo_rep_BRR.csv", delimiter=",", skiprows=1)
        rho = 0.3 if kind == "Fay" else 0.0
        # Fay's weights are those of BRR drawn towards the weights of the sample.
        weights = (1 - rho) * given[:, 1:] + rho * given[:, :1]
        return name, replication.given_replicates(given[:, 0], weights, kind=kind, rho=rho)
    design = arrays(name)
    if kind == "JK1":
        frame = table(name).with_columns(unit=table(name)["strata"] * 10 + table(name)["psu"])
        design = SurveyDesign(weight="wt", psu="unit").arrays(frame)
    return name, replication.replicates(design, kind=kind[:3], mse=kind.endswith("mse"))


def replicated(kind: str) -> dict:
    name, r = sample(kind)
    mask = (column(name, "sex") == 1) & (column(name, "age") >= 65)
    osteo, n = column(name, "osteo"), table(name).height
    prop = replication.replicate_mean(osteo, r)
    return {
        "scale": r.scale,
        "rscales": r.rscales,
        "rho": 0.3 if kind == "Fay" else 0,
        "mse": r.mse,
        "degf": r.df,
        "nrep": r.n_replicates,
        "mean": est(replication.replicate_mean(column(name, "bmd"), r), "bmd"),
        "prop": est(prop, "osteo"),
        "total": est(replication.replicate_total(column(name, "priorfx"), r), "priorfx"),
        "domain": est(replication.replicate_mean(column(name, "bmd"), r, domain=mask), "bmd"),
        "logit": replicated_logit(name, r),
        "ciprop_beta": flat(limits(prop, n=n, df=r.df, methods=("beta",))["beta"]),
        "ciprop_logit": replicated_interval(osteo, r),
        "median": replicated_median(name, r),
    }


def flat(one: dict) -> dict:
    return {"1": one["est"], "2.5%": one["lo"], "97.5%": one["hi"]}


def replicated_logit(name: str, r: replication.Replicates) -> dict:
    x = np.column_stack([np.ones(table(name).height), *plain(name, "age sex bmi").values()])
    y = column(name, "osteo")
    rows = ~np.isnan(y)

    def coefficients(weight: np.ndarray) -> np.ndarray:
        return fit(x[rows], y[rows], weight[rows], BINOMIAL)

    result = replication.replicate_estimate(coefficients, r, n=int(rows.sum()))
    names = ("(Intercept)", "age", "sex", "bmi")
    return {
        "coef": dict(zip(names, result.value, strict=True)),
        "se": dict(zip(names, result.se, strict=True)),
    }


def replicated_interval(y: np.ndarray, r: replication.Replicates) -> dict:
    rows = ~np.isnan(y)

    def log_odds(weight: np.ndarray) -> np.ndarray:
        p = weight[rows] @ y[rows] / weight[rows].sum()
        return np.array([np.log(p / (1 - p))])

    result = replication.replicate_estimate(log_odds, r, n=int(rows.sum()))
    low, high = result.interval()
    return {"1": expit(result.value[0]), "2.5%": expit(low[0]), "97.5%": expit(high[0])}


def replicated_median(name: str, r: replication.Replicates) -> dict:
    bmd = column(name, "bmd")
    rows = ~np.isnan(bmd)
    order = np.argsort(bmd[rows], kind="stable")
    x, w = bmd[rows][order], r.weight[rows][order]
    middle = QUANTILE_RULES["math"](x, w, 0.5)
    share = replication.replicate_mean(np.where(rows, bmd <= middle, np.nan), r)
    low, high = share.interval()
    ends = [QUANTILE_RULES["math"](x, w, p) for p in (low[0], high[0])]
    reach = (share.interval()[1][0] - share.value[0]) / share.se[0]
    return {"est": middle, "se": (ends[1] - ends[0]) / (2 * reach)}


def scd() -> dict:
    factors = np.column_stack([column("scd", f"rw.{i}") for i in range(1, 5)])
    r = replication.given_replicates(np.ones(6), factors, kind="BRR")
    result = replication.replicate_ratio(column("scd", "alive"), column("scd", "arrests"), r)
    return {"est": result.value[0], "se": result.se[0]}


def jackknifed_clusters() -> dict:
    r = replication.replicates(arrays("apiclus1", API["apiclus1"]), kind="JK1")
    return {
        "mean": est(replication.replicate_mean(column("apiclus1", "api00"), r), "api00"),
        "total": est(replication.replicate_total(column("apiclus1", "enroll"), r), "enroll"),
        "scale": r.scale,
    }


MODELS: Records = {
    **{
        f"osteo.quantile.qrule_{rule}": lambda rule=rule: quantiles(
            "osteo_survey", "bmd", TAILS, rule=rule
        )
        for rule in QUANTILE_RULES
    },
    **{
        f"osteo.quantile.int_{how}": lambda how=how: quantiles(
            "osteo_survey", "bmd", TAILS, interval=how
        )
        for how in ("mean", "beta", "xlogit", "asin")
    },
    **{
        f"{name}.quant": lambda name=name: quantiles(name, "api00", QUARTILES, API[name])
        for name in API
    },
    "osteo.glm.gauss": lambda: shown(gaussian(), scale_of_r("osteo_survey", "bmd")),
    "osteo.glm.logit": logistic,
    "osteo.glm.logit_tight": logistic,
    "osteo.glm.poisson": lambda: shown(
        model("osteo_survey", "priorfx", plain("osteo_survey", "age sex"), "poisson")
    ),
    "osteo.glm.domain": in_women,
    "osteo.regTermTest": term,
    "nhanes.glm": nhanes_model,
    **{
        f"{name}.glm": lambda name=name: shown(
            model(name, "api00", plain(name, "ell meals mobility"), "gaussian", API[name])
        )
        for name in API
    },
    **{f"osteo.svychisq.{s}": lambda s=s: chisq(s) for s in ("F", "Chisq", "Wald", "adjWald")},
    **{
        f"osteo.svychisq2x2.{s}": lambda s=s: chisq_2x2(s)
        for s in ("F", "Chisq", "Wald", "adjWald")
    },
    "osteo.chisq_nonmissing.Chisq": chisq_nonmissing,
    "nhanes.chisq": chisq_nhanes,
    "osteo.svytable": weighted_table,
    "osteo.svyttest": t_test,
    **{f"osteo.svyranktest.{k}": lambda k=k: ranks(k) for k in survey_tests.RANKS},
    "osteo.svykappa": agreement,
    "osteo.svykm": distribution,
    "osteo.postStratify": poststratified,
    "osteo.rake": raked,
    "osteo.greg": greg,
    "osteo.trimWeights": trimmed,
    **{f"rep.{k}": lambda k=k: replicated(k) for k in ("JKn", "JKn_mse", "JK1", "BRR", "Fay")},
    "scd.brr": scd,
    "apiclus1.jk1": jackknifed_clusters,
}
