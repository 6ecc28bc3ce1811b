"""What a classification says beside the class: assumptions, contradictions, other grounds."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.calibration import with_change
from osteo_epi.cohort import read, simulate
from osteo_epi.diagnosis import classification_findings, classify, definition
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.findings import Finding
from osteo_epi.norms import Citation, Entry, MeanSD, YoungAdultReference
from osteo_epi.tables import table_one

RULES = definition("china_2020", reference="nhanes3_white")
WOMEN = pl.DataFrame(
    {
        "age": [48.0, 48.0, 48.0, 66.0, 66.0],
        "sex": ["female"] * 5,
        "postmenopausal": [False, True, None, None, None],
        "menopause_age": [45.0, 45.0, 50.0, 51.0, None],
        "abmd_lumbar_spine": [0.9] * 5,
        "abmd_femoral_neck": [0.7] * 5,
        "abmd_total_hip": [0.8] * 5,
    }
)


def finding(people: pl.DataFrame, code: str, rules=RULES) -> Finding | None:
    """The finding of a code about people classified by a definition, or None."""
    findings = classification_findings(classify(people, rules), rules)
    of_code = [found for found in findings if found.code == code]
    assert len(of_code) < 2, "one finding says it"
    return of_code[0] if of_code else None


def test_women_taken_as_postmenopausal_by_age_alone_are_counted() -> None:
    said = finding(WOMEN, "menopause_taken_from_age")
    assert said is not None
    assert said.n == 1
    assert said.message.startswith("1 of 5 women")
    assert "--menopause-unknown unknown" in said.fix


@pytest.mark.parametrize(
    "rules",
    [
        definition("china_2020", reference="nhanes3_white", menopause_unknown="unknown"),
        definition("nchs_bone_2021"),
    ],
    ids=["not taken from age", "women are judged by age"],
)
def test_nothing_is_said_of_menopause_where_nothing_is_assumed(rules) -> None:
    assert finding(WOMEN, "menopause_taken_from_age", rules) is None


def test_a_state_of_menopause_against_its_age_is_a_finding() -> None:
    """Stated premenopausal with a menopause at 45 behind her; and one still to come."""
    said = finding(WOMEN, "menopause_contradictory")
    assert said is not None
    assert said.n == 2
    assert said.column == "postmenopausal, menopause_age"
    assert WOMEN.filter(said.where)["menopause_age"].to_list() == [45.0, 50.0]


def test_men_have_no_menopause_to_contradict() -> None:
    men = WOMEN.with_columns(pl.lit("male").alias("sex"))
    assert finding(men, "menopause_contradictory") is None


def test_a_volumetric_density_of_zero_is_counted_and_a_negative_one_is_not() -> None:
    people = pl.DataFrame(
        {"age": [84.0] * 3, "sex": ["male"] * 3, "vbmd_l1": [-5.2, 0.0, 70.0], "vbmd_l2": [3.1] * 3}
    )
    said = finding(people, "vbmd_zero")
    assert said is not None
    assert (said.n, said.column) == (1, "vbmd_l1, vbmd_l2")
    assert people.filter(said.where).height == 1


HIPS = pl.DataFrame(
    {
        "age": [66.0, 66.0, 41.0],
        "sex": ["male"] * 3,
        "abmd_lumbar_spine": [1.0] * 3,
        "abmd_femoral_neck": [0.9] * 3,
        "abmd_total_hip": [0.9] * 3,
        "abmd_total_hip_ctxa": [0.65, None, 0.65],
    }
)


def test_a_hip_by_ctxa_on_means_of_dxa_is_a_finding_with_the_published_difference() -> None:
    said = finding(HIPS, "ctxa_scored_on_dxa")
    assert said is not None
    assert (said.n, said.column) == (1, "abmd_total_hip_ctxa")
    assert "10 to 21 % lower" in said.message
    assert "cheng_2014, kong_2013" in said.message
    assert "CTXA on means of DXA" in RULES.label
    assert any("CTXA" in note for note in RULES.notes())


def test_a_reference_of_ctxa_is_obeyed_and_said(by_ctxa) -> None:
    rules = definition("china_2020", reference="nhanes3_white", ctxa_reference=by_ctxa)
    assert finding(HIPS, "ctxa_scored_on_dxa", rules) is None
    scores = classify(HIPS, rules)
    assert scores["t_score_total_hip_ctxa"][0] == pytest.approx((0.65 - 0.8) / 0.12)
    assert scores["t_score_total_hip"][0] == classify(HIPS, RULES)["t_score_total_hip"][0]
    assert {"roi": "total_hip_ctxa", "mean": 0.8}.items() <= rules.cut_offs()[-1].items()
    assert "young_adult by_ctxa lacks male femoral_neck_ctxa" in map(str, rules.gaps())
    assert "CTXA reference by_ctxa" in rules.label
    assert "CTXA on means of DXA" not in rules.label
    assert any("measured by CTXA" in line for line in rules.citations())
    assert rules.sha256 != RULES.sha256


def test_a_reference_of_ctxa_is_enough_for_ctxa(by_ctxa) -> None:
    """No young adults by DXA are asked for where no DXA is read."""
    rules = definition("china_2020", evidence=["ctxa"], ctxa_reference=by_ctxa)
    assert classify(HIPS, rules)["bone_class"].to_list()[:2] == [
        "low_bone_mass",
        "not_classifiable",
    ]


def test_young_adults_measured_by_dxa_are_no_reference_of_ctxa() -> None:
    with pytest.raises(DefinitionError, match=r"--ctxa-reference.*femoral_neck_ctxa.*--norms"):
        definition("china_2020", reference="nhanes3_white", ctxa_reference="nhanes3_white")


def test_the_people_themselves_can_be_the_reference_of_ctxa() -> None:
    """Mean 0.8 and SD 0.1 of the young men, not the 0.95 of DXA."""
    young = pl.DataFrame(
        {
            "age": [30.0] * 60,
            "sex": ["male"] * 60,
            "abmd_total_hip_ctxa": [0.7, 0.9] * 30,
            "abmd_total_hip": [0.95] * 60,
        }
    )
    people = pl.concat([HIPS, young], how="diagonal")
    parts = {"reference": "nhanes3_white", "ctxa_reference": "own_young_adults"}
    rules = definition("china_2020", **parts, people=people)
    assert rules.mean_sd("male", "total_hip_ctxa").mean == pytest.approx(0.8)
    assert rules.mean_sd("male", "total_hip").mean == RULES.mean_sd("male", "total_hip").mean
    with pytest.raises(DefinitionError, match="people="):
        definition("china_2020", **parts)


@pytest.fixture
def by_ctxa() -> YoungAdultReference:
    """Young men measured at the total hip by CTXA."""
    return YoungAdultReference(
        id="by_ctxa",
        title="young men measured by CTXA",
        citation=Citation("nobody"),
        verification="A",
        population="nobody",
        maker="unknown",
        entries=(Entry("male", "total_hip_ctxa", MeanSD(mean=0.8, sd=0.12)),),
    )


def test_dxa_and_qct_that_disagree_are_counted_by_which_is_the_worse() -> None:
    people = pl.DataFrame(
        {
            "age": [66.0] * 4,
            "sex": ["male"] * 4,
            "abmd_femoral_neck": [0.9, 0.5, 0.9, 0.5],
            "abmd_total_hip": [1.0] * 4,
            "vbmd_l1": [60.0, 160.0, 160.0, 60.0],
            "vbmd_l2": [60.0, 160.0, 160.0, 60.0],
        }
    )
    hip = definition("china_2020", reference="nhanes3_white", sites=["hip"])
    said = finding(people, "dxa_and_qct_disagree", hip)
    assert said is not None
    assert said.n == 2
    assert "1 have osteoporosis by QCT and not by DXA, 1 by DXA and not by QCT" in said.message


def test_frax_is_shown_with_its_limit_in_china() -> None:
    people = HIPS.with_columns(frax_major=pl.Series([12.0, None, 3.0]))
    said = finding(people, "frax_limited_in_china")
    assert said is not None
    assert (said.n, said.column) == (2, "frax_major")
    assert "fracture rates" in said.message
    assert finding(people, "frax_limited_in_china", definition("nchs_bone_2021")) is None
    notes = table_one(people, variables={"frax_major": "FRAX, major fracture"}).notes
    assert any("FRAX needs the fracture rates" in note for note in notes)


def test_tbs_has_classes_where_the_criterion_names_them() -> None:
    people = HIPS.with_columns(tbs=pl.Series([1.2, None, 1.4]))
    said = finding(people, "tbs_class")
    assert said is not None
    assert said.n == 2
    assert "tbs_wu_2023" in said.message
    assert "tbs_class" not in classify(people, definition("nchs_bone_2021")).columns


@pytest.mark.parametrize("value", ["abmd_radius_pdxa", "vbmd_radius_pqct", "qus_stiffness"])
def test_screening_methods_follow_nobody(value: str) -> None:
    scans = pl.DataFrame({"person_id": ["a", "a"], "scan_date": [1, 2], value: [0.5, 0.4]})
    with pytest.raises(SchemaError, match=f"{value} is a result of a screening method"):
        with_change(scans, value=value, lsc=0.02)


def test_scores_that_a_file_reports_stand_beside_computed_ones_of_ctxa(by_ctxa) -> None:
    people = pl.DataFrame(
        {
            "age": [66.0],
            "sex": ["male"],
            "t_score_lumbar_spine_reported": [-1.5],
            "abmd_total_hip_ctxa": [0.5],
        }
    )
    rules = definition("china_2020", reference="reported", ctxa_reference=by_ctxa)
    row = classify(people, rules).row(0, named=True)
    assert row["bone_class_rule"] == "t_score_ctxa"
    assert row["t_score_min"] == pytest.approx(-2.5)


def test_findings_of_people_in_any_frame_are_the_same():
    """The call stands in CONTRIBUTING.md, with a cohort."""
    cohort = classify(simulate(200, seed=1), RULES, accept_errors=True)
    kinds = (cohort, cohort.frame, cohort.frame.lazy(), cohort.frame.to_pandas())
    said = [[(f.code, f.n) for f in classification_findings(kind, RULES)] for kind in kinds]
    assert said[0]
    assert said == said[:1] * len(kinds)


def test_codes_that_nobody_has_are_read_of_pandas_too() -> None:
    """Where nobody has a code, its column comes out of pandas without a type."""
    people = simulate(60, seed=1).frame.filter(pl.col("age") > 60).head(1)
    here = classification_findings(classify(people, RULES), RULES)
    there = classification_findings(classify(people.to_pandas(), RULES), RULES)
    assert [f.message for f in there] == [f.message for f in here]


@pytest.mark.parametrize("heading", ["Hip fracture", "骨折史", "Fraktur"])
def test_a_heading_that_speaks_of_a_fracture_and_makes_no_class_is_said(heading) -> None:
    """A man with a fracture was normal, and the heading alone was called unknown."""
    people = WOMEN.with_columns(pl.Series(heading, [0, 0, 0, 1, 0]))
    said = finding(people, "fractures_unread")
    assert (said.severity, said.column) == ("warning", heading)
    named = read(people, map={heading: "fragility_fracture"})
    classified = classify(named, RULES)
    assert classified["bone_class"][3] == "osteoporosis"
    assert not classified.findings.of("fractures_unread")


def test_fractures_of_parents_and_of_others_than_the_definition_reads_are_no_remark() -> None:
    of_parents = WOMEN.with_columns(pl.Series("Parent fractured hip", [1, 0, 0, 0, 0]))
    assert finding(of_parents, "fractures_unread") is None
    own = WOMEN.with_columns(pl.Series("Hip fracture", [1, 0, 0, 0, 0]))
    by_density = definition("who_1994", reference="nhanes3_white")
    assert finding(own, "fractures_unread", by_density) is None
    stated = own.with_columns(pl.Series("fragility_fracture", [False, False, False, True, False]))
    assert finding(stated, "fractures_unread") is None
