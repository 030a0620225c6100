"""Replays sessions to a live daemon, with mistakes: `python -m tests.fuzz.replayer --sessions 2000 --seed 1`.

The sessions are recorded from real senders through the wiretap, or packed by hand. Each replay is cut into PDUs, and a
few of them are changed, repeated, dropped, cut short or swapped with another session's. Chance comes from the seed and
the number of the replay, so `--first N --sessions 1` repeats one. Every few sessions the oracle is asked: a fresh
C-ECHO is answered at once, nothing is left of the peers, and nobody's exception is in the log.
"""

import argparse
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pydicom.data import get_testdata_file
from pynetdicom import AE

from tests.daemon import Daemon
from tests.datasets import ct, identifier
from tests.interop.wiretap import Wiretap
from tests.rawpeer import (
    ABORT,
    RELEASE_RQ,
    VERIFICATION,
    Proposal,
    RawPeer,
    cancel_rq,
    command,
    data_set,
    echo_rq,
    find_rq,
    store_rq,
)

DCMTK: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (
    ("echoscu", (), ()),
    ("findscu", ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID"), ()),
    ("storescu", (), (str(get_testdata_file("CT_small.dcm", download=False)),)),
)
"""Programs, their options, and the files they send."""

ASKED_EVERY = 50
"""So many replays lie between two questions to the oracle."""

ANSWER_SECONDS = 0.03
"""How long a replay waits for the answer to its request before it goes on as if it had come."""

BOUNDARIES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


class Replayed(NamedTuple):
    """How far the replays came."""

    sessions: int
    seconds: float


def packed_sessions() -> list[bytes]:
    """Sessions packed by hand: what everybody does, and what hardly anybody does."""
    opened, study = Proposal().encode(), identifier("STUDY", StudyInstanceUID="", PatientName="*")
    echo = command(1, echo_rq())
    store = command(3, store_rq("1.2.3.4")) + data_set(3, ct("1.2.3.4"))
    small = command(3, store_rq("1.2.3.5", 2)) + data_set(3, ct("1.2.3.5"), fragment=50)
    find = command(5, find_rq(3)) + data_set(5, study)
    return [
        opened + echo + RELEASE_RQ,
        opened + store + small + RELEASE_RQ,
        opened + find + command(5, cancel_rq(3)) + echo + RELEASE_RQ,
        opened + store + find + ABORT,
    ]


def recorded_sessions(daemon: Daemon) -> list[bytes]:
    """Sessions of pynetdicom and, where it is installed, of DCMTK."""
    with Wiretap(daemon.port) as tap:
        verify_by_pynetdicom(tap.port)
        for program, options, files in DCMTK:
            path = shutil.which(program)
            if path is not None:
                call = [path, "-aec", "SCPD", *options, "127.0.0.1", str(tap.port), *files]
                subprocess.run(call, check=True, timeout=30)
    return tap.sent()


def verify_by_pynetdicom(port: int) -> None:
    """One C-ECHO."""
    entity = AE(ae_title="REPLAYED")
    entity.add_requested_context(VERIFICATION)
    association = entity.associate("127.0.0.1", port, ae_title="SCPD")
    assert association.is_established
    association.send_c_echo()
    association.release()


# -- mistakes ------------------------------------------------------------------------------------------------------


def cut(session: bytes) -> list[bytes]:
    """The PDUs of a session that is whole."""
    found, at = [], 0
    while at < len(session):
        (length,) = struct.unpack_from(">2xI", session, at)
        found.append(session[at : at + 6 + length])
        at += 6 + length
    return found


def change_byte(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    changed = bytearray(pdus[at])
    changed[chance.randrange(len(changed))] = chance.randrange(256)
    pdus[at] = bytes(changed)


def change_number(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    """Any two or four bytes may be a length."""
    width = chance.choice((2, 4))
    position = chance.randrange(max(1, len(pdus[at]) - width))
    written = struct.pack(
        chance.choice("<>") + {2: "H", 4: "I"}[width], chance.choice(BOUNDARIES) & (1 << 8 * width) - 1
    )
    pdus[at] = pdus[at][:position] + written + pdus[at][position + width :]


def insert_noise(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    position = chance.randrange(len(pdus[at]))
    pdus[at] = pdus[at][:position] + chance.randbytes(chance.randint(1, 20)) + pdus[at][position:]


def cut_short(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    pdus[at] = pdus[at][: chance.randrange(len(pdus[at]))] or b"\0"


def repeat(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    pdus[at : at + 1] = [pdus[at]] * chance.randint(2, 4)


def drop(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    if len(pdus) > 1:
        del pdus[at]


def swap(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    other = chance.randrange(len(pdus))
    pdus[at], pdus[other] = pdus[other], pdus[at]


def mix_in(pdus: list[bytes], at: int, chance: Random, others: Sequence[bytes]) -> None:
    pdus.insert(at, chance.choice(others))


Mistake = Callable[[list[bytes], int, Random, Sequence[bytes]], None]

MISTAKES: Sequence[Mistake] = (
    change_byte, change_byte, change_number, change_number, insert_noise, cut_short, repeat, drop, swap, mix_in,
)  # fmt: skip


def mistaken(sessions: Sequence[bytes], chance: Random) -> list[bytes]:
    """The PDUs of one of the sessions, with one to three mistakes."""
    pdus = cut(chance.choice(sessions))
    others = [pdu for session in sessions for pdu in cut(session)]
    for _ in range(chance.randint(1, 3)):
        chance.choice(MISTAKES)(pdus, chance.randrange(len(pdus)), chance, others)
    return pdus


# -- replays -------------------------------------------------------------------------------------------------------


def replay(daemon: Daemon, pdus: Sequence[bytes], chance: Random) -> None:
    """Sends a session, waits for the answer to its request, and ends it in one of three ways."""
    with RawPeer(daemon.port) as peer, suppress(OSError):
        peer.send(pdus[0])
        peer.socket.settimeout(ANSWER_SECONDS)
        with suppress(TimeoutError):
            peer.socket.recv(4_096)
        peer.socket.settimeout(peer.timeout)
        rest = b"".join(pdus[1:])
        size = chance.choice((1 << 20, 500, 20))
        for at in range(0, len(rest), size):
            peer.send(rest[at : at + size])
        end(peer, chance)


def end(peer: RawPeer, chance: Random) -> None:
    """Closes now, resets, or closes one side and hears the daemon out."""
    match chance.randrange(3):
        case 0:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case 1:
            peer.socket.shutdown(socket.SHUT_WR)
            while peer.socket.recv(65_536):
                pass


def ask_oracle(daemon: Daemon) -> None:
    """The daemon is as good as new."""
    begun = time.monotonic()
    with RawPeer(daemon.port) as peer:
        peer.associate()
        assert peer.echo() == 0
        peer.release()
    assert time.monotonic() - begun < 1
    seconds = daemon.options.idle_seconds + 2 * daemon.options.upper_layer.artim_seconds + 2
    daemon.wait_until(lambda: not daemon.entity.associations and not daemon.tasks, seconds)
    assert daemon.entity.blocks.out_bytes == 0
    text = daemon.log_text.getvalue()
    for sign in ("Traceback", "never retrieved", "service failed", "event loop error"):
        assert sign not in text, text[max(0, text.index(sign) - 2_000) :]


def replays(
    daemon: Daemon, sessions: Sequence[bytes], numbers: range, *, seed: int, seconds_max: float
) -> Iterator[int]:
    """Replays until the numbers or the seconds are used up; yields each number after which the oracle was content."""
    end_time = time.monotonic() + seconds_max
    for number in numbers:
        chance = Random(f"{seed} {number}")
        replay(daemon, mistaken(sessions, chance), chance)
        is_last = number == numbers[-1] or time.monotonic() > end_time
        if is_last or number % ASKED_EVERY == ASKED_EVERY - 1:
            ask_oracle(daemon)
            yield number
        if is_last:
            return


def run(directory: Path, numbers: range, *, seed: int, seconds_max: float) -> Replayed:
    """Replays to a daemon of its own. Raises AssertionError where the oracle is not content."""
    begun, content = time.monotonic(), numbers.start - 1
    with Daemon(directory) as daemon:
        sessions = packed_sessions() + recorded_sessions(daemon)
        try:
            for number in replays(daemon, sessions, numbers, seed=seed, seconds_max=seconds_max):
                content = number
        except AssertionError as error:
            error.add_note(f"in the replays from {content + 1} on, with seed {seed}")
            raise
    return Replayed(content + 1 - numbers.start, time.monotonic() - begun)


def main() -> int:
    """Replays as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.replayer", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.sessions)
    with TemporaryDirectory(prefix="scpd-replay-") as directory:
        done = run(Path(directory), numbers, seed=arguments.seed, seconds_max=arguments.seconds)
    print(f"{done.sessions} sessions with mistakes in {done.seconds:.1f} s, and the daemon is as good as new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
