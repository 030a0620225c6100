"""Runs one target for a while: `python -m tests.fuzz pdu --seconds 60`; needs the dependency group `fuzz`.

libFuzzer, through atheris, mutates the seeds by what it sees of scpd's code being reached. The input that breaks a
promise is left in the current directory as crash-..., and `--input FILE` runs it again.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["scpd"]):
    from tests.fuzz.targets import TARGETS, Target


def main() -> None:
    """Ends the process, as libFuzzer does."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--input", type=Path, help="run this one input only")
    arguments = parser.parse_args()
    target = TARGETS[arguments.target]
    if arguments.input is not None:
        target.run(arguments.input.read_bytes())
        return
    with TemporaryDirectory(prefix="scpd-fuzz-") as corpus:
        plant(target, Path(corpus))
        limits = [f"-max_total_time={arguments.seconds}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=4096"]
        atheris.Setup([sys.argv[0], corpus, *limits], target.run)
        atheris.Fuzz()


def plant(target: Target, corpus: Path) -> None:
    """Writes the seeds where libFuzzer looks for them."""
    for number, seed in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(seed)


if __name__ == "__main__":
    main()
