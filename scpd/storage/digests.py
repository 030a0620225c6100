"""The digest of a data set, and its name: one value of fixed size, the same in the index and in the file.

The value is that of our Private Information (0002,0102): eight bytes that name the algorithm and 32 bytes of digest,
each padded with NUL. So a file proves itself without a word of configuration, and two values are equal only when
algorithm and bytes are.

BLAKE3 and SHA-256 prove that nobody changed an object. XXH3 finds what disks and memory do to it, but whoever wants to
can make two objects with one digest, and the second would then count as the same bytes again.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Protocol

from blake3 import blake3

NAME_BYTES = 8
DIGEST_BYTES = 32
VALUE_BYTES = NAME_BYTES + DIGEST_BYTES
UNKNOWN = bytes(VALUE_BYTES)
"""Stands where the digest will be while a file is written; proves nothing."""

BLAKE3 = "blake3"


class Hasher(Protocol):
    """What all algorithms have in common."""

    def update(self, data: bytes | memoryview, /) -> object:
        """Takes the next bytes."""
        ...

    def digest(self) -> bytes:
        """At most 32 bytes over all that came."""
        ...


def xxh3_128() -> Hasher:
    """XXH3 with 128 bits."""
    import xxhash  # here, not above: few stores ask for it

    return xxhash.xxh3_128()


ALGORITHMS: Mapping[str, Callable[[], Hasher]] = {BLAKE3: blake3, "sha256": sha256, "xxh3-128": xxh3_128}


class Digester:
    """Takes a data set piece by piece; `algorithm` is a key of ALGORITHMS."""

    __slots__ = ("_hasher", "_name", "update")

    def __init__(self, algorithm: str) -> None:
        self._name = algorithm.encode().ljust(NAME_BYTES, b"\0")
        self._hasher = ALGORITHMS[algorithm]()
        self.update = self._hasher.update

    def value(self) -> bytes:
        """`VALUE_BYTES` bytes: the name, then the digest of all that came."""
        return self._name + self._hasher.digest().ljust(DIGEST_BYTES, b"\0")


def algorithm_of(value: bytes) -> str | None:
    """The algorithm that made `value`; None for one that is not ours, or not known yet."""
    name = value[:NAME_BYTES].rstrip(b"\0").decode("ascii", "replace")
    return name if name in ALGORITHMS and len(value) == VALUE_BYTES else None


def digest_of(pieces: Iterable[bytes | memoryview], algorithm: str = BLAKE3) -> bytes:
    """The value for a data set given in pieces."""
    digester = Digester(algorithm)
    for piece in pieces:
        digester.update(piece)
    return digester.value()
