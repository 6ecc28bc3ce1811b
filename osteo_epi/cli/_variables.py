"""The command that lists the codebook: which variables there are, and what files call them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from difflib import get_close_matches

import click

from osteo_epi.errors import SchemaError

_NARROW, _WIDE = 80, 120


@click.command(short_help="List the variables, or what a heading is read as.")
@click.argument("word", nargs=-1)
def variables(word: tuple[str, ...]) -> None:
    """List the variables of the codebook, all or those that tell of each WORD.

    Each comes with its unit, its meaning in English and Chinese, and headings by which a file may
    call it. WORD may also be a heading of your file: what it is read as comes first, and the last
    line says what that is, or that it is read as nothing.

    \b
    osteo-epi variables neck
    osteo-epi variables 股骨颈 T值
    """
    from osteo_epi.cohort import codebook, column_of

    book, text, verdict = codebook(), " ".join(word), ""
    if text:
        chosen = book.search(text).variables
        named = column_of(text, list(book.variables))
        if named is not None:
            chosen = {named: book[named]} | chosen
        verdict = f"As a heading {text!r} is read as {named or 'no variable'}."
        book = replace(book, variables=chosen)
    if not book.variables:
        near = get_close_matches(text.casefold(), _words(), n=3, cutoff=0.6)
        nearest = f"; nearest: {', '.join(near)}" if near else ""
        raise SchemaError(
            f"no variable of the codebook tells of {text!r}{nearest}; osteo-epi variables lists all"
        )
    width = min(max(shutil.get_terminal_size((100, 24)).columns, _NARROW), _WIDE)
    click.echo(book.listed(width))
    if verdict:
        click.echo(verdict)


def _words() -> list[str]:
    """The words that a search can find."""
    from osteo_epi.cohort import codebook

    book = codebook()
    texts = [f"{name} {name.replace('_', ' ')} {v.meaning}" for name, v in book.variables.items()]
    return sorted({word for text in texts for word in text.casefold().replace(",", "").split()})
