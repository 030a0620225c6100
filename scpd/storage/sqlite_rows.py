"""What the rows of the SQLite index are made of: attributes as JSON text, and key columns normalized for matching.

A key column holds one value in the form in which `query/matching.py` compares it. Where a data set has several values,
or one that SQL would misread, the column holds `SEVERAL` instead: whoever searches asks the oracle about that row.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii  # a JSON text of one string: a third faster than a tree of them
from typing import Any

from scpd.dataset.attributes import Attributes, Tag, Value, text
from scpd.query.entities import patient_key
from scpd.query.levels import LEVELS, STORED, TIMEZONE_OFFSET_FROM_UTC, ZONED, level_beyond_grid
from scpd.query.names import fold_person_name
from scpd.query.terms import Level

SEVERAL = "\\"
"""Stands in a key column for "ask the oracle": no single value contains a backslash (PS3.5 6.2)."""

LAST_CHARACTER = "\U0010ffff"

PATIENT_NAME: Tag = 0x00100010
PATIENT_ID: Tag = 0x00100020
STUDY_DATE: Tag = 0x00080020
ACCESSION_NUMBER: Tag = 0x00080050
MODALITY: Tag = 0x00080060

_LEVEL_OF = {tag: level for level, tags in STORED.items() for tag in tags}
_NAME_OF = {tag: f"{tag:08X}" for tag in _LEVEL_OF}
_TAG_OF = {name: tag for tag, name in _NAME_OF.items()}


def by_level(attributes: Attributes) -> Mapping[Level, dict[Tag, Value]]:
    """The attributes of each level; those of no level are left out."""
    levels: dict[Level, dict[Tag, Value]] = {level: {} for level in LEVELS}
    for tag, value in attributes.items():
        level = _LEVEL_OF.get(tag) or level_beyond_grid(tag)
        if level is not None:
            levels[level][tag] = value
    if TIMEZONE_OFFSET_FROM_UTC in attributes:
        for level in ZONED:
            levels[level][TIMEZONE_OFFSET_FROM_UTC] = attributes[TIMEZONE_OFFSET_FROM_UTC]
    return levels


def to_json(attributes: Attributes) -> str:
    """ASCII text; `from_json` gives back an equal mapping."""
    encoded = [
        _key(tag) + (encode_basestring_ascii(value) if isinstance(value, str) else _items_json(value))
        for tag, value in attributes.items()
    ]
    return "{" + ",".join(encoded) + "}"


def from_json(encoded: str) -> dict[Tag, Value]:
    """The attributes that `to_json` was given."""
    return _attributes(json.loads(encoded))


def path_of(tag: Tag) -> str:
    """Where SQLite finds one attribute in that JSON."""
    return f"$.{_name(tag)}"


def items_of(plain: list[dict[str, Any]]) -> tuple[Attributes, ...]:  # Any: JSON nests without end
    """A sequence as it was decoded from that JSON."""
    return tuple(map(_attributes, plain))


def study_columns(shown: tuple[Attributes, ...]) -> tuple[str, ...]:
    """The columns of a study behind its UID, of the patient's and the study's attributes."""
    patient, study = shown
    return (
        json.dumps(patient_key({**patient, **study})),
        to_key(text(patient, PATIENT_ID)),
        name_key(text(patient, PATIENT_NAME)),
        date_key(text(study, STUDY_DATE)),
        to_key(text(study, ACCESSION_NUMBER)),
        to_json(patient),
        to_json(study),
    )


def series_columns(shown: tuple[Attributes, ...]) -> tuple[str, ...]:
    """The columns of a series behind its study and UID."""
    (series,) = shown
    modality = text(series, MODALITY).encode("utf-8", "replace").decode()  # not a key: it is what is counted
    return modality, to_json(series)


def to_key(value: str) -> str:
    """What a key column holds of a decoded value."""
    return SEVERAL if SEVERAL in value or not _is_plain(value) else value


def name_key(value: str) -> str:
    """As `to_key`, of a person name: folded. One with several groups is matched by any of them (PS3.5 6.2.1)."""
    folded = fold_person_name(value)
    return SEVERAL if "=" in folded else to_key(folded)


def date_key(value: str) -> str:
    """As `to_key`, of a date: YYYYMMDD, so that text order is date order (PS3.5 6.2)."""
    bare = value.replace(".", "")
    return bare if not bare or (len(bare) == 8 and bare.isascii() and bare.isdigit()) else SEVERAL


def _is_plain(value: str) -> bool:
    """Whether SQL reads it as Python does: NUL ends a GLOB, lone surrogates have no UTF-8, behind the last is none."""
    if value.isascii():
        return "\0" not in value
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" or c == LAST_CHARACTER for c in value)


def _name(tag: Tag) -> str:
    return _NAME_OF.get(tag) or f"{tag:08X}"


@lru_cache(maxsize=4_096)
def _key(tag: Tag) -> str:
    return f'"{_name(tag)}":'


def _items_json(items: tuple[Attributes, ...]) -> str:
    return "[" + ",".join(map(to_json, items)) + "]"


def _attributes(plain: dict[str, Any]) -> dict[Tag, Value]:  # Any: JSON nests without end
    return {
        _TAG_OF.get(name) or int(name, 16): value if isinstance(value, str) else items_of(value)
        for name, value in plain.items()
    }
