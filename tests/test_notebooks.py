"""What holds for every notebook: prose and calls of one import, stored with what they show."""

from __future__ import annotations

import ast
from typing import Any

import nbformat
import pytest
from notebook_runs import NOTEBOOKS, code, failures, pictures, shown, stored

NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
FORMS = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.ImportFrom)


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_prose_and_calls_and_imports_the_toolkit_alone(name: str) -> None:
    book = stored(name)
    nbformat.validate(book)
    imported = []
    for cell in code(book):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, FORMS), cell.source
            imported += [ast.unparse(node)] if isinstance(node, ast.Import) else []
    assert imported == ["import osteo_epi as oe"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_stored_with_outputs_in_their_order(name: str) -> None:
    book = stored(name)
    cells = code(book)
    assert [c.source for c in cells if not c.outputs and not quiet(c)] == []
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert failures(book) == []


@pytest.mark.parametrize("name", NAMES)
def test_it_names_no_place_on_a_machine_and_is_small(name: str) -> None:
    text = (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8")
    assert [place for place in ("/tmp/", "/home/", "/root/", "/work/") if place in text] == []
    assert " at 0x" not in text  # two runs store the same
    assert len(text) < 3_000_000


@pytest.mark.parametrize("name", NAMES)
def test_its_first_cells_say_that_people_are_simulated(name: str) -> None:
    book = stored(name)
    assert "SIMULATED" in "".join(cell.source for cell in book.cells[:2])
    assert any("SIMULATED" in shown(cell) for cell in code(book)[:3])


@pytest.mark.parametrize("name", NAMES)
def test_its_figures_can_be_read_by_those_who_cannot_see_them(name: str) -> None:
    drawn = pictures(stored(name))
    assert len(drawn) >= 3
    for picture in drawn:
        assert "data:image/svg+xml" in picture
        assert 'alt=""' not in picture


def quiet(cell: Any) -> bool:
    """Whether a cell ends in an assignment or an import, so that it shows nothing."""
    last = ast.parse(cell.source).body[-1]
    return isinstance(last, ast.Assign | ast.Import)
