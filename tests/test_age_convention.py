"""What an age means: exact or completed years; and what is proposed where no age reference is."""

from __future__ import annotations

import polars as pl
import pytest
from click.testing import CliRunner

from osteo_epi import norms
from osteo_epi.cli import main
from osteo_epi.cohort import Cohort, simulate
from osteo_epi.diagnosis import classification_findings, classify, definition
from osteo_epi.errors import NormError
from osteo_epi.reference import Constant, Polynomial, fit_reference, publish

CURVES = "nhanes_2005_2010_derived"
NECK = "femoral_neck"


def found(ages: list[float], code: str, **choices) -> list:
    people = pl.DataFrame(
        {"age": ages, "sex": ["female"] * len(ages), "abmd_femoral_neck": [0.8] * len(ages)}
    )
    rules = definition("china_2020", reference="nhanes3_white", sites=[NECK], **choices)
    return [f for f in classification_findings(classify(people, rules), rules) if f.code == code]


@pytest.mark.parametrize(
    ("ages", "n"),
    [
        ([12.0, 15.0, 40.0], 2),
        ([12.0, 15.5, 40.0], 0),  # one exact age: so are the others
        ([20.0, 40.0], 0),  # grown
        ([5.0, 7.0], 0),  # not scored
        ([12.0, 40.3], 1),  # of grown people nothing is asked
    ],
)
def test_whole_years_on_curves_of_exact_age(ages, n):
    findings = found(ages, "age_in_whole_years", age_reference=CURVES)
    assert [f.n for f in findings] == ([n] if n else [])
    assert all(f.severity == "warning" and "exact age" in f.fix for f in findings)


def test_curves_of_completed_years_take_whole_years():
    norm = norms.load("by_age", CURVES)
    assert norm.derivation.ages == "exact"
    assert "ages: exact" in norm.cite()
    from dataclasses import replace

    for ages in ("completed years", None):
        other = replace(norm, derivation=replace(norm.derivation, ages=ages))
        assert not found([12.0, 15.0], "age_in_whole_years", age_reference=other)
        assert ("; ages: completed years" in other.cite()) is (ages is not None)


@pytest.mark.parametrize("part", [0.0, 0.25])
def test_a_fitted_reference_says_what_its_ages_are(tmp_path, part):
    people = simulate(3_000, seed=1).frame.select("sex", "abmd_l1", pl.col("age").floor() + part)
    terms = {"mu": Polynomial(3), "sigma": Constant()}
    reference = fit_reference(people, rois=["l1"], **terms)
    ages = "exact" if part else "completed years"
    assert reference.provenance.ages == ages
    head = {"id": "our_county", "title": "Ours", "population": "nobody"}
    published = publish(reference, tmp_path, **head)
    assert published.by_age.derivation == reference.provenance
    words = {"exact": ("Ages are exact", "精确年龄"), "completed years": ("completed", "周岁")}
    assert words[ages][0] in published.methods["en"]
    assert words[ages][1] in published.methods["zh"]
    file = tmp_path / "by_age" / "our_county.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f'ages = "{ages}"', 'ages = "about"'), encoding="utf-8")
    with pytest.raises(NormError, match="ages: expected one of exact, completed years"):
        norms.load("by_age", "our_county", folder=tmp_path)


@pytest.mark.parametrize(
    ("maker", "proposed"),
    [("Hologic Discovery", True), ("GE Lunar iDXA", False), ("other", False), (None, False)],
)
def test_the_embedded_curves_are_proposed_to_those_whom_they_suit(tmp_path, maker, proposed):
    people = pl.DataFrame(
        {
            "age": [31.4, 41.2],
            "sex": ["female", "male"],
            "abmd_femoral_neck": [0.8, 0.5],
            **({"device": [maker] * 2} if maker else {}),
        }
    )
    rules = definition("china_2020", reference="nhanes3_white", sites=[NECK])
    classified = classify(Cohort.from_frame(people, label="by hand"), rules, accept_errors=True)
    (finding,) = classified.findings.of("no_age_reference")
    assert finding.n == 2
    assert "--age-reference" in finding.fix
    assert ("--age-reference by_maker" in finding.fix) is proposed
    assert ("by_maker" in finding.message) is False
    file, out = tmp_path / "people.csv", tmp_path / "classified.csv"
    people.write_csv(file)
    words = ["classify", file, "--reference", "nhanes3_white", "--sites", NECK, "--out", out]
    words += ["--accept-errors", "--age-reference", "by_maker"]
    result = CliRunner().invoke(main, [*map(str, words)])
    assert (result.exit_code == 0) is proposed
    if proposed:
        assert pl.read_csv(out)["bone_class"].to_list() == [
            "within_expected_range",
            "below_expected_range",
        ]
