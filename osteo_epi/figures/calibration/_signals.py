"""When which device drifted: the signals of all series in one figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osteo_epi.calibration import Signals
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import STYLES, dress, own_axes, style_of, under
from osteo_epi.figures._words import briefly, joined
from osteo_epi.frames import in_natural_order
from osteo_epi.language import said, word
from osteo_epi.rounding import count, fixed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARROWS = {"up": "^", "down": "v"}


@drawing
def signal_chart(
    signals: Signals, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw when each series of a phantom left its baseline, and when the chart said so.

    Parameters
    ----------
    signals
        Of `calibration.signals`.
    ax
        Axes to draw into; of its own by default, as high as there are series.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a series, from the onset of its first shift to the first signal, an arrow up or
        down; its shift in SD of the baseline stands at the right.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.calibration import signals, with_control_chart
    >>> series = pl.DataFrame({"device": ["D"] * 8, "scan_date": range(8),
    ...                        "bmd": [1.00, 1.01, 0.99, 1.00, 1.00, 1.05, 1.05, 1.06]})
    >>> axes = signal_chart(signals(with_control_chart(series, value="bmd", baseline=5)))
    >>> [text.get_text() for text in axes.texts]
    ['+7.1 SD']
    """
    named = {_named(row): row for row in signals.to_polars().iter_rows(named=True)}
    names = in_natural_order(named)
    rows, lines = [named[name] for name in names], Rows.of(names)
    axes = ax or own_axes(6.0, 1.5 + lines.height, signals._summary())
    told = []
    for row, name, place in zip(rows, names, lines.places, strict=True):
        text = _shift(row)
        beside(axes, place, text)
        if row["onset"] is not None:
            _draw(axes, row, place)
            text = joined(text, said("from {date}", date=row["onset"]))
        told.append(f"{name} {text}")
    lines.name(axes)
    if not any(row["onset"] is not None for row in rows):
        axes.set_xticks([])
    axes.tick_params(axis="x", labelrotation=30)
    heading = title or said("Signals of drift")
    dress(axes, title=heading, x=said("Time of the reading"), grid="x")
    under(axes, said("Line: from the onset to the first signal; arrow: its direction"), note=note)
    shown = sum(row["onset"] is not None for row in rows)
    describe(axes, said("{heading} in {n} of {all} series. {parts}.", heading=heading,
                        n=count(shown), all=count(len(rows)),
                        parts=briefly(told)))  # fmt: skip
    return axes


def _named(row: dict[str, Any]) -> str:
    """What stands before the counts: the device, its phantom, its insert."""
    columns = list(row)
    keys = [row[name] for name in columns[: columns.index("readings")]]
    return joined(*(word(key) for key in keys)) if keys else word("all")


def _shift(row: dict[str, Any]) -> str:
    if row["shift_sd"] is None:
        return said("no signal")
    return said("{shift} SD", shift=fixed(row["shift_sd"], decimals=1, sign="+"))


def _draw(axes: Axes, row: dict[str, Any], place: float) -> None:
    order = list(ARROWS).index(row["direction"])
    colour = (STYLES["female"], style_of("male"))[order].colour
    axes.plot([row["onset"], row["first_signal"]], [place, place], color=colour, lw=2)
    axes.plot([row["first_signal"]], [place], ls="", marker=ARROWS[row["direction"]], ms=8,
              color=colour)  # fmt: skip
