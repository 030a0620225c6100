"""The text of a key -> what it asks for, by the rules that were negotiated (PS3.4 C.2.2.2)."""

from dataclasses import dataclass

from scpd.dataset.attributes import Tag
from scpd.dataset.site import NO_SITE, Site
from scpd.dimse.status import DimseFailure, Status
from scpd.query.matching import MOMENT_VRS, ONE_VALUE_VRS
from scpd.query.moments import split_range
from scpd.query.terms import AnyOf, Empty, Matcher, Range, Single, Universal, Wildcard
from scpd.query.wildcards import PATTERN_LENGTH_MAX

WILDCARD_VRS = frozenset("AE CS LO LT PN SH ST UC UR UT".split())
"""PS3.4 C.2.2.2.4; in other VRs an asterisk is a character, and no valid one."""


@dataclass(frozen=True, slots=True)
class QueryRules:
    """What was negotiated, or granted to this peer (PS3.4 C.5.1.1). The default is strict and hierarchical.

    `relational` frees from the unique keys of the levels above. Without `strict` they may be missing too, keys of
    levels below are passed over (FF01H), and several values of any VR are taken for a list. With `timezone_adjustment`,
    dates and times are in the Identifier's own zone, if it names one. `indexed_besides` is what this site's index has
    besides the grid of `levels`.
    """

    strict: bool = True
    relational: bool = False
    combined_datetime: bool = False
    empty_values: bool = False
    multiple_values: bool = False
    timezone_adjustment: bool = False
    indexed_besides: Site = NO_SITE


STRICT = QueryRules()


def refused(comment: str, *tags: Tag) -> DimseFailure:
    """The failure for keys that are none of the model (PS3.4 C.4.1.1.4)."""
    return DimseFailure(Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, comment, tags)


def text_matcher(tag: Tag, vr: str, value: str, rules: QueryRules) -> Matcher:
    """What the value of a key with `vr` asks for. Raises DimseFailure."""
    if not value:
        return Universal()
    if value == '""' and rules.empty_values:
        return Empty()
    if "\\" in value and vr not in ONE_VALUE_VRS:
        return _list_matcher(tag, vr, value, rules)
    if vr in MOMENT_VRS:
        return _moment_matcher(tag, vr, value)
    if vr in WILDCARD_VRS and ("*" in value or "?" in value):
        return _pattern_matcher(tag, value)
    return Single(value)


def _pattern_matcher(tag: Tag, pattern: str) -> Matcher:
    if not pattern.strip("*"):
        return Universal()
    if len(pattern) > PATTERN_LENGTH_MAX:
        raise refused(f"more than {PATTERN_LENGTH_MAX} characters with wild cards", tag)
    return Wildcard(pattern)


def _list_matcher(tag: Tag, vr: str, value: str, rules: QueryRules) -> Matcher:
    values = tuple(one for one in value.split("\\") if one)
    if vr != "UI" and rules.strict and not rules.multiple_values:
        raise refused("several values, but one is matched on", tag)
    return AnyOf(values) if values else Universal()


def _moment_matcher(tag: Tag, vr: str, value: str) -> Matcher:
    ends = split_range(vr, value)
    if ends is None:
        return Single(value)
    first, last = ends
    if not first and not last:
        raise refused("a range without ends", tag)
    return Range(first or None, last or None)
