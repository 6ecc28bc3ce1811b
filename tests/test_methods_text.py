"""What the words of a run say: only what was done, with limits, exclusions and assumptions."""

from __future__ import annotations

import re

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import SchemaError
from osteo_epi.language import speaking
from osteo_epi.report import report_document

QCT = {
    "age": [66.0, 67.0, 70.0],
    "sex": ["female", "female", "male"],
    "postmenopausal": [True, True, None],
    "vbmd_l1": [70.0, 110.0, 130.0],
    "vbmd_l2": [75.0, 120.0, 140.0],
}
DXA = {
    "age": [66.0, 67.0, 70.0, 71.0],
    "sex": ["female", "female", "male", "female"],
    "abmd_lumbar_spine": [0.90, 1.10, 1.00, 1.0],
    "abmd_femoral_neck": [0.60, 0.80, 0.80, 0.8],
    "abmd_total_hip": [0.80, 0.90, 0.95, 0.9],
    "pregnant": [False, False, False, False],
    "examined": [True, True, True, False],
}


def run(folder, columns: dict, **options):
    """A run of a small file."""
    file = folder / "clinic.csv"
    pl.DataFrame(columns).write_csv(file)
    return oe.run(file, report=False, **options)


def test_qct_alone_asks_for_no_young_adults(tmp_path):
    made = run(tmp_path, QCT)
    assert "reference none" in made.manifest["definition"]["label"]
    text = made.methods
    assert "T-score" not in text.en
    assert "T值" not in text.zh
    assert "80 mg/cm³" in text.en
    assert "80 mg/cm³" in text.zh
    women = made.prevalence.filter(pl.col("class") == "osteoporosis", pl.col("sex") == "female")
    assert women.filter(pl.col("statistic") == "crude")["estimate"].to_list() == [0.5]


def test_evidence_that_needs_no_score_needs_no_reference():
    rules = definition("china_2020", evidence=["qct", "fracture"])
    assert rules.reference.id == "none"
    assert rules.cut_offs() == []
    classes = classify(pl.DataFrame(QCT), rules)["bone_class"]
    assert classes.to_list() == ["osteoporosis", "low_bone_mass", "normal"]
    with pytest.raises(oe.errors.DefinitionError, match="names no reference"):
        definition("china_2020")


def test_reported_scores_are_not_called_computed(tmp_path):
    columns = {k: v for k, v in DXA.items() if not k.startswith("abmd")}
    columns |= {f"t_score_{roi}_reported": [-2.6, -1.2, 0.3, -0.5]
                for roi in ("lumbar_spine", "femoral_neck", "total_hip")}  # fmt: skip
    made = run(tmp_path, columns, reference="reported")
    assert "computed from" not in made.methods.en
    assert "青年均值" not in made.methods.zh
    assert "as the densitometer reported them" in made.methods.en
    assert "设备报告值" in made.methods.zh


def test_limits_exclusions_and_assumptions_stand_in_both_languages(tmp_path):
    made = run(tmp_path, DXA, reference="nhanes3_white", sex_rule="own_sex")
    en, zh = made.methods.en, made.methods.zh
    for text in (en, zh):
        assert "T ≤ −2.5" in text
        assert "−2.5 < T < −1.0" in text
    assert "low bone mass (−2.5 < T < −1.0)" in en
    assert "骨量减低（−2.5 < T < −1.0）" in zh
    assert "1 who was not examined" in en
    assert "未接受检查者1人" in zh
    assert "Menopause was not recorded for 2 women" in en
    assert "C for the" in en
    assert "C级" in zh
    assert "no record that could establish a fragility fracture" in en
    foot = oe.tables.prevalence(made).to_html()
    assert "low bone mass: −2.5 &lt; T &lt; −1.0" in foot
    with speaking("zh"):
        assert "骨量减低：−2.5 &lt; T &lt; −1.0" in oe.tables.prevalence(made).to_html()


