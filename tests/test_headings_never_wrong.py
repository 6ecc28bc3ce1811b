"""A proposal is followed literally, so a wrong one is worse than none; so is a wrong reading."""

from __future__ import annotations

import re
import shlex
import time

import polars as pl
import pytest

from osteo_epi.cohort import codebook
from osteo_epi.cohort.conform import match, plan_columns
from osteo_epi.errors import SchemaError

NEITHER_READ_NOR_PROPOSED = [
    "femoralDiameterZ", "FNCTz-score", "FNCT z-score", "L2-L4 BMD", "L2L4_BMD",
    "腰椎L2-L4骨密度", "L1-L3 BMD", "S.No", "S.No.", "Neck width(cm)", "Neck width",
    "neck_width_cm", "Neck (cm)", "T12 vBMD", "T12_vBMD", "Th12", "PTHx", "PTH2",
    "Spectral CT BMD", "spectral BMD", "Dual-energy CT BMD (mg/cm3)", "能谱CT骨密度",
    "L1 HAP (mg/cm3)", "DECT L1 BMD", "Neck BMC", "Neck BMC (g)", "Total hip BMC",
    "Femoral neck BMD (mg/cm3)", "UD radius BMD", "Whole body BMD", "WBTOT_BMD",
    "Femur shaft BMD", "heel BMD", "Lumbar spine BMD change", "LS BMD % change", "BMI (%)",
    "Hip axis length", "HAL", "YAM(%)", "腰椎YAM(%)", "Neck circumference (cm)", "颈围",
    "Trochanter BMC", "weights", "later", "status", "smoker", "Hip fracture", "Left BMD",
    "Mean BMD", "Radius BMD", "PatientSec", "PatientZip", "patient_type",
    "Neck SD", "Neck BMD SD", "腰椎SD", "股骨颈 (SD)",
    "QCT腰椎T值", "腰椎QCT T值", "QCT L1-L4 T", "QCT spine T-score", "QCT L1 Z-score",
    "QCT T", "QCT T值", "QCT Z-score",
    "Neck T%", "腰椎T%", "L1-L4 Z ％",
]  # fmt: skip


@pytest.mark.parametrize("heading", NEITHER_READ_NOR_PROPOSED)
def test_nothing_is_proposed_where_anything_would_be_wrong(heading):
    reading = match(heading)
    assert (reading.variable, reading.candidates) == (None, ())


@pytest.mark.parametrize(
    ("heading", "variable"),
    [
        ("Total Mean BMD", "abmd_total_hip_mean"),
        ("Total Left BMD", "abmd_total_hip_left"),
        ("Total Right T-score", "t_score_total_hip_right_reported"),
        ("bmd_femoral_neck_g_cm2", "abmd_femoral_neck"),
        ("femoral_neck_bmd_g_cm_2", "abmd_femoral_neck"),
        ("bmd_lumbar_spine_g_cm2", "abmd_lumbar_spine"),
        ("PTH", "pth"),
        ("L1 HU", "hu_l1"),
        ("FN z-score", "z_score_femoral_neck_reported"),
        ("Neck T SD", "t_score_femoral_neck_reported"),
        ("QCT股骨颈T值", "t_score_femoral_neck_reported"),
        ("FRAX major %", "frax_major"),
        ("左髋股骨颈T值", "t_score_femoral_neck_left_reported"),
        ("右髋全髋骨密度", "abmd_total_hip_right"),
        ("Left hip femoral neck BMD", "abmd_femoral_neck_left"),
        ("T値 大腿骨頸部", "t_score_femoral_neck_reported"),
        ("腰椎Z値", "z_score_lumbar_spine_reported"),
        ("전체 대퇴 T", "t_score_total_hip_reported"),
    ],
)
def test_what_a_heading_says_whole_is_read_as_said(heading, variable):
    assert match(heading).variable == variable


