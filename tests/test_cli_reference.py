"""The command that makes a reference: one way from a file to norms; each fault is one line."""

import polars as pl
import pytest
from click.testing import CliRunner

from osteo_epi import norms
from osteo_epi.cli import main
from osteo_epi.cohort import simulate

QUICK = ("--mu", "polynomial:3", "--sigma", "constant", "--folds", "0", "--quiet")


@pytest.fixture(scope="module")
def frame():
    return simulate(6_000, seed=3).frame.select("sex", "age", "abmd_femoral_neck", "abmd_l1")


@pytest.fixture
def file(frame, tmp_path):
    path = tmp_path / "healthy.csv"
    frame.write_csv(path)
    return path


def reference(*words):
    return CliRunner().invoke(main, ["reference", *map(str, words)], catch_exceptions=False)


def test_a_good_file_becomes_norms_that_a_run_takes(file, tmp_path):
    out = tmp_path / "norms"
    words = (
        "--id",
        "our_county",
        "--title",
        "Our county",
        "--title-zh",
        "本县",
        "--maker",
        "hologic",
    )
    result = reference(file, "--roi", "femoral_neck", "--out", out, *words, *QUICK[:-1])
    assert result.exit_code == 0, result.output
    for text in ("rows of healthy.csv", "T = −2.5", "female", "male", "Norms and tables:"):
        assert text in result.output
    assert norms.load("by_age", "our_county", folder=out).title_zh == "本县"
    assert norms.load("young_adult", "our_county", folder=out).maker == "hologic"
    scored = tmp_path / "scored.csv"
    classify = ["classify", file, "--reference", "our_county", "--age-reference", "our_county"]
    classify += ["--norms", out, "--sites", "femoral_neck", "--out", scored]
    again = CliRunner().invoke(main, [*map(str, classify)], catch_exceptions=False)
    assert again.exit_code == 0, again.output
    assert pl.read_csv(scored)["t_score_femoral_neck"].count() > 5_000


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("--family", "normal", "--young", "none"), "AgeCurve"),
        (("--mu", "fractional:1,2", "--nu", "constant", "--young", "maximum"), "DistributionCurve"),
        (("--mu", "pspline:4", "--young", "best"), "DistributionCurve"),
    ],
)
def test_the_choices_reach_the_fit(file, tmp_path, words, kind):
    out = tmp_path / "norms"
    result = reference(file, "--roi", "l1", "--out", out, *QUICK, *words)
    assert result.exit_code == 0, result.output
    norm = norms.load("by_age", "own_reference", folder=out)
    assert type(norm.curve("male", "l1")).__name__ == kind
    assert (out / "young_adult").exists() is ("none" not in words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--roi", "l5"), "column(s) abmd_l5 are not in the data"),
        (("--family", "lms"), "unknown family 'lms'"),
        (("--young", "30-35"), "'30-35' is not one of"),
        (("--id", "../evil"), "--id ../evil: expected 3 to 64"),
        (("--mu", "cubic"), "expected constant, polynomial:3"),
        (("--mu", "pspline:99"), "expected a number above 0, below 21"),
        (("--mu", "fractional:7"), "powers="),
        (("--tau", "constant"), "has no tau"),
        (("--spine-rule", "x"), "unknown spine rule"),
        (("--title", ""), "'--title': expected a few words, on one line"),
        (("--weight", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_choice_is_one_line(file, tmp_path, words, said):
    out = tmp_path / "norms"
    result = reference(file, "--roi", "l1", "--out", out, *QUICK, *words)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pl.lit("women").alias("sex"), "the reference holds no male curve"),
        (pl.lit(0.0).alias("abmd_l1"), "abmd_l1"),
        (pl.lit(None, dtype=pl.Float64).alias("abmd_l1"), "l1"),
        (pl.lit(50.0).alias("age"), "ages"),
        (pl.lit(61.5).alias("abmd_l1"), "abmd_l1"),
    ],
)
def test_a_bad_file_is_one_line_or_a_note(frame, tmp_path, change, said):
    path, out = tmp_path / "bad.csv", tmp_path / "norms"
    frame.with_columns(change).write_csv(path)
    result = reference(path, "--roi", "l1", "--out", out, *QUICK[:-1])
    assert result.exit_code in (0, 2), result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert (result.exit_code == 0) == out.exists()


