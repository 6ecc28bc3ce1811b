"""T- and Z-scores of areal densities: of arrays, of frames, and as the expressions behind both."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.arguments import is_a, is_among
from osteo_epi.errors import DefinitionError, NormError, OutOfRangeWarning, SchemaError
from osteo_epi.frames import Frame, as_polars, numbers_of, of_queries
from osteo_epi.norms._criterion import SEX_RULES
from osteo_epi.norms._curves import AgeCurve, AnyCurve, DistributionCurve
from osteo_epi.norms._library import Folder, load
from osteo_epi.norms._references import SEXES, AgeReference, YoungAdultReference

DENSITY = "abmd_"
DENSEST = 10.0
"""[g/cm²] No skeleton is denser."""
OLDEST = 130.0
"""[years]"""
_NULL = pl.lit(None, dtype=pl.Float64)
_NO_DENSITY = {
    "vbmd_": "QCT spine density [mg/cm³] is judged on absolute values and has no T- or Z-score",
    "hu_": "CT numbers [HU] differ between scanners and are not a bone density",
}
BY_RULE = "_by_rule"
_LINES = "_lines_of_age_reference"
_PARTS = ("mean", "mean_slope", "sd", "sd_slope")
_YEARS_OF_A_BYTE = 256
"""Rows that a table holds for each sex: one a whole year of age, as a byte counts them."""


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
    value, centre, scale = (
        numbers_of(x, name) for x, name in ((abmd, "abmd"), (mean, "mean"), (sd, "sd"))
    )
    return (value - centre) / scale


def z_score(abmd: npt.ArrayLike, *, age: npt.ArrayLike, curve: AnyCurve) -> npt.NDArray[np.float64]:
    """Z-score of areal densities against an age curve.

    Parameters
    ----------
    abmd, age : array, shape (n,)
        Density [g/cm²] and age [years].
    curve
        Mean and SD, or a distribution (LMS and its like), by age, of one sex and region.

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
    is_a(
        curve,
        "curve",
        (AgeCurve, DistributionCurve),
        'a curve, as norms.load("by_age", …).curve(sex, roi) gives',
    )
    return curve.score(*(numbers_of(x, name) for x, name in ((abmd, "abmd"), (age, "age"))))


@of_queries
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
        Of the kind that came; null where the reference lacks the sex or the region, and where the
        number is no areal density (0 or below, above 10 g/cm²).

    Raises
    ------
    NormError, DefinitionError, SchemaError

    Warns
    -----
    OutOfRangeWarning
        With how many numbers are no areal density; not of a lazy frame, which is not read here.

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
    is_a(young, "reference", YoungAdultReference, "a YoungAdultReference, or its id")
    frame, restore = as_polars(people)
    columns = _densities(frame, needs=("sex",) if sex_rule == "own_sex" else ())
    if sex_rule == "own_sex":
        frame = _of_known_sex(frame)
    frame = _in_units(frame, dict.fromkeys(columns.values(), DENSEST))
    _warn_of_no_density(frame, columns.values())
    return restore(
        frame.with_columns(
            _of_living(column, t_score_expr(column, roi, young, sex_rule)).alias(f"t_score_{roi}")
            for roi, column in columns.items()
        )
    )


def _of_living(column: str, score: pl.Expr) -> pl.Expr:
    """The score of what can be a density; null of 0, of −1 and of 750 (mg/cm²)."""
    density = pl.col(column)
    return pl.when((density > 0) & (density <= DENSEST)).then(score)


def _warn_of_no_density(frame: Frame, columns: Iterable[str]) -> None:
    """Warn once of the numbers in columns of density that are no density, of an eager frame."""
    if not isinstance(frame, pl.DataFrame):
        return
    numbers = [name for name in columns if frame.schema[name].is_numeric()]
    none = {name: int(((frame[name] <= 0) | (frame[name] > DENSEST)).sum()) for name in numbers}
    if said := ", ".join(
        f"{n:,} of {frame[name].count():,} {name}" for name, n in none.items() if n
    ):
        warnings.warn(
            f"no score where the number is no areal density, 0 or below or above {DENSEST:g} g/cm² "
            f"(a code for missing, or mg/cm²): {said}; osteo_epi.read(frame, units=…, missing=…) "
            "takes such numbers in",
            OutOfRangeWarning,
            stacklevel=4,
        )


