"""Files past the page cache: byte for byte what was given, whoever writes them, and no success that was none."""

import ctypes
import errno
import fcntl
import mmap
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from scpd.storage import aio
from scpd.storage.aio import Request, Ring
from scpd.storage.digests import BLAKE3, UNKNOWN, VALUE_BYTES, Digester, digest_of
from scpd.storage.direct import (
    BLOCK_BYTES,
    DIRECT_BYTES_MIN,
    HUGE_PAGE_BYTES,
    LANE_BYTES,
    LANES_KEPT,
    UNDER_WAY_MAX,
    DirectFile,
    DirectWriter,
    lanes,
)
from scpd.storage.filesystem import FileBlobs, Large, Sync
from scpd.storage.part10 import file_head
from scpd.testing import attributes, incoming, instance

HEAD = b"head" + UNKNOWN
SIZES = (
    *(0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, DIRECT_BYTES_MIN + 77),
    *(LANE_BYTES - 1, LANE_BYTES, LANE_BYTES + 1, 3 * LANE_BYTES + BLOCK_BYTES + 5),
)


def opened_writer(folder: Path) -> DirectWriter:
    writer = DirectWriter()
    writer.open(str(folder))
    if not writer.is_usable:
        pytest.skip("the file system of the temporary folder has no O_DIRECT")
    return writer


@pytest.fixture(params=["kernel", "by hand"])
def writer(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectWriter]:
    if request.param == "by hand":
        monkeypatch.setattr(aio, "NUMBERS", {})
    made = opened_writer(tmp_path)
    yield made
    made.close()
    made.close()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[DirectWriter]:
    made = opened_writer(tmp_path)
    yield made
    made.close()


Files = Callable[[], tuple[int, Path]]


@pytest.fixture
def new_file(tmp_path: Path) -> Iterator[Files]:
    """Makes new files, open for writing."""
    fds: list[int] = []

    def make() -> tuple[int, Path]:
        path = tmp_path / f"file{len(fds)}"
        fds.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        return fds[-1], path

    yield make
    for fd in fds:
        os.close(fd)


def new(writer: DirectWriter, fd: int) -> DirectFile:
    return DirectFile(writer, fd, HEAD, Digester(BLAKE3))


def whole(data: bytes) -> bytes:
    """What a file of these bytes holds."""
    return HEAD[:-VALUE_BYTES] + digest_of([data]) + data


def pieces_of(data: bytes, size: int) -> list[memoryview]:
    return [memoryview(data)[first : first + size] for first in range(0, len(data), size)]


@pytest.mark.parametrize("piece_bytes", [1_000, 131_060, LANE_BYTES, 5 * LANE_BYTES])
@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_file_has_what_it_was_given(writer: DirectWriter, new_file: Files, size_bytes: int, piece_bytes: int) -> None:
    data = os.urandom(size_bytes)
    pieces = pieces_of(data, piece_bytes)
    for split in {0, 1, len(pieces) // 2, len(pieces)}:
        fd, path = new_file()
        file = new(writer, fd)
        file.append(pieces[:split])
        file.finish(pieces[split:])
        writer.wait_written()
        file.check_written()
        assert path.read_bytes() == whole(data)
        path.unlink()


def test_many_appends_follow_each_other(writer: DirectWriter, new_file: Files) -> None:
    data = os.urandom(2 * LANE_BYTES)
    fd, path = new_file()
    file = new(writer, fd)
    for piece in pieces_of(data, 70_001):
        file.append([piece])
    file.finish([])
    writer.wait_written()
    file.check_written()
    assert path.read_bytes() == whole(data)


def test_a_finished_file_is_one_like_others(writer: DirectWriter, new_file: Files) -> None:
    fd, path = new_file()
    new(writer, fd).finish([memoryview(bytes(10_000))])
    assert not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT
    writer.wait_written()
    os.pwrite(fd, b"late", 0)
    assert path.read_bytes() == b"late" + whole(bytes(10_000))[4:]


def test_the_page_cache_has_the_rest_of_a_file_at_most(tmp_path: Path) -> None:
    for large, pages in ((Large.DIRECT, range(3)), (Large.CACHED, range(31, 1000))):
        blobs = FileBlobs(tmp_path / large.value, Sync.FILESYSTEM, large=large)  # whose cached files are not let go of
        blobs.open()
        if large is Large.DIRECT and not blobs.direct.is_usable:
            pytest.skip("the file system of the temporary folder has no O_DIRECT")
        for begun in (0, DIRECT_BYTES_MIN):
            draft = blobs.draft(incoming("1.5"))
            if begun:
                draft.write([memoryview(bytes(begun))])
            draft.finish([memoryview(bytes(DIRECT_BYTES_MIN))])
            location = blobs.location(incoming("1.5"), instance(attributes("1.5")))
            draft.place(location)
            assert blobs.settle({location: draft}) == {}
            assert pages_in_cache(Path(blobs.path(location))) in pages
        blobs.close()


def pages_in_cache(path: Path) -> int:
    """mincore(2)."""
    size_bytes = path.stat().st_size
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size_bytes) as mapped:
        first = ctypes.c_char.from_buffer(mapped)
        pages = (ctypes.c_ubyte * (size_bytes // mmap.PAGESIZE + 1))()
        assert (
            ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size_bytes), pages) == 0
        )
        del first
    return sum(page & 1 for page in pages)


