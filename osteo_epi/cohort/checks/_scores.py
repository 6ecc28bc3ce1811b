"""Scores that the file gives: T and Z swapped, rounded, and which reference they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import polars as pl

from osteo_epi.findings import Finding, Severity
from osteo_epi.norms import load
from osteo_epi.questions import (
    Asking,
    People,
    asked,
    grouped,
    many_values,
    rows,
    together,
)

_ROUNDED = "rounded_t_scores"
CODES = (
    "sign_lost",
    "t_z_swapped",
    "z_below_t",
    "whole_t_scores",
    _ROUNDED,
    "lowest_of_other_regions",
    "densities_in_scores",
    "reported_reference",
    "score_against_density",
    "regions_apart",
)
_ENOUGH = 20
_ENOUGH_TO_FIT = 30
_SURE = 0.3
_FOLLOWS = 0.06  # T rounded to 0.1 leaves 0.03 about a line
_SCATTERS = 0.15
_RISES = 0.5
"""Rank correlation of scores with the densities of their own region: two makers' together have 0.8
and more, and scores of 30 other people pass it once in 300 times."""
_TURNED = 0.8
"""Rank correlation beyond which scores fall along their own line."""
_TOGETHER, _ENOUGH_OF_PAIRS = 0.2, 50
"""Correlation of two regions of the same people: the spine and hip of 60 of NHANES have 0.3 at the
least of 1,600 draws, and those of different people pass it once in sixteen times."""
_CRITERION, _MOST_LOW = "who_1994", 0.75
"""Among patients alone, whose lowest score is that of osteoporosis, spine and hip go together by
-0.3 to 0.2; where a quarter are others, by more than 0.2."""
_MAIN = ("lumbar_spine", "femoral_neck", "total_hip")
_OLDER, _ENOUGH_OF_ANY_AGE, _SUSPECT = 50, 40, 10
_SEXES = ("female", "male")
_PARTS = ("centre", "device", "device_maker", "cycle")
_CLEAR, _ON_THE_LINE = 0.5, 0.25
_SHARE = 0.05
_DECIMALS, _DENSE = {1: "one decimal", 2: "two decimals"}, (0.2, 2.0)
"""What most scores have, and where densities of people lie [g/cm²], as scores of few do."""
_LOST_BY, _FAR_BELOW = 60, 0.5
"""No guideline's: years by which bone is lost, so that Z is above T, and how far below it [SD] is
more than two scores rounded to one decimal can differ by."""
_MORE_THAN_ROUNDED = 0.06  # one decimal hides 0.05
_FEW_FINER, _SHARE_FINER = 3, 0.2
"""Three finer scores of as many above 0.2 happen once in a hundred times where most are below."""
_WITHOUT = (
    "leave them out with map={heading: None} (--map HEADING=none) and classify from the densities"
)


def check_scores(people: People) -> Asking[list[Finding]]:
    """Check the reported T- and Z-scores of canonical columns."""
    checks: list[Asking[Finding | None]] = [_ultrasound(people)]
    checks += [_sign_lost(people, name) for _, name in _reported(people, "z_score")]
    for roi, t_score in _reported(people, "t_score"):
        checks += [
            _sign(people, roi, t_score),
            _swapped(people, roi),
            _rounded(t_score),
            _densities(t_score),
            _reference(people, roi, t_score),
        ]
    checks += [_lowest(people)]
    checks += [_apart(people, form) for form in ("abmd_{}", "t_score_{}_reported")]
    return _once([finding for finding in (yield from together(checks)) if finding])


def _once(findings: list[Finding]) -> list[Finding]:
    """What is said of rounded scores said once: a device rounds those of all its regions."""
    rounded = [finding for finding in findings if finding.code == _ROUNDED]
    others = [finding for finding in findings if finding.code != _ROUNDED]
    if not rounded:
        return others
    columns, n = ", ".join(f.column for f in rounded), max(f.n for f in rounded)
    return [*others, replace(rounded[0], column=columns, n=n)]


def _apart(people: People, form: str) -> Asking[Finding | None]:
    """A region that goes with no other of the same people, as one that was sorted by itself."""
    names = [name for roi in _MAIN if people.has(name := form.format(roi))]
    pairs = list(combinations(names, 2))
    lines = yield from together(_of_pair(*pair) for pair in pairs)
    fits = {
        pair: line.correlation >= _TOGETHER
        for pair, line in zip(pairs, lines, strict=True)
        if line and line.n >= _ENOUGH_OF_PAIRS
    }
    apart = [
        name
        for name in names
        if (own := [fit for pair, fit in fits.items() if name in pair]) and not any(own)
    ]
    if not apart or (yield from _are_chosen(people)):
        return None
    n = max(line.n for line in lines if line)
    compared = {name for pair in fits for name in pair}
    others = "the other regions" if len(compared) > len(apart) else "each other"
    message = f"values that hardly rise with those of {others} in the same people: {n} people"
    fix = (
        "look whether each row holds one person's values, or the column was sorted or put in by "
        "itself, and export the data again; of people chosen for a low value of any region, as "
        "patients with osteoporosis are, it says nothing"
    )
    return Finding("regions_apart", "warning", ", ".join(apart), n, message, fix)


def _are_chosen(people: People) -> Asking[bool]:
    """Whether most were chosen for a low score of any region, which takes regions apart."""
    names = [name for roi in _MAIN if people.has(name := f"t_score_{roi}_reported")]
    if not names:
        return False
    lowest, classes = pl.min_horizontal(names), load("criteria", _CRITERION).t_score
    low = classes["osteoporosis"].expression(lowest, tolerance=classes.tolerance)
    counts = yield from asked(sums={"low": low.sum(), "of": lowest.count()})
    return bool(counts["low"] > _MOST_LOW * counts["of"])


def _reported(people: People, score: str) -> Iterator[tuple[str, str]]:
    for name in people.columns:
        if name.startswith(f"{score}_") and name.endswith("_reported"):
            yield name.removeprefix(f"{score}_").removesuffix("_reported"), name


def _sign(people: People, roi: str, t_score: str) -> Asking[Finding | None]:
    """Signs that all scores lost, or those of some people, whose density tells it."""
    lost, against = yield from together(
        [_sign_lost(people, t_score), _sign_against_density(people, roi, t_score)]
    )
    return lost or against


def _sign_lost(people: People, name: str) -> Asking[Finding | None]:
    """No negative score among people of whom most, or half, must have one.

    Looked at as a whole and, where a column tells them apart, in each centre or device: one export
    among several may have lost its signs, or left out what was negative.
    """
    score = pl.col(name)
    old = pl.col("age") >= _OLDER if people.has("age") else pl.lit(False)
    older = score.is_not_null() & old
    sums = {"n": score.count(), "negative": (score < 0).sum(), "older": older.sum()}
    counts = yield from asked(sums={**sums, "empty": score.null_count()})
    empty = counts["empty"]
    if severity := _without_negatives(counts):
        return _sign_finding(name, counts["n"], severity, empty)
    if counts["n"] < _SUSPECT:
        return None
    columns = [column for column in _PARTS if people.has(column)]
    tables = yield from together(grouped({c: pl.col(c)}, sums=sums) for c in columns)
    for column, table in zip(columns, tables, strict=True):
        parts = table.filter(pl.col(column).is_not_null()).to_dicts()
        sure = [part for part in parts if _without_negatives(part) == "error"]
        if sure:
            told = f" in {len(sure)} of column {column}"
            finding = _sign_finding(name, sum(part["n"] for part in sure), "error", empty, told)
            where = pl.col(column).is_in([part[column] for part in sure]) & score.is_not_null()
            return replace(finding, where=where)
    return None


def _without_negatives(counts: Mapping[str, Any]) -> Severity | None:
    """How sure it is that some of these scores must have been negative, where none is."""
    if counts["n"] < _SUSPECT or counts["negative"]:
        return None
    sure = counts["older"] >= _ENOUGH or counts["n"] >= _ENOUGH_OF_ANY_AGE
    return "error" if sure else "warning"


def _sign_finding(name: str, n: int, severity: Severity, empty: int, part: str = "") -> Finding:
    message = f"none of {n} scores{part} is negative, where half or more must be"
    message += f"; {empty} cells are empty" if empty else ""
    fix = (
        "the minus signs were lost, or the negative values dropped, when the data were exported: "
        f"export the scores again, or {_WITHOUT}"
    )
    return Finding("sign_lost", severity, name, n, message, fix)


def _ultrasound(people: People) -> Asking[Finding | None]:
    """The same of ultrasound, on which no class rests."""
    if not people.has("qus_t_score"):
        return None
    finding = yield from _sign_lost(people, "qus_t_score")
    return finding and replace(finding, severity="warning", fix="export the scores again")


def _sign_against_density(people: People, roi: str, t_score: str) -> Asking[Finding | None]:
    """Scores above 0 that lie on the line of score on density with the other sign only.

    The line is drawn through the negative scores, whose sign is certain.
    """
    density = f"abmd_{roi}"
    if not people.has(density, "sex"):
        return None
    score, of_sex = pl.col(t_score), {sex: pl.col("sex") == sex for sex in _SEXES}
    lines = yield from together(
        _line(density, t_score, where & (score < 0), f"{roi} {sex} below 0")
        for sex, where in of_sex.items()
    )
    mirrored, pairs = pl.lit(False), pl.lit(False)
    for where, line in zip(of_sex.values(), lines, strict=True):
        if line is None:
            continue
        at = line.at(pl.col(density))
        pairs = pairs | (where & pl.col(density).is_not_null() & score.is_not_null())
        clear = (score > 0) & (at < -_CLEAR)
        on_line = (score + at).abs() < _ON_THE_LINE
        mirrored = mirrored | (where & clear & on_line)
    if not any(lines):
        return None
    counts = yield from asked(sums={"lost": mirrored.sum(), "n": pairs.sum()})
    lost, n = counts["lost"], counts["n"]
    if not lost:
        return None
    message = (
        f"scores above 0 at densities that give the same score below 0 elsewhere: {lost} of {n}"
    )
    fix = f"the minus sign seems lost in these rows: correct them, or {_WITHOUT}"
    severity: Severity = "error" if lost > _SHARE * n else "warning"
    return Finding("sign_lost", severity, t_score, lost, message, fix, mirrored)


def _swapped(people: People, roi: str) -> Asking[Finding | None]:
    """Z − T grows with age, because bone is lost; a fall tells that the columns are exchanged."""
    t_score, z_score = f"t_score_{roi}_reported", f"z_score_{roi}_reported"
    if not people.has(z_score, "age"):
        return None
    gap = pl.col(z_score) - pl.col(t_score)
    line = yield from _moments(pl.when(gap.is_not_null()).then(pl.col("age")), gap, f"{roi} gap")
    if line is None or line.n < _ENOUGH or line.correlation > -_SURE:
        return (yield from _z_below_t(gap, t_score, z_score))
    message = "Z falls behind T with age, where it should rise above it: the columns seem exchanged"
    fix = (
        "after looking at one printed report, exchange them with "
        f"map={{heading of Z: {t_score!r}, heading of T: {z_score!r}}} "
        f"(--map HEADING_OF_Z={t_score} --map HEADING_OF_T={z_score})"
    )
    return Finding("t_z_swapped", "error", f"{t_score}, {z_score}", line.n, message, fix)


def _z_below_t(gap: pl.Expr, t_score: str, z_score: str) -> Asking[Finding | None]:
    """Some rows in which Z is low and far below T, which people of these ages do not have.

    Where Z is not low nothing is missed, and many men have it so at the spine, which loses little
    with age while its scores spread. A maker's Z for the weight of the body or for an ethnic group
    may be low and below T, and is looked at too.
    """
    old, classes = pl.col("age") >= _LOST_BY, load("criteria", _CRITERION).t_score
    normal = classes["normal"].expression(pl.col(z_score), tolerance=classes.tolerance)
    where = old & (gap <= -_FAR_BELOW) & ~normal
    counts = yield from asked(sums={"n": where.sum(), "of": (old & gap.is_not_null()).sum()})
    n, of = counts["n"], counts["of"]
    if not n:
        return None
    message = (
        f"a low Z more than {_FAR_BELOW:g} below T from {_LOST_BY} years, where it is above: "
        f"{n} of {of}"
    )
    fix = (
        "T and Z seem exchanged in these rows, or stand in those of other people: look at one "
        "printed report, and correct the file (a Z for the weight of the body or for an ethnic "
        "group may be so low)"
    )
    return Finding("z_below_t", "warning", f"{t_score}, {z_score}", n, message, fix, where)


def _rounded(name: str) -> Asking[Finding | None]:
    score = pl.col(name)
    broken, finer = score != score.round(0), (score - score.round(1)).abs() >= 1e-6
    sums = {"n": score.count(), "broken": broken.sum(), "finer": finer.sum()}
    counts = yield from asked(sums=sums)
    n = counts["n"]
    if n < _ENOUGH or (counts["broken"] and counts["finer"]) or not (yield from many_values(score)):
        return None
    if not counts["broken"]:
        message = "all T-scores are whole numbers: truncated, hence useless for a class"
        fix = f"export the scores with their decimals, or {_WITHOUT}"
        return Finding("whole_t_scores", "error", name, n, message, fix)
    message = "T-scores are rounded to one decimal: people near a cut-off may change class"
    fix = "classify from the densities where they are there"
    return Finding(_ROUNDED, "note", name, n, message, fix)


def _lowest(people: People) -> Asking[Finding | None]:
    """Say where the file's lowest score is below that of every region that is read."""
    lowest = "t_score_min_reported"
    regions = [name for _, name in _reported(people, "t_score") if name != lowest]
    if not people.has(lowest) or not regions:
        return None
    where = pl.col(lowest) < pl.min_horizontal(regions) - _MORE_THAN_ROUNDED
    n = yield from rows(where)
    message = f"the lowest score of the file is below that of each region which is read, in {n}"
    fix = (
        "see which region it is of: its column is not read, or holds another side or scan; "
        "--sites not_stated reads the lowest score alone"
    )
    found = Finding("lowest_of_other_regions", "warning", lowest, n, message, fix, where)
    return found if n else None


