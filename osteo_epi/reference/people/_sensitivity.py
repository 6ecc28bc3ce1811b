"""What each exclusion does to the young adults: their mean, SD and cut-off with and without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import confidence_level
from osteo_epi.calibration import Correction
from osteo_epi.cohort import recognised_design
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import in_callers_kind
from osteo_epi.progress import with_progress
from osteo_epi.reference._devices import device_findings, readings
from osteo_epi.reference._peaks import CUT, LEAST, Peak, peaks, with_density, with_prevalence
from osteo_epi.reference._young_ages import DECADE, WAYS
from osteo_epi.reference.people._rules import Rule
from osteo_epi.reference.people._select import Selection, flow_of, select
from osteo_epi.results import Result
from osteo_epi.rounding import counted
from osteo_epi.survey import Array, Design, DesignArrays, SurveyDesign, covariance

ALL, NONE, WITHOUT, ALONE = "all rules", "no rule", "without", "alone"
_COLUMNS = ("first", "last", "n", "mean", "mean_se", "sd", "sd_se", "cut_off", "cut_off_se")
Choice = tuple[str, str | None]
_GRADIENT = np.array([1.0, CUT])


@dataclass(frozen=True, repr=False)
class Sensitivity(Result):
    """What each rule moves.

    Attributes
    ----------
    roi
        The region of interest.
    way
        How the young adults were chosen.
    rows
        See `to_frame`.
    rules
        As declared.
    notes
        What has to be known of some choices.
    """

    roi: str
    way: str
    rows: pl.DataFrame
    rules: tuple[Rule, ...]
    notes: tuple[str, ...] = field(default=(), repr=False)

    def to_polars(self) -> pl.DataFrame:
        """Young adults under each choice of rules.

        Returns
        -------
        DataFrame
            sex, rules ("all rules", "no rule", "without", "alone"), rule (which), then as `peaks`:
            first, last [years], n, mean, sd, cut_off (density at T = −2.5) with their errors
            [g/cm²]; shift (of the cut-off, from that of all rules) with its error and limits
            [g/cm²]; with a target the prevalence that follows, and its difference from that of all
            rules with its limits.
        """
        return self.rows

    def _summary(self) -> str:
        return f"{self.roi}, {self.way}, {counted(len(self.rules), 'rule')}"


@in_callers_kind
def sensitivity(
    people: Any,
    rules: Any,
    *,
    roi: str,
    way: str = DECADE,
    target: Any = None,
    design: Design | str | None = None,
    weight: str | None = None,
    spine_rule: str = "at_least_two",
    calibration: Correction | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Sensitivity:
    """Drop each rule in turn, and apply each alone: how far do mean, SD and cut-off move?

    Parameters
    ----------
    people, rules, calibration, accept_errors
        As `select`.
    roi
        Region of interest, e.g. "femoral_neck".
    way
        Who the young adults are, as `peaks` names them: "20–29 years", "20–39 years", "peak ± 5
        years", "best five years" or "maximum of the curve".
    target
        People of 50 and over in whom the prevalence that each choice implies is computed.
    design, weight, spine_rule, confidence
        As `peaks`; the design is one of units.

    Returns
    -------
    Sensitivity

    Raises
    ------
    DefinitionError
        If the way is unknown, or a rule is not well formed.
    SchemaError
        As `select` and `peaks`, and if no sex has young adults enough under all rules.

    Notes
    -----
    The people of two choices overlap: the error of a shift is that of a difference of estimates in
    the same sample, linearised over the survey design; people left out stay in it with their
    sampling units. A maximum of a curve has no such error here. The error of a correction of
    scanners is in those of mean, SD and cut-off; it is one for all choices, and the shift, in which
    it nearly cancels, does not hold it.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> moved = sensitivity(simulate(9_000, seed=1), [
    ...     {"name": "disease", "column": "secondary_cause", "exclude": [True], "missing": "keep"},
    ...     {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"},
    ... ], roi="femoral_neck")
    >>> women = moved.to_frame().filter(pl.col("sex") == "female")
    >>> women.select("rules", "rule", "n").rows()[:3]
    [('all rules', None, 924), ('no rule', None, 1030), ('without', 'disease', 932)]
    """
    confidence_level(confidence)
    if way not in WAYS:
        raise DefinitionError(f"way={way!r}; expected one of {', '.join(WAYS)}")
    chosen = select(people, rules, calibration=calibration, accept_errors=accept_errors)
    frame = chosen.marked
    drawn = recognised_design(frame, design, weight=weight).design
    if not isinstance(drawn, SurveyDesign):
        raise SchemaError(
            "sensitivity takes a design of units: give design=SurveyDesign(...), not replicate "
            "weights"
        )
    masks = _masks(flow_of(people, frame.height).included, chosen)
    made = {
        choice: peaks(
            _only(frame, mask), roi=roi, design=drawn, spine_rule=spine_rule,
            confidence=confidence, calibration=calibration, accept_errors=True,
        )
        for choice, mask in with_progress(masks.items(), "choices of people", total=len(masks))
    }  # fmt: skip
    first = {peak.sex: peak for peak in made[ALL, None].values if peak.way == way}
    if not first:
        raise SchemaError(
            f"under all rules no sex has {LEAST} young adults ({way}) with a density at {roi}: "
            "take fewer rules, or another way="
        )
    arrays = drawn.arrays(frame)
    rows = [
        (_row(choice, row, value, first[value.sex], arrays, confidence), value)
        for sex in first
        for choice, found in made.items()
        for row, value in zip(found.rows.iter_rows(named=True), found.values, strict=True)
        if (value.sex, value.way) == (sex, way)
    ]
    table = pl.DataFrame([row for row, _ in rows], infer_schema_length=None)
    if target is not None:
        values = [value for _, value in rows]
        aimed = with_density(target, roi, spine_rule)
        table = with_prevalence(table, values, aimed, arrays, confidence)
    return Sensitivity(roi, way, table, chosen.rules, tuple(_notes(frame, masks, calibration)))


def _masks(there: pl.Series, chosen: Selection) -> dict[Choice, pl.Series]:
    """Who stays under each choice of rules; nobody comes back who had left before."""
    frame = chosen.marked
    kept = {rule.name: ~frame.select(rule.leaves_out(frame)).to_series() for rule in chosen.rules}
    masks: dict[Choice, pl.Series] = {(ALL, None): _all(there, kept.values()), (NONE, None): there}
    for name in kept:
        others = [mask for other, mask in kept.items() if other != name]
        masks[WITHOUT, name] = _all(there, others)
        masks[ALONE, name] = there & kept[name]
    return masks


def _all(there: pl.Series, masks: Iterable[pl.Series]) -> pl.Series:
    for mask in masks:
        there = there & mask
    return there


def _only(frame: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """Everybody, with readings of some alone: sampling units stay."""
    return frame.with_columns(
        pl.when(mask).then(pl.col(name)).alias(name) for name in readings(frame)
    )


def _row(
    choice: Choice,
    row: dict[str, Any],
    value: Peak,
    first: Peak,
    arrays: DesignArrays,
    confidence: float,
) -> dict[str, Any]:
    """One choice beside that of all rules."""
    kept = {name: row[name] for name in _COLUMNS}
    shift = value.at(CUT)[0] - first.at(CUT)[0]
    # Compared with itself a choice has no error, and nothing else has one of zero.
    se = None if choice[0] == ALL else _shift_error(value, first, arrays)
    reach = None if se is None else value.difference_reach(first, confidence) * se
    return {
        "sex": first.sex, "rules": choice[0], "rule": choice[1], **kept, "shift": shift,
        "shift_se": se,
        "shift_lower": None if reach is None else shift - reach,
        "shift_upper": None if reach is None else shift + reach,
    }  # fmt: skip


def _shift_error(value: Peak, first: Peak, arrays: DesignArrays) -> float | None:
    """Standard error of a difference of cut-offs of overlapping people."""
    if value.linear is None or first.linear is None:
        return None
    linear: Array = (value.linear - first.linear) @ _GRADIENT
    rows = np.asarray((np.abs(value.linear) + np.abs(first.linear)).sum(axis=1) > 0)
    return float(np.sqrt(covariance(linear[:, None], arrays, domain=rows)[0, 0]))


def _notes(
    frame: pl.DataFrame, masks: dict[Choice, pl.Series], calibration: Correction | None
) -> Iterator[str]:
    """Choices under which scanners stand together that all rules keep apart."""
    pooled = [
        " ".join(filter(None, choice))
        for choice, mask in masks.items()
        if any(f.severity == "error" for f in device_findings(frame.filter(mask), calibration))
    ]
    if pooled:
        yield (
            "densities of several scanners stand together uncalibrated, or some of them "
            f"corrected and others not, under: {', '.join(pooled)}"
        )
