"""The language in which figures, tables and reports speak to a reader.

English is written where it is said and is the key; other languages stand in `words/*.toml`, a file
a room. The language is that of the context, so that no figure, table or sentence has to hand it
on: `with speaking("zh"): result.plot()`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from osteo_epi.errors import OutputError

LANGUAGES = {"en": "English", "zh": "中文"}
HTML_CODES = {"en": "en", "zh": "zh-Hans"}
"""Code of a language to that of a page, by which a browser chooses the font."""
_FOLDER = Path(__file__).parent / "words"
_spoken: ContextVar[str] = ContextVar("language", default="en")


def language() -> str:
    """The code of the language that is spoken now.

    Examples
    --------
    >>> language()
    'en'
    """
    return _spoken.get()


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Let figures, tables and reports speak a language.

    Parameters
    ----------
    code
        `en` or `zh`.

    Raises
    ------
    OutputError
        If it is neither.

    Examples
    --------
    >>> with speaking("zh"):
    ...     said("Women")
    '女性'
    """
    if code not in LANGUAGES:
        known = ", ".join(f"{key} ({name})" for key, name in LANGUAGES.items())
        raise OutputError(f"no language {code!r} (--language); there are {known}")
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)


def said(text: str, /, **values: object) -> str:
    """Say a text in the language that is spoken; a text without words there stays English.

    Parameters
    ----------
    text
        The English text, with `{name}` where a value stands; a text without values may hold braces.
    **values
        What stands there, as it is to be read.

    Examples
    --------
    >>> said("Women"), said("{n} people", n="1,200")
    ('Women', '1,200 people')
    """
    words = text if language() == "en" else catalogue(language()).get(text, text)
    return words.format(**values) if values else words


@cache
def catalogue(code: str) -> dict[str, str]:
    """English texts and what they are called in a language, of all rooms."""
    words: dict[str, str] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        words |= tomllib.loads(path.read_text(encoding="utf-8")).get(code, {})
    return words
