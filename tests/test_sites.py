"""What is said of sites and regions that lack, and which of two hips counts."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.agreement import least_squares
from osteo_epi.calibration import correction_between
from osteo_epi.cohort import Cohort
from osteo_epi.diagnosis import classify, definition, young_adult_reference
from osteo_epi.errors import DefinitionError

WOMAN = {"age": 66.0, "sex": "female", "postmenopausal": True}


def cohort(*people: dict) -> Cohort:
    return Cohort.from_frame(pl.DataFrame([WOMAN | person for person in people]))


def test_a_region_that_the_reference_lacks_is_a_finding_that_names_it():
    whole = {"abmd_femoral_neck": 0.40, "abmd_lumbar_spine": 1.05, "abmd_total_hip": 0.95}
    people = cohort(whole, whole | {"abmd_lumbar_spine": 0.60})
    classified = classify(people, definition("china_2020", reference="nhanes_2005_2008_nhw"))
    assert classified.frame["bone_class"].to_list() == ["not_classifiable", "osteoporosis"]
    (lacking,) = classified.findings.of("reference_lacks_region")
    assert (lacking.n, lacking.severity) == (1, "warning")
    assert "nhanes_2005_2008_nhw: femoral_neck" in lacking.message
    assert "--sites" in lacking.fix
    (unread,) = classified.findings.of("region_not_judged")
    assert (unread.n, unread.column) == (1, "abmd_femoral_neck")


def test_a_missing_region_is_a_finding_with_the_way_to_do_without():
    people = cohort({"abmd_lumbar_spine": 1.0, "abmd_femoral_neck": 0.85, "abmd_total_hip": None})
    classified = classify(people, definition("china_2020", reference="nhanes3_white_female"))
    (finding,) = classified.findings.of("total_hip_missing")
    assert (finding.n, "--rois-required any" in finding.fix) == (1, True)


def test_a_forearm_that_does_not_stand_in_says_what_would_let_it():
    people = cohort({"abmd_lumbar_spine": 1.0, "t_score_lumbar_spine_reported": 0.0,
                     "t_score_radius_33_reported": -3.0})  # fmt: skip
    strict = classify(people, definition("china_2020", reference="reported"))
    (finding,) = strict.findings.of("hip_missing")
    assert "hip_unusable_reason" in finding.fix
    assert "--substitute when_missing" in finding.fix
    chosen = definition("china_2020", reference="reported", substitute="when_missing")
    assert classify(people, chosen).frame["bone_class"].to_list() == ["osteoporosis"]


@pytest.mark.parametrize("rois_required", ["all", "any"])
def test_the_choice_stands_in_the_label(rois_required):
    rules = definition("china_2020", reference="zhang_2007", rois_required=rois_required)
    assert f"regions required {rois_required}" in rules.label


TWO_HIPS = {
    "abmd_lumbar_spine": 1.0,
    "abmd_femoral_neck_left": 0.80,
    "abmd_femoral_neck_right": 0.55,
    "abmd_total_hip_left": 0.95,
    "abmd_total_hip_right": 0.95,
}


@pytest.mark.parametrize(
    ("side", "expected", "density"),
    [
        ("lowest", "osteoporosis", 0.55),
        ("left", "low_bone_mass", 0.80),
        ("right", "osteoporosis", 0.55),
        ("mean", "low_bone_mass", 0.675),
    ],
)
def test_the_side_of_the_hip_is_a_choice_and_its_weight_is_counted(side, expected, density):
    alike = TWO_HIPS | {"abmd_femoral_neck_left": 0.55}
    people = cohort(TWO_HIPS, alike, TWO_HIPS | {"abmd_femoral_neck_left": None})
    rules = definition("china_2020", reference="zhang_2007", hip_side=side)
    classified = classify(people, rules)
    assert classified.frame["bone_class"].to_list() == [expected, "osteoporosis", "osteoporosis"]
    assert classified.frame["abmd_femoral_neck_by_rule"][0] == pytest.approx(density)
    (finding,) = classified.findings.of("class_by_hip_side")
    assert (finding.n, "1 of the 3 people" in finding.message) == (1, True)
    assert f"hip side {side}" in rules.label


def test_no_finding_where_the_class_does_not_hang_on_the_side():
    people = cohort(TWO_HIPS | {"abmd_femoral_neck_left": 0.56})
    classified = classify(people, definition("china_2020", reference="zhang_2007"))
    assert not classified.findings.of("class_by_hip_side")


def test_a_side_that_is_stated_invalid_does_not_count():
    people = pl.DataFrame([WOMAN | TWO_HIPS | {"valid_femoral_neck_right": False}])
    classified = classify(people, definition("china_2020", reference="zhang_2007"))
    assert classified["bone_class"].to_list() == ["low_bone_mass"]
    none = people.with_columns(abmd_femoral_neck_left=pl.lit(None, dtype=pl.Float64))
    classified = classify(none, definition("china_2020", reference="zhang_2007"))
    assert classified.select("bone_class", "sites_complete").row(0) == ("normal", True)


def test_reported_scores_of_both_hips_are_read_by_the_same_rule():
    scores = {"t_score_lumbar_spine_reported": 0.0, "t_score_total_hip_reported": -0.5,
              "t_score_femoral_neck_left_reported": -1.0,
              "t_score_femoral_neck_right_reported": -3.0}  # fmt: skip
    people = pl.DataFrame([WOMAN | scores])
    for side, expected in {
        "lowest": "osteoporosis",
        "left": "normal",
        "mean": "low_bone_mass",
    }.items():
        rules = definition("china_2020", reference="reported", hip_side=side)
        assert classify(people, rules)["bone_class"].to_list() == [expected]


def test_hips_by_ct_are_read_by_the_same_rule():
    hips = {"abmd_total_hip_left_ctxa": 0.95, "abmd_total_hip_right_ctxa": 0.50}
    people = pl.DataFrame([WOMAN | hips])
    for side, expected in {"lowest": "osteoporosis", "left": "normal"}.items():
        rules = definition("china_2020", reference="zhang_2007", hip_side=side)
        assert classify(people, rules)["bone_class"].to_list() == [expected]


def test_own_young_adults_are_measured_by_the_same_rule():
    n = 40
    young = pl.DataFrame(
        {
            "age": [25.0] * n,
            "sex": ["female"] * n,
            "abmd_femoral_neck_left": [0.9 + 0.005 * i for i in range(n)],
            "abmd_femoral_neck_right": [0.8 + 0.005 * i for i in range(n)],
        }
    )
    means = {
        side: young_adult_reference(young, hip_side=side).mean_sd("female", "femoral_neck").mean
        for side in ("lowest", "left", "right", "mean")
    }
    middle = 0.005 * (n - 1) / 2
    expected = {"lowest": 0.8, "left": 0.9, "right": 0.8, "mean": 0.85}
    assert means == pytest.approx({side: value + middle for side, value in expected.items()})
    with pytest.raises(DefinitionError, match="unknown hip_side"):
        young_adult_reference(young, hip_side="lower")


@pytest.mark.parametrize("columns", [None, ["abmd_total_hip"]])
def test_a_correction_of_the_hip_corrects_both_hips(columns):
    line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
    hips = {"abmd_total_hip": 0.8, "abmd_total_hip_left": 0.8, "abmd_total_hip_right": 1.0}
    people = pl.DataFrame({"device": ["B"], **{name: [value] for name, value in hips.items()},
                           "abmd_total_hip_as_given": [700.0]})  # fmt: skip
    corrected = correction_between({("B",): line}).apply(people, columns=columns)
    assert corrected.select(*hips).row(0) == pytest.approx((0.7, 0.7, 0.9))
    assert corrected["abmd_total_hip_as_given"].to_list() == [700.0]
