"""What every result inherits: one line, one escaped table, and the way to pandas."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import polars as pl
import pytest

import osteo_epi
from osteo_epi.html import html_table
from osteo_epi.language import speaking
from osteo_epi.results import LONGEST_LINE, Result
from osteo_epi.rounding import number

PACKAGE = Path(osteo_epi.__file__).parent


@dataclass(frozen=True, repr=False)
class Answers(Result):
    frame: pl.DataFrame
    title: str = ""

    def to_polars(self):
        return self.frame

    def _summary(self):
        return self.title or super()._summary()


@pytest.mark.parametrize(("rows", "line"), [(1, "1 row"), (0, "0 rows"), (1234, "1,234 rows")])
def test_rows_are_counted_where_a_result_says_nothing_of_itself(rows, line):
    assert repr(Answers(pl.DataFrame({"n": range(rows)}))) == f"Answers({line})"


def test_a_long_or_broken_title_stays_one_short_line():
    line = repr(Answers(pl.DataFrame(), "a label\nthat goes on " * 40))
    assert len(line) <= LONGEST_LINE
    assert "\n" not in line
    assert line.endswith("…)")


def test_missing_answers_stay_missing_in_pandas():
    table = Answers(pl.DataFrame({"fracture": [True, None], "class": ["normal", None]})).to_pandas()
    assert table["fracture"].isna().tolist() == [False, True]
    assert table["class"].isna().tolist() == [False, True]


def test_a_table_escapes_names_values_caption_and_notes():
    bad = "<b>&"
    page = html_table(pl.DataFrame({bad: [bad]}), caption=f"{bad}\n{bad}", notes=[bad])
    assert page.count("&lt;b&gt;&amp;") == 5
    assert "<b>" not in page
    assert ">&lt;b&gt;&amp;<br>&lt;b&gt;&amp;</caption>" in page


def cells(page: str) -> list[str]:
    """What stands in the cells of a page's table."""
    return re.findall(r"<td[^>]*>([^<]*)</td>", page)


def test_what_every_row_repeats_is_said_once_above():
    rows = pl.DataFrame(
        {
            "term": ["slope", "shift"],
            "estimate": [1.0, 1.0],
            "n": [40, 40],
            "confidence": [0.95, 0.95],
            "method": ["Deming", "Deming"],
            "moved": [3, 3],
            "flag": ["", ""],
        }
    )
    page = html_table(rows)
    assert cells(page) == ["slope", "1", "3", "shift", "1", "3"]
    assert "n 40; confidence 95 %; method Deming</caption>" in page
    assert "flag" not in page


def test_one_row_of_many_columns_is_read_downwards():
    page = html_table(pl.DataFrame({name: [1] for name in "abcdefgh"}))
    assert page.count("<tr>") == 8


def test_text_stands_left_and_numbers_stand_right_with_their_points_in_a_line():
    rows = pl.DataFrame(
        {"sex": ["Women", "Men"], "se": [0.5, 10.25], "limits": ["4 (1–9)", "2 to 3"]}
    )
    page = html_table(rows)
    assert page.count('<td style="text-align:left"') == 2
    assert page.count('<td style="text-align:right') == 4
    assert cells(page)[1] == "0.5\N{FIGURE SPACE}"


@pytest.mark.parametrize(("p", "words"), [(0.0023456, "0.002"), (3e-9, "&lt;0.001"), (None, "–")])
def test_a_p_value_is_written_as_journals_have_it(p, words):
    rows = pl.DataFrame({"p": [p, 0.5]}, schema={"p": pl.Float64})
    assert cells(html_table(rows))[0].rstrip("\N{FIGURE SPACE}\N{PUNCTUATION SPACE}") == words


def test_people_who_are_classified_show_their_classes():
    people = osteo_epi.datasets.survey()
    assert "Osteoporosis" not in people._repr_html_()
    rules = osteo_epi.definition("china_2020", reference="zhang_2007")
    page = osteo_epi.classify(people, rules)._repr_html_()
    assert [part in page for part in ("Women, n (%)", "All, n (%)", "Low bone mass")] == [True] * 3


def test_a_prevalence_states_definition_level_and_n_and_no_method_in_each_row():
    rules = osteo_epi.definition("china_2020", reference="zhang_2007")
    people = osteo_epi.datasets.survey()
    result = osteo_epi.prevalence(people, rules, by="sex", standard="china_2010")
    page = result._repr_html_()
    assert "Definition: china_2020" in page
    assert "95 %" in page
    assert page.count("Taylor linearisation") == 2
    assert "Age-standardised" in cells(page)


def test_what_may_not_be_shown_is_withheld_in_a_notebook_too():
    rules = osteo_epi.definition("nchs_bone_2021")
    few = osteo_epi.datasets.survey().frame.filter(pl.col("sex") == "female").sample(40, seed=1)
    result = osteo_epi.prevalence(few, rules, design="srs")
    assert result.to_polars()["verdict"].to_list() == ["suppress"] * 10
    page = result._repr_html_()
    assert "28.0" not in page
    assert "prevalence [%] *" in page
    assert "* too uncertain to be shown" in page


