"""A reference made public: norm files, tables, methods paragraph."""

from osteo_epi.reference.publication._publish import Publication, check_place, publish

__all__ = ["Publication", "check_place", "publish"]
