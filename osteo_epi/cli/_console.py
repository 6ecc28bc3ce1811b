"""How the command line speaks: one line a fault, one line a warning, a bar for the stages."""

from __future__ import annotations

import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from osteo_epi.errors import OsteoEpiError, OsteoEpiWarning
from osteo_epi.report import Choices
from osteo_epi.rounding import counted
from osteo_epi.visible import visible

FAULT = 2
INTERRUPTED = 130
UNFORESEEN = 1
# A pipe has no width of its own; a table folded at 80 columns is unreadable.
PIPE_WIDTH = 120


def say(text: object, *, err: bool = False) -> None:
    """Print a line; what would steer the terminal, in the name of a file or column, is shown."""
    click.echo(visible(text), err=err)


class OneLine(click.Group):
    """A group whose errors are a line a fault: what is wrong, what to do, and no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn errors into lines and an exit code."""
        try:
            with _notes():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, SystemExit):
            raise
        except BrokenPipeError:
            raise
        except BaseException as error:
            if ctx.params.get("debug"):
                say(traceback.format_exc(), err=True)
            lines, code = _words_of(error, str(ctx.invoked_subcommand))
            for line in lines:
                say(line, err=True)
            raise click.exceptions.Exit(code) from None


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


def _in_options(text: str, command: str) -> str:
    """Name the options that stand for the arguments that a message of the library names."""
    spelt = {name: choice.flag for name, choice in Choices.catalogue().items()} | _ARGUMENTS
    spelt |= _ARGUMENTS_OF.get(command, {})
    options = [
        flag
        for name, flag in spelt.items()
        if flag and re.search(rf"\b{name}=", text) and flag.split()[0] not in text
    ]
    named = ", ".join(dict.fromkeys(options))
    return f"{text} [on the command line: {named}]" if options else text


def _words_of(error: BaseException, command: str) -> tuple[list[str], int]:
    """Lines and exit code of an error; the text of an unforeseen one may hold people's data."""
    if isinstance(error, OsteoEpiError):
        faults = [_one_line(_in_options(fault, command)) for fault in error.faults]
        if len(faults) == 1:
            return [f"error: {faults[0]}"], FAULT
        numbered = [f"  {i}. {fault}" for i, fault in enumerate(faults, start=1)]
        return [f"error: {_one_line(str(error.args[0]))}", *numbered], FAULT
    if isinstance(error, KeyboardInterrupt):
        return ["error: interrupted; nothing was left half-written"], INTERRUPTED
    if isinstance(error, MemoryError):
        few = "not enough memory for these data; close other programs or take fewer rows"
        return [f"error: {few}"], FAULT
    return [
        f"error: something that was not foreseen ({type(error).__name__}); please report it with "
        "what this shows: osteo-epi --debug …"
    ], UNFORESEEN


def _one_line(text: str) -> str:
    """One line, and one for each way out that a message lists."""
    return "\n     - ".join(" ".join(part.split()) for part in text.split("\n- "))


@contextmanager
def _notes() -> Iterator[None]:
    """Gather warnings while the progress bar runs; say each once, in one line, at the end."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", OsteoEpiWarning)
        try:
            yield
        finally:
            notes = dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)
            for text in notes:
                say(f"note: {text}", err=True)


@contextmanager
def progress(stages: Sequence[str], *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show a bar over the stages on the terminal; in a log, a line as each stage begins."""
    if quiet:
        yield lambda stage: None
    elif not sys.stderr.isatty():
        yield lambda stage: say(f"{stage} …", err=True)
    else:
        with _bar() as bar:
            task = bar.add_task("starting", total=len(stages))
            done = iter(range(len(stages)))
            yield lambda stage: bar.update(task, description=stage, completed=next(done))
            bar.update(task, description="done", completed=len(stages))


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def show(table: Any) -> None:
    """Print a table on standard output."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    console.print(table)


def say_findings(findings: Any, file: Path | None = None) -> None:
    """Say what was noticed about the data, one line each.

    Where a `file` holds them the work is done: of notes their number alone is said, and an error
    is one that was accepted.
    """
    said = [finding for finding in findings if file is None or finding.severity != "note"]
    for finding in said:
        accepted = "accepted " if file is not None and finding.severity == "error" else ""
        say(accepted + " ".join(str(finding).split()), err=True)
    if len(said) < len(findings):
        say(f"{counted(len(findings) - len(said), 'note')} about the data: see {file}")


def say_notes(notes: Sequence[str]) -> None:
    """Say what has to be known of the estimates, one line each."""
    for note in notes:
        say(f"Note: {' '.join(note.split())}")
