"""One option of the main job: what it is called, what it means, and where it goes."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any

from osteo_epi.report.choices._kinds import NAMES, Kind

GROUPS = {
    "definition": "What counts as osteoporosis",
    "classify": "What is doubtful",
    "prevalence": "The estimate",
    "read": "How the file is read",
    "design": "The survey design",
    "simulate": "The embedded cohort",
    "report": "What is shown, and how",
    "run": "The run",
}
"""Groups of options by the function that takes them, with their heading in the help."""
_WIDTH = 92


@dataclass(frozen=True)
class Option:
    """One option: what it is called, holds, means, and where it goes.

    Parameters
    ----------
    kind
        See `Kind`.
    group
        One of `GROUPS`.
    help
        One or two sentences, for both the command line and Python.
    metavar
        What stands for the value in the help.
    spelling
        Its name on the command line; that of the field, with hyphens, by default.
    argument
        What the group's function calls it, where the name is another; None where the run itself
        looks after it.
    example
        A value, shown in the way of the command line and of Python.
    embedded
        What the embedded cohort takes where nothing is given.
    stated
        Whether the manifest states it at its default too.
    name, default
        Of the field.
    """

    kind: Kind
    group: str
    help: str
    metavar: str = ""
    spelling: str = ""
    argument: str | None = ""
    example: Any = None
    embedded: Any = None
    stated: bool = True
    name: str = ""
    default: Any = None

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return f"--{self.spelling or self.name.replace('_', '-')}"

    @property
    def typed_help(self) -> str:
        """The help text of the command line."""
        words = [] if self.example is None else self.kind.write(self.example)
        if words and self.kind is NAMES:  # several words would be typed one after the other
            words = [",".join(words)]
        shown = f"E.g. {shlex.join(words)}." if words else ""
        return " ".join(filter(None, [self.help, shown, self.kind.note]))

    @property
    def parameter(self) -> Parameter:
        """The option as a keyword of `run()`."""
        default = None if self.default == {} else self.default
        return Parameter(
            self.name, Parameter.KEYWORD_ONLY, default=default, annotation=self.kind.annotation
        )

    @property
    def docstring(self) -> str:
        """The option in a list of parameters."""
        shown = "" if self.example is None else f" E.g. {self.example!r}."
        text = textwrap.fill(self.help + shown, _WIDTH, break_on_hyphens=False)
        return f"{self.name}\n{textwrap.indent(text, '    ')}"


def option(default: Any, kind: Kind, group: str, help: str, **more: Any) -> Any:
    """A field of `Choices` with all that is known of it."""
    metadata = {"option": Option(kind, group, help, **more)}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)
