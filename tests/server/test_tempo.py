"""The receive-rate timer, without a clock."""

import pytest

from scpd.server.tempo import Tempo


@pytest.fixture
def tempo() -> Tempo:
    """At least 100 bytes/s, judged whenever the waiting adds up to 10 s."""
    return Tempo(100, 10)


def test_the_wait_for_a_message_to_begin_is_free(tempo: Tempo) -> None:
    assert not tempo.is_too_slow(1000, 1)
    assert not tempo.is_too_slow(9, 1)


def test_who_sends_too_little_over_the_window_is_too_slow(tempo: Tempo) -> None:
    tempo.is_too_slow(0, 1)
    assert [tempo.is_too_slow(2, 100) for _ in range(5)] == [False, False, False, False, True]


def test_who_sends_enough_is_not_and_the_next_window_begins(tempo: Tempo) -> None:
    tempo.is_too_slow(0, 1000)
    assert not tempo.is_too_slow(10, 0)
    assert tempo.is_too_slow(10, 999)


def test_a_long_pause_is_made_up_for_by_what_comes_after_it(tempo: Tempo) -> None:
    tempo.is_too_slow(0, 1)
    assert not tempo.is_too_slow(9.9, 1)
    assert not tempo.is_too_slow(0.1, 1000)


def test_a_message_that_is_complete_starts_everything_anew(tempo: Tempo) -> None:
    tempo.is_too_slow(0, 1)
    tempo.is_too_slow(9, 1)
    tempo.rest()
    assert not tempo.is_too_slow(9, 1)
    assert not tempo.is_too_slow(9, 1)


def test_no_rate_is_no_demand() -> None:
    tempo = Tempo(0, 10)
    assert not any(tempo.is_too_slow(100, 0) for _ in range(10))
