"""C-FIND Identifiers of requests (PS3.4 C.4.1.1.3): bytes -> Query.

Everything a peer may get wrong is found here, and answered with the status that says so: C000H for bytes that are no
data set, A900H for a data set that is no Identifier of the model. Keys of levels above the query's are answered, for
an SCP may know more than it must; keys of levels below mean a misunderstanding, unless the peer is granted leniency.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scpd.dataset.attributes import Attributes, Tag, Value, text
from scpd.dataset.dictionary import vr_of
from scpd.dataset.heads import Broken
from scpd.dataset.reader import read_data_set
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
from scpd.query.matching import MOMENT_VRS, ONE_VALUE_VRS
from scpd.query.moments import is_utc_offset, split_range
from scpd.query.terms import AnyOf, Empty, Items, Key, Level, Matcher, Model, Query, Range, Single, Universal, Wildcard
from scpd.query.zones import DATE_AND_TIME

WILDCARD_VRS = frozenset("AE CS LO LT PN SH ST UC UR UT".split())
"""PS3.4 C.2.2.2.4; in other VRs an asterisk is a character, and no valid one."""

NOT_MATCHED_ON = ANSWERED | {TIMEZONE_OFFSET_FROM_UTC}
NOT_KEYS = frozenset({SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL})


@dataclass(frozen=True, slots=True)
class QueryRules:
    """What was negotiated, or granted to this peer (PS3.4 C.5.1.1). The default is strict and hierarchical.

    `relational` frees from the unique keys of the levels above. Without `strict` they may be missing too, keys of
    levels below are passed over (FF01H), and several values of any VR are taken for a list. With `timezone_adjustment`,
    dates and times are in the Identifier's own zone, if it names one. `indexed_besides` are tags that the grid of
    `levels` does not have, but this site's index: they are keys of the IMAGE level.
    """

    strict: bool = True
    relational: bool = False
    combined_datetime: bool = False
    empty_values: bool = False
    multiple_values: bool = False
    timezone_adjustment: bool = False
    indexed_besides: frozenset[Tag] = frozenset()


STRICT = QueryRules()


def decode_identifier(data: bytes, transfer_syntax_uid: str, model: Model, rules: QueryRules = STRICT) -> Query:
    """The query that an Identifier asks. Raises DimseFailure with A900H or C000H (PS3.4 C.4.1.1.4)."""
    try:
        attributes = read_data_set(data, transfer_syntax_uid)
    except Broken as broken:
        raise DimseFailure(Status.UNABLE_TO_PROCESS, f"identifier: {broken.reason}") from broken
    level = _level(attributes, model)
    keys, unsupported = _keys(attributes, model, level, rules)
    _check_unique_keys(keys, model, level, rules)
    utc_offset = _utc_offset(attributes) if rules.timezone_adjustment else ""
    return Query(
        model,
        level,
        keys,
        unsupported,
        _combined(keys) if rules.combined_datetime else (),
        text(attributes, SPECIFIC_CHARACTER_SET),
        _unmatched(attributes, utc_offset),
        utc_offset,
    )


def _refused(comment: str, *tags: Tag) -> DimseFailure:
    return DimseFailure(Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, comment, tags)


def _level(attributes: Attributes, model: Model) -> Level:
    named = text(attributes, QUERY_RETRIEVE_LEVEL)
    for level in levels(model):
        if level.value == named:
            return level
    raise _refused("no Query/Retrieve Level of this model", QUERY_RETRIEVE_LEVEL)


def _keys(
    attributes: Attributes, model: Model, level: Level, rules: QueryRules
) -> tuple[tuple[Key, ...], frozenset[Tag]]:
    """The keys that are answered, and the tags that are not."""
    answered = set(levels_down_to(level))
    keys, unsupported, below = [], [], []
    for tag in sorted(attributes):
        if tag in NOT_KEYS or tag & 0xFFFF == 0 or tag < 0x00080000:  # nor group lengths, commands and file meta
            continue
        lives_at = Level.IMAGE if tag in rules.indexed_besides else level_of(tag, model)
        if tag in NOT_MATCHED_ON:
            keys.append(Key(tag, vr_of(tag), Universal()))
        elif lives_at in answered:
            keys.append(Key(tag, vr_of(tag), _matcher(tag, attributes[tag], rules)))
        else:
            unsupported.append(tag)
            below += [tag] if lives_at else []
    if below and rules.strict and not rules.relational:
        raise _refused("keys of a level below the query's", *below)
    return tuple(keys), frozenset(unsupported)


def _utc_offset(attributes: Attributes) -> str:
    """The zone the peer wants to be understood and answered in; "" where it names none."""
    offset = text(attributes, TIMEZONE_OFFSET_FROM_UTC)
    if offset and not is_utc_offset(offset):
        raise _refused("no offset from UTC", TIMEZONE_OFFSET_FROM_UTC)
    return offset


def _unmatched(attributes: Attributes, utc_offset: str) -> frozenset[Tag]:
    """Keys whose values are returned whatever value was asked for."""
    asked = frozenset(tag for tag in NOT_MATCHED_ON if text(attributes, tag).strip("*"))
    return asked - {TIMEZONE_OFFSET_FROM_UTC} if utc_offset else asked


def _check_unique_keys(keys: Iterable[Key], model: Model, level: Level, rules: QueryRules) -> None:
    """PS3.4 C.4.1.2.1: each level above is pinned to one entity, unless relational queries were granted."""
    if rules.relational or not rules.strict:
        return
    single = {key.tag for key in keys if isinstance(key.matcher, Single)}
    above = [UNIQUE_KEY[higher] for higher in levels_down_to(level, model)[:-1]]
    missing = [tag for tag in above if tag not in single]
    if missing:
        raise _refused("a single value is needed for the unique keys above", *missing)


def _matcher(tag: Tag, value: Value, rules: QueryRules) -> Matcher:
    vr = vr_of(tag)
    if isinstance(value, str):
        return _text_matcher(tag, vr, value, rules) if vr != "SQ" else Universal()
    if len(value) > 1 or vr != "SQ":
        raise _refused("a sequence key has one item", tag)
    return Items(tuple(_item_keys(value[0], rules))) if value else Universal()


def _item_keys(item: Attributes, rules: QueryRules) -> Iterable[Key]:
    for tag in sorted(item):
        if tag & 0xFFFF and tag != SPECIFIC_CHARACTER_SET:
            yield Key(tag, vr_of(tag), _matcher(tag, item[tag], rules))


def _text_matcher(tag: Tag, vr: str, value: str, rules: QueryRules) -> Matcher:
    if not value:
        return Universal()
    if value == '""' and rules.empty_values:
        return Empty()
    if "\\" in value and vr not in ONE_VALUE_VRS:
        return _list_matcher(tag, vr, value, rules)
    if vr in MOMENT_VRS:
        return _moment_matcher(tag, vr, value)
    if vr in WILDCARD_VRS and ("*" in value or "?" in value):
        return Wildcard(value) if value.strip("*") else Universal()
    return Single(value)


def _list_matcher(tag: Tag, vr: str, value: str, rules: QueryRules) -> Matcher:
    values = tuple(one for one in value.split("\\") if one)
    if vr != "UI" and rules.strict and not rules.multiple_values:
        raise _refused("several values, but one is matched on", tag)
    return AnyOf(values) if values else Universal()


def _moment_matcher(tag: Tag, vr: str, value: str) -> Matcher:
    ends = split_range(vr, value)
    if ends is None:
        return Single(value)
    first, last = ends
    if not first and not last:
        raise _refused("a range without ends", tag)
    return Range(first or None, last or None)


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
