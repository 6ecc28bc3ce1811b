"""What every result can do: give itself as a frame, and show itself in one line or one table."""

from __future__ import annotations

import importlib
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from osteo_epi.frames import Kind, in_kind, in_order, to_pandas
from osteo_epi.html import html_table
from osteo_epi.language import said
from osteo_epi.rounding import counted, level
from osteo_epi.spelling import in_python

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_LINE = 160


class Result(ABC):
    """A frozen result. It says `to_polars` and, where rows alone say too little, `_summary`.

    A result is a dataclass with ``repr=False``: the line below stands for the long list of fields
    that a dataclass would write.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, repr=False)
    ... class Bias(Result):
    ...     device: str
    ...     value: float
    ...
    ...     def to_polars(self) -> pl.DataFrame:
    ...         return pl.DataFrame({"device": [self.device], "bias": [self.value]})
    ...
    ...     def _summary(self) -> str:
    ...         return f"{self.device}, 1 device"
    >>> Bias("Lunar", 0.0123456)
    Bias(Lunar, 1 device)
    """

    frame_kind: Kind = "polars"
    """The library of the frames that the caller has: polars, pandas or arrow."""
    no_figure: ClassVar[str] = ""
    """Of a kind without a figure: what it is instead, and what to call, after "Kind …"."""

    @abstractmethod
    def to_polars(self) -> pl.DataFrame:
        """The rows as a Polars frame, codes as text."""

    def to_frame(self, **options: Any) -> Any:
        """The rows in the kind of frame that the caller has: pandas came in, pandas goes out.

        Classes, sexes and age bands are ordered categories: they sort, group and plot as they
        follow each other.

        Parameters
        ----------
        **options
            What `to_polars` takes, if anything.

        Returns
        -------
        frame
            Of Polars where nothing else came (a lazy frame, a file, arrays), a pyarrow table where
            one came or a relation of DuckDB.
        """
        return in_kind(self._ordered(**options), self.frame_kind)

    def to_pandas(self, **options: Any) -> Any:
        """The rows as a pandas frame; what may be missing keeps a missing value of its own."""
        return to_pandas(self._ordered(**options))

    def _ordered(self, **options: Any) -> pl.DataFrame:
        return in_order(self.to_polars(**options))

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the result: the figure that `osteo_epi.figures` has for its kind.

        Parameters
        ----------
        ax
            Axes to draw into; without any, the figure is one of its own, which Jupyter shows.
        **options
            What the figure takes beside the result, such as `people` for the points under a curve.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        SchemaError
            If there is no figure of such a result; the message says what there is instead.
        """
        # Figures stand right of every room whose results they draw, so the ground cannot import
        # them; they are found by name at the first figure, and matplotlib is loaded no sooner.
        return importlib.import_module("osteo_epi.figures").plot(self, ax, **options)

    def _by_name(self) -> dict[str, Any]:
        """The fields by name, for a result of one row."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def _summary(self) -> str:
        """What stands in the parentheses: the names and counts by which it is told from others."""
        rows = self.to_polars().height
        return counted(rows, "row")

    def __repr__(self) -> str:
        room = LONGEST_LINE - len(type(self).__name__) - 2
        line = textwrap.shorten(self._summary(), room, placeholder=" …")
        return f"{type(self).__name__}({line})"

    def _repr_html_(self) -> str:
        return self._shown()

    def _level(self) -> float | None:
        """The level of confidence of all limits, where there is one."""
        stated = getattr(self, "confidence", None)
        if stated is None and "confidence" in (frame := self.to_polars()).columns:
            levels = frame["confidence"].drop_nulls().unique()
            stated = levels[0] if len(levels) == 1 else None
        return stated if isinstance(stated, float) else None

    def _shown(
        self,
        rows: pl.DataFrame | None = None,
        *,
        caption: str | None = None,
        notes: Sequence[str] | None = None,
    ) -> str:
        """The result as a table in HTML, which says at which level its limits are.

        Parameters
        ----------
        rows
            What is shown; `to_polars` by default.
        caption
            What stands above; the line of the result by default.
        notes
            What stands below; the `notes` of the result by default.
        """
        rows = self.to_polars() if rows is None else rows
        title = self._summary() if caption is None else caption
        stated = self._level()
        if stated is not None and "confidence" not in rows.columns:
            limits = said("limits at a level of confidence of {level}", level=level(stated))
            title += f"\n{limits}"
        told = getattr(self, "notes", ()) if notes is None else notes
        return html_table(rows, caption=title, notes=map(in_python, told))
