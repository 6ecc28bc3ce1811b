"""The options of the commands: the choices of a run, as click shows and reads them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from osteo_epi.report import Choices

# Headings of the help, by the group of options; the first are those of a cut-off.
_HEADINGS = {
    "question": "The cut-off and the truth",
    "beside": "Other cut-offs, and the limits",
    "ahead": "What it predicts",
    **Choices.groups(),
}

WORDS = "osteo_epi.words"


class Sectioned(click.Command):
    """A command whose help lists the options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order of the groups."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Option) and record is not None:
                group = getattr(param, "group", "run")
                sections.setdefault(_HEADINGS[group], []).append(record)
        for heading in _HEADINGS.values():
            if heading in sections:
                with formatter.section(heading):
                    formatter.write_dl(sections[heading])


class Recorded(Sectioned):
    """A command that keeps the words it was given, for a report that says how to make it again."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words, and read them."""
        ctx.meta[WORDS] = tuple(args)
        return super().parse_args(ctx, args)


class GroupedOption(click.Option):
    """An option that knows its section of the help."""

    def __init__(self, *args: Any, group: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self.group = group


def choices(*groups: str, without: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Give a command the options of these groups, in the order in which `Choices` has them.

    Those of `without` the command has in its own way.
    """
    named = [c for c in Choices.catalogue().values() if c.name not in without]
    options = [_option(c) for c in named if c.group in groups]
    return lambda command: reduce(lambda inner, option: option(inner), reversed(options), command)


def _option(choice: Any) -> Callable[[Any], Any]:
    """One choice of a run as an option of click, which reads and shows its words."""
    shared = {"cls": GroupedOption, "group": choice.group, "help": choice.typed_help}
    if isinstance(choice.default, bool):
        return click.option(
            choice.flag,
            choice.name,
            is_flag=True,
            callback=lambda ctx, param, given: given != choice.default,
            **shared,
        )
    words = choice.kind.write(choice.default) if choice.default else []
    return click.option(
        choice.flag,
        choice.name,
        metavar=choice.metavar,
        multiple=choice.kind.repeated,
        default=(words if choice.kind.repeated else "".join(words)) or None,
        show_default=bool(words),
        callback=_reader(choice),
        **shared,
    )


def _reader(choice: Any) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def read(ctx: click.Context, param: click.Parameter, given: Any) -> Any:
        words = given if isinstance(given, tuple) else () if given is None else (given,)
        try:
            return choice.kind.read(words) if words else choice.default
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read


PDF = click.option("--pdf", is_flag=True, help="The report as report.pdf too.")
DOCX = click.option("--docx", is_flag=True, help="The report as report.docx too, for Word.")
OVERWRITE = click.option(
    "--overwrite", is_flag=True, help="Replace what is there.", cls=GroupedOption, group="run"
)


def design_of(people: Any, chosen: Choices) -> Any:
    """The design of the columns that were named, else of those that the codebook knows.

    A column may be named by the heading that the file has for it.
    """
    from osteo_epi.cohort import SRS, columns_stated, recognised_design

    if not chosen.use_design:
        return recognised_design(people, SRS, lonely=chosen.lonely).design
    stated = {name: getattr(chosen, name) for name in ("weight", "stratum", "psu")}
    named = columns_stated(people, **stated)
    return recognised_design(people, **named, lonely=chosen.lonely).design
