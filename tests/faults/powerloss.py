"""The power goes while modalities store: a disk that is an ext4 image, and what its journal makes of it afterwards.

EXT4_IOC_SHUTDOWN stops a mounted file system at once. Whatever was not written to its image by then never is: neither
pages of files nor, unless they are asked for, the transactions that its journal was about to write. Mounting it again
replays the journal, as after a power cut. The ledger is closed at the moment before: the kernel lives on, and an fsync
that was under way while the journal was taken down may report success. After a real cut there is nobody to report to.

The image keeps what was written to it even if it was never told to flush: a disk that loses its cache is not tried.
"""

import array
import fcntl
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.faults.crashes import Store, Tally, options_of
from tests.faults.senders import Meter, sending

EXT4_IOC_SHUTDOWN = 0x8004587D
WITH_JOURNAL, WITHOUT_JOURNAL = 1, 2  # whether the journal is written to the disk first (LOGFLUSH, NOLOGFLUSH)
PROGRAMS = f"{os.defpath}:/usr/sbin:/sbin"
IMAGE_BYTES = 512 << 20  # a sparse file
LIVES = 3  # of one image
MARK_BYTES_MAX = 12_000_000
PAUSE_SECONDS_MAX = 0.05


@cache
def missing() -> str:
    """Why no file system can be made and mounted here; "" if it can."""
    if os.geteuid() != 0:
        return "mounting a file system takes root"
    for program in ("mkfs.ext4", "mount", "umount"):
        if shutil.which(program, path=PROGRAMS) is None:
            return f"{program} is not installed"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    return ""


class NoDisk(Exception):
    """The image could be made, but not mounted: a container may have loop devices that it must not use."""


class Disk:
    """An ext4 file system in a file, mounted at `at` within the context."""

    def __init__(self, image: Path, at: Path) -> None:
        self._image = image
        self._at = at

    def format(self) -> None:
        """Makes it empty, with a journal."""
        self._image.unlink(missing_ok=True)
        with self._image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        _run("mkfs.ext4", "-q", "-O", "has_journal", str(self._image))

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Mounts it, which replays its journal. The kernel lets go of the loop device with the mount."""
        self._at.mkdir(exist_ok=True)
        try:
            _run("mount", "-o", "loop", str(self._image), str(self._at))
        except subprocess.CalledProcessError as error:
            raise NoDisk(error.stderr.strip()) from None
        try:
            yield
        finally:
            _run("umount", str(self._at))

    def lose_power(self, how: int) -> None:
        """Nothing reaches the image from here on."""
        fd = os.open(self._at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, array.array("I", [how]))
        finally:
            os.close(fd)


def cut_power(
    folder: Path, rounds: int, seed: int, durability: str = "sync", told: Callable[[str], None] = print
) -> Tally:
    """Runs rounds in `folder`, until after one of them something is wrong. Raises NoDisk."""
    tally = Tally()
    for first in range(0, rounds, LIVES):
        store = Store(
            folder / f"store{first}", (*options_of(first // LIVES), "--set", f"storage.durability={durability}")
        )
        disk = Disk(folder / "image", store.daemon.storage)
        disk.format()
        for number in range(first, min(first + LIVES, rounds)):
            with disk.mounted():
                one_round(store, disk, f"1.2.{number}", random.Random(f"{seed} {number}"), tally)
            with disk.mounted():
                tally.complaints += after_power_came_back(store)
            tally.cycles += 1
            if tally.complaints:
                break
        tally.acknowledged += store.ledger.acknowledged
        told(str(tally))
        if tally.complaints:
            break
    return tally


def one_round(store: Store, disk: Disk, root: str, chance: random.Random, tally: Tally) -> None:
    """Sends until the power fails."""
    how = chance.choice((WITH_JOURNAL, WITHOUT_JOURNAL))
    mark, pause_seconds = chance.randrange(MARK_BYTES_MAX), chance.uniform(0, PAUSE_SECONDS_MAX)

    def strike() -> None:
        time.sleep(pause_seconds)
        store.ledger.close()
        disk.lose_power(how)

    store.ledger.reopen()
    with store.served() as daemon:
        with sending(daemon.port, store.ledger, Meter(mark, strike), root):
            pass
        disk.lose_power(how)  # if all was sent before the mark was reached
    tally.deaths["with the journal flushed" if how == WITH_JOURNAL else "without the journal"] += 1


def after_power_came_back(store: Store) -> list[str]:
    """What is wrong with the store on a disk that was mounted again."""
    try:
        with store.served():
            return store.wrong()
    except AssertionError as error:
        return [f"the daemon does not serve: {error}"]


def _run(*command: str) -> None:
    program = shutil.which(command[0], path=PROGRAMS)
    assert program is not None, command
    subprocess.run([program, *command[1:]], check=True, capture_output=True, text=True)
