"""The report as a document: sections, numbers, words, in both languages alike."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi import figures
from osteo_epi.errors import OutputError, SchemaError
from osteo_epi.figures import alt_text
from osteo_epi.findings import Finding, Findings
from osteo_epi.report import Run, load_run, make_page, report_document
from osteo_epi.report.contents import CHOICES
from osteo_epi.report.document import (
    Block,
    Box,
    Code,
    Document,
    Figure,
    Folded,
    Heading,
    Listing,
    Paragraph,
    References,
    Table,
)
from osteo_epi.tables import participants

SECTIONS = (
    *("participants", "flow", "prevalence", "prevalence_by_age", "forest", "definition"),
    *("density", "evidence", "findings", "methods", "references", "provenance"),
)
ENGLISH = re.compile(r"(?<![\w.=/-])[a-z]{3,}(?![\w(])")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey of SIMULATED people, run without its report."""
    place = tmp_path_factory.mktemp("document")
    oe.datasets.survey().frame.write_parquet(place / "people.parquet")
    oe.run(
        place / "people.parquet",
        definition="nchs_bone_2021",
        standard="us_2000_bone",
        title="Bone in our town",
        author="A. Author",
        out=place / "out",
        report=False,
    )
    return place / "out"


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return load_run(folder)


@pytest.fixture(scope="module")
def document(run: Run) -> Document:
    return report_document(run)


@pytest.fixture(scope="module")
def chinese(run: Run) -> Document:
    return report_document(told(run, language="zh", title=""))


def told(run: Run, **facts: object) -> Run:
    return replace(run, manifest={**run.manifest, **facts})


def every(blocks: tuple[Block, ...], *, folded: bool = True) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Box) or (folded and isinstance(block, Folded)):
            yield from every(block.blocks, folded=folded)


def of(kind: type, document: Document) -> list:
    return [block for block in every(document.blocks) if isinstance(block, kind)]


def words_of(document: Document) -> Iterator[str]:
    """What a reader reads without opening anything, but citations, commands and data's names."""
    for block in every(document.blocks, folded=False):
        if isinstance(block, Paragraph | Heading):
            yield block.text
        elif isinstance(block, Listing):
            yield from block.items
        elif isinstance(block, Figure):
            yield block.caption
        elif isinstance(block, Table):
            yield block.caption
            yield from block.table.columns
            yield from block.table.notes
            yield from (cell for row in block.table.rows for cell in row)


def test_the_sections_are_the_same_in_every_language(document: Document, chinese: Document) -> None:
    assert tuple(heading.name for heading in document.contents) == SECTIONS
    assert tuple(heading.name for heading in chinese.contents) == SECTIONS
    assert not {h.text for h in document.contents} & {h.text for h in chinese.contents}


def test_the_report_is_signed_and_dated(document: Document, run: Run) -> None:
    assert (document.title, document.author) == ("Bone in our town", "A. Author")
    assert document.date.isoformat() == run.manifest["created"][:10]
    page = document.opening._repr_html_()
    for text in ("Bone in our town", "A. Author", run.label, 'href="#prevalence"'):
        assert text in page


