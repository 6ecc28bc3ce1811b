"""Prevalence in a population: crude, by age band and age-standardised, with design-based limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import WORKING, Cohort, acceptance_notes, watched
from osteo_epi.diagnosis import MOVE, Definition, OwnReference, refuse_unsuitable
from osteo_epi.errors import DesignError
from osteo_epi.frames import Frame, as_polars, in_callers_kind
from osteo_epi.norms import AgeBand, StandardPopulation
from osteo_epi.population._participants import left_out_notes, repeat_notes
from osteo_epi.population._presentation import presentation
from osteo_epi.population._query import (
    BELOW,
    COUNTED,
    NOBODY,
    Ages,
    Query,
    band_edges,
    level_notes,
)
from osteo_epi.population._reference_error import KNOWN, can_be_propagated, with_reference_error
from osteo_epi.population._result import KEYS, Prevalence
from osteo_epi.population._rows import (
    HOLLOW,
    Table,
    people_notes,
    row_frame,
    source_of_people,
)
from osteo_epi.population._shares import Outcomes, Sample, sexes_of
from osteo_epi.population.cells import Cells, sum_apart, sum_to_cells
from osteo_epi.population.status import BY_FRACTURE, EXCLUDE
from osteo_epi.population.status._notes import status_notes
from osteo_epi.survey import Design, Mask, SurveyDesign

INSIDE = f"{WORKING} domain"
"""Whether the rates are about a person."""


@in_callers_kind
def prevalence(
    people: Any,
    definition: Definition,
    *,
    by: str | Sequence[str] = (),
    classes: Sequence[str] = COUNTED,
    standard: str | StandardPopulation | None = None,
    design: Design | str | None = None,
    ages: Ages | None = None,
    age_bands: Sequence[float] | None = None,
    interval: str = "beta",
    confidence: float = 0.95,
    domain: str | pl.Expr | None = None,
    eligible: str | pl.Expr | None = None,
    reference_error: bool = True,
    accept_errors: bool = False,
    people_affected: str | None = None,
    incomplete: str | None = None,
) -> Prevalence:
    """Prevalence of classes of bone density in a population.

    Parameters
    ----------
    people
        Any frame with age [years] and, if they are classified already, bone_class and
        sites_complete; else they are classified by `definition` first. Keep everybody who was
        sampled in it: a domain is a mask, and dropping people loses sampling units.
    definition
        What the disease is.
    by
        Columns to break down by; each gets a row a level and one for `all`, whose `flag` says how
        many people have no level. A flag of which that is a group of its own is filled first:
        ``pl.col("secondary_cause").cast(str).fill_null("unknown")``.
    classes
        Classes of `bone_class` to count.
    standard
        Standard population (or its identifier) for the age-standardised rows.
    design
        Survey design, or replicate weights; by default that of the columns survey_weight, stratum
        and psu where they hold values, else simple random sampling. "srs" for simple random
        sampling whatever the columns.
    ages
        Ages the prevalence refers to; by default those of the criterion (50 and over).
    age_bands
        Edges of the age bands; by default those of the standard population, or decades.
    interval
        "beta" (Korn-Graubard), "logit", "likelihood", "wilson", "agresti_coull", "jeffreys",
        "clopper_pearson" or "mean" (Wald).
    confidence
        Level of the limits.
    domain
        Boolean column or expression: the part of the population that the rates are about.
    eligible
        Boolean column or expression: who could be measured at all; by default people examined and
        not pregnant, where the data say so (columns `examined`, `pregnant`). The others are in no
        row, and the rates stand for them too. `pl.lit(True)` for everybody.
    reference_error
        Whether the sampling error of a reference made of the same people (`young_adult_reference`)
        enters the standard errors and limits. Published references are always taken as known.
    accept_errors
        Estimate although the cohort carries errors, see `cohort.refuse_errors`.
    people_affected
        Whose people are counted. "weights": weighted totals, the people that the weights describe,
        in the crude rows and by age. "standard": the rates put on the counts of the standard
        population, where that is the target. "none". By default the weights' where they describe
        a population (a mean of 2 people at least), else none.
    incomplete
        People with an established fragility fracture are known to have osteoporosis, measured or
        not. "by_fracture" estimates fractures and densities apart, see Notes; "exclude" leaves
        out everybody without complete sites. By default the first where the definition counts
        fractures and somebody of the domain has one.

    Returns
    -------
    Prevalence
        Rows `crude`, `age_standardised` (with a standard) and one `age_band` row a band, for each
        class and group. `verdict` says whether a row may be shown, by `presentation`; figures and
        tables withhold what it suppresses, and no number is taken out here.

    Raises
    ------
    SchemaError
        If a column is absent, or a cohort carries errors that nobody accepted.
    DesignError
        If the design has a fault, the people hold half of one, nobody was measured in a band of
        every row to be standardised, or a `by` column is an identifier, a date, or puts most people
        alone into a level.
    NormError
        If the standard population is unknown, or an edge cuts one of its bands.

    Notes
    -----
    n counts people with a weight above zero of whom it is known whether they have the class:
    classified on complete sites, or judged by the Z-score, which makes no osteoporosis and no low
    bone mass, measured or not. The others of the domain are n_missing, never "no": someone whose
    spine is missing would otherwise enter only when the hip is osteoporotic. The estimates hold
    for the population as far as those missing are like those measured; `lowest_possible` and
    `highest_possible` are the prevalence if none, and if all, of those missing had the class.

    Where fractures are estimated apart, p = f + (1 - f) q in every stratum of standardisation: f is
    the share with an established fracture among all whose fracture status is known (`n_fracture`),
    q the share of osteoporosis among those known to be without one who were measured at complete
    sites (`n_density`). For any other class p = (1 - f) q. An established fracture counts where the
    T-score applies. Without one are those whose record settles it, those judged by the Z-score,
    and, where nothing at all is recorded, those classified on complete sites. Open records that are
    taken as unknown go this way too, and are in neither share: those of them with a low density
    would else be the only ones that count. The variance is that of both parts together, as
    `svycontrast` of R on their four totals gives it, and with replicate weights that of the same
    function of every replicate.

    With sexes in the standard and `sex` in `by`, the `all` row is standardised over age and sex
    together. `people_affected_of` says of which population the people affected are. Those of the
    weights are the rate times the weights of everybody in the row, measured or not, with the error
    of both (where all are measured `svytotal` of R) and limits by Student's t, none below zero.
    Those of the standard are given for everybody and by sex, and only without a `domain`: a count
    of the whole cannot stand for a part. Its numbers are taken as known.

    Where nobody of one sex is measured, as when the reference lacks it, its rows hold no estimate,
    and neither do rows for both sexes together: they would be the figure of the other sex. Say
    with `domain` that the rates are about that one.

    `deff` is against simple random sampling without replacement from the population of the weights
    (`deff=TRUE` of R), and with replacement (`deff="replace"`) where they describe none: a mean
    weight below 2 without a finite population correction, as of weights divided by their mean,
    whose sum says how many people were drawn and not from how many.

    Equals R survey (`svyciprop`, `svystandardize`) to 1e-8 on NHANES 2005-2010 and 2017-18.

    Examples
    --------
    >>> from osteo_epi.diagnosis import definition
    >>> people = pl.DataFrame({
    ...     "age": [61.0, 72.0, 55.0, 68.0],
    ...     "bone_class": ["osteoporosis", "normal", "normal", "not_classifiable"],
    ...     "sites_complete": [True, True, True, False],
    ... })
    >>> chosen = definition("china_2020", reference="zhang_2007")
    >>> result = prevalence(people, chosen, classes=["osteoporosis"], age_bands=(50, 70, 90))
    >>> result.to_frame().select("statistic", "age_band", "estimate", "n", "n_missing").rows()
    [('crude', '50-89', 0.333..., 3, 1), ('age_band', '50-69', 0.5, 2, 1),
     ('age_band', '70-89', 0.0, 1, 0)]
    >>> flagged = people.with_columns(secondary_cause=pl.Series([True, False, None, None]))
    >>> result = prevalence(flagged, chosen, by="secondary_cause", classes=["osteoporosis"])
    >>> crude = result.to_frame().filter(pl.col("statistic") == "crude")
    >>> no_level = pl.col("flag").str.contains("secondary_cause missing: 2")
    >>> crude.select("secondary_cause", "n", no_level).rows()
    [('false', 1, False), ('true', 1, False), ('all', 3, True)]
    """
    frame, _ = as_polars(people)
    own = [] if "bone_class" in frame.collect_schema() else [definition]
    people = refuse_unsuitable(people, frame, own, accept_errors=accept_errors)
    frame = watched(frame, accept_errors=accept_errors or not own)
    query = Query.of(
        definition, frame, by=by, classes=classes, standard=standard, design=design, ages=ages,
        age_bands=age_bands, domain=domain, eligible=eligible, interval=interval,
        confidence=confidence, people_affected=people_affected, incomplete=incomplete,
    )  # fmt: skip
    result = estimated(frame, definition, query, reference_error=reference_error)
    left_out = left_out_notes(frame, query.edges) if eligible is None else ()
    notes = (*acceptance_notes(people), *repeat_notes(frame), *left_out, *_foreign(frame))
    notes += result.notes
    meta = {**result.meta, **source_of(people), "notes": notes}
    return replace(result, frame=presentation(result.frame), meta=meta)


def estimated(
    frame: Frame, definition: Definition, query: Query, *, reference_error: bool = True
) -> Prevalence:
    """The prevalence of a Polars frame, whose people are classified unless they are already."""
    rows, sample, outcomes = _estimates(
        frame, definition, query, classified="bone_class" in frame.collect_schema()
    )
    known = np.logical_and.reduce([outcomes.known(j) for j in range(len(sample.query.classes))])
    notes = _notes(sample, known)
    notes += _hollow_notes(rows, query)
    if isinstance(definition.reference, OwnReference) and not sample.cells.by_z_alone:
        if reference_error and can_be_propagated(frame, definition):
            rows = _with_reference_error(rows, frame, definition, query)
        else:
            notes.append(KNOWN)
    return Prevalence(
        frame=rows,
        definition=definition.label,
        standard=query.standard_line,
        design=str(query.design),
        by=query.by,
        meta=_meta(definition, sample, outcomes, known, notes),
    )


def _estimates(
    frame: Frame, definition: Definition, query: Query, *, classified: bool = False
) -> tuple[pl.DataFrame, Sample, Outcomes]:
    """The rows, and what they rest on."""
    cells = sum_to_cells(frame, query, [definition], classified=classified, beside=sexes_of(frame))
    table = _table(cells, query)
    rows = [
        {"definition": definition.label, "class": name, **row}
        for name, of_class in zip(table.sample.query.classes, table.rows(), strict=True)
        for row in of_class
    ]
    return row_frame(rows, query.by, "definition"), table.sample, table.outcomes


def _table(cells: Cells, query: Query) -> Table:
    if cells.by_z_alone:
        query = replace(query, classes=tuple(dict.fromkeys((*query.classes, BELOW))))
    outcomes = Outcomes.of(cells, [(0, name) for name in query.classes], query.incomplete)
    return Table(Sample(cells, query), outcomes)


def _with_reference_error(
    rows: pl.DataFrame, frame: Frame, definition: Definition, query: Query
) -> pl.DataFrame:
    """The rows with the sampling error of the people's own young adults."""
    # Asked among everybody, as for the estimates, and before each stands there several times.
    inside = frame.with_columns(query.inside(frame).alias(INSIDE))
    old = inside.filter(pl.col("age") >= query.edges[0])
    asked = replace(
        query,
        design=SurveyDesign(weight=query.design.weight),
        domain=pl.col(INSIDE),
        eligible=pl.lit(True),
        people_affected=NOBODY,
    )

    def points(people: Frame, rules: Definition) -> list[pl.DataFrame]:
        moves = sum_apart(people, asked, rules, MOVE, beside=sexes_of(people))
        return [_points(cells, asked) for cells in moves]

    keys = ["class", *query.by, *KEYS]
    return with_reference_error(
        rows, frame, old, definition, query.design, points, interval=query.interval, keys=keys
    )


