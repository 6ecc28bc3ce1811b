"""Derive curves by age and young adults of NHANES 2005-2010 from its public microdata.

Run it from a checkout beside whose folder the microdata lie; for everybody and for each group of
the survey it writes by_age/nhanes_2005_2010…_derived.toml (LMS curves) and
young_adult/nhanes_2005_2010…_derived.toml, and stops if its young adults of 2005-2008 are not those
that NCHS printed.

People: examined, 8-79 years, three cycles pooled, weighted by WTMEC2YR / 3. The survey scanned no
pregnant woman, and gives no value for a scan that it took for invalid. Lumbar spine: mineral over
area of L1-L4, all four valid. From 80 years two of the cycles give no age, so the curves end there.
Age is that of the examination in months, so that a year of growth is not half a year late; where
the file has none, half a year is added to the completed years.
Curves: P-splines of a power of age, whose smoothness is chosen for the effective number of people,
as the design leaves it; `--powers` prints by how much each power of age is worse than the best.
Groups: the survey's own (RIDRETH1). Not derived: Other Hispanic, sampled for estimates of its own
in two of the cycles alone (young adults: 97 men, 114 women), and Other, which is no population.
"""

from __future__ import annotations

import hashlib
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from polars_readstat import scan_readstat

from osteo_epi import norms
from osteo_epi.norms import find_family
from osteo_epi.reference import Constant, Curve, PSpline, diagnose, fit_curve
from osteo_epi.reference.planning import equivalent_people
from osteo_epi.survey import Array, SurveyDesign, covariance

ROOT = Path(__file__).resolve().parents[2]
SHELF = ROOT / "reference_norms"
NHANES = ROOT.parent / "shared" / "data" / "nhanes"
CYCLES = {"2005-2006": "D", "2007-2008": "E", "2009-2010": "F"}
TABLES = ("DEMO", "DXXFEM", "DXXSPN")
SEX = {"female": 2, "male": 1}
VERTEBRAE = ("l1", "l2", "l3", "l4")
ROIS = ("lumbar_spine", *VERTEBRAE, "femoral_neck", "total_hip")
FILE = {"femoral_neck": "DXXNKBMD", "total_hip": "DXXOFBMD"} | {
    v: f"DXX{v.upper()}BMD" for v in VERTEBRAE
}
AGES = (8, 80)
YOUNG = (20, 30)
DATE = "2026-11-28"
CUT = -2.5
DESIGN = SurveyDesign(weight="weight", stratum="stratum", psu="unit")
# Growth is fast and ageing slow, and one smoothness has to serve both: the spline is one of a power
# of age (0: its logarithm), one for all curves, by which the sum of their GAIC is least; k is the
# logarithm of the effective number of people. Knots stand each year or less while people grow.
POWERS = (1.0, 0.5, 0.0, -0.25, -0.5, -0.75, -1.0)
POWER = -0.5
INTERVALS = 40
DIGITS = {"mu": 4, "sigma": 5, "nu": 4}
# The first decimals that NCHS printed, some rounded and some cut: 0.001 apart at most. Two of its
# tables are read in papers that quote them.
PRINTED_WITHIN = 0.00205


@dataclass(frozen=True)
class Group:
    """People of the survey, as it calls them."""

    name: str
    words: str
    words_zh: str
    code: int | None = None

    @property
    def id(self) -> str:
        """Name of both files."""
        return "_".join(part for part in ("nhanes_2005_2010", self.name, "derived") if part)


GROUPS = (
    Group("", "all groups", "全体"),
    Group("nhw", "non-Hispanic White", "非西班牙裔白人", 3),
    Group("nhb", "non-Hispanic Black", "非西班牙裔黑人", 4),
    Group("mexican_american", "Mexican American", "墨西哥裔美国人", 1),
)
PRINTED = {"nhw": "nhanes_2005_2008_nhw", "nhb": "nhanes_2005_2008_nhb"}

