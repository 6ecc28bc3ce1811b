"""A plan of Polars that travels: written where the question is asked, run where the people stand.

A query over people who stand elsewhere is a `LazyFrame` whose rows come from `ElsewhereRows`.
Pickled, these leave a hole, into which whoever opens the plan puts the rows that he has: a
partition of a cluster. So a rule is the same expressions everywhere, and nothing is said of it
twice.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

import polars as pl

from osteo_epi.engines._scan import Scan
from osteo_epi.errors import EngineError

PACKAGES = ("osteo-epi", "polars")
"""Whose versions must be the same at both ends: plans of one are not those of another."""
_opening = threading.local()


class Rows(Protocol):
    """What a scan and its error need to know of where people stand."""

    name: str
    way_over: str

    def rows_here(self, columns: list[str]) -> pl.DataFrame:
        """What a query that is collected here gets."""


class Elsewhere(EngineError):
    """Rows were asked for that stand in another engine, and only their sums come from there.

    Parameters
    ----------
    source
        Where they stand.
    """

    def __init__(self, source: Any) -> None:
        super().__init__(
            f"this needs each person on this machine, and they stand in {source.name}: sums come "
            "from there, people do not. Bring those wanted over yourself, with "
            f"{source.way_over}, or ask for what adds people up (classify, check, "
            "prevalence, prevalence_trend, definition_grid, young_adult_reference)"
        )
        self.source = source

    def __reduce__(self) -> Any:
        return Elsewhere, (self.source,)


class ElsewhereRows(Scan):
    """The rows of a source, in a query; pickled they are a hole for the rows of one part.

    Parameters
    ----------
    schema
        What columns there are.
    source
        Where the people stand; None for tables that are only ever put into the hole.
    """

    def __init__(self, schema: pl.Schema, source: Rows | None) -> None:
        self._schema, self.source = schema, source

    def __reduce__(self) -> Any:
        return _hole, ()

    @property
    def schema(self) -> pl.Schema:
        """What columns there are."""
        return self._schema

    def batches(self, columns: list[str], n_rows: int | None) -> Iterator[pl.DataFrame]:
        """Give no rows, where it is asked only which are read; or say that there are none here."""
        assert self.source is not None, "such a plan is written here, and run elsewhere"
        yield self.source.rows_here(columns)


class Hole(Scan):
    """Where the rows of a part are put, in a plan that has arrived."""

    def __init__(self) -> None:
        self.rows = pl.DataFrame()

    @property
    def schema(self) -> pl.Schema:
        """That of the rows."""
        return self.rows.schema

    def batches(self, columns: list[str], n_rows: int | None) -> Iterator[pl.DataFrame]:
        """Give the rows of the part."""
        yield self.rows


def _hole() -> Hole:
    """The hole of the plan that this thread is opening."""
    return _opening.hole  # type: ignore[no-any-return]


def scanned(schema: pl.Schema, source: Rows | None = None) -> pl.LazyFrame:
    """A query over the people of a source, or over rows that are put in where it arrives."""
    return ElsewhereRows(schema, source).scanned()


def versions() -> tuple[str, ...]:
    """What is installed here of that on which the meaning of a plan rests."""
    return tuple(f"{name} {version(name)}" for name in PACKAGES)


def refuse_other_versions(theirs: tuple[str, ...], *, where: str = "an executor") -> None:
    """Refuse to run a plan that other versions have written.

    Raises
    ------
    EngineError
        That names what is installed at both ends.
    """
    if theirs != (here := versions()):
        raise EngineError(
            f"{where} has {', '.join(here)}, and the plan was written by {', '.join(theirs)}: the "
            "same rules need the same versions; install those of the driver on every executor"
        )


@dataclass(frozen=True)
class Plan:
    """A query in bytes, for rows that are put in where it arrives.

    Parameters
    ----------
    blob
        The query, as Polars writes it.
    digest
        SHA-256 of it.
    written_by
        Versions that wrote it.
    """

    blob: bytes
    digest: str
    written_by: tuple[str, ...]

    @classmethod
    def of(cls, query: pl.LazyFrame) -> Plan:
        """Write a query down.

        Raises
        ------
        EngineError
            If a part of it cannot travel: an expression with a function of this session.
        """
        try:
            blob = query.serialize()
        except pl.exceptions.ComputeError as error:
            raise EngineError(
                "this query cannot be sent to another engine: an expression in it holds a Python "
                "function or object that cannot be pickled (domain=, eligible=); say it in Polars' "
                "own expressions, or make a column of it first"
            ) from error
        return cls(blob, hashlib.sha256(blob).hexdigest(), versions())

    def opened(self) -> Callable[[pl.DataFrame], pl.DataFrame]:
        """Make the function of rows that the plan is, where it has arrived.

        Raises
        ------
        EngineError
            If it was written by other versions, or has changed on the way.
        """
        refuse_other_versions(self.written_by)
        if hashlib.sha256(self.blob).hexdigest() != self.digest:
            raise EngineError("a plan has changed on its way to an executor: send it again")
        hole = _opening.hole = Hole()
        query = pl.LazyFrame.deserialize(io.BytesIO(self.blob))

        def run(rows: pl.DataFrame) -> pl.DataFrame:
            hole.rows = rows
            try:
                return query.collect()
            finally:
                hole.rows = pl.DataFrame()

        return run
