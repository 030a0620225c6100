"""A match -> the Identifier of a pending response (PS3.4 C.4.1.1.3.2): what was asked for, and what every answer has.

What is the same in every response of a query is laid out once: a large answer has a hundred thousand of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.dataset.encode import Encoder
from scpd.query.levels import (
    INSTANCE_AVAILABILITY,
    QUERY_RETRIEVE_LEVEL,
    RETRIEVE_AE_TITLE,
    SPECIFIC_CHARACTER_SET,
    TIMEZONE_OFFSET_FROM_UTC,
    UNIQUE_KEY,
    levels_down_to,
)
from scpd.query.matching import item_matches, zone_of
from scpd.query.terms import Items, Key, Query, Stated

UTF_8 = "ISO_IR 192"
PRIVATE = 0x10000
"""Set in the tags of private elements: their group is odd (PS3.5 7.8)."""


class MatchEncoder:
    """Encodes the matches of one query: the requested keys, the unique keys, and where to retrieve from.

    `retrieve_ae_title` is None where nothing can be retrieved: (0008,0054) is then empty, and (0008,0056) says
    UNAVAILABLE (PS3.4 C.4.1.1.3.2). Text is ASCII, else in the peer's character set where that carries it, else UTF-8.
    (0008,0201) is there if it was asked for and is known, and never empty.
    """

    def __init__(self, query: Query, transfer_syntax_uid: str, retrieve_ae_title: str | None) -> None:
        self._query = query
        self._syntax = transfer_syntax_uid
        self._asked_for = query.character_set
        self._private_vrs = tuple(_private_vrs(query.keys))
        self._ascii = _encoder(transfer_syntax_uid, "", self._private_vrs)
        self._sequences = [key for key in query.keys if isinstance(key.matcher, Items)]
        kept_under = {key.tag_named: key.tag for key in query.keys}
        empty: dict[Tag, Value] = dict.fromkeys(kept_under, "")
        empty |= dict.fromkeys((UNIQUE_KEY[level] for level in levels_down_to(query.level, query.model)), "")
        stated = {QUERY_RETRIEVE_LEVEL: query.level.value, RETRIEVE_AE_TITLE: retrieve_ae_title or ""}
        if retrieve_ae_title is None:
            stated[INSTANCE_AVAILABILITY] = "UNAVAILABLE"
        elif INSTANCE_AVAILABILITY in empty:
            stated[INSTANCE_AVAILABILITY] = "ONLINE"
        self._tells_zone = empty.pop(TIMEZONE_OFFSET_FROM_UTC, None) is not None
        self._tags = tuple([(tag, kept_under.get(tag, tag)) for tag in empty.keys() - stated.keys()])
        empty |= {key.tag: _blank(key) for key in query.keys if isinstance(key.matcher, Stated)}
        self._blank: Attributes = dict(sorted({**empty, **stated}.items()))

    def encode(self, match: Attributes) -> bytes:
        """The bytes of one Identifier."""
        response = dict(self._blank)
        for tag, kept_under in self._tags:
            if kept_under in match:
                response[tag] = match[kept_under]
        for key in self._sequences:
            response[key.tag_named] = _returned(key, response[key.tag_named], zone_of(self._query, match))
        if self._tells_zone and match.get(TIMEZONE_OFFSET_FROM_UTC):
            response[TIMEZONE_OFFSET_FROM_UTC] = match[TIMEZONE_OFFSET_FROM_UTC]
        try:
            return self._ascii.encode(response)
        except UnicodeEncodeError:
            return self._encoded_beyond_ascii(response)

    def _encoded_beyond_ascii(self, response: Mapping[Tag, Value]) -> bytes:
        try:
            return self._encoded_in(self._asked_for, response)
        except UnicodeEncodeError:
            return self._encoded_in(UTF_8, response)

    def _encoded_in(self, character_set: str, response: Mapping[Tag, Value]) -> bytes:
        encoder = _encoder(self._syntax, character_set, self._private_vrs)
        return encoder.encode({**response, SPECIFIC_CHARACTER_SET: character_set})


def _private_vrs(keys: Iterable[Key]) -> Iterator[tuple[Tag, str]]:
    """The VRs of the private keys, those within sequences too: no dictionary has them."""
    for key in keys:
        if key.named is not None and key.named & PRIVATE:
            yield key.tag_named, key.vr
        if isinstance(key.matcher, Items):
            yield from _private_vrs(key.matcher.keys)


def _blank(key: Key) -> str:
    return key.matcher.value if isinstance(key.matcher, Stated) else ""


def _returned(key: Key, value: Value, utc_offset: str) -> Value:
    """Of a sequence, the items that match and of these the keys that were asked for (PS3.4 C.2.2.2.6).

    Everything where no key was named.
    """
    if not isinstance(key.matcher, Items) or not key.matcher.keys or isinstance(value, str):
        return value
    nested = key.matcher.keys
    return tuple(
        {inner.tag_named: _returned(inner, item.get(inner.tag, _blank(inner)), utc_offset) for inner in nested}
        for item in value
        if item_matches(nested, item, utc_offset)
    )


@lru_cache(maxsize=64)
def _encoder(
    transfer_syntax_uid: str, specific_character_set: str, private_vrs: tuple[tuple[Tag, str], ...]
) -> Encoder:
    return Encoder(transfer_syntax_uid, specific_character_set, dict(private_vrs))
