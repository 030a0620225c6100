"""What is wrong with a store, by the ledger of those who sent: asked of the daemon, of the index and of the disk.

The files are taken apart without the code under test. A store that is as it should be yields no complaint.
"""

import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from scpd.storage.verify import Verification
from tests.datasets import identifier
from tests.faults.ledger import Ledger
from tests.interop.part10 import read_part10
from tests.rawpeer import IMPLICIT_LE, STUDY_ROOT_FIND, Proposal, RawPeer, item, maximum_length

RELATIONAL = item(0x56, struct.pack(">H", len(STUDY_ROOT_FIND)) + STUDY_ROOT_FIND.encode() + b"\x01")
SOP_INSTANCE_UID = struct.pack("<HH", 0x0008, 0x0018)
FIND_SECONDS = 60.0


def complaints(port: int, storage: Path, ledger: Ledger) -> Iterator[str]:
    """Everything that is wrong with a daemon at rest and its store."""
    rows = locations(storage)
    found = found_uids(port)
    yield from (f"{uid} was acknowledged and is not found" for uid in sorted(ledger.noted - found))
    yield from (f"{uid} is found and has no row" for uid in sorted(found - rows.keys()))
    yield from (f"{uid} has a row and is not found" for uid in sorted(rows.keys() - found))
    for uid, location in rows.items():
        path = storage / location
        if not path.exists():
            yield f"{uid} has a row and no file"
        elif not ledger.allows(uid, read_part10(path).data_set):
            yield f"{uid} is not what was acknowledged"
    yield from leftovers(storage, set(rows.values()))
    for finding in Verification(storage, storage / "index.sqlite").findings():
        if finding is not None:
            yield f"verify: {finding.row.sop_instance_uid}: {finding.reason}"


def leftovers(storage: Path, known: set[str]) -> Iterator[str]:
    """Files that nothing names."""
    yield from (f"{path.name} is left in the spool" for path in (storage / "spool").iterdir())
    yield from (f"{path.name} is left beside the index" for path in storage.glob("index.sqlite.[!l]*"))
    for path in storage.rglob("*.dcm"):
        if path.is_relative_to(storage / "quarantine") or str(path.relative_to(storage)) not in known:
            yield f"{path.relative_to(storage)} has no row"


def locations(storage: Path) -> Mapping[str, str]:
    """The file that the index names for each SOP Instance UID."""
    with closing(sqlite3.connect(f"file:{storage}/index.sqlite?mode=ro", uri=True)) as db:
        return dict(db.execute("SELECT uid, location FROM instance"))


def found_uids(port: int) -> frozenset[str]:
    """What one relational query for all images finds (PS3.4 C.4.1.2.2.1)."""
    proposal = Proposal(
        contexts=((5, STUDY_ROOT_FIND, (IMPLICIT_LE,)),), user_items=maximum_length(65_536) + RELATIONAL
    )
    with RawPeer(port, FIND_SECONDS) as peer:
        peer.associate(proposal)
        *matches, last = peer.find(identifier("IMAGE", SOPInstanceUID=""))
        assert last.status == 0x0000, last
        peer.release()
    return frozenset(uid_of(match.data_set or b"") for match in matches)


def uid_of(matched: bytes) -> str:
    """(0008,0018) of an Identifier in Implicit VR Little Endian."""
    at = matched.index(SOP_INSTANCE_UID) + 8
    (length,) = struct.unpack_from("<I", matched, at - 4)
    return matched[at : at + length].decode("ascii").rstrip("\0")
