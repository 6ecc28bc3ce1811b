"""A figure of two references compared: cut-offs, lines by age, prevalences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    INK,
    OTHERS,
    SMALL,
    WIDTH,
    dress,
    own_axes,
    panels_in,
    spread,
    style_of,
    under,
)
from osteo_epi.figures._words import filled, fitted, joined, legible, listed
from osteo_epi.language import said, word
from osteo_epi.population import COMMON
from osteo_epi.reference import T_OSTEOPOROSIS, Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = {"first": OTHERS[0], "second": OTHERS[1]}
LINES = ("-", "--", "-.", ":")
WRAP = 58
"""Letters of a line above the panels, and under them: they are narrower than the figure."""
# Of the notes of a comparison, those without which its figure would mislead.
SAID = ("SIMULATED", "simple random sample", "same people", "both references hold", "makers")


@drawing
def reference_comparison(
    comparison: Comparison, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw two references: densities at T = −2.5, the difference by age, the prevalences.

    Parameters
    ----------
    comparison
        Of `reference.compare`.
    ax
        Axes to divide into panels; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`: densities at T = −2.5 with limits and the
        difference beside them, where both have young adults; by age the difference of the
        densities at one Z-score, with limits where known, where both have curves; the prevalence
        under each with limits and their difference, where there is a target.

    Examples
    --------
    >>> from osteo_epi.reference import compare
    >>> found = compare("nhanes3_white", "zhang_2007", rois=["femoral_neck", "total_hip"])
    >>> reference_comparison(found).get_title(loc="left")
    'Two references, the second less the first'
    """
    parts: list[tuple[Callable[[Axes, pl.DataFrame], None], pl.DataFrame]] = []
    cuts = comparison.cut_offs.filter(pl.col("t") == T_OSTEOPOROSIS)
    if cuts.height:
        parts.append((_draw_cuts, cuts))
    if comparison.by_age.height:
        line = comparison.by_age.filter(pl.col("z") == comparison.by_age["z"].min())
        parts.append((_draw_by_age, line))
    if comparison.grid is not None:
        parts.append((_draw_prevalence, _common(comparison)))
    axes = ax or own_axes(WIDTH, 1.2 + 2.7 * len(parts), comparison._summary())
    panels = panels_in(axes, len(parts), 1, gap=(0, 0.2 / max(len(parts) - 1, 1)))
    for panel, (draw, rows) in zip(panels, parts, strict=True):
        draw(panel, rows)
    names = [legible(name, letters=WRAP) for name in comparison.titles]
    for side, name in zip(MARKS, names, strict=True):
        panels[0].plot([], [], MARKS[side].marker, color=MARKS[side].colour, label=name)
    panels[0].legend(
        loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=SMALL - 1,
        borderpad=0, borderaxespad=0.1, handletextpad=0.1,
    )  # fmt: skip
    # The title goes up by the lines that the names of the references take.
    lines = sum(name.count("\n") + 1 for name in names)
    heading = title or said("Two references, the second less the first")
    axes.set_title(fitted(heading), fontsize=11, color=INK, loc="left", pad=8 + 13 * lines)
    foot = (_foot(comparison, parts), *_said(comparison), note)
    under(panels[-1], *(line for text in foot for line in filled(text, WRAP).split("\n")))
    describe(axes, _alt(comparison, cuts, heading))
    return axes


def _alt(comparison: Comparison, cuts: pl.DataFrame, heading: str) -> str:
    """The differences of the densities at the cut-off."""
    parts = [
        said("{roi}, {sex} {difference} g/cm²", roi=word(row["roi"]), sex=word(row["sex"]),
             difference=_signed(row["difference"], 3))
        for row in cuts.drop_nulls("difference").iter_rows(named=True)
    ]  # fmt: skip
    names = said("{first}, then {second}", first=comparison.titles[0], second=comparison.titles[1])
    told = said("BMD at T = −2.5: {parts}.", parts=listed(parts)) if parts else ""
    return f"{said('{heading}: {parts}.', heading=heading, parts=names)} {told}".strip()


def _foot(comparison: Comparison, parts: Sequence[tuple[Any, pl.DataFrame]]) -> str:
    """Which limits the marks and lines have, and which have none."""
    words = [said("{confidence} limits", confidence=rounding.level(comparison.confidence))]
    if comparison.cut_offs.height:
        words.append(said("of a reference where its number of people is known"))
    lines = [rows for draw, rows in parts if draw is _draw_by_age]
    limited = any(rows["difference_lower"].count() for rows in lines)
    if lines and not limited:
        words.append(said("the lines by age have none"))
    return listed(words) if len(parts) > len(lines) or limited else ""


def _said(comparison: Comparison) -> Iterator[str]:
    """The notes without which the figure would mislead; it calls the two first and second."""
    names = {comparison.first: "the first", comparison.second: "the second"}
    for note in comparison.notes:
        if any(word in note for word in SAID):
            # The longer name first: it may begin with the other.
            for name in sorted(names, key=len, reverse=True):
                note = note.replace(name, names[name])
            yield note[0].upper() + note[1:]


