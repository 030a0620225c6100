"""Syncs side by side, by the kernel where it does that, by hand where it does not."""

import ctypes
import errno
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from scpd.storage import aio
from scpd.storage.aio import AT_ONCE, NUMBERS, Request, Ring
from scpd.storage.syncer import File, Syncer


@pytest.fixture(params=["kernel", "by hand", "not opened"])
def syncer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Syncer]:
    if request.param == "by hand":
        monkeypatch.setattr(aio, "NUMBERS", {})
    made = Syncer()
    if request.param != "not opened":
        made.open()
    yield made
    made.close()
    made.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[int], list[File]]]:
    """Opens so many new files, each with something to sync."""
    fds: list[int] = []

    def make(count: int) -> list[File]:
        for _ in range(count):
            fds.append(os.open(tmp_path / str(len(fds)), os.O_WRONLY | os.O_CREAT))
            os.write(fds[-1], b"something")
        return [File(fd) for fd in fds[-count:]] if count else []

    yield make
    for fd in fds:
        os.close(fd)


@pytest.mark.parametrize("count", [0, 1, 2, 17, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE + 3])
def test_everything_is_synced(syncer: Syncer, opened: Callable[[int], list[File]], count: int) -> None:
    assert syncer.errors(opened(count)) == [None] * count


def test_a_folder_is_synced_with_what_it_lists(syncer: Syncer, tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    folder = File(fd, is_folder=True)
    assert syncer.errors([folder] * 3) == [None] * 3
    os.close(fd)


@pytest.mark.parametrize("place", [0, 1, 4, AT_ONCE, 299])
def test_each_error_stands_in_its_place(
    syncer: Syncer, opened: Callable[[int], list[File]], tmp_path: Path, place: int
) -> None:
    """A pipe cannot be synced; a descriptor that is closed neither."""
    pipe = os.pipe()
    good = opened(300)
    for bad, code in ((File(pipe[1]), errno.EINVAL), (File(99_999), errno.EBADF)):
        files = [*good[:place], bad, *good[place:]]
        errors = syncer.errors(files)
        assert [at for at, error in enumerate(errors) if error is not None] == [place]
        failed = errors[place]
        assert failed is not None and failed.errno == code and failed.strerror == os.strerror(code)
    for fd in pipe:
        os.close(fd)


@pytest.fixture
def kernel() -> Iterator[Syncer]:
    made = Syncer()
    made.open()
    yield made
    made.close()


def test_the_kernel_does_them_all(
    kernel: Syncer, opened: Callable[[int], list[File]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fdatasync", lambda fd: pytest.fail("synced by hand"))
    assert kernel.errors(opened(5)) == [None] * 5


@pytest.mark.parametrize("count", [1, 5, AT_ONCE + 1])
def test_there_is_one_thing_to_do_meanwhile(
    syncer: Syncer, opened: Callable[[int], list[File]], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Behind what the kernel was told to begin, and before anybody waits for it."""
    calls: list[str] = []
    real_begin, real_ended = Ring.begin, Ring.ended

    def begin(ring: Ring, requests: Sequence[Request]) -> Iterator[int | None]:
        calls.append("begun")
        return real_begin(ring, requests)

    def ended(ring: Ring, at_least: int) -> Mapping[int, int]:
        calls.append("ended")
        return real_ended(ring, at_least)

    monkeypatch.setattr(Ring, "begin", begin)
    monkeypatch.setattr(Ring, "ended", ended)
    monkeypatch.setattr(os, "fdatasync", lambda fd: calls.append("by hand"))
    assert syncer.errors(opened(count), lambda: calls.append("meanwhile")) == [None] * count
    assert calls.count("meanwhile") == 1
    assert set(calls[: calls.index("meanwhile")]) <= {"begun"} and len(calls) > 1


def test_what_the_kernel_could_not_write_failed(
    kernel: Syncer, opened: Callable[[int], list[File]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ring.ended
    monkeypatch.setattr(Ring, "ended", lambda ring, at_least: {token: -errno.ENOSPC for token in real(ring, at_least)})
    assert [error and error.errno for error in kernel.errors(opened(3))] == [errno.ENOSPC] * 3


def test_an_interrupted_wait_goes_on(
    kernel: Syncer, opened: Callable[[int], list[File]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, interrupts = aio._call, iter([True, True])

    def call(number: int, *arguments: object) -> int:
        if number == NUMBERS[platform.machine()].io_getevents and next(interrupts, False):
            ctypes.set_errno(errno.EINTR)
            return -1
        return int(real(number, *arguments))

    monkeypatch.setattr(aio, "_call", call)
    assert kernel.errors(opened(3)) == [None] * 3
    assert next(interrupts, None) is None


def test_a_result_that_cannot_be_had_is_a_failure_and_the_next_is_synced_by_hand(
    kernel: Syncer, opened: Callable[[int], list[File]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(ring: Ring, at_least: int) -> object:
        raise OSError(errno.EFAULT, "no results")

    monkeypatch.setattr(Ring, "ended", ended)
    assert [error and error.errno for error in kernel.errors(opened(3))] == [errno.EIO] * 3
    assert kernel.errors(opened(3)) == [None] * 3


def test_results_may_come_one_by_one(
    kernel: Syncer, opened: Callable[[int], list[File]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Ring.ended
    monkeypatch.setattr(Ring, "ended", lambda ring, at_least: real(ring, 1))
    assert kernel.errors(opened(7)) == [None] * 7
