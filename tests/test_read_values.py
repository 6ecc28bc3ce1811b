"""Types, units, codings and one kind of missing."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteo_epi.cohort import codebook, read
from osteo_epi.cohort.conform import conform, match, to_numbers
from osteo_epi.cohort.readers import Declared, Raw
from osteo_epi.errors import SchemaError


def door(columns, labels=None, **declared):
    """Through the door without a file."""
    raw = Raw(pl.DataFrame(columns, strict=False), (), "test", labels=labels or {})
    return conform(raw, Declared.of(**declared))


def codes(findings, column=None):
    return {f.code: f.n for f in findings if column in (None, f.column)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["女", "男", "女士", "先生"], ["female", "male", "female", "male"]),
        (["F", "m", " Female ", "MALE"], ["female", "male", "female", "male"]),
        (["女性", "", None, "未知"], ["female", None, None, None]),
    ],
)
def test_sex_in_words(given, expected):
    frame, _ = door({"性别": given})
    assert frame["sex"].to_list() == expected


@pytest.mark.parametrize("given", [[1, 2], ["1", "2"], [0, 1], [1.0, 2.0], ["1", "F"]])
def test_sex_in_numbers_is_never_guessed(given):
    with pytest.raises(
        SchemaError, match=r"do not say which is which; declare them with sex_coding="
    ):
        door({"sex": given})


@pytest.mark.parametrize("given", [[1, 2], [0, 1]])
def test_the_question_about_coded_sex_leans_to_no_answer(given):
    """An example in the question is copied; the registries code it either way."""
    with pytest.raises(SchemaError) as asked:
        door({"sex": given})
    assert not re.search(r"\d\"?\s*[=:]\s*\"?(fe)?male", str(asked.value))
    assert f"--sex-coding {given[0]}=…,{given[1]}=…" in str(asked.value)


@pytest.mark.parametrize(
    ("given", "coding"),
    [
        ([0, 1], {0: "male", 1: "female"}),
        (["0", "1"], {"0": "男", "1": "女"}),
        ([1.0, 2.0], {"1": "M", "2": "F"}),
    ],
)
def test_a_declared_coding_is_followed(given, coding):
    frame, _ = door({"sex": given}, sex_coding=coding)
    assert frame["sex"].to_list() == ["male", "female"]


def test_a_coding_declared_by_the_heading_or_the_labels_is_followed():
    assert door({"性别(1男2女)": [1, 2]})[0]["sex"].to_list() == ["male", "female"]
    assert door({"RIAGENDR": [1, 2]})[0]["sex"].to_list() == ["male", "female"]
    labelled = door({"sex": [1.0, 2.0]}, labels={"sex": {"1": "女", "2": "男"}})
    assert labelled[0]["sex"].to_list() == ["female", "male"]


def test_a_code_outside_the_declared_coding_is_lost_with_a_finding():
    frame, found = door({"sex": [1, 2, 9]}, sex_coding={1: "male", 2: "female"})
    assert frame["sex"].to_list() == ["male", "female", None]
    assert codes(found)["not_understood"] == 1
    (lost,) = (finding for finding in found if finding.code == "not_understood")
    assert "--sex-coding 1=…,2=…,9=…" in lost.fix
    assert "--missing sex=CODE" in lost.fix


def test_the_coding_that_a_message_shows_is_one_of_the_variable():
    _, found = door({"骨折部位": [1, 2, 2]})
    (left,) = (finding for finding in found if finding.code == "column_left_out")
    shown = re.search(r"e\.g\. (\S+\))", left.message).group(1)
    frame, _ = door({shown: [1, 2, 2]})
    assert frame["fracture_site"].to_list() == ["spine", "hip", "hip"]


def test_nonsense_as_sex_is_refused():
    with pytest.raises(SchemaError, match="none of its 2 values"):
        door({"sex": ["x", "y"]})
    with pytest.raises(SchemaError, match=r"names 'mal'.*female, male"):
        door({"sex": [1, 2]}, sex_coding={1: "mal", 2: "female"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["是", "否", "有", "无"], [True, False, True, False]),
        (["已绝经", "未绝经", "post", ""], [True, False, True, None]),
        ([1, 0, None], [True, False, None]),
        ([True, False], [True, False]),
    ],
)
def test_yes_and_no(given, expected):
    assert door({"绝经": given})[0]["postmenopausal"].to_list() == expected


def test_yes_and_no_as_1_and_2_are_never_guessed():
    frame, found = door({"绝经": [1, 2, 2]})
    (left,) = [finding for finding in found if finding.code == "column_left_out"]
    assert re.search(r"codes 1, 2 .* 绝经\(1=yes,2=no\)", left.message)
    assert (left.severity, frame.columns) == ("warning", ["绝经"])
    frame, _ = door({"绝经(1=yes,2=no)": [1, 2, 2]})
    assert frame["postmenopausal"].to_list() == [True, False, False]


def test_a_fragility_fracture_in_codes_is_asked_about():
    """Left out with a warning, it made people with a fracture normal."""
    with pytest.raises(SchemaError, match="codes 1, 2 do not say which is which") as refused:
        door({"脆性骨折": [1, 2, 2]})
    shown = re.search(r"e\.g\. (\S+\))", str(refused.value)).group(1)
    frame, _ = door({shown: [1, 2, 2]})
    assert frame["fragility_fracture"].to_list() == [True, False, False]
    assert "map={'脆性骨折': None}" in str(refused.value)
    frame, _ = door({"年龄": [61, 70, 55], "脆性骨折": [1, 2, 2]}, map={"脆性骨折": None})
    assert "fragility_fracture" not in frame.columns


@pytest.mark.parametrize(
    "words", [("WAHR", "FALSCH"), ("VRAI", "FAUX"), ("あり", "なし"), ("유", "무")]
)
def test_booleans_of_other_languages(words):
    yes, no = words
    frame, _ = door({"脆性骨折": [yes, no, None]})
    assert frame["fragility_fracture"].to_list() == [True, False, None]


def test_usual_codes_for_missing_go_only_outside_the_plausible_range():
    frame, found = door(
        {
            "age": [61, 99, 999, -9, 70],
            "weight": [99, 55, 999, 60, 61],
            "FN BMD": [0.7, 9.99, 0.0, -9, 0.8],
            "腰椎T值": [-2.5, 9.99, -9.0, 0.0, 1.0],
        }
    )
    assert frame["age"].to_list() == [61, 99, None, None, 70]
    assert frame["weight"].to_list() == [99, 55, None, 60, 61]
    assert frame["abmd_femoral_neck"].to_list() == [0.7, None, None, None, 0.8]
    assert frame["t_score_lumbar_spine_reported"].to_list() == [-2.5, None, None, 0.0, 1.0]
    told = {f.column: f.message for f in found if f.code == "missing_code"}
    assert told["age"].endswith("-9 (1), 999 (1)")
    assert told["abmd_femoral_neck"].endswith("-9 (1), 0 (1), 9.99 (1)")


def test_999_in_a_column_of_mg_is_a_value_not_a_code():
    frame, found = door({"FN BMD": [858.0, 999.0, 712.0]})
    assert frame["abmd_femoral_neck"].to_list() == [858.0, 999.0, 712.0]
    assert "missing_code" not in codes(found)
    frame, _ = door({"FN BMD": [858.0, 999.0, -9.0]}, units={"FN BMD": "mg/cm2"})
    assert frame["abmd_femoral_neck"].to_list() == pytest.approx([0.858, 0.999, None])


def test_declared_codes_go_wherever_they_stand():
    columns = {"age": [61, 77, 70], "FN BMD": ["0.7", "jumped", "0.8"]}
    frame, _ = door(columns, missing={"age": [77], "abmd_femoral_neck": ["jumped"]})
    assert frame["age"].to_list() == [61, None, 70]
    assert frame["abmd_femoral_neck"].to_list() == [0.7, None, 0.8]
    frame, _ = door({"age": [61, 77]}, missing=[77])
    assert frame["age"].to_list() == [61, None]
    with pytest.raises(SchemaError, match="takes a list"):
        door(columns, missing="77")


def test_nan_and_infinity_are_missing_with_counts():
    frame, found = door({"FN BMD": [0.7, float("nan"), float("inf"), -float("inf")]})
    assert frame["abmd_femoral_neck"].to_list() == [0.7, None, None, None]
    assert codes(found)["not_finite"] == 3
    assert door({"FN BMD": ["0.7", "NaN", "inf"]})[0]["abmd_femoral_neck"].null_count() == 2


@pytest.mark.parametrize(
    ("heading", "units", "given", "expected"),
    [
        ("股骨颈骨密度(mg/cm2)", None, 858.0, 0.858),
        ("股骨颈骨密度", {"abmd_femoral_neck": "mg/cm2"}, 858.0, 0.858),
        ("股骨颈骨密度", {"股骨颈骨密度": "mg/cm²"}, 858.0, 0.858),
        ("身高(m)", None, 1.6, 160.0),
        ("体重", {"weight": "斤"}, 110.0, 55.0),
        ("L1骨密度(g/cm3)", None, 0.12, 120.0),
        ("年龄(月)", None, 720.0, 60.0),
    ],
)
def test_units_are_converted_where_heading_or_caller_say_so(heading, units, given, expected):
    frame, found = door({heading: [given]}, units=units)
    assert frame.row(0)[0] == pytest.approx(expected, rel=1e-12)
    assert "unit_converted" in codes(found)


@pytest.mark.parametrize(
    ("units", "says"),
    [
        ({"FN BMD": "furlong"}, "one of g/cm2, mg/cm2"),
        ({"FN BMD": "kg"}, "cannot be brought to g/cm2"),
        ({"FN_BDM": "mg/cm2"}, "no column 'FN_BDM'; nearest: FN BMD"),
    ],
)
def test_units_that_do_not_fit_are_refused(units, says):
    with pytest.raises(SchemaError, match=says):
        door({"FN BMD": [0.7]}, units=units)


def test_numbers_in_text_with_their_own_unit_and_thousands():
    frame, _ = door(
        {"年龄": ["65岁", "70 岁"], "身高": ["168cm", "1,60"], "权重": ["12,345.5", "1,000"]}
    )
    assert frame["age"].to_list() == [65, 70]
    assert frame["height"].to_list() == [168, 1.60]
    assert frame["survey_weight"].to_list() == [12345.5, 1000]


def test_ages_in_years_and_months_are_the_years_that_they_are():
    frame, _ = door({"年龄": ["67岁3月", "7岁6个月", "5Y9M", "60 years, 0 months", "61"]})
    assert frame["age"].to_list() == [67.25, 7.5, 5.75, 60, 61]


@pytest.mark.parametrize(
    ("heading", "cell", "says"),
    [
        ("age", "50-54", "1 are classes"),
        ("age", "50–54 years", "1 are classes"),
        ("年龄", "85岁及以上", "1 cells hold text"),
        ("age", "85+", "1 are classes"),
        ("FN T-score", "(2.5)", "1 stand in brackets"),
        ("FN T-score", "<-4.0", "write the number alone where the class is the same beyond it"),
    ],
)
def test_what_is_nearly_a_number_is_told_from_other_text(heading, cell, says):
    with pytest.raises(SchemaError, match=says):
        door({"sex": ["F"], heading: [cell]})


def test_the_finding_of_text_says_what_the_cells_are():
    _, found = door({"FN T-score": ["<-4.0", *["-1.2"] * 20]})
    (finding,) = [f for f in found if f.code == "text_in_numbers"]
    assert "1; 1 are bounds" in finding.message


def test_text_in_a_lesser_column_is_an_error_finding_not_a_stop():
    frame, found = door({"age": [61, 62, 63], "TBS": ["1.3", "see note", "1.2"]})
    assert frame["tbs"].to_list() == [1.3, None, 1.2]
    assert codes(found)["text_in_numbers"] == 1


def test_unknown_columns_are_kept_as_they_are():
    frame, _ = door(
        {
            "age": [61, 62],
            "诊断": ["骨质疏松", "正常"],
            "code": ["007", "008"],
            "score": ["1", "2.5"],
        }
    )
    assert frame["诊断"].to_list() == ["骨质疏松", "正常"]
    assert frame["code"].to_list() == ["007", "008"]
    assert frame["score"].to_list() == [1.0, 2.5]


def test_both_hips_are_kept_and_the_region_without_a_side_is_the_lower():
    frame, found = door(
        {
            "age": [60, 61, 62, 63],
            "RFNBMD": [0.55, 0.72, None, 0.6],
            "LFNBMD": [0.8, None, None, 0.08],
            "MeanFNBMD": [0.675, 0.72, 0.9, 0.34],
            "左全髋骨密度(mg/cm2)": [700, 710, 720, 730],
            "valid_total_hip_left": [True, None, False, None],
        }
    )
    assert frame["abmd_femoral_neck"].to_list() == [0.55, 0.72, 0.9, 0.6]
    assert frame["abmd_femoral_neck_left"].to_list() == [0.8, None, None, 0.08]
    assert frame["abmd_femoral_neck_right"].to_list() == [0.55, 0.72, None, 0.6]
    assert frame["abmd_total_hip"].to_list() == pytest.approx([0.7, 0.71, None, 0.73])
    (finding,) = (f for f in found if f.code == "several_sides")
    assert finding.column == "RFNBMD, LFNBMD, MeanFNBMD"
    assert "--hip-side" in finding.fix


def test_a_hip_that_the_caller_maps_stands_alone():
    columns = {"age": [60], "RFNBMD": [0.71], "LFNBMD": [0.5]}
    frame, found = door(columns, map={"RFNBMD": "abmd_femoral_neck"})
    assert frame["abmd_femoral_neck"].to_list() == [0.71]
    assert "abmd_femoral_neck_left" not in frame.columns
    assert "several_sides" not in codes(found)


def test_a_declaration_for_the_region_holds_for_both_hips():
    columns = {"age": [60, 61], "RFNBMD": [710, 1], "LFNBMD": [500, 600]}
    frame, _ = door(
        columns, units={"abmd_femoral_neck": "mg/cm2"}, missing={"abmd_femoral_neck": [1]}
    )
    assert frame["abmd_femoral_neck"].to_list() == [0.5, 0.6]
    assert frame["abmd_femoral_neck_right"].to_list() == [0.71, None]


def test_a_region_of_two_sides_that_is_no_hip_takes_the_left_and_fills_it():
    frame, found = door({"age": [60, 61], "RTROCHBMD": [0.7, 0.6], "LTROCHBMD": [0.8, None]})
    assert frame["abmd_trochanter"].to_list() == [0.8, 0.6]
    assert {"RTROCHBMD", "LTROCHBMD"} <= set(frame.columns)
    (finding,) = (f for f in found if f.code == "several_sides")
    assert "taken is left, where that is missing right" in finding.message


def test_age_from_birth_and_scan_is_exact_on_birthdays():
    frame, found = door(
        {
            "出生日期": ["1969-03-05", "1969-03-06", "1969-03-05"],
            "检查日期": ["2019-03-05"] * 2 + ["2019年3月6日"],
        }
    )
    assert frame["age"].to_list() == [50.0, 49.0, 50.0]
    assert codes(found)["age_computed"] == 3


def test_age_from_dates_is_right_in_every_month():
    pairs = [(f"1969-{b:02d}-15", f"2019-{s:02d}-15") for b in range(1, 13) for s in range(1, 13)]
    births, scans = zip(*pairs, strict=True)
    frame, _ = door({"birth date": births, "scan date": scans})
    expected = [50.0 if s >= b else 49.0 for b in range(1, 13) for s in range(1, 13)]
    assert frame["age"].to_list() == expected


def test_one_day_for_all_scans_is_a_warning():
    """The day of the export made everybody as old as on that day, and a note said so of all."""
    births = [f"19{50 + i % 20}-03-05" for i in range(60)]
    for last, severity in (("2019-03-06", "note"), ("2019-03-05", "warning")):
        scans = ["2019-03-05"] * 59 + [last, None]
        _, found = door({"birth date": [*births, "1960-03-05"], "scan date": scans})
        (said,) = [f for f in found if f.code == "age_computed"]
        assert (said.severity, "export" in said.message) == (severity, severity == "warning")


def test_dates_in_the_age_column_are_births_where_a_scan_date_stands_beside():
    frame, found = door({"年龄": ["1969-03-05"], "检查日期": ["2019-03-05"]})
    assert frame["age"].to_list() == [50.0]
    assert next(f.severity for f in found if f.code == "age_computed") == "warning"


@pytest.mark.parametrize(
    ("given", "expected", "code"),
    [
        (["2019-03-05", "20190306", "2019/3/7", "2019.3.8"], 4, None),
        ([43529, 43530], 2, "excel_dates"),
        (["25/03/2019", "05/03/2019"], 2, None),
        (["05/03/2019", "06/04/2019"], 0, "ambiguous_dates"),
        (["2019-03-05", "someday"], 1, "not_dates"),
    ],
)
def test_dates(given, expected, code):
    frame, found = door({"age": [60] * len(given), "检查日期": given})
    assert frame["scan_date"].count() == expected
    assert code is None or code in codes(found)


def test_float32_comes_in_as_float64_and_ids_stay_text():
    frame, _ = door({"id": [7.0, 8.0], "FN BMD": pl.Series([0.558, 0.7], dtype=pl.Float32)})
    assert frame["person_id"].to_list() == ["7", "8"]
    assert frame["abmd_femoral_neck"].dtype == pl.Float64
    assert frame["abmd_femoral_neck"][0] == pytest.approx(0.558, abs=1e-7)


def test_findings_ride_along_and_the_digest_is_that_of_the_file(tmp_path):
    path = tmp_path / "clinic.csv"
    path.write_text("age,sex,FN BMD\n61,F,0.7\n")
    first, second = read(path), read(path)
    assert first.source == second.source
    assert first.findings == second.findings
    path.write_text("age,sex,FN BMD\n61,F,0.8\n")
    assert read(path).source.sha256 != first.source.sha256


def test_a_word_that_means_something_here_is_not_missing():
    frame, _ = door({"外伤史": ["无", "轻微", "none", "严重", ""], "age": [60] * 5})
    assert frame["fracture_trauma"].to_list() == ["none", "minor", "none", "major", None]


def test_no_reason_is_no_reason():
    frame, _ = door({"髋部不可用原因": ["无", "假体", None], "age": [60] * 3})
    assert frame["hip_unusable_reason"].to_list() == [None, "假体", None]


def test_a_written_cohort_comes_back_as_it_was(tmp_path):
    columns = {
        "person_id": ["01", "02"],
        "age": [61.0, None],
        "fracture_trauma": pl.Series(["none", None], dtype=pl.Enum(["none", "minor", "major"])),
        "postmenopausal": [True, None],
        "abmd_femoral_neck": [0.1 + 0.2, 0.558],
        "t_score_femoral_neck_reported": [-2.5, 1.0],
    }
    frame = pl.DataFrame(columns).select(c for c in codebook().variables if c in columns)
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.csv").frame.equals(frame)
    assert read(tmp_path / "a.parquet").frame.equals(frame)


@given(
    value=st.floats(-7.9, 7.9),
    minus=st.sampled_from("-−－–"),
    wide=st.booleans(),
    comma=st.booleans(),
)
def test_a_number_survives_every_way_of_writing_it(value, minus, wide, comma):
    text = f"{value:.3f}".replace("-", minus)
    text = text.replace(".", ",") if comma else text
    text = text.translate({ord("0") + i: chr(0xFF10 + i) for i in range(10)}) if wide else text
    found = to_numbers(pl.Series([f" {text} "]), codebook()["t_score_l1_reported"])
    assert found.values.to_list() == [float(f"{value:.3f}")]
    assert found.n_text == 0


@given(st.text(max_size=30))
def test_no_heading_breaks_the_door(heading):
    assert match(heading).how in ("alias", "words", "site only", "ambiguous", "other", "unknown")


@pytest.mark.parametrize(
    ("variable", "meaning", "answers"),
    [
        ("fracture_trauma", "none", "无 no 无明显外伤史 no_trauma None 自发性"),
        (
            "fracture_trauma",
            "minor",
            "跌倒 站立高度跌倒 站立或更低的高度跌倒 滑倒 fall low-energy Fall_from_standing_height",
        ),
        ("fracture_trauma", "major", "车祸 高处坠落 交通事故 traffic_accident fall_from_height"),
        (
            "fracture_site",
            "spine",
            "L1 t12 腰1 胸12 第1腰椎 腰1椎体压缩性骨折 T12-L1 L1、L2 胸腰椎 vertebral_fracture",
        ),
        (
            "fracture_site",
            "hip",
            "转子间 粗隆间 股骨颈骨折 左股骨转子间 hip_fracture Left_femoral_neck",
        ),
        ("fracture_site", "wrist", "Colles Colles'_fracture 桡骨远端骨折 科雷氏骨折 distal_radius"),
        ("fracture_site", "proximal_humerus", "肱骨 肱骨外科颈 左肱骨近端骨折 proximal_humerus"),
        ("fracture_site", "other", "骨盆 肋骨骨折 踝部 pelvis rib_fracture"),
        ("fracture_site", "none", "无 无骨折 none no_fracture"),
        ("fracture_evidence", "xray", "X线片 X-ray DR 平片 plain_radiograph"),
        ("fracture_evidence", "bone_scan", "骨显像 骨扫描 ECT SPECT/CT PET/CT"),
        ("fracture_evidence", "dxa_lateral", "VFA DXA侧位成像"),
        ("fracture_evidence", "ct_scout", "CT侧位定位像 CT扫描侧位定位像 scout_view"),
        ("fracture_trauma_hip", "minor", "跌倒 fall"),
    ],
)
def test_the_guidelines_own_words_of_fractures(variable, meaning, answers):
    given = [answer.replace("_", " ") for answer in answers.split()]
    frame, findings = door({variable: given})
    assert frame[variable].to_list() == [meaning] * len(given)
    assert codes(findings, variable) == {}


def test_genant_grades_in_the_guidelines_words():
    given = ["正常", "轻度", "II度", "Ⅲ度", "1度(轻度)", "Grade 2", "severe", "2", None]
    frame, findings = door({"Genant分度": given})
    assert frame["genant_grade"].to_list() == [0, 1, 2, 3, 1, 2, 3, 2, None]
    assert codes(findings, "genant_grade") == {"full_width": 1}


def test_a_fragility_fracture_in_words_of_its_own_is_an_error_and_a_denied_one_is_none():
    given = ["no", "yes", "Denies fracture", "否认骨折史", "hip 2015"]
    frame, findings = door({"fragility_fracture": given})
    assert frame["fragility_fracture"].to_list() == [False, True, False, False, None]
    (lost,) = (f for f in findings if f.code == "not_understood")
    assert (lost.severity, lost.n) == ("error", 1)
    assert "--missing fragility_fracture=WORD" in lost.fix


def test_a_reading_is_usable_or_not_in_words():
    frame, findings = door({"腰椎是否有效": ["有效", "无效", "OK", "excluded", "否", ""]})
    assert frame["valid_lumbar_spine"].to_list() == [True, False, True, False, False, None]
    assert not [f for f in findings if f.severity != "note"]


def test_two_sites_in_one_cell_are_not_made_one():
    frame, findings = door({"骨折部位": ["髋部、脊柱", "髋部"]})
    assert frame["fracture_site"].to_list() == [None, "hip"]
    assert codes(findings) == {"not_understood": 1}


@pytest.mark.parametrize(
    ("heading", "variable"),
    [
        ("脆性骨折", "fragility_fracture"),
        ("fragility_fracture", "fragility_fracture"),
        ("髋部外伤史", "fracture_trauma_hip"),
        ("wrist trauma", "fracture_trauma_wrist"),
        ("PET/CT结果", "pet_finding"),
    ],
)
def test_headings_of_fracture_records(heading, variable):
    assert match(heading).variable == variable


@pytest.mark.parametrize("code", [9, 9.0, "9"])
def test_a_code_for_missing_of_a_column_of_codes_may_be_any_number(tmp_path, code):
    file = tmp_path / "sex.csv"
    rows = [f"{1 + i % 2},{60 + i},0.8{i % 10}" for i in range(30)]
    file.write_text("\n".join(["sex,age,abmd_femoral_neck", *rows, "9,70,0.7"]))
    people = read(file, sex_coding={"1": "male", "2": "female"}, missing={"sex": [code]})
    assert people["sex"].null_count() == 1
    assert not people.findings.errors
