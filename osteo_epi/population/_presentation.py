"""May an estimate be shown? A published rule, applied to each row, with its reason."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import polars as pl

from osteo_epi.errors import NormError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import Interval, load

VERDICTS = pl.Enum(["show", "show_with_note", "review", "suppress"])
NO_ESTIMATE = "no estimate, or none of its interval"
# Widths are differences of binary fractions: 0.20 - 0.15 is 0.05000000000000002.
TOLERANCE = 1e-9
NONE_OR_ALL = "none or all"
# Names of the same interval in the rows; on plain counts Korn-Graubard is Clopper-Pearson.
SAME_INTERVAL = {"korn_graubard": ("beta", "korn-graubard", "clopper_pearson")}


def presentation(
    data: Any,
    *,
    rule: str = "nchs_proportion",
    estimate: str | None = None,
    lower: str | None = None,
    upper: str | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Any:
    """Add to each estimate whether it may be shown, by a published rule.

    Parameters
    ----------
    data
        A frame, or a result with ``to_frame()``, with estimates, their interval, `n`, and where
        there is a design `n_effective` (or `se`) and `df`.
    rule
        Id of a norm of kind "presentation": "nchs_proportion", "nchs_count".
    estimate, lower, upper
        Other names of the columns than estimate, lower, upper (proportions [0 to 1]) or
        people_affected, people_affected_lower, people_affected_upper (counts).
    folder
        A user's own folder of norms.

    Returns
    -------
    frame
        With `verdict` (show, show_with_note, review, suppress), `verdict_reason` and
        `verdict_rule`. A result comes back as its `to_frame()`. Nothing is hidden here: that is the
        report's part.

    Raises
    ------
    SchemaError
        If a column that the rule needs is not there.
    NormError
        If the norm holds no rule of presentation.

    Notes
    -----
    A row whose interval is of another kind than the rule was written for keeps its
    verdict, and the reason says so.

    Examples
    --------
    >>> rows = pl.DataFrame({"estimate": [0.12, 0.12], "lower": [0.10, 0.05],
    ...                      "upper": [0.14, 0.24], "n": [1000, 120],
    ...                      "n_effective": [700.0, 60.0], "df": [15, 15]})
    >>> presentation(rows).select("verdict", "verdict_reason").rows()
    [('show', 'width ≤ 0.05'), ('suppress', 'relative width > 1.3')]
    """
    norm = load("presentation", rule, folder=folder)
    if not {"step", "show"} & set(norm.data):
        raise NormError(f"{rule} is no rule for estimates; take nchs_proportion or nchs_count")
    is_count = "step" not in norm.data
    stem = "people_affected_" if is_count else ""
    names = (
        estimate or ("people_affected" if is_count else "estimate"),
        lower or f"{stem}lower",
        upper or f"{stem}upper",
    )
    frame, restore = _enter(data)
    schema = set(frame.collect_schema().names())
    measures = _measures(schema, names, is_count)
    verdict, reason = _judge(norm.data, measures)
    restriction = _restriction(schema, norm.data)
    return restore(
        frame.with_columns(
            verdict=verdict,
            verdict_reason=pl.concat_str([reason, restriction], separator="; ", ignore_nulls=True),
            verdict_rule=pl.lit(rule),
        )
    )


def _enter(data: Any) -> tuple[Any, Any]:
    is_result = hasattr(data, "to_frame") and not hasattr(data, "columns")
    return as_polars(data.to_frame() if is_result else data)


def _measures(schema: set[str], names: tuple[str, str, str], is_count: bool) -> dict[str, pl.Expr]:
    """What rules may look at, as expressions; a width at 0 or 100 % is 0."""
    _require(schema, *names, "n")
    point, low, high = (pl.col(name).cast(pl.Float64) for name in names)
    end = pl.lit(False) if is_count else (point <= 0) | (point >= 1)
    width = pl.when(end).then(0.0).otherwise(high - low)
    n = pl.col("n").cast(pl.Float64)
    measures = {
        "estimate": point,
        "n": n,
        "width": width,
        "relative_width": pl.when(point > 0).then(width / point).otherwise(width),
        "complement_relative_width": pl.when(point < 1).then(width / (1 - point)).otherwise(width),
        "df": pl.col("df").cast(pl.Float64) if "df" in schema else pl.lit(None, pl.Float64),
    }
    if not is_count:
        effective = _effective(schema, point)
        known = pl.when(effective.is_not_null()).then(pl.min_horizontal(effective, n))
        measures["n_effective"] = pl.when(end).then(n).otherwise(known)
    return measures


def _effective(schema: set[str], point: pl.Expr) -> pl.Expr:
    if "n_effective" in schema:
        return pl.col("n_effective").cast(pl.Float64)
    _require(schema, "se")
    return point * (1 - point) / pl.col("se").cast(pl.Float64) ** 2


def _require(schema: set[str], *names: str) -> None:
    absent = [name for name in names if name not in schema]
    if absent:
        raise SchemaError(
            f"the rule needs the columns {absent}; there are {sorted(schema)}; pass the names of "
            f"the estimate and its limits, and keep n and n_effective (or se) in the frame"
        )


def _judge(rules: Mapping[str, Any], measures: dict[str, pl.Expr]) -> tuple[pl.Expr, pl.Expr]:
    """Verdict and reason: the ground that decides, then remarks on what is shown."""
    verdict, reason, by_default = (_all_must_hold if "show" in rules else _first_decides)(
        rules, measures
    )
    shown = (verdict == "show").fill_null(False)
    notes = [(r, "show_with_note", shown & by_default) for r in rules.get("note", [])]
    reviews = [(r, "review", shown) for r in rules.get("review", [])]
    for remark, level, considered in [*notes, *reviews]:
        applies = considered & _holds(remark, measures).fill_null(False)
        verdict = pl.when(applies).then(pl.lit(level)).otherwise(verdict)
        longer = pl.concat_str([reason, pl.lit(f"; {_ground(remark)}")])
        reason = pl.when(applies).then(longer).otherwise(reason)
    unknown = verdict.is_null()
    return (
        pl.when(unknown).then(pl.lit("suppress")).otherwise(verdict).cast(VERDICTS),
        pl.when(unknown).then(pl.lit(NO_ESTIMATE)).otherwise(reason),
    )


def _first_decides(
    rules: Mapping[str, Any], measures: dict[str, pl.Expr]
) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Steps in their order, the first that holds; also whether none did."""
    holds = [_holds(step, measures) for step in rules["step"]]
    verdict = _chain(holds, [s["verdict"] for s in rules["step"]], rules["otherwise"]["verdict"])
    reason = _chain(holds, [_ground(s) for s in rules["step"]], "no ground to suppress")
    return verdict, reason, ~pl.any_horizontal(holds).fill_null(True)


