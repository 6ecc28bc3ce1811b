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

from osteo_epi.risk import Concordance, compare_concordance, concordance

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
    r"rcorr/missing": "people who lack the risk are told in the notes, not as a number",
}
FLAGS = {"time": "time", "event": "fx"}


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


ANSWERS = {
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
