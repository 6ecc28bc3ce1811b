"""The shelf of published numbers: load one, see what there is, cite it.

`reference_norms/` lies inside the package in a wheel and beside it in a checkout. A user's own
folders of the same form come in by `folder=` or by the environment variable OSTEO_EPI_NORMS. They
add norms and never replace one: a published number with the same name and another value would be
the worst kind of mistake.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import polars as pl

from osteo_epi.errors import NormError, did_you_mean
from osteo_epi.html import html_table
from osteo_epi.norms._criterion import Criterion
from osteo_epi.norms._norm import GRADE_MEANING, Fields, Norm
from osteo_epi.norms._populations import StandardPopulation
from osteo_epi.norms._records import (
    Calibration,
    Index,
    Precision,
    Presentation,
    Published,
    Risk,
    Simulation,
)
from osteo_epi.norms._references import AgeReference, YoungAdultReference
from osteo_epi.results import Result

ENVIRONMENT = "OSTEO_EPI_NORMS"
KINDS: dict[str, Any] = {
    form.kind: form
    for form in (
        Criterion,
        YoungAdultReference,
        AgeReference,
        StandardPopulation,
        Calibration,
        Index,
        Precision,
        Presentation,
        Published,
        Risk,
        Simulation,
    )
}
_MANY = 9
"""Norms of a kind that a message names; more are a page of their own."""
Folder = str | os.PathLike[str] | None


@overload
def load(kind: Literal["criteria"], id: str, *, folder: Folder = None) -> Criterion: ...
@overload
def load(
    kind: Literal["young_adult"], id: str, *, folder: Folder = None
) -> YoungAdultReference: ...
@overload
def load(kind: Literal["by_age"], id: str, *, folder: Folder = None) -> AgeReference: ...
@overload
def load(
    kind: Literal["standard_population"], id: str, *, folder: Folder = None
) -> StandardPopulation: ...
@overload
def load(kind: Literal["calibration"], id: str, *, folder: Folder = None) -> Calibration: ...
@overload
def load(kind: Literal["indices"], id: str, *, folder: Folder = None) -> Index: ...
@overload
def load(kind: str, id: str, *, folder: Folder = None) -> Any: ...
def load(kind: str, id: str, *, folder: Folder = None) -> Any:
    """Load a norm.

    Parameters
    ----------
    kind
        A folder of reference_norms/: "criteria", "young_adult", "by_age", "standard_population",
        "calibration", "presentation", "precision", "indices", "risk", "published", "simulation".
    id
        Name of the file without its ending.
    folder
        A user's own folder of the same form, beside those of OSTEO_EPI_NORMS.

    Returns
    -------
    Norm
        The frozen dataclass of its kind.

    Raises
    ------
    NormError
        If there is no such norm (with the nearest names), or its file is malformed.

    Examples
    --------
    >>> load("criteria", "china_2020").rois
    ('lumbar_spine', 'femoral_neck', 'total_hip')
    >>> load("young_adult", "zhang_2008")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.NormError: there is no young_adult 'zhang_2008' (did you mean zhang_2007...
    """
    _check_kind(kind)
    if not isinstance(id, str):
        raise NormError(f"a {kind} is asked for by its id, a word, not by {_of_kind(id)}")
    files = _files(kind, folder)
    if id not in files:
        raise _unknown(kind, id, list(files), folder)
    return _read(files[id], kind)


def _of_kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        near = did_you_mean(kind, list(KINDS))
        raise NormError(f"there is no kind of norm {kind!r}{near}; there are {', '.join(KINDS)}")


def _unknown(kind: str, id: str, names: list[str], folder: Folder) -> NormError:
    other_kinds = [k for k in KINDS if k != kind and id in _files(k, folder)]
    elsewhere = f" ({id} is a norm of kind {', '.join(other_kinds)})" if other_kinds else ""
    listed = ", ".join(sorted(names)) or "none"
    if len(names) > _MANY:
        listed = (
            f"{len(names)}, listed by osteo-epi norms list {kind}; in Python by "
            f"osteo_epi.norms.available({kind!r})"
        )
    return NormError(
        f"there is no {kind} {id!r}{did_you_mean(id, names)}{elsewhere}; there are {listed}; own "
        f"norms come in by folder= (--norms) or {ENVIRONMENT}"
    )


def _files(kind: str, folder: Folder = None) -> dict[str, Path]:
    """Norm files of a kind by id, of all folders; one name in two places is refused."""
    paths: dict[str, Path] = {}
    for root in _roots(folder):
        for path in sorted((root / kind).glob("*.toml")):
            if path.stem in paths and not path.samefile(paths[path.stem]):
                raise NormError(
                    f"{kind} {path.stem!r} is in two folders of norms; give yours another name: "
                    "a published norm is never replaced"
                )
            paths[path.stem] = path
    return paths


def _roots(folder: Folder) -> list[Path]:
    if not isinstance(folder, str | os.PathLike | None):
        raise NormError(f"a folder of norms is {_of_kind(folder)}; expected its path")
    own = [Path(part) for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    own += [] if folder is None else [Path(folder)]
    for root in own:
        if not any((root / kind).is_dir() for kind in KINDS):
            raise NormError(
                f"{root}: expected a folder of norms, with a folder for each kind in it "
                f"({', '.join(KINDS)})"
            )
    return [shelf(), *own]


def refuse_other_folder(folder: Folder) -> None:
    """Insist that a folder of own norms is one, before each norm is looked for in it.

    Raises
    ------
    NormError
        If it is not there, or holds no folder of a kind of norms.
    """
    _roots(folder)


def shelf() -> Path:
    """Folder of the norms that come with the toolkit."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "reference_norms", package.parent / "reference_norms"):
        if (place / "criteria").is_dir():
            return place
    raise NormError(
        "reference_norms/ is neither in the package nor beside it; install osteo-epi again"
    )


def _read(path: Path, kind: str) -> Any:
    file = f"{kind}/{path.name}"
    content = path.read_bytes()
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NormError(f"{file}: expected TOML in UTF-8: {error}") from None
    fields = Fields(table, file=file)
    for name, expected in (("kind", kind), ("id", path.stem)):
        if fields.text(name) != expected:
            raise fields.fail(name, f"{expected!r}, as its folder or file is called")
    return KINDS[kind].read(fields, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, repr=False)
class Catalogue(Result):
    """Norms that there are, one line each."""

    no_figure = "is a list of norms: read it in to_frame()"

    norms: tuple[Norm, ...]

    def to_polars(self) -> pl.DataFrame:
        """Table of id, kind, title, verification and labels."""
        return pl.DataFrame(
            {
                "id": [norm.id for norm in self.norms],
                "kind": [norm.kind for norm in self.norms],
                "title": [norm.title for norm in self.norms],
                "verification": [norm.verification for norm in self.norms],
                "labels": [", ".join(norm.labels) for norm in self.norms],
            },
            schema=dict.fromkeys(("id", "kind", "title", "verification", "labels"), pl.String),
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Names by which they are loaded."""
        return tuple(norm.id for norm in self.norms)

    def __iter__(self) -> Iterator[Norm]:
        return iter(self.norms)

    def __len__(self) -> int:
        return len(self.norms)

    def __str__(self) -> str:
        width = max((len(norm.id) for norm in self.norms), default=0)
        return "\n".join(
            f"{norm.kind:<20}{norm.id:<{width + 2}}{norm.verification}  {norm.title}"
            for norm in self.norms
        )

    def _summary(self) -> str:
        return f"{len(self)} norms: {', '.join(dict.fromkeys(norm.kind for norm in self))}"

    def _repr_html_(self) -> str:
        grades = (f"{grade}: {meaning}" for grade, meaning in GRADE_MEANING.items())
        return html_table(self.to_polars(), caption="; ".join(grades))


def available(kind: str | None = None, *, folder: Folder = None) -> Catalogue:
    """List the norms that can be loaded.

    Parameters
    ----------
    kind
        Only this kind; all by default.
    folder
        A user's own folder, see `load`.

    Examples
    --------
    >>> "china_2020" in available("criteria").ids
    True
    """
    if kind is not None:
        _check_kind(kind)
    kinds = KINDS if kind is None else (kind,)
    return Catalogue(
        tuple(_read(path, k) for k in kinds for _, path in sorted(_files(k, folder).items()))
    )


def holders(sexes: Iterable[str], rois: Iterable[str], *, folder: Folder = None) -> str:
    """Young-adult references that hold regions of a sex, for a message.

    Parameters
    ----------
    sexes
        "female", "male".
    rois
        Regions of interest.
    folder
        A user's own folder, see `load`.

    Examples
    --------
    >>> holders(["male"], ["femoral_neck", "radius_33"])[:54]
    'male femoral_neck: nhanes3_white, nhanes_2005_2008_nhw'
    """
    there = [n for n in available("young_adult", folder=folder) if hasattr(n, "entries")]
    named = {
        f"{sex} {roi}": [n.id for n in there if (sex, roi) in {(e.sex, e.roi) for e in n.entries}]
        for sex in sexes
        for roi in rois
    }
    by_list: dict[str, list[str]] = {}
    for what, ids in named.items():
        by_list.setdefault(", ".join(ids) or "none", []).append(what)
    return "; ".join(f"{', '.join(whats)}: {ids}" for ids, whats in by_list.items())


def cite(id: str, *, kind: str | None = None, folder: Folder = None) -> str:
    """Citation, grade and labels of a norm, one line for each kind that has this id.

    Raises
    ------
    NormError
        If no norm has it.

    Examples
    --------
    >>> print(cite("zhang_2007"))
    Chinese women 20-39 years (Zhang 2007). Zhang HC et al. ... doi:10.1016/j.jocd.2007.05.004
    (read in: its abstract) [grade A]
    """
    if kind is not None:
        return load(kind, id, folder=folder).cite()
    norms = [_read(files[id], k) for k in KINDS if id in (files := _files(k, folder))]
    if not norms:
        names = [name for k in KINDS for name in _files(k, folder)]
        raise NormError(
            f"there is no norm {id!r}{did_you_mean(id, names)}; see osteo-epi norms list; in "
            "Python osteo_epi.norms.available()"
        )
    return "\n".join(norm.cite() for norm in norms)
