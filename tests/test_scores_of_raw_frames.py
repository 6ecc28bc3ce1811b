"""Scores of a frame that no reader took in: its words of sex are ours, or it is refused."""

from __future__ import annotations

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import SchemaError

T = {"reference": "nhanes3_white"}
Z = {"reference": "nhanes_2005_2008_nhw"}


def people(sex):
    n = len(sex)
    return pl.DataFrame(
        {"sex": sex, "age": [61.0] * n, "abmd_femoral_neck": [0.7] * n, "abmd_total_hip": [0.8] * n}
    )


@pytest.mark.parametrize("sex", [["F", "M"], ["female", "女"], [1, 2], ["female", "Male"]])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(("score", "by"), [(oe.with_t_scores, T), (oe.with_z_scores, Z)])
def test_other_words_of_sex_are_refused(sex, lazy, score, by):
    frame = people(sex)
    with pytest.raises(SchemaError, match=r"osteo_epi\.read\(frame\)"):
        score(frame.lazy() if lazy else frame, **by).lazy().collect()


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["female", "male"])])
def test_words_of_ours_and_none_are_taken(dtype):
    frame = people(pl.Series(["female", "male", None], dtype=dtype))
    scores = oe.with_t_scores(frame, **T)["t_score_femoral_neck"]
    assert scores.is_null().to_list() == [False, False, True]
    assert oe.with_t_scores(frame.lazy(), **T).collect()["t_score_femoral_neck"].equals(scores)


def test_where_one_sex_is_the_measure_words_are_no_matter():
    frame = people(["F", "M"])
    scores = oe.with_t_scores(frame, reference="nhanes3_white_female", sex_rule="female")
    assert scores["t_score_femoral_neck"].null_count() == 0
