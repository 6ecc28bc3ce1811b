"""The command that asks what a cut-off is worth: it answers whole, and each fault is one line."""

import re
import shlex

import polars as pl
import pytest
from click.testing import CliRunner

from osteo_epi.cli import main
from osteo_epi.datasets import follow_up, survey

QUICK = ("--replicates", "20", "--criteria", "youden", "--quiet")
SPINE = ("--test", "vbmd_lumbar_spine", "--direction", "low", "--truth", "dxa_osteoporosis")
AHEAD = (
    *("--outcome", "fracture", "--time", "follow_up_years", "--at", "10", "--competing", "death"),
    *("--risk", "clinical_risk", "--adjust", "age,sex"),
)


@pytest.fixture(scope="module")
def frame():
    return follow_up().frame


@pytest.fixture
def file(frame, tmp_path):
    path = tmp_path / "clinic.csv"
    frame.drop("synthetic").write_csv(path)
    return path


def thresholds(*words):
    return CliRunner().invoke(main, ["thresholds", *map(str, words)], catch_exceptions=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study with everything, of the people that come along."""
    out = tmp_path_factory.mktemp("study") / "out"
    words = ("--compare-with", "t_score_femoral_neck", "--compare-positive", "(-inf, -2.5]")
    result = thresholds(*SPINE, *words, *AHEAD, "--replicates", "20", "--prevalence", "0.1",
                        "--tables", "docx,xlsx", "--out", out)  # fmt: skip
    assert result.exit_code == 0, result.output
    return result.output, out


def test_everything_is_written(whole):
    _, out = whole
    names = {path.name for path in out.iterdir()}
    tables = ("accuracy", "cut_points", "stard", "association", "incidence", "decision",
              "calibration")  # fmt: skip
    assert {f"{name}.{end}" for name in tables for end in ("csv", "docx", "xlsx")} <= names
    figures = ("roc", "cut_points", "stard", "incidence", "decision", "calibration_1")
    assert {f"{name}.{end}" for name in figures for end in ("png", "svg")} <= names
    assert {"thresholds.html", "roc_points.csv", "roc_band.csv"} <= names


def test_what_is_advised_is_an_option_of_the_command(whole):
    """It was an argument of Python, for the options of this command alone were not looked up."""
    said = " ".join(whole[0].split())
    assert "take --replicates 40 or more" in said
    assert "replicates=" not in said
    page = (whole[1] / "thresholds.html").read_text(encoding="utf-8")
    assert "take --replicates 40 or more" in page


def test_the_label_stands_in_every_output(whole):
    said, out = whole
    assert "\nSIMULATED people, to try" in said
    for path in out.glob("*.csv"):
        if path.name != "threshold_findings.csv":
            assert pl.read_csv(path)["label"].str.contains("SIMULATED").all(), path.name
    page = (out / "thresholds.html").read_text(encoding="utf-8")
    assert page.index("SIMULATED") < page.index("In short")
    for caption in re.findall("<figcaption>(.*?)</figcaption>", page):
        assert caption.startswith("SIMULATED people")
    from docx import Document

    document = Document(str(out / "accuracy.docx"))
    assert ". SIMULATED people" in document.paragraphs[0].text  # behind the number


def test_the_page_answers_first_and_loads_nothing(whole):
    _, out = whole
    page = (out / "thresholds.html").read_text(encoding="utf-8")
    headings = re.findall("<h2[^>]*>(.*?)</h2>", page)
    assert headings[0] == "In short"
    assert "is positive in 58 % (53 to 64)" in page
    assert 'lang="zh-Hans"' in page
    assert "grade A" in page
    assert page.count("data:image/svg+xml") == 6
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert str(out.parent) not in page
    assert "--out out" in page


def test_the_numbers_are_the_library_s(whole, frame):
    from osteo_epi.accuracy import accuracy, cut_points, roc

    _, out = whole
    rows = {r["measure"]: r for r in pl.read_csv(out / "accuracy.csv").iter_rows(named=True)
            if r["at_prevalence"] is None}  # fmt: skip
    columns = {"truth": "dxa_osteoporosis"}
    at = accuracy(frame, test="vbmd_lumbar_spine", test_positive="(-inf, 80)", **columns)
    assert rows["sensitivity"]["estimate"] == at.sensitivity.estimate
    assert rows["ppv"]["lower"] == at.ppv.lower
    score = {"score": "vbmd_lumbar_spine", "direction": "low"}
    assert rows["auc"]["estimate"] == roc(frame, **score, **columns).auc.estimate
    points = cut_points(frame, **score, **columns, criteria=("youden",), replicates=0)
    written = pl.read_csv(out / "cut_points.csv")
    assert written["cut_point"][0] == points["youden"].cut_point
    assert written["criterion"].to_list()[-2:] == ["equipercentile", "stated"]


def test_a_file_answers_as_the_frame_does(file, whole, tmp_path):
    """Words for yes and no in a text file, and no label where people are not simulated."""
    out = tmp_path / "out"
    result = thresholds(file, *SPINE, "--cut", "80", *QUICK, "--out", out)
    assert result.exit_code == 0, result.output
    ours = pl.read_csv(out / "accuracy.csv").filter(measure="sensitivity")
    theirs = pl.read_csv(whole[1] / "accuracy.csv").filter(measure="sensitivity")
    assert ours["estimate"].item() == theirs["estimate"].item()
    assert "label" not in ours.columns
    page = (out / "thresholds.html").read_text(encoding="utf-8")
    assert "SIMULATED" not in page
    assert "clinic.csv" in page


def test_the_design_of_a_survey_counts(tmp_path):
    path = tmp_path / "survey.csv"
    survey().frame.write_csv(path)
    words = ("--test", "abmd_total_hip", "--direction", "low", "--cut", "0.7", "--truth",
             "abmd_lumbar_spine", "--truth-positive", "(-inf, 0.8]", *QUICK)  # fmt: skip
    assert thresholds(path, *words, "--out", tmp_path / "a").exit_code == 0
    assert thresholds(path, *words, "--no-design", "--out", tmp_path / "b").exit_code == 0
    with_design, without = (
        pl.read_csv(tmp_path / name / "accuracy.csv").filter(measure="sensitivity") for name in "ab"
    )
    assert with_design["method"].item() == "Korn-Graubard (beta)"
    assert without["method"].item() == "wilson"


def test_an_outcome_without_follow_up_is_an_odds_ratio(file, tmp_path):
    words = ("--outcome", "fracture", "--risk", "clinical_risk", "--replicates", "20", "--quiet")
    result = thresholds(file, *SPINE, *words, "--out", tmp_path / "o")
    assert result.exit_code == 0, result.output
    table = pl.read_csv(tmp_path / "o" / "association.csv")
    assert table["measure"].item() == "odds ratio"
    assert not (tmp_path / "o" / "incidence.csv").exists()


def test_ages_and_sex_say_in_whom(file, tmp_path):
    words = ("--ages", "[65, inf)", "--sex", "female", *QUICK, "--out", tmp_path / "o")
    assert thresholds(file, *SPINE, *words).exit_code == 0
    flow = pl.read_csv(tmp_path / "o" / "stard.csv")
    eligible = flow.filter(box="eligible")["n"].item()
    people = pl.read_csv(file).filter((pl.col("age") >= 65) & (pl.col("sex") == "female"))
    assert eligible == people.height


HEADINGS = {
    "age": "年龄", "sex": "性别", "vbmd_lumbar_spine": "腰椎骨密度(mg/cm3)", "fracture": "骨折",
    "w": "权重", "t_score_femoral_neck_reported": "股骨颈T值",
}  # fmt: skip


def test_a_column_may_be_named_by_the_heading_of_the_file(frame, tmp_path):
    path = tmp_path / "people.csv"
    weighted = frame.with_columns(w=pl.col("age") / 50)
    weighted.select(pl.col(name).alias(zh) for name, zh in HEADINGS.items()).write_csv(path)
    words = ("--test", "腰椎骨密度(mg/cm3)", "--direction", "low", "--truth", "股骨颈T值",
             "--truth-positive", "(-inf, -2.5]", "--weight", "权重", "--outcome", "骨折",
             "--adjust", "年龄", "--criteria", "cost", "--cost-ratio", "0.25")  # fmt: skip
    result = thresholds(path, *words, "--replicates", "0", "--quiet", "--out", tmp_path / "o")
    assert result.exit_code == 0, result.output
    assert "cost" in pl.read_csv(tmp_path / "o" / "cut_points.csv")["criterion"].to_list()
    method = pl.read_csv(tmp_path / "o" / "accuracy.csv")["method"]
    assert method[0] == "Korn-Graubard (beta)"
    absent = thresholds(path, *words, "--weight", "权数", "--quiet", "--out", tmp_path / "p")
    assert "there are age, sex, survey_weight, vbmd_lumbar_spine" in absent.output


def test_a_t_score_named_by_its_heading_is_positive_on_its_cut_off(tmp_path):
    path = tmp_path / "people.csv"
    score = [-2.5, -2.5, -1.0, -1.0]
    people = {
        "年龄": [61, 62, 63, 64],
        "性别": ["女"] * 4,
        "股骨颈T值": score,
        "骨折": [1, 0, 1, 0],
    }
    pl.DataFrame(people).write_csv(path)
    words = ("--test", "股骨颈T值", "--direction", "low", "--cut", "-2.5", "--truth", "骨折")
    result = thresholds(path, *words, *QUICK, "--out", tmp_path / "o")
    assert result.exit_code == 0, result.output
    flow = pl.read_csv(tmp_path / "o" / "stard.csv")
    assert flow.filter(box="index test positive")["n"].item() == 2


def test_who_is_lost_is_told_in_steps_and_an_accepted_error_is_none(frame, tmp_path):
    """Each loss once, in the order of the steps to the model."""
    path, row = tmp_path / "people.csv", pl.int_range(pl.len())
    lost = {"vbmd_lumbar_spine": 19, "fracture": 11, "weight": 7}
    gaps = {name: pl.when(row % k != 0).then(name) for name, k in lost.items()}
    sex = pl.when(row % 23 != 0).then(pl.col("sex").cast(pl.String)).otherwise(pl.lit("x"))
    frame.drop("synthetic").with_columns(**gaps, sex=sex).write_csv(path)
    words = (*SPINE, "--outcome", "fracture", "--adjust", "weight", "--replicates", "40",
             "--criteria", "youden", "--accept-errors", "--out", tmp_path / "o")  # fmt: skip
    result = thresholds(path, *words)
    assert result.exit_code == 0, result.output
    left = frame.with_columns(**gaps)
    n = [left.drop_nulls(list(lost)[:k]).height if k else left.height for k in range(4)]
    steps = (f"{n[0]:,} people; of these {n[1]:,} with vbmd_lumbar_spine; of these {n[2]:,} with "
             f"fracture; of these {n[3]:,} with weight")  # fmt: skip
    assert f"Note: How n of the model is reached: {steps} " in " ".join(result.output.split())
    assert pl.read_csv(tmp_path / "o" / "association.csv")["n"].item() == n[3]
    assert "lack weight" not in result.output
    assert " ".join(result.output.split()).count("decided who was verified") == 1
    assert "accepted error: not_understood [sex]" in result.output
    assert "\nerror:" not in result.output
    assert "in spite of an error" not in result.output
    page = (tmp_path / "o" / "thresholds.html").read_text(encoding="utf-8")
    assert page.count("not_understood") == 1
    assert steps in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--test", "vbmd_lumbar_spin"), "did you mean vbmd_lumbar_spine"),
        (("--truth", "osteoporosis_dxa"), "did you mean dxa_osteoporosis"),
        (("--truth", "dxa_osteoporosis", "--truth-positive", "yes"), "no class yes"),
        (("--truth", "nobody"), "one class only"),
        (("--truth", "abmd_total_hip"), "as in --truth-positive"),
        (("--test", "sex", "--cut", "1"), "expected numbers"),
        (("--test", "constant", "--cut", "1"), "constant"),
        (("--direction", "down"), "--direction is not declared"),
        (("--direction", "high", "--cut", "(-inf, 80)"), "does not go with --direction high"),
        (("--cut", "eighty"), "--cut eighty: expected a number"),
        (("--test", "abmd_total_hip"), "has no cut-off for abmd_total_hip"),
        (("--criteria", "best"), "best"),
        (("--criteria", "deming"), "needs --compare-with: the column"),
        (("--confidence", "95"), "--confidence 95.0; expected between 0 and 1"),
        (("--time", "follow_up_years"), "--outcome is not given"),
        (("--outcome", "fracture", "--time", "follow_up_years"), "--time needs --at"),
        (("--outcome", "fracture", "--competing", "death"), "has no use without --time"),
        (("--outcome", "fracture", "--time", "follow_up_years", "--at", "10"),
         "only if nothing competes, say --nothing-competes"),
        (("--outcome", "fracture", "--risk", "age"), "risk"),
        (("--outcome", "nobody"), "nobody"),
        (("--ages", "old"), "ages"),
        (("--sex", "f"), 'expected "female" or "male"'),
        (("--tables", "pdf"), "expected one of docx"),
        (("--weight", "nowhere"), "nowhere"),
        (("--lonely", "x"), "lonely"),
        (("--missing", "=9"), "NAME=VALUE"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_one_line(frame, tmp_path, words, said):
    path, out = tmp_path / "people.csv", tmp_path / "out"
    changed = frame.with_columns(nobody=pl.lit("false"), constant=pl.lit(3.0))
    changed.drop("synthetic").write_csv(path)
    result = thresholds(path, *SPINE, *QUICK, *words, "--out", out)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert not out.exists()


def test_direction_is_asked_for(tmp_path):
    words = ("--test", "vbmd_lumbar_spine", "--truth", "dxa_osteoporosis", "--out", tmp_path / "o")
    result = thresholds(*words)
    assert result.exit_code == 2
    assert "never guessed" in result.output
    assert "--direction is not declared" in result.output


@pytest.mark.parametrize("bytes_", [b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"a,b\n1\n1,2,3,4\n"])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, bytes_):
    path = tmp_path / "people.csv"
    path.write_bytes(bytes_)
    result = thresholds(path, *SPINE, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    absent = thresholds(tmp_path / "absent.csv", *SPINE, "--out", tmp_path / "out")
    assert absent.exit_code == 2
    assert "no such file" in absent.output


def test_a_study_is_not_overwritten_unasked(tmp_path):
    out = tmp_path / "out"
    (out).mkdir()
    (out / "thresholds.html").write_text("mine")
    (out / "notes.txt").write_text("mine")
    result = thresholds(*SPINE, *QUICK, "--out", out)
    assert result.exit_code == 2
    assert "--overwrite" in result.output
    assert thresholds(*SPINE, *QUICK, "--out", out, "--overwrite").exit_code == 0
    assert (out / "notes.txt").read_text() == "mine"
    assert "<h1" in (out / "thresholds.html").read_text()


def test_the_examples_of_the_help_run_as_they_are_pasted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["thresholds", "--help"]).output
    block = told[told.index("  osteo-epi thresholds") : told.index("The cut-off and the truth")]
    commands = [line.strip() for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    assert len(commands) == 2
    for command in commands:
        name, *words = shlex.split(command)
        assert name == "osteo-epi"
        result = CliRunner().invoke(main, [*words, "--replicates", "20", "--quiet"])
        assert result.exit_code == 0, result.output


def test_a_file_without_sex_is_of_the_sex_that_is_asked_about(frame, tmp_path):
    path = tmp_path / "women.csv"
    frame.filter(sex="female").drop("sex", "synthetic").write_csv(path)
    result = thresholds(path, *SPINE, "--sex", "female", *QUICK, "--out", tmp_path / "o")
    assert result.exit_code == 0, result.output
    eligible = pl.read_csv(tmp_path / "o" / "stard.csv").filter(box="eligible")["n"].item()
    assert eligible == frame.filter(sex="female").height


def test_the_methods_are_whole_sentences_in_both_languages(whole):
    _, out = whole
    page = (out / "thresholds.html").read_text(encoding="utf-8")
    en = "The index test was volumetric BMD by QCT, lumbar spine &lt; 80 mg/cm³; the reference"
    assert en in page
    assert "adjusted for age and sex" in page
    zh = "待评价试验为腰椎体积骨密度（QCT） &lt; 80 mg/cm³，参考标准为"
    assert zh in page
    assert "灵敏度≥0.9" in page
    assert "simple random" not in page[page.index(zh) :].partition("</p>")[0]
