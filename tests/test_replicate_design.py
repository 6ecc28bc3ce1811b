"""Replicate weights as a design of `prevalence`: R survey's records, and what must hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from survey_records import OSTEO, table
from survey_records_models import jackknife, one_stratum
from survey_samples import DISEASE, fast, same, samples

from osteo_epi.errors import DesignError, PrecisionWarning
from osteo_epi.population import prevalence
from osteo_epi.survey import (
    ReplicateDesign,
    SurveyDesign,
    check_design,
    independent,
    replicate_mean,
)

EVERYBODY = SimpleNamespace(
    label="golden",
    class_limits=lambda **_: "",
    sha256="0",
    reference=None,
    criterion=SimpleNamespace(prevalence_ages="[0, inf)"),
)
KINDS = ("JKn", "JKn_mse", "JK1", "BRR", "Fay")


def survey(kind: str, golden: Any) -> tuple[pl.DataFrame, ReplicateDesign]:
    """R's sample with replicate weights as columns, and the design that names them."""
    record = golden("a_survey.json")[f"rep.{kind}"]["result"]
    if kind in ("BRR", "Fay"):
        name, given = "osteo_survey_2psu", table("osteo_rep_BRR")
        drawn = [(1 - record["rho"]) * pl.col(f"rw{r}") + record["rho"] * pl.col("wt")
                 for r in range(1, 17)]  # fmt: skip
        weights = given.select(x.alias(f"rw{r}") for r, x in enumerate(drawn, 1))
    else:
        name = "osteo_survey"
        drawn = jackknife(one_stratum() if kind == "JK1" else OSTEO.arrays(table(name)))
        weights = pl.DataFrame(drawn, schema=[f"rw{r}" for r in range(drawn.shape[1])])
    frame = pl.concat([table(name), weights], how="horizontal").with_columns(
        age=pl.col("age").cast(pl.Float64),
        bone_class=pl.when(osteo=1).then(pl.lit("osteoporosis"))
        .when(osteo=0).then(pl.lit("normal")),
    )  # fmt: skip
    rscales = tuple(record["rscales"]) if kind.startswith("JKn") else None
    design = ReplicateDesign(
        "wt", "rw", kind[:3], rho=record["rho"], rscales=rscales, mse=record["mse"]
    )
    return frame, design


def crude(frame: Any, design: Any, **how: Any) -> dict[str, Any]:
    how = {"classes": ["osteoporosis"], "age_bands": (0, 65, 200)} | how
    rows = prevalence(frame, EVERYBODY, design=design, **how).to_frame()
    return rows.filter(statistic="crude").row(-1, named=True)


@pytest.mark.parametrize("kind", KINDS)
def test_prevalence_equals_r_survey(kind: str, golden: Any) -> None:
    frame, design = survey(kind, golden)
    record = golden("a_survey.json")[f"rep.{kind}"]["result"]
    row = crude(frame, design)
    assert row["estimate"] == pytest.approx(record["prop"]["estimate"]["osteo"], rel=1e-8)
    assert row["se"] == pytest.approx(record["prop"]["se"]["osteo"], rel=1e-8)
    assert row["df"] == record["degf"]
    assert row["method"].startswith(f"{record['nrep']} replicate weights ({kind[:3]})")


@pytest.mark.parametrize("kind", KINDS)
def test_domains_and_standards_equal_the_arrays(kind: str, golden: Any) -> None:
    """The sums over cells give what one replicate after the other gives."""
    frame, design = survey(kind, golden)
    sample = design.sample(frame)
    male = frame["sex"].to_numpy() == 1
    osteo = frame["osteo"].cast(pl.Float64).to_numpy()
    row = crude(frame, design, domain=pl.col("sex") == 1)
    whole = replicate_mean(osteo, sample, domain=male)
    assert row["estimate"] == pytest.approx(whole.value[0], rel=1e-12)
    assert row["se"] == pytest.approx(whole.se[0], rel=1e-10)
    how = {"age_bands": (50, 65, float("inf")), "standard": "us_2000_bone"}
    rows = prevalence(frame, EVERYBODY, design=design, classes=["osteoporosis"], **how).to_frame()
    bands = rows.filter(statistic="age_band")
    standardised = rows.filter(statistic="age_standardised").row(0, named=True)
    age, measured = frame["age"].to_numpy(), ~np.isnan(osteo)
    masks = [measured & (age >= 50) & (age < 65), measured & (age >= 65)]
    means = [replicate_mean(osteo, sample, domain=m) for m in masks]
    assert bands["se"].to_list() == pytest.approx([m.se[0] for m in means], rel=1e-10)
    # The share follows from the rows; the error from the two bands in every replicate.
    (young, old), value = (m.value[0] for m in means), standardised["estimate"]
    share = (value - old) / (young - old)
    each = [
        share * w[masks[0]] @ osteo[masks[0]] / w[masks[0]].sum()
        + (1 - share) * w[masks[1]] @ osteo[masks[1]] / w[masks[1]].sum()
        for w in map(sample.weights, range(sample.n_replicates))
    ]
    variance = sample.covariance(np.array(each)[:, None], np.array([value]))
    assert standardised["se"] ** 2 == pytest.approx(variance[0, 0], rel=1e-8)