def _densities(name: str) -> Asking[Finding | None]:
    """Say where a few scores are finer than all others, and lie where densities do."""
    score = pl.col(name)
    finer = {g: (score - score.round(g)).abs() >= 1e-6 for g in _DECIMALS}
    dense = score.is_between(*_DENSE)
    counts = yield from asked(
        sums={"n": score.count()}
        | {f"finer_{g}": one.sum() for g, one in finer.items()}
        | {f"dense_{g}": (one & dense).sum() for g, one in finer.items()}
    )
    n = counts["n"]
    for grain, one in finer.items():
        odd = counts[f"finer_{grain}"]
        if _FEW_FINER <= odd <= _SHARE_FINER * n and counts[f"dense_{grain}"] == odd:
            message = (
                f"scores finer than all others, which have {_DECIMALS[grain]} at most, and where "
                f"densities [g/cm²] lie: {odd} of {n}"
            )
            fix = "if densities stand among the scores, correct these rows in the file"
            return Finding("densities_in_scores", "warning", name, odd, message, fix, one)
    return None


def _reference(people: People, roi: str, t_score: str) -> Asking[Finding | None]:
    """Regress reported T on density: the line tells the mean and SD that the report used."""
    density = f"abmd_{roi}"
    if not people.has(density, "sex"):
        return None
    lines = yield from together(
        _line(density, t_score, pl.col("sex") == sex, f"{roi} {sex}") for sex in _SEXES
    )
    implied, worst, n, against, turned = [], 0.0, 0, 0, 0
    for sex, line in zip(_SEXES, lines, strict=True):
        if line is None:
            continue  # scores that are all one value have no line
        worst, n = max(worst, line.scatter), n + line.n
        # Ranks take longer than the line, and one that is steep and thin rises.
        doubtful = line.slope <= 0 or line.scatter > _SCATTERS
        rises = _rank_correlation(people, line.n, density, t_score, sex) if doubtful else 1.0
        if rises < -_TURNED:
            turned += line.n
        elif line.scatter > _SCATTERS and rises < _RISES:
            against += line.n
        elif line.slope > 0:
            mean, sd = -line.intercept / line.slope, 1 / line.slope
            implied.append(f"{sex} mean {mean:.3f}, SD {sd:.3f}")
    if turned or against:
        return _against_density(t_score, turned, against)
    return _implied(t_score, implied, worst, n) if implied else None


