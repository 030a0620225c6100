"""Value fields <-> the text that `Attributes` hold, by VR (PS3.5 6.2): one table for reading, one for writing.

Numbers become decimal text (a float its shortest exact form), AT eight hexadecimal digits a tag, bytes without a
meaning hexadecimal digits. Several values are joined by a backslash; padding is dropped and put back.
"""

from struct import Struct, calcsize, error

from scpd.dataset.charset import CharacterSet

_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_NUMBER_BYTES = {vr: calcsize(f"<{code}") for vr, code in _NUMBERS.items()}
_ONE_NUMBER = {order + vr: Struct(order + code).unpack_from for order in "<>" for vr, code in _NUMBERS.items()}
_IN_CHARACTER_SET = frozenset("LO LT PN SH ST UC UT".split())
_ONE_VALUE = frozenset("LT ST UT".split())
_OPAQUE = frozenset("OB OD OF OL OV OW UN".split())
_BINARY = _OPAQUE | {*_NUMBERS, "AT"}
_PADDING = " \0"


def text_of(vr: str, value: bytes, order: str, charset: CharacterSet) -> str:
    """The text of a value field; `order` is "<" or ">". Never fails: bytes behind the last whole number are dropped."""
    if vr in _BINARY:
        return _binary_text(vr, value, order)
    if vr not in _IN_CHARACTER_SET or (value.isascii() and b"\x1b" not in value):
        text = value.decode("latin-1")  # ASCII is the same in all of them, as nearly all values are
    else:
        text = charset.decode(value, person_name=vr == "PN")
    if vr in _ONE_VALUE:
        return text.rstrip(_PADDING)  # leading spaces are part of a text, and so is a backslash
    if "\\" in text and vr != "UR":
        return "\\".join([one.strip(_PADDING) for one in text.split("\\")])
    return text.strip(_PADDING)


def _binary_text(vr: str, value: bytes, order: str) -> str:
    if vr in _NUMBERS:
        return _numbers_text(vr, value, order)
    if vr == "AT":
        pairs = Struct(order + "HH").iter_unpack(value[: len(value) // 4 * 4])
        return "\\".join(f"{group:04X}{element:04X}" for group, element in pairs)
    return value.hex()


def _numbers_text(vr: str, value: bytes, order: str) -> str:
    size = _NUMBER_BYTES[vr]
    if len(value) < 2 * size:  # one number, as nearly always
        return str(_ONE_NUMBER[order + vr](value)[0]) if len(value) >= size else ""
    count = len(value) // size
    return "\\".join(map(str, Struct(f"{order}{count}{_NUMBERS[vr]}").unpack_from(value)))


def bytes_of(vr: str, text: str, order: str, charset: CharacterSet) -> bytes:
    """The value field of `text`, of even length. Raises ValueError for text that the VR or `charset` cannot carry."""
    if vr in _NUMBERS:
        encoded = _numbers_bytes(vr, text, order)
    elif vr not in _BINARY and text.isascii():
        encoded = text.encode()  # whatever the character set: ASCII is part of all of them
    elif vr in _IN_CHARACTER_SET:
        encoded = charset.encode(text)
    elif vr == "AT":
        tags = [int(tag, 16) for tag in text.split("\\") if tag]
        encoded = b"".join(Struct(order + "HH").pack(tag >> 16, tag & 0xFFFF) for tag in tags)
    elif vr in _OPAQUE:
        encoded = bytes.fromhex(text)
    else:
        encoded = text.encode("latin-1", "replace")
    if len(encoded) & 1:
        return encoded + (b"\0" if vr == "UI" or vr in _OPAQUE else b" ")
    return encoded


def _numbers_bytes(vr: str, text: str, order: str) -> bytes:
    number = float if vr in ("FL", "FD") else int
    numbers = [number(one) for one in text.split("\\") if one]
    try:
        return Struct(f"{order}{len(numbers)}{_NUMBERS[vr]}").pack(*numbers)
    except (error, OverflowError) as failure:
        raise ValueError(f"a number does not fit {vr}") from failure
