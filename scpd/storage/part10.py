"""The head of a file: preamble, DICM prefix and File Meta Information (PS3.10 7.1).

All of it is known when the C-STORE-RQ is: a file is written straight through, and the data set behind it lies there
byte for byte as it arrived. Only the digest of the data set is known last. It has its place, of fixed size, at the
very end of the File Meta Information, as Private Information (0002,0102), so that a file can prove itself without
any index.
"""

import re
import struct

from scpd import __version__
from scpd.storage.base import Incoming

IMPLEMENTATION_CLASS_UID = "2.25.234449872220561695587590010420250309734"
IMPLEMENTATION_VERSION_NAME = f"SCPD_{__version__}"[:16]

PRIVATE_INFORMATION_CREATOR_UID = "2.25.62532743058275309179439293463560029090"
"""Names the layout of our (0002,0102): eight bytes naming the digest, padded with NUL, then the digest itself."""

DIGEST_NAME = b"blake3\0\0"
DIGEST_BYTES = 32
UNKNOWN_DIGEST = bytes(DIGEST_BYTES)

_ILLEGAL = re.compile(r"[^ -\[\]-~]")  # AE and SH: the default repertoire without control characters and backslash

_PREFIX = bytes(128) + b"DICM"
_GROUP_LENGTH = struct.Struct("<HH2sHI")
_SHORT_HEADER = struct.Struct("<HH2sH")
_LONG_HEADER = struct.Struct("<HH2s2xI")

DATA_SET_OFFSET_BYTES = len(_PREFIX) + _GROUP_LENGTH.size
"""How much of a file must be read to know where its data set begins."""


def file_head(incoming: Incoming, digest: bytes = UNKNOWN_DIGEST) -> bytes:
    """Everything before the data set; the last `DIGEST_BYTES` of it are the digest."""
    meta = b"".join(
        (
            _LONG_HEADER.pack(2, 0x0001, b"OB", 2) + b"\x00\x01",
            _uid(0x0002, incoming.sop_class_uid),
            _uid(0x0003, incoming.sop_instance_uid),
            _uid(0x0010, incoming.transfer_syntax_uid),
            _uid(0x0012, IMPLEMENTATION_CLASS_UID),
            _text(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
            _text(0x0016, b"AE", incoming.calling_ae_title),
            _text(0x0017, b"AE", incoming.calling_ae_title),
            _text(0x0018, b"AE", incoming.called_ae_title),
            _uid(0x0100, PRIVATE_INFORMATION_CREATOR_UID),
            _LONG_HEADER.pack(2, 0x0102, b"OB", len(DIGEST_NAME) + DIGEST_BYTES) + DIGEST_NAME + digest,
        )
    )
    return _PREFIX + _GROUP_LENGTH.pack(2, 0x0000, b"UL", 4, len(meta)) + meta


def data_set_offset(head: bytes) -> int:
    """Where the data set begins in a file that starts with `head` (PS3.10 7.1). Raises ValueError."""
    if len(head) < DATA_SET_OFFSET_BYTES or not head.startswith(b"DICM", 128):
        raise ValueError("not a DICOM file")
    group, element, vr, _, length = _GROUP_LENGTH.unpack_from(head, len(_PREFIX))
    if (group, element, vr) != (2, 0, b"UL"):
        raise ValueError("no group length in the File Meta Information")
    return DATA_SET_OFFSET_BYTES + int(length)


def _uid(element: int, uid: str) -> bytes:
    value = uid.encode("ascii", "replace")
    value += b"\0" * (len(value) % 2)
    return _SHORT_HEADER.pack(2, element, b"UI", len(value)) + value


def _text(element: int, vr: bytes, text: str) -> bytes:
    """A text of at most 16 characters; left out when blank, since AE titles must not be (PS3.5 6.2)."""
    value = _ILLEGAL.sub("?", text.strip()[:16]).encode("ascii")
    value += b" " * (len(value) % 2)
    return _SHORT_HEADER.pack(2, element, vr, len(value)) + value if value else b""
