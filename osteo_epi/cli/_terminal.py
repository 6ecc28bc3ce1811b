"""What a run says on the terminal; text from data is shown as it is, never taken as markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Group

from osteo_epi import rounding
from osteo_epi.cli._grid import grid, hung, plain
from osteo_epi.frames import group_label
from osteo_epi.language import (
    MARKS,
    OF,
    STATING,
    TOLD,
    UNSURE,
    WITHHELD,
    design_words,
    flags_of,
    method_words,
    phrase,
    said,
    word,
)
from osteo_epi.norms import definition_words, population_words, reference_words

if TYPE_CHECKING:
    from osteo_epi.report import Run

CRUDE, STANDARDISED = "crude", "age_standardised"
AFFECTED = "people_affected"
SUPPRESS = "suppress"
LIMITS = (f"{AFFECTED}_lower", f"{AFFECTED}_upper")
APART = " · "
"""Between the columns that tell a group."""
NAMED = 4
"""Groups that are named with a reason."""
COUNTS = ("n", "n in", "n out", "n excluded")
YIELDING = (5, 2, 1)
"""Columns whose intervals give way to the names of groups: people affected, then the estimates."""


@dataclass(frozen=True)
class Form:
    """How the estimates of a run are written: as the report writes them."""

    shows: bool
    decimals: int
    many: bool

    @classmethod
    def of(cls, run: Run, rows: pl.DataFrame) -> Form:
        """The digits of the narrowest interval that is shown, and the unit of all people."""
        ends = rows.filter(pl.col("estimate").is_not_null()).select("lower", "upper")
        return cls(
            run.shows_unreliable,
            rounding.column_decimals(ends.iter_rows()),
            rounding.are_many(run.prevalence[AFFECTED]),
        )


def prevalence_table(result: Run, *, width: int) -> Group:
    """Show crude and age-standardised prevalence with n, interval and people affected.

    A row holds a group, so that a terminal of 80 columns is wide enough.

    Parameters
    ----------
    result
        A finished run.
    width
        Columns of the terminal.
    """
    frame = result.once().prevalence
    rows = frame.filter(pl.col("statistic") != "age_band").with_columns(
        group_label(frame, words=True).alias("group")
    )
    criterion = result.manifest["definition"]["id"]
    title = (
        said("Prevalence of SIMULATED people by {criterion}", criterion=criterion)
        if result.manifest["simulated"]
        else said("Prevalence by {criterion}", criterion=criterion)
    )
    form = Form.of(result, rows)
    tables = [
        _of_class(name, part, form, width)
        for (name,), part in rows.group_by("class", maintain_order=True)
    ]
    below = (*_meaning_of_marks(rows, form.shows), *_caption(result))
    lines = [hung(line, width) for line in below]
    return Group("", hung(title, width, style="bold"), *tables, "", *lines)


def _headings(many: bool) -> tuple[str, ...]:
    return (
        *(said("Group"), said("Crude %"), said("Age-standardised %"), said("n"), said("Missing")),
        said("Affected, million") if many else said("Affected"),
    )


def _of_class(name: Any, rows: pl.DataFrame, form: Form, width: int) -> Group:
    groups = [part for _, part in rows.group_by("group", maintain_order=True)]
    cells, headings = [_cells(part, form) for part in groups], _headings(form.many)
    shown = [k for k in range(len(headings)) if any(row[k] != rounding.MISSING for row in cells)]
    labels = [_parted(row[0]) for row in cells]
    laid = grid(
        [headings[k] for k in shown],
        [
            (f" {label}" if section else label, *(row[k] for k in shown[1:]))
            for (section, label), row in zip(labels, cells, strict=True)
        ],
        width,
        right=(said("n"), said("Missing")),
        yielding=[shown.index(k) for k in YIELDING if k in shown],
    )
    before = ""
    for (section, label), line in zip(labels, laid.lines, strict=True):
        if section and section != before:
            laid.table.add_row(plain(section))
        before = section or label
        laid.table.add_row(*line)
    flags = [hung(line, width) for line in _flags(rows, form.shows)]
    return Group("", plain(word(name), style="bold"), laid.table, *flags)


def _parted(group: str) -> tuple[str, str]:
    """The heading that a group stands under, "" for none, and its own name."""
    section, parted, label = group.partition(APART)
    return (section, label) if parted else ("", section)


def _cells(rows: pl.DataFrame, form: Form) -> list[str]:
    """One group: its crude and, where there is one, its age-standardised estimate."""
    by_statistic = {row["statistic"]: row for row in rows.iter_rows(named=True)}
    crude, standard = by_statistic[CRUDE], by_statistic.get(STANDARDISED, {})
    counted = standard if crude[AFFECTED] is None else crude
    return [
        crude["group"],
        _percent(crude, form),
        _percent(standard, form),
        rounding.count(crude["n"]),
        rounding.count(crude["n_missing"]),
        WITHHELD
        if _is_withheld(counted, form.shows) and counted.get(AFFECTED) is not None
        else rounding.people_interval(*_with_limits(counted, AFFECTED, LIMITS), many=form.many),
    ]


def _percent(row: dict[str, Any], form: Form) -> str:
    """The percentage with its interval, and the mark of its verdict."""
    if _is_withheld(row, form.shows):
        return WITHHELD
    ends = _with_limits(row, "estimate", ("lower", "upper"))
    text = rounding.percent_interval(*ends, decimals=form.decimals)
    return text if row.get("estimate") is None else text + MARKS.get(str(row.get("verdict")), "")


def _is_withheld(row: dict[str, Any], shows: bool) -> bool:
    return row.get("verdict") == SUPPRESS and row["estimate"] is not None and not shows


def _meaning_of_marks(rows: pl.DataFrame, shows: bool) -> list[str]:
    """What the marks say, for those that there are."""
    verdicts = set(rows.filter(pl.col("estimate").is_not_null())["verdict"])
    where = said(
        "The number is in prevalence.csv; --show-unreliable shows it here and in the report."
    )
    withheld = (
        said("* Not precise enough to be published; shown to the author only.")
        if shows
        else said(
            "{sentence} {next}",
            sentence=said("* Withheld: not precise enough to be shown."),
            next=where,
        )
    )
    meaning = {
        SUPPRESS: withheld,
        "show_with_note": said("† The complement of this percentage is not precise."),
        "review": said(
            "‡ Few degrees of freedom: to be reviewed by a statistician before publication."
        ),
    }
    return [words for verdict, words in meaning.items() if verdict in verdicts]


def _with_limits(row: dict[str, Any], name: str, limits: tuple[str, str]) -> list[float | None]:
    return [row.get(part) for part in (name, *limits)]


def _flags(rows: pl.DataFrame, shows: bool) -> list[str]:
    """What is to be known of rows, each reason once with the groups that have it."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for row in rows.iter_rows(named=True):
        flags = flags_of(row["flag"])
        if row["verdict"] in UNSURE:
            flags = [flag for flag in flags if not flag.startswith(TOLD)]
        if _is_withheld(row, shows):
            flags = [flag for flag in flags if flag not in STATING]
        if flags:
            having = reasons.setdefault(said(", ").join(map(phrase, flags)), {})
            having.setdefault(row["group"], []).append(word(row["statistic"]).lower())
    return [f"{_named(having)}{said(': ')}{reason}" for reason, having in reasons.items()]