def _of_known_sex(frame: Frame) -> Frame:
    """A frame whose people are female, male or of unstated sex; a lazy one is looked at as it runs.

    Raises
    ------
    SchemaError
        At any other word: these people would have no score, and nothing would say so.
    """
    dtype = frame.collect_schema()["sex"]
    if isinstance(frame, pl.DataFrame):
        return frame.with_columns(_only_sexes(frame["sex"]))
    checked = pl.col("sex").map_batches(_only_sexes, return_dtype=dtype, is_elementwise=True)
    return frame.with_columns(checked)


def _in_units(frame: Frame, limits: Mapping[str, float]) -> Frame:
    """A frame whose quantities are in the units of ours; a lazy one is looked at as it runs.

    Raises
    ------
    SchemaError
        If a column holds no numbers, or most of them can only be in another unit.
    """
    schema = frame.collect_schema()
    checked = []
    for name, most in limits.items():
        only = partial(_only_up_to, most=most)
        if schema[name] == pl.Null:
            continue
        if not schema[name].is_numeric():
            raise SchemaError(
                f"column {name} holds {schema[name]}, expected numbers; take the frame in by "
                "osteo_epi.read(frame), which turns text into numbers"
            )
        if isinstance(frame, pl.DataFrame):
            only(frame[name])
        else:
            column = pl.col(name).map_batches(only, return_dtype=schema[name], is_elementwise=True)
            checked.append(column)
    return frame.with_columns(checked)


def _only_up_to(column: pl.Series, *, most: float) -> pl.Series:
    beyond = int((column > most).sum() or 0)
    if beyond > 1 and 2 * beyond > column.count():
        raise SchemaError(
            f"{column.name}: {beyond:,} of {column.count():,} values lie above {most:g}, as in "
            "another unit (mg/cm2 for g/cm2, months for years); take the frame in by "
            f'osteo_epi.read(frame, units={{"{column.name}": "…"}}), which converts them'
        )
    return column


def _only_sexes(sex: pl.Series) -> pl.Series:
    other = sex.count() - int(sex.cast(pl.String, strict=False).is_in(list(SEXES)).sum() or 0)
    if other:
        raise SchemaError(
            f"sex holds values other than {', '.join(SEXES)}: {other:,} of {sex.count():,} rows, "
            "which would have no score; take the frame in by osteo_epi.read(frame), which reads "
            "such words"
        )
    return sex


@of_queries
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
        Of the kind that came; null outside the ages of the curve, where the reference lacks the
        sex or the region, and where the number is no areal density (0 or below, above 10 g/cm²).

    Warns
    -----
    OutOfRangeWarning
        With the number of people whose age lies outside, and with how many numbers are no areal
        density. A lazy frame cannot be counted without reading it, so it gives no warning.

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
    is_a(same_age, "reference", AgeReference, "an AgeReference, or its id")
    frame, restore = as_polars(people)
    columns = _densities(frame, needs=("sex", "age"))
    frame = _of_known_sex(frame)
    frame = _in_units(frame, {"age": OLDEST} | dict.fromkeys(columns.values(), DENSEST))
    _warn_of_no_density(frame, columns.values())
    lines = pl.col(_LINES)
    scored = frame.with_columns(z_lines_expr(same_age, columns).alias(_LINES)).with_columns(
        _of_living(column, z_score_expr(column, roi, same_age, lines=lines)).alias(f"z_score_{roi}")
        for roi, column in columns.items()
    )
    if isinstance(scored, pl.DataFrame):
        _warn_out_of_range(scored, columns, same_age)
    return restore(scored.drop(_LINES))


