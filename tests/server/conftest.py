"""Fixtures of the server's room: a daemon core in a thread, and peers made of bytes that call it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.rawpeer import RawPeer


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with its defaults and quick timers."""
    with Daemon(tmp_path) as running:
        yield running


@pytest.fixture
def call(daemon: Daemon) -> Iterator[Callable[[], RawPeer]]:
    """Connects a raw peer to `daemon`; closed at the end of the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(RawPeer(daemon.port))
