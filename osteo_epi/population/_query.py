"""What is estimated in whom: the keywords that every estimate of this room shares."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real

import numpy as np
import polars as pl

from osteo_epi import norms
from osteo_epi.arguments import is_a, is_among, names_in
from osteo_epi.cohort import FILE, Faults, codebook, names_a_person, recognised_design
from osteo_epi.diagnosis import CLASSES, Definition
from osteo_epi.errors import DesignError, OsteoEpiError, SchemaError, did_you_mean
from osteo_epi.frames import Frame
from osteo_epi.norms import AgeBand, Interval, StandardPopulation
from osteo_epi.population._participants import could_be_measured
from osteo_epi.population._result import KEYS, NUMBERS
from osteo_epi.population.status import BY_FRACTURE, EXCLUDE
from osteo_epi.survey import INTERVAL_METHODS, Design

NOT_CLASSIFIABLE = "not_classifiable"
MEASURED = tuple(name for name in CLASSES if name != NOT_CLASSIFIABLE)
_STANDARDS = (StandardPopulation, type(None))
COUNTED = ("osteoporosis", "low_bone_mass")
BELOW, WITHIN = "below_expected_range", "within_expected_range"
BY_Z = (MEASURED.index(BELOW), MEASURED.index(WITHIN))
"""Indices of the classes that a Z-score makes."""
# Without a standard population to say otherwise: decades, open where surveys top-code ages.
DECADE = 10.0
OPEN_FROM = 80.0

# A column of two levels says yes or no of people, or which of two kinds they are: never who.
PAIR = 2
# Two visits of each person, or couples: half of the levels hold no more, so the rows are not of
# groups but of persons. A column of groups may have a few such levels, never half of its people.
FEW = 2
# As many as rows that a printed page or two hold; beyond it the note is said, nothing is refused.
MANY_LEVELS = 100

OUTCOMES = ("bone_class", "bone_class_rule", "bone_class_roi", "bone_class_reason", "advice")
"""What classifying says of each person: no groups of which a class has a prevalence."""

WEIGHTS, STANDARD, NOBODY = "weights", "standard", "none"

Ages = Interval | str | Sequence[float]


@dataclass(frozen=True)
class Query:
    """What is estimated, in whom.

    Parameters
    ----------
    by
        Columns to break down by; each gets a level "all".
    classes
        The classes counted.
    standard
        Standard population for the age-standardised rows.
    design
        How people were sampled.
    edges
        Ascending ages [years]; bands lie between them, lower end included.
    domain
        The part of the population that the rates are about; None for all.
    eligible
        Who could be measured at all; None for those examined and not pregnant.
    interval, confidence
        Method and level of the limits.
    design_notes
        What a reader has to know of where the design comes from.
    people_affected
        Whose people are affected: `WEIGHTS`, `STANDARD` or `NOBODY`; None for the weights' where
        they describe a population.
    incomplete
        Where a definition counts fractures: `BY_FRACTURE` estimates them and the densities apart,
        each of those of whom it is known; `EXCLUDE` leaves out everybody without complete sites.
        None for the first where somebody has an established fracture.
    """

    by: tuple[str, ...]
    classes: tuple[str, ...]
    standard: StandardPopulation | None
    design: Design
    edges: tuple[float, ...]
    domain: str | pl.Expr | None
    eligible: str | pl.Expr | None
    interval: str
    confidence: float
    design_notes: tuple[str, ...] = ()
    people_affected: str | None = None
    incomplete: str | None = None

    @classmethod
    def of(
        cls,
        definition: Definition,
        frame: Frame,
        *,
        by: str | Sequence[str] = (),
        classes: Sequence[str] = COUNTED,
        standard: str | StandardPopulation | None = None,
        design: Design | str | None = None,
        ages: Ages | None = None,
        age_bands: Sequence[float] | None = None,
        domain: str | pl.Expr | None = None,
        eligible: str | pl.Expr | None = None,
        interval: str = "beta",
        confidence: float = 0.95,
        people_affected: str | None = None,
        incomplete: str | None = None,
    ) -> Query:
        """Bring the keywords of a public function into one form.

        Raises
        ------
        DesignError
            If a class or interval is unknown, the confidence impossible, a `by` column has a
            name of the result, or the people hold half a design.
        NormError
            If the standard population is unknown, or an edge cuts one of its bands.
        """
        columns = tuple(names_in(by, "by (--by)"))
        _refuse(classes, columns, interval, confidence)
        _refuse_people(people_affected, standard)
        _refuse_incomplete(incomplete)
        if isinstance(standard, str):
            standard = norms.load("standard_population", standard)
        is_a(standard, "standard (--standard)", _STANDARDS, "an id, a StandardPopulation or None")
        span = age_range(definition.criterion.prevalence_ages if ages is None else ages)
        edges = band_edges(span, standard, age_bands)
        drawn = recognised_design(frame, design)
        return cls(
            columns, tuple(classes), standard, drawn.design, edges, domain, eligible, interval,
            confidence, drawn.notes, people_affected, incomplete,
        )  # fmt: skip

    @property
    def bands(self) -> tuple[AgeBand, ...]:
        """The age bands, in order."""
        return bands_between(self.edges)

    @property
    def banded_standard(self) -> StandardPopulation | None:
        """The standard population collapsed to the bands, or None."""
        return None if self.standard is None else self.standard.collapse(self.edges)

    @property
    def standard_line(self) -> str | None:
        """The standard population in one line."""
        return None if self.standard is None else f"{self.standard.id}: {self.standard.title}"

    def inside(self, frame: Frame) -> pl.Expr:
        """True for people whom the rates are about and who could be measured; never null.

        Raises
        ------
        SchemaError
            If `domain` or `eligible` names a column that is absent or is not true or false.
        """
        if self.eligible is None:
            able = could_be_measured(frame)
        else:
            able = _answer(frame, self.eligible, "eligible")
        if self.domain is None:
            return able
        return _answer(frame, self.domain, "domain") & able


def one_class(bone_class: str) -> tuple[str]:
    """The class that a comparison counts.

    Raises
    ------
    DesignError
        If there is no such class.
    """
    if not is_among(bone_class, MEASURED):
        raise DesignError(f"bone_class must be one of {', '.join(MEASURED)}, not {bone_class!r}")
    return (bone_class,)


def _refuse(classes: Sequence[str], by: tuple[str, ...], interval: str, confidence: float) -> None:
    known = f"a list of {', '.join(MEASURED)}"
    listed = names_in(classes, "classes", known)
    if isinstance(classes, str) or set(listed) - set(MEASURED) or not listed:
        raise DesignError(f"classes must be {known}; got {classes!r}")
    _refuse_interval(interval)
    _refuse_confidence(confidence)
    _refuse_names(by)


def check_query(
    faults: Faults,
    *,
    by: Sequence[str],
    standard: StandardPopulation | None,
    ages: Ages,
    age_bands: Sequence[float] | None,
    interval: str,
    confidence: float,
    people_affected: str | None,
    incomplete: str | None,
) -> None:
    """Gather the choices of an estimate that cannot be, before people are read.

    Parameters
    ----------
    faults
        Where they are gathered.
    by, standard, …
        As `prevalence` takes them; the standard population as it was loaded.
    """
    with faults:
        _refuse_interval(interval)
    with faults:
        _refuse_confidence(confidence)
    with faults:
        _refuse_names(tuple(by))
    with faults:
        _refuse_people(people_affected, standard)
    with faults:
        _refuse_incomplete(incomplete)
    span: tuple[float, float] | None = None
    with faults.naming("ages (--ages)"):
        span = age_range(ages)
    if span is None:
        return
    with faults:
        edges = band_edges(span, standard, age_bands)
        if standard is not None:
            standard.collapse(edges)


def _refuse_interval(interval: str) -> None:
    if not is_among(interval, INTERVAL_METHODS):
        raise DesignError(
            f"unknown interval (--interval) {interval!r}{did_you_mean(interval, INTERVAL_METHODS)}:"
            f" choose one of {', '.join(INTERVAL_METHODS)}"
        )


def _refuse_confidence(confidence: float) -> None:
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise DesignError(f"confidence (--confidence) must lie between 0 and 1, got {confidence}")


def _refuse_names(by: tuple[str, ...]) -> None:
    taken = [c for c in by if c in {"definition", "class", *KEYS, *NUMBERS}]
    if taken:
        raise DesignError(
            f"by (--by) column(s) {', '.join(taken)} have names of the result: rename them"
        )
    _refuse_outcomes(by)
    _refuse_persons({name: name for name in by})


def _refuse_outcomes(by: tuple[str, ...]) -> None:
    """Groups by the class itself have 100 or 0 per cent of it."""
    if judged := [c for c in by if c in OUTCOMES]:
        raise DesignError(
            f"by (--by) names {', '.join(judged)}, which classifying writes: groups by what is "
            "counted hold all of it or none. A column of your data of that name is "
            f"'{judged[0]} {FILE}'"
        )


def check_groups(
    faults: Faults, people: pl.DataFrame, by: Mapping[str, str], ages: Ages | None
) -> None:
    """Gather the columns by which people fall apart into single ones, before anybody is classified.

    Parameters
    ----------
    faults
        Where they are gathered.
    people
        As they were read.
    by
        Column as the caller names it → the column of the people.
    ages
        Ages of the prevalence; None where they are not known.
    """
    with faults:  # what a name alone gives away is said by `check_query`
        _refuse_persons({n: c for n, c in by.items() if not _personal({n: n})})
    personal = _personal(by)
    held = {n: c for n, c in by.items() if c in people.columns and n not in personal}
    with faults:
        refuse_no_levels(people.schema, tuple(held.values()))
        low, high = -math.inf, math.inf
        with suppress(OsteoEpiError):  # ages that cannot be are said by `check_query`
            low, high = (low, high) if ages is None else age_range(ages)
        within = pl.lit(True)
        if "age" in people.columns and people.schema["age"].is_numeric():
            within = pl.col("age").is_between(low, high, closed="left").fill_null(False)
        cells = people.select(
            *(pl.col(c).alias(f"_of {c}") for c in dict.fromkeys(held.values())),
            pl.when(within).then(0).otherwise(-1).alias("_the band"),
            _people=pl.lit(1),
        )
        refuse_lone_people(cells, held)


def _refuse_persons(by: Mapping[str, str]) -> None:
    """A row for each person, or for each date on which one came, is that person's diagnosis."""
    personal = _personal(by)
    if personal:
        named = ", ".join(_as_named(name, by[name]) for name in personal)
        raise DesignError(
            f"by (--by) names {named}, which tell(s) persons apart and no groups: "
            "each row would be one person's diagnosis. Name columns of groups, such as sex or "
            "site; for dates make a column of years first"
        )


