"""The words of the head scanner: what a scan looks for, what it may cost, and what it finds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.dataset.heads import LITTLE
from scpd.dataset.inflate import INFLATED_BYTES_MAX
from scpd.dataset.reader import DEPTH_MAX, SPECIFIC_CHARACTER_SET, RawDataSet, charset_of, texts_of
from scpd.dataset.recall import Passage
from scpd.dataset.site import NO_SITE, Site

DELIMITERS = frozenset({0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD})


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """What one scan may cost. A value that does not fit is passed over, as if it were absent.

    `besides` is what a site wants to be kept besides what the scan is for.
    """

    value_bytes_max: int = 65_536
    kept_bytes_max: int = 1_048_576
    inflated_bytes_max: int = INFLATED_BYTES_MAX
    depth_max: int = DEPTH_MAX
    besides: Site = NO_SITE


DEFAULT_LIMITS = ScanLimits()


@dataclass(frozen=True, slots=True)
class Damage:
    """Where the structure breaks (in bytes from the start, inflated ones in a deflated data set), and how."""

    offset: int
    reason: str


Kept: TypeAlias = tuple[Tag, bytes, bytes, int]
"""A wanted element as it passed: VR, value, and the offset of its head."""

Stretch: TypeAlias = RawDataSet | Passage
"""Consecutive elements that were read, or that were recalled."""


class Wanted:
    """The top-level tags a scan keeps, prepared once for many scans; sequences among them are kept whole.

    Specific Character Set is always kept: nothing could be decoded without it.
    """

    __slots__ = ("big", "little")

    def __init__(self, tags: Collection[Tag]) -> None:
        # File meta and command elements are looked for as well: a data set must not hold them (PS3.10 7.1, PS3.7 6.3).
        misplaced = {*range(0x00000000, 0x00001040), *range(0x00020000, 0x00020110), *DELIMITERS}
        watched = {SPECIFIC_CHARACTER_SET, *tags, *misplaced}
        self.little = {LITTLE.tag(tag): tag for tag in watched}
        self.big = {tag: tag for tag in watched}


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found. A tag that was passed over for its size is missing, and so is all that lies behind damage.

    `damage` is None when the structure is whole. `file_meta_inside`: the data set holds file meta or command elements,
    or is a whole Part 10 file. `capped`: inflation stopped at its limit, so the rest was not looked at.
    """

    elements: RawDataSet
    damage: Damage | None
    file_meta_inside: bool
    capped: bool
    stretches: Sequence[Stretch] = field(compare=False, repr=False)

    def attributes(self) -> Attributes:
        """Every kept element decoded by the data set's Specific Character Set."""
        charset = charset_of(self.elements)
        attributes: dict[Tag, Value] = {}
        for stretch in self.stretches:
            attributes.update(stretch.decoded(charset) if isinstance(stretch, Passage) else texts_of(stretch, charset))
        return attributes
