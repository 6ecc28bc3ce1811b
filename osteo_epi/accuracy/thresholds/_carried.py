"""A cut-off carried to another scale: by a line of paired readings, a correction, an equation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy.thresholds._quantity import Quantity
from osteo_epi.accuracy.thresholds._threshold import Conditions, Threshold
from osteo_epi.agreement import Line, critical_value
from osteo_epi.calibration import Correction
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.norms import Calibration, Equation, Interval, load, out_of_range
from osteo_epi.rounding import number
from osteo_epi.survey import Array, Codes

Relation = Line | Correction | Equation | Calibration | str | float | None
"""How readings under the threshold's conditions lead to those of the data."""
OF_MEDIANS = ("Passing–Bablok", "Theil–Sen")
UNSTEADY = (
    "the jackknife of a median of slopes is unsteady: in simulations of Passing and Bablok's line "
    "95 % limits held the difference in 90 to 93 % of the samples; fit the line with "
    'interval="bootstrap"'
)
MAKER = "device_maker"
NEAR = 1e-9
"""[share of a reading] What lies this near to the end of a range stands on it."""


@dataclass(frozen=True, eq=False)
class Carried:
    """Cut-offs on the scale of the data, for each device where there are several.

    Attributes
    ----------
    names
        (G,) devices; one, unnamed, where the same cut-off holds for all.
    cuts
        (G, K) carried cut-offs; NaN where the relation was not established there.
    covariance
        (G, G) of the cut-off of the positive class.
    se
        (G, K) standard errors of all cut-offs; NaN where nobody states them.
    df
        Degrees of freedom of the covariance.
    group
        (n,) device of each person, −1 where it is not stated.
    prediction_sd
        Scatter of one person's reading about the relation [unit of the data]; None where that is
        not known.
    relation, notes
        What it was carried by, and what a reader must know of it.
    """

    names: tuple[str, ...]
    cuts: Array
    covariance: Array
    se: Array
    df: float
    group: Codes
    prediction_sd: float | None
    relation: str
    notes: tuple[str, ...] = ()

    @property
    def error_known(self) -> bool:
        """Whether the error of the cut-off is known, be it none."""
        return not np.isnan(self.se[~np.isnan(self.cuts)]).any()

    @property
    def uncertain(self) -> bool:
        """Whether the carried cut-off has an error of its own."""
        return bool(np.nan_to_num(np.diag(self.covariance)).any())

    def axes(self) -> Array:
        """(rank, G) independent changes of the positive class's cut-offs, of one SE each."""
        values, vectors = np.linalg.eigh(np.nan_to_num(self.covariance))
        kept = values > max(values.max(initial=0.0), 0.0) * 1e-12
        return (vectors[:, kept] * np.sqrt(values[kept])).T

    def reach(self, confidence: float) -> float:
        """Critical value of a cut-off's limits."""
        return critical_value(confidence, self.df)


@dataclass(frozen=True)
class _Map:
    """new = intercept + slope · old, one row a device, with the covariance of all terms."""

    names: tuple[str, ...]
    terms: Array
    covariance: Array
    df: float
    valid: tuple[Callable[[float, float], bool], ...]
    group: Codes
    prediction_sd: float | None
    relation: str
    notes: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    error_known: bool = True


def carry(
    threshold: Threshold,
    relation: Relation,
    *,
    to: Conditions,
    score: Quantity,
    frame: pl.DataFrame,
    inverse: bool = False,
) -> Carried:
    """Carry every cut-off of a threshold to the scale of the data.

    Raises
    ------
    SchemaError
        If the relation is none, falls, or does not lead from one quantity to the other.
    NormError
        If a norm has no equation that leads there, or more than one.
    """
    one = np.zeros(frame.height, dtype=np.intp)
    if inverse and not isinstance(relation, Line | Equation | Calibration | str):
        raise SchemaError("inverse= turns a line or an equation round: leave it out")
    if isinstance(relation, str | Calibration):
        to = _with_maker(to, frame, score)
        line = _of_norm(relation, threshold, to, score, inverse, one)
    elif isinstance(relation, Equation):
        line = _of_equation(relation, threshold, score, inverse, one)
    elif isinstance(relation, Line):
        line = _of_line(relation, inverse, one)
    elif isinstance(relation, Correction):
        line = _of_correction(relation, frame, threshold)
    else:
        line = _of_shift(relation, threshold, score, one)
    return _through(line, threshold)


