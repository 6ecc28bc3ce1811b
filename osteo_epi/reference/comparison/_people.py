"""What two references make of the same people: classes, who moves, differences of the scores."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.agreement import BlandAltman, PointEstimate, bland_altman
from osteo_epi.diagnosis import Definition, classify
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.population import COMMON, DefinitionGrid, definition_grid
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import survey_interval

ALL = "all"
CLASSES = ("osteoporosis", "low_bone_mass", "normal")
AGE, BMI = "age", "bmi"
METHOD = "beta"
LEVEL = "_level"
FEW = 3
MOVED = {
    "factor": pl.String, "level": pl.String, "n": pl.Int64, "n_into": pl.Int64,
    "n_out_of": pl.Int64, "into": pl.Float64, "into_lower": pl.Float64, "into_upper": pl.Float64,
    "out_of": pl.Float64, "out_of_lower": pl.Float64, "out_of_upper": pl.Float64,
}  # fmt: skip
SCORES = {
    "score": pl.String, "roi": pl.String, "sex": pl.String, "n": pl.Int64, "bias": pl.Float64,
    "bias_lower": pl.Float64, "bias_upper": pl.Float64, "sd": pl.Float64, "lower": pl.Float64,
    "upper": pl.Float64, "slope": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class WeightedKappa(Result):
    """Cohen's kappa of two classifications of a population, weighted by the squared steps.

    Attributes
    ----------
    kappa
        With standard error and limits by the design; without limits where one classification puts
        everybody into one class, as kappa is 0 there whatever the other says.
    n
        People with both classes.
    df
        Degrees of freedom of the limits.
    classes
        In order.
    """

    kappa: PointEstimate
    n: int
    df: int | None
    classes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row: estimate, se, lower, upper, n, df."""
        row = {**self.kappa.as_row(), "n": self.n, "df": self.df}
        kinds = {**dict.fromkeys(self.kappa.as_row(), pl.Float64), "n": pl.Int64, "df": pl.Int64}
        return pl.DataFrame([row], schema=kinds)

    def _summary(self) -> str:
        return f"{self.kappa}, quadratic weights, n = {count(self.n)}"


@dataclass(frozen=True)
class Target:
    """People in whom two definitions are compared, and how.

    Parameters
    ----------
    people
        As they came.
    definitions
        Two, by the names of the references; the first is the base.
    bone_class
        The class that is counted.
    options
        Of `definition_grid`.
    scores
        Those that the references differ in, of "t" and "z".
    """

    people: Any
    definitions: Mapping[str, Definition]
    bone_class: str
    options: Mapping[str, Any]
    scores: tuple[str, ...] = ("t", "z")

    def grid(
        self, by: Sequence[str], people: Any = None, domain: pl.Expr | None = None
    ) -> DefinitionGrid:
        """Prevalences, classes and moves by the one engine."""
        return definition_grid(
            self.people if people is None else people, self.definitions, by=by,
            bone_class=self.bone_class, domain=domain, **self.options,
        )  # fmt: skip

    def movers(self, factors: Mapping[str, pl.Expr]) -> pl.DataFrame:
        """Shares moved into and out of the class, by the levels of each factor.

        Returns
        -------
        DataFrame
            factor, level, n (whom both classify), n_into, n_out_of, into, out_of (shares of the
            level, 0 to 1) with lower and upper.
        """
        frame, restore = as_polars(self.people)
        rows = [_moved("sex", self.grid(["sex"]), "sex")]
        for name, level in factors.items():
            people = restore(frame.with_columns(level.alias(LEVEL)))
            # A domain, not a filter: those without a level keep their sampling units.
            stated = pl.col(LEVEL).is_not_null()
            moved = _moved(name, self.grid([LEVEL], people, stated), LEVEL)
            kind = frame.lazy().select(level).collect_schema().dtypes()[0]
            rows.append(moved.filter(pl.col("level") != ALL).sort(pl.col("level").cast(kind)))
        return pl.concat(rows)


def _moved(factor: str, grid: DefinitionGrid, column: str) -> pl.DataFrame:
    rows = grid.reclassification.rename({column: "level"})
    return rows.with_columns(factor=pl.lit(factor)).select(
        pl.col(name).cast(kind) for name, kind in MOVED.items()
    )


@cache
def _edges() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("bands.toml").read_text(encoding="utf-8"))


def factors(
    people: Any,
    by: Sequence[str],
    age_bands: Sequence[float] | None,
    bmi_bands: Sequence[float] | None,
) -> dict[str, pl.Expr]:
    """Levels by which movers are shown: bands of age and body mass index, and columns named."""
    names = as_polars(people)[0].collect_schema().names()
    absent = [name for name in by if name not in names]
    if absent:
        raise SchemaError(f"by: column(s) {', '.join(absent)} are not in the data")
    levels = {AGE: _cut(AGE, pl.col("age"), age_bands)}
    if BMI in names:
        levels[BMI] = _cut(BMI, pl.col(BMI), bmi_bands)
    elif {"weight", "height"} <= set(names):
        levels[BMI] = _cut(BMI, pl.col("weight") / (pl.col("height") / 100) ** 2, bmi_bands)
    return levels | {name: pl.col(name).cast(pl.String) for name in by if name != "sex"}


