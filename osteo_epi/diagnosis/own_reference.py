"""A young-adult reference from the people at hand, as the Chinese surveys make it.

It stands here and not with the norms because it needs the spine rule: the lumbar spine of the
young must be made of the same vertebrae as that of the old.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.diagnosis.densities import Areal
from osteo_epi.diagnosis.offered import Offered, measured
from osteo_epi.diagnosis.regions import DIAGNOSTIC
from osteo_epi.diagnosis.spine import find_spine_rule
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import enter
from osteo_epi.norms.bands import Interval
from osteo_epi.norms.norm import Citation
from osteo_epi.norms.references import CTXA, SEXES, Entry, MeanSD, YoungAdultReference

OWN_REFERENCE = "own_young_adults"
REGIONS = (*DIAGNOSTIC, "radius_33", f"femoral_neck{CTXA}", f"total_hip{CTXA}")
LEAST = 30


def young_adult_reference(
    people: Any,
    *,
    ages: tuple[int, int] = (20, 39),
    weight: str | None = None,
    spine_rule: str = "at_least_two",
    rois: tuple[str, ...] | None = None,
    least: int = LEAST,
) -> YoungAdultReference:
    """Take mean and SD of each sex and region from the people's own young adults.

    Parameters
    ----------
    people
        Any frame with `age` [years], `sex` and areal densities [g/cm²]. Leave out beforehand who
        is not normal (bone disease, drugs); readings stated invalid are left out here.
    ages
        First and last completed year of age [years]; 20–39 as in Wang 2021 and Zhang 2007. Which
        years count as the peak is a choice that changes every T-score.
    weight
        Column of survey weights; SDs then are as R's `svyvar`, with n/(n − 1).
    spine_rule
        Rule of the lumbar spine; take the same in the definition.
    rois
        Regions wanted; by default all that the frame holds.
    least
        People of one sex that a region needs; fewer are an error. Ours, not published: with n
        people the cut-off at T = −2.5 has a standard error of SD √(1/n + 2.5²/(2(n − 1))).

    Returns
    -------
    YoungAdultReference
        With id "own_young_adults", labelled derived. A sex without any young adult is absent.

    Raises
    ------
    SchemaError
        If a column is missing, or a sex has some young adults at a region and too few.

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({
    ...     "age": [25.0, 31.0, 39.9, 40.0], "sex": ["female"] * 4,
    ...     "abmd_femoral_neck": [0.8, 0.9, 1.0, 0.2],
    ... })
    >>> own = young_adult_reference(people, least=3)
    >>> value = own.mean_sd("female", "femoral_neck")
    >>> round(value.mean, 12), round(value.sd, 12), value.n
    (0.9, 0.1, 3)
    """
    frame, _ = enter(people)
    offered = Offered.of(frame)
    wanted = ("age", "sex") if weight is None else ("age", "sex", weight)
    offered.require(wanted, purpose="a young-adult reference")
    densities = _densities(offered, spine_rule, REGIONS if rois is None else rois)
    years = Interval(ages[0], ages[1] + 1, True, False)
    _check_choices(ages, least, densities, rois)
    table = _young(frame, offered, densities, years, weight)
    entries = tuple(
        Entry(sex, roi, _mean_sd(*values, years))
        for sex in SEXES
        for roi in densities
        if (values := _values(table, sex, roi, least))
    )
    if not entries:
        raise SchemaError(
            f"nobody of {ages[0]}–{ages[1]} years has a density; give other ages=, or a published "
            f"reference in the definition"
        )
    return _reference(people, entries, ages)


def _check_choices(
    ages: tuple[int, int], least: int, densities: dict[str, pl.Expr], rois: tuple[str, ...] | None
) -> None:
    if ages[0] > ages[1]:
        raise DefinitionError(f"ages={ages}: expected the first and the last completed year")
    if least < 2:
        raise DefinitionError(f"least={least}: an SD needs at least 2 people")
    missing = [roi for roi in rois or () if roi not in densities]
    if missing or not densities:
        columns = ", ".join(f"abmd_{roi}" for roi in missing or REGIONS)
        raise SchemaError(f"a young-adult reference needs the column(s) {columns}")


def _densities(offered: Offered, rule: str, rois: tuple[str, ...]) -> dict[str, pl.Expr]:
    areal = Areal(offered, find_spine_rule(rule))
    made = {roi: areal.density(roi) for roi in rois}
    return {roi: density for roi, density in made.items() if density is not None}


def _young(
    frame: pl.DataFrame | pl.LazyFrame,
    offered: Offered,
    densities: dict[str, pl.Expr],
    years: Interval,
    weight: str | None,
) -> pl.DataFrame:
    """Read the young adults' densities, and nothing else of the frame."""
    age = offered.quantity("age")
    weights = None if weight is None else offered.quantity(weight)
    assert age is not None, "age is required above"
    lazy = frame.lazy().filter(years.expression(age))
    return lazy.select(
        pl.col("sex").cast(pl.String),
        (pl.lit(1.0) if weights is None else measured(weights)).alias("weight"),
        *(density.alias(roi) for roi, density in densities.items()),
    ).collect()


def _values(
    table: pl.DataFrame, sex: str, roi: str, least: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Densities and weights of one sex at one region; None where there is nobody."""
    rows = table.filter(pl.col("sex") == sex).select(roi, "weight").drop_nulls()
    if not rows.height:
        return None
    if rows.height < least:
        raise SchemaError(
            f"only {rows.height} young adults ({sex}) have a density at {roi}, expected at least "
            f"{least}; widen ages=, name the regions wanted with rois=, or lower least="
        )
    return rows[roi].to_numpy(), rows["weight"].to_numpy()


def _mean_sd(
    density: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], years: Interval
) -> MeanSD:
    n, share = len(density), weight / weight.sum()
    mean = float((share * density).sum())
    variance = float((share * (density - mean) ** 2).sum()) * n / (n - 1)
    return MeanSD(mean=mean, sd=variance**0.5, n=n, ages=years)


def _reference(
    people: Any, entries: tuple[Entry, ...], ages: tuple[int, int]
) -> YoungAdultReference:
    """Label the reference as derived, and with what its data are labelled."""
    label = getattr(getattr(people, "source", None), "label", "")
    made = YoungAdultReference(
        id=OWN_REFERENCE,
        title=f"the study's own young adults, {ages[0]}–{ages[1]} years",
        citation=Citation("Derived from the data analysed here."),
        verification="A",
        labels=("derived", label) if label else ("derived",),
        population="the people analysed",
        maker="unknown",
        entries=entries,
    )
    return replace(made, sha256=hashlib.sha256(repr(made).encode()).hexdigest())
