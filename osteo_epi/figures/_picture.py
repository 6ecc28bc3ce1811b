"""A figure as one self-contained piece of HTML: no file beside it, no address to fetch it from."""

from __future__ import annotations

import base64
import html
import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from osteo_epi.errors import OsteoEpiError
from osteo_epi.visible import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture:
    """A figure with its caption, as Jupyter and the report show it.

    Parameters
    ----------
    figure
        A matplotlib figure.
    caption
        What the reader sees; it is the text for those who cannot see, too.
    """

    def __init__(self, figure: Figure, *, caption: str) -> None:
        self.figure: Figure | None = figure
        self.caption = caption
        self.fault = ""
        self._address = ""

    @classmethod
    def drawn(cls, draw: Callable[..., Any], *args: Any, caption: str, **options: Any) -> Picture:
        """Draw a figure of a report: one that fails says so in its place, and stops nothing.

        Parameters
        ----------
        draw, *args, **options
            A function that gives a figure or axes, and what it takes.
        caption
            What the reader sees.

        Examples
        --------
        >>> Picture.drawn(lambda: 1 / 0, caption="A ratio.").fault
        'ZeroDivisionError'
        """
        picture = cls.__new__(cls)
        picture.caption, picture.fault = caption, ""
        picture.figure, picture._address = None, ""
        try:
            figure = draw(*args, **options)
            picture.figure = figure if hasattr(figure, "savefig") else figure.figure
            picture._address = _svg_address(picture.figure)
        except Exception as error:
            own = isinstance(error, OsteoEpiError)
            picture.figure, picture.fault = None, str(error) if own else type(error).__name__
        return picture

    def _repr_html_(self) -> str:
        if self.figure is None:
            return (
                f'<p class="label" data-fault="{html.escape(visible(self.fault), quote=True)}">'
                f"This figure could not be drawn: {html.escape(visible(self.caption))} "
                "Its numbers are in the tables.</p>"
            )
        caption = html.escape(visible(self.caption), quote=True)
        return (
            # A browser's own margins and a fixed width cut a picture off on a telephone.
            '<figure style="margin:1rem 0"><img style="max-width:100%;height:auto" '
            f'alt="{caption}" src="{self._address or _svg_address(self.figure)}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )


def _svg_address(figure: Figure) -> str:
    """Draw a figure as an SVG data address: sharp on screen and on paper, the same bytes twice."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with (
        mpl.rc_context({"svg.hashsalt": "osteo-epi", "svg.fonttype": "path"}),
        warnings.catch_warnings(),
    ):
        # A script of which no font is installed is drawn as boxes, and is no reason to fail.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
