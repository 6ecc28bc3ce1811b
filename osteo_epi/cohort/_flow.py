"""Who is in, who is out, and why, with counts.

A step is a mask over the frame, never a filter: the rows stay, because a design-based variance
needs the sampling units of those who are left out, and because a reader may ask about them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from osteo_epi.errors import SchemaError
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted

UNKNOWN = "not known"
_SCHEMA = {
    "order": pl.Int64,
    "step": pl.String,
    "reason": pl.String,
    "n_in": pl.Int64,
    "n_excluded": pl.Int64,
    "n_out": pl.Int64,
}


@dataclass(frozen=True)
class Step:
    """One step of the flow: of `n_in` people `n_out` remain, the others by the reasons counted.

    `reason_zh` is the one reason in Chinese, empty where none is known.
    """

    name: str
    n_in: int
    n_out: int
    reasons: tuple[tuple[str, int], ...] = ()
    reason_zh: str = ""


@dataclass(frozen=True, repr=False)
class Flow(Result):
    """The ordered steps, and who remains after the last.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [44.0, 61.0, None, 70.0]})
    >>> flow = Flow.start(len(people), name="read", reason="rows of the file")
    >>> flow = flow.step("50 or older", pl.col("age") >= 50, reason="younger", frame=people)
    >>> flow.n, flow.included.to_list()
    (2, [False, True, False, True])
    >>> flow.to_frame().select("step", "reason", "n_in", "n_excluded", "n_out").rows()[1]
    ('50 or older', 'younger', 4, 2, 2)
    """

    steps: tuple[Step, ...] = ()
    included: pl.Series = field(
        default_factory=lambda: pl.Series("included", [], dtype=pl.Boolean),
        repr=False,
        compare=False,
    )

    @classmethod
    def start(cls, n: int, *, name: str = "read", reason: str = "") -> Flow:
        """Everybody: `n` rows, with the place they came from as the reason."""
        steps = (Step(name, n, n, ((reason, 0),) if reason else ()),)
        return cls(steps, pl.repeat(True, n, dtype=pl.Boolean, eager=True).alias("included"))

    @property
    def n(self) -> int:
        """How many remain."""
        return self.steps[-1].n_out if self.steps else 0

    def step(
        self,
        name: str,
        keep: pl.Series | pl.Expr,
        *,
        reason: str | pl.Series | pl.Expr,
        frame: pl.DataFrame | None = None,
        reason_zh: str = "",
    ) -> Flow:
        """Keep those for whom `keep` is true; null is not true.

        Parameters
        ----------
        name
            What the step asks for.
        keep
            Boolean series, or an expression on `frame`; one value a row of the frame, also for
            those who left in an earlier step.
        reason
            Why the others leave: one text for all, or a column of texts (series or expression)
            that is counted by its values, null as "not known".
        frame
            The frame that expressions are evaluated on.
        reason_zh
            The one text of `reason` in Chinese.

        Returns
        -------
        Flow
            A new flow with one step more.

        Raises
        ------
        SchemaError
            If `keep` has another length than the cohort.
        """
        mask = _column(keep, frame).fill_null(False)
        if len(mask) != len(self.included):
            raise SchemaError(
                f"flow step {name!r}: the mask has {len(mask)} rows, the cohort "
                f"{len(self.included)}; give a mask over the whole frame, not over those who remain"
            )
        leaving = self.included & ~mask
        included = (self.included & mask).alias("included")
        reasons = _reasons(reason, leaving, frame)
        step = Step(name, int(self.included.sum()), int(included.sum()), reasons, reason_zh)
        return Flow((*self.steps, step), included)

    def resized(
        self,
        n: int,
        *,
        name: str = "rows given",
        reason: str = "rows removed or added outside the toolkit",
        excluded: int = 0,
    ) -> Flow:
        """The flow after rows were taken out or put in: everybody who is left counts as in."""
        step = Step(name, self.n, n, ((reason, excluded),))
        return Flow((*self.steps, step), Flow.start(n).included)

    def to_polars(self) -> pl.DataFrame:
        """One row a step and reason: order, step, reason, n_in, n_excluded, n_out."""
        rows = [
            (order, step.name, reason, step.n_in, n, step.n_out)
            for order, step in enumerate(self.steps, start=1)
            for reason, n in (step.reasons or (("", 0),))
        ]
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def _summary(self) -> str:
        return (
            f"{count(len(self.included))} rows, {count(self.n)} after "
            f"{counted(len(self.steps), 'step')}"
        )


def _column(value: pl.Series | pl.Expr, frame: pl.DataFrame | None) -> pl.Series:
    if isinstance(value, pl.Series):
        return value
    if frame is None:
        raise SchemaError("a flow step given as an expression needs frame=, to be evaluated on")
    return frame.select(value).to_series()


def _reasons(
    reason: str | pl.Series | pl.Expr, leaving: pl.Series, frame: pl.DataFrame | None
) -> tuple[tuple[str, int], ...]:
    """Count those who leave, the commonest reason first, ties by name: the same each time."""
    if isinstance(reason, str):
        return ((reason, int(leaving.sum())),)
    texts = _column(reason, frame).filter(leaving).cast(pl.String).fill_null(UNKNOWN)
    counts = (
        texts.alias("reason").value_counts().sort(["count", "reason"], descending=[True, False])
    )
    return tuple((text, int(n)) for text, n in counts.iter_rows())
