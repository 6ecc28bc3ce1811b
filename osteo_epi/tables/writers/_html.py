"""A journal table as HTML: a table with caption, scopes and rules above and below, no more."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from osteo_epi.tables.writers._printed import Printed

STYLE = """
.journal-table{overflow-x:auto;margin:0 0 1em}
.journal{border-collapse:collapse;border-top:1.5px solid;border-bottom:1.5px solid;
font-size:14px;line-height:1.35;font-variant-numeric:tabular-nums;text-align:left}
.journal caption{caption-side:top;text-align:left;font-weight:600;padding:0 0 6px;color:inherit}
.journal th,.journal td{padding:3px 8px;vertical-align:top;text-align:left;border:0;
background:none;white-space:normal}
.journal td.decimal,.journal td.right{white-space:nowrap}
.journal thead th{vertical-align:bottom;font-weight:600}
.journal thead tr:last-child th{border-bottom:.75px solid}
.journal thead th.spanner{text-align:center;border-bottom:.75px solid;padding:3px 0;
border-left:8px solid transparent;border-right:8px solid transparent;background-clip:padding-box}
.journal .right{text-align:right}.journal .decimal{text-align:center}
.journal tbody th{font-weight:400;min-width:5em}
@media (min-width:900px){.journal tbody th{min-width:11em}}
.journal tbody th.section{font-weight:600;padding-top:8px}
.journal tbody tr.indented>th:first-child{padding-left:20px}
.journal-notes{font-size:12px;line-height:1.4;margin:6px 0 0}
.journal-notes p{margin:0 0 2px}
"""
"""Rules for the class `journal`; a page that holds many tables states them once."""


def html(table: Printed, *, style: bool = True) -> str:
    """Draw a table; everything in it is escaped, and nothing is fetched from elsewhere."""
    rules = f"<style>{STYLE}</style>" if style else ""
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    below = f'<div class="journal-notes">{notes}</div>' if notes else ""
    return (
        f'{rules}<div class="journal-table"><table class="journal">{caption}'
        f"<thead>{_head(table)}</thead><tbody>{_body(table)}</tbody></table>{below}</div>"
    )


def _head(table: Printed) -> str:
    over = "".join(
        f'<th class="spanner" scope="colgroup" colspan="{n}">{escape(text)}</th>'
        if text
        else f'<td colspan="{n}"></td>'
        for text, n in table.spanners
    )
    names = "".join(
        f'<th scope="col" class="{side}">{escape(name)}</th>'
        for name, side in zip(table.columns, table.align, strict=True)
    )
    return (f"<tr>{over}</tr>" if over else "") + f"<tr>{names}</tr>"


def _body(table: Printed) -> str:
    lines, before = [], ""
    rows = zip(table.sections, table.marks, table.indents, table.aligned(), strict=True)
    for section, mark, indent, row in rows:
        if section and section != before:
            lines.append(
                f'<tr><th class="section" scope="rowgroup" colspan="{len(table.columns)}">'
                f"{escape(section)}</th></tr>"
            )
        before = section
        lines.append(_row(row, table.align, "indented" if indent else "", mark))
    return "".join(lines)


def _lines(cell: str) -> str:
    """A cell; what stands below its first line is beside the point, and small."""
    first, *below = escape(cell).split("\n")
    return first + "".join(f"<br><small>{line}</small>" for line in below)


def _row(row: Sequence[str], align: Sequence[str], *classes: str) -> str:
    names = " ".join(name for name in classes if name)
    head, *cells = row
    return (
        (f'<tr class="{escape(names)}">' if names else "<tr>")
        + f'<th scope="row" class="{align[0]}">{escape(head)}</th>'
        + "".join(
            f'<td class="{side}">{_lines(cell)}</td>'
            for cell, side in zip(cells, align[1:], strict=True)
        )
        + "</tr>"
    )
