"""NRI and IDI: other software, the net benefit beside them, designs, and bad input."""

from __future__ import annotations

import numpy as np
import performance_golden as golden
import polars as pl
import pytest
from test_decision_curve import sample

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.risk import decision_curve, reclassification
from osteo_epi.survey import ReplicateDesign, SurveyDesign

MOVES = [name for name in golden.RECORDS if "improveProb" in name or "nribin" in name]
PAIR = {"first": "other", "second": "risk", "outcome": "y"}


def moved(people: pl.DataFrame, **options):
    return reclassification(people, **PAIR | {"design": "srs"} | options)


@pytest.mark.parametrize("record", MOVES)
def test_other_software_gives_the_same_reclassification(record):
    assert golden.faults(record, golden.RECORDS[record]["result"]) == []


def test_every_record_is_compared_or_has_its_reason():
    for record, given in golden.RECORDS.items():
        assert golden.faults(record, given["result"]) == []


def test_the_net_benefit_is_never_absent():
    result = moved(sample(), cut_offs=[0.2, 0.4])
    curve = decision_curve(
        sample(), risks=["risk", "other"], outcome="y", thresholds=[0.2, 0.4], design="srs"
    )
    assert result.net_benefit.equals(curve.difference("risk", "other"))
    assert result.to_frame()["measure"][0] == "net_benefit_difference"
    assert "net benefit" in repr(result)
    assert result.notes[0].startswith("NRI and IDI can rise")
    share = sample()["y"].mean()
    assert moved(sample()).net_benefit["threshold"].to_list() == [share]
    assert moved(sample(), thresholds=[0.3]).net_benefit["threshold"].to_list() == [0.3]


def test_the_table_holds_everybody_and_gives_the_category_nri():
    result = moved(sample(), cut_offs=[0.4, 0.2])
    assert result.table["n"].sum() == result.n == 240
    assert result.table["first_category"].unique(maintain_order=True).to_list() == [
        "< 0.2", "0.2 to < 0.4", "≥ 0.4"
    ]  # fmt: skip
    no, yes = result.moves.iter_rows(named=True)
    nri = yes["category_up"] - yes["category_down"] + no["category_down"] - no["category_up"]
    assert result.category_nri.estimate == pytest.approx(nri)
    assert result.nri.estimate == pytest.approx(
        result.nri_events.estimate + result.nri_nonevents.estimate
    )


def test_a_design_widens_and_a_jackknife_agrees():
    people, n = sample(), 240
    without = np.where(np.eye(n, dtype=bool), 0.0, n / (n - 1))
    names = [f"r{i}" for i in range(n)]
    frame = people.with_columns(pl.DataFrame(without, schema=names), one=pl.lit(1.0))
    jackknife = moved(frame, design=ReplicateDesign("one", tuple(names), kind="JK1"))
    units = moved(people.with_columns(u=pl.int_range(n)), design=SurveyDesign(psu="u"))
    plain = moved(people)
    for name, measure in plain.measures.items():
        assert units.measures[name].estimate == pytest.approx(measure.estimate)
        assert units.measures[name].se == pytest.approx(measure.se, rel=0.02)
        assert jackknife.measures[name].se == pytest.approx(units.measures[name].se, rel=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cut_offs": [0.2, 1.0]}, "one of cut_offs=1.0"),
        ({"cut_offs": 20}, "cut_offs=20"),
        ({"second": "other"}, "nobody moves"),
        ({"thresholds": [0]}, "at 0 everybody is treated"),
    ],
)
def test_an_argument_that_is_none_is_refused(options, words):
    with pytest.raises(DefinitionError, match=words):
        moved(sample(), **options)


def test_a_risk_in_percent_is_refused():
    with pytest.raises(SchemaError, match="divide by 100"):
        moved(sample().with_columns(risk=100 * pl.col("risk")))


def test_limits_of_shares_stay_within_the_possible():
    people = pl.DataFrame({"one": [0.1, 0.2, 0.2, 0.3], "two": [0.2, 0.1, 0.3, 0.4],
                           "y": [1, 1, 0, 0]})  # fmt: skip
    result = reclassification(people, first="one", second="two", outcome="y")
    parts = result.nri_events, result.nri_nonevents, result.nri
    assert all(-1 <= one.lower <= one.upper <= 1 for one in parts[:2])
    assert -2 <= parts[2].lower <= parts[2].upper <= 2
