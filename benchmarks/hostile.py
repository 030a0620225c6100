"""How the daemon bears peers that mean no good: `soak` for very many of them, `crowd` for many at once.

    python -m benchmarks.hostile soak --associations 100000 --processes 3
    python -m benchmarks.hostile crowd --seconds 120

`soak`: associations of every bad kind, half of them with random mistakes on top, from a few processes. Reported are the
slope of the daemon's memory, the descriptors and threads that are left, and how long a good peer waited meanwhile.

`crowd`: ten silent connections for every association that is allowed, peers that dribble an object byte by byte, and
peers that ask without end and never read; whoever is sent away comes back. Meanwhile a good peer measures C-ECHO, on
an association that it keeps and on fresh ones.
"""

import argparse
import asyncio
import multiprocessing
import resource
import socket
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random
from statistics import linear_regression, quantiles

from benchmarks.wire_lines import LINES, spoiled
from scpd.server.lobby import raise_descriptor_limit
from tests.datasets import ct, identifier
from tests.interop.daemon import Daemon
from tests.rawpeer import Proposal, RawPeer, command, data_set, find_rq, store_rq

SPAWN = multiprocessing.get_context("spawn")
PAGE_BYTES = resource.getpagesize()
RESET = struct.pack("ii", 1, 0)  # SO_LINGER
SAMPLE_SECONDS = 0.5
ECHO_SECONDS = 0.05
WARM_UP = 0.25
"""The part of a soak after which memory has to stay flat."""


@dataclass
class Waits:
    """How long a good peer waited, in seconds."""

    seconds: list[float] = field(default_factory=list)

    def measure(self, act: Callable[[], object]) -> None:
        begun = time.perf_counter()
        act()
        self.seconds.append(time.perf_counter() - begun)

    def __str__(self) -> str:
        cuts = quantiles(self.seconds, n=100, method="inclusive")
        p50, p99, worst = (1000 * wait for wait in (cuts[49], cuts[98], max(self.seconds)))
        return f"{len(self.seconds)} times, p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms"


@dataclass
class Footprint:
    """What the daemon's process holds."""

    resident_bytes: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, process_id: int) -> "Footprint":
        process = Path(f"/proc/{process_id}")
        pages = int((process / "statm").read_text().split()[1])
        return cls(pages * PAGE_BYTES, len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())))

    def __str__(self) -> str:
        return f"{self.resident_bytes / 2**20:.1f} MiB, {self.descriptors} descriptors, {self.threads} threads"


def echo_afresh(port: int) -> None:
    """One association with one C-ECHO."""
    with RawPeer(port, timeout=10) as peer:
        peer.associate()
        assert peer.echo() == 0x0000
        peer.release()


# -- soak ------------------------------------------------------------------------------------------------------------


