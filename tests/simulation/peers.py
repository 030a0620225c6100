"""Who calls the daemon: peers that do as the Standard says, and peers that do not.

A behaviour is a coroutine over a `Visit`. The orderly ones speak through `Client` and must get an answer to all they
ask when their path is good. The others send bytes packed by hand, or leave in the middle of something. Each notes in
the ledger what it sent and what was acknowledged: that is what the daemon is held to afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from scpd.dimse.command import CCancelRQ
from tests.datasets import ct, identifier
from tests.rawpeer import (
    ABORT,
    RELEASE_RQ,
    Proposal,
    cancel_rq,
    command,
    data_set,
    echo_rq,
    find_rq,
    p_data,
    pdu,
    pdv,
    store_rq,
)
from tests.simulation.client import FIND_CONTEXT, PATIENCE_SECONDS, STORE_CONTEXT, Client, Lost, Rejected, Thing
from tests.simulation.network import Conditions

SUCCESS, KEPT_ASIDE = 0x0000, 0xB007
SHARED_UIDS = 4
"""So many UIDs are used by everybody, so that equal and different objects meet under one."""


@dataclass
class Ledger:
    """What was sent, byte for byte, and what the daemon said of it. `broken` promises are failures of the daemon."""

    sent: set[bytes] = field(default_factory=set)
    careless: set[str] = field(default_factory=set)  # titles of peers who do not know what they sent
    acknowledged: list[Thing] = field(default_factory=list)
    kept_aside: list[Thing] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def judge(self, thing: Thing, status: int) -> None:
        """Notes an answer to a C-STORE."""
        if status == SUCCESS:
            self.acknowledged.append(thing)
        elif status == KEPT_ASIDE:
            self.kept_aside.append(thing)


@dataclass
class Visit:
    """One peer and its connection."""

    number: int
    chance: Random
    conditions: Conditions
    ledger: Ledger
    note: Callable[[str, str], None]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    things: int = 0

    @property
    def title(self) -> str:
        """The calling AE title."""
        return f"PEER{self.number}"

    def thing(self) -> Thing:
        """An object to store: mostly one's own, sometimes under a UID that others use too."""
        self.things += 1
        own = f"1.2.8.{self.number}.{self.things}"
        shared = f"1.2.9.{self.chance.randrange(SHARED_UIDS)}"
        instance = shared if self.chance.random() < 0.2 else own
        size = self.chance.choice((8, 500, 3_000, 12_000)) + 2 * self.chance.randrange(50)
        thing = Thing(instance, ct(instance, PixelData=self.chance.randbytes(size)))
        self.ledger.sent.add(thing.data)
        return thing

    def promised(self, kept: bool, otherwise: str) -> None:
        """Notes a promise that the daemon may not break."""
        if not kept:
            self.ledger.broken.append(f"{self.title}: {otherwise}")

    async def associate(self) -> Client:
        """An association through scpd's own requestor half."""
        return await Client.open(self.reader, self.writer, self.title)

    async def say(self, data: bytes, *, piece_bytes: int = 1 << 20, pause_seconds: float = 0.0) -> None:
        """Sends bytes as they are, waiting after each piece. Raises Lost when they are not taken for too long."""
        for at in range(0, len(data), piece_bytes):
            self.writer.write(data[at : at + piece_bytes])
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self.writer.drain()
            except TimeoutError:
                raise Lost("nobody reads") from None
            await asyncio.sleep(pause_seconds)

    async def listen(self, seconds: float) -> bytes:
        """What the daemon says until it closes, or for so long."""
        heard = b""
        try:
            async with asyncio.timeout(seconds):
                while data := await self.reader.read(4_096):
                    heard += data
        except TimeoutError:
            pass
        return heard

    def session(self) -> bytes:
        """A whole session in bytes: what an orderly peer would send if it never listened."""
        thing = self.thing()
        return (
            self.proposal()
            + command(1, echo_rq(1))
            + command(STORE_CONTEXT, store_rq(thing.instance, 2))
            + data_set(STORE_CONTEXT, thing.data, fragment=self.chance.choice((100, 1_000, 16_000)))
            + command(FIND_CONTEXT, find_rq(3))
            + data_set(FIND_CONTEXT, query())
            + RELEASE_RQ
        )

    def proposal(self) -> bytes:
        """An A-ASSOCIATE-RQ in bytes."""
        return Proposal(calling=self.title.encode()).encode()


