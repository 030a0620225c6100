"""A server that runs while it is measured, and what it costs: CPU and memory of its whole process tree, from /proc.

Every server runs as its own session in its own folder, on a port of its own. The folder is left to whoever made the one
above it: ext4 creates files slowly for a while after many were deleted, so that tidying up after one contestant would
be charged to the next.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

from benchmarks.servers import Server

START_SECONDS, STOP_SECONDS = 30, 30
SAMPLE_SECONDS = 0.1
WITH_US = ["setpriv", "--pdeathsig", "KILL"]
"""A benchmark that is killed takes its server along."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """A started server; a context manager. `port` is where it listens on 127.0.0.1."""

    def __init__(self, server: Server, folder: Path) -> None:
        """Raises FileNotFoundError when the server is not installed; `folder` must not be there yet."""
        self.server = server
        self.port = free_port()
        folder.mkdir(parents=True)
        spread(folder)
        self._log = folder / "log"
        # Without TCP_NODELAY, DCMTK and Orthanc answer in two small writes, and every instance costs 40 ms of waiting.
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*WITH_US, *server.command(folder, self.port)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "TCP_NODELAY": "1"},
                start_new_session=True,
            )
        self._peak_bytes = 0
        self._stopping = Event()
        self._sampler = Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Running":
        self._sampler.start()
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        self._stop()
        raise RuntimeError(f"{self.server.name} did not start:\n{self._log.read_text()[-2000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children, those that ended included."""
        ticks = 0
        for pid in self._pids():
            with suppress(OSError):  # it ended meanwhile
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(int(field) for field in fields[11:15])
        return ticks / CLOCK_TICKS

    def peak_bytes(self) -> int:
        """The highest sum, seen ten times a second, of the high-water marks of all processes that were there."""
        self._peak_bytes = max(self._peak_bytes, sum(map(high_water_bytes, self._pids())))
        return self._peak_bytes

    def _sample(self) -> None:
        """The children of a forking server are gone when the run is over."""
        while not self._stopping.wait(SAMPLE_SECONDS):
            self.peak_bytes()

    def _stop(self) -> None:
        self._stopping.set()
        self._sampler.join()
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):  # nobody was left
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _pids(self) -> Iterator[int]:
        """Everything in the server's session."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(ProcessLookupError):
                    if os.getsid(int(entry.name)) == self._process.pid:
                        yield int(entry.name)


def high_water_bytes(pid: int) -> int:
    """The largest resident set that a process ever had; 0 when it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


def spread(folder: Path) -> None:
    """Asks ext4 to give the folder block groups of its own: deletions of a former run slow down creations there."""
    subprocess.run(["chattr", "+T", str(folder)], stderr=subprocess.DEVNULL, check=False)


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
