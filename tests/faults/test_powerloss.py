"""Power cuts on a file system of our own. Each command mounts in a namespace of its own, which takes all with it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import powerloss
from tests.faults.__main__ import NOT_HERE

ROOT = Path(__file__).parents[2]


def cut(*options: str) -> subprocess.CompletedProcess[str]:
    """Runs the command. Skips the test where no file system can be mounted."""
    if powerloss.missing():
        pytest.skip(powerloss.missing())
    command = ["unshare", "--mount", sys.executable, "-m", "tests.faults", "powerloss", *options]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if ran.returncode == NOT_HERE or ran.stderr.startswith("unshare: "):  # a container, a chroot
        pytest.skip(f"cannot mount here: {ran.stdout}{ran.stderr}")
    return ran


def test_what_was_acknowledged_outlives_a_power_cut() -> None:
    ran = cut("--rounds", str(2 * powerloss.LIVES), "--seed", "2")  # both ways to sync
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{2 * powerloss.LIVES} cycles" in ran.stdout and ran.stdout.endswith("0 complaints\n")


def test_without_durability_the_same_cut_loses_what_was_acknowledged() -> None:
    """Or the test above would prove nothing."""
    ran = cut("--rounds", "2", "--seed", "2", "--durability", "none")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "was acknowledged and is not found" in ran.stdout or "the daemon does not serve" in ran.stdout