def test_tables_and_figures_are_numbered_in_the_order_of_reading(document: Document) -> None:
    numbers = [t.number for t in of(Table, document) if t.number is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    drawn = [f.number for f in of(Figure, document)]
    assert drawn == list(range(1, len(drawn) + 1))
    for kind in (Table, Figure):
        names = [block.name for block in of(kind, document)]
        assert all(names)
        assert len(set(names)) == len(names), "each has a file of its own"


def test_the_headline_is_the_number_of_the_table(document: Document, run: Run) -> None:
    row = run.prevalence.filter(
        statistic="age_standardised", sex="all", **{"class": "osteoporosis"}
    ).row(0, named=True)
    headline = document.opening.blocks[0]
    assert isinstance(headline, Paragraph)
    assert headline.style == "lead"
    low, high = (f"{100 * row[end]:.1f}" for end in ("lower", "upper"))
    assert f"{100 * row['estimate']:.1f}% (95% CI {low}–{high})" in headline.text
    for part in ("aged 50 years or older", "NCHS Data Brief 405", "age-standardised"):
        assert part in headline.text


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "People affected: 4,150 (3,630–4,700)."), ("zh", "4,150（3,630～4,700）人")],
)
def test_a_few_thousand_people_affected_are_said_in_full(
    run: Run, language: str, said: str
) -> None:
    """They were 0.0042 million, and 0万（0万～0万） in Chinese."""
    ends = {"": 4150.2, "_lower": 3630.0, "_upper": 4700.0}
    few = replace(
        run,
        prevalence=run.prevalence.with_columns(
            **{f"people_affected{end}": pl.lit(v) for end, v in ends.items()}
        ),
        manifest=run.manifest | {"language": language},
    )
    told = " ".join(b.text for b in report_document(few).opening.blocks if isinstance(b, Paragraph))
    assert said in told


def test_bands_of_age_alone_say_no_number_of_people_affected(run: Run) -> None:
    """A band in which nobody was measured leaves no number for all, and no report was made."""
    bands = pl.when(pl.col("statistic") == "age_band").then(pl.lit(4150.2))
    few = replace(run, prevalence=run.prevalence.with_columns(people_affected=bands))
    assert few.prevalence["people_affected"].count()
    blocks = report_document(few).opening.blocks
    assert not any("affected" in b.text for b in blocks if isinstance(b, Paragraph))


def test_a_headline_that_may_not_be_shown_holds_no_number(run: Run) -> None:
    rows = run.prevalence.with_columns(verdict=pl.lit("suppress"))
    first = report_document(replace(run, prevalence=rows)).opening.blocks[0]
    assert isinstance(first, Paragraph)
    assert "not precise enough to be shown" in first.text
    assert "%" not in first.text


def test_women_lead_where_nobody_else_was_estimated(run: Run) -> None:
    women = pl.col("sex") == "female"
    rows = run.prevalence.with_columns(
        pl.when(women).then(pl.col(name)).alias(name) for name in ("estimate", "lower", "upper")
    )
    first = report_document(replace(run, prevalence=rows)).opening.blocks[0]
    assert isinstance(first, Paragraph)
    assert first.text.startswith("Of women aged 50 years or older")


def test_each_figure_says_whether_people_are_weighted(document: Document, run: Run) -> None:
    captions = [figure.caption for figure in of(Figure, document)]
    assert len(captions) >= 4
    for caption in captions:
        assert "eighted." in caption
    plain = report_document(told(run, design=""))
    by_age = next(f for f in of(Figure, plain) if f.name == "prevalence_by_age")
    assert "Unweighted." in by_age.caption


def test_simulated_people_are_marked_in_every_figure(document: Document, chinese: Document) -> None:
    for report, mark in ((document, "SIMULATED"), (chinese, "模拟")):
        for figure in of(Figure, report):
            with oe.language.speaking(report.language):
                drawn = figure.picture()
            assert not drawn.fault, (figure.name, drawn.fault)
            texts = drawn.figure.findobj(lambda artist: hasattr(artist, "get_text"))
            assert any(mark in text.get_text() for text in texts), figure.name


def test_digests_stand_folded_at_the_end(document: Document) -> None:
    digest = re.compile(r"[0-9a-f]{12}")
    assert not [text for text in words_of(document) if digest.search(text)]
    folded = [b for b in document.part("provenance").blocks if isinstance(b, Folded)]
    assert digest.search(folded[0]._repr_html_())


def test_codes_are_words(document: Document) -> None:
    for text in words_of(document):
        for code in re.findall(r"\b[a-z]+_[a-z_0-9]+\b", text):
            assert code in ("survey_weight", "lunar_1"), text


def test_the_chinese_report_is_chinese(chinese: Document) -> None:
    for text in words_of(chinese):
        assert set(ENGLISH.findall(text)) <= {"stratum", "psu", "osteo", "epi", "beta"}, text


