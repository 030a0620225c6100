"""`Attributes` -> the bytes of a data set: ascending tags, even lengths, items of defined length (PS3.5 7).

The VR of an element is the dictionary's. What the dictionary does not know is left out, and what its VR cannot carry is
written with zero length: both can only stem from a stored object that broke the rules, and must not spoil an answer.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from struct import Struct

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.dataset.charset import CharacterSet, character_set
from scpd.dataset.dictionary import SHORT_VRS, encoding_of, vr_of
from scpd.dataset.inflate import deflate
from scpd.dataset.values import bytes_of

ITEM_GROUP, ITEM = 0xFFFE, 0xE000
SHORT_LENGTH_MAX = 0xFFFE
HEADS_READY = 66
"""Element heads are laid out for values that are shorter: nearly all are (PS3.5 6.2)."""


class Encoder:
    """Writes data sets in one transfer syntax and one character set; `private_vrs` are VRs of private elements."""

    def __init__(
        self, transfer_syntax_uid: str, specific_character_set: str = "", private_vrs: Mapping[Tag, str] | None = None
    ) -> None:
        self._private_vrs = private_vrs or {}
        encoding = encoding_of(transfer_syntax_uid)
        self._order = ">" if encoding.big_endian else "<"
        self._implicit = encoding.implicit
        self._deflated = encoding.deflated
        self._charset: CharacterSet = character_set(specific_character_set)
        self._short = Struct(self._order + "HH2sH").pack
        self._long = Struct(self._order + "HH2sHI").pack
        self._bare = Struct(self._order + "HHI").pack
        self._writers: dict[Tag, Callable[[Value], bytes]] = {}

    def encode(self, attributes: Attributes) -> bytes:
        """The bytes of a data set. Raises UnicodeEncodeError for text that the character set cannot carry."""
        data = self._elements(attributes)
        return deflate(data) if self._deflated else data

    def _elements(self, attributes: Attributes) -> bytes:
        writers = self._writers
        return b"".join([(writers.get(tag) or self._writer_of(tag))(attributes[tag]) for tag in sorted(attributes)])

    def _writer_of(self, tag: Tag) -> Callable[[Value], bytes]:
        """What writes the elements of one tag; kept, but for unknown ones: hostile ones would fill the memory."""
        vr = self._private_vrs.get(tag) or vr_of(tag)
        if vr == "UN":
            return _nothing
        writer = partial(self._element, tag, vr, [self._head(tag, vr, length) for length in range(HEADS_READY)])
        self._writers[tag] = writer
        return writer

    def _element(self, tag: Tag, vr: str, heads: Sequence[bytes], value: Value) -> bytes:
        if not value or isinstance(value, str) is (vr == "SQ"):
            return heads[0]
        data = self._bytes(vr, value) if isinstance(value, str) else self._items(value)
        length = len(data)
        return (heads[length] if length < HEADS_READY else self._head(tag, vr, length)) + data

    def _items(self, items: Sequence[Attributes]) -> bytes:
        encoded = [self._elements(item) for item in items]
        return b"".join([self._bare(ITEM_GROUP, ITEM, len(item)) + item for item in encoded])

    def _bytes(self, vr: str, text: str) -> bytes:
        try:
            return bytes_of(vr, text, self._order, self._charset)
        except UnicodeEncodeError:
            raise
        except ValueError:
            return b""

    def _head(self, tag: Tag, vr: str, length: int) -> bytes:
        if self._implicit:
            return self._bare(tag >> 16, tag & 0xFFFF, length)
        if vr not in SHORT_VRS:
            return self._long(tag >> 16, tag & 0xFFFF, vr.encode(), 0, length)
        if length > SHORT_LENGTH_MAX:  # PS3.5 6.2.2: a value too long for its VR is written as UN
            return self._long(tag >> 16, tag & 0xFFFF, b"UN", 0, length)
        return self._short(tag >> 16, tag & 0xFFFF, vr.encode(), length)


def _nothing(_: Value) -> bytes:
    """What is written of an element whose VR nobody knows."""
    return b""
