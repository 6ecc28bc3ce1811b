"""A threshold: a cut-off together with what it was measured by, in whom, and who says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import polars as pl

from osteo_epi.accuracy._columns import tolerance_of
from osteo_epi.accuracy.thresholds._quantity import LOWEST, Quantity, stated_quantity
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.norms import Applies, Bands, Criterion, Interval, QctRule, YoungAdultReference, load
from osteo_epi.results import Result

UNSTATED = "not stated"
USER = "stated by the user"
POSITIVE = "osteoporosis"


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Under which measurement, and in whom, a cut-off was established or people were measured.

    Parameters
    ----------
    maker
        Maker of the scanner: "hologic", "lunar", "norland" …
    device
        The scanner itself.
    tube_voltage
        [kV] Of a CT.
    contrast
        Of a CT: "none", "arterial", "venous" …
    calibration
        System or phantom of a QCT: "Mindways" …
    scan_source
        Scan that a QCT was taken from: "dedicated", "chest low-dose CT" …
    reference
        Young adults that a T-score compares to.
    sex
        "female" or "male", where it holds for one of them.
    population
        In whom, in words.

    Attributes are None where nothing is stated.
    """

    maker: str | None = None
    device: str | None = None
    tube_voltage: float | None = None
    contrast: str | None = None
    calibration: str | None = None
    scan_source: str | None = None
    reference: str | None = None
    sex: str | None = None
    population: str | None = None

    def stated(self) -> dict[str, str]:
        """What is stated, as texts by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.tube_voltage is not None:
            values["tube_voltage"] = f"{self.tube_voltage:g} kV"
        return {name: value for name, value in values.items() if value is not None}


NOTHING = Conditions()


@dataclass(frozen=True, repr=False)
class Threshold(Result):
    """A cut-off, or several, with the conditions under which they hold.

    Attributes
    ----------
    column
        Column of the codebook whose quantity and region are judged.
    bands
        Classes with their intervals, in the unit of that column.
    positive
        The class that counts as positive: the lowest or the highest.
    conditions
        See `Conditions`.
    source
        Who says so.
    grade
        Grade of the norm, or "stated by the user".
    applies, qct
        Of a criterion: in whom it holds, and which texts name its calibration.

    Examples
    --------
    >>> lower = Threshold.stated("vbmd_lumbar_spine", "(-inf, 45)", source="stated by the user")
    >>> lower.cut, lower.direction, str(lower.bands["osteoporosis"])
    (45.0, 'low', '(-inf, 45)')
    """

    no_figure = (
        "is a rule, no estimate: its classes are in to_frame(), and compare_thresholds(…).plot() "
        "draws what several find"
    )

    column: str
    bands: Bands
    positive: str
    conditions: Conditions
    source: str
    grade: str = USER
    applies: Applies | None = None
    qct: QctRule | None = None

    @classmethod
    def stated(
        cls,
        column: str,
        classes: str | Mapping[str, str],
        *,
        source: str,
        positive: str = POSITIVE,
        conditions: Conditions = NOTHING,
        grade: str = USER,
    ) -> Threshold:
        """A threshold that is no criterion of the library.

        Parameters
        ----------
        column
            Column of the codebook whose quantity and region are judged.
        classes
            The interval that counts as positive, `"(-inf, 45)"`, or all classes with theirs.
        source
            Who says so: a citation, or "stated by the user".
        positive
            Name of the class that counts as positive, the lowest or the highest.
        conditions, grade
            As the attributes.

        Raises
        ------
        SchemaError
            If the column is no quantity at a region, or nobody says where the cut-off comes from.
        NormError
            If the classes are no partition of the real line, or the positive one is in the middle.
        """
        stated_quantity(column)
        if not isinstance(conditions, Conditions):
            raise SchemaError(
                f"conditions={conditions!r}; expected Conditions(tube_voltage=120, …)"
            )
        if not isinstance(source, str) or not source.strip():
            raise SchemaError('source= says where the cut-off comes from: a citation, or "' + USER)
        table = _two_classes(classes, positive) if isinstance(classes, str) else dict(classes)
        ends = [Interval.parse(text) for text in table.values()]
        size = max(abs(e) for i in ends for e in (i.lower, i.upper) if math.isfinite(e))
        bands = Bands.parse(table, tolerance=tolerance_of(column, size))
        if positive not in (bands.names[0], bands.names[-1]) or len(bands) < 2:
            raise NormError(
                f"positive={positive!r} must be the lowest or the highest of two or more classes; "
                f"they are {', '.join(bands.names)}"
            )
        return cls(column, bands, positive, conditions, source, grade)

    @property
    def quantity(self) -> Quantity:
        """What is measured, and where."""
        return stated_quantity(self.column)

    @property
    def cuts(self) -> tuple[float, ...]:
        """Cut-offs between the classes, ascending [unit of the column]."""
        return tuple(interval.upper for interval in self.bands.intervals[:-1])

    @property
    def place(self) -> int:
        """Which of the cut-offs the positive class ends at."""
        return 0 if self.positive == self.bands.names[0] else len(self.bands) - 2

    @property
    def cut(self) -> float:
        """Cut-off of the positive class [unit of the column]."""
        return self.cuts[self.place]

    @property
    def direction(self) -> str:
        """ "low" where low values are positive, else "high"."""
        return "low" if self.positive == self.bands.names[0] else "high"

    @property
    def rule(self) -> str:
        """What counts as positive, as a paper prints it."""
        return self.bands[self.positive].inequality(self.column, decimals=None)

    def moved(self, cuts: Sequence[float]) -> Bands:
        """The same classes between other cut-offs; classes that no cut-off parts are joined."""
        names, places, closed = [self.bands.names[0]], [], []
        for name, before, cut in zip(
            self.bands.names[1:], self.bands.intervals[:-1], cuts, strict=True
        ):
            if math.isnan(cut):
                names[-1] = f"{names[-1]} or {name}"
                continue
            names.append(name)
            places.append(float(cut))
            closed.append(before.closed_upper)
        lows, highs = [-math.inf, *places], [*places, math.inf]
        starts, stops = [False, *(not c for c in closed)], [*closed, False]
        intervals = map(Interval, lows, highs, starts, stops)
        return Bands(tuple(names), tuple(intervals), self.bands.tolerance)

    def to_polars(self) -> pl.DataFrame:
        """One row a class: class, interval, positive, column, unit, conditions, source, grade."""
        rows = [
            {
                "class": name, "interval": str(interval), "positive": name == self.positive,
                "column": self.column, "unit": self.quantity.unit, **self._conditions(),
                "source": self.source, "grade": self.grade,
            }
            for name, interval in self.bands.items()
        ]  # fmt: skip
        return pl.DataFrame(rows)

    def _conditions(self) -> dict[str, str]:
        stated = self.conditions.stated()
        return {f.name: stated.get(f.name, UNSTATED) for f in fields(Conditions)}

    def __str__(self) -> str:
        conditions = [f"{n.replace('_', ' ')} {v}" for n, v in self.conditions.stated().items()]
        if self.applies is not None:
            conditions.append(f"for {rule_words(self.applies)}")
        stated = ", ".join(conditions)
        return (
            f"{self.positive}: {self.rule} ({self.quantity}); conditions: {stated or UNSTATED}; "
            f"{self.source}"
        )

    def _repr_html_(self) -> str:
        return self._shown(caption=str(self))

    def _summary(self) -> str:
        return f"{self.positive}, {self.rule} {self.quantity.unit}"


def threshold(
    criterion: str | Criterion,
    column: str,
    *,
    reference: str | YoungAdultReference | None = None,
    sex: str | None = None,
    folder: Any = None,
) -> Threshold:
    """The cut-offs of a criterion for one column, with the conditions that the criterion states.

    Parameters
    ----------
    criterion
        A norm of kind "criteria", or its identifier.
    column
        Column of the codebook that is to be judged: a T- or Z-score, `vbmd_lumbar_spine`, or, with
        a reference and a sex, the areal density at which the T-score reaches the cut-offs.
    reference
        Young adults of the T-score, a norm of kind "young_adult", or its identifier.
    sex
        "female" or "male": whose mean and SD make a density of a T-score. It is the sex of the
        reference; where women's values are used for men, it is "female" for both.
    folder
        A user's own folder of norms.

    Returns
    -------
    Threshold

    Raises
    ------
    NormError
        If the criterion says nothing of such a column, or the reference lacks the region.
    SchemaError
        If an areal density is named without reference and sex.

    Examples
    --------
    >>> china = threshold("china_2020", "vbmd_lumbar_spine")
    >>> china.cuts, china.conditions.tube_voltage, china.conditions.calibration
    ((80.0, 120.0), 120.0, 'Mindways')
    >>> hip = threshold("who_1994", "abmd_femoral_neck", reference="nhanes3_white_female",
    ...                 sex="female")
    >>> round(hip.cut, 3), hip.conditions.maker
    (0.558, 'hologic')
    """
    text = load("criteria", criterion, folder=folder) if isinstance(criterion, str) else criterion
    young = load("young_adult", reference, folder=folder) if isinstance(reference, str) else (
        reference
    )  # fmt: skip
    part, bands, quantity = _of_criterion(text, column)
    made = Threshold(
        column, bands, bands.names[0], _stated_by(text, quantity), text.cite(), text.grades[part],
        None if part == "z_score" else text.applies, text.qct if quantity.by_ct else None,
    )  # fmt: skip
    if young is None:
        if quantity.kind.startswith("abmd"):
            raise SchemaError(
                f"{text.id} judges the T-score: for cut-offs of {column} name whose mean and SD "
                'make them, reference="nhanes3_white_female", sex="female"'
            )
        return made
    if not part.endswith("score"):
        raise SchemaError(f"{text.id} judges {column} without a reference: leave reference= out")
    return _on_reference(made, young, sex)


def _of_criterion(text: Criterion, column: str) -> tuple[str, Bands, Quantity]:
    """Part of the criterion, its bands, and the quantity that they judge."""
    quantity = stated_quantity(column)
    part = quantity.kind.removesuffix("_ctxa").replace("abmd", "t_score")
    regions = (*text.rois, text.substitute, LOWEST)
    if part == "vbmd":
        part, regions = "vbmd_lumbar_spine", ("lumbar_spine",)
    bands = getattr(text, part, None) if part != "sbmd" else None
    by_projection = quantity.kind.endswith("_ctxa") and text.qct is None
    if bands is None or quantity.roi not in regions or by_projection:
        raise NormError(
            f"{text.id} has no classes for {column} ({quantity}); it judges "
            f"{', '.join(text.grades)}, scores at {', '.join(text.rois)}"
        )
    return part, bands, quantity


def rule_words(rule: Applies) -> str:
    """Whom a criterion judges, in words."""
    women = "postmenopausal women" if rule.women == "postmenopausal" else "women"
    return f"{women} and men from {rule.from_age:g} years"


def _stated_by(text: Criterion, quantity: Quantity) -> Conditions:
    if quantity.kind == "vbmd" and text.qct is not None:
        return Conditions(tube_voltage=text.qct.tube_voltage, calibration=text.qct.system)
    return NOTHING


def _on_reference(made: Threshold, young: YoungAdultReference, sex: str | None) -> Threshold:
    quantity, maker = made.quantity, young.maker
    maker_stated = None if maker == "unknown" else maker
    conditions = replace(
        made.conditions,
        reference=young.id,
        maker=maker_stated,
        population=young.population,
    )
    source = f"{made.source} Reference: {young.cite()}"
    if not quantity.kind.startswith("abmd"):
        return replace(made, conditions=conditions, source=source)
    if sex not in ("female", "male"):
        raise SchemaError(f'sex={sex!r}; whose mean and SD make the cut-off: "female" or "male"')
    place = quantity.roi + ("_ctxa" if quantity.kind.endswith("_ctxa") else "")
    found = young.mean_sd(sex, place)
    if found is None:
        raise NormError(f"{young.id} has no {sex} mean and SD at {place}")
    cuts = [found.mean + cut * found.sd for cut in made.cuts]
    moved = made.moved(cuts)
    bands = replace(moved, tolerance=tolerance_of(made.column, max(map(abs, cuts))))
    grade = max(made.grade, young.verification)
    return replace(made, bands=bands, conditions=conditions, source=source, grade=grade)


def _two_classes(positive: str, name: str) -> dict[str, str]:
    interval = Interval.parse(positive)
    low, high = math.isinf(interval.lower), math.isinf(interval.upper)
    if low == high:
        raise NormError(
            f'{positive!r} has no open end: write "(-inf, 45)" where low is positive, "[25, inf)" '
            "where high is, or all classes with their intervals"
        )
    rest = (
        f"{'(' if interval.closed_upper else '['}{interval.upper!r}, inf)"
        if low
        else f"(-inf, {interval.lower!r}{')' if interval.closed_lower else ']'}"
    )
    return {name: positive, f"not_{name}": rest}
