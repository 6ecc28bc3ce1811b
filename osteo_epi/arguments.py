"""Arguments looked at once: a wrong one is named, with what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from inspect import Parameter, signature
from numbers import Integral, Real
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np

from osteo_epi.errors import DefinitionError


class Choice(NamedTuple):
    """A parameter of a function that takes True or False, or one of a few words.

    Parameters
    ----------
    name, place
        Its name, and where it stands among those that need none; -1 where it is only named.
    words
        The words; none for True and False.
    absent
        Whether None is a choice.
    """

    name: str
    place: int
    words: tuple[str, ...]
    absent: bool


@cache
def choices_of(function: Callable[..., Any]) -> tuple[Choice, ...]:
    """The parameters of a function that its signature says to be True or False, or one of words.

    Examples
    --------
    >>> def draw(people, *, stacked: bool = False, scale: Literal["log", "plain"] | None = None):
    ...     pass
    >>> [(one.name, one.words, one.absent) for one in choices_of(draw)]
    [('stacked', (), False), ('scale', ('log', 'plain'), True)]
    """
    listed = []
    for place, parameter in enumerate(signature(function).parameters.values()):
        kinds = _kinds(parameter.annotation, getattr(function, "__globals__", {}))
        absent = NoneType in kinds
        kinds = tuple(kind for kind in kinds if kind is not NoneType)
        words = tuple(word for kind in kinds for word in get_args(kind))
        # Of another kind beside them nothing is said here.
        if kinds == (bool,) or (kinds and all(get_origin(kind) is Literal for kind in kinds)):
            named = parameter.kind is Parameter.KEYWORD_ONLY
            listed.append(Choice(parameter.name, -1 if named else place, words, absent))
    return tuple(listed)


def _kinds(annotation: Any, names: dict[str, Any]) -> tuple[Any, ...]:
    """What an annotation allows; nothing where it is written in names that only a checker has."""
    try:
        read = get_type_hints(SimpleNamespace(__annotations__={"": annotation}), names)[""]
    except (NameError, TypeError):
        return ()
    return get_args(read) if get_origin(read) in (Union, UnionType) else (read,)


def refuse_other_choices(
    function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]
) -> None:
    """Refuse a call in which a choice is neither True nor False, or none of its words.

    Raises
    ------
    DefinitionError
        Naming the argument and what was expected.
    """
    for name, place, words, absent in choices_of(function):
        if name in options:
            value = options[name]
        elif 0 <= place < len(args):
            value = args[place]
        else:
            continue
        if value is None and absent:
            continue
        if not words:
            true_or_false(**{name: value})
        elif not isinstance(value, str):  # another word is refused by the function itself
            one_of(value, name, words)


def true_or_false(**given: Any) -> None:
    """Refuse what is neither True nor False: a word such as "no" would count as true.

    Raises
    ------
    DefinitionError
        Naming the argument and what was expected.

    Examples
    --------
    >>> true_or_false(accept_errors="yes")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DefinitionError: accept_errors='yes'; expected True or False
    """
    for name, value in given.items():
        if not isinstance(value, bool | np.bool_):
            raise DefinitionError(f"{_stated(name, value)}; expected True or False")


def number(
    value: Any,
    name: str,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
    whole: bool = False,
    unit: str = "",
) -> None:
    """Refuse what is no finite number, or none between the bounds.

    Raises
    ------
    DefinitionError
        Naming the argument, its value and what was expected.

    Examples
    --------
    >>> number(95, "confidence", above=0, below=1)
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DefinitionError: confidence=95; expected a number above 0, below 1
    """
    kind: Any = Integral if whole else Real
    sound = isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
    bounds = {"above": above, "from": least, "below": below, "up to": most}
    stated = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
    if (
        not sound
        or (above is not None and not value > above)
        or (least is not None and not value >= least)
        or (below is not None and not value < below)
        or (most is not None and not value <= most)
    ):
        expected = ("a whole number" if whole else "a number") + (f" of {unit}" if unit else "")
        raise DefinitionError(
            f"{_stated(name, value)}; expected {' '.join([expected, *_join(stated)])}"
        )


def _join(stated: list[str]) -> list[str]:
    return [", ".join(stated)] if stated else []


def confidence_level(value: Any) -> None:
    """Refuse what is no level of an interval.

    Raises
    ------
    DefinitionError
        If it is not between 0 and 1.
    """
    try:
        number(value, "confidence", above=0, below=1)
    except DefinitionError:
        raise DefinitionError(
            f"{_stated('confidence', value)}; expected between 0 and 1, e.g. 0.95"
        ) from None


def numbers(values: Any, name: str, **bounds: Any) -> None:
    """Refuse what is no list of numbers within the bounds, see `number`.

    Raises
    ------
    DefinitionError
        If it is no list, empty, or one of them is out of bounds.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise DefinitionError(f"{_stated(name, values)}; expected a list of numbers")
    given = list(values)
    if not given:
        raise DefinitionError(f"{name}=[]; expected one number at least")
    for value in given:
        number(value, f"one of {name}", **bounds)


