"""Fragility fracture: the consensus asks for three things at once, and missing is never "no".

(1) no or minor trauma, (2) imaging evidence that establishes a fracture, (3) secondary causes
excluded. One of them stated to be false settles that there is none; otherwise one of them missing
leaves it open. In both cases the reason is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi import norms
from osteo_epi.diagnosis._columns import Columns, first_true, joined
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import as_polars
from osteo_epi.norms import Bands, Index

FRAGILE_TRAUMA = ("none", "minor")
ESTABLISHING = ("xray", "ct", "mri", "bone_scan")
SCREENING = ("dxa_lateral", "ct_scout")
ENDPLATE_RULES = {
    "when_stated": "a stated absence of end-plate or cortical fracture makes it a deformity",
    "required": "only a stated end-plate or cortical fracture is a fracture",
    "ignored": "the grade alone decides",
}


def with_fragility_fracture(
    people: Any, *, genant_from: int = 1, endplate_rule: str = "when_stated"
) -> Any:
    """Add whether a fragility fracture is established, with the reason.

    Parameters
    ----------
    people
        Any frame with some of `fracture_trauma`, `fracture_imaging_evidence`, `fracture_evidence`,
        `secondary_causes_excluded`, `secondary_cause`, `genant_grade`, `vertebral_height_loss`
        [%], `endplate_fracture`, `n_vertebral_fractures`, `fracture_site`.
    genant_from
        The Genant grade from which a deformed vertebra counts as fractured: 1 in the consensus,
        2 in Wang 2021.
    endplate_rule
        What end-plate or cortical fracture (ECF) decides: `when_stated`, `required` or `ignored`.

    Returns
    -------
    frame
        Of the caller's kind, with `fragility_fracture` (null: not established for want of data),
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
    else from the height loss by the bands of the norm file. This says nothing of whom a fragility
    fracture diagnoses: that is `classify`'s, by age, sex and menopause.

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
    fracture = Fracture(Columns.of(frame), classes(genant), genant_from, endplate_rule)
    return restore(
        frame.with_columns(
            fracture.fragile().alias("fragility_fracture"),
            fracture.reason().alias("fracture_reason"),
            fracture.grade().alias("genant_grade_used"),
            fracture.kind().alias("vertebral_fracture_kind"),
            fracture.severe().alias("vertebral_fracture_severe"),
            fracture.multiple().alias("vertebral_fracture_multiple"),
        )
    )


def genant_index() -> Index:
    """Load Genant's grading of vertebral height loss."""
    return norms.load("indices", "genant")


def classes(genant: Index) -> Bands:
    """Take the grades in ascending order; a grade is its place among them, from 0."""
    return next(iter(genant.bands.values()))


def check_choices(genant: Index, *, genant_from: int, endplate_rule: str) -> None:
    """Refuse a grade that is none, and a rule that is unknown."""
    grades = range(1, len(classes(genant)))
    if genant_from not in grades:
        raise DefinitionError(
            f"genant_from={genant_from!r} is no grade of a deformed vertebra; expected one of "
            f"{', '.join(map(str, grades))}"
        )
    if endplate_rule not in ENDPLATE_RULES:
        raise DefinitionError(
            f"unknown endplate_rule {endplate_rule!r}; there are {', '.join(ENDPLATE_RULES)}"
        )


