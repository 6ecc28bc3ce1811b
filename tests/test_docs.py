"""The written part: what is generated is current, and what is shown runs."""

from __future__ import annotations

import doctest
import io
import operator
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_" not in str(path.relative_to(DOCS))]
PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]


@pytest.fixture
def scripts(monkeypatch):
    """The scripts of docs/ can be imported."""
    monkeypatch.syspath_prepend(str(DOCS))
    yield
    for name in ("doors", "glossary", "norms", "readme", "rules", "site"):
        sys.modules.pop(f"make_{name}", None)


def test_the_glossary_is_current(scripts):
    from make_glossary import glossary

    assert (ROOT / "GLOSSARY.md").read_text(encoding="utf-8") == glossary(), (
        "run: python docs/make_glossary.py"
    )


def test_every_column_of_a_prevalence_has_its_word(scripts):
    from make_glossary import terms

    columns = {name for term in terms() for name in term.get("columns", ())}
    people = oe.simulate(400, seed=1)
    rows = oe.prevalence(people, oe.definition("nchs_bone_2021"))
    assert set(rows.to_frame().columns) <= columns


def test_every_variable_is_said_in_chinese():
    book = oe.codebook().to_frame()
    # What Chinese texts themselves write in Latin letters comes with a Chinese word all the same.
    assert book.filter(~pl.col("meaning_zh").str.contains(r"\p{Han}"))["name"].to_list() == []
    for column in ("meaning", "meaning_zh"):
        assert book.filter(pl.col(column).is_duplicated())["name"].to_list() == []


def test_the_list_of_doors_is_current(scripts):
    from make_doors import page

    assert (DOCS / "doors.md").read_text(encoding="utf-8") == page(), (
        "run: python docs/make_doors.py"
    )


def test_the_table_of_rules_is_current(scripts):
    from make_rules import page

    assert (DOCS / "rules.md").read_text(encoding="utf-8") == page(), (
        "run: python docs/make_rules.py"
    )


def test_the_table_at_the_top_of_the_readme_is_of_the_example_under_it(scripts):
    from make_readme import FIGURE, README, page, shown

    grid = shown()
    assert README.read_text(encoding="utf-8") == page(grid), "run: python docs/make_readme.py"
    named = grid.to_frame()["definition"].unique().to_list()
    assert [name for name in named if name not in FIGURE.read_text(encoding="utf-8")] == []


def test_every_norm_stands_on_the_site_in_both_languages(scripts):
    from make_norms import DEFINITIONS, NORMS, definitions, norms

    assert DEFINITIONS.read_text(encoding="utf-8") == definitions(), (
        "run: python docs/make_norms.py"
    )
    assert NORMS.read_text(encoding="utf-8") == norms(), "run: python docs/make_norms.py"
    lines = norms().splitlines()
    for norm in oe.norms.available():
        (line,) = [line for line in lines if line.startswith(f"| `{norm.id}` | {norm.title} |")]
        assert norm.title_zh in line
    assert "T ≤ −2.5；骨量减低 −2.5 < T < −1.0" in definitions()


def test_every_rule_of_the_consensus_stands_somewhere(scripts):
    from make_rules import cases, rules

    flags = {option.flag for option in oe.report.Choices.catalogue().values()}
    assert [rule["row"] for rule in rules()] == list(range(1, 32))
    for rule in rules():
        assert [door for door in rule["where"] if not operator.attrgetter(door)(oe)] == []
        assert set(rule.get("options", [])) <= flags, rule["row"]
        assert set(rule.get("codes", [])) <= set(oe.diagnosis.catalogue()), rule["row"]
        assert rule["row"] in cases() or rule.get("tests") or rule["row"] == 30


def test_the_site_brings_texts_with_links_that_lead_from_their_page(scripts):
    import make_site

    text = (
        "[a](../docs/rules.md), [b](README.md#x), [c](survey), [d](../benchmarks/passing_bablok.md)"
    )
    bent = make_site.with_links(text, ROOT / "benchmarks/here.md", make_site.MADE / "here.md")
    assert bent == "[a](../rules.md), [b](benchmarks.md#x), c, [d](benchmark_passing_bablok.md)"


def test_every_function_and_class_has_one_page_of_the_site(scripts):
    import make_site

    pages = dict(make_site.api())
    assert {"index.rst", "oe.rst", "oe.Finding.rst", "oe.population.prevalence.rst"} <= set(pages)
    assert "oe.prevalence.rst" not in pages  # on the face too
    assert ":doc:`prevalence <oe.population.prevalence>`" in pages["oe.rst"]


