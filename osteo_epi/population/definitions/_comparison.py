"""Prevalences of one population under several definitions, and what moves between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import is_among
from osteo_epi.cohort import acceptance_notes, watched
from osteo_epi.diagnosis import Definition, refuse_unsuitable
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import as_polars, in_callers_kind
from osteo_epi.html import html_table
from osteo_epi.language import word
from osteo_epi.norms import StandardPopulation
from osteo_epi.population._presentation import presentation
from osteo_epi.population._prevalence import source_of
from osteo_epi.population._query import MEASURED, Ages, Query, one_class
from osteo_epi.population._result import marked, meaning_of_marks, written
from osteo_epi.population._rows import Table, row_frame
from osteo_epi.population._shares import Combination, Outcomes, Shares, Slice, wald
from osteo_epi.population.definitions._axes import named
from osteo_epi.population.definitions._classified import Classified
from osteo_epi.population.definitions._kappa import QuadraticKappa
from osteo_epi.population.status._notes import comparison_notes
from osteo_epi.progress import with_progress
from osteo_epi.results import Result
from osteo_epi.rounding import percent_interval
from osteo_epi.survey import Array, Design, Mask, survey_interval

COMMON, OWN = "common", "own"
LADDERS = (
    ("osteoporosis", "low_bone_mass", "normal"),
    ("below_expected_range", "within_expected_range"),
)
"""Classes by T-score and by Z-score, the worst first."""
DIFFERENCES: dict[str, Any] = {
    "base": pl.String,
    "set": pl.String,
    "statistic": pl.String,
    "age_band": pl.String,
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "n": pl.Int64,
    "df": pl.Int64,
    "method": pl.String,
}


@dataclass(frozen=True, repr=False)
class DefinitionGrid(Result):
    """Prevalences of one population under several definitions.

    Parameters
    ----------
    prevalence
        Rows of `prevalence`, with the definition's short name and the set: `common` (people whom
        all definitions classify) or `own` (whom that one classifies), and the verdict of each.
    differences
        Each prevalence less the base's [proportion], with design-based standard error and limits.
        `n` counts the people that either of the two rests on.
    reclassification
        On the common set, by definition and group: people moved into and out of the class, as
        counts, unweighted shares and shares of the population, and kappa of having the class.
    class_moves
        On the common set: every pair of classes under the base and under the definition.
    weighted_kappa
        By definition and group, of the people whom both give a class of the kind counted (by
        T-score or by Z-score): kappa with quadratic weights, with design-based standard error and
        limits.
    definitions
        By short name.
    base
        Short name of the base.
    bone_class
        The class that is counted.
    design, standard
        In one line.
    by
        Columns broken down by.
    meta
        Version, digests, label of the data, counts, notes.
    """

    prevalence: pl.DataFrame
    differences: pl.DataFrame
    reclassification: pl.DataFrame
    class_moves: pl.DataFrame
    weighted_kappa: pl.DataFrame
    definitions: Mapping[str, Definition] = field(repr=False)
    base: str
    bone_class: str
    design: str
    standard: str | None
    by: tuple[str, ...]
    meta: Mapping[str, Any]

    def to_polars(self) -> pl.DataFrame:
        """Each prevalence with its difference from the base.

        Columns as those of a prevalence with `set` after the definition, then base, difference,
        difference_se, difference_lower, difference_upper, difference_method.
        """
        keys = ["definition", "set", *self.by, "statistic", "age_band"]
        columns = {"estimate": "", "se": "_se", "lower": "_lower", "upper": "_upper"}
        beside = self.differences.select(
            *keys,
            "base",
            *(pl.col(name).alias(f"difference{end}") for name, end in columns.items()),
            pl.col("method").alias("difference_method"),
        )
        return self.prevalence.join(
            beside, on=keys, how="left", maintain_order="left", validate="1:1"
        )

    def _summary(self) -> str:
        return f"{self.bone_class} by {len(self.definitions)} definitions against {self.base}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know beyond the rows."""
        return tuple(self.meta.get("notes", ()))

    def labels(self) -> pl.DataFrame:
        """The definitions in full: short name, label, digest."""
        rows = [(name, d.label, d.sha256) for name, d in self.definitions.items()]
        return pl.DataFrame(rows, schema=["definition", "label", "sha256"], orient="row")

    def _repr_html_(self) -> str:
        statistic = "crude" if self.standard is None else "age_standardised"
        rows = self.to_polars().filter(pl.col("statistic") == statistic)
        keys = ["definition", *self.by]
        own = rows.filter(pl.col("set") == OWN)
        both = rows.filter(pl.col("set") == COMMON).join(own, on=keys, suffix="_own")
        shown = pl.DataFrame(self._texts(row) for row in both.to_dicts())
        return self._shown(shown, caption=self._caption(statistic), notes=()) + self._moved()

    def _texts(self, row: dict[str, Any]) -> dict[str, Any]:
        texts = {"definition": row["definition"], **{c: word(row[c]) for c in self.by}}
        for which, end in ((COMMON, ""), (OWN, "_own")):
            gap = _points(row, "difference", "difference_", end, signed=True)
            share = {
                name: row[f"{name}{end}"] for name in ("verdict", "estimate", "lower", "upper")
            }
            texts[f"{which} people [%]"] = written(marked(share), decimals=1)
            texts[f"difference, {which} [points]"] = (
                "base" if row["definition"] == self.base else gap
            )
            texts[f"n, {which}"] = row[f"n{end}"]
        return texts | {"n_missing": row["n_missing_own"], "flag": row["flag_own"] or ""}

    def _moved(self) -> str:
        rows = [
            {
                "definition": row["definition"],
                **{c: word(row[c]) for c in self.by},
                "n": row["n"],
                "into: n": row["n_into"],
                "into [%]": _points(row, "into", "into_"),
                "out of: n": row["n_out_of"],
                "out of [%]": _points(row, "out_of", "out_of_"),
                "kappa": row["kappa"],
                "SE of kappa": row["kappa_se"],
            }
            for row in self.reclassification.to_dicts()
        ]
        title = f"Moved into and out of {self.bone_class} against {self.base}, common set"
        return html_table(pl.DataFrame(rows), caption=title) if rows else ""

    def _caption(self, statistic: str) -> str:
        what, how = word(self.bone_class).lower(), word(statistic).lower()
        parts = [f"Prevalence of {what} by definition, {how}"]
        parts += [f"Design: {self.design}"]
        parts += [f"Standard population: {self.standard}"] if self.standard else []
        parts += [f"Label: {self.meta['label']}"] if self.meta.get("label") else []
        parts += [
            "common people: whom all definitions classify; own people: whom that one classifies",
            f"Differences are from {self.base}",
            *meaning_of_marks(self.prevalence.filter(statistic=statistic).to_dicts()),
        ]
        return "\n".join((*parts, *self.notes))


