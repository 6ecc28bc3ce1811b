"""How large the files of a run are, and whether this machine holds the people in them."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path

from osteo_epi.cohort import collected, row_groups, table_size
from osteo_epi.errors import OsteoEpiError, SchemaError
from osteo_epi.report.choices import Choices

CELL = 25
"""[bytes] Of memory that a run needs a cell: measured 27 at 1e6 rows of 56, 34 at 1e7 rows of 8."""
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_OWN = {
    "reference": "own_young_adults",
    "ctxa_reference": "own_young_adults",
    "age_reference": "by_maker",
}
"""Norms that are made of the people, or chosen by them."""
_INSTEAD = {
    "own_young_adults": "name a reference; in Python young adults of your own are estimated "
    "beforehand, from a sample, by oe.young_adult_reference, whose result reference= takes",
    "by_maker": "name the age reference, as one that osteo-epi norms list by_age lists",
}
_OF_PARTS = ("definition", "classify", "read")


def refuse_too_large(choices: Choices) -> None:
    """Insist that the people of Parquet files and text tables fit in the memory of this machine.

    Raises
    ------
    SchemaError
        If they surely do not; the message says how they are classified part by part, or what has
        to be otherwise before they can be.
    """
    memory = memory_of_machine()
    sizes = _sizes(choices)
    rows, size = (sum(one[i] for one in sizes.values()) for i in (0, 1))
    if memory is None or size <= memory:
        return
    for path in sizes:
        refuse_large_text(path, path.name)
    much = (
        f"about {rows:,} rows need about {_gigabytes(size)} of memory to be read at once, and this "
        f"machine has {_gigabytes(memory)}"
    )
    if by_all := taken_from_all(choices):
        raise SchemaError(f"{much}; {by_all}; they are then classified part by part")
    raise SchemaError(
        f"{much}: run(…, out=FOLDER) (osteo-epi run … --out FOLDER) goes through them part by "
        f"part; or classify them part by part with: {command_of_parts(choices)} – and estimate "
        "from that folder with "
        "oe.prevalence(polars.scan_parquet('classified/part-*.parquet'), definition), as the guide "
        "shows under 'Many files'"
    )


def taken_from_all(choices: Choices) -> str:
    """What a definition takes from all people at once, and what to name instead; else nothing.

    No part can be asked for it.
    """
    for name, own in _OWN.items():
        if getattr(choices, name) == own:
            flag = f"--{name.replace('_', '-')}"
            return (
                f"{name}={own!r} ({flag} {own}) is taken from all people at once, and parts are "
                f"classified one by one: {_INSTEAD[own]}"
            )
    return ""


def is_too_large(choices: Choices) -> bool:
    """Whether the people of Parquet files and text tables surely need more memory than there is."""
    memory = memory_of_machine()
    return memory is not None and sum(size for _, size in _sizes(choices).values()) > memory


def _sizes(choices: Choices) -> dict[Path, tuple[int, int]]:
    """Rows of each file, and the bytes of memory that they take; none where nothing tells."""
    sizes: dict[Path, tuple[int, int]] = {}
    if choices.embedded:
        return sizes
    with suppress(OsteoEpiError, OSError):  # what cannot be read is said where it is read
        given = collected(choices.path, choices.source)
        if given is None and not choices.paths[0].is_file():
            return sizes  # tables of NHANES
        for path in [file.path for file in given.files] if given else choices.paths:
            n, width = table_size(path)
            sizes[path] = n, n * width * CELL
    return sizes


def refuse_large_text(path: Path, name: str) -> None:
    """Insist that a text table, which is one part, fits in the memory of this machine.

    What is no text table passes.

    Raises
    ------
    SchemaError
        If it surely does not; the message says how it is made a table that has parts.
    """
    memory = memory_of_machine()
    rows, width = (0, 0) if row_groups(path) else table_size(path)
    if memory is None or rows * width * CELL <= memory:
        return
    raise SchemaError(
        f"{name}: about {rows:,} rows need about {_gigabytes(rows * width * CELL)} of memory, and "
        f"this machine has {_gigabytes(memory)}; a text table is one part: cut it into several "
        "files with the headings in each, or make it Parquet, which is cut by itself, with "
        "polars.scan_csv(file, infer_schema=False).sink_parquet(another) where it is UTF-8 with "
        "commas (separator= names another sign), and name that file in its place"
    )


def memory_of_machine() -> int | None:
    """Bytes of memory that this process may have at the most; None where nothing tells."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    for path in _LIMITS:
        with suppress(OSError, ValueError):  # "max" where there is no limit
            memory = min(memory, int(Path(path).read_text()))
    return memory


def command_of_parts(choices: Choices) -> str:
    """The command that classifies the files of the choices part by part."""
    words = ["osteo-epi", "classify", *map(str, choices.paths)]
    stated = choices.options()
    for option in choices.catalogue().values():
        name = option.flag.removeprefix("--")
        if option.group not in _OF_PARTS or name not in stated:
            continue
        value = stated[name]
        for word in value if isinstance(value, list) else [value]:
            words += [option.flag] if word is True else [option.flag, word]
    return shlex.join([*words, "--out", "classified"])


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
