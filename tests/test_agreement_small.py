"""Agreement of samples that are tiny, perfect, or all alike: a number or a clear error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from osteo_epi import agreement
from osteo_epi.agreement import (
    bland_altman,
    bland_altman_repeated,
    concordance,
    correlation,
    deming,
    equivalence,
    intraclass,
    kappa,
    kendall_w,
    krippendorff,
    least_squares,
    passing_bablok,
    raters,
    spectral_qct_equivalence,
    theil_sen,
    weighted_deming,
)
from osteo_epi.errors import SchemaError

SAMPLES = {
    "one away": ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 7]),
    "perfect": ([1, 2, 3, 5], [1, 2, 3, 5]),
    "perfect densities": ([0.812, 0.9, 1.013, 1.1], [0.812, 0.9, 1.013, 1.1]),
    "on a line": ([1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12]),
    "shifted": ([1, 2, 3, 5], [2, 3, 4, 6]),
    "opposite": ([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]),
    "unrelated": ([1, 2, 3, 4], [1, -1, -1, 1]),
    "tied": ([1, 1, 1, 2, 2, 2], [1, 1, 2, 2, 2, 1]),
    "constant x": ([1, 1, 1, 1], [1, 2, 3, 4]),
    "constant y": ([1, 2, 3, 4], [2, 2, 2, 2]),
    "with a gap": ([1, 2, math.nan, 4, 5], [1, 2, 3, 4, 5]),
    "three": ([1, 2, 3], [1, 2, 4]),
    "two": ([1, 2], [1, 2]),
    "none": ([], []),
}
Call = Callable[[Any, Any], Any]
CALLS: dict[str, Call] = {
    **{
        f"{line.__name__} {interval}": lambda x, y, line=line, interval=interval: line(
            x, y, interval=interval
        )
        for line, own in (
            (passing_bablok, "ranks"),
            (theil_sen, "ranks"),
            (deming, "analytic"),
            (weighted_deming, "jackknife"),
        )
        for interval in (own, "jackknife", "bootstrap")
    },
    "least_squares": least_squares,
    "correlation": correlation,
    "concordance": concordance,
    "concordance, asymptotic": lambda x, y: concordance(x, y, interval="asymptotic"),
    "intraclass": lambda x, y: intraclass(np.column_stack([x, y])),
    "intraclass, McGraw": lambda x, y: intraclass(
        np.column_stack([x, y]), average_agreement="mcgraw_wong"
    ),
    **{
        f"bland_altman {scale} {interval}": lambda x, y, scale=scale, interval=interval: (
            bland_altman(x, y, scale=scale, interval=interval)
        )
        for scale in ("difference", "percent", "log")
        for interval in ("approximate", "mover", "exact")
    },
    **{
        f"repeated {kind}": lambda x, y, kind=kind: bland_altman_repeated(
            x, y, person=np.arange(len(x)) // 2, true_value=kind
        )
        for kind in ("varies", "constant")
    },
    "equivalence": lambda x, y: equivalence(x, y, margin=1),
    "spectral": spectral_qct_equivalence,
    "kappa": kappa,
    "kappa, quadratic": lambda x, y: kappa(x, y, weights="quadratic"),
    "raters": lambda x, y: raters(np.column_stack([x, y])),
    "kendall_w": lambda x, y: kendall_w(np.column_stack([x, y])),
    **{
        f"krippendorff {level}": lambda x, y, level=level: krippendorff(
            np.column_stack([x, y]), level=level
        )
        for level in ("nominal", "ordinal", "interval")
    },
    "lack_of_fit": lambda x, y: agreement.lack_of_fit(x, y, line=least_squares(x, y)),
    "error_ratio": lambda x, y: agreement.error_ratio_from_repeats(
        np.column_stack([x, y]), np.column_stack([y, x])
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_small_sample_gives_a_result_or_says_why_not(call: str, sample: str) -> None:
    try:
        result = CALLS[call](*SAMPLES[sample])
    except SchemaError:  # any other error, or a warning, fails the test
        assert sample != "one away" or call == "lack_of_fit"
        return
    if isinstance(result, float):
        assert math.isfinite(result)
        return
    assert result.to_frame().height
    assert repr(result)
    assert "<table" in result._repr_html_()


def test_ratings_that_agree_perfectly_have_an_intraclass_correlation_of_one() -> None:
    # psych 2.2.9: 1 with limits 1 and 1 in all six forms (F is the rounding's, 3e32).
    table = intraclass([[1, 1], [2, 2], [3, 3], [5, 5]]).to_frame()
    for name in ("estimate", "lower", "upper"):
        assert table[name].to_list() == [1.0] * 6
    assert table["p"].to_list() == [0.0] * 6
    densities = np.array([0.812, 0.9, 1.013, 1.1, 0.77])
    thrice = intraclass(np.column_stack([densities] * 3), average_agreement="mcgraw_wong")
    assert thrice.to_frame()["lower"].to_list() == [1.0] * 6


def test_a_constant_difference_is_forgiven_by_consistency_alone() -> None:
    # psych 2.2.9 on these ratings.
    result = intraclass([[1, 2], [2, 3], [3, 4], [5, 6]])
    theirs = {
        "ICC1": (0.8421053, 0.077957990, 0.9887119),
        "ICC2": (0.8536585, 0.006705009, 0.9902680),
        "ICC3": (1.0, 1.0, 1.0),
        "ICC1k": (0.9142857, 0.144640126, 0.9943239),
        "ICC2k": (0.9210526, 0.013320703, 0.9951102),
        "ICC3k": (1.0, 1.0, 1.0),
    }
    for form, values in theirs.items():
        ours = result[form]
        assert (ours.estimate, ours.lower, ours.upper) == pytest.approx(values, rel=2e-7)


def test_people_who_do_not_differ_have_no_intraclass_correlation() -> None:
    with pytest.raises(SchemaError, match="mean ratings of all 3 people are equal"):
        intraclass([[1, 3], [2, 2], [3, 1]])
    with pytest.raises(SchemaError, match="spearman_brown, mcgraw_wong"):
        intraclass([[1, 1], [2, 3], [3, 3]], average_agreement="psych")


def test_a_class_that_is_not_a_number_is_missing() -> None:
    plain = kappa([0, 0, 1, 1, None, 0], [0, 0, 1, 0, 1, 0])
    for gap in (math.nan, np.nan, np.float64("nan")):
        with_gap = kappa([0, 0, 1, 1, gap, 0], [0, 0, 1, 0, 1, 0])
        assert (with_gap.n, with_gap.n_missing) == (5, 1)
        assert with_gap.kappa == plain.kappa
    arrays = kappa(np.array([0, 0, 1, 1, np.nan, 0]), np.array([0.0, 0, 1, 0, 1, 0]))
    assert (arrays.kappa, arrays.n_missing) == (plain.kappa, 1)
    names = kappa(["a", "a", "b", "b", math.nan, "a"], ["a", "a", "b", "a", "b", "a"])
    assert (names.kappa, names.n_missing) == (plain.kappa, 1)
    series = kappa(pl.Series([0.0, 0, 1, 1, math.nan, 0]), pl.Series([0.0, 0, 1, 0, 1, 0]))
    assert (series.kappa, series.n_missing) == (plain.kappa, 1)
    with pytest.raises(SchemaError, match="2 people with both classes"):
        kappa([1, 2, math.nan], [1, 2, 1])


def test_a_method_with_one_class_has_a_kappa_of_zero_without_limits() -> None:
    result = kappa([1, 1, 1, 1], [1, 2, 3, 4])
    assert (result.kappa.estimate, result.kappa.se, result.kappa.lower) == (0.0, None, None)
    with pytest.raises(SchemaError, match="all 4 people are in one class by both"):
        kappa([1, 1, 1, 1], [1, 1, 1, 1])


def test_readings_that_are_alike_to_the_last_bit_concord_perfectly() -> None:
    x = np.array([0.812, 0.9, 1.013, 1.1])
    for interval in ("z", "asymptotic"):
        ccc = concordance(x, x, interval=interval).ccc
        assert (ccc.estimate, ccc.se, ccc.lower, ccc.upper) == (1.0, 0.0, 1.0, 1.0)
    assert concordance([1, 2, 3, 4], [4, 3, 2, 1]).ccc.upper == -1
    # Without any correlation the error is sqrt(C² / (n − 2)) for C = 2 / (v + 1/v + u²).
    unrelated = concordance([1, 2, 3, 4], [1, -1, -1, 1])
    assert unrelated.ccc.estimate == 0
    assert unrelated.ccc.se == pytest.approx(unrelated.accuracy / math.sqrt(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: krippendorff([[1, 1], [1, 1]], level="nominal"), "2 people .* in 1 classes"),
        (lambda: krippendorff([1, 2], level="nominal"), "shape"),
        (lambda: kendall_w([[1, 1], [2, math.nan]]), "1 of them with a missing rating"),
        (lambda: kendall_w([[1, 1], [1, 1]]), "tells people apart"),
        (lambda: kendall_w([1, 2]), "shape"),
    ],
)
def test_ratings_of_which_nothing_can_be_told(call: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        call()
