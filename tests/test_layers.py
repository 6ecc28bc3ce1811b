"""The house stands on one direction: a module imports only from its left."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "osteo_epi"
ORDER = [
    {"errors", "frames"},
    {"norms"},
    {"cohort"},
    {"calibration"},
    {"norms.score", "norms.expressions"},
    {"diagnosis"},
    {"population", "agreement"},
    {"report"},
    {"cli"},
]
FACES = {"__init__", "__main__"}


def rank(module: str) -> int | None:
    """The layer of a dotted module name below osteo_epi; None for the public face."""
    named = [(room, level) for level, rooms in enumerate(ORDER) for room in rooms]
    found = [(room, level) for room, level in named if f"{module}.".startswith(f"{room}.")]
    return max(found)[1] if found else None


def imports(path: Path) -> set[str]:
    """Every osteo_epi module that a file imports, below the package's name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {n.partition(".")[2] for n in names if n.startswith("osteo_epi.")}
    return found


def modules() -> list[str]:
    """Dotted names of all modules, faces of rooms left out: they only gather names."""
    paths = [p for p in ROOT.rglob("*.py") if p.stem not in FACES]
    return sorted(str(p.relative_to(ROOT).with_suffix("")).replace("/", ".") for p in paths)


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_its_left(module: str) -> None:
    here = rank(module)
    assert here is not None, f"{module} has no layer: give it one in ORDER"
    path = ROOT / (module.replace(".", "/") + ".py")
    for target in imports(path):
        there = rank(target)
        if there is not None:
            assert there <= here, f"{module} imports {target}, which stands to its right"
