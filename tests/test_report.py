"""The report: one file that loads nothing, escapes everything and says what it rests on."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from osteo_epi import figures, rounding, tables
from osteo_epi.errors import OutputError
from osteo_epi.figures import Picture
from osteo_epi.frames import group_label
from osteo_epi.report import PARTS, Run, load_run, make_page, run

HOSTILE = "<script>alert(1)</script>"
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "report.ipynb"
MARKUP = '"><img src=http://example.org/x onerror=alert(2)>'
SECTIONS = (
    *("participants", "flow", "prevalence", "prevalence_by_age", "forest", "definition"),
    *("density", "evidence", "findings", "methods", "references", "provenance"),
)


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.styles: list[str] = []
        self.words: list[str] = []
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        (self.styles if self._in_style else self.words).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a hostile file: markup in its name, in a heading, and in the labels of groups."""
    from osteo_epi.cohort import simulate

    place = tmp_path_factory.mktemp("hostile")
    frame = simulate(9_000, seed=4).frame.with_row_index("k")
    village = pl.when(pl.col("k") % 2 == 0).then(pl.lit(HOSTILE)).otherwise(pl.lit(MARKUP))
    frame = frame.with_columns(village.alias("village"), pl.lit("x").alias(f"note {HOSTILE}"))
    path = place / "<b>clinic & co<img src=x>.csv"
    frame.drop("k").write_csv(path)
    run(
        path,
        reference="own_young_adults",
        standard="china_2010",
        by=("sex", "village"),
        out=place / "out",
        accept_errors=True,
    )
    return place / "out"


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def got(folder: Path) -> Run:
    return load_run(folder)


def test_the_page_names_no_remote_address(html: str, page: Page) -> None:
    for tag, attrs in page.tags:
        if tag == "a" and (attrs["href"] or "").startswith("https://doi.org/10."):
            continue  # the page loads nothing from a source that its reader may go to
        if tag == "a" and attrs["href"] in PARTS:
            continue  # nor from the files beside it
        for name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            assert (attrs.get(name) or "data:").startswith(("data:", "#")), attrs
    for style in [*page.styles, *(attrs.get("style") or "" for _, attrs in page.tags)]:
        assert "url(" not in style
        assert "@import" not in style
    # In words an address may stand, since the hostile file wrote one: nowhere else.
    assert not re.search(r"https?://(?!example\.org|doi\.org/10\.)", html)


