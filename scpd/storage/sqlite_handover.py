"""A new index file in the place of an old one, in one step that a crash can only finish or not begin.

The new file becomes `<index>.ready` when it is complete and on disk. From then on it is the index: whoever opens the
store removes what is left of the old one and gives the new one its name. SQLite would apply the log of the old file to
the new one, so that log has to go first, and a rename alone would not do.
"""

import os
from pathlib import Path


def building(index: Path) -> Path:
    """Where a new index is built; what an interrupted life left there is removed."""
    new = _beside(index, ".new")
    for suffix in ("", "-wal", "-shm", "-journal", ".lock"):
        _beside(new, suffix).unlink(missing_ok=True)
    return new


def hand_over(index: Path) -> None:
    """Puts the index that was built, and closed, in the place of the old one. Raises OSError."""
    new = _beside(index, ".new")
    _sync(new)
    os.rename(new, _beside(index, ".ready"))
    _sync(index.parent)
    finish(index)
    building(index)


def exists(index: Path) -> bool:
    """Whether there is an index, under its own name or about to get it."""
    return any(path.exists() and path.stat().st_size for path in (index, _beside(index, ".ready")))


def finish(index: Path) -> None:
    """Ends what an interrupted `hand_over` began. Raises OSError."""
    ready = _beside(index, ".ready")
    if ready.exists():
        for suffix in ("-wal", "-shm"):
            _beside(index, suffix).unlink(missing_ok=True)
        os.rename(ready, index)
        _sync(index.parent)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
