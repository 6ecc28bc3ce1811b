"""Broken files: one sentence of ours comes out, and the process lives."""

from __future__ import annotations

import gzip
import io
import signal
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyreadstat
import pytest
import xlsxwriter

import osteo_epi as oe
from osteo_epi.cohort.readers import _binary, _foreign, _guard
from osteo_epi.errors import SchemaError

FUZZ = Path(__file__).parent / "fuzz"
PEOPLE = pl.DataFrame(
    {"age": [61.0, 72.0], "sex": ["female", "male"], "abmd_femoral_neck": [0.71, 0.65]}
)
DAMAGED = "cannot be read as .* damaged or of another kind"


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


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="tells no process's time")
def test_a_process_that_waits_for_itself_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As threads do of which one died: nothing is used, and nothing comes."""
    path = tmp_path / "people.parquet"
    PEOPLE.write_parquet(path)
    oe.read(path)
    monkeypatch.setattr(_guard, "_IDLE", 0.2)
    child = _guard._child._process
    assert child is not None
    child.send_signal(signal.SIGSTOP)
    with pytest.raises(SchemaError, match=DAMAGED):
        oe.read(path)
    monkeypatch.undo()
    assert len(oe.read(path)) == 2


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


def _sound(kind: str, tmp_path: Path, **options: Any) -> bytes:
    """A small file as a statistical package writes it."""
    path = tmp_path / f"sound.{kind}"
    write = {"dta": "write_dta", "sav": "write_sav", "zsav": "write_sav", "xpt": "write_xport"}
    frame = PEOPLE.rename({"abmd_femoral_neck": "fn_bmd"}).to_pandas()
    getattr(pyreadstat, write.get(kind, "write_por"))(frame, str(path), **options)
    return path.read_bytes()


def _patched(data: bytes, at: int, form: str, number: int) -> bytes:
    return data[:at] + struct.pack(form, number) + data[at + struct.calcsize(form) :]


def _greedy_parquet(tmp_path: Path) -> bytes:
    """A footer that declares 2**37 rows in place of 12,345 that are all alike."""
    buffer = io.BytesIO()
    pl.DataFrame({"age": [61.0] * 12_345}).write_parquet(buffer, compression="uncompressed")
    data = buffer.getvalue()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    declared = data[footer:-8].replace(_varint(2 * 12_345), _varint(2 * 2**37))
    assert declared != data[footer:-8]
    return data[:footer] + declared + struct.pack("<I", len(declared)) + b"PAR1"


def _greedy_page(tmp_path: Path) -> bytes:
    """The header of a page that declares 2**30 values."""
    buffer = io.BytesIO()
    pl.DataFrame({"age": [61.0] * 12_345}).write_parquet(buffer, compression="zstd")
    data = buffer.getvalue()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    pages = data[:footer].replace(_varint(2 * 12_345), _varint(2 * 2**30)[:3], 1)
    assert pages != data[:footer]
    return pages + data[footer:]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _greedy_workbook(_tmp_path: Path) -> bytes:
    """One cell in the last row and column that a sheet may have: 17,179,869,184 cells."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, PEOPLE.columns)
        sheet.write_row(1, 0, PEOPLE.row(0))
        sheet.write(1_048_575, 16_383, 1)
    return buffer.getvalue()


def _greedy_ods(_tmp_path: Path) -> bytes:
    """A cell repeated over all columns of a row that is repeated over all rows."""
    name = "urn:oasis:names:tc:opendocument:xmlns"
    cell = (
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell '
        'office:value-type="float" office:value="1" table:number-columns-repeated="16384"/>'
        "</table:table-row>"
    )
    content = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{name}:office:1.0" '
        f'xmlns:table="{name}:table:1.0"><office:body><office:spreadsheet><table:table '
        f'table:name="a">{cell}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{name}:manifest:1.0"></manifest:manifest>',
        )
    return buffer.getvalue()


def _greedy_sas(_tmp_path: Path) -> bytes:
    data = gzip.decompress((FUZZ / "seeds" / "iris.sas7bdat.gz").read_bytes())
    assert struct.pack("<Q", 150) in data
    return data.replace(struct.pack("<Q", 150), struct.pack("<Q", 2**40))


def _greedy_page_size(_tmp_path: Path) -> bytes:
    data = gzip.decompress((FUZZ / "seeds" / "iris.sas7bdat.gz").read_bytes())
    return _patched(_patched(data, 200, "<I", 2**32 - 1), 204, "<Q", 2**40)


GREEDY: dict[str, Callable[[Path], bytes]] = {
    "rows.parquet": _greedy_parquet,
    "page.parquet": _greedy_page,
    "cells.xlsx": _greedy_workbook,
    "cells.ods": _greedy_ods,
    "rows.sas7bdat": _greedy_sas,
    "pages.sas7bdat": _greedy_page_size,
    "rows.dta": lambda folder: _greedy_stata(folder, 15, b"<N>", "<Q", 2**45),
    "columns.dta": lambda folder: _greedy_stata(folder, 14, b"<K>", "<H", 2**16 - 1),
    "old.dta": lambda folder: _patched(_sound("dta", folder, version=8), 6, "<i", 2**31 - 1),
    "rows.sav": lambda folder: _patched(_sound("sav", folder), 80, "<i", 2**31 - 1),
    "columns.sav": lambda folder: _patched(_sound("sav", folder), 68, "<i", 2**31 - 1),
    "rows.zsav": lambda folder: _patched(
        _sound("zsav", folder, compress=True), 80, "<i", 2**31 - 1
    ),
    "blocks.zsav": lambda folder: _greedy_blocks(_sound("zsav", folder, compress=True)),
    "columns.xpt": lambda folder: _sound("xpt", folder).replace(
        b"0" * 6 + b"0003", b"0" * 6 + b"9999"
    ),
    "columns.por": lambda folder: _sound("por", folder).replace(b"43/", b"4ZZZZZ/"),
}