def _personal(by: Mapping[str, str]) -> list[str]:
    """Those of the columns, as they are named, that tell persons apart."""
    variables = codebook()
    return [
        name
        for name, column in by.items()
        if (column in variables and variables[column].kind in ("id", "date"))
        or any(map(names_a_person, (name, column)))
    ]


def _as_named(name: str, column: str) -> str:
    """A column as the caller named it, with what it was taken for."""
    return name if name == column else f"{name} ({column})"


def refuse_no_levels(schema: pl.Schema, columns: Sequence[str]) -> None:
    """Stop where what a column holds is no level of a group: lists, bytes, spans of time.

    Raises
    ------
    DesignError
        That names the columns and what each holds.
    """
    without = [
        f"{name} ({dtype.base_type()})"
        for name in columns
        if (dtype := schema[name]).is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration)
    ]
    if without:
        raise DesignError(
            f"by (--by) column(s) {', '.join(without)} hold no levels of a group: bring them to "
            "text or numbers first, one level a row"
        )


def refuse_lone_people(cells: pl.DataFrame, by: Mapping[str, str]) -> None:
    """Stop where most people are alone or in pairs: the rows would be each one's diagnosis.

    Whatever the number of people, a column of groups puts most of them beside several others; an
    identifier, or a measurement with decimals, does not, nor where persons have two rows each. In
    a level of two, each of the two who is told the row knows the other's diagnosis.

    Parameters
    ----------
    cells
        Sums by the columns `_of <name>`, `_the band` (-1 outside the domain), with `_people`.
    by
        Column as the caller names it → the column to break down by.

    Raises
    ------
    DesignError
        That names the column, its number of levels, and the way out.
    """
    inside = cells.lazy().filter((pl.col("_the band") >= 0) & (pl.col("_people") > 0))
    variables = codebook()
    # The levels of the codebook's own categories are few, however few the people.
    known = {c for c in variables.variables if variables[c].kind in ("category", "boolean")}
    for name, column in by.items():
        if column in known:
            continue
        level = pl.col(f"_of {column}")
        grouped = inside.filter(level.is_not_null()).group_by(level)
        n = grouped.agg(pl.col("_people").sum()).collect()["_people"]
        lone, people = int(n.filter(n <= FEW).sum()), int(n.sum())
        if len(n) > PAIR and 2 * lone > people:
            raise DesignError(
                f"by (--by) column {_as_named(name, column)} has {len(n):,} levels for "
                f"{people:,} people, and {lone:,} of them are alone or in pairs there: the rows "
                "would be each person's diagnosis. Make bands of it first, in a column of its own, "
                "or name a coarser one"
            )


