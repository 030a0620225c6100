"""docs/maintenance.md is executed, in its order, over a store in which something is wrong."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.exits import Exit
from scpd.storage.base import Outcome
from scpd.testing import opened
from tests.datasets import ct
from tests.interop.daemon import SCPD, Daemon
from tests.storage.files import archive_in, file_of, fill, flip, send

PAGE = (Path(__file__).parents[1] / "docs" / "maintenance.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the configuration that the page names, and a store with two objects and two in quarantine."""

    async def store() -> None:
        await fill(tmp_path / "storage", ["1.5", "1.6"])
        async with opened(archive_in(tmp_path / "storage")) as archive:
            assert await send(archive, "1.5", ct("1.5", StudyDescription="other")) is Outcome.QUARANTINED
            assert await send(archive, "1.7", b"not a data set") is Outcome.QUARANTINED

    asyncio.run(store())
    (tmp_path / "scpd.toml").write_text(f'[storage]\ndirectory = "{tmp_path / "storage"}"\n')
    return tmp_path


@pytest.fixture
def beside(folder: Path) -> Iterator[Daemon]:
    """A daemon over the same store."""
    with Daemon(folder) as running:
        yield running


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command as the page has it."""
    path = f"{Path(SCPD).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-eu", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )


def outcomes(folder: Path) -> dict[str, int]:
    """The exit code of each command of the page, in its order."""
    names = [command.removeprefix("scpd ").partition(" --config")[0] for command in COMMANDS]
    return {name: run(command, folder).returncode for name, command in zip(names, COMMANDS, strict=True)}


def test_every_command_of_the_page_works_on_a_store_at_rest(folder: Path) -> None:
    next((folder / "storage").glob("studies/**/1.5.*.dcm")).unlink()  # or its twin could not be released
    run("scpd reindex --config scpd.toml", folder)
    assert outcomes(folder) == {
        "stats": Exit.OK,
        "verify": Exit.OK,
        "reindex": Exit.OK,
        "quarantine list": Exit.OK,
        "quarantine show 1": Exit.OK,
        "quarantine release 1": Exit.OK,
        "quarantine delete 2": Exit.OK,
    }
    assert json.loads(run("scpd stats --config scpd.toml --json", folder).stdout)["quarantined"] == 0
    assert run("scpd verify --config scpd.toml", folder).stdout == "2 objects verified, 0 not as they were stored\n"


def test_those_that_change_nothing_work_beside_the_daemon_and_the_others_name_it(folder: Path, beside: Daemon) -> None:
    assert outcomes(folder) == {
        "stats": Exit.OK,
        "verify": Exit.OK,
        "reindex": Exit.UNAVAILABLE,
        "quarantine list": Exit.OK,
        "quarantine show 1": Exit.OK,
        "quarantine release 1": Exit.UNAVAILABLE,
        "quarantine delete 2": Exit.UNAVAILABLE,
    }
    assert f"pid {beside.process.pid}" in run("scpd reindex --config scpd.toml", folder).stderr


def test_a_damaged_object_is_named_with_its_path_and_uids(folder: Path) -> None:
    path = file_of(folder / "storage", "1.6")
    flip(path, -1)
    verified = run("scpd verify --config scpd.toml", folder)
    assert verified.returncode == Exit.FAILED and verified.stderr == ""
    told, summary = verified.stdout.splitlines()
    assert told.startswith(f"{path}: the bytes are not those that were stored (SOP Instance 1.6, Study 1.2.")
    assert summary == "4 objects verified, 1 not as they were stored"
    reindexed = run("scpd reindex --config scpd.toml", folder)
    assert reindexed.returncode == Exit.FAILED
    assert f"{path}: the bytes are not those that were stored; moved to damaged/" in reindexed.stdout


def test_an_object_whose_uid_is_taken_is_not_released(folder: Path) -> None:
    refused = run("scpd quarantine release 1 --config scpd.toml", folder)
    assert refused.returncode == Exit.FAILED
    assert refused.stderr.startswith("not released: another object holds its SOP Instance UID")


def test_an_id_that_is_none_is_told(folder: Path) -> None:
    for command in ("scpd quarantine show 99", "scpd quarantine release"):
        asked = run(f"{command} --config scpd.toml", folder)
        assert asked.returncode == Exit.FAILED and "no such ID" in asked.stderr


def test_progress_is_shown_on_a_terminal(folder: Path) -> None:
    on_terminal = run("script -qec 'scpd verify --config scpd.toml' /dev/null", folder)
    assert "of 4 (" in on_terminal.stdout and on_terminal.stdout.endswith("0 not as they were stored\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_root_makes_no_files_that_the_owner_of_the_store_could_not_use(folder: Path) -> None:
    os.chown(folder / "storage", 65534, 65534)
    for command, code in (("reindex", 69), ("quarantine delete 1", 69), ("verify", 0), ("quarantine list", 0)):
        ran = run(f"scpd {command} --config scpd.toml", folder)
        assert ran.returncode == code
        assert ("run this as that user: setpriv --reuid=65534" in ran.stderr) == (code != 0)


def test_another_backend_or_a_wrong_configuration_is_told(folder: Path) -> None:
    other = run("scpd stats --set storage.backend=memory", folder)
    assert other.returncode == Exit.CONFIGURATION and "this works on 'filesystem'" in other.stderr
    assert run("scpd stats --set storage.bakend=memory", folder).returncode == Exit.CONFIGURATION
