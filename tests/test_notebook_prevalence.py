"""The notebook on prevalence runs from its first cell to its last, and its page loads nothing."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from osteo_epi import report

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "prevalence.ipynb"
CYCLES = ("2005-2006", "2007-2008", "2009-2010", "2017-2018")


def executed(**parameters: Any) -> Any:
    """The notebook after a run with these parameters."""
    notebook = nbformat.read(str(NOTEBOOK), as_version=4)
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    cell.source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    with warnings.catch_warnings():
        # The kernel's own remarks on sockets and event loops are not ours.
        warnings.simplefilter("ignore")
        return NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


def html_of(notebook: Any) -> str:
    """The page, by the report's own template."""
    templates = str(Path(report.__file__).parent / "template")
    exporter = HTMLExporter(template_name="osteo_epi", extra_template_basedirs=[templates])
    return exporter.from_notebook_node(notebook, resources={"osteo_epi": {"title": "x"}})[0]


def shown(notebook: Any) -> str:
    """Everything that the cells show, as HTML or text."""
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type in ("error", "stream")]
    parts = [o.data.get("text/html", o.data.get("text/plain", "")) for o in outputs]
    return "\n".join(parts)


@pytest.fixture(scope="module")
def simulated() -> Any:
    return executed(nhanes=None, n_simulated=6_000)


@pytest.fixture(scope="module")
def nhanes(shared: Path) -> Any:
    folder = shared / "data" / "nhanes"
    if not all((folder / cycle).is_dir() for cycle in CYCLES):
        pytest.skip("not all cycles of NHANES are in the shared folder")
    return executed(nhanes=str(folder), n_simulated=0)


def test_it_holds_prose_and_calls_only() -> None:
    notebook = nbformat.read(str(NOTEBOOK), as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
            assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda}


def test_simulated_people_are_labelled_in_every_figure_and_result(simulated: Any) -> None:
    text = shown(simulated)
    assert text.count("<figure") == 5
    assert text.count("Label: SIMULATED") == 4
    assert "verdict" in text


def test_the_page_loads_nothing(simulated: Any) -> None:
    html = html_of(simulated)
    assert "Content-Security-Policy" in html
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert "/tmp/" not in html
    assert len(html) < 3_000_000


def test_on_nhanes_everybody_is_counted(nhanes: Any) -> None:
    text = shown(nhanes)
    assert "SIMULATED" not in text
    # The n of the four cycles is the sum of the golden n by cycle: 7,993 people with both sites.
    assert "7,993" in text
    assert "5,535 of 10,892 people are classifiable under all definitions" in text
    assert "classifies nobody" not in text
