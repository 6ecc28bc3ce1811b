"""T- and Z-scores: how far a density lies from that of young adults, and of people of one's age.

Only areal densities are scored, by DXA or as CTXA; QCT spine density is judged on absolute values
and CT numbers are no density, so their columns are refused. Scores are never rounded here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.errors import OutOfRangeWarning, SchemaError
from osteo_epi.frames import enter
from osteo_epi.norms.expressions import (
    DENSITY,
    in_range,
    t_score_expr,
    z_row_expr,
    z_score_expr,
)
from osteo_epi.norms.library import Folder, load
from osteo_epi.norms.references import SEXES, AgeCurve, AgeReference, YoungAdultReference

__all__ = [
    "t_score",
    "t_score_expr",
    "warn_out_of_range",
    "with_t_scores",
    "with_z_scores",
    "z_row_expr",
    "z_score",
    "z_score_expr",
]

BY_RULE = "_by_rule"
_ROW = "_row_of_age_reference"


def t_score(
    abmd: npt.ArrayLike, *, mean: npt.ArrayLike, sd: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """T-score of areal densities.

    Parameters
    ----------
    abmd : array, shape (n,)
        Density [g/cm²].
    mean, sd : float or array, shape (n,)
        Mean and SD [g/cm²] of the young adults.

    Returns
    -------
    array, shape (n,)
        (abmd − mean) / sd [SD], unrounded. Classify it with `Bands`, never with a bare `<=`.

    Examples
    --------
    >>> t_score([0.558, 0.858], mean=0.858, sd=0.120).round(3) + 0.0
    array([-2.5,  0. ])
    """
    value, centre, scale = (np.asarray(x, dtype=np.float64) for x in (abmd, mean, sd))
    return (value - centre) / scale


def z_score(abmd: npt.ArrayLike, *, age: npt.ArrayLike, curve: AgeCurve) -> npt.NDArray[np.float64]:
    """Z-score of areal densities against an age curve.

    Parameters
    ----------
    abmd, age : array, shape (n,)
        Density [g/cm²] and age [years].
    curve
        Mean and SD by age, of one sex and region.

    Returns
    -------
    array, shape (n,)
        [SD]; NaN outside the ages of the curve.

    Examples
    --------
    >>> from osteo_epi import norms
    >>> curve = norms.load("by_age", "nhanes_2005_2008_nhw").curve("female", "lumbar_spine")
    >>> z_score([0.80, 0.80], age=[40, 90], curve=curve).round(2)
    array([-2.14,   nan])
    """
    mean, sd = curve.at(age)
    return t_score(abmd, mean=mean, sd=sd)


def with_t_scores(
    people: Any,
    *,
    reference: str | YoungAdultReference,
    sex_rule: str = "own_sex",
    folder: Folder = None,
) -> Any:
    """Add `t_score_<roi>` for every areal density of a frame.

    Parameters
    ----------
    people
        Any frame with columns `abmd_<roi>` [g/cm²] and, by own sex, `sex`. The lumbar spine is
        taken from `abmd_lumbar_spine_by_rule` where it is there.
    reference
        Young adults, or their id.
    sex_rule
        "own_sex" or "female" (women's reference for everybody).
    folder
        A user's own folder of norms.

    Returns
    -------
    frame
        Of the kind that came; null where the reference lacks the sex or the region.

    Raises
    ------
    NormError, DefinitionError, SchemaError

    Notes
    -----
    Areal hip density by QCT (`abmd_<roi>_ctxa`) takes the areal reference of its region. In two
    Chinese studies it read 10 to 21 % below DXA (norms `published/cheng_2014`, `kong_2013`).

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({"sex": ["female", "male"], "abmd_femoral_neck": [0.627, 0.627]})
    >>> with_t_scores(people, reference="zhang_2007")["t_score_femoral_neck"].round(3).to_list()
    [-2.5, None]
    """
    young = reference
    if isinstance(young, str):
        young = load("young_adult", young, folder=folder)
    frame, leave = enter(people)
    columns = _densities(frame, needs=("sex",) if sex_rule == "own_sex" else ())
    return leave(
        frame.with_columns(
            t_score_expr(column, roi, young, sex_rule).alias(f"t_score_{roi}")
            for roi, column in columns.items()
        )
    )


def with_z_scores(people: Any, *, reference: str | AgeReference, folder: Folder = None) -> Any:
    """Add `z_score_<roi>` for every areal density of a frame.

    Parameters
    ----------
    people
        Any frame with columns `abmd_<roi>` [g/cm²], `age` [years] and `sex`; the lumbar spine as
        in `with_t_scores`.
    reference
        Age reference, or its id.
    folder
        A user's own folder of norms.

    Returns
    -------
    frame
        Of the kind that came; null outside the ages of the curve, and where the reference lacks
        the sex or the region.

    Warns
    -----
    OutOfRangeWarning
        Once, with the number of people whose age lies outside. A lazy frame cannot be counted
        without reading it, so it gives no warning.

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({"sex": ["female"], "age": [40.0], "abmd_lumbar_spine": [0.80]})
    >>> scored = with_z_scores(people, reference="nhanes_2005_2008_nhw")
    >>> scored["z_score_lumbar_spine"].round(2).to_list()
    [-2.14]
    """
    same_age = reference
    if isinstance(same_age, str):
        same_age = load("by_age", same_age, folder=folder)
    frame, leave = enter(people)
    columns = _densities(frame, needs=("sex", "age"))
    row = pl.col(_ROW)
    scored = frame.with_columns(z_row_expr(same_age).alias(_ROW)).with_columns(
        z_score_expr(column, roi, same_age, row=row).alias(f"z_score_{roi}")
        for roi, column in columns.items()
    )
    if isinstance(scored, pl.DataFrame):
        warn_out_of_range(scored, columns, same_age)
    return leave(scored.drop(_ROW))


def warn_out_of_range(
    frame: pl.DataFrame, columns: dict[str, str], reference: AgeReference
) -> None:
    """Warn once of the people who have a density and a curve, and an age outside it.

    Parameters
    ----------
    columns
        Region to its density column.
    """
    outside = []
    for roi, column in columns.items():
        curves = {sex: reference.curve(sex, roi) for sex in SEXES}
        if any(curves.values()):
            measured = pl.col(column).is_not_null() & pl.col("age").is_not_null()
            has_curve = pl.col("sex").is_in([sex for sex in SEXES if curves[sex]])
            outside.append(measured & has_curve & ~in_range(curves))
    count = frame.select(pl.any_horizontal(outside).sum()).item() if outside else 0
    if count:
        ages = sorted({str(entry.curve.ages) for entry in reference.curves})
        warnings.warn(
            f"{count} of {frame.height} people have no Z-score: their age is outside "
            f"{', '.join(ages)} years of {reference.id}",
            OutOfRangeWarning,
            stacklevel=3,
        )


def _densities(frame: pl.DataFrame | pl.LazyFrame, *, needs: Iterable[str]) -> dict[str, str]:
    """Columns of areal density by region; a spine made by a rule goes before the given total."""
    names = frame.collect_schema().names()
    missing = [name for name in needs if name not in names]
    if missing:
        raise SchemaError(f"the scores need the column {missing[0]}; add it or rename yours")
    plain = [name for name in names if name.startswith(DENSITY) and not name.endswith(BY_RULE)]
    ruled = [name for name in names if name.startswith(DENSITY) and name.endswith(BY_RULE)]
    if not plain and not ruled:
        raise SchemaError(f"no column of areal density: expected {DENSITY}<roi> [g/cm²]")
    return {name.removeprefix(DENSITY).removesuffix(BY_RULE): name for name in (*plain, *ruled)}
