"""The notebook of a reference database: stored with its outputs, and run anew with fewer people."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "reference.ipynb"
STEPS = (
    "select",
    "sensitivity",
    "balance",
    "peaks",
    "fit_curve",
    "bands",
    "diagnose",
    "fit_reference",
    "compare",
    "sample_size",
    "publish",
)


@pytest.fixture(scope="module")
def stored() -> Any:
    return nbformat.read(str(NOTEBOOK), as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> Any:
    book = nbformat.read(str(NOTEBOOK), as_version=4)
    cell = next(c for c in book.cells if "parameters" in c.metadata.get("tags", ()))
    cell.source += "\nn, replicates = 4_000, 40"
    place = {"metadata": {"path": str(tmp_path_factory.mktemp("reference"))}}
    with warnings.catch_warnings():
        # The kernel client's own, about event loops and sockets.
        warnings.simplefilter("ignore")
        return NotebookClient(book, timeout=300, kernel_name="python3", resources=place).execute()


def code(book: Any) -> list[Any]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def shown(cell: Any) -> str:
    """All that a cell shows."""
    texts = [o.get("text", "") for o in cell.outputs]
    data = [o.data for o in cell.outputs if "data" in o]
    return "\n".join([*texts, *(d.get("text/html", d.get("text/plain", "")) for d in data)])


def test_prose_and_calls_only(stored):
    nbformat.validate(stored)
    for cell in code(stored):
        tree = ast.parse(cell.source)
        kinds = {type(node) for node in ast.walk(tree)}
        assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda}
        for node in ast.walk(tree):
            named = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            assert all(name in ("osteo_epi", "polars", "math") for name in named)
    source = "\n".join(cell.source for cell in code(stored))
    for step in STEPS:
        assert f"oe.reference.{step}(" in source


def test_it_says_first_of_all_that_people_are_simulated(stored):
    assert "SIMULATED" in stored.cells[0].source
    assert "SIMULATED people" in shown(code(stored)[1])


def test_it_is_stored_with_outputs_and_without_a_place_on_a_machine(stored):
    assert all(c.outputs for c in code(stored) if not quiet(c))
    assert [c.execution_count for c in code(stored)] == list(range(1, len(code(stored)) + 1))
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert "/tmp/" not in text
    assert "/home/" not in text
    assert len(text) < 3_000_000


def quiet(cell: Any) -> bool:
    """Whether a cell ends in an assignment or an import, so that it shows nothing."""
    last = ast.parse(cell.source).body[-1]
    return isinstance(last, ast.Assign | ast.Import | ast.ImportFrom)


@pytest.mark.parametrize("book", ["stored", "executed"])
def test_figures_are_pictures_that_say_what_they_show(book, request):
    pictures = [s for c in code(request.getfixturevalue(book)) if "<figure" in (s := shown(c))]
    assert len(pictures) >= 4
    assert all("data:image/svg+xml" in p and "figcaption" in p for p in pictures)


@pytest.mark.parametrize("book", ["stored", "executed"])
def test_nothing_fails_and_the_published_norm_scores_the_same(book, request):
    cells = code(request.getfixturevalue(book))
    outputs = [o for cell in cells for o in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    (same,) = [shown(c) for c in cells if "scored.equals(loaded)" in c.source]
    assert same.strip() == "True"
