"""Faults gathered, so that one refusal says everything that stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType

from osteo_epi.errors import OsteoEpiError, SchemaError


class StrangerError(SchemaError):
    """A declaration about a column that the file lacks: of several files one may have it."""


class Faults:
    """Errors that wait for each other, to be raised at once.

    Attributes
    ----------
    columns
        Variables of the codebook that could not be read: nobody need say as well that they lack.

    Examples
    --------
    >>> faults = Faults()
    >>> for word in ("sex", "age"):
    ...     with faults:
    ...         raise SchemaError(f"there is no column {word}")
    >>> faults.refuse()
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: 2 faults:
    1. there is no column sex
    2. there is no column age
    """

    def __init__(self) -> None:
        self.columns: set[str] = set()
        self._errors: list[OsteoEpiError] = []
        self._of_columns = 0

    def __len__(self) -> int:
        return len(self._errors)

    def __bool__(self) -> bool:
        return bool(self._errors)

    def __enter__(self) -> Faults:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> bool:
        if not isinstance(error, OsteoEpiError):
            return False
        self._errors.append(error)
        return True

    @contextmanager
    def about(self, *variables: str) -> Iterator[None]:
        """Gather a fault, and remember the variables that cannot be read for it."""
        known = len(self._errors)
        with self:
            yield
        if len(self._errors) > known:
            self.columns.update(variables)
            self._of_columns += len(self._errors) - known

    def hold(self, kind: type[OsteoEpiError]) -> bool:
        """Whether one of them is of this kind."""
        return any(isinstance(error, kind) for error in self._errors)

    def without_strangers(self) -> list[str]:
        """Let go what is said of columns that a file lacks: another of them may have it.

        Returns
        -------
        list
            What was said.
        """
        gone = [error for error in self._errors if isinstance(error, StrangerError)]
        self._errors = [error for error in self._errors if error not in gone]
        return [text for error in gone for text in error.faults]

    @property
    def beside_columns(self) -> int:
        """How many are of no column of the codebook, as a name that does not exist."""
        return len(self._errors) - self._of_columns

    @contextmanager
    def naming(self, choice: str) -> Iterator[None]:
        """Gather a fault of one choice, with its name in Python and among the options."""
        known = len(self._errors)
        with self:
            yield
        for i, error in enumerate(self._errors[known:], start=known):
            self._errors[i] = type(error)(f"{choice}: {error}")

    def of_files(self, files: Mapping[str, Faults], named: Callable[[Sequence[str]], str]) -> None:
        """Gather the faults of several files, each once with the files that have it.

        Parameters
        ----------
        files
            File → its faults. What was said of a column that another file has is none.
        named
            How files are named in a sentence.
        """
        having: dict[tuple[str, bool], list[str]] = {}
        kinds: dict[str, type[OsteoEpiError]] = {}
        for name, faults in files.items():
            self.columns |= faults.columns
            for error in faults._errors:
                for text in error.faults:
                    kinds[text] = type(error)
                    having.setdefault((text, isinstance(error, StrangerError)), []).append(name)
        strangers: dict[str, int] = {}
        for (text, is_stranger), names in having.items():
            if is_stranger:
                about = text.partition(";")[0]
                strangers[about] = strangers.get(about, 0) + len(names)
        said = set()
        for (text, is_stranger), names in having.items():
            about = text.partition(";")[0]
            if is_stranger and (strangers[about] < len(files) or about in said):
                continue
            said.add(about)
            whose = "" if is_stranger or text.startswith(names[0]) else f"{named(names)}: "
            self._errors.append(kinds[text](f"{whose}{text}"))

    def refuse(self) -> None:
        """Raise what was gathered: one error as it is, of several a numbered list in one.

        Raises
        ------
        OsteoEpiError
            The one error; several are of their common class, or a SchemaError.
        """
        said = {text: error for error in self._errors for text in error.faults}
        if not said:
            return
        if len(said) == 1:
            raise self._errors[0]
        kinds = {type(error) for error in self._errors}
        kind = kinds.pop() if len(kinds) == 1 else SchemaError
        raise kind(f"{len(said)} faults:", *said)
