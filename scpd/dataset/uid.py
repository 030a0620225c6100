"""Unique identifiers, PS3.5 9.1: digits and dots, at most 64 characters. Judged here once, for every layer above."""

import re
from functools import lru_cache

_COMPONENTS = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_ODD = re.compile(r"[!-\[\]-~]+")
_LEADING_ZERO = re.compile(r"\.0[0-9]")

UID_CHARACTERS_MAX = 64
ODD_UID_CHARACTERS_MAX = 128


def is_valid_uid(text: str) -> bool:
    """Whether `text` may name something: 1 to 64 characters, no empty component. Leading zeros are let through.

    Many senders write them (1.02.3), and refusing their images helps nobody; see `has_leading_zero`.
    """
    return len(text) <= UID_CHARACTERS_MAX and _has_components(text)


@lru_cache(maxsize=1024)
def _has_components(text: str) -> bool:
    """Remembered, since an object is named by the same UIDs several times, and by those of its neighbours."""
    return _COMPONENTS.fullmatch(text) is not None


def is_odd_uid(text: str) -> bool:
    """Whether `text` may pass for a UID where oddities are granted: 1 to 128 printable characters of ASCII.

    Some products make longer ones, or put a word behind them (1.2.3LOCALIZER). Space pads and backslash separates.
    """
    return len(text) <= ODD_UID_CHARACTERS_MAX and _ODD.fullmatch(text) is not None


def has_leading_zero(text: str) -> bool:
    """Whether a component of the UID begins with a needless zero, which PS3.5 9.1 forbids."""
    return _LEADING_ZERO.search(f".{text}") is not None  # one fixed beginning: searched for three times as fast
