"""Agreement statistics against R's blandr, epiR, psych, irr, DescTools: every record and number."""

from __future__ import annotations

from typing import Any

import agreement_golden as golden
import numpy as np
import pytest
from scipy import stats
from test_method_comparison_golden import HERE as LINES
from test_method_comparison_golden import RECORDS, SETS

from osteo_epi.agreement import (
    PointEstimate,
    bland_altman,
    concordance,
    correlation,
    equivalence,
    intraclass,
    kappa,
    kendall_w,
    raters,
)

KAPPA = golden.records("d_diag_kappa")
FORMS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


def blandr(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """1.96 makes the limits, but the normal quantile their standard error, as in blandr."""
    ba = bland_altman(x, y, factor=1.96, interval="approximate")
    se = bland_altman(x, y, interval="approximate").upper.se
    assert se is not None
    reach = se * stats.t.ppf(0.975, len(x) - 1)
    low, high = ba.lower.estimate, ba.upper.estimate
    return {
        "bias": ba.bias.estimate,
        "biasUpperCI": ba.bias.upper,
        "biasLowerCI": ba.bias.lower,
        "biasStdDev": ba.sd,
        "biasSEM": ba.bias.se,
        "LOA_SEM": se,
        "upperLOA": high,
        "upperLOA_upperCI": high + reach,
        "upperLOA_lowerCI": high - reach,
        "lowerLOA": low,
        "lowerLOA_upperCI": low + reach,
        "lowerLOA_lowerCI": low - reach,
    }


def loa_base(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    ba = bland_altman(x, y)
    fit = ba.proportional
    assert fit is not None
    t = fit.intercept.estimate / fit.intercept.se
    p = 2 * stats.t.sf(abs(t), ba.n - 2)
    rows = [
        [fit.intercept.estimate, fit.intercept.se, t, p],
        [fit.slope.estimate, fit.slope.se, fit.t, fit.p],
    ]
    return {
        "n": ba.n,
        "bias": ba.bias.estimate,
        "sd": ba.sd,
        "loa": (ba.lower.estimate, ba.upper.estimate),
        "upper_exact": (ba.upper.lower, ba.upper.upper),
        "lower_exact": (ba.lower.lower, ba.lower.upper),
        "prop_bias": {"values": rows},
    }


def simply_agree(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    ba, ccc = bland_altman(x, y), concordance(x, y).ccc
    return {
        "ccc.xy": {"est.ccc": ccc.estimate, "lower.ci": ccc.lower, "upper.ci": ccc.upper},
        "loa": {
            "estimate": [v.estimate for v in (ba.bias, ba.lower, ba.upper)],
            "lower.ci": [ba.bias.lower],
            "upper.ci": [ba.bias.upper],
        },
    }


def ccc_epir(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    forms = {
        key: concordance(x, y, interval=name).ccc
        for key, name in (("z", "z"), ("asym", "asymptotic"))
    }
    rows = {
        key: {"est": v.estimate, "lower": v.lower, "upper": v.upper} for key, v in forms.items()
    }
    c = concordance(x, y)
    return rows | {"s.shift": c.scale_shift, "l.shift": c.location_shift, "C.b": c.accuracy}


def ccc_desctools(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    c = concordance(x, y)
    rho = {"est": c.ccc.estimate, "lwr.ci": c.ccc.lower, "upr.ci": c.ccc.upper}
    return {"rho": rho, "s": c.scale_shift, "l": c.location_shift, "C": c.accuracy}


def psych_icc(ratings: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    icc = intraclass(ratings)
    fields = ("estimate", "f", "df1", "df2", "p", "lower", "upper")
    return {
        name: [getattr(icc[form], field) for form in FORMS]
        for name, field in zip(names, fields, strict=True)
    }


def tost(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    margin = 0.05 * x.mean()
    e = equivalence(x, y, margin=margin)
    tests = {"t_lo": e.t_lower, "p_lo": e.p_lower, "t_hi": e.t_upper, "p_hi": e.p_upper}
    ends = (e.difference.lower, e.difference.upper)
    return tests | {"delta": margin, "p": e.p, "ci90": ends}


def cor(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    a = correlation(x, y)
    ends = (a.pearson.lower, a.pearson.upper)
    return {"p": a.pearson.estimate, "ci": ends, "s": a.spearman, "k": a.kendall}


PSYCH = ("ICC", "F", "df1", "df2", "p", "lower bound", "upper bound")
DESCTOOLS = ("est", "F-val", "df1", "df2", "p-val", "lwr.ci", "upr.ci")
BY_SET = {
    "blandr": blandr,
    "loa_base": loa_base,
    "SimplyAgree.mover": simply_agree,
    "ccc.epiR": ccc_epir,
    "ccc.DescTools": ccc_desctools,
    "icc2": lambda x, y: psych_icc(np.column_stack([x, y]), PSYCH),
    "tost": tost,
    "cor": cor,
}


def irr_icc(record: str) -> dict[str, Any]:
    """irr tests absolute agreement with the degrees of freedom of its interval."""
    _, _, model, kind, unit = record.split(".")
    form = "ICC1" if model == "oneway" else {"consistency": "ICC3", "agreement": "ICC2"}[kind]
    icc = intraclass(golden.table("icc_ratings"), average_agreement="mcgraw_wong")
    one = icc[form + ("k" if unit == "average" else "")]
    df2 = one.df2 if one.df_interval is None else one.df_interval
    p = stats.f.sf(one.f, one.df1, df2)
    ends = {"value": one.estimate, "lbound": one.lower, "ubound": one.upper}
    return ends | {"Fvalue": one.f, "df1": one.df1, "df2": df2, "p.value": p}


def ours_of_methods(record: str) -> dict[str, Any]:
    if record.startswith("icc.irr"):
        return irr_icc(record)
    if record.startswith("icc."):
        names = PSYCH if record == "icc.psych" else DESCTOOLS
        return psych_icc(golden.table("icc_ratings"), names)
    name = next(s for s in SETS if record.startswith(s))
    return BY_SET[record.removeprefix(name + ".")](*golden.pairs(name))


def two_raters() -> tuple[np.ndarray, np.ndarray]:
    table = golden.table("osteo_raters").astype(int)
    return table[:, 0], table[:, 1]


def epi_kappa() -> dict[str, Any]:
    """epiR's "fleiss" takes the standard error under chance for its interval."""
    first, second = (v > 0 for v in two_raters())
    k = kappa(first, second, classes=[True, False])
    chance = PointEstimate.symmetric(k.kappa.estimate, k.se_chance, 1.959963984540054 * k.se_chance)
    return {
        "fleiss": {
            "kappa": rename(chance),
            "pabak": rename(k.pabak),
            "pindex": rename(k.prevalence_index),
            "bindex": rename(k.bias_index),
            "z": {"test.statistic": k.z, "p.value": k.p},
        }
    }


def rename(value: Any) -> dict[str, Any]:
    return {"est": value.estimate, "se": value.se, "lower": value.lower, "upper": value.upper}


def ours_of_kappa(record: str) -> dict[str, Any] | list[float]:
    first, second = two_raters()
    weights = {"unweighted": "none", "equal": "linear", "squared": "quadratic"}
    weights |= {"Unweighted": "none", "Equal-Spacing": "linear", "Fleiss-Cohen": "quadratic"}
    source, _, name = record.rpartition(".")
    if source in ("kappa2", "kappa.DescTools"):
        k = kappa(first, second, weights=weights[name])
        if source == "kappa2":
            return {"k": k.kappa.estimate, "z": k.z, "p": k.p}
        return [k.kappa.estimate, k.kappa.lower, k.kappa.upper]
    if record == "kappa.psych":
        k, w = kappa(first, second), kappa(first, second, weights="quadratic")
        row = [k.kappa.lower, k.kappa.estimate, k.kappa.upper]
        values = {"k": k.kappa.estimate, "wk": w.kappa.estimate, "var": k.kappa.se**2}
        return values | {"ci": {"values": [row]}}
    if record == "epi.kappa":
        return epi_kappa()
    r = raters(golden.table("osteo_raters"))
    if record == "KappaM.DescTools":
        return [r.fleiss.estimate, r.fleiss.lower, r.fleiss.upper]
    if record == "kendallW":
        w = kendall_w(golden.table("osteo_raters"))
        return {"W": w.w, "chi": w.chi2, "p": w.p}
    return {"k": r.fleiss.estimate, "z": r.z, "p": r.p, "agree": 100 * r.all_agree}


def test_every_record_about_agreement() -> None:
    compared, faults = 0, []
    rest = [record for record in RECORDS if record not in LINES]
    for source, names, make in (
        (RECORDS, rest, ours_of_methods),
        (KAPPA, list(KAPPA), ours_of_kappa),
    ):
        for record in names:
            n, wrong = golden.compare(record, source[record]["result"], make(record))
            compared, faults = compared + n, faults + wrong
    print(f"{len(rest) + len(KAPPA)} records, {compared} numbers to 1e-8")
    assert not faults, "\n".join(faults)
    assert (len(rest), len(KAPPA), compared) == (34, 11, 496)


def test_every_reason_for_a_difference_is_needed() -> None:
    everything = {**RECORDS, **KAPPA}
    met = {
        golden.why_different(record, path)
        for record, content in everything.items()
        for path, _ in golden.numbers(content["result"])
    }
    assert set(golden.DIFFERENT.values()) <= met


def test_krippendorff_of_irr_is_ours_with_its_fault() -> None:
    # irr counts each pair of ratings once instead of dividing by raters − 1: the coincidences,
    # and with them n in the correction n − 1, are three times too many for four raters.
    r = raters(golden.table("osteo_raters"))
    n = golden.table("osteo_raters").size
    theirs = KAPPA["fleiss"]["result"]["kripp_nom"]
    assert (1 - theirs) / (1 - r.krippendorff_nominal) == pytest.approx(
        (3 * n - 1) / (3 * n - 3), rel=1e-8
    )


def test_kappa_by_class_of_irr_is_ours_rounded() -> None:
    by_class = raters(golden.table("osteo_raters")).by_class
    theirs = np.array(KAPPA["fleiss"]["result"]["detail"]["values"])
    assert by_class.select("kappa", "z", "p").to_numpy() == pytest.approx(theirs, abs=5.1e-4)