HEAD = """kind = "{kind}"
id = "{group.id}"
title = "NHANES 2005-2010 {group.words}, {what}, derived from the microdata"
title_zh = "NHANES 2005—2010{group.words_zh}{what_zh}（由公开原始数据推导）"
verification = "derived"
labels = ["derived"]
quantity = "abmd"
unit = "g/cm2"
population = "{population}, United States 2005-2010"
maker = "hologic"
notes = \"\"\"
Computed by data/derivations/derive_nhanes_2005_2010.py, printed by nobody. Survey-weighted
(WTMEC2YR / 3). Lumbar spine: mineral over area of L1-L4, all four valid.
{more}\"\"\"

[citation]
text = \"\"\"
National Center for Health Statistics. National Health and Nutrition Examination Survey, public \\
data 2005-2006, 2007-2008 and 2009-2010: DEMO, DXXFEM, DXXSPN. Derived by this toolkit.\"\"\"

[derivation]
data_sha256 = "{digest}"
people = {people}
exclusions = [
    "no valid density, as the survey's files have it",
    "pregnant: not scanned by the survey",
    "{ages}",
]
model = "{model}"
design = "{design}"
software = "osteo-epi, data/derivations/derive_nhanes_2005_2010.py"
date = "{date}"
ages = "{convention}"

"""
CURVES = """\
Curves of 8-79 years of age at examination in months; a knot a year, linear between. Where only
completed years are known, half a year has to be added: it matters while people grow.
From 80 years two of the three cycles give no age.
Smoothness is chosen for the effective number of people: Kish's, less what sampling units cost.
How near the curves are: mean Z-scores of the people themselves, by the numbers below, lie within
{young:.2f} over two-year bands from 8 to 20 years, and within {old:.2f} over ten-year bands from
there."""
ADULTS = """\
People of 20-29 completed years, mean and SD weighted, the SD with n / (n - 1). n_effective: people
of a simple random sample whose cut-off at T = -2.5 is as uncertain.{apart}"""
WEIGHTED = "weighted by WTMEC2YR / 3; strata SDMVSTRA and units SDMVPSU for "
APART = """
Means lie at most {mean:.3f} and SDs {sd:.3f} g/cm2 from those that NCHS printed of this group for
2005-2008, whose people are two thirds of these."""


def people(folder: Path) -> pl.DataFrame:
    """Read people of all cycles, with sex, age, group, weight and densities by region."""
    cycles = []
    for cycle, letter in CYCLES.items():
        demo, femur, spine = (
            scan_readstat(str(folder / cycle / f"{table}_{letter}.XPT")).collect()
            for table in TABLES
        )
        joined = demo.join(femur, on="SEQN", how="left").join(spine, on="SEQN", how="left")
        cycles.append(joined.select("SEQN", pl.lit(cycle).alias("cycle"), *_columns()))
    return pl.concat(cycles).filter(pl.col("weight") > 0)


def _columns() -> list[pl.Expr]:
    four = pl.all_horizontal(pl.col(f"DXX{v.upper()}BMD").is_not_null() for v in VERTEBRAE)
    mineral, area = (
        pl.sum_horizontal(f"DXX{v.upper()}{what}" for v in VERTEBRAE) for what in ("BMC", "A")
    )
    sexes = {code: sex for sex, code in SEX.items()}
    return [
        pl.col("RIAGENDR").replace_strict(sexes, return_dtype=pl.String).alias("sex"),
        pl.col("RIDAGEYR").alias("years"),
        pl.coalesce(pl.col("RIDAGEEX") / 12, pl.col("RIDAGEYR") + 0.5).alias("age"),
        pl.col("RIDRETH1").alias("group"),
        pl.col("SDMVSTRA").alias("stratum"),
        pl.col("SDMVPSU").alias("unit"),
        (pl.col("WTMEC2YR") / len(CYCLES)).alias("weight"),
        *(pl.col(column).alias(roi) for roi, column in FILE.items()),
        pl.when(four).then(mineral / area).alias("lumbar_spine"),
    ]


def of_group(data: pl.DataFrame, group: Group, sex: str, roi: str) -> pl.DataFrame:
    """People of one group and sex who have the density."""
    chosen = data.filter(pl.col("sex") == sex, pl.col(roi).is_not_null())
    return chosen if group.code is None else chosen.filter(pl.col("group") == group.code)


def mean_sd(chosen: pl.DataFrame, roi: str) -> tuple[float, float, int]:
    """Weighted mean and SD [g/cm²] of young adults, and their number."""
    young = chosen.filter(pl.col("years").is_between(*YOUNG, closed="left"))
    value, weight = young[roi].to_numpy(), young["weight"].to_numpy()
    mean = np.average(value, weights=weight)
    variance = np.average((value - mean) ** 2, weights=weight) * len(value) / (len(value) - 1)
    return float(mean), float(np.sqrt(variance)), len(value)


def effective(data: pl.DataFrame, chosen: pl.DataFrame, roi: str) -> float:
    """People of a simple random sample whose cut-off at T = −2.5 is as uncertain."""
    mean, sd, n = mean_sd(chosen, roi)
    young = chosen.filter(pl.col("years").is_between(*YOUNG, closed="left"))["SEQN"]
    inside = data["SEQN"].is_in(young.implode()).to_numpy()
    share = np.where(inside, data["weight"].to_numpy(), 0.0)
    share = share / share.sum()
    about = np.where(inside, data[roi].fill_null(mean).to_numpy() - mean, 0.0)
    of_sd = (about**2 * n / (n - 1) - sd**2) / (2 * sd)
    linear = share * (about + CUT * of_sd)
    variance = covariance(linear[:, None], DESIGN.arrays(data), domain=inside)[0, 0]
    return equivalent_people(float(np.sqrt(variance)) / sd, CUT)


