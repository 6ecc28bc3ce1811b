"""T- and Z-scores: by hand, against the array layer, and what is refused."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteo_epi import norms
from osteo_epi.errors import DefinitionError, NormError, OutOfRangeWarning, SchemaError
from osteo_epi.norms import (
    AgeCurve,
    AgeReference,
    Citation,
    CurveEntry,
    Interval,
    t_score,
    t_score_expr,
    with_t_scores,
    with_z_scores,
    z_lines_expr,
    z_score,
    z_score_expr,
)

NHANES3 = norms.load("young_adult", "nhanes3_white_female")
DERIVED = norms.load("by_age", "nhanes_2005_2008_nhw_derived")
SEX = pl.Enum(["female", "male"])


@pytest.fixture
def people():
    return pl.DataFrame(
        {
            "age": [40.0, 25.0, 77.5, 33.3, None, 60.0],
            "sex": ["female", "male", "female", "male", "female", None],
            "abmd_femoral_neck": [0.558, 0.858, 0.7, None, 0.8, 0.9],
            "abmd_lumbar_spine": [1.047, 0.772, 0.9, 1.0, 1.0, 1.0],
            "abmd_total_hip_ctxa": [0.942, 0.82, 0.7, 0.9, 0.9, 0.9],
            "abmd_radius_33": [0.6] * 6,
        }
    ).cast({"sex": SEX})


def test_t_scores_by_hand(people):
    scored = with_t_scores(people, reference=NHANES3, sex_rule="female")
    assert scored["t_score_femoral_neck"][0] == (0.558 - 0.858) / 0.120
    assert scored["t_score_lumbar_spine"].to_list()[:2] == pytest.approx([0.0, -2.5])
    assert scored["t_score_total_hip_ctxa"][:2].to_list() == pytest.approx([0.0, -1.0])
    assert scored["t_score_femoral_neck"].null_count() == 1
    assert scored.columns[: people.width] == people.columns


def test_region_or_sex_that_the_reference_lacks_is_null(people):
    scored = with_t_scores(people, reference=NHANES3, sex_rule="female")
    assert scored["t_score_radius_33"].null_count() == people.height
    own = with_t_scores(people, reference=NHANES3, sex_rule="own_sex")
    men_or_unknown = (own["sex"] != "female").fill_null(True)
    assert own.filter(men_or_unknown)["t_score_lumbar_spine"].null_count() == 3
    assert own["t_score_lumbar_spine"][0] == 0.0


def test_each_sex_has_its_own_reference_by_own_sex():
    people = pl.DataFrame({"sex": ["female", "male"], "abmd_femoral_neck": [0.858, 0.934]})
    scored = with_t_scores(people, reference="nhanes3_white")
    assert scored["t_score_femoral_neck"].to_list() == [0.0, 0.0]


def test_a_spine_made_by_a_rule_goes_before_the_given_total(people):
    ruled = people.with_columns(abmd_lumbar_spine_by_rule=pl.lit(0.937))
    scored = with_t_scores(ruled, reference=NHANES3, sex_rule="female")
    assert scored["t_score_lumbar_spine"].to_list() == pytest.approx([-1.0] * 6)
    assert "t_score_lumbar_spine_by_rule" not in scored.columns


@given(
    st.lists(st.integers(100, 2000), min_size=2, max_size=50),
    st.sampled_from([e.roi for e in NHANES3.entries]),
)
def test_t_falls_as_density_falls(thousandths, roi):
    density = sorted(x / 1000 for x in thousandths)
    frame = pl.DataFrame({f"abmd_{roi}": density})
    scores = with_t_scores(frame, reference=NHANES3, sex_rule="female")[f"t_score_{roi}"]
    value = NHANES3.mean_sd("female", roi)
    by_array = t_score(density, mean=value.mean, sd=value.sd)
    np.testing.assert_allclose(scores.to_numpy(), by_array, rtol=1e-15, atol=1e-15)
    assert np.array_equal(np.diff(scores.to_numpy()) > 0, np.diff(density) > 0)


def test_float32_readings_are_scored_in_float64():
    frame = pl.DataFrame({"abmd_femoral_neck": [0.558]}, schema={"abmd_femoral_neck": pl.Float32})
    scored = with_t_scores(frame, reference=NHANES3, sex_rule="female")
    assert scored.schema["t_score_femoral_neck"] == pl.Float64
    bands = norms.load("criteria", "who_1994").t_score
    assert scored.select(bands.expression("t_score_femoral_neck")).item() == "osteoporosis"


# ---- Z


def test_z_scores_by_hand(people):
    scored = with_z_scores(people.head(4), reference="nhanes_2005_2008_nhw")
    spine = scored["z_score_lumbar_spine"].to_list()
    assert spine[0] == pytest.approx((1.047 - 1.0605) / 0.122)  # half-way from 35 to 45
    assert spine[1] == pytest.approx((0.772 - 1.057) / 0.110)  # on the knot
    assert spine[2] == pytest.approx((0.9 - 0.902) / 0.167)  # the last band's own
    assert scored["z_score_femoral_neck"].null_count() == 4  # no curve
    hip = scored["z_score_total_hip_ctxa"].to_list()
    assert hip[0] is None  # women's curve is not printed
    assert hip[1] == pytest.approx((0.82 - 1.067) / 0.120)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 110, allow_nan=False),
            st.sampled_from(["female", "male"]),
            st.floats(0.2, 1.8),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_expression_equals_array_layer(rows):
    frame = pl.DataFrame(rows, schema=["age", "sex", "abmd_total_hip"], orient="row")
    inline = z_score_expr("abmd_total_hip", "total_hip", DERIVED)
    lines = z_lines_expr(DERIVED, ["total_hip"])
    shared = z_score_expr("abmd_total_hip", "total_hip", DERIVED, lines=pl.col("lines"))
    out = frame.with_columns(lines=lines).select("*", inline=inline, shared=shared)
    for row in out.iter_rows(named=True):
        curve = DERIVED.curve(row["sex"], "total_hip")
        expected = z_score(row["abmd_total_hip"], age=row["age"], curve=curve)
        assert row["inline"] == row["shared"]
        if math.isnan(expected):
            assert row["inline"] is None
        else:
            assert row["inline"] == pytest.approx(float(expected), abs=1e-11)


AGES = (
    *(None, math.nan, math.inf, -math.inf, -3.0, -0.5, 0.0, 4.9, 5.0, 8.0, 19.999, 20.0, 20.5),
    *(33.37, 49.99, 50.0, 79.0, 79.999, 80.0, 84.9, 85.0, 90.0, 129.9, 130.0, 255.5, 300.0, 1e9),
)


def line_by_line(density, age, curve):
    """A Z-score on the line of the whole year of age, one person at a time; None without one."""
    valid = curve and None not in (density, age) and math.isfinite(age)
    if not (valid and curve.at(age)[0] == curve.at(age)[0]):
        return None
    year = int(age)
    start = [float(np.interp(year, curve.age, knots)) for knots in (curve.mean, curve.sd)]
    after = [float(np.interp(year + 1, curve.age, knots)) for knots in (curve.mean, curve.sd)]
    slope = [b - a for a, b in zip(start, after, strict=True)]
    mean, sd = (a - b * year for a, b in zip(start, slope, strict=True))
    return (density - mean - slope[0] * age) / (sd + slope[1] * age)


@pytest.mark.parametrize("reference", list(norms.available("by_age")), ids=lambda norm: norm.id)
def test_each_row_has_the_score_of_its_line_to_the_bit(reference):
    rois = sorted({e.roi for e in reference.curves if isinstance(e.curve, AgeCurve)})
    rows = [(age, sex, 0.843) for age in AGES for sex in ("female", "male", None)]
    frame = pl.LazyFrame(rows, schema=["age", "sex", "abmd_x"], orient="row")
    shared = pl.col("lines")
    scored = frame.with_columns(lines=z_lines_expr(reference, rois)).with_columns(
        z_score_expr("abmd_x", roi, reference, lines=shared).alias(roi) for roi in rois
    )
    out = scored.drop("lines").collect(engine="streaming")
    for roi in rois:
        curves = {sex: reference.curve(sex, roi) for sex in ("female", "male")} | {None: None}
        assert out[roi].to_list() == [line_by_line(0.843, age, curves[sex]) for age, sex, _ in rows]


def test_lookup_travels_to_another_process(tmp_path):
    frame = pl.LazyFrame({"age": [40.0, 66.5], "sex": ["female", "male"], "abmd_x": [0.8, 0.9]})
    score = z_score_expr("abmd_x", "total_hip", DERIVED, lines=pl.col("lines"))
    scored = frame.with_columns(lines=z_lines_expr(DERIVED, ["total_hip"])).select(z=score)
    scored.serialize(tmp_path / "plan")
    there = "import sys, polars as pl; pl.LazyFrame.deserialize(sys.argv[1]).sink_ipc(sys.argv[2])"
    command = [sys.executable, "-c", there, str(tmp_path / "plan"), str(tmp_path / "scored")]
    subprocess.run(command, check=True)
    assert pl.read_ipc(tmp_path / "scored").equals(scored.collect())


def test_a_curve_in_months_is_refused():
    curve = AgeCurve((240, 960), (1.0, 0.8), (0.1, 0.1), Interval.parse("[240, 1200)"))
    entry = CurveEntry("female", "total_hip", curve)
    months = dataclasses.replace(DERIVED, curves=(entry,))
    with pytest.raises(NormError, match="not in months"):
        z_lines_expr(months, ["total_hip"])


def test_outside_the_ages_is_null_with_one_warning():
    people = pl.DataFrame(
        {
            "age": [19.9, 20.0, 79.9, 80.0, 95.0, math.nan, 30.0],
            "sex": ["female", "male", "female", "male", "female", "male", None],
            "abmd_total_hip": [0.9] * 7,
            "abmd_femoral_neck": [0.9, 0.9, 0.9, 0.9, None, 0.9, 0.9],
        }
    )
    with pytest.warns(OutOfRangeWarning, match=r"^3 of 7 people .* outside \[20, 80\)") as caught:
        scored = with_z_scores(people, reference=DERIVED)
    assert len(caught) == 1
    assert "95" not in str(caught[0].message)
    have = scored["z_score_total_hip"].is_not_null().to_list()
    assert have == [False, True, True, False, False, False, False]
    lazy = with_z_scores(people.lazy(), reference=DERIVED)
    assert lazy.collect().equals(scored)  # and no warning


def test_curves_of_unlike_ages_keep_their_own():
    def curve(sex, ages, mean):
        interval = Interval.parse(ages)
        return CurveEntry(sex, "total_hip", AgeCurve((30, 40), (mean, mean), (0.1, 0.1), interval))

    reference = AgeReference(
        id="two",
        title="two",
        citation=Citation("none"),
        verification="A",
        population="",
        maker="unknown",
        curves=(curve("female", "[30, 40]", 0.9), curve("male", "[20, 90)", 1.0)),
    )
    people = pl.DataFrame(
        {
            "age": [40.0, 41.0, 41.0],
            "sex": ["female", "female", "male"],
            "abmd_total_hip": [0.9] * 3,
        }
    )
    with pytest.warns(OutOfRangeWarning, match="^1 of 3"):
        scored = with_z_scores(people, reference=reference)
    assert scored["z_score_total_hip"].to_list() == [
        pytest.approx(0.0, abs=1e-12),
        None,
        pytest.approx(-1.0),
    ]


def test_no_rows_and_one_row():
    people = pl.DataFrame({"age": [50.0], "sex": ["male"], "abmd_total_hip": [1.0]})
    for frame in (people, people.clear()):
        scored = with_z_scores(frame, reference=DERIVED)
        assert scored.height == frame.height
        assert scored.columns == [*people.columns, "z_score_total_hip"]


# ---- frames


@pytest.mark.parametrize("engine", ["pandas", "pyarrow", "lazy"])
def test_the_kind_that_came_goes_back_with_the_same_bits(people, engine):
    plain = people.filter(pl.col("age").is_not_null()).cast({"sex": pl.String})
    into = {"pandas": plain.to_pandas, "pyarrow": plain.to_arrow, "lazy": plain.lazy}[engine]
    kind = {"pandas": pd.DataFrame, "pyarrow": pa.Table, "lazy": pl.LazyFrame}[engine]
    scored = with_z_scores(
        with_t_scores(into(), reference=NHANES3, sex_rule="female"), reference=DERIVED
    )
    assert isinstance(scored, kind)
    expected = with_z_scores(
        with_t_scores(plain, reference=NHANES3, sex_rule="female"), reference=DERIVED
    )
    back = scored.collect() if engine == "lazy" else pl.DataFrame(scored)
    for name in (n for n in expected.columns if n.startswith(("t_score", "z_score"))):
        assert back[name].cast(pl.Float64).fill_nan(None).equals(expected[name])


def test_streamed_is_the_same(people):
    whole = pl.concat([people] * 500)
    lazy = with_z_scores(whole.lazy(), reference=DERIVED)
    assert lazy.collect(engine="streaming").equals(lazy.collect(engine="in-memory"))


# ---- refusals


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("vbmd_lumbar_spine", "judged on absolute values"),
        ("hu_l1", "not a bone density"),
        ("bmc_l1", "expected an areal density"),
    ],
)
def test_what_is_no_areal_density_is_never_scored(column, message):
    with pytest.raises(DefinitionError, match=f"{column} cannot be scored.*{message}"):
        t_score_expr(column, "lumbar_spine", NHANES3)
    with pytest.raises(DefinitionError, match=f"{column} cannot be scored.*{message}"):
        z_score_expr(column, "lumbar_spine", DERIVED)


def test_columns_and_names_that_are_missing(people):
    with pytest.raises(SchemaError, match="need the column age"):
        with_z_scores(people.drop("age"), reference=DERIVED)
    with pytest.raises(SchemaError, match="need the column sex"):
        with_t_scores(people.drop("sex"), reference=NHANES3)
    with pytest.raises(SchemaError, match="no column of areal density"):
        with_t_scores(people.select("age", "sex"), reference=NHANES3)
    with pytest.raises(DefinitionError, match="sex_rule 'both': expected own_sex or female"):
        with_t_scores(people, reference=NHANES3, sex_rule="both")
    with pytest.raises(NormError, match="did you mean zhang_2007"):
        with_t_scores(people, reference="zhang_2006")


@pytest.mark.parametrize("number", [750.0, 0.0, -1.0])
def test_a_number_that_is_no_density_gets_no_score_and_a_word(number):
    """One person in mg/cm² was T = 6317: of one number no unit is told, and none is scored."""
    person = pl.DataFrame({"age": [60.0], "sex": ["female"], "abmd_femoral_neck": [number]})
    for scores, reference, added in (
        (with_t_scores, "nhanes3_white_female", "t_score_femoral_neck"),
        (with_z_scores, DERIVED, "z_score_femoral_neck"),
    ):
        with pytest.warns(OutOfRangeWarning, match="^no score .* 1 of 1 abmd_femoral_neck") as said:
            assert scores(person, reference=reference)[added].to_list() == [None]
        assert len(said) == 1
        assert scores(person.lazy(), reference=reference).collect()[added].to_list() == [None]
