"""One simulated day of a daemon: peers come and go, the network and the storage fail, and then accounts are settled.

`simulate(seed)` composes scpd's own listener, associations, services and archive as `scpd/app.py` does, on the
simulated loop. All that is left to chance comes from the seed. What must hold afterwards is written down in
`Day.settle`: every acknowledged object is there, byte for byte, nothing half-written is; every slot is free, every
block back, no task left; and nothing was logged as a mistake of ours but what was injected.
"""

import asyncio
import gc
import traceback
from dataclasses import dataclass, field
from random import Random

import structlog
from structlog.typing import EventDict, WrappedLogger

from scpd.observability.logging import report_loop_errors
from scpd.profile.profile import Profile
from scpd.query.identifier import QueryRules
from scpd.server.blocks import Block, BlockPool
from scpd.server.entity import ApplicationEntity
from scpd.server.listener import Listener
from scpd.server.options import ServerOptions
from scpd.services.exchange import Provider
from scpd.storage.base import Backend, Incoming, StorageError
from scpd.storage.head import Head
from scpd.ul.connection import UpperLayerLimits
from tests.datasets import ct
from tests.rawpeer import CT_IMAGE, EXPLICIT_LE
from tests.simulation.client import Lost, Rejected, Thing
from tests.simulation.loop import NothingWillHappen, SimulatedLoop, TimeStandsStill
from tests.simulation.network import Conditions, Network
from tests.simulation.peers import DISORDERLY, ORDERLY, SUCCESS, Behaviour, Ledger, Visit, query
from tests.simulation.storage import INJECTED, Faults, FaultyBlobs, FaultyDraft, FaultyIndex, SimulatedArchive

STALE = 0xDD
"""Fills blocks that came back to the pool: whoever still looks at one finds this instead of its object."""

QUIET_AT_LAST_SECONDS = 120.0
"""Longer than silence, ARTIM and a send may take one after the other: by then whoever is left is forgotten."""

ROOMY = 1_000
"""More connections than there are peers: nobody has to give way."""


@dataclass
class Report:
    """What happened with a seed: nothing wrong, or `failures`; and the trace, which a replay repeats line by line."""

    seed: int
    failures: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    acknowledged: int = 0
    injected: int = 0


class WatchedPool(BlockPool):
    """A pool that spoils what comes back, and knows what is out."""

    def __init__(self, block_bytes: int, budget_bytes: int) -> None:
        super().__init__(block_bytes, budget_bytes)
        self.out: set[Block] = set()

    def take(self) -> Block:
        block = super().take()
        self.out.add(block)
        return block

    def give_back(self, block: Block) -> None:
        self.out.remove(block)
        block.view[:] = bytes([STALE]) * len(block.view)
        super().give_back(block)


def simulate(seed: int, *, draft_type: type[FaultyDraft] = FaultyDraft) -> Report:
    """Lives through the day of this seed."""
    day = Day(seed, draft_type)
    loop = day.loop
    try:
        loop.run_until_complete(day.live())
        gc.collect()  # what nobody awaited is told now
        day.expect(not asyncio.all_tasks(loop), f"tasks are left: {asyncio.all_tasks(loop)}")
    except (NothingWillHappen, TimeStandsStill) as stuck:
        day.expect(False, type(stuck).__name__)
    except Exception:
        day.expect(False, traceback.format_exc())
    finally:
        loop.close()
    day.report.acknowledged = len(day.ledger.acknowledged)
    day.report.injected = len(day.faults.injected)
    return day.report


