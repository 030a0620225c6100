"""Every target keeps its promises for its seeds, and for some thousand bytes that are nearly seeds: no fuzzer needed.

What a fuzzer has found stands in the tests of the room it was found in.
"""

from random import Random

import pytest

from tests.fuzz.targets import TARGETS, Target

MUTANTS = 400


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_keeps_its_promises(target: Target) -> None:
    seeds = list(target.seeds())
    chance = Random(0)
    for seed in seeds:
        target.run(seed)
    for _ in range(MUTANTS):
        target.run(mutant(chance.choice(seeds), chance))


def mutant(seed: bytes, chance: Random) -> bytes:
    """A seed of which a few bytes are changed, and sometimes the end is missing."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(data[: chance.choice((len(data), chance.randrange(1, len(data))))])
