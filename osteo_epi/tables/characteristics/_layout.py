"""The numbers of Table 1 as a table: a line a variable, its levels and those missing below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.language import WITHHELD, said, word
from osteo_epi.tables._journal import JournalTable
from osteo_epi.tables.characteristics._comparison import P_MEANS, P_RANKS, P_SHARES
from osteo_epi.tables.characteristics._labels import variable_label
from osteo_epi.tables.characteristics._statistics import (
    COUNT,
    EVERYBODY,
    MEAN_SD,
    MEAN_SE,
    MEDIAN_IQR,
    MISSING,
    NUMBERS,
    PERCENT,
    SMD,
    UNWEIGHTED,
    WEIGHTED,
)

TESTS = (P_MEANS, P_RANKS, P_SHARES)
Row = dict[str, Any]
Line = tuple[int, str, list[str]]
"""Indent, label, cells."""


def characteristics_table(
    values: pl.DataFrame,
    *,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    levels: Mapping[tuple[str, str], str] | None = None,
    decimals: Mapping[str, int] | None = None,
    notes: Sequence[str] = (),
) -> JournalTable:
    """Lay out the numbers behind a Table 1, as `table_one` gives them and a run keeps them.

    Parameters
    ----------
    values
        The columns of `table_one(...).values`. An n that is null was withheld, and "*" stands for
        it and for the percentage.
    title
        What stands above the table.
    labels
        Variable to label; by default the codebook's, in the language spoken.
    levels
        Variable and level to what the level is called; by default the word for it.
    decimals
        Decimals of a number's mean and SD; three for areal BMD, two for a score, one otherwise.
    notes
        Footnotes that come after those on the statistics.
    """
    layout = _Layout(values, labels or {}, levels or {}, decimals or {})
    lines = [line for name in layout.variables for line in layout.lines(name)]
    width = len(layout.columns)
    return JournalTable(
        title=said("Characteristics of the people studied") if title is None else title,
        columns=(said("Characteristic"), *(heading for _, heading in layout.columns)),
        rows=tuple((label, *cells) for _, label, cells in lines),
        sections=("",) * len(lines),
        notes=(*layout.notes(), *notes),
        values=values,
        align=("left", *("decimal",) * width),
        spanners=layout.spanners(),
        indents=tuple(indent for indent, _, _ in lines),
    )


class _Layout:
    def __init__(
        self,
        values: pl.DataFrame,
        labels: Mapping[str, str],
        levels: Mapping[tuple[str, str], str],
        decimals: Mapping[str, int],
    ) -> None:
        self.rows = values.rows(named=True)
        self.labels, self.levels, self.decimals = labels, levels, decimals
        self.statistics = dict.fromkeys(row["statistic"] for row in self.rows)
        self.groups = list(dict.fromkeys(r["group"] for r in self.rows if r["group"] is not None))
        self.weightings = list(
            dict.fromkeys(r["weighting"] for r in self.rows if r["weighting"] is not None)
        )
        self.variables = list(
            dict.fromkeys(r["variable"] for r in self.rows if r["variable"] is not None)
        )
        self.people = {r["group"]: r["n"] for r in self.rows if r["statistic"] == COUNT}
        self.compared = [
            heading
            for names, heading in ((TESTS, said("p")), ((SMD,), said("SMD")))
            if any(name in self.statistics for name in names)
        ]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Over each column its group, and its heading."""
        heads = {WEIGHTED: said("Weighted"), UNWEIGHTED: said("Unweighted")}
        if len(self.weightings) > 1:
            places = [(self._group(g), heads[w]) for g in self.groups for w in self.weightings]
        else:
            places = [("", self._group(group)) for group in self.groups]
        return places + [("", heading) for heading in self.compared]

    def _group(self, name: str) -> str:
        n = self.people.get(name)
        shown = WITHHELD if n is None else rounding.count(n)
        return said("{group} (n = {n})", group=word(name), n=shown)

    def spanners(self) -> tuple[tuple[str, int], ...]:
        """The groups over their columns where each has several."""
        if len(self.weightings) < 2:
            return ()
        over = [(self._group(group), len(self.weightings)) for group in self.groups]
        return (("", 1), *over, *(("", 1) for _ in self.compared))

    def lines(self, name: str) -> list[Line]:
        """The lines of a variable: its own with what is compared, then those below it."""
        rows = [row for row in self.rows if row["variable"] == name]
        below = self._levels(rows) or self._numbers(rows)
        own: Line = (0, self.labels.get(name) or variable_label(name), self._blank())
        levels = [row["level"] for row in rows if row["level"] is not None]
        is_yes_or_no = set(levels) == {"true", "false"}
        if levels:
            own = (0, said("{variable}, n (%)", variable=own[1]), own[2])
        if is_yes_or_no:
            own, below = (0, own[1], below[0][2]), []
        elif len(below) == 1 and not levels:
            text = said("{variable}, {statistic}", variable=own[1], statistic=below[0][1])
            own, below = (0, text, below[0][2]), []
        elif not levels:
            below = [(1, label[0].upper() + label[1:], cells) for _, label, cells in below]
        own[2][len(own[2]) - len(self.compared) :] = self._comparison(rows)
        return [own, *below, *self._missing(rows)]

    def _blank(self) -> list[str]:
        return [""] * len(self.columns)

    def _places(self) -> list[tuple[str, str]]:
        return [(group, weighting) for group in self.groups for weighting in self.weightings]

    def _line(self, label: str, cells: Mapping[tuple[str, str], str]) -> Line:
        filled = [cells.get(place, "") for place in self._places()]
        return 1, label, [*filled, *[""] * len(self.compared)]

    def _levels(self, rows: Sequence[Row]) -> list[Line]:
        shares = [row for row in rows if row["statistic"] == PERCENT]
        named = {"true": said("Yes"), "false": said("No")}
        return [
            self._line(
                self.levels.get((name, level)) or named.get(level, word(level)),
                {(r["group"], r["weighting"]): _share(r) for r in shares if r["level"] == level},
            )
            for name, level in dict.fromkeys((row["variable"], row["level"]) for row in shares)
        ]

    def _numbers(self, rows: Sequence[Row]) -> list[Line]:
        names = {
            MEAN_SD: said("mean ± SD"),
            MEAN_SE: said("mean ± SE"),
            MEDIAN_IQR: said("median (quartiles)"),
        }
        asked = dict.fromkeys(row["statistic"] for row in rows if row["statistic"] in NUMBERS)
        return [
            self._line(
                names[statistic],
                {
                    (r["group"], r["weighting"]): self._number(r)
                    for r in rows
                    if r["statistic"] == statistic
                },
            )
            for statistic in asked
        ]

    def _number(self, row: Row) -> str:
        if row["estimate"] is None:
            return rounding.MISSING if row["n"] is not None else WITHHELD
        middle = self._fixed(row["variable"], row["estimate"])
        if row["statistic"] == MEDIAN_IQR:
            ends = [
                self._fixed(row["variable"], row[f"{end}_quartile"]) for end in ("lower", "upper")
            ]
            between = said(" to ") if any(text.startswith("−") for text in ends) else "–"
            return f"{middle} ({between.join(ends)})"
        spread = row["sd" if row["statistic"] == MEAN_SD else "se"]
        return f"{middle} ± {self._fixed(row['variable'], spread)}"

    def _fixed(self, variable: str, value: float | None) -> str:
        usual = 3 if variable.startswith("abmd_") else 2 if "_score" in variable else 1
        return rounding.fixed(value, decimals=self.decimals.get(variable, usual))

    def _missing(self, rows: Sequence[Row]) -> list[Line]:
        """Those missing, once for each group, however many columns it has."""
        counts = {row["group"]: row["n"] for row in rows if row["statistic"] == MISSING}
        if not counts:
            return []
        first = self.weightings[0]
        cells = {
            (group, first): WITHHELD if n is None else rounding.count(n)
            for group, n in counts.items()
        }
        return [self._line(said("Missing"), cells)]

    def _comparison(self, rows: Sequence[Row]) -> list[str]:
        """The p and the SMD, where the table has them."""
        found = {row["statistic"]: row["estimate"] for row in rows if row["group"] is None}
        cells = []
        if any(name in self.statistics for name in TESTS):
            cells.append(rounding.p_value(next((found[t] for t in TESTS if t in found), None)))
        if SMD in self.statistics:
            cells.append(rounding.fixed(found.get(SMD), decimals=2))
        return cells

    def notes(self) -> list[str]:
        """What the numbers are, and which tests were made."""
        bases = {
            (WEIGHTED,): said(
                "n: people, unweighted. All other numbers are weighted, of the people measured."
            ),
            (UNWEIGHTED,): said("Unweighted. Percentages are of the people measured."),
        }
        of_both = said("n: people, unweighted. Percentages are of the people measured.")
        notes = [bases.get(tuple(self.weightings), of_both)]
        texts = {
            MEAN_SD: said("SD: standard deviation."),
            MEAN_SE: said("SE: standard error of the mean."),
            P_MEANS: said("p of means: Wald test of the groups, by the sampling design."),
            P_RANKS: said("p of medians: test of ranks, by the sampling design."),
            P_SHARES: said("p of percentages: Rao–Scott test."),
            SMD: said("SMD: absolute standardised mean difference.")
            if len(set(self.groups) - {EVERYBODY}) < 3
            else said("SMD: absolute standardised mean difference, the mean over all pairs."),
        }
        notes += [text for name, text in texts.items() if name in self.statistics]
        if any(row["n"] is None for row in self.rows if row["statistic"] == PERCENT):
            notes.append(said("* Withheld: too few people."))
        return notes


def _share(row: Row) -> str:
    if row["n"] is None:
        return WITHHELD
    if row["estimate"] is None:
        return rounding.count(row["n"])
    share = rounding.percent(row["estimate"], decimals=1)
    return f"{rounding.count(row['n'])} ({share})"
