"""What is said of sites and regions that lack, and which of two hips counts."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import Cohort
from osteo_epi.diagnosis import classify, definition

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
