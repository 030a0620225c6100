"""Servers over the synthetic archive: SERVER:STUDIES, as in scpd:10000.

What takes long is done once and kept in a folder: the index of scpd, which is written without any file, and that of
dcmqrscp, which reads all of its index for every object it stores (a quarter of an hour for 200 studies). Orthanc is
sent the archive at every start.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import archive
from benchmarks.running import Running
from benchmarks.servers import SERVERS, Server, dcmqrscp_over, scpd_over

SENDERS = 8
DCMQRSCP_STUDIES_MAX = 500


@contextmanager
def filled(contestant: str, folder: Path, archives: Path) -> Iterator[Running]:
    """The server, running in `folder` with its archive. Raises ValueError when it cannot hold so many studies."""
    name, studies = name_of(contestant), studies_of(contestant)
    archives.mkdir(parents=True, exist_ok=True)
    with Running(server_over(name, studies, archives), folder / contestant.replace(":", "-")) as running:
        if name not in ("scpd", "dcmqrscp"):
            archive.store(running.port, studies, SENDERS)
        yield running


def name_of(contestant: str) -> str:
    """Of its server."""
    return contestant.partition(":")[0]


def studies_of(contestant: str) -> int:
    """The size of its archive."""
    return int(contestant.partition(":")[2])


def server_over(name: str, studies: int, archives: Path) -> Server:
    """The server with what can be given to it beforehand."""
    match name:
        case "scpd":
            return scpd_over(archive.filled_index(archives, studies), "--set", "query.strict=false")
        case "dcmqrscp":
            return dcmqrscp_over(dcmqrscp_index(archives, studies))
        case _:
            return SERVERS[name]


def dcmqrscp_index(archives: Path, studies: int) -> Path:
    """The index of dcmqrscp's storage area, made unless it is there.

    The archive comes on one association: its processes lose an object now and then when they store side by side.
    """
    path = archives.absolute() / f"dcmqrscp-{studies}.dat"
    if studies > DCMQRSCP_STUDIES_MAX:
        raise ValueError(f"dcmqrscp holds {DCMQRSCP_STUDIES_MAX} studies")
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            with Running(SERVERS["dcmqrscp"], Path(folder) / "dcmqrscp") as running:
                archive.store(running.port, studies, 1)
            growing = path.with_suffix(".growing")
            shutil.copyfile(Path(folder) / "dcmqrscp" / "area" / "index.dat", growing)
            growing.rename(path)
    return path
