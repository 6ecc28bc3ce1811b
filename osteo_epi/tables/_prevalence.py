"""Prevalences as tables: what may not be shown is withheld here, and the rest is marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.arguments import true_or_false
from osteo_epi.cohort import says_simulated
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars, group_label
from osteo_epi.language import (
    MARKS,
    OF,
    STATING,
    TOLD,
    UNSURE,
    WITHHELD,
    design_words,
    flags_of,
    language,
    phrase,
    said,
    word,
)
from osteo_epi.norms import (
    definition_words,
    load,
    norm_words,
    population_words,
    reference_words,
)
from osteo_epi.population import presentation
from osteo_epi.tables._journal import JournalTable, mark_of

NEEDED = ("class", "statistic", "age_band", "estimate", "se", "lower", "upper", "n", "n_missing")
RULE = "nchs_proportion"
PEOPLE_SE = "people_affected_se"
PEOPLE = ("people_affected", "people_affected_lower", "people_affected_upper")
NUMBERS = (
    *("estimate", "se", "lower", "upper", "lowest_possible", "highest_possible"),
    *("deff", "n_effective", PEOPLE_SE, *PEOPLE),
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass
class Printer:
    """How an estimate is printed; it gathers what the notes have to explain."""

    show_unreliable: bool = False
    decimals: int = 1
    flags: dict[str, str] = field(default_factory=dict)
    verdicts: set[str] = field(default_factory=set)

    def is_withheld(self, row: dict[str, Any] | None) -> bool:
        """Whether a row has an estimate that must not be shown."""
        return row is not None and _verdict(row) == "suppress" and not self.show_unreliable

    def estimate(self, row: dict[str, Any] | None) -> str:
        """The percentage with its interval and marks."""
        if row is None:
            return ""
        if row["estimate"] is None:
            return rounding.MISSING + self._letters(row)
        verdict = _verdict(row)
        self.verdicts.add(verdict)
        if self.is_withheld(row):
            return WITHHELD
        ends = (row["estimate"], row["lower"], row["upper"])
        text = rounding.percent_interval(*ends, decimals=self.decimals)
        return text + MARKS.get(verdict, "") + self._letters(row)

    def _letters(self, row: dict[str, Any]) -> str:
        """Letters of what is flagged; the label of simulated people stands below the table."""
        given = flags_of(row.get("flag"))
        told = TOLD if _verdict(row) in UNSURE else ()
        for flag in given:
            if not flag.startswith(told):
                again, place = divmod(len(self.flags), len(LETTERS))
                self.flags.setdefault(flag, LETTERS[place] * (again + 1))
        letters = [self.flags[flag] for flag in given if flag in self.flags]
        return f" [{','.join(letters)}]" if letters else ""

    def notes(self, rule: str | None) -> list[str]:
        """What the marks and letters in the cells mean."""
        texts = {
            "suppress": said("* Not precise enough to be published; shown to the author only.")
            if self.show_unreliable
            else said("* Withheld: not precise enough to be shown."),
            "show_with_note": said("† The complement of this percentage is not precise."),
            "review": said(
                "‡ Few degrees of freedom: to be reviewed by a statistician before publication."
            ),
        }
        notes = [text for verdict, text in texts.items() if verdict in self.verdicts]
        if notes and rule is not None:
            name = norm_words(load("presentation", rule))
            notes.append(said("Rule of presentation: {rule}.", rule=name))
        return notes + [f"[{letter}] {phrase(flag)}" for flag, letter in self.flags.items()]


def _verdict(row: dict[str, Any]) -> str:
    return str(row.get("verdict") or "show")


def decimals_of(table: pl.DataFrame) -> int:
    """Decimals that every interval of a table bears, so that a column is of one form."""
    ends = table.filter(pl.col("estimate").is_not_null()).select("lower", "upper")
    return rounding.column_decimals(ends.iter_rows())


def gravest(rows: Sequence[dict[str, Any] | None]) -> str:
    """The verdict of a line of the table: the gravest of its estimates, "" where all are shown."""
    seen = {_verdict(row) for row in rows if row is not None and row["estimate"] is not None}
    return next((verdict for verdict in MARKS if verdict in seen), "")


def judged(data: Any, rule: str | None) -> pl.DataFrame:
    """The rows of a prevalence with a verdict; what they have already stays.

    Raises
    ------
    SchemaError
        If a column is absent.
    """
    is_result = hasattr(data, "to_frame") and not hasattr(data, "columns")
    frame, _ = as_polars(data.to_polars() if is_result else data)
    table: pl.DataFrame = frame.lazy().collect()
    absent = [name for name in NEEDED if name not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; pass the result of prevalence()")
    # Ordered categories of a result are texts here, so that rows of two results can be compared.
    table = table.with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String))
    if rule is None:
        return table.drop("verdict", strict=False)
    return table if "verdict" in table.columns else presentation(table, rule=rule)


def interval_heading(table: pl.DataFrame) -> str:
    """Say "% (95% CI)"."""
    levels = table["confidence"].drop_nulls().to_list() if "confidence" in table.columns else []
    if not levels:
        return said("% (CI)")
    return said("% ({level}% CI)", level=f"{100 * levels[0]:g}")


def hidden(table: pl.DataFrame, *, show_unreliable: bool) -> pl.DataFrame:
    """The numbers behind the cells, without those that are withheld."""
    if "verdict" not in table.columns or show_unreliable:
        return table
    shown = pl.col("verdict").cast(pl.String).fill_null("show") != "suppress"
    numbers = [
        pl.when(shown).then(pl.col(name)).alias(name) for name in NUMBERS if name in table.columns
    ]
    if "flag" not in table.columns:
        return table.with_columns(numbers)
    is_silent = ~pl.element().is_in(list(STATING))
    flags = pl.col("flag").str.split("; ").list.eval(pl.element().filter(is_silent))
    unsaid = flags.list.join("; ")
    return table.with_columns(
        *numbers, pl.when(shown).then(pl.col("flag")).otherwise(unsaid).alias("flag")
    )


def affected_of(table: pl.DataFrame) -> str | None:
    """Whose the people affected are, in a sentence; None where no row has any."""
    if PEOPLE[0] not in table.columns or not table[PEOPLE[0]].count():
        return None
    named = table[OF].drop_nulls().to_list() if OF in table.columns else []
    if not named:
        return said("People affected: prevalence times population.")
    return said("People affected: in {of}.", of=population_words(named[0]))


def people_column(*, many: bool) -> str:
    """Heading of people affected, with the unit where they are many."""
    return said("People affected, million") if many else said("People affected")


def prevalence_table(
    result: Any,
    *,
    rule: str | None = RULE,
    show_unreliable: bool = False,
    decimals: int | None = None,
    se: bool = False,
    people: bool = True,
    title: str | None = None,
) -> JournalTable:
    """Table of prevalences with intervals, n and those missing, the classes side by side.

    Parameters
    ----------
    result
        A `Prevalence`, or a frame with its columns.
    rule
        Id of the rule of presentation that gives the verdict where the rows have none: what it
        suppresses is withheld with its limits and people affected, the rest is marked. None for no
        verdict.
    show_unreliable
        Show what the rule suppresses, with its mark: for the author, not for print.
    decimals
        Decimals of the percentages; by default two where no interval is wider than ±1 point, else
        one.
    se
        Whether the standard error stands beside each percentage.
    people
        Whether people affected stand there where the rows have any.
    title
        What stands above the table.

    Returns
    -------
    JournalTable
        A section for each group, in it a row for each statistic and age band.

    Raises
    ------
    SchemaError
        If a column is absent.

    Examples
    --------
    >>> rows = pl.DataFrame({"definition": ["who"], "class": ["osteoporosis"], "sex": ["female"],
    ...     "statistic": ["crude"], "age_band": [None], "estimate": [0.291], "se": [0.01],
    ...     "lower": [0.272], "upper": [0.311], "confidence": [0.95], "n": [2000], "df": [30],
    ...     "n_missing": [80]})
    >>> table = prevalence_table(rows)
    >>> table.sections, table.rows
    (('Women',), (('Crude', '2,000', '29.1 (27.2–31.1)', '80'),))
    """
    true_or_false(show_unreliable=show_unreliable, se=se, people=people)
    table = judged(result, rule)
    labelled = table.with_columns(group_label(table, words=True).alias("_group"))
    printer = Printer(show_unreliable, decimals_of(table) if decimals is None else decimals)
    layout = Layout(labelled, printer, _row_label, se=se, people=people)
    mark = mark_of(is_simulated=says_simulated(result) or says_simulated(table))
    return JournalTable(
        title=said("Prevalence") if title is None else title,
        columns=(said("Estimate"), *layout.columns),
        rows=layout.rows,
        sections=tuple(group for group, _ in layout.keys),
        notes=(*mark, *printer.notes(rule), *_notes(result, table), *layout.notes),
        values=hidden(table, show_unreliable=show_unreliable),
        align=("left", *layout.align),
        spanners=(("", 1), *layout.spanners),
        marks=layout.marks,
    )


def _row_label(row: dict[str, Any]) -> str:
    if row["statistic"] == "age_band":
        return age_words(row["age_band"])
    return word(row["statistic"])


def age_words(band: str | None) -> str:
    """Write an age band with a dash."""
    return rounding.MISSING if band is None else band.replace("-", "–")


class Layout:
    """Rows by group and label, the classes side by side; one n where it is that of every class."""

    def __init__(
        self,
        table: pl.DataFrame,
        printer: Printer,
        label: Callable[[dict[str, Any]], str],
        *,
        se: bool = False,
        people: bool = True,
    ) -> None:
        self.printer, self.se = printer, se
        self.heading = interval_heading(table)
        self.people = people and affected_of(table) is not None
        self.many = self.people and rounding.are_many(table[PEOPLE[0]])
        self.notes = tuple(filter(None, [affected_of(table)])) if people else ()
        self.classes = list(dict.fromkeys(table["class"].cast(pl.String)))
        self.by_key: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        for row in table.iter_rows(named=True):
            line = self.by_key.setdefault((row["_group"], label(row)), {})
            line[str(row["class"])] = row
        # A section is one block, in whatever order the rows came.
        groups = list(dict.fromkeys(group for group, _ in self.by_key))
        self.keys = sorted(self.by_key, key=lambda key: groups.index(key[0]))
        self.has_one_n = all(
            len({(row["n"], row["n_missing"]) for row in line.values()}) == 1
            for line in self.by_key.values()
        )
        self.rows = tuple((key[1], *self._cells(self.by_key[key])) for key in self.keys)
        self.marks = tuple(gravest(list(self.by_key[key].values())) for key in self.keys)

    def _cells(self, line: dict[str, dict[str, Any]]) -> list[str]:
        one = next(iter(line.values()))
        counts = [rounding.count(one["n"])], [rounding.count(one["n_missing"])]
        cells = [cell for name in self.classes for cell in self._of_class(line.get(name))]
        return [*counts[0], *cells, *counts[1]] if self.has_one_n else cells

    def _of_class(self, row: dict[str, Any] | None) -> list[str]:
        width = len(self._class_columns())
        if row is None:
            return [""] * width
        cells = [] if self.has_one_n else [rounding.count(row["n"])]
        cells.append(self.printer.estimate(row))
        is_withheld = self.printer.is_withheld(row)
        if self.se:
            se = rounding.percent(row["se"], decimals=self.printer.decimals)
            cells.append(WITHHELD if is_withheld else se)
        if self.people:
            affected = [row[name] for name in PEOPLE]
            text = (
                "" if affected[0] is None else rounding.people_interval(*affected, many=self.many)
            )
            cells.append(WITHHELD if is_withheld and text else text)
        return cells if self.has_one_n else [*cells, rounding.count(row["n_missing"])]

    def _class_columns(self) -> list[str]:
        own = [] if self.has_one_n else [said("n")]
        own.append(self.heading)
        own += [said("SE")] if self.se else []
        own += [people_column(many=self.many)] if self.people else []
        return own if self.has_one_n else [*own, said("Not classifiable")]

    @property
    def columns(self) -> tuple[str, ...]:
        columns = [name for _ in self.classes for name in self._class_columns()]
        return (said("n"), *columns, said("Not classifiable")) if self.has_one_n else (*columns,)

    @property
    def align(self) -> tuple[str, ...]:
        counts = {said("n"), said("Not classifiable")}
        return tuple("right" if name in counts else "decimal" for name in self.columns)

    @property
    def spanners(self) -> tuple[tuple[str, int], ...]:
        width = len(self._class_columns())
        over = tuple((word(name), width) for name in self.classes)
        return (("", 1), *over, ("", 1)) if self.has_one_n else over


def _notes(result: Any, table: pl.DataFrame) -> list[str]:
    notes = []
    labels = table["definition"].to_list() if "definition" in table.columns else []
    for label in dict.fromkeys(labels):
        notes.append(said("Definition: {words}.", words=definition_words(str(label))))
    classes = getattr(result, "meta", {}).get("classes_zh" if language() == "zh" else "classes")
    notes += [said("Classes: {limits}.", limits=classes)] if classes else []
    if isinstance(getattr(result, "standard", None), str):
        title = reference_words(result.standard.partition(":")[0])
        notes.append(said("Standard population: {title}.", title=title))
    if isinstance(getattr(result, "design", None), str):
        notes.append(said("Survey design: {design}.", design=design_words(result.design)))
    notes.append(said("n: people, unweighted. CI: confidence interval."))
    return notes
