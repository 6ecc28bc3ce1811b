"""Norms of other shapes: calibration equations, indices with classes, and plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from osteo_epi.errors import NormError
from osteo_epi.norms._bands import Bands, Interval
from osteo_epi.norms._norm import Fields, Norm, grade, read_head, worst

_HEAD = ("kind", "id", "title", "citation", "labels", "notes", "verification")


@dataclass(frozen=True)
class Equation:
    """A published straight line from one measurement to another.

    Attributes
    ----------
    source, target
        Maker, method or material measured on, and the one converted to.
    roi
        Region of interest.
    intercept, slope
        target = intercept + slope × source, in `source_unit` and `target_unit`.
    see
        Residual SD (standard error of estimate), in `target_unit`, where printed.
    valid
        Values of the source for which it was established, where printed.
    grade
        A, B or C.
    """

    source: str
    target: str
    roi: str
    intercept: float
    slope: float
    source_unit: str
    target_unit: str
    see: float | None = None
    valid: Interval | None = None
    grade: str = "A"


@dataclass(frozen=True, kw_only=True, repr=False)
class Calibration(Norm):
    """Published equations between devices or methods.

    Attributes
    ----------
    equations
        All equations.
    errors
        What the publication says about their errors, as printed.
    """

    kind: ClassVar[str] = "calibration"

    equations: tuple[Equation, ...]
    errors: Mapping[str, Any]

    def equation(self, source: str, roi: str) -> Equation:
        """Equation of one source at one region.

        Raises
        ------
        NormError
            If there is none; the message lists those there are.

        Examples
        --------
        >>> from osteo_epi import norms
        >>> hui = norms.load("calibration", "sbmd_hui_1997")
        >>> line = hui.equation("lunar", "total_hip")
        >>> line.intercept, line.slope
        (-31.0, 979.0)
        """
        for equation in self.equations:
            if (equation.source, equation.roi) == (source, roi):
                return equation
        pairs = ", ".join(f"{e.source} {e.roi}" for e in self.equations)
        raise NormError(f"{self.id} has no equation for {source} {roi}; it has {pairs}")

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> Calibration:
        """Build from a file of kind `calibration`."""
        head, default = read_head(fields), grade(fields)
        equations = tuple(_equation(item, default) for item in fields.each("equation"))
        calibration = cls(
            **head,
            verification=worst([equation.grade for equation in equations]),
            sha256=sha256,
            equations=equations,
            errors=MappingProxyType(fields.get("errors", dict, "a table", {})),
        )
        fields.done()
        return calibration


def _equation(fields: Fields, default: str) -> Equation:
    equation = Equation(
        source=fields.text("source"),
        target=fields.text("target"),
        roi=fields.text("roi"),
        intercept=fields.number("intercept"),
        slope=fields.number("slope", above=0),
        source_unit=fields.text("source_unit"),
        target_unit=fields.text("target_unit"),
        see=fields.number("see", None, above=0),
        valid=fields.interval("valid", None),
        grade=grade(fields, default),
    )
    fields.done()
    return equation


@dataclass(frozen=True, kw_only=True, repr=False)
class _Record(Norm):
    """A norm whose tables are used as they are printed.

    Attributes
    ----------
    data
        The file's tables, without its head.
    """

    data: Mapping[str, Any]

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> _Record:
        """Build from a file of any kind that has no form of its own."""
        head, verification = read_head(fields), grade(fields)
        data = {name: value for name, value in fields.table.items() if name not in _HEAD}
        if not data:
            raise NormError(f"{fields.file}: expected at least one table beside the head")
        grades = _grades_within(data)
        return cls(**head, verification=worst([verification, *grades]), sha256=sha256, data=data)


def _grades_within(data: Any) -> list[str]:
    """Grades stated anywhere in nested tables."""
    if isinstance(data, dict):
        own = [data["verification"]] if "verification" in data else []
        return own + [g for value in data.values() for g in _grades_within(value)]
    return [g for item in data for g in _grades_within(item)] if isinstance(data, list) else []


@dataclass(frozen=True, kw_only=True, repr=False)
class Simulation(_Record):
    """What a synthetic cohort is drawn from."""

    kind: ClassVar[str] = "simulation"


@dataclass(frozen=True, kw_only=True, repr=False)
class Presentation(_Record):
    """When an estimate may be shown."""

    kind: ClassVar[str] = "presentation"


@dataclass(frozen=True, kw_only=True, repr=False)
class Precision(_Record):
    """Precision errors, least significant changes, and their design."""

    kind: ClassVar[str] = "precision"


@dataclass(frozen=True, kw_only=True, repr=False)
class Risk(_Record):
    """Published gradients of fracture risk."""

    kind: ClassVar[str] = "risk"


@dataclass(frozen=True, kw_only=True, repr=False)
class Published(_Record):
    """Printed estimates of a publication, to set beside those obtained."""

    kind: ClassVar[str] = "published"

    @property
    def estimates(self) -> list[dict[str, Any]]:
        """The printed estimates, one table each."""
        return list(self.data["estimate"])

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> Published:
        """Build from a file of kind `published`."""
        for estimate in fields.each("estimate"):
            for name in ("quantity", "unit"):
                estimate.text(name)
            estimate.number("value")
        return cls(**vars(_Record.read(fields, sha256)))


@dataclass(frozen=True, kw_only=True, repr=False)
class Index(_Record):
    """A score or grading with classes.

    Attributes
    ----------
    bands
        Group ("all", or a sex) to its classes.
    """

    kind: ClassVar[str] = "indices"

    bands: Mapping[str, Bands]

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> Index:
        """Build from a file of kind `indices`."""
        plain = _Record.read(fields, sha256)
        groups = fields.under("bands")
        bands = {group: groups.bands(group) for group in groups.table}
        return cls(**vars(plain), bands=MappingProxyType(bands))
