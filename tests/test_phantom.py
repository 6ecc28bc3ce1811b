"""Phantom lines and the corrections made of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats

from osteo_epi.agreement import lack_of_fit, least_squares
from osteo_epi.calibration import (
    before_after,
    between_devices,
    correction_between,
    phantom_lines,
    with_nominal,
    with_period,
)
from osteo_epi.cohort import Cohort, simulate, simulate_phantom
from osteo_epi.cohort.simulation import Profile
from osteo_epi.cohort.simulation import lines as true_lines
from osteo_epi.errors import OutOfRangeWarning, SchemaError

INSERTS = {"l1": 0.5, "l2": 1.0, "l3": 1.5}


def scanned(devices: dict[str, tuple[float, float]], *, scans: int = 10, sd=0.006, seed=0):
    """Scans of the phantom on devices that read intercept + slope · nominal."""
    rng = np.random.default_rng(seed)
    rows = [
        (device, insert, nominal, scan, a + b * nominal + sd * rng.standard_normal())
        for device, (a, b) in devices.items()
        for scan in range(scans)
        for insert, nominal in INSERTS.items()
    ]
    return pl.DataFrame(rows, schema=["device", "insert", "nominal", "scan", "abmd"], orient="row")


@pytest.fixture(scope="module")
def seven():
    scans = simulate_phantom(seed=3)
    return phantom_lines(scans), scans


# ---- lines


def test_lines_and_linearity_equal_statsmodels(seven):
    lines, scans = seven
    for device in lines:
        mine = scans.filter(pl.col("device") == device.key[0])
        x, y = mine["nominal"].to_numpy(), mine["abmd"].to_numpy()
        fit = sm.OLS(y, sm.add_constant(x)).fit()
        assert device.line.intercept.estimate == pytest.approx(fit.params[0], abs=1e-12)
        assert np.array(device.line.covariance) == pytest.approx(fit.cov_params(), abs=1e-14)
        assert device.line.slope.lower == pytest.approx(fit.conf_int()[1, 0], abs=1e-10)
        levels = sm.OLS(y, (x[:, None] == np.unique(x)).astype(float)).fit()
        f, p, df = levels.compare_f_test(fit)
        assert device.linearity.f == pytest.approx(f, rel=1e-8)
        assert device.linearity.p == pytest.approx(p, rel=1e-8)
        assert device.linearity.df_fit == df


def test_lack_of_fit_by_hand():
    # Means 1.1, 2.1, 3.6 about the line 0.1 + 1.25 x (− 0.2333): away 1/12, −1/6, 1/12.
    x, y = [1, 1, 2, 2, 3, 3], [1.0, 1.2, 2.0, 2.2, 3.5, 3.7]
    test = lack_of_fit(x, y, line=least_squares(x, y))
    assert test.f == pytest.approx(2 * (2 / 144 + 1 / 36) / (6 * 0.01 / 3))
    assert test.largest == pytest.approx(1 / 6)
    assert test.p == pytest.approx(stats.f.sf(test.f, 1, 3))
    bent = scanned({"A": (0, 1)}).with_columns(pl.col("abmd") + 0.1 * (pl.col("nominal") - 1) ** 2)
    assert phantom_lines(bent)["A"].linearity.p < 1e-6
    assert "a line is not enough for 1 of 1 devices" in phantom_lines(bent)._repr_html_()


def test_true_lines_of_the_simulation_lie_in_their_intervals():
    """210 intervals of slopes and of intercepts at 95 %: 95 % but for chance hold the truth."""
    truth = np.column_stack(true_lines(Profile.load("china_2010")))
    hits = []
    for seed in range(30):
        for k, device in enumerate(phantom_lines(simulate_phantom(seed=seed))):
            terms = (device.line.intercept, device.line.slope)
            hits.append([t.compatible_with(v) for t, v in zip(terms, truth[k], strict=True)])
    share = np.mean(hits, axis=0)
    assert (np.abs(share - 0.95) < 3.5 * np.sqrt(0.95 * 0.05 / len(hits))).all(), share


# ---- from lines to corrections


def test_correction_to_the_nominal_scale_inverts_the_line():
    exact = scanned({"A": (0.03, 0.96)}, sd=1e-6)
    correction = phantom_lines(exact).correction()
    people = pl.DataFrame({"device": ["A"] * 2, "abmd_total_hip": [0.03 + 0.96 * 0.8, None]})
    made = correction.apply(people)
    assert made["abmd_total_hip"].to_list() == [pytest.approx(0.8, abs=1e-5), None]
    assert made["calibrated_to"].to_list() == ["nominal density"] * 2


def test_covariance_of_the_corrections_is_that_of_repeated_experiments():
    devices = {"A": (0.02, 0.98), "B": (-0.03, 1.05), "C": (0.0, 1.0)}
    made = [
        phantom_lines(scanned(devices, seed=s)).correction(to="A").coefficients.ravel()
        for s in range(150)
    ]
    stated = phantom_lines(scanned(devices, seed=0, scans=400)).correction(to="A")
    expected = stated.covariance * 40  # 400 scans against 10
    found = np.cov(np.array(made).T)
    assert found[:2] == pytest.approx(np.zeros((2, 6)), abs=1e-16), "A is not corrected"
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))[2:, 2:]
    assert np.abs((found - expected)[2:, 2:] / size).max() < 0.35
    assert expected[2, 4] / size[0, 2] > 0.3, "B and C share the error of A's scans"


def test_without_nominal_values_the_reference_shares_its_error():
    devices = {"A": (0.0, 1.0), "B": (-0.03, 1.05), "C": (0.02, 0.97)}
    how = {"nominal": None, "reference": "A"}
    pairs = []
    for seed in range(120):
        fits = phantom_lines(scanned(devices, seed=seed), **how)
        pairs.append([[d.line.intercept.estimate, d.line.slope.estimate] for d in fits])
    stated = phantom_lines(scanned(devices, seed=0, scans=300), **how)
    found = np.cov(np.array(pairs).reshape(120, 6)[:, 2:].T)
    expected = 30 * stated.covariance[2:, 2:]
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((found - expected) / size).max() < 0.35
    assert stated["A"].line.slope.lower == stated["A"].line.slope.upper == 1.0
    assert stated.correction().scale == "readings of device A"
    assert expected[0, 2] / size[0, 2] > 0.3


def test_lines_from_pairs_of_scans_correct_too():
    rng = np.random.default_rng(0)
    x = rng.normal(0.9, 0.15, 80)
    line = least_squares(x, 0.02 + 1.03 * x + rng.normal(0, 0.01, 80))
    correction = correction_between({("new",): line}, scale="readings of old")
    shift, factor = correction.coefficients[0]
    assert factor == pytest.approx(1 / line.slope.estimate)
    assert shift == pytest.approx(-line.intercept.estimate / line.slope.estimate)
    with pytest.raises(SchemaError, match=r"no line of \('third',\) to correct to"):
        correction_between({("new",): line}, to=("third",))


# ---- people


def test_corrected_people_are_the_same_people_on_one_device():
    """With lines known exactly, seven devices' readings become the reference device's."""
    intercept, slope = true_lines(Profile.load("china_2010"))
    names = {f"lunar_{k + 1}": (intercept[k], slope[k]) for k in range(7)}
    correction = phantom_lines(scanned(names, sd=1e-7)).correction(to="lunar_1")
    seven = simulate(400, seed=5, devices="seven_centres")
    one = simulate(400, seed=5)
    made = correction.apply(seven, outside="allow")
    assert isinstance(made, Cohort)
    # A vertebra stated invalid reads wrong by a factor, which no line takes back.
    digits = {"abmd_femoral_neck": 1e-3, "abmd_l3": 1e-3, "bmc_l2": 0.02}
    for column, limit in digits.items():
        valid = one.frame.get_column(
            f"valid_{column[-2:]}", default=pl.repeat(True, len(one), eager=True)
        )
        away = (made[column] - one[column]).abs().filter(valid).max()
        assert away < limit, (column, away)
    assert made["abmd_total_hip_ctxa"].equals(seven["abmd_total_hip_ctxa"]), "CT is not concerned"
    codes = [finding.code for finding in made.findings]
    assert codes[-2:] == ["calibrated", "beyond_phantom"]


def test_mineral_moves_with_density_so_that_the_spine_does():
    correction = phantom_lines(scanned({"A": (0.05, 0.9)}, sd=1e-7)).correction()
    people = pl.DataFrame(
        {"device": ["A"], "abmd_l1": [0.95], "bmc_l1": [0.95 * 12], "area_l1": [12.0]}
    )
    made = correction.apply(people)
    assert (made["bmc_l1"] / made["area_l1"]).item() == pytest.approx(made["abmd_l1"].item())
    with pytest.raises(SchemaError, match="bmc_l1 cannot be corrected without the area"):
        correction.apply(people.drop("area_l1"))


def test_readings_beyond_the_phantom():
    correction = phantom_lines(scanned({"A": (0, 1)})).correction()
    people = pl.DataFrame({"device": ["A"] * 3, "abmd_total_hip": [0.4, 0.8, 1.6]})
    with pytest.warns(OutOfRangeWarning, match="2 readings lie outside those of the phantom"):
        correction.apply(people)
    with pytest.raises(SchemaError, match="2 readings"):
        correction.apply(people, outside="fail")
    assert correction.apply(people, outside="allow").height == 3


def test_people_who_cannot_be_corrected_are_refused():
    correction = phantom_lines(scanned({"A": (0, 1), "B": (0.01, 1)})).correction(to="A")
    people = pl.DataFrame({"device": ["A", "C", "C"], "abmd_total_hip": [0.8, 0.9, None]})
    with pytest.raises(SchemaError, match=r"1 people were measured on 1 devices without phantom"):
        correction.apply(people)
    with pytest.raises(SchemaError, match="device: C"):
        correction.apply(people.lazy())
    unstated = people.with_columns(device=pl.Series(["A", None, None]))
    with pytest.raises(SchemaError, match="1 person has readings and no device"):
        correction.apply(unstated)
    done = correction.apply(people.head(1))
    with pytest.raises(SchemaError, match="corrected before"):
        correction.apply(done)
    with pytest.raises(SchemaError, match="vbmd_l1: a phantom read in g/cm2 does not correct"):
        correction.apply(people.with_columns(vbmd_l1=100.0), columns=["vbmd_l1"])
    with pytest.raises(SchemaError, match="needs the columns"):
        correction.apply(pl.DataFrame({"device": ["A"]}))


def test_the_callers_kind_comes_back_and_lazy_stays_lazy():
    correction = phantom_lines(scanned({"A": (0.02, 1)}, sd=1e-7)).correction()
    people = pl.DataFrame({"device": ["A"], "abmd_total_hip": [0.92]})
    lazy = correction.apply(people.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect()["abmd_total_hip"].item() == pytest.approx(0.9, abs=1e-5)
    assert correction.apply(people.to_pandas())["abmd_total_hip"][0] == pytest.approx(0.9, abs=1e-5)


def test_each_period_of_a_device_has_its_own_line():
    changes = {"A": [10]}
    scans = pl.concat(
        [
            scanned({"A": (0, 1)}, seed=1).with_columns(scan_date=pl.col("scan")),
            scanned({"A": (0.04, 1)}, seed=2).with_columns(scan_date=10 + pl.col("scan")),
        ]
    )
    lines = phantom_lines(with_period(scans, changes=changes), by=("device", "period"))
    correction = lines.correction(to=("A", 1))
    people = pl.DataFrame(
        {"device": ["A", "A"], "scan_date": [9, 10], "abmd_total_hip": [0.8, 0.84]}
    )
    made = correction.apply(with_period(people, changes=changes))
    assert made["abmd_total_hip"].to_list() == pytest.approx([0.8, 0.8], abs=0.006)
    undated = people.with_columns(scan_date=pl.Series([9, None]))
    with pytest.raises(SchemaError, match="no device or no period"):
        correction.apply(with_period(undated, changes=changes))


def test_before_and_after():
    correction = phantom_lines(scanned({"A": (0, 1), "B": (0.05, 1)})).correction(to="A")
    people = pl.DataFrame({"device": ["A", "B", "B"], "abmd_total_hip": [0.8, 0.9, 1.0]})
    table = before_after(people, correction).to_frame()
    a, b = table.iter_rows(named=True)
    assert (a["change"], a["change_se"]) == (0.0, 0.0)
    assert b["mean_after"] == pytest.approx(b["mean_before"] + b["change"])
    shift, factor = correction.coefficients[1]
    assert b["change"] == pytest.approx(shift + (factor - 1) * 0.95)
    at = np.array([1, 0.95])
    assert b["change_se"] == pytest.approx(np.sqrt(at @ correction.block(1) @ at))
    with pytest.raises(SchemaError, match="without phantom scans"):
        before_after(people.with_columns(device=pl.lit("C")), correction)


# ---- centres


def test_differences_between_devices_equal_statsmodels():
    people = simulate(1200, seed=2, devices="seven_centres").frame
    found = between_devices(people, column="abmd_total_hip", reference="lunar_1")
    rows = people.select("age", "sex", "device", "abmd_total_hip").drop_nulls()
    age = (rows["age"] - rows["age"].mean()).to_numpy() / 10
    female = (rows["sex"] == "female").to_numpy()
    names = found.to_frame()["device"].to_list()
    parts = [(rows["device"] == name).to_numpy() for name in names]
    parts += [m * age**k for m in (female, ~female) for k in range(4)]
    fit = sm.OLS(rows["abmd_total_hip"].to_numpy(), np.column_stack(parts).astype(float)).fit()
    table = found.to_frame()
    assert table["difference"].to_numpy() == pytest.approx(fit.params[:6], abs=1e-9)
    assert table["se"].to_numpy() == pytest.approx(fit.bse[:6], abs=1e-9)
    assert found.p == pytest.approx(fit.f_test(np.eye(14)[:6]).pvalue, rel=1e-6)


def test_a_difference_between_centres_disappears_once_calibrated(seven):
    people = simulate(6000, seed=3, devices="seven_centres")
    correction = seven[0].correction(to="lunar_1")
    how = {"column": "abmd_total_hip", "reference": "lunar_1"}
    before = between_devices(people, **how)
    after = between_devices(correction.apply(people, outside="allow"), **how, correction=correction)
    assert before.p < 1e-10
    assert after.p > 0.01
    assert after.largest < before.largest / 2
    with pytest.raises(SchemaError, match="were not corrected"):
        between_devices(people, **how, correction=correction)


# ---- faults of the scans


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.drop("abmd"), "lack the columns"),
        (lambda s: s.with_columns(abmd=pl.lit(None, pl.Float64)), "missing values .*'abmd'"),
        (lambda s: s.with_columns(abmd=pl.lit(1.0)), "constant readings, all 30 are equal"),
        (lambda s: s.with_columns(abmd="nominal"), "repeats of every insert are identical"),
        (lambda s: s.filter(pl.col("scan") < 2), "fewer than three phantom scans .fewest: 2"),
        (lambda s: s.filter(pl.col("insert") == "l1"), "read at one density only"),
        (
            lambda s: s.with_columns(pl.col("abmd") * 1000),
            r"different units \(their medians differ \d{3,4}-fold",
        ),
        (
            lambda s: s.with_columns(nominal=pl.col("nominal") * 100),
            "areal readings against volumetric nominal values",
        ),
        (
            lambda s: s.with_columns(nominal=2.0 - pl.col("nominal")),
            "not stand in the order of their nominal values",
        ),
        (
            lambda s: s.with_columns(
                pl.when(pl.col("scan") == 4)
                .then(pl.col("insert").replace({"l1": "l2", "l2": "l1"}))
                .otherwise("insert")
                .alias("insert")
            ).drop("nominal"),
            "2 of 30 readings stand nearer to another insert",
        ),
        (
            lambda s: s.with_columns(
                pl.when(pl.col("scan") == 4).then(1.0).otherwise("nominal").alias("nominal")
            ),
            "'insert' stand with more than one value of 'nominal'",
        ),
    ],
)
def test_faults_of_the_scans_have_their_own_messages(change, message):
    scans = change(scanned({"A": (0, 1)}))
    scans = scans if "nominal" in scans.columns else with_nominal(scans)
    with pytest.raises(SchemaError, match=message):
        phantom_lines(scans)


def test_swapped_vertebrae_are_found_on_the_device_that_has_them():
    swapped = pl.col("insert").replace({"l1": "l3", "l3": "l1"})
    scans = pl.concat(
        [scanned({"A": (0, 1)}), scanned({"B": (0.02, 1)}).with_columns(swapped)]
    ).drop("nominal")
    with pytest.raises(SchemaError, match="device B: the inserts' readings do not stand"):
        phantom_lines(with_nominal(scans))


def test_nominal_values_of_the_european_spine_phantom():
    scans = pl.DataFrame({"insert": ["l1", "l2", "l3"]})
    assert with_nominal(scans)["nominal"].to_list() == [0.5, 1.0, 1.5]
    assert with_nominal(scans, quantity="vbmd")["nominal"].to_list() == [50, 100, 200]
    with pytest.raises(SchemaError, match=r"no nominal abmd for the inserts \['l4'\]"):
        with_nominal(pl.DataFrame({"insert": ["l4"]}))


def test_a_reference_that_was_not_scanned():
    with pytest.raises(SchemaError, match="give reference=, one of the devices scanned: device A"):
        phantom_lines(scanned({"A": (0, 1)}), nominal=None, reference="B")


# ---- real scanners


def test_real_phantom_readings(shared):
    """Lines on a reference scanner recover the first occasion's other scale, as R's lm has it."""
    efp = (
        pl.read_csv(shared / "data/phantom/efp.csv", try_parse_dates=True)
        .filter(pl.col("parameter") == "Tt.vBMD")
        .rename({"section": "insert", "value": "vbmd", "scanner": "generation"})
        .with_columns(device=pl.concat_str("site", "generation", separator=" "))
    )
    how = {"value": "vbmd", "nominal": None}
    with pytest.raises(SchemaError, match="Odense XCT1: 9 of 36 readings"):
        phantom_lines(efp, reference="Montreal XCT2", **how)
    whole = efp.filter(pl.len().over("device", "timePoint", "insert") >= 3)
    lines = phantom_lines(whole, by=("device", "timePoint"), reference=("Montreal XCT2", 0), **how)
    slopes = [lines["Odense XCT1", t].line.slope.estimate for t in (0, 6, 12)]
    assert slopes[0] > 1.2
    assert slopes[1:] == pytest.approx([0.97, 0.97], abs=0.02)
    assert lines.unit == "mg/cm3"
    reference = whole.filter((pl.col("device") == "Montreal XCT2") & (pl.col("timePoint") == 0))
    means = dict(reference.group_by("insert").agg(pl.col("vbmd").mean()).iter_rows())
    mine = whole.filter((pl.col("device") == "Lyon XCT1") & (pl.col("timePoint") == 12))
    x = mine["insert"].replace_strict(means, return_dtype=pl.Float64).to_numpy()
    fit = sm.OLS(mine["vbmd"].to_numpy(), sm.add_constant(x)).fit()
    found = lines["Lyon XCT1", 12].line
    assert [found.intercept.estimate, found.slope.estimate] == pytest.approx(fit.params, rel=1e-8)
    assert found.slope.se > fit.bse[1], "the reference's own error is added"


def test_the_column_of_inserts_may_have_any_name():
    scans = scanned({"A": (0.0, 1.0), "B": (0.02, 0.98)}).drop("nominal")
    wanted = phantom_lines(scans, value="abmd", nominal=None, reference="A").to_frame()
    for name in ("n", "mean"):
        other = scans.rename({"insert": name})
        lines = phantom_lines(other, value="abmd", insert=name, nominal=None, reference="A")
        assert lines.to_frame().equals(wanted)
