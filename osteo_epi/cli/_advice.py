"""What the library advises, in the words of the command line: options for arguments of Python."""

from __future__ import annotations

import re
from collections.abc import Mapping

from osteo_epi.report import Choices

# Arguments that the options do not name; None where one name means several things.
_ARGUMENTS = {
    "folder": "--norms",
    "norms_folder": "--norms",
    "map": "--map HEADING=VARIABLE",
    "id": "--id",
    "overwrite": "--overwrite",
    "rois": "--roi",
    "young": "--young",
    "maker": "--maker",
    "title": "--title",
    "population": "--population",
    **dict.fromkeys(("ages", "n", "name", "norms")),
}
# Where one command has options of its own for arguments, or other ones.
_ARGUMENTS_OF = {
    "thresholds": {
        **dict.fromkeys(("test", "score", "exposures"), "--test"),
        **dict.fromkeys(("cut", "test_positive", "beside"), "--cut"),
        **dict.fromkeys(("event", "outcome"), "--outcome"),
        **dict.fromkeys(("event_positive", "outcome_positive"), "--outcome-positive"),
        **dict.fromkeys(("reference", "compare_with"), "--compare-with"),
        **dict.fromkeys(("reference_positive", "compare_positive"), "--compare-positive"),
        **dict.fromkeys(("risk", "risks"), "--risk"),
        "truth_positive": "--truth-positive",
        "competing_positive": "--competing-positive",
        "nothing_competes": "--nothing-competes",
        "cost_ratio": "--cost-ratio",
        "error_ratio": "--error-ratio",
        **{
            name: f"--{name}"
            for name in (
                *("truth", "direction", "time", "at", "competing", "adjust", "ages", "sex"),
                *("criteria", "prevalence", "replicates", "confidence"),
            )
        },
    },
}


# An argument with its value, and the same as it is typed: sites=['hip'] (--sites hip).
_VALUE = r"""(?:\w+\([^()]*\)|\{[^{}]*\}|\[[^\[\]]*\]|"[^"]*"|'[^']*'|[^\s()\[\]{},;"']*)"""
_BOTH = re.compile(rf"\b\w+={_VALUE} \((--[^()]*)\)")
# A word that is no value of an option, as weight is in --missing weight=9.
_FREE = r"(?<![\w-])(?<!--missing )(?<!--map )(?<!--units )(?<!--sex-coding )"
# The options of a design are given apart.
_DESIGN = re.compile(r"\bSurveyDesign\(([^()]*)\)")
# What only Python can do, where the rest of the advice can be followed without it.
_PYTHON = re.compile(r"; in Python [^;]*(?=;|$)")


def in_options(text: str, command: str = "") -> str:
    """Name the options that stand for the arguments that a message of the library names.

    An argument whose value cannot be typed as it stands is left, and its option is named at the
    end.

    Parameters
    ----------
    text
        Of a message.
    command
        The command that was given: some have options of their own.

    Examples
    --------
    >>> in_options("read the other site alone with sites=['hip'] (--sites hip), or measure it")
    'read the other site alone with --sites hip, or measure it'
    >>> in_options('name it with reference=, or interval="wald" of confidence=0.9')
    'name it with --reference, or --interval wald of --confidence 0.9'
    >>> in_options("add --missing weight=9, or go on with accept_errors=True; in Python f(x) lists")
    'add --missing weight=9, or go on with --accept-errors'
    >>> in_options('take sex_rule="female" (as now) or "own_sex" (--sex-rule)')
    'take --sex-rule female (as now) or "own_sex"'
    >>> in_options('choose SurveyDesign(lonely="adjust") (conservative)')
    'choose --lonely adjust (conservative)'
    >>> in_options("a part is named as sites=['hip']")
    "a part is named as sites=['hip'] [on the command line: --sites]"
    """
    text = _DESIGN.sub(r"\1", _PYTHON.sub("", _BOTH.sub(r"\1", text)))
    spelt = {name: choice.flag for name, choice in Choices.catalogue().items()} | _ARGUMENTS
    spelt |= _ARGUMENTS_OF.get(command, {})
    flags = {name: flag for name, flag in spelt.items() if flag}
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