def test_the_head_is_there_with_the_digest_however_the_object_came(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "blobs")
    blobs.open()
    data = os.urandom(3 * DIRECT_BYTES_MIN + 1)
    for first_bytes in (0, 10, DIRECT_BYTES_MIN, 2 * DIRECT_BYTES_MIN + 3, len(data)):
        draft = blobs.draft(incoming("1.5"))
        if first_bytes:
            draft.write(pieces_of(data[:first_bytes], 131_060))
        sealed = draft.finish(pieces_of(data[first_bytes:], 131_060))
        location = blobs.location(incoming("1.5"), instance(attributes("1.5")))
        draft.place(location)
        assert blobs.settle({location: draft}) == {}
        assert Path(blobs.path(location)).read_bytes() == file_head(incoming("1.5"), sealed.digest) + data
    blobs.close()


def test_lanes_lie_side_by_side_from_the_start_of_a_huge_page_on() -> None:
    made = lanes(5)
    addresses = [lane.address for lane in made]
    assert addresses[0] % HUGE_PAGE_BYTES == LANE_BYTES % BLOCK_BYTES == 0
    assert addresses == [*range(addresses[0], addresses[0] + 5 * LANE_BYTES, LANE_BYTES)]
    for number, lane in enumerate(made):
        lane.view[:] = bytes([number]) * LANE_BYTES
    assert [bytes(lane.view) for lane in made] == [bytes([number]) * LANE_BYTES for number in range(5)]


def test_more_lanes_than_are_kept_can_be_had(writer: DirectWriter) -> None:
    taken = [writer.lane() for _ in range(LANES_KEPT + 2)]
    assert len({lane.address for lane in taken}) == LANES_KEPT + 2
    assert all(lane.address % BLOCK_BYTES == 0 for lane in taken)
    for lane in taken:
        writer.give_back(lane)
    assert len(writer._free) == LANES_KEPT


def test_lanes_are_used_again(writer: DirectWriter, new_file: Files) -> None:
    before = {lane.address for lane in writer._free}
    for _ in range(3 * UNDER_WAY_MAX):
        fd, _ = new_file()
        new(writer, fd).finish([memoryview(bytes(20_000))])
        assert len(writer._under_way) <= UNDER_WAY_MAX
    writer.wait_written()
    assert {lane.address for lane in writer._free} == before


@pytest.mark.parametrize("result", [-errno.EIO, -errno.ENOSPC, 0, BLOCK_BYTES])
def test_a_write_that_failed_or_fell_short_is_no_success(
    kernel: DirectWriter, new_file: Files, monkeypatch: pytest.MonkeyPatch, result: int
) -> None:
    real = Ring.ended

    def ended(ring: Ring, at_least: int) -> Mapping[int, int]:
        return dict.fromkeys(real(ring, at_least), result)

    fd, _ = new_file()
    file = new(kernel, fd)
    with monkeypatch.context() as patch:
        patch.setattr(Ring, "ended", ended)
        file.finish([memoryview(bytes(20_000))])
        kernel.wait_written()
    with pytest.raises(OSError) as failed:
        file.check_written()
    assert failed.value.errno == (-result if result < 0 else errno.EIO)


