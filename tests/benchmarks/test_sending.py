"""The load generators send what they say, and what is not answered as it should be does not count."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import objects
from benchmarks.asking import Asking, Manner, ask, write_echo
from benchmarks.running import Running
from benchmarks.sending import Load, measure, send
from benchmarks.servers import SERVERS, Server

REJECTING = """
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    with listening.accept()[0] as peer:
        peer.recv(10_000)
        peer.sendall(bytes([3, 0, 0, 0, 0, 4, 0, 1, 1, 1]))
"""


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Running]:
    with Running(SERVERS["sink"], tmp_path / "sink") as server:
        yield server


@pytest.fixture
def rejecting(tmp_path: Path) -> Iterator[Running]:
    server = Server("rejecting", lambda folder, port: [sys.executable, "-c", REJECTING, str(port)])
    with Running(server, tmp_path / "rejecting") as running:
        yield running


def test_only_the_digits_of_uids_differ_from_instance_to_instance(tmp_path: Path, sink: Running) -> None:
    objects.write("tiny4k", tmp_path / "objects", "SCPD")
    sent = send(sink, Load("tiny4k", 2, 3), tmp_path / "objects", 199)
    assert (sent.instances, sent.stored) == (3, 3)
    template = (tmp_path / "objects" / "data-set").read_bytes()
    expected = set()
    for instance, series, study in ((199, 1, 0), (200, 2, 1), (201, 2, 1)):
        patched = re.sub(rb"(?<=1)7{7}(?!7)", b"%07d" % instance, template)
        patched = re.sub(rb"(?<=1)7{6}(?!7)", b"%06d" % series, patched)
        expected.add(re.sub(rb"(?<=1)7{5}(?!7)", b"%05d" % study, patched))
    assert {path.read_bytes() for path in (tmp_path / "sink" / "files").iterdir()} == expected
    assert len(expected) == 3


def test_an_object_of_many_pdus_arrives_whole(tmp_path: Path, sink: Running) -> None:
    objects.write("ct512k", tmp_path / "objects", "SCPD")
    send(sink, Load("ct512k", 1, 1), tmp_path / "objects", 0)
    (stored,) = (tmp_path / "sink" / "files").iterdir()
    assert abs(stored.stat().st_size - objects.SIZES["ct512k"]) < 1_000
    assert stored.read_bytes()[8192:] == (tmp_path / "objects" / "data-set").read_bytes()[8192:]


def test_what_could_not_be_sent_has_failed(tmp_path: Path, rejecting: Running) -> None:
    objects.write("tiny4k", tmp_path / "objects", "SCPD")
    result = measure(rejecting, Load("tiny4k", 2, 10), tmp_path / "objects", 0)
    assert (result.rate, result.failed, result.p99_ms) == (0, 10, 0)


@pytest.mark.parametrize("afresh", [False, True])
def test_requests_are_asked_so_many_times(tmp_path: Path, sink: Running, afresh: bool) -> None:
    write_echo(tmp_path / "echo")
    told = ask(sink, tmp_path / "echo", Manner(20, associations=2, afresh=afresh))
    assert (told.answered, told.failed, told.rows) == (20, 0, 0)
    assert 0 < told.p50_ms <= told.p99_ms


def test_requests_are_asked_no_faster_than_is_said(tmp_path: Path, sink: Running) -> None:
    write_echo(tmp_path / "echo")
    assert ask(sink, tmp_path / "echo", Manner(21, a_second=100)).seconds >= 0.2


def test_requests_end_with_their_block(tmp_path: Path, sink: Running) -> None:
    write_echo(tmp_path / "echo")
    with Asking(sink, tmp_path / "echo", Manner(1_000_000, associations=2)) as asking:
        pass
    told = asking.wait()
    assert 2 <= told.answered < 1_000_000
    assert told.failed == 0


@pytest.mark.parametrize("afresh", [False, True])
def test_requests_without_an_answer_are_an_error(tmp_path: Path, rejecting: Running, afresh: bool) -> None:
    write_echo(tmp_path / "echo")
    with pytest.raises(RuntimeError, match="failed=5"):
        ask(rejecting, tmp_path / "echo", Manner(5, afresh=afresh))
