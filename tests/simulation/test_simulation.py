"""Two hundred seeds, that a seed replays, and that the settlement finds what it is there to find."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from scpd.storage.base import Sealed
from tests.simulation.storage import FaultyDraft
from tests.simulation.world import simulate

SEEDS = 200
SEEDS_A_TEST = 25


@pytest.fixture(scope="module", autouse=True)
def imported_modules_are_no_garbage() -> Iterator[None]:
    """Each run looks for garbage; what was there before is not worth looking through again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_TEST))
def test_whatever_happens_all_that_was_acknowledged_is_kept_and_nothing_is_left_behind(first: int) -> None:
    failures = {}
    for seed in range(first, first + SEEDS_A_TEST):
        report = simulate(seed)
        if report.failures:
            failures[seed] = report.failures
    assert not failures, "replay each with python -m tests.simulation --seed N"


def test_the_seeds_do_get_into_trouble() -> None:
    reports = [simulate(seed) for seed in range(3 * SEEDS_A_TEST)]
    told = "\n".join(line for report in reports for line in report.trace)
    assert sum(report.acknowledged for report in reports) > 50
    assert sum(report.injected for report in reports) > 25
    for trouble in (
        "reset", "aborted by the peer", "connection lost", "no traffic for", "protocol error", "association rejected",
        "object set apart", "storage failed", "service failed", "query answered", "scpd drains",
    ):  # fmt: skip
        assert trouble in told, trouble


def test_a_seed_replays_line_by_line() -> None:
    for seed in range(10):
        assert simulate(seed).trace == simulate(seed).trace


def test_a_seed_replays_in_another_process_with_other_hashes() -> None:
    first, second = (trace_of_process(seed=7, hash_seed=hash_seed) for hash_seed in ("1", "2"))
    assert first and first == second == "\n".join(simulate(7).trace).strip()


def trace_of_process(*, seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


class LosingDraft(FaultyDraft):
    """Says that it is durable, without its last byte."""

    def finish(self, chunks: Sequence[memoryview]) -> Sealed:
        return super().finish([*chunks[:-1], chunks[-1][:-1]])


class ForgetfulDraft(FaultyDraft):
    """Leaves what was begun where it lies."""

    def abandon(self) -> None:
        pass


@pytest.mark.parametrize(
    ("draft_type", "failure"),
    [
        (LosingDraft, "acknowledged and lost"),
        (LosingDraft, "not what anybody sent"),
        (ForgetfulDraft, "half-written"),
        (ForgetfulDraft, "files without a row"),
    ],
)
def test_the_settlement_finds_a_store_that_fails_in_silence(draft_type: type[FaultyDraft], failure: str) -> None:
    reports = [simulate(seed, draft_type=draft_type) for seed in range(SEEDS_A_TEST)]
    assert any(failure in found for report in reports for found in report.failures)
