"""Several screens against one definition, in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.accuracy import ROC, Accuracy, Positive, accuracy, roc
from osteo_epi.cohort import screening_method
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import Column, as_polars, on_people
from osteo_epi.norms import Index, Interval
from osteo_epi.results import Result
from osteo_epi.risk.screening._index import Black
from osteo_epi.risk.screening._screening import CutOffs, index_norms, with_screening
from osteo_epi.rounding import counted

SHOWN = ("sensitivity", "specificity", "ppv", "npv", "youden", "apparent_prevalence")
NO_DIAGNOSIS = (
    "screens say who should be measured and never diagnose (Chinese imaging consensus 2020, rule "
    "21)"
)
ULTRASOUND = "ultrasound measures no bone mineral density (rule 21)"
PERIPHERAL = "peripheral densitometry is compared with no T-score of spine or hip (rule 21)"
FRAX = (
    "FRAX: its outputs as the source gives them, never recomputed; it needs the fracture rates of "
    "its population, and those of China are not known, which limits its use there (rule 28)"
)
SAID = {
    "ultrasound": ULTRASOUND, "peripheral_dxa": PERIPHERAL, "peripheral_qct": PERIPHERAL,
}  # fmt: skip
BONE_CLASS, OSTEOPOROSIS = "bone_class", "osteoporosis"


@dataclass(frozen=True)
class Screen:
    """One screen at one cut.

    Attributes
    ----------
    name
        Index or column.
    positive
        What screens positive: classes of the index, or an interval.
    source
        Where the cut-off is from: the norm with its grade, or "stated by the user".
    accuracy, roc
        Against the truth.
    """

    name: str
    positive: str
    source: str
    accuracy: Accuracy
    roc: ROC


@dataclass(frozen=True, repr=False)
class ScreeningComparison(Result):
    """Screens against one truth.

    Attributes
    ----------
    screens
        Each at each of its cuts.
    truth, design, confidence, notes
        What was asked, and what a reader must know.
    """

    screens: tuple[Screen, ...]
    truth: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a screen at a cut.

        Returns
        -------
        polars.DataFrame
            screen, positive, source, n, n_positive, then sensitivity, specificity, ppv, npv,
            youden, apparent_prevalence and auc, each with its `_lower` and `_upper`.
        """
        return pl.DataFrame([_row(screen) for screen in self.screens], infer_schema_length=None)

    def _summary(self) -> str:
        names = dict.fromkeys(screen.name for screen in self.screens)
        return f"{', '.join(names)} against {self.truth}, {counted(len(self.screens), 'cut')}"


