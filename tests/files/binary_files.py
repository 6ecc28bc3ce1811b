"""The made-up files that are no plain text, or say that they are none."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyreadstat
import xlsxwriter
from people import REGIONS, ZHANG_2007, draw, right
from sources import Made, Table, source

REPORTED = ("--reference reported",)
SPINE, NECK, HIP = REGIONS


def _book(sheets: dict[str, list[list[object]]], merged: tuple[str, ...] = ()) -> bytes:
    """A workbook of these rows; `merged` are ranges of the first sheet, with their text in it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": dt.datetime(2020, 1, 1)})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
        for place in merged:
            first = place.partition(":")[0]
            column, line = ord(first[0]) - ord("A"), int(first[1:]) - 1
            said = next(iter(sheets.values()))[line][column]
            book.worksheets()[0].merge_range(place, said)
    return out.getvalue()


def _rows(table: Table) -> list[list[object]]:
    return [list(table), *map(list, zip(*table.values(), strict=True))]


def _statistical(write: Any, ending: str, table: Table, **more: object) -> bytes:
    """What pyreadstat writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file.{ending}"
        write(pd.DataFrame(table), str(path), **more)
        return path.read_bytes()


@source("two_headings.xlsx", "a title and two rows of headings, merged", advised=REPORTED)
def _two_headings() -> Made:
    p = draw(41)
    table = {
        "编号": p.ids(),
        "性别": p.words("女", "男"),
        "年龄": p.age,
        "d1": p.bmd(SPINE),
        "t1": p.t[SPINE].tolist(),
        "d2": p.bmd(NECK),
        "t2": p.t[NECK].tolist(),
        "d3": p.bmd(HIP),
        "t3": p.t[HIP].tolist(),
    }
    above = ["编号", "性别", "年龄", "腰椎L1-L4", "", "股骨颈", "", "全髋", ""]
    below = ["", "", "", *["骨密度(g/cm2)", "T值"] * 3]
    title = ["某医院双能X线骨密度检查汇总表", *[""] * 8]
    rows = [title, above, below, *_rows(table)[1:]]
    merged = ("A1:I1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "F2:G2", "H2:I2")
    return _book({"Sheet1": rows}, merged), right(p)


@source(
    "several_sheets.xlsx",
    "an explanation on the first sheet, the data on the second",
    advised=REPORTED,
)
def _sheets() -> Made:
    p = draw(42)
    table = {
        "ID": p.ids(),
        "Sex": p.words("F", "M"),
        "Age": p.age,
        "Lumbar spine T-score": p.t[SPINE].tolist(),
        "Femoral neck T-score": p.t[NECK].tolist(),
        "Total hip T-score": p.t[HIP].tolist(),
    }
    note = [["Explanation", ""], ["Sex", "as registered"], ["T-score", "by the maker"]]
    return _book({"Read me": note, "DXA": _rows(table)}), right(p)


@source("page_named.xls", "a page of HTML that is called .xls", advised=REPORTED)
def _page() -> Made:
    p = draw(43)
    names = ["ID", "Sex", "Age", "Lumbar spine T-score", "Femoral neck T-score"]
    columns = [p.ids(), p.words("F", "M"), p.age, *(p.t[r].tolist() for r in REGIONS)]
    rows = [[*names, "Total hip T-score"], *map(list, zip(*columns, strict=True))]
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    page = f'<html><head><meta charset="utf-8"></head><body><table>\n{body}\n</table></body></html>'
    return page.encode(), right(p)


@source("typed.parquet", "decimals, categories, times and lists as types", advised=REPORTED)
def _typed() -> Made:
    p = draw(44)
    scores = {
        f"{name}_t_score": pl.Series([Decimal(str(t)) for t in p.t[region]], dtype=pl.Decimal(6, 1))
        for name, region in zip(("lumbar_spine", "femoral_neck", "total_hip"), REGIONS, strict=True)
    }
    frame = pl.DataFrame(
        {
            "id": p.ids(),
            "sex": pl.Series(p.sex, dtype=pl.Categorical),
            "age": pl.Series(p.age, dtype=pl.Int8),
            "scan_time": [dt.timedelta(seconds=60 + i) for i in p.n],
            "drugs": [["none"] if i % 2 else [] for i in p.n],
            "clinic": [{"floor": i % 3} for i in p.n],
            **scores,
        }
    )
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue(), right(p)


@source("knhanes_like.sav", "names of KNHANES; labels say what they are", advised=REPORTED)
def _knhanes() -> Made:
    p = draw(45, 120)
    weight = np.round(900 + 37.5 * (np.arange(len(p)) % 13), 3)
    table = {
        "ID": p.ids("A{:07d}"),
        "sex": p.words(2.0, 1.0),
        "age": [float(a) for a in p.age],
        "kstrata": [float(i % 6) for i in p.n],
        "psu": [f"S{i % 6}U{i // 6 % 4}" for i in p.n],
        "wt_dxa": weight,
        "DX_L_T": p.t[SPINE],
        "DX_NK_T": p.t[NECK],
        "DX_HIP_T": p.t[HIP],
    }
    labels = {"sex": {1.0: "Male", 2.0: "Female"}}
    names = {
        "ID": "ID",
        "sex": "Sex",
        "age": "Age",
        "DX_L_T": "Lumbar spine T-score",
        "DX_NK_T": "Femoral neck T-score",
        "DX_HIP_T": "Total hip T-score",
    }
    said = _statistical(
        pyreadstat.write_sav,
        "sav",
        table,
        variable_value_labels=labels,
        column_labels=[names.get(name, "") for name in table],
    )
    return said, right(p, weight=weight)


@source(
    "labelled.sav",
    "a label Refused, and codes the file declares missing",
    known=("--reference zhang_2007",),
)
def _labelled() -> Made:
    p = draw(46, share_of_women=1)
    refused, lost = [i % 15 == 4 for i in p.n], [i % 20 == 7 for i in p.n]
    cells = {name: p.bmd(region, ZHANG_2007) for name, region in zip("abc", REGIONS, strict=True)}
    for column in cells.values():
        column[:] = [8.0 if lost[i] else x for i, x in enumerate(column)]
    table = {
        "id": p.ids(),
        "sex": [7.0 if r else 2.0 for r in refused],
        "age": [float(a) for a in p.age],
        "bmd_lumbar_spine": cells["a"],
        "bmd_femoral_neck": cells["b"],
        "bmd_total_hip": cells["c"],
    }
    bytes_ = _statistical(
        pyreadstat.write_sav,
        "sav",
        table,
        variable_value_labels={"sex": {1.0: "Male", 2.0: "Female", 7.0: "Refused"}},
        missing_ranges={name: [8.0] for name in table if name.startswith("bmd")},
    )
    return bytes_, right(p, counted=~np.array(refused) & ~np.array(lost))


@source("labelled.dta", "v1, v2 … for names; the labels say what they are", advised=REPORTED)
def _stata() -> Made:
    p = draw(47)
    table = {
        "v1": p.ids(),
        "v2": p.words(1, 0),
        "v3": p.age,
        "v4": p.t[SPINE],
        "v5": p.t[NECK],
        "v6": p.t[HIP],
    }
    said = ["Patient ID", "Sex", "Age", *(f"{r} T-score" for r in ("L1-L4", "Femoral neck"))]
    bytes_ = _statistical(
        pyreadstat.write_dta,
        "dta",
        table,
        column_labels=[*said, "Total hip T-score"],
        variable_value_labels={"v2": {0: "male", 1: "female"}},
    )
    return bytes_, right(p)


@source(
    "chns_like.xpt",
    "names of CHNS, weights that are no whole numbers",
    advised=REPORTED,
    known=("--sex-coding 1=male,2=female",),
)
def _chns() -> Made:
    p = draw(48, 120)
    weight = np.round(0.35 + 0.0137 * (np.arange(len(p)) * 7 % 101), 4)
    table = {
        "IDIND": [float(211101001000 + i) for i in p.n],
        "GENDER": p.words(2.0, 1.0),
        "AGE": [float(a) for a in p.age],
        "WT_IND": weight,
        "STRATUM": [float(i % 5) for i in p.n],
        "PSU": [float(i // 5 % 6) for i in p.n],
        "LS_T": p.t[SPINE],
        "FN_T": p.t[NECK],
        "TH_T": p.t[HIP],
    }
    bytes_ = _statistical(pyreadstat.write_xport, "xpt", table, file_format_version=5)
    return bytes_, right(p, weight=weight)
