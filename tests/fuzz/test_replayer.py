"""A few hundred sessions with mistakes, replayed to a live daemon."""

from pathlib import Path
from random import Random

import pytest

from tests.daemon import Daemon
from tests.fuzz.replayer import ask_oracle, cut, mistaken, packed_sessions, recorded_sessions, replay, run

SESSIONS = 300
REACHED = ("query answered", "request refused", "protocol error", "association released", "association rejected")


def test_a_daemon_is_as_good_as_new_after_sessions_with_mistakes(tmp_path: Path) -> None:
    assert run(tmp_path, range(SESSIONS), seed=0, seconds_max=25).sessions == SESSIONS


def test_replays_reach_every_service_and_every_way_to_end(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        sessions = packed_sessions() + recorded_sessions(daemon)
        for number in range(SESSIONS):
            chance = Random(number)
            replay(daemon, mistaken(sessions, chance), chance)
        ask_oracle(daemon)
        log = daemon.log_text.getvalue()
    for reached in (
        "query answered",
        "request refused",
        "protocol error",
        "association released",
        "association rejected",
    ):
        assert reached in log, reached
    assert list((tmp_path / "store").rglob("*.dcm"))


def test_a_session_is_cut_into_its_pdus() -> None:
    for session in packed_sessions():
        assert b"".join(cut(session)) == session


def test_the_oracle_finds_a_traceback(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        ask_oracle(daemon)
        daemon.log_text.write("Traceback (most recent call last)\n")
        with pytest.raises(AssertionError, match="Traceback"):
            ask_oracle(daemon)
