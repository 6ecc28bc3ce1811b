"""Classes partition the real line, and a value on a cut-off is where the clinician puts it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteo_epi import norms
from osteo_epi.errors import NormError
from osteo_epi.norms import T_TOLERANCE, VBMD_TOLERANCE, Bands, Interval

WHO = norms.load("criteria", "who_1994").t_score
ANY = st.floats(allow_nan=False, allow_infinity=False, width=64)


def _every_bands():
    for criterion in norms.available("criteria"):
        for part in ("t_score", "z_score", "vbmd_lumbar_spine"):
            if getattr(criterion, part) is not None:
                yield f"{criterion.id}.{part}", getattr(criterion, part)
    for index in norms.available("indices"):
        for group, bands in index.bands.items():
            yield f"{index.id}.{group}", bands


EVERY = dict(_every_bands())


@st.composite
def partitions(draw):
    """Sorted cuts, each owned by the class below or above, classes given in any order."""
    cuts = sorted(draw(st.sets(st.integers(-50, 50), min_size=1, max_size=5)))
    below = [draw(st.booleans()) for _ in cuts]
    edges = [-math.inf, *cuts, math.inf]
    opening = ["(", *("(" if owns else "[" for owns in below)]
    closing = [*("]" if owns else ")" for owns in below), ")"]
    table = {
        f"c{i}": f"{opening[i]}{low}, {high}{closing[i]}"
        for i, (low, high) in enumerate(pairwise(edges))
    }
    return dict(draw(st.permutations(list(table.items())))), cuts


def _holds(interval: Interval, value: float) -> bool:
    above = value >= interval.lower if interval.closed_lower else value > interval.lower
    return above and (value <= interval.upper if interval.closed_upper else value < interval.upper)


@given(partitions(), st.lists(st.one_of(ANY, st.integers(-51, 51).map(float)), max_size=20))
def test_every_value_lies_in_exactly_one_class(partition, values):
    bands = Bands.parse(partition[0], tolerance=0.0)
    for value, name in zip(values, bands.classify(values), strict=True):
        assert [n for n in bands if _holds(bands[n], value)] == [name]


@given(partitions(), st.data())
def test_a_gap_or_an_overlap_is_refused(partition, data):
    table, cuts = partition
    cut = data.draw(st.sampled_from(cuts))
    name = next(n for n, text in table.items() if Interval.parse(text).lower == cut)
    interval = Interval.parse(table[name])
    flipped = "(" if interval.closed_lower else "["
    broken = {**table, name: flipped + str(interval)[1:]}
    with pytest.raises(NormError, match=r"belongs (both|neither)|is empty"):
        Bands.parse(broken)


@given(st.lists(st.one_of(st.none(), st.floats(allow_infinity=True)), max_size=30))
def test_expression_and_array_agree(values):
    frame = pl.DataFrame({"t": values}, schema={"t": pl.Float64})
    for bands in (WHO, EVERY["china_2020.vbmd_lumbar_spine"]):
        by_expression = frame.select(bands.expression("t")).to_series().to_list()
        arrays = bands.classify([np.nan if v is None else v for v in values])
        assert by_expression == list(arrays)
        for name in bands:
            holds = frame.select(bands.holds(name, "t")).to_series().to_list()
            assert holds == [None if c is None else c == name for c in by_expression]


@given(ANY, ANY)
def test_the_class_falls_as_the_value_falls(one, other):
    low, high = sorted((one, other))
    order = [WHO.classes.index(name) for name in WHO.classify([low, high])]
    assert order == sorted(order)


@pytest.mark.parametrize("name", EVERY)
def test_shipped_bands_at_every_cut(name):
    bands = EVERY[name]
    for lower, upper in pairwise(bands.names):
        cut = bands[lower].upper
        owner = lower if bands[lower].closed_upper else upper
        tiny = bands.tolerance / 2
        assert set(bands.classify([cut - tiny, cut, cut + tiny])) == {owner}
        clear = 20 * bands.tolerance
        assert list(bands.classify([cut - clear, cut + clear])) == [lower, upper]


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
def test_the_reading_that_stands_on_the_cut_off(dtype):
    assert (0.558 - 0.858) / 0.120 > -2.5  # binary arithmetic misses it
    frame = pl.DataFrame({"b": [0.558, 0.559, 0.738, 0.737]}, schema={"b": dtype})
    t = (pl.col("b").cast(pl.Float64) - 0.858) / 0.120
    assert frame.select(WHO.expression(t)).to_series().to_list() == [
        "osteoporosis",
        "low_bone_mass",
        "normal",
        "low_bone_mass",
    ]
    in_dtype = (pl.col("b") - 0.858) / 0.120
    assert frame.select(WHO.holds("osteoporosis", in_dtype)).to_series().to_list()[:2] == [1, 0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sd", [0.100, 0.110, 0.120, 0.137])
def test_every_reading_of_three_decimals_against_exact_arithmetic(dtype, sd):
    """T ≤ −2.5 decided in whole mg/cm², where nothing is rounded."""
    mean_mg, sd_mg = 858, round(sd * 1000)
    readings = np.arange(300, 1400)
    t = ((readings / 1000).astype(dtype).astype(np.float64) - mean_mg / 1000) / sd
    exact = 2 * (readings - mean_mg) <= -5 * sd_mg
    assert np.array_equal(WHO.classify(t) == "osteoporosis", exact)
    low = (readings - mean_mg) >= -sd_mg
    assert np.array_equal(WHO.classify(t) == "normal", low)


def test_mean_of_two_vertebrae_on_a_qct_cut_off():
    bands = EVERY["china_2020.vbmd_lumbar_spine"]
    assert bands.tolerance == VBMD_TOLERANCE
    tenths = np.arange(700, 901)
    first, second = np.meshgrid(tenths, tenths)
    pair = (np.float32(first / 10) + np.float32(second / 10)) / np.float32(2)
    assert np.array_equal(bands.classify(pair) == "osteoporosis", first + second < 1600)


def test_missing_stays_missing():
    frame = pl.DataFrame({"t": [None, math.nan, -3.0]})
    assert frame.select(WHO.expression("t")).to_series().to_list() == [None, None, "osteoporosis"]
    assert list(WHO.classify([math.nan])) == [None]
    single = Bands.parse({"any": "(-inf, inf)"})
    assert frame.select(single.expression("t")).to_series().to_list() == [None, None, "any"]


def test_a_wider_enum_keeps_the_classes():
    wide = pl.Enum(["osteoporosis", "low_bone_mass", "normal", "not_classifiable"])
    out = pl.DataFrame({"t": [-3.0]}).select(t=WHO.expression("t", dtype=wide))
    assert out.schema["t"] == wide
    assert WHO.dtype == pl.Enum(["osteoporosis", "low_bone_mass", "normal"])


def test_the_tolerance_can_be_taken_away():
    t = (0.558 - 0.858) / 0.120
    assert list(WHO.classify([t], tolerance=0.0)) == ["low_bone_mass"]
    assert WHO.tolerance == T_TOLERANCE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-2.5, -1", "is not an interval"),
        ("(a, 1)", "its ends must be numbers"),
        ("(nan, 1)", "its ends must be numbers"),
        ("[-inf, 1)", "infinity belongs to no interval"),
        ("(2, 1)", "is empty"),
        ("(1, 1]", "is empty"),
    ],
)
def test_what_is_no_interval(text, message):
    with pytest.raises(NormError, match=message):
        Interval.parse(text)


def test_mathematical_signs_are_read():
    assert Interval.parse("(−∞, −2.5]") == Interval.parse("(-inf, -2.5]")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "there is no class"),
        ({"a": "[0, inf)"}, "nothing covers the values below 0"),
        ({"a": "(-inf, 0]"}, "nothing covers the values above 0"),
        ({"a": "(-inf, 0)", "b": "(0, inf)"}, "0 belongs neither to a"),
        ({"a": "(-inf, 0]", "b": "[0, inf)"}, "0 belongs both to a"),
        ({"a": "(-inf, 1)", "b": "[0, inf)"}, "overlaps"),
        ({"a": "(-inf, 0)", "b": "[1, inf)"}, r"nothing covers \(0, 1\)"),
    ],
)
def test_what_is_no_partition(table, message):
    with pytest.raises(NormError, match=message):
        Bands.parse(table)
