"""Text that came with the data, on its way out: nothing in it steers what shows it.

A name or a level is data. A terminal obeys control characters, a spreadsheet computes what begins
with "=", Word and Excel refuse characters that XML has not: each way out passes its text through
the one function here that takes this away.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

STEERING = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
"""Control characters but tab and line feed, marks that turn the direction of reading, and what is
no character at all."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
FORMULA = r"^'*[=+\-@\t\r\n＝＋－＠]"
"""How a cell begins that a spreadsheet computes, or that looks like one made safe before."""
_HARMLESS = r"^[+-]?$|^[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?\s?%?$"
_STEERING = re.compile(STEERING[:-1] + "\ud800-\udfff]")


def visible(text: object) -> str:
    """Show characters that steer a terminal, or that XML has not, as U+FFFD.

    Examples
    --------
    >>> visible("\\x1b[31mred\\x07"), visible("two\\nlines")
    ('\ufffd[31mred\ufffd', 'two\\nlines')
    """
    return _STEERING.sub(REPLACEMENT, str(text))


def escaped(text: str) -> str:
    """Write such characters into JSON as it spells them: what reads it gets them back.

    Examples
    --------
    >>> escaped('"a\\u202eb"') == '"a\\\\u202eb"'
    True
    """
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def visible_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Do so with every text and heading of a table; headings that become one are numbered.

    Examples
    --------
    >>> import polars as pl
    >>> visible_frame(pl.DataFrame({"a\\x00": ["x\\x1b"], "a\\x01": [1]})).columns
    ['a\ufffd', 'a\ufffd_2']
    """
    import polars as pl  # the command line answers before it is loaded

    shown = frame.with_columns(
        pl.col(name).cast(pl.String).str.replace_all(STEERING, REPLACEMENT)
        for name in _texts(frame)
        if frame[name].cast(pl.String).str.contains(STEERING).any()
    )
    return shown.rename(_apart(frame.columns))


def as_text(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would compute; numbers stay.

    Examples
    --------
    >>> as_text("=1+1"), as_text("-1.2"), as_text("rural")
    ("'=1+1", '-1.2', 'rural')
    """
    computed = re.search(FORMULA, cell) and not re.search(_HARMLESS, cell)
    return f"'{cell}" if computed else cell


def as_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Do so with every text and heading of a table; `from_texts` takes it back.

    Examples
    --------
    >>> import polars as pl
    >>> as_texts(pl.DataFrame({"=x": ["@a", "-2", None], "t": [-1.2, 0.0, 1.0]})).rows()
    [("'@a", -1.2), ('-2', 0.0), (None, 1.0)]
    """
    import polars as pl

    cells = {name: pl.col(name).cast(pl.String) for name in _texts(frame)}
    return frame.with_columns(
        pl.when(cell.str.contains(FORMULA) & ~cell.str.contains(_HARMLESS))
        .then(pl.lit("'") + cell)
        .otherwise(cell)
        .alias(name)
        for name, cell in cells.items()
    ).rename({name: as_text(name) for name in frame.columns})


def from_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Take the apostrophes of `as_texts` away again.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"=x": ["@a", "'@a", "it's"]})
    >>> from_texts(as_texts(table)).equals(table)
    True
    """
    import polars as pl

    marked = FORMULA.replace("^'*", "^'('*") + ")"
    cells = frame.with_columns(
        pl.col(name).cast(pl.String).str.replace(f"(?s){marked}", "$1") for name in _texts(frame)
    )
    return cells.rename({name: re.sub(marked, r"\1", name) for name in frame.columns})


def csv_bytes(frame: pl.DataFrame, *, bom: bool = False) -> bytes:
    """The bytes of a CSV file that a spreadsheet may open: texts visible, and none a formula.

    Examples
    --------
    >>> import polars as pl
    >>> csv_bytes(pl.DataFrame({"site": ["=A1"], "t_score": [-2.5]}))
    b"site,t_score\\n'=A1,-2.5\\n"
    """
    return as_texts(visible_frame(frame)).write_csv(include_bom=bom).encode()


def _texts(frame: pl.DataFrame) -> list[str]:
    import polars as pl

    kinds = (pl.String, pl.Categorical, pl.Enum)
    return [name for name, kind in frame.schema.items() if kind in kinds]


def _apart(names: list[str]) -> dict[str, str]:
    """A visible name for each, no two the same."""
    given: dict[str, str] = {}
    taken = {name for name in names if visible(name) == name}
    for name in names:
        own, k = visible(name), 1
        while own != name and own in taken:
            k += 1
            own = f"{visible(name)}_{k}"
        taken.add(own)
        given[name] = own
    return given
