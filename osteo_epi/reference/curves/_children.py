"""Children: density made less of a matter of size, by bone area and by height for age.

The areal density of a small child is low for its age because its bones are thin. Two ways about
this are in use (ISCD 2013 paediatric positions, doi:10.1016/j.jocd.2014.01.003): an apparent
density by volume, and the Z-score less what height for age explains of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import as_polars, in_callers_kind, refuse_words
from osteo_epi.reference.curves._curve import LEAST, Curve
from osteo_epi.reference.curves._likelihood import Array
from osteo_epi.results import Result
from osteo_epi.rounding import count

POWERS = {"lumbar_spine": 1.5, "l1": 1.5, "l2": 1.5, "l3": 1.5, "l4": 1.5, "femoral_neck": 2.0}
"""Of the bone area: vertebrae taken as cubes, the neck of the femur as a cylinder."""
THIRDS = 3


def bmad(
    people: Any, roi: str = "lumbar_spine", *, bmc: str | None = None, area: str | None = None
) -> Any:
    """Add the bone mineral apparent density [g/cm³] of a region.

    Parameters
    ----------
    people
        Any frame with bone mineral content [g] and projected bone area [cm²].
    roi
        "lumbar_spine", one of "l1" to "l4", or "femoral_neck".
    bmc, area
        Their columns; ``bmc_<roi>`` and ``area_<roi>`` by default.

    Returns
    -------
    frame
        Of the kind that came, with the column ``bmad_<roi>``; missing where one of the two is.

    Raises
    ------
    DefinitionError
        If no formula is known for the region.
    SchemaError
        If a column is absent, or 0 or below somewhere.

    Notes
    -----
    BMC / area^1.5 at the spine (Carter, Bouxsein & Marcus 1992, doi:10.1002/jbmr.5650070204), BMC /
    area² at the femoral neck (Katzman et al. 1991, doi:10.1210/jcem-73-6-1332). Of k vertebrae as
    one block it is lower than of one by about √k: compare people of the same vertebrae only.

    Examples
    --------
    >>> child = pl.DataFrame({"bmc_lumbar_spine": [27.0], "area_lumbar_spine": [36.0]})
    >>> bmad(child)["bmad_lumbar_spine"].item()
    0.125
    """
    if roi not in POWERS:
        raise DefinitionError(
            f"no apparent density is defined for {roi!r}; there are {', '.join(POWERS)}"
        )
    frame, restore = as_polars(people)
    content, size = bmc or f"bmc_{roi}", area or f"area_{roi}"
    present = frame.collect_schema().names()
    absent = [name for name in (content, size) if name not in present]
    if absent:
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in the data; name those of bone mineral "
            "content [g] and area [cm²] by bmc= and area="
        )
    refuse_words(frame.collect_schema(), (content, size), purpose="BMAD")
    _refuse_nothing(frame.lazy().select(content, size).collect())
    apparent = pl.col(content).cast(pl.Float64) / pl.col(size).cast(pl.Float64) ** POWERS[roi]
    return restore(frame.with_columns(apparent.alias(f"bmad_{roi}")))


def _refuse_nothing(table: pl.DataFrame) -> None:
    for name in table.columns:
        wrong = int((table[name].cast(pl.Float64) <= 0).sum())
        if wrong:
            raise SchemaError(
                f"column {name} is 0 or below in {wrong:,} row(s); bone has content and area: set "
                "what was not measured to missing"
            )


@dataclass(frozen=True, repr=False)
class HeightAdjustment(Result):
    """What height for age explains of a Z-score, and the Z-score without it.

    Made by `height_adjustment`; see there.

    Attributes
    ----------
    curve, height_curve
        Of the measurement, and of height.
    intercept, slope
        Z-score of the measurement expected at a height Z-score of 0, and its rise with one.
    slope_se
        Standard error of the slope, people taken as drawn independently.
    correlation
        Of the two Z-scores.
    sd
        Of the adjusted Z-scores of these people: below 1, as a part has been taken out.
    n
        People.
    rows
        By thirds of the people's ages: n, slope, and the correlation of the adjusted Z-score with
        height Z. Where that is far from 0, the slope changes with age: adjust in narrower ages.
    """

    curve: Curve
    height_curve: Curve
    intercept: float
    slope: float
    slope_se: float
    correlation: float
    sd: float
    n: int
    rows: pl.DataFrame

    def z(self, age: npt.ArrayLike, value: npt.ArrayLike, height: npt.ArrayLike) -> Array:
        """(m,) Height-adjusted Z-scores [SD] of values, for ages [years] and heights.

        NaN outside the ages of either curve.
        """
        expected = self.intercept + self.slope * self.height_curve.z(age, height)
        return np.asarray(self.curve.z(age, value) - expected)

    def to_polars(self) -> pl.DataFrame:
        """Slopes and what is left of them, by thirds of age."""
        return self.rows

    def _summary(self) -> str:
        return (
            f"{self.curve.column}, {self.slope:+.3f} by height Z, r {self.correlation:.2f}, "
            f"{count(self.n)} people"
        )


@in_callers_kind
def height_adjustment(
    curve: Curve, height_curve: Curve, people: Any, *, age: str = "age"
) -> HeightAdjustment:
    """Regress the Z-score of a measurement on the Z-score of height, among reference children.

    Parameters
    ----------
    curve
        Of the measurement, e.g. "abmd_lumbar_spine", in one sex.
    height_curve
        Of height in the same sex: `fit_curve(people, "height")`.
    people
        The reference children of that sex, with age [years], the measurement and height.
    age
        Column of ages [years].

    Returns
    -------
    HeightAdjustment
        Its `z` gives adjusted Z-scores.

    Raises
    ------
    SchemaError
        If a column is absent, or fewer than 50 children have both.

    Notes
    -----
    Zemel et al. 2010, doi:10.1210/jc.2009-2057: of the ways to adjust, the one least biased by age
    and height. Their coefficients are of US children and their curves; these are of your own.
    People count by the weights of `curve`.

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(1)
    >>> age, size = draw.uniform(5, 18, 600), draw.normal(size=600)
    >>> girls = pl.DataFrame({"age": age, "height": 75 + 5.5 * age + 6 * size, "abmd_l1":
    ...     0.3 + 0.03 * age + 0.03 * size + 0.05 * draw.normal(size=600)})
    >>> from osteo_epi.reference import fit_curve
    >>> adjusted = height_adjustment(fit_curve(girls, "abmd_l1"), fit_curve(girls, "height"), girls)
    >>> bool(adjusted.slope > 0.3)
    True
    """
    names = {"age": age, "value": curve.column, "height": height_curve.column}
    frame = as_polars(people)[0].lazy()
    present = frame.collect_schema().names()
    weight = curve.weight if curve.weight in present else None
    absent = [name for name in names.values() if name not in present]
    if absent:
        raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
    refuse_words(frame.collect_schema(), (*names.values(), weight), purpose="an adjustment")
    columns = [pl.col(name).cast(pl.Float64).alias(key) for key, name in names.items()]
    own = pl.col(weight).cast(pl.Float64) if weight else pl.lit(1.0)
    table = frame.select(*columns, own.alias("weight")).drop_nulls().collect()
    table = table.with_columns(
        z=pl.Series(curve.z(table["age"], table["value"])),
        by=pl.Series(height_curve.z(table["age"], table["height"])),
    ).filter(pl.all_horizontal(pl.all().is_finite()), pl.col("weight") > 0)
    if len(table) < LEAST:
        raise SchemaError(
            f"{len(table):,} people have {curve.column}, {height_curve.column} and an age within "
            f"both curves; an adjustment needs {LEAST} at least"
        )
    return _adjustment(curve, height_curve, table)


def _adjustment(curve: Curve, height_curve: Curve, table: pl.DataFrame) -> HeightAdjustment:
    z, by, weight = (table[name].to_numpy() for name in ("z", "by", "weight"))
    intercept, slope, error = _line(z, by, weight)
    left = z - intercept - slope * by
    edges = np.quantile(table["age"].to_numpy(), np.arange(1, THIRDS) / THIRDS)
    third = np.searchsorted(edges, table["age"].to_numpy(), side="right")
    rows = []
    for k in range(THIRDS):
        inside = third == k
        ages = table["age"].to_numpy()[inside]
        rows.append(
            {
                "from_age": float(ages.min()),
                "to_age": float(ages.max()),
                "n": int(inside.sum()),
                "slope": _line(z[inside], by[inside], weight[inside])[1],
                "correlation_left": _correlation(left[inside], by[inside], weight[inside]),
            }
        )
    spread = float(np.sqrt(np.average(left**2, weights=weight)))
    related = _correlation(z, by, weight)
    frame = pl.DataFrame(rows)
    n = len(table)
    return HeightAdjustment(curve, height_curve, intercept, slope, error, related, spread, n, frame)


def _line(z: Array, by: Array, weight: Array) -> tuple[float, float, float]:
    """Intercept, slope and the slope's error of a weighted straight line."""
    share = weight / weight.sum()
    middle, level = float(share @ by), float(share @ z)
    about = by - middle
    squares = float(share @ about**2)
    slope = float(share @ (about * (z - level)) / squares)
    left = z - level - slope * about
    error = float(np.sqrt(np.sum((share * about * left) ** 2)) / squares)
    return level - slope * middle, slope, error


def _correlation(one: Array, other: Array, weight: Array) -> float:
    table = np.cov(one, other, aweights=weight)
    return float(table[0, 1] / np.sqrt(table[0, 0] * table[1, 1]))
