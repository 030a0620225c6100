"""Folders: which are synced for whom, and what becomes of one whose sync failed."""

import os
import threading
from pathlib import Path

import pytest

from scpd.storage import folders as folders_module
from scpd.storage.folders import Folders, sync_folder

SERIES = "studies/1.2/1.2.1"


class Synced:
    """Notes which folders are synced, by their path below the root, and fails for those in `failing`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders: list[str] = []
        self.failing: set[str] = set()

    def __call__(self, fd: int) -> None:
        folder = os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), self.root)
        self.folders.append(folder)
        if folder in self.failing:
            raise OSError(5, "Input/output error")

    def taken(self) -> list[str]:
        folders, self.folders = sorted(self.folders), []
        return folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(str(tmp_path))


@pytest.fixture
def synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synced:
    note = Synced(tmp_path)
    monkeypatch.setattr(os, "fsync", note)
    return note


def renamed(folders: Folders, location: str) -> None:
    """Places an empty file, and does not sync it."""
    Path(folders.path("draft")).touch()
    folders.rename(folders.path("draft"), location)


def settled(folders: Folders, location: str) -> None:
    """Syncs what has to be."""
    try:
        for folder in folders.unsynced(location):
            sync_folder(folders.path(folder))
    except OSError:
        folders.settle(location, is_synced=False)
        raise
    folders.settle(location, is_synced=True)


def placed(folders: Folders, location: str) -> None:
    renamed(folders, location)
    settled(folders, location)


def test_the_first_object_of_a_study_syncs_every_folder_on_the_way(folders: Folders, synced: Synced) -> None:
    placed(folders, f"{SERIES}/a")
    assert synced.taken() == [".", "studies", "studies/1.2", SERIES]


def test_the_next_ones_sync_only_what_is_new(folders: Folders, synced: Synced) -> None:
    placed(folders, f"{SERIES}/a")
    synced.taken()
    placed(folders, f"{SERIES}/b")
    assert synced.taken() == [SERIES]
    placed(folders, "studies/1.2/1.2.2/c")
    assert synced.taken() == ["studies/1.2", "studies/1.2/1.2.2"]


def test_a_folder_that_an_earlier_life_left_is_not_taken_for_durable(
    folders: Folders, synced: Synced, tmp_path: Path
) -> None:
    (tmp_path / SERIES).mkdir(parents=True)
    placed(folders, f"{SERIES}/a")
    assert synced.taken() == [".", "studies", "studies/1.2", SERIES]


def test_a_folder_that_was_removed_and_made_again_is_not_taken_for_durable(
    folders: Folders, synced: Synced, tmp_path: Path
) -> None:
    placed(folders, f"{SERIES}/a")
    synced.taken()
    (tmp_path / SERIES / "a").unlink()
    (tmp_path / SERIES).rmdir()
    placed(folders, f"{SERIES}/b")
    assert synced.taken() == ["studies/1.2", SERIES]


def test_a_failed_sync_fails_and_the_new_folder_goes(folders: Folders, synced: Synced, tmp_path: Path) -> None:
    placed(folders, f"{SERIES}/a")
    synced.failing = {"studies/1.2/1.2.2"}
    with pytest.raises(OSError, match="Input/output"):
        placed(folders, "studies/1.2/1.2.2/b")
    folders.remove("studies/1.2/1.2.2/b")
    assert not (tmp_path / "studies/1.2/1.2.2").exists() and (tmp_path / SERIES / "a").exists()
    synced.failing = set()
    synced.taken()
    placed(folders, "studies/1.2/1.2.2/b")
    assert synced.taken() == ["studies/1.2", "studies/1.2/1.2.2"]


def test_a_failed_sync_fails_who_was_placed_before_it_was_noticed(folders: Folders, synced: Synced) -> None:
    placed(folders, f"{SERIES}/a")
    renamed(folders, f"{SERIES}/b")
    synced.failing = {"studies/1.2"}
    with pytest.raises(OSError, match="Input/output"):
        placed(folders, "studies/1.2/1.2.2/c")
    synced.failing = set()
    with pytest.raises(OSError, match="another sync failed"):
        settled(folders, f"{SERIES}/b")
    placed(folders, f"{SERIES}/d")


def test_nothing_is_placed_in_a_folder_that_may_not_outlive_a_power_cut(folders: Folders, synced: Synced) -> None:
    synced.failing = {"studies/1.2"}
    with pytest.raises(OSError, match="Input/output"):
        placed(folders, f"{SERIES}/a")
    synced.failing = set()
    with pytest.raises(OSError, match="may not outlive"):
        renamed(folders, f"{SERIES}/b")  # a is still there: the folder cannot be made anew
    folders.remove(f"{SERIES}/a")
    synced.taken()
    placed(folders, f"{SERIES}/b")
    assert synced.taken() == [".", "studies", "studies/1.2", SERIES]


def test_a_distrusted_folder_that_is_gone_is_made_again(folders: Folders, synced: Synced, tmp_path: Path) -> None:
    synced.failing = {"studies"}
    with pytest.raises(OSError, match="Input/output"):
        placed(folders, f"{SERIES}/a")
    synced.failing = set()
    (tmp_path / SERIES / "a").unlink()
    for folder in (SERIES, "studies/1.2", "studies"):
        (tmp_path / folder).rmdir()
    placed(folders, f"{SERIES}/b")


def test_a_durable_folder_stays_trusted_when_it_could_not_be_synced(folders: Folders, synced: Synced) -> None:
    placed(folders, f"{SERIES}/a")
    synced.failing = {SERIES}
    with pytest.raises(OSError, match="Input/output"):
        placed(folders, f"{SERIES}/b")
    synced.failing = set()
    placed(folders, f"{SERIES}/b")  # its listing is written anew: the folder itself was durable before


def test_durable_folders_are_remembered_within_bounds(
    folders: Folders, synced: Synced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders_module, "FOLDERS_REMEMBERED", 3)
    for number in range(5):
        placed(folders, f"studies/1.{number}/1/a")
    synced.taken()
    placed(folders, "studies/1.0/1/b")
    assert "studies" in synced.taken()


def test_a_second_name_is_as_durable_as_the_first(folders: Folders, synced: Synced, tmp_path: Path) -> None:
    placed(folders, "quarantine/a")
    synced.taken()
    folders.link("quarantine/a", f"{SERIES}/a")
    settled(folders, f"{SERIES}/a")
    assert synced.taken() == [".", "studies", "studies/1.2", SERIES]
    assert (tmp_path / SERIES / "a").samefile(tmp_path / "quarantine/a")


def test_the_end_of_an_object_is_synced_where_its_folder_is_left(folders: Folders, synced: Synced) -> None:
    placed(folders, f"{SERIES}/a")
    synced.taken()
    folders.remove(f"{SERIES}/a")
    folders.sync_removal(f"{SERIES}/a")
    assert synced.taken() == [SERIES]
    folders.sync_removal("studies/1.2/never/a")
    assert synced.taken() == []


def test_a_folder_that_always_vanishes_ends_in_an_error(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "mkdir", lambda path, mode: None)
    with pytest.raises(OSError, match="vanishes"):
        renamed(folders, f"{SERIES}/a")


def test_many_threads_make_and_remove_the_same_folders(folders: Folders, tmp_path: Path) -> None:
    together = threading.Barrier(4)
    errors: list[OSError] = []

    def work(number: int) -> None:
        together.wait()
        for turn in range(200):
            location = f"{SERIES}/{number}.{turn}"
            draft = tmp_path / f"draft {number}"
            draft.touch()
            try:
                folders.rename(str(draft), location)
            except OSError as error:
                errors.append(error)
            folders.remove(location)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("vanishes" in str(error) for error in errors), errors
    assert not (tmp_path / "studies").exists()
