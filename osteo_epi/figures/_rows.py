"""Rows of a figure, each with its label at the left, as high as the label has lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteo_epi.figures._style import INK, SMALL
from osteo_epi.figures._words import legible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

LABEL = 30
"""Letters of a line of a label."""
NUMBER = 1.02
"""Where the numbers begin [width of the axes]."""


@dataclass(frozen=True)
class Rows:
    """Labels broken into lines, the place of each [inches, downwards], and how high all are."""

    labels: tuple[str, ...]
    places: tuple[float, ...]
    height: float

    @classmethod
    def of(cls, labels: Sequence[str], *, letters: int = LABEL, lines: int = 1) -> Rows:
        """Rows for labels, each with room for so many lines."""
        broken = tuple(legible(label, letters=letters, most=6) for label in labels)
        heights = [0.12 + 0.17 * max(lines, 1 + label.count("\n")) for label in broken]
        places = tuple(-(sum(heights[:i]) + heights[i] / 2) for i in range(len(heights)))
        return cls(broken, places, sum(heights))

    def name(self, axes: Axes) -> None:
        """Write the labels at the left of axes that are [inches] high."""
        axes.set_yticks(self.places, self.labels, fontsize=SMALL)
        axes.set_ylim(-self.height - 0.05, 0.05)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)


def beside(axes: Axes, place: float, text: str) -> None:
    """Write the numbers of a row at the right of the axes."""
    axes.text(NUMBER, place, text, transform=axes.get_yaxis_transform(), va="center",
              fontsize=SMALL, color=INK)  # fmt: skip
