"""Tables for a journal: right numbers, the same in every format, nothing from data as markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import OutputError, SchemaError
from osteo_epi.language import speaking
from osteo_epi.survey import SurveyDesign
from osteo_epi.tables import JournalTable, prevalence_table, table_one
from osteo_epi.tables.writers import decimal_cells, numbers

DATA = Path(__file__).parent / "golden" / "data"
HOSTILE = "=1+1 <b>& 5%_$"


def cohort(n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    ages = rng.uniform(50, 90, n)
    return pl.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, ages),
            "abmd_total_hip": rng.normal(0.85, 0.1, n),
            "sex": rng.choice(["female", "male"], n),
            "region": rng.choice([HOSTILE, "south"], n),
            "fracture": rng.random(n) < 0.2,
            "w": rng.uniform(1, 5, n),
            "psu": rng.integers(0, 40, n),
        }
    ).with_columns(
        pl.col("age").fill_nan(None),
        pl.when(pl.Series(rng.random(n) > 0.05)).then(pl.col("fracture")).alias("fracture"),
        pl.col("sex").cast(pl.Enum(["female", "male"])),
    )


VARIABLES = ["age", "abmd_total_hip", "region", "fracture"]
DESIGN = SurveyDesign(weight="w", psu="psu")


@pytest.fixture(scope="module")
def first():
    return table_one(cohort(), variables=VARIABLES, by="sex", design=DESIGN, p=True)


def prevalences() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "definition": ["china_2020"] * 4,
            "class": ["osteoporosis"] * 3 + ["low_bone_mass"],
            "sex": ["female", "male", "male", "all"],
            "statistic": ["age_standardised", "crude", "age_band", "crude"],
            "age_band": [None, None, "80+", None],
            "estimate": [0.2913, 0.0646, 0.5, 0.9],
            "se": [0.01, 0.006, 0.2, 0.04],
            "lower": [0.2712, 0.0533, 0.11, 0.80],
            "upper": [0.3119, 0.0777, 0.88, 0.96],
            "confidence": [0.95] * 4,
            "n": [2000, 1500, 12, 60],
            "n_missing": [80, 0, 3, 1],
            "n_effective": [1600.0, 1400.0, 6.0, 56.0],
            "df": [30, 30, 5, 30],
            "people_affected": [49.28e6, 10.88e6, 1e5, None],
            "people_affected_lower": [45.9e6, 9e6, 2e4, None],
            "people_affected_upper": [52.8e6, 13.1e6, 2e5, None],
            "method": ["beta"] * 4,
        }
    )


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.inside = False

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


BLANKS = dict.fromkeys(map(ord, "\u2007\u2008"), "")
"""Blanks that put points below each other."""


def read_html(path: Path) -> list[tuple[str, ...]]:
    parser = Cells()
    parser.feed(path.read_text(encoding="utf-8").translate(BLANKS))
    assert "b" not in parser.tags
    return [tuple(cell.strip() for cell in row) for row in parser.rows]


def read_latex(path: Path) -> list[tuple[str, ...]]:
    text = path.read_text(encoding="utf-8")
    assert text.count(r"\begin{longtable}") == text.count(r"\toprule") - 1 == 1
    body = text[text.index(r"\endfoot") + len(r"\endfoot") : text.index(r"\end{longtable}")]
    plain = {r"\textless{}": "<", r"\textgreater{}": ">", r"\ensuremath{\pm}": "±", "--": "–",
             r"\textsuperscript{2}": "²", r"\textdagger{}": "†", r"\textbf": "", r"\quad ": "",
             "{}": "", r"\phantom{0}": "", r"\phantom{.}": ""}  # fmt: skip
    rows = []
    for line in re.split(r" \\\\\*?", body):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)&", line)]
        for coded, sign in plain.items():
            cells = [cell.replace(coded, sign).strip() for cell in cells]
        rows.append(tuple(re.sub(r"\\([%_$&])", r"\1", cell) for cell in cells))
    return rows


def read_word(path: Path) -> list[tuple[str, ...]]:
    docx = pytest.importorskip("docx")
    grid = docx.Document(str(path)).tables[0]
    return [tuple(cell.text.translate(BLANKS) for cell in row.cells) for row in grid.rows]


def read_csv(path: Path) -> list[tuple[str, ...]]:
    """Cells as a spreadsheet shows them: an apostrophe says that what follows is text."""
    rows = pl.read_csv(path, infer_schema=False).fill_null("").rows()
    return [tuple(cell.removeprefix("'") for cell in row) for row in rows]


READERS = {"html": read_html, "tex": read_latex, "docx": read_word, "csv": read_csv}


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("which", ["first", "prevalence"])
def test_every_format_holds_the_same_cells(which, ending, tmp_path, first):
    if ending == "docx":
        pytest.importorskip("docx")
    table = first if which == "first" else prevalence_table(prevalences(), rule="nchs_proportion")
    path = table.save(tmp_path / f"table.{ending}")
    found = READERS[ending](path)
    skip = 1 if ending == "csv" and any(table.sections) else 0
    rows = [row[skip : skip + len(table.columns)] for row in found]
    where = 0
    for row in table.rows:
        where = rows.index(row, where) + 1  # in their order


@pytest.mark.parametrize("which", ["first", "prevalence"])
def test_numbers_are_numbers_in_excel_with_the_digits_printed(which, tmp_path, first):
    openpyxl = pytest.importorskip("openpyxl")
    table = first if which == "first" else prevalence_table(prevalences())
    book = openpyxl.load_workbook(table.save(tmp_path / "table.xlsx"))
    sheet, values = book["Table"], book["Values"]
    assert sheet.freeze_panes == ("B4" if table.spanners else "B3")
    assert [cell.value for cell in values[1]] == table.values.columns
    lines = [[cell.value for cell in row if cell.value is not None] for row in sheet]
    where = 0
    for row in table.rows:
        held = [
            [number.value for number in numbers(cell)] if side != "left" else []
            for cell, side in zip(row, table.align, strict=True)
        ]
        line = [v for cell, ns in zip(row, held, strict=True) for v in (ns or [cell] * bool(cell))]
        where = lines.index(line, where) + 1
    forms = {cell.number_format for row in sheet for cell in row if cell.data_type == "n"}
    assert "0.0" in forms and "#,##0" in forms if which != "first" else "0.0" in forms


def test_a_word_table_has_its_own_style_and_its_head_on_every_page(tmp_path):
    docx = pytest.importorskip("docx")
    document = docx.Document(str(prevalence_table(prevalences()).save(tmp_path / "t.docx")))
    (grid,) = document.tables
    assert grid.style.name == "Journal table"
    heads = [row for row in grid.rows if "w:tblHeader" in row._tr.xml]
    assert len(heads) == 2
    assert all("w:cantSplit" in row._tr.xml for row in grid.rows)
    caption = document.paragraphs[0]
    assert caption.style.name == "Caption"
    assert "SEQ Table" in caption._p.xml


def test_points_stand_below_each_other():
    cells = decimal_cells(["9.5 (8.1–12.0)", "*", "29.13 (27.12–31.19)", "12,245", ""])
    where = [cell.index(".") for cell in cells if "." in cell]
    assert len(set(where)) == 1
    assert len({len(cell) for cell in cells if "." in cell}) == 1
    assert cells[1] == "*"


def test_what_does_not_fit_the_columns_is_refused():
    frame = pl.DataFrame({"a": [1]})
    with pytest.raises(OutputError, match="rows, spanners of the table do not fit its 2 columns"):
        JournalTable("", ("a", "b"), (("1",),), ("",), (), frame, spanners=(("x", 3),))


def test_a_level_that_looks_like_a_formula_or_markup_stays_a_level(first, tmp_path):
    assert HOSTILE in [row[0] for row in first.rows]
    assert "<b>&" not in first.to_html()
    assert r"5\%\_\$" in first.to_latex()
    openpyxl = pytest.importorskip("openpyxl")
    sheet = openpyxl.load_workbook(first.save(tmp_path / "t.xlsx")).active
    cells = [cell for row in sheet for cell in row if cell.value == HOSTILE]
    assert cells
    assert {cell.data_type for cell in cells} == {"s"}
    assert f"'{HOSTILE}" in first.save(tmp_path / "t.csv").read_text(encoding="utf-8")


def test_html_asks_nothing_of_the_network(first):
    assert "http" not in first.to_html()
    assert "<script" not in first.to_html()


def test_what_may_not_be_shown_is_withheld_in_cells_and_in_values():
    table = prevalence_table(prevalences())
    assert table.sections == ("Women", "Men", "Men", "All")
    assert table.rows[2] == ("80+", "12", "*", "*", "", "", "3")
    assert table.marks == ("", "", "suppress", "show_with_note")
    hidden = table.values.row(2, named=True)
    assert hidden["estimate"] is hidden["upper"] is hidden["people_affected"] is None
    assert "50.0" not in table.to_html()
    assert table.rows[3][4] == "90.0 (80.0–96.0)†"
    notes = " ".join(table.notes)
    assert "Withheld" in notes
    assert "† The complement" in notes
    assert "Rule of presentation: NCHS" in notes


def test_the_author_may_see_what_is_withheld():
    table = prevalence_table(prevalences(), show_unreliable=True)
    assert table.rows[2][2:4] == ("50.0 (11.0–88.0)*", "0.10 (0.02–0.20)")
    assert table.values["estimate"].null_count() == 0
    assert any("shown to the author only" in note for note in table.notes)
    plain = prevalence_table(prevalences(), rule=None)
    assert plain.rows[2][2] == "50.0 (11.0–88.0)"


def test_people_are_in_millions_and_standard_errors_on_request():
    row = prevalence_table(prevalences(), se=True).rows[0]
    assert row[2:5] == ("29.1 (27.1–31.2)", "1.0", "49.28 (45.90–52.80)")


def test_a_real_result_carries_its_definition_into_the_notes():
    from osteo_epi.cohort import simulate
    from osteo_epi.diagnosis import definition
    from osteo_epi.population import prevalence

    who = definition("china_2020", reference="zhang_2007", sex_rule="female")
    result = prevalence(simulate(3000, seed=1), who, by="sex", standard="china_2010")
    table = prevalence_table(result, rule="nchs_proportion")
    assert 2 * len(table.rows) == result.to_frame().height  # two classes side by side
    assert any(note.startswith("Definition:") for note in table.notes)
    assert any("china_2010" in note or "China" in note for note in table.notes)
    assert table.notes[0].startswith("SIMULATED people")


def test_refusals_say_what_to_do(tmp_path, first):
    with pytest.raises(SchemaError, match="pass the result of prevalence"):
        prevalence_table(cohort())
    with pytest.raises(OutputError, match="expected an ending of"):
        first.save(tmp_path / "table.pdf")
    first.save(tmp_path / "table.csv")
    with pytest.raises(OutputError, match="exists"):
        first.save(tmp_path / "table.csv")


def test_a_library_that_is_absent_is_named(tmp_path, first, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(OutputError, match="need python-docx"):
        first.save(tmp_path / "table.docx")


def test_a_wide_table_lies_on_its_side_in_word_and_latex(tmp_path):
    docx = pytest.importorskip("docx")
    frame = pl.DataFrame({"a": [1]})
    for n, lies in ((3, False), (12, True)):
        cells = ("row", *["10.0 (8.1–12.0)"] * n)
        table = JournalTable("", ("", *"x" * n), (cells,), ("",), (), frame)
        document = docx.Document(str(table.save(tmp_path / f"{n}.docx")))
        page = document.sections[0]
        assert (page.page_width > page.page_height) is lies
        widths = [column.width / 12700 for column in document.tables[0].columns]
        assert sum(widths) <= (page.page_width - page.left_margin - page.right_margin) / 12700 + 1
        text = table.to_latex()
        assert ("{landscape}" in text) is ("pdflscape" in text) is lies
        assert text.count(r"\arraybackslash}p{") == n + 1
        assert text.count("{") == text.count("}")
        shares = [float(share) for share in re.findall(r"dimexpr ([\d.]+)", text)]
        assert sum(shares) <= 1.01


def test_a_word_is_never_wider_than_its_column(tmp_path):
    """As wide as the printer's own metrics say, in both languages."""
    docx = pytest.importorskip("docx")
    with speaking("zh"):
        table = prevalence_table(prevalences())
    grid = docx.Document(str(table.save(tmp_path / "t.docx"))).tables[0]
    first = grid.columns[0].width / 12700
    assert first > 5 * 8.5, "five characters of 8.5 pt, as 年龄标化率"


