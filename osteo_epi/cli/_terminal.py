"""What a run says on the terminal; text from data is shown as it is, never taken as markup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from osteo_epi import rounding
from osteo_epi.frames import group_label
from osteo_epi.language import MARKS, OF, STATING, TOLD, UNSURE, WITHHELD, flags_of, phrase, word
from osteo_epi.norms import definition_words
from osteo_epi.visible import visible

if TYPE_CHECKING:
    from osteo_epi.report import Run

CRUDE, STANDARDISED = "crude", "age_standardised"
HEADINGS = ("People", "Crude %", "Age-\nstandardised %", "n", "Miss-\ning", "Affected,\nmillion")
AFFECTED = "people_affected"
SUPPRESS = "suppress"
LIMITS = (f"{AFFECTED}_lower", f"{AFFECTED}_upper")
APART = " · "
"""Between the columns that tell a group."""
LONGEST_NAME = 44
"""Letters of an identifier that is never broken."""
NAMED = 4
"""Groups that are named with a reason."""
NUMBERS = HEADINGS[1:]
NUMERIC = {"n", "Miss-\ning", "n in", "n out", "n excluded"}


def prevalence_table(result: Run) -> Group:
    """Show crude and age-standardised prevalence with n, interval and people affected.

    A row holds a group, so that a terminal of 80 columns is wide enough.
    """
    frame = result.once().prevalence
    rows = frame.filter(pl.col("statistic") != "age_band").with_columns(
        group_label(frame, words=True).alias("group")
    )
    warned = " of SIMULATED people" if result.manifest["simulated"] else ""
    title = f"Prevalence{warned} by {result.manifest['definition']['id']}"
    shows = result.shows_unreliable
    tables = [
        _of_class(name, part, shows)
        for (name,), part in rows.group_by("class", maintain_order=True)
    ]
    below = [_text(line) for line in (*_meaning_of_marks(rows, shows), _caption(result))]
    return Group("", _text(title, style="bold"), *tables, "", *below)


def _of_class(name: Any, rows: pl.DataFrame, shows: bool) -> Group:
    groups = [part for _, part in rows.group_by("group", maintain_order=True)]
    cells = [_cells(part, shows) for part in groups]
    shown = [k for k in range(len(HEADINGS)) if any(row[k] != rounding.MISSING for row in cells)]
    table = _table([HEADINGS[k] for k in shown])
    before = ""
    for row in cells:
        section, parted, label = row[0].partition(APART)
        if parted and section != before:
            table.add_row(_text(section))
        before = section
        first = Padding(_text(label), (0, 0, 0, 1)) if parted else _text(section)
        table.add_row(first, *(_text(row[k]) for k in shown[1:]))
    flags = _flags(rows, shows)
    return Group("", _text(word(name), style="bold"), table, *(_text(line) for line in flags))


def _cells(rows: pl.DataFrame, shows: bool) -> list[str]:
    """One group: its crude and, where there is one, its age-standardised estimate."""
    by_statistic = {row["statistic"]: row for row in rows.iter_rows(named=True)}
    crude, standard = by_statistic[CRUDE], by_statistic.get(STANDARDISED, {})
    counted = standard if crude[AFFECTED] is None else crude
    return [
        crude["group"],
        _percent(crude, shows),
        _percent(standard, shows),
        rounding.count(crude["n"]),
        rounding.count(crude["n_missing"]),
        WITHHELD
        if _is_withheld(counted, shows) and counted.get(AFFECTED) is not None
        else rounding.millions_interval(*_with_limits(counted, AFFECTED, LIMITS)),
    ]


def _percent(row: dict[str, Any], shows: bool) -> str:
    """The percentage with its interval, and the mark of its verdict."""
    if _is_withheld(row, shows):
        return WITHHELD
    text = rounding.percent_interval(*_with_limits(row, "estimate", ("lower", "upper")))
    return (
        text + MARKS.get(str(row.get("verdict")), "") if row.get("estimate") is not None else text
    )


def _is_withheld(row: dict[str, Any], shows: bool) -> bool:
    return row.get("verdict") == SUPPRESS and row["estimate"] is not None and not shows


def _meaning_of_marks(rows: pl.DataFrame, shows: bool) -> list[str]:
    """What the marks say, for those that there are."""
    verdicts = set(rows.filter(pl.col("estimate").is_not_null())["verdict"])
    withheld = (
        "* not precise enough to be published; shown to the author only"
        if shows
        else "* withheld: not precise enough to be shown; the number is in prevalence.csv, and "
        "--show-unreliable shows it here and in the report"
    )
    meaning = {
        SUPPRESS: withheld,
        "show_with_note": "† the complement of this percentage is not precise",
        "review": "‡ few degrees of freedom: to be reviewed by a statistician",
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
            having = reasons.setdefault(", ".join(map(phrase, flags)), {})
            having.setdefault(row["group"], []).append(word(row["statistic"]).lower())
    return [f"{_named(having)}: {reason}" for reason, having in reasons.items()]


def _named(groups: Mapping[str, list[str]]) -> str:
    """Groups with the estimates of theirs that are meant; of many, the first."""
    names = [f"{name}, {' and '.join(statistics)}" for name, statistics in groups.items()]
    more = len(names) - NAMED
    return "; ".join(names[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _caption(result: Run) -> str:
    facts = result.manifest
    standard = facts["standard"]
    method = next(iter(result.to_polars()["method"].drop_nulls()), None)
    lines = [
        f"Definition: {definition_words(facts['definition']['label'])}",
        f"Standard population: {standard['id'] + ': ' + standard['title'] if standard else 'none'}",
        f"Design: {facts['design'] or 'simple random sample'}",
        f"Intervals: {100 * facts['confidence']:g} %; {method or 'nobody could be estimated'}",
    ]
    of = next(iter(result.to_polars()[OF].drop_nulls()), None)
    lines += [f"Affected: people in {of}"] if of else []
    label = facts["data"]["label"]
    return "\n".join([*([label] if facts["simulated"] else []), *lines])


def _text(words: object, **options: Any) -> Text:
    """Words as they stand: no markup, and nothing that steers the terminal."""
    return Text(visible(words), **options)


def frame_table(frame: pl.DataFrame, *, title: str = "") -> Group:
    """Show a small frame of texts and counts."""
    # An identifier is copied from here, and stays in one piece.
    names = [str(cell) for cell in frame.to_series(0)] if frame.width else []
    is_whole = all(len(name.split()) == 1 and len(name) <= LONGEST_NAME for name in names)
    table = _table([name.replace("_", " ") for name in frame.columns], whole=is_whole)
    for row in frame.iter_rows():
        table.add_row(*(_text("" if cell is None else str(cell)) for cell in row))
    return Group(*([_text(title, style="bold")] if title else []), table)


def _table(headings: list[str], *, whole: bool = False) -> Table:
    """An empty table; whether the cells of its first column are never broken."""
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    for place, heading in enumerate(headings):
        side: Any = "right" if heading in NUMERIC else "left"
        # Groups are broken between words, and no number is.
        kept = whole if place == 0 else heading in NUMBERS
        table.add_column(_text(heading), justify=side, overflow="fold", no_wrap=kept)
    return table
