"""What was noticed about the data: flagged, counted, with what to do; never deleted.

A finding names a column and a number of rows, never a participant's value: it may be printed,
logged and sent by post. The rows themselves are listed by whoever may see them, through
``people.frame.filter(finding.where)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, overload

import polars as pl

from osteo_epi.language import catalogue, files_of_finding, language, phrase
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted
from osteo_epi.spelling import in_python

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_FILES = 3
"""Names of files in a sentence."""
_NUMBER = re.compile(r"\d[\d,]*")
_COLUMNS = ("severity", "code", "column", "n", "message", "fix")


def rows_where(frame: pl.DataFrame, where: pl.Expr) -> int:
    """Count the rows in which an expression is true; null is not.

    Examples
    --------
    >>> rows_where(pl.DataFrame({"age": [44.0, 61.0, None]}), pl.col("age") >= 50)
    1
    """
    return int(frame.select(where.fill_null(False).sum()).item())


@dataclass(frozen=True)
class Finding:
    """One thing noticed about the data.

    Parameters
    ----------
    code
        Short fixed name, for filtering and for counting across files.
    severity
        ``error``: results would be wrong; ``warning``: they may be; ``note``: done and recorded.
    column
        The column (or columns, separated by ", ") that it is about; "" for the whole file.
    n
        Number of rows concerned.
    message
        What was seen, in one sentence, without any participant's value.
    fix
        What to do about it.
    where
        Expression that is true in the rows concerned, where rows can be told; else None.
    subject
        What else tells it from another finding of the same code and column, such as the norm that
        was chosen.

    Examples
    --------
    >>> finding = Finding("missing_weight", "warning", "survey_weight", 3, "3 rows", "fill it in")
    >>> print(finding)
    warning: missing_weight [survey_weight] 3 rows. To do: fill it in
    """

    code: str
    severity: Severity
    column: str
    n: int
    message: str
    fix: str = ""
    where: pl.Expr | None = field(default=None, compare=False, repr=False)
    subject: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What is found, whatever the number of rows: code, column, subject."""
        return self.code, self.column, self.subject

    def told(self) -> str:
        """The finding in a line, with argument and option, of which `spelling` takes one."""
        about = f" [{self.column}]" if self.column else ""
        to_do = f". To do: {self.fix}" if self.fix else ""
        return f"{self.severity}: {self.code}{about} {self.message.rstrip('.')}{to_do}"

    def __str__(self) -> str:
        return in_python(self.told())


def finding_words(code: str, seen: str, to_do: str) -> tuple[str, str]:
    """What was seen and what to do, in the language spoken.

    English tells the finding's own numbers and names; another language says it by its code, where
    it has words for that, with the files that it is about.

    Examples
    --------
    >>> finding_words("encoding", "read as GB18030", "")
    ('read as GB18030', '')
    """
    if language() == "en":
        return seen, to_do
    words = catalogue(language())
    told = words[code] + files_of_finding(code, seen) if code in words else seen
    return told, to_do and words.get(f"to_do.{code}", "")


def findings_of_files(
    named: Mapping[str, Iterable[Finding]], *, pieces: str = "files"
) -> list[Finding]:
    """The findings of several files as those of all: counts added, each thing said once.

    Parameters
    ----------
    named
        File → what was noticed about it.
    pieces
        What they are called.

    Returns
    -------
    list
        One finding a code, column and subject, as grave as the gravest. It says in which files,
        where that is not all of them.

    Examples
    --------
    >>> a, b = (Finding("missing_word", "note", "age", n, f"words: {n}") for n in (2, 3))
    >>> for finding in findings_of_files({"a.csv": [a], "b.csv": [b], "c.csv": []}):
    ...     print(finding)
    note: missing_word [age] words: 5 (in 2 of 3 files: a.csv, b.csv)
    >>> told = Finding("hip_missing", "warning", "", 5, "5 of 40 have no hip")
    >>> print(*findings_of_files({"a.csv": [told], "b.csv": [told]}))
    warning: hip_missing 5 of 40 have no hip (so in a.csv; 10 rows in 2 of 2 files)
    """
    groups: dict[tuple[str, str, str], list[tuple[str, Finding]]] = {}
    for name, findings in named.items():
        for finding in findings:
            groups.setdefault(finding.key, []).append((name, finding))
    return [_of_all(found, len(named), pieces) for found in groups.values()]


