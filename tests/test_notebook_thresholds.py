"""The notebook of thresholds, run anew with fewer replicates."""

from __future__ import annotations

from typing import Any

import pytest
from notebook_runs import code, executed, failures, output_of, pictures, shown, stored

STEPS = (
    *("accuracy.stard_flow", "accuracy.accuracy", "accuracy.roc", "accuracy.cut_points"),
    *("accuracy.threshold", "accuracy.transport", "risk.cumulative_incidence"),
    *("risk.hazard_ratios", "risk.compare_gradients", "risk.fit_risk_model"),
    *("risk.validate_risk_model", "risk.decision_curve", "risk.compare_screening"),
    *("accuracy.accuracy_sample_size", "risk.hazard_ratio_sample_size"),
)


@pytest.fixture(scope="module")
def anew(tmp_path_factory) -> Any:
    return executed("thresholds", tmp_path_factory.mktemp("thresholds"), replicates=20)


def test_it_goes_every_step_of_the_argument():
    source = "\n".join(cell.source for cell in code(stored("thresholds")))
    assert [step for step in STEPS if f"oe.{step}(" not in source] == []


def test_one_cell_takes_a_file():
    (cell,) = [c for c in stored("thresholds").cells if "parameters" in c.metadata.get("tags", ())]
    assert cell.source.startswith("file = None")


def test_every_output_of_people_says_that_they_are_simulated():
    for cell in code(stored("thresholds")):
        if "people" in cell.source and shown(cell) and "print(consensus)" not in cell.source:
            picture = "<figure" in shown(cell)
            assert ("=note)" if picture else "SIMULATED") in cell.source + shown(cell)


@pytest.mark.parametrize("which", ["stored", "run anew"])
def test_nothing_fails_and_the_other_cut_off_finds_fewer(which, request):
    book = stored("thresholds") if which == "stored" else request.getfixturevalue("anew")
    assert failures(book) == []
    assert len(pictures(book)) >= 6
    moved = output_of(book, "oe.accuracy.transport(")
    assert "0.211" in moved
    assert "0.063" in moved