@dataclass(frozen=True)
class Fracture:
    """The expressions of the three parts on what one frame offers."""

    columns: Columns
    genant: Bands
    genant_from: int
    endplate_rule: str = "when_stated"
    fracture_open: str = "not_established"

    @property
    def has_record(self) -> bool:
        """Whether the frame holds anything about fractures."""
        names = ("fracture_imaging_evidence", "genant_grade", "vertebral_height_loss")
        return "fracture_site" in self.columns or any(name in self.columns for name in names)

    def grade(self) -> pl.Expr:
        """Return the worst vertebra's Genant grade, as graded or from the height loss."""
        graded = self.columns.quantity("genant_grade")
        loss = self.columns.quantity("vertebral_height_loss")
        parts = [] if graded is None else [graded.cast(pl.Int64)]
        if loss is not None:
            parts.append(self.genant.expression(loss).to_physical().cast(pl.Int64))
        return pl.coalesce(parts) if parts else pl.lit(None, dtype=pl.Int64)

    def kind(self) -> pl.Expr:
        """Tell a fractured vertebra from a deformed one (ECF); null where that stays open."""
        reached, ecf = self.grade() >= self.genant_from, self._endplate()
        is_fracture: pl.Expr | None = reached
        is_deformity: pl.Expr | None = None
        if self.endplate_rule == "required":
            is_fracture, is_deformity = reached & ecf, reached & ~ecf
        elif self.endplate_rule == "when_stated":
            is_fracture, is_deformity = reached & ecf.fill_null(True), reached & ~ecf
        return first_true(
            [(is_fracture, "fracture"), (is_deformity, "deformity"), (~reached, "none")]
        )

    def _endplate(self) -> pl.Expr:
        return _or_null(self.columns.stated("endplate_fracture"))

    def severe(self) -> pl.Expr:
        """Say whether the worst vertebra has the highest grade."""
        return self.grade() == len(self.genant) - 1

    def multiple(self) -> pl.Expr:
        """Say whether more than one vertebra is fractured."""
        number = self.columns.quantity("n_vertebral_fractures")
        return pl.lit(None, dtype=pl.Boolean) if number is None else number > 1

    def _site(self) -> pl.Expr:
        site = self.columns.text("fracture_site")
        return pl.lit(None, dtype=pl.String) if site is None else site

    def _evidence(self) -> pl.Expr:
        kind = self.columns.text("fracture_evidence")
        return pl.lit(None, dtype=pl.String) if kind is None else kind.cast(pl.String)

    def visible(self) -> pl.Expr:
        """Say whether any image, of whatever kind, shows a fracture.

        A stated "no" holds. A vertebra is judged by its grade (and end-plates); a fracture
        elsewhere by the statement, or by a site named together with the imaging that showed it.
        """
        stated = _or_null(self.columns.stated("fracture_imaging_evidence"))
        vertebra = self.kind()
        not_vertebra = vertebra.is_in(["none", "deformity"])
        spinal = (self._site() == "spine").fill_null(False)
        open_spine = spinal & vertebra.is_null() & (self.grade() >= self.genant_from)
        return (
            pl.when(~stated)
            .then(False)
            .when(vertebra == "fracture")
            .then(True)
            .when(spinal & not_vertebra)
            .then(False)
            .when(open_spine)
            .then(None)
            .when(stated)
            .then(True)
            .when(self._site().is_not_null() & self._evidence().is_not_null())
            .then(True)
            .when(self._site().is_null() & not_vertebra)
            .then(False)
        )

    def only_screened(self) -> pl.Expr:
        """Say that a fracture is seen, and only on a view that screens."""
        return (self.visible() & self._evidence().is_in(SCREENING)).fill_null(False)

    def imaging(self) -> pl.Expr:
        """Part 2: imaging that establishes a fracture."""
        return pl.when(~self.only_screened()).then(self.visible())

    def trauma(self) -> pl.Expr:
        """Part 1: no trauma, or a fall from standing height or less."""
        trauma = self.columns.text("fracture_trauma")
        if trauma is None:
            return pl.lit(None, dtype=pl.Boolean)
        return trauma.cast(pl.String).is_in(FRAGILE_TRAUMA)

    def primary(self) -> pl.Expr:
        """Part 3: secondary causes excluded; a known cause settles that they are not."""
        excluded = _or_null(self.columns.stated("secondary_causes_excluded"))
        cause = _or_null(self.columns.stated("secondary_cause"))
        return pl.when(cause).then(False).otherwise(excluded)

    def fragile(self) -> pl.Expr:
        """Take the three parts together by three-valued logic."""
        if not self.has_record:
            return pl.lit(None, dtype=pl.Boolean)
        return self.trauma() & self.imaging() & self.primary()

    def is_open(self) -> pl.Expr:
        """Say that a fracture is recorded, and that the record does not settle whether fragile."""
        if not self.has_record:
            return pl.lit(False)
        graded = self.grade() >= self.genant_from
        recorded = self.visible().fill_null(False) | self._site().is_not_null()
        return (recorded | graded.fill_null(False)) & self.fragile().is_null()

    def status(self) -> pl.Expr:
        """Take the record as the definition takes one that is open; null where nothing is known."""
        if self.fracture_open == "unknown":
            return self.fragile()
        taken = pl.lit(self.fracture_open == "established")
        return pl.when(self.is_open()).then(taken).otherwise(self.fragile())

    def reason(self) -> pl.Expr:
        """Say why; null where nothing is known of any fracture."""
        imaging, vertebra = self.imaging(), self.kind()
        settled = [
            (self.fragile(), "fracture_established"),
            (~imaging & (vertebra == "deformity"), "fracture_deformity_only"),
            (~imaging & (vertebra == "none") & (self.grade() > 0), "fracture_below_genant_grade"),
            (~imaging, "fracture_no_imaging_evidence"),
            (~self.trauma(), "fracture_major_trauma"),
            (~self.primary() & (self.visible() | self.trauma()), "fracture_secondary_cause"),
        ]
        graded = self.grade() >= self.genant_from
        open_parts = [
            (self.only_screened(), "fracture_screening_image_only"),
            (imaging.is_null() & graded, "fracture_endplate_not_stated"),
            (imaging.is_null(), "fracture_imaging_not_stated"),
            (self.trauma().is_null(), "fracture_trauma_not_stated"),
            (self.primary().is_null(), "fracture_secondary_causes_not_stated"),
        ]
        missing = joined(
            [
                pl.when(condition).then(pl.lit(code))
                for condition, code in _first_imaging_case(open_parts)
            ]
        )
        return pl.when(self.mentioned()).then(pl.coalesce(first_true(settled), missing))

    def mentioned(self) -> pl.Expr:
        """Say whether the row speaks of a fracture at all."""
        columns = (
            "fracture_imaging_evidence",
            "genant_grade",
            "vertebral_height_loss",
            "fracture_site",
            "fracture_trauma",
        )
        spoken = [pl.col(name).is_not_null() for name in columns if name in self.columns]
        return pl.any_horizontal(spoken) if spoken else pl.lit(False)


def _or_null(expression: pl.Expr | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.Boolean) if expression is None else expression


def _first_imaging_case(cases: list[tuple[pl.Expr, str]]) -> list[tuple[pl.Expr, str]]:
    """Let only the first of the three imaging cases speak; the other parts stand on their own."""
    (screen, _), (endplate, _), (imaging, _) = cases[:3]
    return [
        cases[0],
        (~screen & endplate.fill_null(False), cases[1][1]),
        (~screen & ~endplate.fill_null(False) & imaging, cases[2][1]),
        *cases[3:],
    ]
