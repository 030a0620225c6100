"""docs/testing.md: its commands are there and take the options shown. The longest are asked for help only."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMANDS = [
    line.split("#")[0].strip()
    for line in (ROOT / "docs/testing.md").read_text().splitlines()
    if re.match(r" {4}(\.venv|make|uv) ?", line)
]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_make_knows_the_target(command: str) -> None:
    assert run("make", "--dry-run", *command.split()[1:]).returncode == 0


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if re.search("-m (benchmarks|tests.faults|tests.query_proof)", command)]
)
def test_a_long_run_takes_the_options_shown(command: str) -> None:
    """argparse reads options before --help ends the program; an unknown one would end it with 2."""
    arguments = command.split()[1:]
    helped = run(sys.executable, *arguments, "--help")
    assert helped.returncode == 0, helped.stderr
    for option in re.findall(r"--[a-z-]+", command):
        assert option in helped.stdout


def test_a_seed_is_replayed_with_its_trace() -> None:
    assert ".venv/bin/python -m tests.simulation --seed 17" in COMMANDS
    replayed = run(sys.executable, "-m", "tests.simulation", "--seed", "17")
    assert replayed.returncode == 0
    assert len(replayed.stdout.splitlines()) > 10
