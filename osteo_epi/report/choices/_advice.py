"""What the library advises, in the words of the command line: options for arguments of Python."""

from __future__ import annotations

from osteo_epi import spelling
from osteo_epi.report.choices._choices import Choices

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


def in_options(text: str, command: str = "") -> str:
    """Name the options that stand for the arguments that a message of the library names.

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
    spelt = {name: choice.flag for name, choice in Choices.catalogue().items()} | _ARGUMENTS
    spelt |= _ARGUMENTS_OF.get(command, {})
    return spelling.in_options(text, {name: flag for name, flag in spelt.items() if flag})
