"""What stores, queries and echoes cost each other: everything at once on one scpd, which holds 100,000 images already.

    python -m benchmarks.mixed --archives /var/tmp/archives --rounds 5

Two figures: the rate of stores beside so many queries a second, as a ratio to the rate alone; and how long a C-ECHO
takes, on an association that is kept and on fresh ones, during ingest at full speed and during a query of 100,000 rows.
The loads take turns, and every figure is the median of its rounds.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import archive, objects, queries
from benchmarks.asking import Asking, Manner, Told, ask, write_echo
from benchmarks.running import Running
from benchmarks.sending import Load, send
from benchmarks.servers import scpd_over

MANY = 1_000_000
"""More requests than are asked before they are stopped."""
KEPT, FRESH = Manner(MANY, a_second=200), Manner(MANY, a_second=50, afresh=True)
IDLE_SECONDS = 2
BY_PATIENT, HUGE = queries.QUESTIONS[0], queries.QUESTIONS[4]


@dataclass(slots=True)
class Scene:
    """The server and what is sent to it; instances are numbered on, so that none is stored twice."""

    server: Running
    folder: Path
    load: Load
    sent: int = 0

    def store(self) -> float:
        """One run of stores; its rate. Raises RuntimeError when one failed."""
        run = send(self.server, self.load, self.folder / "objects", self.sent)
        self.sent += self.load.instances
        if run.stored != run.instances:
            raise RuntimeError(f"not everything was stored: {run}")
        return run.stored / run.seconds

    def asking(self, what: str, manner: Manner) -> Asking:
        """The prepared requests `what`, as long as a block lasts."""
        return Asking(self.server, self.folder / what, manner)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the loads in turns and prints their medians."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mixed", description="stores, queries and echoes at once"
    )
    parser.add_argument("--archives", type=Path, required=True, help="folder of the filled indexes, kept")
    parser.add_argument("--load", choices=sorted(objects.SIZES), default="ct512k")
    parser.add_argument("--instances", type=int, default=1_000, help="in one run of stores; there are three a round")
    parser.add_argument("--studies", type=int, default=1_000, help="of 100 images, in the archive that is queried")
    parser.add_argument("--queries-a-second", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    filled = archive.filled_index(options.archives, options.studies)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, options.load, options.studies)
        shutil.copyfile(filled, folder / "index.sqlite")
        os.sync()
        with Running(scpd_over(folder / "index.sqlite", "--set", "query.strict=false"), folder / "scpd") as server:
            scene = Scene(server, folder, Load(options.load, 8, options.instances))
            scene.store()  # what is loaded once is not measured
            print(beside_queries(scene, options.queries_a_second, options.rounds))
            print(echoes(scene, options.rounds))


def prepare(folder: Path, size: str, studies: int) -> None:
    """Writes what is sent and asked."""
    objects.write(size, folder / "objects", "SCPD")
    write_echo(folder / "echo")
    queries.prepare(folder / "patients", BY_PATIENT, studies, MANY)
    queries.prepare(folder / "huge", HUGE, studies, 1)


def beside_queries(scene: Scene, a_second: int, rounds: int) -> str:
    """Stores alone and beside queries."""
    alone, beside, told = [], [], []
    for _ in range(rounds):
        alone.append(scene.store())
        with scene.asking("patients", Manner(MANY, 8, a_second)) as queried:
            beside.append(scene.store())
        told.append(queried.wait())
    ratio = median(one / other for one, other in zip(beside, alone, strict=True))
    return (
        f"{scene.load.size} x 8: {median(alone):.0f} inst/s alone, {median(beside):.0f} beside "
        f"{median(one.answered / one.seconds for one in told):.0f} queries/s of {a_second} offered "
        f"(p99 {median(one.p99_ms for one in told):.1f} ms); ratio {ratio:.2f}"
    )


def echoes(scene: Scene, rounds: int) -> str:
    """How long a C-ECHO takes, beside nothing and beside each of the loads."""
    loads: dict[str, Callable[[], object]] = {
        "idle": lambda: time.sleep(IDLE_SECONDS),
        "during ingest": scene.store,
        "during 100,000 rows": lambda: ask(scene.server, scene.folder / "huge", Manner(1)),
    }
    told: dict[str, list[tuple[Told, Told]]] = {name: [] for name in loads}
    for _ in range(rounds):
        for name, load in loads.items():
            with scene.asking("echo", KEPT) as kept, scene.asking("echo", FRESH) as fresh:
                load()
            told[name].append((kept.wait(), fresh.wait()))
    lines = [
        f"{'C-ECHO':<22}{'kept: times':>12}{'p50 ms':>9}{'p99 ms':>9}{'fresh: times':>15}{'p50 ms':>9}{'p99 ms':>9}"
    ]
    for name, runs in told.items():
        columns = (f"{sum(one.answered for one in runs):>12}{median_times(runs)}" for runs in zip(*runs, strict=True))
        lines.append(f"{name:<22}{'   '.join(columns)}")
    return "\n".join(lines)


def median_times(runs: Sequence[Told]) -> str:
    """The medians of the percentiles of each run."""
    return f"{median(one.p50_ms for one in runs):>9.2f}{median(one.p99_ms for one in runs):>9.2f}"


if __name__ == "__main__":
    main()
