"""Faults for a night: `python -m tests.faults ledger` or `powerloss`. Exit code 1 tells that something was wrong."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import powerloss
from tests.faults.crashes import Tally, crash

NOT_HERE = 77


def main() -> int:
    """Returns the exit code: 0, 1 when something was wrong, or NOT_HERE when this machine does not let us."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    ledger = commands.add_parser("ledger", help="kill -9 at random moments and at the n-th system call")
    ledger.add_argument("--cycles", type=int, default=1000)
    loss = commands.add_parser("powerloss", help="power cuts on an ext4 image; needs root and loop devices")
    loss.add_argument("--rounds", type=int, default=100)
    loss.add_argument("--durability", choices=("sync", "none"), default="sync", help="none: to see what is lost then")
    for command in (ledger, loss):
        command.add_argument("--seed", type=int, default=0, help="of all that is left to chance")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(NOT_HERE))  # through every `finally`: nothing stays mounted
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scpd-faults-", ignore_cleanup_errors=True) as folder:
        try:
            tally = run(arguments, Path(folder))
        except powerloss.NoDisk as error:
            print(error)
            return NOT_HERE
    print(f"{tally} ({time.monotonic() - begun:.0f} s)")
    print(*tally.complaints[:20], sep="\n")
    print(f"{len(tally.complaints)} complaints")
    return min(len(tally.complaints), 1)


def run(arguments: argparse.Namespace, folder: Path) -> Tally:
    """What was asked for. Raises NoDisk."""
    if arguments.command == "ledger":
        return crash(folder, arguments.cycles, arguments.seed)
    if powerloss.missing():
        raise powerloss.NoDisk(powerloss.missing())
    return powerloss.cut_power(folder, arguments.rounds, arguments.seed, arguments.durability)


if __name__ == "__main__":
    sys.exit(main())
