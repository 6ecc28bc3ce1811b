"""Our answers to R survey's quantiles, regressions, tests and replicate weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.special import expit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
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

from osteo_epi import survey
from osteo_epi.survey import (
    DesignArrays,
    RaoScott,
    Regression,
    Replicates,
    SurveyDesign,
    given_replicates,
    rao_scott_test,
    replicate_estimate,
    replicate_mean,
    replicate_ratio,
    replicate_total,
    survey_quantile,
    survey_regression,
    term_test,
)

QUARTILES = (0.25, 0.5, 0.75)
TAILS = (0.1, 0.25, 0.5, 0.9)
ETH = (1, 2, 3, 4)


def quantiles(
    name: str, field: str, asked: tuple, design: SurveyDesign = OSTEO, **how: Any
) -> dict:
    result = survey_quantile(column(name, field), asked, arrays(name, design), **how)
    ci = np.column_stack([result.lower, result.upper])
    return {"est": result.value, "se": result.se, "ci": {"values": ci.tolist()}}


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
    statistic, df, ddf, p = term_test(whole, ("eth2", "eth3", "eth4"))
    return {"F": statistic, "df": df, "ddf": ddf, "p": p}


def independence(rows: str, columns: str, levels: tuple) -> RaoScott:
    return rao_scott_test(
        codes("osteo_survey", rows, (0, 1)),
        codes("osteo_survey", columns, levels),
        arrays("osteo_survey"),
    )


def chisq(test: RaoScott) -> dict:
    return {"stat": test.statistic, "par": list(test.df), "p": test.p}


def chisq_nhanes() -> dict:
    test = rao_scott_test(
        codes("nhanes_survey", "HI_CHOL", (0, 1)),
        codes("nhanes_survey", "race", (1, 2, 3, 4)),
        arrays("nhanes_survey", NHANES),
    )
    return {"F": test.statistic, "par": list(test.df), "p": test.p}


def weighted_table() -> dict:
    rows, age = codes("osteo_survey", "osteo", (0, 1)), codes("osteo_survey", "agegrp", BANDS)
    cell = (rows[:, None] == np.arange(2))[:, :, None] & (age[:, None] == np.arange(4))[:, None]
    counts = survey.total(cell.reshape(len(rows), 8).astype(float), arrays("osteo_survey"))
    return {"counts": {"values": counts.value.reshape(2, 4).tolist()}}


def distribution() -> dict:
    bmd = column("osteo_survey", "bmd")
    below = np.where(np.isnan(bmd)[:, None], np.nan, bmd[:, None] <= np.array([0.6, 0.8, 1.0]))
    return {"F": survey.mean(below, arrays("osteo_survey")).value}


def jackknife(design: DesignArrays) -> np.ndarray:
    """(n, U) weights with one unit left out, whose stratum's other units carry its weight."""
    stage = design.stages[0]
    size = stage.sampled[stage.stratum]
    same = stage.stratum[:, None] == stage.stratum
    factor = np.where(same, size / (size - 1), 1.0)
    np.fill_diagonal(factor, 0.0)
    return design.weight[:, None] * factor[stage.unit]


def one_stratum() -> DesignArrays:
    """Every unit of every stratum, taken as drawn from one: what JK1 is for."""
    unit = table("osteo_survey")["strata"] * 10 + table("osteo_survey")["psu"]
    frame = table("osteo_survey").with_columns(unit=unit)
    return SurveyDesign(weight="wt", psu="unit").arrays(frame)


@cache
def sample(kind: str) -> tuple[str, Replicates]:
    if kind in ("BRR", "Fay"):
        given = np.loadtxt(DATA / "osteo_rep_BRR.csv", delimiter=",", skiprows=1)
        rho = 0.3 if kind == "Fay" else 0.0
        # Fay's weights are those of BRR drawn towards the weights of the sample.
        weights = (1 - rho) * given[:, 1:] + rho * given[:, :1]
        return "osteo_survey_2psu", given_replicates(given[:, 0], weights, kind=kind, rho=rho)
    design = one_stratum() if kind == "JK1" else arrays("osteo_survey")
    stage = design.stages[0]
    each = ((stage.sampled - 1) / stage.sampled)[stage.stratum]
    return "osteo_survey", given_replicates(
        design.weight,
        jackknife(design),
        kind=kind[:3],
        rscales=None if kind == "JK1" else each,
        mse=kind.endswith("mse"),
    )