def _named(groups: Mapping[str, list[str]]) -> str:
    """Groups with the estimates of theirs that are meant; of many, the first."""
    names = [
        said("{group}, {statistics}", group=name, statistics=said(" and ").join(statistics))
        for name, statistics in groups.items()
    ]
    more = len(names) - NAMED
    rest = [said("and {n} more", n=more)] if more > 0 else []
    return said("; ").join([*names[:NAMED], *rest])


def _caption(result: Run) -> list[str]:
    facts = result.manifest
    standard, frame = facts["standard"], result.to_polars()
    method = next(iter(frame["method"].drop_nulls()), None)
    of = next(iter(frame[OF].drop_nulls()), None)
    parts = {
        said("Definition"): definition_words(facts["definition"]["label"]),
        said("Standard population"): said(": ").join(
            (standard["id"], reference_words(standard["id"]))
        )
        if standard
        else said("none"),
        said("Survey design"): design_words(facts["design"] or "simple random sample"),
        said("Intervals"): said("; ").join(
            (
                rounding.level(facts["confidence"]),
                method_words(method) if method else said("nobody could be estimated"),
            )
        ),
        said("People affected"): population_words(of) if of else "",
    }
    label = [said("SIMULATED people: no evidence about anybody.")] if facts["simulated"] else []
    return label + [f"{name}{said(': ')}{words}" for name, words in parts.items() if words]


def frame_table(frame: pl.DataFrame, *, width: int, title: str = "") -> Group:
    """Show a small frame of texts and counts.

    Parameters
    ----------
    frame
        The cells as they are printed.
    width
        Columns of the terminal.
    title
        What stands above.
    """
    headings = [name.replace("_", " ") for name in frame.columns]
    rows = [["" if cell is None else str(cell) for cell in row] for row in frame.iter_rows()]
    laid = grid(headings, rows, width, right=COUNTS)
    for line in laid.lines:
        laid.table.add_row(*line)
    return Group(*([hung(title, width, style="bold")] if title else []), laid.table)
