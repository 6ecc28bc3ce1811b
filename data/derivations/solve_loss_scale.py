"""Solve the scalars of china_2010.toml for the published prevalences they have to give.

    python data/derivations/solve_loss_scale.py [--write] [--people 8000000]

`loss_scale` multiplies a sex's loss after the peak. It is solved so that the model's expected
prevalence of osteoporosis from 50 years, standardised to the census, is the published one, by
definition china_2020 as `classify` applies it without further choices, under the reference that
the model's own 20–39-year-olds give in the limit of many. What is expected is what `prevalence`
estimates: p = f + (1 − f) q in every band, f the share with an established fracture among those of
whom that is known, q the share by density among those without one who have complete sites. Women
from 50 not yet postmenopausal have no T-score and count as known not to be osteoporotic; all others
without complete sites are missing.

The expectation is a Monte-Carlo mean over `--people` people per sex from 50 years, allotted to the
single ages in proportion to the census (stratified), always with the same random numbers, so that
it is a smooth function of the scalar and a bracketing root finder can be used. The reference is
exact in its normal part; what the spine adds to it (vertebrae that do not count, areas that vary)
comes from another sample, by the difference to the exact part (control variate).

`qct_sd` is solved without sampling: a normal density with the published curve, below 80 mg/cm³
with the published QCT prevalence.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from derive_correlations import put_between_marks
from scipy.optimize import brentq
from scipy.stats import norm

from osteo_epi import norms
from osteo_epi.cohort.simulation import (
    NO_WORD,
    PROFILE,
    SEXES,
    STREAMS,
    VERTEBRAE,
    Columns,
    Profile,
    draw_measurements,
)

PROFILES = Path(__file__).resolve().parents[2] / "reference_norms" / "simulation"
CHUNK = 500_000
SEED = 20_100  # of the solving sample alone; simulate(seed=...) never draws from these streams
YOUNG = (20, 39)  # ages of the reference, as young_adult_reference takes them by default
FRAGILE, ESTABLISHING = ("none", "minor"), ("xray", "ct", "mri", "bone_scan")
REGIONS = ("lumbar_spine", "femoral_neck", "total_hip", "radius_33")


def stratified(profile: Profile, sex: int, ages: tuple[int, int], n: int) -> np.ndarray:
    """Ages of n people in proportion to the census, to the nearest person."""
    inside = (profile.ages >= ages[0]) & (profile.ages <= ages[1])
    share = np.cumsum(profile.age_counts[sex, inside]) / profile.age_counts[sex, inside].sum()
    return np.repeat(profile.ages[inside], np.diff(np.round(share * n), prepend=0).astype(int))


def samples(profile: Profile, sex: int, ages: tuple[int, int], n: int) -> Iterator[Columns]:
    """Measured people of one sex and an age range, in pieces; the same ones at every call."""
    for piece, start in enumerate(range(0, n, CHUNK)):
        age = stratified(profile, sex, ages, min(CHUNK, n - start))
        streams = {
            name: np.random.default_rng((SEED, k, sex, ages[0], piece))
            for k, name in enumerate(STREAMS)
        }
        people = {"sex": np.full(len(age), sex), "age": age, "centre": np.zeros(len(age), int)}
        yield draw_measurements(profile, people, streams)


def lumbar_spine(people: Columns) -> np.ndarray:
    """ΣBMC/Σarea over the vertebrae that count, two at least; else NaN."""
    valid = np.column_stack([people[f"valid_{v}"] == 1 for v in VERTEBRAE])
    area = np.column_stack([people[f"area_{v}"] for v in VERTEBRAE])
    bmd = np.column_stack([people[f"abmd_{v}"] for v in VERTEBRAE])
    with np.errstate(invalid="ignore"):
        mean = np.where(valid, bmd * area, 0).sum(1) / np.where(valid, area, 0).sum(1)
    return np.where(valid.sum(1) >= 2, mean, np.nan)


def reference(profile: Profile, sex: int, ages: tuple[int, int], n: int) -> dict[str, np.ndarray]:
    """Mean and SD of the young adults in the limit of many, by region."""
    found = {}
    weight = profile.age_counts[sex] * ((profile.ages >= ages[0]) & (profile.ages <= ages[1]))
    for roi in REGIONS:
        mean, sd = profile.mean[roi][sex], profile.sd[roi][sex]
        exact = np.average(mean, weights=weight)
        second = np.average(mean**2 + sd**2, weights=weight)
        if roi == "lumbar_spine":
            first_rest, second_rest = _spine_rest(profile, sex, ages, n)
            exact, second = exact + first_rest, second + second_rest
        found[roi] = np.array([exact, np.sqrt(second - exact**2)])
    for roi, r_squared in profile.data["ctxa"]["r_squared"].items():
        assert 0 < r_squared < 1
        found[f"{roi}_ctxa"] = found[roi] * (1 - profile.data["ctxa"]["lower_by"][roi])
    return found


def _spine_rest(profile: Profile, sex: int, ages: tuple[int, int], n: int) -> np.ndarray:
    """First and second moment of the spine, less those of its exact normal part."""
    rests, counts = [], []
    for people in samples(profile, sex, ages, n):
        spine = lumbar_spine(people)
        normal = profile.expected("lumbar_spine", people)
        normal = normal + profile.sd["lumbar_spine"][sex] * people["z_spine"]
        there = np.isfinite(spine)
        x, c = spine[there], normal[there]
        rests.append([np.mean(x - c), np.mean(x**2 - c**2)])
        counts.append(there.sum())
    return np.average(rests, axis=0, weights=counts)


def hip_unusable(people: Columns) -> np.ndarray:
    """Whether the hip is stated to be unusable, and was not judged by CTXA."""
    stated = people["hip_unusable_reason"] != NO_WORD
    return stated & np.isnan(people["abmd_total_hip_ctxa"])


@dataclass(frozen=True)
class Judged:
    """What is known of each person; every field is a mask.

    Parameters
    ----------
    by_t
        The T-score applies.
    measured, low
        At complete sites; below the cut-off at any.
    measured_by_dxa, low_by_dxa
        The same where DXA alone is evidence.
    broken, imaged
        An established fracture where the T-score applies; a record that settles it either way, an
        open one being taken as none.
    """

    by_t: np.ndarray
    measured: np.ndarray
    low: np.ndarray
    measured_by_dxa: np.ndarray
    low_by_dxa: np.ndarray
    broken: np.ndarray
    imaged: np.ndarray

    def parts(self) -> tuple[np.ndarray, ...]:
        """Masks: fracture, known; low density without one, known; the last two by DXA alone."""
        spared = ~self.broken & (self.measured | ~self.by_t)
        by_dxa = self.measured_by_dxa | ~self.by_t
        return (
            self.broken,
            self.broken | self.imaged | self.measured | ~self.by_t,
            spared & self.low & self.by_t,
            spared,
            by_dxa & self.low_by_dxa & self.by_t,
            by_dxa,
        )


class Rules:
    """Definition china_2020 without further choices, on arrays; checked against `classify`."""

    def __init__(self, profile: Profile, young: dict[str, np.ndarray]) -> None:
        self.criterion = norms.load("criteria", profile.data["target"]["definition"])
        self.profile, self.young = profile, young
        self.cut = self.criterion.t_score["osteoporosis"].upper
        self.vbmd_cut = self.criterion.vbmd_lumbar_spine["osteoporosis"].upper

    def judge(self, people: Columns) -> Judged:
        """What is known of each person by density and by fracture."""
        spine = self.score(lumbar_spine(people), "lumbar_spine")
        neck, hip, radius = (
            self.score(people[f"abmd_{roi}"], roi)
            for roi in ("femoral_neck", "total_hip", "radius_33")
        )
        no_spine, no_hip = np.isnan(spine), np.isnan(neck) & np.isnan(hip)
        replaceable = (no_spine & self.spine_unusable(people)) | (no_hip & hip_unusable(people))
        radius = np.where((no_spine ^ no_hip) & replaceable, radius, np.nan)
        complete = (~no_spine & ~no_hip) | np.isfinite(radius)
        # One site by QCT, spine or hip, suffices.
        ct = np.isfinite(people["vbmd_l1"]) | np.isfinite(people["abmd_total_hip_ctxa"])
        dxa = np.fmin(np.fmin(spine, radius), np.fmin(neck, hip)) <= self.cut
        by_t = self.t_applies(people)
        return Judged(
            by_t=by_t,
            measured=(complete | ct) & by_t,
            low=dxa | self._by_ct(people),
            measured_by_dxa=complete & by_t,
            low_by_dxa=dxa,
            broken=self.fragile(people) & by_t,
            imaged=np.isfinite(people["fracture_imaging_evidence"]),
        )

    def spine_unusable(self, people: Columns) -> np.ndarray:
        """Whether the spine is stated to be unusable, and was not judged by QCT."""
        invalid = sum((people[f"valid_{v}"] == 0).astype(int) for v in VERTEBRAE)
        stated = (people["spine_unusable_reason"] != NO_WORD) | (len(VERTEBRAE) - invalid < 2)
        return stated & ~(np.isfinite(people["vbmd_l1"]) & self.t_applies(people))

    def score(self, bmd: np.ndarray, roi: str) -> np.ndarray:
        """T-score against the model's own young adults."""
        mean, sd = self.young[roi]
        return (bmd - mean) / sd

    def t_applies(self, people: Columns) -> np.ndarray:
        """From 50: men, and women unless they are known not to be postmenopausal."""
        return (people["postmenopausal"] != 0) | (people["ovaries_removed"] == 1)

    def _by_ct(self, people: Columns) -> np.ndarray:
        hip = [
            self.score(people[f"abmd_{roi}"], roi) <= self.cut
            for roi in ("femoral_neck_ctxa", "total_hip_ctxa")
        ]
        return hip[0] | hip[1] | ((people["vbmd_l1"] + people["vbmd_l2"]) / 2 < self.vbmd_cut)

    def fragile(self, people: Columns) -> np.ndarray:
        """Established fragility fracture: all three parts."""
        use = self.profile.data["fractures"]["use"]
        trauma = [use["trauma"].index(word) for word in FRAGILE]
        evidence = [k for k, word in enumerate(use["evidence"]) if word in ESTABLISHING]
        return (
            (people["fracture_imaging_evidence"] == 1)
            & np.isin(people["fracture_trauma"], trauma)
            & np.isin(people["fracture_evidence"], evidence)
            & (people["secondary_causes_excluded"] == 1)
            & (people["fracture_site"] != NO_WORD)
        )


