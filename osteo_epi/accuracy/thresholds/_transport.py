"""A threshold applied elsewhere: what differs, how far the cut-off shifts, and who moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy._columns import People
from osteo_epi.accuracy._measures import Measure
from osteo_epi.accuracy._sample import Sample
from osteo_epi.accuracy.thresholds._carried import Carried, Relation, carry, fitted_to
from osteo_epi.accuracy.thresholds._conditions import ConditionCheck, checked_conditions
from osteo_epi.accuracy.thresholds._moved import Change
from osteo_epi.accuracy.thresholds._people import (
    Classed,
    Groups,
    distribution,
    transition_table,
)
from osteo_epi.accuracy.thresholds._quantity import Quantity, stated_quantity
from osteo_epi.accuracy.thresholds._threshold import NOTHING, Conditions, Threshold
from osteo_epi.cohort import is_simulated
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.html import html_table
from osteo_epi.norms import Bands, StandardPopulation, load
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted, number, percent_interval
from osteo_epi.survey import Array

SIMULATED = "SIMULATED people: no evidence about anybody"
SAME_PEOPLE = (
    "the line has as many pairs as these people have, over the same readings: it seems fitted to "
    "them. The limits take the cut-off as independent of the people that it is applied to"
)
STAYS = "the cut-off stays"
CHANGE_NUMBERS = (
    *(f"{a}{b}" for a in ("old", "new", "difference") for b in ("", "_se", "_lower", "_upper")),
    *("se_sampling", "se_cut"),
)


@dataclass(frozen=True, repr=False, eq=False)
class Transport(Result):
    """A threshold applied to people measured under other conditions.

    Attributes
    ----------
    threshold
        What was applied.
    to
        Another threshold that it was exchanged for, else None.
    score, quantity
        Column that it was applied to, and what that measures.
    conditions
        A `ConditionCheck` for each condition: the same, different, or not stated.
    carried
        The cut-offs on the scale of the data, see `Carried`.
    classes
        Classes of the data's scale, those of the first device where there are several; None where
        the cut-off could not be carried.
    changes
        A `Change` a group: prevalence under the old and the new cut-off, and their difference.
    transitions
        One row a sex, age band, old class and new class: n and weighted share of the people with
        both; people without a score have a null class.
    distribution
        Cumulative share of people below values of the score, by sex.
    n_people, n_missing
        People of the domain, and those of them without a score.
    design, standard, confidence
        How people were drawn, what prevalences are standardised to, the level of the limits.
    simulated
        Whether the people are simulated.
    notes
        What a reader must know.
    """

    threshold: Threshold
    to: Threshold | None
    score: str
    quantity: Quantity
    conditions: tuple[ConditionCheck, ...]
    carried: Carried
    classes: Bands | None
    changes: tuple[Change, ...]
    transitions: pl.DataFrame = field(repr=False)
    distribution: pl.DataFrame = field(repr=False)
    n_people: int
    n_missing: int
    design: str
    standard: str
    confidence: float
    simulated: bool
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a group.

        Returns
        -------
        polars.DataFrame
            The columns of the grouping, then old, new and difference, each with _se, _lower and
            _upper; se_sampling, se_cut, n, n_gained, n_lost, n_missing, positive, simulated.
        """
        names = list(dict.fromkeys(itertools.chain(*(c.group for c in self.changes))))
        rows = [dict.fromkeys(names) | change.as_row() for change in self.changes]
        types = dict.fromkeys(CHANGE_NUMBERS, pl.Float64) | dict.fromkeys(names, pl.String)
        frame = pl.DataFrame(rows, schema_overrides=types)
        return frame.with_columns(
            positive=pl.lit(self.threshold.positive), simulated=pl.lit(self.simulated)
        )

    def cut_points(self) -> pl.DataFrame:
        """One row a cut-off (and device): as stated, carried with limits, and the shift.

        Returns
        -------
        polars.DataFrame
            device, below, above (the classes that it parts), stated, carried, se, lower, upper,
            shift, prediction_sd [unit of the data's score], unit, relation, simulated.
        """
        rows, reach, names = [], self.carried.reach(self.confidence), self.threshold.bands.names
        places = range(len(names) - 1) if self.to is None else [self.threshold.place]
        for device, cuts, errors in zip(
            self.carried.names, self.carried.cuts, self.carried.se, strict=True
        ):
            for k in places:
                old = self.threshold.cuts[k]
                new, se = (cuts[k], errors[k]) if self.to is None else (self.to.cut, 0.0)
                rows.append((device or None, names[k], names[k + 1], old, new, se,
                             new - reach * se, new + reach * se, new - old,
                             self.carried.prediction_sd))  # fmt: skip
        columns = ("device", "below", "above", "stated", "carried", "se", "lower", "upper",
                   "shift", "prediction_sd")  # fmt: skip
        kinds = {c: pl.String if c in ("device", "below", "above") else pl.Float64 for c in columns}
        frame = pl.DataFrame(rows, schema=kinds, orient="row").fill_nan(None)
        return frame.with_columns(relation=pl.lit(self._relation), simulated=pl.lit(self.simulated))

    @property
    def _relation(self) -> str:
        if self.to is None:
            return self.carried.relation
        return f"none, exchanged for {self.to.rule}"

    def condition_table(self) -> pl.DataFrame:
        """One row a condition: of, condition, threshold, data, n_same … verdict, simulated."""
        rows = pl.DataFrame([check.__dict__ for check in self.conditions])
        return rows.with_columns(simulated=pl.lit(self.simulated))

    def __str__(self) -> str:
        return "\n".join((self._summary(), *self._words(), *self.notes))

    def _words(self) -> list[str]:
        how = "Carried by" if self.to is None else "Exchanged for"
        words = [f"Threshold: {self.threshold}", f"{how}: {self.to or self.carried.relation}"]
        for row in self.cut_points().iter_rows(named=True):
            words.append(_cut_words(row, self.threshold.quantity.unit, self.quantity.unit))
        names = ("old cut-off", "new one") if self.to else ("cut-off as it stands", "carried one")
        if self.standard:
            words.append(f"Prevalences are standardised to {self.standard}; people are counted "
                         "as they are")  # fmt: skip
        return [*words, *(_sentence(c, self.threshold.positive, names) for c in self.changes)]

    def _repr_html_(self) -> str:
        parts = (
            html_table(self.condition_table(), caption=self._summary()),
            html_table(self.cut_points(), caption="Cut-offs"),
            self._shown(caption="Prevalence under either", notes=()),
            html_table(self.transitions, caption="Who moves", notes=self.notes),
        )
        return "".join(parts)

    def _summary(self) -> str:
        everybody = self.changes[0]
        moved = "not carried" if everybody.difference is None else _points(everybody)
        if everybody.difference is not None and everybody.difference.method == STAYS:
            moved = STAYS
        label = "SIMULATED, " if self.simulated else ""
        where = "" if self.score == self.threshold.column else f" on {self.score}"
        other = "" if self.to is None else f", exchanged for {self.to.rule}"
        to = f", standardised to {self.standard}" if self.standard else ""
        return f"{label}{self.threshold.rule}{where}{other}, {moved}{to}, n {count(everybody.n)}"


