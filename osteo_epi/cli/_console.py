"""How the command line speaks: one line a fault, one line a warning, a bar for the stages."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from osteo_epi import progress as far
from osteo_epi.errors import OsteoEpiError, OsteoEpiWarning
from osteo_epi.report import in_options
from osteo_epi.rounding import counted
from osteo_epi.visible import visible

FAULT = 2
INTERRUPTED = 130
UNFORESEEN = 1
# A pipe has no width of its own; a table folded at 80 columns is unreadable.
PIPE_WIDTH = 120


# What a line begins with that says how grave it is, and its style; NO_COLOR takes the colours away.
_KINDS = {
    "error": "bold red",
    "accepted error": "bold red",
    "warning": "bold yellow",
    "note": "bold cyan",
    "Note": "bold cyan",
}


def say(text: object, *, err: bool = False) -> None:
    """Print a line; what would steer the terminal, in the name of a file or column, is shown.

    On a terminal a line that says how grave it is does so in colour, and is broken between words.
    """
    words = visible(text)
    kind = words.partition(":")[0]
    if kind in _KINDS and (sys.stderr if err else sys.stdout).isatty():
        _say_in_colour(words, len(kind) + 1, _KINDS[kind], err=err)
    else:
        click.echo(words, err=err)


def _say_in_colour(words: str, length: int, style: str, *, err: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=err, highlight=False)
    line = Text(words)
    line.stylize(style, 0, length)
    for place, part in enumerate(line.wrap(console, console.width - 2)):
        console.print(Text("  " * (place > 0)) + part)


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


def _words_of(error: BaseException, command: str) -> tuple[list[str], int]:
    """Lines and exit code of an error; the text of an unforeseen one may hold people's data."""
    if isinstance(error, OsteoEpiError):
        faults = [_one_line(in_options(fault, command)) for fault in error.faults]
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
                say(f"note: {in_options(text)}", err=True)


@contextmanager
def progress(stages: Sequence[str], *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show how far the stages are, see `bar`."""
    with bar(quiet=quiet), far.stages(dict.fromkeys(stages, 1.0)) as begin:
        yield begin


@contextmanager
def bar(*, quiet: bool) -> Iterator[None]:
    """Show a bar on the terminal while the library works; in a log, a line as a stage begins."""
    is_terminal = sys.stderr.isatty()
    shown = None if quiet else _Moving() if is_terminal else _Log()
    with far.shown_by(shown):
        yield


class _Log:
    """A line for each stage."""

    last = ""

    def show(self, what: str, share: float) -> None:
        if what != self.last:
            say(f"{what} …", err=True)
        self.last = what

    def close(self) -> None:
        """Nothing is to be taken away."""


class _Moving:
    """A bar with what is done [%] and the time that is left."""

    def __init__(self) -> None:
        self.rich = _rich_bar()
        self.task = self.rich.add_task("starting", total=1.0, expected=0.0)

    def show(self, what: str, share: float) -> None:
        self.rich.start()
        seconds = self.rich.tasks[0].elapsed or 0.0
        whole = far.expected(seconds, share)
        self.rich.update(self.task, description=what, completed=share, expected=whole)

    def close(self) -> None:
        self.rich.stop()


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed
    from rich.text import Text

    class Left(ProgressColumn):
        """Counts down between two steps, and says nothing where a step takes too long."""

        def render(self, task: Any) -> Text:
            return Text(far.time_left(task.fields["expected"] - (task.elapsed or 0.0)))

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %"),
        Elapsed(),
        Left(),
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


def say_findings(findings: Any, file: Path | None = None, *, err: bool = True) -> None:
    """Say what was noticed about the data, one line each.

    Where a `file` holds them the work is done: of notes their number alone is said, and an error
    is one that was accepted.
    """
    said = [finding for finding in findings if file is None or finding.severity != "note"]
    for finding in said:
        accepted = "accepted " if file is not None and finding.severity == "error" else ""
        say(accepted + in_options(" ".join(finding.told().split())), err=err)
    if len(said) < len(findings):
        say(f"{counted(len(findings) - len(said), 'note')} about the data: see {file}")


def say_notes(notes: Sequence[str]) -> None:
    """Say what has to be known of the estimates, one line each."""
    for note in notes:
        say(f"Note: {in_options(' '.join(note.split()))}")
