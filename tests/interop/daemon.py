"""The real daemon as a child process: started on a port of the kernel's choice, stopped by SIGTERM, judged by its log.

Readiness is what systemd would see: READY=1 on the notify socket. Nothing here sleeps or polls.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

START_SECONDS = 30
STOP_SECONDS = 30
SCPD = str(Path(sys.executable).with_name("scpd"))


class Daemon:
    """`scpd serve` over a storage folder. Start it, use `port` or `tls_port`, then stop (clean) or kill it."""

    def __init__(self, folder: Path, *options: str, command: Sequence[str] = (SCPD, "serve")) -> None:
        """`folder` takes the storage, the notify socket and the logs of every start."""
        self.storage = folder / "storage"
        self.port = self.tls_port = 0
        self._folder = folder
        self._command = (*command, "--listen", "127.0.0.1:0", "--storage", str(self.storage), *options)
        self._logs: list[Path] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Daemon":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: "BaseException | TracebackType | None") -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()

    @property
    def log(self) -> str:
        """Everything that was logged since the first start."""
        return "".join(path.read_text() for path in self._logs)

    @property
    def events(self) -> list[dict[str, Any]]:  # Any: the fields of a log line are as free as JSON
        """The log lines, one JSON object each."""
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The running daemon."""
        return self._running()

    def wait_event(self, name: str) -> None:
        """Until a line with this event stands in the log."""
        end = time.monotonic() + START_SECONDS
        while not any(event["event"] == name for event in self.events):
            assert time.monotonic() < end, f"no {name!r} in the log:\n{self.log}"
            time.sleep(0.01)

    def start(self) -> None:
        """Returns when the daemon said that it is ready."""
        address = self._folder / "notify"
        address.unlink(missing_ok=True)
        self._logs.append(self._folder / f"log.{len(self._logs)}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, self._logs[-1].open("wb") as log:
            notify.bind(str(address))
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(address)},
            )
            self._wait_ready(notify)
        events = map(json.loads, self._logs[-1].read_text().splitlines())  # an earlier life may have died in a line
        listening = next(event for event in events if event["event"] == "listening")
        self.port = port_of(listening["addresses"])
        self.tls_port = port_of(listening["tls_addresses"])

    def stop(self) -> None:
        """Ends the daemon as systemd does, and holds it to what it promises of a clean end."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            exit_code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still there {STOP_SECONDS} s after SIGTERM:\n{self.log}") from None
        self._process = None
        assert exit_code == 0, self.log
        assert_nothing_went_wrong(self.log)

    def kill(self) -> None:
        """Ends the daemon without a chance to tidy up."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def assert_knows_no_patient(self, words: Iterable[str]) -> None:
        """Fails if a word that identifies a patient stands in the log."""
        log = self.log
        assert not [word for word in words if word in log]

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def _wait_ready(self, notify: socket.socket) -> None:
        process = self._running()
        ended = os.pidfd_open(process.pid)
        try:
            while True:
                readable, _, _ = select.select([notify.fileno(), ended], [], [], START_SECONDS)
                if notify.fileno() in readable and b"READY=1" in notify.recv(4096).split(b"\n"):
                    return
                if ended in readable or not readable:
                    self.kill()
                    raise AssertionError(f"the daemon did not become ready:\n{self.log}")
        finally:
            os.close(ended)


def port_of(addresses: Sequence[str]) -> int:
    """The port of the first address, 0 without one."""
    return int(addresses[0].rpartition(":")[2]) if addresses else 0


def assert_nothing_went_wrong(log: str) -> None:
    """Fails on a traceback, a task nobody looked after, or a line that is not JSON."""
    assert "Traceback" not in log, log
    assert "never retrieved" not in log and "was never awaited" not in log, log
    for line in log.splitlines():
        assert json.loads(line)["level"] not in ("error", "critical"), line
