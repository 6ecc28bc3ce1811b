"""Broken files: one sentence of ours comes out, and the process lives."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import osteo_epi as oe
from osteo_epi.cohort.readers import _foreign, _guard
from osteo_epi.errors import SchemaError

PEOPLE = pl.DataFrame(
    {"age": [61.0, 72.0], "sex": ["female", "male"], "abmd_femoral_neck": [0.71, 0.65]}
)
DAMAGED = "cannot be read as .* damaged or of another kind"


def refused(path: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """The one line with which a file is refused; nothing else is printed."""
    with pytest.raises(oe.SchemaError) as raised:
        oe.read(path)
    message = str(raised.value)
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")
    return message


def test_a_panic_is_a_schema_error(capfd: pytest.CaptureFixture[str]) -> None:
    class Panic(BaseException):
        pass

    def panic() -> None:
        _guard.os.write(2, b"thread panicked at ...")
        raise Panic

    with pytest.raises(SchemaError, match=r"a\.csv cannot be read"):
        _guard.guarded(panic, Path("a.csv"), "csv")
    assert capfd.readouterr() == ("", "")


def test_what_a_reader_prints_without_failing_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    _guard.guarded(lambda: _guard.os.write(2, b"deprecated"), Path("a.csv"), "csv")
    assert capfd.readouterr().err == "deprecated"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_passed_on(error: type[BaseException]) -> None:
    def interrupted() -> None:
        raise error

    with pytest.raises(error):
        _guard.guarded(interrupted, Path("a.csv"), "csv")


def test_want_of_memory_is_said() -> None:
    def greedy() -> None:
        raise MemoryError

    with pytest.raises(SchemaError, match="more memory than there is"):
        _guard.guarded(greedy, Path("a.csv"), "csv")


def test_the_process_that_reads_may_die(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    PEOPLE.write_parquet(path)
    assert len(oe.read(path).frame) == 2
    child = _guard._child._process
    assert child is not None
    child.kill()
    child.wait()
    assert len(oe.read(path).frame) == 2
    assert _guard._child._process is not child


def test_one_process_serves_all_files(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    PEOPLE.write_parquet(path)
    oe.read(path)
    child = _guard._child._process
    path.write_bytes(b"PAR1nonsense")
    with pytest.raises(SchemaError, match=DAMAGED):
        oe.read(path)
    assert _guard._child._process is child


def test_without_a_child_the_file_is_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    PEOPLE.write_parquet(path)
    monkeypatch.setattr(_guard, "_child", _guard._Child())
    monkeypatch.setattr(_guard.sys, "executable", "")
    assert len(oe.read(path).frame) == 2
    path.write_bytes(b"PAR1nonsense")
    with pytest.raises(SchemaError, match=DAMAGED):
        oe.read(path)


def test_frames_come_through_the_pipe_as_they_were() -> None:
    frame = PEOPLE.with_columns(
        pl.col("sex").cast(pl.Categorical), day=pl.date(2019, 3, 5), list=pl.concat_list("age")
    )
    assert pl.read_ipc(_foreign.packed(frame)).equals(frame)


LARGE = {
    "float": pl.Series([1e20, 1e300, float("inf")]),
    "date": pl.Series([2**31 - 1, -(2**31), 0], dtype=pl.Int32).cast(pl.Date),
    **{
        f"{unit} {zone}": pl.Series([2**63 - 1, -(2**63) + 1, 0]).cast(pl.Datetime(unit, zone))
        for unit in ("ms", "us", "ns")
        for zone in (None, "Asia/Shanghai")
    },
    "time": pl.Series(pa.array([2**63 - 1, -1, 0], pa.int64()).view(pa.time64("ns"))),
    "text": pl.Series(["99999999", "262143-12-31", "-262144-01-01"]),
}


@pytest.mark.parametrize("variable", ["scan_date", "age", "person_id", "stratum", "remark"])
@pytest.mark.parametrize("kind", LARGE)
def test_a_date_out_of_every_calendar_is_null(
    kind: str, variable: str, capfd: pytest.CaptureFixture[str]
) -> None:
    people = pl.DataFrame({"age": [61.0, 72.0, 80.0], "t_score_total_hip": [-1.0, -2.0, -3.0]})
    try:
        frame = oe.read(people.with_columns(LARGE[kind].alias(variable))).frame
    except oe.SchemaError:
        assert variable == "age"
    else:
        if "scan_date" in frame.columns:
            assert frame["scan_date"].dt.year().drop_nulls().is_between(1980, 2100).all()
    assert capfd.readouterr() == ("", "")


def test_dates_out_of_the_calendar_are_counted() -> None:
    people = pl.DataFrame({"age": [61.0, 72.0], "scan_date": pl.Series([18_000, 2**31 - 1])})
    cohort = oe.read(people.with_columns(pl.col("scan_date").cast(pl.Int32).cast(pl.Date)))
    (finding,) = cohort.findings.of("not_dates")
    assert (finding.n, finding.column) == (1, "scan_date")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_every_end_of_line_is_read(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(PEOPLE.write_csv(line_terminator=end).encode())
    assert oe.read(path).frame.equals(oe.read(PEOPLE).frame)


def test_a_table_without_headings_shows_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(PEOPLE.write_csv(include_header=False).encode())
    with pytest.raises(SchemaError, match="first row looks like values") as raised:
        oe.read(path)
    assert "0.71" not in str(raised.value)