def test_each_mark_in_a_notebook_is_that_of_the_tables_and_is_explained():
    rules = osteo_epi.definition("nchs_bone_2021")
    result = osteo_epi.prevalence(osteo_epi.datasets.survey(), rules, design="srs")
    verdicts = ["suppress", "review", "show_with_note", "show"]
    rows = result.frame.filter(pl.col("estimate").is_not_null()).head(4)
    told = replace(result, frame=rows.with_columns(verdict=pl.Series(verdicts)))
    page = told._repr_html_()
    for told_of in ("* too uncertain", "‡ to be looked at", "† the complement of"):
        assert told_of in page
    assert [page.count(mark) for mark in "‡†"] == [2, 2]
    # A star is explained where one stands, and not for a row that has no estimate.
    nobody = rows.with_columns(verdict=pl.lit("suppress"), estimate=pl.lit(None, pl.Float64))
    assert "too uncertain" not in replace(result, frame=nobody)._repr_html_()


def test_references_and_designs_show_themselves_as_tables():
    young = osteo_epi.young_adult_reference(osteo_epi.datasets.survey())
    assert "mean [g/cm²]" in young._repr_html_()
    assert "Femoral neck" in cells(young._repr_html_())
    design = osteo_epi.SurveyDesign(weight="survey_weight", psu="<psu>")
    assert "&lt;psu&gt;" in cells(design._repr_html_())
    assert "simple random sample" in osteo_epi.SurveyDesign()._repr_html_()


def test_numbers_of_people_are_written_in_full():
    assert number(99_999.6) == "100,000"
    assert number(9_999.96) == "10000"
    assert number(float("nan")) == "–"
    assert number(float("inf")) == "inf"
    assert number(1e-7) == "1e-07"


def results(kind: type[Result] = Result) -> Iterator[type[Result]]:
    """Every class of results in the package."""
    for module in pkgutil.walk_packages(osteo_epi.__path__, "osteo_epi."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for form in kind.__subclasses__():
        yield from results(form)
        if form.__module__.startswith("osteo_epi."):
            yield form


FORMS = sorted(set(results()), key=str)


@cache
def examples(module: str) -> dict[type[Result], Result]:
    """One of each result that the examples of a module make, kept by name or passed on."""
    seen: dict[type[Result], Result] = {}
    runner = doctest.DocTestRunner(verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        for form in FORMS:
            patch.setattr(form, "__init__", recorded(form.__init__, seen))
        for test in doctest.DocTestFinder().find(importlib.import_module(module)):
            runner.run(test, out=lambda text: None, clear_globs=False)
            for value in test.globs.values():
                if isinstance(value, Result):
                    seen.setdefault(type(value), value)
    return seen


def recorded(init: Callable[..., None], seen: dict[type[Result], Result]) -> Callable[..., None]:
    """A class's `__init__` that also says what it made."""

    def made(self: Result, *args: object, **options: object) -> None:
        init(self, *args, **options)
        seen.setdefault(type(self), self)

    return made


def room_of(form: type[Result]) -> list[str]:
    """The module of a class, then the others of its room."""
    room = f"osteo_epi.{form.__module__.split('.')[1]}"
    return sorted(
        (m for m in sys.modules if m.startswith(room)), key=lambda m: m != form.__module__
    )


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_result_shows_itself_in_one_line_and_one_table(form):
    made = next((seen[form] for seen in map(examples, room_of(form)) if form in seen), None)
    assert made is not None, f"no example of its room shows a {form.__name__}"
    line, frame, page = repr(made), made.to_frame(), made._repr_html_()
    assert line.startswith(f"{form.__name__}(")
    assert len(line) <= LONGEST_LINE
    assert "\n" not in line
    assert made.frame_kind != "polars" or isinstance(frame, pl.DataFrame)
    assert len(made.to_pandas()) == frame.height
    assert "<table" in page
    assert "shape: (" not in page
    stated = getattr(made, "confidence", None)
    levels = frame["confidence"].unique() if "confidence" in frame.columns else [stated]
    if len(levels) == 1 and isinstance(levels[0], float):
        assert f"{100 * levels[0]:g} %" in page or "confidence" in page


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_only_html_writes_tables(path):
    tags = re.findall(r"</?(?:table|thead|tbody|tr|th|td)\b", path.read_text(encoding="utf-8"))
    # The reader of pages called .xls knows the tags and writes none; a journal table has its own.
    own = {"readers", "writers"}
    assert path.name == "html.py" or path.parent.name in own or not tags


# They hand weights over to other software; nobody reads them.
NO_RESULT = {"Replicates"}


def test_whatever_gives_a_frame_is_a_result():
    for name, module in sorted(sys.modules.items()):
        if name.startswith("osteo_epi."):
            for form in vars(module).values():
                gives = isinstance(form, type) and "to_polars" in vars(form)
                assert not gives or issubclass(form, Result) or form.__name__ in NO_RESULT, form


def test_a_result_speaks_the_language_in_a_notebook() -> None:
    people = osteo_epi.datasets.survey()
    rules = osteo_epi.definition("who_1994", reference="nhanes_2005_2010_derived")
    shown = osteo_epi.prevalence(people, rules, by="sex", standard="china_2010")
    with speaking("zh"):
        page = shown._repr_html_()
        noticed = osteo_epi.datasets.clinic().findings._repr_html_()
    for words in ("骨质疏松", "患病率（%）", "诊断定义：", "年龄标化率", "女性", "95%"):
        assert words in page
    assert "Osteoporosis" not in page
    assert "超出合理范围的值" in noticed