def _through(line: _Map, threshold: Threshold) -> Carried:
    old = np.array(threshold.cuts)
    intercept, slope = line.terms.T
    if not (slope > 0).all():
        raise SchemaError(
            "the relation falls: what is low on one scale is high on the other, and the classes "
            "do not survive; look which method is x"
        )
    new = intercept[:, None] + slope[:, None] * old
    valid = np.array(
        [[ok(x, y) for x, y in zip(old, row, strict=True)]
         for ok, row in zip(line.valid, new, strict=True)]
    )  # fmt: skip
    g = len(line.names)
    # Each device's cut-off is a function of its own two terms: [1, old] of them.
    errors = np.empty_like(new)
    covariance = np.zeros((g, g))
    for k, cut in enumerate(old):
        gradient = np.kron(np.eye(g), [1.0, cut])
        matrix = gradient @ line.covariance @ gradient.T
        errors[:, k] = np.sqrt(np.maximum(np.diag(matrix), 0.0))
        if k == threshold.place:
            covariance = matrix
    beyond = [f"{old[k]:g}" for k in range(len(old)) if not valid[:, k].all()]
    notes = line.notes
    if beyond:
        notes += (
            f"the cut-off {' and '.join(beyond)} lies outside the readings for which "
            f"{line.relation} was established{_of_readings(line.ranges)}: it is not carried; take "
            "a relation that was established there",
        )
    known = valid & line.error_known
    cuts, se = np.where(valid, new, np.nan), np.where(known, errors, np.nan)
    return Carried(
        line.names, cuts, covariance, se, line.df, line.group, line.prediction_sd, line.relation,
        notes,
    )  # fmt: skip


def fitted_to(relation: Relation, inverse: bool, before: Array, after: Array) -> bool:
    """Whether a line was fitted to these very readings: as many pairs, over the same range.

    Parameters
    ----------
    relation, inverse
        As in `transport`.
    before, after
        (n,) readings under the threshold's conditions and under those of the data.
    """
    both = ~np.isnan(before) & ~np.isnan(after)
    if not isinstance(relation, Line) or int(both.sum()) != relation.n:
        return False
    x = (after if inverse else before)[both]
    return bool(np.allclose([x.min(), x.max()], relation.x_range, rtol=NEAR, atol=0))


def _of_readings(ranges: tuple[str, ...]) -> str:
    return f" ({', '.join(ranges)})" if ranges else ""


def _everywhere(_old: float, _new: float) -> bool:
    return True


def _within(low: float, high: float, *, new: bool = False) -> Callable[[float, float], bool]:
    by = NEAR * max(abs(e) for e in (low, high, 1.0) if math.isfinite(e))

    def inside(before: float, after: float) -> bool:
        return not out_of_range(after if new else before, low, high, by=by)

    return inside


def _of_shift(relation: float | None, threshold: Threshold, score: Quantity, one: Codes) -> _Map:
    if score != threshold.quantity:
        raise SchemaError(
            f"the threshold judges {threshold.quantity}, and the score is {score}: name the "
            "relation between the two, relation=Line (of paired readings) or a norm with its "
            f"equation, or another score{_of_density(threshold, score)}"
        )
    if relation is not None:
        arguments.number(relation, "relation", unit=score.unit)
    shift = 0.0 if relation is None else float(relation)
    words = (
        "nothing: no relation is stated, the cut-off stays" if relation is None
        else f"a stated shift of {number(shift, sign='+')} {score.unit}"
    )  # fmt: skip
    notes = () if relation is None else (
        "the shift is stated without an error: the limits hold none of it",
    )  # fmt: skip
    return _Map(
        ("",), np.array([[shift, 1.0]]), np.zeros((2, 2)), math.inf, (_everywhere,), one, None,
        words, notes, error_known=relation is None,
    )  # fmt: skip


def _of_density(threshold: Threshold, score: Quantity) -> str:
    """How to get the density at which a T-score is reached."""
    if not (threshold.quantity.kind.startswith("t_score") and score.kind.startswith("abmd")):
        return ""
    return (
        '; the density at which this T-score is reached is threshold(…, "abmd_'
        f'{score.roi}", reference=…, sex=…)'
    )


