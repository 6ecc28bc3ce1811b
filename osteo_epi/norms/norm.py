"""What every norm carries: what it is, where it was read, how sure its numbers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from osteo_epi.norms.fields import Fields

GRADES = ("A", "B", "C")
GRADE_MEANING = {
    "A": "read in the publication itself, in two independent copies, or confirmed by arithmetic",
    "B": "read in a secondary copy only",
    "C": "common knowledge of the field, not confirmed from a text",
}


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


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A published set of numbers.

    Attributes
    ----------
    id, title
        Name by which it is loaded, and by which people know it.
    citation
        Where it was published.
    verification
        Grade of its weakest number: A read in the publication, B in a secondary copy, C common
        knowledge.
    labels
        Warnings that go with every use: `derived`, `reconstruction`, `simulation`.
    notes
        What a user must know and no other field says.
    sha256
        Digest of the file; empty for one that was built in memory.
    """

    kind: ClassVar[str] = ""

    id: str
    title: str
    citation: Citation
    verification: str
    labels: tuple[str, ...] = ()
    notes: str = ""
    sha256: str = ""

    def cite(self) -> str:
        """Citation, grade and labels in one line."""
        labels = f" [{', '.join(self.labels)}]" if self.labels else ""
        return f"{self.title}{labels}. {self.citation} [{graded(self.verification)}]"


OWN_DATA = "own data"
"""In place of a grade, for a norm derived from the data analysed: nothing was published."""


def graded(verification: str) -> str:
    """Say a grade, or that there is none to give.

    Examples
    --------
    >>> graded("B"), graded(OWN_DATA)
    ('grade B', 'own data')
    """
    return verification if verification == OWN_DATA else f"grade {verification}"


def read_head(fields: Fields) -> dict:
    """Take the fields that every norm file has, grade aside."""
    fields.text("kind")
    return {
        "id": fields.text("id"),
        "title": fields.text("title"),
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