def test_the_sources_are_numbered_and_linked(document: Document, run: Run) -> None:
    (block,) = of(References, document)
    assert [item.number for item in block.items] == list(range(1, len(block.items) + 1))
    assert len(block.items) == len(run.manifest["norms"]) + 1
    assert any(item.link.startswith("https://doi.org/10.") for item in block.items)
    assert all("[grade" not in item.text and "doi:" not in item.text for item in block.items)


def test_table_1_is_weighted_and_beside_it_is_not(document: Document) -> None:
    blocks = document.part("participants").blocks
    (main,) = [block for block in blocks if isinstance(block, Table)]
    (folded,) = [block for block in blocks if isinstance(block, Folded)]
    (beside,) = folded.blocks
    assert isinstance(beside, Table)
    assert (main.number, beside.number) == (1, None)
    assert main.table.columns == beside.table.columns
    assert main.table.rows != beside.table.rows


def test_every_choice_of_a_definition_has_its_words() -> None:
    """No label of a definition holds a choice that the report would print as a code."""
    made = [
        oe.definition(
            "china_2020", reference="zhang_2007", spine_rule=spine, hip_side=side, genant_from=2,
            substitute=substitute, fracture_open=taken, endplate_rule=endplates,
            menopause_unknown=menopause, rois_required=required, sex_rule=sexes,
        )
        for spine, side, substitute, taken, endplates, menopause, required, sexes in (
            ("all_four", "left", "when_missing", "established", "required", "unknown", "any",
             "female"),
            ("given_total", "right", "when_unusable", "unknown", "ignored", "by_age", "all",
             "own_sex"),
            ("at_least_two", "mean", "when_unusable", "not_established", "when_stated", "by_age",
             "all", "own_sex"),
        )
    ]  # fmt: skip
    made += [
        oe.definition("iscd_2019", reference="nhanes3_white_female"),
        oe.definition("who_1994", reference="reported"),
    ]
    for rules in made:
        for part in rules.label.split("; ")[1:]:
            assert any(re.fullmatch(form, part) for form in CHOICES), part


def test_the_headline_has_the_digits_of_the_table(run: Run) -> None:
    def headline(lower: pl.Expr) -> str:
        ends = run.prevalence.with_columns(lower=lower, upper=pl.col("estimate") + 0.004)
        paragraph = report_document(replace(run, prevalence=ends)).opening.blocks[0]
        assert isinstance(paragraph, Paragraph)
        return paragraph.text

    narrow = pl.col("estimate") - 0.004
    of_men = pl.when(pl.col("sex") == "male").then(pl.col("estimate") - 0.1).otherwise(narrow)
    assert re.search(r" \d+\.\d\d% \(95% CI", headline(narrow))
    assert re.search(r" \d+\.\d% \(95% CI", headline(of_men))


def test_of_one_sex_the_report_says_so_and_says_it_once(run: Run) -> None:
    women = replace(
        run,
        prevalence=run.prevalence.filter(pl.col("sex") != "male"),
        participants=run.participants.filter(pl.col("group").fill_null("all") != "male"),
    )
    report = report_document(women)
    headline = report.opening.blocks[0]
    assert isinstance(headline, Paragraph)
    assert headline.text.startswith("Of women aged 50 years or older")
    cells = [cell for block in of(Table, report) for row in block.table.rows for cell in row]
    assert "Women" in cells
    assert "All" not in cells
    texts = [block.text for block in of(Paragraph, report)]
    assert any("could not be classified" in text for text in texts)
    assert any(text.startswith("Fewer than two groups") for text in texts)


def test_what_a_reference_lacks_is_said_in_words(run: Run) -> None:
    notes = ["young_adult zhang_2007 lacks male lumbar_spine, total_hip"]
    for tongue in ("en", "zh"):
        report = report_document(told(run, notes=notes, language=tongue))
        texts = [item for block in of(Listing, report) for item in block.items]
        assert not any("lumbar_spine" in text for text in texts)


