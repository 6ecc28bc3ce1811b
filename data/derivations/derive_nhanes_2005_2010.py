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
Groups: the survey's own (RIDRETH1). Not derived: Other Hispanic, sampled for estimates of its own
in two of the cycles alone (young adults: 97 men, 114 women), and Other, which is no population.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from polars_readstat import scan_readstat

from osteo_epi import norms
from osteo_epi.reference import Constant, Curve, PSpline, fit_curve

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
# Growth is fast and ageing slow: the spline is one of the logarithm of age, with knots each year
# or two while people grow.
TERM = PSpline(intervals=40)
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
design = "weighted by WTMEC2YR / 3; strata and units change no number here"
software = "osteo-epi, data/derivations/derive_nhanes_2005_2010.py"
date = "{date}"
ages = "{convention}"

"""
CURVES = """\
Curves of 8-79 years of age at examination in months; a knot a year, linear between. Where only
completed years are known, half a year has to be added: it matters while people grow.
From 80 years two of the three cycles give no age.
How near the curves are: mean Z-scores of the people themselves lie within {young:.2f} over
two-year bands from 8 to 20 years, and within {old:.2f} over ten-year bands from there."""
ADULTS = """\
People of 20-29 completed years, mean and SD weighted, the SD with n / (n - 1).{apart}"""
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


def fitted(chosen: pl.DataFrame, roi: str) -> Curve:
    """The LMS curve of one group, sex and region, over the logarithm of age."""
    aged = chosen.filter(pl.col("years").is_between(*AGES, closed="left"))
    curve = fit_curve(
        aged.with_columns(logarithm=pl.col("age").log()),
        roi,
        mu=TERM,
        sigma=TERM,
        nu=Constant(),
        weight="weight",
        age="logarithm",
    )
    if not curve.fit.converged:
        sys.exit(f"{roi}: {curve.notes[0]}")
    return curve


def at_knots(curve: Curve) -> dict[str, list[str]]:
    """Parameters at whole years as they are written; the first month and the last are held."""
    knots = np.clip(np.log(np.arange(*AGES)), *curve.ages)
    digits = {"mu": 4, "sigma": 5, "nu": 4}
    values = curve.parameters(knots)
    return {name: [f"{v:.{digits[name]}f}" for v in values[name]] for name in digits}


def farthest(curve: Curve, chosen: pl.DataFrame, roi: str) -> tuple[float, float]:
    """Largest mean Z-score, without its sign, by two years to 20 and by ten years from there."""
    aged = chosen.filter(pl.col("years").is_between(*AGES, closed="left"))
    z = curve.z(aged["age"].log().to_numpy(), aged[roi].to_numpy())
    years, weight = aged["years"].to_numpy(), aged["weight"].to_numpy()
    worst = []
    for bands in ([(a, a + 2) for a in range(8, 20, 2)], [(a, a + 10) for a in range(20, 80, 10)]):
        inside = [(years >= low) & (years < high) for low, high in bands]
        worst.append(max(abs(float(np.average(z[b], weights=weight[b]))) for b in inside))
    return worst[0], worst[1]


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
            curve = fitted(chosen, roi)
            near.append(farthest(curve, chosen, roi))
            everybody |= set(
                chosen.filter(pl.col("years").is_between(*AGES, closed="left"))["SEQN"]
            )
            text += f'[[curve]]                         # n: {curve.n}\nsex = "{sex}"\n'
            text += f'roi = "{roi}"\nages = "[{AGES[0]}, {AGES[1]})"\nage = [{knots}]\n'
            text += 'family = "bccg"\n'
            for name, values in at_knots(curve).items():
                text += f"{name} = [{', '.join(values)}]\n"
            text += "\n"
    young, old = (max(column) for column in zip(*near, strict=True))
    model = (
        "Box-Cox Cole-Green (LMS); median and coefficient of variation: P-splines of log age, 40 "
        "intervals, smoothness by local maximum likelihood; power: constant"
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
            text += f"mean = {mean:.4f}\nsd = {sd:.4f}\n\n"
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
    return HEAD.format(
        kind=kind, group=group, what=what,
        what_zh="20~29岁" if kind == "young_adult" else "各年龄参考值",
        more=more, model=model, date=DATE, digest=files,
        population=who if group.code is None else f"{who} women and men", people=people,
        convention="completed years" if kind == "young_adult" else "exact",
        ages=f"younger than {first} years, and {last} years or older",
    )  # fmt: skip


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else NHANES
    data, files = people(folder), digest(folder)
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
