"""Volumetric density of the lumbar spine by QCT: which vertebrae, their mean, and how scanned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import combinations
from operator import add

import polars as pl

from osteo_epi.cohort import codebook
from osteo_epi.diagnosis._columns import Columns, first_true
from osteo_epi.diagnosis.measurements._spine import VERTEBRAE
from osteo_epi.norms import QctRule

GIVEN_MEAN = "vbmd_lumbar_spine"
VBMD_COLUMNS = (*(f"vbmd_{name}" for name in VERTEBRAE), GIVEN_MEAN)


@dataclass(frozen=True)
class LumbarQct:
    """The expressions of QCT of the lumbar spine on what one frame offers."""

    columns: Columns
    rule: QctRule

    def density(self, name: str) -> pl.Expr | None:
        """Return a volumetric density as measured, negative ones included [mg/cm³].

        Fat marrow gives negative densities. A value of exactly 0 is what some exports write where
        nothing was measured, and hardly ever what was: it is read as not measured, and counted.
        """
        value = self.columns.quantity(name)
        return None if value is None else pl.when(value.is_finite() & (value != 0.0)).then(value)

    @cached_property
    def parts(self) -> dict[str, pl.Expr]:
        """The vertebrae that the file knows, in the criterion's order of preference."""
        order = [*self.rule.prefer, *(name for name in VERTEBRAE if name not in self.rule.prefer)]
        parts = {name: self._usable(name, self.density(f"vbmd_{name}")) for name in order}
        return {name: part for name, part in parts.items() if part is not None}

    def _usable(self, name: str, value: pl.Expr | None) -> pl.Expr | None:
        """Leave a vertebra out that is stated invalid, unless that may be said of its DXA."""
        refused = self._refused(name)
        return value if value is None or refused is None else pl.when(~refused).then(value)

    def _refused(self, name: str) -> pl.Expr | None:
        """Whether a vertebra is stated invalid, and not by DXA alone; never null."""
        valid = self.columns.valid_vertebra(name)
        return None if valid is None else ~(valid.fill_null(True) | self._by_dxa)

    @cached_property
    def _by_dxa(self) -> pl.Expr:
        """Whether a person's spine was scanned by DXA: flags may speak of that; never null.

        It was where it has a reading or a reported score, or where every vertebra is refused: such
        spines are often written without any, and QCT is what they are sent to.
        """
        names = [f"{what}_{name}" for name in VERTEBRAE for what in ("abmd", "bmc")]
        known = [self.columns.density(name) for name in (*names, "abmd_lumbar_spine")]
        known.append(self.columns.quantity("t_score_lumbar_spine_reported"))
        readings = [reading.is_not_null() for reading in known if reading is not None]
        if not readings:
            return pl.lit(False)
        flags = (self.columns.valid_vertebra(name) for name in VERTEBRAE)
        refused = [pl.lit(False) if flag is None else ~flag.fill_null(True) for flag in flags]
        return pl.any_horizontal(*readings, pl.all_horizontal(refused))

    @cached_property
    def means(self) -> dict[str, pl.Expr]:
        """Mean of each pair, by its vertebrae ("L1 L2"), in the order of preference."""
        return {
            " ".join(sorted(chosen)).upper(): reduce(add, (self.parts[name] for name in chosen))
            / self.rule.n_vertebrae
            for chosen in combinations(self.parts, self.rule.n_vertebrae)
        }

    def mean(self) -> pl.Expr | None:
        """Return the mean of the first pair that is there, else the file's own [mg/cm³].

        The file's own may rest on a vertebra that is stated invalid, and is not read beside one.
        """
        given = self.density(GIVEN_MEAN)
        refused = [r for name in VERTEBRAE if (r := self._refused(name)) is not None]
        if given is not None and refused:
            given = pl.when(~pl.any_horizontal(refused)).then(given)
        means = [*self.means.values(), *([] if given is None else [given])]
        return pl.coalesce(means) if means else None

    def vertebrae(self) -> pl.Expr:
        """Name the vertebrae of the mean, as "L1 L2"; null where the mean is the file's own."""
        return first_true((mean.is_not_null(), names) for names, mean in self.means.items())

    def single(self) -> pl.Expr:
        """Say whether some vertebra is measured; by itself it is too little."""
        measured = [part.is_not_null() for part in self.parts.values()]
        return pl.any_horizontal(measured) if measured else pl.lit(False)

    def zero(self) -> pl.Expr:
        """Say whether some reading is exactly 0, and so taken as not measured."""
        values = [
            value for name in VBMD_COLUMNS if (value := self.columns.quantity(name)) is not None
        ]
        zeros = [(value == 0.0).fill_null(False) for value in values]
        return pl.any_horizontal(zeros) if zeros else pl.lit(False)

    def remarks(self) -> list[tuple[pl.Expr, str]]:
        """What of a scan is unlike those on which the criterion rests, as codes.

        The consensus names one system and one voltage; a scan made for another purpose is as good
        as one of its own, once calibrated.
        """
        voltage = self.columns.quantity("tube_voltage")
        calibration = self.columns.text("qct_calibration")
        unstated = pl.lit(True) if calibration is None else calibration.is_null()
        borrowed = unstated & self._borrowed()
        cases = [
            (pl.lit(True) if voltage is None else voltage.is_null(), "qct_voltage_not_stated"),
            (borrowed, "qct_scan_not_calibrated"),
            (unstated & ~borrowed, "qct_calibration_not_stated"),
        ]
        if voltage is not None:
            cases.insert(0, (voltage != self.rule.tube_voltage, "qct_voltage_differs"))
        if calibration is not None:
            cases.append((~self.rule.is_system(calibration), "qct_calibration_differs"))
        return cases

    def _borrowed(self) -> pl.Expr:
        """Whether the scan is stated to have been made for another purpose; never null."""
        source = self.columns.text("scan_source")
        if source is None:
            return pl.lit(False)
        dedicated = "|".join(codebook()["scan_source"].words)
        return (~source.cast(pl.String).str.contains(f"(?i){dedicated}")).fill_null(False)