def _points(cells: Cells, query: Query) -> pl.DataFrame:
    """The estimates alone."""
    table = _table(cells, query)
    rows = [
        {"class": name, **row}
        for name, of_class in zip(table.sample.query.classes, table.points(), strict=True)
        for row in of_class
    ]
    return row_frame(rows, query.by)


def source_of(people: Any) -> dict[str, str | None]:
    """Digest and label of the data, where they carry any."""
    source = people.source if isinstance(people, Cohort) else None
    return {
        "data_sha256": getattr(source, "sha256", None),
        "label": getattr(source, "label", ""),
    }


def _foreign(frame: Frame) -> tuple[str, ...]:
    """Say that classes stand in the data which `classify` did not write."""
    schema = frame.collect_schema()
    if "bone_class" not in schema or "bone_class_rule" in schema:
        return ()
    return (
        "classes were taken from the column bone_class as it stands, which classify did not write: "
        "the definition made none of them; without that column people are classified by it",
    )


def _meta(
    definition: Definition,
    sample: Sample,
    outcomes: Outcomes,
    known: Mask,
    notes: Sequence[str],
) -> dict[str, Any]:
    cells, query = sample.cells, sample.query
    apart = any(part is not None for part in outcomes.fractures)
    return {
        "version": version("osteo-epi"),
        "definition_sha256": definition.sha256,
        "classes": definition.class_limits(),
        "classes_zh": definition.class_limits(language="zh"),
        "standard_sha256": None if query.standard is None else query.standard.sha256,
        "data_sha256": None,
        "label": "",
        "ages": (query.edges[0], query.edges[-1]),
        "n_sampled": cells.count(cells.people > 0),
        "n_domain": cells.count(cells.inside),
        "n_measured": cells.count(known),
        "incomplete": BY_FRACTURE if apart else EXCLUDE,
        "people_affected": source_of_people(cells, query),
        "notes": tuple(notes),
    }


