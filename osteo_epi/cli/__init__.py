"""The command line: `osteo-epi`, its options, and what it says on a terminal."""

from osteo_epi.cli._commands import main

__all__ = [
    "main",
]
