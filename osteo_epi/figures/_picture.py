"""A figure as one self-contained piece of HTML: no file beside it, no address to fetch it from."""

from __future__ import annotations

import base64
import html
import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from osteo_epi.errors import OsteoEpiError
from osteo_epi.language import said
from osteo_epi.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PNG_DPI = 200
FAMILIES = (
    "'DejaVu Sans', Verdana, Arial, 'Noto Sans CJK SC', 'Noto Sans SC', 'Source Han Sans SC', "
    "'Microsoft YaHei', 'PingFang SC', 'Hiragino Sans GB', 'WenQuanYi Micro Hei', sans-serif"
)
"""The fonts of a text in an SVG, where the first is not there: none after it is wider.

The first is the one that the figure was laid out with; a Chinese character is as wide as it is
high in all of them.
"""
NAMED = re.compile(rb"(?<=[ \"])font-family: [^;\"]*")
_TEXTS: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def describe(axes: Axes, text: str) -> None:
    """Keep what a figure shows in a sentence, for those who cannot see it."""
    _TEXTS[axes] = " ".join(text.split())


def alt_text(drawn: Figure | Axes) -> str:
    """What a figure of this toolkit shows, in a sentence or two: its finding, not its looks.

    Parameters
    ----------
    drawn
        The axes that a function of `figures` gave, or a figure that holds some of them.

    Returns
    -------
    str
        In the language that was spoken when it was drawn; empty for axes of others.

    Examples
    --------
    >>> from osteo_epi.agreement import bland_altman
    >>> axes = bland_altman([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13]).plot()
    >>> alt_text(axes)[:37]
    'Bland–Altman plot of 4 pairs: bias 0.'
    """
    axes = drawn.axes if hasattr(drawn, "savefig") else [drawn]
    return " ".join(_TEXTS[one] for one in axes if one in _TEXTS)  # type: ignore[union-attr]


class Picture:
    """A figure with its caption, as Jupyter and the report show it.

    Parameters
    ----------
    drawn
        A matplotlib figure, or axes in one.
    caption
        What the reader sees.
    alt
        For those who cannot see: what the figure shows; by default its `alt_text`.
    """

    def __init__(self, drawn: Figure | Axes, *, caption: str = "", alt: str = "") -> None:
        self.figure: Figure | None = _whole(drawn)
        self.caption = caption
        self.fault = ""
        self._alt, self._svg = alt, b""

    @classmethod
    def drawn(
        cls, draw: Callable[..., Any], *args: Any, caption: str, alt: str = "", **options: Any
    ) -> Picture:
        """Draw a figure of a report: one that fails says so in its place, and stops nothing.

        Parameters
        ----------
        draw, *args, **options
            A function that gives a figure or axes, and what it takes.
        caption, alt
            What the reader sees, and what is read to those who cannot.

        Examples
        --------
        >>> Picture.drawn(lambda: 1 / 0, caption="A ratio.").fault
        'ZeroDivisionError'
        """
        picture = cls.__new__(cls)
        picture.figure, picture.caption, picture.fault = None, caption, ""
        picture._alt, picture._svg = alt, b""
        try:
            picture.figure = _whole(draw(*args, **options))
            picture._svg = picture.svg()
        except Exception as error:
            own = isinstance(error, OsteoEpiError)
            picture.figure, picture.fault = None, str(error) if own else type(error).__name__
        return picture

    @property
    def alt(self) -> str:
        """What is read to those who cannot see the figure."""
        found = "" if self.figure is None else alt_text(self.figure)
        return visible(self._alt or found or self.caption)

    def svg(self) -> bytes:
        """The figure as SVG: sharp at each size, its text kept as text, the same bytes twice."""
        import matplotlib as mpl

        if self._svg:
            return self._svg
        with mpl.rc_context({"svg.hashsalt": "osteo-epi", "svg.fonttype": "none"}):
            written = self._written("svg", metadata={"Date": None, "Creator": None})
        return _with_families(written)

    def png(self, *, dpi: int = PNG_DPI) -> bytes:
        """The figure as PNG, for where SVG is not taken."""
        return self._written("png", dpi=dpi, metadata={"Software": None})

    def pdf(self) -> bytes:
        """The figure as PDF, for LaTeX and for journals that ask for it; the same bytes twice."""
        import matplotlib as mpl

        with mpl.rc_context({"pdf.fonttype": 42}):
            return self._written("pdf", metadata={"CreationDate": None, "Creator": None})

    @property
    def words(self) -> str:
        """What stands in the place of a figure that could not be drawn; "" for one that could."""
        if self.figure is not None:
            return ""
        return said(
            "This figure could not be drawn: {caption} Its numbers are in the tables.",
            caption=visible(self.caption),
        )

    def _written(self, form: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        assert self.figure is not None, self.fault
        with warnings.catch_warnings():
            # A script of which no font is installed is drawn as boxes, and is no reason to fail.
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            self.figure.savefig(buffer, format=form, **options)
        return buffer.getvalue()

    def __repr__(self) -> str:
        return f"Picture({self.alt or self.words!r})"

    def _repr_html_(self) -> str:
        caption = html.escape(visible(self.caption), quote=True)
        if self.figure is None:
            fault = html.escape(visible(self.fault), quote=True)
            return f'<p class="label" data-fault="{fault}">{html.escape(self.words)}</p>'
        source = base64.b64encode(self.svg()).decode("ascii")
        below = f"<figcaption>{caption}</figcaption>" if caption else ""
        return (
            # A browser's own margins and a fixed width cut a picture off on a telephone.
            '<figure style="margin:1rem 0"><img style="max-width:100%;height:auto" '
            f'alt="{html.escape(self.alt, quote=True)}" '
            f'src="data:image/svg+xml;base64,{source}">{below}</figure>'
        )


def _whole(drawn: Any) -> Any:
    """The figure that axes stand in; a figure itself."""
    return drawn if hasattr(drawn, "savefig") else drawn.get_figure(root=True)


def _with_families(svg: bytes) -> bytes:
    """Name fonts of all systems in each text, where Matplotlib names those of this one."""
    return NAMED.sub(f"font-family: {FAMILIES}".encode(), svg)
