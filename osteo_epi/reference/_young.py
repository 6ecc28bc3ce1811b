"""The young adults of a reference: one way of the several, with all that their errors hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.calibration import Correction
from osteo_epi.errors import SchemaError
from osteo_epi.norms import DERIVED, Interval, MeanSD
from osteo_epi.reference._peaks import CUT, Peak, peaks
from osteo_epi.reference._young_ages import MAXIMUM, said
from osteo_epi.reference.curves import Curve
from osteo_epi.reference.planning import equivalent_people

Key = tuple[str, str]


@dataclass(frozen=True)
class Youth:
    """Of whom young adults are taken, and how.

    Parameters
    ----------
    frame
        Everybody, those left out without readings.
    way
        One of the ways of `peaks`; None for no young adults.
    design
        Survey design.
    spine_rule
        Rule of the lumbar spine.
    calibration
        The correction that the densities went through; None for none.
    """

    frame: pl.DataFrame
    way: str | None
    design: Any
    spine_rule: str
    calibration: Correction | None

    def values(self, curves: Mapping[Key, Curve], notes: list[str]) -> Iterator[tuple[Key, Peak]]:
        """By sex and region, a peak read off the curves; too few people are left out, and said."""
        if self.way is None:
            return
        found = {
            (peak.sex, roi): peak
            for roi in dict.fromkeys(roi for _, roi in curves)
            for peak in self._peaks(
                roi, {sex: curve for (sex, of), curve in curves.items() if of == roi}
            )
            if peak.way == self.way
        }
        for sex, roi in curves:
            if (sex, roi) in found:
                peak = found[sex, roi]
                for text in said(curves[sex, roi], [(peak.way, peak.first)]):
                    notes.append(f"{roi}, {sex}: young adults by {text}")
                yield (sex, roi), peak
            else:
                notes.append(
                    f"{roi}, {sex}: too few people to take young adults by {self.way}: no "
                    "T-scores from it"
                )

    def _peaks(self, roi: str, curves: Mapping[str, Curve]) -> tuple[Peak, ...]:
        """Of the sexes that have a curve; the others stay as rows, which their design needs."""
        sex = pl.col("sex").cast(pl.String)
        fitted = self.frame.with_columns(pl.when(sex.is_in(list(curves))).then(sex).alias("sex"))
        try:
            # Errors of the people were refused, or accepted, before the curves.
            return peaks(
                fitted, roi=roi, design=self.design, spine_rule=self.spine_rule, curves=curves,
                calibration=self.calibration, accept_errors=True,
            ).values  # fmt: skip
        except SchemaError as error:
            raise SchemaError(f"{error}; young=None fits curves without young adults") from None


def mean_sd(peak: Peak) -> MeanSD:
    """Young adults as a norm holds them; of a curve's maximum there is no range of ages.

    Their error goes along as the people of a simple random sample whose cut-off at T = −2.5 has it.
    """
    ages, se = None, peak.at(CUT)[1] / peak.sd
    if peak.way != MAXIMUM:
        ages = Interval(float(peak.first), float(peak.last) + 1, True, False)
    size = equivalent_people(se, CUT) if se > 0 else None
    return MeanSD(mean=peak.mean, sd=peak.sd, grade=DERIVED, n=peak.n, ages=ages, n_effective=size)
