"""Which column of the file becomes which variable; nothing is lost, nothing is guessed.

Left and right hip: the unsided reading is taken, else the left, else the right, else the mean;
a person without a reading on the side that was taken gets the next side's. The columns of both
sides stay in the frame under their own names. `map` overrides the rule.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from difflib import get_close_matches

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import Match, match, nearest, normalise
from osteo_epi.cohort.conform._numbers import in_range, share, to_numbers
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_SIDES = (None, "left", "right", "mean")
_CLEARLY = 0.95


@dataclass(frozen=True)
class Plan:
    """Variable → its columns in order of preference; `kept` stay under their own names."""

    taken: dict[str, tuple[Match, ...]]
    kept: tuple[str, ...]
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
        What is taken, what is kept, what was found.

    Raises
    ------
    SchemaError
        If `mapped` names what does not exist, two headings claim one variable, or no heading is
        known.

    Examples
    --------
    >>> plan = plan_columns(pl.DataFrame({"年龄": [61], "T值": [-1.2]}), {})
    >>> list(plan.taken), plan.kept, [f.code for f in plan.findings]
    (['age'], ('T值',), ['ambiguous_heading'])
    """
    chosen = _mapped(frame.columns, mapped)
    matches = [chosen.get(name) or _checked(match(name), frame) for name in frame.columns]
    matches = [_outranked(m, chosen) for m in matches]
    taken = _by_variable(matches)
    if not taken:
        raise SchemaError(
            f"none of the {len(frame.columns)} headings is known; if the file has no line of "
            "headings, add one; otherwise name them with map={heading: variable} (--map)"
        )
    findings = [f for m in matches for f in _about(m)]
    findings += [f for v, many in taken.items() if len(many) > 1 for f in _sides(v, many)]
    second = {m.heading for many in taken.values() for m in many if len(many) > 1}
    kept = tuple(m.heading for m in matches if m.variable is None or m.heading in second)
    return Plan(taken, kept, tuple(findings))


def _mapped(columns: list[str], mapped: dict[str, str | None]) -> dict[str, Match]:
    by_key = {normalise(name): name for name in columns}
    chosen = {}
    for given, variable in mapped.items():
        heading = given if given in columns else by_key.get(normalise(given))
        if heading is None:
            close = get_close_matches(given, columns, n=3, cutoff=0.4)
            raise SchemaError(
                f"map: the file has no column {given!r}; nearest: {', '.join(close) or 'none'}"
            )
        if variable and variable not in codebook():
            near = ", ".join(nearest(variable)) or "see osteo_epi.codebook()"
            raise SchemaError(f"map: {variable!r} is no variable of the codebook; nearest: {near}")
        if variable:
            chosen[heading] = replace(match(heading), variable=variable, how="mapped", side=None)
        else:
            chosen[heading] = Match(heading, None, "left out")
    return chosen


def _checked(found: Match, frame: pl.DataFrame) -> Match:
    """A site without a quantity (股骨颈) is a density only if its values can be one."""
    if found.how != "site only" or found.unit is not None or found.variable is None:
        return found
    variable = codebook()[found.variable]
    numbers = to_numbers(frame[found.heading], variable)
    values = numbers.values.drop_nulls()
    if len(values) and not numbers.n_text and share(in_range(values, variable)) >= _CLEARLY:
        return found
    return replace(found, variable=None, how="ambiguous")


def _outranked(found: Match, chosen: dict[str, Match]) -> Match:
    """A column that the caller mapped takes the variable from one that was only recognised."""
    claimed = {m.variable for m in chosen.values()}
    if found.how != "mapped" and found.variable in claimed:
        return replace(found, variable=None, how="left out")
    return found


def _by_variable(matches: list[Match]) -> dict[str, tuple[Match, ...]]:
    groups: dict[str, list[Match]] = defaultdict(list)
    for found in matches:
        if found.variable is not None:
            groups[found.variable].append(found)
    for variable, many in groups.items():
        _refuse_twins(variable, many)
    return {v: tuple(sorted(m, key=lambda x: _SIDES.index(x.side))) for v, m in groups.items()}


def _refuse_twins(variable: str, many: list[Match]) -> None:
    for side in _SIDES:
        twins = [m.heading for m in many if m.side == side]
        if len(twins) > 1:
            named = " and ".join(map(repr, twins))
            raise SchemaError(
                f"columns {named} both mean {variable}; choose one with "
                f"map={{{twins[0]!r}: {variable!r}}} (--map), the other is then kept as it is"
            )


def _about(found: Match) -> list[Finding]:
    heading, candidates = found.heading, ", ".join(found.candidates[:4])
    example = found.candidates[0] if found.candidates else "variable"
    fix = f"name it with map={{{heading!r}: {example!r}}} (--map), or leave it"
    if found.how == "ambiguous":
        message = f"the heading does not tell what it is ({candidates}, …); kept as it is"
        return [Finding("ambiguous_heading", "warning", heading, 0, message, fix)]
    if found.how == "unknown":
        near = f"; nearest: {candidates}" if candidates else ""
        message = f"the heading is not known{near}; kept as it is"
        return [Finding("unknown_heading", "note", heading, 0, message, fix)]
    if found.how == "site only" and found.variable:
        message = f"the heading names a site only; its values are densities: read as {example}"
        return [Finding("assumed_heading", "warning", heading, 0, message, fix)]
    return []


def _sides(variable: str, many: tuple[Match, ...]) -> list[Finding]:
    named = ", ".join(m.heading for m in many)
    order = ", then ".join(m.side or "the unsided" for m in many)
    message = (
        f"several readings of {variable}: taken is {order}, for whom the one before is missing"
    )
    fix = f"another choice is declared with map={{{many[-1].heading!r}: {variable!r}}} (--map)"
    return [Finding("several_sides", "warning", named, 0, message, fix)]
