"""Headings as scanners, registries, surveys and hospitals of six languages write them."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort.conform import conform, match, plan_columns
from osteo_epi.cohort.readers import Declared, Raw
from osteo_epi.errors import SchemaError

SPINE, NECK, HIP = "lumbar_spine", "femoral_neck", "total_hip"
KNOWN = {
    # janitor
    "bmd_lumbar_spine_g_cm2": f"abmd_{SPINE}",
    "t_score_femoral_neck": f"t_score_{NECK}_reported",
    "femoral_neck_bmd_g_cm_2": f"abmd_{NECK}",
    "total_hip_z_score": f"z_score_{HIP}_reported",
    "l1_bmc_g": "bmc_l1",
    "l1_v_bmd_mg_cm3": "vbmd_l1",
    "height_cm": "height",
    "age_years": "age",
    # Hologic
    "HTOT_BMD": f"abmd_{HIP}",
    "NECK_BMD": f"abmd_{NECK}",
    "TROCH_BMD": "abmd_trochanter",
    "WARDS_BMD": "abmd_wards",
    "L1_BMD": "abmd_l1",
    "L2_AREA": "area_l2",
    "HTOT_T": f"t_score_{HIP}_reported",
    "NECK_Z": f"z_score_{NECK}_reported",
    "R_13_BMD": "abmd_radius_33",
    "INTER_BMD": None,
    "R_UD_BMD": None,
    "WBTOT_BMD": None,
    "SUBTOT_BMD": None,
    "TOT_BMD": None,
    "PATIENT_KEY": "person_id",
    # enCORE
    "L1-L4 BMD": f"abmd_{SPINE}",
    "Neck Left BMD": f"abmd_{NECK}_left",
    "Neck Mean BMD": f"abmd_{NECK}_mean",
    "Total Left BMD": f"abmd_{HIP}_left",
    "Total Mean BMD": f"abmd_{HIP}_mean",
    "L1-L4 Young Adult T-Score": f"t_score_{SPINE}_reported",
    "Neck Right Young Adult T-Score": f"t_score_{NECK}_right_reported",
    "Total Left Age Matched Z-Score": f"z_score_{HIP}_left_reported",
    "L2-L4 BMD": None,
    "Upper Neck Left BMD": None,
    "Shaft Left BMD": None,
    "L1-L4 Young Adult (%)": None,
    "Young Adult T-Score": None,
    "Measure Date": "scan_date",
    "Birth Date": "birth_date",
    "Radius 33% BMD": "abmd_radius_33",
    # DICOM, and whoever says whose it is
    "PatientSex": "sex",
    "PatientAge": "age",
    "PatientBirthDate": "birth_date",
    "PatientSize": "height",
    "PatientWeight": "weight",
    "PatientName": None,
    "subject_sex": "sex",
    "Patient's gender": "sex",
    "患者性别": "sex",
    "病人年龄（岁）": "age",
    # registries of China
    "lumbarT": f"t_score_{SPINE}_reported",
    "femurNeckBMD": f"abmd_{NECK}",
    "coxaT": None,
    "idnum": "person_id",
    "Patients_ID": "person_id",
    # traditional Chinese
    "腰椎骨質密度": f"abmd_{SPINE}",
    "股骨頸T值": f"t_score_{NECK}_reported",
    "全髖骨密度(g/cm²)": f"abmd_{HIP}",
    "年齡": "age",
    "性別": "sex",
    "身高(公分)": "height",
    "體重(公斤)": "weight",
    "病歷號": "person_id",
    # Japanese
    "年齢": "age",
    "腰椎BMD": f"abmd_{SPINE}",
    "大腿骨頸部BMD": f"abmd_{NECK}",
    "大腿骨近位部全体Tスコア": f"t_score_{HIP}_reported",
    "大腿骨BMD": None,
    "腰椎YAM(%)": None,
    "腰椎YAM": None,
    "YAM%": None,
    "検査日": "scan_date",
    # Korean
    "나이": "age",
    "성별": "sex",
    "요추 골밀도": f"abmd_{SPINE}",
    "대퇴경부 T점수": f"t_score_{NECK}_reported",
    "대퇴골전체 T점수": f"t_score_{HIP}_reported",
    "환자번호": "person_id",
    # French
    "DMO rachis lombaire (g/cm²)": "abmd_lumbar_spine",
    "Densité minérale osseuse du col du fémur": "abmd_femoral_neck",
    "DMO hanche totale": "abmd_total_hip",
    "T-score du col fémoral gauche": "t_score_femoral_neck_left_reported",
    "Score T rachis lombaire": "t_score_lumbar_spine_reported",
    "Z-score hanche totale": "z_score_total_hip_reported",
    "Sexe": "sex",
    "Âge": "age",
    "Âge (ans)": "age",
    "Âge en années": "age",
    "Poids (kg)": "weight",
    "Taille (cm)": "height",
    "Date de naissance": "birth_date",
    "Date d'examen": "scan_date",
    "Ménopause": "postmenopausal",
    "Identifiant": "person_id",
    # Spanish
    "Edad (años)": "age",
    "Sexo": "sex",
    "DMO columna lumbar": f"abmd_{SPINE}",
    "DMO de cuello femoral (g/cm2)": f"abmd_{NECK}",
    "Puntuación T de la cadera total": f"t_score_{HIP}_reported",
    "T-score cuello femoral izquierdo": f"t_score_{NECK}_left_reported",
    "DMO cadera": None,
    "Talla (cm)": "height",
    # German
    "Alter": "age",
    "Geschlecht": "sex",
    "Größe (cm)": "height",
    "T-Wert LWS": f"t_score_{SPINE}_reported",
    "Knochendichte Schenkelhals links": f"abmd_{NECK}_left",
    "BMD Gesamthüfte": f"abmd_{HIP}",
    "T-Score Femur gesamt": f"t_score_{HIP}_reported",
    "Untersuchungsdatum": "scan_date",
    # Portuguese and Italian
    "Idade (anos)": "age",
    "Sexo do paciente": None,
    "DMO coluna lombar (g/cm²)": f"abmd_{SPINE}",
    "Densidade mineral óssea do colo do fêmur": f"abmd_{NECK}",
    "T-score colo do fêmur direito": f"t_score_{NECK}_right_reported",
    "T-score fêmur total": f"t_score_{HIP}_reported",
    "DMO quadril": None,
    "Data de nascimento": "birth_date",
    "Data do exame": "scan_date",
    "Età (anni)": "age",
    "Sesso": "sex",
    "BMD collo femorale sinistro": f"abmd_{NECK}_left",
    "T-score colonna lombare": f"t_score_{SPINE}_reported",
    "Z-score femore totale": f"z_score_{HIP}_reported",
    "BMD femore": None,
    "Frattura da fragilità": "fragility_fracture",
    "Fratura por fragilidade": "fragility_fracture",
    "Fractura por fragilidad": "fragility_fracture",
    "Fragilitätsfraktur": "fragility_fracture",
    "Data di nascita": "birth_date",
    # surveys
    "wt_itvex": "survey_weight",
    "kstrata": "stratum",
    "psu": "psu",
    "HE_ht": "height",
    "HE_wt": "weight",
    "HE_BMI": "bmi",
    "IDind": "person_id",
}


@pytest.mark.parametrize(("heading", "variable"), KNOWN.items())
def test_headings_of_makers_and_languages(heading, variable):
    assert match(heading).variable == variable


UNITS = [
    "腰椎骨密度(g/cm2)", "腰椎骨密度（g/cm²）", "腰椎骨密度 [g·cm⁻²]", "腰椎骨密度，g/cm^2",
    "腰椎骨密度(单位:g/cm2)", "lumbar spine BMD, g/cm2", "lumbar_spine_bmd_g_cm2",
    "LS BMD (gm/cm2)", "LS (g/cm2) BMD", "LS_BMD_g.cm.2", "BMD LWS [g/cm²]",
]  # fmt: skip


@pytest.mark.parametrize("heading", UNITS)
def test_units_in_headings(heading):
    reading = match(heading)
    assert (reading.variable, reading.unit) == ("abmd_lumbar_spine", "g/cm2")


@pytest.mark.parametrize(
    ("heading", "variable", "coding"),
    [
        ("Sex(M=1, W=2)", "sex", {"1": "M", "2": "W"}),
        ("性别(1男2女)", "sex", {"1": "男", "2": "女"}),
        ("性别（男=1，女=2）", "sex", {"1": "男", "2": "女"}),
        ("gender (0=female,1=male)", "sex", {"0": "female", "1": "male"}),
        ("Sex [1: M; 2: F]", "sex", {"1": "M", "2": "F"}),
        ("Sex 1=male 2=female", "sex", {"1": "male", "2": "female"}),
        ("Menopause (1 yes 2 no)", "postmenopausal", {"1": "yes", "2": "no"}),
        ("성별(1=남, 2=여)", "sex", {"1": "남", "2": "여"}),
        ("腰椎BMD(L1-L4)", "abmd_lumbar_spine", {}),
    ],
)
def test_a_coding_inside_the_heading(heading, variable, coding):
    reading = match(heading)
    assert (reading.variable, reading.coding) == (variable, coding)


def sexes(cells, heading="sex", **declared):
    frame, _ = conform(Raw(pl.DataFrame({heading: cells}), (), "test"), Declared.of(**declared))
    return frame["sex"].cast(pl.String).to_list()


@pytest.mark.parametrize(
    "cells",
    [
        ["女性", "男性"], ["女", "男"], ["여", "남"], ["여자", "남자"], ["여성", "남성"],
        ["feminino", "masculino"], ["femmina", "maschio"], ["mulher", "homem"], ["donna", "uomo"],
        ["Mujer", "Hombre"], ["mujer", "varón"], ["weiblich", "männlich"], ["W", "M"],
        ["w", "m"], ["F", "M"], ["M", "H"], ["Frau", "Mann"],
    ],
)  # fmt: skip
def test_words_for_sexes(cells):
    assert sexes(cells) == ["female", "male"]


@pytest.mark.parametrize(
    ("cells", "heading"),
    [
        (["F", "H", "M"], "sex"),
        (["W", "M", "H"], "sex"),
        (["M", "M"], "Sexo"),
        (["M", "V"], "sex"),
        (["Hombre", "M", "F"], "sex"),
    ],
)
def test_an_m_that_contradicts_itself_is_asked_about(cells, heading):
    with pytest.raises(SchemaError, match=r"may stand for .*--sex-coding"):
        sexes(cells, heading)


def test_a_code_that_nobody_has_tells_nothing_about_m():
    """The proposed --sex-coding CODE=female,OTHER=male, typed as it stood, made Mujer a man."""
    coding = {"CODE": "female", "OTHER": "male"}
    with pytest.raises(SchemaError, match="M beside no other answer may stand for"):
        sexes(["M"] * 3, "Sexo", sex_coding=coding)


def test_an_answer_about_m_settles_it():
    coding = {"M": "female", "V": "male"}
    assert sexes(["M", "V"], sex_coding=coding) == ["female", "male"]
    assert sexes([1, 2], "Geschlecht (M=1, W=2)") == ["male", "female"]
    assert sexes([1, 2], "Sexo (1=H, 2=M)") == ["male", "female"]


def planned(columns, mapped=None):
    return plan_columns(pl.DataFrame(columns), mapped or {})


def read_as(plan):
    return {m.heading: name for name, readings in plan.variables.items() for m in readings}


def test_a_total_beside_the_total_of_a_hip_is_the_spine():
    plan = planned({"TOT_T": [-1.0], "NECK_T": [-1.0], "HTOT_T": [-1.0], "TOT_BMD": [0.9]})
    assert read_as(plan)["TOT_T"] == "t_score_lumbar_spine_reported"
    assert plan.others == ("TOT_BMD",)  # no HTOT_BMD beside it
    assert {"assumed_heading", "ambiguous_heading"} == {f.code for f in plan.findings}


def test_a_total_beside_the_vertebrae_is_the_spine():
    plan = planned(
        {f"L{i}_BMD": [0.9] for i in range(1, 5)} | {"TOT_BMD": [0.9], "NECK_BMD": [0.8]}
    )
    assert read_as(plan)["TOT_BMD"] == "abmd_lumbar_spine"


def test_a_hip_beside_its_neck_is_the_total():
    plan = planned({"lumbarT": [-1.0], "femoralneckT": [-1.0], "coxaT": [-1.0]})
    assert read_as(plan)["coxaT"] == "t_score_total_hip_reported"
    assert planned({"lumbarT": [-1.0], "coxaT": [-1.0]}).others == ("coxaT",)
    three = planned({"FN_T": [-1.0], "hip_T": [-1.0], "femur_T": [-1.0]})
    assert three.others == ("hip_T", "femur_T")


def test_the_weight_of_a_survey_is_known_beside_its_strata():
    plan = planned({"wt_ind": [1.5, 2.0], "stratum": [1, 2], "age": [50, 60]})
    assert read_as(plan)["wt_ind"] == "survey_weight"
    assert planned({"wt_ind": [1.5], "age": [50]}).others == ("wt_ind",)
    several = planned({"wt_a": [1.5], "wt_b": [1.0], "psu": [1]})
    assert several.others == ("wt_a", "wt_b")
    assert "measured the bone" in several.findings[0].message


IDS = {"住院号": ["a", "b", "c", "d"], "门诊号": ["1", "1", None, "2"], "age": [60, 61, 62, 63]}


@pytest.mark.parametrize(
    ("own", "chosen"),
    [
        ({}, "住院号"),
        ({"身份证号": ["x", "x", "y", "z"]}, "身份证号"),
        ({"身份证号": ["x", None, None, None]}, "住院号"),
        ({"身份证号": ["0", "0", "0", "0"]}, "住院号"),
    ],
)
def test_of_several_identifiers_the_finest_is_chosen_and_said(own, chosen):
    plan = planned(IDS | own)
    assert read_as(plan)[chosen] == "person_id"
    (finding,) = [f for f in plan.findings if f.code == "several_identifiers"]
    assert repr(chosen) in finding.message
    assert all(cell not in finding.message.split("'") for cell in "abcdxyz")


def test_an_identifier_that_is_mapped_is_taken():
    assert read_as(planned(IDS, {"门诊号": "person_id"}))["门诊号"] == "person_id"
