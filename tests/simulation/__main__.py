"""The simulation by hand: `python -m tests.simulation --seeds 10000`, or `--seed 17` for one run with its trace."""

import argparse
import gc
import sys
import time
from collections.abc import Iterable

from tests.simulation.world import simulate


def main() -> int:
    """Returns how many seeds failed, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="the first seed of them")
    parser.add_argument("--seed", type=int, help="one run, with its trace")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return replay(arguments.seed)
    return run(range(arguments.first, arguments.first + arguments.seeds))


def replay(seed: int) -> int:
    """One run, told line by line."""
    report = simulate(seed)
    print(*report.trace, sep="\n")
    print(*(f"FAILURE: {failure}" for failure in report.failures), sep="\n")
    return min(len(report.failures), 1)


def run(seeds: Iterable[int]) -> int:
    """Many runs, of which the failing ones are told."""
    gc.freeze()  # what is imported by now never becomes garbage
    begun = time.monotonic()
    runs = failed = acknowledged = injected = 0
    for seed in seeds:
        report = simulate(seed)
        runs += 1
        acknowledged += report.acknowledged
        injected += report.injected
        if report.failures:
            failed += 1
            print(f"seed {seed}: {report.failures[0]}", flush=True)
    seconds = time.monotonic() - begun
    print(f"{runs} runs in {seconds:.1f} s, {acknowledged} objects acknowledged, {injected} faults of storage injected")
    print(f"{failed} seeds failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
