"""The scanners behind a reference, as its norm files and its methods paragraph say them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from osteo_epi.calibration import Correction
from osteo_epi.reference._devices import CORRECTED, measured, scanner_column
from osteo_epi.rounding import count


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("scanners.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Scanners:
    """Whose scale the densities are of.

    Parameters
    ----------
    n
        Scanners, or makers where no scanner is stated; 0 where nothing is.
    people, unstated
        People with densities, and those of them without a scanner where others have one.
    scale, source
        What the densities were corrected to, and what that correction rests on; "" for none, or
        where it is not at hand.
    """

    n: int = 0
    people: int = 0
    unstated: int = 0
    scale: str = ""
    source: str = ""

    @classmethod
    def of(cls, frame: pl.DataFrame, calibration: Correction | None) -> Scanners:
        """Count them among the people with densities."""
        people = frame.filter(measured(frame))
        column = scanner_column(people)
        n = people[column].drop_nulls().n_unique() if column else 0
        unstated = people[column].null_count() if column else 0
        if calibration is not None:
            source = "; ".join(filter(None, (calibration.source, calibration.label)))
            return cls(n, people.height, unstated, calibration.scale, source)
        scales = list[str]()
        if CORRECTED in people.columns:
            scales = people[CORRECTED].cast(pl.String).drop_nulls().unique().sort().to_list()
        return cls(n, people.height, unstated, " / ".join(scales))

    def sentences(self, language: str = "en") -> Iterator[str]:
        """What a reader of the reference must know; nothing of one scanner that all are of."""
        words = _texts()[language]
        if self.n > 1 or self.source:
            way = "corrected" if self.source else "corrected_before" if self.scale else "pooled"
            yield words[way].format(n=count(self.n), scale=self.scale, source=self.source)
        if self.unstated:
            yield words["unstated"].format(unstated=count(self.unstated), people=count(self.people))
