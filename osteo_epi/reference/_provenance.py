"""Where a reference comes from: the records, who was left out, how, by what, and when."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import polars as pl

from osteo_epi.cohort import Flow
from osteo_epi.norms import COMPLETED, EXACT, Derivation
from osteo_epi.reference.curves import Curve
from osteo_epi.reference.people import Rule
from osteo_epi.reference.people._select import KEPT
from osteo_epi.rounding import count

SOFTWARE = "osteo-epi"
HAN = re.compile("[\u4e00-\u9fff]")


def derivation(
    table: pl.DataFrame,
    curves: Mapping[tuple[str, str], Curve],
    *,
    exclusions: tuple[str, ...],
    design: str,
    date: dt.date | None,
) -> Derivation:
    """Gather what a norm file must say of its own making.

    Parameters
    ----------
    table
        The people and the columns that were read.
    curves
        The fitted curves by sex and region.
    exclusions
        One text a rule.
    design
        In words.
    date
        Of the computation; today by default.
    """
    models = dict.fromkeys(model(curve) for curve in curves.values())
    return Derivation(
        data_sha256=digest(table),
        people=table.height,
        exclusions=exclusions,
        model="; ".join(models),
        design=design,
        software=f"{SOFTWARE} {version(SOFTWARE)}",
        ages=COMPLETED if (table["age"] == table["age"].floor()).all() else EXACT,
        date=(date or dt.datetime.now(dt.UTC).date()).isoformat(),
    )


def model(curve: Curve) -> str:
    """Family and terms of a curve in words.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import Constant, Polynomial, fit_curve
    >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> curve = fit_curve(women, "abmd_femoral_neck", family="normal", mu=Polynomial(3),
    ...                   sigma=Constant())
    >>> model(curve)
    'normal (mu: polynomial of degree 3; sigma: constant)'
    """
    terms = "; ".join(f"{name}: {term.label}" for name, term in curve.terms.items())
    return f"{curve.family.title} ({terms})"


def digest(table: pl.DataFrame) -> str:
    """SHA-256 of columns, by name and value: the same whatever file or frame they came in."""
    whole = hashlib.sha256()
    for name in sorted(table.columns):
        column = table[name]
        whole.update(f"{name}\0".encode())
        if column.dtype.is_numeric():
            values = column.cast(pl.Float64).fill_null(float("nan")) + 0.0
            whole.update(values.to_numpy().astype("<f8").tobytes())
        else:
            texts = column.cast(pl.String).fill_null("")
            whole.update("\0".join(texts).encode())
    return whole.hexdigest()


def exclusions_of(people: Any, *, chinese: bool = False) -> tuple[str, ...]:
    """Who was left out on the way to these people, as their flow counts them; else nothing.

    In Chinese, a step that knows its reason in Chinese says it, as the rules of `select` do;
    another reason is quoted as it stands.
    """
    flow, rules = getattr(people, "flow", None), getattr(people, "rules", ())
    if not isinstance(flow, Flow):
        return ()
    kept = {rule.name: _kept_unknown(people.marked, rule) for rule in rules}
    said = [
        (reason, step.reason_zh or reason, count(n), kept.get(step.name, 0))
        for step in flow.steps
        for reason, n in step.reasons
        if n or kept.get(step.name)
    ]
    if not chinese:
        return tuple(
            f"{reason}{f' (not known of {count(k)} who stayed)' if k else ''}, n = {n}"
            for reason, _, n, k in said
        )
    return tuple(
        f"{_quoted(reason)}{f'（{count(k)}人情况不详而保留）' if k else ''}，{n}人"
        for _, reason, n, k in said
    )


def _kept_unknown(marked: pl.DataFrame, rule: Rule) -> int:
    """People who stayed although it is not known whether the rule would leave them out."""
    unknown = rule.answer(marked).is_null() & pl.col(KEPT)
    return int(marked.select(unknown.sum()).item())


def _quoted(reason: str) -> str:
    """A reason in a Chinese sentence; one of another language in marks."""
    return reason if HAN.search(reason) else f"「{reason}」"
