"""What can go wrong, and whose it is to mend: the data, a norm, a definition, a design."""

from __future__ import annotations

from osteo_epi.visible import visible


class OsteoEpiError(Exception):
    """Base of every error that the toolkit raises on purpose; the message says what to do."""

    def __str__(self) -> str:
        """The message, with a name of the data in it that does not steer the terminal."""
        return visible(super().__str__())


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


class OsteoEpiWarning(UserWarning):
    """Base of every warning: the result stands, with the restriction that the message names."""

    def __str__(self) -> str:
        """The message, as that of an error."""
        return visible(super().__str__())


class OutOfRangeWarning(OsteoEpiWarning):
    """Values outside the ages or the range in which a norm or an equation was established."""


class PrecisionWarning(OsteoEpiWarning):
    """An estimate that rests on too little to be shown as it stands."""
