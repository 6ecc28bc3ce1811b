"""Tables of a run for the report, by great-tables; text from data is escaped there and here."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from osteo_epi import rounding
from osteo_epi.labels import SIMULATED, group_label, people_heading, worded

if TYPE_CHECKING:
    from great_tables import GT

POSSIBLE = "Lowest to highest possible [%]"
COUNTS = (
    "n",
    "missing",
    "estimate",
    "possible",
    "affected",
    "Before",
    "Left out",
    "Remaining",
    "Rows",
)


class Run(Protocol):
    """What these tables read of a run: its result frames, its label and its manifest."""

    @property
    def prevalence(self) -> pl.DataFrame:
        """Rows of a prevalence."""

    @property
    def flow(self) -> pl.DataFrame:
        """Who is in and who is out, step by step."""

    @property
    def findings(self) -> pl.DataFrame:
        """What was noticed about the data."""

    @property
    def reference(self) -> pl.DataFrame:
        """The young adults compared with."""

    @property
    def manifest(self) -> dict[str, Any]:
        """What was run, on what, with which norms and versions."""

    @property
    def label(self) -> str:
        """What must be said wherever a number of the run is shown."""


def prevalence(run: Run) -> GT:
    """Give the crude and age-standardised prevalence, each with n, interval and people affected.

    Where people are missing, also what it would be if none and if all of them had the class.
    """
    rows = run.prevalence.filter(pl.col("statistic") != "age_band")
    table = rows.select(
        worded(pl.col("class")).alias("class"),
        group_label(rows, words=True).alias("Group"),
        worded(pl.col("statistic")).alias("Statistic"),
        _counts("n"),
        _counts("n_missing").alias("missing"),
        pl.Series("estimate", _intervals(rows, decimals=2), pl.String),
        pl.Series("possible", _bounds(rows), pl.String),
        pl.Series("affected", _affected(rows), pl.String),
        _flags(rows),
    )
    heading = people_heading(rows)
    headings = {"affected": heading or "", "possible": POSSIBLE if any(table["possible"]) else ""}
    table = table.drop(name for name, words in headings.items() if not words)
    kept = headings if not table.is_empty() else {}
    return _estimates(run, table, id="prevalence").cols_label(
        cases={name: words for name, words in kept.items() if words}
    )


def prevalence_by_age(run: Run) -> GT:
    """Give the prevalence in each age band."""
    rows = run.prevalence.filter(pl.col("statistic") == "age_band")
    table = rows.select(
        worded(pl.col("class")).alias("class"),
        group_label(rows, words=True).alias("Group"),
        pl.col("age_band").fill_null(rounding.MISSING).alias("Age [years]"),
        _counts("n"),
        _counts("n_missing").alias("missing"),
        pl.Series("estimate", _intervals(rows, decimals=1), pl.String),
        _flags(rows),
    )
    return _estimates(run, table, id="prevalence-by-age")


def citations(run: Run) -> GT:
    """Cite every norm in use, with its grade and the digest of its file."""
    rows = [
        (norm["role"], norm["citation"], norm["grade"], norm["sha256"][:12] or rounding.MISSING)
        for norm in run.manifest["norms"]
    ]
    columns = ["Part", "Source", "Grade", "SHA-256"]
    grades = "; ".join(f"{grade}: {text}" for grade, text in run.manifest["grades"].items())
    return _table(pl.DataFrame(rows, schema=columns, orient="row"), run, id="citations",
                  note=f"Grades of a number. {grades}.")  # fmt: skip


def reference(run: Run) -> GT:
    """Give the young-adult values behind the T-scores."""
    table = run.reference.select(
        worded(pl.col("sex")).alias("People"),
        worded(pl.col("roi")).alias("Region"),
        *(
            pl.col(name).map_elements(rounding.density, pl.String).alias(title)
            for name, title in (
                ("mean", "Mean [g/cm²]"),
                ("sd", "SD [g/cm²]"),
                ("cut_off", "BMD at the cut-off [g/cm²]"),
            )
        ),
        pl.col("n").map_elements(rounding.count, pl.String, skip_nulls=False).alias("n"),
        pl.col("grade").alias("Grade"),
    )
    return _table(table, run, id="reference")


def flow(run: Run) -> GT:
    """Say who is in and who is out, step by step."""
    table = run.flow.select(
        pl.col("step").alias("Step"),
        pl.col("reason").fill_null("").alias("Reason"),
        _counts("n_in").alias("Before"),
        _counts("n_excluded").alias("Left out"),
        _counts("n_out").alias("Remaining"),
    )
    return _table(table, run, id="flow")


def findings(run: Run) -> GT:
    """List what was noticed about the data."""
    table = run.findings.select(
        pl.col("severity").alias("Severity"),
        pl.col("code").alias("Finding"),
        pl.col("column").fill_null("").alias("Column"),
        _counts("n").alias("Rows"),
        pl.col("message").fill_null("").alias("What was seen"),
        pl.col("fix").fill_null("").alias("What to do"),
    )
    return _table(table, run, id="findings", empty="Nothing was noticed.")


def notes(run: Run) -> GT:
    """List the restrictions under which the results stand."""
    table = pl.DataFrame({"Note": run.manifest["notes"]}, schema={"Note": pl.String})
    return _table(table, run, id="notes", empty="None.")


def manifest(run: Run) -> GT:
    """Give what is needed to make the run again."""
    facts = run.manifest
    libraries = ", ".join(f"{name} {v}" for name, v in facts["environment"].items())
    rows = [
        ("osteo-epi", facts["osteo_epi"]),
        ("Command", facts["command"]),
        ("Made", facts["created"]),
        ("Data", ", ".join(facts["data"]["files"]) or facts["data"]["reader"]),
        ("Data, SHA-256", facts["data"]["sha256"]),
        ("Definition, SHA-256", facts["definition"]["sha256"]),
        ("Options", json.dumps(facts["options"], ensure_ascii=False)),
        ("Survey design", facts["design"] or "none: simple random sample"),
        ("Seed", "none" if facts["seed"] is None else str(facts["seed"])),
        ("Python and libraries", libraries),
        *((f"{name}, SHA-256", digest) for name, digest in facts["outputs"].items()),
    ]
    return _table(pl.DataFrame(rows, schema=["Item", "Value"], orient="row"), run, id="manifest")


def _estimates(run: Run, table: pl.DataFrame, *, id: str) -> GT:
    confidence = run.prevalence["confidence"].drop_nulls()
    level = rounding.level(confidence[0]) if len(confidence) else "confidence"
    definition = run.manifest["definition"]
    limits = " / ".join(definition["classes"].values())
    note = f"Definition: {definition['label']}. Classes: {limits}. {_standard(run)}"
    if "possible" in table.columns:
        note += " Possible: if none, and if all, of those not classifiable were cases."
    if not (table["Flag"] != "").any():
        table = table.drop("Flag")
    styled = _table(table, run, id=id, note=note, groups="class", empty="No rows.")
    if table.is_empty():
        return styled
    return styled.cols_label(
        cases={"missing": "Not classifiable", "estimate": f"Prevalence [%] ({level} interval)"}
    )


def _table(
    table: pl.DataFrame,
    run: Run,
    *,
    id: str,
    note: str = "",
    groups: str | None = None,
    empty: str = "None.",
) -> GT:
    """Build a table in the house's form, its label at its foot wherever it is copied to."""
    from great_tables import GT, html, loc, style

    if table.is_empty():
        table, groups = pl.DataFrame({"": [empty]}), None
    styled = GT(table, groupname_col=groups, id=id).tab_options(
        table_font_size="14px",
        table_margin_left="0",
        container_overflow_x="auto",
        column_labels_font_weight="bold",
        table_border_top_color="#222222",
        data_row_padding="4px",
    )
    for text in (note, run.label):
        if text:
            styled = styled.tab_source_note(html(escape(text)))
    counts = [name for name in table.columns if name in COUNTS]
    if counts:
        styled = styled.cols_align("right", columns=counts)
    if groups:
        styled = styled.tab_style(style.text(weight="bold"), loc.row_groups())
    return styled


