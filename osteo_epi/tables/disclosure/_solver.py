"""The solver of integer programmes, called in one place and kept from printing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any


def solve_whole(costs: Any, **programme: Any) -> Any:
    """`scipy.optimize.milp` without a word on the terminal."""
    from scipy.optimize import milp

    with _silence():
        return milp(costs, **programme)


def solve_relaxed(costs: Any, **programme: Any) -> Any:
    """`scipy.optimize.linprog` without a word on the terminal."""
    from scipy.optimize import linprog

    with _silence():
        return linprog(costs, **programme)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what the solver prints, which does not pass through Python, nowhere."""
    with contextlib.ExitStack() as stack:
        for number, stream in ((1, sys.stdout), (2, sys.stderr)):
            try:
                stream.flush()
                before = os.dup(number)
            except (OSError, ValueError, AttributeError):  # no such stream
                continue
            stack.callback(os.close, before)
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), number)
            stack.callback(os.dup2, before, number)
        yield
