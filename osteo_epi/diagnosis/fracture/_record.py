"""Fragility fracture: the consensus asks for three things at once, and missing is never "no".

(1) no or minor trauma, (2) imaging evidence that establishes a fracture, (3) secondary causes
excluded. One of them stated to be false settles that there is none; otherwise one of them missing
leaves it open. In both cases the reason is given.

A row may speak of two fractures: that of its worst vertebra, and one at the site that it names.
Each is judged by its own trauma; one that is fragile suffices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from osteo_epi.arguments import is_among
from osteo_epi.diagnosis._columns import OWN, Columns, first_true, joined
from osteo_epi.diagnosis.fracture._causes import secondary_cause
from osteo_epi.diagnosis.fracture._vertebra import ENDPLATE_RULES, Vertebra, classes, genant_index
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import as_polars, of_queries
from osteo_epi.norms import Bands, Index

FRAGILE_TRAUMA = ("none", "minor")
SCREENING = ("dxa_lateral", "ct_scout")
SITES = ("spine", "hip", "wrist", "proximal_humerus", "other")
STATED = "fracture_stated"
"""How the reasons begin that rest on the file's own answer."""
PARTS = (
    "fracture_imaging_evidence",
    "genant_grade",
    "vertebral_height_loss",
    "endplate_fracture",
    "n_vertebral_fractures",
    "fracture_site",
)
"""Columns that can speak of a fracture."""
TRAUMA = ("fracture_trauma", *(f"fracture_trauma_{site}" for site in SITES))
"""Columns that speak of one by saying what it followed."""

# Columns of a record, for as long as it is judged.
SITE, NAMED, GRADE = f"{OWN}fx_site", f"{OWN}fx_named", f"{OWN}fx_grade"
BROKEN, KIND = f"{OWN}fx_broken", f"{OWN}fx_kind"
STATEMENT, SCREENED, PRIMARY = f"{OWN}fx_statement", f"{OWN}fx_screened", f"{OWN}fx_primary"
SPINAL, ELSEWHERE = f"{OWN}fx_spinal", f"{OWN}fx_elsewhere"
ESTABLISHED, STATUS, OPEN = f"{OWN}fx_established", f"{OWN}fragile", f"{OWN}fracture_open"
REASON, PLACE = f"{OWN}fx_reason", f"{OWN}fx_place"


