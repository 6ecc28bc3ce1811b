"""The shelf of published numbers: what is there, what is refused, and with which words."""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from osteo_epi import norms
from osteo_epi.errors import NormError
from osteo_epi.norms import KINDS

EVERY = [(norm.kind, norm.id) for norm in norms.available()]


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_every_shipped_norm_loads_and_cites(kind, name):
    norm = norms.load(kind, name)
    assert norm.verification in {"A", "B", "C", "derived"}
    assert (norm.verification == "derived") == (norm.derivation is not None)
    assert re.fullmatch(r"[0-9a-f]{64}", norm.sha256)
    assert norm.citation.text in norms.cite(name)
    assert f"[{norms.graded(norm.verification)}]" in norms.cite(name, kind=kind)
    assert re.search(r"[\u4e00-\u9fff]", norm.title_zh), "its name in Chinese texts"
    assert "http" not in (norms.shelf() / kind / f"{name}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_norm_is_one_line(kind, name):
    line = repr(norms.load(kind, name))
    assert name in line
    assert len(line) <= 160
    assert "\n" not in line


@pytest.mark.parametrize("kind", ["criteria", "standard_population"])
def test_what_chinese_papers_use_has_its_chinese_name(kind):
    titles = {norm.id: norm.title_zh for norm in norms.available(kind)}
    assert "中国" in titles["china_2010"] if kind != "criteria" else "共识" in titles["china_2020"]
    assert all(re.search(r"[\u4e00-\u9fff]", title) for title in titles.values() if title)


def test_a_norm_without_a_chinese_name_has_none(own):
    own()
    assert own.load().title_zh == ""
    own(change={'verification = "A"': 'title_zh = "本院"\nverification = "A"'})
    assert own.load().title_zh == "本院"


def test_the_digest_of_a_norm_built_in_memory_follows_its_numbers_not_its_name():
    made = replace(norms.load("young_adult", "zhang_2007"), sha256="")
    assert replace(made, title_zh="x").digest == made.digest
    assert replace(made, entries=made.entries[1:]).digest != made.digest


def test_the_identifiers_that_users_type_exist():
    wanted = {
        "criteria": ["china_2020", "who_1994", "iscd_2019", "nchs_bone_2021"],
        "young_adult": ["zhang_2007", "nhanes3_white_female", "nhanes_2005_2008_nhw"],
        "by_age": ["nhanes_2005_2008_nhw", "nhanes_2005_2008_nhw_derived"],
        "standard_population": ["china_2010", "us_2000_bone", "who_2000", "segi_1966"],
        "presentation": ["nchs_proportion", "nchs_count"],
        "calibration": ["sbmd_hui_1997", "genant_1994"],
    }
    for kind, ids in wanted.items():
        assert set(ids) <= set(norms.available(kind).ids)


def test_available_is_a_table():
    table = norms.available("young_adult")
    assert table.to_frame().columns == ["id", "kind", "title", "verification", "labels"]
    assert table.to_frame().height == len(table)
    html = table._repr_html_()
    assert "zhang_2007" in html
    assert "secondary copy" in html
    assert "zhang_2007" in str(table)


def test_titles_are_escaped(own):
    own(title="<script>alert(1)</script>")
    assert "<script>" not in norms.available("young_adult", folder=own.folder)._repr_html_()


# ---- criteria


@pytest.mark.parametrize("name", ["china_2020", "who_1994", "iscd_2019", "nchs_bone_2021"])
def test_criteria_share_the_who_classes(name):
    criterion = norms.load("criteria", name)
    assert str(criterion.t_score["osteoporosis"]) == "(-inf, -2.5]"
    assert str(criterion.t_score["normal"]) == "[-1, inf)"
    assert str(criterion.prevalence_ages) == "[50, inf)"
    assert criterion.spine_rule == "at_least_two"
    assert criterion.applies.from_age == 50


def test_what_sets_the_criteria_apart():
    china, who, iscd, nchs = (
        norms.load("criteria", name)
        for name in ("china_2020", "who_1994", "iscd_2019", "nchs_bone_2021")
    )
    assert (china.young_adult, who.young_adult) == (None, None)
    assert iscd.young_adult == nchs.young_adult == "nhanes3_white_female"
    assert (china.sex_rule, iscd.sex_rule, nchs.sex_rule) == ("own_sex", "female", "female")
    assert (china.substitute, iscd.substitute, nchs.substitute) == ("radius_33", "radius_33", None)
    assert nchs.rois == ("lumbar_spine", "femoral_neck")
    assert [c.all_sites_required for c in (china, who, iscd, nchs)] == [False] * 3 + [True]
    assert [c.fracture.overrides for c in (china, who, iscd, nchs)] == [True] + [False] * 3
    assert (china.fracture.genant_from, china.qct.tube_voltage) == (1, 120)
    assert nchs.applies.women == "age"
    assert china.applies.unknown_menopause_from == 50
    assert nchs.applies.unknown_menopause_from is None


def test_qct_classes_of_china_2020():
    bands = norms.load("criteria", "china_2020").vbmd_lumbar_spine
    assert list(bands.classify([79.9, 80, 120, 120.1])) == [
        "osteoporosis",
        "low_bone_mass",
        "low_bone_mass",
        "normal",
    ]


# ---- references


def test_young_adults_of_iscd_carry_the_grade_of_each_number():
    reference = norms.load("young_adult", "nhanes3_white_female")
    grades = {entry.roi: entry.value.grade for entry in reference.entries}
    assert grades == {"femoral_neck": "B", "total_hip": "C", "lumbar_spine": "C"}
    assert reference.verification == "C"
    femoral_neck = reference.mean_sd("female", "femoral_neck")
    assert (femoral_neck.mean, femoral_neck.sd) == (0.858, 0.120)
    assert reference.mean_sd("male", "femoral_neck") is None


def test_ctxa_takes_the_areal_entry_of_its_region():
    reference = norms.load("young_adult", "zhang_2007")
    assert reference.mean_sd("female", "total_hip_ctxa") == reference.mean_sd("female", "total_hip")


def test_women_are_the_same_in_both_files_of_nhanes3():
    women = norms.load("young_adult", "nhanes3_white_female")
    both = norms.load("young_adult", "nhanes3_white")
    for entry in women.entries:
        assert both.mean_sd("female", entry.roi) == entry.value


def test_derived_age_reference_is_labelled_and_equals_print():
    derived = norms.load("by_age", "nhanes_2005_2008_nhw_derived")
    printed = norms.load("by_age", "nhanes_2005_2008_nhw")
    assert derived.labels == ("derived",)
    assert len(derived.curves) == 6
    for entry in printed.curves:
        ours = derived.curve(entry.sex, entry.roi)
        assert ours.age == entry.curve.age == (25, 35, 45, 55, 65, 75)
        assert ours.mean == pytest.approx(entry.curve.mean, abs=0.00105)
        assert ours.sd == pytest.approx(entry.curve.sd, abs=0.00105)


def test_the_derivation_can_be_repeated(shared, monkeypatch):
    folder = norms.shelf() / "by_age"
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "data" / "derivations"))
    import derive_nhanes_2005_2008 as script

    derived = script.derive(script.people(shared / "data" / "nhanes"))
    file = "nhanes_2005_2008_nhw_derived.toml"
    assert script.by_age(derived) == (folder / file).read_text(encoding="utf-8")
    young = folder.parent / "young_adult" / file
    assert script.young_adult(derived) == young.read_text(encoding="utf-8")


