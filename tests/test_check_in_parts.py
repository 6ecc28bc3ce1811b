"""The checks of people in another engine: the same findings by sums as of those in memory."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from in_parts import InParts
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi.diagnosis import classification_findings, suitability_findings
from osteo_epi.population import participants
from osteo_epi.survey import SurveyDesign

RULES = oe.definition("china_2020", reference="zhang_2007")
NECK = oe.definition("iscd_2019", reference="nhanes3_white_female", sites=["femoral_neck"])
ROW = pl.int_range(pl.len())
T_SCORE = (pl.col("abmd_femoral_neck") - 0.858) / 0.12
SPOILT = {
    "sound": [],
    "another unit": [pl.col("abmd_femoral_neck") * 1000],
    "codes": [pl.when(ROW % 9 > 0).then(pl.col("abmd_total_hip")).otherwise(9.999)],
    "piled ages": [pl.col("age").clip(upper_bound=70.0).floor()],
    "pounds": [pl.col("weight") * 2.2046],
    "sex in letters": [pl.col("sex").cast(pl.String).replace({"male": "M"})],
    "ages as text": [pl.col("age").cast(pl.String)],
    "signs lost": [T_SCORE.abs().alias("t_score_femoral_neck_reported")],
    "signs lost by a centre": [
        pl.when(pl.col("cycle") == "2010").then(T_SCORE.abs()).otherwise(T_SCORE)
        .alias("t_score_femoral_neck_reported")
    ],
    "signs lost here and there": [
        pl.when(ROW % 11 == 0).then(T_SCORE.abs()).otherwise(T_SCORE)
        .alias("t_score_femoral_neck_reported")
    ],
    "scores of others": [T_SCORE.shuffle(seed=1).alias("t_score_femoral_neck_reported")],
    "scores exchanged": [
        T_SCORE.round(1).alias("z_score_femoral_neck_reported"),
        (T_SCORE + 0.03 * (pl.col("age") - 50)).alias("t_score_femoral_neck_reported"),
    ],
    "two scanners": [
        pl.when(ROW % 3 == 0).then(pl.lit("lunar")).otherwise(pl.lit("hologic"))
        .alias("device_maker")
    ],
    "sexes exchanged": [pl.col("sex").replace({"male": "female", "female": "male"})],
    "coarse": [pl.col("abmd_femoral_neck").round(2)],
    "one heavy weight": [
        pl.when(ROW != 5).then(pl.col("survey_weight")).otherwise(1e6)
    ],
    "persons twice": [pl.when(ROW > 5).then(pl.col("person_id")).otherwise(pl.lit("a"))],
}  # fmt: skip
SHOWN = {
    "another unit": "unit_suspected",
    "codes": "code_suspected",
    "piled ages": "age_top_coded",
    "pounds": "weight_unit_suspected",
    "sex in letters": "not_canonical",
    "ages as text": "wrong_type",
    "signs lost": "sign_lost",
    "signs lost by a centre": "sign_lost",
    "signs lost here and there": "sign_lost",
    "scores of others": "score_against_density",
    "scores exchanged": "t_z_swapped",
    "two scanners": "mixed_devices",
    "sexes exchanged": "sexes_exchanged",
    "coarse": "rounded_densities",
    "one heavy weight": "heavy_weight",
    "persons twice": "shared_identifier",
}


@cache
def sound_people() -> pl.DataFrame:
    """Simulated people, some of whom lack a value, of three cycles and with weights."""
    n, draw = 500, np.random.default_rng(7)
    frame = oe.simulate(n, seed=3).frame
    lacking = [
        pl.when(pl.Series(draw.random(n) > 0.05)).then(pl.col(name))
        for name in ("age", "sex", "abmd_femoral_neck", "abmd_lumbar_spine")
    ]
    return frame.with_columns(
        lacking,
        survey_weight=draw.lognormal(3, 0.7, n),
        cycle=pl.Series(draw.choice(["2010", "2012", "2014"], n)),
    )


@pytest.mark.parametrize("spoilt", SPOILT)
def test_people_in_parts_and_in_a_stream_have_the_findings_of_those_in_memory(spoilt: str) -> None:
    frame = sound_people().with_columns(SPOILT[spoilt])
    here = oe.check(frame)
    assert spoilt not in SHOWN or SHOWN[spoilt] in here.codes
    for given in (InParts(frame, 3), frame.lazy()):
        assert_frame_equal(oe.check(given).to_polars(), here.to_polars())


def test_few_passes_are_made_of_people_elsewhere_and_those_of_the_columns_that_are_read() -> None:
    source = InParts(sound_people().with_columns(note=pl.lit("a remark")), 3)
    oe.check(source)
    assert len(source.reads) <= 9
    assert not any("note" in columns for columns in source.reads)


def test_what_was_asked_of_the_first_rows_alone_is_said() -> None:
    n = 100_300
    ids = pl.when(ROW < 4).then(pl.lit("a")).otherwise(ROW.cast(pl.String))
    ages = pl.when(ROW % 1000 == 0).then(pl.lit(700.0)).otherwise(pl.lit(61.0))
    frame = pl.select(pl.int_range(n).alias("row")).select(
        person_id=ids, age=ages, sex=pl.lit("female"), abmd_total_hip=0.8 + 0.0001 * (ROW % 997)
    )
    told = oe.check(InParts(frame, 1))
    (note,) = told.of("first_rows_looked_at")
    assert note.severity == "note"
    assert "parts" in note.message
    assert "persons who occur more than once" in note.message
    assert told.of("repeated_person")[0].message.endswith("(of the first 100,000 rows)")
    assert told.of("out_of_range", "age")[0].n == 101, "of all rows, and not of a look"
    assert "first_rows_looked_at" not in oe.check(frame).codes
    assert "first_rows_looked_at" not in oe.check(InParts(frame.head(50), 2)).codes


def test_a_reference_is_held_against_people_in_parts_as_against_those_in_memory() -> None:
    reported = [
        T_SCORE.round(1).alias("t_score_femoral_neck_reported"),
        pl.lit("hologic").alias("device_maker"),
    ]
    frame = sound_people().drop("synthetic", strict=False).with_columns(reported)
    here = suitability_findings(frame, RULES)
    assert {f.code for f in here} == {"reference_maker", "reference_implied"}
    for given in (InParts(frame, 3), frame.lazy()):
        there = suitability_findings(given, RULES)
        assert list(map(str, there)) == list(map(str, here))


def test_who_leaves_an_estimate_in_parts_is_who_leaves_it_in_memory() -> None:
    design = SurveyDesign(weight="survey_weight")
    frame = oe.classify(sound_people(), RULES, accept_errors=True)
    frame = frame.with_columns(
        pregnant=ROW % 13 == 0, survey_weight=pl.col("survey_weight") * (ROW % 7)
    )
    ages = (50.0, 80.0)
    here = participants(frame, design, ages, definition=RULES, incomplete="by_fracture")
    assert here.n == here.included.sum()
    assert {"pregnant", "weight of zero"} < set(here.to_polars()["reason"])
    source = InParts(frame, 3)
    for given in (source, frame.lazy()):
        there = participants(given, design, ages, definition=RULES, incomplete="by_fracture")
        assert_frame_equal(there.to_polars(), here.to_polars())
    assert len(source.reads) == 1


@pytest.mark.parametrize(
    "rules",
    [RULES, oe.definition("china_2020", reference="zhang_2007", age_reference=None), NECK],
)
def test_what_classifying_shows_is_counted_in_parts_as_in_memory(rules: oe.Definition) -> None:
    sides = [
        pl.when(ROW % 5 == 0).then(0.6 + 0.1 * i).alias(f"abmd_femoral_neck_{side}")
        for i, side in enumerate(("left", "right"))
    ]
    frame = sound_people().with_columns(sides, hip_fracture_seen=ROW % 2)
    classified = oe.classify(frame, rules, accept_errors=True)
    here = classification_findings(classified, rules)
    assert len(here) > 1
    source = InParts(classified, 3)
    for given in (source, classified.lazy()):
        there = classification_findings(given, rules)
        assert list(map(str, there)) == list(map(str, here))
    assert len(source.reads) <= 10
