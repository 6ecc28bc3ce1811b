"""How far each rule moves the cut-off of the young adults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    INK,
    SMALL,
    WIDTH,
    dress,
    legend_under_title,
    own_axes,
    style_of,
    under,
)
from osteo_epi.figures._words import filled, legible
from osteo_epi.figures.reference._names import way_said
from osteo_epi.language import said, word
from osteo_epi.reference import Sensitivity
from osteo_epi.rounding import count, fixed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL, ALONE = "all rules", "alone"


@drawing
def rule_shifts(
    sensitivity: Sensitivity, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how the cut-off moves without each rule, and with each alone.

    Parameters
    ----------
    sensitivity
        Of `reference.sensitivity`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a choice of rules, from the first down; marks are shifts of the cut-off (T = −2.5)
        from that of all rules with their limits, and beside them stands the number of young adults.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import sensitivity
    >>> rule = {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"}
    >>> axes = rule_shifts(sensitivity(simulate(3_000, seed=1), [rule], roi="femoral_neck"))
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['no rule', 'without weight', 'weight alone']
    """
    rows = sensitivity.to_polars().filter(pl.col("rules") != ALL).with_columns(choice=_choice())
    choices = rows["choice"].unique(maintain_order=True).to_list()
    heading = title or said("{roi}, {way}: what each rule moves", roi=word(sensitivity.roi),
                            way=way_said(sensitivity.way))  # fmt: skip
    axes = ax or own_axes(WIDTH, 1.6 + 0.5 * len(choices), f"{heading}: {sensitivity._summary()}")
    sexes = rows["sex"].unique(maintain_order=True).to_list()
    for order, sex in enumerate(sexes):
        axes.plot([], [], style_of(sex, order=order).marker, label=word(sex),
                  color=style_of(sex, order=order).colour)  # fmt: skip
        for row in rows.filter(pl.col("sex") == sex).drop_nulls("shift").to_dicts():
            y = choices.index(row["choice"]) + (order - (len(sexes) - 1) / 2) * 0.34
            _draw_shift(axes, row, y, order)
    axes.axvline(0, color=INK, lw=0.8)
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks(range(len(choices)), [legible(_said(choice), letters=20) for choice in choices])
    axes.set_ylim(len(choices) - 0.5, -0.5)
    dress(axes, title=filled(heading, 48), x=said("Shift of the BMD at T = −2.5 [g/cm²]"), grid="x")
    legend_under_title(axes, columns=2)
    under(axes, said("against all rules together"), note=note)
    describe(axes, _alt(rows, heading))
    return axes


def _alt(rows: pl.DataFrame, heading: str) -> str:
    """The largest shift."""
    known = rows.drop_nulls("shift").sort(pl.col("shift").abs(), descending=True)
    if known.is_empty():
        return heading
    row = known.row(0, named=True)
    return said("{heading}; most: {choice}, {sex} {shift} g/cm².", heading=heading,
                choice=_said(row["choice"]), sex=word(row["sex"]),
                shift=fixed(row["shift"], decimals=3, sign="+"))  # fmt: skip


def _said(choice: str) -> str:
    """A choice of rules in the language spoken; the rule keeps the name that its user gave it."""
    if choice == "no rule":
        return said("no rule")
    if choice.startswith("without "):
        return said("without {rule}", rule=choice.removeprefix("without "))
    return said("{rule} alone", rule=choice.removesuffix(f" {ALONE}"))


def _choice() -> pl.Expr:
    """A choice of rules in words: no rule, without disease, disease alone."""
    rule, rules = pl.col("rule").fill_null(""), pl.col("rules")
    alone = rules == ALONE
    return (
        pl.when(alone)
        .then(pl.concat_str(rule, rules, separator=" "))
        .otherwise(pl.concat_str(rules, rule, separator=" "))
        .str.strip_chars()
    )


def _draw_shift(axes: Axes, row: dict[str, Any], y: float, order: int) -> None:
    style = style_of(row["sex"], order=order)
    if row["shift_lower"] is not None:
        ends = [row["shift_lower"], row["shift_upper"]]
        axes.plot(ends, [y, y], color=style.colour, lw=1.4, solid_capstyle="butt")
    axes.plot(row["shift"], y, style.marker, color=style.colour, ms=6)
    axes.annotate(
        f"n {count(row['n'])}", (1.01, y), xycoords=("axes fraction", "data"), va="center",
        fontsize=SMALL - 1, color=style.colour,
    )  # fmt: skip
