"""The lumbar spine by rule: worked by hand, and on the microdata of NHANES."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import check
from osteo_epi.diagnosis import classify, definition, with_lumbar_spine, with_neighbour_flag
from osteo_epi.errors import DefinitionError, SchemaError

FOUR = {
    "bmc_l1": 12.0, "area_l1": 12.0, "abmd_l1": 1.000,
    "bmc_l2": 15.0, "area_l2": 13.0, "abmd_l2": 1.154,
    "bmc_l3": 16.0, "area_l3": 15.0, "abmd_l3": 1.067,
    "bmc_l4": 20.0, "area_l4": 16.0, "abmd_l4": 1.250,
}  # fmt: skip


def spine(rule: str = "at_least_two", **person) -> dict:
    frame = with_lumbar_spine(pl.DataFrame({k: [v] for k, v in person.items()}), rule=rule)
    return frame.select(
        pl.col("abmd_lumbar_spine_by_rule").alias("bmd"),
        pl.col("lumbar_vertebrae").alias("vertebrae"),
        pl.col("lumbar_spine_source").alias("source"),
        pl.col("lumbar_spine_reason").alias("reason"),
        pl.col("lumbar_total_differs").alias("differs"),
    ).row(0, named=True)


def test_mineral_over_area_of_all_four() -> None:
    found = spine(**FOUR)
    assert found["bmd"] == pytest.approx(63 / 56, abs=1e-15)
    assert (found["vertebrae"], found["source"]) == ("L1 L2 L3 L4", "bmc_over_area")
    assert found["reason"] is None


def test_it_is_not_the_mean_of_densities() -> None:
    assert spine(**FOUR)["bmd"] != pytest.approx((1.0 + 1.154 + 1.067 + 1.25) / 4, abs=1e-4)


@pytest.mark.parametrize(
    ("invalid", "bmd", "vertebrae"),
    [
        (("l2",), 48 / 43, "L1 L3 L4"),
        (("l1", "l4"), 31 / 28, "L2 L3"),
        (("l2", "l3"), 32 / 28, "L1 L4"),
        (("l1", "l2", "l3"), None, "L4"),
        (("l1", "l2", "l3", "l4"), None, None),
    ],
)
def test_at_least_two_never_one(invalid, bmd, vertebrae) -> None:
    flags = {f"valid_{name}": name not in invalid for name in ("l1", "l2", "l3", "l4")}
    found = spine(**FOUR, **flags)
    assert found["bmd"] == (None if bmd is None else pytest.approx(bmd, abs=1e-15))
    assert found["vertebrae"] == vertebrae
    assert found["reason"] == ("fewer_than_two_vertebrae" if bmd is None else None)


def test_a_single_vertebra_is_not_saved_by_the_given_total() -> None:
    found = spine(abmd_l1=1.0, abmd_lumbar_spine=1.1)
    assert (found["bmd"], found["reason"]) == (None, "fewer_than_two_vertebrae")


def test_stated_invalid_vertebrae_are_not_saved_by_the_given_total() -> None:
    found = spine(abmd_l1=None, valid_l1=False, abmd_lumbar_spine=1.1)
    assert (found["bmd"], found["reason"]) == (None, "fewer_than_two_vertebrae")


def test_the_total_speaks_where_nothing_is_known_of_vertebrae() -> None:
    found = spine(abmd_l1=None, abmd_l2=None, abmd_lumbar_spine=1.1)
    assert (found["bmd"], found["source"], found["vertebrae"]) == (1.1, "given_total", None)


@pytest.mark.parametrize("nothing", [0.0, None, float("nan"), float("inf"), -0.9])
def test_a_density_that_is_none_does_not_count(nothing) -> None:
    found = spine(abmd_l1=nothing, abmd_l2=1.0, abmd_l3=1.2)
    assert found["bmd"] == pytest.approx(1.1, abs=1e-15)
    assert (found["vertebrae"], found["source"]) == ("L2 L3", "mean_of_densities")


def test_one_vertebra_without_area_gives_the_mean_of_densities() -> None:
    found = spine(**FOUR | {"area_l2": None})
    assert found["bmd"] == pytest.approx((1.0 + 1.154 + 1.067 + 1.25) / 4, abs=1e-15)
    assert found["source"] == "mean_of_densities"


def test_all_four_and_given_total() -> None:
    three = FOUR | {"valid_l3": False}
    assert spine("all_four", **three)["reason"] == "not_all_four_vertebrae"
    assert spine("all_four", **FOUR)["bmd"] == pytest.approx(63 / 56, abs=1e-15)
    assert spine("given_total", **FOUR, abmd_lumbar_spine=1.2)["bmd"] == 1.2
    assert spine("given_total", **FOUR)["reason"] == "spine_not_measured"
    invalid = spine("given_total", abmd_lumbar_spine=1.2, valid_lumbar_spine=False)
    assert (invalid["bmd"], invalid["reason"]) == (None, "spine_total_invalid")


def test_a_spine_declared_unusable_has_no_density() -> None:
    found = spine(**FOUR, spine_unusable_reason="implant")
    assert (found["bmd"], found["reason"]) == (None, "spine_unusable")


@pytest.mark.parametrize(
    ("total", "differs"), [(1.125, False), (1.1245, False), (1.127, True), (2.85, True)]
)
def test_a_total_that_is_not_what_its_parts_give(total, differs) -> None:
    assert spine(**FOUR, abmd_lumbar_spine=total)["differs"] is differs


def test_a_total_of_fewer_vertebrae_cannot_be_judged() -> None:
    assert spine(**FOUR, abmd_lumbar_spine=9.0, valid_l1=False)["differs"] is None


def test_an_unknown_rule_lists_the_rules() -> None:
    with pytest.raises(DefinitionError, match="all_four, at_least_two, given_total"):
        spine("two_or_more", **FOUR)


def test_text_in_a_density_column_is_refused_by_name() -> None:
    with pytest.raises(SchemaError, match="column abmd_l1 holds String"):
        spine(abmd_l1="1.0", abmd_l2="1.1")


def test_neighbours_on_the_cut_off_agree_and_beyond_it_differ() -> None:
    """SD 0.110: exactly one T-score apart is not more than one."""
    people = pl.DataFrame(
        {
            "sex": ["female"] * 4,
            "abmd_l1": [0.9, 0.9, 0.9, 0.5],
            "abmd_l2": [1.010, 1.011, 1.2, 1.0],
            "abmd_l3": [1.0, 1.0, 0.9, 1.0],
            "valid_l1": [True, True, True, False],
        }
    )
    found = with_neighbour_flag(people, reference="nhanes3_white_female")
    assert found["lumbar_neighbour_flag"].to_list() == [None, "L1-L2", "L1-L2 L2-L3", None]


def test_neighbours_of_men_need_a_reference_of_men() -> None:
    people = pl.DataFrame({"sex": ["male"], "abmd_l1": [0.5], "abmd_l2": [1.5]})
    own = with_neighbour_flag(people, reference="nhanes3_white_female")
    female = with_neighbour_flag(people, reference="nhanes3_white_female", sex_rule="female")
    assert own["lumbar_neighbour_flag"].to_list() == [None]
    assert female["lumbar_neighbour_flag"].to_list() == ["L1-L2"]


def test_a_reason_says_that_a_vertebra_does_not_count() -> None:
    reasons = {"invalid_reason_l3": "fracture", "invalid_reason_l4": "screws"}
    assert spine(**FOUR, **reasons)["vertebrae"] == "L1 L2"
    assert spine(**FOUR, **reasons, valid_l3=True)["vertebrae"] == "L1 L2 L3"
    assert spine(**FOUR, invalid_reason_l3="none")["vertebrae"] == "L1 L2 L3 L4"


def classified(evidence: list[str] | None = None, **person) -> list:
    people = pl.DataFrame({"age": [66.0], "sex": ["female"], **{k: [v] for k, v in person.items()}})
    rules = definition("china_2020", reference="reported", evidence=evidence)
    return list(classify(people, rules).select("bone_class", "bone_class_reason").row(0))


def test_a_reported_score_of_one_vertebra_is_no_spine() -> None:
    scores = {f"t_score_{roi}_reported": -0.5 for roi in ("femoral_neck", "total_hip")}
    person = {"t_score_lumbar_spine_reported": -3.0, **scores}
    refused = {"valid_l1": False, "valid_l2": False}
    assert classified(**person, **refused)[0] == "osteoporosis"
    found = classified(**person, **refused, valid_l4=False)
    assert found[0] == "not_classifiable"
    assert found[1].startswith("spine_missing; fewer_than_two_vertebrae")
    people = pl.DataFrame({k: [v] for k, v in {"age": 66.0, **person, **refused}.items()})
    assert check(people).of("score_of_refused_vertebrae")[0].n == 1
    told = people.drop(*refused).with_columns(invalid_reason_l1=pl.lit("metal"))
    assert check(told).of("score_of_refused_vertebrae")[0].n == 1
    fine = told.with_columns(invalid_reason_l1=pl.lit("OK"), valid_l2=True)
    assert not check(fine).of("score_of_refused_vertebrae")


def test_a_refused_vertebra_does_not_count_by_qct_either() -> None:
    volumes = {"vbmd_l1": 60.0, "vbmd_l2": 90.0, "vbmd_l3": 100.0}
    assert classified(**volumes)[0] == "osteoporosis"
    assert classified(**volumes, valid_l1=False)[0] == "low_bone_mass"
    # Beside DXA of the spine the flag may be that reading's, and so where every vertebra has one.
    assert classified(**volumes, valid_l1=False, abmd_l1=0.8)[0] == "osteoporosis"
    score = {"t_score_lumbar_spine_reported": -1.5}
    assert classified(**volumes, valid_l1=False, **score)[0] == "osteoporosis"
    none = dict.fromkeys(["abmd_l1", "abmd_l2", "bmc_l1", *score])
    every = {f"valid_l{i}": False for i in range(1, 5)}
    assert classified(**volumes, **every, **none)[0] == "osteoporosis"
    # Whose spine has no DXA in a file where others' has: the flag can only be that of QCT.
    assert classified(**volumes, **none, valid_l1=False)[0] == "low_bone_mass"
    for person in (every, {"valid_l1": False}):
        frame = pl.DataFrame([{**volumes, **none, **person, "age": 70.0, "sex": "female"}])
        assert bool(check(frame).of("qct_of_refused_vertebrae")) is (person is every)
    both = {**volumes, "valid_l1": False, "abmd_l1": 0.8, "age": 70.0, "sex": "female"}
    (said,) = check(pl.DataFrame([both])).of("qct_of_refused_vertebrae")
    assert (said.severity, said.n) == ("warning", 1)
    assert not check(pl.DataFrame([both | {"vbmd_l1": None}])).of("qct_of_refused_vertebrae")
    assert classified(evidence=["dxa"], **volumes) == ["not_classifiable", "qct_not_read"]


def test_a_given_mean_of_qct_is_not_read_beside_vertebrae_that_are_refused() -> None:
    """It may be the mean of these; as a given total by DXA it speaks where nothing else does."""
    person = {"vbmd_l1": 250.0, "vbmd_l2": 60.0, "vbmd_l3": 62.0}
    refused = {"valid_l1": False, "valid_l2": False}
    given = {"vbmd_lumbar_spine": 155.0}
    assert classified(**given)[0] == "normal"
    assert classified(**person, **refused, **given) == ["not_classifiable", "qct_single_vertebra"]
    assert classified(**person, valid_l1=False, **given)[0] == "osteoporosis"
    # Beside DXA of the spine the flags may be those of that scan.
    assert classified(**given, **refused, abmd_l3=0.9)[0] == "normal"


def test_a_site_that_most_are_said_to_lack_is_a_warning() -> None:
    """Words that say that a spine can be used, and a flag whose yes and no are turned round."""
    people = pl.DataFrame({"person_id": [f"P{i}" for i in range(12)], "age": [61.0] * 12})
    scores = {"t_score_lumbar_spine_reported": -1.0, "t_score_total_hip_reported": -1.0}
    people = people.with_columns(
        pl.lit("female").alias("sex"), **{k: pl.lit(v) for k, v in scores.items()}
    )
    told = people.with_columns(pl.lit("clear picture").alias("spine_unusable_reason"))
    assert check(told).of("mostly_unusable")[0].n == 12
    vertebra = people.with_columns(invalid_reason_l1=pl.lit("clear"), abmd_l1=0.9)
    assert check(vertebra).of("mostly_unusable")[0].n == 12
    turned = people.with_columns(valid_total_hip=pl.int_range(12) > 8)
    assert check(turned).of("mostly_unusable")[0].n == 9
    few = people.with_columns(valid_total_hip=pl.int_range(12) > 5)
    nothing = people.with_columns(pl.lit("未见异常。").alias("spine_unusable_reason"))
    for sound in (few, nothing):
        assert not check(sound).of("mostly_unusable")
