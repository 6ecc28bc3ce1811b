"""How often the interval of the main job holds the figures the simulation is calibrated to.

    python benchmarks/coverage_200_seeds.py [--seeds 200] [--people 75321]

For each seed: simulate, take the reference from the sample's own 20–39-year-olds, classify,
estimate the age-standardised prevalence from 50 years by sex. Three intervals at 95 %:

known_reference    reference = the model's, in the limit of many young adults (norm file), so that
                   the sample of older people is the only thing that varies
own_as_known       reference = the sample's own young adults, taken as known
                   (`reference_error=False`), as papers do
own_reference      the same with the sampling error of the own young adults: the main job

Writes reports/coverage_200_seeds.csv (one row a seed and sex, so that a moved estimate shows in a
diff) and prints the share of seeds whose interval holds the figure. Nothing is tuned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from osteo_epi import norms
from osteo_epi.cohort import simulate
from osteo_epi.diagnosis import Definition, definition, young_adult_reference
from osteo_epi.norms import Citation, Entry, MeanSD, YoungAdultReference
from osteo_epi.population import prevalence

REPORT = Path(__file__).parents[1] / "reports" / "coverage_200_seeds.csv"


def limit_reference(solved: dict) -> YoungAdultReference:
    """The young adults of the model itself, as the norm file has them."""
    entries = tuple(
        Entry(sex, roi, MeanSD(mean, sd))
        for sex in ("female", "male")
        for roi, (mean, sd) in solved["reference"][sex].items()
    )
    return YoungAdultReference(
        id="limit_of_the_simulation",
        title="the simulation's young adults in the limit of many",
        citation=Citation("reference_norms/simulation/china_2010.toml"),
        verification="A",
        labels=("simulation",),
        population="simulated",
        maker="lunar",
        entries=entries,
    )


def by_sex(people: pl.DataFrame, rules: Definition, standard: str, **options) -> dict[str, dict]:
    """Age-standardised row of each sex."""
    result = prevalence(
        people,
        rules,
        by=["sex"],
        classes=("osteoporosis",),
        standard=standard,
        people_affected="standard",
        **options,
    )
    rows = result.to_frame().filter(statistic="age_standardised").filter(pl.col("sex") != "all")
    return {row["sex"]: row for row in rows.iter_rows(named=True)}


def rows_of(seed: int, n: int, data: dict) -> Iterator[dict]:
    """Estimate and the three intervals of both sexes for one seed."""
    standard = data["target"]["standard"]
    people = simulate(n, seed=seed)
    own = definition("china_2020", reference=young_adult_reference(people))
    limit = definition("china_2020", reference=limit_reference(data["solved"]))
    estimates = by_sex(people.frame, own, standard)
    rows = {
        "known_reference": by_sex(people.frame, limit, standard),
        "own_as_known": by_sex(people.frame, own, standard, reference_error=False),
        "own_reference": estimates,
    }
    for sex, row in estimates.items():
        target = data["target"]["prevalence"][sex]
        mine = {name: by[sex] for name, by in rows.items()}
        yield {
            "seed": seed,
            "sex": sex,
            "figure": target,
            "estimate": row["estimate"],
            "estimate_known_reference": mine["known_reference"]["estimate"],
            "se_design": mine["own_as_known"]["se"],
            "se": row["se"],
            "people_affected": row["people_affected"],
            **{f"{n}_{end}": r[end] for n, r in mine.items() for end in ("lower", "upper")},
            **{f"{n}_holds": r["lower"] <= target <= r["upper"] for n, r in mine.items()},
        }


def main() -> None:
    """Run all seeds, write the rows, print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--people", type=int, default=75_321)
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    data = norms.load("simulation", "china_2010").data
    rows = []
    for seed in range(1, arguments.seeds + 1):
        rows += rows_of(seed, arguments.people, data)
        print(f"\rseed {seed} of {arguments.seeds}", end="", flush=True)
    table = pl.DataFrame(rows)
    arguments.out.parent.mkdir(exist_ok=True)
    table.with_columns(pl.selectors.float().round_sig_figs(8)).write_csv(arguments.out)
    print("\nSIMULATED people; share of seeds whose nominal 95 % interval holds the figure")
    with pl.Config(tbl_cols=-1, tbl_width_chars=140, float_precision=5):
        print(summary(table))


def summary(table: pl.DataFrame) -> pl.DataFrame:
    """Shares that hold, and the mean and spread of the estimates beside their standard errors."""
    return (
        table.group_by("sex")
        .agg(
            pl.len().alias("seeds"),
            pl.col("^.*_holds$").mean(),
            pl.col("estimate").mean().alias("mean"),
            pl.col("estimate").std().alias("spread"),
            pl.col("estimate_known_reference").std().alias("spread_known"),
            pl.col("se_design").mean(),
            pl.col("se").mean(),
            pl.col("people_affected").mean(),
        )
        .sort("sex")
    )


if __name__ == "__main__":
    main()
