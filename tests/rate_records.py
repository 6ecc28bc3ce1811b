"""Our answer to each record of tests/golden/b_rates.json that is a matter of rates or proportions.

The generator is tests/golden/R/02_rates.R. A record's answer has the record's own structure.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.population.rates import (
    direct_rate,
    direct_rate_ratio,
    indirect_rate,
    proportion,
    proportion_difference,
    rate,
    rate_ratio,
    smr,
    standardised_proportion,
    standardised_rate,
    with_proportion,
)

DATA = Path(__file__).parent / "golden" / "data"
TOTALS = {"O": 65, "py": 25_903.0, "reference_cases": 288, "reference_person_years": 105_264.75}
SPAN = ("lower", "upper")


@cache
def table(name: str) -> pl.DataFrame:
    return pl.read_csv(DATA / f"{name}.csv").with_columns(pl.selectors.numeric().cast(pl.Float64))


def region(name: str) -> pl.DataFrame:
    return table("hip_rates").filter(pl.col("region") == name)


def strata(name: str) -> list[np.ndarray]:
    return [region(name)[c].to_numpy() for c in ("cases", "py", "stdpop")]


def standardised(name: str, **options: Any) -> dict[str, dict[str, Any]]:
    """By name through the frame layer, rows shuffled on the way."""
    weights = dict(zip(region(name)["agegrp"], region(name)["stdpop"], strict=True))
    rows = standardised_rate(
        region(name).sample(fraction=1, shuffle=True, seed=1),
        cases="cases",
        person_years="py",
        stratum="agegrp",
        standard=weights,
        **options,
    ).to_frame()
    return {r["statistic"]: r for r in rows.iter_rows(named=True)}


def epitools_direct(name: str) -> dict[str, float]:
    rows = standardised(name)
    direct = rows["standardised"]
    return {
        "crude.rate": rows["crude"]["estimate"],
        "adj.rate": direct["estimate"],
        "lci": direct["lower"],
        "uci": direct["upper"],
    }


def epir_direct(name: str) -> dict[str, Any]:
    rows = standardised(name)
    head = {"strata": "", "obs": rows["crude"]["cases"], "tar": rows["crude"]["person_years"]}
    return {
        short: head | {"est": rows[long]["estimate"]} | {a: rows[long][a] for a in SPAN}
        for short, long in (("crude", "crude"), ("adj", "standardised"))
    }


def asht(name: str, method: str, mid_p: bool) -> dict[str, Any]:
    found = direct_rate(*strata(name), method=method, mid_p=mid_p)
    return {"est": found.estimate, "ci": [found.lower, found.upper]}


def phe_direct(name: str) -> dict[str, Any]:
    narrow, wide = (
        direct_rate(*strata(name), method="dobson_byar", confidence=c, per=1e5)
        for c in (0.95, 0.998)
    )
    return {
        "total_count": narrow.cases,
        "total_pop": narrow.person_years,
        "value": narrow.estimate,
        "lower95_0cl": narrow.lower,
        "upper95_0cl": narrow.upper,
        "lower99_8cl": wide.lower,
        "upper99_8cl": wide.upper,
    }


def dsr(method: str, crude: str) -> dict[str, Any]:
    answer: dict[str, Any] = {k: [] for k in ("n", "d", "cr", "cl", "cu", "sr", "sl", "su")}
    for name in "AB":
        direct = direct_rate(*strata(name), method=method, per=1e5)
        plain = rate(direct.cases, direct.person_years, method=crude, per=1e5)
        found = (direct.cases, direct.person_years, plain.estimate, plain.lower, plain.upper)
        found += (direct.estimate, direct.lower, direct.upper)
        for key, value in zip(answer, found, strict=True):
            answer[key].append(value)
    return answer


def dsrr() -> dict[str, Any]:
    rates = [direct_rate(*strata(name)) for name in "AB"]
    ratios = [direct_rate_ratio(r, rates[1]) for r in rates]
    return {
        "Std Rate (per 1e+05)": [r.estimate * 1e5 for r in rates],
        "Rate Ratio (RR)": [r.estimate for r in ratios],
        "95% LCL (RR)": [r.lower for r in ratios],
        "95% UCL (RR)": [r.upper for r in ratios],
    }


@cache
def indirect(method: str) -> dict[str, Any]:
    result = indirect_rate(
        region("B").reverse(),
        cases="cases",
        person_years="py",
        stratum="agegrp",
        reference=region("A"),
        method=method,
    )
    return result.to_frame().row(0, named=True)


def span(found: dict[str, Any], prefix: str = "ratio_") -> list[float]:
    return [found[f"{prefix}{a}"] for a in SPAN]


def smr_base() -> dict[str, Any]:
    exact = indirect("exact")
    return {
        "O": exact["observed"],
        "E": exact["expected"],
        "smr": exact["ratio"],
        "exact": span(exact),
        "byar": span(indirect("byar")),
        "wald_log": span(indirect("log")),
        "p_exact": exact["p_value"],
    }


def epi_smr(method: str) -> dict[str, Any]:
    found = indirect(method)
    head = {"obs": found["observed"], "exp": found["expected"], "est": found["ratio"]}
    return head | dict(zip(SPAN, span(found), strict=True))


def epi_smr_small() -> dict[str, Any]:
    found = smr(4, 3.2, method="mid_p")
    return {
        "obs": 4,
        "exp": 3.2,
        "est": found.estimate,
        "lower": found.lower,
        "upper": found.upper,
        "p.value": found.p_value,
    }


def epitools_indirect() -> dict[str, Any]:
    found = indirect("log")
    ratio = {"observed": found["observed"], "exp": found["expected"], "sir": found["ratio"]}
    crude = found["observed"] / found["person_years"]
    implied = {"crude.rate": crude, "adj.rate": found["rate"]}
    limits = zip(("lci", "uci"), span(found), span(found, "rate_"), strict=True)
    for name, of_ratio, of_rate in limits:
        ratio[name], implied[name] = of_ratio, of_rate
    return {"sir": ratio, "rate": implied}


def phe_indirect() -> dict[str, Any]:
    found = indirect("byar_or_exact")
    both = {"observed": found["observed"], "expected": found["expected"]}
    rate_lower, rate_upper = span(found, "rate_")
    lower, upper = span(found)
    return {
        "isr": both
        | {"ref_rate": found["reference_rate"] * 1e5, "value": found["rate"] * 1e5}
        | {"lowercl": rate_lower * 1e5, "uppercl": rate_upper * 1e5},
        "smr": both | {"value": found["ratio"], "lowercl": lower, "uppercl": upper},
    }


def phe_rate(events: int) -> dict[str, Any]:
    found = rate(events, 10_000, method="byar_or_exact", per=1e5)
    limits = {"lowercl": found.lower, "uppercl": found.upper}
    return {"x": events, "n": 10_000, "value": found.estimate} | limits


def epitools_rate(events: int) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for name, method in {"exact": "exact", "approx": "wald"}.items():
        result = rate(events, 10_000, method=method)
        answer[name] = {"x": events, "pt": 10_000, "rate": result.estimate, "conf.level": 0.95}
        answer[name] |= {a: getattr(result, a) for a in SPAN}
    return answer


def desctools_rate(method: str, events: int) -> list[Any]:
    result = rate(events, 10_000, method=method)
    return [result.estimate, result.lower, result.upper]


def rate_ratios() -> dict[str, Any]:
    reference = {k: TOTALS[k] for k in ("reference_cases", "reference_person_years")}
    found = {
        m: rate_ratio(TOTALS["O"], TOTALS["py"], method=m, **reference)
        for m in ("exact", "mid_p", "wald")
    }
    exact = found["exact"]
    epitools = {
        m: {"values": [[1, None, None], [r.estimate, r.lower, r.upper]]} for m, r in found.items()
    }
    names = ("rate ratio", "2", "3", "4")
    values = (exact.estimate, exact.lower, exact.upper, exact.p_value)
    return {
        "midp": epitools["mid_p"],
        "wald": epitools["wald"],
        "exact": dict(zip(names, values, strict=True)),
    }


INTERVALS = {
    "wilson": "wilson",
    "wald": "wald",
    "agresti-coull": "agresti_coull",
    "jeffreys": "jeffreys",
    "clopper-pearson": "clopper_pearson",
    "midp": "mid_p",
    "lik": "likelihood",
}
DIFFERENCES = {
    "score": "newcombe",
    "ac": "agresti_caffo",
    "wald": "wald",
    "mn": "miettinen_nurminen",
}
COUNTS = ((0, 20), (1, 20), (5, 50), (14, 310), (39, 96), (156, 1032), (20, 20))


def interval(method: str, events: int, n: int) -> list[Any]:
    found = proportion(events, n, method=method)
    return [found.estimate, found.lower, found.upper]


def difference(method: str) -> list[float]:
    found = proportion_difference(62, 270, reference_events=41, reference_n=356, method=method)
    return [found.estimate, found.lower, found.upper]


def standardised_prevalence() -> dict[str, Any]:
    def direct(**options: Any) -> dict[str, Any]:
        people = table("osteo_prev")
        rows = standardised_proportion(
            people.reverse(),
            events="x",
            n="n",
            stratum="agegrp",
            standard=people.select("agegrp", "stdpop"),
            **options,
        ).to_frame()
        return rows.row(by_predicate=pl.col("statistic") == "standardised", named=True)

    methods = {"wald": "wald", "logit": "logit", "wilson_neff": "wilson"}
    found = {
        name: direct(method=m) for name, m in (methods | {"cp_neff": "clopper_pearson"}).items()
    }
    wilson = found["wilson_neff"]
    answer = {"est": wilson["estimate"], "se": wilson["se"], "se_n1": direct(unbiased=True)["se"]}
    answer |= {name: [row["lower"], row["upper"]] for name, row in found.items()}
    answer["wilson_neff"] = [wilson["estimate"], wilson["lower"], wilson["upper"]]
    return answer


def wilson_by_age() -> dict[str, Any]:
    frame = with_proportion(table("osteo_prev"), events="x", n="n")
    names = {"value": "estimate", "lowercl": "lower", "uppercl": "upper"}
    same = {name: frame[name].to_list() for name in ("agegrp", "x", "n", "stdpop")}
    return same | {theirs: frame[ours].to_list() for theirs, ours in names.items()}


RECORDS: dict[str, Callable[[], Any]] = {
    "adj.dsr.normal": partial(dsr, "normal", "wald"),
    "adj.dsr.lognormal": partial(dsr, "lognormal", "log"),
    "adj.dsrr": dsrr,
    "smr.base": smr_base,
    "smr.epitools": epitools_indirect,
    "smr.phe": phe_indirect,
    "smr.epiR.mid.p_small": epi_smr_small,
    "rr.rates": rate_ratios,
    "prev.std": standardised_prevalence,
    "prop.epi": wilson_by_age,
}
for _name in "AB":
    RECORDS[f"adj.epitools.{_name}"] = partial(epitools_direct, _name)
    RECORDS[f"adj.epiR.{_name}"] = partial(epir_direct, _name)
    RECORDS[f"adj.phe_dsr.{_name}"] = partial(phe_direct, _name)
    for _theirs, _ours in {
        "max": "fay_feuer",
        "tcz": "tiwari",
    }.items():
        for _mid_p in (False, True):
            RECORDS[f"adj.asht.{_name}.{_theirs}.midp{str(_mid_p).upper()}"] = partial(
                asht, _name, _ours, _mid_p
            )
for _theirs, _ours in {
    "byar": "byar",
    "rothman.greenland": "log",
}.items():
    RECORDS[f"smr.epiR.{_theirs}"] = partial(epi_smr, _ours)
for _events in (0, 1, 3, 9, 10, 25, 288):
    RECORDS[f"rate.phe.{_events}"] = partial(phe_rate, _events)
    RECORDS[f"rate.pois_exact.{_events}"] = partial(epitools_rate, _events)
    for _method in ("exact", "score", "wald"):
        RECORDS[f"rate.DescTools.{_method}.{_events}"] = partial(desctools_rate, _method, _events)
for _theirs, _ours in INTERVALS.items():
    for _x, _n in COUNTS:
        RECORDS[f"prop.{_theirs}.{_x}_{_n}"] = partial(interval, _ours, _x, _n)
for _theirs, _ours in DIFFERENCES.items():
    RECORDS[f"propdiff.{_theirs}"] = partial(difference, _ours)
