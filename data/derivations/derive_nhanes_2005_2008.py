"""Derive the age reference and the young adults of NHANES 2005-2008 from its public microdata.

Run it from a checkout beside whose folder the microdata lie; it writes
by_age/nhanes_2005_2008_nhw_derived.toml and young_adult/nhanes_2005_2008_nhw_derived.toml, and
stops if what it derives is not what NCHS printed, where NCHS printed it.

People: non-Hispanic White, examined, 20-79 years, both cycles pooled. Weighted by WTMEC2YR (the
two cycles weigh alike, so halving the weights changes no mean). Spine: the file's total, which is
there only where all four vertebrae are valid. SD: weighted, with n / (n - 1) as R's svyvar.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
from polars_readstat import scan_readstat

ROOT = Path(__file__).resolve().parents[2]
SHELF = ROOT / "reference_norms"
NHANES = ROOT.parent / "shared" / "data" / "nhanes"
CYCLES = {"2005-2006": "D", "2007-2008": "E"}
SEX = {"female": 2, "male": 1}
ROI = {"lumbar_spine": "DXXOSBMD", "femoral_neck": "DXXNKBMD", "total_hip": "DXXOFBMD"}
BANDS = [(low, low + 10) for low in range(20, 80, 10)]
NON_HISPANIC_WHITE = 3
# The first decimals that NCHS printed, some rounded and some cut: 0.001 apart at most.
PRINTED_WITHIN = 0.00105

HEAD = """kind = "{kind}"
id = "nhanes_2005_2008_nhw_derived"
title = "NHANES 2005-2008 non-Hispanic White {what}, derived from the microdata"
title_zh = "NHANES 2005—2008非西班牙裔白人{what_zh}（由公开原始数据推导）"
verification = "A"
labels = ["derived"]
quantity = "abmd"
unit = "g/cm2"
population = "Non-Hispanic White women and men, United States 2005-2008"
maker = "hologic"
notes = \"\"\"
Computed by data/derivations/derive_nhanes_2005_2008.py, not printed by anybody:
survey-weighted (WTMEC2YR)
means and SDs of the public microdata, people with a value at the region; spine where all four
vertebrae are valid. Equal to 0.001 to every number that NCHS printed for this group.{more}\"\"\"

[citation]
text = \"\"\"
National Center for Health Statistics. National Health and Nutrition Examination Survey, public \\
data 2005-2006 and 2007-2008: DEMO, DXXFEM, DXXSPN. Derived by this toolkit.\"\"\"

"""
KNOTS = """
Bands 20-29, ..., 70-79 of completed years; the knots are their midpoints, linear between. From 20
to 25 and from 75 to 80 the band's own mean and SD are held. People of 80 and over are left out:
the files give their age as 80 or 85, so their band has no midpoint."""


def people(folder: Path) -> pl.DataFrame:
    """Read non-Hispanic White people of both cycles, with sex, age, weight and densities."""
    cycles = []
    for cycle, letter in CYCLES.items():
        demo, femur, spine = (
            scan_readstat(str(folder / cycle / f"{table}_{letter}.XPT")).collect()
            for table in ("DEMO", "DXXFEM", "DXXSPN")
        )
        columns = ["RIAGENDR", "RIDAGEYR", "RIDRETH1", "WTMEC2YR", *ROI.values()]
        joined = demo.join(femur, on="SEQN", how="left").join(spine, on="SEQN", how="left")
        cycles.append(joined.select(columns))
    return pl.concat(cycles).filter(pl.col("RIDRETH1") == NON_HISPANIC_WHITE)


def mean_sd(data: pl.DataFrame, sex: str, roi: str, band: tuple[int, int]) -> tuple:
    """Weighted mean and SD [g/cm²] of one sex, region and band, and the number of people."""
    group = data.filter(
        (pl.col("RIAGENDR") == SEX[sex])
        & pl.col("RIDAGEYR").is_between(*band, closed="left")
        & pl.col(ROI[roi]).is_not_null()
    )
    value, weight = group[ROI[roi]].to_numpy(), group["WTMEC2YR"].to_numpy()
    mean = np.average(value, weights=weight)
    variance = np.average((value - mean) ** 2, weights=weight) * len(value) / (len(value) - 1)
    return float(mean), float(np.sqrt(variance)), len(value)


def derive(data: pl.DataFrame) -> dict:
    """Compute means, SDs and n of every band, by (sex, roi)."""
    return {
        (sex, roi): [mean_sd(data, sex, roi, band) for band in BANDS] for sex in SEX for roi in ROI
    }


def largest_difference(derived: dict) -> float:
    """Compare with what NCHS printed [g/cm²]: the age curves, and the first band of women's hip."""
    from osteo_epi import norms

    printed = norms.load("by_age", "nhanes_2005_2008_nhw")
    gaps = [
        abs(ours[place] - theirs)
        for entry in printed.curves
        for place, column in enumerate((entry.curve.mean, entry.curve.sd))
        for ours, theirs in zip(derived[entry.sex, entry.roi], column, strict=True)
    ]
    for entry in norms.load("young_adult", "nhanes_2005_2008_nhw").entries:
        mean, sd, _ = derived[entry.sex, entry.roi][0]
        gaps += [abs(mean - entry.value.mean), abs(sd - entry.value.sd)]
    return max(gaps)


def by_age(derived: dict) -> str:
    """Text of the age reference."""
    text = HEAD.format(kind="by_age", what="by age", what_zh="各年龄参考值", more=KNOTS)
    knots = [(low + high) / 2 for low, high in BANDS]
    for (sex, roi), bands in derived.items():
        columns = {"mean": [b[0] for b in bands], "sd": [b[1] for b in bands]}
        text += f"[[curve]]                         # n: {', '.join(str(b[2]) for b in bands)}\n"
        text += f'sex = "{sex}"\nroi = "{roi}"\nages = "[{BANDS[0][0]}, {BANDS[-1][1]})"\n'
        text += f"age = [{', '.join(f'{knot:g}' for knot in knots)}]\n"
        for name, values in columns.items():
            text += f"{name} = [{', '.join(f'{value:.4f}' for value in values)}]\n"
        text += "\n"
    return text.rstrip("\n") + "\n"


def young_adult(derived: dict) -> str:
    """Text of the young-adult reference."""
    text = HEAD.format(kind="young_adult", what="20-29 years", what_zh="20~29岁", more="")
    for (sex, roi), bands in derived.items():
        mean, sd, n = bands[0]
        text += f'[[entry]]\nsex = "{sex}"\nroi = "{roi}"\nages = "[20, 30)"\nn = {n}\n'
        text += f"mean = {mean:.4f}\nsd = {sd:.4f}\n\n"
    return text.rstrip("\n") + "\n"


if __name__ == "__main__":
    derived = derive(people(Path(sys.argv[1]) if len(sys.argv) > 1 else NHANES))
    gap = largest_difference(derived)
    if gap > PRINTED_WITHIN:
        sys.exit(f"derived and printed numbers differ by {gap:.4f} g/cm2; nothing written")
    for kind, text in (("by_age", by_age(derived)), ("young_adult", young_adult(derived))):
        (SHELF / kind / "nhanes_2005_2008_nhw_derived.toml").write_text(text, encoding="utf-8")
    print(f"written; largest difference from print {gap:.5f} g/cm2")
