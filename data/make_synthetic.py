"""Write the three small SIMULATED files of this folder.

    python data/make_synthetic.py

synthetic_cohort.csv   300 people in the toolkit's own columns, UTF-8.
synthetic_clinic.csv   the same people as a clinic in China might export them: Chinese headings,
                       GB18030, 男/女, −9 for what is missing, two lines with faults of the kind
                       that findings are for (a density in mg/cm², an impossible age).
synthetic_survey.csv   2,400 people drawn from 60,000 in two stages, with weight, stratum and unit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

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


def main() -> None:
    """Write the files."""
    people = simulate(PEOPLE, seed=SEED).frame
    people.write_csv(HERE / "synthetic_cohort.csv")
    text = clinic(people).write_csv()
    (HERE / "synthetic_clinic.csv").write_bytes(text.encode("gb18030"))
    everybody = simulate(POPULATION, seed=SURVEY_SEED).frame
    survey(everybody, seed=SURVEY_SEED).write_csv(HERE / "synthetic_survey.csv")


if __name__ == "__main__":
    main()