def level_notes(column: str, levels: Sequence[str]) -> list[str]:
    """Say it where a column has more levels than a reader goes through, or some that look alike.

    >>> level_notes("area", ["Urban ", "urban", "rural"])[0].partition(",")[0]
    'area has levels that differ by blanks'
    """
    found = []
    alike = {unicodedata.normalize("NFKC", level).casefold().strip() for level in levels}
    if len(alike) < len(levels):
        found.append(
            f"{column} has levels that differ by blanks, width or case alone, each with rows of "
            f"its own ({len(levels):,} levels, {len(alike):,} without these): write them one way "
            "in the file if they are one"
        )
    if len(levels) <= MANY_LEVELS:
        return found
    return [
        *found,
        f"{column} has {len(levels):,} levels, each with rows of its own: bands or a coarser "
        "column would have more people in each; hide small counts before the table is given out "
        "(tables.suppress_counts)",
    ]


def _refuse_incomplete(incomplete: str | None) -> None:
    if incomplete not in (None, BY_FRACTURE, EXCLUDE):
        raise DesignError(
            f"incomplete (--incomplete) must be {BY_FRACTURE} or {EXCLUDE}, not {incomplete!r}"
        )


def _refuse_people(asked: str | None, standard: str | StandardPopulation | None) -> None:
    known = (None, WEIGHTS, STANDARD, NOBODY)
    if asked not in known:
        raise DesignError(
            f"people_affected (--people-affected) must be one of {', '.join(map(str, known[1:]))}, "
            f"not {asked!r}"
        )
    if asked == STANDARD and standard is None:
        raise DesignError(
            "people_affected='standard' (--people-affected standard) puts the rates on the "
            "standard population: name it with standard= (--standard)"
        )


