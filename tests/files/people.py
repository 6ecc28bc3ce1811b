"""SIMULATED people, drawn by NumPy alone, and the right number of them.

T-scores have one decimal and none is -2.5, densities are those of the T-scores by the reference
named: whichever of them a file carries, and however it rounds, the count is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REGIONS = ("lumbar_spine", "femoral_neck", "total_hip")
# Mean and SD of young adults [g/cm2], each by the norm file of this name.
NHANES3_WHITE_FEMALE = {
    "lumbar_spine": (1.047, 0.110),
    "femoral_neck": (0.858, 0.120),
    "total_hip": (0.942, 0.122),
}
ZHANG_2007 = {
    "lumbar_spine": (1.116, 0.12),
    "femoral_neck": (0.927, 0.12),
    "total_hip": (0.963, 0.13),
}
CUT = -2.5
"""At or below it is osteoporosis, by the lowest of the three regions (WHO, the consensus)."""
BELOW_EXPECTED = -2.0
"""At or below it, by the lowest Z-score, a child is below the expected range for age."""


@dataclass(frozen=True)
class People:
    """One row a person; `t` and `z` by region."""

    sex: list[str]
    age: list[int]
    height: list[float]
    weight: list[float]
    t: dict[str, np.ndarray]
    z: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.sex)

    @property
    def n(self) -> range:
        """Numbers of the people from 0."""
        return range(len(self.sex))

    def ids(self, pattern: str = "P{:04d}") -> list[str]:
        """An identifier a person."""
        return [pattern.format(17 * i + 1001) for i in self.n]

    def bmd(self, region: str, reference: dict[str, tuple[float, float]] | None = None) -> list:
        """Densities [g/cm2] of three decimals whose T-scores are the person's."""
        mean, sd = (reference or NHANES3_WHITE_FEMALE)[region]
        return [round(float(mean + t * sd), 3) for t in self.t[region]]

    def lowest(self, regions: Sequence[str] = REGIONS) -> np.ndarray:
        """The lowest T-score of the regions."""
        return np.min([self.t[region] for region in regions], axis=0)

    def words(self, female: object, male: object) -> list:
        """Sex in the words, or the codes, of a file."""
        return [female if sex == "female" else male for sex in self.sex]


@dataclass(frozen=True)
class Right:
    """The right number: of each sex, or of all, how many have osteoporosis, of how many."""

    cases: dict[str, int]
    n: dict[str, int]
    share: dict[str, float]


def draw(seed: int, n: int = 60, *, share_of_women: float = 0.6) -> People:
    """Draw people of 50 to 84 years, women lower than men, the old lower than the young."""
    rng = np.random.default_rng(seed)
    woman = rng.random(n) < share_of_women
    age = rng.integers(50, 85, n)
    common = rng.normal(-0.9 - 0.03 * (age - 50) - 0.7 * woman, 0.8)
    t, z = {}, {}
    for region in REGIONS:
        score = np.round(common + rng.normal(0, 0.5, n), 1).clip(-5.0, 3.0)
        score[np.isclose(score, CUT)] -= 0.1
        t[region] = np.round(score, 1)
        z[region] = np.round(score + 0.035 * (age - 30) + rng.normal(0, 0.1, n), 1)
    height = np.round(rng.normal(np.where(woman, 157, 169), 6), 1)
    weight = np.round(rng.normal(np.where(woman, 60, 70), 9).clip(38), 1)
    sex = ["female" if w else "male" for w in woman]
    return People(sex, age.tolist(), height.tolist(), weight.tolist(), t, z)


def right(
    people: People,
    affected: np.ndarray | None = None,
    *,
    counted: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    together: bool = False,
) -> Right:
    """Count those whose lowest T-score is at or below -2.5, by sex.

    `affected` says so in another way, `counted` who can be judged at all, `weight` what each
    stands for; `together` counts the sexes as one.
    """
    ill = people.lowest() <= CUT if affected is None else affected
    seen = np.ones(len(people), bool) if counted is None else counted
    w = np.ones(len(people)) if weight is None else weight
    rows = {sex: np.array([s == sex for s in people.sex]) & seen for sex in ("female", "male")}
    rows = {"all": seen} if together else rows
    rows = {sex: chosen for sex, chosen in rows.items() if chosen.any()}
    return Right(
        {sex: int((ill & chosen).sum()) for sex, chosen in rows.items()},
        {sex: int(chosen.sum()) for sex, chosen in rows.items()},
        {sex: float((w * ill)[chosen].sum() / w[chosen].sum()) for sex, chosen in rows.items()},
    )
