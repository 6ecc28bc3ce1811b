"""A frame in memory goes through the door of files: impossible values, repeats, units, spine."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.errors import SchemaError
from osteo_epi.reference import Constant, Polynomial, fit_curve, fit_reference, peaks, select

TERMS = {"mu": Polynomial(1), "sigma": Constant(), "nu": Constant()}


@pytest.fixture(scope="module")
def women():
    rng = np.random.default_rng(3)
    age = rng.uniform(20, 80, 400)
    return pl.DataFrame(
        {
            "person_id": [f"p{row}" for row in range(400)], "age": age, "sex": ["female"] * 400,
            "abmd_total_hip": 1.1 - 0.004 * age + rng.normal(0, 0.1, 400),
            "device": ["hologic_1"] * 400,
        }
    )  # fmt: skip


def first_rows(frame, column, values):
    return frame.with_columns(frame[column].scatter(range(len(values)), values))


def fitted(people, **more):
    return fit_reference(people, rois=["total_hip"], **TERMS, **more)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("abmd_total_hip", [0.0, -0.5, np.inf, 12.0, 2.9], "to 2.2 g/cm2: 5 of 400"),
        ("age", [-5.0, 120.0, 999.0], "outside 0 to 115 years: 3 of 400"),
    ],
)
def test_impossible_values_are_set_aside_and_said(women, column, values, words):
    reference = fitted(first_rows(women, column, values))
    assert reference.n == 400 - len(values)
    assert reference.findings.of("out_of_range", column)[0].n == len(values)
    assert words in " ".join(reference.notes)
    curve = reference.curves["female", "total_hip"]
    assert curve.ages[0] >= 20
    assert curve.ages[1] <= 80
    assert curve.n == 400 - len(values)


@pytest.mark.parametrize("value", [np.inf, 12.0])
def test_a_curve_by_itself_refuses_what_no_person_has(women, value):
    with pytest.raises(SchemaError, match=r"abmd_total_hip is outside .* in 1 row"):
        fit_curve(first_rows(women, "abmd_total_hip", [value]), "abmd_total_hip", **TERMS)
    own = women.with_columns(own=women["abmd_total_hip"].scatter(0, np.inf))
    with pytest.raises(SchemaError, match=r"own is infinite in 1 row"):
        fit_curve(own, "own", **TERMS)
    with pytest.raises(SchemaError, match=r"age is outside 0 to 115 years in 1 row"):
        fit_curve(first_rows(women, "age", [999.0]), "abmd_total_hip", **TERMS)


def test_a_person_counts_once(women):
    again = pl.concat([women, women[:7]])
    rule = {"name": "age", "column": "age", "outside": "[20, 90)", "missing": "keep"}
    for question in (
        lambda: fitted(again),
        lambda: select(again, [rule]),
        lambda: peaks(again, roi="total_hip"),
    ):
        with pytest.raises(SchemaError, match=r"repeated_person .*: 14.*accept_errors=True.*read"):
            question()
    assert fitted(again, accept_errors=True).n == 407


def test_another_unit_is_said(women):
    milli = women.with_columns(pl.col("abmd_total_hip") * 1000)
    with pytest.raises(SchemaError, match="implausible in g/cm2, and plausible in mg/cm2: 400"):
        fitted(milli)
    with pytest.raises(SchemaError, match="abmd_total_hip: 400 values are implausible"):
        fitted(milli, accept_errors=True)


def test_one_vertebra_is_said(women):
    spine = women.rename({"abmd_total_hip": "abmd_l1"})
    with pytest.raises(SchemaError, match=r"at_least_two.*\(--spine-rule\).*l1"):
        fit_reference(spine, rois=["lumbar_spine"], **TERMS)


def test_rows_without_a_scanner_are_no_rows_of_one_scanner(women):
    half = women.with_columns(device=pl.when(pl.int_range(400) < 150).then("device"))
    reference = fitted(half)
    finding = reference.findings.of("device_not_stated")[0]
    assert (finding.n, finding.column) == (250, "device")
    assert not reference.findings.of("one_device")
    assert "For 250 of 400 people with densities the scanner is not stated." in reference.notes
    rule = {"name": "scanner", "column": "device", "only": ["hologic_1"], "missing": "exclude"}
    assert select(half, [rule]).findings.codes == ("one_device",)