def _greedy_stata(folder: Path, version: int, mark: bytes, form: str, number: int) -> bytes:
    data = _sound("dta", folder, version=version)
    return _patched(data, data.index(mark) + 3, form, number)


def _greedy_blocks(data: bytes) -> bytes:
    """The trailer's number of blocks and the first block's uncompressed size."""
    return _patched(_patched(data, len(data) - 28, "<i", 2**31 - 1), len(data) - 8, "<i", 2**31 - 1)


@pytest.mark.parametrize("name", GREEDY)
def test_a_file_that_asks_for_more_than_there_is(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(GREEDY[name](tmp_path))
    said = ""
    try:
        cohort = oe.read(path)
    except SchemaError as error:
        said = str(error)
    else:  # the reader goes by what is there, not by what is declared
        assert len(cohort.frame) <= 12_345
    assert "\n" not in said
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("heading", ["age", "abmd_femoral_neck"])
def test_a_column_left_as_it_is_takes_no_name_that_is_there(heading: str) -> None:
    beside = {f"{heading} (file)": pl.Series(["a", "b"])}
    cohort = oe.read(PEOPLE.with_columns(**beside), map={heading: None})
    assert cohort.frame[f"{heading} (file)"].to_list() == ["a", "b"]
    assert cohort.frame[f"{heading} (file) (file)"].to_list() == PEOPLE[heading].to_list()


def _por_with_nul(folder: Path) -> bytes:
    data = _sound("por", folder)
    return data[:567] + b"\x00" + data[568:]


def _xlsx_without_sheets(_folder: Path) -> bytes:
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{name}"><sheets/></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", "<Relationships/>")
    return buffer.getvalue()


def _xlsx_of_shifted_texts(folder: Path) -> bytes:
    """A text of the workbook's list is lost: each behind it would stand in cells of another."""
    PEOPLE.write_excel(folder / "sound.xlsx")
    buffer = io.BytesIO()
    with zipfile.ZipFile(folder / "sound.xlsx") as sound, zipfile.ZipFile(buffer, "w") as archive:
        for name in sound.namelist():
            data = sound.read(name)
            if name.endswith("sharedStrings.xml"):
                *first, before, last, _ = data.split(b"</si>")
                texts = (*first, before + b"<\n>" + last, b"<si><t>female</t>", b"</sst>")
                data = b"</si>".join(texts)
            archive.writestr(name, data)
    return buffer.getvalue()


def _xls_without_sheets(_folder: Path) -> bytes:
    """The stream of the workbook ends before the record of its first sheet."""
    data = gzip.decompress((FUZZ / "seeds" / "people.xls.gz").read_bytes())
    at = data.index(struct.pack("<H", 0x85), 512)
    return data[:at] + struct.pack("<HH", 0x0A, 0) + data[at + 4 :]


BROKEN: dict[str, Callable[[Path], bytes]] = {
    "nul.por": _por_with_nul,
    "name.xpt": lambda folder: _sound("xpt", folder).replace(b"fn_bmd", b"fn\x02bmd"),
    "none.xlsx": _xlsx_without_sheets,
    "texts.xlsx": _xlsx_of_shifted_texts,
    "none.xls": _xls_without_sheets,
    "returns.csv": lambda _: b'age,sex\r"61\r,female\r\r70",male\r\n1,2\r',
    "nul.csv": lambda _: b"age,sex\n6\x001,female\n",
    "quote.csv": lambda _: b'age,sex\n"61,female\n70,male\n',
    "long.csv": lambda _: b"age," + b"x" * 200_000 + b"\n61,1\n",
    "empty.parquet": lambda _: b"PAR1PAR1",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_one_line(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(BROKEN[name](tmp_path))
    with pytest.raises(SchemaError, match=rf"\A{name}[^\n]*\Z"):
        oe.read(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("variable", ["postmenopausal", "pregnant", "sex", "age", "scan_date"])
def test_a_column_without_a_value_and_a_type_is_checked(variable: str) -> None:
    people = PEOPLE.with_columns(pl.lit(None).alias(variable))
    assert all(finding.fix for finding in oe.check(people).errors)


def test_labels_stay_with_a_column_that_is_renamed(tmp_path, monkeypatch):
    frame = pl.DataFrame({"^v4$": [1, 2], "age": [61.0, 70.0]})
    said = {"labels": {"^v4$": {"1": "male", "2": "female"}}, "titles": {"^v4$": "Sex"}}
    monkeypatch.setattr(_binary, "foreign", lambda *_, **__: ([frame], said))
    path = tmp_path / "clinic.sas7bdat"
    path.write_bytes(b"")
    people = oe.read(path, source="sas")
    assert people["sex"].to_list() == ["male", "female"]


@pytest.mark.parametrize("heading", ["*", "^.*$"])
def test_a_heading_that_stands_for_several_names_is_one_column(tmp_path, heading):
    path = tmp_path / "clinic.csv"
    path.write_text(f"age,sex,{heading}\n61,F,0.5\n70,M,\n", encoding="utf-8")
    people = oe.read(path)
    assert people[f"column {heading}"].to_list() == [0.5, None]
    assert people.findings.of("renamed_heading")[0].column == heading
    frame = pl.read_csv(path)
    frame.write_parquet(tmp_path / "clinic.parquet")
    assert f"column {heading}" in oe.read(tmp_path / "clinic.parquet").columns
