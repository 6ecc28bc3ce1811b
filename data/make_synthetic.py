"""Write the two small SIMULATED files of this folder.

    python data/make_synthetic.py

synthetic_cohort.csv   300 people in the toolkit's own columns, UTF-8.
synthetic_clinic.csv   the same people as a clinic in China might export them: Chinese headings,
                       GB18030, 男/女, −9 for what is missing, two lines with faults of the kind
                       that findings are for (a density in mg/cm², an impossible age).
"""

from __future__ import annotations

from pathlib import Path

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
    """Write both files."""
    people = simulate(PEOPLE, seed=SEED).frame
    people.write_csv(HERE / "synthetic_cohort.csv")
    text = clinic(people).write_csv()
    (HERE / "synthetic_clinic.csv").write_bytes(text.encode("gb18030"))


if __name__ == "__main__":
    main()