def test_the_page_runs_nothing(page: Page) -> None:
    for tag in ("script", "iframe", "object", "embed", "form", "link", "base"):
        assert not page.of(tag), tag
    assert not [attrs for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_the_page_has_a_strict_policy(page: Page) -> None:
    policies = [
        attrs["content"]
        for attrs in page.of("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    rules = dict(rule.strip().split(" ", 1) for rule in (policies[0] or "").split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_text_from_data_is_escaped(html: str, page: Page) -> None:
    assert HOSTILE not in html
    assert MARKUP not in html
    shown = " ".join(page.words)
    assert HOSTILE in shown, "the label is shown as it is written"
    assert "<b>clinic & co<img src=x>.csv" in shown
    assert all((attrs["src"] or "").startswith("data:") for attrs in page.of("img"))


def test_rows_that_the_page_sets_in_are_called_so_by_the_tables(html: str) -> None:
    """The rule for a telephone was of a class that no row has any more."""
    asked = set(re.findall(r"\.journal tbody tr\.([\w-]+)", html.partition("</style>")[0]))
    written = set(re.findall(r'<tr class="([\w-]+)', html))
    assert asked
    assert asked <= written


def test_every_part_is_there(page: Page) -> None:
    assert tuple(attrs.get("id") for attrs in page.of("h2")) == SECTIONS
    assert [attrs["href"] for attrs in page.of("a")][: len(SECTIONS)] == [f"#{s}" for s in SECTIONS]
    assert len(page.of("img")) >= 3
    for image in page.of("img"):
        assert image["alt"]
        svg = base64.b64decode((image["src"] or "").removeprefix("data:image/svg+xml;base64,"))
        assert svg.lstrip().startswith(b"<?xml")


def test_what_stands_behind_is_folded_away_at_the_end(page: Page, html: str) -> None:
    assert not any("open" in attrs for attrs in page.of("details"))
    first, *_ = re.finditer(r"[0-9a-f]{64}", html)
    assert html.rfind("<details", 0, first.start()) > html.index('id="provenance"')
    assert html.rindex("<details") < html.index("import osteo_epi as oe")


def test_the_page_says_that_the_people_are_simulated(page: Page, html: str) -> None:
    label = [attrs for _, attrs in page.tags if attrs.get("class") == "label"]
    assert len(label) == 1
    assert html.count("SIMULATED") > 5


def test_the_page_tells_no_place_of_this_machine(html: str, folder: Path) -> None:
    assert str(folder.parent) not in html
    assert str(Path.home()) + "/" not in html


def test_the_methods_are_in_both_languages(got: Run) -> None:
    methods = got.manifest["methods"]
    n = got.prevalence.filter(pl.col("statistic") == "crude")["n"].max()
    for text in (methods["en"], methods["zh"]):
        assert f"{n:,}" in text
        assert "80 mg/cm³" in text
    assert "the standard population “China, population census 2010”" in methods["en"]
    assert "2010年中国人口普查" in methods["zh"]


def test_the_notebook_is_prose_and_calls() -> None:
    notebook = json.loads(NOTEBOOK.read_text())
    sources = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert not any(re.search(r"^\s*(def|class|for|while)\b", s, re.M) for s in sources)
    tagged = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", ())]
    assert len(tagged) == 1


def test_a_notebook_that_fails_is_one_error(tmp_path: Path, folder: Path) -> None:
    notebook = json.loads(NOTEBOOK.read_text())
    notebook["cells"] = [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": "1 / 0",
            "outputs": [],
            "execution_count": None,
        }
    ]
    (tmp_path / "bad.ipynb").write_text(json.dumps(notebook))
    with pytest.raises(OutputError, match="stopped at ZeroDivisionError"):
        make_page(folder, notebook=tmp_path / "bad.ipynb")


def test_files_of_the_folder_are_not_imported(tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "out"
    shutil.copytree(folder, place)
    (place / "polars.py").write_text("raise SystemExit('imported from the run folder')")
    notebook = json.loads(NOTEBOOK.read_text())
    notebook["cells"] = [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": "import polars\npolars.__version__",
            "outputs": [],
            "execution_count": None,
        }
    ]
    (tmp_path / "good.ipynb").write_text(json.dumps(notebook))
    page = make_page(place, notebook=tmp_path / "good.ipynb").read_text(encoding="utf-8")
    assert pl.__version__ in page


def test_a_kernel_that_does_not_start_is_one_error(monkeypatch, folder: Path) -> None:
    def fail(*args, **kwargs):
        raise OSError("no such kernel")

    monkeypatch.setattr("nbclient.NotebookClient.setup_kernel", fail)
    with pytest.raises(OutputError, match="ipykernel"):
        make_page(folder)


def test_tables_show_what_the_frames_hold(got: Run) -> None:
    row = got.prevalence.filter(
        pl.col("statistic") == "age_standardised", pl.col("class") == "osteoporosis"
    ).row(0, named=True)
    shown = tables.prevalence(got).to_html()
    ends = (row["estimate"], row["lower"], row["upper"])
    assert rounding.percent_interval(*ends, decimals=1) in shown.replace("\u2007", "")
    assert f"{row['n']:,}" in shown
    by_age = tables.prevalence_by_age(got).to_html()
    assert all(band in by_age for band in ("50–54", "75–79", "80+"))
    for norm in got.manifest["norms"]:
        assert norm["sha256"][:12] in tables.citations(got).to_html()
    assert len(tables.flow(got).rows) == got.flow.height


def test_figures_carry_their_axes_and_the_label(got: Run) -> None:
    from matplotlib.text import Text

    drawn = {
        "age": figures.prevalence_by_age(got.prevalence, note=got.label),
        "bmd": figures.bmd_by_age(got.bmd_by_age, reference=got.reference, note=got.label),
        "overlap": figures.site_overlap(got.overlap, note=got.label),
    }
    for axes in drawn.values():
        assert any("SIMULATED" in text.get_text() for text in axes.figure.findobj(Text))
    assert "Prevalence [%]" in [p.get_ylabel() for p in drawn["age"].child_axes]
    panels = drawn["bmd"].child_axes
    assert panels[0].get_ylabel() == "Areal BMD [g/cm²]"
    assert [panel.get_title(loc="left") for panel in panels] == [
        "Lumbar spine",
        "Femoral neck",
        "Total hip",
    ]
    assert "Age [years]" in panels[-1].get_xlabel()


def test_the_curves_are_those_of_the_people(folder: Path, got: Run) -> None:
    people = pl.read_parquet(folder / "classified.parquet")
    row = got.bmd_by_age.filter(roi="femoral_neck", sex="female", age_band="60-64").row(
        0, named=True
    )
    values = people.filter(
        (pl.col("sex").cast(pl.String) == "female")
        & pl.col("age").is_between(60, 65, closed="left")
    )["abmd_femoral_neck"]
    values = values.drop_nulls()
    assert row["n"] == len(values)
    assert row["mean"] == pytest.approx(values.mean(), abs=1e-12)
    assert row["sd"] == pytest.approx(values.std(), abs=1e-12)
    assert row["age"] == 62.5


def test_the_overlap_counts_each_person_with_osteoporosis_once(got: Run) -> None:
    crude = got.prevalence.filter(
        statistic="crude", sex="all", village="all", **{"class": "osteoporosis"}
    ).row(0, named=True)
    assert got.overlap["n"].sum() == round(crude["estimate"] * crude["n"])


def test_nothing_to_draw_is_said() -> None:
    empty = pl.DataFrame({"n": []}, schema={"n": pl.Int64})
    assert "Nobody" in figures.site_overlap(empty).texts[0].get_text()
    texts, numbers = ("roi", "sex"), ("age", "mean", "sd")
    curve = pl.DataFrame(
        schema={**dict.fromkeys(texts, pl.String), **dict.fromkeys(numbers, pl.Float64)}
    )
    assert "No age band" in figures.bmd_by_age(curve).texts[0].get_text()


def test_figures_leave_pyplot_alone() -> None:
    import sys

    import matplotlib as mpl

    before = dict(mpl.rcParams)
    curve = pl.DataFrame(
        {"roi": ["total_hip"] * 2, "sex": ["female"] * 2, "age": [52.5, 57.5],
         "mean": [0.9, 0.85], "sd": [0.1, 0.1]}
    )  # fmt: skip
    one = Picture(figures.bmd_by_age(curve), caption="a & b")._repr_html_()
    assert one == Picture(figures.bmd_by_age(curve), caption="a & b")._repr_html_()
    assert "a &amp; b" in one
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_a_prevalence_that_is_not_broken_down_is_of_all() -> None:
    frame = pl.DataFrame({"class": ["osteoporosis"] * 2, "statistic": ["crude", "age_band"]})
    assert frame.with_columns(group_label(frame).alias("g"))["g"].to_list() == ["All", "All"]
