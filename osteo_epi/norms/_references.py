"""Reference people: the young adults behind a T-score, the age curves behind a Z-score.

Both hold areal densities only. Volumetric density (QCT spine) is judged on absolute values and CT
numbers (HU) are no density, so a file of either is refused here and cannot reach a score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from osteo_epi.errors import NormError
from osteo_epi.html import html_table
from osteo_epi.language import word
from osteo_epi.norms._bands import Interval
from osteo_epi.norms._curves import AnyCurve, read_curve
from osteo_epi.norms._norm import (
    PUBLISHED_GRADES,
    Fields,
    Norm,
    grade,
    graded,
    read_head,
    whole,
    worst,
)
from osteo_epi.rounding import density

SEXES = ("female", "male")
CTXA = "_ctxa"


@dataclass(frozen=True)
class MeanSD:
    """Mean and SD [g/cm²] of the young adults of one sex at one region of interest.

    Attributes
    ----------
    mean, sd
        [g/cm²]
    grade
        A, B, C or derived, see `Norm.verification`.
    n
        People behind it, where stated.
    ages
        [years] Their ages.
    n_effective
        People of a simple random sample whose cut-off at T = −2.5 would be as uncertain as this
        one, where people were weighted or drawn in clusters; None where that is not known.
    """

    mean: float
    sd: float
    grade: str = "A"
    n: int | None = None
    ages: Interval | None = None
    # How uncertain a cut-off is changes no estimate: it stays out of the digest.
    n_effective: float | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Entry:
    """One line of a young-adult reference."""

    sex: str
    roi: str
    value: MeanSD


@dataclass(frozen=True, kw_only=True, repr=False)
class YoungAdultReference(Norm):
    """Young adults to whom a T-score compares, by sex and region of interest.

    Attributes
    ----------
    population
        Who they are.
    maker
        Densitometer's maker, "unknown" where the publication does not say.
    maker_level
        Maker on whose scale the values evidently lie, where the publication does not name one;
        empty where that is not known either.
    maker_grade
        Grade of that, A, B or C.
    unit
        g/cm2
    entries
        All means and SDs.
    """

    kind: ClassVar[str] = "young_adult"
    quantity: ClassVar[str] = "abmd"

    population: str
    maker: str
    entries: tuple[Entry, ...]
    unit: str = "g/cm2"
    # Whether the reference suits the data changes no estimate: both stay out of the digest.
    maker_level: str = field(default="", repr=False)
    maker_grade: str = field(default="", repr=False)

    def mean_sd(self, sex: str, roi: str) -> MeanSD | None:
        """Mean and SD of one sex and region, or None where the reference lacks it.

        Parameters
        ----------
        sex
            "female" or "male".
        roi
            Region of interest. Areal hip density by QCT, `femoral_neck_ctxa`, takes its own entry
            where there is one and the areal entry of the region otherwise.

        Examples
        --------
        >>> from osteo_epi import norms
        >>> zhang = norms.load("young_adult", "zhang_2007")
        >>> zhang.mean_sd("female", "femoral_neck").mean
        0.927
        >>> zhang.mean_sd("male", "femoral_neck") is None
        True
        """
        table = {(entry.sex, entry.roi): entry.value for entry in self.entries}
        return table.get((sex, roi)) or table.get((sex, roi.removesuffix(CTXA)))

    def standardised(self, value: pl.Expr, sex: str, roi: str) -> pl.Expr | None:
        """T-score [SD] of a density [g/cm²] among a sex at a region, or None without a mean.

        Times the reciprocal, as Polars divides whole chunks: so a chunk of one row is no other.

        Examples
        --------
        >>> from osteo_epi import norms
        >>> zhang = norms.load("young_adult", "zhang_2007")
        >>> zhang.standardised(pl.col("bmd"), "female", "femoral_neck") is None
        False
        >>> zhang.standardised(pl.col("bmd"), "male", "femoral_neck") is None
        True
        """
        young = self.mean_sd(sex, roi)
        return None if young is None else (value - young.mean) * (1.0 / young.sd)

    def _repr_html_(self) -> str:
        table = pl.DataFrame(
            {
                "sex": word(entry.sex),
                "region": word(entry.roi),
                "n": entry.value.n,
                "mean [g/cm²]": density(entry.value.mean),
                "SD [g/cm²]": density(entry.value.sd),
                "grade": graded(entry.value.grade).removeprefix("grade "),
            }
            for entry in self.entries
        )
        maker = f"Densitometers: {self.maker}" if self.maker else ""
        lines = (f"{self.id}: {self.title}", self.population, maker)
        return html_table(table, caption="\n".join(filter(None, lines)), notes=(self.cite(),))

    def has_own(self, roi: str) -> bool:
        """Whether the region has entries of its own, and `mean_sd` takes no other's for it."""
        return any(entry.roi == roi for entry in self.entries)

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> YoungAdultReference:
        """Build from a file of kind `young_adult`."""
        _areal(fields)
        head, default = read_head(fields), grade(fields)
        entries = tuple(_entry(entry, default) for entry in fields.each("entry"))
        _unique(fields, "entry", [(entry.sex, entry.roi) for entry in entries])
        level = fields.text("maker_level", "")
        reference = cls(
            **head,
            verification=worst([entry.value.grade for entry in entries]),
            sha256=sha256,
            population=fields.text("population"),
            maker=fields.text("maker"),
            entries=entries,
            maker_level=level,
            maker_grade=fields.choice("maker_grade", PUBLISHED_GRADES) if level else "",
        )
        fields.done()
        return reference