@pytest.mark.parametrize(
    ("heading", "proposed"),
    [
        ("femoral_nek_bmd", "abmd_femoral_neck"),
        ("femoral nek z-score", "z_score_femoral_neck_reported"),
        ("lubmar spine T-score", "t_score_lumbar_spine_reported"),
        ("total hpi BMD", "abmd_total_hip"),
        ("heigth", "height"),
        ("gendre", "sex"),
    ],
)
def test_a_slip_of_the_pen_is_proposed(heading, proposed):
    assert match(heading).candidates == (proposed,)


def findings_of(columns, mapped=None, code=None):
    planned = plan_columns(pl.DataFrame(columns), mapped or {})
    return [f for f in planned.findings if code in (None, f.code)]


@pytest.mark.parametrize("heading", ["HipBMD", "hip_bmd", "髋部骨密度", "Total BMD"])
def test_of_several_regions_no_single_one_is_proposed(heading):
    (finding,) = findings_of({"age": [61], heading: [0.8]})
    assert finding.code == "ambiguous_heading"
    assert " or " in finding.message
    assert not re.search(r"(abmd|score)_\w+", finding.fix)


def test_a_hip_without_its_region_is_neck_or_total():
    assert match("HipBMD").candidates == ("abmd_femoral_neck", "abmd_total_hip")


@pytest.mark.parametrize(
    ("heading", "first"),
    [
        ("QCT", "vbmd_lumbar_spine"),
        ("QCT骨密度", "vbmd_lumbar_spine"),
        ("QCT (g/cm2)", "abmd_femoral_neck_ctxa"),
        ("Hip QCT", "abmd_femoral_neck_ctxa"),
        ("QCT hip T", "t_score_femoral_neck_reported"),
    ],
)
def test_a_qct_of_no_region_is_of_the_spine(heading, first):
    found = match(heading)
    assert (found.variable, found.candidates[0]) == (None, first)
    assert len({"vbmd" in name for name in found.candidates}) == 1
    assert not any("lumbar" in name for name in found.candidates if first.endswith("reported"))


def test_words_are_no_measurement_of_some_region():
    """The area of a survey is urban or rural, and is left to --by; numbers may be one of bone."""
    words, numbers = (
        [f.severity for f in findings_of({"age": [61, 62], "area": area})]
        for area in (["urban", "rural"], ["55.1", None])
    )
    assert (words, numbers) == (["note"], ["warning"])


def test_a_t_score_of_no_region_may_be_the_lowest():
    """Named so only where the caller says that it is; a map may leave out that it is reported."""
    (finding,) = findings_of({"age": [61], "T-score": [-1.8]})
    assert "if it is the lowest of several regions" in finding.fix
    assert "--map T-score=t_score_min" in finding.fix
    plan = plan_columns(pl.DataFrame({"T-score": [-1.8]}), {"T-score": "t_score_min"})
    assert list(plan.variables) == ["t_score_min_reported"]


@pytest.mark.parametrize("heading", ["股骨颈", "my 股骨颈", "T-score of it", "L1 of it"])
def test_what_a_message_says_of_map_can_be_typed(heading):
    """As the words after `osteo-epi check FILE`, whatever the heading."""
    findings = findings_of({"age": [61] * 9, heading: [0.8] * 9})
    for finding in (f for f in findings if "--map" in f.fix):
        typed = shlex.split(finding.fix.split("(--map ")[1].split(")")[0])
        assert typed[0].startswith(f"{heading}=")
        assert typed[0] != f"{heading}="


def test_what_leaves_a_column_out_can_be_typed():
    (finding,) = findings_of({"age": [61] * 9, "股骨颈": [0.8] * 9}, code="assumed_heading")
    assert "map={'股骨颈': None} (--map 股骨颈=none)" in finding.fix


def test_another_region_is_named_and_kept():
    (finding,) = findings_of({"age": [61], "L2-L4 BMD": [0.9]})
    assert "L2–L4, another region than L1–L4; kept as it is" in finding.message


def test_a_map_says_what_it_displaces():
    columns = {"age": [61], "A": [0.7], "FN_BMD": [0.8]}
    (finding,) = findings_of(columns, {"A": "abmd_femoral_neck"}, "displaced_heading")
    assert (finding.column, finding.severity) == ("FN_BMD", "warning")
    assert "abmd_femoral_neck is now read from 'A'" in finding.message
    assert "kept as it is" in finding.message