def t_score_expr(
    column: str, roi: str, reference: YoungAdultReference, sex_rule: str = "own_sex"
) -> pl.Expr:
    """T-score of a column as a Polars expression.

    Parameters
    ----------
    column
        Areal density [g/cm²].
    roi
        Region whose reference is taken, e.g. "lumbar_spine" for `abmd_lumbar_spine_by_rule`.
    reference
        Young adults.
    sex_rule
        "own_sex" (needs the column `sex`), or "female": women's mean and SD for everybody.

    Returns
    -------
    pl.Expr
        [SD]; null where the reference lacks the sex or the region.

    Raises
    ------
    DefinitionError
        If the column is no areal density, or the sex rule is unknown.
    """
    _areal(column, reference)
    if not is_among(sex_rule, SEX_RULES):
        raise DefinitionError(f"sex_rule {sex_rule!r}: expected {' or '.join(SEX_RULES)}")
    value = pl.col(column).cast(pl.Float64)
    by_sex = {sex: reference.standardised(value, sex, roi) for sex in SEXES}
    if sex_rule == "female":
        women = by_sex["female"]
        return _NULL if women is None else women
    chain: Any = pl
    for sex, score in by_sex.items():
        if score is not None:
            chain = chain.when(pl.col("sex") == sex).then(score)
    return _NULL if chain is pl else chain


def z_lines_expr(reference: AgeReference, rois: Iterable[str]) -> pl.Expr:
    """Lines of an age reference at each person's sex and whole year of age, of several regions.

    Given to `z_score_expr` as a column, they are looked up once: one gather of a struct costs half
    of what a gather of each of its fields does. Needs the columns `age` and `sex`.

    Parameters
    ----------
    reference
        Age curves; those that are distributions have no lines.
    rois
        Regions that will be scored.

    Returns
    -------
    pl.Expr
        A struct with intercept and slope of mean and SD for each region; a null where no region
        has a line. What it holds for an age or a sex that no curve covers means nothing.
    """
    fields = {
        _line_name(roi, part): values
        for roi in rois
        if any((curves := _plain(reference, roi)).values())
        for part, values in zip(_PARTS, _lines(curves), strict=True)
    }
    if not fields:
        return pl.lit(None)
    return pl.lit(pl.DataFrame(fields).to_struct(_LINES)).gather(_row_expr())


def z_score_expr(
    column: str, roi: str, reference: AgeReference, *, lines: pl.Expr | None = None
) -> pl.Expr:
    """Z-score of a column as a Polars expression; needs the columns `age` and `sex`.

    Parameters
    ----------
    column
        Areal density [g/cm²].
    roi
        Region whose curve is taken.
    reference
        Age curves; linear between their knots.
    lines
        A column that holds `z_lines_expr(reference, rois)`, this region among them.

    Returns
    -------
    pl.Expr
        [SD]; null outside the curve's ages, and where the reference lacks the sex or the region.

    Raises
    ------
    DefinitionError
        If the column is no areal density.
    """
    _areal(column, reference)
    curves = {sex: reference.curve(sex, roi) for sex in SEXES}
    if not any(curves.values()):
        return _NULL
    skewed = {s: curve for s, curve in curves.items() if isinstance(curve, DistributionCurve)}
    plain = _plain(reference, roi)
    linear = _linear_score(column, plain, roi, lines) if any(plain.values()) else _NULL
    if not skewed:
        return linear
    own = _distribution_score(column, skewed)
    return pl.when(pl.col("sex").cast(pl.String).is_in(list(skewed))).then(own).otherwise(linear)


def _plain(reference: AgeReference, roi: str) -> dict[str, AgeCurve | None]:
    """The curves of mean and SD of a region by sex, without its distributions."""
    curves = {sex: reference.curve(sex, roi) for sex in SEXES}
    return {s: curve if isinstance(curve, AgeCurve) else None for s, curve in curves.items()}


def _line_name(roi: str, part: str) -> str:
    return f"{roi} {part}"


def _linear_score(
    column: str, curves: dict[str, AgeCurve | None], roi: str, lines: pl.Expr | None
) -> pl.Expr:
    """Z-score against means and SDs, as arithmetic of the frame's own engine."""
    if lines is None:
        row = _row_expr()
        parts = [pl.lit(table).gather(row) for table in _lines(curves)]
    else:
        parts = [lines.struct.field(_line_name(roi, part)) for part in _PARTS]
    mean, mean_slope, sd, sd_slope = parts
    age = pl.col("age").cast(pl.Float64)
    score = (pl.col(column).cast(pl.Float64) - mean - mean_slope * age) / (sd + sd_slope * age)
    return pl.when(_in_range(curves)).then(score)


