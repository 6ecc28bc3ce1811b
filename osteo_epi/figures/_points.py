"""Points of people, and their count where they are too many to be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteo_epi.figures._style import STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CROWD = 2_000
"""Above so many points a hexagonal count is drawn: it is readable, and shows no single person."""


def points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw readings as points, or as a count where they are a crowd."""
    if len(x) > CROWD:
        # As an image: thousands of hexagons make a page of megabytes.
        axes.hexbin(x, y, gridsize=45, mincnt=1, cmap="Greys", linewidths=0.1, rasterized=True)
    else:
        axes.plot(x, y, ".", color=STYLES["all"].colour, ms=4, alpha=0.65, mew=0)
