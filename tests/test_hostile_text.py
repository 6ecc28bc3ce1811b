"""What stands in the data is shown as it stands: nothing of it is obeyed, computed or parsed."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
import osteo_epi.errors
from osteo_epi import figures
from osteo_epi.accuracy import roc
from osteo_epi.agreement import transitions
from osteo_epi.cli import main
from osteo_epi.figures import Picture, plot
from osteo_epi.html import html_table
from osteo_epi.report import load_run
from osteo_epi.risk import (
    bone_association,
    cumulative_incidence,
    decision_curve,
    hazard_ratios,
    survival_curve,
)
from osteo_epi.tables import JournalTable, prevalence_table
from osteo_epi.visible import csv_bytes, from_texts

HOSTILE = [
    "$20,000-$44,999",
    "$x^$",
    "\\frac{$1}",
    "_hidden",
    "two\nlines",
    "\x1b[31mred\x07",
    "女性 👩",
    "<script>alert(1)</script>",
    "a\u202eb",
    "n" * 400,
    " ",
]
"""Levels and headings; "_hidden" is what a legend leaves out."""
PUBLIC = sorted(n for n in figures.__all__ if n.islower() and n not in ("plot", "alt_text"))


def drawn(axes_or_figure) -> str:
    """Every text of a figure that could be drawn to the end."""
    from matplotlib.text import Text

    figure = axes_or_figure.get_figure() or axes_or_figure
    page = Picture(figure, caption="\x1b<b>")._repr_html_()
    assert "\x1b" not in page
    assert "<b>" not in page
    texts = figure.findobj(Text)
    assert not any(text.get_parse_math() for text in texts if "$" in text.get_text())
    return "\n".join(text.get_text() for text in texts)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_figure_is_drawn_with_its_texts_as_they_stand(name):
    assert hasattr(getattr(figures, name), "__wrapped__")


def people(level: str, n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "years": rng.uniform(1, 9, n),
            "hip": rng.random(n) < 0.5,
            "died": rng.random(n) < 0.2,
            "income": np.where(np.arange(n) % 2, level, "other"),
            "abmd_total_hip": rng.normal(0.8, 0.1, n),
            level: rng.random(n),
        }
    ).with_columns(died=pl.col("died") & ~pl.col("hip"))


@pytest.mark.parametrize("level", HOSTILE)
def test_groups_of_a_curve_are_named_as_they_are(level):
    frame = people(level)
    options = {"time": "years", "event": "hip", "by": "income", "at": [2]}
    for result in (
        survival_curve(frame, **options),
        cumulative_incidence(frame, competing="died", **options),
    ):
        text = drawn(plot(result))
        assert "\x1b" not in text
        assert "\u202e" not in text
        if level.isprintable() and len(level) < 20 and level.strip():
            assert level in text


@pytest.mark.parametrize("level", [level for level in HOSTILE if level.strip()])
def test_columns_of_the_data_are_named_as_they_are(level):
    frame = people(level)
    results = [
        roc(frame, score=level, truth="hip", direction="high"),
        decision_curve(frame, risks=level, outcome="hip"),
        hazard_ratios(frame, time="years", event="hip", exposures="income"),
        bone_association(frame, exposures=level, density="abmd_total_hip"),
    ]
    for result in results:
        text = drawn(plot(result))
        assert "\x1b" not in text
        if level.startswith(("$", "_")):
            assert level in text.replace("\n", ""), type(result)


@pytest.mark.parametrize("level", HOSTILE)
def test_levels_of_a_prevalence_are_named_as_they_are(level):
    rows = pl.DataFrame(
        {
            "definition": "d",
            "class": "osteoporosis",
            "income": [level, level, "other", "other"],
            "statistic": "age_band",
            "age_band": ["50-59", level] * 2,
            "estimate": [0.1, 0.2, 0.3, 0.4],
            "lower": [0.05, 0.1, 0.2, 0.3],
            "upper": [0.2, 0.3, 0.4, 0.5],
            "flag": "",
        }
    )
    axes = figures.prevalence_by_age(rows, note=level)
    text = drawn(axes)
    named = [entry.get_text() for entry in axes.get_legend().get_texts()]
    assert len(named) == 2
    assert "\x1b" not in text


@pytest.mark.parametrize("level", HOSTILE)
def test_devices_classes_and_choices_are_named_as_they_are(level):
    scans = pl.DataFrame({"device": level, "nominal": [0.5, 1.0], "abmd": [0.51, 1.02]})
    lines = pl.DataFrame({"device": [level], "intercept": [0.0], "slope": [1.01]})
    spans = pl.DataFrame({"device": [level], "difference": [0.1], "lower": [0.0], "upper": [0.2]})
    estimate = pl.DataFrame(
        {"sex": [level], "class": "osteoporosis", "statistic": "age_standardised",
         "estimate": [0.1], "lower": [0.0], "upper": [0.2]}
    )  # fmt: skip
    named = pl.DataFrame({"one": [level, "b", "b"], level + "2": [level, "b", level]})
    moved = transitions(named, first="one", second=level + "2", classes=["b", level])
    texts = [
        drawn(figures.phantom_deviations(lines, scans, unit=level, note=level)),
        drawn(figures.differences_between({level: spans}, reference=level, title=level)),
        drawn(figures.prevalence_with_calibration({level: estimate}, title=level)),
        drawn(figures.transitions(moved, title=level)),
        drawn(figures.site_overlap(pl.DataFrame({level: [True], "n": [3]}), note=level)),
        drawn(figures.bmd_by_age(pl.DataFrame({
            "roi": "total_hip", "sex": [level] * 2, "age": [50.0, 60], "mean": [0.9, 0.8],
            "sd": [0.1, 0.1]}))),
    ]  # fmt: skip
    for text in texts:
        assert "\x1b" not in text
        if level.startswith(("$", "_")):
            assert level in text.replace("\n", "")


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "'=1", "＝1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_and_a_heading_that_a_spreadsheet_would_compute_are_text(text):
    table = pl.DataFrame({text: [text, None, "-2.5"], "t_score": [-2.5, 0.0, 1.0]})
    written = csv_bytes(table)
    head, first, *_ = written.decode().splitlines()
    assert head.strip('"').startswith("'")
    assert first.strip('"').startswith("'")
    assert first.endswith(",-2.5")
    assert ",1.0" in written.decode()
    back = pl.read_csv(written, schema_overrides={text: pl.String}, infer_schema_length=0)
    assert from_texts(back)[text].to_list() == table[text].to_list()


def test_a_run_is_read_back_with_the_levels_it_was_made_of(tmp_path):
    levels = ["=1+1", "\x1b[31mred", "<script>{{ 1 }}</script>", "100%\\x", "[bold]loud[/bold]"]
    people = oe.simulate(n=3000, seed=3).frame.with_columns(
        pl.Series("centre", np.resize(levels, 3000))
    )
    file = tmp_path / "people.parquet"
    people.write_parquet(file)
    out = tmp_path / "out"
    fresh = oe.run(file, by=["centre"], reference="zhang_2007")
    options = [
        "--by",
        "centre",
        "--reference",
        "zhang_2007",
        "--no-report",
        "--out",
        str(out),
    ]
    said = CliRunner().invoke(main, ["run", str(file), *options])
    assert said.exit_code == 0, said.output
    assert "\x1b" not in said.output
    assert "[bold]loud[/bold]" in said.output
    back = load_run(out)
    assert back.prevalence.equals(fresh.prevalence)
    for name, digest in fresh.manifest["outputs"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    cells = (out / "prevalence.csv").read_text()
    assert "'=1+1" in cells
    assert "\x1b" not in cells + (out / "manifest.json").read_text()
    assert set(levels) - set(back.prevalence["centre"]) == {"\x1b[31mred"}
    table = prevalence_table(fresh)
    page = table.to_html()
    assert "<script>" not in page
    for ending in ("csv", "xlsx", "docx", "tex", "html"):
        table.save(tmp_path / f"table.{ending}")
    assert "\x1b" not in (tmp_path / "table.tex").read_text()
    assert "'=1+1" in (tmp_path / "table.csv").read_text()
    workbook = pytest.importorskip("openpyxl").load_workbook(tmp_path / "table.xlsx")
    kinds = {cell.data_type for row in workbook.active.rows for cell in row}
    assert "f" not in kinds


@pytest.mark.parametrize("code", [*range(9), *range(11, 32), 0x7F, 0x9B, 0x202E, 0x2067, 0xFFFE])
def test_no_way_out_lets_a_character_steer_or_fail(code, tmp_path):
    steer = f"a{chr(code)}b"
    table = JournalTable(
        steer, ("Group", "n"), ((steer, "1"),), (steer,), (steer,), pl.DataFrame({steer: [steer]})
    )
    for ending in ("csv", "xlsx", "docx", "tex", "html"):
        table.save(tmp_path / f"t.{ending}")
        if ending not in ("xlsx", "docx"):
            assert chr(code) not in (tmp_path / f"t.{ending}").read_text(encoding="utf-8-sig")
    assert chr(code) not in html_table(pl.DataFrame({steer: [steer]}), caption="c", notes=[steer])
    assert chr(code) not in csv_bytes(table.values).decode()
    assert chr(code) not in str(oe.errors.SchemaError(steer))


def test_the_command_line_shows_a_hostile_heading_and_file_name(tmp_path):
    file = tmp_path / "a\x1b[31m.csv"
    file.write_text("id,age,se\x1b]0;x\x07x\n1,60,1\n")
    answer = CliRunner().invoke(main, ["run", str(file), "--out", str(tmp_path / "o")])
    assert answer.exit_code == 2
    assert "\x1b" not in answer.output
    assert "\x07" not in answer.output
