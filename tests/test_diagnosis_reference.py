"""A reference from the study's own young adults."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.cohort import Cohort
from osteo_epi.diagnosis import classify, definition, young_adult_reference
from osteo_epi.errors import DefinitionError, PrecisionWarning, SchemaError


def people(n: int = 400, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "sex": rng.choice(["female", "male"], n),
            "abmd_femoral_neck": rng.normal(0.9, 0.12, n).round(3),
            "abmd_l1": rng.normal(0.9, 0.12, n).round(3),
            "abmd_l2": rng.normal(1.0, 0.12, n).round(3),
            "valid_femoral_neck": rng.random(n) > 0.1,
            "weight": rng.uniform(0.5, 2.0, n),
        }
    )


def test_mean_and_sd_are_those_of_the_young_with_valid_readings() -> None:
    frame = people()
    own = young_adult_reference(frame, ages=(20, 39))
    young = frame.filter(pl.col("age").is_between(20, 39) & (pl.col("sex") == "male"))
    neck = young.filter("valid_femoral_neck")["abmd_femoral_neck"]
    value = own.mean_sd("male", "femoral_neck")
    assert (value.mean, value.sd) == pytest.approx((neck.mean(), neck.std()), abs=1e-14)
    assert value.n == neck.len()
    spine = (young["abmd_l1"] + young["abmd_l2"]) / 2
    found = own.mean_sd("male", "lumbar_spine")
    assert (found.mean, found.sd) == pytest.approx((spine.mean(), spine.std()), abs=1e-14)
    assert own.labels == ("derived",)
    assert own.id == "own_young_adults"


def test_the_last_year_of_age_is_whole() -> None:
    frame = pl.DataFrame(
        {
            "age": [19.99, 20.0, 39.99, 40.0],
            "sex": ["male"] * 4,
            "abmd_total_hip": [2.0, 1.0, 1.2, 2.0],
        }
    )
    assert young_adult_reference(frame, least=2).mean_sd("male", "total_hip").n == 2


def test_weights_that_repeat_people_move_the_mean_and_equal_weights_nothing() -> None:
    frame = people()
    plain = young_adult_reference(frame).mean_sd("female", "femoral_neck")
    equal = young_adult_reference(frame.with_columns(w=7.0), weight="w")
    assert equal.mean_sd("female", "femoral_neck").sd == pytest.approx(plain.sd, abs=1e-14)
    young = frame.filter(
        pl.col("age").is_between(20, 39) & (pl.col("sex") == "female"), "valid_femoral_neck"
    )
    values, weights = young["abmd_femoral_neck"].to_numpy(), young["weight"].to_numpy()
    mean = np.average(values, weights=weights)
    n = len(values)
    sd = np.sqrt(np.average((values - mean) ** 2, weights=weights) * n / (n - 1))
    found = young_adult_reference(frame, weight="weight").mean_sd("female", "femoral_neck")
    assert (found.mean, found.sd) == pytest.approx((mean, sd), abs=1e-14)


def test_too_few_young_people_are_an_error_that_names_them() -> None:
    frame = people(60)
    with pytest.raises(SchemaError, match=r"only \d+ young adults \(female\).*at least 30"):
        young_adult_reference(frame, rois=("femoral_neck",))
    with pytest.raises(SchemaError, match="nobody of 90–95 years"):
        young_adult_reference(frame, ages=(90, 95))
    with pytest.raises(SchemaError, match="abmd_radius_33"):
        young_adult_reference(frame, rois=("radius_33",))
    with pytest.raises(DefinitionError, match="first and the last"):
        young_adult_reference(frame, ages=(39, 20))
    with pytest.raises(DefinitionError, match="at least 2 people"):
        young_adult_reference(frame, least=1)


def test_a_region_that_nobody_asked_for_is_left_out_with_a_warning() -> None:
    frame = people().with_row_index("row")
    few = frame.with_columns(
        pl.when(pl.col("row") < 40).then(pl.col("abmd_l1")).alias("abmd_total_hip")
    )
    with pytest.warns(PrecisionWarning, match="total_hip.*the region is left out"):
        own = young_adult_reference(few)
    assert own.mean_sd("female", "total_hip") is None
    assert own.mean_sd("female", "femoral_neck") is not None


def test_a_sex_without_young_adults_is_a_gap_and_not_an_error() -> None:
    frame = people().filter((pl.col("sex") == "male") | (pl.col("age") > 50))
    own = young_adult_reference(frame)
    assert own.mean_sd("female", "femoral_neck") is None
    rules = definition("china_2020", reference=own)
    women = classify(frame, rules).filter(pl.col("sex") == "female")
    assert set(women["bone_class_reason"]) == {"reference_lacks_sex"}


def test_what_the_data_are_labelled_the_reference_is_labelled() -> None:
    cohort = Cohort.from_frame(people(), label="SIMULATED people")
    own = young_adult_reference(cohort)
    assert own.labels == ("derived", "SIMULATED people")
    assert "SIMULATED people" in " ".join(definition("china_2020", reference=own).notes())


def test_the_digest_follows_the_numbers() -> None:
    first, again = young_adult_reference(people()), young_adult_reference(people())
    other = young_adult_reference(people(seed=2))
    digests = [definition("china_2020", reference=own).sha256 for own in (first, again, other)]
    assert digests[0] == digests[1] != digests[2]


def test_every_frame_gives_the_same_reference() -> None:
    frame = people()
    base = young_adult_reference(frame)
    for other in (frame.lazy(), frame.to_pandas(), frame.to_arrow()):
        assert young_adult_reference(other) == base


def test_the_young_have_a_mean_t_score_of_zero_and_an_sd_of_one() -> None:
    frame = people(4000).filter("valid_femoral_neck")
    rules = definition("china_2020", reference=young_adult_reference(frame))
    young = classify(frame, rules).filter(pl.col("age") < 40, pl.col("age") >= 20)
    by_sex = young.group_by("sex").agg(
        pl.col("t_score_femoral_neck").mean().alias("mean"),
        pl.col("t_score_femoral_neck").std().alias("sd"),
    )
    assert by_sex["mean"].abs().max() < 1e-12
    assert (by_sex["sd"] - 1).abs().max() < 1e-12
