"""Which column of the file becomes which variable; nothing is lost, nothing is guessed.

Left and right hip are variables of their own, see `_hips`. Of other regions that were read on two
sides the unsided reading is taken, else the left, else the right, else the mean; a person without
a reading on the side that was taken gets the next side's, and the columns of both sides stay in
the frame under their own names. `map` overrides the rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import Match, match, nearest, normalise
from osteo_epi.cohort.conform._hips import several_hips
from osteo_epi.cohort.conform._numbers import in_range, share, to_numbers
from osteo_epi.cohort.conform._plausible import AS_GIVEN
from osteo_epi.cohort.readers._layout import unknown_headings
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_SIDES = (None, "left", "right", "mean")
_CLEARLY = 0.95


@dataclass(frozen=True)
class Plan:
    """Variable → its columns in order of preference; `others` stay under their own names."""

    variables: dict[str, tuple[Match, ...]]
    others: tuple[str, ...]
    findings: tuple[Finding, ...]


def plan_columns(frame: pl.DataFrame, mapped: dict[str, str | None]) -> Plan:
    """Decide for every column of a file what it is.

    Parameters
    ----------
    frame
        The file's columns.
    mapped
        Heading → canonical variable, or None to leave a column as it is.

    Returns
    -------
    Plan
        What becomes a variable, what stays as it is, and what was noticed.

    Raises
    ------
    SchemaError
        If `mapped` names what does not exist, two headings claim one variable, or no heading is
        known.

    Examples
    --------
    >>> plan = plan_columns(pl.DataFrame({"年龄": [61], "T值": [-1.2]}), {})
    >>> list(plan.variables), plan.others, [f.code for f in plan.findings]
    (['age'], ('T值',), ['ambiguous_heading'])
    """
    chosen = _mapped(frame.columns, mapped)
    matches = [chosen.get(name) or _checked(match(name), frame) for name in frame.columns]
    matches = [_outranked(m, chosen) for m in matches]
    variables = _by_variable(matches)
    if not variables:
        raise SchemaError(unknown_headings(frame))
    findings = [f for m in matches for f in _heading_findings(m)]
    findings += [
        f for v, readings in variables.items() if len(readings) > 1 for f in _sides(v, readings)
    ]
    findings += several_hips({v: readings[0].heading for v, readings in variables.items()})
    second = {m.heading for readings in variables.values() for m in readings if len(readings) > 1}
    others = tuple(m.heading for m in matches if m.variable is None or m.heading in second)
    return Plan(variables, others, tuple(findings))


def column_of(name: str, columns: Sequence[str]) -> str | None:
    """The column that a name stands for: its own, or what reading makes of such a heading.

    Parameters
    ----------
    name
        A column, a heading as the file has it, or a score without the ending that says that the
        file reports it.
    columns
        Those that there are.

    Returns
    -------
    str or None
        One of the columns; None if the name stands for none of them.

    Examples
    --------
    >>> column_of("股骨颈T值", ["age", "t_score_femoral_neck_reported"])
    't_score_femoral_neck_reported'
    >>> column_of("t_score_femoral_neck", ["age", "t_score_femoral_neck_reported"])
    't_score_femoral_neck_reported'
    """
    names = (name, f"{name}_reported", match(name).variable)
    return next((known for known in names if known in columns), None)


def _mapped(columns: list[str], mapped: dict[str, str | None]) -> dict[str, Match]:
    by_key = {normalise(name): name for name in columns}
    chosen = {}
    for name, variable in mapped.items():
        heading = name if name in columns else by_key.get(normalise(name))
        if heading is None:
            close = get_close_matches(name, columns, n=3, cutoff=0.4)
            raise SchemaError(
                f"map: the file has no column {name!r}; nearest: {', '.join(close) or 'none'}"
            )
        if variable and variable not in codebook():
            near = ", ".join(nearest(variable)) or "see osteo_epi.codebook()"
            raise SchemaError(f"map: {variable!r} is no variable of the codebook; nearest: {near}")
        if variable:
            chosen[heading] = replace(match(heading), variable=variable, how="mapped", side=None)
        else:
            chosen[heading] = Match(heading, None, "left out")
    return chosen


def _checked(reading: Match, frame: pl.DataFrame) -> Match:
    """A site without a quantity (股骨颈) is a density only if its values can be one."""
    if reading.how != "site only" or reading.unit is not None or reading.variable is None:
        return reading
    variable = codebook()[reading.variable]
    numbers = to_numbers(frame[reading.heading], variable)
    values = numbers.values.drop_nulls()
    if len(values) and not numbers.n_text and share(in_range(values, variable)) >= _CLEARLY:
        return reading
    return replace(reading, variable=None, how="ambiguous")


def _outranked(reading: Match, chosen: dict[str, Match]) -> Match:
    """A column that the caller mapped takes the variable from one that was only recognised."""
    claimed = {m.variable for m in chosen.values()}
    if reading.how == "mapped" or reading.variable is None:
        return reading
    if {reading.variable, codebook()[reading.variable].whole} & (claimed - {None}):
        return replace(reading, variable=None, how="left out")
    return reading


def _by_variable(matches: list[Match]) -> dict[str, tuple[Match, ...]]:
    groups: dict[str, list[Match]] = defaultdict(list)
    for reading in matches:
        if reading.variable is not None:
            groups[reading.variable].append(reading)
    for variable, readings in groups.items():
        _refuse_twins(variable, readings)
    return {v: tuple(sorted(m, key=lambda x: _SIDES.index(x.side))) for v, m in groups.items()}


def _refuse_twins(variable: str, readings: list[Match]) -> None:
    for side in _SIDES:
        twins = [m.heading for m in readings if m.side == side]
        if len(twins) > 1:
            named = " and ".join(map(repr, twins))
            raise SchemaError(
                f"columns {named} both mean {variable}; choose one with "
                f"map={{{twins[0]!r}: {variable!r}}} (--map), the other is then kept as it is"
            )


def _heading_findings(reading: Match) -> list[Finding]:
    heading, candidates = reading.heading, ", ".join(reading.candidates[:4])
    example = reading.candidates[0] if reading.candidates else "variable"
    fix = f"name it with map={{{heading!r}: {example!r}}} (--map), or leave it"
    if reading.how == "ambiguous":
        message = f"the heading does not tell what it is ({candidates}, …); kept as it is"
        return [Finding("ambiguous_heading", "warning", heading, 0, message, fix)]
    if reading.how == "unknown" and not heading.endswith(AS_GIVEN):
        near = f"; nearest: {candidates}" if candidates else ""
        message = f"the heading is not known{near}; kept as it is"
        return [Finding("unknown_heading", "note", heading, 0, message, fix)]
    if reading.how == "site only" and reading.variable:
        message = f"the heading names a site only; its values are densities: read as {example}"
        return [Finding("assumed_heading", "warning", heading, 0, message, fix)]
    return []


def _sides(variable: str, readings: tuple[Match, ...]) -> list[Finding]:
    named = ", ".join(m.heading for m in readings)
    order = ", then ".join(m.side or "the unsided" for m in readings)
    message = (
        f"several readings of {variable}: taken is {order}, for whom the one before is missing"
    )
    fix = f"another choice is declared with map={{{readings[-1].heading!r}: {variable!r}}} (--map)"
    return [Finding("several_sides", "warning", named, 0, message, fix)]