def _common(comparison: Comparison) -> pl.DataFrame:
    """Crude prevalences of the people whom both classify."""
    rows = comparison.prevalence.filter(statistic="crude", set=COMMON)
    side = pl.when(pl.col("definition") == comparison.first).then(pl.lit("first"))
    return rows.with_columns(side.otherwise(pl.lit("second")).alias("side"))


def _draw_cuts(axes: Axes, rows: pl.DataFrame) -> None:
    names = []
    for y, row in enumerate(rows.iter_rows(named=True)):
        names.append(f"{word(row['roi'])},\n{word(row['sex'])}")
        for side, shift in (("first", -0.15), ("second", 0.15)):
            ends = (row[f"{side}_lower"], row[f"{side}_upper"])
            _mark(axes, row[side], ends, y + shift, side)
        _beside(axes, y, _signed(row["difference"], 3))
    _name_rows(axes, names)
    _head_differences(axes, "g/cm²")
    dress(axes, x=said("BMD at T = −2.5 [g/cm²]"), grid="x")


def _draw_by_age(axes: Axes, rows: pl.DataFrame) -> None:
    """The second less the first at one Z-score; colour by sex, line by region."""
    rois = rows["roi"].unique(maintain_order=True).to_list()
    ends = dict[tuple[str, str], float]()
    for (sex, roi), part in rows.drop_nulls("difference").group_by(
        "sex", "roi", maintain_order=True
    ):
        colour, line = style_of(str(sex)).colour, LINES[rois.index(roi) % len(LINES)]
        axes.plot(part["age"], part["difference"], ls=line, color=colour, lw=1.5)
        known = part.drop_nulls("difference_lower")
        axes.fill_between(
            known["age"], known["difference_lower"], known["difference_upper"],
            color=colour, alpha=0.15, lw=0,
        )  # fmt: skip
        ends[str(sex), str(roi)] = part["difference"][-1]
    low, high = axes.get_ylim()
    places = spread(list(ends.values()), 0.1 * (high - low))
    for (sex, roi), place in zip(ends, places, strict=True):
        axes.annotate(
            joined(word(roi), word(sex)), (1.01, place),
            xycoords=("axes fraction", "data"), va="center", fontsize=SMALL - 1,
            color=style_of(sex).colour,
        )  # fmt: skip
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_xlim(right=float(rows["age"].cast(pl.Float64).to_numpy().max()))
    z = f"{rows['z'][0]:g}".replace("-", "−")
    dress(axes, x=said("Age [years]"), y=said("Difference of BMD\nat Z = {z} [g/cm²]", z=z))


def _draw_prevalence(axes: Axes, rows: pl.DataFrame) -> None:
    """One row a sex; of one that a reference lacks nobody has both scores, and it says so."""
    sexes = rows["sex"].unique(maintain_order=True).to_list()
    for row in rows.iter_rows(named=True):
        y = sexes.index(row["sex"])
        if row["estimate"] is not None:
            shift = -0.15 if row["side"] == "first" else 0.15
            ends = (None if row[end] is None else 100 * row[end] for end in ("lower", "upper"))
            _mark(axes, 100 * row["estimate"], tuple(ends), y + shift, row["side"])
        if row["side"] == "second":
            gap = row["difference"]
            _beside(axes, y, _signed(None if gap is None else 100 * gap, 1))
    _name_rows(axes, [word(sex) for sex in sexes])
    _head_differences(axes, said("points"))
    dress(axes, x=said("Prevalence in the target [%]"), grid="x")


def _mark(axes: Axes, value: float | None, ends: tuple[Any, ...], y: float, side: str) -> None:
    if value is None:
        return
    style = MARKS[side]
    if None not in ends:
        axes.plot(ends, [y, y], color=style.colour, lw=1.4, solid_capstyle="butt")
    axes.plot(value, y, style.marker, color=style.colour, ms=6)


def _beside(axes: Axes, y: float, text: str) -> None:
    axes.annotate(
        text, (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=INK
    )


def _signed(difference: float | None, decimals: int) -> str:
    if difference is None:
        return said("not in both")
    return rounding.fixed(difference, decimals=decimals, sign="+")


def _head_differences(axes: Axes, unit: str) -> None:
    """Say above the numbers beside the panel what they are."""
    axes.annotate(
        said("difference\n[{unit}]", unit=unit), (1.01, 1.0), xycoords="axes fraction", va="top",
        fontsize=SMALL - 1, color=INK,
    )  # fmt: skip


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    # The more rows there are, the less room the first leaves for the heading beside it.
    axes.set_ylim(len(names) - 0.5, -0.5 - max(0.25 * len(names) - 0.6, 0))