@on_people("score", "domain")
def transport(
    people: Any,
    threshold: Threshold,
    *,
    score: Column = None,
    measures: str | None = None,
    to: Conditions | Threshold | None = None,
    relation: Relation = None,
    inverse: bool = False,
    by: Sequence[str] | None = None,
    standard: str | StandardPopulation | None = None,
    age_bands: Sequence[float] | None = None,
    interval: str | None = None,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Transport:
    """Apply a threshold to people measured under conditions that may be others than its own.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    threshold
        Of `threshold` (a criterion) or `Threshold.stated`.
    score
        Column of the score; by default the threshold's own.
    measures
        Column of the codebook that `score` measures the same as, where its name does not say.
    to
        Conditions of the people's measurements that no column states (`Conditions`), or another
        threshold, which is then the new one. A norm with an equation a maker needs the maker of
        the people's device where no column `device_maker` names one for all.
    relation
        How readings under the threshold's conditions lead to those of the data: a `Line` of
        paired readings (x under the threshold's conditions, y under the data's), the `Correction`
        that leads the data's devices to the threshold's scale, a published `Equation` or the norm
        that holds it, or a known shift [unit of the score]. Without any the cut-off stays.
    inverse
        Turn the line or the equation round.
    by
        Columns by which prevalences are broken down; ("sex",) by default where there is one.
    standard
        Standard population, or its identifier, that prevalences are standardised to by age, and by
        sex where it counts the sexes apart; crude by default.
    age_bands
        [years] Edges of the age bands, the last one open where infinite; the standard's bands from
        50, or decades, by default.
    interval
        Of prevalences, as in `accuracy`.
    design, domain, confidence, accept_errors
        As in `accuracy`.

    Returns
    -------
    Transport

    Raises
    ------
    SchemaError
        If the score is another quantity or region than the threshold's and no relation leads
        there, nobody has a score, or columns are absent.
    NormError
        If a norm has no equation that leads there.
    DesignError
        If the people hold half a survey design, or an age band of the standard holds nobody.

    Notes
    -----
    The limits of the difference add the variance of the sample (both prevalences are of the same
    people) and that of the carried cut-off, taken as independent: pairs that gave the line should
    be other people. The variance by the cut-off is that of the new prevalence over the normal law
    of the cut-off; degrees of freedom are joined after Satterthwaite. A known cut-off in people
    drawn one by one has Tango's score limits, as in `compare_tests`. A cut-off is carried as a
    place on the line, with the line's own error: the scatter of one person's reading
    (`prediction_sd`) is no error of the cut-off, but says how many persons change class when they
    are measured by the other method.

    Examples
    --------
    >>> from osteo_epi.accuracy import Threshold, threshold
    >>> people = pl.DataFrame({
    ...     "vbmd_lumbar_spine": [40.0, 55.0, 79.0, 80.0, 101.0, 140.0], "sex": ["female"] * 6,
    ... })
    >>> lower = Threshold.stated("vbmd_lumbar_spine", "(-inf, 50)", source="stated by the user")
    >>> result = transport(people, threshold("china_2020", "vbmd_lumbar_spine"), to=lower)
    >>> result
    Transport(vbmd_lumbar_spine < 80, exchanged for vbmd_lumbar_spine < 50, difference -33.3 ...
    >>> result.to_frame().select("sex", "old", "new", "n_gained", "n_lost").rows()[0]
    (None, 0.5, 0.1666..., 0, 2)
    """
    arguments.confidence_level(confidence)
    name, aim = _checked(threshold, score, to, relation)
    if isinstance(standard, str):
        standard = load("standard_population", standard)
    new, given = (aim, NOTHING) if isinstance(aim, Threshold) else (threshold, aim)
    known = People.of(people, accept_errors=accept_errors)
    sample = Sample.of(known.frame, design)
    inside = known.domain(domain) & (sample.weight > 0)
    quantity, values = stated_quantity(name, measures), known.numbers(name, "score")
    carried = carry(
        threshold, relation, to=given, score=quantity, frame=known.frame, inverse=inverse
    )
    own = _own_readings(known, threshold)
    before = values if quantity == threshold.quantity else own
    classed = Classed.of(threshold, new, carried, values, before)
    scored = inside & classed.scored(carried)
    if not scored.any():
        raise SchemaError(_nobody(name, threshold, before))
    groups = Groups.of(known, standard, age_bands, by, scored)
    changes = groups.changes(
        classed.question(carried, values), sample, inside, scored, interval, confidence
    )
    changes = tuple(_known(c, carried, stays=relation is None and new is threshold)
                    for c in changes)  # fmt: skip
    checks = checked_conditions(known, scored, threshold, given, quantity)
    if new is not threshold:
        checks += checked_conditions(known, scored, new, given, quantity, of="new")
    simulated, missing = is_simulated(known.frame), int((inside & ~scored).sum())
    moved = transition_table(known.frame, sample.weight, inside, groups.bands, classed)
    return Transport(
        threshold, new if new is not threshold else None, name, quantity, checks, carried,
        classed.shown, changes, moved.with_columns(simulated=pl.lit(simulated)),
        distribution(known.frame, values, sample.weight, scored), int(inside.sum()), missing,
        str(sample.design), standard.id if standard is not None else "", confidence, simulated,
        (*_notes(known, sample, checks, carried, simulated, missing),
         *_same_people(relation, inverse, own, values)),
    )  # fmt: skip


def _known(change: Change, carried: Carried, *, stays: bool) -> Change:
    """No error of a cut-off that states none; no difference where nothing leads elsewhere."""
    if stays and change.difference is not None:
        none = Measure(0.0, 0.0, 0.0, 0.0, change.n, STAYS)
        return replace(change, difference=none)
    return change if carried.error_known else replace(change, se_cut=None)


def _checked(
    threshold: Any, score: str | None, to: Any, relation: Relation
) -> tuple[str, Conditions | Threshold]:
    """The column of the score, and what the people's conditions are."""
    if not isinstance(threshold, Threshold):
        raise SchemaError(
            f'threshold={threshold!r}; expected a Threshold: accuracy.threshold("china_2020", '
            '"vbmd_lumbar_spine") or Threshold.stated(…)'
        )
    aim = NOTHING if to is None else to
    if not isinstance(aim, Conditions | Threshold):
        raise SchemaError(f"to={to!r}; expected Conditions(tube_voltage=100, …) or a Threshold")
    if isinstance(aim, Threshold):
        if relation is not None:
            raise SchemaError(
                "to= names the new threshold and relation= would carry the old one there: give one "
                "of the two"
            )
        if aim.quantity != threshold.quantity or aim.direction != threshold.direction:
            raise SchemaError(
                f"the thresholds judge {threshold.quantity} ({threshold.direction} is positive) "
                f"and {aim.quantity} ({aim.direction}): compare_thresholds sets such side by side"
            )
    return threshold.column if score is None else score, aim


def _own_readings(known: People, threshold: Threshold) -> Array | None:
    """Readings on the threshold's own scale, where people were measured by both methods."""
    if threshold.column not in known.frame.columns:
        return None
    return known.numbers(threshold.column, "threshold")


def _nobody(name: str, threshold: Threshold, before: Array | None) -> str:
    both = f" and in {threshold.column}" if before is not None and name != threshold.column else ""
    return (
        f"nobody has a value in {name}{both}, on a device with a cut-off: look at domain= and at "
        "missing values"
    )


def _notes(
    known: People,
    sample: Sample,
    checks: Sequence[ConditionCheck],
    carried: Carried,
    simulated: bool,
    missing: int,
) -> list[str]:
    notes = [SIMULATED] if simulated else []
    notes += [*known.notes, *sample.notes, *(c.sentence for c in checks if c.sentence)]
    notes += carried.notes
    if carried.prediction_sd is not None:
        notes.append(
            f"one person's reading scatters by an SD of {number(carried.prediction_sd, digits=3)} "
            "about the relation: the cut-off is carried for groups, not for one person's class"
        )
    if missing:
        notes.append(f"{counted(missing, 'person') if missing == 1 else count(missing) + ' people'}"
                     " of the domain have no score that could be judged, and are in no "
                     "prevalence")  # fmt: skip
    return notes


def _same_people(
    relation: Relation, inverse: bool, own: Array | None, values: Array
) -> Iterator[str]:
    if own is not None and fitted_to(relation, inverse, own, values):
        yield SAME_PEOPLE


def _cut_words(row: dict[str, Any], unit: str, unit_here: str) -> str:
    """One cut-off as stated, and here."""
    where = f"{row['device']}: " if row["device"] else ""
    here, limits = "not carried", ""
    if row["carried"] is not None:
        here = f"{number(row['carried'], digits=4)} {unit_here}"
    if row["lower"] is not None and row["lower"] < row["upper"]:
        limits = f" ({number(row['lower'], digits=4)} to {number(row['upper'], digits=4)})"
    return (
        f"{where}cut-off between {row['below']} and {row['above']}: {number(row['stated'])} "
        f"{unit}, here {here}{limits}"
    )


def _points(change: Change) -> str:
    """The difference with its limits, in percentage points."""
    d = change.difference
    if d is None:
        return "no difference"
    text = percent_interval(d.estimate, d.lower, d.upper, decimals=1, signed=True)
    return f"difference {text} points"


def _sentence(change: Change, positive: str, names: tuple[str, str]) -> str:
    whom = ", ".join(f"{k} {v}" for k, v in change.group.items()) or "all"
    parts, stays = [], change.difference is not None and change.difference.method == STAYS
    for name, m in zip(names, (change.old, None if stays else change.new), strict=True):
        if m is not None:
            text = percent_interval(m.estimate, m.lower, m.upper, decimals=1)
            parts.append(f"{text} % by the {name}")
    if change.difference is not None and not stays:
        parts.append(
            f"{_points(change)}; {count(change.n_gained)} become positive, "
            f"{count(change.n_lost)} cease to be"
        )
    return f"{whom} (n {count(change.n)}), {positive}: {', '.join(parts) or 'no cut-off'}"
