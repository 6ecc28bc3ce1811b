"""On the microdata of NHANES: who is classified, and how many, as R `survey` counted them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyreadstat
import pytest

from osteo_epi.diagnosis import classify, definition, with_lumbar_spine
from osteo_epi.norms import load

CYCLES = {"2005-2006": "D", "2007-2008": "E", "2009-2010": "F", "2017-2018": "J"}
VERTEBRAE = ("l1", "l2", "l3", "l4")


def table(shared: Path, cycle: str, name: str) -> pl.DataFrame:
    path = shared / "data" / "nhanes" / cycle / f"{name}_{CYCLES[cycle]}.XPT"
    if not path.is_file():
        pytest.skip(f"the NHANES tables of {cycle} are absent")
    return pl.from_pandas(pyreadstat.read_xport(path)[0])


def people(shared: Path, cycle: str) -> pl.DataFrame:
    """The columns of the codebook, straight from NCHS' own."""
    frame = table(shared, cycle, "DEMO")
    for name in ("DXXFEM", "DXXSPN"):
        frame = frame.join(table(shared, cycle, name), on="SEQN", how="left", validate="1:1")
    spine = [
        pl.col(f"DXX{name.upper()}{theirs}").alias(f"{ours}_{name}")
        for name in VERTEBRAE
        for theirs, ours in (("BMD", "abmd"), ("BMC", "bmc"), ("A", "area"))
    ]
    return frame.filter(pl.col("RIDEXPRG").ne_missing(1)).select(
        pl.col("RIDAGEYR").alias("age"),
        pl.col("RIAGENDR").replace_strict({1: "male", 2: "female"}).alias("sex"),
        pl.col("WTMEC2YR").alias("weight"),
        pl.col("DXXNKBMD").alias("abmd_femoral_neck"),
        (pl.col("DXAFMRST") == 1).alias("valid_femoral_neck"),
        pl.col("DXXOSBMD").alias("abmd_lumbar_spine"),
        *spine,
        *((pl.col(f"DXX{n.upper()}BCC").abs() < 0.5).alias(f"valid_{n}") for n in VERTEBRAE),
    )


def golden(shared: Path) -> pl.DataFrame:
    return pl.read_csv(shared / "golden" / "nhanes_prevalence.csv")


@pytest.mark.parametrize("cycle", CYCLES)
def test_weighted_prevalence_is_that_of_r_survey(shared: Path, cycle: str) -> None:
    found = classify(people(shared, cycle), definition("nchs_bone_2021"))
    counted = found.filter(
        pl.col("age") >= 50, pl.col("weight") > 0, pl.col("bone_class") != "not_classifiable"
    )
    for row in golden(shared).filter(pl.col("cycle") == cycle).iter_rows(named=True):
        sex = {"women": "female", "men": "male"}.get(row["sex"])
        group = counted if sex is None else counted.filter(pl.col("sex") == sex)
        affected = group.filter(pl.col("bone_class") == row["class"])
        assert group.height == row["n"], row
        crude = affected["weight"].sum() / group["weight"].sum()
        assert crude == pytest.approx(row["crude"], abs=1e-12), row


@pytest.mark.parametrize("cycle", ["2005-2006", "2007-2008", "2009-2010"])
def test_two_decimals_give_the_femoral_necks_that_nchs_printed(shared: Path, cycle: str) -> None:
    frame = people(shared, cycle)
    both = classify(frame, definition("nchs_bone_2021"))["sites_complete"]
    neck = definition("nchs_bone_2021", sites=["femoral_neck"], reference="nchs_two_decimals")
    judged = classify(frame, neck).filter(both, pl.col("age") >= 50, pl.col("weight") > 0)
    printed = [
        row
        for row in load("published", "looker_2017").estimates
        if (row["cycle"], row["roi"]) == (cycle, "femoral_neck")
    ]
    assert len(printed) == 4
    for row in printed:
        group = judged.filter(pl.col("sex") == row["sex"])
        affected = group.filter(pl.col("bone_class") == row["class"])["weight"].sum()
        assert group.height == row["n"]
        assert 100 * affected / group["weight"].sum() == pytest.approx(row["value"], abs=0.05)


def test_27_totals_are_not_what_their_parts_give(shared: Path) -> None:
    frame = with_lumbar_spine(people(shared, "2017-2018"))
    judged = frame.filter(pl.all_horizontal(f"valid_{name}" for name in VERTEBRAE))
    assert judged["lumbar_total_differs"].sum() == 27
    assert judged["abmd_lumbar_spine"].is_not_null().sum() == 1274


def test_the_ready_made_total_loses_half_of_those_scanned(shared: Path) -> None:
    """Women of 2017–18: 57 % have the total, 94 % two vertebrae (measured, in the design notes)."""
    women = people(shared, "2017-2018").filter(pl.col("sex") == "female", pl.col("age") >= 50)
    scanned = women.filter(pl.any_horizontal(pl.col("^abmd_l[1-4]$").is_not_null()))
    shares = {
        rule: with_lumbar_spine(scanned, rule=rule)["abmd_lumbar_spine_by_rule"]
        .is_not_null()
        .mean()
        for rule in ("given_total", "at_least_two", "all_four")
    }
    assert shares["given_total"] < 0.65 < 0.9 < shares["at_least_two"]
    assert shares["all_four"] == pytest.approx(shares["given_total"], abs=0.01)
