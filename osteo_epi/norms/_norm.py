"""What every norm file has in common: its head, its grade, and how its fields are read."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from osteo_epi.errors import NormError
from osteo_epi.norms._bands import T_TOLERANCE, Bands, Interval
from osteo_epi.rounding import count

PUBLISHED_GRADES = ("A", "B", "C")
DERIVED = "derived"
"""In place of a grade, for a norm that somebody's own records were made into: `[derivation]` says
which records, by what, and when; no publication stands behind it."""
GRADES = (*PUBLISHED_GRADES, DERIVED)
GRADE_MEANING = {
    "A": "read in the publication itself, in two independent copies, or confirmed by arithmetic",
    "B": "read in a secondary copy only",
    "C": "common knowledge of the field, not confirmed from a text",
    DERIVED: "computed from people's records by the software that the file names, not published",
}
OWN_DATA = "own data"
"""In place of a grade, for a norm derived from the data analysed: nothing was published."""


class Fields:
    """A table of a norm file that knows where it stands, and which of its fields were read."""

    def __init__(self, table: Mapping[str, Any], *, file: str, where: str = "") -> None:
        self.table, self.file, self.where = table, file, where
        self._read: set[str] = set()

    def fail(self, name: str, expected: str) -> NormError:
        """Build the error that names file, field and what was expected there."""
        value = repr(self.table[name]) if name in self.table else "nothing"
        return NormError(f"{self.file}: {self._place(name)}: expected {expected}, found {value}")

    def get(self, name: str, kind: Any, expected: str, default: Any = ...) -> Any:
        """Value of a field of one of the given types; without a default it must be there."""
        self._read.add(name)
        if name not in self.table and default is not ...:
            return default
        value = self.table.get(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(name, expected)
        return value

    def text(self, name: str, default: Any = ...) -> Any:
        """Non-empty string."""
        value = self.get(name, str, "a text", default)
        if value == "" and default is ...:
            raise self.fail(name, "a text that is not empty")
        return value

    def flag(self, name: str, default: Any = ...) -> Any:
        """`true` or `false`."""
        return self.get(name, bool, "true or false", default)

    def number(self, name: str, default: Any = ..., *, above: float = -math.inf) -> Any:
        """Finite number greater than `above`."""
        value = self.get(name, (int, float), "a number", default)
        if value is default:
            return value
        if not (math.isfinite(value) and value > above):
            raise self.fail(name, "a finite number" + f" above {above:g}" * (above > -math.inf))
        return float(value)

    def numbers(self, name: str, *, above: float = -math.inf) -> tuple[float, ...]:
        """Finite numbers, each greater than `above`."""
        values = self.get(name, list, "a list of numbers")
        for value in values:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and value > above):
                raise self.fail(name, f"finite numbers above {above:g}")
        return tuple(float(value) for value in values)

    def texts(self, name: str, default: Any = ...) -> tuple[str, ...]:
        """List of texts."""
        values = self.get(name, list, "a list of texts", default)
        if not all(isinstance(value, str) for value in values):
            raise self.fail(name, "a list of texts")
        return tuple(values)

    def choice(self, name: str, choices: tuple[str, ...], default: Any = ...) -> Any:
        """One of the given words."""
        value = self.get(name, str, "one of " + ", ".join(choices), default)
        if value is not default and value not in choices:
            raise self.fail(name, "one of " + ", ".join(choices))
        return value

    def interval(self, name: str, default: Any = ...) -> Any:
        """Interval in mathematical notation."""
        value = self.text(name, default)
        if value is default:
            return value
        try:
            return Interval.parse(value)
        except NormError as error:
            raise NormError(f"{self.file}: {self._place(name)}: {error}") from None

    def bands(self, name: str, default: Any = ..., *, tolerance: float = T_TOLERANCE) -> Any:
        """Classes that partition the real line."""
        table = self.get(name, dict, "a table of classes and their intervals", default)
        if table is default:
            return table
        try:
            return Bands.parse(table, tolerance=tolerance)
        except NormError as error:
            raise NormError(f"{self.file}: {self._place(name)}: {error}") from None

    def under(self, name: str, default: Any = ...) -> Fields:
        """Sub-table."""
        table = self.get(name, dict, f"a table [{name}]", default)
        return Fields(table, file=self.file, where=self._place(name))

    def each(self, name: str) -> Iterator[Fields]:
        """Members of an array of tables, in order; at least one."""
        tables = self.get(name, list, f"at least one table [[{name}]]")
        if not tables or not all(isinstance(table, dict) for table in tables):
            raise self.fail(name, f"at least one table [[{name}]]")
        for position, table in enumerate(tables, start=1):
            yield Fields(table, file=self.file, where=f"{self._place(name)} {position}")

    def done(self) -> None:
        """Refuse what nobody read: a misspelt field would otherwise be ignored in silence."""
        unknown = sorted(set(self.table) - self._read)
        if unknown:
            raise NormError(
                f"{self.file}: {self._place(unknown[0])}: unknown field; expected only "
                + ", ".join(sorted(self._read))
            )

    def _place(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name


@dataclass(frozen=True)
class Citation:
    """A publication, and the copy in which its numbers were read where that is another one."""

    text: str
    doi: str | None = None
    read_in: str | None = None

    @classmethod
    def read(cls, fields: Fields) -> Citation:
        """Take a citation from the table `[citation]`."""
        citation = cls(fields.text("text"), fields.text("doi", None), fields.text("read_in", None))
        fields.done()
        return citation

    def __str__(self) -> str:
        doi = f" doi:{self.doi}" if self.doi else ""
        return self.text + doi + (f" (read in: {self.read_in})" if self.read_in else "")


EXACT, COMPLETED = AGES = ("exact", "completed years")
"""What an age means in a derived norm."""


@dataclass(frozen=True)
class Derivation:
    """Where the numbers of a derived norm come from.

    Attributes
    ----------
    data_sha256
        Digest of the records.
    people
        How many stand behind it.
    exclusions
        Who was left out, one text a rule with its count.
    model, design, software
        In words.
    date
        When it was computed, as YYYY-MM-DD.
    ages
        What an age means in it: "exact" (of the day, as 12.4), or "completed years"; None where
        that is not stated. While people grow, half a year matters.
    """

    data_sha256: str
    people: int
    exclusions: tuple[str, ...]
    model: str
    design: str
    software: str
    date: str
    ages: str | None = None

    @classmethod
    def read(cls, fields: Fields) -> Derivation:
        """Take a derivation from the table `[derivation]`."""
        derivation = cls(
            data_sha256=_sha256(fields),
            people=whole(fields, "people"),
            exclusions=fields.texts("exclusions"),
            model=fields.text("model"),
            design=fields.text("design"),
            software=fields.text("software"),
            date=_date(fields),
            ages=fields.choice("ages", AGES) if "ages" in fields.table else None,
        )
        fields.done()
        return derivation

    def __str__(self) -> str:
        left_out = "; ".join(self.exclusions) or "nobody"
        return (
            f"Derived on {self.date} by {self.software} from {count(self.people)} people (data "
            f"sha256 {self.data_sha256[:12]}); left out: {left_out}; model: {self.model}; design: "
            f"{self.design}" + (f"; ages: {self.ages}" if self.ages else "")
        )


def _sha256(fields: Fields) -> str:
    value: str = fields.text("data_sha256")
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise fields.fail("data_sha256", "64 hexadecimal digits")
    return value


def whole(fields: Fields, name: str) -> int:
    """Take a whole number above 0."""
    value = fields.number(name, above=0)
    if value != int(value):
        raise fields.fail(name, "a whole number")
    return int(value)


def _date(fields: Fields) -> str:
    value: str = fields.text("date")
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        raise fields.fail("date", "a date as YYYY-MM-DD, in quotes") from None
    return value


@dataclass(frozen=True, kw_only=True, repr=False)
class Norm:
    """A published set of numbers.

    Attributes
    ----------
    id, title
        Name by which it is loaded, and by which people know it.
    title_zh
        The same in Chinese text; empty where no Chinese name is known.
    citation
        Where it was published.
    verification
        Grade of its weakest number: A read in the publication, B in a secondary copy, C common
        knowledge; "derived" where nothing was published, see `derivation`.
    labels
        Warnings that go with every use: `derived`, `reconstruction`, `simulation`.
    notes
        What a user must know and no other field says.
    sha256
        Digest of the file; empty for one that was built in memory.
    derivation
        Where the numbers of a derived norm come from; None for a published one.
    country
        Country, or region with statistics of its own, whose people or whose profession it is of;
        empty where it is of none.
    """

    kind: ClassVar[str] = ""

    id: str
    title: str
    citation: Citation
    verification: str
    labels: tuple[str, ...] = ()
    notes: str = ""
    sha256: str = ""
    # What a norm is called changes no estimate: it stays out of the digest.
    title_zh: str = field(default="", repr=False)
    derivation: Derivation | None = field(default=None, repr=False)
    # Which norm is proposed to whom changes no estimate either.
    country: str = field(default="", repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of its file, or of its content where it was built in memory."""
        if self.sha256:
            return self.sha256
        content = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
        return hashlib.sha256(f"{type(self).__name__}({content})".encode()).hexdigest()

    def __repr__(self) -> str:
        line = f"{self.id}, {self.title}, {graded(self.verification)}"
        return f"{type(self).__name__}({textwrap.shorten(line, 120, placeholder=' …')})"

    def cite(self) -> str:
        """Citation, grade and labels in one line, and where derived numbers come from."""
        labels = f" [{', '.join(self.labels)}]" if self.labels else ""
        source = "" if self.derivation is None else f" {self.derivation}."
        return f"{self.title}{labels}. {self.citation}{source} [{graded(self.verification)}]"


def graded(verification: str) -> str:
    """Say a grade, or that there is none to give.

    Examples
    --------
    >>> graded("B"), graded(OWN_DATA)
    ('grade B', 'own data')
    """
    return f"grade {verification}" if verification in PUBLISHED_GRADES else verification


def read_head(fields: Fields) -> dict:
    """Take the fields that every norm file has, grade aside."""
    fields.text("kind")
    derived = fields.table.get("verification") == DERIVED
    source = fields.under("derivation") if derived or "derivation" in fields.table else None
    return {
        "derivation": None if source is None else Derivation.read(source),
        "id": fields.text("id"),
        "title": fields.text("title"),
        "title_zh": fields.text("title_zh", ""),
        "country": fields.text("country", ""),
        "citation": Citation.read(fields.under("citation")),
        "labels": fields.texts("labels", []),
        "notes": fields.text("notes", ""),
    }


def grade(fields: Fields, default: str | None = None) -> str:
    """Take `verification`, or the file's own where an entry states none."""
    return fields.choice("verification", GRADES, ... if default is None else default)


def worst(grades: list[str]) -> str:
    """Weakest of some grades."""
    return max(grades)
