"""A difference of prevalence between two definitions, split over the choices that differ."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import polars as pl

from osteo_epi.cohort import acceptance_notes, watched
from osteo_epi.diagnosis import Definition, refuse_unsuitable
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import as_polars, in_callers_kind
from osteo_epi.language import word
from osteo_epi.norms import StandardPopulation
from osteo_epi.population._prevalence import source_of
from osteo_epi.population._query import Ages, Query, one_class
from osteo_epi.population._shares import Outcomes, Shares, wald
from osteo_epi.population.definitions._axes import choices, differing, taking
from osteo_epi.population.definitions._classified import Classified
from osteo_epi.population.status._notes import comparison_notes
from osteo_epi.results import Result
from osteo_epi.rounding import percent, percent_interval
from osteo_epi.survey import Design

COLUMNS: dict[str, Any] = {
    "statistic": pl.String,
    "age_band": pl.String,
    "kind": pl.String,
    "part": pl.String,
    "from": pl.String,
    "to": pl.String,
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "lowest_order": pl.Float64,
    "highest_order": pl.Float64,
    "n": pl.Int64,
    "df": pl.Int64,
    "method": pl.String,
}


@dataclass(frozen=True, repr=False)
class Decomposition(Result):
    """A difference of two prevalences as a sum of parts.

    Parameters
    ----------
    frame
        By group and statistic one row a part: `kind` is "choice" for each choice, "definition"
        for their sum (everybody classifiable under all hybrids), "people" for what comes from
        who is classifiable under either, "total" for the difference as two papers print it.
        `lowest_order` and `highest_order` are the extremes over orders: far apart, the choices
        interact.
    first, second
        The definitions; estimates are second less first [proportion].
    bone_class, design
        What was counted, and the survey design in one line.
    by
        Columns broken down by.
    notes
        What a reader has to know.
    label
        What has to be known of the data, such as that they are simulated.
    """

    frame: pl.DataFrame
    first: Definition
    second: Definition
    bone_class: str
    design: str
    by: tuple[str, ...]
    notes: tuple[str, ...]
    label: str

    def to_polars(self) -> pl.DataFrame:
        """One row a part, see `frame`."""
        return self.frame

    def _summary(self) -> str:
        parts = self.frame.filter(pl.col("kind") == "choice")["part"].n_unique()
        return f"{self.bone_class}, {parts} choices between two definitions"

    def _repr_html_(self) -> str:
        kinds = self.frame["statistic"].unique().to_list()
        statistic = "age_standardised" if "age_standardised" in kinds else "crude"
        shown = [*self.by, "part", "from", "to"]
        table = pl.DataFrame(
            {
                **{c: word(row[c] or "") for c in shown},
                "points": percent_interval(
                    row["estimate"], row["lower"], row["upper"], decimals=1, signed=True
                ),
                "lowest to highest over orders": _orders(row["lowest_order"], row["highest_order"]),
                "n": row["n"],
            }
            for row in self.frame.filter(pl.col("statistic") == statistic).to_dicts()
        )
        caption = [
            f"Difference in the prevalence of {self.bone_class}, {statistic}: what each choice "
            "contributes, mean over all orders (Shapley)",
            f"First: {self.first.label}",
            f"Second: {self.second.label}",
            f"Design: {self.design}",
            *([f"Label: {self.label}"] if self.label else []),
            *self.notes,
        ]
        return self._shown(table, caption="\n".join(caption), notes=())


def _orders(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    return " to ".join(percent(end, decimals=1, sign="+") for end in (low, high))


# 2 to this power hybrid definitions are classified.
MOST_PARTS = 7
MEAN = "mean over all orders (Shapley)"
Subset = frozenset[int]


@in_callers_kind
def decompose_difference(
    people: Any,
    first: Definition,
    second: Definition,
    *,
    together: Iterable[Sequence[str]] = (),
    bone_class: str = "osteoporosis",
    by: str | Sequence[str] = (),
    standard: str | StandardPopulation | None = None,
    design: Design | str | None = None,
    ages: Ages | None = None,
    age_bands: Sequence[float] | None = None,
    domain: str | pl.Expr | None = None,
    eligible: str | pl.Expr | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
    incomplete: str | None = None,
) -> Decomposition:
    """Split the difference of prevalence between two definitions over the choices that differ.

    Parameters
    ----------
    people
        Any frame of everybody sampled, with the measurements that the definitions read.
    first, second
        The definitions; the difference is second less first.
    together
        Choices to be exchanged as one, such as [("reference", "sex_rule")], where one without
        the other makes no sense. Names: see `grid_axes.AXES`.
    bone_class
        The class that is counted.
    by, standard, design, ages, age_bands, domain, eligible, confidence, accept_errors, incomplete
        As `definition_grid`; ages by default those of the first definition's criterion.

    Returns
    -------
    Decomposition

    Raises
    ------
    DefinitionError
        If the definitions do not differ, differ in too many choices, or a hybrid of them
        classifies nobody.

    Notes
    -----
    The choices' contributions are estimated on the people classifiable under both definitions
    and under every hybrid between them; they are linear in the hybrids' prevalences, which gives
    their standard errors with all covariances. What remains of the difference on each
    definition's own people is the part "people". Shapley LS 1953, A value for n-person games,
    in Contributions to the Theory of Games II, doi:10.1515/9781400881970-018.

    Examples
    --------
    >>> from osteo_epi.diagnosis import definition
    >>> from osteo_epi.cohort import simulate
    >>> people = simulate(3_000, seed=1)
    >>> result = decompose_difference(
    ...     people,
    ...     definition("nchs_bone_2021", reference="nhanes_2005_2008_nhw_derived"),
    ...     definition("nchs_bone_2021", reference="nhanes_2005_2008_nhw_derived",
    ...                sex_rule="own_sex", sites=["femoral_neck"]),
    ... )
    >>> result.to_frame().filter(pl.col("statistic") == "crude")["part"].to_list()
    ['sex_rule', 'regions', 'all choices', 'who is classifiable', 'difference']
    """
    parts = differing(first, second, together=together)
    if not parts:
        raise DefinitionError("the two definitions are the same: there is nothing to split")
    if len(parts) > MOST_PARTS:
        raise DefinitionError(
            f"the definitions differ in {len(parts)} choices; at most {MOST_PARTS} are split: "
            "exchange some together=[(...)]"
        )
    frame, _ = as_polars(people)
    people = refuse_unsuitable(people, frame, [first, second], accept_errors=accept_errors)
    frame = watched(frame, accept_errors=accept_errors)
    query = Query.of(
        first, frame, by=by, classes=one_class(bone_class), standard=standard, design=design,
        ages=ages, age_bands=age_bands, domain=domain, eligible=eligible, confidence=confidence,
        incomplete=incomplete,
    )  # fmt: skip
    subsets = _subsets(len(parts))
    hybrids = {_named(parts, s): _hybrid(first, second, parts, s) for s in subsets}
    classified = Classified.of(frame, hybrids, query, only=bone_class)
    _refuse_lost_sex(classified)
    split = _Split(classified, parts, subsets, (first, second), bone_class)
    keys = dict.fromkeys(query.by, pl.String)
    rows = pl.DataFrame(list(split.rows()), schema={**keys, **COLUMNS})
    return Decomposition(
        frame=rows.with_columns(pl.selectors.float().fill_nan(None)),
        first=first,
        second=second,
        bone_class=bone_class,
        design=str(query.design),
        by=query.by,
        notes=(*acceptance_notes(people), *split.notes(), *query.design_notes),
        label=source_of(people)["label"] or "",
    )


def shapley(parts: int, part: int) -> dict[tuple[Subset, Subset], float]:
    """Weight of each step (before, after) in which a part is added, over all orders.

    Examples
    --------
    >>> {tuple(sorted(after)): weight for (_, after), weight in shapley(2, 0).items()}
    {(0,): 0.5, (0, 1): 0.5}
    """
    others = [i for i in range(parts) if i != part]
    steps = {}
    for size in range(parts):
        weight = factorial(size) * factorial(parts - size - 1) / factorial(parts)
        for chosen in itertools.combinations(others, size):
            steps[frozenset(chosen), frozenset((*chosen, part))] = weight
    return steps


def _subsets(parts: int) -> list[Subset]:
    """All sets of parts, the empty one first and the full one last."""
    sizes = (itertools.combinations(range(parts), size) for size in range(parts + 1))
    return [frozenset(chosen) for size in sizes for chosen in size]


def _hybrid(
    first: Definition, second: Definition, parts: list[tuple[str, ...]], subset: Subset
) -> Definition:
    return taking(first, second, [axis for i in sorted(subset) for axis in parts[i]])


def _refuse_lost_sex(people: Classified) -> None:
    """Refuse to lose a sex that both definitions classify: the parts would be of other people."""
    names, losses = people.names, people.losses()
    ends = {sex for j, sex in losses if j in (0, len(names) - 1)}
    for j, sex in losses:
        if sex not in ends:
            raise DefinitionError(
                f"{names[j]} classifies nobody of sex {sex}, whom both definitions classify: "
                "exchange these choices as one, for instance "
                'together=[("reference", "sex_rule")]'
            )


def _named(parts: list[tuple[str, ...]], subset: Subset) -> str:
    exchanged = " and ".join(axis for i in sorted(subset) for axis in parts[i])
    return f"the first with {exchanged} of the second" if exchanged else "the first"


@dataclass(frozen=True)
class _Split:
    """The rows of a decomposition."""

    people: Classified
    parts: list[tuple[str, ...]]
    subsets: list[Subset]
    ends: tuple[Definition, Definition]
    bone_class: str

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every part of every slice."""
        cells = self.people.cells
        # The hybrids on the people of all; then first and second, each on its own people.
        ends = [(0, self.bone_class), (len(self.subsets) - 1, self.bone_class)]
        own = Outcomes.of(cells, ends, self.people.sample.query.incomplete)
        outcomes = Outcomes.joined([Outcomes.common(cells, self.bone_class), own])
        for cut in self.people.sample.slices():
            shares = Shares.of(cells, cut, outcomes)
            for part in self._parts(shares):
                yield cut.keys | part

    def _parts(self, shares: Shares) -> Iterator[dict[str, Any]]:
        k = len(self.subsets)
        first, second = (choices(end) for end in self.ends)
        for i, axes in enumerate(self.parts):
            steps = shapley(len(self.parts), i)
            one_by_one = [self._step(shares, step) for step in steps]
            extra = {"lowest_order": min(one_by_one), "highest_order": max(one_by_one)}
            named = {"from": _chosen(first, axes), "to": _chosen(second, axes)}
            weights = [(self._at(s), w) for s, w in self._terms(steps)]
            yield self._row(shares, weights, "choice", " and ".join(axes)) | named | extra
        definition, total = [(k - 1, 1.0), (0, -1.0)], [(k + 1, 1.0), (k, -1.0)]
        people = [*total, *((column, -times) for column, times in definition)]
        yield self._row(shares, definition, "definition", "all choices")
        yield self._row(shares, people, "people", "who is classifiable")
        yield self._row(shares, total, "total", "difference")

    def _terms(
        self, steps: Mapping[tuple[Subset, Subset], float]
    ) -> Iterator[tuple[Subset, float]]:
        for (before, after), weight in steps.items():
            yield after, weight
            yield before, -weight

    def _step(self, shares: Shares, step: tuple[Subset, Subset]) -> float:
        before, after = (shares.value[self._at(subset)] for subset in step)
        return float(after - before)

    def _at(self, subset: Subset) -> int:
        return self.subsets.index(subset)

    def _row(
        self, shares: Shares, terms: list[tuple[int, float]], kind: str, part: str
    ) -> dict[str, Any]:
        part_of = shares.contrast(terms)
        confidence = self.people.sample.query.confidence
        method = wald(self.people.cells)
        row = {
            "kind": kind,
            "part": part,
            "n": part_of.n,
            "df": part_of.df,
            "confidence": confidence,
            "method": f"{MEAN}; {method}" if kind == "choice" else method,
        }
        return row | part_of.limits(confidence)

    def notes(self) -> Iterator[str]:
        """Say how many of those whom both definitions classify are left to split over."""
        cells = self.people.cells
        known = cells.known(self.bone_class)
        ends, common = known[:, 0] & known[:, -1], cells.known_to_all(self.bone_class)
        yield (
            f"split over {cells.count(common):,} people classifiable under both definitions "
            f"and every hybrid; {cells.count(ends):,} are classifiable under both"
        )
        k, query = len(self.subsets), self.people.sample.query
        own = Outcomes.of(cells, [(0, self.bone_class), (k - 1, self.bone_class)], query.incomplete)
        yield from comparison_notes(cells, self.bone_class, own, ["the first", "the second"])


def _chosen(chosen: Mapping[str, str], axes: Iterable[str]) -> str:
    return "; ".join(chosen[axis] for axis in axes if chosen[axis])
