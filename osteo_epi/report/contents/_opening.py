"""What a co-author reads first: the figure, in whom, by which definition, and what counts as it."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.frames import grouping
from osteo_epi.language import language, said, word
from osteo_epi.language import level as level_words
from osteo_epi.norms import SEXES, definition_words, population_words, reference_words
from osteo_epi.population import ALL
from osteo_epi.report._run import Run
from osteo_epi.report.contents._words import (
    BELOW,
    leading_class,
    level,
    main_rows,
    of_everybody,
    split_by,
)
from osteo_epi.report.document import Block, Box, Listing, Paragraph


def summary(run: Run) -> list[Block]:
    """The headline, what stands beside it, and the box of what counted as what."""
    rows = main_rows(run)
    beside = [_groups(rows, run), _affected(run), _missing(run)]
    return [
        Paragraph(_headline(run, rows), "lead"),
        *(Paragraph(text) for text in beside if text),
        Box(_title_of_rules(run), (Listing(tuple(_rules(run))),)),
    ]


def _title_of_rules(run: Run) -> str:
    if leading_class(run) == BELOW:
        return said("How densities were judged")
    return said("What counted as osteoporosis")


def _headline(run: Run, rows: pl.DataFrame) -> str:
    """Figure, interval, population and definition in one sentence."""
    known = rows.filter(pl.col("estimate").is_not_null())
    if known.is_empty():
        return said("No prevalence of osteoporosis may be shown; see the tables for the reasons.")
    row = _widest(known)
    names = [(name, row[name]) for name in grouping(rows) if row[name] != ALL]
    people = said("{people} {ages}", people=_people(names), ages=age_range(row["age_band"]))
    facts = {
        "people": people,
        "criterion": reference_words(run.manifest["definition"]["id"]),
        "figure": figure_words(run, row),
    }
    if not _is_withheld(run, row):
        return _found(run, row, facts)
    return said(
        "The prevalence of osteoporosis in {people}, by “{criterion}”, is not precise enough to be "
        "shown.",
        people=people,
        criterion=facts["criterion"],
    )


def _found(run: Run, row: dict[str, Any], facts: dict[str, str]) -> str:
    """What may be shown, of whichever statistic and class the report leads with."""
    if row["class"] == BELOW:
        return said(
            "Of {people}, {figure} had a BMD below the expected range for age (Z-score) by "
            "“{criterion}”; no T-score applies at these ages.",
            **facts,
        )
    if row["statistic"] == "age_standardised":
        standard = reference_words(run.manifest["standard"]["id"])
        return said(
            "Of {people}, {figure} had osteoporosis by “{criterion}”, age-standardised to "
            "{standard}.",
            **facts,
            standard=standard,
        )
    return said("Of {people}, {figure} had osteoporosis by “{criterion}”.", **facts)


def _widest(rows: pl.DataFrame) -> dict[str, Any]:
    """The row of most people: of everybody, else of all levels of as many columns as can be."""
    joined = pl.sum_horizontal(
        pl.lit(0), *(pl.col(name).eq(ALL).cast(pl.Int64) for name in grouping(rows))
    )
    widest = rows.filter(joined == joined.max())
    return widest.sort("n", descending=True, nulls_last=True, maintain_order=True).row(
        0, named=True
    )


def _people(names: list[tuple[str, Any]]) -> str:
    if not names:
        return said("people")
    return said(", ").join(
        word(name).lower() if name in SEXES else level_words(column, name) for column, name in names
    )


def age_range(band: str | None) -> str:
    """Ages of a prevalence in words: "50+" is "aged 50 years or older"."""
    if not band:
        return said("of all ages")
    if band.endswith("+"):
        return said("aged {age} years or older", age=band.removesuffix("+"))
    return said("aged {ages} years", ages=band.replace("-", "–"))


def figure_words(run: Run, row: dict[str, Any]) -> str:
    """An estimate in a sentence: "12.1% (95% CI 10.2–14.3)", as the table has it."""
    ends = (row["lower"], row["upper"])
    beside = run.prevalence.filter(
        pl.col("statistic") != "age_band", pl.col("estimate").is_not_null()
    )
    decimals = rounding.column_decimals(beside.select("lower", "upper").iter_rows())
    estimate = rounding.percent(row["estimate"], decimals=decimals)
    if None in ends:
        return f"{estimate}%"
    low, high = (rounding.percent(end, decimals=decimals) for end in ends)
    return said("{estimate}% ({level} CI {low}–{high})", estimate=estimate, level=level(run),
                low=low, high=high)  # fmt: skip


def _is_withheld(run: Run, row: dict[str, Any]) -> bool:
    return row.get("verdict") == "suppress" and not run.shows_unreliable


def _groups(rows: pl.DataFrame, run: Run) -> str:
    """The same figure in the levels of the first column it is broken down by."""
    columns = split_by(rows)
    if not columns:
        return ""
    others = [pl.col(name) == ALL for name in columns[1:]]
    parts = [
        said(
            "{group}: {figure}",
            group=level_words(columns[0], row[columns[0]]),
            figure=figure_words(run, row),
        )
        for row in rows.filter(pl.col(columns[0]) != ALL, *others).iter_rows(named=True)
        if row["estimate"] is not None and not _is_withheld(run, row)
    ]
    return said("{groups}.", groups=said("; ").join(parts)) if len(parts) > 1 else ""


def _affected(run: Run) -> str:
    """How many people that is, where the run says so."""
    everybody = of_everybody(run.prevalence.filter(pl.col("class") == leading_class(run)))
    rows = everybody.filter(
        pl.col("people_affected").is_not_null(), pl.col("statistic") != "age_band"
    )
    if rows.is_empty():  # where a band of age lacks, the others may say a number
        return ""
    row = rows.row(-1, named=True)
    if _is_withheld(run, row):
        return ""
    ends = (row[f"people_affected{end}"] for end in ("", "_lower", "_upper"))
    people = people_words(*ends, many=rounding.are_many(run.prevalence["people_affected"]))
    of = row["people_affected_of"]
    if not of:
        return said("People affected: {people}.", people=people)
    return said("People affected: {people} in {population}.", people=people,
                population=population_words(of))  # fmt: skip


def people_words(estimate: float, lower: float | None, upper: float | None, *, many: bool) -> str:
    """A number of people with its interval, as the table has it, and the unit.

    Examples
    --------
    >>> people_words(13_060_000, 10_670_000, 15_440_000, many=True)
    '13.06 (10.67–15.44) million'
    >>> people_words(4_150.2, 3_630, 4_700, many=False)
    '4,150 (3,630–4,700)'
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     people_words(13_060_000, 10_670_000, 15_440_000, many=True)
    '1,306（1,067～1,544）万人'
    """
    texts = rounding.people_texts(estimate, lower, upper, many=many)
    people, low, high = texts
    if rounding.MISSING not in texts:
        people = said("{people} ({low}–{high})", people=people, low=low, high=high)
    return said("{people} million", people=people) if many else said("{people}", people=people)


def _missing(run: Run) -> str:
    everybody = of_everybody(
        run.prevalence.filter(pl.col("class") == leading_class(run), statistic="crude")
    )
    if everybody.is_empty():
        return ""
    row = everybody.row(0, named=True)
    if not row["n_missing"] or row["n"] is None:
        return ""
    total = row["n"] + row["n_missing"]
    return said(
        "{missing} of {total} people of these ages ({share}%) could not be classified; they count "
        "as missing, not as healthy.",
        missing=rounding.count(row["n_missing"]),
        total=rounding.count(total),
        share=rounding.percent(row["n_missing"] / total, decimals=1),
    )


def _rules(run: Run) -> list[str]:
    """The lines of the box: criterion, cut-offs, comparison, standard, intervals."""
    facts = run.manifest
    definition = facts["definition"]
    rules = [said("Criterion: {title}.", title=reference_words(definition["id"]))]
    limits = definition["classes"].get(language(), "")
    rules += _classes(limits, by_fracture="fracture" in _evidence(definition["label"]))
    rules += _choices(definition["label"])
    cuts = _cut_offs(run) if leading_class(run) != BELOW else ""
    rules += [said("BMD at the cut-off: {cuts} [g/cm²].", cuts=cuts)] if cuts else []
    if facts["standard"]:
        title = reference_words(facts["standard"]["id"])
        rules.append(said("Standard population: {title}.", title=title))
    return rules


def _evidence(label: str) -> list[str]:
    named = [part for part in label.split("; ") if part.startswith("evidence ")]
    return [kind for part in named for kind in part.removeprefix("evidence ").split("+")]


def _classes(limits: str, *, by_fracture: bool) -> list[str]:
    """Each class with all that makes it, a sentence each."""
    ways: dict[str, list[str]] = {}
    for part in filter(None, limits.split(said("; "))):
        name, _, way = part.partition(said(": "))
        ways.setdefault(name, []).append(way)
    for first in list(ways)[: int(by_fracture)]:
        ways[first].append(said("a fragility fracture"))
    lines = [
        said("{name}: {values}", name=name[:1].upper() + name[1:], values=said(" or ").join(values))
        for name, values in ways.items()
    ]
    return [said("{choice}.", choice=line) for line in lines]


def _choices(label: str) -> list[str]:
    """The choices of a definition, a sentence each."""
    words = definition_words(label).split(said("; "))[1:]
    return [said("{choice}.", choice=text[:1].upper() + text[1:]) for text in words]


def _cut_offs(run: Run) -> str:
    """The BMD at which osteoporosis begins, each region once where both sexes share it."""
    parts = []
    for (roi,), rows in run.reference.group_by("roi", maintain_order=True):
        values = rows["cut_off"].unique()
        if len(values) == 1:
            texts = [rounding.density(values[0])]
        else:
            texts = [
                said("{group} {figure}", group=word(sex).lower(), figure=rounding.density(cut))
                for sex, cut in rows.select("sex", "cut_off").iter_rows()
            ]
        parts.append(said("{name}: {values}", name=word(roi), values=said(", ").join(texts)))
    return said("; ").join(parts)
