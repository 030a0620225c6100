"""What a running server costs is counted whole, that of children which ended included."""

import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.running import Running
from benchmarks.servers import Server

ROOT = Path(__file__).parents[2]
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


def test_a_benchmark_that_is_killed_takes_its_server_along(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from benchmarks.running import Running
from benchmarks.servers import SERVERS
with Running(SERVERS["sink"], Path({str(tmp_path / "sink")!r})) as server:
    print(server.port, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    end = time.monotonic() + 10
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < end:
            with suppress(ConnectionResetError):  # it died while its kernel was answering
                socket.create_connection(("127.0.0.1", int(killed.stdout)), 1).close()
