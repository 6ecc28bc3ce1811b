"""The card: each criterion with what was found, the limit, the verdict and what to do."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.errors import DefinitionError
from osteo_epi.reference.curves import Curve
from osteo_epi.reference.diagnostics._moments import STATISTICS
from osteo_epi.reference.diagnostics._worms import COEFFICIENTS

PASS, FAIL, OPEN = VERDICTS = ("pass", "fail", "not judged")
LANGUAGES = ("en", "zh")
OURS = "ours"
LEVELS = ("coverage", "worms", "mean", "spread", "edge_coverage")
"""Criteria that fail by people of another sex, region, scanner or unit."""
NAMED = 4
"""Cells that a verdict names."""
SCHEMA = {
    "criterion": pl.String, "factor": pl.String, "meaning": pl.String, "value": pl.Float64,
    "threshold": pl.Float64, "verdict": pl.String, "where": pl.String, "to_do": pl.String,
    "source": pl.String,
}  # fmt: skip


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("card.toml").read_text(encoding="utf-8"))


def limits(given: Mapping[str, float] | None) -> dict[str, float]:
    """All limits of the card, some replaced.

    Raises
    ------
    DefinitionError
        If there is no limit of a name, or it is not above 0.
    """
    known = {name: float(limit["value"]) for name, limit in _texts()["limits"].items()}
    for name, value in (given or {}).items():
        if name not in known:
            raise DefinitionError(
                f"thresholds: unknown limit {name!r}; there are {', '.join(known)}"
            )
        if not value > 0 or (name == "significance" and value >= 1):
            raise DefinitionError(
                f"thresholds: {name}={value!r}; expected above 0"
                + (" and below 1" if name == "significance" else "")
            )
        known[name] = float(value)
    return known


@dataclass(frozen=True)
class Judgement:
    """One criterion as found: its value, whether it fails, and where."""

    criterion: str
    value: float | None
    fails: bool | None
    where: str = ""
    factor: str = ""


def card(
    judgements: list[Judgement],
    limit: Mapping[str, float],
    given: Mapping[str, float],
    language: str,
    *,
    same: bool,
) -> pl.DataFrame:
    """Judgements with their words; of people who are not those of the fit, `same` is false.

    Returns
    -------
    DataFrame
        criterion, factor (of `by`; else empty), meaning, value, threshold, verdict (pass, fail, not
        judged), where (ages, centiles, levels), to_do (of what fails) and source of the threshold.
    """
    if language not in LANGUAGES:
        raise DefinitionError(f"language={language!r}; expected one of {', '.join(LANGUAGES)}")
    rows = [_row(each, limit, given, language) for each in judgements]
    first = "" if same else _texts()["others"][language]
    for row in rows:
        if row["verdict"] == FAIL and row["criterion"] in LEVELS:
            row["to_do"] = first + row["to_do"]
    return pl.DataFrame(rows, schema=SCHEMA)


def _row(
    judgement: Judgement, limit: Mapping[str, float], given: Mapping[str, float], language: str
) -> dict[str, Any]:
    words = _texts()["criteria"][judgement.criterion]
    names = [name for name in words["limit"].split(", ") if name]
    sources = {("as given" if n in given else _texts()["limits"][n]["source"]): None for n in names}
    verdict = OPEN if judgement.fails is None else FAIL if judgement.fails else PASS
    return {
        "criterion": judgement.criterion,
        "factor": judgement.factor,
        "meaning": words[language],
        "value": judgement.value,
        "threshold": limit[names[0]] if len(names) == 1 else 0.0,
        "verdict": verdict,
        "where": judgement.where,
        "to_do": words[f"do_{language}"] if verdict == FAIL else "",
        "source": "; ".join(sources) or OURS,
    }


def judge_convergence(curve: Curve) -> Judgement:
    """Value: 0 where it converged, 1 where it did not."""
    return Judgement("convergence", float(not curve.fit.converged), not curve.fit.converged)


def judge_coverage(criterion: str, rows: pl.DataFrame, limit: float) -> Judgement:
    """Value: the largest shift that chance does not explain, else 0."""
    judged = rows.drop_nulls("beyond_chance")
    if judged.is_empty():
        return Judgement(criterion, None, None)
    far = judged.filter("beyond_chance").sort(pl.col("shift").abs(), descending=True)
    value = float(far["shift"].abs().max() or 0.0) if far.height else 0.0  # type: ignore[arg-type]
    wrong = far.filter(pl.col("shift").abs() > limit)
    cells = [f"{row['ages']}: {row['percent']:g}% ({100 * row['share']:.1f}%)"
             for row in wrong.to_dicts()]  # fmt: skip
    return Judgement(criterion, value, wrong.height > 0, _named(cells))


def judge_worms(rows: pl.DataFrame, limit: Mapping[str, float]) -> Judgement:
    """Value: coefficients beyond both their limit and chance."""
    from scipy.special import ndtri

    cells = rows.height * len(COEFFICIENTS)
    reach = float(ndtri(1 - limit["significance"] / (2 * cells)))
    wrong = [
        f"{row['ages']}: {name} {row[name]:.2f}"
        for row in rows.to_dicts()
        for name in COEFFICIENTS
        if abs(row[name]) > max(limit[name], reach * row[f"se_{name}"])
    ]
    return Judgement("worms", float(len(wrong)), bool(wrong), _named(wrong))


def judge_q(
    totals: pl.DataFrame, bands: pl.DataFrame, limit: Mapping[str, float]
) -> Iterator[Judgement]:
    """Values: the sizes of the faults; each fails where it is also significant."""
    for i, name in enumerate(STATISTICS):
        row = totals.row(by_predicate=pl.col("of") == name, named=True)
        if row["p"] is None:
            yield Judgement(name, row["size"], None)
            continue
        score = f"z{i + 1}"
        fails = row["p"] < limit["significance"] / len(STATISTICS) and row["size"] > limit[name]
        worst = bands.sort(pl.col(score).abs(), descending=True).to_dicts()
        cells = [f"{band['ages']}: Z{i + 1} {band[score]:.1f}" for band in worst
                 if abs(band[score]) > 2]  # fmt: skip
        yield Judgement(name, row["size"], fails, _named(cells) if fails else "")


def judge_groups(tests: pl.DataFrame, limit: Mapping[str, float]) -> Iterator[Judgement]:
    """Values: of the level furthest off."""
    from math import log

    for row in tests.to_dicts():
        criterion = "group_mean" if row["of"] == "mean" else "group_spread"
        size = abs(row["widest"]) if row["of"] == "mean" else abs(log(row["widest"]))
        if row["p"] is None:
            yield Judgement(criterion, size, None, factor=row["factor"])
            continue
        fails = row["p"] < limit["significance"] / tests.height and size > limit[criterion]
        where = f"{row['level']}: {row['widest']:.2f}" if fails else ""
        yield Judgement(criterion, size, fails, where, row["factor"])


def judge_edges(rows: pl.DataFrame, limit: Mapping[str, float]) -> Iterator[Judgement]:
    """People, error of the median and coverage at both ends."""
    ends = rows.unique("end", maintain_order=True).to_dicts()
    few = [end for end in ends if end["n"] < limit["edge_people"]]
    least = float(min(end["n"] for end in ends))
    yield Judgement("edge_people", least, bool(few), _ends(few))
    wide = [end for end in ends if end["se"] > limit["edge_error"]]
    yield Judgement("edge_error", max(end["se"] for end in ends), bool(wide), _ends(wide))
    named = pl.format("{}–{}", pl.col("first").round(1), pl.col("last").round(1))
    yield judge_coverage("edge_coverage", rows.with_columns(ages=named), limit["shift"])


def judge_crossing(rows: pl.DataFrame) -> Judgement:
    """Value: ages at which two centiles are not in order."""
    wrong = rows.filter(pl.col("n") > 0).to_dicts()
    cells = [f"{row['lower']:g}% and {row['upper']:g}%: {row['age']:.1f}" for row in wrong]
    return Judgement("crossing", float(rows["n"].sum()), bool(wrong), _named(cells))


def _ends(rows: list[dict[str, Any]]) -> str:
    return "; ".join(f"{row['first']:g}–{row['last']:g}" for row in rows)


def _named(cells: list[str]) -> str:
    more = len(cells) - NAMED
    return "; ".join(cells[:NAMED]) + (f"; … (+{more})" if more > 0 else "")