def test_no_estimate_at_all_is_an_error_with_its_way_out(tmp_path):
    one_site = {k: v for k, v in DXA.items() if k not in ("abmd_femoral_neck", "abmd_total_hip")}
    one_site["abmd_lumbar_spine"] = [1.0, 1.1, 1.0, 1.0]
    with pytest.raises(SchemaError, match=r"hip has no usable measurement.*--sites spine"):
        run(tmp_path, one_site, reference="nhanes3_white_female", sex_rule="female")
    made = run(tmp_path, one_site, reference="nhanes3_white_female", sex_rule="female",
               sites=["spine"])  # fmt: skip
    assert made.prevalence["n"].max() == 3


def test_the_command_line_leaves_no_blank_table(tmp_path, capsys):
    file = tmp_path / "clinic.csv"
    pl.DataFrame({"age": [66.0], "sex": ["male"], "abmd_lumbar_spine": [1.0]}).write_csv(file)
    with pytest.raises(SystemExit) as stop:
        main(["run", str(file), "--reference", "nhanes3_white_female", "--sex-rule", "female",
              "--out", str(tmp_path / "out"), "--no-report"])  # fmt: skip
    assert stop.value.code == 2
    assert "--sites spine" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_site_is_a_finding_of_every_classified_cohort():
    people = oe.cohort.Cohort.from_frame(
        pl.DataFrame({"age": [66.0, 70.0], "sex": ["male", "male"], "abmd_lumbar_spine": [1.0, 1.1],
                      "abmd_femoral_neck": [0.9, None], "abmd_total_hip": [0.9, None]})
    )  # fmt: skip
    classified = classify(
        people, definition("china_2020", reference="nhanes3_white_female", sex_rule="female")
    )
    (finding,) = classified.findings.of("hip_missing")
    assert finding.n == 1
    assert "--sites spine" in finding.fix


def test_a_hip_by_ctxa_says_with_whom_it_is_compared(tmp_path):
    columns = {k: v for k, v in DXA.items() if not k.startswith("abmd")}
    columns |= {"abmd_total_hip_ctxa": [0.6, 0.7, 0.8, 0.9]}
    made = run(tmp_path, columns, reference="nhanes3_white")
    assert "against young adults measured by DXA" in made.methods.en
    assert "参考人群由DXA测得" in made.methods.zh
    assert "ctxa_scored_on_dxa" in made.findings["code"].to_list()


def test_nothing_is_said_of_what_nobody_has(tmp_path):
    """No limits of QCT, no values by CTXA, no forearm, where the file holds none of them."""
    made = run(tmp_path, DXA, reference="nhanes3_white_female", sex_rule="female")
    for text in (made.methods.en, made.methods.zh, *made.manifest["notes"]):
        assert "CTXA" not in text
        assert "vBMD" not in text
        assert "radius" not in text
    assert "vBMD" not in made.manifest["definition"]["classes"]["en"]


def test_few_people_are_said_in_words(tmp_path):
    made = run(tmp_path, DXA, reference="nhanes3_white_female", sex_rule="female")
    flags = "; ".join(made.prevalence["flag"].drop_nulls())
    assert "effective n < 30" in flags
    assert "inf" not in flags


def test_those_whom_only_the_z_score_judges_are_not_called_classified(tmp_path):
    state = {"postmenopausal": [False, True, None, True]}
    made = run(tmp_path, DXA | state, reference="nhanes3_white", sex_rule="own_sex")
    assert "For 1 of those analysed only a Z-score applies" in made.methods.en
    assert "纳入分析者中1人仅适用Z值" in made.methods.zh


def test_the_finding_of_open_fracture_records_has_both_figures(tmp_path):
    n = 40
    graded = [1 if i < 10 else 0 for i in range(n)]
    columns = {"age": [66.0] * n, "sex": ["female"] * n, "postmenopausal": [True] * n,
               "genant_grade": graded, "abmd_lumbar_spine": [1.0 + i / 1000 for i in range(n)],
               "abmd_femoral_neck": [0.80 + i / 1000 for i in range(n)],
               "abmd_total_hip": [0.9 + i / 1000 for i in range(n)]}  # fmt: skip
    made = run(tmp_path, columns, reference="nhanes3_white_female", sex_rule="female")
    finding = made.findings.filter(pl.col("code") == "fracture_record_open").row(0, named=True)
    assert finding["n"] == 10
    assert "osteoporosis 0.0 %, and 25.0 % if all were established" in finding["message"]
    assert "--fracture-open" in finding["fix"]


