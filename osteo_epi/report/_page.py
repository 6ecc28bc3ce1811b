"""The notebook, executed on a run's folder and turned into one HTML file without any address."""

from __future__ import annotations

import html
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from osteo_epi.errors import OutputError
from osteo_epi.files import write_beside
from osteo_epi.language import HTML_CODES, said, speaking
from osteo_epi.language import language as spoken
from osteo_epi.progress import with_progress
from osteo_epi.report._folder import MANIFEST, REPORT, as_file, load_run
from osteo_epi.report._manifest import restated
from osteo_epi.report._parts import write_parts
from osteo_epi.report.contents import report_document
from osteo_epi.report.document import check_papers
from osteo_epi.rounding import counted
from osteo_epi.visible import visible

NOTEBOOK = "report.ipynb"
FAULT = re.compile(r'data-fault="([^"]*)"')
"""Where a figure of the page could not be drawn, with the reason."""
_PACKAGE = Path(__file__).parents[1]
# A socket's path holds 103 bytes on some systems; the kernel adds a number to it.
_LONGEST_PATH = 98
_TEMPLATES = Path(__file__).parent / "template"


def make_page(
    folder: str | Path,
    *,
    notebook: str | Path | None = None,
    papers: Sequence[str] = (),
    language: str | None = None,
    title: str | None = None,
    author: str | None = None,
) -> Path:
    """Make report.html in a run's folder from the artefacts there, and the files it links to.

    Parameters
    ----------
    folder
        A folder that `osteo-epi run` wrote.
    notebook
        Another notebook; its cell tagged `parameters` gets `folder`.
    papers
        `pdf`, `docx`: the report on paper as well, as report.pdf and report.docx.
    language, title, author
        Of the report, where they are to be others than the run was asked for; no number moves.
        The manifest states them from then on.

    Returns
    -------
    Path
        The report: one file, images embedded, that loads nothing from anywhere.

    Raises
    ------
    OutputError
        If the folder holds no run, the notebook cannot be executed or written, or a figure could
        not be drawn: the report is written then, and says so in the figure's place. Or if a form
        of the report cannot be made on this computer, or the run holds no text in the language.
    """
    folder = Path(folder)
    result = load_run(folder)
    given = {"language": language, "title": title, "author": author}
    facts = {name: text for name, text in given.items() if text is not None}
    if facts:
        result = replace(result, manifest=restated(result.manifest, **facts))
    check_papers(papers, result.language)
    if facts:
        write_beside(folder / MANIFEST, as_file(result.manifest))
    unmade = write_parts(report_document(result), folder, papers=papers)
    executed = execute(notebook or find_notebook(), folder)
    with speaking(result.language):
        title = result.title
        title = said("{title} (simulated)", title=title) if result.label else title
        page = to_html(executed, title=title)
    write_beside(folder / REPORT, page.encode())
    _refuse_faults([*map(html.unescape, FAULT.findall(page))], unmade)
    return folder / REPORT


def _refuse_faults(undrawn: list[str], unmade: list[str]) -> None:
    """Say what of a report is not as it should be, now that it is written."""
    faults = []
    if undrawn:
        figures = counted(len(undrawn), "figure")
        faults.append(f"{figures} of it could not be drawn, see there ({'; '.join(undrawn)})")
    if unmade:
        faults.append(f"these could not be made: {', '.join(unmade)}")
    if faults:
        raise OutputError(f"{REPORT} is written, but {', and '.join(faults)}")


def find_notebook() -> Path:
    """Find the notebook: inside the package as in a wheel, then beside it as in a checkout."""
    places = [root / "notebooks" / NOTEBOOK for root in (_PACKAGE, _PACKAGE.parent)]
    for place in places:
        if place.is_file():
            return place
    raise OutputError(
        f"the notebook {NOTEBOOK} is not where it was installed; install osteo-epi again"
    )


def execute(notebook: str | Path, folder: Path) -> Any:
    """Execute a notebook in a fresh kernel whose working folder is the run's.

    The folder enters as ".": the report holds no path of the machine that made it.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    nb = nbformat.read(str(notebook), as_version=4)
    _fill(nb, folder=".", linked=True)
    with _quiet_kernel() as scratch:
        client = NotebookClient(
            nb,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            extra_arguments=[
                # Files of the run's folder are data: none of them is to be imported as a module.
                "--InteractiveShellApp.ignore_cwd=True",
                "--HistoryManager.enabled=False",
                "--log-level=ERROR",
            ],
        )
        _speak_privately(client.create_kernel_manager(), scratch)
        try:
            with client.setup_kernel():
                steps = list(enumerate(nb.cells))
                for place, cell in with_progress(steps, "report", total=len(steps)):
                    client.execute_cell(cell, place)
            return nb
        except CellExecutionError as error:
            raise OutputError(
                f"the report's notebook stopped at {error.ename}; see where with osteo-epi "
                "--debug, or write the tables alone with --no-report"
            ) from error
        except Exception as error:
            raise OutputError(
                f"the report's notebook could not be executed ({type(error).__name__}): is "
                "ipykernel installed in this environment? The tables without the report: "
                "--no-report"
            ) from error


def _fill(nb: Any, **values: str | bool) -> None:
    """Set the parameters: the tagged cell keeps its place and gets other values."""
    for cell in nb.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = "\n".join(f"{name} = {value!r}" for name, value in values.items())


@contextmanager
def _quiet_kernel() -> Iterator[str]:
    """Let the kernel import this very package, and keep its droppings out of the user's home."""
    with tempfile.TemporaryDirectory(prefix="oe-") as scratch:
        inherited = os.environ.get("PYTHONPATH")
        wanted = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_PACKAGE.parent), inherited])),
            "IPYTHONDIR": scratch,
            "JUPYTER_RUNTIME_DIR": scratch,
            "JUPYTER_PLATFORM_DIRS": "1",
            "PYTHONWARNINGS": "ignore",
        }
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield scratch
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _speak_privately(manager: Any, scratch: str) -> None:
    """Talk to the kernel through sockets in a folder of this user, where their paths fit."""
    sockets = os.path.join(scratch, "k")
    if os.name == "posix" and len(sockets) <= _LONGEST_PATH:
        manager.transport, manager.ip = "ipc", sockets


def to_html(nb: Any, *, title: str) -> str:
    """Turn an executed notebook into one HTML file that loads nothing from anywhere.

    It is marked as of the language that is spoken.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="osteo_epi",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_anchor_links=True,
    )
    facts = {
        "title": title,
        "language": HTML_CODES[spoken()],
        "code": said("Code of this report"),
    }
    body, _ = exporter.from_notebook_node(nb, resources={"osteo_epi": facts})
    return visible(body)
