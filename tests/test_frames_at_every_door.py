"""Whoever reads columns of the codebook from a frame refuses it in other words, types or units."""

from __future__ import annotations

import contextlib

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi import calibration, diagnosis, norms, population, reference, risk, tables
from osteo_epi.errors import OsteoEpiError, SchemaError

RULES = oe.definition("iscd_2019", reference="nhanes_2005_2010_derived")
CURVE = oe.simulate(600, seed=2).frame.filter(pl.col("sex") == "female")

SEX, AGE = pl.col("sex"), pl.col("age")
BMD = pl.selectors.matches("^abmd_(total_hip|femoral_neck|lumbar_spine|l[1-4])$")
FOREIGN = {
    "F and M": SEX.replace({"female": "F", "male": "M"}),
    "女": SEX.replace({"female": "女", "male": "男"}),
    "mg/cm2": BMD * 1000,
    "months": AGE * 12,
    "ages as text": AGE.cast(pl.String),
    "densities as text": BMD.cast(pl.String),
}
WORDS = {"F and M", "女"}
AGES = {"months", "ages as text"}
DENSITIES = {"mg/cm2", "densities as text"}
DOORS = {
    "bmd_by_age": (lambda x: population.bmd_by_age(x, RULES), WORDS | AGES | DENSITIES),
    "table_one": (lambda x: tables.table_one(x), AGES | DENSITIES),
    "with_t_scores": (
        lambda x: norms.with_t_scores(x, reference="nhanes_2005_2010_derived"),
        WORDS | DENSITIES,
    ),
    "with_z_scores": (
        lambda x: norms.with_z_scores(x, reference="nhanes_2005_2008_nhw"),
        WORDS | AGES | DENSITIES,
    ),
    "with_neighbour_flag": (
        lambda x: diagnosis.with_neighbour_flag(x, reference="nhanes_2005_2010_derived"),
        WORDS | DENSITIES,
    ),
    "with_sbmd": (lambda x: calibration.with_sbmd(x), DENSITIES),
    "with_maker_scale": (lambda x: calibration.with_maker_scale(x, maker="lunar"), DENSITIES),
    "between_devices": (
        lambda x: calibration.between_devices(x, column="abmd_total_hip", reference="lunar_1"),
        WORDS | AGES | DENSITIES,
    ),
    "with_change": (
        lambda x: calibration.with_change(x, value="abmd_total_hip", lsc=0.03),
        DENSITIES,
    ),
    "with_screening": (lambda x: risk.with_screening(x, index="osta"), AGES),
    "balance": (lambda x: reference.balance(x), WORDS | AGES),
    "check_reference_people": (lambda x: reference.check_reference_people(x), WORDS | AGES),
    "outliers": (
        lambda x: reference.outliers(reference.fit_curve(CURVE, "abmd_femoral_neck"), x),
        WORDS | AGES | DENSITIES,
    ),
    "definition": (
        lambda x: oe.definition("iscd_2019", reference="own_young_adults", people=x),
        WORDS | AGES | DENSITIES,
    ),
    "classify": (lambda x: oe.classify(x, RULES), WORDS | AGES | DENSITIES),
    "prevalence": (lambda x: oe.prevalence(x, RULES), WORDS | AGES | DENSITIES),
    "prevalence_trend": (
        lambda x: population.prevalence_trend(x, RULES, over="exam_year"),
        WORDS | AGES | DENSITIES,
    ),
    "definition_grid": (
        lambda x: oe.definition_grid(x, {"a": RULES, "b": oe.definition("nchs_bone_2021")}),
        WORDS | AGES | DENSITIES,
    ),
    "compare": (
        lambda x: reference.compare(
            "nhanes3_white_female", "nhanes_2005_2010_derived", x, rois="femoral_neck"
        ),
        WORDS | AGES | DENSITIES,
    ),
}


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    frame = oe.simulate(900, seed=1, devices="seven_centres").frame
    return frame.with_columns(
        SEX.cast(pl.String),
        pl.col("device_maker").cast(pl.String),
        person_id=pl.int_range(pl.len()),
        scan_date=pl.date(2020, 1, 1),
        exam_year=2018.0 + pl.int_range(pl.len()) % 3,
        weight=60.0,
    )


READ = (
    *("sex", "age", "abmd_femoral_neck", "abmd_total_hip", "abmd_lumbar_spine", "weight"),
    *("scan_date", "person_id", "exam_year", "device_maker", "device"),
)
# These read their columns as `classify` does, whose own tests hold it.
SLOW = {"compare", "definition_grid", "prevalence", "prevalence_trend"}


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.OsteoEpiWarning")
@pytest.mark.parametrize("door", sorted(set(DOORS) - SLOW))
def test_columns_that_lack_or_hold_nothing_end_in_words_of_ours(people, door):
    """An error of Polars says not what to do, and may show what stands in the rows."""
    call, _ = DOORS[door]
    few = people.head(60)
    for name in READ:
        others, column = pl.all().exclude(name), pl.col(name)
        for broken in (
            few.select(others),
            few.with_columns(pl.lit(None).alias(name)),
            few.with_columns(pl.when(False).then(column).alias(name)),
            few.with_columns(pl.lit("x").alias(name)),
        ):
            with contextlib.suppress(OsteoEpiError):
                call(broken)
    for kind in (few.head(0), few.head(1), people.lazy(), people.to_pandas(), pl.DataFrame()):
        with contextlib.suppress(OsteoEpiError):
            call(kind)


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.OsteoEpiWarning")
@pytest.mark.parametrize("door", DOORS)
def test_what_is_not_the_codebooks_is_refused_with_the_way_in(people, door):
    call, refuses = DOORS[door]
    call(people)
    for kind, change in FOREIGN.items():
        if kind in refuses:
            with pytest.raises(SchemaError, match=r"osteo_epi\.read\(|take it in by"):
                call(people.with_columns(change))