class Day:
    """Everything of one run, each part with a source of chance of its own."""

    def __init__(self, seed: int, draft_type: type[FaultyDraft]) -> None:
        self.seed = seed
        self.report = Report(seed)
        self.chance = self._chance("day")
        self.network = Network(self._chance("network"), self.note)
        self.loop = SimulatedLoop(self._chance("threads"), self.network)
        self.ledger = Ledger()
        self.faults = Faults(self._chance("storage"), self.note)
        self.blobs = FaultyBlobs(self.faults, draft_type)
        self.index = FaultyIndex(self.faults)
        self.backend = SimulatedArchive(self.blobs, self.index)
        self.log = structlog.wrap_logger(
            structlog.ReturnLogger(),
            processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, self._log_line],
        )
        self.visitors = 0

    def note(self, who: str, what: str) -> None:
        """Adds a line to the trace."""
        self.report.trace.append(f"{self.loop.time():.6f} {who} {what}")

    def expect(self, holds: bool, otherwise: str) -> None:
        """Notes a failure."""
        if not holds:
            self.note("FAILURE", otherwise)
            self.report.failures.append(otherwise)

    async def live(self) -> None:
        """The day, from the morning to the settlement."""
        report_loop_errors(self.loop, self.log)
        await self.backend.open()
        self.entity = self._entity()
        self.listener = Listener(self.entity)
        await self.listener.start([None])  # type: ignore[list-item]  # the simulated loop needs no socket
        visits = [asyncio.create_task(self._visit()) for _ in range(self.chance.randint(2, 20))]
        weather = asyncio.create_task(self._weather())
        if self.chance.random() < 0.3:
            await asyncio.sleep(self.chance.uniform(0, 1.5))
            await self._stop()
            await asyncio.wait(visits)
            weather.cancel()
        else:
            await asyncio.wait(visits)
            weather.cancel()
            await self._calm_down()
            await self._stop()
        await self.settle()
        await self.backend.close()

    # -- what happens on that day ---------------------------------------------------------------------------

    def _entity(self) -> ApplicationEntity:
        chance = self.chance
        pdu_bytes_max = chance.choice((4_096, 16_384, 65_536))
        options = ServerOptions(
            idle_seconds=20.0,
            send_seconds=10.0,
            drain_seconds=chance.choice((0.02, 15.0)),
            associations_max=chance.choice((2, 5, 100)),
            connections_max=chance.choice((3, ROOMY, ROOMY)),
            block_bytes=chance.choice((512, 2_048, 16_384)),
            receive_bytes_max=chance.choice((4_096, 65_536, 1_000_000)),
            upper_layer=UpperLayerLimits(artim_seconds=5.0, pdu_bytes_max=pdu_bytes_max),
        )
        provider = Provider(self.backend, QueryRules(), identifier_bytes_max=65_536, results_max=0)
        profile = Profile(ae_titles=("SCPD",), pdu_bytes_max=pdu_bytes_max)
        entity = ApplicationEntity(profile, provider, options, self.log)
        entity.blocks = self.pool = WatchedPool(options.block_bytes, options.receive_bytes_max)
        return entity

    async def _weather(self) -> None:
        """Storage fails in spells."""
        if self.chance.random() < 0.4:
            return
        while True:
            self.faults.probability = self.chance.choice((0.0, 0.02, 0.2))
            self.faults.is_full = self.chance.random() < 0.1
            self.loop.thread_seconds_max = self.chance.choice((0.001, 0.01, 0.01, 1.0))
            await asyncio.sleep(self.chance.uniform(0.05, 1))

    def _conditions(self) -> Conditions:
        chance = self.chance
        delay_seconds = chance.choice((0.0001, 0.002, 0.05))
        segment_bytes_max = chance.choice((200, 1_460, 9_000, 65_536))
        window_bytes = chance.choice((2_000, 16_384, 100_000))
        usual = Conditions(delay_seconds, segment_bytes_max, window_bytes)
        bytes_until_fault = chance.choice((1, 100, 2_000, 20_000))
        match chance.randrange(6):
            case 0:
                return Conditions(delay_seconds, segment_bytes_max, window_bytes, 0.05, chance.choice((0.5, 15.0)))
            case 1:
                return Conditions(delay_seconds, segment_bytes_max, window_bytes, resets_after=bytes_until_fault)
            case 2:
                return Conditions(delay_seconds, segment_bytes_max, window_bytes, breaks_after=bytes_until_fault)
            case _:
                return usual

    async def _visit(self) -> None:
        """One peer comes, behaves or not, and goes."""
        behaviour = self.chance.choice(self.chance.choice((ORDERLY, DISORDERLY)))
        conditions = self._conditions()
        await asyncio.sleep(self.chance.uniform(0, 1))
        outcome = await self._behave(behaviour, conditions)
        has_room = self.entity.options.connections_max == ROOMY
        if behaviour in ORDERLY and conditions.are_good and has_room and not self.entity.draining:
            is_served = outcome in ("done", "rejected: LOCAL_LIMIT_EXCEEDED")
            self.expect(is_served, f"an orderly peer was served badly: {behaviour.__name__}, {outcome}")

    async def _behave(self, behaviour: Behaviour, conditions: Conditions) -> str:
        """Runs a behaviour; how it ended."""
        self.visitors += 1
        number = self.visitors
        chance = self._chance(f"peer {number}")
        address = f"127.0.0.{number}"
        self.note(address, f"comes: {behaviour.__name__}, {conditions}")
        outcome = "done"
        try:
            reader, writer = await asyncio.open_connection(address, 104, limit=4_096, conditions=conditions)
            try:
                await behaviour(Visit(number, chance, conditions, self.ledger, self.note, reader, writer))
            finally:
                chance.choice((writer.close, writer.transport.abort))()
        except Rejected as reject:
            outcome = f"rejected: {reject}"
        except (Lost, ConnectionError) as end:
            outcome = f"{type(end).__name__}: {end}"
        self.note(address, f"goes: {outcome}")
        return outcome

    async def _calm_down(self) -> None:
        """All who came are gone: so are their associations, and the next peer is served without fault."""
        await asyncio.sleep(QUIET_AT_LAST_SECONDS)
        self.faults.stop()
        self._expect_nobody("though all peers are gone")
        outcome = await self._behave(verifies_everything, Conditions())
        self.expect(outcome == "done", f"after all that a good peer was served badly: {outcome}")

    async def _stop(self) -> None:
        self.note("scpd", "drains")
        await self.listener.drain(self.entity.options.drain_seconds)
        self.note("scpd", "is drained")
        self.expect(self.entity.associations == 0, f"{self.entity.associations} slots are taken after the drain")

    # -- what must hold then --------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Looks at everything that the day left behind."""
        await asyncio.sleep(QUIET_AT_LAST_SECONDS)
        self.faults.stop()
        self._expect_nobody("after the drain")
        for broken in self.ledger.broken:
            self.expect(False, broken)
        await self._clear_doubt()
        for thing in self.ledger.acknowledged:
            self.expect(await self._stored(thing.instance) == thing.data, f"acknowledged and lost: {thing.instance}")
        kept = set(self.blobs.placed.values())
        for thing in self.ledger.kept_aside:
            self.expect(thing.data in kept, f"kept aside and lost: {thing.instance}")
        for location, record in self.index.rows.items():
            known = self.blobs.placed.get(location) in self.ledger.sent
            careless = record.incoming.calling_ae_title in self.ledger.careless
            self.expect(known or careless, f"not what anybody sent: {location}")
        self.expect(not self.blobs.drafts, f"{len(self.blobs.drafts)} half-written objects")
        self.expect(self.blobs.placed.keys() == self.index.rows.keys(), "files without a row, or rows without a file")

    def _expect_nobody(self, when: str) -> None:
        entity, pool = self.entity, self.pool
        self.expect(entity.associations == 0, f"{entity.associations} slots are taken {when}")
        self.expect(pool.out_bytes == 0 and not pool.out, f"{pool.out_bytes} bytes of blocks are out {when}")
        self.expect(not self.network.served, f"{len(self.network.served)} connections are open {when}")
        serving = [task for task in asyncio.all_tasks() if "Association" in repr(task.get_coro())]
        self.expect(not serving, f"{len(serving)} associations are served {when}")

    async def _clear_doubt(self) -> None:
        """Commits one more object: the files of transactions in doubt may go when another has succeeded."""
        thing = Thing("1.2.7", ct("1.2.7"))
        self.ledger.sent.add(thing.data)
        await store(self.backend, thing)

    async def _stored(self, instance: str) -> bytes | None:
        try:
            return b"".join([piece async for piece in self.backend.read(instance)])
        except StorageError:
            return None

    def _chance(self, purpose: str) -> Random:
        return Random(f"{self.seed} {purpose}")

    def _log_line(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        """A log event: into the trace, and a failure if it is a mistake of ours that nobody injected."""
        event.pop("association", None)  # counted over all runs of the process
        mistake = str(event.pop("exception", ""))
        self.note(str(event.pop("address", "scpd")), f"logs {event}")
        is_ours = bool(mistake) or event["event"] in ("event loop error", "association failed")
        self.expect(not is_ours or INJECTED in mistake, f"{event} {mistake}")
        return ""


async def store(backend: Backend, thing: Thing) -> None:
    """Stores an object without a network."""
    incoming = Incoming(CT_IMAGE, thing.instance, EXPLICIT_LE, "", "")
    views = [memoryview(thing.data)]
    head = Head(incoming)
    head.feed(views)
    sink = await backend.open_sink(incoming)
    await sink.write(views, last=True)
    await sink.commit(head.instance())


async def verifies_everything(visit: Visit) -> None:
    """The last peer of the day: every service works."""
    client = await visit.associate()
    visit.promised(await client.echo() == SUCCESS, "C-ECHO failed on a quiet day")
    thing = Thing("1.2.6", ct("1.2.6"))
    visit.ledger.sent.add(thing.data)
    status = await client.store(thing)
    visit.ledger.judge(thing, status)
    visit.promised(status == SUCCESS, f"C-STORE failed on a quiet day: {status:04X}H")
    statuses = await client.find(query())
    visit.promised(statuses[-1] == SUCCESS and len(statuses) > 1, f"C-FIND failed on a quiet day: {statuses}")
    await client.release()