@of_queries
def with_fragility_fracture(
    people: Any, *, genant_from: int = 1, endplate_rule: str = "when_stated"
) -> Any:
    """Add whether a fragility fracture is established, with the reason.

    Parameters
    ----------
    people
        Any frame with some of `fracture_trauma`, `fracture_trauma_<site>`,
        `fracture_imaging_evidence`, `fracture_evidence`, `secondary_causes_excluded`,
        `secondary_cause`, `bone_scan_finding`, `pet_finding`, `genant_grade`,
        `vertebral_height_loss` [%], `endplate_fracture`, `n_vertebral_fractures`,
        `fracture_site`, `fragility_fracture`.
    genant_from
        The Genant grade from which a vertebra counts as fractured where end-plate or cortical
        fracture is not stated: 1 in the consensus, 2 in Wang 2021.
    endplate_rule
        What end-plate or cortical fracture (ECF) decides: `when_stated`, `required` or `ignored`.

    Returns
    -------
    frame
        Of the caller's kind, with `fragility_fracture` (null: not established for want of data),
        `fracture_open_record` (a fracture is recorded, and it is not settled whether fragile),
        `fracture_reason` (null: nothing is known of any fracture), `genant_grade_used`,
        `vertebral_fracture_kind` (`fracture`, `deformity`, `none`),
        `vertebral_fracture_severe`, `vertebral_fracture_multiple`.

    Raises
    ------
    DefinitionError
        If `genant_from` is no grade or `endplate_rule` is unknown.

    Notes
    -----
    X-ray, CT, MRI and bone scan establish a fracture; lateral DXA and CT scout views screen.
    Imaging evidence without its kind is taken as it is stated. The grade comes from `genant_grade`,
    else from the height loss by the bands of the norm file; where neither is there, the number of
    vertebral fractures tells whether there is one. The trauma of the site named decides, else the
    one answer for all. An answer in the file's own column `fragility_fracture` settles its row and
    stays as it is. This says nothing of whom a fragility fracture diagnoses, and what an open
    record is taken for: both are `classify`'s. Chinese expert consensus 2020,
    doi:10.21037/qims-2020-16.

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({
    ...     "fracture_trauma": ["minor", "minor"], "fracture_imaging_evidence": [True, True],
    ...     "fracture_evidence": ["xray", "ct_scout"], "secondary_causes_excluded": [True, True],
    ... })
    >>> with_fragility_fracture(people).select("fragility_fracture", "fracture_reason").rows()
    [(True, 'fracture_established'), (None, 'fracture_screening_image_only')]
    """
    frame, restore = as_polars(people)
    genant = genant_index()
    check_choices(genant, genant_from=genant_from, endplate_rule=endplate_rule)
    columns = Columns.of(frame)
    fracture = Fracture(columns, classes(genant), genant_from, endplate_rule, "unknown")
    vertebra = fracture.vertebra
    lazy = fracture.apply(frame.lazy()).with_columns(
        pl.coalesce(pl.col(STATUS), pl.col(ESTABLISHED)).alias("fragility_fracture"),
        pl.col(OPEN).alias("fracture_open_record"),
        pl.col(REASON).alias("fracture_reason"),
        pl.col(GRADE).alias("genant_grade_used"),
        pl.col(KIND).alias("vertebral_fracture_kind"),
        vertebra.is_severe().alias("vertebral_fracture_severe"),
        vertebra.is_multiple().alias("vertebral_fracture_multiple"),
    )
    lazy = lazy.select(pl.exclude(f"^{OWN}.*$"))
    return restore(lazy if isinstance(frame, pl.LazyFrame) else lazy.collect())


def check_choices(genant: Index, *, genant_from: int, endplate_rule: str) -> None:
    """Refuse a grade that is none, and a rule that is unknown."""
    grades = range(1, len(classes(genant)))
    if not is_among(genant_from, grades):
        raise DefinitionError(
            f"genant_from={genant_from!r} is no grade of a deformed vertebra; expected one of "
            f"{', '.join(map(str, grades))}"
        )
    if not is_among(endplate_rule, ENDPLATE_RULES):
        raise DefinitionError(
            f"unknown endplate_rule {endplate_rule!r}; there are {', '.join(ENDPLATE_RULES)}"
        )


@dataclass(frozen=True)
class Lesion:
    """One of the two fractures that a row may speak of, in columns of the record."""

    name: str

    @property
    def is_there(self) -> pl.Expr:
        """Whether the row speaks of it."""
        return pl.col(f"{self.name}_there")

    @property
    def seen(self) -> pl.Expr:
        """Whether any image, of whatever kind, shows it."""
        return pl.col(f"{self.name}_seen")

    @property
    def is_fragile_trauma(self) -> pl.Expr:
        """Part 1: no trauma, or a fall from standing height or less."""
        return pl.col(f"{self.name}_trauma")

    @property
    def imaging(self) -> pl.Expr:
        """Part 2: imaging that establishes it."""
        return pl.when(~(self.seen & pl.col(SCREENED)).fill_null(False)).then(self.seen)

    @property
    def fragile(self) -> pl.Expr:
        """Parts 1 and 2 together by three-valued logic; a fracture not spoken of is none."""
        both = self.is_fragile_trauma & self.imaging
        return pl.when(self.is_there).then(both).otherwise(False)

    @property
    def can_be(self) -> pl.Expr:
        """Whether the row speaks of it and no image denies it."""
        return self.is_there & self.seen.fill_null(True)

    def columns(self, there: pl.Expr, seen: pl.Expr, trauma: pl.Expr) -> list[pl.Expr]:
        """Name the three columns that the other expressions read."""
        return [
            there.alias(f"{self.name}_there"),
            pl.when(there).then(seen).otherwise(False).alias(f"{self.name}_seen"),
            trauma.alias(f"{self.name}_trauma"),
        ]


