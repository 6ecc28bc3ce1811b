"""The same run made again writes the same files, but for those that say when it was made."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

from osteo_epi.cohort import simulate
from osteo_epi.files import undated
from osteo_epi.report import run
from osteo_epi.tables import JournalTable, table_one

DATED = {
    "manifest.json",
    *(f"report.{ending}" for ending in ("html", "pdf", "docx")),
    *(f"tables/manifest.{ending}" for ending in ("csv", "xlsx")),
}
"""The manifest states the time of the run, and a report has the manifest in it."""


def made(folder: Path, **more: object) -> dict[str, str]:
    """SHA-256 of each file of a run of everything there is, by its name within the folder."""
    file = folder / "people.csv"
    simulate(120, seed=4).frame.write_csv(file)
    run(
        file, out=folder / "out", reference="zhang_2007", accept_errors=True, overwrite=True,
        pdf=True, docx=True, **more,
    )  # fmt: skip
    files = [path for path in (folder / "out").rglob("*") if path.is_file()]
    return {
        path.relative_to(folder / "out").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.OsteoEpiWarning")
def test_a_run_made_again_writes_the_same_files(tmp_path, monkeypatch):
    """At two moments: now, and seconds later with another one stated."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    now = made(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    stated = made(tmp_path)
    assert set(now) == set(stated) > DATED
    assert {name for name in now if now[name] != stated[name]} == DATED
    assert '"created": "2023-11-14T22:13:20+00:00"' in (tmp_path / "out/manifest.json").read_text()


@pytest.mark.filterwarnings("ignore::osteo_epi.errors.OsteoEpiWarning")
@pytest.mark.parametrize("stated", ["", "soon", "-5", "9" * 30])
def test_a_moment_that_is_none_is_not_taken(tmp_path, monkeypatch, stated):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", stated)
    file = tmp_path / "people.csv"
    simulate(60, seed=4).frame.write_csv(file)
    result = run(file, reference="zhang_2007", report=False, accept_errors=True)
    created = dt.datetime.fromisoformat(result.manifest["created"])
    assert abs(created - dt.datetime.now(dt.UTC)) < dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def table() -> JournalTable:
    return table_one(pl.DataFrame({"age": [61.0, 70.0], "sex": ["female", "male"]}))


@pytest.mark.parametrize("ending", ["xlsx", "docx"])
def test_a_table_saved_states_no_moment(tmp_path, table, ending):
    data = table.save(tmp_path / f"table.{ending}").read_bytes()
    assert undated(data) == data
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"<dcterms:" not in parts.read("docProps/core.xml")