def test_a_choice_that_moves_nothing_is_said_so(run: Run) -> None:
    note = (
        "3 fracture records are open (trauma not stated) and taken as not established; crude "
        "osteoporosis 17.6 %, and {} % if all were established; choose with --fracture-open"
    )
    for crude, words in (("17.6", "would be the same"), ("17.7", "be 17.7% instead of 17.6%")):
        texts = [
            item
            for block in of(Listing, report_document(told(run, notes=[note.format(crude)])))
            for item in block.items
        ]
        assert any(words in text for text in texts)


def test_those_judged_by_z_are_explained_below_table_1(run: Run) -> None:
    of_class = pl.col("variable") == "bone_class"
    levels = pl.when(of_class & (pl.col("level") == "normal")).then(pl.lit("not_classifiable"))
    some = run.participants.with_columns(level=levels.otherwise("level"))
    none = run.participants.filter(~of_class | (pl.col("level") != "not_classifiable"))
    words = "Only a Z-score applies"
    shown = participants(replace(run, participants=some))
    assert any(words in note for note in shown.notes)
    assert not any(words in note for note in participants(replace(run, participants=none)).notes)
    # Below the prevalence "Not classifiable" means those who are missing.
    labels = [row[0] for row in shown.rows]
    assert words in labels
    assert "Not classifiable" not in labels


def test_a_notebook_shows_the_parts(document: Document) -> None:
    shown = document.part("prevalence")._repr_html_()
    assert 'id="prevalence"' in shown
    assert "Table 3." in shown
    assert shown.count("<style>") == 1


def test_the_command_stands_in_the_open(document: Document, run: Run) -> None:
    (command,) = of(Code, document)
    assert command.text == run.manifest["command"]
    assert "--title 'Bone in our town'" in command.text


