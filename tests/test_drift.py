"""Phantom series: charts, steps, decisions; on simulated and on real phantom readings."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from osteo_epi.calibration import (
    Decision,
    Decisions,
    change_points,
    decide,
    precision,
    signals,
    steps_at_events,
    with_control_chart,
)
from osteo_epi.errors import SchemaError


def series(n: int, *, step: float = 0.0, at: int = 0, seed: int = 0, device: str = "D1"):
    rng = np.random.default_rng(seed)
    values = 1.0 + rng.normal(0, 0.004, n)
    values[at:] += step
    days = [date(2024, 1, 1) + timedelta(days=k) for k in range(n)]
    return pl.DataFrame({"device": device, "scan_date": days, "bmd": values})


def loop_cusum(z: np.ndarray, k: float) -> list[float]:
    out, total = [], 0.0
    for value in z:
        total = max(0.0, total + value - k)
        out.append(total)
    return out


def test_the_cusum_without_a_loop_is_the_tabular_one() -> None:
    two = pl.concat([series(80, seed=1), series(60, seed=2, device="D2")])
    chart = with_control_chart(two, value="bmd")
    for device in ("D1", "D2"):
        one = chart.filter(pl.col("device") == device)
        z = one["chart_z"].to_numpy()
        assert one["cusum_high"].to_numpy() == pytest.approx(loop_cusum(z, 0.5), abs=1e-9)
        assert one["cusum_low"].to_numpy() == pytest.approx(loop_cusum(-z, 0.5), abs=1e-9)


def test_shewhart_rules_worked_by_hand() -> None:
    base = [0.99, 1.01] * 5  # mean 1, SD 0.010541
    z = [4.0, 0.0, 0.0, 2.5, 0.0, 2.5, 0.0, -1.5, -1.5, 0.5, -1.5, -1.5] + [0.2] * 8
    values = base + [1 + v * np.std(base, ddof=1) for v in z]
    frame = pl.DataFrame({"device": "D", "scan_date": range(len(values)), "bmd": values})
    found = with_control_chart(frame, value="bmd", baseline=10)["shewhart"].to_list()[10:]
    assert found[0] == "beyond_3_sd"
    assert found[5] == "two_of_three_beyond_2_sd"
    assert found[11] == "four_of_five_beyond_1_sd"
    assert found[-1] == "eight_on_one_side"
    assert found[2] is None
    assert found[-2] is None


def test_a_shift_of_one_sd_is_found_within_a_month_and_its_onset_is_near() -> None:
    frame = series(200, step=0.006, at=100, seed=3)
    chart = with_control_chart(frame, value="bmd", baseline=60)
    row = signals(chart).to_frame().row(0, named=True)
    start = date(2024, 1, 1) + timedelta(days=100)
    assert start <= row["first_signal"] <= start + timedelta(days=30)
    assert abs((row["onset"] - start).days) <= 10
    assert row["direction"] == "up"


def test_a_quiet_series_gives_no_signal_and_null_onset() -> None:
    steady = [0.998, 1.002, 1.001, 0.999] * 15
    frame = pl.DataFrame({"device": "D", "scan_date": range(60), "bmd": steady})
    row = signals(with_control_chart(frame, value="bmd", baseline=40)).to_frame()
    assert row["cusum_signals"].to_list() == [0]
    assert row["onset"].to_list() == [None]


def test_the_chart_of_a_lazy_frame_is_that_of_the_eager_one() -> None:
    frame = pl.concat([series(50, seed=1), series(50, seed=2, device="D2")]).sample(
        fraction=1, shuffle=True, seed=1
    )
    eager = with_control_chart(frame, value="bmd", limit_percent=1.5)
    lazy = with_control_chart(frame.lazy(), value="bmd", limit_percent=1.5)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), eager, rel_tol=1e-9, abs_tol=1e-9)
    assert eager["beyond_percent"].dtype == pl.Boolean


def test_change_points_find_two_steps_and_none_in_noise() -> None:
    values = series(150, step=0.012, at=60, seed=7)["bmd"].to_numpy().copy()
    values[110:] -= 0.02
    found = change_points(values, seed=1)
    assert [abs(s.index - e) <= 2 for s, e in zip(found, (60, 110), strict=True)] == [True, True]
    assert found[0].change.compatible_with(0.012)
    empty = [len(change_points(series(60, seed=s)["bmd"], permutations=199)) for s in range(40)]
    assert sum(n > 0 for n in empty) <= 3


def test_steps_at_known_events() -> None:
    frame = series(90, step=0.015, at=30, seed=8)
    events = [date(2024, 1, 31), date(2024, 3, 1)]
    steps = steps_at_events(frame["bmd"], at=frame["scan_date"], events=events)
    assert [s.n_before for s in steps] == [30, 30]
    assert steps[0].change.compatible_with(0.015)
    assert steps[1].change.compatible_with(0.0)
    assert steps.to_frame()["kind"].to_list() == ["event", "event"]


def test_a_decision_is_made_printed_and_applied() -> None:
    frame = series(90, step=0.015, at=30, seed=8)
    events = [date(2024, 1, 31), date(2024, 3, 1)]
    steps = steps_at_events(frame["bmd"], at=frame["scan_date"], events=events)
    decisions = decide(steps, device="D1", threshold_percent=1.0, reason="software 13.6")
    assert [d.action for d in decisions] == ["correct", "decline"]
    text = str(decisions)
    assert "D1: correct, from 2024-01-31 to the end" in text
    assert "software 13.6; below the threshold of 1.0 %" in text
    corrected = decisions.apply(frame, columns=["bmd"])
    late = pl.col("scan_date") >= events[0]
    means = [corrected.filter(part)["bmd"].mean() for part in (~late, late)]
    assert means[0] == pytest.approx(means[1], rel=2e-3)
    assert corrected.filter(~late)["drift_factor"].unique().to_list() == [1.0]
    other = frame.with_columns(device=pl.lit("D2"))
    assert decisions.apply(other, columns=["bmd"])["bmd"].equals(frame["bmd"])
    pandas = decisions.apply(frame.to_pandas(), columns=["bmd"])
    assert pandas["bmd"].to_numpy() == pytest.approx(corrected["bmd"].to_numpy())


@pytest.mark.parametrize("level", [1.0, 0.97, 0.83, 110.0])
@pytest.mark.parametrize("percent", [1.5, -1.5])
def test_a_step_of_the_threshold_itself_is_corrected(level: float, percent: float) -> None:
    noise = np.array([0.001, -0.001, 0.0, 0.001, -0.001]) * level
    after = level * (1 + percent / 100)
    steps = steps_at_events([*(level + noise), *(after + noise)], at=range(10), events=[5])
    assert steps[0].change_percent == pytest.approx(percent, rel=1e-9)
    for threshold, action in ((1.5, "correct"), (1.501, "decline")):
        decisions = decide(steps, device="D", threshold_percent=threshold)
        assert decisions.to_frame()["action"].to_list() == [action]


def test_a_reading_on_a_limit_is_not_beyond_it() -> None:
    # Mean 1, SD 0.01; then three SD up to the rounding, and 1.5 % up to the rounding.
    base = [0.99, 1.0, 1.01]
    series = pl.DataFrame(
        {"device": ["D"] * 5, "scan_date": range(5), "bmd": [*base, 1.01 + 0.02, 0.985]}
    )
    chart = with_control_chart(series, value="bmd", baseline=3, limit_percent=1.5)
    assert chart["chart_z"][3] == pytest.approx(3)
    assert chart["shewhart"].to_list()[3] is None
    assert chart["beyond_percent"].to_list() == [False, False, False, True, False]
    # Readings at the mean lie on neither side, whatever the rounding of the mean says.
    even = pl.DataFrame(
        {"device": ["D"] * 14, "scan_date": range(14), "bmd": [0.1, 0.3, 0.2] + [0.2] * 11}
    )
    assert with_control_chart(even, value="bmd", baseline=3)["shewhart"].null_count() == 14


def test_several_steps_of_one_device_all_return_to_the_first_level() -> None:
    frame = pl.DataFrame({"device": "D", "scan_date": range(9), "bmd": [1.0] * 3 + [2.0] * 6})
    frame = frame.with_columns(bmd=pl.when(pl.col("scan_date") >= 6).then(4.0).otherwise("bmd"))
    decisions = Decisions(
        (
            Decision("D", "correct", 3, None, 0.5, 100.0, "first"),
            Decision("D", "correct", 6, None, 0.5, 100.0, "second"),
        )
    )
    assert decisions.apply(frame, columns=["bmd"])["bmd"].to_list() == [1.0] * 9
    ended = Decisions((Decision("D", "correct", 3, 6, 0.5, 100.0, "until repaired"),))
    assert ended.apply(frame, columns=["bmd"])["bmd"].to_list() == [1.0] * 6 + [4.0] * 3


def test_real_phantom_readings_go_through_precision_and_steps(shared) -> None:
    readings = pl.read_csv(shared / "data/phantom/qc1.csv", try_parse_dates=True)
    table = precision(
        readings.with_columns(scan=pl.concat_str("site", "section", "timePoint", separator="/")),
        person="scan",
        value="value",
        by=["scanner"],
    )
    assert {g.group[0][1] for g in table} == {"XCT1", "XCT2"}
    assert all(0.1 < g.rms_sd.estimate < 10 for g in table)
    dense = readings.filter(pl.col("section").cast(pl.String) == "4", pl.col("site") == "Montreal")
    dense = dense.sort("scanDate", "replicateSet")
    days = dense["scanDate"].unique().sort()
    steps = steps_at_events(dense["value"], at=dense["scanDate"], events=days[1:].to_list())
    assert len(steps) == len(days) - 1
    assert all(abs(s.change_percent) < 5 for s in steps)
    decisions = decide(steps, device="Montreal", threshold_percent=1.0)
    corrected = decisions.apply(dense, columns=["value"], device="site", date="scanDate")
    assert corrected.height == dense.height


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (series(20), "no more readings than the baseline of 25"),
        (series(40).with_columns(bmd=pl.lit(1.0)), "constant readings: the baseline of 1 series"),
        (series(40).with_columns(bmd=pl.lit(None, dtype=pl.Float64)), "40 phantom readings are"),
        (series(40).drop("device"), r"columns \['device'\] are missing"),
    ],
)
def test_bad_series(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        with_control_chart(frame, value="bmd")


def test_two_constant_periods_differ_by_a_step_without_error() -> None:
    step = steps_at_events([1.0, 1, 1, 2, 2, 2], at=range(6), events=[3])[0]
    assert (step.change.estimate, step.change.lower, step.change.upper, step.p) == (1, 1, 1, 0)
    unmoved, moved = steps_at_events([1.0, 1, 1, 1, 2, 2], at=range(6), events=[2, 4])
    assert (unmoved.p, moved.p) == (1, 0)


@pytest.mark.parametrize("values", [[-1.0, 0, 1, 2, 3, 4], [2.0, 3, 4, -1, 0, 1]])
def test_no_step_is_a_share_of_zero(values: list[float]) -> None:
    with pytest.raises(SchemaError, match=r"mean of zero.*holds mineral"):
        steps_at_events(values, at=range(6), events=[3])


def test_a_reading_that_is_no_number_is_missing_from_the_chart() -> None:
    frame = pl.DataFrame(
        {"device": ["D"] * 5, "scan_date": range(5), "bmd": [1.0, 2, 3, np.nan, 2]}
    )
    with pytest.raises(SchemaError, match="1 phantom readings are missing"):
        with_control_chart(frame, value="bmd", baseline=3)


def test_bad_steps() -> None:
    with pytest.raises(SchemaError, match="1 of the periods between 1 events"):
        steps_at_events([1.0, 1.1, 1.2, 1.3], at=range(4), events=[3])
    with pytest.raises(SchemaError, match="constant readings: all 20"):
        change_points([1.0] * 20)
    with pytest.raises(SchemaError, match="at least 10 are needed"):
        change_points([1.0, 1.1, 1.2])
