"""The door: from a messy file to one clean frame of people, with what was noticed on the way."""

from __future__ import annotations

from osteo_epi.cohort.check import check
from osteo_epi.cohort.codebook import codebook
from osteo_epi.cohort.findings import Finding, Findings
from osteo_epi.cohort.flow import Flow
from osteo_epi.cohort.people import Cohort, Source
from osteo_epi.cohort.read import read

__all__ = ["Cohort", "Finding", "Findings", "Flow", "Source", "check", "codebook", "read"]
