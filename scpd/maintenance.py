"""The commands over a store of backend `filesystem`: `verify`, `reindex`, `stats` and `quarantine`.

What they find goes to standard output, one line each; how far they are to standard error, on a terminal only.
"""

import argparse
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from scpd.config import Settings
from scpd.exits import Exit
from scpd.storage.backends import places
from scpd.storage.base import StorageError, StorageStatistics, StoreUnavailable
from scpd.storage.quarantine import Quarantined, Unreleasable, listed, opened, shown
from scpd.storage.reindex import Reindex
from scpd.storage.sqlite import COUNTS, connect
from scpd.storage.verify import Finding, Verification

SHOW_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Store:
    """The store that the configuration names: the folder of its files, and the file of its index."""

    settings: Settings
    root: Path
    index: Path


def run(settings: Settings, arguments: argparse.Namespace) -> Exit:
    """Runs the command that the arguments name."""
    if settings.storage.backend != "filesystem":
        print(f"storage.backend is {settings.storage.backend!r}; this works on 'filesystem'", file=sys.stderr)
        return Exit.CONFIGURATION
    try:
        return COMMANDS[arguments.maintenance](Store(settings, *places(settings.backend_options())), arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return Exit.CONFIGURATION
    except (StorageError, sqlite3.Error, OSError) as error:
        print(error, file=sys.stderr)
        return Exit.UNAVAILABLE


def verify(store: Store, arguments: argparse.Namespace) -> Exit:
    """Tells every object that is not as it was stored."""
    rate = arguments.megabytes_per_second * 1e6
    verification = Verification(store.root, store.index, bytes_per_second=rate)
    if arguments.resume:
        verification.resume()
    bar = Bar()
    progress = verification.progress
    with closing(verification.findings()) as findings:
        for finding in findings:
            if finding is not None:
                bar.clear()
                print(sentence(finding, store.root), flush=True)
            bar.show(progress.checked, progress.total, progress.read_bytes)
    bar.clear()
    print(f"{progress.checked} objects verified, {progress.failed} not as they were stored")
    return Exit.FAILED if progress.failed else Exit.OK


def sentence(finding: Finding, root: Path) -> str:
    """A finding in one line."""
    row = finding.row
    uids = f"SOP Instance {row.sop_instance_uid}"
    if row.study_instance_uid is not None:
        uids += f", Study {row.study_instance_uid}, Series {row.series_instance_uid}"
    return f"{root / row.location}: {finding.reason} ({uids})"


def reindex(store: Store, arguments: argparse.Namespace) -> Exit:
    """Rebuilds the index, and tells every file that did not simply get its row."""
    require_owner(store.root)
    settings = store.settings
    work = Reindex(store.root, store.index, settings.scan_limits(), settings.storage.duplicates)
    bar = Bar()
    seen = complaints = 0
    for report in work.reports():
        seen += 1
        if report.complaint:
            complaints += 1
            bar.clear()
            print(f"{store.root / report.location}: {report.complaint} (SOP Instance {report.sop_instance_uid})")
        bar.show(seen, 0, 0)
    bar.clear()
    print(f"{seen} files read, {complaints} of them told above; {store.index} is new")
    return Exit.FAILED if complaints else Exit.OK


def stats(store: Store, arguments: argparse.Namespace) -> Exit:
    """Counts what is stored."""
    with closing(connect(store.index)) as db:
        counts = StorageStatistics(*db.execute(COUNTS).fetchone())
    state = os.statvfs(store.root)
    numbers = asdict(counts) | {
        "index_bytes": store.index.stat().st_size,
        "free_bytes": state.f_bavail * state.f_frsize,
    }
    if arguments.json:
        print(json.dumps(numbers))
    else:
        print_table([name.replace("_", " "), f"{number:,}"] for name, number in numbers.items())
    return Exit.OK


def quarantine(store: Store, arguments: argparse.Namespace) -> Exit:
    """Lists what lies in quarantine, or shows, releases or deletes one of it."""
    if arguments.action == "list":
        print_table(
            [str(one.id), moment(one), one.calling_ae_title, one.sop_instance_uid, one.reason]
            for one in listed(store.index)
        )
        return Exit.OK
    one = shown(store.index, arguments.id) if arguments.id is not None else None
    if one is None:
        print("no such ID; `scpd quarantine list` prints those there are", file=sys.stderr)
        return Exit.FAILED
    if arguments.action == "show":
        described = asdict(one) | {"received_at": moment(one), "path": str(store.root / one.location)}
        print_table([name.replace("_", " "), str(value)] for name, value in described.items() if name != "location")
        return Exit.OK
    return change(store, arguments.action, one)


def change(store: Store, action: str, one: Quarantined) -> Exit:
    """Releases or deletes one object."""
    require_owner(store.root)
    with opened(store.root, store.index, store.settings.scan_limits()) as held:
        if action == "delete":
            held.delete(one)
            print(f"deleted {one.sop_instance_uid}")
            return Exit.OK
        try:
            location = held.release(one)
        except Unreleasable as error:
            print(f"not released: {error}", file=sys.stderr)
            return Exit.FAILED
    print(f"released {one.sop_instance_uid} as {store.root / location}")
    return Exit.OK


def moment(one: Quarantined) -> str:
    """When an object came, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.received_at))


def print_table(rows: Iterable[list[str]]) -> None:
    """Prints rows in columns."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def require_owner(root: Path) -> None:
    """Raises StoreUnavailable for root on the store of another user, whose daemon could not use what root makes."""
    owner = root.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        how = f"setpriv --reuid={owner.st_uid} --regid={owner.st_gid} --clear-groups scpd ..."
        raise StoreUnavailable(f"{root} belongs to another user; run this as that user: {how}")


class Bar:
    """How far a command is, in one line that is written over; nothing where standard error is no terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._began = time.monotonic()
        self._next = 0.0

    def show(self, done: int, total: int, read_bytes: int) -> None:
        """Shows the counts, a few times a second; a `total` of 0 is not known."""
        now = time.monotonic()
        if not self._is_shown or now < self._next:
            return
        self._next = now + SHOW_SECONDS
        share = f" of {total:,} ({done / total:.0%})" if total else ""
        speed = f", {read_bytes / 1e6 / max(now - self._began, 1e-3):,.0f} MB/s" if read_bytes else ""
        print(f"\r\x1b[K{done:,}{share} objects{speed}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Makes room for a line."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


COMMANDS: Mapping[str, Callable[[Store, argparse.Namespace], Exit]] = {
    "verify": verify,
    "reindex": reindex,
    "stats": stats,
    "quarantine": quarantine,
}
