"""Attributes that a site wants kept besides the usual ones: standard or private, of any level, also within sequences.

A private element has no tag of its own: a private creator reserves a block of its group, which may be another one in
every data set (PS3.5 7.8.1). So a site attribute is kept under a `key` that names its creator, and its level too: what
keeps it need not be told where it belongs. Of a sequence only those elements are kept that the site has named, if any.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from scpd.dataset.attributes import Attributes, Tag
from scpd.dataset.charset import character_set
from scpd.dataset.heads import WITHIN_UN, Broken
from scpd.dataset.reader import SPECIFIC_CHARACTER_SET, RawDataSet, RawElement, decoded, read_items
from scpd.dataset.values import text_of

PLACES = ("IMAGE", "SERIES", "STUDY", "PATIENT")
"""Query/Retrieve Levels in the order of their numbers in a key."""

PRIVATE_BLOCKS = range(0x10, 0x100)


@dataclass(frozen=True, slots=True)
class SiteAttribute:
    """What is kept, and of which level it tells. Without `is_matched` its values are returned whatever was asked for.

    A private one has a `creator`, and (gggg,00ee) as its `tag`. Of a sequence, `items` are what is kept of every item;
    none means all. Those within have no level of their own.
    """

    tag: Tag
    vr: str
    level: str = "IMAGE"
    creator: str = ""
    is_matched: bool = True
    items: tuple["SiteAttribute", ...] = ()

    @property
    def key(self) -> Tag:
        """What it is kept under: its tag, with the place of its level and its creator in front of it."""
        creator = int.from_bytes(self.creator.encode())
        return creator << 40 | PLACES.index(self.level) << 32 | self.tag


def place_of(key: Tag) -> int:
    """The place in `PLACES` of the level that a key names; 0 for a plain tag too."""
    return key >> 32 & 0xFF


@cache
def _watched(wanted: tuple[SiteAttribute, ...]) -> frozenset[Tag]:
    plain = {one.tag for one in wanted if not one.creator}
    private = [(one.tag, block) for one in wanted if one.creator for block in PRIVATE_BLOCKS]
    return frozenset(plain.union(*([tag & 0xFFFF0000 | block, tag | block << 8] for tag, block in private)))


@dataclass(frozen=True, slots=True)
class Site:
    """All that a site wants. `watched` are the tags under which a data set may have some of it, creators included."""

    attributes: tuple[SiteAttribute, ...] = ()
    watched: frozenset[Tag] = field(init=False, repr=False, compare=False)
    _moved: tuple[SiteAttribute, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        moved = tuple(one for one in self.attributes if one.key != one.tag or one.items)
        object.__setattr__(self, "_moved", moved)
        object.__setattr__(self, "watched", _watched(self.attributes))

    def kept(self, attributes: Attributes, raw: RawDataSet) -> Attributes:
        """The attributes of a data set without what was only watched, and with what the site wants by its keys."""
        if not self._moved:
            return attributes
        only_watched = _watched(self._moved)
        usual = {tag: value for tag, value in attributes.items() if tag not in only_watched}
        return {**usual, **decoded(_picked(raw, self._moved))}


NO_SITE = Site()


def located(raw: RawDataSet, wanted: Sequence[SiteAttribute]) -> Mapping[Tag, SiteAttribute]:
    """Of the elements of one data set or item, those that are `wanted`."""
    blocks = _blocks(raw) if any(one.creator for one in wanted) else {}
    return {tag: one for one in wanted for tag in _tags(one, blocks) if tag in raw}


def _tags(one: SiteAttribute, blocks: Mapping[tuple[int, str], Sequence[int]]) -> Sequence[Tag]:
    if not one.creator:
        return (one.tag,)
    return [one.tag | block << 8 for block in blocks.get((one.tag >> 16, one.creator), ())]


def as_named(raw: RawDataSet, wanted: Sequence[SiteAttribute]) -> RawDataSet:
    """The same elements, private ones with the VRs that the site says they have, where nothing else does."""
    if not wanted:
        return raw
    read = {tag: (_read(raw[tag], one), one.items) for tag, one in located(raw, wanted).items()}
    named = {tag: _with_items(element, items) for tag, (element, items) in read.items() if element is not None}
    return {**raw, **named}


def _with_items(element: RawElement, items: Sequence[SiteAttribute]) -> RawElement:
    vr, value, order = element
    return element if isinstance(value, bytes) else (vr, tuple(as_named(item, items) for item in value), order)


def _blocks(raw: RawDataSet) -> Mapping[tuple[int, str], Sequence[int]]:
    """The blocks that a data set has reserved, by group and creator (PS3.5 7.8.1)."""
    blocks: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for tag, (_, value, order) in raw.items():
        if tag & 0x10000 and tag & 0xFFFF in PRIVATE_BLOCKS and isinstance(value, bytes):
            blocks[tag >> 16, text_of("LO", value, order, character_set(""))].append(tag & 0xFFFF)
    return blocks


def _picked(raw: RawDataSet, wanted: Sequence[SiteAttribute]) -> RawDataSet:
    """What is wanted of a data set or item, by its keys; and what its text is written in."""
    picked = {SPECIFIC_CHARACTER_SET: raw[SPECIFIC_CHARACTER_SET]} if SPECIFIC_CHARACTER_SET in raw else {}
    for tag, one in located(raw, wanted).items():
        element = _read(raw[tag], one)
        if element is not None:
            picked[one.key] = _pruned(element, one.items)
    return picked


def _pruned(element: RawElement, items: Sequence[SiteAttribute]) -> RawElement:
    vr, value, order = element
    if isinstance(value, bytes) or not items:
        return element
    return vr, tuple(_picked(item, items) for item in value), order


def _read(element: RawElement, one: SiteAttribute) -> "RawElement | None":
    """An element as what the site says it is; None where it is something else."""
    vr, value, _ = element
    if not isinstance(value, bytes):
        return element if one.vr == "SQ" else None
    if one.vr != "SQ":
        return (one.vr, value, "<") if vr == "UN" else element  # UN is little endian (PS3.5 6.2.2)
    try:
        items, _ = read_items(value, 0, len(value), WITHIN_UN, depth=1, delimited=False)
    except Broken:
        return None
    return "SQ", items, "<"
