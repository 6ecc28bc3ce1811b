"""The lumbar spine: is the given total what its vertebrae give, and are the flags consistent?"""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding
from osteo_epi.questions import Asking, People, asked, rows, together

CODES = (
    "total_not_its_parts",
    "total_is_l2_l4",
    "valid_without_reading",
    "score_of_refused_vertebrae",
    "qct_of_refused_vertebrae",
)
VERTEBRAE = ("l1", "l2", "l3", "l4")
_TOTAL = "abmd_lumbar_spine"
_SCORE = "t_score_lumbar_spine_reported"
_OFF = 0.0015  # three printed decimals of contents, areas and density
_OFF_MEAN = 0.06  # a plain mean of densities lies below the mean weighted by area
_MOST = 0.9


def check_spine(people: People) -> Asking[list[Finding]]:
    """Check the lumbar spine of canonical columns."""
    checks = [_valid_without_reading(people, v) for v in VERTEBRAE]
    checks += [_total(people), _score(people), _qct(people)]
    return [f for f in (yield from together(checks)) if f]


def _of_parts(people: People, vertebrae: tuple[str, ...]) -> pl.Expr | None:
    """ΣBMC/Σarea of vertebrae that are all there, or None where the columns are not."""
    needed = [f"{what}_{v}" for v in vertebrae for what in ("bmc", "area")]
    if not people.has(*needed):
        return None
    content = sum((pl.col(f"bmc_{v}") for v in vertebrae), start=pl.lit(0.0))
    area = sum((pl.col(f"area_{v}") for v in vertebrae), start=pl.lit(0.0))
    return content / area


def _usable(people: People) -> pl.Expr:
    """No vertebra is called invalid: a total over fewer is not meant to equal all four."""
    flags = [f"valid_{v}" for v in VERTEBRAE if people.has(f"valid_{v}")]
    return pl.all_horizontal([pl.lit(True), *[pl.col(f).fill_null(True) for f in flags]])


def _total(people: People) -> Asking[Finding | None]:
    if not people.has(_TOTAL):
        return None
    exact = _of_parts(people, VERTEBRAE)
    off = (pl.col(_TOTAL) - exact).abs() > _OFF if exact is not None else _off_densities(people)
    if off is None:
        return None
    where = off & _usable(people)
    n = yield from rows(where)
    if not n:
        return None
    if exact is not None and (shorter := (yield from _l2_l4(people, n))):
        return shorter
    message = f"given totals of the lumbar spine that are not what L1 to L4 give together: {n}"
    fix = (
        "the total may rest on fewer vertebrae; the spine rule takes the vertebrae that count, "
        "and only rule given_total takes this column"
    )
    return Finding("total_not_its_parts", "warning", _TOTAL, n, message, fix, where)


def _off_densities(people: People) -> pl.Expr | None:
    """Without contents and areas: a total lies between its vertebrae and near their mean."""
    names = [f"abmd_{v}" for v in VERTEBRAE]
    if not people.has(*names):
        return None
    complete = pl.all_horizontal([pl.col(n).is_not_null() for n in names])
    low, high = pl.min_horizontal(names), pl.max_horizontal(names)
    outside = ~pl.col(_TOTAL).is_between(low - _OFF, high + _OFF)
    far = (pl.col(_TOTAL) - pl.mean_horizontal(names)).abs() > _OFF_MEAN
    return complete & (outside | far)


def _l2_l4(people: People, n: int) -> Asking[Finding | None]:
    shorter = _of_parts(people, VERTEBRAE[1:])
    if shorter is None:
        return None
    same = (pl.col(_TOTAL) - shorter).abs() <= _OFF
    counts = yield from asked(sums={"same": same.sum(), "of": same.count()})
    if not counts["of"] or counts["same"] < _MOST * counts["of"]:
        return None
    message = "the given total of the lumbar spine is that of L2 to L4, not of L1 to L4"
    fix = (
        "leave its heading out with map={heading: None} (--map HEADING=none); the spine rule then "
        "takes L1 to L4 from the vertebrae"
    )
    return Finding("total_is_l2_l4", "error", _TOTAL, n, message, fix)


def _score(people: People) -> Asking[Finding | None]:
    """A score of the whole spine says nothing of the vertebrae that it rests on."""
    refused = [r for v in VERTEBRAE for r in _refused(people, v)]
    if not refused or not people.has(_SCORE):
        return None
    where = pl.any_horizontal(refused).fill_null(False) & pl.col(_SCORE).is_not_null()
    n = yield from rows(where)
    if not n:
        return None
    message = (
        f"reported T-scores of the lumbar spine beside vertebrae that are stated invalid: {n}; "
        "they may rest on these vertebrae, and count where two or more are left"
    )
    fix = (
        "if they were not made without these vertebrae, classify from the densities of the "
        "vertebrae, or leave the scores out with map={heading: None} (--map HEADING=none)"
    )
    return Finding("score_of_refused_vertebrae", "warning", _SCORE, n, message, fix, where)


def _qct(people: People) -> Asking[Finding | None]:
    """A vertebra that is invalid by DXA, where the same person has its QCT: it may be so by both.

    Where a person's spine has no DXA at all, the statement can only be one about QCT.
    """
    names = [f"{what}_{v}" for v in VERTEBRAE for what in ("abmd", "bmc")]
    areal = [pl.col(n).is_not_null() for n in (*names, _TOTAL, _SCORE) if people.has(n)]
    flags = {v: flag for v in VERTEBRAE for flag in _refused(people, v)}
    measured = [
        flag & pl.col(f"vbmd_{v}").is_not_null()
        for v, flag in flags.items()
        if people.has(f"vbmd_{v}")
    ]
    if not areal or not measured:
        return None
    all_refused = pl.all_horizontal(
        [flags.get(v, pl.lit(False)).fill_null(False) for v in VERTEBRAE]
    )
    where = pl.any_horizontal(measured).fill_null(False) & pl.any_horizontal(*areal, all_refused)
    n = yield from rows(where)
    if not n:
        return None
    message = (
        f"QCT of vertebrae that are stated invalid, in people who have DXA of the spine too: {n}; "
        "the statement is taken for one about DXA, and QCT counts"
    )
    fix = "where a vertebra is not to be read by QCT either, leave its vbmd_l1, … empty"
    return Finding("qct_of_refused_vertebrae", "warning", "", n, message, fix, where)


def _refused(people: People, vertebra: str) -> list[pl.Expr]:
    """Where a vertebra is stated invalid, by its flag, else by a reason; nothing without either."""
    flag, reason = f"valid_{vertebra}", f"invalid_reason_{vertebra}"
    stated = [~pl.col(flag)] if people.has(flag) else []
    if people.has(reason):
        text = pl.col(reason).cast(pl.String)
        stated.append(pl.when(~codebook()[reason].says_nothing(text)).then(True))
    return [pl.coalesce(stated)] if stated else []


def _valid_without_reading(people: People, vertebra: str) -> Asking[Finding | None]:
    flag, reading = f"valid_{vertebra}", f"abmd_{vertebra}"
    if not people.has(flag, reading):
        return None
    where = pl.col(flag) & pl.col(reading).is_null()
    n = yield from rows(where)
    if not n:
        return None
    message = f"vertebrae called valid without a density: {n}; they count as missing"
    return Finding("valid_without_reading", "note", flag, n, message, "", where)
