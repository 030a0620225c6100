"""What receive blocks cost the system: read from the kernel, as it is the kernel that kills."""

import resource
from pathlib import Path

from scpd.server.blocks import Block, BlockPool

BLOCK_BYTES = 262_144
BLOCKS = 256
ALL_BYTES = BLOCKS * BLOCK_BYTES
KEPT_BYTES = BLOCK_BYTES


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def fill(block: Block) -> None:
    block.room[:] = b"x" * BLOCK_BYTES


def test_a_block_costs_nothing_before_it_is_filled_and_nothing_after_it_was_given_back() -> None:
    pool = BlockPool(BLOCK_BYTES, 4 * KEPT_BYTES)
    before = resident_bytes()
    blocks = [pool.take() for _ in range(BLOCKS)]
    assert resident_bytes() - before < ALL_BYTES / 8
    for block in blocks:
        fill(block)
    assert resident_bytes() - before > ALL_BYTES * 7 / 8
    while blocks:
        block = blocks.pop()
        pool.give_back(block)
    del block
    assert pool.kept == 1
    assert resident_bytes() - before < ALL_BYTES / 8