def test_a_file_own_answer_on_fractures_is_not_called_judged_by_parts(tmp_path):
    answer = {**DXA, "fragility_fracture": ["yes", "no", "no", "no"]}
    made = run(tmp_path, answer, reference="nhanes3_white", sex_rule="own_sex")
    assert "A fragility fracture, as the data state it, established" in made.methods.en
    assert "Genant" not in made.methods.en
    assert "脆性骨折以数据自身的判断为准" in made.methods.zh


def test_osteoporosis_on_incomplete_sites_is_said_to_be_missing(tmp_path):
    hipless = {**DXA, "abmd_lumbar_spine": [0.50, 1.10, 1.00, 1.0],
               "abmd_total_hip": [None, 0.90, 0.95, 0.9]}  # fmt: skip
    made = run(tmp_path, hipless, reference="nhanes3_white", sex_rule="own_sex")
    assert "Those missing include 1 with osteoporosis at one region" in made.methods.en
    assert "缺失者中包括1人，其某一部位已达骨质疏松" in made.methods.zh


def test_the_terminal_says_what_has_to_be_known_of_the_estimates(tmp_path):
    fractured = {**DXA, "sex": ["female"] * 4, "genant_grade": [0, 2, 0, 0]}
    made = run(tmp_path, fractured, reference="nhanes3_white", sex_rule="own_sex")
    assert any("if all were established" in note for note in made.notes)
    file, out = tmp_path / "clinic.csv", tmp_path / "out"
    said = CliRunner().invoke(
        main,
        ["run", str(file), "--reference", "nhanes3_white", "--no-report", "--out", str(out)],
    )
    assert "if all were established" in " ".join(said.output.split())


def test_a_forearm_that_the_reference_lacks_is_named_with_its_way_out():
    people = oe.cohort.Cohort.from_frame(
        pl.DataFrame({"age": [66.0], "sex": ["female"], "postmenopausal": [True],
                      "abmd_lumbar_spine": [1.1], "hip_unusable_reason": ["implant"],
                      "abmd_radius_33": [0.55]})
    )  # fmt: skip
    classified = classify(people, definition("china_2020", reference="zhang_2007"))
    (finding,) = classified.findings.of("hip_missing")
    assert "forearm measured that the reference does not hold" in finding.fix


SURVEY = {
    **{name: values * 10 for name, values in DXA.items()},
    "person_id": [str(i) for i in range(40)],
    "age": [52.0 + i % 33 for i in range(40)],
    "WTMEC2YR": [100.0, 200.0, 150.0, 250.0] * 10,
    "SDMVSTRA": [1, 1, 2, 2] * 10,
    "SDMVPSU": [1, 2] * 20,
    "device": ["Discovery A", "Horizon W"] * 20,
    "centre": ["north", "south"] * 20,
    "scan_date": ["2019-03-01", "2021-07-09"] * 20,
}


def test_a_survey_is_told_by_its_own_names(tmp_path):
    made = run(tmp_path, SURVEY, reference="nhanes3_white", standard="us_2000_bone")
    en, zh = made.methods.en, made.methods.zh
    assert "weighted by WTMEC2YR" in en
    assert "with SDMVSTRA as strata and SDMVPSU as sampling units" in en
    assert "分层变量为SDMVSTRA，抽样单位变量为SDMVPSU" in zh
    assert made.manifest["design"] == "weights WTMEC2YR; strata SDMVSTRA; units SDMVPSU"
    assert "records of 40 people of 2 centres, examined from 2019 to 2021" in en
    assert "on Discovery A and Horizon W" in en
    assert "2个中心2019—2021年接受检查的40人" in zh