def percents_of_people(values: Any) -> None:
    """Refuse what are no percents of people, each above 0 and below 100.

    Raises
    ------
    DefinitionError
        If one is not.
    """
    try:
        numbers(values, "percents", above=0, below=100)
    except DefinitionError:
        shown = list(values) if isinstance(values, (list, tuple)) else values
        raise DefinitionError(
            f"percents={shown!r}; expected a list such as [3, 50, 97]: each must lie between 0 "
            "and 100"
        ) from None


def ages_between(value: Any, name: str, *, whole: bool = True) -> None:
    """Refuse what is no first and last age.

    Raises
    ------
    DefinitionError
        If it is no pair, or not in order.
    """
    expected = (
        f"{_stated(name, value)}; expected the first and the last completed year, "
        f"e.g. {name}=(20, 39)"
    )
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise DefinitionError(expected)
    try:
        for year in value:
            number(year, name, least=0, whole=whole)
    except DefinitionError:
        raise DefinitionError(expected) from None
    if value[0] > value[1]:
        raise DefinitionError(expected)


def distinct_words(values: Any, name: str, example: str, *, of: str = "words") -> None:
    """Refuse what is no list of words, or one with a word twice.

    Raises
    ------
    DefinitionError
        If it is not.
    """
    sound = (
        isinstance(values, Sequence)
        and not isinstance(values, str)
        and values
        and all(isinstance(value, str) and value for value in values)
    )
    if not sound:
        raise DefinitionError(f"{_stated(name, values)}; expected a list of {of}, e.g. {example}")
    twice = dict.fromkeys(value for value in values if list(values).count(value) > 1)
    if twice:
        raise DefinitionError(f"{name}: {', '.join(twice)} stand twice; name each once")


def names_in(
    values: Any, name: str, expected: str = "a column's name or a list of names"
) -> list[str]:
    """One name or several, as a list.

    Raises
    ------
    DefinitionError
        If it is neither: a number, values in the place of a name, nothing.

    Examples
    --------
    >>> names_in("sex", "by"), names_in(("sex", "centre"), "by")
    (['sex'], ['sex', 'centre'])
    >>> names_in(None, "by")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DefinitionError: by is None; expected a column's name or a list of names
    """
    if isinstance(values, str):
        return [values]
    if isinstance(values, bytes) or not isinstance(values, Iterable):
        raise DefinitionError(f"{name} is {_kind(values)}; expected {expected}")
    listed = list(values)
    other = next((one for one in listed if not isinstance(one, str)), "")
    if not isinstance(other, str):
        raise DefinitionError(f"{name} holds {_kind(other)}; expected {expected}")
    return listed


def _kind(value: Any) -> str:
    """A wrong value by what it is: values of people, which may stand in it, are never shown."""
    plain = value is None or isinstance(value, bool | int | float)
    return repr(value) if plain else f"of kind {type(value).__name__}"


def as_typed(value: Any) -> str:
    """A wrong value as it was typed; what may hold values of people is told by its kind.

    Examples
    --------
    >>> import polars as pl
    >>> as_typed("low"), as_typed([0.5, None]), as_typed(pl.Series([0.81]))
    ("'low'", '[0.5, None]', 'of kind Series')
    """
    return repr(value) if _is_typed(value) else _kind(value)


def _is_typed(value: Any) -> bool:
    each = value if isinstance(value, list | tuple) else [value]
    return all(one is None or isinstance(one, Real | str) for one in each)


def _stated(name: str, value: Any) -> str:
    return f"{name}{'=' if _is_typed(value) else ' is '}{as_typed(value)}"


def is_among(value: Any, names: Collection[Any]) -> bool:
    """Whether a choice is offered; a list or a column in the place of a word never is.

    Examples
    --------
    >>> is_among("all", {"all": 1}), is_among(["all"], {"all": 1})
    (True, False)
    """
    return isinstance(value, str | int | None) and value in names


def one_of(value: Any, name: str, names: Sequence[str]) -> None:
    """Refuse a choice that is not offered.

    Raises
    ------
    DefinitionError
        Naming the argument, its value and the choices.

    Examples
    --------
    >>> one_of("kernel", "method", ("binormal", "density"))
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DefinitionError: method must be one of binormal, density, not 'kernel'
    """
    if not is_among(value, names):
        raise DefinitionError(f"{name} must be one of {', '.join(names)}, not {as_typed(value)}")


def is_a(value: Any, name: str, kind: type | tuple[type, ...], expected: str) -> None:
    """Refuse a value of another kind.

    Raises
    ------
    DefinitionError
        Naming what came and what was expected.
    """
    if not isinstance(value, kind):
        raise DefinitionError(f"{name} is a {type(value).__name__}; expected {expected}")


def columns_near(name: str, columns: Sequence[str], *, most: int = 30) -> str:
    """What to say of a column that is absent: those of nearly that name, else what there is.

    Examples
    --------
    >>> columns_near("wieght", ["weight", "stratum"])
    'did you mean weight?'
    >>> columns_near("权重", ["wt", "stratum"])
    'there are wt, stratum'
    """
    near = get_close_matches(name, columns, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return f"there are {', '.join(columns[:most])}{more}"
