"""`Attributes` -> the bytes of a data set: ascending tags, even lengths, items of defined length (PS3.5 7).

The VR of an element is the dictionary's. What the dictionary does not know is left out, and what its VR cannot carry is
written with zero length: both can only stem from a stored object that broke the rules, and must not spoil an answer.
"""

from struct import Struct

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.dataset.charset import CharacterSet, character_set
from scpd.dataset.dictionary import SHORT_VRS, encoding_of, vr_of
from scpd.dataset.inflate import deflate
from scpd.dataset.values import bytes_of

ITEM_GROUP, ITEM = 0xFFFE, 0xE000
SHORT_LENGTH_MAX = 0xFFFE


class Encoder:
    """Writes data sets in one transfer syntax and one character set."""

    def __init__(self, transfer_syntax_uid: str, specific_character_set: str = "") -> None:
        encoding = encoding_of(transfer_syntax_uid)
        self._order = ">" if encoding.big_endian else "<"
        self._implicit = encoding.implicit
        self._deflated = encoding.deflated
        self._charset: CharacterSet = character_set(specific_character_set)
        self._short = Struct(self._order + "HH2sH").pack
        self._long = Struct(self._order + "HH2sHI").pack
        self._bare = Struct(self._order + "HHI").pack

    def encode(self, attributes: Attributes) -> bytes:
        """The bytes of a data set. Raises UnicodeEncodeError for text that the character set cannot carry."""
        data = self._elements(attributes)
        return deflate(data) if self._deflated else data

    def _elements(self, attributes: Attributes) -> bytes:
        parts: list[bytes] = []
        for tag in sorted(attributes):
            vr = vr_of(tag)
            if vr != "UN":
                value = self._value(vr, attributes[tag])
                parts += self._head(tag, vr, len(value)), value
        return b"".join(parts)

    def _value(self, vr: str, value: Value) -> bytes:
        if not value or isinstance(value, str) is (vr == "SQ"):
            return b""
        if isinstance(value, str):
            return self._bytes(vr, value)
        items = [self._elements(item) for item in value]
        return b"".join([self._bare(ITEM_GROUP, ITEM, len(item)) + item for item in items])

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