def powered(age: Array, power: float = POWER) -> Array:
    """Age on the scale of the splines, ascending; whoever is younger has no density here."""
    age = np.maximum(age, AGES[0])
    return np.log(age) if power == 0 else np.sign(power) * age**power


def aged(data: pl.DataFrame, chosen: pl.DataFrame, roi: str) -> pl.DataFrame:
    """Everybody, who keep their sampling units, with the density of those chosen alone."""
    young_to_old = chosen.filter(pl.col("years").is_between(*AGES, closed="left"))["SEQN"]
    inside = pl.col("SEQN").is_in(young_to_old.implode())
    return data.with_columns(pl.when(inside).then(pl.col(roi)).alias(roi))


def smoothed(whole: pl.DataFrame, roi: str, power: float, n_effective: float | None) -> Curve:
    """The LMS curve over a power of age."""
    term = PSpline(intervals=INTERVALS, n_effective=n_effective)
    curve = fit_curve(
        whole.with_columns(scale=powered(whole["age"].to_numpy(), power)),
        roi,
        mu=term,
        sigma=term,
        nu=Constant(),
        weight="weight",
        age="scale",
    )
    if not curve.fit.converged:
        sys.exit(f"{roi}: {curve.notes[0]}")
    return curve


def people_told(whole: pl.DataFrame, roi: str) -> float:
    """Effective number of the people of a curve, by the scores of a first one."""
    first = smoothed(whole, roi, POWER, None)
    scaled = whole.with_columns(scale=powered(whole["age"].to_numpy()))
    return diagnose(first, scaled, design=DESIGN, folds=0, age="scale").n_effective


def fitted(data: pl.DataFrame, group: Group, sex: str, roi: str) -> Curve:
    """The curve of one group, sex and region, as smooth as its people tell."""
    whole = aged(data, of_group(data, group, sex, roi), roi)
    return smoothed(whole, roi, POWER, people_told(whole, roi))


def at_knots(curve: Curve) -> dict[str, list[str]]:
    """Parameters at whole years as they are written; the first month and the last are held."""
    knots = np.clip(powered(np.arange(*AGES, dtype=float)), *curve.ages)
    values = curve.parameters(knots)
    return {name: [f"{v:.{digits}f}" for v in values[name]] for name, digits in DIGITS.items()}


def farthest(written: dict[str, list[str]], chosen: pl.DataFrame, roi: str) -> tuple[float, float]:
    """Largest mean Z-score, without its sign, by two years to 20 and by ten years from there.

    By the numbers as they are written, linear between.
    """
    own = chosen.filter(pl.col("years").is_between(*AGES, closed="left"))
    age, knots = own["age"].to_numpy(), np.arange(*AGES)
    at = {name: np.interp(age, knots, np.array(v, dtype=float)) for name, v in written.items()}
    z = find_family("bccg").normal_score(own[roi].to_numpy(), at)
    years, weight = own["years"].to_numpy(), own["weight"].to_numpy()
    worst = []
    for bands in ([(a, a + 2) for a in range(8, 20, 2)], [(a, a + 10) for a in range(20, 80, 10)]):
        inside = [(years >= low) & (years < high) for low, high in bands]
        worst.append(max(abs(float(np.average(z[b], weights=weight[b]))) for b in inside))
    return worst[0], worst[1]


def powers(data: pl.DataFrame) -> None:
    """Print by how much the sum of GAIC is above its least, by group and in all."""
    table = np.zeros((len(GROUPS), len(POWERS)))
    for row, group in zip(table, GROUPS, strict=True):
        for sex in SEX:
            for roi in ROIS:
                whole = aged(data, of_group(data, group, sex, roi), roi)
                n = people_told(whole, roi)
                for k, power in enumerate(POWERS):
                    curve = smoothed(whole, roi, power, n)
                    row[k] += curve.fit.deviance * n / curve.n + np.log(n) * curve.df
    names = [*(group.words for group in GROUPS), "in all"]
    for name, row in zip(names, [*table, table.sum(0)], strict=True):
        print(name, *(f"{p:g}: {v:.1f}" for p, v in zip(POWERS, row - row.min(), strict=True)))


def apart(data: pl.DataFrame, group: Group) -> tuple[float, float]:
    """Largest differences of mean and of SD from the young adults that NCHS printed of a group."""
    printed = norms.load("young_adult", PRINTED[group.name])
    gaps = []
    for entry in printed.entries:
        mean, sd, _ = mean_sd(of_group(data, group, entry.sex, entry.roi), entry.roi)
        gaps.append((abs(mean - entry.value.mean), abs(sd - entry.value.sd)))
    means, sds = zip(*gaps, strict=True)
    return max(means), max(sds)


