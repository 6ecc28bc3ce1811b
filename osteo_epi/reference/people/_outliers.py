"""People far off a fitted curve: flagged and counted, never dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import number
from osteo_epi.cohort import EQUAL, refuse_foreign
from osteo_epi.diagnosis import areal_density
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import as_polars, in_callers_kind, refuse_words
from osteo_epi.reference.curves import Curve, fit_curve
from osteo_epi.results import Result
from osteo_epi.rounding import counted
from osteo_epi.survey import Array

LIMIT = 4.0
"""[SD] Ours: beyond it lie 6 of 100,000 people under the model."""
BELOW, ABOVE = "below", "above"
PERCENTS = (3.0, 50.0, 97.0)
STEP = 5
_PREFIX = "abmd_"


@dataclass(frozen=True, repr=False)
class Outliers(Result):
    """Who lies far off the curve.

    Attributes
    ----------
    people
        As they came, with `residual_<roi>` (Z-score, SD) and `outlier_<roi>` (true, false, or
        missing without a score) for each curve. Nobody is left out; a rule on the column does
        that, where the study wants it.
    rows
        Counts, see `to_frame`.
    limit
        [SD] From which a person is flagged.
    changes
        Where the curve was fitted again without those flagged: at ages five years apart p3, p50
        and p97 of both and their change, in the measurement's unit; else None.
    notes
        What has to be known.
    """

    people: Any
    rows: pl.DataFrame
    limit: float
    changes: pl.DataFrame | None = field(default=None, repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)

    def to_polars(self) -> pl.DataFrame:
        """Counts by curve and side.

        Returns
        -------
        DataFrame
            sex (null of a single curve), column, side ("below", "above"), n, expected (under the
            curve's distribution), p (of the two-sided binomial test) and n_scored.
        """
        return self.rows

    def _summary(self) -> str:
        n = int(self.rows["n"].sum())
        expected = f"{self.rows['expected'].sum():.1f} expected"
        return f"{counted(n, 'value')} beyond ±{self.limit:g} SD, {expected}"


@in_callers_kind
def outliers(
    curve: Any,
    people: Any,
    *,
    limit: float = LIMIT,
    column: str | None = None,
    age: str = "age",
    refit: bool = False,
    spine_rule: str = "at_least_two",
) -> Outliers:
    """Flag people whose residual from a fitted curve is large.

    Parameters
    ----------
    curve
        A `Curve`, with people of its group, or a `Reference`, whose curves are each taken for the
        people of their sex.
    people
        Any frame.
    limit
        [SD] Flagged is Z ≥ limit or ≤ −limit.
    column
        The measurement, where it has another name than the curve's; of a single curve.
    age
        Column of ages [years].
    refit
        Also fit the curve again without those flagged, and say how centiles change.
    spine_rule
        Rule of the lumbar spine, of a `Reference`.

    Returns
    -------
    Outliers

    Raises
    ------
    SchemaError
        If a column is absent, or nobody has a score.
    DefinitionError
        If the limit is not above 0, or `curve` is neither a `Curve` nor a `Reference`.

    Warns
    -----
    PrecisionWarning
        If the curve fitted again did not converge.

    Notes
    -----
    Residuals are normal quantile residuals (Dunn & Smyth 1996,
    doi:10.1080/10618600.1996.10474708): under the model they are standard normal at each age. Far
    more than expected on one side speak of a wrong distribution or of errors in the data; they are
    no reason by themselves to leave people out: a reference without its tails makes too many
    people ill.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import fit_curve
    >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> far = outliers(fit_curve(women, "abmd_femoral_neck"), women, limit=3)
    >>> far.people.select("residual_femoral_neck", "outlier_femoral_neck").columns
    ['residual_femoral_neck', 'outlier_femoral_neck']
    >>> far.to_frame().select("side", "n", pl.col("expected").round(1)).rows()
    [('below', 8, 5.8), ('above', 3, 5.8)]
    """
    number(limit, "limit", above=0, unit="SD")
    frame, restore = as_polars(people)
    refuse_foreign(people, [age, "sex", *_measured(curve, column)])
    table = frame.lazy().collect()
    flagged, scores = table, dict[str, Array]()
    rows, changes, notes = list[dict[str, Any]](), list[pl.DataFrame](), list[str]()
    for sex, one, values in _curves(curve, table, column, spine_rule):
        named = column or one.column
        z = _scores(one, table, values, age)
        rows += _counts(z, limit, sex, named)
        # The curves of a region's two sexes fill one column.
        name = named.removeprefix(_PREFIX)
        scores[name] = np.fmax(scores.get(name, np.full(len(z), np.nan)), z)
        flagged = _with_flags(flagged, name, scores[name], limit)
        if refit:
            again = _again(one, table, values, z, limit, age)
            notes += again.notes
            changes.append(_changes(one, again, sex, named))
    changed = pl.concat(changes) if changes else None
    counts = pl.DataFrame(rows, schema_overrides={"sex": pl.String})
    return Outliers(restore(flagged), counts, limit, changed, tuple(dict.fromkeys(notes)))


def _measured(curve: Any, column: str | None) -> list[str]:
    """The columns of the measurements."""
    if isinstance(curve, Curve):
        return [column or curve.column]
    return [f"{_PREFIX}{roi}" for _sex, roi in getattr(curve, "curves", ())]


def _curves(
    curve: Any, table: pl.DataFrame, column: str | None, spine_rule: str
) -> Iterator[tuple[str | None, Curve, pl.Series]]:
    """Each curve with its sex and its measurement; a single curve has everybody."""
    if isinstance(curve, Curve):
        name = column or curve.column
        if name not in table.columns:
            raise SchemaError(
                f"column {name} is not in the data; there are {', '.join(table.columns)}: name "
                "the measurement with column="
            )
        refuse_words(table.schema, [name], purpose="a Z-score")
        yield None, curve, table[name].cast(pl.Float64)
        return
    if not hasattr(curve, "curves"):
        raise DefinitionError(
            f"{type(curve).__name__} has no Z-scores: give a Curve of fit_curve, or a Reference"
        )
    if column is not None:
        raise DefinitionError("column= is for a single curve; a reference names its own")
    for (sex, roi), one in curve.curves.items():
        density = areal_density(table, roi, spine_rule=spine_rule)
        if density is None or "sex" not in table.columns:
            lost = "sex" if density is not None else f"{_PREFIX}{roi}"
            raise SchemaError(f"column {lost} is not in the data, and the reference needs it")
        mine = pl.when(pl.col("sex").cast(pl.String) == sex).then(density.cast(pl.Float64))
        yield sex, one, table.select(mine.alias(one.column)).to_series()


def _scores(curve: Curve, table: pl.DataFrame, values: pl.Series, age: str) -> Array:
    """(n,) residuals [SD]; NaN without a measurement or outside the curve's ages."""
    if age not in table.columns:
        raise SchemaError(f"column {age} is not in the data: name that of ages with age=")
    refuse_words(table.schema, [age], purpose="a Z-score")
    years = table[age].cast(pl.Float64).fill_null(np.nan).to_numpy()
    z = curve.z(years, values.fill_null(np.nan).to_numpy())
    if not (~np.isnan(z)).any():
        raise SchemaError(
            f"nobody has a score of {curve.column}: the curve is of {curve.ages[0]:g}–"
            f"{curve.ages[1]:g} years; check the columns {age} and {curve.column}"
        )
    return z


def _counts(z: Array, limit: float, sex: str | None, column: str) -> list[dict[str, Any]]:
    from scipy.special import ndtr
    from scipy.stats import binomtest

    scored, share = int((~np.isnan(z)).sum()), float(ndtr(-limit))
    sides = {BELOW: int((z <= -limit).sum()), ABOVE: int((z >= limit).sum())}
    return [
        {
            "sex": sex, "column": column, "side": side, "n": n, "expected": scored * share,
            "p": float(binomtest(n, scored, share).pvalue), "n_scored": scored,
        }
        for side, n in sides.items()
    ]  # fmt: skip


def _with_flags(table: pl.DataFrame, name: str, z: Array, limit: float) -> pl.DataFrame:
    residual = pl.Series(f"residual_{name}", z).fill_nan(None)
    return table.with_columns(residual, (residual.abs() >= limit).alias(f"outlier_{name}"))


def _again(
    curve: Curve, table: pl.DataFrame, values: pl.Series, z: Array, limit: float, age: str
) -> Curve:
    """The same fit of those who are not flagged."""
    near = pl.Series(np.abs(z) < limit)
    own = table.with_columns(values.alias(curve.column)).filter(near)
    return fit_curve(
        own, curve.column, family=curve.family.name, **dict(curve.terms),
        weight=curve.weight or EQUAL, age=age,
    )  # fmt: skip


def _changes(curve: Curve, again: Curve, sex: str | None, column: str) -> pl.DataFrame:
    """Centiles of both at ages that both have."""
    low = max(curve.ages[0], again.ages[0])
    high = min(curve.ages[1], again.ages[1])
    ages = np.arange(np.ceil(low / STEP) * STEP, high + 1e-9, STEP)
    head = {
        "sex": pl.Series([sex] * len(ages), dtype=pl.String),
        "column": [column] * len(ages),
        "age": ages,
    }
    columns = dict[str, Any](head)
    for percent in PERCENTS:
        share, name = percent / 100, f"p{percent:g}"
        columns[name] = curve.quantile(ages, share)
        columns[f"{name}_without"] = again.quantile(ages, share)
        columns[f"{name}_change"] = columns[f"{name}_without"] - columns[name]
    return pl.DataFrame(columns)
