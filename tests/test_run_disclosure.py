"""Small counts of a run are hidden in every table, and no other cell gives one back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import OsteoEpiError
from osteo_epi.report import Run, report_document

LEAST = 10


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("people") / "people.parquet"
    oe.datasets.survey().frame.write_parquet(path)
    return path


@pytest.fixture(scope="module")
def options() -> dict:
    """Equal weights, so that a percentage of a known number is a count."""
    return {
        "definition": "nchs_bone_2021",
        "standard": "who_2000",
        "age_bands": (50, 60, 70, 80, float("inf")),
        "use_design": False,
    }


@pytest.fixture(scope="module")
def plain(people: Path, options: dict) -> Run:
    return oe.run(people, **options)


@pytest.fixture(scope="module")
def run(people: Path, options: dict) -> Run:
    return oe.run(people, disclosure="below_10_ons", **options)


def counts(run: Run) -> pl.DataFrame:
    """The counts that a reader has of each group and band: known, missing, cases, the others."""
    crude = run.prevalence.filter(pl.col("statistic") != "age_standardised")
    cases = (pl.col("estimate") * pl.col("n")).round()
    return crude.select(
        "class", "sex", "age_band", "n", "n_missing", cases=cases, others=pl.col("n") - cases
    )


def test_there_is_something_to_hide(plain: Run) -> None:
    told = counts(plain).filter(pl.col("cases").is_between(1, LEAST - 1))
    assert told.height
    assert plain.flow["n_excluded"].is_between(1, LEAST - 1).any()


def test_no_small_count_is_shown(run: Run) -> None:
    for name in ("n", "n_missing", "cases"):
        assert not counts(run)[name].is_between(1, LEAST - 1).any(), name
    for table, name in (("flow", "n_in"), ("flow", "n_excluded"), ("flow", "n_out"),
                        ("findings", "n"), ("overlap", "n"), ("participants", "n"),
                        ("bmd_by_age", "n")):  # fmt: skip
        assert not getattr(run, table)[name].is_between(1, LEAST - 1).any(), (table, name)


@pytest.mark.parametrize("name", ["n", "n_missing", "cases"])
@pytest.mark.parametrize("over", ["sex", "age_band"])
def test_no_cell_is_what_a_total_lacks(run: Run, name: str, over: str) -> None:
    """Of a total and its parts either none is hidden, or two at least are."""
    fixed = "age_band" if over == "sex" else "sex"
    for _, line in counts(run).group_by("class", fixed):
        assert line[name].null_count() != 1


def test_what_is_not_hidden_is_unchanged(run: Run, plain: Run) -> None:
    keys = ["class", "sex", "statistic", "age_band"]
    both = run.prevalence.join(plain.prevalence, on=keys, suffix="_plain", validate="1:1")
    assert both.height == plain.prevalence.height
    for name in ("estimate", "lower", "upper", "n", "n_missing"):
        shown = both.filter(pl.col(name).is_not_null())
        assert shown.height
        assert (shown[name] == shown[f"{name}_plain"]).all()


def test_a_standardised_rate_goes_with_a_hidden_rate_by_age(run: Run) -> None:
    """All rates by age but one, and the standardised one, give that one."""
    rows = run.prevalence
    for key, line in rows.group_by("class", "sex"):
        bands = line.filter(statistic="age_band")
        if bands["estimate"].null_count():
            rate = line.filter(statistic="age_standardised")
            assert rate["estimate"].null_count() == 1, key
            assert rate["lower"].null_count() == 1


def test_a_hidden_row_keeps_no_number_of_its_estimate(run: Run) -> None:
    hidden = run.prevalence.filter(pl.col("estimate").is_null())
    assert hidden.height
    for name in ("se", "lower", "upper", "n_effective", "deff", "lowest_possible"):
        assert hidden[name].null_count() == hidden.height, name
    assert hidden["flag"].str.contains("withheld: few people").all()


def test_no_step_of_the_flow_gives_its_exclusions_back(run: Run, plain: Run) -> None:
    small = plain.flow["n_excluded"].is_between(1, LEAST - 1)
    assert run.flow.filter(small)["n_excluded"].null_count() == int(small.sum())
    for _, step in run.flow.group_by("order"):
        hidden = step["n_excluded"].null_count()
        ends = step["n_in"][0], step["n_out"][0]
        assert not (hidden == 1 and None not in ends), "the difference is the one that is hidden"


def test_the_sentences_state_no_small_count(run: Run, plain: Run) -> None:
    few = set(plain.flow.filter(pl.col("n_excluded").is_between(1, LEAST - 1))["n_excluded"])
    assert few
    methods = run.manifest["methods"]
    for text in (methods["en"], methods["zh"], *run.manifest["notes"]):
        for number in few:
            assert not re.search(rf"(?<![\d.,–−]){number} ?(?:people|人|women|of)", text), text
    assert not run.findings.filter(pl.col("n").is_null())["message"].count()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_is_written_with_what_is_left(run: Run, language: str) -> None:
    told = replace(run, manifest={**run.manifest, "language": language})
    page = report_document(told)._repr_html_()
    assert "data-fault" not in page
    assert {"en": "withheld: few people", "zh": "人数过少"}[language] in page


def test_a_rule_that_is_not_there_is_refused_before_people_are_read(people: Path) -> None:
    with pytest.raises(OsteoEpiError, match=r"disclosure \(--disclosure\).*below_10_ons"):
        oe.run(people, disclosure="below_10_onz", definition="nchs_bone_2021")


def test_few_missing_people_do_not_come_back_from_totals(tmp_path: Path, options: dict) -> None:
    """Those analysed are in every table: what is hidden is what they are a part of."""
    people = oe.datasets.survey().frame
    neck = pl.col("abmd_femoral_neck").is_not_null()
    whole = people.filter(neck & pl.col("abmd_lumbar_spine").is_not_null())
    lacking = people.filter(pl.col("age") >= 50, ~neck).head(6)
    pl.concat([whole, lacking]).write_parquet(tmp_path / "people.parquet")
    run = oe.run(tmp_path / "people.parquet", disclosure="below_10_ons", **options)
    rows = run.prevalence.filter(statistic="crude", **{"class": "osteoporosis"})
    assert rows["n"].null_count() == 0
    assert rows["estimate"].null_count() == 0
    assert rows.filter(sex="all")["n_missing"].to_list() == [None]
    n = rows.filter(sex="all")["n"].item()
    for text in (run.manifest["methods"]["en"], run.manifest["methods"]["zh"]):
        assert f"{n:,}" in text
        assert f"{n + 6:,}" not in text
    assert n + 6 not in {*run.flow["n_in"], *run.flow["n_out"]}
    assert not any(f"{n + 6:,}" in note for note in run.manifest["notes"])
    page = report_document(run)._repr_html_()
    assert "data-fault" not in page
    assert f"{n + 6:,}" not in page


def test_a_hidden_count_is_an_asterisk_in_the_flow(run: Run) -> None:
    hidden = run.flow.filter(pl.col("n_excluded").is_null())
    assert hidden.height
    drawn = oe.figures.flow_diagram(run.flow)
    texts = " ".join(" ".join(text.get_text() for text in drawn.texts).split())
    assert texts.replace("\u00a0", " ").count("(n = *)") == hidden.height


def test_no_flag_says_what_a_hidden_estimate_is(tmp_path: Path) -> None:
    """Four people who are all ill: neither that everybody is affected, nor that nobody is."""
    old = oe.datasets.survey().frame.filter(pl.col("age") >= 50)
    ill = old.filter(pl.col("abmd_femoral_neck") < 0.45).head(4)
    towns = {"A": old.head(300), "B": ill, "C": old.slice(300, 300)}
    rows = [part.with_columns(pl.lit(name).alias("town")) for name, part in towns.items()]
    people = pl.concat(rows).with_columns(person_id=pl.int_range(pl.len()).cast(pl.String))
    people.write_parquet(tmp_path / "people.parquet")
    how = {"definition": "china_2020", "reference": "nhanes_2005_2010_derived", "by": ["town"]}
    how |= {"use_design": False, "age_bands": (50, float("inf"))}
    flags = {}
    for rule in (None, "below_10_ons"):
        run = oe.run(tmp_path / "people.parquet", disclosure=rule, **how)
        flags[rule] = " ".join(run.prevalence.filter(town="B")["flag"])
    assert "everybody affected" in flags[None]
    assert "everybody affected" not in flags["below_10_ons"]
    assert "no events" not in flags["below_10_ons"]


def test_what_the_flow_counts_is_not_counted_again_of_all_people(run: Run, plain: Run) -> None:
    """Of all ages less those of the estimate's: a few, or what the flow hides."""
    reasons = tuple(plain.flow["reason"])
    told = pl.Series([text.startswith(reasons) for text in plain.findings["message"]])
    assert told.any()
    assert run.findings.filter(told)["n"].null_count() == told.sum()
    assert run.findings.filter(told)["message"].null_count() == told.sum()
    assert run.findings.filter(~told)["n"].count()


