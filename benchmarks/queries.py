"""Compares how servers answer C-FIND over a synthetic archive: rates, latencies, and the server's CPU a query.

    python -m benchmarks.queries --archives /var/tmp/archives scpd:10000 scpd:200 dcmqrscp:200 orthanc:200

A contestant is a server and its number of studies (of 100 images each); filled indexes are kept in --archives. All of
them stay up, and take turns question by question: on noisy cores what is to be believed is the ratio within a run.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import archive
from benchmarks.asking import IMPLICIT_LE, PDU_BYTES, Manner, ask, write
from benchmarks.contestants import filled, studies_of
from benchmarks.running import Running
from benchmarks.servers import SERVERS
from scpd.dataset.attributes import Attributes
from scpd.dataset.encode import Encoder
from scpd.dimse.command import CFindRQ
from scpd.dimse.pdv import encode_message

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
FIND = CFindRQ(1, STUDY_ROOT_FIND)
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


def images_of_studies(number: int, studies: int) -> Attributes:
    """The images of a thousand studies, if there are so many, as a relational query: 100,000 rows."""
    uids = "\\".join(archive.study_uid(study) for study in range(min(studies, 1_000)))
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

    rate: float  # queries a second
    rows: float  # a query
    p50_ms: float
    p99_ms: float
    first_ms: float
    cancel_ms: float
    cpu_ms: float
    peak_bytes: int


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
        running = {one: stack.enter_context(filled(one, Path(name), options.archives)) for one in options.contestants}
        for question in asked:
            for _ in range(options.rounds):
                for one, server in running.items():
                    if studies_of(one) >= question.studies_min:
                        load = Load(question, studies_of(one), options.associations, options.effort)
                        results[question, one].append(run(server, load, Path(name) / "load"))
    print(table(results, options.contestants))


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
    """Asks one question many times. Raises RuntimeError unless every query ends as it should."""
    prepare(folder, load.question, load.studies, load.queries)
    before = server.cpu_seconds()
    told = ask(server, folder, Manner(load.queries, load.associations, cancel_after=load.question.cancel_after))
    return Result(
        rate=told.answered / told.seconds,
        rows=told.rows / told.answered,
        p50_ms=told.p50_ms,
        p99_ms=told.p99_ms,
        first_ms=told.first_ms,
        cancel_ms=told.cancel_ms,
        cpu_ms=(server.cpu_seconds() - before) / told.answered * 1e3,
        peak_bytes=server.peak_bytes(),
    )


def prepare(folder: Path, question: Question, studies: int, queries: int) -> None:
    """Writes as many different messages as are worth having."""
    encoder = Encoder(IMPLICIT_LE)
    identifiers = (question.ask(number * STRIDE, studies) for number in range(min(MESSAGES, queries)))
    messages = (encode_message(FIND, 1, encoder.encode(identifier), PDU_BYTES) for identifier in identifiers)
    write(folder, STUDY_ROOT_FIND, messages)


def table(results: Mapping[tuple[Question, str], list[Result]], contestants: Sequence[str]) -> str:
    """The medians, question by question, and the ratios to the last contestant."""
    lines = []
    for question in dict.fromkeys(question for question, _ in results):
        lines.append(
            f"{question.name}\n  {'server':<16}{'queries/s':>10}{'rows/s':>9}{'rows each':>11}{'x rate':>8}"
            f"{'CPU ms':>9}{'x CPU':>7}{'p50 ms':>9}{'p99 ms':>9}{'first ms':>10}{'cancel ms':>11}{'peak MB':>9}"
        )
        there = [one for one in contestants if (question, one) in results]
        yardstick = results[question, there[-1]]
        for one in there:
            runs = results[question, one]
            pairs = list(zip(runs, yardstick, strict=True))
            lines.append(
                f"  {one:<16}{median(r.rate for r in runs):>10.1f}{median(r.rate * r.rows for r in runs):>9.0f}"
                f"{median(r.rows for r in runs):>11.1f}{median(a.rate / b.rate for a, b in pairs):>8.2f}"
                f"{median(r.cpu_ms for r in runs):>9.3f}"
                f"{median(a.cpu_ms / max(b.cpu_ms, 1e-9) for a, b in pairs):>7.2f}"
                f"{median(r.p50_ms for r in runs):>9.2f}{median(r.p99_ms for r in runs):>9.2f}"
                f"{median(r.first_ms for r in runs):>10.2f}{median(r.cancel_ms for r in runs):>11.2f}"
                f"{max(r.peak_bytes for r in runs) / 1e6:>9.1f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
