"""Reading a norm file field by field, so that a wrong one is named with what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from osteo_epi.errors import NormError
from osteo_epi.norms.bands import T_TOLERANCE, Bands, Interval


class Fields:
    """A table of a norm file that knows where it stands, and which of its fields were read."""

    def __init__(self, table: Mapping[str, Any], *, file: str, where: str = "") -> None:
        self.table, self.file, self.where = table, file, where
        self._read: set[str] = set()

    def fail(self, name: str, expected: str) -> NormError:
        """Build the error that names file, field and what was expected there."""
        found = repr(self.table[name]) if name in self.table else "nothing"
        return NormError(f"{self.file}: {self._place(name)}: expected {expected}, found {found}")

    def get(self, name: str, kind: Any, expected: str, default: Any = ...) -> Any:
        """Value of a field of one of the given types; without a default it must be there."""
        self._read.add(name)
        if name not in self.table and default is not ...:
            return default
        value = self.table.get(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(name, expected)
        return value

    def text(self, name: str, default: Any = ...) -> Any:
        """Non-empty string."""
        value = self.get(name, str, "a text", default)
        if value == "" and default is ...:
            raise self.fail(name, "a text that is not empty")
        return value

    def flag(self, name: str, default: Any = ...) -> Any:
        """`true` or `false`."""
        return self.get(name, bool, "true or false", default)

    def number(self, name: str, default: Any = ..., *, above: float = -math.inf) -> Any:
        """Finite number greater than `above`."""
        value = self.get(name, (int, float), "a number", default)
        if value is default:
            return value
        if not (math.isfinite(value) and value > above):
            raise self.fail(name, "a finite number" + f" above {above:g}" * (above > -math.inf))
        return float(value)

    def numbers(self, name: str, *, above: float = -math.inf) -> tuple[float, ...]:
        """Finite numbers, each greater than `above`."""
        values = self.get(name, list, "a list of numbers")
        for value in values:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and value > above):
                raise self.fail(name, f"finite numbers above {above:g}")
        return tuple(float(value) for value in values)

    def texts(self, name: str, default: Any = ...) -> tuple[str, ...]:
        """List of texts."""
        values = self.get(name, list, "a list of texts", default)
        if not all(isinstance(value, str) for value in values):
            raise self.fail(name, "a list of texts")
        return tuple(values)

    def choice(self, name: str, choices: tuple[str, ...], default: Any = ...) -> Any:
        """One of the given words."""
        value = self.get(name, str, "one of " + ", ".join(choices), default)
        if value is not default and value not in choices:
            raise self.fail(name, "one of " + ", ".join(choices))
        return value

    def interval(self, name: str, default: Any = ...) -> Any:
        """Interval in mathematical notation."""
        value = self.text(name, default)
        if value is default:
            return value
        try:
            return Interval.parse(value)
        except NormError as error:
            raise NormError(f"{self.file}: {self._place(name)}: {error}") from None

    def bands(self, name: str, default: Any = ..., *, tolerance: float = T_TOLERANCE) -> Any:
        """Classes that partition the real line."""
        table = self.get(name, dict, "a table of classes and their intervals", default)
        if table is default:
            return table
        try:
            return Bands.parse(table, tolerance=tolerance)
        except NormError as error:
            raise NormError(f"{self.file}: {self._place(name)}: {error}") from None

    def under(self, name: str, default: Any = ...) -> Fields:
        """Sub-table."""
        table = self.get(name, dict, f"a table [{name}]", default)
        return Fields(table, file=self.file, where=self._place(name))

    def each(self, name: str) -> Iterator[Fields]:
        """Members of an array of tables, in order; at least one."""
        tables = self.get(name, list, f"at least one table [[{name}]]")
        if not tables or not all(isinstance(table, dict) for table in tables):
            raise self.fail(name, f"at least one table [[{name}]]")
        for position, table in enumerate(tables, start=1):
            yield Fields(table, file=self.file, where=f"{self._place(name)} {position}")

    def done(self) -> None:
        """Refuse what nobody read: a misspelt field would otherwise be ignored in silence."""
        unknown = sorted(set(self.table) - self._read)
        if unknown:
            raise NormError(
                f"{self.file}: {self._place(unknown[0])}: unknown field; expected only "
                + ", ".join(sorted(self._read))
            )

    def _place(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name
