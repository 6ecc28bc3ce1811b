"""The house: one direction, one door a room, files and folders of a size that can be read.

Rooms stand in one order, and a module imports only from its left. Inside a room files may read
each other, in no circle; everybody else comes through the room's `__init__`. A room within a
room (`population.rates`, `cohort.conform`) has a door of its own.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "osteo_epi"
GROUND = {
    "arguments",
    "engines",
    "errors",
    "files",
    "findings",
    "frames",
    "html",
    "language",
    "progress",
    "questions",
    "results",
    "rounding",
    "spelling",
    "summation",
    "visible",
}
ORDER = [
    GROUND,
    {"norms", "survey"},
    {"cohort"},
    {"datasets"},
    {"agreement"},
    {"calibration"},
    {"diagnosis"},
    {"population"},
    {"reference", "accuracy"},
    {"risk"},
    {"figures", "tables"},
    {"report"},
    {"cli"},
]
LONGEST_FILE = 600
LONGEST_BODY = 40
MOST_FILES = 12
# The n log n counting of pairwise slopes is a promise, tested in steps that no door shows;
# so is a reading process that may die, which no door hands out, and whose limits a fuzzer lowers.
KERNEL_TESTS = {"test_method_comparison.py", "test_broken_files.py", "fuzz.py"}


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    """The name of a module below osteo_epi; a room stands for its door."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


NAMES = {dotted(path): path for path in modules()}


def imports(tree: ast.AST) -> set[str]:
    """Every osteo_epi module that code imports, below the package's name."""
    targets = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        below = {name.partition(".")[2] for name in names if name.startswith("osteo_epi.")}
        targets |= {_module(name) for name in below}
    return targets


def _module(name: str) -> str:
    """The module that `from … import …` reads: the name itself, or what holds it."""
    return name if name in NAMES else name.rpartition(".")[0] or name


def room(name: str) -> str:
    """The room of a module."""
    return name.partition(".")[0]


def level(name: str) -> int:
    """Where a module's room stands in the order."""
    (place,) = [i for i, rooms in enumerate(ORDER) if room(name) in rooms]
    return place


def above_ground() -> list[Path]:
    """Modules of the rooms: the ground stands on itself alone, the face hands out the rooms."""
    return [p for p in modules() if room(dotted(p)) not in GROUND | {"__init__"}]


@pytest.mark.parametrize("path", above_ground(), ids=dotted)
def test_a_module_imports_from_its_left_and_through_doors(path: Path) -> None:
    here = dotted(path)
    for target in imports(ast.parse(path.read_text())):
        if room(target) == room(here):
            continue
        assert level(target) < level(here), f"{here} imports {target}, which is not to its left"
        assert target in GROUND or target == room(target), f"{here} goes round the door: {target}"


def test_the_ground_floor_stands_on_itself() -> None:
    for name in (name for name in NAMES if room(name) in GROUND):
        found = {t for t in imports(ast.parse(NAMES[name].read_text())) if room(t) != room(name)}
        assert found <= GROUND, f"{name} imports {found - GROUND}"


def test_every_room_has_its_place() -> None:
    rooms = {room(name) for name in NAMES} - {"__init__"}
    assert rooms == set().union(*ORDER)


def test_no_circle() -> None:
    graph = {name: imports(ast.parse(path.read_text())) for name, path in NAMES.items()}
    # A door lists its room's names, and its files read each other round it.
    graph = {n: t for n, t in graph.items() if NAMES[n].stem != "__init__"}
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"circle: {' -> '.join((*way, name))}"
        if name not in done:
            for target in graph.get(name, ()):
                walk(target, (*way, name))
            done.add(name)

    for name in graph:
        walk(name, ())


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            told = ast.get_docstring(node) is not None
            first = node.body[1 if told and len(node.body) > 1 else 0]
            length = (node.end_lineno or 0) - first.lineno + 1
            assert length <= LONGEST_BODY, f"{node.name} has {length} lines"


def test_a_folder_can_be_seen_at_a_glance() -> None:
    for folder in {path.parent for path in modules()}:
        files = list(folder.glob("*.py"))
        assert len(files) <= MOST_FILES, f"{folder.name} holds {len(files)} files"
        if folder == PACKAGE:
            continue  # the ground is open to all
        open_ones = [p.name for p in files if not p.stem.startswith("_")]
        assert not open_ones, f"{folder.name}: {open_ones} stand beside the door"


def outside() -> list[Path]:
    """Everything that uses the package from outside: code, notebooks, prose."""
    folders = ("tests", "benchmarks", "reports", "data", "notebooks", "docs")
    files = [p for f in folders for p in sorted((ROOT / f).rglob("*")) if p.is_file()]
    return [ROOT / "README.md", *(p for p in files if p.suffix in {".py", ".ipynb", ".md"})]


@pytest.mark.parametrize("path", outside(), ids=lambda p: str(p.relative_to(ROOT)))
def test_outsiders_come_through_the_doors(path: Path) -> None:
    for target in imports(_code(path)):
        hidden = [part for part in target.split(".") if part.startswith("_")]
        assert not hidden or path.name in KERNEL_TESTS, f"{path.name} imports {target}"


def _code(path: Path) -> ast.AST:
    """The Python in a file: all of it, a notebook's cells, or the fenced blocks of prose."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    elif path.suffix == ".md":
        text = "\n".join(part.partition("```")[0] for part in text.split("```python\n")[1:])
    return ast.parse(text)
