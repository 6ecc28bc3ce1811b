"""A run: its tables and manifest, fresh in memory or read back from its folder."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort import Cohort
from osteo_epi.errors import OutputError
from osteo_epi.frames import grouping
from osteo_epi.language import language, said, speaking
from osteo_epi.norms import reference_words
from osteo_epi.population import ALL
from osteo_epi.report._analysis import Analysis
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.visible import visible_frame

TABLES = ("prevalence", "participants", "flow", "findings", "bmd_by_age", "overlap")
# Taken as text whatever they look like: a group named "1", or a column empty throughout.
_NUMBERS = {
    *("estimate", "se", "lower", "upper", "confidence", "n_effective", "deff"),
    *("lowest_possible", "highest_possible"),
    *("people_affected", "people_affected_se", "people_affected_lower", "people_affected_upper"),
    *("age", "mean", "sd", "share", "lower_quartile", "upper_quartile"),
}
_COUNTS = {
    *("n", "n_missing", "df", "n_in", "n_excluded", "n_out", "order"),
    *("n_fracture", "n_fracture_missing", "n_density", "n_density_missing"),
}
_GROUPS = {"age", "mean", "sd", "share", "order", "n_in", "n_excluded", "n_out"}
"""Numbers of other tables; in the prevalence a column of such a name tells groups (--by age)."""
REFERENCE = {
    "roi": pl.String,
    "sex": pl.String,
    "mean": pl.Float64,
    "sd": pl.Float64,
    "cut_off": pl.Float64,
    "grade": pl.String,
    "n": pl.Int64,
}


@dataclass(frozen=True, repr=False, eq=False)
class Run(Result):
    """A finished run: its tables, the same whether they are fresh or read back, and its manifest.

    Parameters
    ----------
    prevalence, participants, flow, findings, bmd_by_age, overlap
        The tables of the CSV files of these names.
    manifest
        What was run, on what, with which norms and versions.
    folder
        Where the files are; None where none were written.
    analysis
        The objects behind the tables (classified people, `Definition`, `Prevalence`, `Flow`);
        None where the run was read back from its folder.
    """

    no_figure = (
        "has a figure a part, as figures.prevalence_by_age(run.prevalence) and "
        "figures.flow_diagram(run.flow); all are in its report"
    )

    prevalence: pl.DataFrame
    participants: pl.DataFrame
    flow: pl.DataFrame
    findings: pl.DataFrame
    bmd_by_age: pl.DataFrame
    overlap: pl.DataFrame
    manifest: dict[str, Any]
    folder: Path | None = None
    analysis: Analysis | None = None

    def to_polars(self) -> pl.DataFrame:
        """The prevalence, one row an estimate."""
        return self.prevalence

    @property
    def people(self) -> Cohort:
        """The classified cohort.

        Raises
        ------
        OutputError
            If the run was read back from its folder, which holds tables of people as a file only,
            or its people are in parts.
        """
        if self.manifest["options"].get("parts"):
            raise OutputError(
                "the people of this run are in parts: "
                "polars.scan_parquet(run.folder / 'classified' / 'part-*.parquet')"
            )
        if self.analysis is None:
            raise OutputError(
                "a run that is read back holds no people: read classified.parquet in its folder, "
                "or make the run again with oe.run(...)"
            )
        return self.analysis.people

    @property
    def label(self) -> str:
        """What must be said wherever a number of this run is shown; "" if nothing."""
        return str(self.manifest["data"]["label"]) if self.manifest["simulated"] else ""

    @property
    def title(self) -> str:
        """What the report is called."""
        return self.manifest["title"] or said("Prevalence of osteoporosis")

    @property
    def language(self) -> str:
        """Code of the language of the report."""
        return str(self.manifest["language"])

    def once(self) -> Run:
        """The run with each figure once: a group that is alone is not repeated as everybody.

        Examples
        --------
        >>> import osteo_epi as oe
        >>> both = oe.run(n=9000)
        >>> women = replace(both, prevalence=both.prevalence.filter(pl.col("sex") != "male"))
        >>> women.prevalence["sex"].unique().sort().to_list()
        ['all', 'female']
        >>> women.once().prevalence["sex"].unique().to_list()
        ['female']
        """
        rows, people = self.prevalence, self.participants
        for name in grouping(rows):
            if rows[name].n_unique() == 2 and ALL in rows[name]:
                rows = rows.filter(pl.col(name) != ALL)
        if people["group"].drop_nulls().n_unique() == 2:
            people = people.filter((pl.col("group") != ALL).fill_null(True))
        return replace(self, prevalence=rows, participants=people)

    @property
    def shows_unreliable(self) -> bool:
        """Whether estimates that are too imprecise to be published are shown, for the author."""
        return bool(self.manifest["show_unreliable"])

    @property
    def hides_few(self) -> bool:
        """Whether small counts, and what would give them back, are hidden in the tables."""
        return bool(self.manifest.get("disclosure"))

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known of the estimates, in sentences."""
        return tuple(self.manifest["estimate_notes"])

    @property
    def reference(self) -> pl.DataFrame:
        """The young adults compared with: roi, sex, mean, sd, cut_off [g/cm²], grade, n."""
        return pl.DataFrame(self.manifest["reference"], schema=REFERENCE)

    @property
    def banner(self) -> Banner:
        """The head of the report."""
        return Banner(self.manifest)

    @property
    def definition(self) -> Sentence:
        """What counted as osteoporosis."""
        return Sentence(self.manifest["definition"]["sentence"])

    @property
    def methods(self) -> Methods:
        """The methods paragraphs, English and Chinese."""
        texts = self.manifest["methods"]
        return Methods(texts["en"], texts["zh"], tuple(texts.get("references", ())))

    def _summary(self) -> str:
        people = "SIMULATED people" if self.manifest["simulated"] else "people"
        n, rows = count(self.manifest["data"]["n"]), count(self.prevalence.height)
        return f"{self.manifest['definition']['id']}, {n} {people}, {rows} estimates"

    def _repr_html_(self) -> str:
        from osteo_epi import tables

        with speaking(self.language):
            return self.banner._repr_html_() + tables.prevalence(self).to_html()


