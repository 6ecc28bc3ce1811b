"""The columns of the models asked: one model an exposure, or one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np

from osteo_epi.accuracy import People
from osteo_epi.arguments import distinct_words, is_a
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.risk.association._association import FEW_EVENTS, Block
from osteo_epi.risk.association._scale import PerSD, Scale, scale_of
from osteo_epi.risk.association._terms import (
    Term,
    adjustment,
    class_codes,
    class_term,
    is_classes,
    is_yes_no,
)
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Array, Codes, Mask

NUMBERS = "numbers"


@dataclass(frozen=True)
class Question:
    """What is compared, and for what it is adjusted; names of columns throughout."""

    exposures: tuple[str, ...]
    adjust: tuple[str, ...]
    by: str | None
    per_sd: PerSD | Mapping[str, PerSD]
    decrease: bool
    mutual: bool
    categories: tuple[str, ...]
    splines: Mapping[str, int] = field(default_factory=dict)
    reference_levels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        exposures: str | Sequence[str],
        adjust: str | Sequence[str],
        by: str | None,
        per_sd: PerSD | Mapping[str, PerSD],
        decrease: bool,
        mutual: bool,
        categories: str | Sequence[str],
        splines: Mapping[str, int] | None,
        reference_levels: Mapping[str, str] | None,
    ) -> Question:
        """Looked at once.

        Raises
        ------
        DefinitionError
            If names are no list, stand twice, or are exposure and adjustment in one.
        """
        if by is not None:
            is_a(by, "by", str, 'the name of one column, as in by="sex"')
        compared = column_names(exposures, "exposures", least=1)
        beside, coded = column_names(adjust, "adjust"), column_names(categories, "categories")
        for name in compared:
            if name in beside or name == by:
                raise DefinitionError(
                    f"{name} is an exposure, and named as {'by' if name == by else 'adjust'}= "
                    "too; name it once"
                )
        curved, levels = dict(splines or {}), dict(reference_levels or {})
        for name in curved:
            if name not in beside:
                raise DefinitionError(f"splines: {name} is not among adjust=; name it there too")
        for name in (*coded, *levels):
            if name not in (*compared, *beside, by):
                raise DefinitionError(f"{name} is in categories= or reference_levels= only; name "
                                      "it as an exposure, in adjust= or as by= too")  # fmt: skip
        levels = {name: str(level) for name, level in levels.items()}
        strange = [str(k) for k in per_sd if k not in compared] if _by_name(per_sd) else []
        if strange:
            raise DefinitionError(
                f"per_sd names {', '.join(strange)}, and the exposures are {', '.join(compared)}: "
                "name whose standard deviation each of them is divided by, None for its unit"
            )
        rest = tuple(name for name in beside if name != by)
        return cls(compared, rest, by, per_sd, decrease, mutual, coded, curved, levels)

    @property
    def columns(self) -> dict[str, str]:
        """Every column that a person must have, and the argument that names it."""
        parts = {"exposures": self.exposures, "adjust": self.adjust}
        beside = {} if self.by is None else {self.by: "by"}
        return {name: role for role, names in parts.items() for name in names} | beside


def column_names(
    names: str | Sequence[str] | None, name: str, *, least: int = 0
) -> tuple[str, ...]:
    """Names of columns, each once; None where there may be none.

    Raises
    ------
    DefinitionError
        If they are no list, stand twice, or are fewer.
    """
    given = [names] if isinstance(names, str) else names
    if least == 0 and (given is None or (isinstance(given, Sequence) and not given)):
        return ()
    distinct_words(given, name, f'{name}=["abmd_total_hip"]', of="columns")
    return tuple(given or ())


@dataclass(frozen=True)
class Columns:
    """(n, p) columns of a model, their names, what each compares, exposures' blocks, and terms."""

    x: Array
    names: tuple[str, ...]
    contrasts: tuple[str, ...]
    blocks: tuple[Block, ...]
    terms: tuple[tuple[str, Codes], ...]


