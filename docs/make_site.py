"""Write docs/_made: pages that `make docs` takes from code, norm files and the rest of the house.

    python docs/make_site.py

The API is a page a public name, from the docstrings at the doors. Texts and notebooks that stand
elsewhere are brought in with their links bent, so that the site holds no second copy of anything.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from make_doors import describe, doors, sentence

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MADE = DOCS / "_made"
BOOKS = ROOT / "notebooks"
REPORT = (
    "# What a run leaves: the report\n\nThe report of the embedded, SIMULATED cohort (`osteo-epi "
    "run`), as a notebook shows it. A run writes it as one HTML file, on request as PDF and Word "
    "(`--pdf`, `--docx`), in English or Chinese (`--language zh`)."
)
# Where a text of the house stands in the site.
BROUGHT = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "GLOSSARY.md": "glossary.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/passing_bablok.md": "benchmark_passing_bablok.md",
    "benchmarks/survey.md": "benchmark_survey.md",
    "reference_norms/README.md": "norm_files.md",
    "reports/against_other_software.md": "against_other_software.md",
    "reports/printed_against_obtained.md": "printed_against_obtained.md",
    "tests/cases/README.md": "cases.md",
}
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def write() -> None:
    """All pages; those that are as they were keep their date, so that Sphinx reads them once."""
    (MADE / "api").mkdir(parents=True, exist_ok=True)
    made = {MADE / name: text for name, text in pages()}
    for path, text in made.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in MADE.rglob("*.*"):
        if path not in made:
            path.unlink()


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of every page."""
    for source, page in BROUGHT.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        yield page, with_links(text, ROOT / source, MADE / page)
    books = {path.name: book(path) for path in sorted(BOOKS.glob("*.ipynb"))}
    yield "notebooks.md", shelf(books)
    yield from ((name, json.dumps(held, ensure_ascii=False)) for name, held in books.items())
    yield from ((f"api/{page}", text) for page, text in api())


def with_links(text: str, source: Path, page: Path) -> str:
    """A text whose relative links lead from its page to where they led from its source."""

    def bent(link: re.Match[str]) -> str:
        words, target, anchor = link[1], link[2], link[3] or ""
        place = (source.parent / target).resolve()
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        if not place.is_file() and place != BOOKS:
            return words
        return f"[{words}]({os.path.relpath(standing(place), page.parent)}{anchor})"

    return LINK.sub(bent, text)


def standing(place: Path) -> Path:
    """Where the site shows a file; the file itself, to be downloaded, where it does not."""
    name = place.relative_to(ROOT).as_posix()
    if name == "docs/doors.md":
        return MADE / "api" / "index.rst"
    if name == "docs/gallery.md" or place == BOOKS:
        return MADE / f"{place.stem}.md"
    if name in BROUGHT:
        return MADE / BROUGHT[name]
    return MADE / place.name if place.suffix == ".ipynb" else place


def book(path: Path) -> dict[str, Any]:
    """A notebook; that of the report has no words of its own, and gets a title and no code."""
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if path.stem == "report":
        for cell in held["cells"]:
            cell["metadata"]["tags"] = [*cell["metadata"].get("tags", ()), "remove-input"]
        title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": REPORT}
        held["cells"].insert(0, title)
    return held


def shelf(books: Mapping[str, dict[str, Any]]) -> str:
    """The notebooks: the title of each with its first paragraph."""
    parts = ["# Notebooks\n", "`make lab` opens them in JupyterLab.\n"]
    for name, held in books.items():
        title, text = "".join(held["cells"][0]["source"]).split("\n\n")[:2]
        parts.append(f"**[{title.lstrip('# ')}]({name})**\n: {text}\n")
    names = [name.removesuffix(".ipynb") for name in books]
    return "\n".join([*parts, "```{toctree}", ":hidden:", "", *names, "```", ""])


def api() -> Iterator[tuple[str, str]]:
    """File name and text of each page of the API: its index, the rooms and their names."""
    held = doors()
    homes: dict[int, str] = {}
    # A name that the face hands out of a room has its page in the room.
    for name in sorted(held, key=lambda name: name == "oe"):
        for public in named(held[name]):
            homes.setdefault(id(getattr(held[name], public)), f"{name}.{public}")
    for name, door in held.items():
        yield f"{name}.rst", room_page(name, door, homes)
        for public in named(door):
            if homes[id(getattr(door, public))] == f"{name}.{public}":
                yield f"{name}.{public}.rst", name_page(name, door, public)
    yield "index.rst", index_page(held)


def named(door: ModuleType) -> list[str]:
    """The functions and classes of a door, in the order of the alphabet."""
    names = sorted(door.__all__, key=str.casefold)
    return [name for name in names if _callable(getattr(door, name))]


def _callable(thing: object) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing)


def room_page(name: str, door: ModuleType, homes: dict[int, str]) -> str:
    """A room: what it is, its functions and its classes in a line each, and their pages."""
    names = named(door)
    classes = [public for public in names if inspect.isclass(getattr(door, public))]
    functions = [public for public in names if public not in classes]
    parts = [heading(name), inspect.getdoc(door) or "", ""]
    for title, group in (("Functions", functions), ("Classes", classes)):
        if group:
            rows = [
                (f":doc:`{public} <{homes[id(getattr(door, public))]}>`", describe(door, public))
                for public in group
            ]
            parts += [heading(title, "-"), table(rows), ""]
    own = [p for p in names if homes[id(getattr(door, p))] == f"{name}.{p}"]
    return "\n".join([*parts, tree(f"{public} <{name}.{public}>" for public in own)])


def name_page(name: str, door: ModuleType, public: str) -> str:
    """A function, or a class with its members."""
    thing = getattr(door, public)
    directive = f".. autofunction:: {public}\n"
    if inspect.isclass(thing):
        directive = f".. autoclass:: {public}\n   :members:\n"
    module = name.replace("oe", "osteo_epi", 1)
    return f"{heading(f'{name}.{public}')}\n.. currentmodule:: {module}\n\n{directive}"


def index_page(held: dict[str, ModuleType]) -> str:
    """The rooms."""
    rows = [(f":doc:`{name}`", sentence(door.__doc__ or "")) for name, door in held.items()]
    intro = (
        "``import osteo_epi as oe`` is the face: its names are what most work needs. Each room has "
        "more, as ``oe.agreement.bland_altman``. What is not listed may change without notice.\n"
    )
    return "\n".join([heading("API"), intro, table(rows), "", tree(held)])


def heading(text: str, line: str = "=") -> str:
    """A title."""
    return f"{text}\n{line * len(text)}\n"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns without a head."""
    lines = [f"   * - {left}\n     - {right}" for left, right in rows]
    return "\n".join([".. list-table::", "   :widths: 35 65", "   :class: api", "", *lines])


def tree(pages: Iterable[str]) -> str:
    """The pages below this one, in the side bar."""
    return "\n   ".join([".. toctree::", ":hidden:", "", *pages]) + "\n"


if __name__ == "__main__":
    write()
