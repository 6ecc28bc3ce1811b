"""Small counts of a run hidden in all its tables, with whatever would give them back.

Cells of one table are protected together, see `tables.suppress_counts`. What a reader of one table
learns beyond its own sums - that an age-standardised rate is made of the rates by age, that a
percentage of a known number is a count - is hidden with the count. Tables of other groups, and of
the same people at another time, are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import polars as pl

from osteo_epi.errors import OutputError
from osteo_epi.frames import grouping, level_text
from osteo_epi.language import STATING
from osteo_epi.population import LEFT_OUT, could_be_measured
from osteo_epi.report._analysis import Analysis
from osteo_epi.report._study import Study
from osteo_epi.tables import suppress_counts

ALL, KNOWN, MISSING, REST = "all", "known", "not classifiable", "none of the classes"
HIDDEN = "withheld: few people"
"""Flag of a row that is hidden."""
FREE = {"confidence", "df", "definition", "class", "statistic", "age_band"}
"""Columns of a prevalence that no count follows from."""
SMALL_IN_WORDS = re.compile(r"(?<![\w.,])\d+(?![\d.,]*\d|\w)")
"""A whole number that stands alone in a sentence."""
Frame = pl.DataFrame


class Few(int):
    """A number of people that is written as an asterisk, and so is what is computed from it."""

    def __format__(self, form: str) -> str:
        return str(self)

    def __str__(self) -> str:
        return "*"

    def _computed(self, other: object) -> Few:
        return Few(self)

    __add__ = __radd__ = __sub__ = __rsub__ = _computed  # type: ignore[assignment]
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _computed  # type: ignore[assignment]


@dataclass(frozen=True)
class Shield:
    """What hides small counts in the tables and sentences of a run.

    Parameters
    ----------
    threshold
        The smallest count that may be shown.
    """

    threshold: int

    def tables(self, tables: Mapping[str, Frame], analysis: Analysis) -> dict[str, Frame]:
        """The tables of a run, protected."""
        return {
            **tables,
            "prevalence": self.prevalence(tables["prevalence"], analysis),
            "participants": self.participants(tables["participants"]),
            "flow": self.flow(tables["flow"]),
            "findings": self.findings(tables["findings"], tables["flow"]),
            "bmd_by_age": self.curve(tables["bmd_by_age"]),
            "overlap": self.overlap(tables["overlap"]),
        }

    def prevalence(self, rows: Frame, analysis: Analysis) -> Frame:
        """Rows whose people, cases or missing are too few, and those that would give them back."""
        by = grouping(rows)
        cells = _cells(rows, analysis, by)
        _refuse_uncounted(rows, cells, by)
        found = suppress_counts(
            cells,
            by=[*by, "band", "status"],
            rule=self.threshold,
            nested={"status": {KNOWN: sorted(set(cells["status"]) - {KNOWN, MISSING})}},
        ).tables[0]
        hidden = found.filter(pl.col("n").is_null())
        keys = {tuple(key) for key in hidden.select(*by, "band", "status").iter_rows()}
        marks = [_marks(row, by, keys) for row in rows.iter_rows(named=True)]
        return _blanked(
            rows, pl.DataFrame(marks, schema=dict.fromkeys(_PARTS, pl.Boolean), orient="row"), by
        )

    def participants(self, rows: Frame) -> Frame:
        """Numbers of Table 1 that rest on few people, or whose level holds few."""
        counts = rows.filter(pl.col("group").is_not_null()).unique(
            ["variable", "level", "group", "statistic"], keep="first", maintain_order=True
        )
        tables, keys = [], []
        names = [name for name in counts["variable"].unique(maintain_order=True) if name]
        for name in names:
            own = counts.filter(pl.col("variable") == name).with_columns(
                pl.when(pl.col("statistic") == "missing")
                .then(pl.lit("(none)"))
                .otherwise(pl.col("level").fill_null("(any)"))
                .alias(name)
            )
            own = own.unique([name, "group"], keep="first", maintain_order=True)
            tables.append(own.filter(pl.col("n") >= 0).select("group", name, "n"))
            keys.append(name)
        totals = counts.filter(pl.col("statistic") == "count").select("group", "n")
        found = suppress_counts([totals, *tables], by=["group", *keys], rule=self.threshold).tables
        return _participants(rows, found[0], dict(zip(keys, found[1:], strict=True)))

    def flow(self, rows: Frame) -> Frame:
        """People who left at a step; and what remained, where the one gives the other.

        What a step leaves is made of those who leave at the next one and what that one leaves.
        """
        order, reasons = rows["order"].to_list(), [f"reason {k}" for k in range(rows.height)]
        steps = sorted(set(order))
        left = {step: [r for r, at in zip(reasons, order, strict=True) if at == step]
                for step in steps}  # fmt: skip
        remain = dict(zip(order, rows["n_out"], strict=True))
        nested = {
            f"after {one}": [*left[following], f"after {following}"]
            for one, following in pairwise(steps)
        }
        everybody = int(rows["n_in"][0])
        counts = {
            **dict(zip(reasons, rows["n_excluded"], strict=True)),
            **{f"after {step}": n for step, n in remain.items()},
            ALL: everybody,
        }
        shown = self._shown_in_flow(counts, nested, last=f"after {steps[-1]}")
        before = {steps[0]: everybody} | {b: shown[f"after {a}"] for a, b in pairwise(steps)}
        columns = {
            "n_in": [before[step] for step in order],
            "n_excluded": [shown[reason] for reason in reasons],
            "n_out": [shown[f"after {step}"] for step in order],
        }
        return rows.with_columns(
            pl.Series(name, values, rows.schema[name]) for name, values in columns.items()
        )

    def _shown_in_flow(
        self, counts: Mapping[str, int], nested: Mapping[str, list[str]], *, last: str
    ) -> dict[str, int | None]:
        """The counts of the flow; those read and those analysed are in every table."""
        try:
            found = suppress_counts(
                pl.DataFrame([*counts.items()], schema=["cell", "n"], orient="row"),
                by=["cell"],
                rule=self.threshold,
                keep=pl.col("cell").is_in([ALL, last]),
                nested={"cell": nested},
            )
        except OutputError as error:
            raise OutputError(
                f"disclosure (--disclosure): fewer than {self.threshold} people are analysed, or "
                "left out of those read, and the difference of the two gives them away whatever "
                "else is hidden; leave those people out of the file"
            ) from error
        return dict(found.tables[0].select("cell", "n").iter_rows())

    def findings(self, rows: Frame, flow: Frame) -> Frame:
        """What was noticed in few rows, or not in few, keeps its code and loses its number.

        So does what the flow counts: it has it of the people of the estimate's ages, and of all
        people it would give back what is hidden there, or the few of other ages.
        """
        everybody, reasons = int(flow["n_in"][0]), tuple(flow["reason"].drop_nulls())
        hidden = pl.Series(
            [
                self.tells(n, text)
                or 0 < everybody - (n or 0) < self.threshold
                or str(text or "").startswith(reasons)
                for n, text in rows.select("n", "message").rows()
            ],
            dtype=pl.Boolean,
        )
        return rows.with_columns(
            pl.when(~hidden).then(pl.col(name)).alias(name) for name in ("n", "message", "fix")
        )

    def tells(self, n: int | None, text: str) -> bool:
        """Whether a number of rows, or one in the sentence, is a small count."""
        numbers = [int(found) for found in SMALL_IN_WORDS.findall(text or "")]
        return any(0 < number < self.threshold for number in (n or 0, *numbers))

    def curve(self, rows: Frame) -> Frame:
        """Mean BMD by age: without bands of few people, and without the numbers of people.

        They differ from those of the prevalence by people who were measured and not classified.
        """
        return rows.filter(pl.col("n") >= self.threshold).with_columns(
            pl.lit(None, rows.schema["n"]).alias("n")
        )

    def overlap(self, rows: Frame) -> Frame:
        """Combinations of evidence that few people have; those hidden are not listed."""
        if rows.is_empty():
            return rows
        cells = pl.DataFrame({"cell": [*map(str, range(rows.height)), ALL],
                              "n": [*rows["n"], rows["n"].sum()]})  # fmt: skip
        found = suppress_counts(cells, by=["cell"], rule=self.threshold).tables[0]
        return rows.filter(found["n"][:-1].is_not_null())

    def study(self, study: Study, flow: Frame) -> Study:
        """The facts of a methods paragraph, small ones and those hidden in the flow unsaid."""
        shown = dict(flow.select("reason", "n_excluded").iter_rows())
        counts = ("n_menopause_by_age", "n_judged_by_z", "n_open_fractures", "n_incomplete")
        small: dict[str, Any] = {
            name: Few(getattr(study, name))
            for name in (*counts, "n_missing")
            if 0 < getattr(study, name) < self.threshold
        }
        left_out = {
            reason: n if shown.get(reason) is not None else Few(n)
            for reason, n in study.left_out.items()
        }
        return replace(study, left_out=left_out, **small)

    def notes(self, notes: list[str]) -> list[str]:
        """The notes without those that state a small count, or one that the flow may hide."""
        return [note for note in notes if LEFT_OUT not in note and not self.tells(0, note)]


_PARTS = ("estimate", "known", "missing")


def _cells(rows: Frame, analysis: Analysis, by: list[str]) -> Frame:
    """Counts of people by group, age band and status, with all their margins."""
    classes = rows["class"].unique(maintain_order=True).cast(pl.String).to_list()
    lows = sorted(
        {
            (float(re.findall(r"[\d.]+", band)[0]), band)
            for band in rows.filter(pl.col("statistic") == "age_band")["age_band"]
        }
    )
    band = pl.lit(None, pl.String)
    for low, name in lows:
        band = pl.when(pl.col("age") >= low).then(pl.lit(name)).otherwise(band)
    status = pl.col("bone_class").cast(pl.String)
    status = pl.when(status.is_in(classes)).then(status).otherwise(pl.lit(REST))
    weighted = pl.col(analysis.design.weight) > 0 if analysis.design.weight else pl.lit(True)
    asked = [
        band.alias("band"),
        pl.when(pl.col("_known")).then(status).otherwise(pl.lit(MISSING)).alias("status"),
    ]
    counted = []
    for people, included in analysis.pieces():
        domain = people.with_columns(_known=included).filter(
            pl.col("age").is_between(*analysis.ages, closed="left")
            & could_be_measured(people)
            & weighted.fill_null(False)
        )
        levels = (level_text(pl.col(name), domain.schema[name]).alias(name) for name in by)
        single = domain.select(*levels, *asked)
        known = single.filter(pl.col("status") != MISSING).with_columns(status=pl.lit(KNOWN))
        counted.append(_margins(pl.concat([single, known]), by, has_bands=bool(lows)))
    return pl.concat(counted).group_by([*by, "band", "status"], maintain_order=True).sum()


def _refuse_uncounted(rows: Frame, cells: Frame, by: list[str]) -> None:
    """Nothing is hidden in a row whose people are counted under another name, or not at all.

    Raises
    ------
    OutputError
        Before such a row is shown.
    """
    if not by:
        return
    named = rows.select(pl.col(name).cast(pl.String) for name in by).unique()
    uncounted = named.join(cells, on=by, how="anti", nulls_equal=True)
    if len(uncounted):
        raise OutputError(
            f"disclosure (--disclosure): {len(uncounted)} groups by {', '.join(by)} have rows and "
            "no counted people, so that nothing could be hidden in them; give the column as text "
            "whose levels are names, or leave it out of by= (--by)"
        )


def _margins(people: Frame, by: list[str], *, has_bands: bool) -> Frame:
    """Counts by every column and over each of them, as the tables of a run print them.

    Known and missing together are no sum that a reader has: of everybody the flow states it, and
    hides it where few are missing.
    """
    parts = [people]
    for name in [*by, "band"]:
        parts += [part.with_columns(pl.lit(ALL).alias(name)) for part in parts]
    if not has_bands:
        parts = [part for part in parts if (part["band"] == ALL).all()]
    cells = pl.concat(parts)
    keys = [*by, "band", "status"]
    counted = cells.group_by(keys, maintain_order=True).agg(n=pl.len())
    return counted.with_columns(pl.col("n").cast(pl.Int64))


def _marks(row: Mapping[str, Any], by: list[str], hidden: set[tuple[Any, ...]]) -> tuple[bool, ...]:
    """Whether the estimate, those known and those missing of a row are hidden."""
    group = tuple(row[name] for name in by)
    band = row["age_band"] if row["statistic"] == "age_band" else ALL

    def is_hidden(status: str, *, anywhere: bool = False) -> bool:
        if anywhere:
            return any(key[:-2] == group and key[-1] == status for key in hidden)
        return (*group, band, status) in hidden

    # A standardised rate and all rates by age but one give that one.
    over_bands = row["statistic"] == "age_standardised"
    known = is_hidden(KNOWN)
    estimate = known or is_hidden(str(row["class"]))
    if over_bands:
        bands = (is_hidden(status, anywhere=True) for status in (KNOWN, str(row["class"])))
        estimate = estimate or any(bands)
    return estimate, known, is_hidden(MISSING)


def _blanked(rows: Frame, marks: Frame, by: list[str]) -> Frame:
    """The rows without hidden numbers, and with the flag of those that lose their estimate."""
    estimate, known, missing = (marks[name] for name in _PARTS)
    numbers = [n for n, kind in rows.schema.items() if kind.is_numeric() and n not in {*FREE, *by}]
    masks = dict.fromkeys(numbers, estimate | known)
    masks |= {name: estimate | known | missing for name in numbers if name.endswith("_possible")}
    masks |= {name: known | missing for name in numbers if name.startswith("n_")}
    masks |= {"n": known, "n_effective": estimate | known, "n_missing": missing}
    said = (
        pl.col("flag")
        .str.split("; ")
        .list.eval(pl.element().filter(~pl.element().str.contains(r"\d")))
    )
    told = said.list.eval(pl.element().filter(~pl.element().is_in(list(STATING))))
    said = pl.when(estimate | known).then(told).otherwise(said)
    hidden_flag = pl.when(estimate).then(pl.lit(HIDDEN))
    flags = pl.concat_list(said.list.join("; ").replace("", None), hidden_flag)
    return rows.with_columns(
        *(pl.when(~masks[name]).then(pl.col(name)).alias(name) for name in masks),
        flags.list.drop_nulls().list.join("; ").alias("flag"),
    )


def _participants(rows: Frame, totals: Frame, levels: Mapping[str, Frame]) -> Frame:
    """Table 1 without what is hidden: a count, and the numbers that rest on it."""
    hidden: set[tuple[str | None, str | None, str]] = {
        (None, None, group) for group in totals.filter(pl.col("n").is_null())["group"]
    }
    for name, table in levels.items():
        for group, level in table.filter(pl.col("n").is_null()).select("group", name).iter_rows():
            hidden.add((name, level, group))

    def is_hidden(row: Mapping[str, Any]) -> bool:
        level = row["level"] or "(any)"
        level = "(none)" if row["statistic"] == "missing" else level
        if row["variable"] is None:
            return (None, None, row["group"]) in hidden
        return (row["variable"], level, row["group"]) in hidden

    mask = pl.Series([is_hidden(row) for row in rows.iter_rows(named=True)])
    numbers = [name for name, kind in rows.schema.items() if kind.is_numeric()]
    return rows.with_columns(pl.when(~mask).then(pl.col(name)).alias(name) for name in numbers)
