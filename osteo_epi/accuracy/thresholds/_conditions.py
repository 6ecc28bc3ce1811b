"""Which conditions of a threshold the people's measurements meet, break, or leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from osteo_epi.accuracy._columns import People
from osteo_epi.accuracy.thresholds._quantity import Quantity
from osteo_epi.accuracy.thresholds._threshold import UNSTATED, Conditions, Threshold, rule_words
from osteo_epi.errors import SchemaError
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Mask

Columns = Mapping[str, str | None]
"""Condition to the column of the codebook that says it of each person; None where none does."""
BY_CT: Columns = {
    "tube_voltage": "tube_voltage",
    "contrast": None,
    "calibration": "qct_calibration",
    "scan_source": "scan_source",
    "sex": "sex",
}
BY_DXA: Columns = {"maker": "device_maker", "device": "device", "sex": "sex"}
# `device` and `device_maker` of a cohort are those of the densitometer: of the CT scanner, of
# contrast, and of the young adults behind a score, no column of the codebook speaks. Only to=
# states these.
OF_SCORES = ("reference",)
APPLIES = "applies_to"
SAME, DIFFERENT, PARTLY, OPEN, UNASKED = (
    "the same", "different", "different in some", "not stated by the data",
    "not stated by the threshold",
)  # fmt: skip


@dataclass(frozen=True)
class ConditionCheck:
    """One condition: as the threshold states it, and as people were measured.

    Attributes
    ----------
    of
        "old" threshold, or the "new" one.
    condition
        Its name.
    threshold, data
        What either states, "not stated" where nothing is.
    n_same, n_different, n_unstated
        People measured under it, under another, and without a statement.
    verdict
        "the same", "different", "different in some", "not stated by the data" (by some or all of
        it, none being known to differ), or "not stated by the threshold".
    others
        What those state who differ.
    """

    of: str
    condition: str
    threshold: str
    data: str
    n_same: int
    n_different: int
    n_unstated: int
    verdict: str
    others: str = ""

    @property
    def sentence(self) -> str:
        """What a reader must know of it; empty where it is the same or nobody states it."""
        if self.verdict == SAME or self.threshold == self.data == UNSTATED:
            return ""
        name, whose = self.condition.replace("_", " "), f"the {self.of} threshold"
        if self.condition == APPLIES:
            unclear = ""
            if self.n_unstated:
                unclear = f"; not to be told of {_people(self.n_unstated)}"
            return (
                f"{whose} is for {self.threshold}; outside of these, and judged too: "
                f"{_people(self.n_different)}{unclear}. domain= leaves them out"
            )
        if self.verdict == UNASKED:
            return f"{name}: {whose} states none, the data {self.data}"
        rests = f"{name}: {whose} rests on {self.threshold}"
        if self.verdict == OPEN:
            return f"{rests}; {_people(self.n_unstated)} without a statement"
        left = f", {count(self.n_unstated)} without a statement" if self.n_unstated else ""
        return f"{rests}; measured otherwise: {self.others}{left}"


def _people(n: int) -> str:
    return counted(n, "person") if n == 1 else f"{count(n)} people"


def checked_conditions(
    known: People,
    rows: Mask,
    threshold: Threshold,
    to: Conditions,
    score: Quantity,
    *,
    of: str = "old",
) -> tuple[ConditionCheck, ...]:
    """Compare every condition that bears on the quantity, for the people of `rows`.

    Raises
    ------
    SchemaError
        If `to` states what a column of the data contradicts.
    """
    frame = known.frame.filter(pl.Series(rows))
    columns = BY_CT if score.by_ct else BY_DXA
    checks = []
    for field in fields(Conditions):
        name = field.name
        wanted, given = getattr(threshold.conditions, name), getattr(to, name)
        if given is None and not _bears(name, wanted, threshold, columns):
            continue
        values = _values(frame, columns.get(name), name, given)
        checks.append(_check(of, name, wanted, values, threshold))
    return (*checks, *_outside(of, frame, threshold))


def _bears(name: str, wanted: Any, threshold: Threshold, columns: Columns) -> bool:
    """Whether a condition is one of this quantity, or stated of it."""
    if name in OF_SCORES:
        return threshold.quantity.unit == "SD"
    # Whom a criterion is for is asked by age and menopause; a sex only where a reference has one.
    return wanted is not None or (name in columns and name != "sex")


def _values(frame: pl.DataFrame, column: str | None, name: str, given: Any) -> pl.Series:
    """What holds of each person: of the column where it says, else what was stated for all."""
    kind = pl.Float64 if name == "tube_voltage" else pl.String
    if column is None or column not in frame.columns:
        return pl.Series(name, [given] * frame.height, dtype=kind)
    values = frame[column].cast(kind)
    if given is None:
        return values
    against = values.drop_nulls().filter(~_same(values.drop_nulls(), given))
    if len(against):
        raise SchemaError(
            f"to= states {name}={given!r}, and column {column} says otherwise of "
            f"{counted(len(against), 'row')}: leave it out of to=, or narrow domain="
        )
    return values.fill_null(given)


def _same(values: pl.Series, wanted: Any) -> pl.Series:
    if values.dtype == pl.Float64:
        return values == float(wanted)
    return values.str.strip_chars().str.to_lowercase() == str(wanted).strip().lower()


def _check(
    of: str, name: str, wanted: Any, values: pl.Series, threshold: Threshold
) -> ConditionCheck:
    stated = values.drop_nulls()
    if wanted is None:
        same = pl.Series([], dtype=pl.Boolean)
    elif name == "calibration" and threshold.qct is not None:
        same = stated.to_frame(name).select(threshold.qct.is_system(pl.col(name))).to_series()
    else:
        same = _same(stated, wanted)
    n_same, n = int(same.sum()), len(stated)
    n_different = n - n_same if wanted is not None else 0
    unstated = len(values) - n
    if wanted is None:
        verdict = UNASKED
    elif n_different:
        verdict = DIFFERENT if not n_same else PARTLY
    else:
        verdict = OPEN if unstated else SAME
    says = Conditions(**{name: wanted}).stated().get(name, UNSTATED)
    others = "" if wanted is None or same.all() else _listed(stated.filter(~same))
    return ConditionCheck(
        of, name, says, _listed(stated), n_same, n_different, unstated, verdict, others
    )


def _listed(values: pl.Series, most: int = 4) -> str:
    """The values that occur, the commonest first, each with its number of people."""
    if not len(values):
        return UNSTATED
    unit = " kV" if values.dtype == pl.Float64 else ""
    table = values.rename("value").value_counts(sort=True).sort(
        ["count", "value"], descending=[True, False]
    )  # fmt: skip
    shown = [
        f"{f'{v:g}' if unit else v}{unit}: {count(n)}" for v, n in table.head(most).iter_rows()
    ]
    more = table.height - most
    return ", ".join(shown) + (f" and {count(more)} more" if more > 0 else "")


def _outside(of: str, frame: pl.DataFrame, threshold: Threshold) -> tuple[ConditionCheck, ...]:
    """People of an age, or before a menopause, to whom the criterion does not apply."""
    rule = threshold.applies
    if rule is None or not {"age", "sex"} <= set(frame.columns):
        return ()
    old = pl.col("age") >= rule.from_age
    if rule.women == "postmenopausal":
        woman = pl.col("sex").cast(pl.String) == "female"
        state = pl.lit(None, dtype=pl.Boolean)
        if "postmenopausal" in frame.columns:
            state = pl.col("postmenopausal").cast(pl.Boolean)
        if rule.ovaries_removed_counts and "ovaries_removed" in frame.columns:
            state = state | pl.col("ovaries_removed").cast(pl.Boolean)
        by_age = old if rule.unknown_menopause_from is not None else pl.lit(None, pl.Boolean)
        old = pl.when(woman).then(pl.coalesce(state, by_age)).otherwise(old)
    inside = frame.select(_in=old)["_in"]
    n_in, n_out = int(inside.sum() or 0), int((~inside).sum() or 0)
    verdict = SAME if not n_out else (PARTLY if n_in else DIFFERENT)
    if inside.null_count() and not n_out:
        verdict = OPEN
    return (
        ConditionCheck(
            of, APPLIES, rule_words(rule),
            f"within: {count(n_in)}, outside: {count(n_out)}", n_in, n_out,
            inside.null_count(), verdict,
        ),
    )  # fmt: skip
