"""Objects sent to a running server by `load.c`, and what that took."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks import objects
from benchmarks.programs import compiled
from benchmarks.running import Running

RUN_SECONDS_MAX = 580


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: so many instances of one of `objects.SIZES` over so many associations."""

    size: str
    associations: int
    instances: int

    @property
    def size_bytes(self) -> int:
        """Of all of it."""
        return self.instances * objects.SIZES[self.size]

    def __str__(self) -> str:
        return f"{self.size}, {self.associations} associations, {self.instances} instances"


class Sent(NamedTuple):
    """What `load` says of its run."""

    instances: int
    stored: int  # answered 0000H
    seconds: float
    p50_ms: float
    p99_ms: float


class Result(NamedTuple):
    """One run, and what it cost the server."""

    rate: float  # instances a second that were answered 0000H
    failed: int
    p50_ms: float
    p99_ms: float
    cpu_seconds: float  # a thousand instances
    peak_bytes: int


def send(server: Running, load: Load, folder: Path, first: int) -> Sent:
    """Sends instances numbered from `first` on: a number gives the same UIDs again.

    `folder` holds what `objects.write` wrote. Raises subprocess.TimeoutExpired when the server does not get done.
    """
    command = [compiled("load"), "-p", server.port, "-c", load.associations, "-n", load.instances, "-b", first]
    ended = subprocess.run(
        [*map(str, command), "-f", str(folder)], stdout=subprocess.PIPE, text=True, check=True, timeout=RUN_SECONDS_MAX
    )
    return Sent(**json.loads(ended.stdout))


def measure(server: Running, load: Load, folder: Path, first: int) -> Result:
    """The same with the server's costs."""
    before = server.cpu_seconds()
    sent = send(server, load, folder, first)
    return Result(
        rate=sent.stored / sent.seconds,
        failed=sent.instances - sent.stored,
        p50_ms=sent.p50_ms,
        p99_ms=sent.p99_ms,
        cpu_seconds=(server.cpu_seconds() - before) / max(sent.stored, 1) * 1000,
        peak_bytes=server.peak_bytes(),
    )
