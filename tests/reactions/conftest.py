"""The reactions of the daemon over real sockets, and the oracle that is asked after every one of them."""

import ctypes
import gc
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.datasets import PATIENT_MARK
from tests.rawpeer import Call, RawPeer

RSS_GROWTH_BYTES_MAX = 8 << 20
ECHO_SECONDS_MAX = 1.0


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon with quick timers.

    A test may parametrize it indirectly with keyword arguments of `Daemon`, or with what makes them: a backend
    serves one daemon only.
    """
    arguments = getattr(request, "param", {})
    with Daemon(tmp_path, **(arguments() if callable(arguments) else arguments)) as running:
        yield running


@pytest.fixture
def call(daemon: Daemon) -> Iterator[Call]:
    """Connects a raw peer to `daemon`; closed before the oracle is asked."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(RawPeer(daemon.port))


@pytest.fixture
def peer(call: Call, request: pytest.FixtureRequest) -> RawPeer:
    """A raw peer with an association: on the usual contexts, or as `PROPOSAL` of the test's module asks for."""
    connected = call()
    connected.associate(getattr(request.module, "PROPOSAL", None))
    return connected


@pytest.fixture(autouse=True)
def oracle(daemon: Daemon) -> Iterator[None]:
    """What holds after every reaction: the next peer is served, nothing is left behind, nothing leaks into the log."""
    warm_up(daemon)
    rss = rss_bytes()
    yield
    assert fresh_echo_seconds(daemon) < ECHO_SECONDS_MAX
    wait_until_idle(daemon)
    gc.collect()
    blocks = daemon.entity.blocks  # those kept for the next busy time are bounded, and wanted
    assert rss_bytes() - rss - blocks.kept * blocks.block_bytes < RSS_GROWTH_BYTES_MAX
    check_log(daemon)
    check_files(daemon)


def warm_up(daemon: Daemon) -> None:
    """One association, so that what is loaded once is not counted as growth."""
    fresh_echo_seconds(daemon)
    wait_until_idle(daemon)


def fresh_echo_seconds(daemon: Daemon) -> float:
    """How long a new peer waits for its C-ECHO."""
    begun = time.monotonic()
    with RawPeer(daemon.port) as peer:
        peer.associate()
        assert peer.echo() == 0x0000
        taken = time.monotonic() - begun
        peer.release()
    return taken


def wait_until_idle(daemon: Daemon) -> None:
    """Until no association and no connection is left: at most ARTIM and two seconds."""
    end = time.monotonic() + daemon.options.upper_layer.artim_seconds + 2
    while daemon.entity.associations or daemon.tasks:
        assert time.monotonic() < end, f"{daemon.entity.associations} associations, {daemon.tasks} connections are left"
        time.sleep(0.005)
    assert daemon.entity.blocks.out_bytes == 0


def rss_bytes() -> int:
    """Resident memory of this process, which is the daemon's too, without what the heap keeps for later.

    The objects that a test makes and sends come from the same heap.
    """
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def check_log(daemon: Daemon) -> None:
    """No traceback, no lost exception, no patient, nothing that a terminal would obey."""
    text = daemon.log_text.getvalue()
    assert "Traceback" not in text, text
    assert "never retrieved" not in text, text
    assert PATIENT_MARK.lower() not in text.lower(), text
    assert not re.search(r"[^\x20-\x7e\n]", text), text


def check_files(daemon: Daemon) -> None:
    """Nothing outside the storage root, nothing half-written inside."""
    assert {path.name for path in daemon.directory.iterdir()} <= {"store"}
    spool = [path for path in (daemon.directory / "store").rglob("*") if "spool" in path.parts and path.is_file()]
    assert not spool