def test_results_that_cannot_be_had_are_failures_and_the_next_file_is_written_by_hand(
    kernel: DirectWriter, new_file: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(ring: Ring, at_least: int) -> Mapping[int, int]:
        raise OSError(errno.EFAULT, "no results")

    files = [new(kernel, new_file()[0]) for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(Ring, "ended", ended)
        for file in files:
            file.finish([memoryview(bytes(20_000))])
        kernel.wait_written()
    for file in files:
        with pytest.raises(OSError, match="Input/output error"):
            file.check_written()
    fd, path = new_file()
    file = new(kernel, fd)
    file.finish([memoryview(b"x" * 20_000)])
    file.check_written()
    assert path.read_bytes() == whole(b"x" * 20_000)


def test_what_the_kernel_does_not_take_is_written_by_hand(
    kernel: DirectWriter, new_file: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(ring: Ring, requests: Sequence[Request]) -> Iterator[int | None]:
        return iter([None] * len(requests))

    monkeypatch.setattr(Ring, "begin", begin)
    fd, path = new_file()
    new(kernel, fd).finish([memoryview(b"x" * 20_000)])
    assert path.read_bytes() == whole(b"x" * 20_000) and not kernel._under_way


@pytest.mark.parametrize("call", ["pwrite", "posix_fallocate"])
def test_a_failure_by_hand_is_raised_and_keeps_no_lane(
    writer: DirectWriter, new_file: Files, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def failing(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    free = len(writer._free)
    file = new(writer, new_file()[0])
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        if call == "pwrite":
            with pytest.raises(OSError, match="No space"):
                file.append([memoryview(bytes(20_000))])
        with pytest.raises(OSError, match="No space"):
            file.finish([memoryview(bytes(20_001))])
    writer.wait_written()
    assert len(writer._free) == free


@pytest.mark.parametrize("call", ["fcntl", "posix_fallocate", "pwrite"])
def test_where_a_file_system_cannot_do_it_large_objects_are_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    blobs = FileBlobs(tmp_path / "blobs", large=Large.CACHED)  # so that the trial is ours to make
    blobs.open()
    with monkeypatch.context() as patch:
        patch.setattr(fcntl if call == "fcntl" else os, call, refused)
        patch.setattr(Ring, "begin", lambda ring, requests: iter([None] * len(requests)))
        blobs.direct.open(str(blobs.spool))
    assert not blobs.direct.is_usable
    assert list(blobs.spool.iterdir()) == []
    draft = blobs.draft(incoming("1.5"))
    sealed = draft.finish([memoryview(bytes(DIRECT_BYTES_MIN))])
    (path,) = blobs.spool.iterdir()
    assert path.read_bytes() == file_head(incoming("1.5"), sealed.digest) + bytes(DIRECT_BYTES_MIN)
    assert pages_in_cache(path) > 30
    draft.abandon()
    blobs.close()


@pytest.mark.parametrize(("sync", "large"), [(Sync.NONE, Large.DIRECT), (Sync.FILES, Large.CACHED)])
def test_it_is_left_alone_where_it_is_not_wanted(tmp_path: Path, sync: Sync, large: Large) -> None:
    blobs = FileBlobs(tmp_path / "blobs", sync, large=large)
    blobs.open()
    assert not blobs.direct.is_usable
    blobs.close()


@pytest.mark.parametrize("sync", [Sync.FILES, Sync.FILESYSTEM])
def test_a_write_that_failed_under_way_costs_its_object_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: Sync
) -> None:
    blobs = FileBlobs(tmp_path / "blobs", sync)
    blobs.open()
    if not blobs.direct.is_usable:
        pytest.skip("the file system of the temporary folder has no O_DIRECT")
    real = Ring.ended

    def ended(ring: Ring, at_least: int) -> Mapping[int, int]:
        results = dict(real(ring, at_least))
        if 2 in results and results[2] > 0:  # the write of the second one: the first token was for the trial at start
            results[2] = -errno.EIO
        return results

    monkeypatch.setattr(Ring, "ended", ended)
    drafts = {}
    for number in range(3):
        draft = blobs.draft(incoming(f"1.5.{number}"))
        draft.finish([memoryview(bytes(DIRECT_BYTES_MIN))])
        location = blobs.location(incoming(f"1.5.{number}"), instance(attributes(f"1.5.{number}")))
        draft.place(location)
        drafts[location] = draft
    failed = blobs.settle(drafts)
    assert [location in failed for location in drafts] == [False, True, False]
    blobs.close()
