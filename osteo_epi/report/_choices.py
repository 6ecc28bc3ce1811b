"""What was asked of a run, and the command that asks for it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EMBEDDED_N = 75_321
EMBEDDED_SEED = 2010
EMBEDDED_STANDARD = "china_2010"
OWN = "own_young_adults"


@dataclass(frozen=True)
class Choices:
    """The options of a run, as `run()` describes them; the embedded cohort without paths."""

    paths: tuple[Path, ...]
    source: str = "auto"
    definition: str = "china_2020"
    reference: Any = None
    age_reference: Any = None
    standard: str | None = None
    by: tuple[str, ...] = ("sex",)
    map: Mapping[str, str | None] = field(default_factory=dict)
    sex_coding: Mapping[str, str] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    sentinels: Mapping[str, Sequence[str | float]] = field(default_factory=dict)
    sheet: str | int | None = None
    ages: str | None = None
    age_bands: tuple[float, ...] | None = None
    interval: str = "beta"
    confidence: float = 0.95
    weight: str | None = None
    stratum: str | None = None
    psu: str | None = None
    use_design: bool = True
    lonely: str = "fail"
    accept_errors: bool = False
    norms: Path | None = None
    n: int = EMBEDDED_N
    seed: int = EMBEDDED_SEED

    @property
    def embedded(self) -> bool:
        """Whether the run takes the embedded, simulated cohort."""
        return not self.paths

    @property
    def drawn_with(self) -> int | None:
        """Seed of the random numbers used; None where there were none."""
        return self.seed if self.embedded else None

    def options(self) -> dict[str, Any]:
        """Options that differ from their defaults, by their name on the command line."""
        given = {
            "source": self.source if self.source != "auto" else None,
            "definition": self.definition,
            "reference": _name(self.reference),
            "age-reference": _name(self.age_reference),
            "standard": self.standard,
            "by": list(self.by),
            "map": _pairs(self.map),
            "sex-coding": ",".join(_pairs({**(self.sex_coding or {})})),
            "units": _pairs({**self.units}),
            "missing": [f"{c}={code}" for c, codes in self.sentinels.items() for code in codes],
            "sheet": None if self.sheet is None else str(self.sheet),
            "ages": self.ages,
            "age-bands": ",".join(f"{edge:g}" for edge in self.age_bands or ()),
            "interval": self.interval,
            "confidence": f"{self.confidence:g}",
            "weight": self.weight,
            "stratum": self.stratum,
            "psu": self.psu,
            "lonely": self.lonely if self.lonely != "fail" else None,
            "norms": self.norms.name if self.norms else None,
            "n": str(self.n) if self.embedded else None,
            "seed": str(self.seed) if self.embedded else None,
        }
        flags = {"no-design": not self.use_design, "accept-errors": self.accept_errors}
        return {k: v for k, v in given.items() if v} | {k: True for k, v in flags.items() if v}

    def command(self) -> str:
        """Write the command that makes the run, without the folders of this machine."""
        words = ["osteo-epi", "run", *(path.name for path in self.paths)]
        for name, value in self.options().items():
            if value is True:
                words.append(f"--{name}")
                continue
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name}", one]
        return shlex.join(words)


def _name(norm: Any) -> str | None:
    return getattr(norm, "id", norm)


def _pairs(mapping: Mapping[str, str | None]) -> list[str]:
    return [f"{key}={value or 'none'}" for key, value in mapping.items()]


def as_tuple(by: str | Sequence[str]) -> tuple[str, ...]:
    """Take one name or several."""
    return (by,) if isinstance(by, str) else tuple(by)


def as_paths(path: str | Path | Sequence[str | Path] | None) -> tuple[Path, ...]:
    """Take one path, several, or none."""
    if path is None:
        return ()
    return (Path(path),) if isinstance(path, str | Path) else tuple(map(Path, path))
