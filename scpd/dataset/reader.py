"""Reads a data set that lies whole in memory, nested sequences and all: C-FIND identifiers, kept sequences.

Two passes, because the Specific Character Set of an item is known only once the item has been read: structure first
(`RawDataSet`), then text. Both recurse, never deeper than `DEPTH_MAX` sequences.
"""

from collections.abc import Mapping
from typing import TypeAlias

from scpd.dataset.attributes import Attributes, Tag
from scpd.dataset.charset import DEFAULT, CharacterSet, character_set
from scpd.dataset.dictionary import LONG_VRS, SHORT_VRS, encoding_of, vr_of
from scpd.dataset.heads import BIG, LITTLE, UNDEFINED, WITHIN_UN, Broken, Form, Incomplete, form_of_first, read_head
from scpd.dataset.inflate import Inflater
from scpd.dataset.values import text_of

DEPTH_MAX = 64
"""Sequences within sequences, the top-level one counted; DCMTK draws the line there too."""

VR_NAMES = {vr.encode(): vr for vr in SHORT_VRS | LONG_VRS - {"UN"}}
"""The VRs to believe when they are written; where none, UN or an unknown one is, the dictionary's counts."""

SPECIFIC_CHARACTER_SET = 0x00080005


RawElement: TypeAlias = "tuple[str, bytes | tuple[RawDataSet, ...], str]"
"""An element as it was written: VR, value field or items, and the byte order ("<" or ">") of its numbers."""

RawDataSet: TypeAlias = Mapping[Tag, RawElement]


def read_data_set(data: bytes, transfer_syntax_uid: str) -> Attributes:
    """Every element of a whole data set, decoded. Raises Broken where the structure does not hold."""
    return decoded(read_raw(data, transfer_syntax_uid))


def read_raw(data: bytes, transfer_syntax_uid: str) -> RawDataSet:
    """Every element of a whole data set, as it was written. Raises Broken where the structure does not hold."""
    encoding = encoding_of(transfer_syntax_uid)
    if encoding.deflated:
        data = Inflater().inflate_all(data)
    form = form_of_first(Form(BIG if encoding.big_endian else LITTLE, encoding.implicit), data)
    return read_elements(data, 0, len(data), form, depth=0, delimited=False)[0]


def decoded(raw: RawDataSet, inherited: CharacterSet | None = None) -> Attributes:
    """The elements as text, by their own Specific Character Set or else the one of the data set around them."""
    return texts_of(raw, charset_of(raw, inherited))


def charset_of(raw: RawDataSet, inherited: CharacterSet | None = None) -> CharacterSet:
    """The Specific Character Set that the elements name, or else the one of the data set around them."""
    charset = inherited or DEFAULT
    named = raw.get(SPECIFIC_CHARACTER_SET)
    if named is not None and isinstance(named[1], bytes):
        return character_set(text_of("CS", named[1], "<", charset))
    return charset


def texts_of(raw: RawDataSet, charset: CharacterSet) -> Attributes:
    """The elements as text in `charset`, whatever they name themselves; items below may name their own."""
    return {
        tag: text_of(vr, value, order, charset)
        if isinstance(value, bytes)
        else tuple([decoded(item, charset) for item in value])
        for tag, (vr, value, order) in raw.items()
    }


def read_elements(data: bytes, at: int, end: int, form: Form, *, depth: int, delimited: bool) -> tuple[RawDataSet, int]:
    """Elements up to `end`, or up to the item delimiter; and where that was. Raises Broken."""
    elements: dict[Tag, RawElement] = {}
    while at < end:
        try:
            wire, vr, length, start = read_head(data, at, form)
        except Incomplete:
            raise Broken(at, "an element head does not end") from None
        if start > end or (length != UNDEFINED and start + length > end):
            raise Broken(at, "an element is longer than what holds it")
        if delimited and wire == form.order.item_end:
            return elements, start
        if wire in (form.order.item, form.order.sequence_end):
            raise Broken(at, "an item does not end")
        tag = form.order.tag(wire)
        elements[tag], at = _read_element(data, start, end, form, tag, vr, length, depth)
    if delimited:
        raise Broken(at, "an item does not end")
    return elements, at


def _read_element(
    data: bytes, start: int, end: int, form: Form, tag: Tag, vr: bytes, length: int, depth: int
) -> tuple[RawElement, int]:
    name = VR_NAMES.get(vr) or vr_of(tag)
    inner = WITHIN_UN if vr == b"UN" else form
    if length == UNDEFINED:
        if name not in ("SQ", "UN"):
            return (name, b"", form.order.name), _skip_fragments(data, start, end, form)
        items, stop = read_items(data, start, end, inner, depth=depth + 1, delimited=True)
        return ("SQ", items, form.order.name), stop
    stop = start + length
    if name == "SQ":
        items, _ = read_items(data, start, stop, inner, depth=depth + 1, delimited=False)
        return (name, items, form.order.name), stop
    return (name, data[start:stop], form.order.name), stop


def read_items(
    data: bytes, at: int, end: int, form: Form, *, depth: int, delimited: bool
) -> tuple[tuple[RawDataSet, ...], int]:
    """The items of a sequence up to `end` or up to its delimiter; and where that was. Raises Broken."""
    if depth > DEPTH_MAX:
        raise Broken(at, "sequences are nested too deep")
    items: list[RawDataSet] = []
    while at < end:
        wire, length, start = _item_before(data, at, end, form)
        if wire == form.order.sequence_end:
            return tuple(items), start
        stop = end if length == UNDEFINED else start + length
        item, at = read_elements(data, start, stop, form, depth=depth, delimited=length == UNDEFINED)
        items.append(item)
    if delimited:
        raise Broken(at, "a sequence does not end")
    return tuple(items), at


def _item_before(data: bytes, at: int, end: int, form: Form) -> tuple[int, int, int]:
    """Wire tag, length and content of the item or delimiter at `at`."""
    start = at + 8
    if start > end:
        raise Broken(at, "an element head does not end")
    wire, length = form.order.pair(data, at)
    if length != UNDEFINED and start + length > end:
        raise Broken(at, "an element is longer than what holds it")
    if wire not in (form.order.item, form.order.sequence_end):
        raise Broken(at, "no item where one belongs")
    return wire, length, start


def _skip_fragments(data: bytes, at: int, end: int, form: Form) -> int:
    """The index behind encapsulated pixel data (PS3.5 A.4)."""
    while at < end:
        wire, length, start = _item_before(data, at, end, form)
        if wire == form.order.sequence_end:
            return start
        if length == UNDEFINED:
            raise Broken(at, "a fragment has no length")
        at = start + length
    raise Broken(at, "fragments do not end")
