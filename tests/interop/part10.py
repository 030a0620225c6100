"""PS3.10 files taken apart without help from the code under test: the meta group, and where the data set starts."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONG_VALUE_REPRESENTATIONS = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UR", b"UT", b"UN", b"SV", b"UV")


@dataclass(frozen=True, slots=True)
class Part10:
    """A file's meta group as text by element number of group 0002, and its data set as bytes."""

    meta: dict[int, str]
    data_set: bytes

    @property
    def sop_class_uid(self) -> str:
        return self.meta.get(0x0002, "")

    @property
    def sop_instance_uid(self) -> str:
        return self.meta.get(0x0003, "")

    @property
    def transfer_syntax_uid(self) -> str:
        return self.meta.get(0x0010, "")


def read_part10(path: Path) -> Part10:
    """Splits a file behind its last group 0002 element; a group length that lies is not asked."""
    content = path.read_bytes()
    if content[128:132] != b"DICM":
        return Part10({}, content)
    meta: dict[int, str] = {}
    position = 132
    while content[position : position + 2] == b"\x02\x00":
        element, representation, length = struct.unpack_from("<2xH2sH", content, position)
        position += 8
        if representation in LONG_VALUE_REPRESENTATIONS:
            (length,) = struct.unpack_from("<I", content, position)
            position += 4
        meta[element] = content[position : position + length].decode("latin-1").rstrip("\0 ")
        position += length
    return Part10(meta, content[position:])


def part10_files(folder: Path) -> Iterator[Path]:
    """Every Part 10 file under a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(132)[128:] == b"DICM":
                    yield path
