"""Prevalence in a population: crude, by age band and age-standardised, with design-based limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import polars as pl

from osteo_epi import norms
from osteo_epi.diagnosis import CLASSES, Definition, OwnReference, classify
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Frame, as_polars
from osteo_epi.norms import StandardPopulation
from osteo_epi.population._age_bands import Ages, age_range, band_edges, bands_between
from osteo_epi.population._cells import Cells, Question, summed
from osteo_epi.population._propagated import KNOWN, can_be_propagated, with_reference_error
from osteo_epi.population._result import KEYS, NUMBERS, Prevalence
from osteo_epi.population._rows import Table
from osteo_epi.survey import INTERVAL_METHODS, NORMALISED, Design, SurveyDesign

NOT_CLASSIFIABLE = "not_classifiable"
MEASURED = tuple(name for name in CLASSES if name != NOT_CLASSIFIABLE)


def prevalence(
    people: Any,
    definition: Definition,
    *,
    by: str | Sequence[str] = (),
    classes: Sequence[str] = ("osteoporosis", "low_bone_mass"),
    standard: str | StandardPopulation | None = None,
    design: Design | None = None,
    ages: Ages | None = None,
    age_bands: Sequence[float] | None = None,
    interval: str = "beta",
    confidence: float = 0.95,
    domain: str | pl.Expr | None = None,
    eligible: str | pl.Expr | None = None,
    reference_error: bool = True,
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
        Columns to break down by; each gets a row a level and one for `all`.
    classes
        Classes of `bone_class` to count.
    standard
        Standard population (or its identifier) for the age-standardised rows.
    design
        Survey design, or replicate weights; simple random sampling without one.
    ages
        Ages the prevalence refers to; by default those of the criterion (50 and over).
    age_bands
        Edges of the age bands; by default those of the standard population, or decades.
    interval
        "beta" (Korn-Graubard), "logit", "wilson", "likelihood", "asin", "mean".
    confidence
        Level of the limits.
    domain
        Boolean column or expression: the part of the population that the rates are about.
    eligible
        Boolean column or expression: who could be measured at all (examined, not pregnant). The
        others are in no row, and the rates stand for them too.
    reference_error
        Whether the sampling error of a reference made of the same people (`young_adult_reference`)
        enters the standard errors and limits. Published references are always taken as known.

    Returns
    -------
    Prevalence
        Rows `crude`, `age_standardised` (with a standard) and one `age_band` row a band, for each
        class and group.

    Raises
    ------
    SchemaError
        If a column is absent.
    DesignError
        If the design has a fault, or a band to standardise over holds nobody who was measured.
    NormError
        If the standard population is unknown, or an edge cuts one of its bands.

    Notes
    -----
    n counts people with a weight above zero who are classified on complete sites; the others of
    the domain are n_missing, never "no": someone whose spine is missing would otherwise enter only
    when the hip is osteoporotic. The estimates hold for the population as far as those missing
    are like those measured.

    With sexes in the standard and `sex` in `by`, the `all` row is standardised over age and sex
    together. People affected are given where the standard counts people, for everybody and by
    sex, and only without a `domain`: a count of the whole cannot stand for a part.

    Where nobody of one sex is measured, as when the reference lacks it, its rows hold no estimate,
    and neither does the `all` row that would be standardised over both.

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
    """
    frame, _ = as_polars(people)
    population = _standard(standard)
    edges = band_edges(_ages(definition, ages), population, age_bands)
    columns = (by,) if isinstance(by, str) else tuple(by)
    _refuse(classes, columns, interval, confidence)
    frame = _classified(frame, definition)
    asked = Asked(
        columns, tuple(classes), population, edges, domain, eligible, interval, confidence
    )
    drawn = design if design is not None else SurveyDesign()
    rows, cells = asked.rows(frame, definition, drawn)
    notes = _notes(cells, drawn)
    if isinstance(definition.reference, OwnReference):
        if reference_error and can_be_propagated(frame, definition):
            rows = asked.with_reference_error(rows, frame, definition, drawn)
        else:
            notes.append(KNOWN)
    return Prevalence(
        frame=rows,
        definition=definition.label,
        standard=None if population is None else f"{population.id}: {population.title}",
        design=str(drawn),
        by=columns,
        meta=_meta(people, definition, population, cells, edges, notes),
    )


