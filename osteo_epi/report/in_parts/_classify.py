"""Classify more people than a memory holds: the choices, and the folder that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort import Faults, files_named
from osteo_epi.diagnosis import Definition
from osteo_epi.diagnosis import definition as define
from osteo_epi.errors import DefinitionError, OutputError, SchemaError
from osteo_epi.report._size import taken_from_all
from osteo_epi.report.choices import Choices
from osteo_epi.report.in_parts._place import MANIFEST, begin, place_of
from osteo_epi.report.in_parts._plan import Part, made_by, parts_of
from osteo_epi.report.in_parts._result import ClassifiedParts, manifest_of
from osteo_epi.report.in_parts._work import Work
from osteo_epi.report.proposal import check_choices, check_headings

GROUPS = ("definition", "classify", "read")


def classify_parts(
    path: str | Path | Sequence[str | Path],
    *,
    out: str | Path,
    overwrite: bool = False,
    part_rows: int | None = None,
    **choices: Any,
) -> ClassifiedParts:
    """Classify more people than a memory holds, and write them as a folder of Parquet files.

    Parameters
    ----------
    path
        Files as `read` takes them: a list, a pattern (``"data/**/*.parquet"``), a folder, or one
        large Parquet file.
    out
        Folder for the classified parts, ``part-00001.parquet`` and so on, with `manifest.json`,
        `findings.csv` and `flow.csv`. It is put in place by one rename when all parts are there.
    overwrite
        Whether parts that are there, made of other files, options or versions, may be replaced.
    part_rows
        Most rows of a part of a Parquet file: whole row groups as far as they fit. As many as
        12,000,000 cells have by default: 2,000,000 rows of 6 columns, 200,000 of 60. A file of
        another kind is one part.
    **choices
        Options of the definition, of classifying and of reading, as `run` takes them: definition,
        reference, age_reference, sites, map, sex_coding, units, missing, accept_errors, keep, …

    Returns
    -------
    ClassifiedParts
        The folder with what was found. `scan` gives the people as a lazy frame.

    Raises
    ------
    TypeError
        If there is no option of a name.
    SchemaError
        If parts cannot be read, or their check finds errors that are not accepted: all that is
        wrong is said at once. The parts that are sound are kept, and the same call goes on.
    DefinitionError
        If the definition needs the people as a whole (their own young adults, their maker).
    OutputError
        If the folder holds something else, cannot be written to, or another process writes to it.

    Notes
    -----
    While it works, parts wait in a hidden folder beside `out`. A part is written under another
    name, waited for until it is on the disk, and renamed; then an entry says of what it was made:
    SHA-256 of the input file with the range of rows, of the definition, the versions of this
    package and of polars, the options. A run that was killed goes on from there: parts whose entry
    and bytes are right are kept, the others made anew, and the bytes are those of a run that was
    not disturbed. So it is with `overwrite` where a folder is there, also when files were added or
    taken away: parts are known by what they are made of, not by their number. No file holds a time.

    Each part is read by itself, and `repeats` chooses among the rows of a part. An error that is
    one of any people, as an unknown word for sex, stops at the part; what hangs on shares of a
    column, as another unit, is judged over all parts when they are made. Persons who stand in
    several parts are counted (by numbers of 64 bits, on the disk, deleted at the end), which is an
    error to be accepted; so are rows without an identifier that agree in every variable, more of
    them than chance explains.
    Where an identifier is an identity number, it is replaced by the part's number and one of its
    own; a person has one for each part then.

    Examples
    --------
    >>> import tempfile
    >>> import osteo_epi as oe
    >>> folder = tempfile.TemporaryDirectory()
    >>> for year in (2019, 2020):
    ...     people = oe.simulate(200, seed=year).frame.drop("person_id")
    ...     people.write_parquet(Path(folder.name, f"{year}.parquet"))
    >>> parts = oe.report.classify_parts(Path(folder.name, "*.parquet"),
    ...     out=Path(folder.name, "classified"), reference="nhanes3_white_female")
    >>> parts.n, parts.to_frame()["file"].to_list()
    (400, ['2019.parquet', '2020.parquet'])
    >>> estimates = oe.prevalence(parts.scan(), parts.definition)
    >>> folder.cleanup()
    """
    return classified(path, out=out, overwrite=overwrite, part_rows=part_rows, choices=choices)


def classified(
    path: str | Path | Sequence[str | Path],
    *,
    out: str | Path,
    overwrite: bool,
    part_rows: int | None,
    choices: dict[str, Any],
    before: Path | None = None,
) -> ClassifiedParts:
    """The same, with another folder of which parts are taken that are these."""
    true_or_false(overwrite=overwrite)
    chosen, rules = _chosen(path, choices)
    if part_rows is not None and part_rows < 1:
        raise SchemaError("part_rows (--part-rows) takes a number of rows, 1 or more")
    target = Path(out)
    _refuse_place(target)
    parts, noticed = parts_of(chosen, part_rows)
    _refuse_among(target, chosen, parts)
    work = Work(chosen, rules, made_by(rules.sha256, chosen))
    with place_of(target) as place:
        if target.exists() and any(target.iterdir()):
            there = work.there(target, parts)
            if there is not None:
                return there
            _refuse_held(target, overwrite=overwrite)
        with work.kept(place, parts):
            begin(place)
            return work.done(place, parts, noticed, [target, before] if before else [target])


def _chosen(path: Any, choices: dict[str, Any]) -> tuple[Choices, Definition]:
    """The choices, and the one definition of all parts, which no part can be asked for."""
    chosen = Choices.of(path, choices | {"ages": "[0, inf)"})
    for name in choices:
        if Choices.catalogue()[name].group not in GROUPS:
            raise TypeError(
                f"classify_parts() has no option {name!r}, which is of estimates or reports: give "
                "it to prevalence(parts.scan(), …)"
            )
    if chosen.embedded:
        raise SchemaError("no such file or folder: (none given)")
    faults = Faults()
    check_choices(chosen, faults)
    if chosen.keep:
        check_headings(chosen, faults)
    faults.refuse()
    if by_all := taken_from_all(chosen):
        raise DefinitionError(by_all)
    return chosen, define(**chosen.arguments("definition"))


def _refuse_place(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out.name} is a file, not a folder; name another folder with --out")


def _refuse_held(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything but parts, or parts that may not be replaced."""
    manifest = manifest_of(out)
    ours = {MANIFEST, *manifest.get("outputs", {}), *(p["part"] for p in manifest.get("parts", ()))}
    others = sorted(path.name for path in out.iterdir() if path.name not in ours)
    if others or not manifest:
        named = files_named(others or [MANIFEST])
        raise OutputError(
            f"the folder {out.name} holds other files ({named}); name a folder of its own for "
            "classified parts with --out"
        )
    if not overwrite:
        raise OutputError(
            f"the folder {out.name} holds classified parts of other files, options or versions, "
            "or with errors that are not accepted here; name another with --out, or give "
            "--overwrite"
        )


def _refuse_among(out: Path, choices: Choices, parts: Sequence[Part]) -> None:
    """What is written must not be read the next time."""
    place = out.resolve()
    inside = [path for path in choices.paths if path.is_dir() and path.resolve() in place.parents]
    if inside or any(place in part.file.path.resolve().parents for part in parts):
        raise OutputError(
            "the folder to write to lies among the files that are read; name one outside of their "
            "folder with --out"
        )
