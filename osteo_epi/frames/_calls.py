"""How a function on people may be called, and in which kind of frame its result gives itself.

One convention for every room. A frame of any kind comes first, and its columns are named:
``accuracy(people, test="qct", truth="dxa")``, ``bland_altman(people, x="dxa", y="qct")``. Without
a frame the values stand in the place of the names: ``accuracy(test=qct, truth=dxa)``. Where two
series are all the data, they may come first themselves: ``bland_altman(dxa, qct)``. The result's
`to_frame` is of the kind that came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import FunctionType
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
import polars as pl

from osteo_epi.arguments import columns_near, refuse_other_choices
from osteo_epi.errors import SchemaError
from osteo_epi.frames._frames import as_polars, kind_of
from osteo_epi.frames._queries import running

P = ParamSpec("P")
R = TypeVar("R")
Column: TypeAlias = Any
"""The name of a column; or its values, shape (n,), where no frame is given or one lacks them."""

NAMES = (str, pl.Expr, Mapping, type(None))
"""What no values are: a name, an expression, names of several columns, nothing."""


def in_callers_kind(function: Callable[P, R]) -> Callable[P, R]:
    """Let the result of a function give itself as the kind of frame that it was called with.

    What its signature says to be True or False, or one of a few words, is nothing else then.

    Examples
    --------
    >>> import pandas as pd
    >>> from osteo_epi.agreement import bland_altman
    >>> dxa, qct = pd.Series([0.8, 0.9, 1.0]), pd.Series([0.83, 0.92, 1.04])
    >>> type(bland_altman(dxa, qct).to_frame()).__module__.partition(".")[0]
    'pandas'
    """
    given, refuse, run = _given, refuse_other_choices, running

    def called(*args: Any, **options: Any) -> Any:
        refuse(function, args, options)
        with run(*args, *options.values()):
            return given(function(*args, **options), *args, *options.values())

    return in_place_of(function, called)


def of_queries(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function of a lazy frame say of it that it cannot be run, see `running`."""
    run = running

    def called(*args: Any, **options: Any) -> Any:
        with run(*args, *options.values()):
            return function(*args, **options)

    return in_place_of(function, called)


