"""Faults for a night: `python -m tests.faults ledger`, `powerloss` or `walk`. Exit code 1: something was wrong."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import powerloss, strace
from tests.faults.crashes import Store, Tally, crash
from tests.faults.powerloss import NoDisk, cut_power
from tests.faults.walk import Walk

NOT_HERE = 77
SHOWN = 20


def main() -> int:
    """Returns the exit code: 0, 1 when something was wrong, or NOT_HERE when this machine does not let us."""
    arguments = parser().parse_args()
    reason = {"powerloss": powerloss.missing, "walk": strace.missing}.get(arguments.command, str)()
    if reason:
        print(reason)
        return NOT_HERE
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(NOT_HERE))  # through every `finally`: nothing stays mounted
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scpd-faults-", ignore_cleanup_errors=True) as folder:
        try:
            seen = run(arguments, Path(folder))
        except NoDisk as error:
            print(error)
            return NOT_HERE
    print(f"{seen} ({time.monotonic() - begun:.0f} s)")
    print(*seen.complaints[:SHOWN], f"{len(seen.complaints)} complaints", sep="\n")
    return min(len(seen.complaints), 1)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    ledger = commands.add_parser("ledger", help="kill -9 at random moments and at the n-th system call")
    ledger.add_argument("--cycles", type=int, default=1000)
    loss = commands.add_parser("powerloss", help="power cuts on an ext4 image; needs root and loop devices")
    loss.add_argument("--rounds", type=int, default=100)
    loss.add_argument("--durability", choices=("sync", "none"), default="sync", help="none: to see what is lost then")
    for command in (ledger, loss):
        command.add_argument("--seed", type=int, default=0, help="of all that is left to chance")
    commands.add_parser("walk", help="the n-th system call of every kind fails, one after the other")
    return parser


def run(arguments: argparse.Namespace, folder: Path) -> Tally | Walk:
    """Does what was asked for. Raises NoDisk."""
    match arguments.command:
        case "ledger":
            return crash(folder, arguments.cycles, arguments.seed)
        case "powerloss":
            return cut_power(folder, arguments.rounds, arguments.seed, arguments.durability)
    store = Store(folder / "store")
    walk = Walk(store)
    with store.served():
        walk.go()
    return walk


if __name__ == "__main__":
    sys.exit(main())
