"""Wild card patterns against a naive matcher, and at lengths that only a hostile peer sends."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.query.wildcards import PATTERN_LENGTH_MAX, fits

LONG = 65_536
"""What is indexed of one value at most."""


@given(st.text("ab*?%_'\\[", max_size=9), st.text("ab%_'\\[\n", max_size=9))
def test_f13_wild_cards_against_a_naive_matcher_metacharacters_included(pattern: str, value: str) -> None:
    def naive(pattern: str, value: str) -> bool:
        if not pattern:
            return not value
        if pattern[0] == "*":
            return any(naive(pattern[1:], value[at:]) for at in range(len(value) + 1))
        return bool(value) and pattern[0] in ("?", value[0]) and naive(pattern[1:], value[1:])

    assert fits(pattern, value) is naive(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("ab*b", "ab", False),
        ("ab*b", "abb", True),
        ("*ab*ab", "ab", False),
        ("*?*??*", "ab", False),
        ("*?*??*", "abc", True),
        ("*a?c*", "aac abc", True),
        ("*a??", "aa", False),
        ("*b?*", "ab", False),
        ("", "a", False),
    ],
)
def test_f13_no_character_is_taken_twice(pattern: str, value: str, expected: bool) -> None:
    assert fits(pattern, value) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*a" * 200 + "*b", False),
        ("a*" + "a" * (LONG - 10), True),
        ("*" + "a" * (LONG // 2) + "b*", False),
        ("*" + "a?" * (PATTERN_LENGTH_MAX // 2 - 2) + "b*", False),
        ("*a?" * (PATTERN_LENGTH_MAX // 3 - 1) + "*?b", False),
    ],
    ids=range(5),
)
def test_f13_a_hostile_pattern_keeps_nobody_waiting(pattern: str, expected: bool) -> None:
    """Tried place by place and character by character, the longest values would take seconds."""
    began = time.process_time()
    assert fits(pattern, "a" * LONG) is expected
    assert time.process_time() - began < 0.5
