"""The commands, as they are typed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from osteo_epi.cli import main

N = "9000"


def typed(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cohort") / "people.parquet"
    result = typed("simulate", "--n", N, "--seed", "7", "--out", path)
    assert result.exit_code == 0, result.output
    assert "SIMULATED" in result.stdout
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A run of simulated people without a report, and its folder."""
    out = tmp_path_factory.mktemp("ran") / "out"
    return typed("run", "--n", N, "--out", out, "--no-report"), out


def test_run_ends_with_the_table_and_the_place(ran: tuple[Result, Path]) -> None:
    result, out = ran
    assert result.exit_code == 0, result.stderr
    for word in ("SIMULATED", "china_2020", "own young adults", "Women", "Men", "standardised"):
        assert word in result.stdout
    assert result.stdout.rstrip().endswith(f"Tables: {out}")
    rows = pl.read_csv(out / "prevalence.csv")
    women = rows.filter(
        statistic="age_standardised", sex="female", **{"class": "osteoporosis"}
    ).row(0, named=True)
    # With intervals of points a percentage is printed to one decimal.
    assert f"{100 * women['estimate']:.1f} (" in result.stdout
    assert f"{women['n']:,}" in result.stdout
    assert f"{women['people_affected'] / 1e6:.2f}" in result.stdout


def test_each_stage_is_told(ran: tuple[Result, Path], tmp_path: Path) -> None:
    assert [line for line in ran[0].stderr.splitlines() if line.endswith("…")] == [
        *("reading people …", "checking …", "classifying …", "estimating …", "writing tables …")
    ]
    words = ("--reference", "nhanes3_white_female", "--no-report", "--quiet", "--accept-errors")
    quiet = typed("run", "--n", N, "--out", tmp_path / "quiet", *words)
    assert quiet.exit_code == 0, quiet.stderr
    assert quiet.stdout.count("\n") == 1


def test_report_is_made_again(ran: tuple[Result, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(ran[1], out)
    assert not (out / "report.html").exists()
    result = typed("report", out)
    assert result.exit_code == 0, result.stderr
    assert "SIMULATED" in (out / "report.html").read_text()
    (out / "flow.csv").unlink()
    broken = typed("report", out)
    assert broken.exit_code == 2
    assert "flow.csv" in broken.stderr


def test_classify_writes_everybody(cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "classified.csv"
    result = typed("classify", cohort, "--reference", "own_young_adults", "--out", out)
    assert result.exit_code == 0, result.stderr
    classified = pl.read_csv(out, infer_schema_length=None)
    assert classified.height == int(N)
    assert classified["bone_class"].null_count() == 0
    assert "osteoporosis" in result.stdout
    again = typed("classify", cohort, "--reference", "own_young_adults", "--out", out)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert typed("classify", cohort, "--out", tmp_path / "people.docx").exit_code == 2


def test_check_says_what_is_wrong_and_ends_with_2(cohort: Path, tmp_path: Path) -> None:
    good = typed("check", cohort, "--out", tmp_path / "findings.csv")
    assert good.exit_code == 0, good.stderr
    assert (tmp_path / "findings.csv").is_file()
    frame = pl.read_parquet(cohort)
    frame.with_columns(pl.col("abmd_femoral_neck") * 1000).write_csv(tmp_path / "units.csv")
    bad = typed("check", tmp_path / "units.csv")
    assert bad.exit_code == 2
    assert "mg/cm2" in bad.stdout + bad.stderr
    declared = typed("check", tmp_path / "units.csv", "--units", "abmd_femoral_neck=mg/cm2")
    assert declared.exit_code == 0, declared.stderr


def test_mapped_columns_and_coded_sex(cohort: Path, tmp_path: Path) -> None:
    frame = pl.read_parquet(cohort)
    coded = pl.when(pl.col("sex").cast(pl.String) == "male").then(1).otherwise(2)
    frame.select(
        coded.alias("sex"), "age", "abmd_lumbar_spine", "abmd_total_hip",
        pl.col("abmd_femoral_neck").alias("neck of it"),
    ).write_csv(tmp_path / "coded.csv")  # fmt: skip
    asked = ("run", tmp_path / "coded.csv", "--reference", "own_young_adults", "--no-report")
    told = ("--map", "neck of it=abmd_femoral_neck", "--sex-coding", "1=male,2=female")
    result = typed(*asked, *told, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    options = json.loads((tmp_path / "out" / "manifest.json").read_text())["options"]
    assert options["map"] == ["neck of it=abmd_femoral_neck"]
    assert options["sex-coding"] == "1=male,2=female"


def test_norms_are_listed_shown_and_cited(tmp_path: Path) -> None:
    listed = typed("norms", "list", "young_adult")
    assert "zhang_2007" in listed.stdout
    assert "china_2010" not in listed.stdout
    whole = typed("norms", "list").stdout.splitlines()
    assert "young_adult:" in whole
    assert "nhanes_2005_2010_mexican_american_derived [derived] NHANES 2005-2010 Mexican" in whole
    assert max(map(len, whole)) <= 80
    shown = typed("norms", "show", "zhang_2007")
    assert 'id = "zhang_2007"' in shown.stdout
    assert "[grade A]" in typed("norms", "cite", "zhang_2007").stdout
    for command in ("show", "cite"):
        unknown = typed("norms", command, "zhang_2070")
        assert unknown.exit_code == 2
        assert "zhang_2007" in unknown.stderr


def test_a_folder_of_ones_own_norms(tmp_path: Path) -> None:
    own = tmp_path / "norms" / "young_adult"
    own.mkdir(parents=True)
    root = Path(__file__).parents[1] / "reference_norms" / "young_adult"
    text = (root / "zhang_2007.toml").read_text(encoding="utf-8")
    (own / "ours.toml").write_text(text.replace("zhang_2007", "ours"), encoding="utf-8")
    shown = typed("norms", "show", "ours", "--norms", tmp_path / "norms")
    assert shown.exit_code == 0, shown.stderr
    assert 'id = "ours"' in shown.stdout


def test_markup_in_the_data_is_only_text(tmp_path: Path, cohort: Path) -> None:
    frame = pl.read_parquet(cohort).with_columns(pl.lit("[red]x[/red]").alias("village"))
    frame.write_parquet(tmp_path / "people.parquet")
    asked = ("--reference", "nhanes3_white_female", "--by", "village", "--accept-errors")
    words = ("run", tmp_path / "people.parquet", *asked, "--no-report", "--out", tmp_path / "out")
    result = typed(*words)
    assert result.exit_code == 0, result.stderr
    assert "[red]x[/red]" in result.stdout


def test_help_is_there_for_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    commands = [(name,) for name in main.commands]
    for words in ((), *commands, *(("norms", name) for name in ("list", "show", "cite"))):
        result = typed(*words, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout
        lines = result.stdout.splitlines()
        assert max(map(len, lines)) <= 80, words
        # A command says what it does, and no sentence is cut.
        assert not [line for line in lines if line.endswith("...") and "Usage" not in line]
    assert "E.g. dxa,fracture." in " ".join(typed("run", "--help").stdout.split())


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys, osteo_epi.cli; "
        "print([m for m in ('polars', 'numpy', 'scipy', 'matplotlib', 'nbclient') "
        "if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_the_installed_command_answers() -> None:
    command = shutil.which("osteo-epi", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("osteo-epi is not installed as a command in this environment")
    ended = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert "0.1" in ended.stdout