def _points(
    row: Mapping[str, Any], name: str, ends: str, end: str = "", *, signed: bool = False
) -> str:
    """A share, or a difference, with its limits."""
    numbers = (row[f"{name}{end}"], row[f"{ends}lower{end}"], row[f"{ends}upper{end}"])
    return percent_interval(*numbers, decimals=1, signed=signed)


def _table(
    rows: Iterable[dict[str, Any]], by: tuple[str, ...], columns: dict[str, Any]
) -> pl.DataFrame:
    """Rows as a frame whose columns do not depend on what the rows hold."""
    first = dict.fromkeys(("definition", *by), pl.String)
    keys = {c: kind for c, kind in columns.items() if c in ("base", "set")}
    frame = pl.DataFrame(list(rows), schema={"definition": pl.String, **keys, **first, **columns})
    return frame.with_columns(pl.selectors.float().fill_nan(None))


MOVES: dict[str, Any] = {
    "n": pl.Int64,
    "n_into": pl.Int64,
    "n_out_of": pl.Int64,
    "into_unweighted": pl.Float64,
    "out_of_unweighted": pl.Float64,
    "into": pl.Float64,
    "into_se": pl.Float64,
    "into_lower": pl.Float64,
    "into_upper": pl.Float64,
    "out_of": pl.Float64,
    "out_of_se": pl.Float64,
    "out_of_lower": pl.Float64,
    "out_of_upper": pl.Float64,
    "kappa": pl.Float64,
    "kappa_se": pl.Float64,
}
CLASS_MOVES: dict[str, Any] = {
    "base_class": pl.String,
    "class": pl.String,
    "n": pl.Int64,
    "share_unweighted": pl.Float64,
    "share": pl.Float64,
    "se": pl.Float64,
}
KAPPAS: dict[str, Any] = {
    "n": pl.Int64,
    "kappa": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "df": pl.Int64,
}


