"""Specific Character Set (0008,0005): bytes <-> text by PS3.3 C.12.1.1.2 and PS3.5 6.1, on Python's own codecs.

Decoding never fails: a misspelled term is recognised by its letters and digits, an unknown or missing one is read as
Latin-1, and undecodable bytes become U+FFFD. Code extensions (ISO 2022) are followed as designations of G0 and G1:
G0 is what bytes below 80H mean, G1 what those above mean; a delimiter brings both back to the first value's.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_STAND_ALONE = {"ISOIR192": "utf-8", "UTF8": "utf-8", "GB18030": "gb18030", "GBK": "gbk", "ISO2022GBK": "gbk"}
_SINGLE_BYTE = {
    "100": "latin-1", "101": "iso8859-2", "109": "iso8859-3", "110": "iso8859-4", "144": "iso8859-5",
    "127": "iso8859-6", "126": "iso8859-7", "138": "iso8859-8", "148": "iso8859-9", "166": "tis-620", "13": "shift_jis",
    "203": "iso8859-15",
}  # fmt: skip
_TWO_BYTES = {"149": "euc_kr", "58": "gb2312", "87": "iso2022_jp", "159": "iso2022_jp_1"}

# Escape sequences of PS3.3 Tables C.12-3 and C.12-4.
_G1 = {
    b"\x1b-A": "latin-1", b"\x1b-B": "iso8859-2", b"\x1b-C": "iso8859-3", b"\x1b-D": "iso8859-4",
    b"\x1b-F": "iso8859-7", b"\x1b-G": "iso8859-6", b"\x1b-H": "iso8859-8", b"\x1b-L": "iso8859-5",
    b"\x1b-M": "iso8859-9", b"\x1b-T": "tis-620", b"\x1b-b": "iso8859-15", b"\x1b)I": "shift_jis",
    b"\x1b$)C": "euc_kr", b"\x1b$)A": "gb2312",
}  # fmt: skip
_G0_TWO_BYTES = {b"\x1b$B": "iso2022_jp", b"\x1b$(D": "iso2022_jp_1"}
_ESCAPE_OF = {codec: escape for escape, codec in _G1.items()}

_PIECES = re.compile(rb"(\x1b\$?[()\-]?.)([^\x1b]*)", re.DOTALL)
_DELIMITER = re.compile(rb"[\\\r\n\f\t]")
_NAME_DELIMITER = re.compile(rb"[\\^=\r\n\f\t]")
_DELIMITED = re.compile(r"([\\^=\r\n\f\t])")


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """A Specific Character Set, ready for use.

    `first` decodes what no escape sequence precedes and `writes` encodes it: they differ for the default repertoire,
    which is ASCII, but is read as Latin-1. `extensions` are the codecs that escape sequences may designate.
    """

    first: str
    writes: str
    extensions: tuple[str, ...] = ()
    stand_alone: bool = False

    def decode(self, value: bytes, *, person_name: bool = False) -> str:
        """The text of `value`; never fails. In person names ^ and = end a designation too (PS3.5 6.1.2.5.3)."""
        if b"\x1b" not in value or self.stand_alone:
            return value.decode(self.first, "replace")
        delimiter = _NAME_DELIMITER if person_name else _DELIMITER
        texts = [value[: value.index(b"\x1b")].decode(self.first, "replace")]
        two_bytes, g1 = b"", self.first
        for escape, piece in _PIECES.findall(value):
            if escape in _G1:
                g1 = _G1[escape]
            else:
                two_bytes = escape if escape in _G0_TWO_BYTES else b""
            if two_bytes:
                texts.append((two_bytes + piece).decode(_G0_TWO_BYTES[two_bytes], "replace"))
                continue
            found = delimiter.search(piece)
            end = found.start() if found else len(piece)
            texts += piece[:end].decode(g1, "replace"), piece[end:].decode(self.first, "replace")
            g1 = self.first if found else g1
        return "".join(texts)

    def encode(self, text: str) -> bytes:
        """The bytes of `text`. Raises UnicodeEncodeError when this character set cannot carry it."""
        if text.isascii() or self.stand_alone:
            return text.encode(self.writes)
        return b"".join(map(self._encode_piece, _DELIMITED.split(text)))

    def _encode_piece(self, piece: str) -> bytes:
        for codec in (self.writes, *self.extensions):
            try:
                encoded = piece.encode(codec)
            except UnicodeEncodeError:
                continue
            if codec == "shift_jis" and len(encoded) > len(piece):
                continue  # JIS X 0201 has single bytes only, the codec's other characters are not of the set
            return encoded if codec == self.writes else _ESCAPE_OF.get(codec, b"") + encoded
        raise UnicodeEncodeError(self.writes, piece, 0, len(piece), "not in this character set")


def _codec(term: str) -> str:
    """The codec of one defined term, however it is spelled; "ascii" for the default repertoire and unknown terms."""
    letters = re.sub(r"[^A-Z0-9]", "", term.upper())
    number = re.sub(r"^ISO(2022)?(IR)?", "", letters)
    return _STAND_ALONE.get(letters) or _SINGLE_BYTE.get(number) or _TWO_BYTES.get(number, "ascii")


@lru_cache(maxsize=64)
def character_set(specific_character_set: str) -> CharacterSet:
    """The character set that the text of (0008,0005) names, its values joined by backslashes; "" is the default."""
    first, *others = (_codec(term) for term in specific_character_set.split("\\"))
    if first in _STAND_ALONE.values():
        return CharacterSet(first, first, stand_alone=True)
    extensions = tuple(codec for codec in others if codec not in _STAND_ALONE.values() and codec != "ascii")
    if first in _TWO_BYTES.values():  # a multi-byte set can only extend another (PS3.3 C.12.1.1.2)
        first, extensions = "ascii", (first, *extensions)
    return CharacterSet("latin-1" if first == "ascii" else first, first, extensions)


DEFAULT = character_set("")
"""The default repertoire, which a data set without the element is written in."""

UTF_8 = character_set("ISO_IR 192")
"""What any text can be written in."""