def _of_line(line: Line, inverse: bool, one: Codes) -> _Map:
    a, b = line.intercept.estimate, line.slope.estimate
    if line.covariance is None:
        raise SchemaError(
            f"{line.method} with {line.interval} intervals has no covariance to carry on; fit it "
            "with interval='jackknife' or 'bootstrap'"
        )
    terms, covariance, scatter = (a, b), np.array(line.covariance), line.residual_sd
    if inverse:
        terms, jacobian = _inverted(a, b)
        covariance, scatter = jacobian @ covariance @ jacobian.T, scatter / abs(b)
    words = f"{line.method}, n = {line.n}" + (", turned round" if inverse else "")
    share = line.error_model == "proportional"
    notes: tuple[str, ...] = ()
    if share:
        scattered = number(100 * line.residual_sd, digits=3)
        notes += (f"one person's reading scatters by {scattered} % of itself about the line",)
    if line.method in OF_MEDIANS and line.interval == "jackknife":
        notes += (UNSTEADY,)
    return _Map(
        ("",), np.array([terms]), covariance, line.df, (_within(*line.x_range, new=inverse),), one,
        None if share else float(scatter), words, notes, (_readings(*line.x_range),),
    )  # fmt: skip


def _readings(low: float, high: float) -> str:
    return f"{number(low, digits=4)} to {number(high, digits=4)}"


def _inverted(a: float, b: float) -> tuple[tuple[float, float], Array]:
    return (-a / b, 1 / b), np.array([[-1 / b, a / b**2], [0.0, -1 / b**2]])


