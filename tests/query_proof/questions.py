"""Random Identifiers, as bytes: every kind of matching of PS3.4 C.2.2.2, at every level, under every set of rules.

Most of what is asked for is said of one instance, so that it is found; the rest comes from the same pools as the
archive, or is any text that means something to SQL, GLOB, JSON, C, DICOM or Unicode.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from random import Random

from scpd.dataset.attributes import Attributes, Tag, text
from scpd.query.identifier import decode_identifier
from scpd.query.levels import (
    ANSWERED,
    COMPUTED,
    LEVEL_OF,
    QUERY_RETRIEVE_LEVEL,
    SPECIFIC_CHARACTER_SET,
    UNIQUE_KEY,
    levels,
    levels_down_to,
)
from scpd.query.matchers import WILDCARD_VRS, QueryRules
from scpd.query.matching import MOMENT_VRS
from scpd.query.terms import Level, Model, Query
from scpd.query.zones import DATE_AND_TIME
from tests.datasets import IMPLICIT, NUMBERS, element, item, tag_of
from tests.query_proof.archives import CODES, KEYS, NESTED, SITE, WANTED, level_of, pool, vr_of
from tests.rawpeer import IMPLICIT_LE

ODD = "aA1%_*?[]'\"^=-\\ \0\n\ud800é\U0010ffff"
COUNTED = ("0", "1", "2", "3", "CT", "CT\\MR", "1.2.840.10008.5.1.4.1.1.2")
"""What computed keys may say."""

FIRST_BLOCK = 0x10
PAIRS = [pair for pair in DATE_AND_TIME if set(pair) <= set(KEYS)]
UNSUPPORTED = (tag_of("PixelSpacingCalibrationType"), 0x00091001)
SEQUENCES = [tag for tag in KEYS if vr_of(tag) == "SQ"]
WITHIN = {CODES: NESTED, **dict.fromkeys(SEQUENCES, (*NESTED, CODES))}
MATCHED = {
    level: [
        tag
        for tag in (*KEYS, *2 * SEQUENCES, *UNIQUE_KEY.values(), *COMPUTED)
        if level_of(tag) in levels_down_to(level)
    ]
    for level in Level
}
RETURNED = {
    level: [*UNSUPPORTED, *ANSWERED, *(tag for tag in LEVEL_OF if level_of(tag) in levels_down_to(level))]
    for level in Level
}
FLAGS = [field.name for field in fields(QueryRules) if field.type in ("bool", bool)]


@dataclass(frozen=True, slots=True)
class Question:
    """Keys as whole elements in Implicit VR Little Endian, and how they are understood."""

    keys: Mapping[Tag, bytes]
    model: Model
    rules: QueryRules

    def query(self) -> Query:
        """What is asked. Raises DimseFailure where the rules do not allow it."""
        return decode_identifier(joined(self.keys), IMPLICIT_LE, self.model, self.rules)


def random_question(archive: Sequence[Attributes], chance: Random) -> Question:
    """An Identifier with a few keys; most are answered, the rules refuse the others."""
    return Questioner(archive, chance).question()


class Questioner:
    """Makes an Identifier that most likely finds one of the instances in an archive."""

    def __init__(self, archive: Sequence[Attributes], chance: Random) -> None:
        self._chance = chance
        self._target = chance.choice(archive)

    def question(self) -> Question:
        model, rules = self._chance.choice(list(Model)), self._rules()
        level = self._chance.choice(levels(model))
        keys = {tag: packed(tag, "") for tag in self._some(RETURNED[level], 0, 4)}
        keys |= {tag: self._key(tag, self._target) for tag in self._some(MATCHED[level], 1, 3)}
        if rules.combined_datetime and self._maybe():
            together = set(self._chance.choice(PAIRS)).intersection(MATCHED[level])
            keys |= {tag: packed(tag, self._range(tag, self._target)) for tag in together}
        if not rules.relational or self._maybe():
            above = [UNIQUE_KEY[higher] for higher in levels_down_to(level, model)[:-1]]
            keys |= {tag: packed(tag, self._value(tag, self._target)) for tag in above}
        keys[SPECIFIC_CHARACTER_SET] = packed(SPECIFIC_CHARACTER_SET, "ISO_IR 192")
        keys[QUERY_RETRIEVE_LEVEL] = packed(QUERY_RETRIEVE_LEVEL, level.value)
        keys |= {creator_of(key): packed(creator_of(key), WANTED[key].creator) for key in keys if is_private(key)}
        return Question({written(key): element for key, element in keys.items()}, model, rules)

    def _rules(self) -> QueryRules:
        granted = {flag: self._maybe() for flag in FLAGS}
        return QueryRules(**granted, indexed_besides=SITE)

    def _key(self, tag: Tag, said: Attributes) -> bytes:
        """A key, to be matched on; `said` is what is known of the data set or item that it is to match."""
        if vr_of(tag) != "SQ":
            return packed(tag, self._text(tag, said))
        items = said.get(tag) or ({},)
        assert not isinstance(items, str)
        within = {one: self._key(one, self._chance.choice(items)) for one in self._some(WITHIN[tag], 0, 2)}
        return element(tag, "SQ", item(joined(within), IMPLICIT) if self._chance.random() < 0.9 else b"", IMPLICIT)

    def _text(self, tag: Tag, said: Attributes) -> str:
        """What asks for some kind of matching, be it one that the VR does not have."""
        vr = vr_of(tag)
        match self._chance.choice(("single", "single", "list", "universal", "empty", "by VR", "by VR", "by VR")):
            case "single":
                return self._value(tag, said)
            case "list":
                return f"{self._value(tag, said)}\\{self._value(tag, said)}"
            case "universal":
                return ""
            case "empty":
                return '""'
            case _ if vr in MOMENT_VRS:
                return self._range(tag, said)
            case _ if vr in WILDCARD_VRS and self._chance.random() < 0.1:
                return "".join(self._chance.choices(ODD, k=self._chance.randint(1, 5)))
        return self._with_wild_card(self._value(tag, said))

    def _value(self, tag: Tag, said: Attributes) -> str:
        """What is said, if anything is, or a likely value."""
        value = text(said, tag)
        known = [one for one in (value, *value.split("\\")) if one]
        return self._chance.choice(known if known and self._chance.random() < 0.9 else likely(tag))

    def _range(self, tag: Tag, said: Attributes) -> str:
        """Two ends, mostly in order, or one of them open."""
        ends = [self._value(tag, said), self._value(tag, said)]
        return self._chance.choice(("{}-{}", "{}-", "-{}")).format(*(sorted(ends) if self._maybe() else ends))

    def _with_wild_card(self, value: str) -> str:
        """A value of which some characters are replaced by one."""
        first, last = sorted(self._chance.choices(range(min(10, len(value)) + 1), k=2))
        return value[:first] + self._chance.choice("*?") + value[last:]

    def _maybe(self) -> bool:
        return self._chance.random() < 0.5

    def _some(self, tags: Sequence[Tag], least: int, most: int) -> list[Tag]:
        return self._chance.choices(tags, k=self._chance.randint(least, most))


def likely(tag: Tag) -> Sequence[str]:
    """What an archive may hold under a tag, or count."""
    return COUNTED if tag in COMPUTED else [value for value in pool(tag) if value]


def packed(tag: Tag, value: str) -> bytes:
    """An element with a text, or with the binary numbers in it."""
    vr = vr_of(tag)
    if vr in NUMBERS:
        field = b"".join(int(one).to_bytes(2, "little") for one in value.split("\\") if one.isdecimal())
    else:
        field = value.encode("utf-8", "surrogatepass")
    return element(written(tag), vr, field + b" " * (len(field) % 2), IMPLICIT)


def is_private(key: Tag) -> bool:
    """Whether it stands for a private attribute of the site."""
    return key in WANTED and bool(WANTED[key].creator)


def written(key: Tag) -> Tag:
    """The tag that a key has in an Identifier; private ones are in the first block of their group (PS3.5 7.8.1)."""
    return WANTED[key].tag | FIRST_BLOCK << 8 if is_private(key) else WANTED[key].tag if key in WANTED else key


def creator_of(key: Tag) -> Tag:
    """The tag of the private creator."""
    return WANTED[key].tag & 0xFFFF0000 | FIRST_BLOCK


def joined(keys: Mapping[Tag, bytes]) -> bytes:
    """Elements in the order of their tags."""
    return b"".join(keys[tag] for tag in sorted(keys))