@pytest.mark.parametrize(("mu", "verdict"), [("pspline", "passed"), ("constant", "FAILED")])
def test_the_card_is_printed_and_written(file, tmp_path, mu, verdict):
    words = ("--roi", "l1", "--out", tmp_path, "--mu", mu, "--sigma", "pspline", "--folds", "2")
    result = reference(file, *words, "--family", "normal")
    assert result.exit_code == 0, result.output
    assert verdict in result.output
    card = pl.read_csv(tmp_path / "own_reference" / "card.csv")
    assert set(card["sex"]) == {"female", "male"}
    failed = card.filter(pl.col("verdict") == "fail")["criterion"].to_list()
    assert ("mean" in failed) is (verdict == "FAILED")


@pytest.mark.parametrize("young", ["20-29", "none"])
def test_a_published_reference_beside_it(file, tmp_path, young):
    words = ("--roi", "femoral_neck", "--out", tmp_path, "--young", young, *QUICK[:-1])
    result = reference(file, *words, "--against", "nhanes_2005_2010_derived")
    assert result.exit_code == 0, result.output
    assert "This reference less the published one" in result.output
    assert "maker not known of" in result.output
    name = f"against_nhanes_2005_2010_derived{'' if young == '20-29' else '_by_age'}.csv"
    table = pl.read_csv(tmp_path / "own_reference" / name)
    assert (table["second"] - table["first"] - table["difference"]).abs().max() < 1e-9
    by_age = tmp_path / "own_reference" / "against_nhanes_2005_2010_derived_by_age.csv"
    assert set(pl.read_csv(by_age)["z"]) == {-2.0, 0.0}
    assert ("lines by age: see" in result.output) is (young == "20-29")
    unknown = reference(file, *words, "--against", "nhanes_2005", "--overwrite")
    assert unknown.exit_code == 2
    assert "did you mean" in unknown.output
    none_in_common = reference(file, *words, "--against", "zhang_2007", "--overwrite")
    assert none_in_common.exit_code == (2 if young == "none" else 0)
    assert "Traceback" not in none_in_common.output


def test_the_scales_of_two_makers_are_said(file, tmp_path):
    words = ("--roi", "femoral_neck", "--out", tmp_path, "--maker", "lunar", *QUICK[:-1])
    result = reference(file, *words, "--against", "nhanes_2005_2010_derived")
    assert result.exit_code == 0, result.output
    assert "on the scale of hologic" in result.output
    words_only = " ".join(result.output.split())
    assert "a difference in g/cm² holds that of the makers as well" in words_only


def test_few_people_are_judged_as_far_as_they_go(frame, tmp_path):
    path = tmp_path / "few.csv"
    frame[:150].write_csv(path)
    words = ("--out", tmp_path, "--mu", "polynomial:1", "--sigma", "constant")
    result = reference(path, "--roi", "l1", *words, "--family", "normal")
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output


def test_exclusions_are_declared_in_a_file(frame, tmp_path):
    path, rules, out = tmp_path / "all.csv", tmp_path / "rules.toml", tmp_path / "norms"
    ill = pl.Series("secondary_cause", ["yes" if k % 50 == 0 else "no" for k in range(len(frame))])
    frame.with_columns(ill).write_csv(path)
    rule = '[[rule]]\nname = "disease"\ncolumn = "secondary_cause"\nmissing = "keep"\n'
    rules.write_text(rule + "exclude = [true]\n", encoding="utf-8")
    words = (path, "--roi", "l1", "--out", out, *QUICK[:-1])
    result = reference(*words, "--exclusions", rules)
    assert result.exit_code == 0, result.output
    assert "secondary cause" in result.output
    said = norms.load("by_age", "own_reference", folder=out).derivation.exclusions
    assert len(said) == 1
    assert said[0].endswith("n = 120")
    for content in ("exclude = [true", rule, rule.replace("secondary_cause", "nowhere"), ""):
        rules.write_text(content, encoding="utf-8")
        result = reference(*words, "--exclusions", rules, "--overwrite")
        assert result.exit_code == 2, content
        assert "Traceback" not in result.output
    result = reference(*words, "--exclusions", tmp_path / "nowhere.toml", "--overwrite")
    assert (result.exit_code, "nowhere.toml" in result.output) == (2, True)


