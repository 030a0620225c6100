"""Killed while one version of an object replaces another: one of them is there, whole, and not an older one."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scpd.storage.base import Outcome
from scpd.testing import attributes, opened, read, store
from tests.storage.files import archive_in
from tests.storage.test_crash import die_at

VERSIONS = 12


def data_of(version: int) -> bytes:
    return f"version {version} ".encode() * 1000


async def replace_until_killed(folder: Path, call: str, turn: int) -> None:
    """Stores one version after the other and prints its number when, and only when, it was answered."""
    async with opened(archive_in(folder, duplicates="replace")) as archive:
        die_at(call, turn)
        for version in range(1, VERSIONS):
            one = attributes("1.5", study=f"1.{version % 2}", series=f"1.{version % 2}.1")
            assert await store(archive, one, data_of(version)) is Outcome.REPLACED
            os.write(1, f"{version}\n".encode())


@pytest.mark.parametrize("turn", [1, 2, 5])
@pytest.mark.parametrize("call", ["writev", "rename", "fsync", "unlink"])
async def test_a_replacement_that_is_killed_leaves_one_version(tmp_path: Path, call: str, turn: int) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        await store(archive, attributes("1.5"), data_of(0))
    command = [sys.executable, "-m", __name__, str(tmp_path), call, str(turn)]
    died = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, timeout=60)
    assert died.returncode == -signal.SIGKILL
    acknowledged = [0, *map(int, died.stdout.split())][-1]
    async with opened(archive_in(tmp_path)) as archive:
        assert await read(archive, "1.5") in (data_of(acknowledged), data_of(acknowledged + 1))
        assert (await archive.statistics()).instances == 1
    assert len([*tmp_path.rglob("*.dcm")]) == 1


if __name__ == "__main__":
    asyncio.run(replace_until_killed(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
