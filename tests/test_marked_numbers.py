"""Numbers with something beside them: a sign is told, a bound or a remark is no number."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import SchemaError

NECK = "abmd_femoral_neck"


def in_a_file(cells, folder, **options):
    file = folder / "clinic.tsv"
    rows = "\n".join(f"{60 + i}\tF\t{cell}" for i, cell in enumerate(cells))
    file.write_text(f"age\tsex\tneck BMD\n{rows}\n")
    return oe.read(file, **options)


def in_a_frame(cells, _folder, **options):
    mixed = [float(c) if c.replace(".", "").isdigit() else c for c in cells]
    frame = pd.DataFrame({"age": range(60, 60 + len(mixed)), "sex": "F", "neck BMD": mixed})
    return oe.read(frame, **options)


@pytest.mark.parametrize("read", [in_a_file, in_a_frame])
@pytest.mark.parametrize("sign", ["*", " †", "#", "↓", "＊"])
def test_a_sign_behind_a_number_is_read_over_and_told(tmp_path, read, sign):
    people = read(["0.7", f"0.812{sign}", "0.9"], tmp_path)
    assert people[NECK].to_list() == [0.7, 0.812, 0.9]
    (finding,) = people.findings.of("marked_number")
    assert (finding.severity, finding.n) == ("warning", 1)
    assert "0.812" not in str(finding)


@pytest.mark.parametrize("read", [in_a_file, in_a_frame])
def test_a_sign_can_be_declared_to_be_missing(tmp_path, read):
    (finding,) = read(["0.7", "0.812*", "0.9"], tmp_path).findings.of("marked_number")
    assert f'missing={{"{NECK}": ["*"]}} (--missing "{NECK}=*")' in finding.fix
    people = read(["0.7", "0.812*", "0.9"], tmp_path, missing={NECK: ["*"]})
    assert people[NECK].to_list() == [0.7, None, 0.9]
    assert not people.findings.of("marked_number")


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("<0.5", "1 are bounds, behind < or >"),
        ("＞0.5", "1 are bounds, behind < or >"),
        ("0.812 (QC)", "1 have a remark in brackets"),
        ("0.812（无效）", "1 have a remark in brackets"),
        ("0.812 (mg/cc)", "hold text, not a number"),
        ("0.812?", "hold text, not a number"),
        ("2+", "hold text, not a number"),
    ],
)
def test_what_is_no_number_is_refused_for_what_it_is(tmp_path, cell, says):
    for read in (in_a_file, in_a_frame):
        with pytest.raises(SchemaError, match="1 cells hold text") as caught:
            read(["0.7", cell, "0.9"], tmp_path)
        assert says in str(caught.value)
        assert "0.812" not in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "word"), [("<0.5", "<"), (">=0.5", ">="), ("0.8 (QC)", "0.8 (QC)")]
)
def test_the_way_out_that_is_named_is_one(tmp_path, cell, word):
    people = in_a_file(["0.7", cell, "0.9"], tmp_path, missing={NECK: [word]})
    assert people[NECK].to_list() == [0.7, None, 0.9]


def test_a_comma_and_a_sign():
    people = oe.read(pl.DataFrame({"age": [61], "sex": ["F"], "neck BMD": ["0,812*"]}))
    assert people[NECK].to_list() == [0.812]
    assert not people.findings.of("full_width")
