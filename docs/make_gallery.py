"""Draw docs/gallery.md for the site: its blocks are run, and each figure stands below its lines.

    python docs/make_gallery.py

The page of the site and its figures are made into docs/_made, when the site is built.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osteo_epi.figures import Picture

DOCS = Path(__file__).parent
PAGE = DOCS / "gallery.md"
MADE = DOCS / "_made" / "gallery"
BLOCK = re.compile(r"^```python\n(.*?)^```\n", flags=re.DOTALL | re.MULTILINE)
TITLE = re.compile(r"^### (.+)$", flags=re.MULTILINE)


def drawn(text: str) -> Iterator[tuple[re.Match[str], str, Picture | None]]:
    """Each block of a page with the name of its figure, and the figure that it leaves in `axes`.

    Blocks follow each other, as a reader would type them; one without a figure gives None.
    """
    names: dict[str, Any] = {}
    for block in BLOCK.finditer(text):
        names.pop("axes", None)
        exec(compile(block[1], PAGE.name, "exec"), names)
        titles = TITLE.findall(text[: block.start()])
        picture = Picture(names["axes"]) if "axes" in names else None
        yield block, name_of(titles[-1] if titles else ""), picture


def name_of(title: str) -> str:
    """The name of a figure's file: its title in small letters."""
    return re.sub(r"\W+", "_", title.lower()).strip("_")


def write(folder: Path = MADE) -> Path:
    """The page with its figures, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text, shown, end = PAGE.read_text(encoding="utf-8"), [], 0
    for block, name, picture in drawn(text):
        shown.append(text[end : block.end()])
        end = block.end()
        if picture is not None:
            (folder / f"{name}.svg").write_bytes(picture.svg())
            shown.append(f"\n![{picture.alt}](gallery/{name}.svg)\n")
    page = folder.with_suffix(".md")
    page.write_text("".join([*shown, text[end:]]), encoding="utf-8")
    return page


if __name__ == "__main__":
    print(write(*map(Path, sys.argv[1:])))
