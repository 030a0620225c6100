"""What a full index costs ingest: scpd over an index of 1,000,000 instances against scpd over an empty one.

    python -m benchmarks.seeded --archives /var/tmp/archives --rounds 5

Both stay up and take turns. The rows of the full one are synthetic and were written long before, so that none of them
waits in the log of the index any more; it is a copy, the original is kept in --archives.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import archive, objects
from benchmarks.compare import FIRST_MEASURED, INSTANCES, WARM_UP, table
from benchmarks.running import Running
from benchmarks.sending import Load, Result, measure, send
from benchmarks.servers import SERVERS, scpd_over


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the comparison and prints its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeded", description="ingest into a full index")
    parser.add_argument("--archives", type=Path, required=True, help="folder of the filled indexes, kept")
    parser.add_argument("--studies", type=int, default=10_000, help="of 100 images, in the full index")
    parser.add_argument("--load", choices=sorted(objects.SIZES), default="tiny4k")
    parser.add_argument("--associations", type=int, default=8)
    parser.add_argument("--instances", type=int, help=f"a round (default: {INSTANCES})")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    filled = archive.filled_index(options.archives, options.studies)
    load = Load(options.load, options.associations, options.instances or INSTANCES[options.load])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects.write(load.size, folder / "objects", "SCPD")
        shutil.copyfile(filled, folder / "index.sqlite")
        os.sync()
        full = scpd_over(folder / "index.sqlite")
        with Running(SERVERS["scpd"], folder / "empty") as empty, Running(full, folder / "full") as seeded:
            servers = {"empty": empty, f"{options.studies * archive.IMAGES_A_STUDY:,}": seeded}
            results = in_turns(servers, load, folder / "objects", options.rounds)
    print(table(results, load, options.rounds))


def in_turns(servers: dict[str, Running], load: Load, folder: Path, rounds: int) -> dict[str, list[Result]]:
    """The rounds, each with instances of its own."""
    results: dict[str, list[Result]] = {name: [] for name in servers}
    for server in servers.values():
        send(server, Load(load.size, 1, WARM_UP[load.size]), folder, 0)
    for number in range(rounds):
        for name, server in servers.items():
            results[name].append(measure(server, load, folder, FIRST_MEASURED + number * load.instances))
    return results


if __name__ == "__main__":
    main()
