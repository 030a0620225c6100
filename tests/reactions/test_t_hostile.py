"""T18-T21: data sets made to exhaust, and very large ones: memory stays flat, and every byte is kept (PS3.4 B.2.3).

They are made and sent piece by piece, since daemon and test share the memory that is measured.
"""

import hashlib
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat

import pytest

from tests.daemon import Daemon
from tests.datasets import EXPLICIT, IMPLICIT, UNDEFINED, Form, ct, delimiter, element, item
from tests.rawpeer import (
    DEFLATED_LE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Call,
    Message,
    RawPeer,
    command,
    p_data,
    pdv,
    store_rq,
    storing,
)
from tests.reactions import kept
from tests.reactions.conftest import rss_bytes

DOES_NOT_MATCH_WARNING = 0xB007
CANNOT_UNDERSTAND = 0xC000

PIECE_BYTES = 32_768
MEGABYTE = 1 << 20

PIXEL_DATA = 0x7FE00010
REQUEST_ATTRIBUTES = 0x00400275
"""A sequence that the index reads."""
PRIVATE = 0x00431001
"""A sequence that nobody reads."""


def cut(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of some size."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= PIECE_BYTES:
            yield bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
    yield bytes(held)


def store(peer: RawPeer, parts: Iterable[bytes], instance: str = "1.2.3.4", message_id: int = 1) -> Message:
    """A C-STORE that is made while it is sent."""
    peer.send(command(3, store_rq(instance, message_id)))
    for piece in cut(parts):
        peer.send(p_data(pdv(3, 0, piece)))
    peer.send(p_data(pdv(3, 2, b"")))
    return peer.receive_message()


def digest(parts: Iterable[bytes]) -> str:
    """What `kept.digests` gives for these bytes."""
    told = hashlib.sha256()
    for piece in cut(parts):
        told.update(piece)
    return told.hexdigest()


# -- T18: depth ---------------------------------------------------------------------------------------------------


def nested(tag: int, depth: int, form: Form) -> Iterator[bytes]:
    """An object with sequences of undefined length, each in an item of the one before."""
    yield ct("1.2.3.4", form, PixelData=None)
    opening = element(tag, "SQ", b"", form, length=UNDEFINED) + item(b"", form, length=UNDEFINED)
    yield from repeat(opening, depth)
    yield from repeat(delimiter(0xE00D, form) + delimiter(0xE0DD, form), depth)


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE], ids=["explicit", "implicit"])
@pytest.mark.parametrize("tag", [REQUEST_ATTRIBUTES, PRIVATE], ids=["indexed", "private"])
@pytest.mark.parametrize(
    ("depth", "status"),
    [(64, 0x0000), (65, DOES_NOT_MATCH_WARNING), (1_000, DOES_NOT_MATCH_WARNING), (100_000, DOES_NOT_MATCH_WARNING)],
)
def test_t18_deep_nesting(call: Call, daemon: Daemon, depth: int, status: int, tag: int, syntax: str) -> None:
    """T18: walked in flat memory; beyond 64 levels the structure counts as damaged: stored byte-exact, B007H (T06)."""
    form = IMPLICIT if syntax == IMPLICIT_LE else EXPLICIT
    peer = call()
    peer.associate(storing(syntax))
    assert store(peer, nested(tag, depth, form)).status == status
    assert kept.digests(daemon) == [digest(nested(tag, depth, form))]
    assert peer.echo(2) == 0x0000


def test_t18_deep_nesting_of_defined_lengths(peer: RawPeer, daemon: Daemon) -> None:
    """T18: an indexed sequence whose lengths are all defined is read no deeper either: B007H (T06)."""
    content = b""
    for _ in range(1_000):
        content = element(REQUEST_ATTRIBUTES, "SQ", item(content))
    object_ = ct("1.2.3.4", PixelData=None) + content
    assert peer.store("1.2.3.4", object_).status == DOES_NOT_MATCH_WARNING
    assert [file.data_set for file in kept.files(daemon)] == [object_]


