"""The cohort: one clean frame with its findings, its participant flow and where it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort._flow import Flow
from osteo_epi.engines import totals
from osteo_epi.errors import SchemaError
from osteo_epi.files import digest_of
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import Kind, as_polars, in_order
from osteo_epi.html import html_table
from osteo_epi.language import SIMULATED, word
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted, percent

_ROWS = 100_000
_UNWRITTEN = (pl.Duration, pl.Binary, pl.Object)  # in CSV


@dataclass(frozen=True)
class Source:
    """Where the data came from: names of files without their folders, and a digest of their bytes.

    Parameters
    ----------
    files
        File names; folders are left out, they may name people and machines.
    sha256
        SHA-256 over the bytes of the files in the order named.
    reader
        Which reader took them in, e.g. "csv", "nhanes", "simulate".
    encoding
        Character encoding of a text file, else None.
    label
        What a reader of any result must know about the data, e.g. that it is simulated.
    design
        The survey's own names of the columns survey_weight, stratum and psu, where it has them.
    headings
        The file's headings of the columns whose name is another.
    codes_of_sex
        Of one of several files: by which codes it tells the sexes, see `Shape`.
    """

    files: tuple[str, ...] = ()
    sha256: str = ""
    reader: str = ""
    encoding: str | None = None
    label: str = ""
    design: Mapping[str, str] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)
    codes_of_sex: tuple[str, ...] = ()

    @classmethod
    def of_files(
        cls, paths: Iterable[Path], *, reader: str, encoding: str | None = None, label: str = ""
    ) -> Source:
        """Describe files that are on disk."""
        paths = tuple(paths)
        names = tuple(path.name for path in paths)
        return cls(names, digest_of(*paths), reader, encoding, label)

    @classmethod
    def of_frame(cls, frame: pl.DataFrame, *, reader: str, label: str = "") -> Source:
        """Describe a frame; the digest is taken over it written as CSV, a slice after the other."""
        for name, kind in frame.schema.items():
            if kind.is_nested() or kind in _UNWRITTEN:
                raise SchemaError(
                    f"column {name} holds {kind}, not one plain value a cell; "
                    "osteo_epi.read(frame) takes such a frame in"
                )
        digest = hashlib.sha256(frame.head(0).write_csv().encode())
        for rows in frame.iter_slices(_ROWS):
            digest.update(rows.write_csv(include_header=False).encode())
        return cls((), digest.hexdigest(), reader, None, label)


SAYS_SIMULATED = ("synthetic", "模拟数据")
"""Columns by which people say of themselves that they are simulated."""


def is_simulated(people: Any) -> bool:
    """Whether people say of themselves that they are simulated.

    Parameters
    ----------
    people
        A `Cohort`, or any frame with the column `synthetic` or 模拟数据; a file keeps no label.

    Examples
    --------
    >>> is_simulated(pl.DataFrame({"age": [61.0], "synthetic": [True]}))
    True
    """
    source = people.source if isinstance(people, Cohort) else None
    frame, _ = as_polars(people)
    says = [
        pl.col(name).cast(pl.String).str.to_lowercase().is_in(["true", "1", "是"]).sum()
        for name in SAYS_SIMULATED
        if name in frame.collect_schema()
    ]
    stated = bool(says) and any(totals(frame, sums=says).row(0))
    return stated or (source is not None and "simulated" in source.label.lower())


@dataclass(frozen=True, eq=False, repr=False)
class Cohort(Result):
    """People, one row each, in canonical columns (and the file's others under their own names).

    Parameters
    ----------
    frame
        The data.
    findings
        What was noticed about them, see `check`.
    flow
        Who is in and who is out, so far.
    source
        Where they came from.
    accepted_errors
        Findings of the level "error" in spite of which somebody went on, see `refuse_errors`.
    frame_kind
        The library of the frame that they were read from, in which `to_frame` gives them.

    Examples
    --------
    >>> people = Cohort.from_frame(pl.DataFrame({"age": [61.0, 47.0]}), label="made by hand")
    >>> len(people), people.columns, people["age"].to_list(), people.flow.n
    (2, ['age'], [61.0, 47.0], 2)
    >>> people.with_frame(people.frame.with_columns(older=pl.col("age") > 50)).columns
    ['age', 'older']
    """

    frame: pl.DataFrame
    findings: Findings = field(default_factory=Findings)
    flow: Flow = field(default_factory=Flow)
    source: Source = field(default_factory=Source)
    accepted_errors: Findings = field(default_factory=Findings)
    frame_kind: Kind = "polars"

    def __post_init__(self) -> None:
        # What is noticed of people, and who is in, goes back to the caller as they do.
        for part in (self.findings, self.flow, self.accepted_errors):
            object.__setattr__(part, "frame_kind", self.frame_kind)

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame,
        *,
        reader: str = "frame",
        label: str = "",
        findings: Iterable[Finding] = (),
    ) -> Cohort:
        """Take a frame that already has canonical columns, e.g. a simulated one.

        The digest is taken over the frame written as CSV: the same values give the same digest
        whatever the engine that held them.
        """
        flow = Flow.start(len(frame), reason=f"rows of the {label or reader}")
        source = Source.of_frame(frame, reader=reader, label=label)
        return cls(frame, Findings(tuple(findings)), flow, source)

    def __len__(self) -> int:
        return self.frame.height

    def __getitem__(self, column: str) -> pl.Series:
        return self.frame[column]

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self.frame.columns

    def with_frame(self, frame: pl.DataFrame) -> Cohort:
        """The same cohort with another frame, usually the same rows with more columns."""
        same = frame.height == self.frame.height
        return replace(self, frame=frame, flow=self.flow if same else self.flow.resized(len(frame)))

    def with_findings(self, findings: Iterable[Finding]) -> Cohort:
        """The same cohort with these findings added."""
        return replace(self, findings=self.findings + findings)

    @property
    def open_errors(self) -> Findings:
        """Errors that would make results wrong and that nobody accepted.

        One is told from another by its `key`: the number of rows may change on the way.
        """
        accepted = {finding.key for finding in self.accepted_errors}
        return Findings(tuple(f for f in self.findings.errors if f.key not in accepted))

    def with_errors_accepted(self, codes: Container[str] | None = None) -> Cohort:
        """The same cohort with all its errors accepted, or those of some codes.

        Classes and estimates will be made in spite of them.
        """
        accepted = [f for f in self.open_errors if codes is None or f.code in codes]
        return replace(self, accepted_errors=self.accepted_errors + accepted)

    def to_polars(self) -> pl.DataFrame:
        """The data as a Polars frame."""
        return self.frame

    def _ordered(self, **options: Any) -> pl.DataFrame:
        return self.frame  # people's own columns stay as they are

    def to_arrow(self) -> Any:
        """The data as a pyarrow table."""
        return self.frame.to_arrow()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)

    @property
    def counted(self) -> str:
        """How many there are: people where an identifier tells them apart, else rows.

        Examples
        --------
        >>> Cohort.from_frame(pl.DataFrame({"age": [61.0, 47.0]})).counted
        '2 rows'
        """
        if "person_id" not in self.columns:
            return counted(len(self), "row")
        return f"{count(len(self))} {'person' if len(self) == 1 else 'people'}"

    def _summary(self) -> str:
        label = f", {self.source.label}" if self.source.label else ""
        return (
            f"{self.counted}, {len(self.columns)} columns, "
            f"{counted(len(self.findings), 'finding')}, "
            f"read by {self.source.reader or 'hand'}{label}"
        )

    def _repr_html_(self) -> str:
        """Counts only: a notebook is passed on more easily than a data set."""
        flow = html_table(self.flow.to_polars(), caption=self._summary())
        return flow + self._classes() + self.findings._repr_html_()

    def _classes(self) -> str:
        """How many are in each class, by sex and of all; nothing before they are classified."""
        if "bone_class" not in self.columns:
            return ""
        people = in_order(self.frame.select(pl.col("bone_class", "^sex$").cast(pl.String)))
        groups = people.partition_by("sex", as_dict=True) if "sex" in people.columns else {}
        named = {word(key[0]): groups[key] for key in sorted(groups, key=str) if key[0] is not None}
        held = people["bone_class"].unique().sort()
        table = {"class": [word(name) for name in held]}
        for heading, group in {**named, word("all"): people}.items():
            table[f"{heading}, n (%)"] = [_share(group["bone_class"], name) for name in held]
        return html_table(pl.DataFrame(table), caption="Classes, unweighted")


def _share(classes: pl.Series, name: str | None) -> str:
    """How many are of one class, and of a hundred."""
    n = int(classes.eq_missing(name).sum())
    return f"{count(n)} ({percent(n / max(len(classes), 1), decimals=1)})"


def says_simulated(thing: Any) -> bool:
    """Whether people, a frame or a result say of themselves that they are of simulated people.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> says_simulated(survey()), says_simulated(pl.DataFrame({"age": [61]})), says_simulated(3)
    (True, False, False)
    """
    if isinstance(thing, Cohort):
        return is_simulated(thing)
    if isinstance(thing, Result):
        return _result_says(thing)
    if isinstance(thing, (Mapping, list, tuple)):
        return any(map(says_simulated, thing.values() if isinstance(thing, Mapping) else thing))
    # A lazy frame warns who asks for its columns.
    if not (isinstance(thing, pl.LazyFrame) or hasattr(thing, "columns")):
        return False
    frame = as_polars(thing)[0].lazy()
    known = frame.collect_schema().names()
    asked = [name for name in ("flag", "reason", "simulated", *SAYS_SIMULATED) if name in known]
    rows = frame.select(pl.col(asked).cast(pl.String)).unique().collect() if asked else None
    if rows is None:
        return False
    states = {"flag": SIMULATED, "reason": "SIMULATED"}
    return any(
        rows[name].str.contains(states.get(name, "^(?i:true|1|是)$")).any() for name in asked
    )


def _result_says(result: Result) -> bool:
    """The label of its data, however a result keeps it."""
    kept = [getattr(result, name, "") for name in ("label", "labels", "notes", "meta")]
    texts = [text for told in kept if isinstance(told, (tuple, list)) for text in told]
    texts += [told for told in kept if isinstance(told, str)]
    texts += [told.get("label", "") for told in kept if isinstance(told, dict)]
    # A run read back has a property of this name, which says that it holds none.
    people = vars(result).get("people")
    return (
        getattr(result, "simulated", False) is True
        or any("simul" in str(text).lower() for text in texts)
        or (people is not None and says_simulated(people))
        or (hasattr(result, "steps") and says_simulated(result.to_polars()))
    )
