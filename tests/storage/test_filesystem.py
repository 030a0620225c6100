"""Drafts, folders and what makes them durable."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from scpd.storage import cached, filesystem
from scpd.storage.base import Draft, Incoming, Location, Sealed, StoreUnavailable
from scpd.storage.digests import digest_of
from scpd.storage.filesystem import FileBlobs, Sync
from scpd.storage.part10 import file_head
from scpd.storage.syncer import File, Syncer
from scpd.testing import COLOR_PALETTE, attributes, incoming, instance


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[FileBlobs]:
    opened = FileBlobs(tmp_path / "blobs")
    opened.open()
    yield opened
    opened.close()


Placed = dict[Location, Draft]


def placed(blobs: FileBlobs, uid: str, study: str = "1.2", series: str = "1.2.1") -> Placed:
    draft = blobs.draft(incoming(uid))
    draft.finish([memoryview(b"bytes")])
    location = blobs.location(incoming(uid), instance(attributes(uid, study, series)))
    draft.place(location)
    return {location: draft}


def test_names_are_made_of_uids_and_never_come_twice(blobs: FileBlobs) -> None:
    names = {blobs.location(incoming("1.5"), instance(attributes("1.5"))) for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("studies/1.2.3/1.2.3.1/1.5.") and name.endswith(".dcm") for name in names)


def test_objects_of_no_patient_have_a_folder_of_their_own(blobs: FileBlobs) -> None:
    name = blobs.location(incoming("1.5", COLOR_PALETTE), instance({}))
    assert name.startswith(f"other/{COLOR_PALETTE}/1.5.")


@pytest.mark.parametrize("hostile", ["../x", "", ".", "..", "a/b", "nul\0", "1.2.", "9" * 65, "\ud800", "ä" * 300])
def test_what_is_no_uid_is_named_by_its_hash(blobs: FileBlobs, hostile: str) -> None:
    name = blobs.location(Incoming(hostile, hostile, "", "", ""), instance(attributes("1", hostile, hostile or "..")))
    *folders, file = name.split("/")
    assert folders[0] in ("studies", "other") and len(folders) <= 3
    assert all(re.fullmatch(r"h[0-9a-f]{32}", folder) for folder in folders[1:])
    assert re.fullmatch(r"h[0-9a-f]{32}\.[0-9a-f]+\.dcm", file)


def test_quarantine_is_one_folder_and_keeps_the_name(blobs: FileBlobs) -> None:
    assert blobs.quarantine("studies/1.2/1.3/1.5.abc.dcm") == "quarantine/1.5.abc.dcm"


@pytest.mark.parametrize("pieces", [[], [b""], [b"a"], [b"a", b""], [b"", b"a"], [b"ab", b"cd", b"ef"], [b"x"] * 3000])
@pytest.mark.parametrize("finishing", [0, 1, 5000])
def test_every_cut_of_a_data_set_makes_the_same_file(blobs: FileBlobs, pieces: list[bytes], finishing: int) -> None:
    data = b"".join(pieces)
    draft = blobs.draft(incoming("1.5"))
    cut = max(0, len(pieces) - finishing)
    for piece in pieces[:cut]:
        draft.write([memoryview(piece)])
    assert draft.finish([memoryview(piece) for piece in pieces[cut:]]) == Sealed(digest_of([data]), len(data))
    (path,) = blobs.spool.iterdir()
    assert path.read_bytes() == file_head(incoming("1.5"), digest_of([data])) + data


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_short_write_is_continued(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    real = os.writev

    def short(fd: int, views: list[memoryview]) -> int:
        return real(fd, [b"".join(views)[:limit]])

    monkeypatch.setattr(os, "writev", short)
    draft = blobs.draft(incoming("1.5"))
    draft.write([memoryview(b"abc"), memoryview(b""), memoryview(b"defgh")])
    draft.finish([memoryview(b"ij")])
    (path,) = blobs.spool.iterdir()
    assert path.read_bytes().endswith(b"abcdefghij") and len(path.read_bytes()) == len(file_head(incoming("1.5"))) + 10


def test_more_views_than_the_kernel_takes_at_once_are_written(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "IOV_MAX", 4)
    draft = blobs.draft(incoming("1.5"))
    draft.finish([memoryview(b"%d" % n) for n in range(10)])
    (path,) = blobs.spool.iterdir()
    assert path.read_bytes().endswith(b"0123456789")


def test_what_cannot_be_synced_is_told_apart(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts: Placed = {}
    for number in range(5):
        drafts |= placed(blobs, f"1.{number}")
    bad = list(drafts)[3]
    fail_to_sync(monkeypatch, str(blobs.root / bad))
    assert blobs.settle(drafts).keys() == {bad}


def test_a_folder_that_cannot_be_synced_fails_the_batch(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = placed(blobs, "1.5") | placed(blobs, "1.6", series="1.2.2")
    before = placed(blobs, "1.7")
    with monkeypatch.context() as patch:
        fail_to_sync(patch, str(blobs.root / "studies/1.2/1.2.2"))
        assert blobs.settle(batch).keys() == batch.keys()
    assert {str(error) for error in blobs.settle(before).values()} == {
        "[Errno 5] another sync failed at the same moment"
    }
    for location in (*batch, *before):
        blobs.remove(location)
    assert not (blobs.root / "studies").exists()
    assert blobs.settle(placed(blobs, "1.8", series="1.2.2")) == {}


def test_the_end_of_an_object_is_durable(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = placed(blobs, "1.5") | placed(blobs, "1.6")
    blobs.settle(batch)
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    blobs.remove(next(iter(batch)))
    assert synced == [str(blobs.root / "studies/1.2/1.2.1")]


def test_one_sync_of_the_file_system_settles_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FileBlobs(tmp_path / "blobs", Sync.FILESYSTEM)
    blobs.open()
    synced: list[str] = []
    monkeypatch.setattr(filesystem, "sync_file_system", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    monkeypatch.setattr(os, "fsync", refused)
    monkeypatch.setattr(os, "fdatasync", refused)
    assert blobs.settle(placed(blobs, "1.5") | placed(blobs, "1.6", study="1.3")) == {}
    assert synced == [str(blobs.root)]
    assert blobs.settle({}) == {}
    assert synced == [str(blobs.root)]
    blobs.close()


def test_a_file_system_that_cannot_be_synced_fails_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FileBlobs(tmp_path / "blobs", Sync.FILESYSTEM)
    blobs.open()
    monkeypatch.setattr(filesystem, "sync_file_system", failing)
    batch = placed(blobs, "1.5") | placed(blobs, "1.6")
    assert blobs.settle(batch).keys() == batch.keys()
    for location in batch:
        blobs.remove(location)
    assert not (blobs.root / "studies").exists()
    blobs.close()


def test_a_kernel_whose_syncfs_is_silent_about_failures_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "reports_failures", lambda: False)
    with pytest.raises(StoreUnavailable, match=r"Linux 5\.8"):
        FileBlobs(tmp_path / "blobs", Sync.FILESYSTEM).open()


def test_without_a_synced_journal_nothing_is_expected(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    (location,) = placed(blobs, "1.5")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                blobs.expect(location, "1.5")
    blobs.expect(location, "1.5")


def test_what_was_expected_is_found_by_the_next_life(blobs: FileBlobs) -> None:
    placed(blobs, "1.4")
    (odd,), (pending,) = placed(blobs, "1.2LOCALIZER"), placed(blobs, "1.5")
    never_placed = blobs.location(incoming("1.6"), instance(attributes("1.6", "1.9", "1.9.1")))
    for location in (odd, pending, never_placed):
        blobs.expect(location, "as in the name, or in the file")
    blobs.close()
    (blobs.root / "studies/1.2/1.2.1/foreign.dcm").touch()
    again = FileBlobs(blobs.root)
    again.open()
    assert again.expected() == {pending: "1.5", odd: "1.2LOCALIZER"}
    again.close()


@pytest.mark.parametrize("progress", range(5))
def test_an_abandoned_draft_is_gone_wherever_it_was(blobs: FileBlobs, progress: int) -> None:
    draft = blobs.draft(incoming("1.5"))
    location = blobs.location(incoming("1.5"), instance(attributes("1.5")))
    steps: list[Callable[[], object]] = [
        lambda: draft.write([memoryview(b"a")]),
        lambda: draft.finish([]),
        lambda: draft.place(location),
        lambda: blobs.settle({location: draft}),
    ]
    for step in steps[:progress]:
        step()
    draft.abandon()
    draft.abandon()
    assert list(blobs.root.rglob("*.dcm")) == []
    assert list(blobs.spool.iterdir()) == []


def test_an_object_is_read_back_without_its_head(blobs: FileBlobs) -> None:
    draft = blobs.draft(incoming("1.5"))
    data = os.urandom(3_000_000)
    draft.finish([memoryview(data)])
    location = blobs.location(incoming("1.5"), instance(attributes("1.5")))
    draft.place(location)
    pieces = list(blobs.read(location))
    assert b"".join(pieces) == data and max(map(len, pieces)) <= 1 << 20


def fail_to_sync(patch: pytest.MonkeyPatch, bad: str) -> None:
    real = Syncer.errors

    def errors(syncer: Syncer, files: Sequence[File], meanwhile: Callable[[], None]) -> list[OSError | None]:
        is_bad = [os.readlink(f"/proc/self/fd/{file.fd}") == bad for file in files]
        return [
            OSError(5, "") if bad else error for bad, error in zip(is_bad, real(syncer, files, meanwhile), strict=True)
        ]

    patch.setattr(Syncer, "errors", errors)


def refused(fd: int) -> None:
    pytest.fail("synced")


def failing(fd: int) -> None:
    raise OSError(5, "Input/output error")


def test_without_durability_nothing_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FileBlobs(tmp_path / "blobs", Sync.NONE)
    blobs.open()
    monkeypatch.setattr(filesystem, "sync_file_system", refused)
    monkeypatch.setattr(os, "fsync", refused)
    monkeypatch.setattr(os, "fdatasync", refused)
    batch = placed(blobs, "1.5")
    (location,) = batch
    blobs.expect(location, "1.5")
    assert blobs.expected() == {location: "1.5"}
    assert blobs.settle(batch) == {}
    blobs.remove(location)
    blobs.close()


def test_a_root_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot use"):
        FileBlobs(tmp_path / "file" / "blobs").open()


@pytest.mark.parametrize("size", [1, 16_000, 49_151, 49_152, 200_000])
def test_small_pieces_are_joined_and_large_ones_are_not_copied(size: int) -> None:
    pieces = [memoryview(bytes([number]) * size) for number in range(5)]
    joined = cached.in_large_pieces(pieces)
    assert b"".join(joined) == b"".join(pieces)
    assert len(joined) == (1 if size < 49_152 else 5)
    assert cached.in_large_pieces(pieces[:1]) == pieces[:1] and cached.in_large_pieces([]) == []