def query() -> bytes:
    """An Identifier that every stored object of a study matches."""
    return identifier("IMAGE", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", SOPInstanceUID="", PatientName="")


# -- orderly -----------------------------------------------------------------------------------------------------


async def stores(visit: Visit) -> None:
    """Sends objects one after the other, as every modality does."""
    client = await visit.associate()
    for _ in range(visit.chance.randint(1, 5)):
        thing = visit.thing()
        visit.ledger.judge(thing, await client.store(thing))
        if visit.chance.random() < 0.2:
            visit.promised(await client.echo() == SUCCESS, "C-ECHO failed")
    await client.release()


async def stores_again(visit: Visit) -> None:
    """Sends one object twice, and then other bytes under its UID."""
    client = await visit.associate()
    thing = visit.thing()
    other = Thing(thing.instance, ct(thing.instance, PixelData=b"other"))
    visit.ledger.sent.add(other.data)
    for each in (thing, thing, other):
        visit.ledger.judge(each, await client.store(each))
    await client.release()


async def pipelines(visit: Visit) -> None:
    """Sends several requests before it reads the first answer; they are answered in order (PS3.7 D.3.3.3)."""
    client = await visit.associate()
    things = [visit.thing() for _ in range(visit.chance.randint(2, 4))]
    for thing in things:
        client.send_store(thing)
    for thing in things:
        visit.ledger.judge(thing, (await client.response()).status)
    await client.release()


async def queries(visit: Visit) -> None:
    """Asks for everything, now and then cancelling."""
    client = await visit.associate()
    for _ in range(visit.chance.randint(1, 3)):
        message_id = client.send_find(query())
        if visit.chance.random() < 0.4:
            await asyncio.sleep(visit.chance.uniform(0, 0.05))
            client.send(CCancelRQ(message_id), FIND_CONTEXT)
        while (await client.response()).status in (0xFF00, 0xFF01):
            pass
    await client.release()


# -- disorderly --------------------------------------------------------------------------------------------------


async def aborts_mid_object(visit: Visit) -> None:
    """Sends a part of an object, and then A-ABORT."""
    client = await visit.associate()
    await visit.say(fragments_of_store(visit))
    await asyncio.sleep(visit.chance.uniform(0, 0.1))
    client.abort()


async def leaves_mid_object(visit: Visit) -> None:
    """Sends a part of an object, and closes the connection."""
    await visit.associate()
    await visit.say(part_of_store(visit))


async def falls_silent_mid_object(visit: Visit) -> None:
    """Sends a part of an object, and nothing more; reads what it is told."""
    await visit.associate()
    await visit.say(part_of_store(visit))
    await visit.listen(200)


async def releases_mid_object(visit: Visit) -> None:
    """Asks for release where the rest of an object is due, or the answer to a query."""
    await visit.associate()
    early = fragments_of_store(visit) if visit.chance.random() < 0.5 else find()
    await visit.say(early + RELEASE_RQ)
    await visit.listen(60)


async def dribbles(visit: Visit) -> None:
    """Sends a session a byte at a time, slowly: ARTIM or the silence it is allowed may end it (PS3.8 9.1.5)."""
    session = visit.session()
    fast = visit.chance.randrange(len(session))
    await visit.say(session[:fast])
    pause_seconds = visit.chance.choice((0.001, 0.5, 30.0))
    await visit.say(session[fast : fast + 60], piece_bytes=visit.chance.randint(1, 3), pause_seconds=pause_seconds)
    await visit.listen(20)


async def says_garbage(visit: Visit) -> None:
    """Sends bytes that mean nothing, from the start or where a message is due."""
    opening = visit.chance.choice((b"", visit.proposal(), visit.proposal() + command(1, echo_rq())))
    await visit.say(opening + visit.chance.randbytes(visit.chance.randint(1, 2_000)))
    await visit.listen(60)


async def mistypes(visit: Visit) -> None:
    """Sends a session in which a few bytes are wrong, but not those that say who it is."""
    visit.ledger.careless.add(visit.title)
    session = bytearray(visit.session())
    for _ in range(visit.chance.randint(1, 4)):
        session[visit.chance.randrange(len(visit.proposal()), len(session))] = visit.chance.randrange(256)
    await visit.say(bytes(session), piece_bytes=visit.chance.choice((50, 1_000, 100_000)))
    await visit.listen(60)


async def does_not_listen(visit: Visit) -> None:
    """Asks for everything many times and reads none of the answers."""
    await visit.say(visit.proposal())
    await asyncio.sleep(0.1)
    visit.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typed as a mere WriteTransport
    for number in range(30):
        visit.writer.write(command(FIND_CONTEXT, find_rq(number + 1)) + data_set(FIND_CONTEXT, query()))
    await asyncio.sleep(visit.chance.choice((1, 400)))


async def says_nothing(visit: Visit) -> None:
    """Connects and waits."""
    await visit.listen(visit.chance.choice((0.01, 100)))


async def lingers(visit: Visit) -> None:
    """Ends its association and does not close the connection, or goes on talking."""
    await visit.associate()
    await visit.say(visit.chance.choice((RELEASE_RQ, ABORT, pdu(0x99, b""))))
    await visit.say(command(1, echo_rq()) * 3, pause_seconds=0.5)
    await asyncio.sleep(100)


async def cancels_nothing(visit: Visit) -> None:
    """Cancels what was never asked, and sends a request behind a query that is being answered."""
    await visit.associate()
    await visit.say(command(FIND_CONTEXT, cancel_rq(77)) + find() + command(1, echo_rq(2)))
    await asyncio.sleep(visit.chance.uniform(0, 2))
    await visit.say(RELEASE_RQ)
    await visit.listen(60)


def find() -> bytes:
    """A C-FIND-RQ with its Identifier."""
    return command(FIND_CONTEXT, find_rq()) + data_set(FIND_CONTEXT, query())


def part_of_store(visit: Visit) -> bytes:
    """A C-STORE-RQ and its object, up to somewhere."""
    thing = visit.thing()
    whole = command(STORE_CONTEXT, store_rq(thing.instance)) + data_set(STORE_CONTEXT, thing.data, fragment=1_000)
    return whole[: visit.chance.randrange(1, len(whole))]


def fragments_of_store(visit: Visit) -> bytes:
    """A C-STORE-RQ and the first fragments of its object, in whole PDUs."""
    thing = visit.thing()
    fragments = [thing.data[at : at + 1_000] for at in range(0, len(thing.data) - 1, 1_000)]
    sent = fragments[: visit.chance.randint(0, len(fragments))]
    return command(STORE_CONTEXT, store_rq(thing.instance)) + b"".join(
        p_data(pdv(STORE_CONTEXT, 0, fragment)) for fragment in sent
    )


Behaviour = Callable[[Visit], Awaitable[None]]

ORDERLY: tuple[Behaviour, ...] = (stores, stores, stores_again, pipelines, queries)
DISORDERLY: tuple[Behaviour, ...] = (
    aborts_mid_object,
    leaves_mid_object,
    falls_silent_mid_object,
    releases_mid_object,
    dribbles,
    says_garbage,
    mistypes,
    does_not_listen,
    says_nothing,
    lingers,
    cancels_nothing,
)

__all__ = ["DISORDERLY", "ORDERLY", "Behaviour", "Ledger", "Lost", "Rejected", "Visit", "query"]
