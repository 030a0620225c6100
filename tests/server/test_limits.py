"""Limits over real sockets: what reaches one, what it is told, and that everybody else is served meanwhile."""

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from scpd.profile.profile import Peer, Profile
from scpd.server.blocks import BlockPool, Share
from scpd.server.lobby import descriptor_max, raise_descriptor_limit
from scpd.ul.connection import UpperLayerLimits
from tests.daemon import QUICK, Daemon
from tests.datasets import ct
from tests.rawpeer import Proposal, RawPeer, command, data_set, store_rq

LOOPBACK = (ip_network("127.0.0.0/8"),)
PEERS = Profile(peers=(Peer("RAWPEER", LOOPBACK, associations_max=1), Peer("OTHER", LOOPBACK)))

Connect = Callable[[], RawPeer]


@contextmanager
def serving(directory: Path, profile: Profile | None = None, **options: object) -> Iterator[tuple[Daemon, Connect]]:
    """A daemon with some options changed, and what connects to it."""
    changed = replace(QUICK, **options)  # type: ignore[arg-type]  # whatever a test names is a field
    with Daemon(directory, changed, profile or Profile()) as daemon, ExitStack() as stack:
        yield daemon, lambda: stack.enter_context(RawPeer(daemon.port))


def rejection(daemon: Daemon) -> dict[str, object]:
    """The line about the only association that was rejected."""
    daemon.wait_until(lambda: any(event["event"] == "association rejected" for event in daemon.events()))
    [line] = [event for event in daemon.events() if event["event"] == "association rejected"]
    return line


def wait(seconds: float) -> None:
    """A peer that does nothing for a while: here the passing of time is the stimulus."""
    time.sleep(seconds)


# -- associations ----------------------------------------------------------------------------------------------------


def test_a29_too_many_in_all_are_told_which_limit_to_raise(tmp_path: Path) -> None:
    with serving(tmp_path, associations_max=1) as (daemon, call):
        call().associate()
        refused = call()
        refused.send(Proposal().encode())
        assert refused.expect_reject() == (2, 3, 2)
        line = rejection(daemon)
        assert line["reason"] == "limits.associations_max is reached"
        assert line["toml"] == "[limits]\nassociations_max = 2"


def test_a29_too_many_of_one_peer_keep_no_other_out(tmp_path: Path) -> None:
    with serving(tmp_path, PEERS) as (daemon, call):
        first, second, other = call(), call(), call()
        first.associate()
        second.send(Proposal().encode())
        assert second.expect_reject() == (2, 3, 2)
        assert "associations_max = 2" in str(rejection(daemon)["toml"])
        other.associate(Proposal(calling=b"OTHER"))
        first.release()
        daemon.wait_until(lambda: daemon.entity.associations == 1)
        call().associate()


def test_a29_too_many_from_one_address(tmp_path: Path) -> None:
    with serving(tmp_path, associations_per_address_max=1) as (daemon, call):
        call().associate()
        refused = call()
        refused.send(Proposal().encode())
        assert refused.expect_reject() == (2, 3, 2)
        assert rejection(daemon)["toml"] == "[limits]\nassociations_per_address_max = 2"
        with ExitStack() as stack:
            elsewhere = stack.enter_context(RawPeer(daemon.port))
            elsewhere.socket.close()
            elsewhere.socket = socket.create_connection(("127.0.0.1", daemon.port), 5, ("127.0.0.2", 0))
            elsewhere.associate()


def test_a28_a_caller_nobody_knows_is_closed_on_without_a_word(tmp_path: Path) -> None:
    with serving(tmp_path, replace(PEERS, unknown_are_closed=True)) as (daemon, call):
        stranger = call()
        stranger.send(Proposal(calling=b"STRANGER").encode())
        assert stranger.expect_closed() < 0.4
        daemon.wait_until(lambda: daemon.tasks == 0)
        [line] = [event for event in daemon.events() if event["event"] == "connection closed"]
        assert 'ae_title = "STRANGER"' in str(line["toml"])


# -- connections -----------------------------------------------------------------------------------------------------


