"""Fixtures that every room's tests share."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Examples are judged by what they find, not by how long they took: a busy machine is no fault.
settings.register_profile("osteo-epi", deadline=None)
settings.load_profile("osteo-epi")

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of microdata and other software's results that stands beside the project."""
    folder = Path(os.environ.get("OSTEO_EPI_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip("the shared folder with NHANES microdata is absent beside the project")
    return folder


@pytest.fixture(scope="session")
def golden():
    """Read a JSON file of results of other software from tests/golden."""

    def read(name: str) -> dict:
        return json.loads((GOLDEN / name).read_text())

    return read