def _all_must_hold(
    rules: Mapping[str, Any], measures: dict[str, pl.Expr]
) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Conditions that a shown estimate meets, the first that fails being the reason."""
    fails = [~_holds(condition, measures) for condition in rules["show"]]
    grounds = [f"not {_limits(c)}" for c in rules["show"]]
    verdict = _chain(fails, ["suppress"] * len(fails), "show")
    return verdict, _chain(fails, grounds, "all conditions hold"), pl.lit(True)


def _chain(conditions: list[pl.Expr], values: list[str], otherwise: str) -> pl.Expr:
    """Value of the first condition that holds; none where one before it is unknown."""
    chain: Any = pl
    for condition, value in zip(conditions, values, strict=True):
        chain = chain.when(condition.is_null()).then(pl.lit(None, pl.String))
        chain = chain.when(condition).then(pl.lit(value))
    return chain.otherwise(pl.lit(otherwise))


def _holds(rule: Mapping[str, Any], measures: dict[str, pl.Expr]) -> pl.Expr:
    if rule["holds"] == NONE_OR_ALL:
        return (measures["estimate"] <= 0) | (measures["estimate"] >= 1)
    if rule["quantity"] not in measures:
        raise NormError(f"the rule looks at {rule['quantity']!r}; there are {', '.join(measures)}")
    return Interval.parse(rule["holds"]).expression(measures[rule["quantity"]], tolerance=TOLERANCE)


def _quantity(rule: Mapping[str, Any]) -> str:
    return str(rule["quantity"]).replace("n_effective", "effective n").replace("_", " ")


def _ground(rule: Mapping[str, Any]) -> str:
    """Why: 'relative width > 1.3'."""
    if rule["holds"] == NONE_OR_ALL:
        return f"{NONE_OR_ALL} have the outcome"
    return _limits(rule)


def _limits(rule: Mapping[str, Any]) -> str:
    return Interval.parse(rule["holds"]).inequality(_quantity(rule), decimals=None)


def _restriction(schema: set[str], rules: Mapping[str, Any]) -> pl.Expr:
    """That the row's interval is of another kind than the rule was written for, else null."""
    wanted = rules.get("interval", {}).get("method")
    if wanted is None or "method" not in schema:
        return pl.lit(None, pl.String)
    known = [wanted, *SAME_INTERVAL.get(wanted, ())]
    other = ~pl.col("method").cast(pl.String).str.contains_any(known, ascii_case_insensitive=True)
    return pl.when(other).then(pl.lit(f"the rule is written for the {wanted} interval"))
