"""What `pip install .` gives works outside the checkout: norms, notebook and cohort travel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CALL = "import sys; from osteo_epi.cli import main; sys.argv[0] = 'osteo-epi'; main()"


def python(*arguments: str, folder: Path, path: Path | None = None) -> str:
    """Run the interpreter in a folder, with another place to import from first."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_an_installed_wheel_runs_the_main_job_outside_the_checkout(tmp_path):
    wheels, site, away = tmp_path / "wheels", tmp_path / "site", tmp_path / "away"
    away.mkdir()
    python("-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), str(ROOT), folder=tmp_path)
    (wheel,) = wheels.glob("osteo_epi-*.whl")
    install = ["-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    python(*install, folder=tmp_path)
    where = python("-c", "import osteo_epi; print(osteo_epi.__file__)", folder=away, path=site)
    assert Path(where.strip()).is_relative_to(site)
    clinic = (
        "import osteo_epi as oe; print(oe.read(oe.datasets.clinic_file()), oe.datasets.survey())"
    )
    assert "2,400 people" in python("-c", clinic, folder=away, path=site)
    python("-c", CALL, "run", "--n", "12000", "--out", "out", "--quiet", folder=away, path=site)
    page = (away / "out" / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED" in page
    assert "Chinese expert consensus" in page
    assert "zhang_2007" in python("-c", CALL, "norms", "list", folder=away, path=site)