# ---- standard populations


def test_china_2010_is_the_census():
    china = norms.load("standard_population", "china_2010")
    assert sum(china.counts("male").values()) == 682_329_104
    assert sum(china.counts("female").values()) == 650_481_765
    older = china.collapse((50, math.inf))
    assert older.counts("male") == {"50+": 168_486_133}
    assert older.counts("female") == {"50+": 169_173_952}
    assert older.counts() == {"50+": 168_486_133 + 169_173_952}
    assert (china.by_sex, china.holds_counts) == (True, True)


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("china_2020", 1_409_778_724),
        ("who_2000", 100.035),
        ("segi_1966", 100_000),
        ("europe_1976", 100_000),
        ("europe_2013", 100_000),
        ("us_2000", 274_634_000),
        ("us_2000_bone", 75_895_000),
    ],
)
def test_totals_of_the_standards(name, total):
    population = norms.load("standard_population", name)
    assert math.fsum(population.counts().values()) == pytest.approx(total, rel=1e-12)
    assert not population.by_sex


def test_the_bands_of_nchs_are_those_of_the_census():
    joined = norms.load("standard_population", "us_2000").collapse((50, 65, math.inf))
    assert joined.counts() == norms.load("standard_population", "us_2000_bone").counts()


def test_men_and_women_of_2020_add_up():
    apart = norms.load("standard_population", "china_2020_sex_50_74").counts()
    together = norms.load("standard_population", "china_2020").counts()
    assert all(together[name] == count for name, count in apart.items())