def _of_all(found: list[tuple[str, Finding]], of: int, pieces: str) -> Finding:
    """One finding of those that several files have alike."""
    n = sum(finding.n for _, finding in found)
    worst = min((finding for _, finding in found), key=lambda f: SEVERITIES.index(f.severity))
    files = list(dict.fromkeys(name for name, _ in found))
    bases = {_before_count(finding) for _, finding in found}
    named = ", ".join(files[:_FILES])
    more = f" and {len(files) - _FILES} more" if len(files) > _FILES else ""
    share = f"in {len(files)} of {count(of)} {pieces}"
    told = worst.message
    # Each file says it in other words, or a number that is of one file alone: those of the
    # gravest, as an example.
    if len(bases) > 1 or (len(files) > 1 and _says_count(worst, bases)):
        first = next(name for name, finding in found if finding is worst)
        told += f" (so in {first}; {counted(n, 'row')} {share})" if len(files) > 1 else ""
    else:
        told = bases.pop() + (f": {count(n)}" if _ends_in_count(worst) else "")
        told += f" ({share}: {named}{more})" if len(files) < of else ""
    return replace(worst, n=n, where=None, message=told)


def _ends_in_count(finding: Finding) -> bool:
    return finding.message.endswith((f": {finding.n}", f": {finding.n:,}"))


def _says_count(finding: Finding, bases: Iterable[str]) -> bool:
    """Whether a sentence holds the number that is of one file, before its end too."""
    return any(count(finding.n) in _NUMBER.findall(base) for base in bases)


def _before_count(finding: Finding) -> str:
    return finding.message.rpartition(": ")[0] if _ends_in_count(finding) else finding.message


@dataclass(frozen=True, repr=False)
class Findings(Result, Sequence[Finding]):
    """All findings about a cohort, the worst first.

    Examples
    --------
    >>> note = Finding("encoding", "note", "", 0, "read as GB18030")
    >>> error = Finding("sex_unknown", "error", "sex", 2, "2 rows have no sex")
    >>> findings = Findings((note, error))
    >>> findings.codes, len(findings), findings.of("encoding")[0].severity
    (('sex_unknown', 'encoding'), 2, 'note')
    """

    no_figure = "is a list of findings: read it in to_frame()"

    items: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(self.items, key=lambda finding: SEVERITIES.index(finding.severity))
        object.__setattr__(self, "items", tuple(ordered))

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Findings: ...
    def __getitem__(self, index: int | slice) -> Finding | Findings:
        return Findings(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __add__(self, other: Iterable[Finding]) -> Findings:
        """Both, without saying the same thing twice."""
        return Findings(tuple(dict.fromkeys((*self.items, *other))))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that occur, each once."""
        return tuple(dict.fromkeys(finding.code for finding in self))

    @property
    def errors(self) -> Findings:
        """Those that would make results wrong."""
        return Findings(tuple(finding for finding in self if finding.severity == "error"))

    def of(self, code: str, column: str | None = None) -> Findings:
        """Those with this code (and about this column, if one is named)."""
        return Findings(
            tuple(f for f in self if f.code == code and column in (None, f.column)),
        )

    def to_polars(self) -> pl.DataFrame:
        """One row a finding: severity, code, column, n, message, fix."""
        schema = dict.fromkeys(_COLUMNS, pl.String) | {"n": pl.Int64}
        rows = [tuple(getattr(finding, name) for name in _COLUMNS) for finding in self]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "no findings"

    def _repr_html_(self) -> str:
        table = self.to_polars()
        told = [finding_words(f.code, in_python(f.message), in_python(f.fix)) for f in self]
        return self._shown(
            table.with_columns(
                pl.Series("severity", [phrase(f.severity) for f in self], pl.String),
                pl.Series("message", [seen for seen, _ in told], pl.String),
                pl.Series("fix", [to_do for _, to_do in told], pl.String),
            )
        )

    def _summary(self) -> str:
        numbers = [sum(f.severity == severity for f in self) for severity in SEVERITIES]
        words = zip(numbers, SEVERITIES, strict=True)
        return ", ".join(counted(n, word) for n, word in words if n) or "none"
