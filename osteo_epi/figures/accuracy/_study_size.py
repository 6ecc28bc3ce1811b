"""How many people a study takes, aim by aim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteo_epi.accuracy import StudySize
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import STYLES, dress, own_axes, under
from osteo_epi.figures._words import joined, listed
from osteo_epi.language import said
from osteo_epi.rounding import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 0.17
"""[inches] Of a bar."""


@drawing
def study_size_chart(
    size: StudySize, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how many people each aim of a study takes; the largest decides.

    Parameters
    ----------
    size
        Of `accuracy.accuracy_sample_size` and the functions beside it.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A bar an aim, of the people who are to be measured, dark for the aim that takes most;
        hollow beyond it, those to be invited.

    Examples
    --------
    >>> from osteo_epi.accuracy import accuracy_sample_size
    >>> size = accuracy_sample_size(sensitivity=0.9, specificity=0.8, prevalence=0.2,
    ...                             precision=0.05)
    >>> [label.get_text() for label in study_size_chart(size).get_yticklabels()]
    ['Sensitivity', 'Specificity']
    """
    rows = size.to_polars().to_dicts()
    lines = Rows.of([_aim(row["aim"]) for row in rows])
    axes = ax or own_axes(6.0, 1.3 + lines.height, size._summary())
    style = STYLES["male"]
    for row, place in zip(rows, lines.places, strict=True):
        alpha = 1.0 if row["decides"] else 0.4
        axes.barh(place, row["n_design"], HEIGHT, color=style.colour, alpha=alpha, lw=0)
        if row["invited"] > row["n_design"]:
            axes.barh(place, row["invited"] - row["n_design"], HEIGHT, left=row["n_design"],
                      facecolor="white", edgecolor=style.colour, ls="--", lw=1)  # fmt: skip
        beside(axes, place, _people(row["n_design"], row["invited"]))
    lines.name(axes)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlim(left=0)
    dress(axes, title=title, x=said("People to measure"), grid="x")
    invited = said("hollow: to be invited") if size.invited > size.n else ""
    under(axes, invited, note=note)
    told = [f"{_aim(row['aim'])} {_people(row['n_design'], row['invited'])}" for row in rows]
    heading = said("People to measure")
    describe(axes, said("{heading}. {parts}.", heading=heading, parts=listed(told)))
    return axes


def _people(n: int, invited: int) -> str:
    if invited == n:
        return count(n)
    return joined(count(n), said("{n} to be invited", n=count(invited)))


def _aim(code: str) -> str:
    """An aim in words; one that has none stays."""
    words = {
        "sensitivity": said("Sensitivity"),
        "specificity": said("Specificity"),
        "area": said("Area under the curve"),
        "difference": said("Difference of two areas"),
        "kappa": said("Kappa"),
        "hazard ratio": said("Hazard ratio"),
        "shrinkage": said("Shrinkage"),
        "optimism": said("Optimism"),
        "mean risk": said("Mean risk"),
        "risk at the horizon": said("Risk at the horizon"),
    }
    return words.get(code, code)
