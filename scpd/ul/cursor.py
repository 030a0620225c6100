"""One cursor over received bytes: reads forward, never past its own end, and checks that nothing is left over.

A nested item is read by a cursor of its own, over its own bytes only, so that no length a peer writes can reach
beyond what contains it. Whatever does not fit is an "invalid PDU parameter value" (PS3.8 Table 9-26).
"""

from collections.abc import Iterator
from struct import Struct

from scpd.ul.errors import ProtocolError
from scpd.ul.pdu import AbortReason, AbortSource

_ITEM_HEADER = Struct(">BxH")  # type, reserved, length: PS3.8 9.3.1


def invalid(detail: str) -> ProtocolError:
    """The error for a PDU whose parameters have no meaning."""
    return ProtocolError(AbortSource.SERVICE_PROVIDER, AbortReason.INVALID_PDU_PARAMETER_VALUE, detail)


class Cursor:
    """Reads big-endian numbers, bytes, text and items. Every method raises ProtocolError at the end of the bytes."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether everything has been read."""
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self._at
        if count > len(self._data) - start:
            raise invalid("a length runs past what contains it")
        self._at = start + count
        return self._data[start : self._at]

    def skip(self, count: int) -> None:
        """Passes over reserved bytes: they are not tested (PS3.8 9.3)."""
        self.take(count)

    def number(self, size: int) -> int:
        """An unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def flag(self) -> bool:
        """A byte that may be 0 or 1."""
        value = self.number(1)
        if value > 1:
            raise invalid("a flag is neither 0 nor 1")
        return bool(value)

    def counted(self) -> bytes:
        """A 2-byte length and that many bytes."""
        return self.take(self.number(2))

    def rest(self) -> bytes:
        """Everything up to the end."""
        return self.take(len(self._data) - self._at)

    def items(self) -> Iterator[tuple[int, "Cursor"]]:
        """Type and content of every item up to the end."""
        while not self.is_at_end:
            item_type, length = _ITEM_HEADER.unpack(self.take(_ITEM_HEADER.size))
            yield item_type, Cursor(self.take(length))

    def finish(self) -> None:
        """Nothing may be left over."""
        if not self.is_at_end:
            raise invalid("an item is longer than what it holds")


def uid(data: bytes) -> str:
    """A UID as text; padding a peer adds against PS3.8 Annex F, NUL or space, is taken off."""
    return data.rstrip(b"\0 ").decode("latin-1")
