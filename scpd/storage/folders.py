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
        self._placed: dict[Location, int] = {}  # how many failures there were when it was placed

    def rename(self, path: str, location: Location) -> None:
        """Moves the file at `path` to `location`. Raises OSError."""
        self._placed[location] = self._failures
        if self._distrusted:
            self._make(location)
        for _ in range(RACES_MAX):
            try:
                os.rename(path, self.path(location))
            except FileNotFoundError:
                self._make(location)
            else:
                return
        raise OSError(errno.EIO, "a folder vanishes as soon as it is made")

    def link(self, location: Location, target: Location) -> None:
        """Gives an object a second name. Raises OSError."""
        self._placed[target] = self._failures
        self._make(target)
        os.link(self.path(location), self.path(target))

    def unsynced(self, location: Location) -> list[str]:
        """What has to be synced for its name: the folder that lists it, and those that list one not known durable."""
        above = folders_above(location)
        return [above[0], *(parent(folder) for folder in above if folder not in self._durable)]

    def settle(self, location: Location, *, is_synced: bool) -> None:
        """Notes how these syncs ended, begun after the object was placed. Raises OSError if they proved nothing."""
        with self._lock:
            failures = self._placed.pop(location, -1)
            new = [folder for folder in folders_above(location) if folder not in self._durable]
            if not is_synced:
                self._failures += 1
                self._distrusted.update(new)
            elif failures != self._failures:
                raise OSError(errno.EIO, "another sync failed at the same moment")
            else:
                self._remember(new)

    def remove(self, location: Location) -> None:
        """Removes an object, and the folders above it that are new and empty. One that is not there is fine."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(location))
        with self._lock:
            self._placed.pop(location, None)
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


def open_folder(path: str) -> int:
    """A descriptor to sync a folder with. Raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def sync_folder(path: str) -> None:
    """Makes the names that a folder lists durable. Raises OSError."""
    fd = open_folder(path)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
