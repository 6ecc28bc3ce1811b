"""The calibration notebook runs, says what is simulated, and shows what it claims."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "calibration.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(str(NOTEBOOK), as_version=4)


@pytest.fixture(scope="module")
def executed(notebook, shared, tmp_path_factory):
    """With fewer people and draws; the real phantom readings from where they are."""
    book = nbformat.from_dict(notebook)
    cell = next(c for c in book.cells if "parameters" in c.metadata.get("tags", ()))
    cell.source += f"\nn, replicates, phantom_folder = 2500, 20, {str(shared / 'data/phantom')!r}"
    home = tmp_path_factory.mktemp("calibration")
    with warnings.catch_warnings():
        # The kernel client's own, about event loops and sockets.
        warnings.simplefilter("ignore")
        client = NotebookClient(
            book, timeout=550, kernel_name="python3", resources={"metadata": {"path": str(home)}}
        )
        return client.execute()


def shown(cell) -> str:
    """All text that a cell shows."""
    texts = [o.get("text", "") for o in cell.outputs]
    data = [o.data for o in cell.outputs if "data" in o]
    return "\n".join([*texts, *(d.get("text/html", d.get("text/plain", "")) for d in data)])


def output_of(book, word: str) -> str:
    """What the last cell that holds a word shows."""
    return shown([c for c in book.cells if c.cell_type == "code" and word in c.source][-1])


def test_prose_and_calls_only(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
            assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda}
            assert not cell.outputs, "committed without outputs"
            assert cell.execution_count is None


def test_it_says_first_of_all_that_people_are_simulated(notebook, executed):
    assert "SIMULATED" in notebook.cells[0].source
    assert "SIMULATED people" in output_of(executed, "simulate(n, seed=seed")


@pytest.mark.slow
def test_the_difference_between_centres_disappears(executed):
    p = [
        float(
            output_of(executed, f"{name} = oe.calibration.between_devices")
            .split("p = ")[1]
            .split(".</p>")[0]
        )
        for name in ("before", "after")
    ]
    assert p[0] < 1e-6
    assert p[1] > 0.01


@pytest.mark.slow
def test_it_carries_the_uncertainty_and_refuses_with_words(executed):
    assert "se_calibration" in output_of(executed, "carried = ")
    scans = output_of(executed, "of_three")
    assert "3 scans a device" in scans
    refusals = output_of(executed, "scans_of_six")
    for message in ("without phantom scans", "corrected before", "order of their nominal values"):
        assert message in refusals
    assert "not for one patient" in output_of(executed, "published_equations(")


@pytest.mark.slow
def test_hip_by_qct_is_judged_by_more_than_its_r_squared(executed):
    told = output_of(executed, "dxa_qct_equivalence(both")
    assert "SIMULATED" in told
    assert "does not show that they read alike" in told


@pytest.mark.slow
def test_real_scanners_are_there(executed):
    assert "readings of device Montreal XCT2" in output_of(
        executed, "between = oe.calibration.phantom_lines"
    )
    assert "readings stand nearer to another" in output_of(executed, "print(refusal)")
    assert "Odense XCT1: correct, from 2019-05-02" in output_of(executed, "decide(")


@pytest.mark.slow
def test_figures_are_pictures_that_say_what_they_show(executed):
    pictures = [
        shown(c) for c in executed.cells if c.cell_type == "code" and "Picture(" in c.source
    ]
    assert len(pictures) == 3
    assert all("data:image/svg+xml" in p and "figcaption" in p for p in pictures)