def _answer(frame: Frame, given: str | pl.Expr, name: str) -> pl.Expr:
    """A column or expression that says yes or no of each person; what it does not say is no."""
    if not isinstance(given, str | pl.Expr):
        raise SchemaError(
            f"{name} is a {type(given).__name__}; expected the name of a column that is true or "
            "false for each person, or an expression of Polars: add the values to the data"
        )
    answer = pl.col(given) if isinstance(given, str) else given
    try:
        kind = frame.lazy().select(answer.alias(name)).collect_schema()[name]
    except pl.exceptions.ColumnNotFoundError as error:
        raise SchemaError(f"{name} names a column that is not in the data") from error
    if kind != pl.Boolean:
        raise SchemaError(f"{name} must be true or false for each person, not {kind}")
    return answer.fill_null(False)


def age_range(ages: Ages) -> tuple[float, float]:
    """Lower and upper age [years], the upper one not reached.

    Examples
    --------
    >>> age_range("[50, inf)"), age_range((40, 80))
    ((50.0, inf), (40.0, 80.0))
    """
    if isinstance(ages, str):
        ages = Interval.parse(ages)
    if isinstance(ages, Interval):
        _refuse_other_ends(ages)
        ages = (ages.lower, ages.upper)
    try:
        lower, upper = map(float, ages)
    except (TypeError, ValueError):
        lower = upper = math.nan
    if not lower < upper:
        raise DesignError(
            "ages must be two ascending numbers, (50, 80) in Python, or written with the ends of a "
            f'band, "[50, 80)"; got {ages!r}'
        )
    return lower, upper


