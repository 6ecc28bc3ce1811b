"""Leave out who is no reference person, by declared rules, and count what each rule does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from osteo_epi.calibration import Correction
from osteo_epi.cohort import Cohort, Flow
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Findings
from osteo_epi.frames import as_polars, in_callers_kind
from osteo_epi.reference._devices import (
    calibrated,
    device_findings,
    readings,
    refuse_pooled,
    sound_people,
)
from osteo_epi.reference.people._rules import Rule, read_rules, refuse_unknown
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted

KEPT, REASON = "reference_person", "excluded_by"


@dataclass(frozen=True, repr=False)
class Selection(Result):
    """Reference people, and how they were chosen.

    Attributes
    ----------
    people
        Those who stay, as the kind of frame that came.
    flow
        Step by step, in the order of the rules.
    rules
        As declared.
    rows
        What each rule does, see `to_frame`.
    marked
        Everybody, with `reference_person` and the name of the rule that left a person out first
        (`excluded_by`, null also of who had left the cohort before): nobody is lost.
    findings
        What is to be known of those who stay.
    calibration
        The correction of their densities; None for none.
    """

    people: Any
    flow: Flow
    rules: tuple[Rule, ...]
    rows: pl.DataFrame
    marked: pl.DataFrame = field(repr=False)
    findings: Findings = field(default_factory=Findings)
    calibration: Correction | None = field(default=None, repr=False)

    @property
    def domain(self) -> pl.DataFrame:
        """Everybody, the readings of those left out set to missing.

        For standard errors over a survey design: they need the sampling units of people who are
        left out as well.
        """
        return self.marked.with_columns(
            pl.when(KEPT).then(pl.col(name)).alias(name) for name in readings(self.marked)
        )

    def to_polars(self) -> pl.DataFrame:
        """What each rule does.

        Returns
        -------
        DataFrame
            rule, column, reason, reason_zh, missing (as decided: keep or exclude), n_excluded
            (people whom the rule leaves out), n_first (whom no rule before it did), n_alone (whom
            no other rule does), n_missing (whose answer is not known), n_missing_excluded (of them
            left out by this rule).
        """
        return self.rows

    def _summary(self) -> str:
        return (
            f"{count(self.flow.n)} of {count(len(self.marked))} people by "
            f"{counted(len(self.rules), 'rule')}"
        )


@in_callers_kind
def select(
    people: Any,
    rules: Any,
    *,
    calibration: Correction | None = None,
    accept_errors: bool = False,
) -> Selection:
    """Choose reference people by declared exclusions.

    Parameters
    ----------
    people
        Any frame.
    rules
        A TOML file of `[[rule]]` tables, a mapping of the same form, or a list of such tables or
        of `Rule`. Each has a `name`, a `column` (of the codebook, or the file's own), one
        condition, and what becomes of missing answers::

            [[rule]]
            name = "weight"
            column = "bmi"
            outside = "[18.5, 30)"     # or exclude = [true], only = ["Han"], stated = true
            missing = "keep"           # or "exclude"
            unknown = [99]             # optional: values that are no answer
            among = { sex = ["female"], age = "[20, 50)" }  # optional: whom it asks
            reason = "body mass index outside 18.5 to 30"   # optional, with reason_zh

        Which exclusions are right is for the study to say: the toolkit ships none.
    calibration
        Correction of the densities of several scanners to one scale; applied where the data are
        not corrected yet.
    accept_errors
        Go on although a cohort carries errors, or densities of several scanners stand together.

    Returns
    -------
    Selection

    Raises
    ------
    DefinitionError
        If a rule is not well formed.
    SchemaError
        If a rule reads a column or a value that is not there, densities of several scanners stand
        together without a calibration, or nobody stays.

    Notes
    -----
    A missing answer is never taken as "no" without being counted: n_missing says how many there
    are, and the rule what becomes of them. Rows whose reading is missing are not touched.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> chosen = select(simulate(9_000, seed=1), [
    ...     {"name": "disease", "column": "secondary_cause", "exclude": [True], "missing": "keep"},
    ...     {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"},
    ... ])
    >>> chosen
    Selection(8,171 of 9,000 people by 2 rules)
    >>> chosen.to_frame().select("rule", "n_first", "n_alone", "n_missing").rows()
    [('disease', 86, 76, 247), ('weight', 743, 743, 93)]
    """
    declared = read_rules(rules)
    people, seen = sound_people(people, accept_errors=accept_errors)
    people = calibrated(people, calibration)
    frame = as_polars(people)[0].lazy().collect()
    refuse_unknown(declared, frame)
    out = frame.select(rule.leaves_out(frame).alias(rule.name) for rule in declared)
    unknown = frame.select(rule.answer(frame).is_null().alias(rule.name) for rule in declared)
    flow = _flow(people, frame, declared, out)
    if not flow.n:
        raise SchemaError(_nobody(declared, out))
    chosen = _kept(people, flow)
    if not accept_errors:
        refuse_pooled(frame.filter(flow.included), calibration)
    findings = seen + device_findings(frame.filter(flow.included), calibration)
    marked = frame.with_columns(flow.included.alias(KEPT), _first(declared, out).alias(REASON))
    rows = _counts(declared, out, unknown)
    return Selection(chosen, flow, declared, rows, marked, findings, calibration)


def _flow(people: Any, frame: pl.DataFrame, rules: Sequence[Rule], out: pl.DataFrame) -> Flow:
    """A cohort's own flow goes on; whoever left before does not come back."""
    flow = flow_of(people, frame.height)
    for rule in rules:
        flow = flow.step(rule.name, ~out[rule.name], reason=rule.reason, reason_zh=rule.reason_zh)
    return flow


def flow_of(people: Any, n: int) -> Flow:
    """The flow that people bring along, or a new one of `n` rows."""
    known = isinstance(people, Cohort) and len(people.flow.included) == n
    return people.flow if known else Flow.start(n, reason="rows given")


def _kept(people: Any, flow: Flow) -> Any:
    """Those who stay, as the kind that came."""
    frame, restore = as_polars(people)
    if isinstance(people, Cohort):
        left = people.frame.filter(flow.included)
        return replace(people, frame=left, flow=Flow(flow.steps, Flow.start(len(left)).included))
    if hasattr(people, "loc"):  # pandas: its index stays the caller's
        return people.loc[flow.included.to_numpy()]
    return restore(frame.lazy().collect().filter(flow.included))


def _first(rules: Sequence[Rule], out: pl.DataFrame) -> pl.Series:
    """The rule that left each person out first; null for who stays."""
    named = [pl.when(pl.col(rule.name)).then(pl.lit(rule.name)) for rule in rules]
    return out.select(pl.coalesce(named).alias(REASON)).to_series()


def _counts(rules: Sequence[Rule], out: pl.DataFrame, unknown: pl.DataFrame) -> pl.DataFrame:
    how_many = out.select(pl.sum_horizontal(pl.all().cast(pl.Int64)).alias("n")).to_series()
    before = pl.repeat(False, out.height, dtype=pl.Boolean, eager=True)
    rows = []
    for rule in rules:
        mine, missing = out[rule.name], unknown[rule.name]
        rows.append(
            {
                "rule": rule.name, "column": rule.column, "reason": rule.reason,
                "reason_zh": rule.reason_zh, "missing": rule.missing,
                "n_excluded": int(mine.sum()),
                "n_first": int((mine & ~before).sum()),
                "n_alone": int((mine & (how_many == 1)).sum()),
                "n_missing": int(missing.sum()),
                "n_missing_excluded": int((missing & mine).sum()),
            }
        )  # fmt: skip
        before = before | mine
    return pl.DataFrame(rows)


def _nobody(rules: Sequence[Rule], out: pl.DataFrame) -> str:
    each = ", ".join(f"{rule.name} {count(int(out[rule.name].sum()))}" for rule in rules)
    return (
        f"of {count(out.height)} people nobody stays; left out by each rule: {each}. Look at the "
        'rules with most, and at missing = "exclude"'
    )