@pytest.mark.parametrize(
    ("heading", "variable"),
    [
        ("Z-score FN", "t_score_femoral_neck_reported"),
        ("FNCTz-score", "t_score_femoral_neck_reported"),
        ("L2-L4 BMD", "abmd_lumbar_spine"),
        ("Neck BMC", "abmd_femoral_neck"),
        ("Premenopausal", "postmenopausal"),
        ("L1 excluded", "valid_l1"),
    ],
)
def test_a_map_against_the_words_of_the_heading_is_said(heading, variable):
    (finding,) = findings_of({"age": [61], heading: [0.8]}, {heading: variable}, "mapped_across")
    assert variable in finding.message


@pytest.mark.parametrize(
    "heading", ["L1 HU", "HU_L1", "L1(HU)", "CT值", "L1 attenuation", "HU trabecular L1"]
)
@pytest.mark.parametrize("variable", ["vbmd_l1", "abmd_l1"])
def test_attenuation_is_mapped_to_no_density(heading, variable):
    with pytest.raises(SchemaError, match="no bone mineral density"):
        plan_columns(pl.DataFrame({heading: [120.0]}), {heading: variable})


SWAPS = {
    "t_score": ("z_score", "bmd", "bmc"),
    "z_score": ("t_score", "bmd"),
    "abmd": ("bmc", "vbmd", "t_score", "z_score", "area", "hu", "width"),
    "bmc": ("bmd", "area"),
    "vbmd": ("hu", "t_score"),
    "hu": ("vbmd", "bmd"),
    "area": ("bmc", "bmd"),
}
NAMED = {"t_score": "T-score", "z_score": "Z-score", "abmd": "BMD", "vbmd": "vBMD", "hu": "HU"}


def quantity_of(name: str) -> str:
    """What a variable of a region measures, by its name."""
    if name.endswith("_ctxa"):
        return "ctxa"
    return "_".join(name.split("_")[: 2 if "_score_" in name else 1])


def _headings():
    """A heading of every region and quantity, as written and with one letter lost."""
    words = codebook().words["site"]
    for name in codebook().variables:
        quantity = quantity_of(name)
        if quantity in SWAPS and codebook()[name].roi:
            for word in (w for w, site in words.items() if site == codebook()[name].roi):
                for other in SWAPS[quantity]:
                    yield name, word, NAMED.get(other, other)


def test_no_reading_and_no_proposal_crosses_a_quantity():
    said = {"bmd": {"abmd", "vbmd", "ctxa"}, "width": set()}
    for name, word, other in _headings():
        allowed = said.get(other.lower(), {other.lower().replace("-", "_")})
        slip = word[:3] + word[4:] if len(word) > 7 else word
        for heading in (f"{word} {other}", f"{other}_{word}", f"{slip} {other}"):
            reading = match(heading)
            for found in filter(None, (reading.variable, *reading.candidates)):
                assert quantity_of(found) in allowed, (heading, found, name)


@pytest.mark.parametrize("side", ["left", "right", "mean"])
def test_no_proposal_crosses_a_side(side):
    for heading in (f"femoral nek {side} BMD", f"total hpi {side} T-score"):
        named = match(heading).candidates
        assert all(codebook()[name].side == side for name in named)


def test_a_long_heading_of_known_words_is_not_cut_in_every_way():
    """Each way into words was tried: 13 s for sixty signs, and the stack ended at a thousand."""
    start = time.process_time()
    for heading in ("rud" * 20, "测量值" * 20, "值" * 990):
        assert match(heading).variable is None
    assert time.process_time() - start < 10  # [s]


def test_a_heading_as_long_as_a_file_names_nothing():
    """A CSV whose lines lost their ends took six minutes: the way grows with the square of it."""
    for piece in ("a", "1男", "a1 "):
        reading = match(piece * 70_000)
        assert (reading.variable, reading.how, reading.candidates) == (None, "unknown", ())