def soak(options: argparse.Namespace) -> None:
    """Bad associations one after the other, from several processes at once."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        daemon = Daemon(Path(folder), "--set", "timeouts.artim_seconds=1", "--set", "timeouts.idle_seconds=5")
        with daemon:
            echo_afresh(daemon.port)
            begun, before = time.monotonic(), Footprint.of(daemon.process.pid)
            done = SPAWN.Value("i", 0)
            workers = [
                SPAWN.Process(target=misbehave, args=(daemon.port, number, options, done))
                for number in range(options.processes)
            ]
            for worker in workers:
                worker.start()
            waits, memory = Waits(), list[tuple[int, int]]()
            while any(worker.is_alive() for worker in workers):
                waits.measure(lambda: echo_afresh(daemon.port))
                memory.append((done.value, Footprint.of(daemon.process.pid).resident_bytes))
                time.sleep(SAMPLE_SECONDS)
            seconds = time.monotonic() - begun
            waits.measure(lambda: echo_afresh(daemon.port))
            assert all(worker.exitcode == 0 for worker in workers), "a worker failed"
            after = settled(daemon, before)
        drained = [event["associations"] for event in daemon.events if event["event"] == "draining"]
    steady = [sample for sample in memory if sample[0] >= WARM_UP * done.value]
    slope = linear_regression(*zip(*steady, strict=True)).slope if len(steady) > 2 else float("nan")
    print(f"{done.value} bad associations of {len(LINES)} kinds in {seconds:.0f} s ({done.value / seconds:.0f}/s)")
    print(f"before: {before}\nafter:  {after}, {drained[-1]} associations")
    print(f"memory slope after the first quarter: {slope:.1f} bytes an association")
    print(f"fresh C-ECHO meanwhile: {waits}")


def settled(daemon: Daemon, before: Footprint) -> Footprint:
    """What is left when ARTIM has ended the last of them."""
    end = time.monotonic() + 10
    while (after := Footprint.of(daemon.process.pid)).descriptors > before.descriptors and time.monotonic() < end:
        time.sleep(0.1)
    return after


def misbehave(port: int, number: int, options: argparse.Namespace, done: "Synchronized[int]") -> None:
    """One process's part of a soak."""
    chance = Random(f"{options.seed} {number}")
    names = sorted(LINES)
    for _ in range(options.associations // options.processes):
        line = LINES[chance.choice(names)]
        first, then = spoiled(line, chance) if chance.random() < 0.5 else line
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if chance.random() < 0.1:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            peer.settimeout(0.05)
            peer.sendall(first)
            if then:
                peer.recv(65536)
                peer.sendall(then)
            if chance.random() < 0.7:
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass
        with done.get_lock():
            done.value += 1


# -- crowd -----------------------------------------------------------------------------------------------------------


def crowd(options: argparse.Namespace) -> None:
    """Many at once, for a while."""
    allowed = options.dribbling + options.deaf + 50
    silent = 10 * allowed
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        with Daemon(Path(folder), "--set", f"limits.associations_max={allowed}") as daemon:
            fill(daemon.port, options.instances)
            before, stop = Footprint.of(daemon.process.pid), SPAWN.Event()
            crowding = SPAWN.Process(target=crowd_in, args=(daemon.port, silent, options.dribbling, options.deaf, stop))
            crowding.start()
            kept, fresh = Waits(), Waits()
            time.sleep(options.settle)
            end, largest = time.monotonic() + options.seconds, before
            with RawPeer(daemon.port, timeout=10) as good:
                good.associate()
                while time.monotonic() < end:
                    kept.measure(good.echo)
                    fresh.measure(lambda: echo_afresh(daemon.port))
                    now = Footprint.of(daemon.process.pid)
                    largest = max(largest, now, key=lambda footprint: footprint.resident_bytes)
                    time.sleep(ECHO_SECONDS)
                good.release()
            stop.set()
            crowding.join(30)
            after = settled(daemon, before)
        reasons = [str(event.get("reason")) for event in daemon.events]
    print(
        f"{silent} silent connections, {options.dribbling} dribbling, {options.deaf} not reading, {options.seconds} s"
    )
    print(f"before:  {before}\nlargest: {largest}\nafter:   {after}")
    for reason in ("limits.connections_max", "the peer does not read", "bytes/s"):
        print(f"log lines with {reason!r}: {sum(reason in told for told in reasons)}")
    print(f"C-ECHO on a kept association: {kept}\nC-ECHO on fresh associations: {fresh}")


def fill(port: int, instances: int) -> None:
    """Puts enough into one series that the answers to a query do not fit into a socket."""
    with RawPeer(port, timeout=30) as peer:
        peer.associate()
        for number in range(instances):
            uid = f"1.2.3.4.{number}"
            assert peer.store(uid, ct(uid, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")).status == 0x0000
        peer.release()


def crowd_in(port: int, silent: int, dribbling: int, deaf: int, stop: Event) -> None:
    """The process of all the others."""
    raise_descriptor_limit()
    asyncio.run(be_a_crowd(port, silent, dribbling, deaf, stop))


async def be_a_crowd(port: int, silent: int, dribbling: int, deaf: int, stop: Event) -> None:
    """Everybody at once, until `stop`."""
    kinds = [(be_silent, silent), (dribble, dribbling), (ask_without_reading, deaf)]
    tasks = [asyncio.create_task(again_and_again(kind, port)) for kind, count in kinds for _ in range(count)]
    while not stop.is_set():
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def again_and_again(kind: Callable[[socket.socket], Awaitable[None]], port: int) -> None:
    """Whoever is sent away comes back a second later."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as peer, suppress(OSError):
            peer.setblocking(False)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(peer, ("127.0.0.1", port))
            await kind(peer)
        await asyncio.sleep(1)


async def be_silent(peer: socket.socket) -> None:
    """Waits to be disconnected."""
    await asyncio.get_running_loop().sock_recv(peer, 1)


async def dribble(peer: socket.socket) -> None:
    """A C-STORE, of which one byte comes every quarter of a second."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, Proposal().encode())
    await loop.sock_recv(peer, 4096)
    message = command(3, store_rq("1.2.3.5")) + data_set(3, ct("1.2.3.5", PixelData=bytes(10_000)))
    for at in range(len(message)):
        await loop.sock_sendall(peer, message[at : at + 1])
        await asyncio.sleep(0.25)


async def ask_without_reading(peer: socket.socket) -> None:
    """Queries, one behind the other, whose answers nobody takes."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, Proposal().encode())
    await loop.sock_recv(peer, 4096)
    keys = identifier("IMAGE", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", SOPInstanceUID="", PatientName="")
    await loop.sock_sendall(peer, (command(5, find_rq()) + data_set(5, keys)) * 20)
    while True:
        await loop.sock_sendall(peer, b"")
        await asyncio.sleep(1)
        peer.getpeername()


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one of the two and prints its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description="bad peers by the thousand")
    kinds = parser.add_subparsers(required=True, metavar="soak | crowd")
    soaking = kinds.add_parser("soak", help="bad associations of every kind, one after the other")
    soaking.add_argument("--associations", type=int, default=100_000)
    soaking.add_argument("--processes", type=int, default=3)
    soaking.add_argument("--seed", type=int, default=1)
    soaking.set_defaults(run=soak)
    crowding = kinds.add_parser("crowd", help="silent, dribbling and deaf peers at once")
    crowding.add_argument("--dribbling", type=int, default=200)
    crowding.add_argument("--deaf", type=int, default=50)
    crowding.add_argument("--seconds", type=int, default=120)
    crowding.add_argument("--instances", type=int, default=2000, help="that a query which nobody reads finds")
    crowding.add_argument("--settle", type=int, default=5, help="seconds before it is measured")
    crowding.set_defaults(run=crowd)
    for kind in (soaking, crowding):
        kind.add_argument("--folder", type=Path, help="where the daemon stores (default: a temporary folder)")
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()
