"""A threshold applied elsewhere: by hand, in circles, and refused where it has no business."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.accuracy import Conditions, Threshold, threshold, transport
from osteo_epi.agreement import Line, deming, least_squares, passing_bablok
from osteo_epi.calibration import correction_between
from osteo_epi.errors import DefinitionError, DesignError, NormError, SchemaError
from osteo_epi.norms import load
from osteo_epi.survey import ReplicateDesign, SurveyDesign, mean

VBMD = "vbmd_lumbar_spine"
CHINA = threshold("china_2020", VBMD)
LOWER = Threshold.stated(VBMD, "(-inf, 50)", source="stated by the user")
PHANTOMS = "phantom_k2hpo4_caco3"


def people(*scores: float | None, **columns) -> pl.DataFrame:
    return pl.DataFrame({VBMD: scores} | columns, schema_overrides={VBMD: pl.Float64})


def many(n: int = 500, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            VBMD: rng.normal(100, 30, n),
            "age": rng.uniform(50, 85, n).round(),
            "sex": rng.choice(["female", "male"], n),
        }
    )


def line(intercept: float = 0.0, slope: float = 1.0, sd: float = 0.0, n: int = 40) -> Line:
    rng = np.random.default_rng(3)
    x = np.linspace(20, 200, n)
    return least_squares(x, intercept + slope * x + rng.normal(0, sd, n) if sd else (
        intercept + slope * x
    ))  # fmt: skip


def test_a_criterion_gives_its_cut_offs_with_the_conditions_it_states():
    assert CHINA.cuts == (80.0, 120.0)
    assert (CHINA.positive, CHINA.direction) == ("osteoporosis", "low")
    assert CHINA.conditions == Conditions(tube_voltage=120.0, calibration="Mindways")
    assert "postmenopausal women and men from 50 years" in str(CHINA)
    assert CHINA.grade == "A"


def test_a_t_score_becomes_a_density_of_its_reference():
    hip = threshold("who_1994", "abmd_femoral_neck", reference="nhanes3_white_female", sex="female")
    assert hip.cuts == pytest.approx((0.858 - 2.5 * 0.120, 0.858 - 0.120))
    assert (hip.conditions.maker, hip.grade) == ("hologic", "C")
    assert [i.closed_upper for i in hip.bands.intervals[:-1]] == [True, False]


def test_the_worked_case_of_six_people():
    data = people(40, 55, 79, 80, 101, 140, None, sex=["female"] * 4 + ["male"] * 3)
    result = transport(data, CHINA, to=LOWER)
    everybody, women, men = result.changes
    assert (everybody.old.estimate, everybody.new.estimate) == (3 / 6, 1 / 6)
    assert (everybody.n, everybody.n_gained, everybody.n_lost, everybody.n_missing) == (6, 0, 2, 1)
    assert everybody.difference.estimate == pytest.approx(-2 / 6)
    assert (women.old.estimate, women.new.estimate, women.n_missing) == (3 / 4, 1 / 4, 0)
    assert (men.old.estimate, men.new.estimate, men.n_missing) == (0, 0, 1)
    whole = result.transitions.filter(pl.col("sex") == "all").select("old", "new", "n", "moved")
    assert whole.rows() == [
        ("osteoporosis", "osteoporosis", 1, False),
        ("osteoporosis", "not_osteoporosis", 2, True),
        ("low_bone_mass", "not_osteoporosis", 2, True),
        ("normal", "not_osteoporosis", 1, True),
        (None, None, 1, None),
    ]


def test_weights_count_in_the_shares_and_not_in_the_numbers():
    data = people(40, 55, 79, 90, sex=["female"] * 4, survey_weight=[1.0, 2.0, 3.0, 4.0])
    data = data.with_columns(stratum=pl.lit("a"), psu=pl.Series(["1", "2", "3", "4"]))
    result = transport(data, CHINA, to=LOWER)
    assert (result.changes[0].old.estimate, result.changes[0].new.estimate) == (0.6, 0.1)
    shares = result.transitions.filter(pl.col("sex") == "all")
    assert shares["share"].to_list() == pytest.approx([0.1, 0.5, 0.4])
    assert shares["n"].to_list() == [1, 2, 1]


def test_an_identity_line_moves_nobody_and_shifts_nothing():
    result = transport(many(), CHINA, relation=line())
    assert result.carried.cuts == pytest.approx(np.array([[80.0, 120.0]]))
    assert result.cut_points()["shift"].to_list() == pytest.approx([0, 0], abs=1e-9)
    assert not result.transitions["moved"].any()
    for change in result.changes:
        assert (change.n_gained, change.n_lost) == (0, 0)
        assert change.difference.estimate == 0


@pytest.mark.parametrize("relation", [line(7.0, 0.8, sd=3.0), line(-12.0, 1.3)])
def test_there_and_back_returns_the_cut_off(relation):
    there = transport(many(), CHINA, relation=relation)
    cuts = there.carried.cuts[0]
    table = {
        "osteoporosis": f"(-inf, {cuts[0]})", "low_bone_mass": f"[{cuts[0]}, {cuts[1]}]",
        "normal": f"({cuts[1]}, inf)",
    }  # fmt: skip
    elsewhere = Threshold.stated(VBMD, table, source="carried")
    back = transport(many(), elsewhere, relation=relation, inverse=True)
    assert back.carried.cuts[0] == pytest.approx(CHINA.cuts)


def test_a_published_equation_carries_within_its_range_only():
    result = transport(many(), CHINA, relation=PHANTOMS)
    assert result.carried.cuts[0] == pytest.approx([1.26 * 80 + 12.3, 1.26 * 120 + 12.3])
    assert any("no errors of the equation's coefficients" in note for note in result.notes)
    out = transport(many(), LOWER, relation=PHANTOMS)
    assert np.isnan(out.carried.cuts).all()
    assert out.changes[0].new is None
    assert out.changes[0].difference is None
    assert out.cut_points()["carried"].to_list() == [None]
    assert any(
        "the cut-off 50 lies outside" in note and "(60 to 172)" in note for note in out.notes
    )
    assert "not carried" in repr(out)


@pytest.mark.parametrize("relation", [PHANTOMS, -3.0])
def test_an_error_that_nobody_states_is_none_and_not_nought(relation):
    result = transport(many(), CHINA, relation=relation)
    assert result.cut_points()["carried"].null_count() == 0
    for name in ("se", "lower", "upper"):
        assert result.cut_points()[name].null_count() == 2
    assert result.changes[0].se_cut is None
    assert result.to_frame()["se_cut"].null_count() == len(result.changes)
    assert any("the limits hold none" in note for note in result.notes)
    stated = transport(many(), CHINA, to=LOWER)
    assert stated.cut_points()["se"].to_list() == [0.0]
    assert stated.changes[0].se_cut == 0


def test_without_a_relation_nobody_moves_and_no_limits_pretend_a_doubt():
    result = transport(many(), CHINA)
    for change in result.changes:
        d = change.difference
        assert (d.estimate, d.lower, d.upper, d.method) == (0, 0, 0, "the cut-off stays")
    assert "the cut-off stays" in repr(result)
    assert "become positive" not in str(result)


def test_an_equation_turned_round_keeps_its_range():
    equation = load("calibration", PHANTOMS).equation("k2hpo4", "lumbar_spine")
    stated = Threshold.stated(
        VBMD, {"osteoporosis": "(-inf, 113.1)", "rest": "[113.1, inf)"}, source="x"
    )
    result = transport(many(), stated, relation=equation, inverse=True)
    assert result.carried.cuts[0] == pytest.approx([80.0])


def test_classes_that_no_cut_off_parts_are_joined():
    equation = load("calibration", PHANTOMS).equation("k2hpo4", "lumbar_spine")
    result = transport(many(), CHINA, relation=equation, inverse=True)
    assert result.classes is None  # 80 would be 53.7, below the equation's 60
    shifted = Threshold.stated(
        VBMD,
        {"osteoporosis": "(-inf, 80)", "low_bone_mass": "[80, 180]", "normal": "(180, inf)"},
        source="x",
    )
    joined = transport(many(), shifted, relation=equation)
    assert joined.classes.names == ("osteoporosis", "low_bone_mass or normal")
    assert joined.changes[0].new is not None


def test_two_makers_by_way_of_standardised_bmd():
    hip = threshold("who_1994", "abmd_total_hip", reference="nhanes3_white_female", sex="female")
    data = oe.datasets.survey()
    result = transport(data, hip, relation="sbmd_hui_1997", to=Conditions(maker="lunar"))
    cut = 0.942 - 2.5 * 0.122
    assert result.carried.cuts[0, 0] == pytest.approx((6 + 1008 * cut + 31) / 979)
    assert "SIMULATED" in repr(result)
    assert "SIMULATED" in str(result)
    assert result.to_frame()["simulated"].all()
    assert result.transitions["simulated"].all()
    assert result.notes[0].startswith("SIMULATED")


def test_the_maker_is_read_of_the_data_or_asked_for():
    hip = threshold("who_1994", "abmd_total_hip", reference="nhanes3_white_female", sex="female")
    data = pl.DataFrame({"abmd_total_hip": [0.6, 0.66, 0.8], "device_maker": ["lunar"] * 3})
    options = {"relation": "sbmd_hui_1997"}
    stated = transport(data, hip, to=Conditions(maker="lunar"), **options)
    assert transport(data, hip, **options).carried.cuts.tolist() == stated.carried.cuts.tolist()
    several = data.with_columns(device_maker=pl.Series(["lunar", "lunar", "norland"]))
    for unclear in (several, data.drop("device_maker")):
        with pytest.raises(SchemaError, match="state the maker of the people's device"):
            transport(unclear, hip, **options)


def test_a_correction_gives_each_device_a_cut_off_of_its_own():
    lines = {("A",): line(), ("B",): line(10.0, 1.1, sd=2.0)}
    correction = correction_between(lines, unit="mg/cm3")
    data = people(79, 97.5, 97.5, 99, device=["A", "A", "B", "B"])
    result = transport(data, CHINA, relation=correction)
    cut = result.carried.cuts[:, 0]
    b = lines[("B",)]
    assert cut == pytest.approx([80.0, b.intercept.estimate + 80 * b.slope.estimate])
    (va, cab), (_, vb) = b.covariance
    assert result.carried.se[1, 0] == pytest.approx(math.sqrt(va + 160 * cab + 6400 * vb))
    assert result.changes[0].new.estimate == 2 / 4
    assert result.changes[0].n_gained == 1


def test_the_error_of_the_cut_off_is_the_lines_and_its_share_that_of_a_normal_law():
    from scipy import stats

    relation = line(0.0, 1.0, sd=8.0)
    data = pl.DataFrame({VBMD: stats.norm.ppf((np.arange(40_000) + 0.5) / 40_000, 100, 30)})
    result = transport(data, CHINA, relation=relation)
    prediction = relation.predict([80.0], people=None)
    assert result.carried.cuts[0, 0] == pytest.approx(prediction.estimate[0])
    assert result.carried.se[0, 0] == pytest.approx(prediction.se[0])
    row = result.cut_points().row(0, named=True)
    assert (row["lower"], row["upper"]) == pytest.approx((prediction.lower[0], prediction.upper[0]))
    density = stats.norm.pdf(prediction.estimate[0], 100, 30)
    change = result.changes[0]
    assert change.se_cut == pytest.approx(density * prediction.se[0], rel=0.01)
    assert change.difference.se == pytest.approx(math.hypot(change.se_sampling, change.se_cut))


def test_the_paired_difference_is_the_design_based_mean_of_each_persons_change():
    data = oe.datasets.survey()
    stated = [
        Threshold.stated("abmd_total_hip", f"(-inf, {cut}]", source="x") for cut in (0.7, 0.65)
    ]
    result = transport(data, stated[0], to=stated[1], domain=pl.col("age") >= 50)
    hip = data.frame["abmd_total_hip"].to_numpy()
    change = (hip <= 0.65 + 1e-6).astype(float) - (hip <= 0.7 + 1e-6)
    design = SurveyDesign(weight="survey_weight", stratum="stratum", psu="psu").arrays(data.frame)
    expected = mean(
        np.where(np.isnan(hip), np.nan, change), design,
        domain=(data.frame["age"] >= 50).to_numpy(),
    )  # fmt: skip
    difference = result.changes[0].difference
    assert difference.estimate == pytest.approx(expected.value[0])
    assert difference.se == pytest.approx(math.sqrt(expected.covariance[0, 0]))


def test_replicates_give_the_difference_too():
    # Each of 50 groups of people is left out once.
    data, groups = many(), np.arange(500) % 50
    factors = {f"jk{g}": np.where(groups == g, 0.0, 50 / 49) for g in range(50)}
    data = data.with_columns(w=pl.lit(1.0), **{k: pl.Series(v) for k, v in factors.items()})
    design = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    one, other = (
        transport(data, CHINA, relation=-9.0, design=d).changes[0].difference
        for d in ("srs", design)
    )
    assert other.estimate == pytest.approx(one.estimate)
    assert other.se == pytest.approx(one.se, rel=0.25)


def test_a_standardised_prevalence_weighs_each_age_by_the_standard():
    data = people(70, 90, 90, 90, 60, 75, sex=["female"] * 6, age=[55, 56, 57, 58, 70, 71])
    result = transport(
        data, CHINA, relation=-8.0, standard="us_2000_bone", age_bands=(50, 65, math.inf)
    )
    counts = load("standard_population", "us_2000_bone").collapse((50, 65, math.inf)).counts()
    share = counts["65+"] / sum(counts.values())
    assert result.changes[0].old.estimate == pytest.approx((1 - share) / 4 + share)
    assert result.changes[0].new.estimate == pytest.approx((1 - share) / 4 + share / 2)
    assert result.standard == "us_2000_bone"
    assert "standardised to us_2000_bone" in repr(result)
    assert "standardised to us_2000_bone" in str(result)


def test_conditions_are_the_same_different_or_not_stated():
    data = people(
        70, 90, 100, 110,
        tube_voltage=[120.0, 100.0, 120.0, None],
        qct_calibration=["Mindways", "QCT Pro", "not Mindways", None],
        sex=["female"] * 4, age=[60.0, 70.0, 45.0, 80.0],
    )  # fmt: skip
    result = transport(data, CHINA, to=Conditions(contrast="venous"))
    table = {c.condition: c for c in result.conditions}
    voltage, system = table["tube_voltage"], table["calibration"]
    assert (voltage.n_same, voltage.n_different, voltage.n_unstated) == (2, 1, 1)
    assert (system.n_same, system.n_different, system.n_unstated) == (2, 1, 1)
    # QCT Pro is Mindways' own: who differs is named, not who says it otherwise.
    assert (system.others, voltage.others) == ("not Mindways: 1", "100 kV: 1")
    assert (
        "rests on Mindways; measured otherwise: not Mindways: 1, 1 without a statement"
        in system.sentence
    )
    assert "outside of these, and judged too: 1 person." in table["applies_to"].sentence
    assert voltage.verdict == system.verdict == "different in some"
    assert table["contrast"].verdict == "not stated by the threshold"
    assert (table["applies_to"].n_same, table["applies_to"].n_different) == (3, 1)
    assert result.condition_table().height == len(result.conditions)
    silent = transport(people(70, 90), CHINA)
    verdicts = {c.condition: c.verdict for c in silent.conditions}
    assert verdicts == {
        "tube_voltage": "not stated by the data", "calibration": "not stated by the data",
        "contrast": "not stated by the threshold", "scan_source": "not stated by the threshold",
    }  # fmt: skip


def test_the_scan_is_compared_and_a_column_the_codebook_lacks_is_not_read():
    conditions = Conditions(scan_source="dedicated", contrast="none")
    stated = Threshold.stated(VBMD, "(-inf, 80)", source="x", conditions=conditions)
    scans = ["dedicated", "chest low-dose CT", None]
    result = transport(people(70, 90, 100, scan_source=scans, contrast=["venous"] * 3), stated)
    table = {c.condition: c for c in result.conditions}
    scan = table["scan_source"]
    assert (scan.n_same, scan.n_different, scan.n_unstated) == (1, 1, 1)
    assert table["contrast"].verdict == "not stated by the data"


@pytest.mark.parametrize("inverse", [False, True])
def test_a_line_of_the_same_people_is_told_where_both_readings_are_there(inverse):
    rng = np.random.default_rng(7)
    before = rng.uniform(60, 160, 60)
    data = pl.DataFrame({"vbmd_l1": before, "hu_l1": 10 + 1.4 * before + rng.normal(0, 4, 60)})
    one_region = Threshold.stated("vbmd_l1", "(-inf, 80)", source="x")
    names = ("hu_l1", "vbmd_l1") if inverse else ("vbmd_l1", "hu_l1")
    for rows, same in ((60, True), (59, False)):
        relation = deming(*(data[name].to_numpy()[:rows] for name in names))
        result = transport(data, one_region, score="hu_l1", relation=relation, inverse=inverse)
        assert any("seems fitted to them" in note for note in result.notes) is same
    other = transport(data.drop("vbmd_l1"), one_region, score="hu_l1",
                      relation=deming(data["vbmd_l1"], data["hu_l1"]))  # fmt: skip
    assert not any("seems fitted" in note for note in other.notes)


def test_two_methods_in_the_same_people_give_old_and_new():
    data = people(70, 90, 75, None, hu_l1=[100.0, 150.0, 130.0, 120.0])
    relation = least_squares([50, 100, 150], [85, 160, 240])
    one_region = Threshold.stated("vbmd_l1", "(-inf, 80)", source="x")
    alone = transport(data.drop(VBMD), one_region, score="hu_l1", relation=relation)
    assert alone.changes[0].old is None
    assert alone.changes[0].difference is None
    both = transport(data.rename({VBMD: "vbmd_l1"}), one_region, score="hu_l1", relation=relation)
    assert both.changes[0].n == 3
    assert both.changes[0].old.estimate == pytest.approx(2 / 3)
    cut = relation.at(80.0)
    assert both.changes[0].new.estimate == pytest.approx(np.mean([cut > 100, cut > 150, cut > 130]))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("abmd_lumbar_spine", "areal BMD"),
        ("hu_lumbar_spine", "CT attenuation"),
        ("t_score_lumbar_spine", "T-score"),
        ("vbmd_l1", "l1"),
    ],
)
def test_another_quantity_or_region_is_refused_without_a_relation(column, words):
    data = people(70, 90).rename({VBMD: column})
    with pytest.raises(SchemaError, match=words):
        transport(data, CHINA, score=column)


def test_a_t_score_is_no_density():
    score = threshold("who_1994", "t_score_femoral_neck")
    data = pl.DataFrame({"abmd_femoral_neck": [0.5, 0.9]})
    with pytest.raises(SchemaError, match="T-score by DXA"):
        transport(data, score, score="abmd_femoral_neck")
    with pytest.raises(SchemaError, match=r'is threshold\(…, "abmd_femoral_neck", reference=…'):
        transport(data, score, score="abmd_femoral_neck")


def test_a_column_of_no_known_quantity_has_to_be_declared():
    data = people(70, 90).rename({VBMD: "mean_of_two"})
    with pytest.raises(SchemaError, match="measures="):
        transport(data, CHINA, score="mean_of_two")
    assert transport(data, CHINA, score="mean_of_two", measures=VBMD).changes[0].old.estimate == 0.5


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"to": "Mindways"}, SchemaError, "expected Conditions"),
        ({"to": LOWER, "relation": 3.0}, SchemaError, "one of the two"),
        ({"to": Conditions(tube_voltage=100)}, SchemaError, "tube_voltage says otherwise"),
        ({"relation": True}, DefinitionError, "relation=True"),
        ({"relation": math.nan}, DefinitionError, "relation=nan"),
        ({"relation": "nobody_2000"}, NormError, "nobody_2000"),
        ({"relation": "sbmd_hui_1997"}, NormError, "no equation from mg/cm3"),
        ({"relation": line(200.0, -1.0, sd=1.0)}, SchemaError, "falls"),
        ({"relation": 3.0, "inverse": True}, SchemaError, "inverse="),
        ({"score": "vbmd_l1"}, SchemaError, "named as score="),
        (
            {"domain": pl.col("tube_voltage") > 200},
            SchemaError,
            "nobody of 2 rows is in the domain",
        ),
        ({"confidence": 95}, (DesignError, DefinitionError), "confidence"),
        ({"standard": "us_2000"}, SchemaError, "age"),
        ({"by": ["region"]}, SchemaError, "region"),
        ({"age_bands": (80, 50)}, SchemaError, "age"),
    ],
)
def test_bad_input_is_named(options, error, words):
    data = people(70.0, 90.0, tube_voltage=[120.0, 120.0])
    with pytest.raises(error, match=words):
        transport(data, CHINA, **options)


def test_what_is_no_threshold_is_refused():
    with pytest.raises(SchemaError, match="expected a Threshold"):
        transport(people(70, 90), 80)
    with pytest.raises(NormError, match="no open end"):
        Threshold.stated(VBMD, "[45, 50]", source="x")
    with pytest.raises(NormError, match="lowest or the highest"):
        Threshold.stated(VBMD, {"a": "(-inf, 1)", "b": "[1, 2]", "c": "(2, inf)"}, positive="b",
                         source="x")  # fmt: skip
    with pytest.raises(SchemaError, match="source="):
        Threshold.stated(VBMD, "(-inf, 45)", source=" ")
    with pytest.raises(SchemaError, match="does not say"):
        Threshold.stated("density", "(-inf, 45)", source="x")
    with pytest.raises(NormError, match="has no classes for hu_l1"):
        threshold("china_2020", "hu_l1")
    with pytest.raises(NormError, match="has no classes for vbmd_lumbar_spine"):
        threshold("who_1994", VBMD)
    with pytest.raises(SchemaError, match="reference="):
        threshold("who_1994", "abmd_femoral_neck")
    with pytest.raises(SchemaError, match="sex="):
        threshold("who_1994", "abmd_femoral_neck", reference="nhanes3_white_female")
    with pytest.raises(NormError, match="no male"):
        threshold("who_1994", "abmd_femoral_neck", reference="nhanes3_white_female", sex="male")


def test_high_is_positive_where_the_threshold_says_so():
    high = Threshold.stated(VBMD, "[100, inf)", source="x", positive="high")
    assert (high.direction, high.cut) == ("high", 100.0)
    result = transport(many(), high, relation=line(0.0, 1.0, sd=8.0))
    cut = result.carried.cuts[0, 0]
    assert result.changes[0].new.estimate == np.mean(many()[VBMD].to_numpy() >= cut)
    assert result.changes[0].se_cut > 0


def test_a_jackknife_of_medians_is_told_to_be_unsteady():
    rng = np.random.default_rng(5)
    x = rng.uniform(40, 180, 30)
    y = 5 + x + rng.normal(0, 3, 30)
    for options, told in (
        ({"interval": "jackknife"}, True),
        ({"interval": "bootstrap", "resamples": 50}, False),
    ):
        result = transport(many(), CHINA, relation=passing_bablok(x, y, **options))
        assert any("unsteady" in note for note in result.notes) is told


def test_a_deming_line_of_paired_scans_is_taken_as_it_is():
    rng = np.random.default_rng(5)
    truth = rng.uniform(40, 180, 50)
    relation = deming(truth + rng.normal(0, 3, 50), 5 + truth + rng.normal(0, 3, 50))
    result = transport(many(), CHINA, relation=relation)
    assert result.carried.prediction_sd == pytest.approx(relation.residual_sd)
    assert any("not for one person's class" in note for note in result.notes)
    assert "<table>" in result._repr_html_()
