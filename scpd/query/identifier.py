"""C-FIND Identifiers of requests (PS3.4 C.4.1.1.3): bytes -> Query.

Everything a peer may get wrong is found here, and answered with the status that says so: C000H for bytes that are no
data set, A900H for a data set that is no Identifier of the model. Keys of levels above the query's are answered, for
an SCP may know more than it must; keys of levels below mean a misunderstanding, unless the peer is granted leniency.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from scpd.dataset.attributes import Attributes, Tag, Value, text
from scpd.dataset.dictionary import vr_of
from scpd.dataset.heads import Broken
from scpd.dataset.reader import RawDataSet, decoded, read_raw
from scpd.dataset.site import SiteAttribute, as_named, located
from scpd.dimse.status import DimseFailure, Status
from scpd.query.levels import (
    ANSWERED,
    QUERY_RETRIEVE_LEVEL,
    SPECIFIC_CHARACTER_SET,
    TIMEZONE_OFFSET_FROM_UTC,
    UNIQUE_KEY,
    level_of,
    levels,
    levels_down_to,
)
from scpd.query.matchers import STRICT, QueryRules, refused, text_matcher
from scpd.query.matching import is_universal
from scpd.query.moments import is_utc_offset
from scpd.query.terms import Items, Key, Level, Matcher, Model, Query, Range, Single, Stated, Universal
from scpd.query.zones import DATE_AND_TIME

__all__ = ["STRICT", "QueryRules", "decode_identifier", "pending_status"]

ONLY_RETURNED: Mapping[Tag, SiteAttribute] = {
    tag: SiteAttribute(tag, vr_of(tag), is_matched=False) for tag in ANSWERED | {TIMEZONE_OFFSET_FROM_UTC}
}
"""Keys of every level."""

NOT_KEYS = frozenset({SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL})


def decode_identifier(data: bytes, transfer_syntax_uid: str, model: Model, rules: QueryRules = STRICT) -> Query:
    """The query that an Identifier asks. Raises DimseFailure with A900H or C000H (PS3.4 C.4.1.1.4)."""
    try:
        raw = as_named(read_raw(data, transfer_syntax_uid), rules.indexed_besides.attributes)
    except Broken as broken:
        raise DimseFailure(Status.UNABLE_TO_PROCESS, f"identifier: {broken.reason}") from broken
    attributes = decoded(raw)
    level = _level(attributes, model)
    utc_offset = _utc_offset(attributes) if rules.timezone_adjustment else ""
    reading = Reading(rules, model, level)
    keys = reading.keys(raw, attributes)
    _check_unique_keys(keys, model, level, rules)
    return Query(
        model,
        level,
        keys,
        frozenset(reading.unsupported),
        _combined(keys) if rules.combined_datetime else (),
        text(attributes, SPECIFIC_CHARACTER_SET),
        frozenset(reading.unmatched) - ({TIMEZONE_OFFSET_FROM_UTC} if utc_offset else frozenset()),
        utc_offset,
    )


def _level(attributes: Attributes, model: Model) -> Level:
    named = text(attributes, QUERY_RETRIEVE_LEVEL)
    for level in levels(model):
        if level.value == named:
            return level
    raise refused("no Query/Retrieve Level of this model", QUERY_RETRIEVE_LEVEL)


def _utc_offset(attributes: Attributes) -> str:
    """The zone the peer wants to be understood and answered in; "" where it names none."""
    offset = text(attributes, TIMEZONE_OFFSET_FROM_UTC)
    if offset and not is_utc_offset(offset):
        raise refused("no offset from UTC", TIMEZONE_OFFSET_FROM_UTC)
    return offset


class Reading:
    """The keys of one Identifier, and what is met on the way: tags not supported, and those not matched on."""

    def __init__(self, rules: QueryRules, model: Model, level: Level) -> None:
        self.unsupported: set[Tag] = set()
        self.unmatched: set[Tag] = set()
        self._rules = rules
        self._model = model
        self._answered = frozenset(levels_down_to(level))

    def keys(self, raw: RawDataSet, attributes: Attributes) -> tuple[Key, ...]:
        """The keys that are answered. Raises DimseFailure for those of a level below, unless they are tolerated."""
        wanted = {**located(raw, self._rules.indexed_besides.attributes), **ONLY_RETURNED}
        supported, below = set(), []
        for tag in raw:
            level = level_of(tag, self._model) if tag not in wanted else Level(wanted[tag].level)
            if level in self._answered or tag in ONLY_RETURNED:
                supported.add(tag)
            elif level is not None:
                below.append(tag)
        if below and self._rules.strict and not self._rules.relational:
            raise refused("keys of a level below the query's", *sorted(below))
        return tuple(self._keys(raw, attributes, wanted, supported))

    def _keys(
        self, raw: RawDataSet, attributes: Attributes, wanted: Mapping[Tag, SiteAttribute], supported: Collection[Tag]
    ) -> Iterator[Key]:
        """Of a data set or an item, the keys that are `supported`, and the private creators that explain them."""
        creators = {_creator_of(tag) for tag, one in wanted.items() if one.creator and tag in supported}
        for tag in sorted(attributes):
            if tag in NOT_KEYS or tag & 0xFFFF == 0 or tag < 0x00080000:  # nor group lengths, commands and file meta
                continue
            if tag in creators:
                yield Key(tag, "LO", Stated(text(attributes, tag)))
            elif tag not in supported:
                self.unsupported.add(tag)
            elif key := self._key(tag, raw, attributes[tag], wanted.get(tag)):
                yield key

    def _key(self, tag: Tag, raw: RawDataSet, value: Value, wanted: SiteAttribute | None) -> Key | None:
        """One key; None where nothing of what it names within a sequence is supported."""
        vr = wanted.vr if wanted else vr_of(tag)
        matcher = self._matcher(tag, vr, raw, value, wanted)
        if wanted and wanted.items and isinstance(matcher, Items) and not matcher.keys:
            self.unsupported.add(tag)
            return None
        if wanted and not wanted.is_matched and not is_universal(matcher):
            self.unmatched.add(tag)
            matcher = _universal(matcher)
        key = wanted.key if wanted else tag
        return Key(key, vr, matcher, tag if tag != key else None)

    def _matcher(self, tag: Tag, vr: str, raw: RawDataSet, value: Value, wanted: SiteAttribute | None) -> Matcher:
        if isinstance(value, str):
            return text_matcher(tag, vr, value, self._rules) if vr != "SQ" else Universal()
        if len(value) > 1 or vr != "SQ":
            raise refused("a sequence key has one item", tag)
        items = raw[tag][1]
        if not value:
            return Universal()
        assert not isinstance(items, bytes)  # they were decoded to `value`
        return Items(tuple(self._item_keys(items[0], value[0], wanted.items if wanted else ())))

    def _item_keys(self, raw: RawDataSet, item: Attributes, kept: tuple[SiteAttribute, ...]) -> Iterator[Key]:
        """The keys within a sequence, of which the site keeps what it has named, or everything."""
        wanted = located(raw, kept)
        return self._keys(raw, item, wanted, wanted if kept else raw)


def _universal(matcher: Matcher) -> Matcher:
    """What asks for the same without matching on anything."""
    if isinstance(matcher, Items):
        return Items(tuple(replace(key, matcher=_universal(key.matcher)) for key in matcher.keys))
    return matcher if isinstance(matcher, Stated) else Universal()


def _creator_of(tag: Tag) -> Tag:
    """The private creator that reserves the block of a private element (PS3.5 7.8.1)."""
    return tag & 0xFFFF0000 | tag >> 8 & 0xFF


def _check_unique_keys(keys: Iterable[Key], model: Model, level: Level, rules: QueryRules) -> None:
    """PS3.4 C.4.1.2.1: each level above is pinned to one entity, unless relational queries were granted."""
    if rules.relational or not rules.strict:
        return
    single = {key.tag for key in keys if isinstance(key.matcher, Single)}
    above = [UNIQUE_KEY[higher] for higher in levels_down_to(level, model)[:-1]]
    missing = [tag for tag in above if tag not in single]
    if missing:
        raise refused("a single value is needed for the unique keys above", *missing)


def _combined(keys: tuple[Key, ...]) -> tuple[tuple[Tag, Tag], ...]:
    """Pairs of ranges of one form: both closed, or both open at the same end (PS3.4 C.2.2.2.5.4)."""
    forms = {
        key.tag: (key.matcher.first is None, key.matcher.last is None) for key in keys if isinstance(key.matcher, Range)
    }
    return tuple((date, time) for date, time in DATE_AND_TIME if date in forms and forms[date] == forms.get(time))


def pending_status(query: Query) -> Status:
    """FF00H, or FF01H when some key was not matched on, or not even returned (PS3.4 C.4.1.1.4)."""
    all_were_matched = not (query.unsupported or query.unmatched)
    return Status.PENDING if all_were_matched else Status.PENDING_WITH_UNSUPPORTED_KEYS