def test_no_heading_breaks_within_a_word_and_what_is_set_in_has_room(tmp_path):
    """As wide as the letters of a face with the widths of Times: "Grad|e" was printed."""
    docx = pytest.importorskip("docx")
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    def points(text: str, face: str) -> float:
        font = FT2Font(f"{get_data_path()}/fonts/ttf/{face}.ttf")
        font.set_size(850, 72)  # unhinted, so to say
        font.set_text(text)
        return font.get_width_height()[0] / 6400

    heads = ("Region", "Grade", "Rate", "Error", "Verdict", "Reference")
    cells = ("Lumbar spine", *["C"] * (len(heads) - 1))
    table = JournalTable(
        "", heads, (cells,), ("Women",), (), pl.DataFrame({"a": [1]}),
        align=("left",) * len(heads), indents=(1,),
    )  # fmt: skip
    columns = docx.Document(str(table.save(tmp_path / "t.docx"))).tables[0].columns
    room = [column.width / 12700 - 8.0 for column in columns]  # the gutter of a cell
    for head, width in zip(heads, room, strict=True):
        assert points(head, "STIXGeneralBol") <= width, head
    assert points("Lumbar spine", "STIXGeneral") + 8.5 <= room[0]


def test_cells_of_one_form_stand_below_each_other_in_a_mixed_column():
    cells = decimal_cells(["63.0 ± 8.7", "9", "117 (5.1)", "1,020 (50.0)", "1.023 ± 0.186"])
    assert cells[0] == "63.0 ± 8.7", "alone of its variable"
    assert cells[2].index("(") == cells[3].index("(")
    assert cells[1] == "9"


