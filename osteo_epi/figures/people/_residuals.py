"""Residuals of people from a curve by age, those far off it marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import INK, SMALL, WARNING, WIDTH, dress, own_axes, panels_in, under
from osteo_epi.figures.reference._names import heading_of
from osteo_epi.frames import as_polars
from osteo_epi.language import said
from osteo_epi.reference import Outliers
from osteo_epi.rounding import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@drawing
def outlier_chart(
    outliers: Outliers,
    ax: Axes | None = None,
    *,
    age: str = "age",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw how far people lie off their curve by age, with those flagged marked.

    Parameters
    ----------
    outliers
        Of `reference.outliers`; a panel for each measurement.
    ax
        Axes to draw into, or to divide into panels; of its own by default.
    age
        Column of ages [years].
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Of several measurements those divided; the panels are its `child_axes`.

    Raises
    ------
    SchemaError
        If the people hold no such column of ages.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import fit_curve, outliers
    >>> women = simulate(3_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> outlier_chart(outliers(fit_curve(women, "abmd_femoral_neck"), women)).get_ylabel()
    'Residual [SD]'
    """
    people = as_polars(outliers.people)[0].lazy().collect()
    if age not in people.columns:
        raise SchemaError(f"column {age} is not in the people: name that of ages with age=")
    columns = outliers.rows["column"].unique(maintain_order=True).to_list()
    height = 0.7 + 2.6 * len(columns)
    axes = ax or own_axes(WIDTH, height, said("Residuals by age: {of}", of=outliers._summary()))
    panels = [axes]
    if len(columns) > 1:
        panels = panels_in(axes, len(columns), 1, gap=(0, 0.42 / (1 + 1.4 * len(columns))))
    for panel, column in zip(panels, columns, strict=True):
        _draw_residuals(panel, people, column.removeprefix("abmd_"), age, outliers.limit)
        rows = outliers.rows.filter(pl.col("column") == column)
        words = said("{what}: {n} flagged", what=heading_of(column), n=count(int(rows["n"].sum())))
        heading = title if title and panel is panels[0] else words
        below = said("Age [years]") if panel is panels[-1] else ""
        dress(panel, title=heading, x=below, y=said("Residual [SD]"))
    expected = said("beyond ±{limit} SD; {n} expected", limit=f"{outliers.limit:g}",
                    n=f"{outliers.rows['expected'].sum():.1f}")  # fmt: skip
    under(panels[-1], expected, note=note)
    flagged = count(int(outliers.rows["n"].sum()))
    describe(axes, said("Residuals by age: {n} readings flagged; {expected}.", n=flagged,
                        expected=expected))  # fmt: skip
    return axes


def _draw_residuals(axes: Axes, people: pl.DataFrame, name: str, age: str, limit: float) -> None:
    """Everybody with a score; the limits, and who is at or beyond them."""
    known = people.drop_nulls([age, f"residual_{name}"])
    for flagged, colour, size in ((False, "#8A8A8A", 2.6), (True, WARNING, 6)):
        some = known.filter(pl.col(f"outlier_{name}") == flagged)
        axes.plot(
            some[age], some[f"residual_{name}"], "D" if flagged else ".", color=colour, ms=size,
            mew=0, alpha=0.9 if flagged else 0.5, rasterized=not flagged,
        )  # fmt: skip
    for side in (-limit, limit):
        axes.axhline(side, color=INK, lw=1, ls="--")
        axes.annotate(
            f"{side:+g}".replace("-", "−"), (1.01, side),
            xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=INK,
        )  # fmt: skip
    axes.axhline(0, color=INK, lw=0.8)
