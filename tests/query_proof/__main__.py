"""The proof by hand: `python -m tests.query_proof --cases 20000`, or `--seed 17` for one archive and its questions."""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.query_proof.proof import QUESTIONS, Tally, prove


def main() -> int:
    """Returns 1 if some answer differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.query_proof", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="how many questions, about")
    parser.add_argument("--first", type=int, default=0, help="the first seed; each is an archive with its questions")
    parser.add_argument("--seed", type=int, help="one archive")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return run([arguments.seed])
    return run(range(arguments.first, arguments.first + -(-arguments.cases // QUESTIONS)))


def run(seeds: Sequence[int]) -> int:
    """Tells each case whose answer differs, reduced."""
    begun = time.monotonic()
    tally = Tally()
    differing = 0
    for seed, case in prove(seeds, tally):
        differing += 1
        print(f"seed {seed}: {case}", flush=True)
    print(f"{tally}, in {time.monotonic() - begun:.1f} s over {len(seeds)} archives")
    print(f"{differing} answers differ from the oracle's")
    return min(differing, 1)


if __name__ == "__main__":
    sys.exit(main())
