"""The notebook on prevalence runs from its first cell to its last, and its page loads nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from nbconvert import HTMLExporter
from notebook_runs import code, executed, failures, pictures, shown

from osteo_epi import report

CYCLES = ("2005-2006", "2007-2008", "2009-2010", "2017-2018")


def html_of(notebook: Any) -> str:
    """The page, by the report's own template."""
    templates = str(Path(report.__file__).parent / "template")
    exporter = HTMLExporter(template_name="osteo_epi", extra_template_basedirs=[templates])
    return exporter.from_notebook_node(notebook, resources={"osteo_epi": {"title": "x"}})[0]


def all_shown(notebook: Any) -> str:
    return "\n".join(shown(cell) for cell in code(notebook))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Any:
    return executed("prevalence", tmp_path_factory.mktemp("prevalence"), n_simulated=6_000)


@pytest.fixture(scope="module")
def nhanes(shared: Path, tmp_path_factory) -> Any:
    folder = shared / "data" / "nhanes"
    if not all((folder / cycle).is_dir() for cycle in CYCLES):
        pytest.skip("not all cycles of NHANES are in the shared folder")
    return executed("prevalence", tmp_path_factory.mktemp("nhanes"), nhanes=str(folder))


def test_simulated_people_are_labelled_in_every_figure_and_result(simulated: Any) -> None:
    text = all_shown(simulated)
    assert failures(simulated) == []
    assert len(pictures(simulated)) == 5
    assert text.count("Label: SIMULATED") == 4


def test_the_page_loads_nothing(simulated: Any) -> None:
    html = html_of(simulated)
    assert "Content-Security-Policy" in html
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert "/tmp/" not in html
    assert len(html) < 3_000_000


def test_on_nhanes_everybody_is_counted(nhanes: Any) -> None:
    text = all_shown(nhanes)
    assert failures(nhanes) == []
    assert "SIMULATED" not in text
    # The n of the four cycles is the sum of the golden n by cycle: 7,993 people with both sites.
    assert "7,993" in text
    assert "5,535 of 10,892 people are classifiable under all definitions" in text
    assert "classifies nobody" not in text
