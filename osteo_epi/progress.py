"""How far a long call is, for whoever waits for it: a bar on a terminal or in a notebook.

Elsewhere nothing is shown: not in a log, a script without a terminal, or a notebook that is
executed without a reader. `OSTEO_EPI_PROGRESS=0` in the environment keeps it quiet everywhere.
"""

from __future__ import annotations

import html
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

Step = TypeVar("Step")
PATIENCE = 1.5
"""[s] A call that ends before is not shown at all."""
REST = 0.2
"""[s] Between two looks of a bar."""
LEAST = 0.03
"""Of the work, before its end can be told."""
WIDTH = 24
ENVIRONMENT = "OSTEO_EPI_PROGRESS"


class Bar(Protocol):
    """What shows how far the work is."""

    def show(self, what: str, share: float) -> None:
        """Show what is being done, and the share of all that is done."""

    def tell(self, words: str) -> None:
        """Say something that cannot wait until the work is done, on a line that stays."""

    def close(self) -> None:
        """Leave nothing behind."""


class _Work:
    """Work that is under way, from its first stage to its last."""

    def __init__(self, bar: Bar) -> None:
        self.bar, self.what, self.base, self.part = bar, "", 0.0, 1.0
        self.is_counted = False

    def begin(self, what: str, base: float, part: float) -> None:
        self.what, self.base, self.part = what, base, part
        self.inside(0.0)

    def inside(self, share: float) -> None:
        self.bar.show(self.what, self.base + self.part * share)


_bar: ContextVar[Callable[[], Bar | None] | None] = ContextVar("bar", default=None)
_work: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextmanager
def shown_by(bar: Bar | None) -> Iterator[None]:
    """Let another bar show what is done here; None shows nothing."""
    token = _bar.set(lambda: bar)
    try:
        yield
    finally:
        _bar.reset(token)


@contextmanager
def stages(shares: Mapping[str, float]) -> Iterator[Callable[[str], None]]:
    """Give a function that says which stage begins; loops within it move the bar on.

    Parameters
    ----------
    shares
        The stages in their order, with the share of the time that each usually takes.

    Examples
    --------
    >>> class Lines:
    ...     def show(self, what, share):
    ...         print(f"{what}: {share:.0%}")
    ...     def close(self):
    ...         print("done")
    >>> with shown_by(Lines()), stages({"reading": 1, "drawing": 3}) as begin:
    ...     begin("reading")
    ...     begin("drawing")
    reading: 0%
    drawing: 25%
    done
    """
    bar = _chosen_bar()
    if bar is None:
        yield lambda stage: None
        return
    work, whole = _Work(bar), sum(shares.values())
    token = _work.set(work)

    def begin(stage: str) -> None:
        names = list(shares)
        before = sum(shares[name] for name in names[: names.index(stage)])
        work.begin(stage, before / whole, shares[stage] / whole)

    try:
        yield begin
    finally:
        _work.reset(token)
        bar.close()


def with_progress(
    steps: Iterable[Step],
    what: str,
    *,
    total: int = 0,
    sizes: Sequence[float] = (),
    told: Callable[[int], str] | None = None,
) -> Iterator[Step]:
    """Go through the steps of a loop, and show how far it is.

    A loop within a loop shows nothing: the outer one says how long it takes.

    Parameters
    ----------
    steps
        What is gone through.
    what
        What is being done.
    total
        How many steps there are.
    sizes
        How large each step is, where they differ: instead of `total`.
    told
        Says what is being done, from how many steps are done, where that is more than `what`.
    """
    outer = _work.get()
    bar = _chosen_bar() if outer is None else None
    work = outer or (_Work(bar) if bar else None)
    if work is None or work.is_counted:
        yield from steps
        return
    work.is_counted = True
    if bar is not None:
        _work.set(work)
        work.begin(told(0) if told else what, 0.0, 1.0)
    try:
        whole = sum(sizes) or max(total, 1)
        before = 0.0
        for done, step in enumerate(steps):
            work.what = told(done) if told else work.what
            work.inside(min(before / whole, 1.0))
            yield step
            before += sizes[done] if sizes else 1
    finally:
        work.is_counted = False
        if bar is not None:
            bar.close()
            _work.set(None)


def tell(words: str) -> None:
    """Say something while a loop goes on, where it is shown how far it is; nowhere else."""
    work = _work.get()
    if work is not None:
        work.bar.tell(words)


def expected(seconds: float, share: float) -> float:
    """How long all of it takes [s] if it goes on as before; 0 where that cannot be told yet.

    Parameters
    ----------
    seconds
        Since the beginning [s].
    share
        What is done by now.
    """
    return seconds / share if share >= LEAST else 0.0


def time_left(seconds: float) -> str:
    """Say how long it still takes; nothing where it has taken longer than was expected.

    Parameters
    ----------
    seconds
        That are left [s].

    Examples
    --------
    >>> time_left(90.2), time_left(300), time_left(0)
    ('1 min 30 s left', '5 min left', '')
    """
    minutes, rest = divmod(round(seconds), 60)
    parts = [f"{minutes} min"] * (minutes > 0) + [f"{rest} s"] * (minutes < 3 and rest > 0)
    return f"{' '.join(parts)} left" if seconds > 0 and parts else ""


class _Timed(ABC):
    """A bar that waits before it shows itself, and does so no more often than is read."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.last = 0.0
        self.is_shown = False

    def show(self, what: str, share: float) -> None:
        now = time.monotonic()
        if now - self.started < PATIENCE or now - self.last < REST:
            return
        self.last, self.is_shown = now, True
        seconds = now - self.started
        self.draw(what, share, time_left(expected(seconds, share) - seconds))

    def tell(self, words: str) -> None:
        """Above a bar that is drawn again."""
        self.close()
        sys.stderr.write(f"{words}\n")

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""

    @abstractmethod
    def draw(self, what: str, share: float, left: str) -> None:
        """Put the bar where it belongs."""


class _Line(_Timed):
    """A bar on the last line of a terminal."""

    def draw(self, what: str, share: float, left: str) -> None:
        full = round(WIDTH * share)
        bar = "#" * full + "." * (WIDTH - full)
        sys.stderr.write(f"\r\x1b[K{what}  {bar}  {share:4.0%}  {left}")
        sys.stderr.flush()

    def close(self) -> None:
        if self.is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class _Cell(_Timed):
    """A bar below the cell of a notebook."""

    def __init__(self) -> None:
        super().__init__()
        self.handle: Any = None

    def draw(self, what: str, share: float, left: str) -> None:
        words = html.escape(f"{what}: {share:.0%}{', ' * bool(left)}{left}")
        self._put(f'<progress max="1" value="{share:.3f}"></progress> {words}')

    def close(self) -> None:
        if self.is_shown:
            self._put("")

    def _put(self, text: str) -> None:
        from IPython.display import HTML, display

        if self.handle is None:
            self.handle = display(HTML(text), display_id=True)
        else:
            self.handle.update(HTML(text))


def _chosen_bar() -> Bar | None:
    """The bar for this place; none where nobody looks."""
    other = _bar.get()
    if other is not None:
        return other()
    if os.environ.get(ENVIRONMENT) == "0":
        return None
    if _has_reader():
        return _Cell()
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return _Line() if is_terminal and os.environ.get("TERM") != "dumb" else None


def _has_reader() -> bool:
    """Whether this is a notebook before which somebody sits: one who could be asked something."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    kernel = getattr(shell, "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))