def _implied(t_score: str, implied: list[str], scatter: float, n: int) -> Finding:
    """The references that the scores rest on, with the scatter about the worse line."""
    follows = scatter < _FOLLOWS
    message = f"reported T-scores imply the reference {'; '.join(implied)} g/cm²"
    if not follows:
        message += f", with a scatter of {scatter:.2f} about the line"
    fix = (
        "compare with the reference chosen"
        if follows
        else ("several references, devices or vertebra sets are mixed: classify from the densities")
    )
    severity: Severity = "warning" if scatter > _SCATTERS else "note"
    return Finding("reported_reference", severity, t_score, n, message, fix)


def _against_density(t_score: str, turned: int, against: int) -> Finding:
    """Scores that fall with density, of how many people, or that have nothing to do with it."""
    if turned:
        message = f"T-scores fall as the density of the same region rises: {turned} people"
        fix = f"their signs seem to be turned round: correct them in the file, or {_WITHOUT}"
    else:
        message = f"T-scores hardly rise with the density of the same region: {against} people"
        fix = (
            "scores and densities seem to be of other people, or of other regions: look whether "
            f"their rows were put together in one order, or {_WITHOUT}"
        )
    return Finding("score_against_density", "error", t_score, turned or against, message, fix)


def _rank_correlation(people: People, n: int, density: str, t_score: str, sex: str) -> float:
    """Spearman's of some of n people, which a density mistyped here and there does not move."""
    pairs = people.sample(n, [density, t_score], pl.col("sex") == sex)
    return float(pairs.select(pl.corr(density, t_score, method="spearman")).item() or 0.0)