@in_callers_kind
def definition_grid(
    people: Any,
    definitions: Sequence[Definition] | Mapping[str, Definition],
    *,
    base: str | None = None,
    bone_class: str = "osteoporosis",
    by: str | Sequence[str] = (),
    standard: str | StandardPopulation | None = None,
    design: Design | str | None = None,
    ages: Ages | None = None,
    age_bands: Sequence[float] | None = None,
    domain: str | pl.Expr | None = None,
    eligible: str | pl.Expr | None = None,
    interval: str = "beta",
    confidence: float = 0.95,
    accept_errors: bool = False,
    people_affected: str | None = None,
    incomplete: str | None = None,
) -> DefinitionGrid:
    """Prevalence of one population under each of several definitions, compared with a base.

    Parameters
    ----------
    people
        Any frame of everybody sampled, with the measurements that the definitions read. They are
        classified anew by each; a `bone_class` that is there already is not used.
    definitions
        The definitions, or a mapping from your names to them; see `definition_axes`. Without
        names, each is called by what tells it from the others.
    base
        Name of the definition to compare with; the first by default.
    bone_class
        The class that is counted.
    by
        Columns to break down by; each gets a row a level and one for `all`.
    standard
        Standard population (or its identifier) for the age-standardised rows.
    design
        Survey design, or replicate weights; by default that of the columns survey_weight, stratum
        and psu where they hold values, else simple random sampling. "srs" for simple random
        sampling whatever the columns.
    ages
        Ages the prevalence refers to; by default those of the base's criterion, for all.
    age_bands
        Edges of the age bands [years].
    domain
        Boolean column or expression: the population that the rates are about.
    eligible
        Who could be measured at all, see `prevalence`.
    interval
        Kind of the prevalences' limits, see `prevalence`.
    confidence
        Level of all limits.
    accept_errors
        Compare although the cohort carries errors, see `cohort.refuse_errors`.
    people_affected
        Whose people are counted, see `prevalence`.
    incomplete
        How the own sets take fractures without complete sites, see `prevalence`.

    Returns
    -------
    DefinitionGrid
        Every prevalence twice: in the set `common`, the people whom all definitions classify, and
        in the set `own`, those whom that one definition classifies. Differences from the base,
        moves into and out of the class, the full table of class moves and kappa.

    Raises
    ------
    DefinitionError
        If a definition is given twice, `base` is none of them, or nobody is classifiable under
        all.
    SchemaError, DesignError, NormError
        As `prevalence`.

    Notes
    -----
    A difference is between two classifications of the same people, so its standard error holds
    their covariance: on the common set the linearised value of the difference of two indicators,
    on the own sets that of the difference of two domain means. On the common set only the rule
    differs; on the own sets also who could be measured for it.

    Equals `svycontrast` on `svymean(~y1 + y2)` (common) and on `svytotal` of numerators and
    denominators (own) of R survey 4.1.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "age": [61.0, 72.0, 55.0, 68.0, 81.0], "sex": ["female"] * 5,
    ...     "abmd_femoral_neck": [0.50, 0.70, 0.80, 0.54, 0.55],
    ...     "abmd_lumbar_spine": [0.70, 0.70, 0.90, 0.95, None],
    ... })
    >>> from osteo_epi.population import definition_axes
    >>> grid = definition_grid(people, definition_axes(sites=["femoral_neck", "lumbar_spine"]),
    ...                        age_bands=(50, 90))
    >>> rows = grid.to_frame().filter(pl.col("statistic") == "crude")
    >>> rows.select("definition", "set", "estimate", "n", "difference").rows()
    [('femoral_neck', 'common', 0.5, 4, 0.0), ('femoral_neck', 'own', 0.6, 5, 0.0),
     ('lumbar_spine', 'common', 0.5, 4, 0.0),
     ('lumbar_spine', 'own', 0.5, 4, -0.0999...)]
    """
    chosen = named(definitions)
    frame, _ = as_polars(people)
    people = refuse_unsuitable(people, frame, chosen.values(), accept_errors=accept_errors)
    frame = watched(frame, accept_errors=accept_errors)
    start = _base(base, list(chosen))
    query = Query.of(
        chosen[start], frame, by=by, classes=one_class(bone_class), standard=standard,
        design=design, ages=ages, age_bands=age_bands, domain=domain, eligible=eligible,
        interval=interval, confidence=confidence, people_affected=people_affected,
        incomplete=incomplete,
    )  # fmt: skip
    compared = _Compared(Classified.of(frame, chosen, query), list(chosen).index(start), bone_class)
    shown, gaps = compared.prevalences()
    return DefinitionGrid(
        prevalence=presentation(row_frame(shown, query.by, "definition", "set")),
        differences=_table(gaps, query.by, DIFFERENCES),
        reclassification=_table(compared.moves(), query.by, MOVES),
        class_moves=_table(compared.class_moves(), query.by, CLASS_MOVES),
        weighted_kappa=_table(compared.weighted_kappas(), query.by, KAPPAS),
        definitions=chosen,
        base=start,
        bone_class=bone_class,
        design=str(query.design),
        standard=query.standard_line,
        by=query.by,
        meta=_meta(chosen, compared, query, acceptance_notes(people)) | source_of(people),
    )