def test_a31_whoever_asks_is_heard_however_many_are_silent(tmp_path: Path) -> None:
    patient = UpperLayerLimits(artim_seconds=3)
    with serving(tmp_path, associations_max=5, connections_max=10, upper_layer=patient) as (daemon, call):
        silent = [call() for _ in range(50)]
        begun = time.monotonic()
        good = call()
        good.associate()
        assert good.echo() == 0x0000
        assert time.monotonic() - begun < 2.5  # before ARTIM has ended any of them
        assert len(daemon.entity.lobby) <= 10
        assert silent[0].expect_closed() < 2.5
        [line] = [event for event in daemon.events() if event["level"] == "warning"]
        assert line["reason"] == "limits.connections_max = 10 is reached"


def test_a31_an_association_never_gives_way(tmp_path: Path) -> None:
    with serving(tmp_path, connections_max=2) as (_, call):
        good = call()
        good.associate()
        silent = [call() for _ in range(20)]
        assert silent[0].expect_closed() < 0.4
        assert good.echo() == 0x0000


def test_who_was_rejected_waits_in_the_lobby_too(tmp_path: Path) -> None:
    with serving(tmp_path, connections_max=2) as (daemon, call):
        refused = []
        for _ in range(6):
            peer = call()
            refused.append(peer)
            peer.send(Proposal(called=b"NOBODY").encode())
            peer.expect_reject()
        assert len(daemon.entity.lobby) <= 2
        assert refused[0].expect_closed() < 0.4


# -- memory ----------------------------------------------------------------------------------------------------------


def test_a_share_is_what_is_out_for_its_peer() -> None:
    pool = BlockPool(1000, 10_000)
    share = Share(pool, 2500)
    blocks = [share.take()]
    assert (share.exhausted, pool.exhausted) == (False, False)
    blocks.append(share.take())
    assert (share.exhausted, pool.exhausted) == (True, False)
    for block in blocks:
        block.home.give_back(block)
    assert (share.out_bytes, pool.out_bytes) == (0, 0)
    others = [pool.take() for _ in range(10)]
    assert (share.exhausted, pool.exhausted) == (True, True)
    for block in others:
        block.home.give_back(block)
    assert pool.out_bytes == 0


def test_the_bytes_of_a_peer_come_back_when_its_associations_end(tmp_path: Path) -> None:
    peer = Peer("RAWPEER", LOOPBACK, bytes_in_flight_max=1)
    with serving(tmp_path, Profile(peers=(peer,))) as (daemon, call):
        good = call()
        good.associate()
        assert good.store("1.2.3.4", ct("1.2.3.4", PixelData=bytes(2_000_000))).status == 0x0000
        good.send(command(3, store_rq("1.2.3.5")) + data_set(3, ct("1.2.3.5", PixelData=bytes(2_000_000)))[:1_000_000])
        good.socket.close()
        daemon.wait_until(lambda: daemon.tasks == 0)
        share = daemon.entity.blocks_of(peer)
        assert isinstance(share, Share)
        assert share.out_bytes == daemon.entity.blocks.out_bytes == daemon.entity.lobby_blocks.out_bytes == 0


def test_a_peer_without_a_limit_of_its_own_has_no_share(tmp_path: Path) -> None:
    with serving(tmp_path) as (daemon, _):
        assert daemon.entity.blocks_of(Peer("ANY", LOOPBACK)) is daemon.entity.blocks


def test_connections_without_an_association_cost_small_blocks_only(tmp_path: Path) -> None:
    with serving(tmp_path) as (daemon, call):
        peers = [call() for _ in range(100)]
        for peer in peers:
            peer.send(Proposal().encode()[:50])
        for peer in peers:
            peer.send(Proposal().encode()[50:])
            peer.receive()
        daemon.wait_until(lambda: daemon.entity.associations == 100)
        assert daemon.entity.blocks.kept == 0
        peers[0].echo()
        daemon.wait_until(lambda: daemon.entity.blocks.kept == 1)


def test_an_object_longer_than_the_limit_is_refused_and_the_association_goes_on(tmp_path: Path) -> None:
    with Daemon(tmp_path, QUICK, object_bytes_max=100_000) as daemon, RawPeer(daemon.port) as peer:
        peer.associate()
        assert peer.store("1.2.3.4", ct("1.2.3.4", PixelData=bytes(200_000))).status == 0xA700
        assert peer.store("1.2.3.5", ct("1.2.3.5")).status == 0x0000
        peer.release()


# -- the rate of receiving -------------------------------------------------------------------------------------------

MESSAGE = command(3, store_rq("1.2.3.4")) + data_set(3, ct("1.2.3.4", PixelData=bytes(10_000)))