def test_the_headline_is_of_most_people_where_everybody_has_no_figure(run: Run) -> None:
    """A reference of one sex: the headline is of all women, and not of the first group of them."""
    of_women = run.prevalence.filter(pl.col("sex") == "female")
    parts = of_women.with_columns(region=pl.lit("A & B"), n=pl.col("n") // 2)
    rows = pl.concat([parts, of_women.with_columns(region=pl.lit("all"))])
    both = rows.with_columns(pl.lit("all").alias("sex"), pl.lit(None, pl.Float64).alias("estimate"))
    lead = report_document(replace(run, prevalence=pl.concat([rows, both])))
    text = next(block.text for block in every(lead.blocks) if isinstance(block, Paragraph)
                and block.style == "lead")  # fmt: skip
    assert text.startswith("Of women aged 50 years or older, ")


def test_the_figures_that_a_run_names_are_drawn(run: Run) -> None:
    """It named `run.prevalence.plot()`, and its tables are plain frames."""
    with pytest.raises(SchemaError, match="Run has a figure a part") as refused:
        run.plot()
    named = re.findall(r"figures\.(\w+)\(run\.(\w+)\)", str(refused.value))
    assert len(named) == 2
    for figure, part in named:
        assert alt_text(getattr(figures, figure)(getattr(run, part)))


def test_findings_name_columns_in_words_and_advice_as_it_is_typed(run: Run) -> None:
    found = Finding(
        "missing_code", "note", "abmd_total_hip", 7, "codes became null", "missing={} (--missing X)"
    )
    data = {**run.manifest["data"], "headings": {"abmd_total_hip": "全髋BMD"}}
    noticed = replace(told(run, data=data), findings=Findings((found,)).to_polars())
    (table,) = (b for b in of(Table, report_document(noticed)) if b.name == "findings")
    assert table.table.rows[0][1] == "Areal BMD, total hip\n全髋BMD"
    assert table.table.rows[0][4] == "--missing X"
    assert "Areal BMD, total hip<br><small>全髋BMD</small>" in table.table.to_html()
    assert str(found).endswith("To do: missing={}")


def test_no_curve_is_drawn_where_nothing_by_age_may_be_shown(run: Run) -> None:
    hidden = run.prevalence.with_columns(verdict=pl.lit("suppress"))
    everybody = pl.when(pl.col("sex") == "all").then(pl.lit("show"))  # who is not drawn
    of_groups = run.prevalence.with_columns(verdict=everybody.otherwise(pl.lit("suppress")))
    for rows in (hidden, of_groups):
        report = report_document(replace(run, prevalence=rows))
        assert "prevalence_by_age" not in [block.name for block in of(Figure, report)]
        assert "prevalence_by_age" in [block.name for block in of(Table, report)]


def test_level_lines_are_explained_where_they_are_drawn(run: Run) -> None:
    for young, are_drawn in ((run.manifest["reference"], True), ([], False)):
        report = report_document(told(run, reference=young))
        density = next(f for f in of(Figure, report) if f.name == "bmd_by_age")
        assert ("Level lines" in density.caption) == are_drawn


def test_a_page_is_made_again_in_another_language_and_no_number_moves(
    folder: Path, tmp_path: Path
) -> None:
    again = shutil.copytree(folder, tmp_path / "again")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    nbformat.write(notebook, tmp_path / "short.ipynb")
    page = make_page(again, notebook=tmp_path / "short.ipynb", language="zh", title="镇上的骨头")
    assert "<title>镇上的骨头" in page.read_text(encoding="utf-8")
    made, before = load_run(again), load_run(folder)
    assert made.language == "zh"
    assert made.manifest["author"] == "A. Author"
    assert made.manifest["command"].endswith(
        "--author 'A. Author' --language zh --title '镇上的骨头'"
    )
    assert (again / "prevalence.csv").read_bytes() == (folder / "prevalence.csv").read_bytes()
    assert made.manifest["outputs"] == before.manifest["outputs"]


def test_a_language_that_a_run_holds_no_text_in_is_refused_with_the_command(
    folder: Path, run: Run, tmp_path: Path
) -> None:
    old = shutil.copytree(folder, tmp_path / "old")
    texts = {name: text for name, text in run.manifest["methods"].items() if name != "zh"}
    manifest = json.dumps({**run.manifest, "methods": texts})
    (old / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(OutputError, match=r"osteo-epi run people.parquet .* --language zh --out"):
        make_page(old, language="zh")
    assert json.loads((old / "manifest.json").read_text(encoding="utf-8"))["language"] == "en"
    with pytest.raises(OutputError, match="no language 'fr'"):
        make_page(old, language="fr")


def test_a_report_on_children_leads_with_the_share_below_the_range_for_age(run: Run) -> None:
    """Nobody of them can have osteoporosis, and the headline said that nothing may be shown."""
    below = run.prevalence.filter(pl.col("class") == "osteoporosis").with_columns(
        pl.lit("below_expected_range").alias("class")
    )
    none = run.prevalence.with_columns(estimate=pl.lit(None, pl.Float64))
    children = replace(run, prevalence=pl.concat([none, below]))
    for tongue, words in (
        ("en", "below the expected range for age"),
        ("zh", "低于同年龄段预期范围"),
    ):
        report = report_document(told(children, language=tongue))
        headline = report.opening.blocks[0]
        assert isinstance(headline, Paragraph)
        assert words in headline.text
        drawn = {block.name: block.caption for block in of(Figure, report)}
        assert words in drawn["prevalence_by_age"]
        assert words in drawn["forest"]


@pytest.mark.parametrize(
    ("language", "word", "crude"),
    [("en", "age-standardised figures", "Crude figures"), ("zh", "标准人口", "粗率描述")],
)
def test_what_is_not_standardised_is_not_told_of_a_standard(
    run: Run, language: str, word: str, crude: str
) -> None:
    rows = run.prevalence.filter(pl.col("statistic") != "age_standardised")
    for one, standardised in ((run, True), (replace(run, prevalence=rows), False)):
        (text,) = (
            block.text
            for block in of(Paragraph, report_document(told(one, language=language)))
            if crude in block.text
        )
        assert (word in text) is standardised
