"""What open associations cost while nobody says anything: workstations and gateways keep them open all day.

    python -m benchmarks.idle --associations 10000

Reported are the daemon's memory for each of them, the part of a core it uses while all are silent, and how long a
newcomer waits for a C-ECHO beside them. As many are opened as the hard limit of file descriptors allows.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.hostile import Footprint, Waits, echo_afresh
from scpd.server.lobby import DESCRIPTORS_RESERVED, raise_descriptor_limit
from tests.interop.daemon import Daemon
from tests.rawpeer import RawPeer

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def processor_seconds(process_id: int) -> float:
    """CPU time of the process until now, user and system: proc(5)."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def descriptors() -> int:
    """How many sockets one process may have beside its files."""
    raise_descriptor_limit()
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 2 * DESCRIPTORS_RESERVED


def measure(options: argparse.Namespace, count: int) -> None:
    """Opens `count` associations and prints what they cost."""
    settings = {
        "limits.associations_max": count + 10,
        "timeouts.idle_seconds": 86_400,
    }
    arguments = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    with tempfile.TemporaryDirectory() as folder, Daemon(Path(folder), *arguments) as daemon, ExitStack() as open_ones:
        echo_afresh(daemon.port)
        process_id = daemon.process.pid
        before, begun = Footprint.of(process_id), time.monotonic()
        for _ in range(count):
            open_ones.enter_context(RawPeer(daemon.port, timeout=30)).associate()
        opened_in, during = time.monotonic() - begun, Footprint.of(process_id)
        used = processor_seconds(process_id)
        time.sleep(options.seconds)
        share = (processor_seconds(process_id) - used) / options.seconds
        waits = Waits()
        for _ in range(options.echoes):
            waits.measure(lambda: echo_afresh(daemon.port))
    each = (during.resident_bytes - before.resident_bytes) / count
    print(f"{count} associations opened in {opened_in:.1f} s\nbefore: {before}\nwith them: {during}")
    print(f"memory: {each / 1024:.2f} KiB an association")
    print(f"processor: {100 * share:.2f} % of a core over {options.seconds} s")
    print(f"C-ECHO on fresh associations: {waits}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description="what silent associations cost")
    parser.add_argument("--associations", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=60, help="of silence")
    parser.add_argument("--echoes", type=int, default=200, help="of newcomers, after the silence")
    options = parser.parse_args(arguments)
    count = min(options.associations, descriptors())
    if count < options.associations:
        print(f"the limit of file descriptors allows {count} associations")
    measure(options, count)


if __name__ == "__main__":
    main()