def test_the_file_is_asked_for_the_scanner_and_it_is_said_where_it_holds_none(tmp_path):
    made = run(tmp_path, DXA, reference="nhanes3_white")
    assert "The data do not state the make of the densitometer." in made.methods.en
    assert "数据未注明骨密度仪的厂家。" in made.methods.zh
    named = run(tmp_path, DXA | {"maker": ["Hologic"] * 4}, reference="nhanes3_white")
    assert "on Hologic densitometers." in named.methods.en
    assert "采用Hologic双能X线骨密度仪" in named.methods.zh


def test_each_number_cites_the_source_in_its_place(tmp_path):
    made = run(tmp_path, SURVEY, reference="nhanes3_white", standard="us_2000_bone")
    sources = made.methods.references
    assert "[1]; by the lowest T-score" in made.methods.en
    assert "consensus" in sources[0]
    for text in (made.methods.en, made.methods.zh):
        numbers = [int(n) for n in re.findall(r"\[(\d+)\]", text)]
        assert list(dict.fromkeys(numbers)) == list(range(1, len(sources) + 1))
    standard = int(re.search(r"standard population “[^”]+” \[(\d)\]", made.methods.en)[1])
    assert "two bands of NCHS" in sources[standard - 1]


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.PrecisionWarning")
def test_young_adults_of_the_study_and_scores_of_the_file_are_no_publication(tmp_path):
    """They took a number that no sentence cites, and stood in English in a Chinese report."""
    columns = DXA | {
        f"t_score_{roi}_reported": [-2.6, -1.2, 0.3, -0.5]
        for roi in ("lumbar_spine", "femoral_neck", "total_hip")
    }
    for made in (run(tmp_path, columns, reference="reported"), oe.run(n=4000, report=False)):
        sources = made.methods.references
        for text in (made.methods.en, made.methods.zh):
            numbers = [int(n) for n in re.findall(r"\[(\d+)\]", text)]
            assert list(dict.fromkeys(numbers)) == list(range(1, len(sources) + 1))
        listed = report_document(made).part("references").blocks[-1].items
        assert [(item.number, item.text[:20]) for item in listed] == [
            (number, source[:20]) for number, source in enumerate(sources, start=1)
        ]


LATIN = {
    *("NHANES", "DXA", "QCT", "CTXA", "NCHS", "L1", "L4", "T", "Z", "III", "Hologic", "Genant"),
    *("Korn", "Graubard", "beta", "vBMD", "mg", "cm", "f", "q", "osteo", "epi", "GE", "Lunar"),
    *("Mindways", "CT", "X", "B", "C", "A", "lunar_1", "WTMEC2YR", "SDMVSTRA", "SDMVPSU"),
    *("Discovery", "Horizon", "W"),
}
"""Names, symbols and columns, which are the same in Chinese."""


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.PrecisionWarning")
@pytest.mark.parametrize("name", ["clinic", "qct", "survey", "simulated"])
def test_no_english_stands_in_the_chinese(name, tmp_path):
    made = {
        "clinic": lambda: run(tmp_path, DXA, reference="nhanes3_white"),
        "qct": lambda: run(tmp_path, QCT),
        "survey": lambda: run(tmp_path, SURVEY, reference="nhanes3_white", lonely="adjust"),
        "simulated": lambda: oe.run(report=False, n=4000),
    }[name]()
    words = set(re.findall(r"[A-Za-z]\w*", made.methods.zh, flags=re.ASCII))
    assert not words - LATIN
    assert not re.search(r"[,;]\s|: ", made.methods.zh)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_paragraph_is_whole_sentences(language, tmp_path):
    text = getattr(run(tmp_path, SURVEY, reference="nhanes3_white").methods, language)
    stop = "." if language == "en" else "。"
    assert text.endswith(stop)
    assert not re.search(r"\.\.|。。|  |\(\)|（）|None|\bnan\b|\binf\b", text)
