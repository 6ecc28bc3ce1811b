"""A reference made public: norm files, tables, methods paragraph."""

from osteo_epi.reference.publication._publish import Publication, publish

__all__ = ["Publication", "publish"]
