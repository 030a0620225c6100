"""Compares how servers answer C-FIND over a synthetic archive: rates, latencies, and the server's CPU a query.

    python -m benchmarks.queries --archives /var/tmp/archives scpd:10000 scpd:200 orthanc:200

A contestant is a server and its number of studies (of 100 images each). Filled indexes of scpd are kept in --archives;
other servers are filled over the network before the first round. All of them stay up, and take turns question by
question: on noisy cores what is to be believed is the ratio within a run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import archive
from benchmarks.servers import SERVERS, Running, compiled
from scpd.dataset.attributes import Attributes
from scpd.dataset.encode import Encoder
from scpd.dimse.command import CCancelRQ, CFindRQ
from scpd.dimse.pdv import encode_message

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
RUN_SECONDS_MAX = 600
MESSAGES = 1_000
STRIDE = 7919
"""A prime: questions walk through the archive without a pattern."""

STUDY_KEYS = dict.fromkeys((0x00080020, 0x00080030, 0x00080050, 0x00080061, 0x00081030, 0x00100010, 0x00100020,
                            0x00100030, 0x00100040, 0x0020000D, 0x00200010, 0x00201208), "")  # fmt: skip
IMAGE_KEYS = dict.fromkeys((0x00080016, 0x00080018, 0x00200013, 0x00280010, 0x00280011), "")


class Question(NamedTuple):
    """What is asked again and again: `ask(n, studies)` is the n-th Identifier."""

    name: str
    queries: int
    ask: Callable[[int, int], Attributes]
    studies_min: int = 0
    cancel_after: int = 0


def by_patient(number: int, studies: int) -> Attributes:
    """One row."""
    return {0x00080052: "STUDY", **STUDY_KEYS, 0x00100020: archive.patient_id(number % studies)}


def by_dates(number: int, studies: int) -> Attributes:
    """A week: seven rows."""
    first = number % (studies - 7)
    return {0x00080052: "STUDY", **STUDY_KEYS, 0x00080020: f"{archive.day(first)}-{archive.day(first + 6)}"}


def by_name(number: int, studies: int) -> Attributes:
    """Twenty rows."""
    return {0x00080052: "STUDY", **STUDY_KEYS, 0x00100010: "DOE*"}


def of_series(number: int, studies: int) -> Attributes:
    """Fifty rows."""
    study = number % studies
    above = {0x0020000D: archive.study_uid(study), 0x0020000E: archive.series_uid(study, number % 2)}
    return {0x00080052: "IMAGE", **IMAGE_KEYS, **above}


def everything(number: int, studies: int) -> Attributes:
    """Every study."""
    return {0x00080052: "STUDY", **STUDY_KEYS}


def images_of_studies(number: int, studies: int) -> Attributes:
    """The images of a thousand studies, as a relational query: 100,000 rows."""
    uids = "\\".join(archive.study_uid(study) for study in range(1_000))
    return {0x00080052: "IMAGE", **IMAGE_KEYS, 0x0020000D: uids}


QUESTIONS = (
    Question("STUDY by PatientID, 1 row", 2_000, by_patient),
    Question("STUDY by date range, 7 rows", 1_000, by_dates),
    Question("STUDY by name DOE*, 20 rows", 500, by_name),
    Question("IMAGE of one series, 50 rows", 400, of_series),
    Question("100,000 rows", 1, images_of_studies, studies_min=1_000),
    Question("100,000 rows, cancelled after 1,000", 8, images_of_studies, studies_min=1_000, cancel_after=1_000),
)


class Result(NamedTuple):
    """One run of one question."""

    rate: float
    rows: float
    p50_ms: float
    p99_ms: float
    first_ms: float
    cancel_ms: float
    cpu_ms: float
    failed: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the comparison and prints its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queries", description="compare DICOM Query SCPs")
    parser.add_argument("contestants", nargs="+", metavar="SERVER:STUDIES", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--associations", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--questions", default="", help="numbers of the questions, as in 0,3 (default: all)")
    parser.add_argument("--effort", type=float, default=1.0, help="multiplies the numbers of queries")
    parser.add_argument("--archives", type=Path, required=True, help="folder of the filled indexes, kept")
    options = parser.parse_args(arguments)
    asked = [QUESTIONS[int(one)] for one in options.questions.split(",")] if options.questions else QUESTIONS
    results: dict[tuple[Question, str], list[Result]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        running = {one: stack.enter_context(started(one, Path(name), options.archives)) for one in options.contestants}
        for one, server in running.items():
            fill(one, server)
        for question in asked:
            for _ in range(options.rounds):
                for one, server in running.items():
                    if studies_of(one) >= question.studies_min:
                        load = Load(question, studies_of(one), options.associations, options.effort)
                        results[question, one].append(run(server, load, Path(name) / "load"))
    print(table(results, options.contestants))


def studies_of(contestant: str) -> int:
    """The size of its archive."""
    return int(contestant.partition(":")[2])


def started(contestant: str, folder: Path, archives: Path) -> Running:
    """The server of a contestant, over an index that is filled already where it is scpd."""
    name, _, studies = contestant.partition(":")
    server = SERVERS[name]
    if name == "scpd":
        index = archives.absolute() / f"{studies}.sqlite"
        archives.mkdir(parents=True, exist_ok=True)
        archive.fill_index(index, int(studies))
        options = ["--set", f"storage.index={index}", "--set", "query.strict=false"]
        server = replace(server, command=lambda folder, port: [*SERVERS["scpd"].command(folder, port), *options])
    return Running(server, folder / contestant.replace(":", "-"))


def fill(contestant: str, server: Running) -> None:
    """Sends the archive to a server that has no index of ours."""
    if server.server.name != "scpd":
        archive.store(server.port, studies_of(contestant))


class Load(NamedTuple):
    """What is asked in one run."""

    question: Question
    studies: int
    associations: int
    effort: float

    @property
    def queries(self) -> int:
        """How many."""
        return max(1, int(self.question.queries * self.effort))


def run(server: Running, load: Load, folder: Path) -> Result:
    """Asks one question many times."""
    write(load, folder)
    before = server.cpu_seconds()
    command = [compiled("find"), "-p", server.port, "-c", min(load.associations, load.queries), "-n", load.queries]
    command += ["-x", load.question.cancel_after, "-f", folder]
    ended = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True, timeout=RUN_SECONDS_MAX
    )
    told: Mapping[str, float] = json.loads(ended.stdout)
    return Result(
        rate=load.queries / told["seconds"],
        rows=told["rows"] / told["seconds"],
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
        first_ms=told["first_ms"],
        cancel_ms=told["cancel_ms"],
        cpu_ms=(server.cpu_seconds() - before) / load.queries * 1e3,
        failed=int(told["failed"]),
    )


def write(load: Load, folder: Path) -> None:
    """The files that `find` reads."""
    folder.mkdir(exist_ok=True)
    (folder / "associate").write_bytes(archive.associate_request(STUDY_ROOT_FIND, IMPLICIT_LE))
    (folder / "cancel").write_bytes(encode_message(CCancelRQ(1), 1, None, 16_384))
    messages = b"".join(len(one).to_bytes(4) + one for one in questions(load))
    (folder / "queries").write_bytes(messages)


def questions(load: Load) -> Iterator[bytes]:
    """As many different messages as are worth having."""
    encoder = Encoder(IMPLICIT_LE)
    for number in range(min(MESSAGES, load.queries)):
        identifier = encoder.encode(load.question.ask(number * STRIDE, load.studies))
        yield encode_message(CFindRQ(1, STUDY_ROOT_FIND), 1, identifier, 16_384)


def table(results: Mapping[tuple[Question, str], list[Result]], contestants: Sequence[str]) -> str:
    """The medians, question by question, and the ratio of rates to the last contestant's."""
    lines = []
    for question in dict.fromkeys(question for question, _ in results):
        lines.append(
            f"{question.name}\n  {'':<16}{'queries/s':>10}{'rows/s':>9}{'x rate':>8}{'CPU ms':>9}{'x CPU':>7}"
            f"{'p50 ms':>9}{'p99 ms':>9}{'first ms':>10}{'cancel ms':>11}{'failed':>8}"
        )
        there = [one for one in contestants if (question, one) in results]
        yardstick = results[question, there[-1]]
        for one in there:
            runs = results[question, one]
            pairs = list(zip(runs, yardstick, strict=True))
            lines.append(
                f"  {one:<16}{median(r.rate for r in runs):>10.1f}{median(r.rows for r in runs):>9.0f}"
                f"{median(a.rate / b.rate for a, b in pairs):>8.2f}{median(r.cpu_ms for r in runs):>9.3f}"
                f"{median(a.cpu_ms / max(b.cpu_ms, 1e-9) for a, b in pairs):>7.2f}"
                f"{median(r.p50_ms for r in runs):>9.2f}{median(r.p99_ms for r in runs):>9.2f}"
                f"{median(r.first_ms for r in runs):>10.2f}{median(r.cancel_ms for r in runs):>11.2f}"
                f"{sum(r.failed for r in runs):>8}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
