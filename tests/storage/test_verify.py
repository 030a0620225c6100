"""Objects that changed behind the daemon's back, and runs that were interrupted."""

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from scpd.storage.base import StoreUnavailable
from scpd.storage.verify import Finding, Pace, Verification
from scpd.testing import opened
from tests.datasets import ct
from tests.storage.files import archive_in, file_of, fill, flip, send

UIDS = [f"1.5.{number}" for number in range(5)]


def verification(folder: Path) -> Verification:
    return Verification(folder, folder / "index.sqlite")


def complaints(folder: Path) -> dict[str, str]:
    run = verification(folder)
    findings = [finding for finding in run.findings() if finding is not None]
    assert run.progress.failed == len(findings)
    return {finding.row.sop_instance_uid: finding.reason for finding in findings}


@pytest.mark.parametrize("digest", ["blake3", "sha256", "xxh3-128"])
async def test_what_is_whole_is_not_complained_about(tmp_path: Path, digest: str) -> None:
    await fill(tmp_path, UIDS, digest=digest)
    run = verification(tmp_path)
    assert [*run.findings()] == [None] * 5
    assert (run.progress.total, run.progress.checked, run.progress.failed) == (5, 5, 0)
    assert run.progress.read_bytes == sum(len(ct(uid)) for uid in UIDS)


@pytest.mark.parametrize("position", [-1, -100, 130, 135, 400])
async def test_one_flipped_bit_is_found(tmp_path: Path, position: int) -> None:
    await fill(tmp_path, UIDS)
    flip(file_of(tmp_path, "1.5.2"), position)
    assert list(complaints(tmp_path)) == ["1.5.2"]


async def test_another_uid_in_the_file_meta_information_is_found(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    path = file_of(tmp_path, "1.5.2")
    path.write_bytes(path.read_bytes().replace(b"1.5.2\0", b"1.5.7\0", 1))
    assert complaints(tmp_path) == {"1.5.2": "the File Meta Information names other UIDs than the index"}


async def test_a_missing_file_and_one_that_holds_another_object_are_found(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    file_of(tmp_path, "1.5.0").unlink()
    file_of(tmp_path, "1.5.1").write_bytes(file_of(tmp_path, "1.5.2").read_bytes())
    assert complaints(tmp_path) == {
        "1.5.0": "the file is missing",
        "1.5.1": "the digest is not that of the index",
    }


async def test_the_quarantine_is_verified_too(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        await send(archive, "1.5", b"not a data set")
    flip(next(tmp_path.glob("quarantine/*")), -1)
    assert list(complaints(tmp_path)) == ["1.5"]


async def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    await fill(tmp_path, UIDS)
    flip(file_of(tmp_path, "1.5.0"), -1)
    first = verification(tmp_path)
    with closing(first.findings()) as findings:
        assert isinstance(next(findings), Finding) and next(findings) is None
    second = verification(tmp_path)
    second.resume()
    assert (second.progress.checked, second.progress.failed) == (2, 1)
    assert [*second.findings()] == [None] * 3
    assert (second.progress.checked, second.progress.failed) == (5, 1)
    third = verification(tmp_path)
    third.resume()
    assert third.progress.checked == 0  # what came to its end is begun again


async def test_it_runs_beside_a_daemon_that_stores_and_replaces(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path, duplicates="replace")) as archive:
        for uid in UIDS:
            await send(archive, uid, ct(uid))
        checking = asyncio.create_task(asyncio.to_thread(complaints, tmp_path))
        turn = 0
        while not checking.done() or turn < 20:
            turn += 1
            for uid in UIDS:
                await send(archive, uid, ct(uid, StudyDescription=f"turn {turn}"))
        assert await checking == {}


def test_a_store_that_never_was_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot read the index"):
        [*verification(tmp_path).findings()]
    assert [*tmp_path.iterdir()] == []


def test_the_pace_is_kept_and_0_is_as_fast_as_it_comes() -> None:
    began = time.monotonic()
    pace = Pace(1_000_000)
    for _ in range(5):
        pace(memoryview(bytes(20_000)))
    assert time.monotonic() - began >= 0.09
    began = time.monotonic()
    Pace(0)(memoryview(bytes(1 << 20)))
    assert time.monotonic() - began < 1
