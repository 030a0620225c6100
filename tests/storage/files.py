"""A store of real objects in real files, for what reads them back without the daemon."""

from collections.abc import Iterable
from pathlib import Path

from scpd.dimse.status import DimseFailure
from scpd.query.terms import Level
from scpd.storage.backends import open_filesystem
from scpd.storage.base import Backend, Outcome
from scpd.storage.head import Head
from scpd.testing import find, incoming, opened, query
from tests.datasets import ct


def archive_in(folder: Path, **options: object) -> Backend:
    """The backend as the daemon would open it."""
    return open_filesystem({"directory": str(folder), "min_free_bytes": 0, **options})


async def send(archive: Backend, uid: str, data: bytes) -> Outcome:
    """Stores a data set as the service does; one that cannot be filed goes to quarantine."""
    head = Head(incoming(uid))
    head.feed([memoryview(data)])
    try:
        instance = head.instance()
    except DimseFailure as failure:
        instance = head.unfit(failure.comment)
    sink = await archive.open_sink(incoming(uid))
    await sink.write([memoryview(data)], last=True)
    return await sink.commit(instance)


async def fill(folder: Path, uids: Iterable[str], **options: object) -> None:
    """Stores a small object under each UID."""
    async with opened(archive_in(folder, **options)) as archive:
        for uid in uids:
            assert await send(archive, uid, ct(uid)) is Outcome.STORED


async def found(folder: Path) -> list[str]:
    """The SOP Instance UIDs that a query finds."""
    async with opened(archive_in(folder)) as archive:
        return sorted(str(match[0x00080018]) for match in await find(archive, query(Level.IMAGE)))


def file_of(folder: Path, uid: str) -> Path:
    """The one file of an object."""
    (path,) = folder.rglob(f"{uid}.*.dcm")
    return path


def flip(path: Path, position: int) -> None:
    """Changes one bit of a file; a negative position counts from its end."""
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)
