"""Mean and SD of young adults, and what they are linear in, as sums over people anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from osteo_epi.engines import totals
from osteo_epi.errors import SchemaError
from osteo_epi.norms import OWN_DATA, SEXES, Entry, Interval, MeanSD
from osteo_epi.summation import Addend, exact_totals

Part = tuple[str, str]
"""A sex and a region."""


@dataclass(frozen=True)
class Moments:
    """Density of the young adults of one sex at one region.

    Parameters
    ----------
    sex, roi
        Whose.
    n
        People with a density and a weight.
    weight
        Sum of their weights.
    largest_weight, largest
        The largest weight, and the largest density in size [g/cm²].
    mean, sd
        [g/cm²] Weighted.
    """

    sex: str
    roi: str
    n: int
    weight: float
    largest_weight: float
    largest: float
    mean: float
    sd: float

    def mean_sd(self, years: Interval) -> MeanSD:
        """As an entry of a reference has them."""
        return MeanSD(mean=self.mean, sd=self.sd, grade=OWN_DATA, n=self.n, ages=years)


@dataclass(frozen=True)
class _Size:
    """What has to be known of a part before it is added up."""

    n: int
    whole: bool
    weight: float
    density: float


def moments_of(young: pl.LazyFrame, rois: Sequence[str]) -> list[Moments]:
    """Mean and SD of each sex and region that somebody has.

    Parameters
    ----------
    young
        `sex`, `weight`, and a column of densities a region; null sex for whoever is not young.
    rois
        The regions.

    Returns
    -------
    list
        By sex, then region. Three passes over the people: sizes, means, spread about them.

    Examples
    --------
    >>> young = pl.LazyFrame({"sex": ["male"] * 3, "weight": [1.0] * 3, "hip": [0.8, 0.9, 1.0]})
    >>> [(m.n, round(m.mean, 12), round(m.sd, 12)) for m in moments_of(young, ["hip"])]
    [(3, 0.9, 0.1)]
    """
    sizes = _sizes(young, rois)
    weights = _summed(young, sizes, lambda part: Addend(_weight(part), sizes[part].weight))
    products = _summed(young, sizes, lambda part: _product(part, sizes[part]))
    means = {part: products[part] / weights[part] for part in sizes}
    squares = _summed(young, sizes, lambda part: _square(part, sizes[part], means[part]))
    return [
        Moments(
            *part, size.n, weights[part], size.weight, size.density, means[part],
            (squares[part] / weights[part] * size.n / max(size.n - 1, 1)) ** 0.5,
        )
        for part, size in sizes.items()
    ]  # fmt: skip


def linear_in(entry: Entry, moments: Moments | None) -> dict[str, Addend]:
    """Linearised mean and SD of one entry: what is added up over all, null for the others.

    Raises
    ------
    SchemaError
        If the entry was made of other people.
    """
    value = entry.value
    if moments is None or moments.n != value.n or abs(moments.mean - value.mean) > 1e-6 * value.sd:
        raise SchemaError(
            f"the young-adult reference was not made of these people: {entry.sex} at {entry.roi} "
            f"differ; make it anew with young_adult_reference(people)"
        )
    part = (entry.sex, entry.roi)
    share = _weight(part) / moments.weight
    about = pl.col(entry.roi) - value.mean
    free = value.n / (value.n - 1)
    most = moments.largest_weight / moments.weight
    reach = moments.largest + abs(value.mean)
    square = (about**2 * free - value.sd**2) / (2 * value.sd)
    name = f"{entry.sex} {entry.roi}"
    return {
        f"{name} mean": Addend((share * about).fill_null(0.0), most * reach),
        f"{name} sd": Addend(
            (share * square).fill_null(0.0),
            most * (reach**2 * free + value.sd**2) / (2 * value.sd),
        ),
    }


def _weight(part: Part) -> pl.Expr:
    """The weight of whoever is of a sex and has a region; null for the others."""
    sex, roi = part
    is_of = (pl.col("sex") == sex) & pl.col(roi).is_not_null()
    return pl.when(is_of).then(pl.col("weight"))


def _product(part: Part, size: _Size) -> Addend:
    return Addend(_weight(part) * pl.col(part[1]), size.weight * size.density)


def _square(part: Part, size: _Size, mean: float) -> Addend:
    reach = size.density + abs(mean)
    return Addend(_weight(part) * (pl.col(part[1]) - mean) ** 2, size.weight * reach**2)


def _sizes(young: pl.LazyFrame, rois: Sequence[str]) -> dict[Part, _Size]:
    parts = [(sex, roi) for sex in SEXES for roi in rois]
    weights = {part: _weight(part) for part in parts}
    names = {part: " ".join(part) for part in parts}
    row = totals(
        young,
        sums=[
            *(w.count().alias(f"n {names[part]}") for part, w in weights.items()),
            *((w != w.floor()).sum().alias(f"parts {names[part]}") for part, w in weights.items()),
        ],
        largest=[
            *(w.max().alias(f"weight {names[part]}") for part, w in weights.items()),
            *(
                pl.when(w.is_not_null()).then(pl.col(part[1]).abs()).max().alias(f"x {names[part]}")
                for part, w in weights.items()
            ),
        ],
    ).row(0, named=True)
    return {
        part: _Size(n, not row[f"parts {name}"], row[f"weight {name}"], row[f"x {name}"])
        for part, name in names.items()
        if (n := row[f"n {name}"])
    }


def _summed(
    young: pl.LazyFrame, sizes: dict[Part, _Size], addend: Callable[[Part], Addend]
) -> dict[Part, float]:
    """One sum a part, in one pass."""
    addends = {" ".join(part): addend(part) for part in sizes}
    n = max((size.n for size in sizes.values()), default=0)
    row = exact_totals(young, [], addends, n=n).row(0, named=True) if addends else {}
    return {part: row[" ".join(part)] for part in sizes}
