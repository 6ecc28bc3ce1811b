"""A norm as the text of its file: what the loader reads back, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from osteo_epi.norms import PARAMETERS, AgeCurve, AgeReference, Norm, YoungAdultReference


def norm_text(norm: YoungAdultReference | AgeReference) -> str:
    """Write a norm as TOML; numbers with all the digits that bring the same number back."""
    tables = _entries(norm) if isinstance(norm, YoungAdultReference) else _curves(norm)
    lines = [*_head(norm), *tables]
    return "\n".join(lines) + "\n"


def _head(norm: YoungAdultReference | AgeReference) -> Iterator[str]:
    yield from _lines(
        {
            "kind": norm.kind,
            "id": norm.id,
            "title": norm.title,
            "title_zh": norm.title_zh or None,
            "verification": norm.verification,
            "labels": norm.labels,
            "quantity": norm.quantity,
            "unit": norm.unit,
            "population": norm.population,
            "maker": norm.maker,
            "notes": norm.notes or None,
        }
    )
    yield from ("", "[citation]")
    yield from _lines({"text": norm.citation.text, "doi": norm.citation.doi})
    yield from _derivation(norm)


def _derivation(norm: Norm) -> Iterator[str]:
    if norm.derivation is not None:
        yield from ("", "[derivation]")
        yield from _lines(vars(norm.derivation))


def _entries(norm: YoungAdultReference) -> Iterator[str]:
    for entry in norm.entries:
        value = entry.value
        yield from ("", "[[entry]]")
        yield from _lines(
            {
                "sex": entry.sex,
                "roi": entry.roi,
                "ages": None if value.ages is None else str(value.ages),
                "n": value.n,
                "n_effective": value.n_effective,
                "mean": value.mean,
                "sd": value.sd,
            }
        )


def _curves(norm: AgeReference) -> Iterator[str]:
    for entry in norm.curves:
        curve = entry.curve
        yield from ("", "[[curve]]")
        yield from _lines({"sex": entry.sex, "roi": entry.roi, "ages": str(curve.ages)})
        yield from _lines({"age": [int(year) for year in curve.age]})
        if isinstance(curve, AgeCurve):
            yield from _lines({"mean": curve.mean, "sd": curve.sd})
        else:
            yield from _lines({"family": curve.family})
            yield from _lines({name: getattr(curve, name) for name in PARAMETERS})


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    """One line a field; what is None is left out."""
    for name, value in table.items():
        if value is not None:
            yield f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    """A text, a number or a list; a text of JSON is one of TOML but for one sign."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)
