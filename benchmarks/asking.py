"""Requests put to a running server by `ask.c`, to the end or beside something else, and how they were answered."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from benchmarks import archive
from benchmarks.programs import compiled
from benchmarks.running import Running
from scpd.dimse.command import CCancelRQ, CEchoRQ
from scpd.dimse.pdv import encode_message

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
RUN_SECONDS_MAX = 580
PDU_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Manner:
    """How often and how fast something is asked."""

    requests: int
    associations: int = 1
    a_second: float = 0  # offered; 0 for as fast as they are answered
    cancel_after: int = 0  # responses; 0 for never
    afresh: bool = False  # an association for each request


class Told(NamedTuple):
    """What `ask` says of its run; times are of one request, up to its final response."""

    answered: int  # with the status that was due
    failed: int
    rows: int
    seconds: float
    p50_ms: float
    p99_ms: float
    first_ms: float
    cancel_ms: float


class Asking:
    """Requests that are under way. They end by themselves, or at the end of its block as a context manager."""

    def __init__(self, server: Running, folder: Path, manner: Manner) -> None:
        """`folder` holds what `write` wrote."""
        command = [compiled("ask"), "-p", server.port, "-c", min(manner.associations, manner.requests)]
        command += ["-n", manner.requests, "-q", manner.a_second, "-x", manner.cancel_after, "-f", folder]
        afresh = ["-a"] if manner.afresh else []
        # Unbuffered, so that reading a line does not take what `wait` is to read.
        self._process = subprocess.Popen([*map(str, command), *afresh], stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdout
        self._process.stdout.readline()  # from now on it can be stopped

    def __enter__(self) -> "Asking":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()

    def wait(self) -> Told:
        """How it went, when it has ended. Raises RuntimeError when not everything was answered, or nothing."""
        try:
            told = Told(**json.loads(self._process.communicate(timeout=RUN_SECONDS_MAX)[0]))
        finally:
            self._process.kill()
        if told.failed or not told.answered:
            raise RuntimeError(f"not everything was answered: {told}")
        return told


def ask(server: Running, folder: Path, manner: Manner) -> Told:
    """Asks to the end."""
    return Asking(server, folder, manner).wait()


def write(folder: Path, sop_class: str, messages: Iterable[bytes]) -> None:
    """Makes the files that `ask` reads in `folder`."""
    folder.mkdir(exist_ok=True)
    (folder / "associate").write_bytes(archive.associate_request(sop_class, IMPLICIT_LE))
    (folder / "cancel").write_bytes(encode_message(CCancelRQ(1), 1, None, PDU_BYTES))
    (folder / "requests").write_bytes(b"".join(len(one).to_bytes(4) + one for one in messages))


def write_echo(folder: Path) -> None:
    """The same for C-ECHO."""
    write(folder, VERIFICATION, [encode_message(CEchoRQ(1, VERIFICATION), 1, None, PDU_BYTES)])