def expected(name: str, sex: int, solved: dict, n: int) -> dict[str, float]:
    """Expected standardised prevalence by all evidence and by DXA alone, and its standard error."""
    profile = Profile.load(name, solved=solved)
    old = profile.data["target"]["from_age"], int(profile.ages[-1])
    rules = Rules(profile, reference(profile, sex, YOUNG, n // 4))
    standard = norms.load("standard_population", profile.data["target"]["standard"])
    edges = np.array(standard.default_edges)
    census = np.array(list(standard.collapse(edges).counts(SEXES[sex]).values()))
    tally = np.zeros((6, len(census)))
    for people in samples(profile, sex, old, n):
        band = np.searchsorted(edges, people["age"], side="right") - 1
        for row, mask in enumerate(rules.judge(people).parts()):
            tally[row] += np.bincount(band[mask], minlength=len(census))
    share, (f, q, dxa) = census / census.sum(), tally[::2] / tally[1::2]
    rate = f + (1 - f) * q
    return {
        "prevalence": float(share @ rate),
        "dxa_only": float(share @ dxa),
        "standard_error": float(np.sqrt(share**2 @ (rate * (1 - rate) / tally[3]))),
    }


def solve_qct_sd(profile: Profile, sex: int) -> float:
    """SD within age at which the published QCT prevalence is expected."""
    qct = profile.data["qct"]
    cut = norms.load("criteria", "china_2020").vbmd_lumbar_spine["osteoporosis"].upper
    old = profile.ages >= 50
    mean, weight = profile.mean["vbmd_lumbar_spine"][sex, old], profile.age_counts[sex, old]

    def excess(sd: float) -> float:
        rate = np.average(norm.cdf((cut - mean) / sd), weights=weight)
        return rate - qct["prevalence_from_50"][SEXES[sex]]

    return brentq(excess, 5, 60, xtol=1e-6)


def solve(name: str, n: int) -> dict[str, dict[str, float]]:
    """All scalars, and what is expected under them."""
    start = {"loss_scale": {"male": 1.0, "female": 1.0}, "qct_sd": {"male": 30.0, "female": 30.0}}
    profile = Profile.load(name, solved=start)
    solved: dict = {
        "loss_scale": dict(start["loss_scale"]),
        "qct_sd": {s: round(solve_qct_sd(profile, k), 2) for k, s in enumerate(SEXES)},
    }
    target = profile.data["target"]["prevalence"]
    for k, sex in enumerate(SEXES):

        def excess(scale: float, k: int = k, sex: str = sex, n: int = n) -> float:
            trial = solved | {"loss_scale": solved["loss_scale"] | {sex: scale}}
            return expected(name, k, trial, n)["prevalence"] - target[sex]

        rough = brentq(lambda x: excess(x, n=CHUNK), 0.2, 3.0, xtol=1e-3)
        scale = brentq(excess, rough - 0.02, rough + 0.02, xtol=2e-5)
        solved["loss_scale"][sex] = round(scale, 5)
        for figure, value in expected(name, k, solved, n).items():
            solved.setdefault(figure, {})[sex] = value
        solved.setdefault("reference", {})[sex] = _limit(name, k, solved, n)
        print(sex, {figure: values.get(sex) for figure, values in solved.items()}, flush=True)
    return solved


def _limit(name: str, sex: int, solved: dict, n: int) -> dict[str, list[float]]:
    """Young-adult reference in the limit of many, rounded for the file."""
    found = reference(Profile.load(name, solved=solved), sex, YOUNG, n // 4)
    return {roi: [round(float(value), 5) for value in pair] for roi, pair in found.items()}


def table(solved: dict[str, dict[str, float]], n: int) -> str:
    """The solved scalars as TOML."""

    def both(values: dict[str, float], digits: int) -> str:
        return f"{{ male = {values['male']:.{digits}f}, female = {values['female']:.{digits}f} }}"

    return "\n".join(
        [
            "[solved]",
            'origin = "derived"',
            'why = "solve_loss_scale.py: loss_scale multiplies the loss after the peak so that the '
            "expected prevalence is the target's; bracketing root finder on a Monte-Carlo mean "
            f"over {n:,} people per sex from 50 years, stratified by single age, common random "
            "numbers, the reference in the limit of many young adults. qct_sd gives the published "
            'QCT prevalence under a normal density."',
            f"loss_scale = {both(solved['loss_scale'], 5)}",
            f"qct_sd = {both(solved['qct_sd'], 2)}  # mg/cm³",
            "",
            "[solved.expected_percent]",
            'origin = "derived"',
            'why = "what this model gives, with the Monte-Carlo standard error"',
            f"all_evidence = {both(_percent(solved['prevalence']), 3)}",
            f"dxa_only = {both(_percent(solved['dxa_only']), 3)}",
            f"standard_error = {both(_percent(solved['standard_error']), 3)}",
            *_reference_lines(solved["reference"]),
        ]
    )


def _reference_lines(found: dict[str, dict[str, list[float]]]) -> list[str]:
    lines = [
        "",
        "[solved.reference]",
        'origin = "derived"',
        "why = \"mean and SD, g/cm², of the model's 20–39-year-olds in the limit of many: what a "
        "sample's own young adults estimate\"",
    ]
    for sex, rois in found.items():
        lines.append(f"[solved.reference.{sex}]")
        lines += [f"{roi} = [{mean:.5f}, {sd:.5f}]" for roi, (mean, sd) in rois.items()]
    return lines


def _percent(values: dict[str, float]) -> dict[str, float]:
    return {sex: 100 * value for sex, value in values.items()}


def main() -> None:
    """Solve, then print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=8_000_000, help="per sex, from 50 years")
    parser.add_argument("--write", action="store_true", help="put the table in china_2010.toml")
    arguments = parser.parse_args()
    text = table(solve(PROFILE, arguments.people), arguments.people)
    if arguments.write:
        put_between_marks(PROFILES / f"{PROFILE}.toml", Path(__file__).name, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
