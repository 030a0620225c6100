"""What a Query means (PS3.4 C.2.2.2): pure predicates over decoded attributes, the oracle of every index.

A value that is absent or empty matches `Universal` and `Empty` alone. Of several stored values one has to match.
Text is compared case sensitively, numbers by value, dates and times as what their precision covers, names folded. A
date-time without an offset from UTC has that of its instance, or of the query where that names one for all.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import assert_never

from scpd.dataset.attributes import Attributes, Tag, Value, text
from scpd.query import wildcards
from scpd.query.entities import entities, more_telling, patient_key
from scpd.query.levels import TIMEZONE_OFFSET_FROM_UTC
from scpd.query.moments import TIME_ORIGIN, interval, joined
from scpd.query.names import fold_person_name
from scpd.query.terms import AnyOf, Empty, Items, Key, Matcher, Query, Range, Single, Stated, Universal, Wildcard

__all__ = ["answer", "comparable", "fold_person_name", "key_matches", "matches", "more_telling", "patient_key"]

ONE_VALUE_VRS = frozenset("LT ST UR UT".split())
"""VRs in which a backslash is a character like any other (PS3.5 6.2)."""

MOMENT_VRS = frozenset("DA TM DT".split())
NUMBER_VRS = frozenset("DS IS FL FD SL SS SV UL US UV".split())


def answer(query: Query, instances: Iterable[Attributes]) -> Iterator[Attributes]:
    """The entities at the query's level among `instances` that match, with computed keys, in order of unique keys."""
    return (entity for entity in entities(query.level, instances, query.utc_offset) if matches(query, entity))


def matches(query: Query, attributes: Attributes) -> bool:
    """Whether one entity, with all attributes of its own level and of those above, satisfies every key."""
    together = {tag for pair in query.combined for tag in pair}
    zone = zone_of(query, attributes)
    return all(key_matches(key, attributes, zone) for key in query.keys if key.tag not in together) and all(
        _combined_matches(query, date, time, attributes) for date, time in query.combined
    )


def zone_of(query: Query, attributes: Attributes) -> str:
    """The offset from UTC of moments that name none."""
    return query.utc_offset or text(attributes, TIMEZONE_OFFSET_FROM_UTC)


def key_matches(key: Key, attributes: Attributes, utc_offset: str = "") -> bool:
    """Whether one key is satisfied; `utc_offset` is that of moments that name none."""
    stored = attributes.get(key.tag, "")
    match key.matcher:
        case Universal() | Stated():
            return True
        case Empty():
            return not stored
        case Items(keys):
            return is_universal(key.matcher) or _any_item_matches(keys, stored, utc_offset)
        case matcher:
            return _any_value_matches(key.vr, matcher, stored, utc_offset)


def is_universal(matcher: Matcher) -> bool:
    """Whether everything matches: also an item without keys, or whose keys are all universal (PS3.4 C.2.2.2.6)."""
    return isinstance(matcher, Universal | Stated) or (
        isinstance(matcher, Items) and all(is_universal(key.matcher) for key in matcher.keys)
    )


def comparable(vr: str, value: str) -> str:
    """One value in the form in which equal values are equal texts: a folded name, a plain number, a bare date."""
    match vr:
        case "PN":
            return fold_person_name(value)
        case "DA":
            return value.replace(".", "")
        case _ if vr in NUMBER_VRS:
            return _plain_number(value)
        case _:
            return value


def _plain_number(value: str) -> str:
    try:
        return str(Decimal(value).normalize() + 0)  # adding nothing makes -0 a 0
    except ArithmeticError:
        return value


def wildcard_matches(vr: str, pattern: str, value: str) -> bool:
    """Whether one stored value fits a wild card pattern."""
    if vr == "PN":
        return _names_fit(pattern, value, wildcards.fits)
    return wildcards.fits(pattern, value)


def item_matches(keys: tuple[Key, ...], item: Attributes, utc_offset: str) -> bool:
    """Whether one item of a sequence satisfies all the keys of a sequence key (PS3.4 C.2.2.2.6)."""
    return all(key_matches(key, item, utc_offset) for key in keys)


def _any_item_matches(keys: tuple[Key, ...], stored: Value, utc_offset: str) -> bool:
    return not isinstance(stored, str) and any(item_matches(keys, item, utc_offset) for item in stored)


def _any_value_matches(vr: str, matcher: Single | AnyOf | Wildcard | Range, stored: Value, utc_offset: str) -> bool:
    if not isinstance(stored, str) or not stored:
        return False
    values = [stored] if vr in ONE_VALUE_VRS else stored.split("\\")
    return any(_one_matches(vr, matcher, value, utc_offset) for value in values)


def _one_matches(vr: str, matcher: Single | AnyOf | Wildcard | Range, value: str, utc_offset: str) -> bool:
    match matcher:
        case Single(wanted):
            return _equal(vr, wanted, value, utc_offset)
        case AnyOf(several):
            return any(_equal(vr, wanted, value, utc_offset) for wanted in several)
        case Wildcard(pattern):
            return wildcard_matches(vr, pattern, value)
        case Range(first, last):
            return _in_range(vr, first, last, value, utc_offset)
        case _:
            assert_never(matcher)


def _equal(vr: str, wanted: str, value: str, utc_offset: str) -> bool:
    if vr == "PN":
        return _names_fit(wanted, value, str.__eq__)
    if vr in MOMENT_VRS and interval(vr, wanted):
        return _in_range(vr, wanted, wanted, value, utc_offset)
    return comparable(vr, wanted) == comparable(vr, value)


def _in_range(vr: str, first: str | None, last: str | None, value: str, utc_offset: str) -> bool:
    """Both ends belong to the range; an end that is no date or time belongs to none."""
    stored = interval(vr, value, utc_offset)
    lower = interval(vr, first, utc_offset) if first else None
    upper = interval(vr, last, utc_offset) if last else None
    if stored is None or (first and lower is None) or (last and upper is None):
        return False
    return (lower is None or lower.first <= stored.first) and (upper is None or stored.first <= upper.last)


def _names_fit(wanted: str, value: str, fits: Callable[[str, str], bool]) -> bool:
    """A name has up to three groups (PS3.5 6.2.1): one alone may be any of those stored, more stand in their place."""
    groups = fold_person_name(wanted).split("=")
    stored = fold_person_name(value).split("=")
    if len(groups) == 1:
        return any(fits(groups[0], group) for group in stored)
    stored += [""] * (len(groups) - len(stored))
    return all(not group or fits(group, there) for group, there in zip(groups, stored, strict=False))


def _combined_matches(query: Query, date: Tag, time: Tag, attributes: Attributes) -> bool:
    """Two ranges as one, from the first date at the first time to the last at the last (PS3.4 C.2.2.2.5)."""
    ends = {key.tag: key.matcher for key in query.keys if isinstance(key.matcher, Range)}
    day, clock = interval("DA", text(attributes, date)), interval("TM", text(attributes, time))
    if day is None or clock is None or not (_are_moments("DA", ends[date]) and _are_moments("TM", ends[time])):
        return False
    moment = day.first + (clock.first - TIME_ORIGIN)
    lower = joined(ends[date].first, ends[time].first)
    upper = joined(ends[date].last, ends[time].last)
    return (lower is None or lower.first <= moment) and (upper is None or moment <= upper.last)


def _are_moments(vr: str, ends: Range) -> bool:
    return all(interval(vr, end) for end in (ends.first, ends.last) if end)