def _cut(name: str, value: pl.Expr, given: Sequence[float] | None) -> pl.Expr:
    """Bands closed below: under the first edge, between two, from the last."""
    edges = list(_edges()[name]["edges"] if given is None else given)
    if not edges or edges != sorted(set(edges)):
        raise DefinitionError(f"{name}_bands={edges!r}; expected edges in ascending order")
    texts = [f"below {edges[0]:g}", *(f"{a:g} to below {b:g}" for a, b in pairwise(edges)),
             f"{edges[-1]:g} and above"]  # fmt: skip
    place = pl.sum_horizontal(
        *((value.fill_nan(None) >= edge).cast(pl.Int64) for edge in edges), ignore_nulls=False
    )
    return place.replace_strict(dict(enumerate(texts)), return_dtype=pl.Enum(texts))


def crossed(grid: DefinitionGrid, confidence: float) -> pl.DataFrame:
    """Classes under the first reference by classes under the second, with limits of the shares.

    Returns
    -------
    DataFrame
        sex, first, second (classes), n, share_unweighted, share (of all whom both classify, 0 to
        1), se, lower, upper (by the design), moved (whether the class is another).
    """
    df = grid.differences.filter(statistic="crude", set=COMMON).select("definition", "sex", "df")
    rows = grid.class_moves.join(df, on=["definition", "sex"], how="left", maintain_order="left")
    n = (rows["n"] / rows["share_unweighted"]).to_numpy()
    free = rows["df"].fill_null(0).to_numpy()
    lower, upper = survey_interval(
        rows["share"].to_numpy(), rows["se"].to_numpy(), n=n, df=np.where(free > 0, free, n - 1),
        method=METHOD, confidence=confidence,
    )  # fmt: skip
    return rows.select(
        "sex",
        pl.col("base_class").alias("first"),
        pl.col("class").alias("second"),
        "n",
        "share_unweighted",
        "share",
        "se",
        pl.Series("lower", lower),
        pl.Series("upper", upper),
        (pl.col("base_class") != pl.col("class")).alias("moved"),
    )


def weighted_kappa(grid: DefinitionGrid, classes: Sequence[str]) -> dict[str, WeightedKappa | None]:
    """Kappa with quadratic weights, by sex and of all; None where all are in one class by both."""
    rows = grid.weighted_kappa.rename({"kappa": "estimate"})
    kappas = dict[str, WeightedKappa | None]()
    for row in rows.iter_rows(named=True):
        numbers = (row[name] for name in ("estimate", "se", "lower", "upper"))
        known = row["estimate"] is not None
        kappas[row["sex"]] = (
            WeightedKappa(PointEstimate(*numbers), row["n"], row["df"], tuple(classes))
            if known
            else None
        )
    return kappas


def score_differences(
    target: Target, rois: Sequence[str], confidence: float, *, accept_errors: bool
) -> tuple[pl.DataFrame, dict[tuple[str, str], BlandAltman]]:
    """Bland–Altman of the two scores of the same people, T where it applies and Z elsewhere.

    Returns
    -------
    tuple
        Frame: score (t, z), roi, sex, n, bias (second less first) with limits, sd, lower and upper
        limits of agreement, slope on the mean; and by score and region the results of both sexes
        together. People count alike: agreement is one of persons, not of a population.
    """
    one, two = (
        as_polars(classify(target.people, chosen, accept_errors=accept_errors))[0].lazy().collect()
        for chosen in target.definitions.values()
    )
    rows, results = list[dict[str, Any]](), dict[tuple[str, str], BlandAltman]()
    for score, roi in ((score, roi) for score in target.scores for roi in rois):
        name = f"{score}_score_{roi}"
        if name not in one.columns or name not in two.columns:
            continue
        table = pl.DataFrame({"sex": one["sex"].cast(pl.String), "x": one[name], "y": two[name],
                              "applied": one["score_applied"]})  # fmt: skip
        table = table.filter(pl.col("applied") == score).drop_nulls(["x", "y"])
        for sex, own in _by_sex(table):
            if own.height >= FEW:
                found = bland_altman(own["x"], own["y"], confidence=confidence)
                rows.append({"score": score, "roi": roi, "sex": sex} | _row(found))
                if sex == ALL:
                    results[score, roi] = found
    return pl.DataFrame(rows, schema=SCORES), results


def _by_sex(table: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for sex in ("female", "male"):
        yield sex, table.filter(pl.col("sex") == sex)
    yield ALL, table


def _row(found: BlandAltman) -> dict[str, Any]:
    slope = None if found.proportional is None else found.proportional.slope.estimate
    return {
        "n": found.n, "bias": found.bias.estimate, "bias_lower": found.bias.lower,
        "bias_upper": found.bias.upper, "sd": found.sd, "lower": found.lower.estimate,
        "upper": found.upper.estimate, "slope": slope,
    }  # fmt: skip
