"""Headings in English, Chinese, of vendors and of NHANES; what is ambiguous is never guessed."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import read
from osteo_epi.cohort.conform import match, plan_columns
from osteo_epi.errors import SchemaError

KNOWN = {
    "性别": "sex",
    "年龄(岁)": "age",
    "腰椎骨密度": "abmd_lumbar_spine",
    "腰椎（L1-L4）骨密度(g/cm²)": "abmd_lumbar_spine",
    "腰椎BMD(L1-L4)": "abmd_lumbar_spine",
    "股骨颈骨密度g/cm²": "abmd_femoral_neck",
    "全髋骨密度": "abmd_total_hip",
    "大粗隆BMD": "abmd_trochanter",
    "桡骨远端1/3骨密度": "abmd_radius_33",
    "腰椎T值": "t_score_lumbar_spine_reported",
    "股骨颈 Ｔ－ｓｃｏｒｅ": "t_score_femoral_neck_reported",
    "全髋Z值": "z_score_total_hip_reported",
    "绝经": "postmenopausal",
    "检查日期": "scan_date",
    "身高cm": "height",
    "L1L4BMD": "abmd_lumbar_spine",
    "L1L4TScr": "t_score_lumbar_spine_reported",
    "BMD_L2": "abmd_l2",
    "bmd_fn": "abmd_femoral_neck",
    "TF_BMD": "abmd_total_hip",
    "femoral_neck_bmd": "abmd_femoral_neck",
    "QCT腰椎骨密度": "vbmd_lumbar_spine",
    "L1骨密度(mg/cm3)": "vbmd_l1",
    "L1(HU)": "hu_l1",
    "FN-CTXA": "abmd_femoral_neck_ctxa",
    "SEQN": "person_id",
    "RIDAGEYR": "age",
    "DXXNKBMD": "abmd_femoral_neck",
    "DXXL1BMD": "abmd_l1",
    "DXXOSA": "area_lumbar_spine",
    "exam_year": "exam_year",
    "管电压(kV)": "tube_voltage",
}


@pytest.mark.parametrize(("heading", "variable"), KNOWN.items())
def test_known_headings(heading, variable):
    assert match(heading).variable == variable


@pytest.mark.parametrize(
    "heading", ["T值", "骨密度", "BMD", "BMD_g/cm2", "髋部骨密度", "CT值", "Total BMD"]
)
def test_ambiguous_headings_come_back_with_candidates(heading):
    found = match(heading)
    assert (found.variable, found.how) == (None, "ambiguous")
    assert found.candidates


@pytest.mark.parametrize("heading", ["诊断", "notes", "left", "T"])
def test_what_is_not_known_is_not_resolved(heading):
    assert match(heading).variable is None


@pytest.mark.parametrize(
    ("heading", "side"),
    [("LFNBMD", "left"), ("右全髋骨密度", "right"), ("MeanTHBMD", "mean"), ("FNBMD", None)],
)
def test_sides_are_told_apart(heading, side):
    assert match(heading).side == side


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("height_m", "m"),
        ("体重(斤)", "斤"),
        ("weight_lb", "lb"),
        ("腰椎骨密度(mg/cm²)", "mg/cm2"),
        ("年龄", None),
    ],
)
def test_units_are_read_from_headings(heading, unit):
    assert match(heading).unit == unit


def test_a_coding_may_stand_in_the_heading():
    assert match("性别(1男2女)").coding == {"1": "男", "2": "女"}
    assert match("RIAGENDR").coding == {"1": "male", "2": "female"}


def plan(columns, mapped=None):
    return plan_columns(pl.DataFrame(columns), mapped or {})


def test_a_mistyped_heading_is_named_with_the_nearest():
    planned = plan({"age": [61], "femoral_nek_bmd": [0.7]})
    assert planned.others == ("femoral_nek_bmd",)
    (finding,) = planned.findings
    assert finding.column == "femoral_nek_bmd"
    assert "abmd_femoral_neck" in finding.message


def test_two_headings_for_one_variable_are_refused_by_name():
    with pytest.raises(SchemaError, match=r"'股骨颈BMD' and 'FN_BMD'.*--map"):
        plan({"股骨颈BMD": [0.7], "FN_BMD": [0.8]})


def test_map_decides_between_two_headings():
    planned = plan({"股骨颈BMD": [0.7], "FN_BMD": [0.8]}, {"FN_BMD": "abmd_femoral_neck"})
    assert [m.heading for m in planned.variables["abmd_femoral_neck"]] == ["FN_BMD"]
    assert planned.others == ("股骨颈BMD",)


@pytest.mark.parametrize(
    ("mapped", "says"),
    [
        ({"FN_BMD": "abmd_femoral_nek"}, "nearest: abmd_femoral_neck"),
        ({"FN_BDM": "abmd_femoral_neck"}, "nearest: FN_BMD"),
    ],
)
def test_map_errors_name_the_nearest(mapped, says):
    with pytest.raises(SchemaError, match=says):
        plan({"FN_BMD": [0.8]}, mapped)


@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ([0.712, 0.804, 0.9], "abmd_femoral_neck"),
        ([-1.2, -2.6, 0.3], None),
        ([858.0, 712.0, 901.0], None),
    ],
)
def test_a_site_alone_is_a_density_only_if_its_values_can_be(values, variable):
    planned = plan({"age": [60, 61, 62], "股骨颈": values})
    assert ("abmd_femoral_neck" in planned.variables) == (variable is not None)
    assert planned.findings[0].severity == "warning"


def test_no_known_heading_at_all_is_an_error_that_prints_none_of_them():
    with pytest.raises(SchemaError, match="none of the 2 headings") as error:
        plan({"张三": [1], "61": [2]})
    assert "张三" not in str(error.value)


def test_a_volumetric_unit_makes_a_qct_without_a_site_no_hip():
    found = match("QCT骨密度(mg/cm3)")
    assert (found.variable, found.how) == (None, "ambiguous")
    assert found.candidates[0] == "vbmd_lumbar_spine"
    assert not any("ctxa" in name for name in found.candidates)


@pytest.mark.parametrize("value", ["0.812*", "0.812"])
def test_a_column_declared_to_be_no_variable_is_not_one_by_its_name(tmp_path, value):
    file = tmp_path / "clinic.csv"
    file.write_text(f"person_id,age,abmd_femoral_neck,abmd_total_hip\na,61,{value},0.9\n")
    people = read(file, map={"abmd_femoral_neck": None, "person_id": None})
    assert people.columns == [
        "age", "abmd_total_hip", "person_id (file)", "abmd_femoral_neck (file)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "variable", "unit"),
    [
        ("PTH", "pth", None),
        ("iPTH (pmol/L)", "pth", "pmol/L"),
        ("甲状旁腺激素(pg/ml)", "pth", "pg/mL"),
        ("β-CTX（ng/mL）", "ctx", "ng/mL"),
        ("P1NP μg/L", "p1np", "ng/mL"),
        ("25(OH)D", "vitamin_d_25oh", None),
        ("25-羟维生素D (ng/ml)", "vitamin_d_25oh", "ng/mL"),
        ("碱性磷酸酶", "alkaline_phosphatase", None),
        ("ALP (U/L)", "alkaline_phosphatase", "U/L"),
        ("血钙 (mmol/L)", "serum_calcium", "mmol/L"),
        ("血磷", "serum_phosphate", None),
        ("椎体骨髓脂肪分数 (%)", "marrow_fat_fraction", "%"),
        ("LBXPT21", "pth", None),
        ("LBXVIDMS", "vitamin_d_25oh", None),
        ("LBXSAPSI", "alkaline_phosphatase", None),
        ("LBDSCASI", "serum_calcium", None),
        ("LBDSPHSI", "serum_phosphate", None),
    ],
)
def test_biochemistry_and_marrow_fat_are_known(heading, variable, unit):
    found = match(heading)
    assert (found.variable, found.unit) == (variable, unit)


@pytest.mark.parametrize(
    "heading",
    [
        "PTH1", "PTHrP", "PTH T", "ALT", "CTX2", "P1CP", "NTX", "血清钾", "尿钙",
        "urinary calcium", "ionised calcium", "骨特异性碱性磷酸酶",
        "bone alkaline phosphatase", "osteocalcin", "Ca", "P",
    ],
)  # fmt: skip
def test_nothing_is_proposed_for_what_the_codebook_does_not_have(heading):
    found = match(heading)
    assert (found.variable, found.candidates) == (None, ())


def test_a_short_abbreviation_is_not_near_to_another():
    with pytest.raises(SchemaError, match=r"nearest: see osteo_epi\.codebook"):
        plan({"x": [1.0]}, {"x": "pthi"})
    with pytest.raises(SchemaError, match="nearest: abmd_total_hip"):
        plan({"x": [1.0]}, {"x": "abmd_total_hp"})


@pytest.mark.parametrize(
    "heading",
    [
        *("L1 excluded", "L2是否剔除", "invalid scan", "Spine not evaluable", "腰椎无法评价"),
        *("Included", "是否纳入", "QC", "eligible", "Menopause, stage", "绝经类型"),
        *("Number of fragility fractures", "脆性骨折次数", "low-trauma fx", "近10年脆性骨折"),
        "Previous major osteoporotic fracture",
    ],
)
def test_an_unknown_heading_of_what_counts_is_a_warning(heading):
    plan = plan_columns(pl.DataFrame({"age": [61], heading: ["yes"]}), {})
    (said,) = plan.findings
    assert (said.code, said.severity) == ("deciding_heading", "warning")


def test_an_answer_that_all_have_tells_nobody_apart():
    frame = pl.DataFrame({"age": [61, 62], "Included": ["yes", "yes"], "QC": ["ok", None]})
    assert [f.code for f in plan_columns(frame, {}).findings] == [
        "unknown_heading",
        "deciding_heading",
    ]


def test_a_heading_of_the_time_before_the_menopause_is_not_to_be_mapped_to_it():
    """Following the advice made everybody before the menopause postmenopausal."""
    (said,) = plan_columns(pl.DataFrame({"age": [61], "Pre-menopausal": ["no"]}), {}).findings
    assert "would turn them round" in said.fix
    (now,) = plan_columns(pl.DataFrame({"age": [61], "目前绝经类型": ["自然"]}), {}).findings
    assert "would turn them round" not in now.fix


def test_an_unknown_heading_of_treatment_or_beside_the_menopause_is_none():
    others = [
        "menopausal hormones",
        "exclusive milk",
        "有效剂量(mSv)",
        "疗效（有效/无效）",
        "invalidity",
        "Inclusion criteria",
        "date withdrawn",
        "Parental fragility fracture",
        "随访期间脆性骨折",
        "fragility fracture risk",
        *["功能评估", "入选编号", "Eligible for Medicare", "Major osteoporotic fracture (%)"],
        *["10年主要骨质疏松性骨折", "Time to fragility fracture"],
    ]
    frame = pl.DataFrame({"age": [61], **{heading: [1] for heading in others}})
    assert {f.code for f in plan_columns(frame, {}).findings} == {"unknown_heading"}
    frame = pl.DataFrame({"postmenopausal": [1], "menopause type": ["natural"]})
    assert [f.code for f in plan_columns(frame, {}).findings] == ["unknown_heading"]