def _standard(run: Run) -> str:
    standard = run.manifest["standard"]
    return f"Standard population: {standard['title']}." if standard else "Not age-standardised."


def _counts(name: str) -> pl.Expr:
    return pl.col(name).map_elements(rounding.count, pl.String, skip_nulls=False).alias(name)


def _intervals(rows: pl.DataFrame, *, decimals: int) -> list[str]:
    return [
        rounding.percent_interval(*row, decimals=decimals)
        for row in rows.select("estimate", "lower", "upper").iter_rows()
    ]


def _bounds(rows: pl.DataFrame) -> list[str]:
    pairs = rows.select("lowest_possible", "highest_possible").iter_rows()
    return [
        "" if low is None else " to ".join(rounding.percent(end, decimals=1) for end in (low, high))
        for low, high in pairs
    ]


def _affected(rows: pl.DataFrame) -> list[str]:
    columns = ("people_affected", "people_affected_lower", "people_affected_upper")
    return [rounding.millions_interval(*row) for row in rows.select(columns).iter_rows()]


def _flags(rows: pl.DataFrame) -> pl.Expr:
    """Flags other than the label, which stands at the foot of every table."""
    flags = pl.col("flag").cast(pl.String).fill_null("").str.split("; ")
    return flags.list.set_difference([SIMULATED]).list.join("; ").alias("Flag")