@dataclass(frozen=True)
class CurveEntry:
    """One curve of an age reference."""

    sex: str
    roi: str
    curve: AnyCurve


@dataclass(frozen=True, kw_only=True, repr=False)
class AgeReference(Norm):
    """People of the same age to whom a Z-score compares, by sex and region of interest.

    Attributes
    ----------
    population, maker, unit
        As in `YoungAdultReference`.
    curves
        All age curves.
    """

    kind: ClassVar[str] = "by_age"
    quantity: ClassVar[str] = "abmd"

    population: str
    maker: str
    curves: tuple[CurveEntry, ...]
    unit: str = "g/cm2"

    def curve(self, sex: str, roi: str) -> AnyCurve | None:
        """Age curve of one sex and region (`_ctxa` as in `YoungAdultReference`), or None."""
        table = {(entry.sex, entry.roi): entry.curve for entry in self.curves}
        return table.get((sex, roi)) or table.get((sex, roi.removesuffix(CTXA)))

    def has_own(self, roi: str) -> bool:
        """Whether the region has curves of its own, see `YoungAdultReference.has_own`."""
        return any(entry.roi == roi for entry in self.curves)

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> AgeReference:
        """Build from a file of kind `by_age`."""
        _areal(fields)
        head, default = read_head(fields), grade(fields)
        curves = tuple(_curve(curve, default) for curve in fields.each("curve"))
        _unique(fields, "curve", [(entry.sex, entry.roi) for entry in curves])
        reference = cls(
            **head,
            verification=worst([entry.curve.grade for entry in curves]),
            sha256=sha256,
            population=fields.text("population"),
            maker=fields.text("maker"),
            curves=curves,
        )
        fields.done()
        return reference


def _areal(fields: Fields) -> None:
    """Refuse what no T- or Z-score can be made of."""
    quantity = fields.text("quantity")
    if quantity != "abmd":
        raise NormError(
            f"{fields.file}: quantity: expected 'abmd' (areal density by DXA or CTXA), found "
            f"{quantity!r}; QCT spine density is judged on absolute values, HU is no density"
        )
    fields.choice("unit", ("g/cm2",))


def _entry(fields: Fields, default: str) -> Entry:
    value = MeanSD(
        mean=fields.number("mean", above=0),
        sd=fields.number("sd", above=0),
        grade=grade(fields, default),
        n=whole(fields, "n") if "n" in fields.table else None,
        ages=fields.interval("ages", None),
        n_effective=fields.number("n_effective", None, above=1),
    )
    entry = Entry(fields.choice("sex", SEXES), fields.text("roi"), value)
    fields.done()
    return entry


def _curve(fields: Fields, default: str) -> CurveEntry:
    curve = read_curve(fields, default)
    entry = CurveEntry(fields.choice("sex", SEXES), fields.text("roi"), curve)
    fields.done()
    return entry


def _unique(fields: Fields, name: str, keys: list[tuple[str, str]]) -> None:
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise NormError(
            f"{fields.file}: {name}: {' '.join(twice[0])} is given twice; expected once"
        )