@dataclass(frozen=True)
class Line:
    """The line of y on x, by the moments of n pairs."""

    n: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float

    @property
    def slope(self) -> float:
        """By least squares."""
        return self.xy / self.xx

    @property
    def intercept(self) -> float:
        """The y at x = 0."""
        return self.y - self.slope * self.x

    @property
    def scatter(self) -> float:
        """Standard deviation about the line."""
        return math.sqrt(max(self.yy - self.slope * self.xy, 0.0) / self.n)

    @property
    def correlation(self) -> float:
        """Pearson's."""
        return self.xy / math.sqrt(self.xx * self.yy)

    def at(self, x: pl.Expr) -> pl.Expr:
        """The y of the line."""
        return self.intercept + self.slope * x


def _line(density: str, t_score: str, where: pl.Expr, name: str) -> Asking[Line | None]:
    """The line of score on density, where enough people have different ones."""
    x, y = pl.col(density), pl.col(t_score)
    both = where & x.is_not_null() & y.is_not_null()
    of_both = pl.when(both).then(x), pl.when(both).then(y)
    line = yield from _moments(*of_both, name)
    if line is None or line.n < _ENOUGH_TO_FIT:
        return None
    many = yield from together(many_values(column) for column in of_both)
    return line if all(many) else None


def _of_pair(one: str, other: str) -> Asking[Line | None]:
    """The line of those who have both."""
    both = pl.col(one).is_not_null() & pl.col(other).is_not_null()
    x, y = pl.when(both).then(pl.col(one)), pl.when(both).then(pl.col(other))
    return (yield from _moments(x, y, f"{one} {other}"))


def _moments(x: pl.Expr, y: pl.Expr, name: str) -> Asking[Line | None]:
    """Moments of pairs in which x and y are missing together; None where one does not vary."""
    made = {f"{name} x": x, f"{name} y": y}
    x, y = map(pl.col, made)
    sums = yield from asked(
        sums={
            "n": x.count(),
            "x": x.sum(),
            "y": y.sum(),
            "xx": (x * x).sum(),
            "yy": (y * y).sum(),
            "xy": (x * y).sum(),
        },
        largest={"x high": x.max(), "y high": y.max()},
        least={"x low": x.min(), "y low": y.min()},
        made=made,
    )
    if sums["x low"] == sums["x high"] or sums["y low"] == sums["y high"]:
        return None
    n, x_mean, y_mean = sums["n"], sums["x"] / sums["n"], sums["y"] / sums["n"]
    xx, yy = sums["xx"] - n * x_mean**2, sums["yy"] - n * y_mean**2
    if min(xx, yy) <= 0:  # values that differ in their last digits
        return None
    return Line(n, x_mean, y_mean, xx, yy, sums["xy"] - n * x_mean * y_mean)