def on_people(*columns: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function of people and names of columns take values in the place of names too.

    Its choices are looked at as by `in_callers_kind`.

    Parameters
    ----------
    *columns
        Arguments that name one column each.

    Examples
    --------
    >>> @on_people("test")
    ... def positive(people=None, *, test):
    ...     return people[test].sum()
    >>> positive(pl.DataFrame({"low": [True, False]}), test="low"), positive(test=[True, True])
    (1, 2)
    """

    with_values, given, refuse, run = _with_values, _given, refuse_other_choices, running

    def wrapped(function: Callable[P, R]) -> Callable[P, R]:
        def called(*args: Any, **options: Any) -> Any:
            refuse(function, args, options)
            people, *others = args or (options.pop("people", None),)
            stated = {name: options[name] for name in columns if name in options}
            with run(people):
                held, names = with_values(people, stated)
                result = function(held, *others, **(options | names))  # type: ignore[arg-type]
            return given(result, people, *stated.values())

        return in_place_of(function, called)

    return wrapped


def in_place_of(function: Callable[P, R], called: Any) -> Callable[P, R]:
    """What is called instead of a function, with its name, its signature and its globals.

    Doctest takes a function for the module's own by its globals, and would pass others by.
    """
    own = FunctionType(
        called.__code__, function.__globals__, called.__name__, None, called.__closure__
    )
    return wraps(function)(own)


def _given(result: Any, *data: Any) -> Any:
    """The result, which knows the kind of the frame or of the first values that came."""
    kind = kind_of(*data)
    if kind != "polars":
        object.__setattr__(result, "frame_kind", kind)
    return result


def _with_values(people: Any, columns: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """People, with the values that stand in the place of names as columns, and their names."""
    values = {name: given for name, given in columns.items() if not isinstance(given, NAMES)}
    if people is not None and not values:
        return people, {}
    frame, restore = as_polars(pl.DataFrame() if people is None else people)
    there = frame.collect_schema()
    # A list of names is refused by the function, in its own words.
    values = {n: v for n, v in values.items() if not _lists_names(v, there)}
    if not values:
        return _refuse_nobody(people), {}
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    refuse_other_rows({"people": people} | values)
    names = {argument: _name(argument, frame) for argument in values}
    series = [series_of(value, names[argument]) for argument, value in values.items()]
    _refuse_lengths({one.name: len(one) for one in series}, frame)
    return restore(frame.with_columns(series) if frame.width else pl.DataFrame(series)), names


def _lists_names(values: Any, columns: Mapping[str, Any]) -> bool:
    """Whether a list is one of names of columns, and not of values."""
    is_list = isinstance(values, list | tuple) and all(isinstance(one, str) for one in values)
    return is_list and bool(values) and set(values) <= set(columns)


def _refuse_nobody(people: Any) -> Any:
    if people is None:
        raise SchemaError(
            "no people: give a frame and the names of its columns, or values in the place of names"
        )
    return people


def _refuse_lengths(lengths: dict[str, int], frame: pl.DataFrame) -> None:
    lengths = lengths | ({"people": frame.height} if frame.width else {})
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{n:,} of {name}" for name, n in lengths.items())
        raise SchemaError(f"the values differ in number: {each}; give one a person, in one order")


def refuse_other_rows(given: Mapping[str, Any]) -> None:
    """Refuse series and frames of pandas whose indices differ: whose a value is, they contradict.

    Values are taken in the order in which they stand, and pandas' users expect them to be matched
    by index; a difference that changes no number is rare, and one that does is never seen.

    Raises
    ------
    SchemaError
        Naming the first two that differ.

    Examples
    --------
    >>> import pandas as pd
    >>> dxa = pd.Series([0.8, 0.9])
    >>> refuse_other_rows({"x": dxa, "y": dxa + 0.02})
    """
    labelled = {name: one for name, one in given.items() if _has_index(one)}
    first = next(iter(labelled), "")
    for name, one in labelled.items():
        if not one.index.equals(labelled[first].index):
            raise SchemaError(
                f"{first} and {name} are of pandas and their indices differ, so that whose a value "
                "is cannot be told: put both into one frame, which matches them by index, or give "
                ".to_numpy() of each where their order is already the same"
            )


def _has_index(one: Any) -> bool:
    """Whether this is a series or frame of pandas."""
    return type(one).__module__.partition(".")[0] == "pandas" and hasattr(one, "reset_index")


def _name(argument: str, frame: pl.DataFrame | pl.LazyFrame) -> str:
    """A name for values that no column has."""
    taken = frame.collect_schema()
    return argument if argument not in taken else _name(f"{argument} (values)", frame)


def series_of(values: Any, name: str) -> pl.Series:
    """Values of any kind as a series: NaN of pandas and NumPy is missing, a boolean stays one.

    Raises
    ------
    SchemaError
        If they have another shape than (n,), or are of several kinds.
    """
    if isinstance(values, pl.Series):
        return values.alias(name)
    if type(values).__module__.partition(".")[0] == "pandas":
        values = values.reset_index(drop=True) if hasattr(values, "reset_index") else values
        return pl.Series(name, pl.from_pandas(values, nan_to_null=True))
    if np.ndim(values) != 1:
        raise SchemaError(f"{name} has {np.ndim(values)} dimensions; expected one value a person")
    try:
        column = pl.Series(name, values)
    except Exception as error:
        raise SchemaError(f"{name} holds values of several kinds; make each one kind") from error
    return column.fill_nan(None) if column.dtype.is_float() else column


def is_frame(data: Any) -> bool:
    """Whether something has named columns: a frame of any library, a relation, people."""
    return isinstance(data, pl.LazyFrame) or hasattr(data, "columns")


def series_given(
    data: Sequence[Any], *, optional: Sequence[str] = (), **columns: Any
) -> tuple[Any, ...]:
    """Take what a function of a few series was called with, in the order of `columns`.

    Parameters
    ----------
    data
        What came first: the series themselves, as many as there are, or a frame; or nothing.
    optional
        Which of `columns` may be absent, and are None then.
    **columns
        Of each series its column's name, or itself where it did not come first.

    Raises
    ------
    SchemaError
        If one is absent or given twice, a name comes without a frame, or the frame lacks it.

    Examples
    --------
    >>> series_given(([0.8, 0.9], [0.83, 0.92]), x=None, y=None)
    ([0.8, 0.9], [0.83, 0.92])
    >>> people = pl.DataFrame({"dxa": [0.8, 0.9], "qct": [0.83, 0.92]})
    >>> [one.to_list() for one in series_given((people,), x="dxa", y="qct")]
    [[0.8, 0.9], [0.83, 0.92]]
    """
    if len(data) == 1 and is_frame(data[0]):
        frame = as_polars(data[0])[0]
        held = {name: _in_frame(frame, name, value) for name, value in columns.items()}
        refuse_other_rows({"the frame": data[0]} | columns)
    else:
        held = _in_turn(data, columns)
        refuse_other_rows(held)
    absent = [name for name, value in held.items() if value is None and name not in optional]
    if absent:
        raise SchemaError(
            f"nothing says what {' and '.join(absent)} is: give the values, or a frame first and "
            f"the names of its columns, as in f(people, {', '.join(f'{n}=…' for n in absent)})"
        )
    return tuple(held.values())


def _in_turn(data: Sequence[Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """The series that came first, and the others by their names."""
    if len(data) > len(columns):
        raise SchemaError(
            f"{len(data)} series came first; expected {', '.join(columns)}, or one frame"
        )
    first = dict(zip(columns, data, strict=False))
    twice = [name for name in first if columns[name] is not None]
    if twice:
        raise SchemaError(f"{' and '.join(twice)} came first and by name; give each once")
    named = [name for name, value in columns.items() if isinstance(value, str)]
    if named:
        raise SchemaError(
            f"{' and '.join(named)} names a column, and no frame came first; give it, or the values"
        )
    return {**columns, **first}


def _in_frame(frame: pl.DataFrame | pl.LazyFrame, argument: str, column: Any) -> Any:
    """A column of a frame, several beside each other, or values that are no names."""
    names = [column] if isinstance(column, str) else column
    if not (isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)):
        return column
    there = frame.collect_schema().names()
    for name in names:
        if name not in there:
            raise SchemaError(
                f"{argument} names the column {name}, which the data do not have; "
                f"{columns_near(name, there)}"
            )
    table = frame.lazy().select(list(dict.fromkeys(names))).collect()
    return table[column] if isinstance(column, str) else table.to_numpy()


def ratings_given(ratings: Any, columns: Sequence[str] | None) -> Any:
    """A table of ratings, or that of a frame's columns, shape (n, k).

    Examples
    --------
    >>> ratings_given(pl.DataFrame({"id": ["a"], "first": [1], "second": [2]}), ["first", "second"])
    array([[1, 2]])
    """
    if not is_frame(ratings):
        if columns is not None:
            raise SchemaError("columns names those of a frame, and the ratings are none")
        return ratings
    frame = as_polars(ratings)[0]
    return _in_frame(frame, "columns", list(columns or frame.collect_schema().names()))
