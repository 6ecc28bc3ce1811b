"""Our answer to each record of tests/golden/f_discrimination.json, and what differs and why.

The generator is tests/golden/R/12_discrimination.R. An answer has the record's own structure;
a record "untied." is of the same people with times of their own.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import polars as pl
from accuracy_golden import RELATIVE
from agreement_golden import FOLDER, numbers
from scipy import stats

from osteo_epi.risk import (
    Concordance,
    brier_score,
    compare_brier,
    compare_concordance,
    compare_time_dependent_auc,
    concordance,
    time_dependent_auc,
)

# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"concordance/(uno|uno10|n_G)\.se": (
        "R's survival takes the share not yet censored as known; the toolkit counts that it is "
        "estimated. test_uno_with_known_censoring_is_that_of_survival gets theirs"
    ),
    r"survC1/Dhat|untied\.uno/survC1": (
        "survC1 takes the share not yet censored at the event, and its events < tau; R's survival "
        "just before it, as the toolkit does (record `uno`)"
    ),
    r"timeROC\.(surv|cr)/(auc|se|p).*\.t=5|timeROC\.cr/(auc2|se2)\.t=10": (
        "timeROC leaves out whoever's time is the horizon itself; the toolkit and riskRegression "
        "take an event then as a case. test_timeroc_leaves_out_the_horizon_itself gets theirs"
    ),
    r"timeROC\.surv/(se|p)\.t=(3|10)|timeROC\.cr/se1\.t=10": (
        "with ties timeROC's martingale of censoring takes people of one time one after another, "
        "which moves the standard error by less than 1e-6 of itself; without ties (record "
        "`untied.timeROC`), and in riskRegression with them, it is ours"
    ),
    r"untied\.timeROC\.cr/se2\.t=(5|8)": (
        "timeROC's standard error with competing controls is 1e-6 of itself (with ties up to "
        "3e-3) from that of riskRegression (record `Score.cr`), which is ours"
    ),
    r"timeROC\.cr/ci\..*": "timeROC rounds its limits",
    r"rcorr/missing": "people who lack the risk are told in the notes, not as a number",
}
COMPETING = {
    "time": "time", "event": "status", "event_positive": 1, "competing": "status",
    "competing_positive": 2,
}  # fmt: skip
FLAGS = {"time": "time", "event": "fx"}
ALONE = FLAGS | {"nothing_competes": True}


@cache
def people(untied: bool) -> pl.DataFrame:
    """The people of a record."""
    return pl.read_csv(FOLDER / "data" / f"osteo_cohort{'_untied' * untied}.csv")


def index(*, untied: bool = False, **options: Any) -> Concordance:
    """The C-index of risk_a."""
    return concordance(people(untied), risk="risk_a", **FLAGS, **options)


def _concordance(untied: bool) -> dict[str, Any]:
    asked = {
        "harrell": {}, "uno": {"method": "uno"}, "uno10": {"method": "uno", "horizon": 10},
        "n_G": {"method": "uno"}, "ymax5": {"horizon": 5},
    }  # fmt: skip
    return {name: _index(**options) for name, options in asked.items()}


def _index(**options: Any) -> dict[str, Any]:
    one = index(**options)
    counts = {
        "concordant": one.concordant, "discordant": one.discordant, "tied.x": one.tied_risk,
        "tied.y": one.tied_time, "tied.xy": one.tied_both,
    }  # fmt: skip
    return {"c": one.c.estimate, "se": one.c.se, "count": counts}


def _compared(untied: bool) -> dict[str, Any]:
    one = compare_concordance(people(untied), first="risk_a", second="risk_b", **FLAGS)
    return {
        "c": {"m1": one.c_first, "m2": one.c_second},
        "vcov": {"values": one.covariance.tolist()},
        "diff": one.difference,
        "se": one.se,
    }


def _rcorr(untied: bool) -> dict[str, Any]:
    """Hmisc counts each pair twice, and events at one time as neither relevant nor uncertain."""
    one = index()
    assert one.c.se is not None
    relevant = 2 * (one.concordant + one.discordant + one.tied_risk)
    return {
        "C Index": one.c.estimate, "Dxy": 2 * one.c.estimate - 1, "S.D.": 2 * one.c.se,
        "n": one.n, "uncensored": one.n_events, "Relevant Pairs": relevant,
        "Concordant": 2 * one.concordant + one.tied_risk,
        "Uncertain": one.n * (one.n - 1) - relevant - 2 * (one.tied_time + one.tied_both),
    }  # fmt: skip


def _uno(untied: bool) -> dict[str, Any]:
    return {"survival": index(untied=untied, method="uno", horizon=8).c.estimate}


def _by_time(at: tuple[int, ...], values: Any) -> dict[str, float]:
    return {f"t={t}": value for t, value in zip(at, values, strict=True)}


def _time_roc(untied: bool, *, competing: bool) -> dict[str, Any]:
    at = (3, 5, 8) if untied else (3, 5, 10)
    known = COMPETING if competing else ALONE
    result: dict[str, Any] = {}
    for end, controls in (("1", "event_free"), ("2", "without_event")):
        one = time_dependent_auc(people(untied), risk="risk_a", at=at, controls=controls, **known)
        result[f"auc{end}"] = _by_time(at, (m.estimate for m in one.auc))
        result[f"se{end}"] = _by_time(at, (m.se for m in one.auc))
    if competing:
        return result
    both = compare_time_dependent_auc(
        people(untied), first="risk_a", second="risk_b", at=at, **known
    )
    other = {"auc_b": _by_time(at, both.value_second), "p": _by_time(at, both.p)}
    return {"auc": result["auc1"], "se": result["se1"]} | other


def _table(measures: Any, name: str, ipa: Any = None) -> dict[str, Any]:
    """As riskRegression lays out its scores."""
    columns = {"se": "se", "lower": "lower", "upper": "upper", name: "estimate"}
    table = {theirs: [getattr(m, ours) for m in measures] for theirs, ours in columns.items()}
    return table | ({} if ipa is None else {"IPA": list(ipa)})


def _score_survival(untied: bool) -> dict[str, Any]:
    """Risks at 3 and 5 years from that at 10."""
    risks = {3: "risk_3", 5: "risk_5"}
    frame = people(untied).with_columns(
        (1 - (1 - pl.col("risk_a")) ** (t / 10)).alias(name) for t, name in risks.items()
    )
    area = time_dependent_auc(frame, risk=risks, at=(3, 5), **ALONE)
    score = brier_score(frame, risk=risks, at=(3, 5), **ALONE)
    ipa = [0.0, 0.0, *(m.estimate for m in score.ipa)]
    return {
        "auc": _table(area.auc, "AUC") | {"times": [3, 5]},
        "brier": _table((*score.null_brier, *score.brier), "Brier", ipa)
        | {"times": [3, 5, 3, 5]},
    }  # fmt: skip


def _score_competing(untied: bool) -> dict[str, Any]:
    """riskRegression has second − first, a model − the null one."""
    frame, asked = people(untied), {"at": 8, **COMPETING}
    areas = [time_dependent_auc(frame, risk=r, **asked) for r in ("risk_a", "risk_b")]
    scores = [brier_score(frame, risk=r, **asked) for r in ("risk_a", "risk_b")]
    order: dict[str, Any] = {"first": "risk_b", "second": "risk_a"}
    area, brier = (
        compare(frame, **order, **asked) for compare in (compare_time_dependent_auc, compare_brier)
    )
    null = scores[0].null_brier[0]
    apart = [s.difference[0] for s in scores]
    ps = [2 * stats.norm.sf(abs(m.estimate / m.se)) for m in apart]
    return {
        "auc": _table([a.auc[0] for a in areas], "AUC") | {"times": [8, 8]},
        "aucc": {k: v[0] for k, v in _table(area.difference, "delta.AUC").items()}
        | {"p": area.p[0], "times": 8},
        "brier": _table(
            [null, *(s.brier[0] for s in scores)], "Brier",
            [0.0, *(s.ipa[0].estimate for s in scores)],
        ) | {"times": [8, 8, 8]},
        "brierc": _table([*apart, *brier.difference], "delta.Brier")
        | {"p": [*ps, brier.p[0]], "times": [8, 8, 8]},
    }  # fmt: skip


ANSWERS = {
    "timeROC.surv": lambda untied: _time_roc(untied, competing=False),
    "timeROC.cr": lambda untied: _time_roc(untied, competing=True),
    "Score.surv": _score_survival,
    "Score.cr": _score_competing,
    "concordance": _concordance,
    "concordance.compare": _compared,
    "survC1": lambda untied: {},
    "rcorr": _rcorr,
    "uno": _uno,
}


def answer(record: str) -> dict[str, Any]:
    """Our answer to one record."""
    name = record.removeprefix("untied.")
    return ANSWERS[name](name != record)


def faults(record: str, expected: dict[str, Any]) -> list[str]:
    """Numbers of a record that we do not give to 1e-8 and have no reason for."""
    mine, bad = dict(numbers(answer(record))), []
    for path, value in numbers(expected):
        if any(re.fullmatch(pattern, f"{record}/{path}") for pattern in DIFFERENT):
            continue
        if path not in mine or abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-8):
            bad.append(f"{record}/{path}: {mine.get(path)!r} against {value!r}")
    return bad