def replicated(kind: str) -> dict:
    name, r = sample(kind)
    mask = (column(name, "sex") == 1) & (column(name, "age") >= 65)
    osteo, n = column(name, "osteo"), table(name).height
    prop = replicate_mean(osteo, r)
    return {
        "scale": r.scale,
        "rscales": r.rscales,
        "rho": 0.3 if kind == "Fay" else 0,
        "mse": r.mse,
        "degf": r.df,
        "nrep": r.n_replicates,
        "mean": est(replicate_mean(column(name, "bmd"), r), "bmd"),
        "prop": est(prop, "osteo"),
        "total": est(replicate_total(column(name, "priorfx"), r), "priorfx"),
        "domain": est(replicate_mean(column(name, "bmd"), r, domain=mask), "bmd"),
        "logit": replicated_logit(name, r),
        "ciprop_beta": flat(limits(prop, n=n, df=r.df, methods=("beta",))["beta"]),
        "ciprop_logit": replicated_interval(osteo, r),
        "median": replicated_median(name, r),
    }


def flat(one: dict) -> dict:
    return {"1": one["est"], "2.5%": one["lo"], "97.5%": one["hi"]}


def replicated_logit(name: str, r: Replicates) -> dict:
    x = np.column_stack([np.ones(table(name).height), *plain(name, "age sex bmi").values()])
    y = column(name, "osteo")
    rows = ~np.isnan(y)

    def coefficients(weight: np.ndarray) -> np.ndarray:
        return GLM(y[rows], x[rows], Binomial(), freq_weights=weight[rows]).fit().params

    result = replicate_estimate(coefficients, r, n=int(rows.sum()))
    names = ("(Intercept)", "age", "sex", "bmi")
    return {
        "coef": dict(zip(names, result.value, strict=True)),
        "se": dict(zip(names, result.se, strict=True)),
    }


def replicated_interval(y: np.ndarray, r: Replicates) -> dict:
    rows = ~np.isnan(y)

    def log_odds(weight: np.ndarray) -> np.ndarray:
        p = weight[rows] @ y[rows] / weight[rows].sum()
        return np.array([np.log(p / (1 - p))])

    result = replicate_estimate(log_odds, r, n=int(rows.sum()))
    low, high = result.interval()
    return {"1": expit(result.value[0]), "2.5%": expit(low[0]), "97.5%": expit(high[0])}


def replicated_median(name: str, r: Replicates) -> dict:
    bmd = column(name, "bmd")
    rows = ~np.isnan(bmd)
    order = np.argsort(bmd[rows], kind="stable")
    x, reached = bmd[rows][order], np.cumsum(r.weight[rows][order])
    middle = x[np.searchsorted(reached, 0.5 * reached[-1])]
    share = replicate_mean(np.where(rows, bmd <= middle, np.nan), r)
    low, high = (x[np.searchsorted(reached, end[0] * reached[-1])] for end in share.interval())
    reach = (share.interval()[1][0] - share.value[0]) / share.se[0]
    return {"est": middle, "se": (high - low) / (2 * reach)}


def scd() -> dict:
    factors = np.column_stack([column("scd", f"rw.{i}") for i in range(1, 5)])
    r = given_replicates(np.ones(6), factors, kind="BRR")
    result = replicate_ratio(column("scd", "alive"), column("scd", "arrests"), r)
    return {"est": result.value[0], "se": result.se[0]}


def jackknifed_clusters() -> dict:
    design = arrays("apiclus1", API["apiclus1"])
    stage = design.stages[0]
    scale = stage.left_out[0] * (stage.sampled[0] - 1) / stage.sampled[0]
    r = given_replicates(design.weight, jackknife(design), kind="JK1", scale=scale)
    return {
        "mean": est(replicate_mean(column("apiclus1", "api00"), r), "api00"),
        "total": est(replicate_total(column("apiclus1", "enroll"), r), "enroll"),
        "scale": r.scale,
    }


MODELS: Records = {
    **{
        f"osteo.quantile.qrule_{rule}": lambda rule=rule: quantiles(
            "osteo_survey", "bmd", TAILS, rule=rule
        )
        for rule in ("math", "school")
    },
    **{
        f"osteo.quantile.int_{theirs}": lambda ours=ours: quantiles(
            "osteo_survey", "bmd", TAILS, interval=ours
        )
        for theirs, ours in {"mean": "mean", "beta": "beta", "xlogit": "logit"}.items()
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
    "osteo.svychisq.F": lambda: chisq(independence("osteo", "agegrp", BANDS)),
    "osteo.svychisq2x2.F": lambda: chisq(independence("priorfx", "sex", (0, 1))),
    "nhanes.chisq": chisq_nhanes,
    "osteo.svytable": weighted_table,
    "osteo.svykm": distribution,
    **{f"rep.{k}": lambda k=k: replicated(k) for k in ("JKn", "JKn_mse", "JK1", "BRR", "Fay")},
    "scd.brr": scd,
    "apiclus1.jk1": jackknifed_clusters,
}
