"""Ingest while queries are asked: the rate of stores alone, and beside so many queries a second.

    python -m benchmarks.mixed --archives /var/tmp/archives --rounds 5

One scpd over a copy of the filled index of 200 studies; the two loads take turns, and what counts is their ratio.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import archive, objects, queries
from benchmarks.compare import Load as Stores
from benchmarks.compare import send
from benchmarks.servers import SERVERS, Running, Server, compiled

STUDIES = 200
LONGER = 1.3
"""So much longer than the stores alone the queries go on."""


class Asked(NamedTuple):
    """How many queries, and how fast."""

    queries: int
    a_second: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs both loads in turns and prints their medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mixed", description="stores beside queries")
    parser.add_argument("--archives", type=Path, required=True, help="folder of the filled indexes, kept")
    parser.add_argument("--load", choices=sorted(objects.SIZES), default="ct512k")
    parser.add_argument("--instances", type=int, default=400)
    parser.add_argument("--queries-a-second", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    options.archives.mkdir(parents=True, exist_ok=True)
    filled = options.archives / f"{STUDIES}.sqlite"
    archive.fill_index(filled, STUDIES)
    stores = Stores(options.load, 8, options.instances)
    alone, beside, ratios = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects.write(options.load, folder / "objects", "SCPD")
        shutil.copyfile(filled, folder / "index.sqlite")
        with Running(over(folder / "index.sqlite"), folder / "scpd") as server:
            send(server, stores, folder, 0)
            for number in range(options.rounds):
                alone.append(stored_a_second(server, stores, folder, 2 * number + 1))
                seconds = stores.instances / alone[-1] * LONGER
                asked = Asked(int(options.queries_a_second * seconds), options.queries_a_second)
                beside.append(stored_beside_queries(server, stores, folder, 2 * number + 2, asked))
                ratios.append(beside[-1] / alone[-1])
    print(
        f"{options.load} x 8: {median(alone):.0f} inst/s alone, {median(beside):.0f} beside "
        f"{options.queries_a_second} queries/s offered; ratio {median(ratios):.2f}"
    )


def over(index: Path) -> Server:
    """scpd over an index that is filled already."""
    options = ["--set", f"storage.index={index}"]
    return replace(SERVERS["scpd"], command=lambda folder, port: [*SERVERS["scpd"].command(folder, port), *options])


def stored_a_second(server: Running, stores: Stores, folder: Path, number: int) -> float:
    """The rate of one run of stores."""
    sent = send(server, stores, folder, number)
    if sent["failed"] or sent["unsent"]:
        raise RuntimeError(f"not everything was stored: {sent}")
    return stores.instances / sent["seconds"]


def stored_beside_queries(server: Running, stores: Stores, folder: Path, number: int, asked: Asked) -> float:
    """The same while eight associations ask, and every query is answered."""
    queries.write(queries.Load(queries.QUESTIONS[0], STUDIES, 8, 1.0), folder / "load")
    command = [compiled("find"), "-p", server.port, "-c", 8, "-n", asked.queries, "-q", asked.a_second]
    asking = subprocess.Popen([*map(str, command), "-f", str(folder / "load")], stdout=subprocess.PIPE)
    rate = stored_a_second(server, stores, folder, number)
    told = json.loads(asking.communicate()[0])
    if told["failed"]:
        raise RuntimeError(f"not everything was answered: {told}")
    return rate


if __name__ == "__main__":
    main(sys.argv[1:])
