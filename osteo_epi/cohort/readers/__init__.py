"""Readers: a file's bytes as columns of text, before anything is understood."""

from osteo_epi.cohort.readers._raw import Declared, Raw

__all__ = [
    "Declared",
    "Raw",
]
