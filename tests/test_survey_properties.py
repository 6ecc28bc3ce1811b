"""What must hold of every design and sample, whatever the numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from survey_samples import CLASSES, DISEASE, NUMBERS, fast, same, samples

from osteo_epi.population import prevalence
from osteo_epi.survey import SurveyDesign, domain_means, mean, standardised_mean

DESIGN = SurveyDesign(weight="w", stratum="s", psu="p")


def rows(data: pl.DataFrame, design: SurveyDesign = DESIGN, **how: object) -> pl.DataFrame:
    how = {"by": "sex", "age_bands": (50, 70, 200)} | how
    return prevalence(data, DISEASE, design=design, **how).to_frame()


@fast
@given(samples(), st.floats(1e-3, 1e3))
def test_scaling_weights_changes_no_proportion_nor_its_error(data, factor) -> None:
    same(rows(data), rows(data.with_columns(pl.col("w") * factor)))


@fast
@given(samples(), st.integers(0, 99))
def test_shuffling_changes_nothing(data, seed) -> None:
    same(rows(data), rows(data.sample(fraction=1, shuffle=True, seed=seed)), (*NUMBERS, "deff"))


@fast
@given(samples())
def test_everyone_twice_at_half_weight_gives_the_same_error(data) -> None:
    half = data.with_columns(pl.col("w") / 2)
    same(rows(data), rows(pl.concat([half, half])), ("estimate", "se", "df"))


@fast
@given(samples())
def test_a_domain_equals_zero_weights(data) -> None:
    women = pl.col("sex") == "female"
    zero = data.with_columns(w=pl.when(women).then("w").otherwise(0.0))
    same(rows(data, by=(), domain=women), rows(zero, by=()), (*NUMBERS, "n_missing"))


@fast
@given(samples())
def test_relabelling_strata_and_units_changes_nothing(data) -> None:
    named = data.with_columns(
        s="stratum " + (9 - pl.col("s")).cast(pl.String), p=pl.col("p").cast(pl.Float64) * -7
    )
    same(rows(data), rows(named))


@fast
@given(samples())
def test_an_unused_level_changes_nothing(data) -> None:
    unused = data.with_columns(pl.col("sex").cast(pl.Enum(["female", "male", "nobody"])))
    same(rows(data), rows(unused))


@fast
@given(samples())
def test_unnested_labels_equal_nested_ones(data) -> None:
    whole = data.with_columns(p=pl.col("s") * 10 + pl.col("p"))
    same(rows(data), rows(whole, SurveyDesign("w", "s", "p", nest=False)))


@fast
@given(samples())
def test_standardising_to_the_own_structure_returns_the_crude_value(data) -> None:
    arrays = DESIGN.arrays(data)
    band = (data["age"].to_numpy() > 65).astype(int)
    event = np.where(data["bone_class"] == "osteoporosis", 1.0, 0.0)
    share = np.bincount(band, weights=arrays.weight)
    crude = mean(event, arrays)
    own = standardised_mean(event, band, share / share.sum(), arrays)
    assert own.value == pytest.approx(crude.value)


@fast
@given(samples())
def test_people_who_are_not_classified_change_no_estimate(data) -> None:
    """Turning them into people without a class is nothing; they are never healthy."""
    nulls = data.with_columns(
        bone_class=pl.when(pl.col("bone_class") != "not_classifiable").then("bone_class")
    )
    same(rows(data), rows(nulls), (*NUMBERS, "n_missing"))
    assert (rows(data)["n"] + rows(data)["n_missing"])[0] == data.filter(
        (pl.col("sex") == "female") & (pl.col("age") >= 50)
    ).height


@fast
@given(samples())
def test_classes_add_up(data) -> None:
    three = rows(data, classes=list(CLASSES[:3]), by=())
    crude = three.filter(statistic="crude")
    assert crude["estimate"].sum() == pytest.approx(1)


@fast
@given(samples(), st.sampled_from(["units", "people"]))
def test_means_of_domains_are_those_of_each_alone(data, kind) -> None:
    """Sparse linearised values give what a dense column a domain gives, with its covariance."""
    arrays = (SurveyDesign("w", "s") if kind == "people" else DESIGN).arrays(data)
    band = (data["age"].to_numpy() > 65).astype(int)
    age = np.where(data["bone_class"] == "not_classifiable", np.nan, data["age"].to_numpy())
    group = np.where(data["sex"] == "female", band, 2)
    together = domain_means(age, np.where(group == 2, -1, group), arrays)
    alone = [mean(age, arrays, domain=group == k) for k in range(2)]
    assert together.value == pytest.approx([a.value[0] for a in alone])
    assert together.se == pytest.approx([a.se[0] for a in alone])
    assert together.n == sum(a.n for a in alone)
    joint = mean(age, arrays, domain=group < 2)
    share = np.array([(arrays.weight * ~np.isnan(age))[group == k].sum() for k in range(2)])
    assert joint.value[0] == pytest.approx(together.value @ share / share.sum())
