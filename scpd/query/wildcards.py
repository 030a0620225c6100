"""Wild cards (PS3.4 C.2.2.2.4): `*` stands for any characters and none, `?` for exactly one.

Of the places where a piece between two asterisks fits, the first is as good as any, so none is ever left again. It is
looked for by `str.find`, or where there is a `?`, by a set of bits: one for each beginning of the piece that the
value, as far as it was read, ends with. So a value is read about once, whatever the pattern; as a regular expression
a hostile one would keep every other association waiting.
"""

import re
from functools import lru_cache

PATTERN_LENGTH_MAX = 1_024
"""What anybody searches for is shorter; PS3.5 6.2 has longer values for pages of text only."""


def fits(pattern: str, value: str) -> bool:
    """Whether a value as a whole fits a pattern."""
    first, *between = _pieces(pattern)
    if not between:
        return len(value) == len(first) and _is_at(first, value, 0)
    last = between.pop()
    at, end = len(first), len(value) - len(last)
    if end < at or not _is_at(first, value, 0) or not _is_at(last, value, end):
        return False
    for piece in between:
        place = _find(piece, value, at, end)
        if place < 0:
            return False
        at = place + len(piece)
    return True


@lru_cache(maxsize=64)
def _pieces(pattern: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\*+", "*", pattern).split("*"))


def _is_at(piece: str, value: str, at: int) -> bool:
    return value.startswith(piece, at) or ("?" in piece and _find(piece, value, at, at + len(piece)) == at)


def _find(piece: str, value: str, start: int, end: int) -> int:
    """The first place from `start` on where the piece fits and ends before `end`, or -1."""
    if "?" not in piece:
        return value.find(piece, start, end)
    places, anywhere = _places(piece)
    begun = 0
    for at in range(start, end):
        begun = (begun << 1 | 1) & places.get(value[at], anywhere)
        if begun.bit_length() == len(piece):
            return at + 1 - len(piece)
    return -1


@lru_cache(maxsize=64)
def _places(piece: str) -> tuple[dict[str, int], int]:
    """The places in a piece where each character may stand, as bits, and those where any may."""
    anywhere = sum(1 << place for place, wanted in enumerate(piece) if wanted == "?")
    places: dict[str, int] = {}
    for place, wanted in enumerate(piece):
        places[wanted] = places.get(wanted, anywhere) | 1 << place
    return places, anywhere