@pytest.mark.parametrize("name", norms.available("standard_population").ids)
def test_default_edges_join_whole_bands(name):
    norm = norms.load("standard_population", name)
    older = norm.collapse(norm.default_edges)
    assert older.bands[0].lower == 50
    whole = {band.name for band in norm.bands if band.lower >= 50}
    assert sum(older.counts().values()) == pytest.approx(sum(norm.counts()[n] for n in whole))


@pytest.mark.parametrize("edges", [(52, 60), (50, 120), (60, 50), (50,)])
def test_bands_are_never_cut(edges):
    with pytest.raises(NormError, match=r"join only whole|must ascend"):
        norms.load("standard_population", "china_2010").collapse(edges)


def test_a_sex_that_is_not_there_is_an_error():
    with pytest.raises(NormError, match="both sexes together only"):
        norms.load("standard_population", "who_2000").counts("female")


# ---- other kinds


def test_standardised_bmd_of_the_spine_is_the_printed_line():
    hui = norms.load("calibration", "sbmd_hui_1997")
    for maker, slope, centre in (
        ("hologic", 1.0550, 0.972),
        ("lunar", 0.9683, 1.100),
        ("norland", 0.9743, 0.969),
    ):
        line = hui.equation(maker, "lumbar_spine")
        printed = 1000 * (slope * (0.9 - centre) + 1.0436)
        assert line.intercept + line.slope * 0.9 == pytest.approx(printed, abs=1e-9)
    with pytest.raises(NormError, match="no equation for ge total_hip; it has hologic"):
        hui.equation("ge", "total_hip")


def test_phantom_conversion_has_a_range():
    line = norms.load("calibration", "phantom_k2hpo4_caco3").equation("k2hpo4", "lumbar_spine")
    assert (line.slope, line.intercept, str(line.valid)) == (1.26, 12.3, "[60, 172]")


def test_genant_says_which_side_of_25_and_40():
    grades = norms.load("indices", "genant").bands["all"]
    assert list(grades.classify([19.9, 20, 25, 25.1, 40, 40.1])) == [
        "grade_0",
        "grade_1",
        "grade_1",
        "grade_2",
        "grade_2",
        "grade_3",
    ]


def test_every_printed_estimate_names_quantity_unit_and_value():
    for norm in norms.available("published"):
        for estimate in norm.estimates:
            assert {"quantity", "unit", "value"} <= set(estimate)
            if "lower" in estimate:
                assert estimate["lower"] <= estimate["value"] <= estimate["upper"]


def test_people_affected_are_rate_times_census():
    older = norms.load("standard_population", "china_2010").collapse((50, math.inf))
    zeng = norms.load("published", "zeng_2019").estimates
    for sex in ("male", "female"):
        rate, people = (
            next(e["value"] for e in zeng if (e["quantity"], e["sex"]) == (quantity, sex))
            for quantity in ("prevalence", "people_affected")
        )
        assert rate / 100 * older.counts(sex)["50+"] / 1e6 == pytest.approx(people, abs=0.005)


# ---- what is asked for and is not there


def test_unknown_id_lists_what_there_is_with_the_nearest():
    with pytest.raises(
        NormError, match=r"did you mean zhang_2007.*16, listed by osteo-epi norms list"
    ):
        norms.load("young_adult", "zhang2007")


def test_of_few_norms_the_names_are_said():
    with pytest.raises(NormError, match=r"did you mean who_1994.*there are china_2020, iscd_2019"):
        norms.load("criteria", "who_1995")


def test_id_of_another_kind_is_told():
    with pytest.raises(NormError, match="china_2010 is a norm of kind standard_population"):
        norms.load("criteria", "china_2010")


def test_unknown_kind_and_unknown_citation():
    with pytest.raises(NormError, match=r"no kind of norm 'yong_adult' \(did you mean young_adult"):
        norms.load("yong_adult", "zhang_2007")
    with pytest.raises(NormError, match="did you mean who_1994"):
        norms.cite("who_1995")


# ---- a user's own folder

YOUNG = """
kind = "young_adult"
id = "ours"
title = "{title}"
verification = "A"
quantity = "abmd"
unit = "g/cm2"
population = "ours"
maker = "lunar"

[citation]
text = "Ours."

[[entry]]
sex = "female"
roi = "total_hip"
mean = 0.9
sd = 0.1
"""
BY_AGE = """
kind = "by_age"
id = "ours"
title = "ours"
verification = "A"
quantity = "abmd"
unit = "g/cm2"
population = "ours"
maker = "lunar"

[citation]
text = "Ours."

[[curve]]
sex = "female"
roi = "total_hip"
ages = "[20, 80)"
age = [25, 75]
mean = [0.9, 0.8]
sd = [0.1, 0.1]
"""
POPULATION = """
kind = "standard_population"
id = "ours"
title = "ours"
verification = "A"
holds_counts = true
unit = "people"
prevalence_edges = [50, 60, inf]

[citation]
text = "Ours."

[sums]
both = 3

[[band]]
name = "50-59"
ages = "[50, 60)"
both = 2

[[band]]
name = "60+"
ages = "[60, inf)"
both = 1
"""


