"""Derive from NHANES what the publications do not give: shapes, ratios, correlations between sites.

    python data/derivations/derive_correlations.py SHARED/data/nhanes [--write]

Reads NHANES 2005–2010 (femur, spine, body measures; Hologic; survey weights; adults 20–79, since
age is top-coded at 80), takes the complete cases with four valid vertebrae, regresses every
reading on a cubic of age within each sex, and keeps

- the shape of the age curve as a share of its value at the age of the peak: the deficit before the
  peak and the loss after it, held non-decreasing. The level is never taken from NHANES: it is
  the published Chinese peak;
- ratios: vertebra to lumbar spine (mean, SD), men to women (SD at 20–39 years; trochanter mean);
- correlations of the residuals between sites, and of bone with body size.

`--write` puts the tables between the marks in china_2010.toml; without it they are printed.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import polars as pl
import polars_readstat

PROFILES = Path(__file__).resolve().parents[2] / "reference_norms" / "simulation"
CYCLES = {"2005-2006": "D", "2007-2008": "E", "2009-2010": "F"}
TABLES = ("DEMO", "DXXFEM", "DXXSPN", "BMX")
VERTEBRAE = ("l1", "l2", "l3", "l4")
ROIS = (*VERTEBRAE, "femoral_neck", "total_hip", "trochanter")
NHANES_NAMES = {
    "DXXNKBMD": "femoral_neck",
    "DXXOFBMD": "total_hip",
    "DXXTRBMD": "trochanter",
    "BMXHT": "height",
    "BMXBMI": "bmi",
    "RIDAGEYR": "age",
    "WTMEC2YR": "weight",
    **{f"DXXL{k}BMD": f"l{k}" for k in range(1, 5)},
    **{f"DXXL{k}A": f"area_l{k}" for k in range(1, 5)},
}
KNOTS = np.arange(20, 91, 5)
# Ages of the peak: hip 30, women's spine 40 (bands 30–34 and 40–44 of the Chinese multicentre
# women's study); men's spine 30 by analogy with QCT (30–34 in both sexes).
PEAK_AGE = {
    "female": {"lumbar_spine": 40, "femoral_neck": 30, "total_hip": 30, "trochanter": 30},
    "male": {"lumbar_spine": 30, "femoral_neck": 30, "total_hip": 30, "trochanter": 30},
}


def complete_adults(folder: Path) -> dict[str, pl.DataFrame]:
    """Adults of 20–79 years with hip, body size and four valid vertebrae, by sex."""
    cycles = []
    for cycle, letter in CYCLES.items():
        tables = [_table(folder / cycle / f"{name}_{letter}.XPT") for name in TABLES]
        joined = tables[0]
        for table in tables[1:]:
            joined = joined.join(table, on="SEQN", how="inner")
        valid = pl.all_horizontal(pl.col(f"DXXL{k}BCC") == 0 for k in range(1, 5))
        cycles.append(joined.filter(valid).select("RIAGENDR", *NHANES_NAMES))
    people = pl.concat(cycles).rename(NHANES_NAMES).drop_nulls()
    people = people.filter(pl.col("age").is_between(20, 79) & (pl.col("l1") > 0))
    sexes = {"male": 1, "female": 2}
    return {sex: people.filter(pl.col("RIAGENDR") == code) for sex, code in sexes.items()}


def _table(path: Path) -> pl.DataFrame:
    return polars_readstat.scan_readstat(str(path)).collect()


def columns(people: pl.DataFrame) -> dict[str, np.ndarray]:
    """Readings by site, with ΣBMC/Σarea of the spine, the summed area, and body size."""
    out = {roi: people[roi].to_numpy() for roi in ROIS}
    area = np.column_stack([people[f"area_{v}"].to_numpy() for v in VERTEBRAE])
    bmd = np.column_stack([out[v] for v in VERTEBRAE])
    out["lumbar_spine"] = (bmd * area).sum(1) / area.sum(1)
    out["area"] = np.log(area.sum(1))
    out |= {f"area_{v}": np.log(area[:, k]) for k, v in enumerate(VERTEBRAE)}
    return out | {"height": people["height"].to_numpy(), "bmi": np.log(people["bmi"].to_numpy())}


class Cubic:
    """Survey-weighted cubic regression of a reading on age."""

    def __init__(self, age: np.ndarray, reading: np.ndarray, weight: np.ndarray) -> None:
        self.coefficients = np.polyfit(age - 50, reading, 3, w=np.sqrt(weight))
        self.residual = reading - self(age)

    def __call__(self, age: np.ndarray) -> np.ndarray:
        """Fitted reading; beyond 79 years the line through 70 and 79, since cubics turn there."""
        inside = np.polyval(self.coefficients, np.minimum(age, 79) - 50)
        slope = np.polyval(self.coefficients, 29) - np.polyval(self.coefficients, 20)
        return inside + np.maximum(age - 79, 0) * slope / 9


def curve_shape(fit: Cubic, peak_age: int) -> tuple[np.ndarray, np.ndarray]:
    """Deficit before and loss after the peak, as shares of the peak, at the knots."""
    share = 1 - fit(KNOTS.astype(float)) / fit(np.array([float(peak_age)]))
    before = np.maximum(share, 0) * (peak_age > KNOTS)
    after = np.maximum.accumulate(np.maximum(share, 0) * (peak_age < KNOTS))
    return before, after


def weighted_sd(values: np.ndarray, weight: np.ndarray) -> float:
    """Standard deviation under survey weights."""
    mean = np.average(values, weights=weight)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weight)))


def describe(people: pl.DataFrame, sex: str) -> dict:
    """Everything that is kept of one sex."""
    age, weight = people["age"].to_numpy(), people["weight"].to_numpy()
    readings = columns(people)
    fits = {name: Cubic(age, values, weight) for name, values in readings.items()}
    young = age < 40
    young_sd = {n: weighted_sd(r[young], weight[young]) for n, r in readings.items()}
    residuals = np.column_stack([fits[n].residual for n in (*ROIS, "area", "height", "bmi")])
    covariance = np.cov(residuals.T, aweights=weight)
    scale = np.sqrt(np.diag(covariance))
    return {
        "n": people.height,
        "shape": {roi: curve_shape(fits[roi], peak) for roi, peak in PEAK_AGE[sex].items()},
        "young_sd": young_sd,
        "young_mean": {n: np.average(r[young], weights=weight[young]) for n, r in readings.items()},
        "correlation": covariance / np.outer(scale, scale),
        "log_area_sd": {v: weighted_sd(fits[f"area_{v}"].residual, weight) for v in VERTEBRAE},
        "area": {v: np.exp(np.average(readings[f"area_{v}"], weights=weight)) for v in VERTEBRAE},
    }


def vertebra_ratios(found: dict) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD of a vertebra over those of L1–L4, scaled so that ΣBMC/Σarea is the spine's."""
    area = np.array([found["area"][v] for v in VERTEBRAE])
    share = area / area.sum()
    mean = np.array([found["young_mean"][v] for v in VERTEBRAE])
    sd = np.array([found["young_sd"][v] for v in VERTEBRAE])
    correlation = found["correlation"][:4, :4]
    spine_sd = np.sqrt((share * sd) @ correlation @ (share * sd))
    return mean / (share @ mean), sd / spine_sd


