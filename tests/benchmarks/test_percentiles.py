"""The percentiles of peer.h, compiled into a program of their own."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.programs import HERE

PROGRAM = """
#include "peer.h"
int main(int argc, char **argv) {
    static double seconds[1000];
    for (int i = 2; i < argc; i++) seconds[i - 2] = atof(argv[i]);
    printf("%.0f", percentile_ms(seconds, argc - 2, atoi(argv[1])));
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("percentiles")
    (folder / "program.c").write_text(PROGRAM)
    command = ["cc", "-I", str(HERE), "-pthread", "-o", str(folder / "program"), str(folder / "program.c")]
    subprocess.run(command, check=True, timeout=60)
    return folder / "program"


@pytest.mark.parametrize(
    ("hundredths", "seconds", "milliseconds"),
    [
        (50, [3, 1, 2], 2000),
        (50, [4, 3, 2, 1], 2000),
        (99, range(100, 0, -1), 99000),
        (99, range(1, 102), 100000),
        (99, [1, 2], 2000),
        (50, [0, 0, 0, 7, 0], 7000),  # four were not measured
        (99, [0, 0], 0),
        (50, [], 0),
    ],
)
def test_a_percentile_is_the_nearest_rank_of_what_was_measured(
    program: Path, hundredths: int, seconds: list[int], milliseconds: int
) -> None:
    told = subprocess.run([program, str(hundredths), *map(str, seconds)], capture_output=True, check=True, timeout=10)
    assert int(told.stdout) == milliseconds
