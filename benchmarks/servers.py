"""The servers that are compared: how each is started, what it needs, and where its cost is read.

A run's folder is left to whoever made the one above it: ext4 creates files slowly for a while after many were deleted,
so that tidying up after one contestant would be charged to the next.

Every server runs as its own process group in its own folder, on a port of its own, with what its users would set to
make it fast and to accept everybody. `TCP_NODELAY=1` is given to those that read it: without it DCMTK and Orthanc
answer in two small writes and every instance costs 40 ms of waiting.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
START_SECONDS = 30
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant. `command` makes its command line from its folder and port."""

    name: str
    command: Callable[[Path, int], list[str]]
    needs: str
    ae_title: str = "SCPD"


class Running:
    """A started server; a context manager. Costs are of the whole process tree."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.port = free_port()
        folder.mkdir(parents=True)
        spread(folder)
        self._folder = folder
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            server.command(folder, self.port),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "TCP_NODELAY": "1"},
            start_new_session=True,
        )
        self._ended_cpu_seconds = 0.0

    def __enter__(self) -> "Running":
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        self.__exit__()
        raise RuntimeError(f"{self.server.name} did not start:\n{(self._folder / 'log').read_text()[-2000:]}")

    def __exit__(self, *_: object) -> None:
        try:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children, those that ended included."""
        ticks = 0
        for pid in self._pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / CLOCK_TICKS

    def peak_bytes(self) -> int:
        """The highest resident set of each process, added up."""
        total = 0
        for pid in self._pids():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            peak = [line for line in status.splitlines() if line.startswith("VmHWM")]
            total += int(peak[0].split()[1]) * 1024 if peak else 0
        return total

    def _pids(self) -> list[int]:
        """Everything in the server's session."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    if os.getsid(int(entry.name)) == self._process.pid:
                        found.append(int(entry.name))
                except ProcessLookupError:
                    continue
        return found


def scpd(*options: str) -> Callable[[Path, int], list[str]]:
    """The daemon of this checkout."""

    def command(folder: Path, port: int) -> list[str]:
        serve = [
            sys.executable,
            "-m",
            "scpd",
            "serve",
            "--listen",
            f"127.0.0.1:{port}",
            "--storage",
            str(folder / "store"),
        ]
        return [*serve, "--set", "log.level=warning", *options]

    return command


def sink(*options: str) -> Callable[[Path, int], list[str]]:
    """The yardstick, compiled on first use."""

    def command(folder: Path, port: int) -> list[str]:
        files = folder / "files"
        files.mkdir()
        return [str(compiled("sink")), "-p", str(port), "-d", str(files), *options]

    return command


def storescp(folder: Path, port: int) -> list[str]:
    """DCMTK storescp as fast as it gets: bit preserving, a process a peer, large PDUs. No index, no sync."""
    return ["storescp", "--fork", "-B", "-pdu", "131072", "-od", str(folder), str(port)]


def dcmqrscp(folder: Path, port: int) -> list[str]:
    """DCMTK dcmqrscp with the largest storage area it accepts."""
    area = folder / "area"
    area.mkdir()
    (folder / "config").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 100\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f'AETable BEGIN\nSCPD "{area}" RW (500, 1024mb) ANY\nAETable END\n'
    )
    return ["dcmqrscp", "-c", str(folder / "config")]


def orthanc(folder: Path, port: int) -> list[str]:
    """Orthanc with its default database, everything optional switched off."""
    (folder / "config.json").write_text(
        json.dumps(
            {
                "Name": "benchmark",
                "StorageDirectory": str(folder / "store"),
                "HttpServerEnabled": False,
                "DicomAet": "SCPD",
                "DicomPort": port,
                "DicomAlwaysAllowEcho": True,
                "DicomAlwaysAllowStore": True,
                "DicomAlwaysAllowFind": True,
                "DicomCheckCalledAet": False,
                "DicomThreadsCount": 16,
                "SyncStorageArea": True,
                "MaximumPatientCount": 0,
                "StorageCompression": False,
                "Plugins": [],
            }
        )
    )
    return [shutil.which("Orthanc") or "/usr/sbin/Orthanc", str(folder / "config.json")]


def pynetdicom(folder: Path, port: int) -> list[str]:
    """pynetdicom's storescp application."""
    return [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-od", str(folder), "-q"]


SERVERS = {
    server.name: server
    for server in (
        Server("sink", sink(), "cc"),
        Server("sink-sync", sink("-s"), "cc"),
        Server("scpd", scpd(), ""),
        Server("scpd-none", scpd("--set", "storage.durability=none"), ""),
        Server("storescp", storescp, "storescp"),
        Server("dcmqrscp", dcmqrscp, "dcmqrscp"),
        Server("orthanc", orthanc, "Orthanc"),
        Server("pynetdicom", pynetdicom, ""),
    )
}


def compiled(name: str) -> Path:
    """The C program `name`.c of this folder, compiled when it is older than its source."""
    source, program = HERE / f"{name}.c", HERE / ".build" / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-pthread", "-o", str(program), str(source), "-lm"], check=True)
    return program


def spread(folder: Path) -> None:
    """Asks ext4 to give the folder block groups of its own: deletions of a former run slow down creations there."""
    subprocess.run(["chattr", "+T", str(folder)], stderr=subprocess.DEVNULL, check=False)


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
