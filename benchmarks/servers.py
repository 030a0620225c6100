"""The servers that are compared, each started with what its users would set to make it fast and to accept everybody."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import compiled, installed

PDU_BYTES = 131_072
ASSOCIATIONS_MAX = 100

Command = Callable[[Path, int], list[str]]
"""Makes a command line from the server's folder and port."""


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant. Each answers to the AE title SCPD."""

    name: str
    command: Command


def scpd(*options: str) -> Command:
    """The daemon of this checkout."""

    def command(folder: Path, port: int) -> list[str]:
        serve = [sys.executable, "-m", "scpd", "serve", "--listen", f"127.0.0.1:{port}"]
        return [*serve, "--storage", str(folder / "store"), "--set", "log.level=warning", *options]

    return command


def scpd_over(index: Path, *options: str) -> Server:
    """The same over an index that is filled already."""
    return Server("scpd", scpd("--set", f"storage.index={index}", *options))


def sink(*options: str) -> Command:
    """The yardstick: see sink.c."""

    def command(folder: Path, port: int) -> list[str]:
        files = folder / "files"
        files.mkdir()
        return [str(compiled("sink")), "-p", str(port), "-d", str(files), *options]

    return command


def storescp(folder: Path, port: int) -> list[str]:
    """DCMTK storescp as fast as it gets: bit preserving, a process a peer, large PDUs. No index, no sync."""
    return [installed("storescp"), "--fork", "-B", "-pdu", str(PDU_BYTES), "-od", str(folder), str(port)]


def dcmqrscp(folder: Path, port: int) -> list[str]:
    """DCMTK dcmqrscp with the largest storage area it accepts: 500 studies. An index, no sync."""
    area = folder / "area"
    area.mkdir()
    (folder / "config").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = {PDU_BYTES}\nMaxAssociations = {ASSOCIATIONS_MAX}\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f'AETable BEGIN\nSCPD "{area}" RW (500, 1024gb) ANY\nAETable END\n'
    )
    return [installed("dcmqrscp"), "-c", str(folder / "config")]


def dcmqrscp_over(index: Path) -> Server:
    """The same over an index that is filled already."""

    def command(folder: Path, port: int) -> list[str]:
        line = dcmqrscp(folder, port)
        shutil.copyfile(index, folder / "area" / "index.dat")
        return line

    return Server("dcmqrscp", command)


def orthanc(folder: Path, port: int) -> list[str]:
    """Orthanc with its default database, everything optional switched off."""
    settings = {
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
    (folder / "config.json").write_text(json.dumps(settings))
    return [installed("Orthanc"), str(folder / "config.json")]


def pynetdicom(folder: Path, port: int) -> list[str]:
    """pynetdicom's storescp application: at most ten associations. No index, no sync."""
    return [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-od", str(folder), "-q"]


SERVERS = {
    server.name: server
    for server in (
        Server("sink", sink()),
        Server("sink-sync", sink("-s")),
        Server("scpd", scpd()),
        Server("scpd-cached", scpd("--set", "storage.large_objects=cached")),
        Server("scpd-none", scpd("--set", "storage.durability=none")),
        Server("storescp", storescp),
        Server("dcmqrscp", dcmqrscp),
        Server("orthanc", orthanc),
        Server("pynetdicom", pynetdicom),
    )
}
