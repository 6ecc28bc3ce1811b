"""Values that nobody can have, and units that only look right: nulled, kept, told."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import codebook, read


def clinic(tmp_path, **columns):
    """Through the whole door, as a file."""
    n = max(len(values) for values in columns.values())
    frame = pl.DataFrame({"age": [66.0 + i % 9 for i in range(n)], "sex": ["F"] * n, **columns})
    path = tmp_path / "clinic.csv"
    frame.write_csv(path)
    return path


def test_an_impossible_value_is_null_and_kept_under_another_name(tmp_path):
    path = clinic(tmp_path, **{"FN BMD": [700.0, 0.71] * 30, "TH BMD": [0.9] * 60})
    people = read(path)
    assert people["abmd_femoral_neck"].to_list() == [None, 0.71] * 30
    assert people["abmd_femoral_neck_as_given"].to_list() == [700.0, None] * 30
    assert "abmd_total_hip_as_given" not in people.columns
    (finding,) = people.findings.of("out_of_range")
    assert (finding.severity, finding.column, finding.n) == ("error", "abmd_femoral_neck", 30)
    assert "30 of 60; 30 of them would fit in mg/cm2" in finding.message
    assert people.frame.filter(finding.where).height == 30


def test_what_was_set_aside_stays_so_when_it_is_read_again(tmp_path):
    first = read(clinic(tmp_path, **{"FN BMD": [0.08, 0.71, 0.72]}))
    first.frame.write_parquet(tmp_path / "again.parquet")
    again = read(tmp_path / "again.parquet")
    assert again["abmd_femoral_neck_as_given"].to_list() == [0.08, None, None]
    assert again.findings.of("out_of_range")[0].n == 1


@pytest.mark.parametrize(
    ("heading", "values", "unit"),
    [
        ("FN BMD (g/cm2)", [858.0, 712.0, 999.0], "mg/cm2"),
        ("vbmd_l1", [0.11, 0.14, 0.17], "g/cm3"),
        ("height loss", [0.45, 0.0, 0.3], "fraction"),
        ("height", [64.0, 66.0, 61.0], "inch"),
        ("FRAX MOF", [0.12, 0.06, 0.0], "fraction"),
        ("FRAX hip", [0.031, 0.008, 0.002], "fraction"),
    ],
)
def test_the_unit_that_is_advised_is_the_one_that_mends(tmp_path, heading, values, unit):
    path = clinic(tmp_path, **{heading: values})
    (finding,) = read(path).findings.errors
    assert (
        f'units={{"{finding.column}": "{unit}"}} (--units {finding.column}={unit})' in finding.fix
    )
    mended = read(path, units={finding.column: unit})
    assert not mended.findings.errors
    factor = codebook().factor(unit, codebook()[finding.column].unit)
    assert mended[finding.column].to_list() == pytest.approx([v * factor for v in values])


def test_a_zero_where_nobody_has_one_is_a_code_for_missing(tmp_path):
    """Men and women before it have no age at menopause; 0 stands there in many files."""
    people = read(clinic(tmp_path, **{"绝经年龄": [0, 0, 51], "tbs": [0.0, 1.3, 1.2]}))
    assert people["menopause_age"].to_list() == [None, None, 51.0]
    assert people["tbs"].to_list() == [None, 1.3, 1.2]
    assert set(people.findings.codes) == {"missing_code"}


@pytest.mark.parametrize(
    ("heading", "values", "unit", "first"),
    [
        ("CTX", [350.0, 480.0, 90.0], "pg/mL", 0.35),
        ("骨髓脂肪分数", [0.42, 0.55, 0.61], "fraction", 42.0),
        ("血钙", [9.4, 9.9, 7.1], "mg/dL", 9.4 * 10 / 40.078),
    ],
)
def test_the_unit_of_a_substance_is_advised(tmp_path, heading, values, unit, first):
    path = clinic(tmp_path, **{heading: values})
    findings = read(path).findings
    found = [f for f in findings if f.code == "unit_suspected"]
    # What no definition reads stops nobody.
    assert not findings.errors
    assert {f.severity for f in found} == {"warning"}
    assert all(f"--units {f.column}={unit}" in f.fix for f in found)
    finding = found[0]
    mended = read(path, units={finding.column: unit})
    assert "unit_suspected" not in mended.findings.codes
    assert mended[finding.column][0] == pytest.approx(first, rel=1e-4)


@pytest.mark.parametrize(
    ("heading", "mass", "variable"),
    [
        ("血磷 (mg/dL)", 10 / 30.974, "serum_phosphate"),
        ("PTH (pmol/L)", 9.425, "pth"),
        ("25OHD (ng/mL)", 1000 / 400.64, "vitamin_d_25oh"),
    ],
)
def test_amount_and_mass_are_told_by_the_heading(tmp_path, heading, mass, variable):
    people = read(clinic(tmp_path, **{heading: [4.0, 3.1, 5.2]}))
    assert people[variable].to_list() == pytest.approx([4 * mass, 3.1 * mass, 5.2 * mass], rel=1e-4)
    assert "unit_converted" in people.findings.codes


def test_a_unit_of_another_substance_is_refused(tmp_path):
    """A heading with the unit of another substance is none of the codebook's: kept as it is."""
    people = read(clinic(tmp_path, **{"ALP (mg/dL)": [70.0, 80.0, 90.0]}))
    assert people["ALP (mg/dL)"].to_list() == [70.0, 80.0, 90.0]
    assert people.findings.of("other_heading")[0].column == "ALP (mg/dL)"
    said = read(clinic(tmp_path, ALP=[70.0, 80.0, 90.0]), units={"ALP": "mg/dL"})
    assert "mg/dL cannot be brought to U/L" in said.findings.of("column_left_out")[0].message
    assert "alkaline_phosphatase" not in said.columns


def test_faults_of_a_covariate_stop_nobody(tmp_path):
    """A marker that no definition reads: unit, text and quantity are warnings."""
    columns = {"CTX": ["<0.05"] * 9, "marrow_fat_fraction": [0.45] * 9, "PTH": [-40.0] * 9}
    findings = read(clinic(tmp_path, **columns)).findings
    assert {f.column for f in findings} >= {"ctx", "marrow_fat_fraction", "pth"}
    assert not findings.errors
