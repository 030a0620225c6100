"""Where a backend comes from: the entry-point group `scpd.backends`, and the two entries of our own.

An entry is a callable that takes the options of its TOML table and returns a Backend, not yet opened. It answers for
its options: what it does not know, or cannot use, is a ValueError that names the option.
"""

from collections.abc import Callable, Mapping, Set
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TypeAlias

from scpd.storage.archive import Archive
from scpd.storage.base import Backend, Duplicates
from scpd.storage.digests import ALGORITHMS
from scpd.storage.filesystem import FileBlobs, Large, Sync
from scpd.storage.memory import MemoryBlobs, MemoryIndex
from scpd.storage.sqlite import SqliteIndex

GROUP = "scpd.backends"
MIN_FREE_BYTES = 268_435_456
OPTIONS = frozenset(
    {
        "directory",
        "blobs",
        "index",
        "durability",
        "sync_strategy",
        "large_objects",
        "digest",
        "duplicates",
        "min_free_bytes",
    }
)

Options: TypeAlias = Mapping[str, object]


def load_backend(name: str, options: Options) -> Backend:
    """The backend registered as `name`, made with `options`. Raises ValueError naming what is wrong."""
    entries: dict[str, EntryPoint] = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in entries:
        raise ValueError(f"no backend named {name!r}; known are: {', '.join(sorted(entries))}{_hint(name, entries)}")
    open_backend: Callable[[Options], Backend] = entries[name].load()
    return open_backend(options)


def open_filesystem(options: Options) -> Backend:
    """`filesystem`: files in folders, and an index in SQLite.

    Options: `directory` (required), `blobs` (folder of the files, default `directory`), `index` (file of the index, on
    a local file system, default `directory`/index.sqlite), `durability` ("sync", the default, or "none"),
    `sync_strategy` ("files", the default, or "filesystem"), `large_objects` ("direct", the default, or "cached"),
    `digest` ("blake3", the default, "sha256" or "xxh3-128"), `duplicates` ("keep-both-in-quarantine", the default,
    "keep-first", "replace" or "refuse") and `min_free_bytes` (no object is begun when less is free, default 256 MiB).
    """
    _refuse_unknown(options, OPTIONS)
    blobs, index = places(options)
    sync = _choice(options, "durability", ("sync", "none")) == "sync"
    strategy = Sync(_choice(options, "sync_strategy", (Sync.FILES.value, Sync.FILESYSTEM.value)))
    files = FileBlobs(
        blobs,
        strategy if sync else Sync.NONE,
        digest=_choice(options, "digest", tuple(ALGORITHMS)),
        large=Large(_choice(options, "large_objects", tuple(Large))),
    )
    return Archive(
        files,
        SqliteIndex(index, sync=sync),
        min_free_bytes=_bytes(options, "min_free_bytes", MIN_FREE_BYTES),
        duplicates=_duplicates(options),
    )


def places(options: Options) -> tuple[Path, Path]:
    """The folder of the files and the file of the index that `open_filesystem` would use. Raises ValueError."""
    if "directory" not in options and not {"blobs", "index"} <= options.keys():
        raise ValueError("option 'directory' is missing")
    directory = _path(options, "directory", Path())
    return _path(options, "blobs", directory), _path(options, "index", directory / "index.sqlite")


def open_memory(options: Options) -> Backend:
    """`memory`: nothing survives the process. Its one option is `duplicates`, as for `filesystem`."""
    _refuse_unknown(options, {"duplicates"})
    return Archive(MemoryBlobs(), MemoryIndex(), duplicates=_duplicates(options))


def _refuse_unknown(options: Options, known: Set[str]) -> None:
    for name in options:
        if name not in known:
            raise ValueError(f"unknown option {name!r}{_hint(name, known)}")


def _hint(name: str, known: Mapping[str, object] | Set[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _path(options: Options, name: str, default: Path) -> Path:
    value = options.get(name, default)
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError(f"option {name!r} must be a path, not {value!r}")
    return Path(value).absolute()


def _choice(options: Options, name: str, choices: tuple[str, ...]) -> str:
    value = options.get(name, choices[0])
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"option {name!r} must be one of {', '.join(choices)}, not {value!r}")
    return value


def _duplicates(options: Options) -> Duplicates:
    return Duplicates(_choice(options, "duplicates", tuple(Duplicates)))


def _bytes(options: Options, name: str, default: int) -> int:
    value = options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"option {name!r} must be a number of bytes, not {value!r}")
    return value
