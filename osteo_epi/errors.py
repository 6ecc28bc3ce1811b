"""What can go wrong, and whose it is to mend: the data, a norm, a definition, a design."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from osteo_epi.visible import visible


class OsteoEpiError(Exception):
    """Base of every error that the toolkit raises on purpose; the message says what to do.

    Of several faults at once the first argument is a heading, and the others are the faults.

    Examples
    --------
    >>> print(OsteoEpiError("2 faults:", "no column age", "no column sex"))
    2 faults:
    1. no column age
    2. no column sex
    """

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, one text a fault."""
        return tuple(visible(str(text)) for text in self.args[1:] or self.args)

    def __str__(self) -> str:
        """The message, with a name of the data in it that does not steer the terminal."""
        if len(self.args) < 2:
            return visible(super().__str__())
        listed = (f"{i}. {fault}" for i, fault in enumerate(self.faults, start=1))
        return "\n".join([str(self.args[0]), *listed])


class SchemaError(OsteoEpiError):
    """The data: a file that cannot be read, a column missing, ambiguous or of the wrong kind."""


class NormError(OsteoEpiError):
    """A published number: unknown, malformed, or without the sex, site or age that was asked."""


class DefinitionError(OsteoEpiError):
    """A definition of osteoporosis whose parts do not fit together."""


class DesignError(OsteoEpiError):
    """A survey design that cannot carry a variance: weights, strata or sampling units."""


class OutputError(OsteoEpiError):
    """A place that cannot be written to, or that already holds another run."""


class EngineError(OsteoEpiError):
    """Another engine (Spark, Dask, DuckDB): what it lacks, or what cannot be asked of it."""


class OsteoEpiWarning(UserWarning):
    """Base of every warning: the result stands, with the restriction that the message names."""

    def __str__(self) -> str:
        """The message, as that of an error."""
        return visible(super().__str__())


class OutOfRangeWarning(OsteoEpiWarning):
    """Values outside the ages or the range in which a norm or an equation was established."""


class PrecisionWarning(OsteoEpiWarning):
    """An estimate that rests on too little to be shown as it stands."""


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """The names most like one that is none, as a message goes on; empty where none is near.

    Examples
    --------
    >>> did_you_mean("zang_2007", ["zhang_2007", "hologic"])
    ' (did you mean zhang_2007?)'
    """
    near = get_close_matches(str(name), sorted(set(names)), n=3, cutoff=0.5)
    return f" (did you mean {' or '.join(near)}?)" if near else ""