def test_several_scanners_stop_it(tmp_path):
    path = tmp_path / "pooled.csv"
    simulate(3_000, seed=5, devices="seven_centres").frame.write_csv(path)
    words = (path, "--roi", "femoral_neck", "--out", tmp_path / "norms", *QUICK)
    result = reference(*words)
    assert result.exit_code == 2
    assert "--accept-errors" in result.output
    assert reference(*words, "--accept-errors").exit_code == 0


def test_nothing_is_replaced_unasked(file, tmp_path):
    words = (file, "--roi", "l1", "--out", tmp_path / "norms", *QUICK)
    assert reference(*words).exit_code == 0
    again = reference(*words)
    assert again.exit_code == 2
    assert "exists already" in again.output
    assert "--overwrite" in again.output
    assert reference(*words, "--overwrite").exit_code == 0


def test_no_file(tmp_path):
    result = reference(tmp_path / "nowhere.csv", "--out", tmp_path / "norms")
    assert result.exit_code == 2
    assert "nowhere.csv" in result.output


def test_the_maker_is_that_of_the_file(frame, tmp_path):
    path = tmp_path / "healthy.csv"
    frame.with_columns(pl.lit("Hologic Discovery").alias("device")).write_csv(path)
    words = (path, "--roi", "l1", "--out", tmp_path / "norms", *QUICK)
    refused = reference(*words, "--maker", "lunar")
    assert refused.exit_code == 2
    assert "the data name Hologic" in refused.output
    assert "--maker" in refused.output
    assert not (tmp_path / "norms").exists()
    assert reference(*words).exit_code == 0
    assert norms.load("by_age", "own_reference", folder=tmp_path / "norms").maker == "hologic"


def test_what_it_says_is_true_when_followed(tmp_path):
    path, out = tmp_path / "simulated.csv", tmp_path / "norms"
    simulate(4_000, seed=3).frame.write_csv(path)
    words = (path, "--roi", "l1", "--out", out, *QUICK[:-1], "--mu", "constant")
    result = reference(*words)
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "Young adults of SIMULATED people" in text
    assert "Fit of the curves of SIMULATED people" in text
    for name in ("findings.csv", "card.csv"):
        assert (out / "own_reference" / name).is_file()
    table = pl.read_csv(out / "own_reference" / "findings.csv")
    assert f"Notes about the data: {table.filter(severity='note').height}, see " in text
    command = result.output.splitlines()[-1].partition("; osteo-epi ")[2].split()
    shown = CliRunner().invoke(main, command, catch_exceptions=False)
    assert shown.exit_code == 0
    assert 'maker = "lunar"' in shown.output


def test_classify_says_every_finding_as_it_writes_no_file_of_them(tmp_path):
    path = tmp_path / "people.csv"
    simulate(300, seed=3).frame.write_csv(path)
    words = ("classify", path, "--reference", "zhang_2007", "--out", tmp_path / "classified.csv")
    result = CliRunner().invoke(main, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "note:" in result.output
    assert "findings.csv" not in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--family", "zz"), "zz"),
        (("--family", "normal", "--nu", "constant"), "has no nu"),
        (("--spine-rule", "zz"), "zz"),
        (("--lonely", "zz"), "lonely must be one of"),
        (("--exclusions", "no_such.toml"), "no_such.toml"),
        (("--folds", "-1"), "--folds"),
        (("--folds", "1"), "--folds"),
        (("--title", " "), "--title"),
        (("--smallest", "-1"), "--smallest"),
        (("--roi", "l1", "--roi", "l1"), "l1 stand twice"),
    ],
)
def test_a_wrong_word_is_refused_before_the_file_is_read(tmp_path, words, said):
    """The file is not there: had it been read, that would be said."""
    result = reference(tmp_path / "none.csv", *words, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.output
    assert "none.csv" not in result.output


def test_a_file_in_place_of_the_folder_is_refused_first(file, tmp_path):
    result = reference(tmp_path / "none.csv", "--out", file)
    assert result.exit_code == 2
    assert "is a file; name a folder" in result.output


def test_a_reference_that_cannot_be_compared_is_written_all_the_same(file, tmp_path):
    out = tmp_path / "norms"
    result = reference(
        file, "--roi", "femoral_neck", "--young", "none", "--against", "nhanes3_white",
        "--out", out, *QUICK,
    )  # fmt: skip
    assert result.exit_code == 2
    said = " ".join(result.output.split())
    assert "the reference is written, and not compared" in said
    assert "nhanes3_white holds young adults" in said
    assert "[on the command line: --young]" in said
    assert list(out.glob("by_age/*.toml"))
