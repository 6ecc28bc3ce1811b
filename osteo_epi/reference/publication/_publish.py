"""A reference made public: norm files, tables, and the paragraph that says how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.arguments import is_a, number, true_or_false
from osteo_epi.diagnosis import MAKERS, maker_in
from osteo_epi.errors import DefinitionError, NormError, OutputError
from osteo_epi.files import write_beside
from osteo_epi.norms import (
    KINDS,
    AgeReference,
    Citation,
    YoungAdultReference,
    available,
    load,
)
from osteo_epi.reference._reference import Reference
from osteo_epi.reference.publication._methods import LANGUAGES, methods_paragraph
from osteo_epi.reference.publication._norm_files import norm_text
from osteo_epi.reference.publication._tables import journal_table, lms_table, markdown
from osteo_epi.results import Result
from osteo_epi.rounding import counted
from osteo_epi.visible import csv_bytes

SMALLEST = 10
"""[people] Fewest whose n, mean and SD are shown; the rule of ONS, see norm
`presentation/disclosure_below_10_ons`."""
DOI = re.compile(r"10\.\d{4,9}/\S+")
JUDGED = ("card.csv", "findings.csv")
NAME = re.compile(r"[a-z][a-z0-9_]{2,63}")
# Names that Windows keeps for devices.
DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")


@dataclass(frozen=True, repr=False)
class Publication(Result):
    """What was written.

    Attributes
    ----------
    folder
        A folder of norms, for `folder=` of `norms.load`.
    files
        By what they hold, below `folder`.
    by_age, young_adult
        The norms as loaded again; no young adults where the reference has none.
    methods
        The methods paragraph by language, "en" and "zh".
    notes
        What to know before handing the files on.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import fit_reference
    >>> reference = fit_reference(survey(), rois=["femoral_neck"])
    >>> with TemporaryDirectory() as folder:
    ...     made = publish(reference, folder, id="own", title="Own", population="Own people")
    >>> made.to_frame()["file"][0], sorted(made.methods)
    ('by_age/own.toml', ['en', 'zh'])
    """

    no_figure = "is a folder of files: its figures are those of the reference, reference.plot()"

    folder: Path
    files: dict[str, str]
    by_age: AgeReference
    young_adult: YoungAdultReference | None
    methods: dict[str, str]
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a file: what it holds, and its path below the folder."""
        return pl.DataFrame({"content": list(self.files), "file": list(self.files.values())})

    def _summary(self) -> str:
        return f"{self.by_age.id}, {counted(len(self.files), 'file')}"


def publish(
    reference: Reference,
    folder: str | Path,
    *,
    id: str,
    title: str,
    population: str,
    maker: str | None = None,
    title_zh: str = "",
    citation: str = "Own records, not published.",
    doi: str | None = None,
    smallest: int = SMALLEST,
    overwrite: bool = False,
) -> Publication:
    """Write a reference as norm files, tables and a methods paragraph.

    Parameters
    ----------
    reference
        As `fit_reference` gives it.
    folder
        A folder of norms; made where it is not there.
    id
        Name by which the norms are loaded: small letters, digits and _.
    title, title_zh
        Names for people, in English and Chinese.
    population
        Who the reference people are.
    maker
        Of the densitometer: "hologic", "lunar", …; by default the one that the data name, and
        "unknown" where they name none.
    citation, doi
        Where it is or will be published.
    smallest
        [people] Of a band of fewer, the tables show neither n nor mean and SD; 0 shows all.
    overwrite
        Replace what is there under this name.

    Returns
    -------
    Publication
        `by_age/ID.toml` and `young_adult/ID.toml` in the loader's form, grade "derived";
        `ID/table.csv` and `ID/table.md` as journals print them; `ID/lms.csv` for other software;
        `ID/methods_en.md` and `ID/methods_zh.md`.

    Raises
    ------
    DefinitionError
        If the id is unsafe, a name is empty, or the data name another maker.
    NormError
        If another norm has this id.
    OutputError
        If a file is there already, or cannot be written.

    Notes
    -----
    The norms loaded again hold the numbers of `reference.by_age` and `.young_adult` to the last
    bit, and score the same.

    Examples
    --------
    >>> import tempfile
    >>> from osteo_epi import norms
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import Constant, Polynomial, fit_reference
    >>> reference = fit_reference(
    ...     simulate(9_000, seed=1), rois=["femoral_neck"], mu=Polynomial(3), sigma=Constant()
    ... )
    >>> folder = tempfile.mkdtemp()
    >>> _ = publish(reference, folder, id="our_county", title="Our county",
    ...             population="simulated people")
    >>> again = norms.load("by_age", "our_county", folder=folder)
    >>> again.curves == reference.by_age.curves, again.maker
    (True, 'lunar')
    """
    true_or_false(overwrite=overwrite)
    check_place(folder, id=id, overwrite=overwrite)
    maker = reference.maker if maker is None else maker
    out, texts = Path(folder), {"id": id, "title": title, "population": population, "maker": maker}
    for name, text in {**texts, "title_zh": title_zh, "citation": citation}.items():
        is_a(text, f"{name}=", str, "words")
    if "\n" in maker or "\n" in title:
        raise DefinitionError("maker= and title= are one line each: take the line break out")
    if doi is not None and not (isinstance(doi, str) and DOI.fullmatch(doi)):
        raise DefinitionError(f"doi={doi!r}; expected one as 10.1000/xyz, without https://doi.org/")
    number(smallest, "smallest (--smallest)", least=0, whole=True, unit="people")
    empty = [key for key, text in {**texts, "citation": citation}.items() if not text.strip()]
    if empty:
        raise DefinitionError(f"{empty[0]}= is empty; expected a few words")
    _refuse_maker(reference, maker)
    head = {**texts, "title_zh": title_zh, "citation": Citation(citation, doi)}
    norms = {norm.kind: norm for norm in _norms(reference, head)}
    methods = {
        language: methods_paragraph(reference, maker=maker, smallest=smallest, language=language)
        for language in LANGUAGES
    }
    contents = dict(_contents(reference, id, norms, methods, smallest))
    _write(out, contents)
    if not reference.young:  # those of an earlier reference of this name belong to it
        (out / "young_adult" / f"{id}.toml").unlink(missing_ok=True)
    for file in sorted((out / id).glob("*.csv")):  # what judged an earlier reference
        if file.name in JUDGED or file.name.startswith("against_"):
            file.unlink()
    return Publication(
        folder=out,
        files={content: file for content, (file, _) in contents.items()},
        by_age=load("by_age", id, folder=out),
        young_adult=load("young_adult", id, folder=out) if reference.young else None,
        methods=methods,
        notes=(*reference.notes, *_small_cells(reference, smallest)),
    )


