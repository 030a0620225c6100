"""Killed at any moment: what was answered is there byte for byte, and nothing else is visible or left behind."""

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scpd.query.terms import Level
from scpd.storage import aio, filesystem
from scpd.storage.backends import open_filesystem
from scpd.storage.base import Backend, Outcome
from scpd.testing import attributes, find, opened, query, read, store

CYCLES = 6
SENDERS = 6


def data_of(uid: str) -> bytes:
    """The bytes of an object: its UID says which, some are large enough to be written in many pieces."""
    size = random.Random(uid).choice([10, 4_000, 300_000])
    return (uid.encode() + b"/") * (size // len(uid))


def piece_bytes_of(uid: str) -> int:
    """How much of it comes at a time: pieces so small are cached, so large ones not; with 0 it comes at once."""
    return random.Random(f"pieces of {uid}").choice([50_000, 280_000, 0])


def archive_in(folder: Path, strategy: str = "files") -> Backend:
    return open_filesystem({"directory": str(folder), "min_free_bytes": 0, "sync_strategy": strategy})


async def send_until_killed(folder: Path, strategy: str, cycle: int) -> None:
    """Stores objects from several tasks at once and prints each UID when, and only when, it was answered."""

    async def sender(archive: Backend, number: int) -> None:
        for turn in range(10_000):
            uid = f"1.{cycle}.{number}.{turn}"
            one = attributes(uid, study=f"1.{cycle}.{turn // 3}", series=f"1.{cycle}.{turn // 3}.{number}")
            assert await store(archive, one, data_of(uid), piece_bytes=piece_bytes_of(uid)) is Outcome.STORED
            os.write(1, f"{uid}\n".encode())

    async with opened(archive_in(folder, strategy)) as archive:
        os.write(1, b"begin\n")
        await asyncio.gather(*(sender(archive, number) for number in range(SENDERS)))


def die_at(call: str, turn: int) -> None:
    """Makes the process kill itself instead of making a system call for the `turn`-th time."""
    home = next(home for home in (os, filesystem, aio.Ring) if hasattr(home, call))
    real = getattr(home, call)
    if call == "fsync":
        aio.NUMBERS = {}  # or the kernel did it
    turns = itertools.count(1)

    def fatal(*args: object) -> object:
        if next(turns) == turn:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)

    setattr(home, call, fatal)


def acknowledged_before_death(folder: Path, strategy: str, call: str, turn: int) -> list[str]:
    command = [sys.executable, "-m", __name__, str(folder), strategy, "0", call, str(turn)]
    died = subprocess.run(command, stdout=subprocess.PIPE, timeout=60)
    assert died.returncode == -signal.SIGKILL
    return died.stdout.decode().split()[1:]


def acknowledged_before_kill(folder: Path, strategy: str, cycle: int) -> list[str]:
    command = [sys.executable, "-m", __name__, str(folder), strategy, str(cycle)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"begin\n"
        enough = random.randrange(1, 60)
        answered = [child.stdout.readline().decode().strip() for _ in range(enough)]
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().decode().splitlines(keepends=True)
    return answered + [line.strip() for line in rest if line.endswith("\n")]


async def assert_whole(folder: Path, acknowledged: set[str]) -> None:
    async with opened(archive_in(folder)) as archive:
        visible = {str(match[0x00080018]) for match in await find(archive, query(Level.IMAGE))}
        assert acknowledged <= visible
        for uid in visible:
            assert await read(archive, uid) == data_of(uid)
        assert list((folder / "spool").iterdir()) == []
        files = {path.name.rpartition(".")[0].rpartition(".")[0] for path in folder.rglob("*.dcm")}
        assert files == visible and len(list(folder.rglob("*.dcm"))) == len(visible)


@pytest.mark.parametrize("strategy", ["files", "filesystem"])
async def test_everything_acknowledged_survives_kill_9_and_nothing_half_written_does(
    tmp_path: Path, strategy: str
) -> None:
    acknowledged: set[str] = set()
    for cycle in range(CYCLES):
        answered = await asyncio.to_thread(acknowledged_before_kill, tmp_path, strategy, cycle)
        assert answered and "" not in answered
        acknowledged.update(answered)
        await assert_whole(tmp_path, acknowledged)
    assert len(acknowledged) > CYCLES


@pytest.mark.parametrize("turn", [1, 20])
@pytest.mark.parametrize(
    ("strategy", "call"),
    [
        (files, call)
        for files in ("files", "filesystem")
        for call in ("writev", "fdatasync", "posix_fallocate", "rename")
    ]
    + [("files", "fsync"), ("files", "begin"), ("files", "ended"), ("filesystem", "sync_file_system")],
)
async def test_death_in_any_step_of_a_commit_leaves_nothing_half_done(
    tmp_path: Path, strategy: str, call: str, turn: int
) -> None:
    async with opened(archive_in(tmp_path)):
        pass  # so that the calls of making the archive are not counted
    acknowledged = await asyncio.to_thread(acknowledged_before_death, tmp_path, strategy, call, turn + 2)
    await assert_whole(tmp_path, set(acknowledged))


if __name__ == "__main__":
    if len(sys.argv) > 4:
        die_at(sys.argv[4], int(sys.argv[5]))
    asyncio.run(send_until_killed(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
