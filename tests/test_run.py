"""The main job as a whole: what it writes, that it writes the same again, and what it states."""

from __future__ import annotations

import csv
import hashlib
import inspect
import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi.errors import (
    DefinitionError,
    OsteoEpiError,
    OutputError,
    PrecisionWarning,
    SchemaError,
)
from osteo_epi.report import STAGES, Choices, Run, load_run, run

N, SEED = 9_000, 3
TABLES = [
    *("prevalence.csv", "participants.csv", "flow.csv", "findings.csv"),
    *("bmd_by_age.csv", "overlap.csv"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("embedded") / "out"
    run(n=N, seed=SEED, out=out, report=False)
    return out


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def survey(path: Path, *, seed: int = 5, drop: tuple[str, ...] = ()) -> Path:
    """Simulated people as somebody's file: strata, units, weights, and no word of simulation."""
    from osteo_epi.cohort import simulate

    frame = simulate(N, seed=seed).frame.with_row_index("k")
    frame = frame.with_columns(
        stratum=pl.col("k") % 6,
        psu=pl.col("k") // 6 % 4,
        survey_weight=pl.lit(100.0) + pl.col("k") % 50,
    )
    frame.drop("k", "synthetic", *drop).write_csv(path)
    return path


def test_all_artefacts_are_there(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        *TABLES,
        "classified.parquet",
        "manifest.json",
    }


def test_the_same_input_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run(n=N, seed=SEED, out=tmp_path / "again", report=False)
    for name in TABLES:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_prevalence_has_the_columns_promised(folder: Path) -> None:
    with (folder / "prevalence.csv").open(encoding="utf-8") as file:
        head = next(csv.reader(file))
    assert head == [
        *("definition", "class", "sex", "statistic", "age_band", "estimate", "se"),
        *("lower", "upper", "confidence", "n", "n_missing", "n_fracture"),
        *("n_fracture_missing", "n_density", "n_density_missing", "lowest_possible"),
        *("highest_possible", "n_effective", "df", "deff"),
        *("people_affected", "people_affected_se", "people_affected_lower"),
        *("people_affected_upper", "people_affected_of"),
        *("method", "flag", "verdict", "verdict_reason", "verdict_rule"),
    ]


def test_the_flow_ends_where_the_estimate_begins(folder: Path) -> None:
    got = load_run(folder)
    everybody = got.prevalence.filter(
        (pl.col("statistic") == "crude") & (pl.col("sex") == "all")
    ).row(0, named=True)
    assert got.flow["n_out"].to_list()[-1] == everybody["n"]
    at_age = got.flow.filter(pl.col("step") == "50 years or older")["n_out"].item()
    assert at_age - everybody["n"] == everybody["n_missing"]
    steps = got.flow.unique("order", maintain_order=True)
    assert steps["n_in"].to_list()[1:] == steps["n_out"].to_list()[:-1]
    lost = got.flow.group_by("order").agg(
        pl.col("n_excluded").sum(), pl.col("n_in", "n_out").first()
    )
    assert (lost["n_in"] - lost["n_out"] == lost["n_excluded"]).all()


def test_simulated_people_are_called_simulated_everywhere(folder: Path, manifest: dict) -> None:
    got = load_run(folder)
    assert got.prevalence["flag"].str.contains("simulated").all()
    assert "SIMULATED" in got.label
    assert manifest["simulated"] is True
    assert "SIMULATED" in manifest["methods"]["en"]
    assert "模拟数据" in manifest["methods"]["zh"]
    assert "SIMULATED" in pl.read_parquet_metadata(folder / "classified.parquet")["label"]
    assert "SIMULATED" in got.flow["reason"][0]


def test_a_file_of_simulated_people_is_still_called_simulated(tmp_path: Path) -> None:
    from osteo_epi.cohort import simulate

    simulate(N, seed=1).frame.write_csv(tmp_path / "people.csv")
    result = run(tmp_path / "people.csv", reference="own_young_adults", accept_errors=True)
    assert result.manifest["simulated"] is True
    assert result.to_frame()["flag"].str.contains("simulated").all()


def test_the_digests_of_the_manifest_are_those_of_the_files(folder: Path, manifest: dict) -> None:
    for name in TABLES:
        assert manifest["outputs"][name] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    root = Path(__file__).parents[1] / "reference_norms"
    norms = {norm["role"]: norm for norm in manifest["norms"]}
    for role, place in (
        ("criterion", "criteria/china_2020.toml"),
        ("standard population", "standard_population/china_2010.toml"),
    ):
        digest = hashlib.sha256((root / place).read_bytes()).hexdigest()
        assert norms[role]["sha256"] == digest
    assert norms["young-adult reference"]["grade"] == "own data"
    assert all(norm["grade"] in {"A", "B", "C", "own data"} for norm in manifest["norms"])


def test_the_digest_of_the_data_is_that_of_the_file(tmp_path: Path) -> None:
    path = survey(tmp_path / "village.csv")
    facts = run(path, reference="own_young_adults", out=tmp_path / "out", report=False).manifest
    assert facts["data"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts["data"]["files"] == ["village.csv"]
    assert facts["seed"] is None


def test_the_manifest_names_no_place_of_this_machine(tmp_path: Path) -> None:
    path = survey(tmp_path / "village.csv")
    run(path, reference="own_young_adults", out=tmp_path / "out", report=False)
    text = (tmp_path / "out" / "manifest.json").read_text()
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    assert not re.search(r'"(/|[A-Z]:\\)', text)


def test_the_command_of_the_manifest_makes_the_run_again(tmp_path: Path, monkeypatch) -> None:
    import shlex

    from click.testing import CliRunner

    from osteo_epi.cli import main

    survey(tmp_path / "the village.csv")
    monkeypatch.chdir(tmp_path)
    choices = {
        "standard": "china_2010",
        "age_bands": (50, 60, 70, float("inf")),
        "interval": "logit",
    }
    facts = run(
        "the village.csv", reference="own_young_adults", out="first", report=False, **choices
    ).manifest
    words = shlex.split(facts["command"])
    assert words[0] == "osteo-epi"
    again = CliRunner().invoke(main, [*words[1:], "--out", "second", "--no-report", "--quiet"])
    assert again.exit_code == 0, again.output
    for name in TABLES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_the_survey_design_is_taken_where_it_is_there(tmp_path: Path) -> None:
    path = survey(tmp_path / "village.csv")
    with_design = run(path, reference="nhanes3_white", accept_errors=True)
    without = run(path, reference="nhanes3_white", accept_errors=True, use_design=False)
    assert "survey_weight" in with_design.manifest["design"]
    assert "Taylor" in with_design.manifest["methods"]["en"]
    assert with_design.to_frame()["df"][0] == 6 * 4 - 6
    assert without.manifest["design"] == ""
    assert without.to_frame()["df"][0] > 1000
    assert not (with_design.to_frame()["se"] == without.to_frame()["se"]).any()


def test_people_outside_the_population_are_masked_not_dropped(tmp_path: Path) -> None:
    path = survey(tmp_path / "village.csv")
    frame = pl.read_csv(path).with_columns(examined=pl.col("age") % 2 < 1)
    frame.write_csv(path)
    result = run(path, reference="own_young_adults", standard="china_2010")
    assert result.people.frame.height == N
    assert "examined" in result.flow["step"].to_list()
    assert (
        result.flow["n_out"][-1] == result.to_frame().filter(statistic="crude", sex="all")["n"][0]
    )
    # Who was not examined stays in the design, and the rates stand for them too.
    crude = result.to_frame().filter(statistic="crude")
    assert crude["people_affected"].null_count() == 0
    size = (crude["people_affected"] / crude["estimate"]).round(6)
    weights = result.people.frame.filter(pl.col("age") >= 50, pl.col("examined"))["survey_weight"]
    assert size.max() == pytest.approx(weights.sum())
    missing = result.to_frame().filter(statistic="crude", sex="all")["n_missing"][0]
    assert result.flow["n_out"][-1] + missing < people_at_age(result)


def people_at_age(result: Run) -> int:
    """How many of the file are 50 or older, examined or not."""
    return int((result.people["age"] >= 50).sum())


def test_a_file_needs_a_reference(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="reference"):
        run(survey(tmp_path / "village.csv"))


def test_evidence_that_too_few_young_adults_have_is_left_out_aloud(tmp_path: Path) -> None:
    with pytest.warns(PrecisionWarning, match="femoral_neck_ctxa"):
        result = run(n=3_000, seed=1)
    assert "ctxa" not in result.analysis.definition.evidence
    assert any("femoral_neck_ctxa" in note for note in result.manifest["notes"])
    assert run(n=N, seed=1).analysis.definition.evidence == ("fracture", "dxa", "ctxa", "qct")


def test_every_stage_is_told_in_order(tmp_path: Path) -> None:
    stages: list[str] = []
    run(n=N, seed=1, out=tmp_path / "out", report=False, progress=stages.append)
    assert stages == list(STAGES[:-1])


def test_without_out_nothing_is_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(n=N, seed=1)
    assert result.folder is None
    assert "Osteoporosis" in result._repr_html_()
    assert not list(tmp_path.iterdir())


def test_a_failed_run_leaves_nothing_and_keeps_the_old(tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}")

    def fail(manifest: object) -> bytes:
        assert list(tmp_path.glob(".out.*.partial/prevalence.csv"))
        raise ZeroDivisionError

    monkeypatch.setattr("osteo_epi.report._job.as_file", fail)
    with pytest.raises(ZeroDivisionError):
        run(n=N, seed=SEED, out=out, overwrite=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "manifest.json"]
    assert (out / "manifest.json").read_text() == "{}"


def test_an_occupied_folder_is_refused_before_any_work(folder: Path) -> None:
    stages: list[str] = []
    with pytest.raises(OutputError, match="already holds a run"):
        run(n=N, seed=SEED, out=folder, progress=stages.append)
    assert stages == []


def test_a_folder_without_a_run_is_no_run(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(OutputError, match="no complete run"):
        load_run(tmp_path)
    for name in TABLES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "manifest.json").write_text("{not json")
    with pytest.raises(OsteoEpiError, match="damaged"):
        load_run(tmp_path)


def test_nhanes_equals_other_software(shared: Path) -> None:
    result = run(
        shared / "data" / "nhanes" / "2017-2018",
        source="nhanes",
        definition="nchs_bone_2021",
        standard="us_2000_bone",
    )
    rows = result.to_frame().filter(pl.col("class") == "osteoporosis", statistic="age_standardised")
    got = dict(zip(rows["sex"], rows["estimate"], strict=True))
    assert got["all"] == pytest.approx(0.1213, abs=5e-5)
    assert got["female"] == pytest.approx(0.1910, abs=5e-5)
    assert got["male"] == pytest.approx(0.0396, abs=5e-5)
    assert result.flow["n_out"][-1] == 2040
    assert not result.manifest["simulated"]


def test_a_run_read_back_is_the_run(tmp_path: Path) -> None:
    fresh = run(survey(tmp_path / "v.csv"), reference="own_young_adults", by=("sex", "stratum"),
                out=tmp_path / "out", report=False)  # fmt: skip
    again = load_run(tmp_path / "out")
    for table in TABLES:
        name = table.removesuffix(".csv")
        assert_frame_equal(getattr(fresh, name), getattr(again, name))
    assert again.manifest == fresh.manifest
    assert repr(again) == repr(fresh)
    assert again._repr_html_() == fresh._repr_html_()
    for part in ("label", "banner", "definition", "methods", "folder"):
        assert getattr(again, part) == getattr(fresh, part)
    assert_frame_equal(again.reference, fresh.reference)
    assert fresh.people.frame.height == N
    assert again.analysis is None
    with pytest.raises(OutputError, match=r"classified\.parquet"):
        _ = again.people


def test_a_run_says_itself_in_one_line(folder: Path) -> None:
    line = repr(load_run(folder))
    assert line == "Run(china_2020, 9,000 SIMULATED people, 54 estimates)"


def test_an_option_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="'refrence'; did you mean reference"):
        run(refrence="zhang_2007")
    with pytest.raises(TypeError, match="did you mean use_design"):
        run(no_design=True)


def test_help_and_signature_show_each_option() -> None:
    shown = inspect.signature(run).parameters
    for name, choice in Choices.catalogue().items():
        assert f"\n    {name}\n" in run.__doc__
        assert (shown[name].default or {}) == (choice.default or {})
    assert "{choices}" not in run.__doc__


GIVEN = {
    "reference": "zhang_2007", "age_reference": "reported", "standard": "who_2000",
    "norms": Path("my norms"), "by": (), "confidence": 0.9999999, "n": 1_234_567,
    "missing": {"abmd_l1": [999, "not done"], "age": [-9]}, "sheet": "sheet 2",
    "map": {"my column": "age", "x=y": None}, "age_bands": (50, 65.5, float("inf")),
    "weight": "w", "use_design": False, "accept_errors": True, "lonely": "average",
}  # fmt: skip


@pytest.mark.parametrize("name", Choices.catalogue())
def test_each_option_can_be_written_and_read(name: str) -> None:
    """What an option holds survives the way through words, so that a command repeats its run."""
    choice = Choices.catalogue()[name]
    values = (choice.default, choice.example, GIVEN.get(name))
    for value in [v for v in values if v is not None and not isinstance(v, bool)]:
        assert choice.kind.read(choice.kind.write(choice.kind.hold(value))) == value


def test_the_command_holds_every_choice(monkeypatch) -> None:
    """The words of a command, typed again, give the same choices."""
    import shlex

    from click.testing import CliRunner

    from osteo_epi.cli import main

    class Stop(Exception):
        pass

    typed = []

    def keep(path: object, *, out, overwrite, report, pdf, docx, **options: object) -> None:
        typed.append(Choices.of(path, options))
        raise Stop

    monkeypatch.setattr("osteo_epi.report._job.run", keep)
    for paths, given in (((), {"n": 7, "by": ("sex", "site")}), ((Path("a b.csv"),), GIVEN)):
        chosen = Choices.of(paths, given)
        CliRunner().invoke(main, shlex.split(chosen.command())[1:])
        assert typed[-1] == replace(chosen, n=typed[-1].n) if paths else typed[-1] == chosen


@pytest.mark.parametrize("people", [pl.DataFrame({"age": [60]}), 3, {"age": [60]}, oe.read])
def test_what_is_no_file_is_refused_with_the_way_that_there_is(people: object) -> None:
    """A frame ended in "the truth value of a DataFrame is ambiguous"."""
    with pytest.raises(SchemaError, match=r"run\(\) reads files.*osteo_epi\.read\(frame\)"):
        oe.run(people)
