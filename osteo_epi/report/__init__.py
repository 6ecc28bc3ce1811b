"""One run and its page: choices, run, folder, methods text."""

from osteo_epi.report._choices import Choices, as_paths, as_tuple
from osteo_epi.report._folder import (
    ARTEFACTS,
    REPORT,
    Run,
    check_target,
    load_run,
    staged,
    write_frame,
)
from osteo_epi.report._page import execute, find_notebook, make_page
from osteo_epi.report._run import STAGES, RunResult, run

__all__ = [
    "ARTEFACTS",
    "REPORT",
    "STAGES",
    "Choices",
    "Run",
    "RunResult",
    "as_paths",
    "as_tuple",
    "check_target",
    "execute",
    "find_notebook",
    "load_run",
    "make_page",
    "run",
    "staged",
    "write_frame",
]
