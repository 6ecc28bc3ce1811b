"""Fragility fracture: every combination of its three parts, by three-valued logic."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest

from osteo_epi.cohort import Cohort, read
from osteo_epi.diagnosis import classify, definition, with_fragility_fracture
from osteo_epi.errors import DefinitionError

TRAUMA = {"none": True, "minor": True, "major": False, None: None}
STATED = (True, False, None)


def kleene(*parts: bool | None) -> bool | None:
    if False in parts:
        return False
    return None if None in parts else True


def found(**columns) -> pl.DataFrame:
    rows = max(len(values) for values in columns.values())
    schema = {"fracture_trauma": pl.String, "secondary_causes_excluded": pl.Boolean}
    data = {name: values * (rows if len(values) == 1 else 1) for name, values in columns.items()}
    return pl.DataFrame(data, schema_overrides={k: schema[k] for k in data if k in schema})


def test_the_three_parts_in_every_combination() -> None:
    cells = list(product(TRAUMA, STATED, STATED))
    people = pl.DataFrame(
        {
            "fracture_trauma": [cell[0] for cell in cells],
            "fracture_imaging_evidence": [cell[1] for cell in cells],
            "secondary_causes_excluded": [cell[2] for cell in cells],
        }
    )
    result = with_fragility_fracture(people)
    expected = [kleene(TRAUMA[trauma], seen, primary) for trauma, seen, primary in cells]
    assert result["fragility_fracture"].to_list() == expected
    spoken = [trauma is not None or seen is not None for trauma, seen, _ in cells]
    assert result["fracture_reason"].is_not_null().to_list() == spoken


def test_the_reason_names_everything_that_is_missing() -> None:
    people = found(fracture_site=["hip"], fracture_trauma=[None], secondary_causes_excluded=[None])
    assert with_fragility_fracture(people)["fracture_reason"].item() == (
        "fracture_imaging_not_stated; fracture_trauma_not_stated; "
        "fracture_secondary_causes_not_stated"
    )


def test_nothing_about_fractures_gives_nothing() -> None:
    result = with_fragility_fracture(pl.DataFrame({"age": [66.0]}))
    assert not result["fracture_open_record"].item()
    rest = result.select(pl.exclude("age", "fracture_open_record"))
    assert rest.row(0) == (None,) * 6


def test_grade_zero_with_an_image_of_the_spine_is_no_fracture() -> None:
    """A survey that images everybody names the image for the sound as well."""
    people = found(
        genant_grade=[0.0, 1.0, None],
        fracture_evidence=["xray"],
        fracture_trauma=["none"],
        secondary_causes_excluded=[True],
    )
    assert with_fragility_fracture(people)["fragility_fracture"].to_list() == [False, True, None]


def test_a_sound_spine_does_not_take_back_a_fractured_hip() -> None:
    people = found(
        genant_grade=[0.0, 0.0],
        fracture_site=["hip", "spine"],
        fracture_imaging_evidence=[True],
        fracture_trauma=["minor"],
        secondary_causes_excluded=[True],
    )
    assert with_fragility_fracture(people)["fragility_fracture"].to_list() == [True, False]


def test_severe_and_multiple() -> None:
    people = pl.DataFrame({"genant_grade": [2, 3, None], "n_vertebral_fractures": [1, 2, None]})
    result = with_fragility_fracture(people)
    assert result["vertebral_fracture_severe"].to_list() == [False, True, None]
    assert result["vertebral_fracture_multiple"].to_list() == [False, True, None]


@pytest.mark.parametrize("grade", [0, 4, -1])
def test_a_threshold_that_is_no_grade_is_refused(grade: int) -> None:
    with pytest.raises(DefinitionError, match="expected one of 1, 2, 3"):
        with_fragility_fracture(pl.DataFrame({"genant_grade": [1]}), genant_from=grade)


def test_an_unknown_endplate_rule_is_refused() -> None:
    with pytest.raises(DefinitionError, match="when_stated, required, ignored"):
        with_fragility_fracture(pl.DataFrame({"genant_grade": [1]}), endplate_rule="ecf")


def test_lazy_frames_stay_lazy() -> None:
    people = found(genant_grade=[2.0], fracture_trauma=["none"], secondary_causes_excluded=[True])
    lazy = with_fragility_fracture(people.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(with_fragility_fracture(people))


def test_stated_endplates_decide_in_every_row() -> None:
    """Whatever else is recorded, but a statement that imaging shows nothing."""
    cells = list(
        product((True, False), (None, 0, 1, 3), (True, None), (None, "spine"), (None, 0, 2))
    )
    people = pl.DataFrame(
        cells,
        schema={
            "endplate_fracture": pl.Boolean,
            "genant_grade": pl.Float64,
            "fracture_imaging_evidence": pl.Boolean,
            "fracture_site": pl.String,
            "n_vertebral_fractures": pl.Float64,
        },
        orient="row",
    ).with_columns(
        pl.lit("none").alias("fracture_trauma"), pl.lit(True).alias("secondary_causes_excluded")
    )
    for rule in ("when_stated", "required"):
        result = with_fragility_fracture(people, endplate_rule=rule)
        assert result["fragility_fracture"].to_list() == [cell[0] for cell in cells]
        assert result["vertebral_fracture_kind"].eq("fracture").to_list() == [c[0] for c in cells]
    graded = with_fragility_fracture(people, endplate_rule="ignored")
    without = with_fragility_fracture(people.drop("endplate_fracture"))
    assert graded.drop("endplate_fracture").equals(without)


# --- what classify makes of it --------------------------------------------------------------------

CHINA = {"name": "china_2020", "reference": "zhang_2007"}
SOUND = {
    "age": 66.0,
    "sex": "female",
    "postmenopausal": True,
    "abmd_lumbar_spine": 1.2,
    "abmd_femoral_neck": 1.0,
    "abmd_total_hip": 1.0,
}


def women(**columns) -> pl.DataFrame:
    """Postmenopausal women of normal density who differ in the columns given."""
    return found(**columns).with_columns(pl.lit(v).alias(k) for k, v in SOUND.items())


def test_a_thousand_vertebrae_without_trauma_or_exclusion_are_said_to_be_open() -> None:
    people = Cohort(women(genant_grade=[1.0] * 271 + [0.0] * 729))
    for choice, osteoporotic in (("not_established", 0), ("established", 271), ("unknown", 0)):
        result = classify(people, definition(**CHINA, fracture_open=choice))
        assert (result.frame["bone_class"] == "osteoporosis").sum() == osteoporotic
        (finding,) = result.findings.of("fracture_record_open")
        assert finding.n == result.frame["fracture_open_record"].sum() == 271
        assert f'fracture_open="{choice}" (the present one)' in finding.fix
        assert "--fracture-open" in finding.fix
        assert result.frame.filter(finding.where).height == 271


def test_classified_people_can_be_classified_again_by_another_choice() -> None:
    people = women(
        genant_grade=[2.0, 0.0, None, None], fragility_fracture=[None, None, True, False]
    )
    first = classify(people, definition(**CHINA))
    assert first["fragility_fracture"].to_list() == [False, False, True, False]
    other = definition(**CHINA, fracture_open="established")
    expected = classify(people, other)
    assert classify(first, other).select(expected.columns).equals(expected)
    derived = with_fragility_fracture(people)
    assert derived["fragility_fracture"].to_list() == [None, False, True, False]
    assert classify(derived, other).select(expected.columns).equals(expected)


def test_a_secondary_cause_alone_tells_nothing_of_a_fracture() -> None:
    people = women(secondary_cause=[True, False], genant_grade=[None, None])
    people = people.with_columns(pl.col("genant_grade").cast(pl.Float64))
    assert classify(people, definition(**CHINA))["fragility_fracture"].to_list() == [None, None]


def test_a_word_for_trauma_that_is_not_known_is_no_major_trauma() -> None:
    people = women(
        fracture_site=["hip"],
        fracture_imaging_evidence=[True],
        fracture_trauma=["跌倒"],
        secondary_causes_excluded=[True],
    )
    result = with_fragility_fracture(people)
    assert result["fracture_reason"].item() == "fracture_trauma_not_stated"


def test_contradictions_and_shared_answers_are_counted() -> None:
    people = women(
        fracture_site=["wrist", "spine", "spine"],
        genant_grade=[2.0, 2.0, 2.0],
        fracture_trauma=["minor", "major", "minor"],
        fracture_imaging_evidence=[True, True, False],
        secondary_causes_excluded=[True],
        fragility_fracture=[None, True, None],
    )
    findings = classify(Cohort(people), definition(**CHINA)).findings
    for code in (
        "one_trauma_for_several_fractures",
        "fracture_stated_against_record",
        "fracture_imaging_against_vertebra",
    ):
        (finding,) = findings.of(code)
        assert finding.n == 1, code


def test_secondary_causes_and_scans_that_are_not_understood_are_counted() -> None:
    words = ["Paget disease", "可疑转移", "未见异常", None, "uptake in L2"]
    people = women(bone_scan_finding=words, secondary_cause=[None, None, None, True, None])
    findings = classify(Cohort(people), definition(**CHINA)).findings
    (causes,), (unread,) = findings.of("secondary_cause"), findings.of("scan_not_understood")
    assert (causes.n, unread.n) == (2, 2)
    assert "1 of them by the finding of a scan alone" in causes.message
    assert not any(word in str(findings) for word in words if word)


@pytest.mark.parametrize("answer", ["未见异常", "无", "none", "No", "正常 "])
@pytest.mark.parametrize("site", ["spine", "hip"])
def test_an_answer_that_says_nothing_is_no_reason(site: str, answer: str, tmp_path) -> None:
    people = women(**{f"{site}_unusable_reason": [answer]})
    assert classify(people, definition(**CHINA))["bone_class"].item() == "normal"
    people.write_csv(tmp_path / "people.csv")
    assert read(tmp_path / "people.csv").frame[f"{site}_unusable_reason"].item() is None


def test_a_trauma_alone_says_the_same_beside_an_empty_column_of_imaging() -> None:
    person = pl.DataFrame({
        "age": [66.0], "sex": ["male"], "fracture_trauma": ["minor"], "secondary_cause": [True],
        "abmd_lumbar_spine": [1.0], "abmd_femoral_neck": [0.9], "abmd_total_hip": [0.9],
    })  # fmt: skip
    empty = person.with_columns(fracture_imaging_evidence=pl.lit(None, dtype=pl.Boolean))
    rules = definition("china_2020", reference="nhanes3_white_female", sex_rule="female")
    answers = ["bone_class", "bone_class_reason", "fragility_fracture", "fracture_reason"]
    assert classify(empty, rules).select(answers).equals(classify(person, rules).select(answers))
