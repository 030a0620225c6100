"""Deflated transfer syntaxes (PS3.5 A.5): a raw DEFLATE stream, inflated in small pieces and up to a cap.

A bomb turns 10 KB into 10 GB. Output is therefore made piece by piece, handed on, and counted; nothing grows.
"""

import zlib
from collections.abc import Iterator
from contextlib import suppress

from scpd.dataset.heads import Broken

INFLATED_BYTES_MAX = 67_108_864
"""64 MiB: far behind the last attribute anyone searches for."""

PIECE_BYTES_MAX = 65_536


class Inflater:
    """Inflates one data set. `capped` says that the cap was reached, `ended` that the stream ended as it should."""

    def __init__(self, inflated_bytes_max: int = INFLATED_BYTES_MAX) -> None:
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        self._room = inflated_bytes_max

    @property
    def ended(self) -> bool:
        """Whether the final block was seen; what follows (a padding byte) is ignored."""
        return self._zlib.eof

    @property
    def capped(self) -> bool:
        """Whether nothing more is inflated."""
        return self._room == 0

    def pieces(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """What the next compressed bytes inflate to, up to the cap. Raises Broken on a corrupt stream.

        All that comes before the corruption is handed on first, so that it does not matter how the bytes arrived.
        """
        while not self.ended and not self.capped:
            before = self._zlib.copy()
            try:
                piece = self._piece(data)
            except zlib.error:
                self._zlib = before
                yield from self._pieces_before_corruption(data)
                raise Broken(0, "the deflated stream is corrupt") from None
            if piece:
                yield piece
            data = self._zlib.unconsumed_tail
            if not data and len(piece) < PIECE_BYTES_MAX:
                return

    def _piece(self, data: bytes | bytearray | memoryview) -> bytes:
        piece = self._zlib.decompress(data, min(self._room, PIECE_BYTES_MAX))
        self._room -= len(piece)
        return piece

    def _pieces_before_corruption(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """zlib keeps its output to itself in a call that fails: here no call but the failing one has any to keep."""
        with suppress(zlib.error):
            yield from filter(None, (self._piece(data[at : at + 1]) for at in range(len(data))))

    def inflate_all(self, data: bytes) -> bytes:
        """A whole data set at once. Raises Broken when it is corrupt, cut short or longer than the cap."""
        inflated = b"".join(self.pieces(data))
        if not self.ended:
            raise Broken(len(inflated), "the deflated stream does not end")
        return inflated


def deflate(data: bytes) -> bytes:
    """A raw DEFLATE stream, padded to even length."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = compressor.compress(data) + compressor.flush()
    return deflated + b"\0" * (len(deflated) & 1)
