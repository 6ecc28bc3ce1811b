"""Precision error, least significant change, and what they decide."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from osteo_epi.agreement import deming
from osteo_epi.calibration import (
    check_precision,
    cross_device_lsc,
    lsc_factor,
    precision,
    precision_of,
    precision_of_vertebrae,
    variance_components,
    with_area_flag,
    with_change,
)
from osteo_epi.errors import NormError, SchemaError


def study(people: int, scans: int, sd: float, seed: int = 0, **labels: str) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    true = rng.normal(0.95, 0.12, people)
    values = np.repeat(true, scans) + rng.normal(0, sd, people * scans)
    who = np.repeat([f"p{seed}-{k}" for k in range(people)], scans)
    frame = pl.DataFrame({"person_id": who, "bmd": values})
    return frame.with_columns(pl.lit(v).alias(k) for k, v in labels.items())


@pytest.mark.parametrize(("people", "scans"), [(15, 3), (30, 2)])
def test_the_recommended_designs_have_thirty_degrees_of_freedom(people: int, scans: int) -> None:
    error = precision(study(people, scans, 0.01), value="bmd").groups[0]
    assert (error.df, error.people, error.scans) == (30, people, people * scans)


def test_worked_by_hand() -> None:
    # Variances 0.0002 (k=2), 0.0001 (k=3): (1·2e-4 + 2·1e-4)/3 = 4e-4/3.
    error = precision_of([[0.90, 0.92, np.nan], [1.00, 1.01, 1.02], [0.8, np.nan, np.nan]])
    assert error.df == 3
    assert error.rms_sd.estimate == pytest.approx(np.sqrt(4e-4 / 3), rel=1e-9)
    cv2 = (2e-4 / 0.91**2 + 2 * 1e-4 / 1.01**2) / 3
    assert error.rms_cv_percent.estimate == pytest.approx(100 * np.sqrt(cv2), rel=1e-9)
    shares = stats.chi2.ppf([0.975, 0.025], 3)
    ends = error.rms_sd.estimate * np.sqrt(3 / shares)
    assert (error.rms_sd.lower, error.rms_sd.upper) == pytest.approx(tuple(ends), rel=1e-12)


def test_the_arithmetic_mean_of_sds_is_smaller() -> None:
    table = study(30, 2, 0.01)["bmd"].to_numpy().reshape(30, 2)
    assert table.std(axis=1, ddof=1).mean() < precision_of(table).rms_sd.estimate


def test_lsc_uses_the_exact_factor_at_any_confidence() -> None:
    error = precision_of(study(30, 2, 0.01)["bmd"].to_numpy().reshape(30, 2))
    for confidence in (0.8, 0.95):
        factor = np.sqrt(2) * stats.norm.ppf((1 + confidence) / 2)
        expected = factor * error.rms_sd.estimate
        assert error.lsc(confidence=confidence).estimate == pytest.approx(expected, rel=1e-14)
    assert lsc_factor(0.95) != 2.77
    assert error.lsc_percent().upper > error.lsc_percent().estimate


def test_two_scans_of_a_stable_person_differ_by_more_than_the_lsc_one_time_in_twenty() -> None:
    rng = np.random.default_rng(4)
    scans = rng.normal(0, 0.01, (200_000, 2))
    beyond = (np.abs(np.diff(scans)) > lsc_factor(0.95) * 0.01).mean()
    assert beyond == pytest.approx(0.05, abs=0.002)


def test_groups_are_checked_against_the_minimum() -> None:
    scans = pl.concat(
        [
            study(30, 2, 0.008, 1, technologist="A"),
            study(30, 2, 0.05, 2, technologist="B"),
            study(10, 2, 0.008, 3, technologist="C"),
        ]
    )
    table = precision(scans, value="bmd", by=["technologist"])
    check = check_precision(table, site="lumbar_spine")
    verdicts = dict(check.to_frame().select("technologist", "verdict").iter_rows())
    assert verdicts == {"A": "pass", "B": "fail", "C": "too_few_scans"}
    assert check.verification == "C"
    assert table["B"].df == 30
    with pytest.raises(NormError, match="no minimum for 'calcaneus'"):
        check_precision(table, site="calcaneus")


def test_every_set_of_vertebrae_has_its_own_error() -> None:
    rng = np.random.default_rng(5)
    people, columns = 40, {}
    for place, v in enumerate(("l1", "l2", "l3", "l4")):
        area = np.repeat(rng.normal(14 + place, 1, people), 2)
        bmd = np.repeat(rng.normal(0.95, 0.1, people), 2) + rng.normal(0, 0.02, 2 * people)
        columns |= {f"area_{v}": area, f"bmc_{v}": area * bmd}
    frame = pl.DataFrame({"person_id": np.repeat(np.arange(people), 2), **columns})
    table = precision_of_vertebrae(frame)
    assert len(table) == 11
    sizes = {len(str(g.group[0][1]).split()): g.rms_sd.estimate for g in table}
    assert sizes[2] > sizes[4]
    bmd = frame.select(pl.col("bmc_l1") + pl.col("bmc_l3")).to_series() / (
        frame["area_l1"] + frame["area_l3"]
    )
    by_hand = precision_of(bmd.to_numpy().reshape(people, 2)).rms_sd.estimate
    assert table["L1 L3"].rms_sd.estimate == pytest.approx(by_hand, rel=1e-12)


def test_a_missing_vertebra_leaves_its_sets_out_only() -> None:
    one = {
        f"{q}_{v}": [10.0, 10.0 + 0.1 * k]
        for k, q in enumerate(("area", "bmc"))
        for v in ("l1", "l2", "l3", "l4")
    }
    frame = pl.concat([pl.DataFrame({"person_id": [p, p], **one}) for p in ("a", "b")])
    frame = frame.with_columns(
        bmc_l4=pl.when(pl.col("person_id") == "a").then(None).otherwise(pl.col("bmc_l4"))
    )
    table = precision_of_vertebrae(frame)
    assert (table["L1 L2"].people, table["L3 L4"].people) == (2, 1)


def test_area_and_change_at_follow_up() -> None:
    scans = pl.DataFrame(
        {
            "person_id": ["a", "b", "a", "a", "b"],
            "scan_date": [2, 1, 1, 3, 2],
            "device": ["D1", "D1", "D1", "D2", "D1"],
            "bmd": [0.905, 1.0, 0.9, 0.95, 1.05],
            "area": [50.2, 60.0, 50.0, 52.0, 60.5],
        }
    )
    flagged = with_area_flag(scans, area="area")
    assert flagged["area_differs"].to_list() == [False, None, None, True, False]
    changed = with_change(scans, value="bmd", lsc={"D1": 0.03}, device="device")
    assert changed["bmd_change_class"].to_list() == [
        "no_significant_change",
        None,
        None,
        None,
        "increase",
    ]
    reasons = changed["bmd_change_reason"].to_list()
    assert reasons[3] == "other device, not cross-calibrated: a new baseline"
    across = with_change(
        scans, value="bmd", lsc={"D1": 0.03}, device="device", cross_device_lsc=0.04
    )
    assert across["bmd_change_class"][3] == "increase"
    since = with_change(scans.lazy(), value="bmd", lsc=0.03, since="previous").collect()
    assert since["bmd_change"].round(3).to_list() == [0.005, None, None, 0.045, 0.05]
    with pytest.raises(SchemaError, match="column of the device"):
        with_change(scans, value="bmd", lsc={"D1": 0.03})


def test_a_change_equal_to_the_lsc_counts() -> None:
    scans = pl.DataFrame({"person_id": ["a", "a"], "scan_date": [1, 2], "bmd": [1.0, 1.25]})
    assert with_change(scans, value="bmd", lsc=0.25)["bmd_change_class"][1] == "increase"


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64])
@pytest.mark.parametrize("lsc", [0.03, 0.041])
@pytest.mark.parametrize(
    ("beyond", "expected"),
    [(0.0, ["increase"]), (-0.001, ["no_significant_change"]), (0.001, ["increase"])],
)
def test_a_change_of_the_lsc_counts_wherever_it_starts(dtype, lsc, beyond, expected) -> None:
    # 0.900 to 0.930 is 0.03, and 0.800 to 0.830 is 0.02999999999999992.
    first = np.arange(300, 1300) / 1000
    second = (first + lsc + beyond).round(3)
    person = np.arange(1000)
    for readings, classes in (((first, second), expected), ((second, first), None)):
        scans = pl.concat(
            pl.DataFrame({"person_id": person, "scan_date": when, "bmd": bmd})
            for when, bmd in enumerate(readings)
        ).with_columns(pl.col("bmd").cast(dtype))
        changed = with_change(scans, value="bmd", lsc=lsc).filter(scan_date=1)
        mirrored = [name.replace("increase", "decrease") for name in expected]
        assert changed["bmd_change_class"].unique().to_list() == (classes or mirrored)


def test_a_reading_that_is_no_number_is_no_change() -> None:
    scans = pl.DataFrame({"person_id": ["a"] * 2, "scan_date": [1, 2], "bmd": [0.9, np.nan]})
    assert with_change(scans, value="bmd", lsc=0.03)["bmd_change_class"].to_list() == [None, None]


def test_an_area_that_differs_by_the_limit_itself_does_not_differ() -> None:
    scans = pl.DataFrame({"person_id": ["a"] * 2, "scan_date": [1, 2], "area": [50.0, 51.0]})
    assert 100 * (51 / 50 - 1) > 2  # as binary arithmetic has it
    assert with_area_flag(scans, area="area")["area_differs"].to_list() == [None, False]


def test_a_precision_error_of_the_minimum_itself_passes() -> None:
    # Each person's SD is 1.8 % of the mean, which the arithmetic misses by its rounding.
    means = np.array([0.7, 0.9, 1.1, 1.3] * 8)
    half = 0.018 * means / np.sqrt(2)
    error = precision_of(np.column_stack([means - half, means + half]))
    assert error.rms_cv_percent.estimate == pytest.approx(1.8, rel=1e-12)
    verdicts = {
        factor: check_precision(
            precision_of(np.column_stack([means - factor * half, means + factor * half])),
            site="total_hip",
        ).to_frame()["verdict"][0]
        for factor in (1 - 1e-12, 1, 1 + 1e-12, 1.001)
    }
    assert list(verdicts.values()) == ["pass", "pass", "pass", "fail"]


def test_cross_device_lsc_holds_scatter_and_precision() -> None:
    rng = np.random.default_rng(7)
    true = rng.normal(1, 0.15, 300)
    x, y = true + rng.normal(0, 0.01, 300), 1.1 * true + rng.normal(0, 0.012, 300)
    found = cross_device_lsc(deming(x, y), x_error=0.01, y_error=0.012)
    assert found.lsc == pytest.approx(1.96 * np.hypot(0.011, 0.012), rel=0.12)
    assert found.lsc >= found.from_precision


def dense_reml(values: np.ndarray, group: np.ndarray, between: float, within: float) -> float:
    """Restricted log-likelihood with the covariance matrix written out."""
    v = within**2 * np.eye(len(values)) + between**2 * (group[:, None] == group)
    weights = np.linalg.inv(v)
    mean = weights.sum(axis=0) @ values / weights.sum()
    r = values - mean
    parts = np.linalg.slogdet(v)[1] + np.log(weights.sum()) + r @ weights @ r
    return -(parts + (len(values) - 1) * np.log(2 * np.pi)) / 2


def test_variance_components_of_an_unbalanced_study_are_at_the_summit() -> None:
    table = study(30, 3, 0.02)["bmd"].to_numpy().reshape(30, 3).copy()
    table[::4, 2] = np.nan
    found = variance_components(table)
    kept = ~np.isnan(table)
    data = (table[kept], np.nonzero(kept)[0])
    best = dense_reml(*data, found.sd_between, found.sd_within)
    assert best == pytest.approx(found.log_likelihood, rel=1e-10)
    for a, b in ((1.001, 1), (0.999, 1), (1, 1.001), (1, 0.999)):
        assert dense_reml(*data, a * found.sd_between, b * found.sd_within) < best


def test_frames_of_any_kind_and_lazy_ones_give_the_same() -> None:
    scans = study(30, 2, 0.01, device="D")
    expected = precision(scans, value="bmd", by=["device"])
    for frame in (scans.lazy(), scans.to_pandas(), scans.to_arrow()):
        assert precision(frame, value="bmd", by=["device"]) == expected
    assert expected.to_frame().height == 1
    assert "RMS" in check_precision(expected, site="total_hip").to_frame()["reason"][0]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (study(5, 1, 0.01), "nobody has two readings"),
        (study(5, 2, 0.0), "constant readings: all repeats"),
        (study(5, 2, 0.01).drop("bmd"), r"columns \['bmd'\] are missing"),
    ],
)
def test_bad_input(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        precision(frame, value="bmd")


def test_readings_of_a_decimal_type_are_numbers() -> None:
    """Databases give readings as decimals, of which Polars asks no NaN."""
    scans = pl.DataFrame({"person_id": list("aabb"), "bmd": [0.90, 0.92, 1.00, 1.01]})
    decimal = scans.with_columns(pl.col("bmd").cast(pl.Decimal(6, 2)))
    of_floats, of_decimals = (precision(s, value="bmd").to_polars() for s in (scans, decimal))
    assert of_decimals.equals(of_floats)


@pytest.mark.parametrize("name", ["n", "mean", "squares"])
def test_a_name_that_the_sums_take_is_said(name):
    scans = pl.DataFrame({name: ["a", "a"], "person_id": ["x", "x"], "bmd": [0.90, 0.92]})
    for given in ({"by": [name]}, {"person": name}):
        with pytest.raises(SchemaError, match=f"{name}.*rename them"):
            precision(scans, value="bmd", **given)
