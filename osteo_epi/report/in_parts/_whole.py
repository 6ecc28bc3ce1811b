"""What is judged of all parts together, when all are made: none of it tells a part alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort import (
    OF_ALL,
    OF_ROWS,
    WAY_OUT,
    Cohort,
    Faults,
    Shape,
    beyond_chance,
    check_of_all,
    drift,
    files_named,
    identical_rows,
    merged,
    near_identical_rows,
    refusal,
    units_suspected,
    zeros_in_front,
)
from osteo_epi.diagnosis import Definition, Readings, without_unread
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Findings
from osteo_epi.report.in_parts._columns import unpacked
from osteo_epi.report.in_parts._numbers import (
    PADDED,
    PERSONS,
    ROWS,
    SCANS,
    persons_in_several,
    rows_again,
    scans_of_others,
    written_otherwise,
)
from osteo_epi.report.in_parts._place import Place
from osteo_epi.report.in_parts._plan import Part
from osteo_epi.report.in_parts._sums import findings_of
from osteo_epi.rounding import counted

Entry = Mapping[str, Any]
_LISTED = re.compile(r"; in Python people\.frame\.filter\(finding\.where\) lists [a-z ]+")
"""What nobody can do of people who are no frame."""


@dataclass(frozen=True)
class Whole:
    """All parts, with what is known of each.

    Parameters
    ----------
    place
        Where they wait.
    parts
        In their order.
    entries
        Of each.
    """

    place: Place
    parts: Sequence[Part]
    entries: Sequence[Entry]

    @property
    def held(self) -> list[tuple[Part, Entry]]:
        """Those that have a row."""
        return [pair for pair in zip(self.parts, self.entries, strict=True) if pair[1]["rows"]]

    def of_persons(self) -> list[Finding]:
        """Persons, rows without one and files that stand there more than once."""
        found = [*self._in_several(), *self._same_files(), *self._same_rows(), *self._same_scans()]
        persons, padded = self._numbers(PERSONS), self._numbers(PADDED)
        if n := written_otherwise(list(persons.values()), list(padded.values())):
            then = (
                "and put the rows of a person into one file that is one part, where repeats= "
                "(--repeats) chooses among them"
            )
            found.append(zeros_in_front(n, then))
        return found

    def _numbers(self, kind: str) -> dict[str, Path]:
        """The files of numbers of a kind, by the titles of their parts."""
        return {
            part.title: self.place.numbers(entry["key"], kind)
            for part, entry in self.held
            if entry["numbers"].get(kind)
        }

    def _in_several(self) -> list[Finding]:
        persons, times = persons_in_several(list(self._numbers(PERSONS).values()))
        if not persons:
            return []
        message = (
            f"{counted(persons, 'person')} stand in several parts, {times:,} times together: "
            "each time counts as a person"
        )
        fix = (
            "if each file numbers its people from 1, put the file before the number; else put the "
            "rows of a person into one file that is one part (of how many rows, --part-rows of "
            "osteo-epi classify says), where repeats= (--repeats) chooses among them; or read the "
            "files in memory, where it chooses among all"
        )
        return [Finding("person_in_several_parts", "error", "person_id", times, message, fix)]

    def _same_rows(self) -> list[Finding]:
        """That rows agree, in one part or in several, where nobody has an identifier."""
        files = self._numbers(ROWS)
        if not files:
            return []
        found = rows_again(list(files.values()))
        of = [(part, entry) for part, entry in self.held if part.title in files]
        beyond = beyond_chance(found.pairs, self._read(of))
        there, pairs = (
            t.filter(pl.col("has").is_in(beyond.implode())) for t in (found.of, found.pairs)
        )
        if there.is_empty():
            return []
        names = [name for i, name in enumerate(files) if i in set(there["part"])]
        copies = 'keep one of each with repeats="first" (--repeats first)'
        if pairs["n_apart"].sum():
            copies = (
                "leave all but one of each out of the files, for repeats= (--repeats) chooses "
                "among the rows of one part alone"
            )
        n = sum(entry["rows"] for _, entry in of)
        where = f", in {files_named(names)}"
        return [identical_rows(int(there["n"].sum()), n, copies, where)]

    def _same_scans(self) -> list[Finding]:
        """That rows of persons agree with others, where anybody has an identifier."""
        if not self._numbers(PERSONS):
            return []
        files = self._numbers(SCANS)
        of = scans_of_others(list(files.values()))
        names = [name for name, n in zip(files, of, strict=True) if n]
        return [near_identical_rows(sum(of), f", in {files_named(names)}")] if names else []

    def _read(self, held: Sequence[tuple[Part, Entry]]) -> pl.LazyFrame:
        """What was read of some parts and is written as it was, in the codebook's columns."""
        if not held:
            return pl.LazyFrame()
        judged = []
        for _, entry in held:
            named = {new: name for name, new in entry["renamed"].items()}
            rows = pl.scan_parquet(self.place.part(entry["key"])).rename(named, strict=False)
            judged.append(rows.select(entry["judged"]))
        return pl.concat(judged, how="diagonal")

    def _same_files(self) -> list[Finding]:
        """That files are one to the byte, in folders that say the same: no identifier is needed."""
        rows: Counter[str] = Counter()
        held: dict[str, dict[str, None]] = {}
        for part, entry in self.held:
            rows[part.file.name] += entry["rows"]
            alike = json.dumps([part.sha256, dict(part.file.values)])
            held.setdefault(alike, {})[part.file.name] = None
        groups = [list(names) for names in held.values() if len(names) > 1]
        if not groups:
            return []
        n = sum(rows[name] for _, *copies in groups for name in copies)
        listed = "; ".join(f"{first} is {files_named(copies)}" for first, *copies in groups[:3])
        message = (
            f"files that are the same to the byte, whose {n:,} people would count again: {listed}"
        )
        fix = "leave all but one of each out"
        return [Finding("identical_files", "error", "", n, message, fix)]

    def of_files(self) -> list[Finding]:
        """How the files differ, by the columns that were made of them, headings and codes of sex.

        Raises
        ------
        SchemaError
            If the values of a variable look like another unit in some of the files alone.
        """
        shapes: dict[str, Shape] = {}
        columns: dict[str, None] = {}
        for part, entry in self.held:
            schema = unpacked(entry["columns"]).schema
            columns |= dict.fromkeys(schema)
            own = pl.Schema({n: kind for n, kind in schema.items() if n not in entry["lacking"]})
            sexes = entry.get("codes_of_sex", ())
            shape = Shape.of_columns(entry["rows"], own, entry["headings"], sexes)
            before = shapes.get(part.file.name)
            shapes[part.file.name] = shape if before is None else before + shape
        for name in dict.fromkeys(p.file.name for p, entry in self.held if entry["suspected"]):
            shapes[name] = replace(shapes[name], suspected=self._suspected(name))
        findings = drift(shapes, list(columns))
        empty = [p.title for p, e in zip(self.parts, self.entries, strict=True) if not e["rows"]]
        if empty:
            message = f"{counted(len(empty), 'file')} without a row of data: {files_named(empty)}"
            fix = "export them again, if people are missing"
            findings.append(Finding("empty_files", "warning", "", 0, message, fix))
        return findings

    def _suspected(self, name: str) -> dict[str, str]:
        """Variables of a file that look like another unit, in all of its parts together."""
        pieces = [(part, entry) for part, entry in self.held if part.file.name == name]
        if len(pieces) == 1:
            return dict(pieces[0][1]["suspected"])
        return units_suspected(self._read(pieces))

    @property
    def columns(self) -> list[str]:
        """Those that some part has."""
        return merged([unpacked(entry["columns"]).columns for _, entry in self.held])

    def of_people(self) -> list[Finding]:
        """What the check finds by sums over all people."""
        columns = merged([entry["judged"] for _, entry in self.held])
        found = check_of_all(self._read(self.held).select(columns))
        return [replace(f, where=None, fix=_LISTED.sub("", f.fix)) for f in found]

    def of_parts(self) -> list[Finding]:
        """What was said of each part and is true of the whole, counts added."""
        return findings_of({part.title: entry["findings"] for part, entry in self.held})


def for_all_to_judge(finding: Finding, judged: Sequence[str]) -> bool:
    """Whether a finding of a part is for all parts to be judged, by columns that are written."""
    return finding.code in OF_ROWS or (
        finding.code in OF_ALL and {*finding.column.split(", ")} <= {"", *judged}
    )


def read_by(
    definition: Definition, columns: Sequence[str], findings: list[Finding]
) -> tuple[list[Finding], dict[str, str]]:
    """Findings of which those are no errors that are about what the definition does not read.

    Returns
    -------
    tuple
        The findings; and the columns that are left out for it, with the names that they get.
    """
    given = Cohort(pl.DataFrame(schema=list(columns)), Findings(tuple(findings)))
    people = without_unread(given, [Readings.of(definition)])
    renamed = {a: b for a, b in zip(columns, people.columns, strict=True) if a != b}
    return list(people.findings), renamed


def refuse(findings: Sequence[Finding]) -> None:
    """Refuse errors of the whole, all of them at once."""
    faults = Faults()
    for finding in Findings(tuple(findings)).errors:
        with faults:
            raise SchemaError(refusal(Findings((finding,)), way_out=WAY_OUT))
    faults.refuse()
