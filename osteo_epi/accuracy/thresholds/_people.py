"""People in groups, age bands and classes, for the tables of a transport."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.accuracy._columns import People
from osteo_epi.accuracy._sample import Sample
from osteo_epi.accuracy.thresholds._carried import Carried
from osteo_epi.accuracy.thresholds._moved import Change, Question, Strata, changed
from osteo_epi.accuracy.thresholds._threshold import Threshold
from osteo_epi.errors import SchemaError
from osteo_epi.frames import in_natural_order
from osteo_epi.norms import AgeBand, Bands, StandardPopulation
from osteo_epi.summation import sums_by
from osteo_epi.survey import Array, Mask, shares_by_name

SEX, AGE = "sex", "age"
DECADES = (0, 20, 30, 40, 50, 60, 70, 80, math.inf)
MOST_POINTS = 400
"""Points of a cumulative distribution that a figure shows."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Who is estimated apart, in which age bands, and what each group is standardised over."""

    members: tuple[tuple[dict[str, str], Mask], ...]
    bands: tuple[AgeBand, ...]
    strata: Callable[[dict[str, str]], Strata]

    @classmethod
    def of(
        cls,
        known: People,
        standard: StandardPopulation | None,
        edges: Sequence[float] | None,
        by: Sequence[str] | str | None,
        rows: Mask,
    ) -> Groups:
        """Groups with someone among `rows`.

        Raises
        ------
        SchemaError
            If a column is absent, or age bands are none.
        """
        bands = bands_of(known.frame, standard, edges)
        strata = standard_strata(known.frame, standard, bands)
        return cls(tuple(group_rows(known, rows, by)), bands, strata)

    def changes(
        self,
        question: Question,
        sample: Sample,
        inside: Mask,
        scored: Mask,
        interval: str | None,
        confidence: float,
    ) -> tuple[Change, ...]:
        """Prevalences of each group among the scored, who are some of those inside."""
        return tuple(
            changed(question, sample, rows & scored, self.strata(group), group=group,
                    n_missing=int((rows & inside & ~scored).sum()), interval=interval,
                    confidence=confidence)
            for group, rows in self.members
        )  # fmt: skip


def classes_of(bands: Bands, values: Array) -> pl.Series:
    """(n,) class of each score; null where it is missing."""
    scores = pl.DataFrame({"_v": values})
    return scores.select(bands.expression("_v").cast(pl.String).alias("_c"))["_c"]


