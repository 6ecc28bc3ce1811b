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
from osteo_epi.files import paths_as_typed
from osteo_epi.language import LANGUAGES, language, phrase, said, speaking
from osteo_epi.report import in_options
from osteo_epi.rounding import count
from osteo_epi.visible import visible

FAULT = 2
INTERRUPTED = 130
UNFORESEEN = 1
PIPE_WIDTH = 80
"""Columns of a pipe or a file, which has none of its own."""


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

    A line that says how grave it is does so in colour on a terminal, and is broken between words
    there and on standard output; what a log keeps stays in one line.
    """
    words = visible(text)
    kind = next((kind for kind in _KINDS if words.startswith(_led(kind))), None)
    if kind is None:
        click.echo(words, err=err)
    elif (sys.stderr if err else sys.stdout).isatty():
        _say_in_colour(words, len(_led(kind).rstrip()), _KINDS[kind], err=err)
    else:
        click.echo(words if err else broken(words), err=err)


def _led(kind: str) -> str:
    """What a line that is so grave begins with, in the language spoken."""
    return (kind if language() == "en" else phrase(kind.lower())) + said(": ")


def broken(words: str) -> str:
    """A text in lines as wide as standard output is, what follows the first set in."""
    from osteo_epi.cli._grid import hung

    return hung(words, columns()).plain


def _say_in_colour(words: str, length: int, style: str, *, err: bool) -> None:
    from rich.console import Console

    from osteo_epi.cli._grid import hung

    console = Console(stderr=err, highlight=False)
    line = hung(words, console.width)
    line.stylize(style, 0, length)
    console.print(line)


class OneLine(click.Group):
    """A group whose errors are a line a fault: what is wrong, what to do, and no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn errors into lines and an exit code."""
        try:
            with _notes(), paths_as_typed():
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


def _typed(text: str) -> str:
    """What is advised, in the options of the command that is given."""
    context = click.get_current_context(silent=True)
    named = context and (context.invoked_subcommand or context.info_name)
    return in_options(text, named or "")


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
                say(f"note: {_typed(text)}", err=True)


@contextmanager
def progress(stages: Sequence[str], *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show how far the stages are, see `bar`."""
    with bar(quiet=quiet), far.stages(dict.fromkeys(stages, 1.0)) as begin:
        yield begin


@contextmanager
def bar(*, quiet: bool, tongue: str = "en") -> Iterator[None]:
    """Show a bar on the terminal while the library works; in a log, a line as a stage begins.

    Stages are called by the words of a language, which the library itself does not speak then.
    """
    tongue = tongue if tongue in LANGUAGES else "en"  # what is no language is refused with the rest
    is_terminal = sys.stderr.isatty()
    shown = None if quiet else _Moving(tongue) if is_terminal else _Log(tongue)
    with far.shown_by(shown):
        yield


def _stage(what: str, tongue: str) -> str:
    """What is done now, in a language; work that only other commands do keeps its name."""
    with speaking(tongue):
        stage, comma, rest = what.partition(", ")
        if comma and (rows := rest.removesuffix(" rows done")) != rest:
            return said("{stage}, {n} rows done", stage=_stage(stage, tongue), n=rows)
        stages = {
            "starting": said("starting"),
            "looking at files": said("looking at files"),
            "reading files": said("reading files"),
            "reading people": said("reading people"),
            "checking": said("checking"),
            "classifying": said("classifying"),
            "estimating": said("estimating"),
            "writing tables": said("writing tables"),
            "report": said("report"),
        }
        return stages.get(what, what)


class _Log:
    """A line for each stage."""

    def __init__(self, tongue: str) -> None:
        self.tongue, self.last = tongue, ""

    def show(self, what: str, share: float) -> None:
        if what != self.last:
            say(f"{_stage(what, self.tongue)} …", err=True)
        self.last = what

    def tell(self, words: str) -> None:
        say(_typed(words), err=True)

    def close(self) -> None:
        """Nothing is to be taken away."""


class _Moving:
    """A bar with what is done [%] and the time that is left."""

    def __init__(self, tongue: str) -> None:
        self.rich, self.tongue = _rich_bar(), tongue
        self.task = self.rich.add_task(_stage("starting", tongue), total=1.0, expected=0.0)

    def show(self, what: str, share: float) -> None:
        self.rich.start()
        seconds = self.rich.tasks[0].elapsed or 0.0
        whole = far.expected(seconds, share)
        what = _stage(what, self.tongue)
        self.rich.update(self.task, description=what, completed=share, expected=whole)

    def tell(self, words: str) -> None:
        self.rich.stop()
        say(_typed(words), err=True)

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


def columns() -> int:
    """How wide standard output is."""
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal else PIPE_WIDTH


def show(table: Any) -> None:
    """Print a table on standard output."""
    from rich.console import Console

    Console(highlight=False, width=columns()).print(table)


def show_frame(frame: Any, *, title: str = "") -> None:
    """Print a small frame of texts and counts on standard output."""
    from osteo_epi.cli._terminal import frame_table

    show(frame_table(frame, width=columns(), title=title))


def say_findings(findings: Any, file: Path | None = None, *, err: bool = True) -> None:
    """Say what was noticed about the data, a line or paragraph each.

    Where a `file` holds them the work is done: of notes their number alone is said, and an error
    is one that was accepted.
    """
    told = [finding for finding in findings if file is None or finding.severity != "note"]
    for finding in told:
        accepted = "accepted " if file is not None and finding.severity == "error" else ""
        say(_typed(_in_words(finding, accepted + finding.severity)), err=err)
    if len(told) < len(findings):
        n = len(findings) - len(told)
        say(said("Notes about the data: {n}, see {file}", n=n, file=file))


def _in_words(finding: Any, kind: str) -> str:
    """A finding in a line, in the language spoken."""
    if language() == "en":
        told = " ".join(finding.told().split())
        return f"{_led(kind)}{told.removeprefix(_led(finding.severity))}"
    from osteo_epi.tables import finding_words

    seen, to_do = finding_words(
        {"code": finding.code, "message": finding.message, "fix": finding.fix}
    )
    about = f" [{finding.column}]" if finding.column else ""
    n = f"（{count(finding.n)}）" if finding.n else ""
    end = said("To do: {to_do}", to_do=to_do) if to_do else ""
    return f"{_led(kind)}{finding.code}{about} {seen}{n}。{end}"


def say_notes(notes: Sequence[str]) -> None:
    """Say what has to be known of the estimates, a line or paragraph each."""
    for note in notes:
        words = " ".join(note.split())
        if language() != "en":
            from osteo_epi.report import note_words

            words = note_words(words)
        say(f"{_led('Note')}{_typed(words)}")