def _hollow_notes(rows: pl.DataFrame, query: Query) -> list[str]:
    """What is not standardised, for bands of the standard hold nobody; refuse it where nothing is.

    Raises
    ------
    DesignError
        If no row at all could be standardised.
    """
    standardised = rows.filter(statistic="age_standardised")
    hollow = standardised["flag"].filter(standardised["flag"].str.contains(HOLLOW, literal=True))
    if hollow.is_empty():
        return []
    if standardised["estimate"].drop_nulls().is_empty():
        raise DesignError(
            f"{hollow[0].partition(';')[0]}: standardisation needs someone in every band; "
            f"{_wider(rows, query)}"
        )
    return [
        "not standardised where nobody was measured in a band of ages that the standard asks for: "
        "wider bands are named with age_bands= (--age-bands)"
    ]


def _wider(rows: pl.DataFrame, query: Query) -> str:
    """The bands in each of which every row has somebody; crude figures where there is one alone.

    Where nobody at all is so young as the first band, the ages from which people were measured: a
    wider band would give their prevalence to ages at which nobody was.
    """
    banded = rows.filter(pl.col("statistic") == "age_band").group_by("age_band")
    there = dict(banded.agg(pl.col("n").max()).iter_rows())
    held = [band for band in query.bands if there.get(band.name, 0)]
    if held and held[0] != query.bands[0]:
        asked = _from(held[0], query)
        return f"the prevalence of the ages at which people were measured is had by {asked}"
    fewest = dict(banded.agg(pl.col("n").min()).iter_rows())
    ends = [band.upper for band in query.bands if fewest.get(band.name, 0)]
    if len(ends) <= 1:
        return "leave out standard= (--standard): there are crude figures alone"
    edges = [query.edges[0], *ends[:-1], query.edges[-1]]
    typed = ",".join(f"{edge:g}" for edge in edges)
    return (
        "wider bands, in each of which every group has someone, are "
        f"age_bands=[{typed.replace(',', ', ')}] (--age-bands {typed})"
    )


