"""Receive blocks: the only memory a data set passes through on its way from the socket to the disk.

The rule, stated once: **a view never outlives its block**. A block belongs to the wire while the socket fills it,
then to the association that took it, which lends slices of it to a Sink; it comes back to the pool only after the
Sink let go of every slice (`Sink.write` returned; for a last write, `commit` or `discard`). An association that
waits for a request holds no block, so idle associations cost none.
"""

from dataclasses import dataclass, field
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import Protocol


class Block:
    """A reusable stretch of receive memory: bytes `begin` to `end` were received and not yet consumed.

    `home` is where it was taken from, and where it has to go back to.
    """

    __slots__ = ("begin", "end", "home", "view")

    def __init__(self, size_bytes: int, home: "Blocks") -> None:
        self.home = home
        # Pages of their own: they cost nothing until filled, and go back to the system at the end. What malloc gives
        # and zeroes costs all of it at once, and stays with the heap.
        self.view = memoryview(mmap(-1, size_bytes, MAP_PRIVATE | MAP_ANONYMOUS))
        self.begin = 0
        self.end = 0

    @property
    def room(self) -> memoryview:
        """The part that the socket may still fill."""
        return self.view[self.end :]

    @property
    def received(self) -> memoryview:
        """The bytes to consume."""
        return self.view[self.begin : self.end]


class Blocks(Protocol):
    """Where a wire gets its blocks from."""

    @property
    def exhausted(self) -> bool:
        """Whether reading ahead must wait."""
        ...

    def take(self) -> Block:
        """An empty block."""
        ...

    def give_back(self, block: Block) -> None:
        """Ends a block's use."""
        ...


@dataclass(slots=True)
class BlockPool:
    """Blocks of one size, handed out last in, first out so that the hot ones stay in the cache.

    `budget_bytes` bounds what is out for reading ahead. It never denies an association its first block, so a
    full budget slows those who send and not those who ask.
    """

    block_bytes: int
    budget_bytes: int
    out_bytes: int = 0
    _free: list[Block] = field(default_factory=list)

    @property
    def exhausted(self) -> bool:
        """Whether reading ahead must wait."""
        return self.out_bytes + self.block_bytes > self.budget_bytes

    @property
    def kept(self) -> int:
        """How many blocks wait for a taker."""
        return len(self._free)

    def take(self) -> Block:
        """An empty block, kept or new."""
        self.out_bytes += self.block_bytes
        return self._free.pop() if self._free else Block(self.block_bytes, self)

    def give_back(self, block: Block) -> None:
        """Ends a block's use. A few are kept for the next taker, the rest is memory for others."""
        self.out_bytes -= self.block_bytes
        block.begin = block.end = 0
        if len(self._free) * self.block_bytes < self.budget_bytes // 4:
            self._free.append(block)


@dataclass(slots=True)
class Share:
    """What the associations of one peer may have out of a pool together, on the terms of the pool itself."""

    pool: BlockPool
    budget_bytes: int
    out_bytes: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether reading ahead must wait: for this peer, or for all."""
        return self.pool.exhausted or self.out_bytes + self.pool.block_bytes > self.budget_bytes

    def take(self) -> Block:
        """An empty block, on this peer's account."""
        self.out_bytes += self.pool.block_bytes
        block = self.pool.take()
        block.home = self
        return block

    def give_back(self, block: Block) -> None:
        """Ends a block's use."""
        self.out_bytes -= self.pool.block_bytes
        block.home = self.pool
        self.pool.give_back(block)
