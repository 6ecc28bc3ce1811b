"""The items of TRIPOD+AI as a table: what the data answer, and what only the author can."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from osteo_epi.errors import DefinitionError
from osteo_epi.frames import in_callers_kind
from osteo_epi.results import Result
from osteo_epi.risk.prediction._model import RiskModel
from osteo_epi.risk.prediction._validation import Validation
from osteo_epi.risk.reporting._answers import answers

ANSWERED = {"data": "data", "both": "data and author", "author": "author"}
OWN_WORDS = (
    "topics in our own words; the checklist itself: Collins et al. 2024, doi "
    "10.1136/bmj-2023-078378"
)


@dataclass(frozen=True)
class TripodItem:
    """One item.

    Attributes
    ----------
    item, section
        Its number in TRIPOD+AI, and the part of the report.
    topic, topic_zh
        What it asks, in our own words.
    answered_by
        "data", "data and author" where the data answer a part, or "author".
    answer
        What data and model say; None where only the author can, or the model is not given.
    """

    item: str
    section: str
    topic: str
    topic_zh: str
    answered_by: str
    answer: str | None


@dataclass(frozen=True, repr=False)
class TripodItems(Result):
    """The items in the order of the checklist, and what a reader must know."""

    no_figure = "is a checklist: read it in to_frame()"

    items: tuple[TripodItem, ...]
    notes: tuple[str, ...]

    def __getitem__(self, item: str) -> TripodItem:
        """An item by its number, as "12c"."""
        return next(one for one in self.items if one.item == item)

    @property
    def open(self) -> tuple[str, ...]:
        """Numbers of the items that the author has to answer, in whole or in part."""
        return tuple(one.item for one in self.items
                     if one.answer is None or one.answered_by != "data")  # fmt: skip

    def to_polars(self) -> pl.DataFrame:
        """One row an item.

        Returns
        -------
        polars.DataFrame
            item, section, topic, topic_zh, answered_by, answer (null where there is none).
        """
        return pl.DataFrame([vars(one) for one in self.items], infer_schema_length=None)

    def _summary(self) -> str:
        answered = sum(one.answer is not None for one in self.items)
        return (
            f"{len(self.items)} items, {answered} with an answer from data, the rest the author's"
        )


@in_callers_kind
def tripod_items(
    model: RiskModel | None = None,
    validation: Validation | None = None,
    *,
    confidence: float = 0.95,
) -> TripodItems:
    """The items of TRIPOD+AI, with the answers that a fitted model and its people give.

    Parameters
    ----------
    model
        Of `fit_risk_model`. Without it every item is open.
    validation
        Of `validate_risk_model` of that model: internal validation, and corrected performance.
    confidence
        Level of the limits of performance.

    Returns
    -------
    TripodItems
        Answers are facts with numbers, in English; no text is made for what only the author
        knows.

    Raises
    ------
    DefinitionError
        If an argument is none of its kind, or the validation is of another model.

    Notes
    -----
    Collins et al. 2024, doi 10.1136/bmj-2023-078378. The size of the sample is set against the
    criteria of Riley et al. 2019, doi 10.1002/sim.7992, at the model's own R² of Cox and Snell less
    the optimism that its events tell.

    Examples
    --------
    >>> from osteo_epi.risk import fit_risk_model
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5, 6, 7, 8] * 9,
    ...                        "age": [*range(60, 78)] * 4, "hip": [1, 1, 0, 1, 0, 0, 1, 0] * 9})
    >>> model = fit_risk_model(people, time="years", event="hip", predictors=["age"], at=5)
    >>> items = tripod_items(model)
    >>> items
    TripodItems(52 items, 18 with an answer from data, the rest the author's)
    >>> items["21"].answer
    '72 people, 36 with the event (hip); 36 events a coefficient'
    """
    _refuse(model, validation)
    said = {} if model is None else answers(model, validation, confidence)
    items = tuple(
        TripodItem(number, entry["section"], entry["en"], entry["zh"], ANSWERED[entry["by"]],
                   said.get(number))
        for number, entry in _checklist().items()
    )  # fmt: skip
    return TripodItems(items, (OWN_WORDS, *(() if model is None else model.notes)))


def _refuse(model: Any, validation: Any) -> None:
    if model is not None and not isinstance(model, RiskModel):
        raise DefinitionError(
            f"model is a {type(model).__name__}; expected the result of fit_risk_model"
        )
    if validation is None:
        return
    if not isinstance(validation, Validation):
        raise DefinitionError(
            f"validation is a {type(validation).__name__}; expected the result of "
            "validate_risk_model"
        )
    same = ("model", "n", "n_events", "events_per_parameter")
    if model is None or any(getattr(model, name) != getattr(validation, name) for name in same):
        raise DefinitionError("the validation is not of this model: validate_risk_model(model)")


@cache
def _checklist() -> dict[str, dict[str, str]]:
    text = (files("osteo_epi.risk.reporting") / "tripod.toml").read_text(encoding="utf-8")
    items: dict[str, dict[str, str]] = tomllib.loads(text)["items"]
    return items
