"""docs/backends.md is executed: its backend is registered, loaded by name and proved by the suite."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.storage.backends import load_backend
from scpd.storage.base import Backend
from scpd.testing import BackendSuite

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"
LINES_MAX = 80
BLOCKS = dict(
    zip(("backend", "suite"), re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL), strict=True)
)
ENTRY_POINT = re.search(r"```toml\n\[project\.entry-points\.(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path in which the page's backend is installed as a distribution of its own."""
    (tmp_path / "twofiles.py").write_text(BLOCKS["backend"], "utf-8")
    info = tmp_path / "twofiles-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: twofiles\nVersion: 1.0\n")
    assert ENTRY_POINT is not None
    entry = ENTRY_POINT[1].replace('"scpd.backends"]', "[scpd.backends]").replace('"', "")
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("twofiles", None)


class TestTheBackendOfThePage(BackendSuite):
    @pytest.fixture
    def backend(self, installed: Path, tmp_path: Path) -> Backend:
        return load_backend("twofiles", {"directory": tmp_path / "objects"})


def test_the_backend_has_fewer_lines_than_the_page_says() -> None:
    assert len([line for line in BLOCKS["backend"].splitlines() if line.strip()]) < LINES_MAX


def test_the_suite_of_the_page_runs_as_it_is_written(installed: Path) -> None:
    (installed / "test_twofiles.py").write_text(BLOCKS["suite"], "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "same_bytes", "test_twofiles.py"]
    ran = subprocess.run(
        command, cwd=installed, env=os.environ | {"PYTHONPATH": str(installed)}, capture_output=True, text=True
    )
    assert ran.returncode == 0 and "1 passed" in ran.stdout, ran.stdout + ran.stderr
