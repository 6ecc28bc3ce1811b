"""What was decided about the drift of a device: a record that is made once, printed and applied.

Correct from when to when and by how much, or decline, and why. The record goes into the report; the
cohort is corrected by code that reads it, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from osteo_epi.calibration.drift import Step, Steps
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError
from osteo_epi.frames import enter


@dataclass(frozen=True)
class Decision:
    """What was decided about one device's step, and why. `end` None: to the end of the study.

    `action` "correct" multiplies the device's readings by `factor` from `start` (included) to
    `end` (excluded); "decline" leaves them.
    """

    device: str
    action: Literal["correct", "decline"]
    start: Any
    end: Any
    factor: float
    change_percent: float
    reason: str

    def __str__(self) -> str:
        until = "the end" if self.end is None else f"before {self.end}"
        what = f"× {self.factor:.5f}" if self.action == "correct" else "left as read"
        return (
            f"{self.device}: {self.action}, from {self.start} to {until}, {what} "
            f"(phantom {self.change_percent:+.2f} %): {self.reason}"
        )


@dataclass(frozen=True)
class Decisions:
    """The decisions of a study, printable, applicable."""

    decisions: tuple[Decision, ...]

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)

    def __len__(self) -> int:
        return len(self.decisions)

    def __add__(self, other: Decisions) -> Decisions:
        return Decisions(self.decisions + other.decisions)

    def __str__(self) -> str:
        return "\n".join(map(str, self.decisions))

    def to_frame(self) -> pl.DataFrame:
        """One row per decision."""
        return pl.DataFrame([vars(d) for d in self.decisions], infer_schema_length=None)

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption="decisions on drift")

    def apply(
        self,
        people: Any,
        *,
        columns: Sequence[str],
        device: str = "device",
        date: str = "scan_date",
    ) -> Any:
        """Correct the readings that a decision covers.

        Parameters
        ----------
        people
            A frame of any kind.
        columns
            Readings to correct (all of the ROI and unit that the phantom stands for).
        device, date
            Columns that tell which decision covers a row.

        Returns
        -------
        frame
            `columns` corrected, and `drift_factor` (1 where nothing was done).

        Examples
        --------
        >>> one = Decision("D1", "correct", 3, None, 0.98, 2.04, "new software")
        >>> decisions = Decisions((one,))
        >>> scans = pl.DataFrame({"device": ["D1", "D1"], "scan_date": [2, 3], "bmd": [1.0, 1.02]})
        >>> decisions.apply(scans, columns=["bmd"])["drift_factor"].to_list()
        [1.0, 0.98]
        """
        frame, leave = enter(people)
        there = frame.lazy().collect_schema().names()
        absent = [name for name in (*columns, device, date) if name not in there]
        if absent:
            raise SchemaError(f"columns {absent} are missing; there are {there}")
        factor = pl.lit(1.0)
        for decision in self.decisions:
            if decision.action == "correct":
                covered = (pl.col(device) == decision.device) & (pl.col(date) >= decision.start)
                if decision.end is not None:
                    covered &= pl.col(date) < decision.end
                # A device may have several steps: their factors multiply where they overlap.
                factor = factor * pl.when(covered).then(decision.factor).otherwise(1.0)
        step = frame.with_columns(drift_factor=factor)
        return leave(step.with_columns(pl.col(c) * pl.col("drift_factor") for c in columns))


def decide(
    steps: Steps, *, device: str, threshold_percent: float, end: Any = None, reason: str = ""
) -> Decisions:
    """Turn measured steps into decisions by a threshold stated beforehand.

    Parameters
    ----------
    steps
        Of one device, from `change_points` or `steps_at_events`.
    device
        As the cohort names it.
    threshold_percent
        A step is corrected if it is at least this large and its interval excludes nought. No
        default: the study's protocol says.
    end
        Date at which the correction ends (default: the end of the study).
    reason
        What is known of the cause; joined to the numbers.

    Returns
    -------
    Decisions
        Each correction takes the readings back to the level before its step; with several steps
        the factors multiply, so that all periods return to the first.

    Examples
    --------
    >>> from osteo_epi.calibration.drift import steps_at_events
    >>> steps = steps_at_events([1.00, 1.01, 0.99, 1.03, 1.02, 1.04], at=range(6), events=[3])
    >>> print(decide(steps, device="D1", threshold_percent=1.0, reason="new software"))
    D1: correct, from 3 to the end, × 0.97087 (phantom +3.00 %): new software; ...
    """
    return Decisions(tuple(_decide(s, device, threshold_percent, end, reason) for s in steps))


def _decide(step: Step, device: str, threshold: float, end: Any, reason: str) -> Decision:
    large = abs(step.change_percent) >= threshold
    sure = not step.change.compatible_with(0.0)
    if large and sure:
        action, why = "correct", f"not below {threshold} %, and the interval excludes nought"
    elif large:
        action, why = "decline", "large, but its interval holds nought"
    else:
        action, why = "decline", f"below the threshold of {threshold} %"
    factor = step.before / step.after if action == "correct" else 1.0
    text = "; ".join(part for part in (reason, why) if part)
    return Decision(
        device,
        "correct" if action == "correct" else "decline",
        step.at,
        end,
        factor,
        step.change_percent,
        text,
    )
