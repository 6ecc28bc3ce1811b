"""Libraries that write office files, loaded only when one is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from osteo_epi.errors import OutputError


def library(name: str, path: Path) -> ModuleType:
    """Load a library.

    Raises
    ------
    OutputError
        If it is not installed; the message names it.
    """
    try:
        return import_module(name)
    except ImportError:
        package = {"docx": "python-docx"}.get(name, name)
        raise OutputError(f"{path.suffix} files need {package}; install {package}") from None
