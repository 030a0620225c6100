"""Compares how servers take objects: interleaved runs, medians, ratios within a run, CPU and peak memory.

    python -m benchmarks.compare --load ct512k --associations 8 --rounds 5 sink-sync scpd orthanc storescp

Two noisy cores carry client, server and disk, and a machine's speed drifts fourfold within the hour. So servers take
turns (A B C A B C), every figure is the median of its rounds, and what is to be believed is the ratio within a round.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from statistics import median

from benchmarks import objects
from benchmarks.plot import Panel, draw, figure
from benchmarks.running import Running
from benchmarks.sending import Load, Result, measure, send
from benchmarks.servers import SERVERS

INSTANCES = {"tiny4k": 10_000, "ct512k": 2_000, "us100m": 40}
"""As many cost scpd a second of CPU at least; and what five rounds of three leave in the page cache fits in 14 GB."""
WARM_UP = {"tiny4k": 10, "ct512k": 10, "us100m": 1}
"""What is loaded once is not measured."""
FIRST_MEASURED = 1_000
FEW_FILES = 100
"""So few may be deleted between two runs without slowing down the creation of others."""
DISK_SHARE_MAX = 0.8

Results = Mapping[str, list[Result]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the comparison and prints its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description="compare DICOM Storage SCPs")
    parser.add_argument("servers", nargs="+", choices=sorted(SERVERS), metavar="SERVER", help=", ".join(SERVERS))
    parser.add_argument("--load", choices=sorted(objects.SIZES), default="ct512k")
    parser.add_argument("--associations", type=int, default=8)
    parser.add_argument("--instances", type=int, help=f"a round (default: {INSTANCES})")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the servers store (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="also write every single result here")
    parser.add_argument("--plot", type=Path, help="also draw rate and CPU into this SVG file")
    options = parser.parse_args(arguments)
    load = Load(options.load, options.associations, options.instances or INSTANCES[options.load])
    results: dict[str, list[Result]] = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name).absolute()
        refuse_to_fill_the_disk(parser, folder, load, 1 if few(load) else options.rounds * len(options.servers))
        objects.write(load.size, folder / "objects", "SCPD")
        for number in range(options.rounds):
            for server in options.servers:
                results[server].append(run(server, load, folder, number))
    print(table(results, load, options.rounds))
    if options.json:
        runs = {server: [result._asdict() for result in each] for server, each in results.items()}
        options.json.write_text(json.dumps({"load": str(load), "runs": runs}, indent=2))
    if options.plot:
        options.plot.write_text(plotted(results, load))


def few(load: Load) -> bool:
    """Whether what a run has stored is deleted at once."""
    return load.instances <= FEW_FILES


def refuse_to_fill_the_disk(parser: argparse.ArgumentParser, folder: Path, load: Load, runs_kept: int) -> None:
    """Ends the program when the runs that are kept would."""
    needed, free = runs_kept * load.size_bytes, shutil.disk_usage(folder).free
    if needed > DISK_SHARE_MAX * free:
        parser.error(f"this would store {needed / 1e9:.0f} GB in {folder}, which has {free / 1e9:.0f} GB")


def run(name: str, load: Load, folder: Path, number: int) -> Result:
    """Starts a server, sends to it, stops it."""
    own = folder / f"{name}-{number}"
    with Running(SERVERS[name], own) as server:
        send(server, Load(load.size, 1, WARM_UP[load.size]), folder / "objects", 0)
        os.sync()  # what the one before left unwritten is not written during this run
        result = measure(server, load, folder / "objects", FIRST_MEASURED)
    if few(load):
        shutil.rmtree(own)
    return result


def table(results: Results, load: Load, rounds: int) -> str:
    """The medians, with ratios to the first server; and scpd's ratios to each of the others."""
    yardstick = next(iter(results))
    lines = [
        f"{load}; medians of {rounds} rounds",
        f"{'server':<12}{'inst/s':>9}{'x ' + yardstick:>14}{'CPU s/1000':>12}{'x CPU':>8}{'p99 ms':>9}"
        f"{'peak MB':>9}{'failed':>8}",
    ]
    for name, runs in results.items():
        rate_ratio, cpu_ratio = ratios(runs, results[yardstick])
        lines.append(
            f"{name:<12}{figure(median(r.rate for r in runs)):>9}{rate_ratio:>14.2f}"
            f"{median(r.cpu_seconds for r in runs):>12.3f}{cpu_ratio:>8.2f}"
            f"{median(r.p99_ms for r in runs):>9.1f}{max(r.peak_bytes for r in runs) / 1e6:>9.1f}"
            f"{sum(r.failed for r in runs):>8}"
        )
    for name in [name for name in results if "scpd" in results and name != "scpd"]:
        rate_ratio, cpu_ratio = ratios(results["scpd"], results[name])
        lines.append(f"scpd : {name:<12} rate {rate_ratio:.2f}, CPU {cpu_ratio:.2f}")
    return "\n".join(lines)


def ratios(runs: Sequence[Result], others: Sequence[Result]) -> tuple[float, float]:
    """Of the rates and of the CPU times: the medians of what each round says."""
    pairs = list(zip(runs, others, strict=True))
    rate = median(quotient(one.rate, other.rate) for one, other in pairs)
    return rate, median(quotient(one.cpu_seconds, other.cpu_seconds) for one, other in pairs)


def quotient(one: float, other: float) -> float:
    """Not a number where nothing was measured: a tick of CPU time is 10 ms."""
    return one / other if other else nan


def plotted(results: Results, load: Load) -> str:
    """The two figures that matter, as an SVG document."""
    return draw(
        f"{load.size}, {load.associations} associations",
        Panel("instances a second", {name: median(r.rate for r in runs) for name, runs in results.items()}),
        Panel("CPU seconds a thousand", {name: median(r.cpu_seconds for r in runs) for name, runs in results.items()}),
    )


if __name__ == "__main__":
    main()
