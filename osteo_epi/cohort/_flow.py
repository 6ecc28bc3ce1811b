"""Who is in, who is out, and why, with counts.

A step is a mask over the frame, never a filter: the rows stay, because a design-based variance
needs the sampling units of those who are left out, and because a reader may ask about them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from osteo_epi.engines import totals
from osteo_epi.errors import SchemaError
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted

UNKNOWN = "not known"
_CODE = r"^(\w+)"
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


@dataclass(frozen=True)
class Gate:
    """One step to come: who stays, and why the others leave.

    `reason` is one text for all, or each one's own, which begins with a code; `words` says a code.
    """

    name: str
    keep: pl.Expr
    reason: str | pl.Expr
    words: Callable[[str], str] = str


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

    @classmethod
    def counted(cls, people: pl.LazyFrame, gates: Sequence[Gate], *, name: str = "read") -> Flow:
        """People who are not in memory: all steps in one pass of sums, nobody's `included`.

        Examples
        --------
        >>> people = pl.LazyFrame({"age": [44.0, 61.0, None, 70.0]})
        >>> gates = [Gate("50 or older", pl.col("age") >= 50, "younger")]
        >>> flow = Flow.counted(people, gates)
        >>> [(step.n_in, step.n_out, step.reasons) for step in flow.steps[1:]]
        [(4, 2, (('younger', 2),))]
        """
        left = pl.coalesce(
            *(pl.when(~g.keep.fill_null(False)).then(i) for i, g in enumerate(gates)), -1
        )
        codes = [
            pl.when(left == i).then(gate.reason.cast(pl.String).str.extract(_CODE))
            for i, gate in enumerate(gates)
            if isinstance(gate.reason, pl.Expr)
        ]
        by = [left.alias("left"), pl.coalesce(*codes, pl.lit(None, pl.String)).alias("code")]
        table = totals(people.select(by), ["left", "code"], sums=[pl.len().alias("n")])
        n = int(table["n"].sum())
        steps = [Step(name, n, n)]
        for i, gate in enumerate(gates):
            leaving = table.filter(pl.col("left") == i).select("code", "n")
            out = n - int(leaving["n"].sum())
            steps.append(Step(gate.name, n, out, _reasons_of(gate, leaving)))
            n = out
        return cls(tuple(steps))

    def through(self, frame: pl.DataFrame, gates: Sequence[Gate]) -> Flow:
        """The flow of people in memory after several steps."""
        flow = self
        for gate in gates:
            flow = flow.step(gate.name, gate.keep, reason=_texts(gate, frame), frame=frame)
        return flow

    @classmethod
    def of_parts(cls, before: pl.DataFrame, parts: Sequence[Flow]) -> Flow:
        """The flow of people who stand in parts, whose counts are added; nobody is marked in it.

        Parameters
        ----------
        before
            Steps of all people, as `to_polars` gives them.
        parts
            Of each part a start, and then the same steps.

        Examples
        --------
        >>> def part(*ages):
        ...     people = pl.DataFrame({"age": ages})
        ...     return Flow.start(len(ages)).step("old", pl.col("age") > 50, reason="young",
        ...                                       frame=people)
        >>> read = Flow.start(5, reason="rows of 2 files").to_polars()
        >>> Flow.of_parts(read, [part(44.0, 61.0), part(70.0, 30.0, 65.0)]).to_polars().rows()
        [(1, 'read', 'rows of 2 files', 5, 0, 5), (2, 'old', 'young', 5, 2, 3)]
        """
        steps = []
        for (_, name), rows in before.group_by("order", "step", maintain_order=True):
            reasons = tuple(
                row for row in rows.select("reason", "n_excluded").iter_rows() if row[0]
            )
            steps.append(Step(str(name), rows["n_in"][0], rows["n_out"][0], reasons))
        for of_all in zip(*(part.steps[1:] for part in parts), strict=True):
            counts: Counter[str] = Counter()
            for step in of_all:
                counts.update(dict(step.reasons))
            reasons = tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
            n_in, n_out = (sum(getattr(s, n) for s in of_all) for n in ("n_in", "n_out"))
            steps.append(Step(of_all[0].name, n_in, n_out, reasons))
        return cls(tuple(steps))

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
            f"{count(self.steps[0].n_in if self.steps else 0)} rows, {count(self.n)} after "
            f"{counted(len(self.steps), 'step')}"
        )


def _column(value: pl.Series | pl.Expr, frame: pl.DataFrame | None) -> pl.Series:
    if isinstance(value, pl.Series):
        return value
    if frame is None:
        raise SchemaError("a flow step given as an expression needs frame=, to be evaluated on")
    return frame.select(value).to_series()


def _texts(gate: Gate, frame: pl.DataFrame) -> str | pl.Series:
    """Say each reason by the code that it begins with: the codes behind the first one are many, and
    what stands after a colon is the source's own text about a participant."""
    if isinstance(gate.reason, str):
        return gate.reason
    texts = frame.select(gate.reason.cast(pl.String)).to_series()
    codes = {text: re.match(_CODE, text) for text in texts.unique().drop_nulls()}
    sentences = {text: gate.words(code[1]) for text, code in codes.items() if code}
    said = pl.Enum(list(dict.fromkeys(sentences.values())))  # a sentence is held once, not a person
    return texts.replace_strict(sentences, default=None, return_dtype=said)


def _reasons_of(gate: Gate, leaving: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    """The same of those who leave, by code and how many they are."""
    if isinstance(gate.reason, str):
        return ((gate.reason, int(leaving["n"].sum())),)
    counts: Counter[str] = Counter()
    for code, n in leaving.iter_rows():
        counts[UNKNOWN if code is None else gate.words(code)] += n
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


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
