"""One file, written whole: a reader never meets half of one."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from osteo_epi.errors import OutputError


def write_beside(target: Path, data: bytes) -> None:
    """Replace one file whole.

    Raises
    ------
    OutputError
        If its folder cannot be written to.
    """
    partial = target.with_name(f".{target.name}.{uuid4().hex[:8]}.partial")
    try:
        partial.write_bytes(data)
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {target.name}: {error.strerror or type(error).__name__}"
        ) from error
