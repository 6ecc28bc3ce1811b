"""Where a Z-score alone judges people, no estimate of a class by T-scores is a number."""

from __future__ import annotations

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi import calibration, cohort, population

RULES = oe.definition(
    "china_2020", reference="nhanes_2005_2010_derived", age_reference="nhanes_2005_2008_nhw_derived"
)
OTHER = oe.definition(
    "iscd_2019", reference="nhanes_2005_2010_derived", age_reference="nhanes_2005_2008_nhw_derived"
)
AGES = {"ages": (20, 45)}


def young_men(n: int = 2_000) -> oe.Cohort:
    people = oe.simulate(n, seed=1, devices="seven_centres")
    frame = people.frame.filter(
        (pl.col("sex") == "male") & pl.col("age").is_between(20, 44.9), pl.col("age").is_not_null()
    )
    return people.with_frame(
        frame.with_columns(cycle=pl.int_range(pl.len()) % 3 + 1, fragility_fracture=False)
    )


@pytest.fixture(scope="module")
def people() -> oe.Cohort:
    return young_men()


def correction() -> calibration.Correction:
    lines = calibration.phantom_lines(cohort.simulate_phantom(seed=8))
    return lines.correction(to="lunar_1")


ESTIMATES = {
    "prevalence": lambda people: oe.prevalence(people, RULES, **AGES).frame,
    "grid": lambda people: oe.definition_grid(people, {"a": RULES, "b": OTHER}, **AGES).to_frame(),
    "trend": lambda people: population.prevalence_trend(people, RULES, over="cycle", **AGES).frame,
    "decomposition": lambda people: (
        population.decompose_difference(people, RULES, OTHER, **AGES).frame
    ),
    "in populations": lambda people: population.people_in_populations(
        people, RULES, populations=["china_2010"], ages=(20, 45), age_bands=(20, 30, 45)
    ),
    "calibrated": lambda people: (
        population.calibrated_prevalence(people, correction(), RULES, **AGES).frame
    ),
}


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.OsteoEpiWarning")
@pytest.mark.parametrize("kind", ESTIMATES)
def test_nobody_judged_by_t_scores_is_no_zero_per_cent(people, kind):
    table = ESTIMATES[kind](people)
    rows = table.filter(pl.col("class") == "osteoporosis") if "class" in table.columns else table
    assert len(rows)
    for column in ("estimate", "lower", "upper", "people_affected", "difference"):
        if column in rows.columns:
            assert rows[column].null_count() == len(rows), column