def tables(found: dict[str, dict]) -> str:
    """The derived tables as TOML."""
    trochanter = [found[sex]["young_mean"]["trochanter"] for sex in ("male", "female")]
    lines = [
        "[derived]",
        'origin = "derived"',
        'why = "NHANES 2005–2010 microdata, survey-weighted, adults 20–79 with hip and four valid '
        "vertebrae; derive_correlations.py. Hologic readings of US adults: shapes, ratios and "
        'correlations only, never a level."',
        f"n = {{ male = {found['male']['n']}, female = {found['female']['n']} }}",
        f"knots = {_array(KNOTS, 0)}  # years",
        f"correlation_of = [{', '.join(repr(r) for r in ROIS)}]".replace("'", '"'),
        f"sd_ratio_male_to_female = {_inline(_ratios(found, 'young_sd'))}",
        f"trochanter_mean_ratio_male_to_female = {trochanter[0] / trochanter[1]:.4f}",
    ]
    for sex, one in found.items():
        lines += ["", f"[derived.{sex}]", *_of_sex(one)]
    return "\n".join(lines)


def _of_sex(one: dict) -> list[str]:
    mean_ratio, sd_ratio = vertebra_ratios(one)
    correlation, size = one["correlation"], one["correlation"][:7, 7:]
    lines = [
        f"vertebra_mean_ratio = {_array(mean_ratio, 5)}  # L1 … L4 over L1–L4",
        f"vertebra_sd_ratio = {_array(sd_ratio, 5)}",
        f"vertebra_area = {_array([one['area'][v] for v in VERTEBRAE], 2)}  # cm², geometric mean",
        f"vertebra_log_area_sd = {_array([one['log_area_sd'][v] for v in VERTEBRAE], 4)}",
        f"area_height_correlation = {correlation[7, 8]:.3f}",
        f"total_hip_bmi_correlation = {size[5, 2]:.3f}",
        "correlation = [",
        *[f"  {_array(row, 3)}," for row in correlation[:7, :7]],
        "]",
    ]
    for roi, (before, after) in one["shape"].items():
        lines.append(f"deficit_before_peak.{roi} = {_array(before, 4)}")
        lines.append(f"loss_after_peak.{roi} = {_array(after, 4)}")
    return lines


def _ratios(found: dict, what: str) -> dict[str, float]:
    rois = ("lumbar_spine", "femoral_neck", "total_hip", "trochanter")
    return {roi: found["male"][what][roi] / found["female"][what][roi] for roi in rois}


def _array(values: np.ndarray | list, digits: int) -> str:
    return "[" + ", ".join(f"{v:.{digits}f}" for v in values) + "]"


def _inline(values: dict[str, float]) -> str:
    return "{ " + ", ".join(f"{name} = {value:.4f}" for name, value in values.items()) + " }"


def put_between_marks(path: Path, script: str, text: str) -> None:
    """Replace what stands between a script's two marks in a norm file."""
    marks = re.compile(rf"(# >>> {re.escape(script)}\n).*?(# <<< {re.escape(script)}\n)", re.S)
    old = path.read_text(encoding="utf-8")
    if not marks.search(old):
        raise SystemExit(f"{path.name}: no marks '# >>> {script}' … '# <<< {script}'")
    path.write_text(marks.sub(lambda m: m[1] + text + "\n" + m[2], old), encoding="utf-8")


def main() -> None:
    """Derive, then print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nhanes", type=Path, help="folder with 2005-2006, 2007-2008, 2009-2010")
    parser.add_argument("--write", action="store_true", help="put the tables in china_2010.toml")
    arguments = parser.parse_args()
    adults = complete_adults(arguments.nhanes)
    text = tables({sex: describe(people, sex) for sex, people in adults.items()})
    if arguments.write:
        put_between_marks(PROFILES / "china_2010.toml", Path(__file__).name, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
