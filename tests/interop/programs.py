"""The DICOM programs of other people: where they are, and what they need to run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

# pynetdicom puts scripts named storescu and findscu beside our Python; the ones meant here are DCMTK's.
OWN_SCRIPTS = str(Path(sys.executable).parent)
SEARCH_PATH = os.pathsep.join(
    [*(p for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if p != OWN_SCRIPTS), "/usr/sbin"]
)

# Without it DCMTK and Orthanc send each response in two small segments and wait 40 ms between them.
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}


def program(name: str) -> str:
    """The path of a program; a test that cannot find it fails, for `./run check` installs them all."""
    path = shutil.which(name, path=SEARCH_PATH)
    if path is None:
        pytest.fail(f"{name} is not installed: ./run check installs what the tests need")
    return path


def run(
    name: str, *arguments: object, timeout_seconds: float = 120, environment: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end and returns its exit code with everything it printed in `stdout`."""
    return subprocess.run(
        [program(name), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout_seconds,
        env=dict(environment),
    )
