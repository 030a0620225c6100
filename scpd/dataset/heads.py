"""One data element head: tag, VR, length, and where its value begins (PS3.5 7.1). Shared by scanner and reader.

A tag is handled as the number its four bytes make in the stream's byte order ("wire tag"): comparing needs no
rearranging, and only what is kept is turned into a `Tag`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct

from scpd.dataset.attributes import Tag
from scpd.dataset.dictionary import LONG_VRS, SHORT_VRS

UNDEFINED = 0xFFFFFFFF
"""The length that says: until the delimiter (PS3.5 7.1.1)."""

SHORT = frozenset(vr.encode() for vr in SHORT_VRS)
LONG = frozenset(vr.encode() for vr in LONG_VRS)
KNOWN = SHORT | LONG

_Unpack = Callable[[bytes, int], tuple[int, ...]]


class Incomplete(Exception):
    """The bytes end before the head at `at` does; `need` bytes from there would do."""

    def __init__(self, at: int, need: int) -> None:
        self.at, self.need = at, need


class Broken(Exception):
    """The bytes at `at` cannot be what the structure requires there."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(reason)
        self.at, self.reason = at, reason


@dataclass(frozen=True, slots=True)
class Order:
    """A byte order: its unpackers, and the wire tags of items and delimiters (PS3.5 7.5)."""

    name: str
    pair: _Unpack
    long: _Unpack
    short: Callable[[bytes, int], tuple[int, bytes, int]]
    item: int
    item_end: int
    sequence_end: int

    def tag(self, wire: int) -> Tag:
        """The tag that a wire tag stands for; the same function turns it back."""
        return wire if self is BIG else wire >> 16 | (wire & 0xFFFF) << 16


LITTLE = Order(
    "<", Struct("<II").unpack_from, Struct("<I").unpack_from, Struct("<I2sH").unpack_from,
    item=0xE000FFFE, item_end=0xE00DFFFE, sequence_end=0xE0DDFFFE,
)  # fmt: skip
BIG = Order(
    ">", Struct(">II").unpack_from, Struct(">I").unpack_from, Struct(">I2sH").unpack_from,
    item=0xFFFEE000, item_end=0xFFFEE00D, sequence_end=0xFFFEE0DD,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """How elements are written in one stretch of a data set."""

    order: Order
    implicit: bool


WITHIN_UN = Form(LITTLE, implicit=True)
"""Items under a UN of undefined length are implicit little endian whatever surrounds them (PS3.5 6.2.2 Note 2)."""


def looks_like_vr(two: bytes) -> bool:
    """Whether these bytes could be a VR, known or yet to be invented."""
    return two.isalpha() and two.isupper()


def form_of_first(form: Form, head: bytes) -> Form:
    """The form that a data set really has, by its first element: some senders negotiate one and send the other."""
    vr = head[4:6]
    implicit = vr not in KNOWN if form.implicit else len(vr) == 2 and not looks_like_vr(vr)
    return form if implicit is form.implicit else Form(form.order, implicit)


def read_head(data: bytes, at: int, form: Form) -> tuple[int, bytes, int, int]:
    """Wire tag, VR (b"" where none is written), length, and the index of the value. Raises Incomplete, Broken."""
    if len(data) - at < 8:
        raise Incomplete(at, 8)
    order = form.order
    wire, vr, length = order.short(data, at)
    if form.implicit or (vr not in KNOWN and not looks_like_vr(vr)):
        return _implicit_head(data, at, form)
    if vr in SHORT or (length and vr not in LONG):  # a VR nobody knows: by Table 7.1-1 the two bytes are reserved,
        return wire, vr, length, at + 8  # yet some writers put a 16-bit length there
    if len(data) - at < 12:
        raise Incomplete(at, 12)
    return wire, vr, order.long(data, at + 8)[0], at + 12


def _implicit_head(data: bytes, at: int, form: Form) -> tuple[int, bytes, int, int]:
    """Also for explicit streams: some writers fall into implicit VR within private sequences."""
    wire, length = form.order.pair(data, at)
    if not form.implicit and form.order.tag(wire) < 0x00080000:
        raise Broken(at, "no value representation")
    return wire, b"", length, at + 8
