"""Objects to send: each UID has versions, and every version its own bytes, which anybody can make again from a seed.

Most are a few kilobytes and cost their sync; some are hundreds, and a few are megabytes, which are written in pieces
while they arrive. Objects of all senders share studies and series, so that their commits meet in the same folders.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.datasets import ct

SIZES_BYTES = (4_000, 60_000, 500_000, 3_000_000)
WEIGHTS = (70, 20, 8, 2)
AGAIN, REPLACED = 0.08, 0.12  # how often a sender's UID comes again: with the same bytes, with others
SHARED_EVERY = 12  # and how often all of them send one and the same object


@dataclass(frozen=True, slots=True)
class Version:
    """One object as it is sent."""

    uid: str
    number: int

    def data(self) -> bytes:
        """Its data set, Explicit VR Little Endian."""
        chance = random.Random(f"{self.uid} {self.number}")
        (size_bytes,) = chance.choices(SIZES_BYTES, WEIGHTS)
        study = f"{self.uid.rpartition('.')[0]}.{chance.randrange(3)}"
        return ct(
            self.uid,
            StudyInstanceUID=study,
            SeriesInstanceUID=f"{study}.{chance.randrange(3)}",
            InstanceNumber=str(self.number),
            PixelData=chance.randbytes(size_bytes),
        )


def plan(root: str, sender: int, count: int) -> Iterator[Version]:
    """What one sender sends under the UID root `root`. No other one replaces what is its own."""
    chance = random.Random(f"{root} {sender}")
    own: list[Version] = []
    for number in range(count):
        dice = chance.random()
        if number % SHARED_EVERY == SHARED_EVERY - 1:
            yield Version(f"{root}.9{number:04d}", 0)
        elif own and dice < AGAIN:
            yield own[-1]
        elif own and dice < AGAIN + REPLACED:
            position = chance.randrange(len(own))
            own[position] = Version(own[position].uid, own[position].number + 1)
            yield own[position]
        else:
            own.append(Version(f"{root}.{sender + 1}{number:04d}", 0))
            yield own[-1]
