"""Objects that leave the quarantine, and crashes on their way."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scpd.dataset.scan import DEFAULT_LIMITS
from scpd.storage.base import Outcome, StoreUnavailable
from scpd.storage.quarantine import Quarantined, Unreleasable, listed, opened, shown
from scpd.storage.verify import Verification
from scpd.testing import opened as open_archive
from scpd.testing import read
from tests.datasets import ct
from tests.storage.files import archive_in, fill, flip, found, send

OTHER = ct("1.5", StudyDescription="other")


async def set_apart(folder: Path, *, holder: bool = False) -> Quarantined:
    """The second of two objects with one UID; with its `holder` gone, as if the first had never been."""
    await fill(folder, ["1.5", "1.6"])
    async with open_archive(archive_in(folder)) as archive:
        assert await send(archive, "1.5", OTHER) is Outcome.QUARANTINED
    (one,) = listed(folder / "index.sqlite")
    if not holder:
        with opened(folder, folder / "index.sqlite", DEFAULT_LIMITS) as held:
            held._index._open_writer._db.execute("DELETE FROM instance WHERE uid = '1.5'")
        next(folder.glob("studies/**/1.5.*.dcm")).unlink()
    return one


def release(folder: Path, one: Quarantined) -> str:
    with opened(folder, folder / "index.sqlite", DEFAULT_LIMITS) as held:
        return held.release(one)


def whole(folder: Path) -> bool:
    """Whether every row has its file, and every file its row."""
    run = Verification(folder, folder / "index.sqlite")
    return set(run.findings()) <= {None} and run.progress.checked == len([*folder.rglob("*.dcm")])


async def test_what_is_listed_says_whose_it_is_and_why_it_is_there(tmp_path: Path) -> None:
    async with open_archive(archive_in(tmp_path)) as archive:
        await send(archive, "1.5", b"not a data set")
        (one,) = listed(tmp_path / "index.sqlite")  # while the store is open
    assert (one.sop_instance_uid, one.calling_ae_title, one.size_bytes) == ("1.5", "MODALITY", 14)
    assert one.reason == "damaged before the required UIDs"
    assert shown(tmp_path / "index.sqlite", one.id) == one
    assert shown(tmp_path / "index.sqlite", one.id + 1) is None


async def test_a_released_object_is_found_and_byte_exact(tmp_path: Path) -> None:
    one = await set_apart(tmp_path)
    assert await found(tmp_path) == ["1.6"]
    location = release(tmp_path, one)
    assert (tmp_path / location).exists() and not (tmp_path / one.location).exists()
    assert await found(tmp_path) == ["1.5", "1.6"]
    async with open_archive(archive_in(tmp_path)) as archive:
        assert await read(archive, "1.5") == OTHER
        assert await send(archive, "1.5", OTHER) is Outcome.SAME_BYTES
    assert [*listed(tmp_path / "index.sqlite")] == [] and whole(tmp_path)


async def test_what_is_taken_broken_or_damaged_stays(tmp_path: Path) -> None:
    one = await set_apart(tmp_path, holder=True)
    with pytest.raises(Unreleasable, match="another object holds its SOP Instance UID: studies/"):
        release(tmp_path, one)
    async with open_archive(archive_in(tmp_path)) as archive:
        await send(archive, "1.7", b"not a data set")
    _, broken = listed(tmp_path / "index.sqlite")
    with pytest.raises(Unreleasable, match="cannot be filed: damaged before the required UIDs"):
        release(tmp_path, broken)
    assert whole(tmp_path)
    flip(tmp_path / one.location, -1)
    with pytest.raises(Unreleasable, match="not those that were stored"):
        release(tmp_path, one)
    (tmp_path / one.location).unlink()
    with pytest.raises(Unreleasable, match="cannot be read: No such file"):
        release(tmp_path, one)
    assert len([*listed(tmp_path / "index.sqlite")]) == 2


async def test_a_deleted_object_is_gone(tmp_path: Path) -> None:
    one = await set_apart(tmp_path)
    with opened(tmp_path, tmp_path / "index.sqlite", DEFAULT_LIMITS) as held:
        held.delete(one)
    assert [*listed(tmp_path / "index.sqlite")] == [] and whole(tmp_path)
    assert [path.name[:3] for path in tmp_path.rglob("*.dcm")] == ["1.6"]


async def test_a_store_in_use_is_left_alone(tmp_path: Path) -> None:
    one = await set_apart(tmp_path)
    async with open_archive(archive_in(tmp_path)):
        with pytest.raises(StoreUnavailable, match="in use"):
            release(tmp_path, one)


@pytest.mark.parametrize(
    ("call", "action"),
    [("link", "release"), ("fsync", "release"), ("unlink", "release"), ("fdatasync", "delete"), ("unlink", "delete")],
)
async def test_a_change_that_is_killed_has_happened_or_has_not(tmp_path: Path, call: str, action: str) -> None:
    one = await set_apart(tmp_path)
    for turn in range(1, 20):
        command = [sys.executable, "-m", __name__, str(tmp_path), call, str(turn), action]
        died = subprocess.run(command, timeout=60)
        after = await found(tmp_path)  # a start, which sweeps
        aside = [*listed(tmp_path / "index.sqlite")]
        assert whole(tmp_path)
        if not aside:
            assert after == (["1.5", "1.6"] if action == "release" else ["1.6"])
            break
        assert died.returncode == -signal.SIGKILL and after == ["1.6"] and aside == [one]
    else:
        raise AssertionError("it never came to its end")


if __name__ == "__main__":
    from tests.storage.test_crash import die_at

    folder = Path(sys.argv[1])
    (one,) = listed(folder / "index.sqlite")
    die_at(sys.argv[2], int(sys.argv[3]))
    with opened(folder, folder / "index.sqlite", DEFAULT_LIMITS) as held:
        (held.release if sys.argv[4] == "release" else held.delete)(one)
