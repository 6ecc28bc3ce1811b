"""What a reader hands to the door: the file's own columns, and what the caller declared of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort.findings import Finding
from osteo_epi.errors import SchemaError

Code = float | str


@dataclass(frozen=True)
class Raw:
    """A file as it is: nothing converted, nothing left out.

    `labels` are the value labels that statistical packages keep with a column: a coding that the
    source itself declares.
    """

    frame: pl.DataFrame
    files: tuple[Path, ...]
    reader: str
    encoding: str | None = None
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Declared:
    """What the caller says about the file, with the readings of `read`'s arguments in one place."""

    map: dict[str, str | None] = field(default_factory=dict)
    sex_coding: dict[str, str] | None = None
    units: dict[str, str] = field(default_factory=dict)
    sentinels: dict[str, tuple[Code, ...]] | None = None

    @classmethod
    def of(
        cls,
        map: Mapping[str, str | None] | None = None,
        sex_coding: Mapping[Any, str] | None = None,
        units: Mapping[str, str] | None = None,
        sentinels: Mapping[str, Sequence[Code]] | Sequence[Code] | None = None,
    ) -> Declared:
        """Bring the arguments into one shape; a bare list of sentinels holds for every column."""
        coding = {str(code): sex for code, sex in sex_coding.items()} if sex_coding else None
        if isinstance(sentinels, str):
            raise SchemaError(
                "sentinels= takes a list of codes, e.g. [-9, 99], or one list a column, "
                'e.g. {"abmd_femoral_neck": [-9]}'
            )
        if sentinels is not None and not isinstance(sentinels, Mapping):
            sentinels = {"*": sentinels}
        codes = None if sentinels is None else {k: tuple(v) for k, v in sentinels.items()}
        return cls(dict(map or {}), coding, dict(units or {}), codes)

    def codes(self, *names: str) -> tuple[Code, ...]:
        """Declared codes for missing in a column, by its heading or its canonical name."""
        table = self.sentinels or {}
        return tuple(code for name in ("*", *names) for code in table.get(name, ()))
