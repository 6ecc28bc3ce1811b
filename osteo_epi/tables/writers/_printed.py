"""What a table shows to those who write it down."""

from __future__ import annotations

from typing import Protocol

import polars as pl


class Printed(Protocol):
    """A finished table, see `JournalTable`."""

    @property
    def title(self) -> str:
        """What stands above it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Headings."""

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Cells as they are printed."""

    @property
    def sections(self) -> tuple[str, ...]:
        """For each row the heading that it stands under."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Footnotes."""

    @property
    def values(self) -> pl.DataFrame:
        """The unrounded numbers."""

    @property
    def align(self) -> tuple[str, ...]:
        """For each column left, right or decimal."""

    @property
    def spanners(self) -> tuple[tuple[str, int], ...]:
        """Headings over several columns."""

    @property
    def marks(self) -> tuple[str, ...]:
        """For each row its verdict, "" where it is shown plainly."""

    @property
    def indents(self) -> tuple[int, ...]:
        """For each row how far its label stands to the right."""

    def aligned(self) -> tuple[tuple[str, ...], ...]:
        """Cells with blanks that put points below each other."""
