"""The folders of a store, made when a first object needs them and trusted only after what lists them was synced.

Many threads place objects at once. When a sync of a folder fails, the kernel may drop the pages it could not write, and
the next sync of the same folder then reports success without having written them. So a failure is not a matter of the
thread that met it: whoever placed an object before it was noticed, and is not done yet, fails as well. A new folder
whose entry may be lost with it is removed as soon as it is empty, and nothing is placed in it before.
"""

import errno
import os
from contextlib import suppress
from threading import Lock

from scpd.storage.base import Location

FOLDER_MODE = 0o750
FOLDERS_REMEMBERED = 65_536
RACES_MAX = 8  # a folder that somebody removes each time we have made it


class Folders:
    """The folders under `root`. Any thread may call; locations and folders are relative to the root."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._lock = Lock()
        self._durable: dict[str, None] = {}
        self._distrusted: set[str] = set()
        self._failures = 0

    def rename(self, path: str, location: Location) -> int:
        """Moves the file at `path` to `location`. Gives what `sync` wants to know. Raises OSError."""
        failures = self._failures
        if self._distrusted:
            self._make(location)
        for _ in range(RACES_MAX):
            try:
                os.rename(path, self.path(location))
            except FileNotFoundError:
                self._make(location)
            else:
                return failures
        raise OSError(errno.EIO, "a folder vanishes as soon as it is made")

    def link(self, location: Location, target: Location) -> int:
        """Gives an object a second name. Gives what `sync` wants to know. Raises OSError."""
        failures = self._failures
        self._make(target)
        os.link(self.path(location), self.path(target))
        return failures

    def sync(self, location: Location, failures: int) -> None:
        """Makes the name of a placed object durable, with the folders that lead to it. Raises OSError."""
        above = folders_above(location)
        new = [folder for folder in above if folder not in self._durable]
        try:
            for folder in (above[0], *map(parent, new)):
                sync_folder(self.path(folder))
        except OSError:
            with self._lock:
                self._failures += 1
                self._distrusted.update(folder for folder in new if folder not in self._durable)
            raise
        with self._lock:
            if failures != self._failures:
                raise OSError(errno.EIO, "another sync failed at the same moment")
            self._remember(new)

    def remove(self, location: Location) -> None:
        """Removes an object, and the folders above it that are new and empty. One that is not there is fine."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(location))
        with self._lock:
            for folder in folders_above(location):
                if folder in self._durable or not self._is_removed(folder):
                    break

    def sync_removal(self, location: Location) -> None:
        """Makes the end of an object durable. Raises OSError."""
        with suppress(FileNotFoundError):
            sync_folder(self.path(parent(location)))

    def path(self, location: Location) -> str:
        """Where it is for the operating system."""
        return f"{self._root}/{location}"

    def _make(self, location: Location) -> None:
        with self._lock:
            for folder in reversed(folders_above(location)):
                if folder in self._distrusted and not self._is_removed(folder):
                    raise OSError(errno.EIO, "this folder may not outlive a power cut, and others still use it")
                with suppress(FileExistsError):
                    os.mkdir(self.path(folder), FOLDER_MODE)
                    self._durable.pop(folder, None)

    def _is_removed(self, folder: str) -> bool:
        try:
            os.rmdir(self.path(folder))
        except FileNotFoundError:
            pass
        except OSError:
            return False
        self._distrusted.discard(folder)
        return True

    def _remember(self, folders: list[str]) -> None:
        self._durable.update(dict.fromkeys(folders))
        while len(self._durable) > FOLDERS_REMEMBERED:
            del self._durable[next(iter(self._durable))]


def parent(location: Location) -> str:
    """The folder that lists a location; "" is the root."""
    return location.rpartition("/")[0]


def folders_above(location: Location) -> list[str]:
    """The folders above `location`, the nearest first, without the root."""
    folders = []
    while location := parent(location):
        folders.append(location)
    return folders


def sync_folder(path: str) -> None:
    """Makes the names that a folder lists durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