@dataclass(frozen=True)
class Asked:
    """What was asked of `prevalence`, so that it can be asked again under another reference."""

    by: tuple[str, ...]
    classes: tuple[str, ...]
    standard: StandardPopulation | None
    edges: tuple[float, ...]
    domain: str | pl.Expr | None
    eligible: str | pl.Expr | None
    interval: str
    confidence: float

    def rows(
        self, frame: Frame, definition: Definition, design: Design
    ) -> tuple[pl.DataFrame, Cells]:
        """The rows of classified people, and the sums that they rest on."""
        inside = _mask(frame, self.domain, "domain") & _mask(frame, self.eligible, "eligible")
        outcome, read = _outcome(frame)
        question = Question(outcome, read, self.classes, MEASURED, inside, self.edges, self.by)
        cells = summed(frame, design, question)
        table = Table(
            cells,
            self.classes,
            bands_between(self.edges),
            None if self.standard is None else self.standard.collapse(self.edges),
            self.domain is None,
            self.interval,
            self.confidence,
        )
        return _frame(table, definition.label, self.by), cells

    def with_reference_error(
        self, rows: pl.DataFrame, frame: Frame, definition: Definition, design: Design
    ) -> pl.DataFrame:
        """The rows with the sampling error of the people's own young adults."""
        weighted = SurveyDesign(weight=design.weight)

        def estimate(people: Frame, rules: Definition) -> pl.DataFrame:
            old = people.lazy().filter(pl.col("age") >= self.edges[0])
            return self.rows(classify(old, rules), rules, weighted)[0]

        keys = ["class", *self.by, *KEYS]
        return with_reference_error(
            rows, frame, definition, design, estimate, interval=self.interval, keys=keys
        )


def _standard(given: str | StandardPopulation | None) -> StandardPopulation | None:
    return norms.load("standard_population", given) if isinstance(given, str) else given


def _ages(definition: Definition, ages: Ages | None) -> tuple[float, float]:
    return age_range(definition.criterion.prevalence_ages if ages is None else ages)


def _refuse(classes: Sequence[str], by: tuple[str, ...], interval: str, confidence: float) -> None:
    unknown = isinstance(classes, str) or not classes or set(classes) - set(MEASURED)
    if unknown:
        raise DesignError(f"classes must be a list of {', '.join(MEASURED)}; got {classes!r}")
    if interval not in INTERVAL_METHODS:
        raise DesignError(
            f"unknown interval {interval!r}: choose one of {', '.join(INTERVAL_METHODS)}"
        )
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")
    taken = [c for c in by if c in {"definition", "class", *KEYS, *NUMBERS}]
    if taken:
        raise DesignError(f"by column(s) {', '.join(taken)} have names of the result: rename them")


def _classified(frame: Frame, definition: Definition) -> Frame:
    return frame if "bone_class" in frame.collect_schema() else classify(frame, definition)


def _outcome(frame: Frame) -> tuple[pl.Expr, tuple[str, ...]]:
    """The class, null where a person is not classifiable or lacks a site that is required.

    With the columns that it reads.
    """
    name = pl.col("bone_class").cast(pl.String)
    if "sites_complete" not in frame.collect_schema():
        return pl.when(name != NOT_CLASSIFIABLE).then(name), ("bone_class",)
    measured = (name != NOT_CLASSIFIABLE) & pl.col("sites_complete").fill_null(False)
    return pl.when(measured).then(name), ("bone_class", "sites_complete")


def _mask(frame: Frame, given: str | pl.Expr | None, name: str) -> pl.Expr:
    if given is None:
        return pl.lit(True)
    asked = pl.col(given) if isinstance(given, str) else given
    try:
        kind = frame.lazy().select(asked.alias(name)).collect_schema()[name]
    except pl.exceptions.ColumnNotFoundError as error:
        raise SchemaError(f"{name} names a column that is not in the data") from error
    if kind != pl.Boolean:
        raise SchemaError(f"{name} must be true or false for each person, not {kind}")
    return asked


def _frame(table: Table, definition: str, by: tuple[str, ...]) -> pl.DataFrame:
    texts = dict.fromkeys(("definition", "class", *by, *KEYS), pl.String)
    rows = [{"definition": definition, **row} for row in table.rows()]
    frame = pl.DataFrame(rows, schema=texts | NUMBERS)
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def _meta(
    people: Any,
    definition: Definition,
    standard: StandardPopulation | None,
    cells: Cells,
    edges: tuple[float, ...],
    notes: Sequence[str],
) -> Mapping[str, Any]:
    source = getattr(people, "source", None)
    return {
        "version": version("osteo-epi"),
        "definition_sha256": definition.sha256,
        "standard_sha256": None if standard is None else standard.sha256,
        "data_sha256": getattr(source, "sha256", None),
        "label": getattr(source, "label", ""),
        "ages": (edges[0], edges[-1]),
        "n_sampled": cells.count(cells.people > 0),
        "n_domain": cells.count(cells.inside),
        "n_measured": cells.count(cells.measured),
        "notes": tuple(notes),
    }


def _notes(cells: Cells, design: Design) -> list[str]:
    missing = cells.count(cells.inside & ~cells.measured)
    notes = [f"{missing:,} of {cells.count(cells.inside):,} not classified"] if missing else []
    if cells.no_age:
        notes.append(f"{cells.no_age:,} of unknown age, in no row")
    average = cells.design.weight.sum() / max(cells.people.sum(), 1)
    if design.weight and abs(average - 1) < NORMALISED:
        notes.append("these look like normalised weights (mean 1): weighted totals would be wrong")
    return notes