def _from(first: AgeBand, query: Query) -> str:
    """How the ages from a band on are asked for: bands that were named decide over ages."""
    edges = query.edges[query.bands.index(first) :]
    if query.edges == band_edges((query.edges[0], query.edges[-1]), query.standard, None):
        ages = f'"[{edges[0]:g}, {edges[-1]:g})"'
        return f"--ages {ages}; in Python by ages={ages}"
    typed = ",".join(f"{edge:g}" for edge in edges)
    return f"--age-bands {typed}; in Python by age_bands=[{typed.replace(',', ', ')}]"


def _notes(sample: Sample, known: Mask) -> list[str]:
    cells, query = sample.cells, sample.query
    missing = cells.count(cells.inside & ~known)
    notes = list(query.design_notes)
    if not cells.count(cells.inside):
        ages = AgeBand.of(query.edges[0], query.edges[-1]).name
        notes.append(
            f"no rows: nobody aged {ages} is among those whom domain= and eligible= let in"
        )
    if missing:
        notes.append(f"{missing:,} of {cells.count(cells.inside):,} not classified")
    if cells.no_age:
        notes.append(f"{cells.no_age:,} of unknown age, in no row")
    if query.design.weight and not cells.describes_population:
        notes.append(
            f"these look like normalised weights (mean {cells.mean_weight:.3g}): weighted totals "
            "would be wrong, and design effects are against sampling with replacement"
        )
    for column in query.by:
        notes += level_notes(column, sample.levels(column))
    return [*notes, *status_notes(sample), *people_notes(cells, query)]
