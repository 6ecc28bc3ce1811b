"""Daily phantom readings against their own baseline: Shewhart's rules and the tabular CUSUM.

Written as Polars expressions, so that a lazy frame of any length streams. The CUSUM with its floor
at zero, S = max(0, S + z − k), equals the running sum minus its running minimum, which needs no
loop over readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars, in_callers_kind, of_queries, refuse_words
from osteo_epi.norms import READING_TOLERANCE, T_TOLERANCE, rises_above
from osteo_epi.results import Result

# Western Electric (1956): how many of the last readings lie beyond how many SD, on one side.
RULES = {
    "beyond_3_sd": (1, 1, 3.0),
    "two_of_three_beyond_2_sd": (2, 3, 2.0),
    "four_of_five_beyond_1_sd": (4, 5, 1.0),
    "eight_on_one_side": (8, 8, 0.0),
}


@of_queries
def with_control_chart(
    readings: Any,
    *,
    value: str,
    by: Sequence[str] = ("device",),
    date: str = "scan_date",
    baseline: int = 25,
    k: float = 0.5,
    h: float = 5.0,
    limit_percent: float | None = None,
) -> Any:
    """Add Shewhart signals and a CUSUM to phantom series.

    Parameters
    ----------
    readings
        A frame of any kind (lazy: streams), one row a phantom scan.
    value, date
        Columns of the reading and of what orders the readings.
    by
        Columns that make one series (device, phantom section, …).
    baseline
        The first readings of each series, that set its mean and SD. A series that has drifted
        already is not in control: look at the chart.
    k
        Reference value of the CUSUM [SD]: half the shift that is to be found.
    h
        Decision limit of the CUSUM [SD]. k = 0.5, h = 5: a false alarm every 465 readings, a
        shift of one SD found after about 10.
    limit_percent
        Flag readings further than this from the baseline mean [%]; none by default.

    Returns
    -------
    frame
        With `baseline_mean`, `baseline_sd`, `chart_z` [SD], `shewhart` (names of the rules
        broken, null in control), `cusum_high`, `cusum_low` [SD], `cusum_signal` (Boolean) and,
        if asked for, `beyond_percent`.

    Notes
    -----
    The CUSUM goes on after a signal. With few baseline readings the SD is itself uncertain, and
    false alarms come more often than said. Lucas & Crosier 1982, Technometrics 24:199–205.

    Examples
    --------
    >>> series = pl.DataFrame({"device": ["D"] * 8, "scan_date": range(8),
    ...                        "bmd": [1.00, 1.01, 0.99, 1.00, 1.00, 1.05, 1.05, 1.06]})
    >>> chart = with_control_chart(series, value="bmd", baseline=5)
    >>> chart["cusum_signal"].to_list()
    [False, False, False, False, False, True, True, True]
    """
    frame, restore = as_polars(readings)
    _check(frame.lazy(), value, by, date, baseline)
    first = pl.col(value).head(baseline)
    scaled = frame.sort(*by, date, maintain_order=True).with_columns(
        baseline_mean=first.mean().over(by), baseline_sd=first.std().over(by)
    )
    z = (pl.col(value) - pl.col("baseline_mean")) / pl.col("baseline_sd")
    chart = scaled.with_columns(chart_z=z).with_columns(
        shewhart=_shewhart(by), cusum_high=_cusum(1, k, by), cusum_low=_cusum(-1, k, by)
    )
    signal = _beyond(pl.col("cusum_high"), h) | _beyond(pl.col("cusum_low"), h)
    chart = chart.with_columns(cusum_signal=signal)
    if limit_percent is not None:
        away = 100 * (pl.col(value) / pl.col("baseline_mean") - 1)
        far = rises_above(away.abs(), limit_percent, by=100 * READING_TOLERANCE)
        chart = chart.with_columns(beyond_percent=far)
    return restore(chart)


@dataclass(frozen=True, repr=False)
class Signals(Result):
    """For each series: readings, signals of either kind, and where the first shift began."""

    table: pl.DataFrame

    def to_polars(self) -> pl.DataFrame:
        """One row per series."""
        return self.table

    def _summary(self) -> str:
        shown = int((self.table["cusum_signals"] > 0).sum())
        return f"CUSUM signals in {shown} of {self.table.height} series"


@in_callers_kind
def signals(
    chart: Any, *, by: Sequence[str] = ("device",), date: str = "scan_date", h: float = 5.0
) -> Signals:
    """Summarise a control chart: how many signals, the first, its onset and size.

    Parameters
    ----------
    chart
        What `with_control_chart` gave.
    by, date, h
        As given there.

    Returns
    -------
    Signals
        `onset` is the date of the reading at which the CUSUM that signals first left zero for
        the last time; `shift_sd` the mean z from there to the signal.

    Examples
    --------
    >>> series = pl.DataFrame({"device": ["D"] * 8, "scan_date": range(8),
    ...                        "bmd": [1.00, 1.01, 0.99, 1.00, 1.00, 1.05, 1.05, 1.06]})
    >>> signals(with_control_chart(series, value="bmd", baseline=5)).to_frame()["onset"].to_list()
    [5]
    """
    frame = as_polars(chart)[0].lazy().collect()
    rows = [
        {**dict(zip(by, key, strict=True)), **_first_signal(group.sort(date), date, h)}
        for key, group in frame.group_by(by, maintain_order=True)
    ]
    return Signals(pl.DataFrame(rows, infer_schema_length=None).sort(by))


def _beyond(value: Any, limit: float) -> Any:
    """Whether an expression or a number [SD] lies above a limit, and not on it."""
    return rises_above(value, limit, by=T_TOLERANCE)


def _shewhart(by: Sequence[str]) -> pl.Expr:
    """Names of the rules that a reading breaks, joined; null where none."""
    broken = []
    for name, (least, window, sd) in RULES.items():
        sides = [
            _beyond(sign * pl.col("chart_z"), sd)
            .cast(pl.Int32)
            .rolling_sum(window, min_samples=1)
            .over(by)
            >= least
            for sign in (1, -1)
        ]
        broken.append(pl.when(sides[0] | sides[1]).then(pl.lit(name)))
    joined = pl.concat_str(broken, separator=", ", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def _cusum(sign: int, k: float, by: Sequence[str]) -> pl.Expr:
    total = (sign * pl.col("chart_z") - k).cum_sum()
    lowest = pl.min_horizontal(total.cum_min(), pl.lit(0.0))
    return (total - lowest).over(by)


def _first_signal(series: pl.DataFrame, date: str, h: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "readings": len(series),
        "shewhart_signals": series["shewhart"].drop_nulls().len(),
        "cusum_signals": int(series["cusum_signal"].sum()),
    }
    hit = series["cusum_signal"].arg_max() if row["cusum_signals"] else None
    if hit is None:
        return row | {"onset": None, "first_signal": None, "direction": None, "shift_sd": None}
    side = "cusum_high" if _beyond(series["cusum_high"][hit], h) else "cusum_low"
    quiet = series.head(hit + 1).select(~_beyond(pl.col(side), 0.0)).to_series().arg_true()
    start = int(quiet[-1]) + 1 if len(quiet) else 0
    return row | {
        "onset": series[date][start],
        "first_signal": series[date][hit],
        "direction": "up" if side == "cusum_high" else "down",
        "shift_sd": series["chart_z"][start : hit + 1].mean(),
    }


def _check(frame: pl.LazyFrame, value: str, by: Sequence[str], date: str, baseline: int) -> None:
    there = frame.collect_schema().names()
    absent = [name for name in (value, date, *by) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; there are {there}")
    refuse_words(frame.collect_schema(), [value], purpose="a control chart")
    if baseline < 3:
        raise SchemaError("a baseline needs at least three readings; 25 is usual")
    reading = pl.col(value).cast(pl.Float64).fill_nan(None)
    firsts = reading.sort_by(date).head(baseline)
    state = (
        frame.group_by(by)
        .agg(n=pl.len(), lost=reading.null_count(), sd=firsts.std())
        .select(
            short=(pl.col.n <= baseline).sum(), lost=pl.col.lost.sum(), flat=(pl.col.sd == 0).sum()
        )
        .collect(engine="streaming")
    )
    short, lost, flat = state.row(0)
    if lost:
        raise SchemaError(f"{lost} phantom readings are missing in {value!r}; leave them out first")
    if short:
        raise SchemaError(
            f"{short} series have no more readings than the baseline of {baseline}; give a shorter "
            "baseline, or more readings"
        )
    if flat:
        raise SchemaError(
            f"constant readings: the baseline of {flat} series does not vary; is the column the "
            "phantom's nominal value?"
        )
