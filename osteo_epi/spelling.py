"""How a message spells advice: messages name argument and option, a reader needs one of them.

What the library advises names the argument of Python with the option of the command line beside
it: `sites=['hip'] (--sites hip)`. On a terminal and in a report the option stands alone, in Python
the argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# An argument with its value, and the same as it is typed: sites=['hip'] (--sites hip).
_VALUE = r"""(?:\w+\([^()]*\)|\{[^{}]*\}|\[[^\[\]]*\]|"[^"]*"|'[^']*'|[^\s()\[\]{},;"'=]*)"""
_BOTH = re.compile(rf"\b\w+={_VALUE} \((--[^()]*)\)")
# From the beginning of the word before: else a heading as long as a file is tried at every letter.
_OPTION = re.compile(r"(?<!\S)(?P<before>\S+) \(--(?P<name>[a-z-]+)(?P<value> [^()]*)?\)")
# A word that is no value of an option, as weight is in --missing weight=9.
_FREE = r"(?<![\w-])(?<!--missing )(?<!--map )(?<!--units )(?<!--sex-coding )"
# The options of a design are given apart.
_DESIGN = re.compile(r"\bSurveyDesign\(([^()]*)\)")
# What only Python can do, where the rest of the advice can be followed without it.
_PYTHON = re.compile(r"; in Python [^;]*(?=;|$)")


def in_options(text: str, flags: Mapping[str, str]) -> str:
    """Name the options that stand for the arguments that a message of the library names.

    An argument whose value cannot be typed as it stands is left, and its option is named at the
    end.

    Parameters
    ----------
    text
        Of a message.
    flags
        Arguments to their options.

    Examples
    --------
    >>> in_options("read it with sites=['hip'] (--sites hip), or interval=0.9", {"interval": "--i"})
    'read it with --sites hip, or --i 0.9'
    """
    text = _DESIGN.sub(r"\1", _PYTHON.sub("", _BOTH.sub(r"\1", text)))
    for name in dict.fromkeys(_arguments(text, flags)):
        text = _typed(text, name, flags[name])
    left = dict.fromkeys(flags[name] for name in _arguments(text, flags))
    named = ", ".join(flag for flag in left if flag.split()[0] not in text)
    return f"{text} [on the command line: {named}]" if named else text


def _arguments(text: str, flags: Mapping[str, str]) -> list[str]:
    """Arguments of Python in a text; what stands behind an option is its value."""
    return [name for name in re.findall(rf"{_FREE}(\w+)=", text) if name in flags]


def _typed(text: str, name: str, flag: str) -> str:
    """Put an option in the place of an argument: alone, or with one word as its value."""
    bare = flag.split()[0]
    text = re.sub(rf"{_FREE}{name}=True\b", bare, text)
    valued = rf"""{_FREE}{name}=(?:"([^"]*)"|'([^']*)'|(-?\d[\w.]*))"""
    text = re.sub(valued, lambda found: f"{bare} {_word(found)}", text)
    text = re.sub(rf"{_FREE}{name}=(?=[\s,;.:)]|$)", flag, text)
    # It is named once: the option in brackets that follows says nothing more.
    first = text.find(bare)
    again = text.find(f" ({bare})", first + 1)
    return text if min(first, again) < 0 else text[:again] + text[again + len(bare) + 3 :]


def _word(found: re.Match[str]) -> str:
    """A value as it is typed: in quotes where a shell would part it."""
    value = next((group for group in found.groups() if group is not None), "")
    return value if re.fullmatch(r"[\w.:/-]+", value) else f'"{value}"'


def in_python(text: str) -> str:
    """Name the arguments alone; an option that stands without one becomes its argument.

    Examples
    --------
    >>> in_python("read the other site with sites=['hip'] (--sites hip), or measure it")
    "read the other site with sites=['hip'], or measure it"
    >>> in_python("unknown interval (--interval) 'x'; two rows of headings (--header-rows 2)")
    "unknown interval 'x'; two rows of headings (header_rows=2)"
    """
    text = _BOTH.sub(lambda found: found[0][: found.start(1) - found.start() - 2], text)
    return _OPTION.sub(_argument, text)


def _argument(found: re.Match[str]) -> str:
    """An option in brackets as it is written in Python; nothing where its name stands before it."""
    name, value = found["name"].replace("-", "_"), found["value"]
    if found["before"] == name or not value:
        return found["before"]
    return f"{found['before']} ({name}={value.strip()})"
