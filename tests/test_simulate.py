"""The synthetic cohort: the same bits each time, labelled, and with the marginals of its file."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi import norms
from osteo_epi.cohort import codebook, simulate, simulate_phantom
from osteo_epi.cohort.simulation import SEXES, Profile
from osteo_epi.errors import NormError, SchemaError

N = 60_000
MAIN = ("lumbar_spine", "femoral_neck", "total_hip")


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.load("china_2010")


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return simulate(N, seed=7).frame


def deviations(frame: pl.DataFrame, profile: Profile, roi: str, sex: str) -> np.ndarray:
    """Readings in SDs from what the profile expects at that age."""
    mine = frame.filter((pl.col("sex") == sex) & pl.col(f"abmd_{roi}").is_not_null())
    code = SEXES.index(sex)
    age = mine["age"].to_numpy().astype(int) - profile.ages[0]
    expected = profile.mean[roi][code, age]
    return (mine[f"abmd_{roi}"].to_numpy() - expected) / profile.sd[roi][code]


# --- the same bits, whatever the devices ------------------------------------------------------


def test_the_same_seed_gives_the_same_bits():
    first, second = simulate(3_000, seed=5), simulate(3_000, seed=5)
    assert first.frame.equals(second.frame)
    assert first.source.sha256 == second.source.sha256


def test_other_seeds_give_other_people():
    assert simulate(500, seed=5).source.sha256 != simulate(500, seed=6).source.sha256


def test_devices_change_dxa_readings_and_nothing_else_about_a_person():
    one = simulate(2_000, seed=3).frame
    seven = simulate(2_000, seed=3, devices="seven_centres").frame
    same = ["age", "sex", "bmi", "vbmd_l1", "abmd_total_hip_ctxa", "genant_grade", "area_l1"]
    assert one.select(same).equals(seven.select(same))
    table = norms.load("simulation", "china_2010").data["seven_centres"]
    code = seven["centre"].str.extract(r"(\d)").cast(pl.Int64).to_numpy() - 1
    line = np.array(table["intercept"])[code] + np.array(table["slope"])[code] * (
        one["abmd_femoral_neck"].to_numpy()
    )
    difference = np.abs(seven["abmd_femoral_neck"].to_numpy() - line)
    assert np.nanmax(difference) <= 0.00105  # both sides are printed to three decimals
    assert seven["device"].n_unique() == len(table["slope"])


# --- labels -----------------------------------------------------------------------------------


def test_everything_says_that_it_is_simulated(people):
    cohort = simulate(50, seed=1)
    assert "SIMULATED" in repr(cohort)
    for text in (cohort.source.label, cohort._repr_html_(), simulate.__doc__):
        assert "SIMULATED" in text
        assert "tests the pipeline and nothing else" in " ".join(text.split())
    assert "6.46 %" in cohort.source.label
    assert "29.13 %" in cohort.source.label
    assert people["synthetic"].all()
    assert "synthetic" in cohort.frame.write_csv().partition("\n")[0].split(",")
    record = norms.load("simulation", "china_2010")
    assert "SIMULATED" in record.title
    assert "simulation" in record.labels


def test_every_table_of_the_file_says_where_its_numbers_come_from():
    def walk(table: dict, name: str, inherited: bool) -> None:
        numbers = any(not isinstance(v, dict | str) for v in table.values())
        if "origin" in table:
            origin = table["origin"]
            assert origin in ("published", "derived", "assumed"), name
            words = {"published": ("citation", "verification")}.get(origin, ("why",))
            assert all(table.get(word) for word in words), name
        assert inherited or "origin" in table or not numbers, f"{name} has no origin"
        for key, value in table.items():
            if isinstance(value, dict):
                walk(value, f"{name}.{key}", inherited or "origin" in table)

    for name, table in norms.load("simulation", "china_2010").data.items():
        if name != "title_zh":
            walk(table, name, False)


def test_columns_are_those_of_the_codebook(people):
    book = codebook()
    for name, kind in people.schema.items():
        if name != "synthetic":
            assert kind == book[name].dtype, name


# --- who they are -----------------------------------------------------------------------------


def test_ages_and_sexes_are_a_sample_of_the_census(people, profile):
    assert people["age"].min() == 20
    assert people["age"].max() == 90
    census = norms.load("standard_population", "china_2010")
    for sex in SEXES:
        counts = census.counts(sex)
        band = sum(counts[name] for name in ("60-64", "65-69"))
        share = band / profile.age_counts.sum()
        found = people.filter((pl.col("sex") == sex) & pl.col("age").is_between(60, 69)).height
        assert abs(found / N - share) < 4 * np.sqrt(share * (1 - share) / N)


def test_census_people_are_all_there(profile):
    census = norms.load("standard_population", "china_2010").collapse((20, float("inf")))
    for code, sex in enumerate(SEXES):
        assert profile.age_counts[code].sum() == pytest.approx(sum(census.counts(sex).values()))
        assert profile.age_counts[code, profile.ages >= 50].sum() == pytest.approx(
            {"male": 168_486_133, "female": 169_173_952}[sex]
        )


def test_menopause_comes_with_age_and_to_women_only(people):
    women = people.filter(pl.col("sex") == "female")
    assert people.filter(pl.col("sex") == "male")["postmenopausal"].is_null().all()
    share = {
        low: women.filter(pl.col("age").is_between(low, low + 4))["postmenopausal"].mean()
        for low in (35, 45, 55)
    }
    assert share[35] < 0.03 < share[45] < 0.9 < share[55]
    assert 0 < women["ovaries_removed"].mean() < 0.02


# --- densities --------------------------------------------------------------------------------


@pytest.mark.parametrize("sex", SEXES)
def test_peaks_are_the_published_ones(profile, sex):
    published = {
        "male": {"lumbar_spine": 1.088, "femoral_neck": 0.966, "total_hip": 0.973},
        "female": {"lumbar_spine": 1.114, "femoral_neck": 0.843, "total_hip": 0.899},
    }[sex]
    for roi, peak in published.items():
        assert profile.mean[roi][SEXES.index(sex)].max() == pytest.approx(peak, abs=1e-12)


@pytest.mark.parametrize("sex", SEXES)
@pytest.mark.parametrize("roi", [*MAIN, "trochanter", "radius_33"])
def test_readings_have_the_mean_and_sd_of_the_file(people, profile, roi, sex):
    z = deviations(people, profile, roi, sex)
    n = len(z)
    assert abs(z.mean()) < 4.5 / np.sqrt(n)
    assert abs(z.std() - 1) < 4.5 / np.sqrt(2 * n)


def test_womens_sds_are_zhangs(profile):
    assert [profile.sd[roi][0] for roi in MAIN] == [0.12, 0.12, 0.13]


@pytest.mark.parametrize("sex", SEXES)
def test_sites_correlate_as_in_the_file(people, profile, sex):
    derived = profile.data["derived"]
    names = derived["correlation_of"]
    there = people.drop_nulls([f"abmd_{roi}" for roi in names]).filter(
        pl.all_horizontal(f"valid_l{k}" for k in range(1, 5))
    )
    z = np.array([deviations(there, profile, roi, sex) for roi in names])
    error = np.arctanh(np.corrcoef(z)[np.triu_indices(7, 1)]) - np.arctanh(
        np.array(derived[sex]["correlation"])[np.triu_indices(7, 1)]
    )
    assert np.abs(error).max() < 4.5 / np.sqrt(z.shape[1])


def test_density_falls_after_the_peak_at_every_site(profile):
    for roi, curves in profile.mean.items():
        after = curves[:, profile.ages >= 40]
        assert (np.diff(after) <= 0).all(), roi
        assert (after[:, -1] < after[:, 0]).all(), roi


def test_mineral_over_area_is_density(people):
    four = people.filter(pl.col("abmd_lumbar_spine").is_not_null())
    mineral = four.select(pl.sum_horizontal(f"bmc_l{k}" for k in range(1, 5))).to_series()
    area = four.select(pl.sum_horizontal(f"area_l{k}" for k in range(1, 5))).to_series()
    assert (mineral / area - four["abmd_lumbar_spine"]).abs().max() < 1.5e-3


def test_qct_has_its_published_anchors(profile):
    curve = profile.mean["vbmd_lumbar_spine"]
    at = {age: curve[:, age - 20] for age in (30, 34, 80)}
    assert at[30] == pytest.approx([185.4, 176.6])
    assert at[34] == pytest.approx([185.4, 176.6])
    assert at[80] == pytest.approx([62.4, 92.1])


def test_qct_gives_its_published_prevalence():
    """13.5 and 29.0 % from 50 years, within Monte-Carlo error and the floor on density."""
    frame = simulate(400_000, seed=11).frame.filter(pl.col("age") >= 50)
    frame = frame.with_columns(mean=(pl.col("vbmd_l1") + pl.col("vbmd_l2")) / 2).drop_nulls("mean")
    for sex, share in {"male": 0.135, "female": 0.290}.items():
        mine = frame.filter(pl.col("sex") == sex)
        assert abs((mine["mean"] < 80).mean() - share) < 4 * np.sqrt(share / mine.height)


@pytest.mark.parametrize(("roi", "lower", "r2"), [("femoral_neck", 0.21, 0.81),
                                                  ("total_hip", 0.178, 0.878)])  # fmt: skip
def test_ctxa_is_lower_and_goes_along(profile, roi, lower, r2):
    frame = simulate(300_000, seed=12).frame.drop_nulls([f"abmd_{roi}", f"abmd_{roi}_ctxa"])
    women = frame.filter(pl.col("sex") == "female")
    dxa = deviations(women, profile, roi, "female")
    age = women["age"].to_numpy().astype(int) - 20
    expected = (1 - lower) * profile.mean[roi][0, age]
    ctxa = (women[f"abmd_{roi}_ctxa"].to_numpy() - expected) / profile.sd[roi][0] / (1 - lower)
    assert abs(ctxa.mean()) < 4 / np.sqrt(len(ctxa))
    assert np.corrcoef(dxa, ctxa)[0, 1] ** 2 == pytest.approx(r2, abs=0.03)


# --- what is missing, and fractures ----------------------------------------------------------


def test_missing_shares_are_those_of_the_file(people, profile):
    table = profile.data["missing"]
    lost = 1 - (1 - table["spine_unusable"]) * (1 - table["not_measured"])
    shares = {
        "abmd_total_hip": lost,
        "abmd_l1": lost,
        "weight": table["body_size"],
        "vbmd_l1": 1 - profile.data["qct"]["use"]["share"],
        "abmd_total_hip_ctxa": 1 - profile.data["ctxa"]["use"]["share"],
        "genant_grade": 1 - profile.data["fractures"]["use"]["imaged"],
    }
    for name, share in shares.items():
        found = people[name].null_count() / N
        assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / N), name


def test_an_unusable_site_has_a_reason_and_no_reading(people):
    for site, roi in (("spine", "abmd_l2"), ("hip", "abmd_femoral_neck")):
        unusable = people.filter(pl.col(f"{site}_unusable_reason").is_not_null())
        assert unusable.height > 1_000
        assert unusable[roi].is_null().all()
        assert unusable["abmd_radius_33"].is_not_null().mean() > 0.7
    invalid = people.filter(~pl.col("valid_l3"))
    assert invalid["invalid_reason_l3"].is_not_null().all()
    assert people.filter(pl.col("valid_l3"))["invalid_reason_l3"].is_null().all()


def test_missing_does_not_depend_on_density_or_age(people):
    lost = people["abmd_l1"].is_null()
    old = people["age"] >= 60
    n = int(old.sum())
    difference = lost.filter(old).mean() - lost.filter(~old).mean()
    assert abs(difference) < 4 * np.sqrt(0.033 * (1 / n + 1 / (N - n)))


def test_fractures_hold_every_branch(people):
    imaged = people.filter(pl.col("genant_grade").is_not_null())
    assert set(imaged["genant_grade"]) == {0.0, 1.0, 2.0, 3.0}
    broken = imaged.filter(pl.col("fracture_imaging_evidence"))
    assert set(broken["fracture_trauma"]) == {"none", "minor", "major"}
    assert (broken["n_vertebral_fractures"] >= 1).all()
    deformed = imaged.filter((pl.col("genant_grade") > 0) & ~pl.col("endplate_fracture"))
    assert deformed.height > 0
    young, old = (imaged.filter(c)["genant_grade"].gt(0).mean()
                  for c in (pl.col("age") < 50, pl.col("age") >= 65))  # fmt: skip
    assert young < old


# --- the phantom ------------------------------------------------------------------------------


def test_phantom_scans_give_the_devices_lines_back():
    scans = simulate_phantom(seed=2)
    assert scans.group_by("centre", "insert").len()["len"].unique().to_list() == [10]
    assert scans["synthetic"].all()
    data = norms.load("simulation", "china_2010").data
    sd, table = data["phantom"]["use"]["sd"], data["seven_centres"]
    for code in range(7):
        mine = scans.filter(pl.col("centre") == f"centre_{code + 1}")
        x, y = mine["nominal"].to_numpy(), mine["abmd"].to_numpy()
        slope, intercept = np.polyfit(x, y, 1)
        spread = np.sqrt(((x - x.mean()) ** 2).sum())
        assert abs(slope - table["slope"][code]) < 4.5 * sd / spread
        error = sd * np.sqrt(1 / len(x) + x.mean() ** 2 / spread**2)
        assert abs(intercept - table["intercept"][code]) < 4.5 * error


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n": 0, "seed": 1}, SchemaError, "n=0: expected a whole number from 1"),
        ({"n": 2.5, "seed": 1}, SchemaError, "n=2.5"),
        ({"n": 5, "seed": -1}, SchemaError, "seed=-1"),
        ({"n": 5, "seed": 1, "devices": "two"}, SchemaError, "there are one, seven_centres"),
        ({"n": 5, "seed": 1, "profile": "china_2011"}, NormError, "china_2010"),
    ],
)
def test_refusals(arguments, error, words):
    with pytest.raises(error, match=words):
        simulate(**arguments)


def test_one_person_is_a_cohort():
    assert len(simulate(1, seed=0)) == 1
