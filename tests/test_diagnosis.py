"""Definition and classification: properties, engines against each other, refusals."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from osteo_epi import norms
from osteo_epi.cohort import codebook
from osteo_epi.diagnosis import CLASSES, catalogue, classify, definition, explain
from osteo_epi.errors import DefinitionError, NormError, SchemaError

DENSITIES = {
    "abmd_lumbar_spine": 1.047,
    "abmd_femoral_neck": 0.858,
    "abmd_total_hip": 0.942,
    "abmd_femoral_neck_ctxa": 0.858,
    "vbmd_l1": 120.0,
    "vbmd_l2": 120.0,
}
SEVERITY = {name: place for place, name in enumerate(CLASSES[:3])}
FULL = definition(
    "china_2020", reference="nhanes3_white", age_reference="nhanes_2005_2008_nhw_derived"
)
DEFINITIONS = [
    FULL,
    definition("nchs_bone_2021"),
    definition("iscd_2019"),
    definition("who_1994", reference="zhang_2007"),
    definition("china_2020", reference="zhang_2007", spine_rule="all_four", evidence=["dxa"]),
]

MAYBE = (True, False, None)
DRAWN = {
    "age": (None, 0.0, 19.9, 31.0, 49.9, 50.0, 50.1, 66.0, 79.9, 80.0, 104.0),
    "sex": ("female", "female", "male", "male", None),
    **dict.fromkeys(("postmenopausal", "ovaries_removed", "secondary_cause"), MAYBE),
    **dict.fromkeys(("secondary_causes_excluded", "fracture_imaging_evidence"), MAYBE),
    "fracture_trauma": ("none", "minor", "major", None),
    "fracture_evidence": ("xray", "dxa_lateral", None),
    "genant_grade": (None, None, 0.0, 1.0, 2.0, 3.0),
    "endplate_fracture": MAYBE,
    "spine_unusable_reason": (None, None, None, "implant"),
    "hip_unusable_reason": (None, None, None, "implant"),
    "valid_total_hip": MAYBE,
    "qus_t_score": (-3.0, None),
    "hu_l1": (80.0, None),
}
READ = (*DENSITIES, "abmd_radius_33")


def crowd(seed: int, n: int) -> pl.DataFrame:
    """People of every kind; readings have the decimals that devices print, many are missing."""
    rng = np.random.default_rng(seed)
    data = {name: pick(rng, values, n) for name, values in DRAWN.items()}
    for name in READ:
        top, unit = (2500, 10) if name.startswith("vbmd") else (1600, 1000)
        data[name] = pick(rng, [*(rng.integers(0, top, n) / unit).tolist(), *[None] * n], n)
    return pl.DataFrame(data, SCHEMA)


def pick(rng: np.random.Generator, values, n: int) -> list:
    return [values[i] for i in rng.integers(len(values), size=n)]


crowds = st.builds(crowd, st.integers(0, 2**32), st.sampled_from([1, 2, 300, 1000]))
few = settings(max_examples=5, deadline=None)


SCHEMA = {
    "age": pl.Float64,
    "sex": pl.Enum(["female", "male"]),
    **dict.fromkeys(("postmenopausal", "ovaries_removed", "secondary_cause"), pl.Boolean),
    **dict.fromkeys(("secondary_causes_excluded", "fracture_imaging_evidence"), pl.Boolean),
    **dict.fromkeys(("fracture_trauma", "fracture_evidence"), pl.String),
    "genant_grade": pl.Float64,
    "endplate_fracture": pl.Boolean,
    **dict.fromkeys(("spine_unusable_reason", "hip_unusable_reason"), pl.String),
    "valid_total_hip": pl.Boolean,
    **dict.fromkeys(DENSITIES, pl.Float64),
    **dict.fromkeys(("abmd_radius_33", "qus_t_score", "hu_l1"), pl.Float64),
}


@pytest.mark.parametrize("rules", DEFINITIONS, ids=lambda rules: rules.criterion.id)
@few
@given(people=crowds)
def test_everybody_lies_in_exactly_one_class_and_the_row_says_why(rules, people) -> None:
    found = classify(people, rules, accept_errors=True)
    assert found["bone_class"].null_count() == 0
    for row in found.iter_rows(named=True):
        unclassified = row["bone_class"] == "not_classifiable"
        assert (row["bone_class_rule"] is None) == unclassified
        assert (row["bone_class_roi"] is None) == unclassified or (
            row["bone_class_rule"] == "fragility_fracture"
        )
        assert row["bone_class_reason"] is not None or not unclassified
        assert (row["score_applied"] is None) <= unclassified
        if row["score_applied"] == "z":
            assert row["bone_class"] in (*CLASSES[3:5], "not_classifiable")
            assert row["t_score_min"] is None
        if row["score_applied"] == "t":
            assert row["bone_class"] in (*CLASSES[:3], "not_classifiable")
    for column in ("score_reason", "bone_class_reason", "advice", "bone_class_rule"):
        assert all(explain(code, language="zh") for code in found[column].drop_nulls().unique())


@pytest.mark.parametrize("column", DENSITIES)
@few
@given(people=crowds, step=st.integers(1, 300))
def test_a_lower_density_never_gives_a_better_class(column, people, step) -> None:
    unit = 0.1 if column.startswith("vbmd") else 0.001
    lower = pl.col(column) - step * unit
    before = classify(people, FULL, accept_errors=True)
    plausible = lower.is_between(max(0.001, codebook()[column].range[0]), float("inf"))
    worse = people.with_columns(pl.when(plausible).then(lower).otherwise(column))
    after = classify(worse, FULL, accept_errors=True)
    for old, new in zip(before["bone_class"], after["bone_class"], strict=True):
        if old in SEVERITY:
            assert SEVERITY[new] <= SEVERITY[old]
        if old == "below_expected_range":
            assert new == old


def assert_same(left: pl.DataFrame, right: pl.DataFrame) -> None:
    """Same classes, codes and scores; Polars divides a chunk of one row by another instruction,
    so that a score may differ in its last bit."""
    assert_frame_equal(left, right, check_exact=False, rel_tol=1e-15, abs_tol=1e-15)


@few
@given(people=crowds, seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(people, seed) -> None:
    people = people.with_row_index("row")
    shuffled = people.sample(fraction=1, shuffle=True, seed=seed)
    assert_same(
        classify(shuffled, FULL, accept_errors=True).sort("row"),
        classify(people, FULL, accept_errors=True),
    )


@few
@given(people=crowds)
def test_every_kind_of_frame_gives_the_same_bits(people) -> None:
    eager = classify(people, FULL, accept_errors=True)
    assert_same(classify(people.lazy(), FULL, accept_errors=True).collect(), eager)
    arrow = classify(people.to_arrow(), FULL, accept_errors=True)
    assert isinstance(arrow, pa.Table)
    assert pl.DataFrame(arrow).equals(eager)
    typed = people.to_pandas().astype(dict.fromkeys(BOOLEANS, "boolean"))
    frame = classify(typed, FULL, accept_errors=True)
    assert isinstance(frame, pd.DataFrame)
    made = [name for name in eager.columns if name not in people.columns]
    for name in made:
        ours, theirs = eager[name], pl.Series(pa.array(frame[name], from_pandas=True))
        assert ours.cast(pl.String).to_list() == theirs.cast(pl.String).to_list(), name


BOOLEANS = [name for name, dtype in SCHEMA.items() if dtype == pl.Boolean]


@few
@given(people=crowds)
def test_columns_without_any_value_are_as_good_as_absent(people) -> None:
    empty = [
        name
        for name in people.columns
        if people[name].null_count() == people.height and name not in ("age", "sex")
    ]
    rest = [name for name in DENSITIES if name not in empty]
    if not rest:
        return
    whole, part = (
        classify(people, FULL, accept_errors=True),
        classify(people.drop(empty), FULL, accept_errors=True),
    )
    shared = ["bone_class", "bone_class_rule", "bone_class_roi", "bone_class_reason", "advice"]
    assert whole.select(shared).equals(part.select(shared))


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
@pytest.mark.parametrize(
    ("roi", "mean", "sd"),
    [("femoral_neck", 858, 120), ("lumbar_spine", 1047, 110), ("total_hip", 942, 122)],
)
def test_the_boundary_holds_in_both_precisions(dtype, roi, mean, sd) -> None:
    """Every reading of three decimals, against whole-number arithmetic in mg/cm²."""
    readings = np.arange(200, 1600)
    people = pl.DataFrame(
        {
            "age": pl.repeat(66.0, len(readings), eager=True),
            "sex": pl.repeat("female", len(readings), eager=True),
            "abmd_lumbar_spine": pl.repeat(2.0, len(readings), eager=True),
            "abmd_total_hip": pl.repeat(2.0, len(readings), eager=True),
            f"abmd_{roi}": pl.Series(readings / 1000),
        }
    ).with_columns(pl.col("^abmd_.*$").cast(dtype))
    rules = definition("iscd_2019")
    found = classify(people, rules)["bone_class"].to_list()
    tenfold = 10 * (readings - mean)
    expected = np.where(
        tenfold <= -25 * sd, "osteoporosis", np.where(tenfold < -10 * sd, "low_bone_mass", "normal")
    )
    assert found == expected.tolist()


def test_scores_are_not_rounded() -> None:
    people = pl.DataFrame(
        {"age": [66.0], "sex": ["female"], "abmd_lumbar_spine": [0.777], "abmd_total_hip": [1.0]}
    )
    (row,) = classify(people, definition("iscd_2019")).to_dicts()
    assert row["t_score_lumbar_spine"] == pytest.approx((0.777 - 1.047) / 0.110, abs=1e-14)
    assert row["bone_class"] == "low_bone_mass"


def test_counting_classes_reads_only_the_columns_that_decide(tmp_path) -> None:
    people = pl.DataFrame(
        {
            "age": [66.0],
            "sex": ["female"],
            "abmd_lumbar_spine": [0.7],
            "abmd_total_hip": [1.0],
            "weight": [60.0],
            "scoliosis": [True],
        }
    )
    people.write_parquet(tmp_path / "people.parquet")
    lazy = classify(pl.scan_parquet(tmp_path / "people.parquet"), definition("iscd_2019"))
    plan = lazy.group_by("bone_class").agg(pl.len()).explain()
    assert re.search(r"PROJECT 4/6 COLUMNS", plan), plan
    assert "scoliosis" not in plan


# --- definition ---------------------------------------------------------------------------------


def test_every_choice_changes_the_digest() -> None:
    base = {"reference": "nhanes3_white", "age_reference": "nhanes_2005_2008_nhw"}
    changes = [
        {},
        {"reference": "zhang_2007"},
        {"reference": "reported"},
        {"age_reference": "nhanes_2005_2008_nhw_derived"},
        {"sex_rule": "female"},
        {"spine_rule": "all_four"},
        {"sites": ["hip"]},
        {"sites": ["femoral_neck"]},
        {"evidence": ["dxa"]},
        {"genant_from": 2},
        {"endplate_rule": "ignored"},
    ]
    made = [definition("china_2020", **base | change) for change in changes]
    assert len({rules.sha256 for rules in made}) == len(changes)
    assert len({rules.label for rules in made}) == len(changes)
    assert definition("china_2020", **base).sha256 == made[0].sha256


def test_a_definition_prints_its_choices_and_escapes_them() -> None:
    rules = definition("china_2020", reference="nhanes3_white_female", sex_rule="female")
    text = str(rules)
    for words in ("grade C", "femoral_neck", "at least two", "women, for both sexes", "radius_33"):
        assert words in text
    assert "\n" not in text
    assert rules.sha256 in rules._repr_html_()
    assert "<script>" not in _with_title(rules, "<script>")._repr_html_()
    assert "&lt;script&gt;" in _with_title(rules, "<script>")._repr_html_()


def _with_title(rules, title):
    from dataclasses import replace

    return replace(rules, reference=replace(rules.reference, title=title))


def test_weak_grades_and_gaps_are_noted() -> None:
    notes = definition("iscd_2019").notes()
    assert "reference value of grade C: lumbar_spine, female (nhanes3_white_female)" in notes
    assert "reference value of grade B: femoral_neck, female (nhanes3_white_female)" in notes
    gaps = definition("who_1994", reference="zhang_2007").gaps()
    assert [str(gap) for gap in gaps] == [
        "young_adult zhang_2007 lacks male lumbar_spine",
        "young_adult zhang_2007 lacks male femoral_neck",
        "young_adult zhang_2007 lacks male total_hip",
    ]
    assert definition("who_1994", reference="zhang_2007", sex_rule="female").gaps() == ()


def test_what_is_lacking_is_noted_once_and_only_of_the_sexes_there_are() -> None:
    women = definition("who_1994", reference="zhang_2007")
    assert women.notes() == (
        "young_adult zhang_2007 lacks male lumbar_spine, femoral_neck, total_hip",
    )
    assert women.notes(sexes=["female"]) == ()


def test_the_rule_of_vertebrae_is_in_the_label_where_a_spine_is_read() -> None:
    both, neck = (
        definition("who_1994", reference="zhang_2007", sites=sites)
        for sites in (None, ["femoral_neck"])
    )
    assert "spine at_least_two" in both.label
    assert "spine" not in f"{neck.label} {neck}"


def test_citations_carry_their_grades() -> None:
    lines = definition("china_2020", reference="zhang_2007").citations()
    assert len(lines) == 3
    assert all("[grade " in line for line in lines)


@pytest.mark.parametrize("name", ["china_2020", "who_1994"])
def test_a_reference_is_never_a_hidden_default(name: str) -> None:
    with pytest.raises(DefinitionError, match=r"give reference=, one of .*zhang_2007"):
        definition(name)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"sex_rule": "male"}, "own_sex, female"),
        ({"spine_rule": "three"}, "all_four, at_least_two, given_total"),
        ({"sites": ["trochanter"]}, "trochanter do not diagnose"),
        ({"sites": ["radius_33"]}, "stands in by itself"),
        ({"sites": []}, "sites= is empty"),
        ({"evidence": []}, "evidence= is empty"),
        ({"evidence": ["hu"]}, "not a bone mineral density"),
        ({"evidence": ["qus"]}, "screens and does not diagnose"),
        ({"evidence": ["tbs"]}, "decides nothing alone"),
        ({"evidence": ["x"]}, "fracture, dxa, ctxa, qct"),
        ({"genant_from": 4}, "expected one of 1, 2, 3"),
        ({"endplate_rule": "x"}, "when_stated, required, ignored"),
        ({"reference": 3}, "expected a name, a YoungAdultReference"),
    ],
)
def test_parts_that_do_not_fit_are_refused(choice: dict, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        definition("china_2020", **{"reference": "zhang_2007"} | choice)


def test_evidence_that_the_criterion_lacks_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no rule for evidence 'fracture'"):
        definition("nchs_bone_2021", evidence=["dxa", "fracture"])
    assert definition("iscd_2019", evidence=["dxa", "ctxa"]).ctxa_rois[0] == "femoral_neck_ctxa"


def test_unknown_norms_are_named() -> None:
    with pytest.raises(NormError, match="zhang_2007"):
        definition("china_2020", reference="zhang_2008")
    with pytest.raises(NormError, match="china_2020"):
        definition("china_2021", reference="zhang_2007")


# --- refusals of data ---------------------------------------------------------------------------


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match=r"column\(s\) age, sex"):
        classify(pl.DataFrame({"abmd_total_hip": [0.9]}), FULL)
    with pytest.raises(SchemaError, match="abmd_lumbar_spine, abmd_femoral_neck"):
        classify(pl.DataFrame({"age": [66.0], "sex": ["female"]}), FULL)
    reported = definition("who_1994", reference="reported")
    with pytest.raises(SchemaError, match="t_score_lumbar_spine_reported"):
        classify(pl.DataFrame({"age": [66.0], "sex": ["female"]}), reported)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"sex": pl.Series([1])}, r"\[sex\] the column holds Int64, not words"),
        (
            {"sex": pl.Series(["F"], dtype=pl.Enum(["F", "M"]))},
            "values other than female, male: 1 of 1",
        ),
        ({"age": pl.Series(["66"])}, r"\[age\] the column holds String, not numbers"),
        ({"abmd_total_hip": pl.Series(["0,9"])}, r"\[abmd_total_hip\] the column holds String"),
        ({"postmenopausal": pl.Series([1])}, r"\[postmenopausal\] the column holds Int64"),
    ],
)
def test_columns_of_the_wrong_kind_are_named(column: dict, message: str) -> None:
    person = {"age": [66.0], "sex": ["female"], "abmd_total_hip": [0.9]}
    with pytest.raises(SchemaError, match=message):
        classify(pl.DataFrame(person | column), FULL)


def test_an_empty_frame_comes_back_empty() -> None:
    found = classify(pl.DataFrame(schema=SCHEMA), FULL)
    assert found.height == 0
    assert found.schema["bone_class"] == pl.Enum(CLASSES)


def test_every_code_has_its_sentence_in_both_languages() -> None:
    for code, entry in catalogue().items():
        assert entry["en"], code
        assert re.search(r"[\u4e00-\u9fff]", entry["zh"]), code


def test_what_the_source_says_goes_with_the_sentence() -> None:
    text = explain("hip_missing; hip_unusable: screw; plate", language="en")
    assert text.endswith("the hip is declared unusable: screw; plate")
    with pytest.raises(DefinitionError, match="no known code"):
        explain("whatever")
    with pytest.raises(DefinitionError, match="en, zh"):
        explain("no_evidence", language="de")


def test_bmi_limits_have_to_be_in_order() -> None:
    people = pl.DataFrame({"age": [66.0], "sex": ["female"], "abmd_total_hip": [0.9]})
    with pytest.raises(DefinitionError, match="expected \\(lower, upper\\)"):
        classify(people, FULL, bmi_limits=(40.0, 16.0))


def test_loaded_norms_and_names_give_the_same_definition() -> None:
    young = norms.load("young_adult", "zhang_2007")
    named = definition("china_2020", reference="zhang_2007")
    assert definition("china_2020", reference=young).sha256 == named.sha256


def test_what_nobody_can_have_is_missing_and_not_normal() -> None:
    """A frame need not have come through the door: 700 g/cm² is a slip of the pen, not a bone."""
    people = pl.DataFrame(
        {
            "age": [66.0] * 3,
            "sex": ["female"] * 3,
            "abmd_lumbar_spine": [1.047] * 3,
            "abmd_femoral_neck": [0.858, 700.0, 0.08],
            "abmd_total_hip": [0.942] * 3,
        }
    )
    classes = classify(
        people, definition("iscd_2019", sites=["spine", "femoral_neck"]), accept_errors=True
    )
    assert classes["bone_class"].to_list() == ["normal", "not_classifiable", "not_classifiable"]
    assert classes["abmd_femoral_neck"].to_list() == [0.858, 700.0, 0.08]
