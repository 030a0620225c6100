"""The head of a file: preamble, DICM prefix and File Meta Information (PS3.10 7.1).

All of it is known when the C-STORE-RQ is: a file is written straight through, and the data set behind it lies there
byte for byte as it arrived. Only the digest of the data set is known last. It has its place, of fixed size, at the
very end of the File Meta Information, as Private Information (0002,0102), so that a file can prove itself without
any index.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from scpd import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scpd.storage.base import Incoming
from scpd.storage.digests import UNKNOWN, VALUE_BYTES

PRIVATE_INFORMATION_CREATOR_UID = "2.25.62532743058275309179439293463560029090"
"""Names the layout of our (0002,0102): a value as `digests` makes it."""

_ILLEGAL = re.compile(r"[^ -\[\]-~]")  # AE and SH: the default repertoire without control characters and backslash

_PREFIX = bytes(128) + b"DICM"
_GROUP_LENGTH = struct.Struct("<HH2sHI")
_SHORT_HEADER = struct.Struct("<HH2sH")
_LONG_HEADER = struct.Struct("<HH2s2xI")

DATA_SET_OFFSET_BYTES = len(_PREFIX) + _GROUP_LENGTH.size
"""How much of a file must be read to know where its data set begins."""

INCOMING_ELEMENTS = (0x0002, 0x0003, 0x0010, 0x0016, 0x0018)  # as `Incoming` has them
META_BYTES_MAX = 65_536  # ours has some 500; a length beyond is damage, not memory


@dataclass(frozen=True, slots=True)
class FileHead:
    """What a file of ours says of itself: the object as it was announced, and the digest of its data set."""

    incoming: Incoming
    digest: bytes


def file_head(incoming: Incoming, digest: bytes = UNKNOWN) -> bytes:
    """Everything before the data set; the last `VALUE_BYTES` of it are the digest."""
    before, behind = _around(
        incoming.sop_class_uid, incoming.transfer_syntax_uid, incoming.calling_ae_title, incoming.called_ae_title
    )
    meta = b"".join((before, _uid(0x0003, incoming.sop_instance_uid), behind, digest))
    return _PREFIX + _GROUP_LENGTH.pack(2, 0x0000, b"UL", 4, len(meta)) + meta


@lru_cache(maxsize=1024)
def _around(sop_class_uid: str, transfer_syntax_uid: str, calling: str, called: str) -> tuple[bytes, bytes]:
    """The elements before and behind the SOP Instance UID, which many objects share; the digest's value follows."""
    before = _LONG_HEADER.pack(2, 0x0001, b"OB", 2) + b"\x00\x01" + _uid(0x0002, sop_class_uid)
    behind = (
        _uid(0x0010, transfer_syntax_uid),
        _uid(0x0012, IMPLEMENTATION_CLASS_UID),
        _text(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
        _text(0x0016, b"AE", calling),
        _text(0x0017, b"AE", calling),
        _text(0x0018, b"AE", called),
        _uid(0x0100, PRIVATE_INFORMATION_CREATOR_UID),
        _LONG_HEADER.pack(2, 0x0102, b"OB", VALUE_BYTES),
    )
    return before, b"".join(behind)


def data_set_offset(head: bytes) -> int:
    """Where the data set begins in a file that starts with `head` (PS3.10 7.1). Raises ValueError."""
    if len(head) < DATA_SET_OFFSET_BYTES or not head.startswith(b"DICM", 128):
        raise ValueError("not a DICOM file")
    group, element, vr, _, length = _GROUP_LENGTH.unpack_from(head, len(_PREFIX))
    if (group, element, vr) != (2, 0, b"UL"):
        raise ValueError("no group length in the File Meta Information")
    return DATA_SET_OFFSET_BYTES + int(length)


def read_head(file: BinaryIO) -> FileHead:
    """Reads the head of a file of ours and leaves `file` at its data set. Raises ValueError, OSError."""
    start = file.read(DATA_SET_OFFSET_BYTES)
    length = data_set_offset(start) - len(start)
    if length > META_BYTES_MAX:
        raise ValueError("no end of the File Meta Information")
    meta = file.read(length)
    values = dict(_elements(meta)) if len(meta) == length else {}
    if _text_of(values, 0x0100) != PRIVATE_INFORMATION_CREATOR_UID or len(values.get(0x0102, b"")) != VALUE_BYTES:
        raise ValueError("no digest of ours in the File Meta Information")
    incoming = Incoming(*(_text_of(values, element) for element in INCOMING_ELEMENTS))
    if not (incoming.sop_class_uid and incoming.sop_instance_uid and incoming.transfer_syntax_uid):
        raise ValueError("a UID is missing in the File Meta Information")
    return FileHead(incoming, values[0x0102])


def _elements(meta: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of group 0002 by number. Raises ValueError."""
    at = 0
    while at < len(meta):
        try:
            group, number, vr, length = _SHORT_HEADER.unpack_from(meta, at)
            header = _SHORT_HEADER
            if vr == b"OB":
                header = _LONG_HEADER
                length = header.unpack_from(meta, at)[3]
        except struct.error:
            raise ValueError("the File Meta Information breaks off") from None
        at += header.size + length
        if group != 2 or at > len(meta):
            raise ValueError("the File Meta Information is damaged")
        yield number, meta[at - length : at]


def _text_of(values: dict[int, bytes], element: int) -> str:
    return values.get(element, b"").decode("ascii").rstrip("\0 ")


def _uid(element: int, uid: str) -> bytes:
    value = uid.encode("ascii", "replace")
    value += b"\0" * (len(value) % 2)
    return _SHORT_HEADER.pack(2, element, b"UI", len(value)) + value


def _text(element: int, vr: bytes, text: str) -> bytes:
    """A text of at most 16 characters; left out when blank, since AE titles must not be (PS3.5 6.2)."""
    value = _ILLEGAL.sub("?", text.strip()[:16]).encode("ascii")
    value += b" " * (len(value) % 2)
    return _SHORT_HEADER.pack(2, element, vr, len(value)) + value if value else b""
