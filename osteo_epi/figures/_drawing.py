"""What every figure is drawn through: its letters, its fonts, and the mark of simulated people."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from functools import cache, wraps
from types import UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints
from unicodedata import east_asian_width

import polars as pl

from osteo_epi.arguments import refuse_other_choices
from osteo_epi.cohort import says_simulated
from osteo_epi.errors import SchemaError
from osteo_epi.language import language, said, speaking

P = ParamSpec("P")
R = TypeVar("R")
OTHER_SCRIPTS = ("CJK SC", "CJK", "Source Han", "WenQuanYi", "YaHei", "SimHei", "PingFang",
                 "Hiragino", "Heiti", "Malgun", "Arial Unicode", "Emoji", "Symbola")  # fmt: skip
CHINESE = OTHER_SCRIPTS[:9]
"""Of them, parts of the names of fonts that hold Chinese."""
NO_FONT = (
    "no font that holds Chinese is installed here: figures speak English, and Chinese words of the "
    "data are drawn as boxes. Install one, such as Noto Sans CJK SC (fonts-noto-cjk), and draw "
    "again"
)


FOREIGN = (AttributeError, LookupError, TypeError, ValueError, pl.exceptions.PolarsError)
"""What drawing another thing than the figure's own ends in."""


def drawing(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw with every text as it stands: "$" is a dollar, and "_" lowers nothing.

    Each public figure is drawn through this. Fonts of other scripts stand behind the reader's
    own, so that a level in Chinese is no row of boxes; where there is none, the figure speaks
    English and a warning says what to install. What says of itself that its people are simulated
    is drawn with a note that says so. Another result than the figure's own, or a frame without a
    column that it draws, is refused in words.
    """
    takes_note = "note" in inspect.signature(draw).parameters

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib as mpl

        refuse_other_choices(draw, args, kwargs)
        family = [*_listed(mpl.rcParams["font.family"]), *_fonts()]
        plain: Any = {"text.parse_math": False, "text.usetex": False, "font.family": family}
        is_mute = language() != "en" and not holds_chinese(_fonts())
        with mpl.rc_context(plain), speaking("en") if is_mute else nullcontext():
            if takes_note:
                told: Any = kwargs
                notes = (_mark(told, args), "No Chinese font is installed here" * is_mute)
                told["note"] = said("; ").join(filter(None, (*notes, told.get("note", ""))))
            try:
                axes = draw(*args, **kwargs)
            except FOREIGN as error:
                if args and (why := _mistaken(draw, args[0], error)):
                    raise SchemaError(why) from error
                raise
        if is_mute or not (holds_chinese(_fonts()) or _is_latin(axes)):
            warnings.warn(NO_FONT, stacklevel=2)
        return axes

    return drawn


def holds_chinese(fonts: Iterable[str]) -> bool:
    """Whether one of the fonts, by its name, holds Chinese.

    Examples
    --------
    >>> holds_chinese(["Noto Sans CJK SC"]), holds_chinese(["DejaVu Sans"])
    (True, False)
    """
    return any(part in font for font in fonts for part in CHINESE)


def _is_latin(axes: Any) -> bool:
    """Whether no text of a figure is of a script that Matplotlib's own font lacks."""
    from matplotlib.text import Text

    texts = axes.get_figure(root=True).findobj(Text)
    return not any(east_asian_width(letter) in "WF" for text in texts for letter in text.get_text())


def _mistaken(draw: Callable[..., Any], given: Any, error: Exception) -> str | None:
    """Why what was given is nothing that this figure draws; None where something else failed."""
    name = draw.__name__
    seen = f"help(osteo_epi.figures.{name}) shows the call that makes it"
    first = next(iter(inspect.signature(draw).parameters.values()))
    holder = type(name, (), {"__annotations__": {first.name: first.annotation}})
    kind = get_type_hints(holder, globalns=draw.__globals__)[first.name]
    if kind is Any:
        column = re.search(r"[\"'](\w+)[\"']", str(error))
        if column is None or not isinstance(error, KeyError | pl.exceptions.ColumnNotFoundError):
            return None
        return f"{name} draws a column {column[1]!r}, which is not there; {seen}"
    several = get_origin(kind) in (Union, UnionType)
    kinds = [get_origin(one) or one for one in (get_args(kind) if several else (kind,))]
    if isinstance(given, tuple(kinds)):
        return None
    wanted = " or ".join(one.__name__ for one in kinds)
    return f"{name} draws one {wanted}, not one {type(given).__name__}; {seen}"


def _mark(told: dict[str, Any], things: tuple[Any, ...]) -> str:
    """The mark of simulated people; nothing where the note says it already."""
    mark, note = said("SIMULATED people"), told.get("note", "")
    is_said = "SIMULATED" in note or mark in note
    return mark if not is_said and any(map(says_simulated, (*things, *told.values()))) else ""


def _listed(family: str | list[str]) -> list[str]:
    return [family] if isinstance(family, str) else list(family)


@cache
def _fonts() -> tuple[str, ...]:
    """Fonts installed here that hold other scripts; asking for one that is not there is loud."""
    from matplotlib.font_manager import fontManager

    if not any("CJK" in font.name for font in fontManager.ttflist):
        _add_new_fonts()
    names = sorted({font.name for font in fontManager.ttflist})
    fonts = (next((n for n in names if part in n), "") for part in OTHER_SCRIPTS)
    return tuple(dict.fromkeys(filter(None, fonts)))


def _add_new_fonts() -> None:
    """Add the fonts that were installed after Matplotlib made its list, which it keeps for good."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {font.fname for font in fontManager.ttflist}
    for path in set(findSystemFonts()) - listed:
        with suppress(RuntimeError, OSError):  # a font of pictures alone cannot be drawn
            fontManager.addfont(path)
