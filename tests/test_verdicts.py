"""What is too imprecise to be shown is withheld: on the terminal, in tables and figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi import figures, rounding, tables
from osteo_epi.cli import main
from osteo_epi.language import speaking
from osteo_epi.report import Run, load_run, report_document

SMALL = pl.col("person_id").str.ends_with("55") | pl.col("person_id").str.ends_with("00")


def run_typed(place: Path, *more: str) -> tuple[str, Path]:
    """What a terminal shows of a run with a hamlet of few people, and the run's folder."""
    hamlet = pl.when(SMALL).then(pl.lit("hamlet")).otherwise(pl.lit("town"))
    oe.datasets.survey().frame.with_columns(village=hamlet).write_parquet(place / "people.parquet")
    words = ["run", place / "people.parquet", "--definition", "nchs_bone_2021", "--by", "village"]
    words += ["--standard", "us_2000_bone", "--out", place / "out", "--no-report", *more]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout, place / "out"


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return run_typed(tmp_path_factory.mktemp("verdicts"))


@pytest.fixture(scope="module")
def got(typed: tuple[str, Path]) -> Run:
    return load_run(typed[1])


def hidden(run: Run) -> pl.DataFrame:
    """Rows that the rule suppresses although they have an estimate."""
    return run.prevalence.filter(pl.col("verdict") == "suppress", pl.col("estimate").is_not_null())


def printed(row: dict) -> str:
    """The percentage of a row as a table or the terminal prints it."""
    ends = row["estimate"], row["lower"], row["upper"]
    return rounding.percent_interval(*ends, decimals=1)


def shows_all(run: Run) -> Run:
    return replace(run, manifest={**run.manifest, "show_unreliable": True})


def test_the_frame_of_a_prevalence_says_its_verdict() -> None:
    people = oe.datasets.survey()
    rules = oe.definition("nchs_bone_2021")
    rows = oe.prevalence(people, rules, by="device", domain=pl.col("age") >= 85).to_frame()
    said = rows.filter(pl.col("verdict") == "suppress", pl.col("estimate").is_not_null())
    assert said.height
    assert said["verdict_rule"].unique().to_list() == ["nchs_proportion"]
    assert said["lower"].null_count() == 0, "nothing is taken out of the frame"


def test_the_file_keeps_the_number(got: Run) -> None:
    assert hidden(got).height >= 2
    assert hidden(got).select("estimate", "lower", "upper").null_count().sum_horizontal()[0] == 0


def test_the_terminal_withholds_it_and_says_why(typed: tuple[str, Path], got: Run) -> None:
    stdout, _ = typed
    rows = hidden(got).filter(pl.col("statistic") != "age_band")
    assert rows.height
    for row in rows.iter_rows(named=True):
        assert printed(row) not in stdout
    assert "* Withheld: not precise enough to be shown" in stdout
    assert "--show-unreliable" in stdout


def test_the_terminal_shows_the_author_what_is_asked_for(tmp_path: Path, got: Run) -> None:
    stdout, folder = run_typed(tmp_path, "--show-unreliable")
    for row in hidden(got).filter(pl.col("statistic") != "age_band").iter_rows(named=True):
        assert f"{printed(row)}*" in stdout
    assert "shown to the author only" in stdout
    assert load_run(folder).shows_unreliable


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_withholds_it_in_tables_and_figures(got: Run, language: str) -> None:
    run = replace(got, manifest={**got.manifest, "language": language})
    page = report_document(run)._repr_html_()
    shown = report_document(shows_all(run))._repr_html_()
    spaced = {text: text.replace("\u2007", "") for text in (page, shown)}
    for row in hidden(got).filter(pl.col("statistic") != "age_band").iter_rows(named=True):
        assert printed(row) not in spaced[page]
        assert printed(row) in spaced[shown]


def test_the_figures_of_a_result_withhold_it(got: Run) -> None:
    rows = got.prevalence.filter(pl.col("statistic") != "age_band")
    drawn = figures.prevalence_forest(rows)
    texts = " ".join(
        text.get_text() for text in drawn.figure.findobj() if hasattr(text, "get_text")
    )
    for row in hidden(got).filter(statistic="age_standardised").iter_rows(named=True):
        assert printed(row) not in texts


def test_a_flag_is_said_in_words(got: Run) -> None:
    rows = got.prevalence.with_columns(
        flag=pl.lit("df < 8"), verdict=pl.lit("review"), statistic=pl.lit("crude")
    ).unique(["class", "village"])
    table = tables.prevalence(replace(got, prevalence=rows))
    notes = " ".join(table.notes)
    assert "df" not in notes
    assert "Few degrees of freedom" in notes


def test_no_flag_says_what_is_withheld(tmp_path: Path) -> None:
    """Of one person the percentage is 0, and "no events" would say so beside the asterisk."""
    one = oe.datasets.survey().frame.filter(pl.col("age") >= 60, sex="male").head(9)
    one.write_parquet(tmp_path / "one.parquet")
    words = ["run", str(tmp_path / "one.parquet"), "--reference", "nhanes_2005_2010_derived"]
    words += ["--no-design", "--no-report", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    run = load_run(tmp_path / "out")
    flagged = hidden(run).filter(pl.col("flag").str.contains("no events"))
    assert flagged.height
    assert "no events" not in result.stdout
    table = tables.prevalence_table(run)
    assert not table.to_polars()["flag"].str.contains("no events").any()


def test_a_reason_is_given_once_for_all_groups_that_have_it(tmp_path: Path) -> None:
    people = oe.datasets.survey().frame.with_columns(
        pl.format("village {}", pl.int_range(pl.len()) % 9).alias("village")
    )
    people.write_parquet(tmp_path / "people.parquet")
    words = ["run", str(tmp_path / "people.parquet"), "--reference", "zhang_2007", "--no-report"]
    words += ["--by", "sex,village", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    lines = " ".join(result.stdout.split()).count("nobody classifiable")
    assert lines <= 4, "twice for each of two classes"


def test_a_group_that_is_true_or_a_number_is_named_with_its_column(tmp_path: Path) -> None:
    """Neither "true" nor "2" says what it is of."""
    people = oe.datasets.survey().frame.filter(pl.col("age") >= 50)
    people = people.with_columns(children=pl.int_range(pl.len()) % 3)
    rules = oe.definition("china_2020", reference="nhanes_2005_2010_derived")
    asked = oe.prevalence(people, rules, by=["postmenopausal"], standard="china_2010")
    counted = oe.prevalence(people, rules, by=["sex", "children"], standard="china_2010")
    for language, yes, two in (("en", "Postmenopausal: yes", "children: 2"),
                               ("zh", "绝经后：是", "children：2")):  # fmt: skip
        with speaking(language):
            forest = figures.prevalence_forest(asked)
            assert yes in {label.get_text() for label in forest.get_yticklabels()}
            assert yes in tables.prevalence_table(asked)._repr_html_()
            assert two in tables.prevalence_table(counted)._repr_html_()


def test_of_two_groupings_one_heads_the_rows_of_the_other(got: Run) -> None:
    """ "Women · Non-Hispanic White" six times over left a telephone no room for a number."""
    two = got.prevalence.select(
        pl.col("definition", "class"),
        pl.lit("female").alias("sex"),
        pl.exclude("definition", "class", "sex"),
    )
    table = tables.prevalence(replace(got, prevalence=two))
    assert set(table.sections) == {"Osteoporosis · Women", "Low bone mass · Women"}
    assert not any("·" in row[0] for row in table.rows)