def _base(base: str | None, names: list[str]) -> str:
    if base is not None and not is_among(base, names):
        raise DefinitionError(f"base {base!r} is no definition of the grid: {', '.join(names)}")
    return names[0] if base is None else base


@dataclass(frozen=True)
class _Compared:
    """The rows of a grid: k prevalences on the common set, then k on each definition's own."""

    people: Classified
    base: int
    bone_class: str

    @cached_property
    def own(self) -> Outcomes:
        """Each definition on its own people, as `prevalence` takes them."""
        wanted = [(j, self.bone_class) for j in range(len(self.people.names))]
        return Outcomes.of(self.people.cells, wanted, self.people.sample.query.incomplete)

    @cached_property
    def common(self) -> Mask:
        """(m,) cells of whose people every definition knows whether they have the class."""
        return self.people.cells.known_to_all(self.bone_class)

    def prevalences(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of prevalences, by definition and set; and of their differences from the base."""
        cells, names = self.people.cells, self.people.names
        both = Outcomes.common(cells, self.bone_class), self.own
        table = Table(self.people.sample, Outcomes.joined(both))
        places = [(j, name, which) for which in (COMMON, OWN) for j, name in enumerate(names)]
        shown: list[list[dict[str, Any]]] = [[] for _ in places]
        gaps = []
        cuts = list(self.people.sample.slices())
        for cut in with_progress(cuts, "definitions compared", total=len(cuts)):
            shares = Shares.of(cells, cut, table.outcomes)
            for i, row in enumerate(table.of(cut, shares)):
                shown[i].append({"set": places[i][2], "class": self.bone_class, **row})
            gaps += list(self._differences(cut, shares))
        k = len(names)
        ordered = [shown[i] for j in range(k) for i in (j, k + j)]
        each = (name for name in names for _ in range(2))
        pairs = zip(each, ordered, strict=True)
        return [{"definition": name, **row} for name, part in pairs for row in part], gaps

    def _differences(self, cut: Slice, shares: Shares) -> Iterator[dict[str, Any]]:
        """Each prevalence less the base's, on both sets."""
        names, query = self.people.names, self.people.sample.query
        for which, first in ((COMMON, 0), (OWN, len(names))):
            for j, name in enumerate(names):
                gap = shares.contrast([(first + j, 1.0), (first + self.base, -1.0)])
                row = {"definition": name, "base": names[self.base], "set": which, **cut.keys}
                more = {"n": gap.n, "df": gap.df, "confidence": query.confidence}
                method = {"method": wald(self.people.cells)}
                yield row | more | method | gap.limits(query.confidence)

    def _pairs(self) -> Iterator[tuple[dict[str, str], int, Slice]]:
        """Every other definition and group of which the common set holds somebody."""
        cells, sample = self.people.cells, self.people.sample
        names = self.people.names
        others = [(j, name) for j, name in enumerate(names) if j != self.base]
        for j, name in with_progress(others, "moves between definitions", total=len(others)):
            for group in sample.groups():
                cut = sample.crude(group)
                if cells.count(cut.mask & self.common):
                    yield {"definition": name, **group}, j, cut

    def _shares(self, cut: Slice, people: Mask, *events: Mask) -> Shares:
        outcomes = Outcomes.among(np.column_stack(events), people)
        return Shares.of(self.people.cells, cut, outcomes)

    def moves(self) -> Iterator[dict[str, Any]]:
        """Moves into and out of the class on the common set, and kappa of having it.

        Shares are of all people compared, so that into less out is the difference of prevalences.
        """
        held, query = self.people.cells.holds(self.bone_class), self.people.sample.query
        for keys, j, cut in self._pairs():
            first, second = held[:, self.base], held[:, j]
            moved = {"into": ~first & second, "out_of": first & ~second}
            shares = self._shares(cut, self.common, *moved.values(), first, second)
            people = self.people.cells.people * shares.rows[:, 0]
            n = int(people.sum())
            row: dict[str, Any] = {**keys, "n": n}
            for column, (name, movers) in enumerate(moved.items()):
                share, count = shares.one(column), int(people[movers].sum())
                lower, upper = survey_interval(
                    share.value, share.se, n=share.n, df=share.df,
                    method=query.interval, confidence=query.confidence,
                )  # fmt: skip
                row |= {f"n_{name}": count, f"{name}_unweighted": count / n, name: share.value}
                row |= {f"{name}_se": share.se, f"{name}_lower": float(lower)}
                row |= {f"{name}_upper": float(upper)}
            yield row | _kappa(shares)

    @cached_property
    def _crossed(self) -> list[tuple[dict[str, str], list[int], Array, Shares]]:
        """Pairs of classes (base × classes + other) that occur, their people and their shares."""
        cells, size, crossed = self.people.cells, len(MEASURED), []
        for keys, j, cut in self._pairs():
            pair = cells.codes[:, self.base] * size + cells.codes[:, j]
            people = cells.people * (cut.mask & cells.common)
            occurring = [int(code) for code in np.unique(pair[people > 0])]
            if occurring:
                n = np.array([people[pair == code].sum() for code in occurring])
                shares = self._shares(cut, cells.common, *(pair == code for code in occurring))
                crossed.append((keys, occurring, n, shares))
        return crossed

    def class_moves(self) -> Iterator[dict[str, Any]]:
        """One row a pair of classes that occur on the common set, of those who have a class."""
        for keys, occurring, n, shares in self._crossed:
            for column, code in enumerate(occurring):
                base, other = divmod(code, len(MEASURED))
                share = shares.one(column)
                yield {
                    **keys,
                    "base_class": MEASURED[base],
                    "class": MEASURED[other],
                    "n": int(n[column]),
                    "share_unweighted": n[column] / n.sum(),
                    "share": share.value,
                    "se": share.se,
                }

    def weighted_kappas(self) -> Iterator[dict[str, Any]]:
        """One row a group in which somebody has a class of the kind counted by both."""
        ladder = [MEASURED.index(c) for c in ladder_of(self.bone_class)]
        confidence = self.people.sample.query.confidence
        for keys, occurring, n, shares in self._crossed:
            pairs = [divmod(code, len(MEASURED)) for code in occurring]
            columns = [i for i, pair in enumerate(pairs) if set(pair) <= set(ladder)]
            if columns:
                first, second = np.array([[ladder.index(c) for c in pairs[i]] for i in columns]).T
                kappa = QuadraticKappa(first, second, len(ladder))
                row = {**keys, "n": int(n[columns].sum())}
                yield row | _weighted(kappa, shares, columns, confidence)


def ladder_of(bone_class: str) -> tuple[str, ...]:
    """The classes in order, of the kind of score by which one of them is given."""
    return next(classes for classes in LADDERS if bone_class in classes)


def _weighted(
    kappa: QuadraticKappa, shares: Shares, columns: list[int], confidence: float
) -> dict[str, Any]:
    """Nothing where all are in one class by both; 0 without limits where by one of them."""
    if not kappa.known:
        return {}
    if kappa.constant:
        return {"kappa": 0.0}
    found = shares.function(columns, kappa, kappa.gradient(shares.value[columns]))
    limits = found.limits(confidence)
    return {"kappa": limits.pop("estimate"), **limits, "df": found.df}


def _kappa(shares: Shares) -> dict[str, float | None]:
    """Agreement beyond chance in having the class, of shares (into, out of, first, second).

    Nothing where all have, or all lack, the class: chance alone would agree fully.
    """
    into, out_of, first, second = shares.value
    if first in (0.0, 1.0) and second in (0.0, 1.0):
        return {"kappa": None, "kappa_se": None}
    if into == 0 and out_of == 0:
        return {"kappa": 1.0, "kappa_se": 0.0}
    by_chance = first * second + (1 - first) * (1 - second)
    beyond = 1 - by_chance
    steep = (into + out_of) / beyond**2 * (1 - 2 * np.array([second, first]))
    gradient = np.array([-1 / beyond, -1 / beyond, *steep])
    kappa: Combination = shares.function([0, 1, 2, 3], _agreement, gradient)
    return {"kappa": kappa.value, "kappa_se": kappa.se}


def _agreement(share: Array) -> Any:
    into, out_of, first, second = np.moveaxis(share, -1, 0)
    return 1 - (into + out_of) / (first + second - 2 * first * second)


def _meta(
    chosen: Mapping[str, Definition], compared: _Compared, query: Query, accepted: Sequence[str]
) -> dict[str, Any]:
    cells = compared.people.cells
    own = (cells.count(compared.own.known(j)) for j in range(len(chosen)))
    return {
        "version": version("osteo-epi"),
        "definition_sha256": {name: definition.sha256 for name, definition in chosen.items()},
        "ages": (query.edges[0], query.edges[-1]),
        "n_domain": cells.count(cells.inside),
        "n_common": cells.count(compared.common),
        "n_own": dict(zip(chosen, own, strict=True)),
        "notes": (*accepted, *_notes(chosen, compared), *query.design_notes),
    }


def _notes(chosen: Mapping[str, Definition], compared: _Compared) -> Iterator[str]:
    """Say who is lost: a definition that classifies none of a group takes it off the common set."""
    people = compared.people
    cells, sample = people.cells, people.sample
    n = cells.count(compared.common)
    yield f"{n:,} of {cells.count(cells.inside):,} people are classifiable under all definitions"
    yield from comparison_notes(cells, compared.bone_class, compared.own, list(chosen))
    lost = [(j, {"sex": sex}) for j, sex in people.losses()]
    lost += [
        (j, group)
        for j in range(len(chosen))
        for group in sample.groups()
        if not cells.count(sample.mask(group) & cells.measured[:, j])
    ]
    for j, words in dict.fromkeys((j, _words(group)) for j, group in lost):
        yield f"{list(chosen)[j]} classifies nobody of {words}: the common set holds none"
    differing = {str(d.criterion.prevalence_ages) for d in chosen.values()}
    if len(differing) > 1:
        yield f"the criteria are for different ages ({', '.join(sorted(differing))}); one is used"


def _words(group: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {level}" for column, level in group.items()) or "all"
