"""The README's commands and configuration are executed; those that a test cannot execute are named, with who does."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.config import check
from scpd.exits import Exit
from tests.interop.corpus import samples
from tests.interop.daemon import SCPD, Daemon
from tests.interop.programs import SEARCH_PATH

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
(CONFIGURATION,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)

SETUP = "./run serve\n./run check\n"
SERVE = ".venv/bin/scpd serve"
EXECUTED_ELSEWHERE = {
    "./run install": "needs root and a systemd that runs",
    "docker build": "make container-check builds and runs the image",
}
AS_CLIENT = [block for block in COMMANDS if not block.startswith((SETUP, SERVE, *EXECUTED_ELSEWHERE))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which the README's commands find what they name."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "scpd.toml").write_text(CONFIGURATION)
    (tmp_path / "images").mkdir()
    for sample in samples():
        if sample.name in ("CT_small.dcm", "MR_small.dcm"):
            (tmp_path / "images" / sample.name).symlink_to(sample.path)
    return tmp_path


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """The daemon of the first command, without its set-up, on another port."""
    with Daemon(tmp_path) as running:
        yield running


def shell(commands: str, folder: Path, port: int) -> str:
    """Runs commands as they stand, but for the port, and returns what they printed."""
    finished = subprocess.run(
        ["sh", "-eu"],
        input=commands.replace("11112", str(port)),
        cwd=folder,
        env={**os.environ, "PATH": SEARCH_PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout
    return finished.stdout


def test_every_command_is_executed_here_or_somewhere_else() -> None:
    assert len(AS_CLIENT) == 4
    assert len(COMMANDS) == len(AS_CLIENT) + len((SETUP, SERVE, *EXECUTED_ELSEWHERE))


def test_the_client_commands_work_in_their_order(daemon: Daemon, folder: Path) -> None:
    printed = [shell(block, folder, daemon.port) for block in AS_CLIENT]
    found = printed[1]
    assert "CompressedSamples^CT1" in found
    assert "CompressedSamples^MR1" in found


def test_the_first_command_sets_up_and_serves(tmp_path: Path) -> None:
    command, _ = SETUP.splitlines()
    with Daemon(tmp_path, command=[str(ROOT / "run"), *shlex.split(command)[1:]]) as daemon:
        assert daemon.port


def test_ci_runs_the_second_command_and_nothing_else() -> None:
    assert COMMANDS[0] == SETUP
    *prelude, command = (ROOT / ".ci" / "run").read_text().splitlines()
    assert command == SETUP.splitlines()[1]
    assert [line for line in prelude if not line.startswith("#")] == ["set -eu", 'cd "$(dirname "$0")/.."']


def test_the_daemon_runs_with_the_configuration_shown(folder: Path) -> None:
    (command,) = (block for block in COMMANDS if block.startswith(SERVE))
    arguments = shlex.split(command.replace("--config scpd.toml", f"--config {folder / 'scpd.toml'}"))
    with Daemon(folder, command=[str(ROOT / arguments[0]), *arguments[1:]]) as daemon:
        (listening,) = (event for event in daemon.events if event["event"] == "listening")
        shell(f"{SCPD} echo 127.0.0.1:11112", folder, daemon.port)  # the health check, without being declared
    assert listening["peers"] == 2


def test_the_configuration_shown_is_valid(folder: Path) -> None:
    assert check(folder / "scpd.toml") == ()


def test_the_exit_codes_listed_are_those_there_are() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)]
    assert listed == [int(code) for code in Exit]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
