"""Notebooks as tests see them: read, run anew with other parameters, and what their cells show."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def stored(name: str) -> Any:
    """A notebook as it lies in its folder."""
    return nbformat.read(str(NOTEBOOKS / f"{name}.ipynb"), as_version=4)


def executed(name: str, folder: Path, **parameters: Any) -> Any:
    """A notebook after a run in a folder of its own, its last parameters replaced by these."""
    book = stored(name)
    (cell,) = [c for c in book.cells if "parameters" in c.metadata.get("tags", ())]
    cell.source += "".join(f"\n{word} = {value!r}" for word, value in parameters.items())
    place = {"metadata": {"path": str(folder)}}
    with warnings.catch_warnings():
        # The kernel client's own, about event loops and sockets.
        warnings.simplefilter("ignore")
        return NotebookClient(book, timeout=550, kernel_name="python3", resources=place).execute()


def code(book: Any) -> list[Any]:
    """The cells of code."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def shown(cell: Any) -> str:
    """All that a cell shows, as HTML or text."""
    texts = [o.get("text", "") for o in cell.outputs]
    data = [o.data for o in cell.outputs if "data" in o]
    return "\n".join([*texts, *(d.get("text/html", d.get("text/plain", "")) for d in data)])


def output_of(book: Any, words: str) -> str:
    """What the last cell that holds some words shows."""
    return shown([cell for cell in code(book) if words in cell.source][-1])


def failures(book: Any) -> list[Any]:
    """Errors, and what went to standard error."""
    outputs = [o for cell in code(book) for o in cell.outputs]
    return [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def pictures(book: Any) -> list[str]:
    """The figures that cells show, as HTML."""
    return [text for cell in code(book) if "<figure" in (text := shown(cell))]
