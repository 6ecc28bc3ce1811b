"""The notebook of a calibration, run anew with fewer people and draws."""

from __future__ import annotations

import pytest
from notebook_runs import executed, failures, output_of, pictures, stored


@pytest.fixture(scope="module")
def book(shared, tmp_path_factory):
    """The real phantom readings are read from where they are."""
    real = str(shared / "data/phantom")
    place = tmp_path_factory.mktemp("calibration")
    return executed("calibration", place, n=2500, replicates=20, phantom_folder=real)


def test_nothing_fails_and_every_figure_is_drawn(book):
    assert failures(book) == []
    assert len(pictures(book)) == 3


def test_the_difference_between_centres_disappears(book):
    p = [
        float(
            output_of(book, f"{name} = oe.calibration.between_devices")
            .split("p = ")[1]
            .split(".</p>")[0]
        )
        for name in ("before", "after")
    ]
    assert p[0] < 1e-6
    assert p[1] > 0.01


def test_it_carries_the_uncertainty_and_refuses_with_words(book):
    assert "se_calibration" in output_of(book, "carried = ")
    refusals = output_of(book, "scans_of_six")
    for message in ("without phantom scans", "corrected before", "order of their nominal values"):
        assert message in refusals
    assert "not for one patient" in output_of(book, "published_equations(")


def test_hip_by_qct_is_judged_by_more_than_its_r_squared(book):
    told = output_of(book, "dxa_qct_equivalence(both")
    assert "SIMULATED" in told
    assert "does not show that they read alike" in told


def test_each_section_says_what_is_simulated_and_what_is_real():
    titles = {
        cell.source.splitlines()[0]: cell.source
        for cell in stored("calibration").cells
        if cell.source.startswith("## ")
    }
    assert "sections 1 to 7 are SIMULATED" in stored("calibration").cells[0].source
    real = [title for title, text in titles.items() if "not simulated" in text]
    assert real == ["## 8. Real phantom readings"]


@pytest.mark.parametrize("which", ["stored", "run anew"])
def test_real_scanners_are_there(which, request):
    book = stored("calibration") if which == "stored" else request.getfixturevalue("book")
    assert "readings of device Montreal XCT2" in output_of(
        book, "between = oe.calibration.phantom_lines"
    )
    assert "readings stand nearer to another" in output_of(book, "print(refusal)")
    assert "Odense XCT1: correct, from 2019-05-02" in output_of(book, "decide(")