@on_people("truth", "domain")
def compare_screening(
    people: Any = None,
    *,
    index: str | Sequence[str] = (),
    cut_offs: CutOffs = None,
    truth: Column = BONE_CLASS,
    truth_positive: Positive = None,
    truncate: bool = False,
    black: Black = None,
    common: bool = True,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    folder: str | None = None,
    accept_errors: bool = False,
) -> ScreeningComparison:
    """How well screens find those whom a definition diagnoses.

    Parameters
    ----------
    people
        As in `with_screening`, with the truth: `classify` writes `bone_class`.
    index, cut_offs, truncate, black, folder
        As in `with_screening`.
    truth, truth_positive
        Column of the truth and what counts as diseased, as in `accuracy.accuracy`; by default the
        class osteoporosis.
    common
        Whether all screens are judged in the people who have them all; else each in its own.
    design, domain, confidence, accept_errors
        As in `accuracy.accuracy`.

    Returns
    -------
    ScreeningComparison
        An index of three classes has two cuts: its most suspect class, and the two most suspect.

    Raises
    ------
    SchemaError
        If there is no truth, or it has one class only.
    DefinitionError
        If nothing screens, or a cut-off is open to both sides or to none.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> people = oe.simulate(2_000, seed=1)
    >>> sites = ["lumbar_spine", "femoral_neck", "total_hip"]
    >>> young = oe.young_adult_reference(people, ages=(20, 39), rois=sites)
    >>> rule = oe.definition("china_2020", reference=young)
    >>> classed = oe.classify(people, rule)
    >>> compare_screening(classed, index="osta", domain=pl.col("age") >= 50)
    ScreeningComparison(osta against bone_class osteoporosis, 2 cuts)
    """
    norms = index_norms(index, folder)
    screened = with_screening(
        people, index=[norm.id for norm in norms], cut_offs=cut_offs, truncate=truncate,
        black=black, folder=folder,
    )  # fmt: skip
    names = [norm.id for norm in norms] + list(cut_offs or {})
    inside = _domain(domain, names if common else [])
    if truth == BONE_CLASS and truth_positive is None:
        _refuse_unclassed(screened)
        truth_positive = OSTEOPOROSIS
    shared = {
        "truth": truth, "truth_positive": truth_positive, "design": design, "domain": inside,
        "confidence": confidence, "accept_errors": accept_errors,
    }  # fmt: skip
    screens = tuple(
        Screen(name, label, source, accuracy(screened, test=column, test_positive=positive,
                                             **shared),
               roc(screened, score=name, direction=direction, **shared))
        for name, label, source, column, positive, direction in _cuts(norms, cut_offs or {})
    )  # fmt: skip
    first = screens[0].accuracy
    notes = [*(f"{norm.id}: {norm.cite()}" for norm in norms), *first.notes]
    notes += [NO_DIAGNOSIS, *_of_methods(cut_offs or {})]
    if common and len(names) > 1:
        notes.append(f"all screens in the people who have {', '.join(names)}")
    return ScreeningComparison(
        screens, first.truth, first.design, confidence, tuple(dict.fromkeys(notes))
    )


def _of_methods(columns: Mapping[str, str]) -> Iterator[str]:
    """What the consensus says of the methods whose columns screen."""
    for column in columns:
        said = FRAX if column.startswith("frax_") else SAID.get(screening_method(column) or "")
        if said:
            yield said


def _cuts(
    norms: Sequence[Index], cut_offs: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str, Any, Any]]:
    """Name, label, source, column, what is positive, and direction of each cut."""
    for norm in norms:
        classes = list(norm.bands["all"].classes)
        suspect = classes if norm.data["direction"] == "low" else classes[::-1]
        for k in range(1, len(suspect)):
            positive = suspect[:k]
            yield (norm.id, " or ".join(positive), f"{norm.title}, grade {norm.verification}",
                   f"{norm.id}_class", positive, norm.data["direction"])  # fmt: skip
    for column, text in cut_offs.items():
        direction = _direction(column, text)
        yield (column, text, "stated by the user", f"{column}_screen", "screen_positive", direction)


def _direction(column: str, text: str) -> str:
    """Where the risk is by an interval that is open to one side."""
    tail = Interval.parse(text).tail
    if tail is None:
        raise DefinitionError(
            f"cut_offs, {column}: {text} says not whether low or high values are the risk; give an "
            'interval that is open to one side, "(-inf, -1.8]" or "[20, inf)"'
        )
    return tail


def _domain(domain: str | pl.Expr | None, names: Sequence[str]) -> pl.Expr | str | None:
    if not names:
        return domain
    have = pl.all_horizontal(pl.col(name).is_not_null() for name in names)
    if domain is None:
        return have
    return have & (pl.col(domain) if isinstance(domain, str) else domain)


def _refuse_unclassed(people: Any) -> None:
    if BONE_CLASS not in as_polars(people)[0].collect_schema():
        raise SchemaError(
            "the people have no bone_class: class them first, people = osteo_epi.classify(people, "
            "definition), or name another truth="
        )


def _row(screen: Screen) -> dict[str, Any]:
    counts = screen.accuracy.counts
    row: dict[str, Any] = {
        "screen": screen.name, "positive": screen.positive, "source": screen.source, "n": counts.n,
        "n_positive": counts.true_positive + counts.false_positive,
    }  # fmt: skip
    measures = {name: screen.accuracy.measures[name] for name in SHOWN} | {"auc": screen.roc.auc}
    for name, m in measures.items():
        row |= {name: m.estimate, f"{name}_lower": m.lower, f"{name}_upper": m.upper}
    return row
