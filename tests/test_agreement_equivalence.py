"""DXA against CTXA, spectral CT against QCT: simulated pairs anchored on published figures."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from osteo_epi.agreement import dxa_qct_equivalence, published_range, spectral_qct_equivalence
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.norms import Entry, MeanSD, load


def hips(n: int = 400, seed: int = 0, *, sd: float = 0.13, offset: float = -0.178) -> pl.DataFrame:
    """SIMULATED pairs: CTXA lower by the published offset, scatter for an R² about 0.85."""
    rng = np.random.default_rng(seed)
    dxa = rng.normal(0.82, sd, n)
    ctxa = (1 + offset) * dxa + rng.normal(0, 0.045, n)
    return pl.DataFrame({"sex": "female", "abmd_total_hip": dxa, "abmd_total_hip_ctxa": ctxa})


def own_reference():
    zhang = load("young_adult", "zhang_2007")
    hip = zhang.mean_sd("female", "total_hip")
    value = MeanSD(0.822 * hip.mean, 0.822 * hip.sd)
    entries = (*zhang.entries, Entry("female", "total_hip_ctxa", value))
    return dataclasses.replace(zhang, id="own_ctxa", entries=entries)


def test_the_three_scorings_of_ctxa() -> None:
    result = dxa_qct_equivalence(hips(), reference="zhang_2007", own_reference=own_reference())
    tables = dict(result.reclassification)
    moved = {name: table.reclassified.estimate for name, table in tables.items()}
    assert moved["transported reference"] > 2 * moved["own reference"]
    assert moved["transported reference"] > 2 * moved["transported reference after calibration"]
    down = tables["transported reference"].counts
    assert np.triu(down, 1).sum() == 0  # CTXA reads lower: nobody moves to a better class
    assert down.sum() == 400
    for published, value, within in result.published:
        assert within == (published.low <= value <= published.high)
    assert [p.quantity for p, _, _ in result.published] == ["r_squared", "ctxa_minus_dxa"]
    assert "does not show that they read alike" in str(result)


def test_an_offset_leaves_r_squared_and_moves_the_bias() -> None:
    frame = hips()
    far = frame.with_columns(pl.col("abmd_total_hip_ctxa") - 0.05)
    one, other = (dxa_qct_equivalence(f, reference="zhang_2007") for f in (frame, far))
    assert one.correlation.r_squared == other.correlation.r_squared or (
        one.correlation.r_squared.estimate
        == pytest.approx(other.correlation.r_squared.estimate, rel=1e-12)
    )
    assert other.limits.bias.estimate == pytest.approx(one.limits.bias.estimate - 0.05)
    assert other.concordance.ccc.estimate < one.concordance.ccc.estimate


def test_a_restricted_range_lowers_r_squared_as_foretold() -> None:
    whole = dxa_qct_equivalence(hips(20_000), reference="zhang_2007")
    narrow = dxa_qct_equivalence(hips(20_000, 1, sd=0.065), reference="zhang_2007")
    # Little error in DXA was simulated, so the line is that of an error ratio near zero.
    foretold = whole.r_squared_at(narrow.range_sd)
    assert narrow.correlation.r_squared.estimate == pytest.approx(foretold, abs=0.06)
    assert narrow.correlation.r_squared.estimate < whole.correlation.r_squared.estimate - 0.1


def test_spectral_ct_beside_the_published_correlation() -> None:
    rng = np.random.default_rng(2)
    qct = rng.normal(120, 40, 174)
    result = spectral_qct_equivalence(qct, 1.02 * qct - 2 + rng.normal(0, 6.5, 174))
    published, value, within = result.published[0]
    assert (published.low, published.high) == (0.963, 1.0)
    assert within == (0.963 <= value <= 1.0)
    assert result.reclassification == ()
    assert "spectral CT against QCT" in result._repr_html_()


def test_bad_input() -> None:
    with pytest.raises(SchemaError, match=r"columns \['abmd_total_hip_ctxa'\] are missing"):
        dxa_qct_equivalence(hips().drop("abmd_total_hip_ctxa"), reference="zhang_2007")
    with pytest.raises(NormError, match="zhang_2007 has no entry total_hip_ctxa"):
        dxa_qct_equivalence(hips(), reference="zhang_2007", own_reference="zhang_2007")
    men = hips().with_columns(sex=pl.lit("male"))
    with pytest.raises(NormError, match="no total_hip for male"):
        dxa_qct_equivalence(men, reference="zhang_2007")
    with pytest.raises(SchemaError, match="units seem to differ"):
        dxa_qct_equivalence(
            hips().with_columns(pl.col("abmd_total_hip_ctxa") * 1000), reference="zhang_2007"
        )
    with pytest.raises(NormError, match="has an estimate of 'slope'"):
        published_range(["cheng_2014"], quantity="slope")
