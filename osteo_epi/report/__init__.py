"""From results to what people read: tables, figures, methods text, notebook, HTML, manifest.

The names load on first use: the command line imports this room before it knows what is asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {"Picture": "embed", "Run": "load", "load_run": "load", "make_page": "page"}
__all__ = ["Picture", "Run", "load_run", "make_page"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
