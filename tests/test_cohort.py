"""The cohort and what rides along: findings, flow, source, codebook."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import Cohort, Flow, Source, codebook
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Findings


def test_findings_put_the_worst_first_and_say_nothing_twice():
    note = Finding("encoding", "note", "", 0, "read as GB18030")
    error = Finding("incomplete", "error", "sex", 2, "no sex")
    found = Findings((note, error)) + Findings((note,))
    assert [f.severity for f in found] == ["error", "note"]
    assert found.errors.codes == ("incomplete",)
    assert found.of("incomplete", "age").codes == ()


def test_text_from_data_is_escaped_in_html():
    hostile = "<script>alert(1)</script>"
    found = Findings((Finding("unknown_heading", "note", hostile, 0, hostile),))
    flow = Flow.start(1).step("x", pl.Series([False]), reason=hostile)
    people = Cohort(pl.DataFrame({"a": [1]}), found, flow, Source(label=hostile))
    assert "<script>" not in people._repr_html_()
    assert people._repr_html_().count("&lt;script&gt;") == 4


def test_html_of_a_cohort_shows_no_value():
    people = Cohort.from_frame(pl.DataFrame({"person_id": ["secret-id"], "age": [61.25]}))
    assert "secret-id" not in people._repr_html_()
    assert "61.25" not in people._repr_html_()


def test_flow_counts_each_reason_and_null_is_not_yes():
    frame = pl.DataFrame({"age": [30.0, 60.0, None, 70.0], "why": ["young", None, None, "implant"]})
    flow = Flow.start(4).step("50+", pl.col("age") >= 50, reason="young or unknown", frame=frame)
    flow = flow.step("usable", pl.Series([True, True, True, False]), reason=frame["why"])
    rows = flow.to_frame().select("step", "reason", "n_in", "n_excluded", "n_out").rows()
    assert rows == [
        ("read", "", 4, 0, 4),
        ("50+", "young or unknown", 4, 2, 2),
        ("usable", "implant", 2, 1, 1),
    ]
    assert flow.included.to_list() == [False, True, False, False]


def test_flow_refuses_a_mask_over_those_who_remain():
    with pytest.raises(SchemaError, match="whole frame"):
        Flow.start(3).step("x", pl.Series([True, False]), reason="")


def test_a_cohort_whose_rows_changed_says_so_in_its_flow():
    people = Cohort.from_frame(pl.DataFrame({"age": [1.0, 2.0]}))
    assert people.with_frame(people.frame.head(1)).flow.to_frame()["n_out"].to_list() == [2, 1]
    same = people.with_frame(people.frame.with_columns(b=1))
    assert same.flow == people.flow


def test_cohort_goes_out_as_every_kind_of_frame():
    people = Cohort.from_frame(pl.DataFrame({"age": [61.0]}))
    assert people.to_pandas()["age"].tolist() == [61.0]
    assert people.to_arrow()["age"].to_pylist() == [61.0]
    assert pl.DataFrame(people).equals(people.frame)


def test_source_digest_is_that_of_the_bytes(tmp_path):
    import hashlib

    one, two = tmp_path / "a.bin", tmp_path / "b.bin"
    one.write_bytes(b"x" * 3_000_000)
    two.write_bytes(b"y")
    source = Source.of_files([one, two], reader="csv")
    assert source.sha256 == hashlib.sha256(b"x" * 3_000_000 + b"y").hexdigest()
    assert source.files == ("a.bin", "b.bin")


def test_codebook_holds_the_contract_of_columns():
    book = codebook()
    for name in (
        "abmd_l4", "abmd_lumbar_spine", "abmd_total_hip_ctxa", "vbmd_l1", "hu_l1", "bmc_l2",
        "area_lumbar_spine", "valid_total_hip", "t_score_radius_33_reported", "person_id",
        "z_score_femoral_neck_reported", "postmenopausal", "ovaries_removed", "tbs",
        "fracture_evidence", "endplate_fracture", "iof_one_minute",
    ):  # fmt: skip
        assert name in book, name
    assert book["sex"].dtype == pl.Enum(["female", "male"])


def test_codebook_ranges_are_ordered_and_aliases_name_one_variable_each():
    from osteo_epi.cohort.conform import normalise

    seen: dict[str, str] = {}
    for variable in codebook().variables.values():
        if variable.range:
            assert variable.range[0] < variable.range[1], variable.name
        for alias in (variable.name, *variable.aliases):
            key = normalise(alias)
            assert seen.setdefault(key, variable.name) == variable.name, alias


@pytest.mark.parametrize(
    ("given", "canonical", "factor"),
    [
        ("mg/cm2", "g/cm2", 0.001),
        ("g/cm3", "mg/cm3", 1000.0),
        ("m", "cm", 100.0),
        ("斤", "kg", 0.5),
        ("HU", "mg/cm3", None),
        ("HU", "g/cm2", None),
    ],
)
def test_units_convert_only_within_their_quantity(given, canonical, factor):
    assert codebook().factor(given, canonical) == factor