def test_the_report_speaks_of_what_is_left(run: Run) -> None:
    """Hidden combinations were nobody's; a crude rate was announced, and no figure drawn of it."""
    bare = run.prevalence.with_columns(
        pl.when(pl.col("statistic") == "crude").then(pl.lit(0.2)).alias(name)
        for name in ("estimate", "lower", "upper")
    ).with_columns(verdict=pl.lit(None, pl.String), flag=pl.lit(""))
    report = report_document(replace(run, overlap=run.overlap.clear(), prevalence=bare))
    evidence, forest = (report.part(name)._repr_html_() for name in ("evidence", "forest"))
    assert "Combinations that few people have are not listed" in evidence
    assert "Nobody" not in evidence
    assert "Crude prevalence of osteoporosis by group" in forest
    assert "the lowest and the highest" in forest


@pytest.mark.parametrize("kind", [pl.Float64, pl.Int64, pl.Boolean, pl.String])
def test_groups_that_are_numbers_are_hidden_as_those_of_words_are(tmp_path: Path, kind) -> None:
    """A number 55.0 of the file is the row 55: counted as "55.0" nothing was hidden in it."""
    small, large = 5, 90
    people = pl.DataFrame(
        {"age": [52.0, 61.0] * ((small + large) // 2) + [70.0], "sex": "female"}
    ).with_columns(
        abmd_femoral_neck=(0.4 + pl.int_range(pl.len()) % 40 / 80),
        clinic=(pl.int_range(pl.len()) >= small).cast(pl.Int64).cast(kind),
    )
    people.write_parquet(tmp_path / "people.parquet")
    run = oe.run(
        tmp_path / "people.parquet", reference="zhang_2007", sites=["femoral_neck"], by=["clinic"],
        disclosure="below_10_ons", report=False,
    )  # fmt: skip
    crude = run.prevalence.filter(pl.col("statistic") == "crude", pl.col("clinic") != "all")
    assert crude.height
    assert not crude["n"].is_between(1, LEAST - 1).any()
    assert crude["n"].null_count()