def test_degrees_of_freedom_are_those_of_the_domain(golden: Any) -> None:
    """As `degf(subset(design, ...))` of R: units of a stratum left out are not counted."""
    frame, design = survey("JKn", golden)
    some = pl.col("strata").is_in([1, 2, 4])
    kept = frame.filter(some & pl.col("osteo").is_not_null())
    units = kept.select("strata", "psu").n_unique()
    assert crude(frame, design, domain=some)["df"] == units - kept["strata"].n_unique()
    stated = ReplicateDesign("wt", "rw", "JKn", rscales=design.rscales, df=9)
    assert crude(frame, stated, domain=some)["df"] == 9


def test_given_as_names_or_factors_or_lazily_or_in_a_part(golden: Any) -> None:
    frame, design = survey("BRR", golden)
    names = tuple(f"rw{r}" for r in range(1, 17))
    expected = crude(frame, design, by="agegrp")
    assert crude(frame, ReplicateDesign("wt", names, "BRR"), by="agegrp") == expected
    assert crude(frame.lazy(), design, by="agegrp") == expected
    factors = frame.with_columns(pl.col(names) / pl.col("wt"))
    by_factor = crude(factors, ReplicateDesign("wt", "rw", "BRR", combined=False), by="agegrp")
    assert by_factor["se"] == pytest.approx(expected["se"])
    women = pl.col("sex") == 0
    part, masked = crude(frame.filter(women), design), crude(frame, design, domain=women)
    assert {k: part[k] for k in ("se", "df", "n")} == {k: masked[k] for k in ("se", "df", "n")}


@fast
@given(samples())
def test_rows_from_replicates_obey_the_laws_of_those_from_units(data: pl.DataFrame) -> None:
    """Scaling, shuffling, duplicating, zero weights, an unused level, new names."""
    arrays = SurveyDesign("w", "s", "p").arrays(data)
    weights = jackknife(arrays)
    data = data.hstack(pl.DataFrame(weights, schema=[f"rw{r}" for r in range(weights.shape[1])]))
    size = arrays.stages[0].sampled[arrays.stages[0].stratum]
    rscales = tuple((size - 1) / size)
    design = ReplicateDesign("w", "rw", "JKn", rscales=rscales)

    def rows(frame: pl.DataFrame, **how: Any) -> pl.DataFrame:
        how = {"by": "sex", "age_bands": (50, 70, 200), "design": design} | how
        return prevalence(frame, DISEASE, **how).to_frame()

    expected = rows(data)
    same(expected, rows(data.with_columns(pl.col("^w|rw.*$") * 7)))
    same(expected, rows(data.sample(fraction=1, shuffle=True, seed=1)))
    same(expected, rows(data.with_columns(pl.col("sex").cast(pl.Enum(["male", "female", "x"])))))
    half = data.with_columns(pl.col("^w|rw.*$") / 2)
    same(expected, rows(pl.concat([half, half])), ("estimate", "se", "df"))
    women = pl.col("sex") == "female"
    zero = data.with_columns(pl.when(women).then(pl.col("^w|rw.*$")).otherwise(0.0))
    same(rows(data, by=(), domain=women), rows(zero, by=()))
    renamed = data.rename({c: c.replace("rw", "jk") for c in data.columns if c.startswith("rw")})
    other = ReplicateDesign("w", "jk", "JKn", rscales=rscales)
    same(expected, rows(renamed, design=other))


