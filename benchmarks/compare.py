"""Compares servers: interleaved runs, medians, ratios to a yardstick of the same run, CPU and peak memory.

    python -m benchmarks.compare --load ct512k --associations 8 --instances 800 --rounds 5 sink-sync scpd orthanc

Two noisy cores carry client, server and disk, and a machine's speed drifts fourfold within the hour. So servers take
turns (A B C A B C), every figure is the median of its rounds, and what is to be believed is the ratio within a run.
"""

import argparse
import json
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import objects
from benchmarks.servers import SERVERS, Running, compiled

RUN_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one server."""

    rate: float  # instances a second that were answered 0000H
    failed: int
    p99_ms: float
    cpu_seconds: float  # of the server, a thousand instances
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent."""

    size: str
    associations: int
    instances: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the comparison and prints its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description="compare DICOM Storage SCPs")
    parser.add_argument("servers", nargs="+", choices=sorted(SERVERS), metavar="SERVER", help=", ".join(SERVERS))
    parser.add_argument("--load", choices=sorted(objects.SIZES), default="ct512k")
    parser.add_argument("--associations", type=int, default=8)
    parser.add_argument("--instances", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the servers store (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="also write every single result here")
    options = parser.parse_args(arguments)
    load = Load(options.load, options.associations, options.instances)
    results: dict[str, list[Result]] = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        objects.write(load.size, Path(folder) / "objects", "SCPD")
        for number in range(options.rounds):
            for name in options.servers:
                results[name].append(run(name, load, Path(folder), number))
    print(table(results, options.servers[0], load, options.rounds))
    if options.json:
        rows = {name: [vars_of(result) for result in each] for name, each in results.items()}
        options.json.write_text(json.dumps(rows, indent=2))


def run(name: str, load: Load, folder: Path, number: int) -> Result:
    """Starts a server, sends to it, stops it."""
    with Running(SERVERS[name], folder / f"{name}-{number}") as server:
        send(server, Load(load.size, 1, 10), folder, 8)  # what is loaded once is not measured
        before = server.cpu_seconds()
        sent = send(server, load, folder, number)
        cpu = server.cpu_seconds() - before
        answered = load.instances - sent["failed"] - sent["unsent"]
        return Result(
            rate=answered / sent["seconds"],
            failed=int(sent["failed"] + sent["unsent"]),
            p99_ms=sent["p99_ms"],
            cpu_seconds=cpu / max(answered, 1) * 1000,
            peak_bytes=server.peak_bytes(),
        )


def send(server: Running, load: Load, folder: Path, number: int) -> dict[str, float]:
    """One run of the load generator."""
    command = [compiled("load"), "-p", server.port, "-c", load.associations, "-n", load.instances, "-r", number]
    ended = subprocess.run(
        [*map(str, command), "-f", str(folder / "objects")],
        capture_output=True,
        text=True,
        check=True,
        timeout=RUN_SECONDS_MAX,
    )
    sent: dict[str, float] = json.loads(ended.stdout)
    return sent


def table(results: dict[str, list[Result]], yardstick: str, load: Load, rounds: int) -> str:
    """The medians, and ratios to the yardstick pair by pair."""
    lines = [
        f"{load.size}, {load.associations} associations, {load.instances} instances; medians of {rounds} rounds",
        f"{'server':<12}{'inst/s':>9}{'x ' + yardstick:>14}{'CPU s/1000':>12}{'x CPU':>8}{'p99 ms':>9}"
        f"{'peak MB':>9}{'failed':>8}",
    ]
    for name, runs in results.items():
        pairs = list(zip(runs, results[yardstick], strict=True))
        rate_ratio = median(one.rate / other.rate for one, other in pairs if other.rate)
        cpu_ratio = median(one.cpu_seconds / max(other.cpu_seconds, 1e-9) for one, other in pairs)
        lines.append(
            f"{name:<12}{median(r.rate for r in runs):>9.0f}{rate_ratio:>14.2f}"
            f"{median(r.cpu_seconds for r in runs):>12.3f}{cpu_ratio:>8.2f}"
            f"{median(r.p99_ms for r in runs):>9.1f}{max(r.peak_bytes for r in runs) / 1e6:>9.1f}"
            f"{sum(r.failed for r in runs):>8}"
        )
    return "\n".join(lines)


def vars_of(result: Result) -> dict[str, float]:
    """The fields of a result, for JSON."""
    return {name: getattr(result, name) for name in Result.__slots__}


if __name__ == "__main__":
    main()
