"""Unique identifiers, PS3.5 9.1: digits and dots, at most 64 characters. Judged here once, for every layer above."""

import re

_COMPONENTS = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]")

UID_CHARACTERS_MAX = 64


def is_valid_uid(text: str) -> bool:
    """Whether `text` may name something: 1 to 64 characters, no empty component. Leading zeros are let through.

    Many senders write them (1.02.3), and refusing their images helps nobody; see `has_leading_zero`.
    """
    return len(text) <= UID_CHARACTERS_MAX and _COMPONENTS.fullmatch(text) is not None


def has_leading_zero(text: str) -> bool:
    """Whether a component of the UID begins with a needless zero, which PS3.5 9.1 forbids."""
    return _LEADING_ZERO.search(text) is not None