@dataclass(frozen=True)
class Classed:
    """(n,) classes before and after, null where there is no score or no cut-off.

    Attributes
    ----------
    threshold, new_threshold
        What classed people before, and after.
    old, new
        (n,) classes.
    shown
        Classes after, those of the first device; None where the cut-off could not be carried.
    measured
        (n,) who has the readings.
    has_old
        Whether people have readings on the threshold's own scale.
    """

    threshold: Threshold
    new_threshold: Threshold
    old: pl.Series
    new: pl.Series
    shown: Bands | None
    measured: Mask
    has_old: bool

    @classmethod
    def of(
        cls,
        threshold: Threshold,
        new: Threshold,
        carried: Carried,
        values: Array,
        before: Array | None,
    ) -> Classed:
        """Class people by `before`, readings on the threshold's own scale, and by `values`."""
        nobody = pl.Series("_c", [None] * len(values), dtype=pl.String)
        old, measured = nobody, ~np.isnan(values)
        if before is not None:
            old, measured = classes_of(threshold.bands, before), measured & ~np.isnan(before)
        if new is not threshold:
            after = classes_of(new.bands, values)
            return cls(threshold, new, old, after, new.bands, measured, True)
        cuts = carried.cuts.copy()
        # Classes that cannot be told apart on one device are joined on all, so that they compare.
        lost: Mask = np.any(np.isnan(cuts), axis=0)
        cuts[:, lost] = np.nan
        if lost[threshold.place]:
            return cls(threshold, new, old, nobody, None, measured, before is not None)
        after = nobody
        for g, row in enumerate(cuts):
            mine = pl.Series(carried.group == g)
            after = classes_of(threshold.moved(row), values).zip_with(mine, after)
        shown = threshold.moved(cuts[0])
        return cls(threshold, new, old, after, shown, measured, before is not None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes, from the lowest scores to the highest."""
        return tuple(dict.fromkeys((*self.threshold.bands, *(self.shown or ()))))

    def scored(self, carried: Carried) -> Mask:
        """Who can be judged: measured, on a device with a cut-off."""
        return self.measured & (carried.group >= 0)

    def question(self, carried: Carried, values: Array) -> Question:
        """Who is positive, and how the new cut-off varies."""
        old = _is(self.old, self.threshold.positive) if self.has_old else None
        new = _is(self.new, self.new_threshold.positive) if self.shown is not None else None
        cut = carried.cuts[carried.group, self.threshold.place]
        axes = carried.axes()[:, carried.group] if carried.uncertain else np.empty((0, len(cut)))
        low = self.threshold.direction == "low"
        return Question(values, old, new, axes, cut, low, carried.df)


def _is(classes: pl.Series, name: str) -> Mask:
    return (classes == name).fill_null(False).to_numpy()


def bands_of(
    frame: pl.DataFrame, standard: StandardPopulation | None, edges: Sequence[float] | None
) -> tuple[AgeBand, ...]:
    """Age bands by their edges; those of the standard from 50, or decades, where none are stated.

    Raises
    ------
    SchemaError
        If the edges do not ascend, or a standard is named and people have no age.
    """
    if AGE not in frame.columns:
        if standard is not None or edges is not None:
            raise SchemaError("column age is not in the data: age bands need it")
        return ()
    if edges is None:
        edges = standard.default_edges if standard is not None else DECADES
    pairs = list(pairwise(edges))
    if not pairs or any(not low < high for low, high in pairs):
        raise SchemaError(f"age_bands={list(edges)}: expected ascending ages, two at least")
    return tuple(AgeBand.of(low, high) for low, high in pairs)


def band_names(frame: pl.DataFrame, bands: Sequence[AgeBand]) -> pl.Series:
    """(n,) name of each person's age band; null where the age is missing or outside all."""
    if not bands:
        return pl.Series("_band", [None] * frame.height, dtype=pl.String)
    age = pl.col(AGE).cast(pl.Float64)
    name = pl.lit(None, dtype=pl.String)
    for band in bands:
        name = pl.when((age >= band.lower) & (age < band.upper)).then(pl.lit(band.name)).otherwise(
            name
        )  # fmt: skip
    return frame.select(name.alias("_band"))["_band"]


def standard_strata(
    frame: pl.DataFrame, standard: StandardPopulation | None, bands: Sequence[AgeBand]
) -> Callable[[dict[str, str]], Strata]:
    """What a group is standardised over: ages, and sexes too where it holds both."""
    if standard is None:
        return lambda _group: Strata.one(frame.height)
    joined = standard.collapse([bands[0].lower, *(band.upper for band in bands)])
    named = band_names(frame, bands).to_list()
    sexes = frame[SEX].cast(pl.String).to_list() if SEX in frame.columns else [None] * len(named)

    def strata(group: dict[str, str]) -> Strata:
        table: dict[Any, float]
        if joined.by_sex and SEX not in group:
            table = {(s, b): n for s in joined.table for b, n in joined.counts(s).items()}
            keys: list[Any] = list(zip(sexes, named, strict=True))
        else:
            table = dict(joined.counts(group.get(SEX) if joined.by_sex else None))
            keys = list(named)
        names = list(table)
        place = {name: k for k, name in enumerate(names)}
        codes = np.array([place.get(key, -1) for key in keys], dtype=np.intp)
        return Strata(codes, shares_by_name(table, names), tuple(map(_joined, names)))

    return strata


def _joined(name: object) -> str:
    return " ".join(name) if isinstance(name, tuple) else str(name)


def group_rows(
    known: People, rows: Mask, by: Sequence[str] | str | None
) -> Iterator[tuple[dict[str, str], Mask]]:
    """Everybody, and each level of each column; a group has someone among `rows`.

    Raises
    ------
    SchemaError
        If a column is absent.
    """
    frame = known.frame
    names = ([SEX] if SEX in frame.columns else []) if by is None else by
    names = [names] if isinstance(names, str) else list(names)
    yield {}, np.ones(frame.height, dtype=bool)
    for name in names:
        column = known.column(name, "by").cast(pl.String)
        for level in in_natural_order(column.filter(pl.Series(rows)).drop_nulls().unique()):
            yield {name: level}, (column == level).fill_null(False).to_numpy()


def transition_table(
    frame: pl.DataFrame,
    weight: Array,
    rows: Mask,
    bands: Sequence[AgeBand],
    classed: Classed,
) -> pl.DataFrame:
    """People by sex, age band, class before and class after, with their weighted share.

    Parameters
    ----------
    frame, weight, rows
        People, what they count, and who of them is in the table.
    bands
        Age bands.
    classed
        Their classes before and after.

    Returns
    -------
    polars.DataFrame
        sex, age_band ("all" for everybody), old, new, n, share (of those of the group who have
        both classes; null where either is missing), moved.
    """
    sex = frame[SEX].cast(pl.String) if SEX in frame.columns else pl.Series(["all"] * frame.height)
    table = pl.DataFrame(
        {
            "sex": sex.fill_null("not stated"), "age_band": band_names(frame, bands),
            "old": classed.old, "new": classed.new, "_w": weight,
        }
    ).filter(pl.Series(rows))  # fmt: skip
    table = table.with_columns(pl.col("age_band").fill_null("not stated"))
    keys = ["sex", "age_band"]
    kept = [keys] if bands else []
    margins = [["sex"]] if SEX in frame.columns else []
    parts = [table.with_columns(pl.lit("all").alias(k) for k in keys if k not in held)
             for held in ([], *margins, *kept)]  # fmt: skip
    grouped = [_counted(part) for part in parts]
    order = ["all", *sorted(set(sex.drop_nulls()) - {"all"}), "not stated"]
    ages = ["all", *(band.name for band in bands), "not stated"]
    whole = pl.concat(grouped).unique(maintain_order=True)
    return whole.sort(
        pl.col("sex").replace_strict(order, range(len(order)), default=len(order)),
        pl.col("age_band").replace_strict(ages, range(len(ages)), default=len(ages)),
        *(_placed(name, classed.classes) for name in ("old", "new")), maintain_order=True,
    )  # fmt: skip


def _placed(name: str, classes: Sequence[str]) -> pl.Expr:
    """Order of the classes from the lowest scores; people without one come last."""
    return pl.col(name).replace_strict(
        list(classes), range(len(classes)), default=len(classes), return_dtype=pl.Int64
    )


def _counted(part: pl.DataFrame) -> pl.DataFrame:
    keys = ["sex", "age_band"]
    both = pl.col("old").is_not_null() & pl.col("new").is_not_null()
    held = [*keys, "old", "new"]
    cells = sums_by(part, held, {"_w": pl.col("_w")}).sort(held)
    size = pl.col("_w").filter(both).sum().over(keys)
    share = pl.when(both & (size > 0)).then(pl.col("_w") / size)
    moved = pl.when(both).then(pl.col("old") != pl.col("new"))
    return cells.with_columns(share=share, moved=moved).drop("_w")


def distribution(frame: pl.DataFrame, values: Array, weight: Array, rows: Mask) -> pl.DataFrame:
    """Weighted share of people at or below values of the score, by sex, in few points."""
    sexes = frame[SEX].cast(pl.String) if SEX in frame.columns else None
    groups = (
        ["all"] if sexes is None else sorted(sexes.filter(pl.Series(rows)).drop_nulls().unique())
    )
    parts = []
    for name in groups:
        mine = rows if sexes is None else rows & (sexes == name).fill_null(False).to_numpy()
        order = np.argsort(values[mine], kind="stable")
        x, w = values[mine][order], weight[mine][order]
        share = np.cumsum(w) / w.sum()
        places = np.unique(np.linspace(0, len(x) - 1, min(MOST_POINTS, len(x))).round().astype(int))
        parts.append(
            pl.DataFrame({"sex": [name] * len(places), "value": x[places], "share": share[places],
                          "n": [len(x)] * len(places)})
        )  # fmt: skip
    return pl.concat(parts)
