"""Which columns a definition reads: a fault in any other one stops nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from osteo_epi.arguments import is_a
from osteo_epi.cohort import FILE, Cohort, codebook, is_written, meant_by
from osteo_epi.diagnosis._definition import Definition, Reported
from osteo_epi.diagnosis._regions import LOWEST_ROI, LOWEST_T
from osteo_epi.findings import Finding, Findings
from osteo_epi.norms import CTXA

_VERTEBRAE = ("l1", "l2", "l3", "l4")
_SPINE = "lumbar_spine"
_STATES = ("postmenopausal", "menopause_age", "years_since_menopause", "ovaries_removed", "valid_")
_FRACTURES = ("fragility_fracture", "fracture_", "endplate_fracture")
"""What else a class rests on, by the beginning of its name."""


@dataclass(frozen=True)
class Readings:
    """What is read by a definition, as far as columns go.

    Parameters
    ----------
    rois
        Regions of interest read, the substitute among them.
    evidence
        Kinds of evidence.
    reported_t, reported_z
        Whether T- and Z-scores are the file's own.
    """

    rois: tuple[str, ...]
    evidence: tuple[str, ...]
    reported_t: bool
    reported_z: bool

    @classmethod
    def of(cls, definition: Definition) -> Readings:
        """Those of a definition.

        Raises
        ------
        DefinitionError
            If it is none: every function that takes people and a definition asks here first.
        """
        is_a(
            definition, "definition", Definition,
            'a Definition, as osteo_epi.definition("china_2020", reference="zhang_2007") gives',
        )  # fmt: skip
        extra = (definition.substitute,) if definition.substitute else ()
        return cls(
            rois=definition.rois + extra,
            evidence=definition.evidence,
            reported_t=isinstance(definition.reference, Reported),
            reported_z=isinstance(definition.age_reference, Reported),
        )

    def takes(self, column: str) -> bool:
        """Whether a column is read; a column that the codebook does not know may be.

        Examples
        --------
        >>> from osteo_epi.diagnosis import definition
        >>> readings = Readings.of(definition("who_1994", reference="zhang_2007"))
        >>> [readings.takes(name) for name in ("abmd_l1", "t_score_l1_reported", "weight")]
        [True, False, False]
        >>> lowest = Readings.of(definition("who_1994", reference="reported", sites="not_stated"))
        >>> lowest.takes("t_score_min_reported")
        True
        """
        if column not in codebook():
            return True
        variable = codebook()[column]
        if not variable.decides:
            return variable.kind != "quantity"
        if column.startswith(("t_score_", "z_score_")):
            return self._takes_score(column)
        if column.startswith("vbmd_"):
            return "qct" in self.evidence
        if column.startswith(("abmd_", "bmc_", "area_")):
            return self._takes_areal(column)
        return column in ("age", "survey_weight") or "fracture" in self.evidence

    def _takes_score(self, column: str) -> bool:
        own = self.reported_t if column.startswith("t_score_") else self.reported_z
        return own and region_of(column) in (*self.rois, LOWEST_ROI)

    def _takes_areal(self, column: str) -> bool:
        region = region_of(column)
        kind = "ctxa" if column.endswith(CTXA) else "dxa"
        if kind not in self.evidence or (self.reported_t and kind == "dxa"):
            return False
        return (_SPINE if region in _VERTEBRAE else region) in self.rois


def passed_over(columns: Iterable[str], readings: Iterable[Readings]) -> tuple[Finding, ...]:
    """Columns that would not be read for their names, and on whose variable a class rests.

    Parameters
    ----------
    columns
        Of a frame that no reader took in.
    readings
        What is read of it.

    Returns
    -------
    tuple
        Errors. A column beside one that has the variable's own name is nobody's, and one that
        classifying writes is ours: people are classified again where their reference is moved.

    Examples
    --------
    >>> from osteo_epi.diagnosis import definition
    >>> readings = Readings.of(definition("china_2020", reference="reported"))
    >>> [f.column for f in passed_over(["Fragility fracture", "Neck BMD", "village"], [readings])]
    ['Fragility fracture']
    """
    names, takers = list(columns), tuple(readings)
    strange = [name for name in names if name not in codebook() and not is_written(name)]
    meant = {name: meant_by(name) for name in strange}
    return tuple(
        Finding(
            "heading_not_canonical",
            "error",
            name,
            0,
            f"the heading means {variable}, and is not its name: the column would not be read",
            f"take the frame in by osteo_epi.read(frame), or give the column the name {variable}",
        )
        for name, variable in meant.items()
        if variable and variable not in names and _decides(variable, takers)
    )


def _decides(variable: str, readings: tuple[Readings, ...]) -> bool:
    if variable.startswith(_FRACTURES):
        return any("fracture" in one.evidence for one in readings)
    # Weights decide no class, and half a design is refused where a design is asked for.
    stated = codebook()[variable].decides and variable != "survey_weight"
    stated = stated or variable.startswith(_STATES)
    return stated and any(one.takes(variable) for one in readings)


def region_of(column: str) -> str:
    """The region of a column of the codebook, without a side; empty without a region.

    Examples
    --------
    >>> region_of("t_score_total_hip_left_reported"), region_of("t_score_min_reported")
    ('total_hip', 'min')
    """
    if column == LOWEST_T:
        return LOWEST_ROI
    variable = codebook()[column]
    roi = (variable.roi or "").removesuffix(CTXA)
    return roi.removesuffix(f"_{variable.side}") if variable.side else roi


def without_unread(
    people: Cohort, readings: Iterable[Readings], *, reader: str = "the definition"
) -> Cohort:
    """Leave out the columns whose faults would stop and that no definition reads.

    Parameters
    ----------
    people
        A cohort, with its findings.
    readings
        What each of the definitions reads.
    reader
        What does not read them, as the findings call it.

    Returns
    -------
    Cohort
        Errors about columns that none reads are warnings. Such a column, where a diagnosis may
        rest on it, stands under its name and "(file)".
    """
    definitions = tuple(readings)
    unread = [
        finding
        for finding in people.open_errors
        if finding.column and not _is_read(finding, definitions)
    ]
    if not unread:
        return people
    left = {
        name: _free(f"{name} {FILE}", people.columns)
        for finding in unread
        for name in finding.column.split(", ")
        if name in people.columns and codebook()[name].decides
    }
    told = {finding.key: _told(finding, left, reader) for finding in unread}
    findings = Findings(tuple(told.get(finding.key, finding) for finding in people.findings))
    return replace(people, frame=people.frame.rename(left), findings=findings)


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name += f" {FILE}"
    return name


def _is_read(finding: Finding, definitions: tuple[Readings, ...]) -> bool:
    names = finding.column.split(", ")
    return any(readings.takes(name) for name in names for readings in definitions)


def _told(finding: Finding, left: dict[str, str], reader: str) -> Finding:
    names = [name for name in finding.column.split(", ") if name in left]
    what = f"{', '.join(names)} left out" if names else "nobody stopped"
    message = f"{finding.message.rstrip('.')} ({what}: {reader} does not read it)"
    return replace(finding, severity="warning", message=message)
