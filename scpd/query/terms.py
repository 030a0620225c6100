"""The vocabulary of a C-FIND: what was asked, as typed matchers (PS3.4 C.2.2.2). No behaviour lives here.

`query/identifier.py` makes a `Query` from an Identifier; `query/matching.py` says what it means; an index may
answer parts of it faster, but never differently.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from scpd.dataset.attributes import Tag


class Level(StrEnum):
    """Query/Retrieve Level (0008,0052), PS3.4 C.6.1.1 and C.6.2.1, from the root down."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


class Model(StrEnum):
    """Query/Retrieve information model, named by its root (PS3.4 C.3)."""

    PATIENT_ROOT = "PATIENT_ROOT"
    STUDY_ROOT = "STUDY_ROOT"


@dataclass(frozen=True, slots=True)
class Universal:
    """Zero length, or wild cards alone: matches everything, absent values too (PS3.4 C.2.2.2.3)."""


@dataclass(frozen=True, slots=True)
class Single:
    """Single value matching (PS3.4 C.2.2.2.1)."""

    value: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """List of UID matching (PS3.4 C.2.2.2.2), or multiple value matching where it was negotiated."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` stands for any characters and none, `?` for exactly one (PS3.4 C.2.2.2.4)."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Range:
    """Range matching on DA, TM or DT; an open end is None (PS3.4 C.2.2.2.5)."""

    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Empty:
    """Empty value matching, `""`: matches only absent or zero-length values, where it was negotiated."""


@dataclass(frozen=True, slots=True)
class Items:
    """Sequence matching: one stored item must match every key (PS3.4 C.2.2.2.6)."""

    keys: tuple["Key", ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """A private creator: returned as it came, because it says what the private keys beside it are (PS3.5 7.8.1)."""

    value: str


Matcher: TypeAlias = Universal | Single | AnyOf | Wildcard | Range | Empty | Items | Stated


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute of the Identifier: asked for in the response, and matched on unless `Universal`.

    `tag` is what it is kept under: its own, or the key of an attribute that a site wants (see `dataset.site`). `named`
    is then the tag that the Identifier has for it, else None.
    """

    tag: Tag
    vr: str
    matcher: Matcher
    named: Tag | None = None

    @property
    def tag_named(self) -> Tag:
        """The tag that the Identifier has for it, and the response."""
        return self.tag if self.named is None else self.named


@dataclass(frozen=True, slots=True)
class Query:
    """A validated Identifier.

    `keys` holds the requested keys as the Identifier has them, without (0008,0005), (0008,0052) and group lengths.
    `unsupported` holds requested tags this AE neither matches on nor returns, `unmatched` those it returns without
    having matched on them: either makes the pending status FF01H (PS3.4 C.4.1.1.4). `combined` names the pairs of a
    date and a time key whose two ranges are one range of moments (PS3.4 C.2.2.2.5.4), where that was negotiated.
    `character_set` is the Identifier's (0008,0005); `utc_offset` its (0008,0201), where it was negotiated that all
    dates and times are told in that zone (PS3.4 C.2.2.2.1.3).
    """

    model: Model
    level: Level
    keys: tuple[Key, ...]
    unsupported: frozenset[Tag] = frozenset()
    combined: tuple[tuple[Tag, Tag], ...] = ()
    character_set: str = ""
    unmatched: frozenset[Tag] = frozenset()
    utc_offset: str = ""
