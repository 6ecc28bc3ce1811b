"""The sample-size paragraph of a protocol: the numbers of a plan in sentences, in two languages."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.errors import DefinitionError
from osteo_epi.reference.curves import NaturalSpline, PSpline, Term
from osteo_epi.reference.planning._errors import centile_error, smooth_centile_error
from osteo_epi.reference.planning._plan import CENTILE, CUT_OFF, PREVALENCE, Aim, Plan, T

LANGUAGES = ("en", "zh")


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("protocol.toml").read_text(encoding="utf-8"))


def paragraph(rows: pl.DataFrame, aims: Sequence[Aim], plan: Plan, language: str) -> str:
    """Say a plan as a protocol does.

    Parameters
    ----------
    rows, aims, plan
        Of a `SampleSize`.
    language
        "en" or "zh".
    """
    if language not in LANGUAGES:
        raise DefinitionError(f"language={language!r}; expected one of {', '.join(LANGUAGES)}")
    words = _texts()[language]
    return str(words["space"].join(_sentences(rows, aims, plan, words))) + "\n"


def _sentences(
    rows: pl.DataFrame, aims: Sequence[Aim], plan: Plan, words: dict[str, Any]
) -> Iterator[str]:
    write = {CUT_OFF: _cut_off, CENTILE: _centile, PREVALENCE: _prevalence}
    for name, sentence in write.items():
        yield from dict.fromkeys(
            sentence(plan, aim, _who(aim, aims, words), words) for aim in aims if aim.aim == name
        )
    smooth = plan.smooth and any(aim.aim == CENTILE for aim in aims)
    if smooth:
        yield words["cole"]
    simple = plan.design_effect == 1
    yield words["srs" if simple else "design"].format(effect=plan.design_effect)
    yield _total(rows, words)
    if plan.response < 1:
        invited = words["number"].format(int(rows["invited"].sum()))
        yield words["response"].format(response=100 * plan.response, invited=invited)
    yield words["software"].format(software=f"osteo-epi {version('osteo-epi')}")
    if smooth:
        yield words["sources"]


def _who(aim: Aim, aims: Sequence[Aim], words: dict[str, Any]) -> dict[str, Any]:
    """How many of whom; women and men in one sentence where it is the same for both."""
    alike = [other for other in aims if (other.aim, other.n) == (aim.aim, aim.n)]
    n, form = words["number"].format(aim.n), words["by_sex" if len(alike) == 1 else "both"]
    who = form.format(n=n, sex=words["sexes"][aim.sex])
    return {"who": who, "first": aim.ages[0], "last": aim.ages[1]}


def _cut_off(plan: Plan, aim: Aim, who: dict[str, Any], words: dict[str, Any]) -> str:
    sd = plan.sd.get(aim.sex)
    units = "" if sd is None else words["in_units"].format(value=aim.reached * sd, sd=sd)
    minus = f"{T:g}".replace("-", "−")
    return str(words["cut_off"].format(**who, se=aim.reached, in_units=units, t=minus))


def _centile(plan: Plan, aim: Aim, who: dict[str, Any], words: dict[str, Any]) -> str:
    years = aim.ages[1] - aim.ages[0] + 1
    in_band = aim.n * plan.band / years
    shared = {**who, "band": plan.band, "percent": plan.percent, "se": aim.reached}
    if not plan.smooth:
        per_band = words["number"].format(int(np.ceil(in_band - 1e-9)))
        return str(words["raw"].format(**shared, per_band=per_band))
    people = {year + 0.5: aim.n / years for year in range(aim.ages[0], aim.ages[1] + 1)}
    errors = smooth_centile_error(
        people, plan.percent, plan.terms, design_effect=plan.design_effect
    )
    raw = centile_error(max(in_band, 2.0), plan.percent, design_effect=plan.design_effect)
    labels = words["semicolon"].join(_term(term, words) for term in plan.terms)
    return str(
        words["smooth"].format(
            **shared, terms=labels, end=max(errors[0], errors[-1]), raw=float(raw)
        )
    )


def _prevalence(plan: Plan, aim: Aim, who: dict[str, Any], words: dict[str, Any]) -> str:
    share = 100 * plan.prevalence[aim.sex]
    return str(words["prevalence"].format(**who, share=share, se=100 * aim.reached))


def _term(term: Term, words: dict[str, Any]) -> str:
    """As a sentence says it; by its label where the language has no words of its own."""
    known = words.get("terms", {}).get(type(term).__name__)
    if not known:
        return term.label
    falls = isinstance(term, PSpline) and term.decline_from is not None
    values = _values(term)
    return str((known + words["terms"]["decline"] * falls).format(**values))


def _values(term: Term) -> dict[str, Any]:
    """What words of a term name: its own fields, lists and numbers as they are read."""
    values = dict(vars(term))
    if "powers" in values:
        values["powers"] = ", ".join(f"{power:g}" for power in values["powers"])
    if isinstance(term, NaturalSpline):
        values["coefficients"] = term.columns
    return values


def _total(rows: pl.DataFrame, words: dict[str, Any]) -> str:
    by_sex = [
        words["by_sex"].format(n=words["number"].format(n), sex=words["sexes"][sex])
        for sex, n in rows.group_by("sex", maintain_order=True).agg(pl.sum("n")).iter_rows()
    ]
    total = words["number"].format(int(rows["n"].sum()))
    return str(words["total"].format(total=total, by_sex=words["join"].join(by_sex)))