def check_place(folder: str | Path, *, id: str, overwrite: bool = False) -> None:
    """Refuse a name or a place before any work is spent on it.

    Parameters
    ----------
    folder, id, overwrite
        As `publish`.

    Raises
    ------
    DefinitionError, NormError, OutputError
        As `publish`.

    Examples
    --------
    >>> check_place("my_norms", id="zhang_2007")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.NormError: there is a young_adult 'zhang_2007' already, ...
    """
    true_or_false(overwrite=overwrite)
    named = isinstance(id, str) and NAME.fullmatch(id)
    if not named or DEVICES.fullmatch(id) or id in KINDS:
        raise DefinitionError(
            f"id={id!r}: expected 3 to 64 small letters, digits and _, a letter first, e.g. "
            "id='our_county_2026'"
        )
    if Path(folder).exists() and not Path(folder).is_dir():
        raise OutputError(f"{Path(folder).name} is a file; name a folder of norms (--out)")
    files = {kind: f"{kind}/{id}.toml" for kind in ("by_age", "young_adult")}
    there = [file for file in (*files.values(), id) if (Path(folder) / file).exists()]
    if there and not overwrite:
        raise OutputError(
            f"{there[0]} exists already in {Path(folder).name}; give another id=, or overwrite=True"
        )
    for kind, file in files.items():
        if id in available(kind).ids and not (Path(folder) / file).exists():
            raise NormError(
                f"there is a {kind} {id!r} already, and a published norm is never replaced: "
                "give yours another id="
            )


def _refuse_maker(reference: Reference, maker: str) -> None:
    """Refuse a maker that the data contradict: their norm would be put to another's densities.

    Raises
    ------
    DefinitionError
        If the data name another maker, or several.
    """
    if reference.makers and maker != reference.maker and (maker_in(maker),) != reference.makers:
        named = " and ".join(MAKERS[name] for name in reference.makers)
        raise DefinitionError(
            f"maker={maker!r}, and the data name {named} (column calibrated_to, device_maker or "
            "device): leave maker= out to take theirs, or correct the column"
        )


def _norms(
    reference: Reference, head: dict[str, Any]
) -> Iterator[AgeReference | YoungAdultReference]:
    yield replace(reference.by_age, **head)
    if reference.young:
        yield replace(reference.young_adult, **head)


def _contents(
    reference: Reference,
    id: str,
    norms: dict[str, AgeReference | YoungAdultReference],
    methods: dict[str, str],
    smallest: int,
) -> Iterator[tuple[str, tuple[str, str]]]:
    """What each file holds, its path below the folder, and its text."""
    for kind, norm in norms.items():
        yield f"norm {kind}", (f"{kind}/{id}.toml", norm_text(norm))
    table = journal_table(reference, smallest)
    yield "table", (f"{id}/table.csv", csv_bytes(table, bom=True).decode())
    yield "printed table", (f"{id}/table.md", markdown(table, smallest, reference.labels))
    yield "LMS", (f"{id}/lms.csv", csv_bytes(lms_table(reference.by_age)).decode())
    for language, text in methods.items():
        yield f"methods, {language}", (f"{id}/methods_{language}.md", text)


def _write(out: Path, contents: dict[str, tuple[str, str]]) -> None:
    for file, text in contents.values():
        path = out / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {path.parent.name}: {error.strerror}"
            ) from error
        write_beside(path, text.encode())


def _small_cells(reference: Reference, smallest: int) -> Iterator[str]:
    n, least = reference.to_polars()["n"], smallest or SMALLEST
    few = int((n < least).sum())
    if few:
        shown = "are not shown" if smallest else "are shown, as smallest=0 has it"
        yield (
            f"{few} of {len(n)} bands of the table hold fewer than {least} people: their n, mean "
            f"and SD {shown}"
        )