def _of_correction(correction: Correction, frame: pl.DataFrame, threshold: Threshold) -> _Map:
    """Devices' readings lead to the threshold's scale; cut-offs go the other way."""
    if correction.unit != threshold.quantity.unit:
        raise SchemaError(
            f"the correction is of readings in {correction.unit}, the threshold of "
            f"{threshold.quantity.unit}"
        )
    absent = [name for name in correction.by if name not in frame.columns]
    if absent:
        raise SchemaError(f"column(s) {', '.join(absent)}, which say the device, are not there")
    places = frame.select(_g=correction.by_device(np.arange(len(correction.keys), dtype=float)))
    group = places["_g"].fill_null(-1).cast(pl.Int64).to_numpy()
    terms, size = [], len(correction.keys)
    jacobian = np.zeros((2 * size, 2 * size))
    for k, (shift, factor) in enumerate(correction.coefficients.tolist()):
        new, block = _inverted(shift, factor)
        terms.append(new)
        jacobian[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = block
    valid = tuple(_within(low, high, new=True) for low, high in correction.limits)
    return _Map(
        tuple(correction.names), np.array(terms), jacobian @ correction.covariance @ jacobian.T,
        correction.df, valid, group, None, f"the correction to {correction.scale}, turned round",
        tuple(filter(None, (correction.label,))),
    )  # fmt: skip


def _of_equation(
    equation: Equation, threshold: Threshold, score: Quantity, inverse: bool, one: Codes
) -> _Map:
    units = (equation.source_unit, equation.target_unit)
    _refuse_alien(equation, threshold, score, units[::-1] if inverse else units)
    terms: tuple[float, float] = (equation.intercept, equation.slope)
    see = equation.see
    if inverse:
        terms, _ = _inverted(*terms)
        see = None if see is None else see / equation.slope
    ends = f"from {equation.target} to {equation.source}" if inverse else (
        f"from {equation.source} to {equation.target}"
    )  # fmt: skip
    valid = _range(equation.valid, new=inverse)
    return _Map(
        ("",), np.array([terms]), np.zeros((2, 2)), math.inf, (valid,), one, see,
        f"the published equation {ends} at {equation.roi}",
        (f"the equation leads {ends}: that the threshold stands on the first of these scales and "
         "the people on the second is as you state it, no column is read for it",
         *_said(equation.valid, see)),
        () if equation.valid is None else (_readings(equation.valid.lower, equation.valid.upper),),
        error_known=False,
    )  # fmt: skip


def _range(valid: Interval | None, *, new: bool) -> Callable[[float, float], bool]:
    return _everywhere if valid is None else _within(valid.lower, valid.upper, new=new)


def _said(valid: Interval | None, see: float | None) -> tuple[str, ...]:
    notes = ["no errors of the equation's coefficients are printed: the limits hold none of them"]
    if see is None:
        notes.append("no standard error of estimate is printed: a person's own error is not known")
    if valid is None:
        notes.append("no range of readings is printed: do not go far beyond adults' densities")
    return tuple(notes)


def _refuse_alien(
    equation: Equation, threshold: Threshold, score: Quantity, units: tuple[str, ...]
) -> None:
    ends = (threshold.quantity, score)
    if any(end.roi != equation.roi for end in ends):
        raise SchemaError(
            f"the equation holds for {equation.roi}; the threshold judges {ends[0]}, the score is "
            f"{ends[1]}"
        )
    if tuple(end.unit for end in ends) != units:
        raise SchemaError(
            f"the equation leads from {units[0]} to {units[1]}; the threshold judges {ends[0]}, "
            f"the score is {ends[1]}; {_cure(equation, ends, units)}"
        )


def _cure(equation: Equation, ends: tuple[Quantity, Quantity], units: tuple[str, ...]) -> str:
    """What leads from the one to the other."""
    if tuple(end.unit for end in ends) == units[::-1]:
        return "inverse=True turns it round"
    return (
        f"by way of {equation.target} it takes two equations: state the maker of the people's "
        'device, to=Conditions(maker="…"), and that of the threshold in its conditions'
    )


def _of_norm(
    norm: str | Calibration,
    threshold: Threshold,
    to: Conditions,
    score: Quantity,
    inverse: bool,
    one: Codes,
) -> _Map:
    """The one equation of a publication that fits, or two by way of their common scale."""
    table = load("calibration", norm) if isinstance(norm, str) else norm
    unit, roi = threshold.quantity.unit, threshold.quantity.roi
    there = [
        e for e in table.equations
        if e.roi == roi and unit == (e.target_unit if inverse else e.source_unit)
    ]  # fmt: skip
    if not there:
        raise NormError(
            f"{table.id} has no equation {'to' if inverse else 'from'} {unit} at {roi}, which the "
            'threshold judges; norms.available("calibration") lists others'
        )
    maker = threshold.conditions.maker
    if maker is not None and to.maker is not None and not inverse:
        return _between(table, there, maker, to.maker, one)
    whose = to.maker if inverse else maker
    fitting = [e for e in there if whose is None or e.source == whose] if len(there) > 1 else there
    if len(fitting) != 1:
        sources = ", ".join(dict.fromkeys(e.source for e in there)) or "none"
        raise NormError(
            f"{table.id}: {len(fitting)} equations at {threshold.quantity.roi} fit, expected one "
            f"({sources}); state the maker in the threshold's conditions and in to=, or pass one "
            f'equation, norms.load("calibration", "{table.id}").equation(…)'
        )
    line = _of_equation(fitting[0], threshold, score, inverse, one)
    return replace(line, relation=f"{line.relation} ({table.id})")


def _with_maker(to: Conditions, frame: pl.DataFrame, score: Quantity) -> Conditions:
    """The maker of the people's densitometer, where the data name one for all."""
    if to.maker is not None or score.by_ct or MAKER not in frame.columns:
        return to
    makers = frame[MAKER].drop_nulls().cast(pl.String).unique()
    return replace(to, maker=makers.item()) if len(makers) == 1 else to


def _between(table: Calibration, there: list[Equation], maker: str, other: str, one: Codes) -> _Map:
    ends: dict[str, Any] = {e.source: e for e in there if e.source in (maker, other)}
    if set(ends) != {maker, other}:
        raise NormError(
            f"{table.id} has equations of {', '.join(e.source for e in there) or 'nobody'} here, "
            f"and {maker} and {other} were asked for"
        )
    a, b = ends[maker], ends[other]
    if (a.target, a.target_unit) != (b.target, b.target_unit):
        raise NormError(f"{table.id}: the equations of {maker} and {other} lead to two scales")
    terms = [((a.intercept - b.intercept) / b.slope, a.slope / b.slope)]
    ok = _range(a.valid, new=False), _range(b.valid, new=True)
    return _Map(
        ("",), np.array(terms), np.zeros((2, 2)), math.inf,
        (lambda x, y: ok[0](x, y) and ok[1](x, y),), one, None,
        f"the published equations from {maker} to {other} by way of {a.target} at {a.roi} "
        f"({table.id})", _said(a.valid, None), error_known=False,
    )  # fmt: skip