def test_replicates_that_hold_nobody_are_left_out_and_flagged() -> None:
    frame = pl.DataFrame({
        "w": [1.0, 1.0, 2.0, 2.0], "age": [55.0, 60.0, 65.0, 70.0],
        "bone_class": ["osteoporosis", "normal", "osteoporosis", "normal"],
        "g": ["a", "a", "b", "b"],
        "rw1": [0.0, 0.0, 4.0, 4.0], "rw2": [2.0, 1.0, 1.0, 2.0], "rw3": [1.0, 2.0, 2.0, 1.0],
    })  # fmt: skip
    design = ReplicateDesign("w", "rw", "bootstrap")
    rows = prevalence(frame, DISEASE, design=design, by="g", classes=["osteoporosis"]).to_frame()
    row = rows.filter(g="a", statistic="crude").row(0, named=True)
    assert "1 replicate(s) hold nobody" in row["flag"]
    # 2/3 and 1/3 about their mean, scale 1/(3 - 1) of all three, as R.
    assert row["se"] == pytest.approx(np.sqrt(2 * (1 / 6) ** 2 / 2))
    event = np.array([1.0, 0, 1, 0])
    with pytest.warns(PrecisionWarning, match="1 of 3 replicates hold nobody"):
        replicate_mean(event, design.sample(frame), domain=np.array([True, True, False, False]))


def test_rank_is_blind_to_rounding() -> None:
    rng = np.random.default_rng(3)
    basis = rng.uniform(1, 2, (200, 5))
    published = np.round(1e4 * basis @ rng.uniform(0, 1, (5, 30)), 2)
    assert independent(published) == 5
    assert independent(published[:3]) == 3
    assert independent(np.zeros((4, 2))) == 0


FRAME = pl.DataFrame(
    {"w": [1.0, 2.0, 1.0], "rw1": [2.0, 0.0, 2.0], "rw2": [0.0, 4.0, 0.0], "t": ["x", "y", "z"]}
)


@pytest.mark.parametrize(
    ("design", "frame", "message"),
    [
        (ReplicateDesign("w", "rw", "BRR"), FRAME.with_columns(w=-pl.col("w")), "3 negative"),
        (ReplicateDesign("w", "rw", "BRR"), FRAME.with_columns(rw1=-pl.col("rw1")), "2 negative"),
        (ReplicateDesign("w", "rw", "BRR"), FRAME.with_columns(rw2=None), "not numbers|3 missing"),
        (ReplicateDesign("w", "rw", "BRR"), FRAME.with_columns(rw2=pl.lit(np.nan)), "3 missing"),
        (ReplicateDesign("w", ("rw1", "t"), "BRR"), FRAME, r"1 replicate column.*convert"),
        (ReplicateDesign("w", "jk", "BRR"), FRAME, r"0 replicate column.*replicates="),
        (ReplicateDesign("w", ("rw1", "rw9"), "BRR"), FRAME, r"1 absent \(rw9\)"),
        (ReplicateDesign("w", "rw", "JKn", rscales=(1.0,)), FRAME, "rscales has 1 number"),
        (ReplicateDesign("w", "rw", "BRR"), FRAME.with_columns(w=pl.col("w") * 90), "combined="),
        (ReplicateDesign("v", "rw", "BRR"), FRAME, "column.*v, which the data do not have"),
    ],
)
def test_bad_replicates_say_what_to_do(
    design: ReplicateDesign, frame: pl.DataFrame, message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        design.sample(frame)
    assert check_design(frame, design).codes == ("design_fault",)


def test_a_sound_design_has_no_finding() -> None:
    # Weights of a mean below 2 describe no population, which is said of them alone.
    design = ReplicateDesign("w", "rw", "BRR")
    assert check_design(FRAME, design).codes == ("normalised_weights",)
    scaled = FRAME.with_columns(pl.col(r"^r?w\d*$") * 100)
    assert check_design(scaled, design).codes == ()
    assert str(ReplicateDesign("w", "rw", "Fay", rho=0.3)) == (
        "weights w; rw* replicate weights (Fay, rho 0.3)"
    )


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"kind": "random"}, "one of BRR"),
        ({"kind": "Fay"}, "coefficient between 0 and 1"),
        ({"kind": "BRR", "rho": 0.3}, "no other"),
        ({"kind": "JKn"}, "needs rscales"),
    ],
)
def test_impossible_designs(how: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        ReplicateDesign("w", "rw", **how)


def test_estimates_that_need_units_refuse_replicates() -> None:
    with pytest.raises(DesignError, match="replicate weights do not hold; use prevalence"):
        ReplicateDesign("w", "rw", "BRR").arrays(FRAME)
