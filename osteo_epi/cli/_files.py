"""The one file that a command writes: refused beforehand, or written whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from osteo_epi.errors import OutputError
from osteo_epi.files import write_beside
from osteo_epi.visible import csv_bytes


def check_target(
    out: str, overwrite: bool, endings: tuple[str, ...] = (".parquet", ".csv")
) -> None:
    """Refuse a file before any work is spent on it.

    Raises
    ------
    OutputError
        If its ending says no known kind of file, or it is there already.
    """
    path = Path(out)
    if path.suffix.lower() not in endings:
        raise OutputError(f"{path.name}: give the file an ending of {' or '.join(endings)}")
    if path.exists() and not overwrite:
        raise OutputError(f"{path.name} exists already; name another file, or give --overwrite")


def write_frame(frame: Any, out: str, *, label: str) -> None:
    """Write people or findings whole; Parquet carries the label in its metadata.

    In CSV a text that a spreadsheet would compute has an apostrophe before it.
    """
    buffer = io.BytesIO()
    if out.lower().endswith(".csv"):
        buffer.write(csv_bytes(frame))
    else:
        frame.write_parquet(buffer, metadata={"osteo_epi": label})
    write_beside(Path(out), buffer.getvalue())
