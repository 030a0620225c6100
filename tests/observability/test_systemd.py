"""sd_notify(3): datagrams to whoever asked for them, and silence otherwise."""

import os
import socket
from pathlib import Path

import pytest

from scpd.observability.systemd import notify, watchdog_seconds


def test_assignments_arrive_as_lines_of_one_datagram(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(5)
        notify("READY=1", "STATUS=Serving", environ={"NOTIFY_SOCKET": str(address)})
        assert manager.recv(100) == b"READY=1\nSTATUS=Serving"


def test_an_abstract_socket_is_reached() -> None:
    name = f"@scpd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:])
        manager.settimeout(5)
        notify("WATCHDOG=1", environ={"NOTIFY_SOCKET": name})
        assert manager.recv(100) == b"WATCHDOG=1"


def test_nobody_listening_is_no_error(tmp_path: Path) -> None:
    notify("READY=1", environ={})
    notify("READY=1", environ={"NOTIFY_SOCKET": str(tmp_path / "gone")})


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_bites(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_seconds(environ) == seconds
