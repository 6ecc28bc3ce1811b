"""The notebook of thresholds: stored with its outputs, and run anew with fewer replicates."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "thresholds.ipynb"
STEPS = (
    *("accuracy.stard_flow", "accuracy.accuracy", "accuracy.roc", "accuracy.cut_points"),
    *("accuracy.threshold", "accuracy.transport", "risk.cumulative_incidence"),
    *("risk.hazard_ratios", "risk.compare_gradients", "risk.fit_risk_model"),
    *("risk.validate_risk_model", "risk.decision_curve", "risk.compare_screening"),
    *("accuracy.accuracy_sample_size", "risk.hazard_ratio_sample_size"),
)


@pytest.fixture(scope="module")
def stored() -> Any:
    return nbformat.read(str(NOTEBOOK), as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> Any:
    book = nbformat.read(str(NOTEBOOK), as_version=4)
    cell = next(c for c in book.cells if "parameters" in c.metadata.get("tags", ()))
    cell.source += "\nreplicates = 50"
    place = {"metadata": {"path": str(tmp_path_factory.mktemp("thresholds"))}}
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
            assert all(name in ("osteo_epi", "polars") for name in named)
    source = "\n".join(cell.source for cell in code(stored))
    for step in STEPS:
        assert f"oe.{step}(" in source


def test_one_cell_takes_a_file(stored):
    (cell,) = [c for c in stored.cells if "parameters" in c.metadata.get("tags", ())]
    assert cell.source.startswith("file = None")


def test_every_output_of_people_says_that_they_are_simulated(stored):
    assert "SIMULATED" in stored.cells[0].source
    for cell in code(stored):
        if "people" in cell.source and shown(cell) and "print(consensus)" not in cell.source:
            picture = "<figure" in shown(cell)
            assert ("=note)" if picture else "SIMULATED") in cell.source + shown(cell)


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
    assert len(pictures) >= 6
    assert all("data:image/svg+xml" in p and "figcaption" in p for p in pictures)


@pytest.mark.parametrize("book", ["stored", "executed"])
def test_nothing_fails_and_the_other_cut_off_finds_fewer(book, request):
    cells = code(request.getfixturevalue(book))
    outputs = [o for cell in cells for o in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    (moved,) = [shown(c) for c in cells if "oe.accuracy.transport(" in c.source]
    assert "0.211" in moved
    assert "0.063" in moved
