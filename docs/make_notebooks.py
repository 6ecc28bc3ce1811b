"""Run the notebooks and store them with what they show.

    python docs/make_notebooks.py [NAME ...]

Without names all of them. report.ipynb, which every run executes for its own folder, shows the run
of `make report`. The real phantom readings of calibration.ipynb are taken from the folder beside
the project, or from the one that OSTEO_EPI_SHARED names; its cell of parameters stays as it is.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import osteo_epi as oe

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
SHARED = Path(os.environ.get("OSTEO_EPI_SHARED", ROOT.parent / "shared"))
FOR_STORING = {"calibration": {"phantom_folder": str(SHARED / "data" / "phantom")}}
KEPT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(name: str) -> None:
    """Execute one notebook in a folder that is thrown away, and write it where it was."""
    path = NOTEBOOKS / f"{name}.ipynb"
    book = nbformat.read(str(path), as_version=4)
    (cell,) = [c for c in book.cells if "parameters" in c.metadata.get("tags", ())]
    written = cell.source
    for word, value in FOR_STORING.get(name, {}).items():
        cell.source += f"\n{word} = {value!r}"
    with tempfile.TemporaryDirectory() as root:
        place = Path(root) / "notebooks"
        place.mkdir()
        if name == "report":
            oe.run(out=place.parent / "reports" / "run", report=False)
        NotebookClient(
            book,
            timeout=900,
            kernel_name="python3",
            resources={"metadata": {"path": str(place)}},
            record_timing=False,
        ).execute()
    cell.source = written
    book.metadata = nbformat.from_dict(KEPT)
    nbformat.write(_in_order(book), str(path))


def _in_order(book: Any) -> Any:
    """Streams of a cell in one piece, and nothing of chance: two runs give the same file."""
    for cell in book.cells:
        joined: list[Any] = []
        for output in cell.get("outputs", []):
            last = joined[-1] if joined else {}
            if output.get("name") and output["name"] == last.get("name"):
                last["text"] += output["text"]
            else:
                joined.append(output)
        if cell.cell_type == "code":
            cell.outputs = joined
        for output in joined:
            shown = output.get("data", {})
            shown |= {kind: _without_chance(text) for kind, text in shown.items()}
    return book


def _without_chance(text: Any) -> Any:
    """A text without addresses in memory and the numbers that pandas draws for a styled table."""
    if not isinstance(text, str):
        return text
    return re.sub(r"\bT_[0-9a-f]{5}(?=[_\W])", "T_table", re.sub(r" at 0x[0-9a-f]+", "", text))


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")):
        run(name)
        print(name)
