"""The notebook of a reference database, run anew with fewer people."""

from __future__ import annotations

from typing import Any

import pytest
from notebook_runs import code, executed, failures, output_of, pictures, stored

STEPS = (
    *("select", "sensitivity", "balance", "peaks", "fit_curve", "bands", "diagnose"),
    *("fit_reference", "compare", "sample_size", "publish"),
)


@pytest.fixture(scope="module")
def anew(tmp_path_factory) -> Any:
    return executed("reference", tmp_path_factory.mktemp("reference"), n=3_000, replicates=40)


def test_it_goes_every_step_of_a_reference():
    source = "\n".join(cell.source for cell in code(stored("reference")))
    assert [step for step in STEPS if f"oe.reference.{step}(" not in source] == []


@pytest.mark.parametrize("which", ["stored", "run anew"])
def test_nothing_fails_and_the_published_norm_scores_the_same(which, request):
    book = stored("reference") if which == "stored" else request.getfixturevalue("anew")
    assert failures(book) == []
    assert len(pictures(book)) >= 7
    assert output_of(book, "scored.equals(loaded)").strip() == "True"
