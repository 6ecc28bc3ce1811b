"""Write the four small SIMULATED files of this folder.

    python data/make_synthetic.py

synthetic_cohort.csv   300 people in the toolkit's own columns, UTF-8.
synthetic_clinic.csv   the same people as a clinic in China might export them: Chinese headings,
                       GB18030, 男/女, −9 for what is missing, two lines with faults of the kind
                       that findings are for (a density in mg/cm², an impossible age).
synthetic_survey.csv   2,400 people drawn from 60,000 in two stages, with weight, stratum and unit.
synthetic_follow_up.csv
                       2,000 people from 50 years with QCT of the spine and DXA, followed for up
                       to 13 years: fracture, death or neither.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from osteo_epi import norms
from osteo_epi.cohort import simulate

HERE = Path(__file__).parent
PEOPLE, SEED = 300, 2023
CLINIC = {
    "person_id": "编号",
    "sex": "性别",
    "age": "年龄",
    "postmenopausal": "是否绝经",
    "height": "身高",
    "weight": "体重",
    "abmd_lumbar_spine": "腰椎骨密度",
    "abmd_femoral_neck": "股骨颈骨密度",
    "abmd_total_hip": "全髋骨密度",
    "scan_date": "检查日期",
}

POPULATION, SURVEY_SEED = 60_000, 2024
STRATA, UNITS, UNITS_DRAWN = 8, 25, 4
OLDER = 50  # years, from which half of each unit's places are kept
PLACES = {False: 25, True: 50}  # people drawn in a unit: below that age, and from it
NEIGHBOURS = 0.5  # SDs of noise beside a person's body mass index that decide where one lives
SURVEYED = (
    *("person_id", "survey_weight", "stratum", "psu", "age", "sex", "postmenopausal"),
    *("height", "weight", "device", "device_maker", "scan_date"),
    *("abmd_lumbar_spine", "abmd_femoral_neck", "abmd_total_hip", "synthetic"),
)

FOLLOWED, FOLLOW_UP_SEED, DRAWN = 2_000, 2025, 120_000
REGIONS = ("lumbar_spine", "femoral_neck", "total_hip")
AT_FOLLOW_UP = (
    *("person_id", "age", "sex", "postmenopausal", "height", "weight", "device_maker"),
    *("scan_date", *(f"abmd_{roi}" for roi in REGIONS), *(f"t_score_{roi}" for roi in REGIONS)),
    *("vbmd_lumbar_spine", "tube_voltage", "qct_calibration", "dxa_osteoporosis"),
    *("clinical_risk", "follow_up_years", "fracture", "death", "synthetic"),
)


def survey(people: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """A stratified two-stage sample: in each stratum four units, in each unit 75 people.

    People live in units along their body mass index, with noise: neighbours resemble each other,
    as in a true survey, while the population as a whole stays as it was drawn. People from 50
    years have more places than their share, so that weights matter.
    """
    rng = np.random.default_rng(seed)
    bmi = people["bmi"].fill_null(strategy="mean").to_numpy()
    place = np.argsort(
        np.argsort((bmi - bmi.mean()) / bmi.std() + NEIGHBOURS * rng.normal(size=len(bmi)))
    )
    home = place * STRATA * UNITS // len(place)
    frame = people.with_columns(home=pl.Series(home), older=pl.col("age") >= OLDER)
    drawn = [
        stratum + STRATA * unit
        for stratum in range(STRATA)
        for unit in rng.choice(UNITS, UNITS_DRAWN, replace=False).tolist()
    ]
    parts = []
    for unit in drawn:
        for older, n in PLACES.items():
            there = frame.filter((pl.col("home") == unit) & (pl.col("older") == older))
            n = min(n, there.height)
            weight = (UNITS / UNITS_DRAWN) * there.height / n
            parts.append(
                there[np.sort(rng.choice(there.height, n, replace=False)).tolist()].with_columns(
                    survey_weight=pl.lit(round(weight, 4)),
                    stratum=pl.lit(f"stratum_{unit % STRATA + 1}"),
                    psu=pl.lit(f"unit_{unit + 1:03d}"),
                )
            )
    return pl.concat(parts).select(SURVEYED).sort("person_id")


def clinic(people: pl.DataFrame) -> pl.DataFrame:
    """The export of a clinic: its words, its codes, its slips."""
    frame = people.select(*CLINIC).with_columns(
        pl.col("sex").cast(pl.String).replace_strict({"male": "男", "female": "女"}),
        pl.col("postmenopausal").replace_strict({True: "是", False: "否"}, return_dtype=pl.String),
        pl.col("age").cast(pl.Int64),
        pl.col("scan_date").dt.strftime("%Y/%m/%d"),
    )
    row = pl.int_range(pl.len())
    frame = frame.with_columns(
        pl.when(row == 7)
        .then(1000 * pl.col("abmd_total_hip"))
        .otherwise("abmd_total_hip")
        .alias("abmd_total_hip"),
        pl.when(row == 11).then(199).otherwise("age").alias("age"),
        pl.selectors.by_name("height", "weight").fill_null(-9),
    )
    densities = pl.selectors.starts_with("abmd_")
    return frame.with_columns(densities.fill_null(-9)).rename(CLINIC).with_columns(
        pl.lit("是").alias("模拟数据")
    )  # fmt: skip


def follow_up(people: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """People from 50 years with QCT, their scores, and what became of them.

    `dxa_osteoporosis`: the lowest of three T-scores is −2.5 or less; not said where one is missing,
    or the diseased would be known more often. `clinical_risk`: of a fracture in ten years, by age
    and sex alone.
    """
    profile = norms.load("simulation", "china_2010").data
    spine = (pl.col("vbmd_l1") + pl.col("vbmd_l2")) / 2
    frame = people.filter((pl.col("age") >= OLDER) & spine.is_not_null()).head(FOLLOWED)
    young = profile["solved"]["reference"]
    frame = frame.with_columns(
        spine.round(1).alias("vbmd_lumbar_spine"),
        *(_t_score(roi, young).round(2).alias(f"t_score_{roi}") for roi in REGIONS),
    )
    scores = [pl.col(f"t_score_{roi}") for roi in REGIONS]
    known = pl.all_horizontal(score.is_not_null() for score in scores)
    age = frame["age"].to_numpy().astype(float)
    hazard = _hazards(profile["follow_up"]["use"], age, frame["sex"].to_list())
    z = _below_the_mean(frame["vbmd_lumbar_spine"].to_numpy(), age, frame["sex"].to_list())
    rng = np.random.default_rng(seed)
    return frame.with_columns(
        pl.when(known).then(pl.min_horizontal(scores) <= -2.5).alias("dxa_osteoporosis"),
        pl.Series("clinical_risk", _risk(hazard, years=10.0)).round(4),
        **_ends(profile["follow_up"], hazard, z, rng),
    ).select(AT_FOLLOW_UP)


def _t_score(roi: str, young: dict[str, dict[str, list[float]]]) -> pl.Expr:
    mean, sd = (
        pl.col("sex")
        .cast(pl.String)
        .replace_strict({sex: young[sex][roi][k] for sex in ("female", "male")})
        for k in (0, 1)
    )
    return (pl.col(f"abmd_{roi}") - mean) / sd


def _hazards(use: dict, age: np.ndarray, sex: list[str]) -> dict[str, tuple[np.ndarray, float]]:
    """Hazard per year at the start, and the rate at which it rises per year (Gompertz)."""
    out = {}
    for event in ("fracture", "death"):
        rise = np.log(use[f"{event}_per_decade"]) / 10
        at_65 = np.array([use[f"{event}_at_65"][s] for s in sex])
        out[event] = (at_65 * np.exp(rise * (age - 65)), rise)
    return out


def _below_the_mean(density: np.ndarray, age: np.ndarray, sex: list[str]) -> np.ndarray:
    """SDs that each density lies below a parabola over age, by sex."""
    z = np.empty(len(density))
    for one in sorted(set(sex)):
        rows = np.array(sex) == one
        gap = np.polyval(np.polyfit(age[rows], density[rows], 2), age[rows]) - density[rows]
        z[rows] = gap / gap.std()
    return z


def _risk(hazard: dict[str, tuple[np.ndarray, float]], *, years: float) -> np.ndarray:
    """Cumulative incidence of fracture with death competing, at the mean density."""
    steps = 400
    middle = (np.arange(steps) + 0.5) * years / steps
    gone = [h[:, None] * np.expm1(rise * middle) / rise for h, rise in hazard.values()]
    h, rise = hazard["fracture"]
    density = h[:, None] * np.exp(rise * middle) * np.exp(-sum(gone))
    return density.sum(axis=1) * years / steps


def _ends(model: dict, hazard: dict, z: np.ndarray, rng: np.random.Generator) -> dict:
    """When and why the follow-up of each ends: the first of fracture, death, loss and the end."""
    use, ends = model["use"], {}
    per_sd = {"fracture": model["relative_risk_per_sd"], "death": use["death_per_sd"]}
    for event, (h, rise) in hazard.items():
        scaled = rng.exponential(size=len(z)) / (h * per_sd[event] ** z)
        ends[event] = np.log1p(rise * scaled) / rise
    lost = rng.exponential(1 / use["lost_per_year"], len(z))
    end = np.minimum(lost, rng.uniform(*use["years"], len(z)))
    time = np.minimum.reduce([*ends.values(), end])
    return {
        "follow_up_years": pl.Series(np.maximum(np.round(time, 3), 0.001)),
        **{event: pl.Series(at == time) for event, at in ends.items()},
    }


def main() -> None:
    """Write the files."""
    people = simulate(PEOPLE, seed=SEED).frame
    people.write_csv(HERE / "synthetic_cohort.csv")
    text = clinic(people).write_csv()
    (HERE / "synthetic_clinic.csv").write_bytes(text.encode("gb18030"))
    everybody = simulate(POPULATION, seed=SURVEY_SEED).frame
    survey(everybody, seed=SURVEY_SEED).write_csv(HERE / "synthetic_survey.csv")
    many = simulate(DRAWN, seed=FOLLOW_UP_SEED).frame
    followed = follow_up(many, seed=FOLLOW_UP_SEED)
    followed.write_csv(HERE / "synthetic_follow_up.csv")


if __name__ == "__main__":
    main()