def test_no_english_stands_below_a_chinese_table():
    from osteo_epi.cohort import simulate
    from osteo_epi.diagnosis import definition
    from osteo_epi.population import prevalence

    who = definition("china_2020", reference="zhang_2007", sex_rule="female")
    people = simulate(3000, seed=1)
    people = people.with_frame(people.frame.with_columns(survey_weight=pl.lit(2.0)))
    result = prevalence(people, who, by="sex", standard="china_2010")
    with speaking("zh"):
        table = prevalence_table(result, rule=None)
    names = {"China", "Zhang", "T", "L1", "L4", "DXA", "QCT", "CTXA", "survey_weight", "vBMD", "mg",
             "cm", "Z", "NHANES", "Genant", *"abc"}  # fmt: skip
    words = set(re.findall(r"[A-Za-z]\w*", " ".join((*table.notes, *table.columns)), re.ASCII))
    assert not words - names


def test_a_section_that_is_called_as_a_column_stands_beside_it():
    table = JournalTable("", ("分组", "n"), (("a", "1"),), ("女性",), (), pl.DataFrame())
    with speaking("zh"):
        assert table.to_text().rows() == [("女性", "a", "1")]


def test_latex_keeps_a_group_and_its_n_and_a_mean_and_its_sd_together():
    """Compiled as wide as in Word the SD stood in a line of its own under its mean."""
    text = table_one(oe.datasets.survey(), by="sex").to_latex()
    assert "Women (n~=~" in text
    shares = [float(share) for share in re.findall(r"dimexpr ([\d.]+)", text)]
    assert sum(shares) <= 1.01
    # Eight digits, two points, two spaces and the sign in cmr8, and the gaps, on a line of 455 pt.
    assert "1.052 \\ensuremath{\\pm} 0.136" in text
    assert shares[1] * 455 >= 8 * 4.25 + 2 * 2.36 + 2 * 2.83 + 6.61 + 2 * 4
