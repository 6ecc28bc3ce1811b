"""How far a long call is: a bar where somebody waits, and nothing anywhere else."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import osteo_epi as oe
from osteo_epi import progress
from osteo_epi.progress import expected, shown_by, stages, time_left, with_progress


class Kept:
    """A bar that keeps what it shows."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, float]] = []
        self.closed = 0

    def show(self, what: str, share: float) -> None:
        self.shown.append((what, round(share, 4)))

    def close(self) -> None:
        self.closed += 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal on which a call is shown as soon as it begins."""
    made = Terminal()
    # Between the set-up of a test and the test itself pytest puts its own stderr in place.
    there = SimpleNamespace(stderr=made, modules=sys.modules)
    monkeypatch.setattr(progress, "sys", there)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "REST", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    return made


def test_a_loop_is_shown_on_a_terminal_and_leaves_nothing(terminal: Terminal) -> None:
    assert list(with_progress("abcd", "letters", total=4)) == list("abcd")
    lines = terminal.getvalue().split("\r\x1b[K")
    assert ["letters" in line and "%" in line for line in lines[1:-1]] == [True] * 5
    assert [" 50%" in line for line in lines].count(True) == 1
    assert lines[-1] == ""


@pytest.mark.parametrize(("name", "value"), [("OSTEO_EPI_PROGRESS", "0"), ("TERM", "dumb")])
def test_the_environment_keeps_it_quiet(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert sum(with_progress(range(5), "numbers", total=5)) == 10
    assert terminal.getvalue() == ""


def test_a_log_holds_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(with_progress(range(5), "numbers", total=5)) == 10
    assert capsys.readouterr() == ("", "")


def test_a_short_call_shows_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    list(with_progress(range(5), "numbers", total=5))
    assert terminal.getvalue() == ""


def test_loops_within_a_stage_move_it_on_and_loops_within_loops_do_not() -> None:
    bar = Kept()
    with shown_by(bar), stages({"one": 1, "two": 3}) as begin:
        begin("one")
        begin("two")
        for _ in with_progress(range(2), "outer", total=2):
            list(with_progress(range(7), "inner", total=7))
    assert bar.shown == [("one", 0.0), ("two", 0.25), ("two", 0.25), ("two", 0.625)]
    assert bar.closed == 1


def test_a_loop_that_is_left_is_closed_and_the_next_is_shown() -> None:
    bar = Kept()
    with shown_by(bar):
        for _ in with_progress(range(3), "left", total=3):
            break
        list(with_progress(range(1), "next", total=1))
    assert [what for what, _ in bar.shown if what == "next"]
    assert bar.closed == 2


def test_a_loop_that_fails_is_closed_too() -> None:
    bar = Kept()
    with shown_by(bar), pytest.raises(ZeroDivisionError):
        list(with_progress((1 / k for k in (1, 0)), "failing", total=2))
    with shown_by(bar):
        list(with_progress(range(1), "next", total=1))
    assert bar.closed == 2


@pytest.mark.parametrize(("asks", "shown"), [(True, True), (False, False)])
def test_a_notebook_shows_it_only_to_somebody(
    monkeypatch: pytest.MonkeyPatch, asks: bool, shown: bool
) -> None:
    """One that is executed for its file has nobody who could be asked something."""
    kept: list[str] = []
    handle = SimpleNamespace(update=lambda page: kept.append(page.data))
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=asks))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(
        "IPython.display.display", lambda page, **_: kept.append(page.data) or handle
    )
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "REST", 0.0)
    list(with_progress(range(2), "<numbers>", total=2))
    assert bool(kept) == shown
    if shown:
        assert "&lt;numbers&gt;: 50%" in "".join(kept)
        assert kept[-1] == ""


@pytest.mark.parametrize(
    ("seconds", "share", "said"),
    [(10, 0.5, "10 s left"), (60, 0.25, "3 min left"), (5, 1.0, ""), (9, 0.02, "")],
)
def test_the_time_that_is_left(seconds: float, share: float, said: str) -> None:
    assert time_left(expected(seconds, share) - seconds) == said


def definitions(people: Any) -> Any:
    names = ("china_2020", "iscd_2019")
    grid = {name: oe.definition(name, reference="nhanes3_white", sites=["hip"]) for name in names}
    return oe.definition_grid(people, grid, base="iscd_2019", by=["sex"], accept_errors=True)


def test_a_grid_of_definitions_says_how_far_it_is() -> None:
    bar = Kept()
    with shown_by(bar):
        definitions(oe.simulate(3000, seed=1))
    assert {what for what, _ in bar.shown} == {"definitions compared", "moves between definitions"}
    assert max(share for _, share in bar.shown) >= 0.5