@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
def test_t18_deep_nesting_before_the_uids(peer: RawPeer, daemon: Daemon, depth: int) -> None:
    """T18: C000H where the nesting hides the required UIDs (T06)."""
    parts = chain(nested(0x00080006, depth, EXPLICIT), [ct("1.2.3.4")])
    next(parts)  # the object that the nesting was to follow
    assert store(peer, parts).status == CANNOT_UNDERSTAND
    assert kept.nothing(daemon)
    assert peer.echo(2) == 0x0000


# -- T19: lengths and numbers -------------------------------------------------------------------------------------


def huge_length() -> Iterator[bytes]:
    """(7FE0,0010) that promises four gigabytes."""
    yield ct("1.2.3.4", PixelData=None)
    yield element(PIXEL_DATA, "OW", bytes(10_000), length=0xFFFFFFF0)


def empty_items(tag: int, count: int = 1_000_000) -> Iterator[bytes]:
    """A sequence of many empty items, of undefined length."""
    yield ct("1.2.3.4", PixelData=None)
    yield element(tag, "SQ", b"", length=UNDEFINED)
    yield from repeat(item(b"") * 1000, count // 1000)
    yield delimiter(0xE0DD)


def empty_items_of_defined_length() -> Iterator[bytes]:
    """The same, its length defined, in a sequence that the index reads."""
    yield ct("1.2.3.4", PixelData=None)
    yield element(REQUEST_ATTRIBUTES, "SQ", b"", length=8_000_000)
    yield from repeat(item(b"") * 1000, 1000)


def fragments() -> Iterator[bytes]:
    """A million fragments of two bytes."""
    yield ct("1.2.3.4", PixelData=None)
    yield element(PIXEL_DATA, "OB", b"", length=UNDEFINED) + item(b"")
    yield from repeat(item(b"ab") * 1000, 1000)
    yield delimiter(0xE0DD)


def many_values() -> Iterator[bytes]:
    """A value multiplicity of 100,000 in attributes that the index reads."""
    values = "\\".join(repeat("1", 100_000))
    yield ct("1.2.3.4", IMPLICIT, ImageType=values, ImagePositionPatient=values)


def many_elements() -> Iterator[bytes]:
    """A million empty elements."""
    yield ct("1.2.3.4", PixelData=None)
    for group in range(0x0045, 0x0045 + 2 * 16, 2):
        for number in range(0x1000, 0x1000 + 62_500, 500):
            yield b"".join(element(group << 16 | each, "UN", b"") for each in range(number, number + 500))


CROWDS = {
    "length FFFFFFF0H": (huge_length, EXPLICIT_LE, DOES_NOT_MATCH_WARNING),
    "10^6 empty items": (lambda: empty_items(PRIVATE), EXPLICIT_LE, 0x0000),
    "10^6 empty indexed items": (lambda: empty_items(REQUEST_ATTRIBUTES), EXPLICIT_LE, 0x0000),
    "10^6 empty indexed items, length defined": (empty_items_of_defined_length, EXPLICIT_LE, 0x0000),
    "8,000 empty indexed items": (lambda: empty_items(REQUEST_ATTRIBUTES, 8_000), EXPLICIT_LE, 0x0000),
    "10^6 fragments": (fragments, EXPLICIT_LE, 0x0000),
    "VM 100,000": (many_values, IMPLICIT_LE, 0x0000),
    "10^6 elements": (many_elements, EXPLICIT_LE, 0x0000),
}


@pytest.mark.parametrize("name", CROWDS)
def test_t19_many_of_everything(call: Call, daemon: Daemon, name: str) -> None:
    """T19: bounded in memory; what holds together is stored with 0000H, a length that lies with B007H (T06)."""
    make, syntax, status = CROWDS[name]
    peer = call()
    peer.associate(storing(syntax))
    assert store(peer, make()).status == status
    assert kept.digests(daemon) == [digest(make())]
    assert peer.echo(2) == 0x0000


# -- T20: deflate -------------------------------------------------------------------------------------------------

GIGABYTE_BLOCKS = 1024


def bomb(gigabytes: int, head: bytes = b"", tail: bytes = b"") -> Iterator[bytes]:
    """Elements of 2 GiB of zeros, deflated: a thousandth of that. A full flush makes a block that can be repeated."""
    compressor = zlib.compressobj(level=9, wbits=-15)
    yield compressor.compress(head) + compressor.flush(zlib.Z_FULL_FLUSH)
    zeros = compressor.compress(bytes(MEGABYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    for number in range(gigabytes // 2):
        opening = element(0x00090000 + 0x20000 * number | 0x1001, "OB", b"", length=2 * GIGABYTE_BLOCKS * MEGABYTE)
        yield compressor.compress(opening) + compressor.flush(zlib.Z_FULL_FLUSH)
        yield from repeat(zeros, 2 * GIGABYTE_BLOCKS)
    yield compressor.compress(tail) + compressor.flush()


def in_small_bomb(name: str) -> Iterator[bytes]:
    """100 MiB of zeros, before or behind the required UIDs."""
    compressor = zlib.compressobj(level=9, wbits=-15)
    zeros = element(0x00080006 if name == "before" else 0x00431001, "OB", b"", length=100 * MEGABYTE)
    parts = [zeros, *repeat(bytes(MEGABYTE), 100)]
    parts = [*parts, ct("1.2.3.4")] if name == "before" else [ct("1.2.3.4"), *parts]
    for part in parts:
        yield compressor.compress(part)
    yield compressor.flush()


@pytest.fixture
def deflating(call: Call) -> RawPeer:
    """A peer that stores CT deflated."""
    connected = call()
    connected.associate(storing(DEFLATED_LE))
    return connected


def test_t20_ten_gigabytes_behind_the_uids(deflating: RawPeer, daemon: Daemon) -> None:
    """T20: 0000H; stored deflated as received; the walk stops at the inflate cap (PS3.5 A.5)."""
    head = ct("1.2.3.4", PixelData=None)
    assert store(deflating, bomb(10, head)).status == 0x0000
    assert kept.digests(daemon) == [digest(bomb(10, head))]
    assert deflating.echo(2) == 0x0000


def test_t20_ten_gigabytes_before_the_uids(deflating: RawPeer, daemon: Daemon) -> None:
    """T20: C000H: no required UIDs within the inflate cap (PS3.5 A.5)."""
    assert store(deflating, chain(bomb(10, tail=ct("1.2.3.4")))).status == CANNOT_UNDERSTAND
    assert kept.nothing(daemon)
    assert deflating.echo(2) == 0x0000


@pytest.mark.parametrize(("name", "status"), [("behind", 0x0000), ("before", CANNOT_UNDERSTAND)])
def test_t20_the_cap_decides(deflating: RawPeer, daemon: Daemon, name: str, status: int) -> None:
    """T20: 100 KB that inflate to 100 MB: 0000H if the UIDs are within the cap, else C000H (PS3.5 A.5)."""
    assert store(deflating, in_small_bomb(name)).status == status
    assert kept.nothing(daemon) == (status != 0x0000)


def deflated(data: bytes) -> bytes:
    """A raw DEFLATE stream (PS3.5 A.5)."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (b"\xff" * 500, CANNOT_UNDERSTAND),
        (b"", CANNOT_UNDERSTAND),
        (zlib.compress(ct("1.2.3.4")), CANNOT_UNDERSTAND),
        (ct("1.2.3.4"), CANNOT_UNDERSTAND),
        (deflated(ct("1.2.3.4"))[:20], CANNOT_UNDERSTAND),
        (deflated(ct("1.2.3.4") + os.urandom(20_000))[:-500], DOES_NOT_MATCH_WARNING),
    ],
    ids=["no stream", "nothing", "with a zlib header", "not deflated", "cut at once", "cut later"],
)
def test_t20_corrupt_stream(deflating: RawPeer, daemon: Daemon, stream: bytes, status: int) -> None:
    """T20: C000H, or B007H and stored as received where the UIDs precede the damage (PS3.5 A.5)."""
    assert deflating.store("1.2.3.4", stream).status == status
    assert [file.data_set for file in kept.files(daemon)] == ([stream] if status == DOES_NOT_MATCH_WARNING else [])
    assert deflating.echo(2) == 0x0000


@pytest.mark.parametrize("trailing", [b"\0", b"trailing bytes", bytes(10_000)], ids=["padding", "text", "many"])
def test_t20_bytes_behind_the_stream(deflating: RawPeer, daemon: Daemon, trailing: bytes) -> None:
    """T20: 0000H, stored as received: what follows the final block is padding (PS3.5 A.5)."""
    stream = deflated(ct("1.2.3.4")) + trailing
    assert deflating.store("1.2.3.4", stream).status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [stream]


# -- T21: size ----------------------------------------------------------------------------------------------------

MEGABYTES_EACH = int(os.environ.get("SCPD_TEST_MEGABYTES", "64"))
AT_ONCE = 4
RSS_BYTES_MAX = 48 * MEGABYTE
"""What four associations may hold while they receive; the objects are larger together."""


def multiframe(uid: str) -> Iterator[bytes]:
    """Many frames, a megabyte each."""
    yield ct(uid, PixelData=None, NumberOfFrames=str(MEGABYTES_EACH))
    yield element(PIXEL_DATA, "OB", b"", length=UNDEFINED) + item(b"")
    yield from chain.from_iterable(
        repeat((struct.pack("<HHI", 0xFFFE, 0xE000, MEGABYTE), *[bytes(PIECE_BYTES)] * 32), MEGABYTES_EACH)
    )
    yield delimiter(0xE0DD)


class HighWater:
    """The most memory that was resident while it was watched."""

    def __enter__(self) -> "HighWater":
        self.begin = self.peak = rss_bytes()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.peak = max(self.peak, rss_bytes())


def test_t21_large_multiframes_in_parallel(call: Call, daemon: Daemon) -> None:
    """T21: streamed to disk: four at once need a fraction of one. `SCPD_TEST_MEGABYTES=2560` is the full size."""
    uids = [f"1.2.3.{number}" for number in range(AT_ONCE)]
    peers = [call() for _ in uids]
    for peer in peers:
        peer.timeout = 300
        peer.socket.settimeout(peer.timeout)
        peer.associate()
    with HighWater() as water, ThreadPoolExecutor(AT_ONCE) as threads:
        statuses = [
            each.status for each in threads.map(lambda peer, uid: store(peer, multiframe(uid), uid), peers, uids)
        ]
    assert statuses == [0x0000] * AT_ONCE
    assert water.peak - water.begin < RSS_BYTES_MAX
    assert sorted(kept.digests(daemon)) == sorted(digest(multiframe(uid)) for uid in uids)


def test_t21_others_are_served_meanwhile(call: Call, daemon: Daemon) -> None:
    """T21: while a large object arrives, another peer's C-ECHO is answered in under a second."""
    sender, other = call(), call()
    for peer in (sender, other):
        peer.associate()
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(store, sender, multiframe("1.2.3.4"), "1.2.3.4")
        slowest, message_id = 0.0, 0
        while not sending.done():
            begun, message_id = time.monotonic(), message_id % 1000 + 1
            assert other.echo(message_id) == 0x0000
            slowest = max(slowest, time.monotonic() - begun)
    assert sending.result().status == 0x0000
    assert message_id and slowest < 1.0