def digest(folder: Path) -> str:
    """SHA-256 of the files read, one after the other."""
    whole = hashlib.sha256()
    for cycle, letter in CYCLES.items():
        for table in TABLES:
            whole.update((folder / cycle / f"{table}_{letter}.XPT").read_bytes())
    return whole.hexdigest()


def by_age(data: pl.DataFrame, group: Group, files: str) -> str:
    """Text of the curves of one group."""
    text, near, everybody = "", [], set[float]()
    knots = ", ".join(str(age) for age in range(*AGES))
    for sex in SEX:
        for roi in ROIS:
            chosen = of_group(data, group, sex, roi)
            curve = fitted(data, group, sex, roi)
            written = at_knots(curve)
            near.append(farthest(written, chosen, roi))
            everybody |= set(
                chosen.filter(pl.col("years").is_between(*AGES, closed="left"))["SEQN"]
            )
            text += f'[[curve]]                         # n: {curve.n}\nsex = "{sex}"\n'
            text += f'roi = "{roi}"\nages = "[{AGES[0]}, {AGES[1]})"\nage = [{knots}]\n'
            text += 'family = "bccg"\n'
            for name, values in written.items():
                text += f"{name} = [{', '.join(values)}]\n"
            text += "\n"
    # "Within" holds of a number rounded up alone.
    young, old = (math.ceil(100 * max(column)) / 100 for column in zip(*near, strict=True))
    model = (
        f"Box-Cox Cole-Green (LMS); median and coefficient of variation: P-splines of age to the "
        f"power {POWER:g}, {INTERVALS} intervals, smoothness by local maximum likelihood for the "
        "effective number of people; power: constant"
    )
    head = _head(
        "by_age", group, "by age", CURVES.format(young=young, old=old), len(everybody), model, files
    )
    return head + text.rstrip("\n") + "\n"


def young_adult(data: pl.DataFrame, group: Group, files: str) -> str:
    """Text of the young adults of one group."""
    text, everybody = "", set[float]()
    for sex in SEX:
        for roi in ROIS:
            chosen = of_group(data, group, sex, roi)
            mean, sd, n = mean_sd(chosen, roi)
            everybody |= set(
                chosen.filter(pl.col("years").is_between(*YOUNG, closed="left"))["SEQN"]
            )
            text += f'[[entry]]\nsex = "{sex}"\nroi = "{roi}"\nages = "[20, 30)"\nn = {n}\n'
            size = effective(data, chosen, roi)
            text += f"n_effective = {size:.1f}\nmean = {mean:.4f}\nsd = {sd:.4f}\n\n"
    far = ""
    if group.name in PRINTED:
        mean, sd = apart(data, group)
        far = APART.format(mean=mean, sd=sd)
    head = _head(
        "young_adult", group, "20-29 years", ADULTS.format(apart=far), len(everybody),
        "weighted mean and SD", files,
    )  # fmt: skip
    return head + text.rstrip("\n") + "\n"


def _head(
    kind: str, group: Group, what: str, more: str, people: int, model: str, files: str
) -> str:
    who = "Women and men" if group.code is None else f"{group.words[0].upper()}{group.words[1:]}"
    first, last = YOUNG if kind == "young_adult" else AGES
    use = "n_effective" if kind == "young_adult" else "the smoothness"
    return HEAD.format(
        kind=kind, group=group, what=what,
        what_zh="20~29岁" if kind == "young_adult" else "各年龄参考值",
        more=more, model=model, design=WEIGHTED + use, date=DATE, digest=files,
        population=who if group.code is None else f"{who} women and men", people=people,
        convention="completed years" if kind == "young_adult" else "exact",
        ages=f"younger than {first} years, and {last} years or older",
    )  # fmt: skip


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--powers"]
    folder = Path(given[0]) if given else NHANES
    data, files = people(folder), digest(folder)
    if "--powers" in sys.argv:
        sys.exit(powers(data))
    printed = data.filter(pl.col("cycle") != "2009-2010")
    for group in GROUPS:
        gap = max(apart(printed, group)) if group.name in PRINTED else 0.0
        if gap > PRINTED_WITHIN:
            sys.exit(f"{group.id}: {gap:.4f} g/cm2 from print in 2005-2008; nothing written")
        for kind, text in (
            ("by_age", by_age(data, group, files)),
            ("young_adult", young_adult(data, group, files)),
        ):
            (SHELF / kind / f"{group.id}.toml").write_text(text, encoding="utf-8")
        print(f"{group.id} written; 2005-2008 lie {gap:.5f} g/cm2 from print")
