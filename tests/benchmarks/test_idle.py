"""`benchmarks.idle` opens associations, leaves them alone and says what they cost."""

import os
import re

import pytest

from benchmarks.idle import main, processor_seconds


def test_idle_associations_are_opened_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--associations", "40", "--seconds", "1", "--echoes", "5"])
    printed = capsys.readouterr().out
    before, during = (int(count) for count in re.findall(r", (\d+) descriptors", printed))
    assert during - before >= 38  # those of the echo before may still have been open
    (kilobytes,) = re.findall(r"memory: (-?[\d.]+) KiB an association", printed)
    assert -100 < float(kilobytes) < 1000
    assert re.search(r"processor: \d+\.\d\d % of a core over 1 s", printed)
    assert re.search(r"C-ECHO on fresh associations: 5 times, p50 ", printed)


def test_processor_time_grows_with_work_of_the_process() -> None:
    before = processor_seconds(os.getpid())
    while processor_seconds(os.getpid()) < before + 0.02:
        sum(range(10_000))
