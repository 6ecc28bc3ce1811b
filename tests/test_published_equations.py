"""Published equations: worked by hand, and refused where they do not hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from osteo_epi import norms
from osteo_epi.calibration import convert, published_equations, with_converted, with_sbmd
from osteo_epi.cohort import Cohort
from osteo_epi.errors import NormError, OsteoEpiWarning, OutOfRangeWarning, SchemaError

SPINE = {"hologic": (1.0550, 0.972), "lunar": (0.9683, 1.100), "norland": (0.9743, 0.969)}
HIP = {
    ("hologic", "femoral_neck"): (0.019, 1.087),
    ("hologic", "trochanter"): (-0.017, 1.105),
    ("hologic", "total_hip"): (0.006, 1.008),
    ("lunar", "femoral_neck"): (-0.023, 0.939),
    ("lunar", "trochanter"): (-0.042, 0.949),
    ("lunar", "total_hip"): (-0.031, 0.979),
    ("norland", "femoral_neck"): (0.006, 0.985),
    ("norland", "trochanter"): (0.057, 0.961),
    ("norland", "total_hip"): (0.026, 1.012),
}


@pytest.mark.parametrize("maker", SPINE)
def test_spine_as_printed(maker):
    factor, centre = SPINE[maker]
    found = convert([0.8, centre], equations="sbmd_hui_1997", source=maker, roi="lumbar_spine")
    assert found == pytest.approx([1000 * (factor * (0.8 - centre) + 1.0436), 1043.6], abs=1e-9)


@pytest.mark.parametrize(("maker", "roi"), HIP)
def test_hip_as_printed(maker, roi):
    intercept, slope = HIP[maker, roi]
    found = convert([0.85], equations="sbmd_hui_1997", source=maker, roi=roi)
    assert found == pytest.approx([1000 * (intercept + slope * 0.85)], abs=1e-9)


def test_factors_of_1994_meet_the_lines_within_the_error_of_one_person():
    readings = np.linspace(0.8, 1.2, 5)
    for maker in SPINE:
        where = {"source": maker, "roi": "lumbar_spine"}
        old = convert(readings, equations="sbmd_genant_1994_factors", **where)
        new = convert(readings, equations="sbmd_hui_1997", **where)
        assert np.abs(old / new - 1).max() < 0.04
    assert norms.load("calibration", "sbmd_genant_1994_factors").verification == "C"


def test_genant_spine_and_not_the_other_way():
    found = convert([1.0], equations="genant_1994", source="lunar", roi="lumbar_spine")
    assert found == pytest.approx([0.881])
    with pytest.raises(NormError, match="no equation for hologic lumbar_spine; it has lunar"):
        convert([1.0], equations="genant_1994", source="hologic", roi="lumbar_spine")


def test_an_equation_holds_for_its_own_region():
    with pytest.raises(NormError, match="no equation for lunar radius_33"):
        convert([0.8], equations="sbmd_hui_1997", source="lunar", roi="radius_33")
    people = pl.DataFrame({"device_maker": ["lunar"], "abmd_radius_33": [0.8]})
    with pytest.raises(NormError, match=r"radius_33; .* an equation holds for its own region"):
        with_sbmd(people, rois="radius_33")


@pytest.mark.parametrize(
    ("outside", "expected"), [("null", [np.nan, 87.9, np.nan]), ("keep", [75.3, 87.9, 239.1])]
)
def test_outside_the_range_is_counted(outside, expected):
    how = {"equations": "phantom_k2hpo4_caco3", "source": "k2hpo4", "roi": "lumbar_spine"}
    with pytest.warns(OutOfRangeWarning, match=r"2 readings at lumbar_spine lie outside \[60, 172"):
        found = convert([50.0, 60.0, 180.0], outside=outside, **how)
    assert found == pytest.approx(expected, nan_ok=True)
    with pytest.raises(SchemaError, match="2 readings"):
        convert([50.0, 60.0, 180.0], outside="fail", **how)


def test_a_float32_on_the_end_of_the_range_is_within():
    ends = np.array([60, 172], dtype=np.float32) * np.float32(1 + 6e-8)
    converted = convert(ends, equations="phantom_k2hpo4_caco3", source="k2hpo4", roi="lumbar_spine")
    assert not np.isnan(converted).any()


def test_people_outside_the_range_become_null():
    people = pl.DataFrame({"vbmd_lumbar_spine": [50.0, 172.0, None]})
    with pytest.warns(OutOfRangeWarning, match="1 readings"):
        made = with_converted(people, equations="phantom_k2hpo4_caco3", source="k2hpo4")
    assert made["vbmd_lumbar_spine_caco3"].to_list() == [None, pytest.approx(229.02), None]
    assert made["vbmd_lumbar_spine_caco3_error"].to_list() == [None] * 3, "no SEE was printed"


def test_people_of_several_makers_and_the_error_for_one_person():
    people = pl.DataFrame(
        {
            "device_maker": ["hologic", "lunar", "norland"],
            "abmd_total_hip": [0.8, 0.9, None],
            "abmd_total_hip_ctxa": [0.7, 0.7, 0.7],
        }
    )
    made = with_sbmd(people)
    assert made["sbmd_total_hip"].to_list() == [
        pytest.approx(812.4),
        pytest.approx(850.1),
        None,
    ]
    error = made["sbmd_total_hip_error"].to_list()
    assert error == [pytest.approx(0.035 * 812.4), pytest.approx(0.035 * 850.1), None]
    assert not any("ctxa" in name for name in made.columns if name.startswith("sbmd"))


def test_a_maker_without_equation_and_one_not_stated():
    people = pl.DataFrame({"device_maker": ["ge", "lunar"], "abmd_total_hip": [0.8, 0.9]})
    with pytest.raises(SchemaError, match="1 person was measured by ge, for which there is no"):
        with_sbmd(people)
    unstated = people.with_columns(device_maker=pl.Series([None, "lunar"]))
    with pytest.warns(OsteoEpiWarning, match="1 people with abmd_total_hip have no maker"):
        made = with_sbmd(unstated)
    assert made["sbmd_total_hip"].null_count() == 1


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ({"abmd_total_hip": [0.8]}, "'device_maker' is not in the data"),
        ({"device_maker": ["lunar"]}, "needs the column"),
        ({"device_maker": ["lunar"], "abmd_total_hip": [850.0]}, "are these mg/cm2"),
    ],
)
def test_bad_input(people, message):
    with pytest.raises(SchemaError, match=message):
        with_sbmd(pl.DataFrame(people))
    with pytest.raises(SchemaError, match="choose one of"):
        with_sbmd(pl.DataFrame({}), outside="ignore")


def test_the_callers_kind_comes_back():
    people = pl.DataFrame({"device_maker": ["lunar"], "abmd_total_hip": [0.9]})
    assert with_sbmd(people.lazy()).collect()["sbmd_total_hip"].item() == pytest.approx(850.1)
    assert isinstance(with_sbmd(people.to_pandas()), pd.DataFrame)


def test_it_is_said_what_they_are_for():
    people = pl.DataFrame({"device_maker": ["lunar"], "abmd_total_hip": [0.9]})
    finding = list(with_sbmd(Cohort.from_frame(people)).findings)[-1]
    assert "for pooling groups, not for one patient" in finding.message
    assert "3.5 %" in finding.message
    shown = published_equations("sbmd_hui_1997")
    assert shown.to_frame().height == 12
    assert "not for one patient" in str(shown)
    assert "not for one patient" in shown._repr_html_()
