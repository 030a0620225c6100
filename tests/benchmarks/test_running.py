"""What a running server costs is counted whole, that of children which ended included."""

import sys
from pathlib import Path

import pytest

from benchmarks.running import Running
from benchmarks.servers import Server

CHILD_BYTES, CHILD_SECONDS = 100_000_000, 0.4

FORKING = f"""
import os, socket, sys, time
if not os.fork():
    held = b"x" * {CHILD_BYTES}
    while time.process_time() < {CHILD_SECONDS}:
        pass
    os._exit(0)
os.wait()
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listening.accept()
"""


def python(program: str) -> Server:
    return Server("python", lambda folder, port: [sys.executable, "-c", program, str(port)])


def test_a_child_that_ended_before_is_counted(tmp_path: Path) -> None:
    with Running(python(FORKING), tmp_path / "server") as server:
        assert server.peak_bytes() > CHILD_BYTES
        assert server.cpu_seconds() >= 0.9 * CHILD_SECONDS


def test_the_log_of_a_server_that_does_not_start_is_shown(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"python did not start:\n(.*\n)*.*no such option"),
        Running(python("raise SystemExit('no such option')"), tmp_path / "server"),
    ):
        pass