def test_a_data_set_that_dribbles_is_aborted(tmp_path: Path) -> None:
    with serving(tmp_path, idle_seconds=0.3, rate_bytes_per_second_min=1000) as (daemon, call):
        peer = call()
        peer.associate()
        peer.socket.settimeout(0.02)
        begun = time.monotonic()
        peer.send(MESSAGE[:500])
        at = 500
        while daemon.entity.associations:
            assert time.monotonic() - begun < 3
            peer.send(MESSAGE[at : at + 2])
            at += 2
            try:
                assert peer.socket.recv(100)[:1] == b"\x07"
            except TimeoutError:
                pass
        assert 0.25 < time.monotonic() - begun < 2
        assert any("less than 1000 bytes/s" in str(event.get("reason")) for event in daemon.events())
        assert not list(daemon.directory.rglob("*.dcm"))


def test_a_sender_that_pauses_and_one_that_is_slow_but_not_too_slow_are_served(tmp_path: Path) -> None:
    with serving(tmp_path, idle_seconds=0.3, rate_bytes_per_second_min=1000) as (_, call):
        peer = call()
        peer.associate()
        peer.socket.settimeout(5)
        for at in range(0, len(MESSAGE), 1000):
            peer.send(MESSAGE[at : at + 1000])
            wait(0.05)
        assert peer.receive_message().status == 0x0000
        wait(0.25)
        assert peer.echo() == 0x0000
        wait(0.25)
        assert peer.echo() == 0x0000


# -- file descriptors ------------------------------------------------------------------------------------------------

FEW_DESCRIPTORS = """
import json, os, resource, sys, tempfile, time
from dataclasses import replace
from pathlib import Path
from scpd.ul.connection import UpperLayerLimits
from tests.daemon import QUICK, Daemon
from scpd.ul.connection import UpperLayerLimits

with tempfile.TemporaryDirectory() as folder:
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    options = replace(QUICK, associations_max=10, upper_layer=UpperLayerLimits(artim_seconds=30))
    with Daemon(Path(folder), options) as daemon:
        print(daemon.port, flush=True)
        sys.stdin.readline()
        begun = time.process_time()
        sys.stdin.readline()
        print(json.dumps({"cpu": time.process_time() - begun, "log": daemon.events()}), flush=True)
        sys.stdin.readline()
"""


def test_a_good_peer_is_served_when_descriptors_run_out_and_the_store_has_its_own() -> None:
    """Far more connections than descriptors: no busy loop, a log line, and whoever asks is served all the time."""
    program = [sys.executable, "-c", FEW_DESCRIPTORS]
    with (
        subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child,
        ExitStack() as stack,
    ):
        assert child.stdin is not None and child.stdout is not None
        port = int(child.stdout.readline())
        silent = []
        for _ in range(200):
            silent.append(stack.enter_context(RawPeer(port)))
            wait(0.004)  # for who comes faster than that, the kernel waits a second
        print(file=child.stdin, flush=True)
        for number in range(3):
            with RawPeer(port) as good:
                good.associate()
                uid = f"1.2.3.{number}"
                assert good.store(uid, ct(uid)).status == 0x0000
                good.release()
        wait(0.5)
        print(file=child.stdin, flush=True)
        told = json.loads(child.stdout.readline())
        assert told["cpu"] < 0.4
        assert any("descriptors run out" in str(line.get("reason")) for line in told["log"])
        assert not [line for line in told["log"] if line["level"] == "error"]
        for peer in silent:
            peer.socket.close()
        with RawPeer(port) as good:
            good.associate()
            assert good.echo() == 0x0000
            good.release()
        print(file=child.stdin, flush=True)
        child.communicate(timeout=30)
    assert child.returncode == 0


def test_descriptors_are_kept_for_the_files_of_associations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    assert descriptor_max(200) == 1024 - 264
    assert descriptor_max(2000) == 512


def test_the_limit_of_descriptors_is_raised_as_far_as_allowed() -> None:
    program = (
        "import resource as r; from scpd.server.lobby import raise_descriptor_limit as up;"
        "r.setrlimit(r.RLIMIT_NOFILE, (100, 200)); up(); print(r.getrlimit(r.RLIMIT_NOFILE))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "(200, 200)\n"
    assert callable(raise_descriptor_limit) and os.name == "posix"