class Own:
    def __init__(self, folder: Path):
        self.folder = folder

    def __call__(self, text: str = YOUNG, *, kind="young_adult", name="ours", title="ours", **swap):
        (self.folder / kind).mkdir(exist_ok=True)
        text = text.replace("{title}", title)
        for old, new in swap.get("change", {}).items():
            assert old in text
            text = text.replace(old, new)
        (self.folder / kind / f"{name}.toml").write_text(text, encoding="utf-8")

    def load(self, kind="young_adult"):
        return norms.load(kind, "ours", folder=self.folder)


@pytest.fixture
def own(tmp_path):
    return Own(tmp_path)


def test_own_folder_by_argument_and_by_environment(own, monkeypatch):
    own()
    assert own.load().mean_sd("female", "total_hip").mean == 0.9
    assert "ours" not in norms.available("young_adult").ids
    monkeypatch.setenv("OSTEO_EPI_NORMS", os.pathsep.join([str(own.folder), ""]))
    assert "ours" in norms.available("young_adult").ids
    assert norms.load("young_adult", "ours") == own.load()
    assert "Ours." in norms.cite("ours")


def test_a_published_norm_is_never_replaced(own):
    own(name="zhang_2007", change={'id = "ours"': 'id = "zhang_2007"'})
    with pytest.raises(NormError, match="in two folders of norms; give yours another name"):
        norms.load("young_adult", "zhang_2007", folder=own.folder)


def test_a_folder_that_holds_no_norms_is_told(tmp_path):
    with pytest.raises(NormError, match="expected a folder of norms"):
        norms.load("criteria", "china_2020", folder=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mean = 0.9", "mean = '0.9'", "entry 1.mean: expected a number, found '0.9'"),
        ("mean = 0.9", "mean = true", "entry 1.mean: expected a number, found True"),
        ("mean = 0.9", "mean = nan", "entry 1.mean: expected a finite number above 0, found nan"),
        ("sd = 0.1", "sd = 0", "entry 1.sd: expected a finite number above 0, found 0"),
        ("sd = 0.1", "", "entry 1.sd: expected a number, found nothing"),
        ("sd = 0.1", "sd = 0.1\nsdd = 1", "entry 1.sdd: unknown field; expected only"),
        ('sex = "female"', 'sex = "F"', "entry 1.sex: expected one of female, male, found 'F'"),
        ('"abmd"', '"vbmd"', "quantity: expected 'abmd'.*QCT spine density is judged on absolute"),
        ('"g/cm2"', '"mg/cm2"', "unit: expected one of g/cm2, found 'mg/cm2'"),
        ('verification = "A"', 'verification = "D"', "verification: expected one of A, B, C"),
        ('text = "Ours."', "", "citation.text: expected a text, found nothing"),
        ('text = "Ours."', 'text = ""', "citation.text: expected a text that is not empty"),
        ('kind = "young_adult"', 'kind = "by_age"', "kind: expected 'young_adult'"),
        (
            '\nid = "ours"',
            '\nid = "theirs"',
            "id: expected 'ours', as its folder or file is called",
        ),
        ("[[entry]]", "[entry]", r"entry: expected at least one table \[\[entry\]\]"),
        ('title = "ours"', "title = ours", "expected TOML in UTF-8"),
        ("sd = 0.1", "sd = 0.1\nages = '[20; 40)'", "entry 1.ages: .* is not an interval"),
        ("sd = 0.1", "sd = 0.1\nn_effective = 1", "entry 1.n_effective: .* above 1, found 1"),
    ],
)
def test_malformed_young_adults(own, old, new, message):
    own(change={old: new})
    with pytest.raises(NormError, match=f"young_adult/ours.toml: {message}"):
        own.load()


def test_how_uncertain_an_entry_is_leaves_the_digest_of_its_content_alone(own):
    own(change={"sd = 0.1": "sd = 0.1\nn_effective = 310.5"})
    told = own.load().mean_sd("female", "total_hip")
    assert (told.n, told.n_effective) == (None, 310.5)
    own()
    plain = own.load().mean_sd("female", "total_hip")
    assert plain.n_effective is None
    assert repr(plain) == repr(told)


