"""May it be shown? Each boundary of the NCHS rules, both sides and the line itself."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.errors import NormError, SchemaError
from osteo_epi.population import presentation


def row(p=0.4, lower=0.3, upper=0.5, n=1000, n_effective=500.0, df=20, **more) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "estimate": p,
            "lower": lower,
            "upper": upper,
            "n": n,
            "n_effective": n_effective,
            "df": df,
            **more,
        }
    )


BOUNDARIES = [
    # effective n: below 30 hides even a narrow interval; 30 itself does not
    (row(n_effective=29.999), "suppress", "effective n < 30"),
    (row(n_effective=30.0), "show", "no ground"),
    (row(n=29, n_effective=400.0), "suppress", "effective n"),  # never above n
    (row(0.40, 0.39, 0.41, n_effective=10.0), "suppress", "effective n"),
    # absolute width 0.05: shown whatever the relative width; floats miss both 0.05 and 0.30
    (row(0.01, 0.0, 0.05), "show", "width ≤ 0.05"),
    (row(0.17, 0.15, 0.20), "show", "width ≤ 0.05"),
    (row(0.01, 0.0, 0.0501), "suppress", "relative width"),
    # absolute width 0.30
    (row(0.35, 0.20, 0.50), "suppress", "width ≥ 0.3"),
    (row(0.30, 0.15, 0.45), "suppress", "width ≥ 0.3"),
    (row(0.35, 0.2001, 0.50), "show", "no ground"),
    # relative width 130 %
    (row(0.10, 0.05, 0.18), "show", "no ground"),
    (row(0.10, 0.05, 0.1801), "suppress", "relative width > 1.3"),
    # complement, only where shown by the relative width
    (row(0.90, 0.82, 0.95), "show", "no ground"),
    (row(0.90, 0.81, 0.95), "show_with_note", "complement relative width > 1.3"),
    (row(0.99, 0.95, 1.0), "show", "width ≤ 0.05"),
    # degrees of freedom
    (row(df=8), "show", "no ground"),
    (row(df=7), "review", "df < 8"),
    (row(0.90, 0.81, 0.95, df=7), "review", "complement"),
    (row(n_effective=5.0, df=7), "suppress", "effective n"),
    # 0 and 100 %: effective n is n and the width counts as 0
    (row(0.0, 0.0, 0.12, n=30, n_effective=None), "review", "none or all"),
    (row(1.0, 0.5, 1.0, n=30, n_effective=None), "review", "none or all"),
    (row(0.0, 0.0, 0.01, n=29, n_effective=None), "suppress", "effective n"),
    # nothing to judge by
    (row(None, None, None), "suppress", "no estimate"),
    (row(0.4, None, None), "suppress", "no estimate"),
    (row(0.4, n_effective=None), "suppress", "no estimate"),
]


@pytest.mark.parametrize(("frame", "verdict", "reason"), BOUNDARIES)
def test_each_boundary_of_the_rule_for_proportions(frame, verdict, reason):
    result = presentation(frame.with_columns(pl.col("estimate", "lower", "upper").cast(float)))
    assert result["verdict"].item() == verdict
    assert reason in result["verdict_reason"].item()
    assert result["verdict_rule"].item() == "nchs_proportion"


@pytest.mark.parametrize(
    ("n", "count", "lower", "upper", "df", "verdict"),
    [
        (10, 100.0, 40.0, 200.0, 8, "show"),
        (9, 100.0, 90.0, 110.0, 8, "suppress"),
        (10, 100.0, 40.0, 200.1, 8, "suppress"),
        (10, 100.0, 40.0, 200.0, 7, "review"),
        (10, None, None, None, 20, "suppress"),
    ],
)
def test_each_boundary_of_the_rule_for_counts(n, count, lower, upper, df, verdict):
    frame = pl.DataFrame(
        {
            "people_affected": [count],
            "people_affected_lower": [lower],
            "people_affected_upper": [upper],
            "n": [n],
            "df": [df],
        },
        schema_overrides=dict.fromkeys(
            ("people_affected", "people_affected_lower", "people_affected_upper"), pl.Float64
        ),
    )
    assert presentation(frame, rule="nchs_count")["verdict"].item() == verdict


def test_effective_n_is_made_from_the_standard_error_where_it_is_not_given():
    frame = row(0.5, 0.36, 0.64, n=200).drop("n_effective")
    few, enough = (
        presentation(frame.with_columns(se=pl.lit(se)))["verdict"].item() for se in (0.0914, 0.0912)
    )
    assert (few, enough) == ("suppress", "show")


def test_a_design_without_df_is_not_sent_to_review():
    assert presentation(row().drop("df"))["verdict"].item() == "show"


@pytest.mark.parametrize(("method", "foreign"), [("beta", False), ("logit", True)])
def test_an_interval_that_the_rule_was_not_written_for_is_named(method, foreign):
    reason = presentation(row(method=method))["verdict_reason"].item()
    assert ("written for the korn_graubard interval" in reason) is foreign


def test_columns_by_other_names_and_every_kind_of_frame():
    import pandas as pd

    frame = row().rename({"estimate": "p", "lower": "low", "upper": "high"})
    names = {"estimate": "p", "lower": "low", "upper": "high"}
    assert isinstance(presentation(frame.to_pandas(), **names), pd.DataFrame)
    lazy = presentation(frame.lazy(), **names)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect()["verdict"].to_list() == ["show"]


def test_a_result_comes_back_as_a_frame_with_its_verdicts():
    class Result:
        def to_frame(self) -> pl.DataFrame:
            return row()

    assert presentation(Result())["verdict"].to_list() == ["show"]


def test_missing_columns_and_other_norms_are_refused_with_a_way_out():
    with pytest.raises(SchemaError, match=r"needs the columns \['lower', 'upper'\]"):
        presentation(row().drop("lower", "upper"))
    with pytest.raises(SchemaError, match=r"needs the columns \['se'\]"):
        presentation(row().drop("n_effective"))
    with pytest.raises(NormError, match="no rule for estimates"):
        presentation(row(), rule="disclosure_below_10_ons")