def _row_expr() -> pl.Expr:
    """Row of each person in the tables of `_lines`, by sex and whole year of age.

    Some row for whatever age and sex there is, and none is out of bounds: `_in_range` says for whom
    it means something. A cast that looks for what does not fit costs as much as two gathers.
    """
    year = pl.col("age").cast(pl.Float64).cast(pl.UInt8, wrap_numerical=True)
    start: Any = pl.lit(0, dtype=pl.UInt32)
    for place, sex in enumerate(SEXES[1:], start=1):
        own = pl.lit(place * _YEARS_OF_A_BYTE, dtype=pl.UInt32)
        start = pl.when(pl.col("sex") == sex).then(own).otherwise(start)
    return start + year


def _distribution_score(column: str, curves: dict[str, DistributionCurve]) -> pl.Expr:
    """Z-score against distributions, by the array's own arithmetic: the same to the last bit."""

    def score(table: pl.Series) -> pl.Series:
        columns = table.struct
        abmd, age = (columns.field(name).to_numpy() for name in ("abmd", "age"))
        z = np.full(len(table), np.nan)
        for sex, curve in curves.items():
            mine = columns.field(sex).fill_null(False).to_numpy()
            z[mine] = curve.score(abmd[mine], age[mine])
        return pl.Series(z, nan_to_null=True)

    fields = [pl.col(column).cast(pl.Float64).alias("abmd"), pl.col("age").cast(pl.Float64)]
    fields += [(pl.col("sex") == sex).alias(sex) for sex in curves]
    return pl.struct(fields).map_batches(score, return_dtype=pl.Float64, is_elementwise=True)


def _areal(column: str, reference: YoungAdultReference | AgeReference) -> None:
    for start, why in _NO_DENSITY.items():
        if column.startswith(start):
            raise DefinitionError(f"column {column} cannot be scored against {reference.id}: {why}")
    if not column.startswith(DENSITY):
        raise DefinitionError(
            f"column {column} cannot be scored: expected an areal density, {DENSITY}<roi> [g/cm²]"
        )


def _lines(curves: Mapping[str, AgeCurve | None]) -> list[pl.Series]:
    """Intercept and slope of mean and of SD, one row for each sex and whole year; `_row_expr`.

    Exact, because the knots stand at whole years (the loader sees to it).
    """
    years = np.arange(_YEARS_OF_A_BYTE)
    columns: list[list[npt.NDArray[np.float64]]] = [[], [], [], []]
    for curve in curves.values():
        for place, values in enumerate(("mean", "sd")):
            if curve is None:
                start = slope = np.full(years.shape, np.nan)
            else:
                _refuse_beyond(curve)
                knots = getattr(curve, values)
                start = np.interp(years, curve.age, knots)
                slope = np.interp(years + 1, curve.age, knots) - start
            columns[2 * place].append(start - slope * years)
            columns[2 * place + 1].append(slope)
    return [pl.Series(np.concatenate(parts)) for parts in columns]


def _refuse_beyond(curve: AgeCurve) -> None:
    """Refuse a curve of people older than the tables: their line would be that of the last year."""
    if curve.ages.upper > _YEARS_OF_A_BYTE:
        raise NormError(
            f"an age reference with a curve for ages {curve.ages}: nobody is older than "
            f"{OLDEST:g}; its ages are in years, not in months"
        )


def _in_range(curves: Mapping[str, AnyCurve | None]) -> pl.Expr:
    """Whether a person's age lies within the curve of the sex; null where age or sex is."""
    age = pl.col("age").cast(pl.Float64)
    spans = {sex: curve.ages for sex, curve in curves.items() if curve is not None}
    if len(set(spans.values())) == 1:
        covered = pl.any_horizontal(pl.col("sex") == sex for sex in spans)
        return next(iter(spans.values())).expression(age) & covered
    chain: Any = pl
    for sex, span in spans.items():
        chain = chain.when(pl.col("sex") == sex).then(span.expression(age))
    return chain


def _warn_out_of_range(
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
            outside.append(measured & has_curve & ~_in_range(curves))
    count = frame.select(pl.any_horizontal(outside).sum()).item() if outside else 0
    if count:
        ages = sorted({str(entry.curve.ages) for entry in reference.curves})
        warnings.warn(
            f"{count} of {frame.height} people have no Z-score: their age is outside "
            f"{', '.join(ages)} years of {reference.id}",
            OutOfRangeWarning,
            stacklevel=4,
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
