"""The lumbar spine by rule: worked by hand, and on the microdata of NHANES."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.diagnosis import with_lumbar_spine, with_neighbour_flag
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
