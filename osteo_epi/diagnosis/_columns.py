"""What a frame offers to the rules: its columns as expressions of the right kind, or nothing.

A file need not hold every variable of the codebook. The rules are built from what is there, so
that a frame of five columns costs five columns, and an absent variable is "not stated" throughout.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.cohort import WORKING, as_the_files, codebook, is_written
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Frame, refuse_lacking

OWN = WORKING
TEXT = (pl.String, pl.Categorical, pl.Enum)
CLASSIFIED = {"score_applied", "bone_class", "bone_class_rule", "bone_class_reason", "advice"}
"""Columns by which a frame has been classified before: they and their like are written anew."""
RECORDED = {"fragility_fracture", "fracture_open_record", "fracture_reason"}
"""Columns by which fractures were judged before, see `with_fragility_fracture`."""


def beside_theirs(frame: Frame) -> tuple[Frame, tuple[str, ...]]:
    """Give the caller's own columns other names than those that classifying writes.

    Parameters
    ----------
    frame
        People; those that were classified before stay as they are.

    Returns
    -------
    frame
        With "bone_class (file)" where the caller has a column "bone_class".
    names
        The columns that were renamed, by their old names.

    Examples
    --------
    >>> beside_theirs(pl.DataFrame({"age": [61.0], "advice": ["q"]}))[0].columns
    ['age', 'advice (file)']
    """
    names = frame.collect_schema().names()
    theirs = tuple(name for name in names if is_written(name))
    if set(theirs) >= CLASSIFIED:
        return frame, ()
    if set(names) >= RECORDED:
        theirs = tuple(name for name in theirs if name not in RECORDED)
    if not theirs:
        return frame, ()
    others = [name for name in names if name not in theirs]
    return frame.rename(as_the_files(theirs, others)), theirs


@dataclass(frozen=True)
class Columns:
    """The columns of one frame.

    Parameters
    ----------
    schema
        Name and type of each column; no data is read.
    """

    schema: pl.Schema

    @classmethod
    def of(cls, frame: Frame) -> Columns:
        """Read the names and types of a frame; a lazy frame is not collected."""
        return cls(frame.collect_schema())

    def __contains__(self, name: object) -> bool:
        return name in self.schema

    def require(self, names: Iterable[str], *, purpose: str) -> None:
        """Insist on columns without which nothing can be said."""
        refuse_lacking(self.schema, names, purpose=purpose)

    def quantity(self, name: str) -> pl.Expr | None:
        """Return a quantity as Float64, null where no living person can have the value.

        A file is cleaned so at the door (`osteo_epi.read`); a frame may come from anywhere.
        """
        value, variable = self.number(name), codebook().variables.get(name)
        if value is None or variable is None or variable.range is None:
            return value
        return pl.when(value.is_between(*variable.range)).then(value)

    def number(self, name: str) -> pl.Expr | None:
        """Return a column of numbers as Float64, as it stands."""
        dtype = self.schema.get(name)
        if dtype is None:
            return None
        if not (dtype.is_numeric() or dtype == pl.Null):
            raise SchemaError(
                f"column {name} holds {dtype}, expected numbers; take it in by "
                f"osteo_epi.read, which turns text into numbers and counts what it could not"
            )
        return pl.col(name) if dtype == pl.Float64 else pl.col(name).cast(pl.Float64)

    def density(self, name: str) -> pl.Expr | None:
        """Return a density, mass or area where it is one: finite and above 0, else null.

        A density of 0 is what some exports write where nothing was measured.
        """
        value = self.quantity(name)
        return None if value is None else measured(value)

    def stated(self, name: str) -> pl.Expr | None:
        """Return a yes/no variable as Boolean."""
        dtype = self.schema.get(name)
        if dtype is None:
            return None
        if dtype not in (pl.Boolean, pl.Null):
            raise SchemaError(
                f"column {name} holds {dtype}, expected true/false; take it in by "
                f"osteo_epi.read, or convert it and say which code means yes"
            )
        return pl.col(name) if dtype == pl.Boolean else pl.col(name).cast(pl.Boolean)

    def text(self, name: str) -> pl.Expr | None:
        """Return a text or category variable."""
        dtype = self.schema.get(name)
        if dtype is None:
            return None
        if dtype == pl.Null:
            return pl.col(name).cast(pl.String)
        if not isinstance(dtype, TEXT) and dtype not in TEXT:
            raise SchemaError(f"column {name} holds {dtype}, expected text or categories")
        return pl.col(name)

    def reason(self, name: str) -> pl.Expr | None:
        """Return a text that gives a reason; null where it says that there is none."""
        text = self.text(name)
        if text is None:
            return None
        written = text.cast(pl.String)
        return pl.when(~codebook()[name].says_nothing(written)).then(written)

    def valid_vertebra(self, name: str) -> pl.Expr | None:
        """Say whether a vertebra is usable: by its flag, else not where a reason is given.

        Null where neither says anything, None where the frame has neither.
        """
        flag, reason = self.stated(f"valid_{name}"), self.reason(f"invalid_reason_{name}")
        if reason is None:
            return flag
        refused = pl.when(reason.is_not_null()).then(False)
        return refused if flag is None else pl.coalesce(flag, refused)

    def sexes(self) -> None:
        """Insist that sex is written as the codebook writes it, as far as the type can tell."""
        dtype = self.schema["sex"]
        self.text("sex")
        if isinstance(dtype, pl.Enum) and not {"female", "male"} <= set(dtype.categories):
            raise SchemaError(
                "column sex has other categories than female and male; take it in by "
                "osteo_epi.read(data, sex_coding={...}), or recode it"
            )


def measured(value: pl.Expr) -> pl.Expr:
    """Keep what can be a measurement: above 0 and finite (NaN is above everything in Polars)."""
    return pl.when(value.is_between(0.0, math.inf, closed="none")).then(value)


def first_true(cases: Iterable[tuple[pl.Expr | None, str]]) -> pl.Expr:
    """Name the first case that holds, in the order given; null where none does.

    Chosen among numbers of the names, and written in words once: a fifth of the time of choosing
    among words.
    """
    there = [(condition, name) for condition, name in cases if condition is not None]
    names = pl.Enum(list(dict.fromkeys(name for _, name in there)))
    chain: Any = pl
    for condition, name in there:
        chain = chain.when(condition).then(pl.lit(name, dtype=names))
    return pl.lit(None, dtype=pl.String) if chain is pl else chain.otherwise(None).cast(pl.String)


def joined(parts: Iterable[pl.Expr], *, separator: str = "; ") -> pl.Expr:
    """Join the names that hold into one text; null where there are none."""
    parts = list(parts)
    if not parts:
        return pl.lit(None, dtype=pl.String)
    text = pl.concat_str(parts, separator=separator, ignore_nulls=True)
    return pl.when(text != "").then(text)
