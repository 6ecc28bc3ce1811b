"""What counts as osteoporosis: classes, sites, and who gets which score, as a text has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import polars as pl

from osteo_epi.norms._bands import T_TOLERANCE, VBMD_TOLERANCE, Bands, Interval
from osteo_epi.norms._norm import GRADES, Fields, Norm, read_head, worst

SEX_RULES = ("own_sex", "female")
SPINE_RULES = ("at_least_two", "all_four", "given_total")
ROIS_REQUIRED = ("any", "all")
CLASSES = {
    "t_score": ("osteoporosis", "low_bone_mass", "normal"),
    "z_score": ("below_expected_range", "within_expected_range"),
    "vbmd_lumbar_spine": ("osteoporosis", "low_bone_mass", "normal"),
}
NO_ADJUNCTS: Mapping[str, str] = MappingProxyType({})
_UNKNOWN_MENOPAUSE = "postmenopausal_from_"


@dataclass(frozen=True, kw_only=True)
class Applies:
    """Who is judged by the T-score; all others by the Z-score where the criterion has one.

    Attributes
    ----------
    women
        "postmenopausal" (by menopausal state) or "age" (by age alone, as for men).
    from_age
        [years] Age from which men, and women where judged by age, get a T-score.
    ovaries_removed_counts
        Whether a woman without ovaries counts as postmenopausal.
    menopause_when_unknown
        "postmenopausal_from_50" (by age) or "not_classifiable".
    """

    women: str
    from_age: float
    ovaries_removed_counts: bool = False
    menopause_when_unknown: str = "not_classifiable"

    @property
    def unknown_menopause_from(self) -> float | None:
        """[years] Age from which a woman of unknown state counts as postmenopausal, or None."""
        word, _, age = self.menopause_when_unknown.partition(_UNKNOWN_MENOPAUSE)
        return None if word else float(age)

    @property
    def menopause_unknown(self) -> str:
        """What a definition does by default: "by_age" or "unknown"."""
        return "unknown" if self.unknown_menopause_from is None else "by_age"


@dataclass(frozen=True, kw_only=True)
class FractureRule:
    """Whether a fragility fracture diagnoses whatever the density, and from which Genant grade."""

    overrides: bool
    genant_from: int = 1


@dataclass(frozen=True, kw_only=True)
class QctRule:
    """For whom and on which scans the absolute lumbar QCT classes were established.

    Attributes
    ----------
    n_vertebrae
        How many lumbar vertebrae the mean is taken of.
    prefer
        The vertebrae usually taken.
    tube_voltage
        [kV] Voltage on which the classes rest.
    system
        Measuring system on which they rest.
    system_words
        What texts that name that system hold, in small letters.
    """

    n_vertebrae: int
    prefer: tuple[str, ...]
    tube_voltage: float
    system: str
    system_words: tuple[str, ...]

    def is_system(self, calibration: pl.Expr) -> pl.Expr:
        """Whether a text names the system on which the classes rest; null where there is none.

        Examples
        --------
        >>> import polars as pl
        >>> from osteo_epi import norms
        >>> rule = norms.load("criteria", "china_2020").qct
        >>> texts = pl.DataFrame({"text": ["Mindways Model 4", "not Mindways", "phantom", None]})
        >>> texts.select(rule.is_system(pl.col("text"))).to_series().to_list()
        [True, False, False, None]
        """
        words = "|".join(self.system_words)
        text = calibration.cast(pl.String).str.to_lowercase()
        denied = text.str.contains(rf"(?:\bnot?\b|\bnon\b|other than|非|不是|除)[\s-]*(?:{words})")
        return text.str.contains(words) & ~denied


@dataclass(frozen=True, kw_only=True, repr=False)
class Criterion(Norm):
    """A published criterion of osteoporosis.

    Attributes
    ----------
    t_score, z_score
        Classes of the scores [SD]; `z_score` is None where the criterion judges nobody by it.
    vbmd_lumbar_spine
        Classes of lumbar trabecular density by QCT [mg/cm³], or None.
    applies
        Who gets a T-score.
    sites
        Site to the regions of interest that are read there.
    substitute
        Region read instead of a site that cannot be used, or None.
    all_sites_required
        Whether one site missing leaves a person unclassified even if another is osteoporotic.
    sex_rule, spine_rule, rois_required, young_adult, by_age
        Defaults of a definition; None where the user must choose.
    fracture, qct
        See `FractureRule`, `QctRule` (None where QCT is no part of the criterion).
    adjuncts
        What stands beside a class: `tbs`, the norm of its classes, and `frax`, the code of what
        is to be said of FRAX; empty where the criterion says nothing of them.
    prevalence_ages
        [years] Ages to which prevalences refer.
    grades
        Grade of each part.
    """

    kind: ClassVar[str] = "criteria"

    t_score: Bands
    z_score: Bands | None
    vbmd_lumbar_spine: Bands | None
    applies: Applies
    sites: Mapping[str, tuple[str, ...]]
    substitute: str | None
    all_sites_required: bool
    sex_rule: str
    spine_rule: str
    rois_required: str
    young_adult: str | None
    by_age: str | None
    fracture: FractureRule
    qct: QctRule | None
    adjuncts: Mapping[str, str]
    prevalence_ages: Interval
    grades: Mapping[str, str]

    @property
    def rois(self) -> tuple[str, ...]:
        """Regions of interest of all sites, in order, without the substitute."""
        return tuple(roi for rois in self.sites.values() for roi in rois)

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> Criterion:
        """Build from a file of kind `criteria`."""
        sites = fields.under("sites")
        defaults = fields.under("defaults")
        grades = _grades(fields.under("grades"))
        criterion = cls(
            **read_head(fields),
            verification=worst(list(grades.values())),
            sha256=sha256,
            t_score=_classes(fields, "t_score"),
            z_score=_classes(fields, "z_score", None),
            vbmd_lumbar_spine=_classes(fields, "vbmd_lumbar_spine", None, tolerance=VBMD_TOLERANCE),
            applies=_applies(fields.under("applies")),
            sites=MappingProxyType({name: sites.texts(name) for name in sites.table}),
            substitute=fields.text("substitute", None),
            all_sites_required=fields.flag("all_sites_required"),
            sex_rule=defaults.choice("sex_rule", SEX_RULES),
            spine_rule=defaults.choice("spine_rule", SPINE_RULES),
            rois_required=defaults.choice("rois_required", ROIS_REQUIRED, "any"),
            young_adult=defaults.text("young_adult", None),
            by_age=defaults.text("by_age", None),
            fracture=_fracture(fields.under("fracture")),
            qct=_qct(fields.under("qct")) if "qct" in fields.table else None,
            adjuncts=_texts(fields.under("adjuncts"))
            if "adjuncts" in fields.table
            else NO_ADJUNCTS,
            prevalence_ages=fields.interval("prevalence_ages"),
            grades=MappingProxyType(grades),
        )
        defaults.done()
        fields.done()
        return criterion


def _classes(
    fields: Fields, name: str, default: Any = ..., *, tolerance: float = T_TOLERANCE
) -> Any:
    """Bands whose class names are those that every result of the toolkit uses."""
    bands = fields.bands(name, default, tolerance=tolerance)
    if bands is not None and not set(bands) <= set(CLASSES[name]):
        raise fields.fail(name, "classes named " + ", ".join(CLASSES[name]))
    return bands


def _texts(fields: Fields) -> Mapping[str, str]:
    return MappingProxyType({name: fields.text(name) for name in fields.table})


def _grades(fields: Fields) -> dict[str, str]:
    grades = {part: fields.choice(part, GRADES) for part in fields.table}
    if not grades:
        raise fields.fail("t_score", "a grade A, B or C for each part")
    return grades


def _applies(fields: Fields) -> Applies:
    rule = fields.text("menopause_when_unknown", "not_classifiable")
    start, _, age = rule.partition(_UNKNOWN_MENOPAUSE)
    if rule != "not_classifiable" and (start or not age.isdigit()):
        raise fields.fail(
            "menopause_when_unknown", "'postmenopausal_from_<age>' or 'not_classifiable'"
        )
    applies = Applies(
        women=fields.choice("women", ("postmenopausal", "age")),
        from_age=fields.number("from_age", above=0),
        ovaries_removed_counts=fields.flag("ovaries_removed_counts", False),
        menopause_when_unknown=rule,
    )
    fields.done()
    return applies


def _fracture(fields: Fields) -> FractureRule:
    overrides = fields.flag("overrides")
    genant_from = fields.number("genant_from", 1, above=0)
    fields.done()
    return FractureRule(overrides=overrides, genant_from=int(genant_from))


def _qct(fields: Fields) -> QctRule:
    rule = QctRule(
        n_vertebrae=int(fields.number("n_vertebrae", above=0)),
        prefer=fields.texts("prefer"),
        tube_voltage=fields.number("tube_voltage", above=0),
        system=(system := fields.text("system")),
        system_words=fields.texts("system_words", [system.lower()]),
    )
    fields.done()
    return rule