def test_an_entry_given_twice(own):
    own(YOUNG + YOUNG[YOUNG.index("[[entry]]") :])
    with pytest.raises(NormError, match=r"entry: .*twice"):
        own.load()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("age = [25, 75]", "age = [75, 25]", "curve 1.age: expected at least two knots in asc"),
        ("age = [25, 75]", "age = [25.5, 75]", "curve 1.age: expected knots at whole years"),
        ("mean = [0.9, 0.8]", "mean = [0.9]", "curve 1.mean: expected 2 numbers"),
        ("sd = [0.1, 0.1]", "sd = [0.1, 0]", "curve 1.sd: expected finite numbers above 0"),
        ('"[20, 80)"', '"[30, 80)"', "curve 1.ages: expected a finite interval that holds"),
        ('"[20, 80)"', '"[20, inf)"', "curve 1.ages: expected a finite interval that holds"),
    ],
)
def test_malformed_age_reference(own, old, new, message):
    own(BY_AGE, kind="by_age", change={old: new})
    with pytest.raises(NormError, match=f"by_age/ours.toml: {message}"):
        own.load("by_age")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("both = 3", "both = 4", "sums.both: expected the sum of the bands, 3, found 4"),
        ("both = 3", "male = 3", "sums.male: expected a total of both"),
        ('"[60, inf)"', '"[65, inf)"', "band: expected ascending bands without a gap"),
        ('"[60, inf)"', '"(60, inf)"', "band 2.ages: expected an interval like"),
        ('name = "60+"', 'name = "50-59"', "band: expected each name once"),
        ("both = 1", "female = 1", "band 2.both: expected a number, found nothing"),
        ("both = 1", "both = 1\nmale = 1", "band 2.male: unknown field"),
        ("[50, 60, inf]", '[50, "x"]', "prevalence_edges: expected ascending ages"),
    ],
)
def test_malformed_population(own, old, new, message):
    own(POPULATION, kind="standard_population", change={old: new})
    with pytest.raises(NormError, match=f"standard_population/ours.toml: {message}"):
        own.load("standard_population")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value = 28\n", "", "estimate 1.value: expected a number, found nothing"),
        ("value = 28\n", "value = '28'\n", "estimate 1.value: expected a number, found '28'"),
    ],
)
def test_malformed_estimate(own, old, new, message):
    text = (norms.shelf() / "published" / "zhang_2007.toml").read_text(encoding="utf-8")
    own(text, kind="published", change={'id = "zhang_2007"': 'id = "ours"', old: new})
    with pytest.raises(NormError, match=f"published/ours.toml: {message}"):
        own.load("published")


def test_a_plain_record_needs_a_table(own):
    head = YOUNG[: YOUNG.index("quantity")].replace("young_adult", "simulation")
    citation = '[citation]\ntext = "Ours."\n'
    own(head + citation, kind="simulation")
    with pytest.raises(NormError, match=r"simulation/ours.toml: expected at least one table"):
        own.load("simulation")
    own(head + citation + "[curve]\npeak = 1.0\n", kind="simulation")
    assert own.load("simulation").data == {"curve": {"peak": 1.0}}


def _criterion(own, old, new):
    text = (norms.shelf() / "criteria" / "china_2020.toml").read_text(encoding="utf-8")
    own(text, kind="criteria", change={'id = "china_2020"': 'id = "ours"', old: new})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"(-2.5, -1.0)"', '"(-2.5, -1.5)"', r"t_score: nothing covers \(-1.5, -1\)"),
        ('"(-2.5, -1.0)"', '"[-2.5, -1.0)"', "t_score: -2.5 belongs both to"),
        ('"(-2.5, -1.0)"', '"(-2.5, -0.5)"', "t_score: low_bone_mass .* overlaps normal"),
        ('"[80, 120]"', '"(80, 120]"', "vbmd_lumbar_spine: 80 belongs neither to"),
        ('low_bone_mass = "(-2.5', 'osteopenia = "(-2.5', "t_score: expected classes named"),
        ('"own_sex"', '"any"', "defaults.sex_rule: expected one of own_sex, female"),
        ('"postmenopausal_from_50"', '"never"', "applies.menopause_when_unknown: expected"),
        ('t_score = "A"', 't_score = "X"', "grades.t_score: expected one of A, B, C"),
    ],
)
def test_malformed_criterion(own, old, new, message):
    _criterion(own, old, new)
    with pytest.raises(NormError, match=f"criteria/ours.toml: {message}"):
        own.load("criteria")


def test_every_kind_has_a_folder_or_none_shipped():
    folders = {path.name for path in norms.shelf().iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= set(KINDS)
