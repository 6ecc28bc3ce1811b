"""The two references of a comparison: young adults, people of the same age, or both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from osteo_epi import norms
from osteo_epi.diagnosis import Definition, definition
from osteo_epi.errors import DefinitionError, NormError
from osteo_epi.norms import AgeReference, YoungAdultReference

ROIS = ("lumbar_spine", "femoral_neck", "total_hip")
CRITERION = "who_1994"


@dataclass(frozen=True)
class Side:
    """One reference.

    Parameters
    ----------
    name
        As it stands in tables.
    young
        Young adults behind T-scores, None where it has none.
    aged
        People of the same age behind Z-scores, None where it has none.
    fitted
        The `Reference` that it is, with the errors of its estimates; None for norms.
    """

    name: str
    young: YoungAdultReference | None
    aged: AgeReference | None
    fitted: Any = None

    @property
    def parts(self) -> tuple[YoungAdultReference | AgeReference, ...]:
        """What it holds."""
        return tuple(part for part in (self.young, self.aged) if part is not None)

    @property
    def title(self) -> str:
        """Its name for people."""
        return "Reference of these people" if self.fitted is not None else self.parts[0].title

    @property
    def scores(self) -> tuple[str, ...]:
        """Those that it makes: t, z."""
        made = {"t": self.young, "z": self.aged}
        return tuple(score for score, part in made.items() if part is not None)

    @property
    def maker(self) -> str:
        """Whose scale its densities are on, where that is known."""
        for part in self.parts:
            level = getattr(part, "maker_level", "") or part.maker
            if level != "unknown":
                return level
        return ""

    def rois(self) -> tuple[str, ...]:
        """Regions of which it holds something."""
        young = (entry.roi for entry in (self.young.entries if self.young else ()))
        aged = (entry.roi for entry in (self.aged.curves if self.aged else ()))
        return tuple(dict.fromkeys([*young, *aged]))


def read_sides(first: Any, second: Any, folder: Any) -> tuple[Side, Side]:
    """Look both references up; of one that has more than the other, what both have is compared.

    Raises
    ------
    NormError
        If there is no norm of a name.
    DefinitionError
        If an argument is no reference, or they have nothing in common.
    """
    sides = [_side(given, name, folder) for name, given in (("first", first), ("second", second))]
    if sides[0].name == sides[1].name:
        sides = [replace(side, name=f"{side.name}, {word}")
                 for side, word in zip(sides, ("first", "second"), strict=True)]  # fmt: skip
    both_young = all(side.young is not None for side in sides)
    both_aged = all(side.aged is not None for side in sides)
    if not both_young and not both_aged:
        raise DefinitionError(
            f"{sides[0].name} and {sides[1].name} have nothing in common: {_held(sides[0])}, "
            f"{_held(sides[1])}; take two that both hold young adults, or both curves by age (a "
            "reference fitted here holds young adults where young= names ages at which enough "
            "people are) [on the command line: --young]"
        )
    one, two = (
        replace(
            side, young=side.young if both_young else None, aged=side.aged if both_aged else None
        )
        for side in sides
    )
    return one, two


def _held(side: Side) -> str:
    parts = {"young adults": side.young, "curves by age": side.aged}
    held = " and ".join(words for words, part in parts.items() if part is not None)
    return f"{side.name} holds {held}"


def same_people(sides: tuple[Side, Side], part: str) -> bool:
    """Whether both are made of the same people: of the same data, and of as many.

    Parameters
    ----------
    sides
        The two.
    part
        "young" or "aged".
    """
    one, two = (getattr(side, part) for side in sides)
    if one is None or two is None:
        return False
    return bool(_source(one) == _source(two))


def _source(part: YoungAdultReference | AgeReference) -> tuple[str, int]:
    """Digest of the data, which groups of a survey share, and people of it; else of the norm."""
    made = part.derivation
    return (part.digest, 0) if made is None else (made.data_sha256, made.people)


def _side(given: Any, word: str, folder: Any) -> Side:
    if isinstance(given, YoungAdultReference):
        return Side(given.id, given, None)
    if isinstance(given, AgeReference):
        return Side(given.id, None, given)
    if isinstance(given, str):
        return _norm(given, folder)
    if hasattr(given, "by_age") and hasattr(given, "young"):
        young = given.young_adult if given.young else None
        return Side(given.by_age.id, young, given.by_age, given)
    raise DefinitionError(
        f"{word} is {type(given).__name__}, expected a norm's name, a YoungAdultReference, an "
        "AgeReference, or what fit_reference gave"
    )


def _norm(name: str, folder: Any) -> Side:
    found: dict[str, Any] = {
        kind: norms.load(kind, name, folder=folder)
        for kind in ("young_adult", "by_age")
        if name in norms.available(kind, folder=folder).ids
    }
    if not found:
        young, aged = (
            ", ".join(norms.available(kind, folder=folder).ids)
            for kind in ("young_adult", "by_age")
        )
        raise NormError(
            f"there is no reference {name!r}; young adults: {young}; people of the same age: {aged}"
        )
    return Side(name, found.get("young_adult"), found.get("by_age"))


def common_rois(sides: tuple[Side, Side], rois: Iterable[str] | None) -> tuple[str, ...]:
    """Regions compared: those named, or those of the usual three that both have."""
    if isinstance(rois, str):
        rois = (rois,)
    both = [roi for roi in sides[0].rois() if roi in sides[1].rois()]
    chosen = tuple(rois) if rois is not None else tuple(r for r in ROIS if r in both) or tuple(both)
    lacking = [roi for roi in chosen if roi not in both]
    if lacking or not chosen:
        raise DefinitionError(
            f"rois: {', '.join(lacking) or 'none'} not in both references; both have "
            f"{', '.join(both) or 'no region'} ("
            + "; ".join(f"{side.name} has {', '.join(side.rois())}" for side in sides)
            + ")"
        )
    return chosen


def definitions(
    sides: tuple[Side, Side], chosen: str | Definition, rois: tuple[str, ...],
    choices: Mapping[str, Any],
) -> dict[str, Definition]:  # fmt: skip
    """The same definition with each of the two references in it, by their names.

    Raises
    ------
    DefinitionError
        If only people of the same age are compared and no definition with young adults is given.
    """
    if isinstance(chosen, Definition):
        if choices:
            raise DefinitionError(
                f"{', '.join(choices)}: choices go with the name of a criterion; a definition has "
                "its own"
            )
        return {side.name: _exchanged(chosen, side) for side in sides}
    if sides[0].young is None and "reference" not in choices:
        raise DefinitionError(
            "both references hold people of the same age alone, which make no T-score: give "
            "definition=definition(..., reference=...) with young adults, or leave target out"
        )
    return {
        side.name: definition(
            chosen,
            **{"sites": rois, **choices}
            | ({} if side.young is None else {"reference": side.young})
            | ({} if side.aged is None else {"age_reference": side.aged}),
        )
        for side in sides
    }


def _exchanged(chosen: Definition, side: Side) -> Definition:
    young, aged = side.young or chosen.reference, side.aged or chosen.age_reference
    return replace(chosen, reference=young, age_reference=aged)