SPINE, OTHER = Lesion(SPINAL), Lesion(ELSEWHERE)
LESIONS = (SPINE, OTHER)


@dataclass(frozen=True)
class Fracture:
    """The record of fractures that one frame offers, judged stage by stage."""

    columns: Columns
    genant: Bands
    genant_from: int
    endplate_rule: str = "when_stated"
    fracture_open: str = "not_established"

    @property
    def has_record(self) -> bool:
        """Whether the frame holds anything about fractures."""
        return any(name in self.columns for name in (*PARTS, *TRAUMA, "fragility_fracture"))

    @cached_property
    def vertebra(self) -> Vertebra:
        """The worst vertebra."""
        return Vertebra(self.columns, self.genant, self.genant_from, self.endplate_rule)

    def apply(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the columns of the record; the caller drops them again by their prefix."""
        for stage in (self._facts, self._lesions, self._established, self._taken, self._why):
            frame = frame.with_columns(stage())
        return frame

    def _facts(self) -> list[pl.Expr]:
        site, kind = self._text("fracture_site"), self._text("fracture_evidence")
        cause = _or_null(secondary_cause(self.columns))
        excluded = _or_null(self.columns.stated("secondary_causes_excluded"))
        return [
            pl.when(site != "none").then(site).alias(SITE),
            self.vertebra.grade().alias(GRADE),
            self.vertebra.is_fractured().alias(BROKEN),
            self._statement(site).alias(STATEMENT),
            kind.is_in(SCREENING).fill_null(False).alias(SCREENED),
            pl.when(cause).then(False).otherwise(excluded).alias(PRIMARY),
        ]

    def _statement(self, site: pl.Expr) -> pl.Expr:
        """Whether imaging shows a fracture, as stated; "none" for a site says that none is there.

        "None" says nothing of a vertebra that is graded.
        """
        stated = _or_null(self.columns.stated("fracture_imaging_evidence"))
        none = (site == "none") & ~self.vertebra.is_described()
        agreed = pl.when(~self._contradicted()).then(stated)
        return pl.coalesce(agreed, pl.when(none & stated.is_null()).then(False))

    def _contradicted(self) -> pl.Expr:
        """Whether imaging shows a fracture whose site is "none", and no vertebra has one."""
        stated = _or_null(self.columns.stated("fracture_imaging_evidence"))
        none = (self._text("fracture_site") == "none") & ~self.vertebra.is_remarkable()
        return (none & stated).fill_null(False)

    def _lesions(self) -> list[pl.Expr]:
        """Tell the two fractures apart, and what is seen of each.

        A stated "no" holds for both. A vertebra is judged by its end-plates and grade; a fracture
        elsewhere by the statement, or by a site named together with the imaging that showed it.
        An image without a site showed the vertebra where there was something to see in it.
        """
        stated, site, broken = pl.col(STATEMENT), pl.col(SITE), pl.col(BROKEN)
        described, remarkable = self.vertebra.is_described(), self.vertebra.is_remarkable()
        unnamed = ~described | (~remarkable & stated.fill_null(False))
        elsewhere = pl.when(site.is_null()).then(unnamed).otherwise((site != "spine") | ~described)
        shown = site.is_not_null() & self._text("fracture_evidence").is_not_null()
        seen = pl.coalesce(stated, pl.when(shown).then(True))
        vertebra = pl.when(stated.fill_null(True)).then(broken).otherwise(False)
        recorded = stated.fill_null(False) & site.is_null() | (site == "spine").fill_null(False)
        kind = self.vertebra.kind(recorded | (self.vertebra.number() > 0).fill_null(False))
        return [
            kind.alias(KIND),
            *SPINE.columns(described, vertebra, pl.coalesce(self._own("spine"), self._general())),
            *OTHER.columns(elsewhere, seen, self._trauma()),
            self._named().alias(NAMED),
        ]

    def _text(self, name: str) -> pl.Expr:
        text = self.columns.text(name)
        return pl.lit(None, dtype=pl.String) if text is None else text.cast(pl.String)

    def _general(self) -> pl.Expr:
        return _fragile(self._text("fracture_trauma"))

    def _own(self, site: str) -> pl.Expr:
        return _fragile(self._text(f"fracture_trauma_{site}"))

    def _trauma(self) -> pl.Expr:
        """The trauma of the site named, else the one answer; without a site, any fragile one."""
        site, own = pl.col(SITE), {name: self._own(name) for name in SITES}
        by_site = [pl.when(site == name).then(trauma) for name, trauma in own.items()]
        any_site = pl.max_horizontal(trauma.cast(pl.Int8) for trauma in own.values())
        unnamed = pl.when(site.is_null()).then(any_site.cast(pl.Boolean))
        return pl.coalesce(*by_site, unnamed, self._general())

    def _named(self) -> pl.Expr:
        """Name the site: as the row names it, else the one whose own trauma is fragile."""
        return pl.coalesce(pl.col(SITE), first_true([(self._own(name), name) for name in SITES]))

    def _established(self) -> list[pl.Expr]:
        """Take the three parts together by three-valued logic."""
        fragile = (SPINE.fragile | OTHER.fragile) & pl.col(PRIMARY)
        return [fragile.alias(ESTABLISHED)]

    def _given(self) -> pl.Expr:
        """Return the file's own answer, which settles its row.

        What was derived here before is no answer of the file: the reason beside it tells.
        """
        given = self.columns.stated("fragility_fracture")
        if given is None or "fracture_reason" not in self.columns:
            return _or_null(given)
        stated = self._text("fracture_reason").str.starts_with(STATED)
        return pl.when(stated).then(given)

    def _taken(self) -> list[pl.Expr]:
        """Take an open record as the definition says; nothing recorded stays unknown."""
        # A secondary cause alone speaks of no fracture: to count those people as known not to have
        # one, and not their like without a cause, would lower the share of fractures.
        spoken = pl.when(self._mentioned()).then(pl.col(ESTABLISHED))
        settled = pl.coalesce(self._given(), spoken)
        named = pl.col(SITE).is_not_null() | OTHER.seen.fill_null(False)
        recorded = SPINE.can_be | (OTHER.can_be & named)
        is_open = recorded & settled.is_null()
        status = settled
        if self.fracture_open != "unknown":
            taken = pl.lit(self.fracture_open == "established")
            status = pl.when(is_open).then(taken).otherwise(settled)
        return [status.alias(STATUS), is_open.alias(OPEN), self._place().alias(PLACE)]

    def _place(self) -> pl.Expr:
        """Name the site of the fracture: the fragile one first, a vertebra being the spine."""
        named, spine = pl.col(NAMED), pl.lit("spine")
        return (
            pl.when(OTHER.fragile & named.is_not_null())
            .then(named)
            .when(SPINE.fragile)
            .then(spine)
            .when(OTHER.can_be & named.is_not_null())
            .then(named)
            .when(SPINE.can_be)
            .then(spine)
            .otherwise(pl.col(SITE))
        )

    def _why(self) -> list[pl.Expr]:
        """Say why; null where nothing is known of any fracture."""
        reason = pl.coalesce(first_true(self._settled()), joined(self._missing()))
        spoken = pl.when(self._mentioned()).then(joined([reason, *self._remarks()]))
        return [spoken.alias(REASON)]

    def _settled(self) -> list[tuple[pl.Expr, str]]:
        """What settles a record, in the order in which it is told."""
        kind, given = pl.col(KIND), self._given()
        unseen = ~(SPINE.seen | OTHER.seen)
        major = pl.all_horizontal(~(each.can_be & each.is_fragile_trauma) for each in LESIONS)
        return [
            (given, STATED),
            (~given, f"{STATED}_none"),
            (pl.col(ESTABLISHED), "fracture_established"),
            (unseen & (kind == "deformity"), "fracture_deformity_only"),
            (unseen & (kind == "none") & (pl.col(GRADE) > 0), "fracture_below_genant_grade"),
            (unseen & self._is_none(), "fracture_none_recorded"),
            (unseen, "fracture_no_imaging_evidence"),
            (major, "fracture_major_trauma"),
            (~pl.col(PRIMARY), "fracture_secondary_cause"),
        ]

    def _is_none(self) -> pl.Expr:
        """Whether "none" stands for the site or the number, and nothing was imaged or graded."""
        imaged = _or_null(self.columns.stated("fracture_imaging_evidence")).is_not_null()
        return ~imaged & pl.col(GRADE).is_null() & self.vertebra.endplate().is_null()

    def _missing(self) -> list[pl.Expr]:
        """What an open record lacks, of each fracture that is open."""
        unsettled = [each.fragile.is_null() for each in LESIONS]
        imaging, trauma, screened = (
            pl.any_horizontal(
                is_open & part for is_open, part in zip(unsettled, parts, strict=True)
            )
            for parts in (
                [each.imaging.is_null() for each in LESIONS],
                [each.is_fragile_trauma.is_null() for each in LESIONS],
                [each.seen.fill_null(False) & pl.col(SCREENED) for each in LESIONS],
            )
        )
        endplate = unsettled[0] & SPINE.seen.is_null() & ~screened
        return [
            _when(screened, "fracture_screening_image_only"),
            _when(endplate, "fracture_endplate_not_stated"),
            _when(imaging & ~screened & ~endplate, "fracture_imaging_not_stated"),
            _when(trauma, "fracture_trauma_not_stated"),
            _when(pl.col(PRIMARY).is_null(), "fracture_secondary_causes_not_stated"),
        ]

    def _remarks(self) -> list[pl.Expr]:
        """What a reader of the reason has to know besides."""
        one_answer = pl.lit(False)
        if "fracture_trauma" in self.columns:
            own = pl.coalesce(pl.when(pl.col(SITE) == name).then(self._own(name)) for name in SITES)
            one_answer = (
                SPINE.can_be
                & OTHER.can_be
                & pl.col(SITE).is_not_null()
                & self._general().is_not_null()
                & self._own("spine").is_null()
                & own.is_null()
            )
        denied = (~pl.col(STATEMENT)).fill_null(False) & pl.col(BROKEN).fill_null(False)
        return [
            _when(one_answer, "one_trauma_for_several_fractures"),
            _when(self._given() != pl.col(ESTABLISHED), "fracture_stated_against_record"),
            _when(denied, "fracture_imaging_against_vertebra"),
            _when(self._contradicted(), "fracture_imaging_against_site"),
        ]

    def _mentioned(self) -> pl.Expr:
        """Say whether the row speaks of a fracture at all."""
        spoken = [pl.col(name).is_not_null() for name in (*PARTS, *TRAUMA) if name in self.columns]
        return pl.any_horizontal(self._given().is_not_null(), *spoken)


def _when(condition: pl.Expr, code: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(code))


def _fragile(trauma: pl.Expr) -> pl.Expr:
    """Read a trauma; a word that is none of the codebook's says nothing."""
    return pl.when(trauma.is_in(FRAGILE_TRAUMA)).then(True).when(trauma == "major").then(False)


def _or_null(expression: pl.Expr | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.Boolean) if expression is None else expression