LINKED = [*PROSE, ROOT / "GLOSSARY.md"]


@pytest.mark.parametrize("path", LINKED, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


QUOTING = [*LINKED, *(ROOT / f"{folder}/README.md" for folder in ("reference_norms", "data"))]


@pytest.mark.parametrize("path", QUOTING, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_quoted_files_exist(path):
    quoted = re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))
    folders = "osteo_epi|tests|docs|reference_norms|notebooks|benchmarks|reports|data"
    places = [q for q in quoted if re.fullmatch(rf"({folders})/[\w./]*\w", q)]
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("path", LINKED, ids=lambda p: p.name)
def test_quoted_names_of_the_package_exist(path):
    quoted = re.findall(r"`oe\.([a-z_]+(?:\.[A-Za-z_]+)*)", path.read_text(encoding="utf-8"))
    assert [name for name in set(quoted) if not _stands(name)] == []


def _stands(name: str) -> bool:
    try:
        operator.attrgetter(name)(oe)
    except AttributeError:
        return False
    return True


def test_contributing_names_tests_and_rooms_that_there_are():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    quoted = re.findall(r"`([^`\n]+)`", text)
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/test_*.py"))
    tests = [q for q in quoted if re.fullmatch(r"test_\w+", q)]
    assert [name for name in tests if f"def {name}(" not in code] == []
    rooms = {path.stem for path in (ROOT / "osteo_epi").iterdir() if path.stem[0] not in "_."}
    table = next(line for line in text.splitlines() if line.startswith("| `osteo_epi/`"))
    assert rooms <= set(re.findall(r"\w+", table))


def blocks(path: Path, *languages: str) -> Iterator[tuple[str, str]]:
    """Language and text of the fenced blocks of some languages, those inside lists included."""
    pattern = rf"^( *)```({'|'.join(languages)})\n(.*?)^\1```$"
    found = re.findall(pattern, path.read_text("utf-8"), flags=re.DOTALL | re.M)
    for indent, language, text in found:
        yield language, "\n".join(line.removeprefix(indent) for line in text.splitlines())


# The gallery is run by tests/test_gallery.py.
RUN = [path for path in PROSE if path.name != "gallery.md"]


@pytest.mark.parametrize("path", RUN, ids=lambda p: p.name)
def test_what_is_shown_runs(path, tmp_path, monkeypatch):
    """The blocks of a page follow each other, as a reader would type them; its norms exist."""
    shown = list(blocks(path, "python", "pycon", "console"))
    python = [text.removeprefix(">>> ") for language, text in shown if language != "console"]
    assert not python or python[0].startswith("import osteo_epi as oe\n")
    monkeypatch.chdir(tmp_path)
    for _, text in blocks(path, "toml"):
        norm = tomllib.loads(text)
        if "kind" in norm:
            folder = Path("my_norms", norm["kind"])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{norm['id']}.toml").write_text(text, encoding="utf-8")
    names: dict[str, object] = {}
    for number, (language, text) in enumerate(shown, start=1):
        where = f"{path.name}, block {number}"
        if language == "python":
            exec(compile(text, where, "exec"), names)
        elif language == "pycon":
            answered(text, names, where)
        else:
            typed(text, where)


def answered(text: str, names: dict[str, object], where: str) -> None:
    """Calls with what they answer, as doctest reads them."""
    session = doctest.DocTestParser().get_doctest(text, names, where, where, 0)
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    failed, _ = runner.run(session, out=said.write, clear_globs=False)
    assert failed == 0, said.getvalue()
    names.update(session.globs)


def typed(text: str, where: str) -> None:
    """Commands after a dollar sign; each line under them is said by them, however it is spaced."""
    for command in re.split(r"^\$ ", text, flags=re.M)[1:]:
        line, _, expected = command.replace("\\\n", " ").partition("\n")
        program, *words = shlex.split(line)
        assert program == "osteo-epi", f"{where}: {program} is shown in a block of sh"
        answer = CliRunner().invoke(main, words)
        assert answer.exit_code == 0, f"{where}: {line}\n{answer.output}"
        said = " ".join(answer.output.split())
        lost = [part for part in expected.splitlines() if " ".join(part.split()) not in said]
        assert lost == [], f"{where}: {line}\n{answer.output}"