def as_stored(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Give a table the types that its columns have in every run, fresh or read back.

    Characters that steer a terminal are shown from here on, so that both are the same.
    """
    table = visible_frame(table)
    kinds: dict[str, Any] = {}
    for column in table.columns:
        kinds[column] = pl.String
        if column in _NUMBERS | _COUNTS and not (name == "prevalence" and column in _GROUPS):
            kinds[column] = pl.Float64 if column in _NUMBERS else pl.Int64
        elif name == "overlap":
            kinds[column] = pl.Boolean
    texts = table.with_columns(
        (pl.col(column).cast(pl.String) == "true").alias(column)
        for column, kind in kinds.items()
        if kind == pl.Boolean
    )
    return texts.cast(pl.Schema(kinds))


@dataclass(frozen=True, repr=False)
class Banner:
    """What the reader must know first: on what data, and whether they are of real people."""

    manifest: dict[str, Any]

    def __repr__(self) -> str:
        data, definition = self.manifest["data"], self.manifest["definition"]
        simulated = " SIMULATED" if self.manifest["simulated"] else ""
        return f"Banner({definition['id']}, {data['n']:,}{simulated} people)"

    def _repr_html_(self) -> str:
        data, definition = self.manifest["data"], self.manifest["definition"]
        is_english, label = language() == "en", html.escape(data["label"])
        mark = label if is_english else said("SIMULATED people: no evidence about anybody.")
        warning = f'<p class="label">{mark}</p>' if self.manifest["simulated"] else ""
        files = label if label and not warning else html.escape(", ".join(data["files"]))
        title = definition["title"] if is_english else reference_words(definition["id"])
        facts = {"n": f"{data['n']:,}", "definition": f"<b>{html.escape(title)}</b>"}
        words = said("{n} people, judged by {definition}.", **facts)
        if files:
            facts["files"] = f"<b>{files}</b>"
            words = said("{n} people from {files}, judged by {definition}.", **facts)
        return f'{warning}<p class="lead">{words}</p>'


@dataclass(frozen=True)
class Sentence:
    """A sentence that came out of the run."""

    text: str

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>"


@dataclass(frozen=True, repr=False)
class Methods:
    """A methods paragraph to paste into a paper, and the sources that its numbers cite."""

    en: str
    zh: str
    references: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Methods({textwrap.shorten(self.en, 120, placeholder=' …')})"

    def _repr_html_(self) -> str:
        return (
            f'<p class="methods" lang="en">{html.escape(self.en)}</p>'
            f'<p class="methods" lang="zh-Hans">{html.escape(self.zh)}</p>'
            f"<ol>{''.join(f'<li>{html.escape(text)}</li>' for text in self.references)}</ol>"
        )