def _refuse_other_ends(ages: Interval) -> None:
    """Refuse "[60, 80]": bands of ages hold their lower end and not their upper one.

    Whether someone of 80.5 is meant nobody can say, and who is 80 was left out.
    """
    if (ages.closed_lower or ages.lower == -math.inf) and not ages.closed_upper:
        return
    low, high = (
        math.floor(end) + 1 if beyond and math.isfinite(end) else end
        for end, beyond in ((ages.lower, not ages.closed_lower), (ages.upper, ages.closed_upper))
    )
    instead = Interval(low, high, low > -math.inf, False)
    raise DesignError(
        f"{ages} has other ends than bands of ages, which begin at their lower age and end before "
        f"their upper one" + (f"; in completed years it is {instead}" if low < high else "")
    )


def band_edges(
    ages: tuple[float, float],
    standard: StandardPopulation | None,
    asked: Sequence[float] | None,
) -> tuple[float, ...]:
    """Ascending edges [years] of the age bands.

    Parameters
    ----------
    ages
        The range of ages, used where no edges are asked for.
    standard
        Its bands, joined to one open band at the top, are the default; None for decades.
    asked
        Edges asked for; they then decide the range too.

    Examples
    --------
    >>> band_edges((50.0, float("inf")), None, None)
    (50.0, 60.0, 70.0, 80.0, inf)
    """
    if asked is not None:
        return _checked(asked)
    if standard is None:
        inner = np.arange(DECADE * math.floor(ages[0] / DECADE + 1), OPEN_FROM + 1, DECADE)
        inner_edges = tuple(float(edge) for edge in inner)
    else:
        usual = standard.default_edges
        lower = tuple(band.lower for band in standard.bands if band.lower < usual[0])
        inner_edges = (*lower, *usual)
    kept = tuple(edge for edge in inner_edges if ages[0] < edge < ages[1])
    return _checked((ages[0], *kept, ages[1]))


def _checked(edges: Sequence[float]) -> tuple[float, ...]:
    try:
        pairs = tuple(float(edge) for edge in edges)
    except (TypeError, ValueError):
        pairs = ()
    if len(pairs) < 2 or any(low >= high for low, high in itertools.pairwise(pairs)):
        raise DesignError(
            "age_bands must be ascending edges, two at least, such as (50, 65, inf); got "
            f"{pairs or edges!r}"
        )
    return pairs


def bands_between(edges: Sequence[float]) -> tuple[AgeBand, ...]:
    """The bands between edges, named as the standard populations name theirs."""
    return tuple(AgeBand.of(low, high) for low, high in itertools.pairwise(edges))