def columns_of(
    people: People,
    question: Question,
    *,
    rows: Mask,
    population: Mask,
    weight: Array,
    by_is_stratum: bool = False,
) -> tuple[list[Columns], tuple[str, ...]]:
    """The columns of every model asked, and notes.

    Parameters
    ----------
    people, question
        The frame and what is asked.
    rows, population
        (n,) people of the models; people of the domain.
    weight
        (n,) sampling weights.
    by_is_stratum
        Whether groups have baseline hazards of their own, and no column.
    """
    groups: tuple[str, ...] = ("all",)
    codes, notes = np.zeros(len(rows), int), list[str]()
    beside: list[Term] = []
    if question.by is not None:
        reference = question.reference_levels.get(question.by)
        groups, codes, said = class_codes(people, question.by, rows, role="by", reference=reference)
        notes += said
        if not by_is_stratum:
            beside.append(class_term(people, question.by, rows, role="by", reference=reference))
    for name in question.adjust:
        if not is_classes(people, name, "adjust", question.categories):
            _refuse_level(question, name, NUMBERS)
    beside += adjustment(
        people, question.adjust, rows, categories=question.categories,
        splines=question.splines, reference_levels=question.reference_levels,
    )  # fmt: skip
    notes += [note for term in beside for note in term.notes if note not in notes]
    compared = [_exposure(people, name, question, rows, population, weight)
                for name in question.exposures]  # fmt: skip
    notes += [note for term, _ in compared for note in term.notes]
    sets = [compared] if question.mutual else [[one] for one in compared]
    models = [_columns(one, beside, groups, codes, rows) for one in sets]
    return models, tuple(dict.fromkeys(notes))


def _by_name(per_sd: PerSD | Mapping[str, PerSD]) -> TypeGuard[Mapping[str, PerSD]]:
    return isinstance(per_sd, Mapping)


def _refuse_scale(question: Question, name: str) -> None:
    """Refuse a standard deviation asked of this very exposure, which is classes or yes and no."""
    if _by_name(question.per_sd) and question.per_sd.get(name) is not None:
        raise DefinitionError(
            f"per_sd names {name}, which is classes, or yes and no, and has no standard "
            "deviation to be divided by; leave it out there"
        )


def _refuse_level(question: Question, name: str, kind: str) -> None:
    """Refuse a class to compare with of a column that has none."""
    if name in question.reference_levels:
        raise DefinitionError(
            f"reference_levels names {name}, which is {kind}; leave it out there"
            + (", or name it in categories= too" if kind == NUMBERS else "")
        )


def _exposure(
    people: People, name: str, question: Question, rows: Mask, population: Mask, weight: Array
) -> tuple[Term, Scale | None]:
    if is_classes(people, name, "exposures", question.categories):
        _refuse_scale(question, name)
        reference = question.reference_levels.get(name)
        return class_term(people, name, rows, role="exposures", reference=reference), None
    if is_yes_no(people, name, "exposures", rows):
        _refuse_scale(question, name)
        _refuse_level(question, name, "yes or no: yes is compared to no")
        values = np.nan_to_num(people.numbers(name, "exposures"))
        if np.ptp(values[rows]) == 0:
            raise SchemaError(
                f"exposure {name} is the same in everybody of the model; leave it out, or take a "
                "larger domain"
            )
        return Term(name, values[:, None], (name,), ("yes against no",)), None
    _refuse_level(question, name, NUMBERS)
    scale = scale_of(
        people, name, question.per_sd, decrease=question.decrease, rows=rows,
        population=population, weight=weight,
    )  # fmt: skip
    values = np.where(rows, people.numbers(name, "exposures"), 0.0) / np.where(rows, scale.step, 1)
    values = -values if question.decrease else values
    return Term(name, values[:, None], (name,), (scale.words,)), scale


def _columns(
    compared: Sequence[tuple[Term, Scale | None]],
    beside: Sequence[Term],
    groups: tuple[str, ...],
    codes: Codes,
    rows: Mask,
) -> Columns:
    parts, names, blocks, terms, contrasts, place = [], [], [], [], list[str](), 0
    for term, scale in compared:
        k = len(term.names)
        for i, group in enumerate(groups):
            parts.append(np.where((codes == i)[:, None], term.columns, 0.0))
            names += [f"{n} in {group}" if len(groups) > 1 else n for n in term.names]
            contrasts += term.contrasts
        places = np.arange(place, place + k * len(groups))
        spread = tuple(group for group in groups for _ in range(k))
        blocks.append(Block(term.variable, places, term.contrasts * len(groups), spread, scale))
        terms.append((term.variable, places))
        place += k * len(groups)
    for term in beside:
        parts.append(term.columns)
        names += term.names
        contrasts += term.contrasts
        terms.append((term.variable, np.arange(place, place + len(term.names))))
        place += len(term.names)
    x = np.where(rows[:, None], np.column_stack(parts), 0.0)
    return Columns(x, tuple(names), tuple(contrasts), tuple(blocks), tuple(terms))


def few_events(n_events: int, models: Sequence[Columns]) -> list[str]:
    """Say that a model has too many coefficients for its events."""
    most = max(len(model.names) for model in models)
    if n_events / most >= FEW_EVENTS:
        return []
    return [
        f"{count(n_events)} events for {counted(most, 'coefficient')}: below {FEW_EVENTS} events a "
        "coefficient ratios lie too far from 1 and limits do not hold; adjust for less, or join "
        "classes"
    ]
