"""What is noted before a file may appear, and how seldom that is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.storage import frontier as frontier_module
from scpd.storage.frontier import Frontier
from scpd.storage.journal import Journal

LIFE = "0123456789ab"


class CountingJournal(Journal):
    """A journal that counts its writes, and fails when told to."""

    writes = 0
    fails = False

    def write(self, names: list[str]) -> None:  # type: ignore[override]  # all that Frontier gives
        self.writes += 1
        if self.fails:
            raise OSError(5, "Input/output error")
        super().write(names)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[CountingJournal]:
    opened = CountingJournal(tmp_path / "journal", sync=False)
    opened.open()
    yield opened
    opened.close()


def name(number: int, folder: str = "studies/1/2", life: str = LIFE) -> str:
    return f"{folder}/1.5.{life}{number:x}.dcm"


def test_objects_of_one_series_share_one_note(journal: CountingJournal) -> None:
    frontier = Frontier(journal, LIFE)
    for number in range(100):
        frontier.expect(name(number), "1.5")
        frontier.forget(name(number))
    assert journal.writes == 1
    assert frontier.left().includes(name(99))


def test_only_names_of_this_life_that_are_not_settled_are_included(journal: CountingJournal) -> None:
    Frontier(journal, LIFE).expect(name(256), "1.5")
    left = Frontier(journal, "another life").left()
    assert left.folders == ["studies/1/2"]
    assert left.includes(name(256)) and left.includes(name(1000))
    assert not left.includes(name(255)) and not left.includes(name(256, life="ba9876543210"))
    assert not left.includes("studies/1/2/foreign.dcm")


def test_a_new_journal_includes_nothing(journal: CountingJournal) -> None:
    left = Frontier(journal, LIFE).left()
    assert left.folders == [] and not left.includes(name(0)) and not left.includes("studies/1/2/foreign.dcm")


def test_the_note_is_renewed_when_too_many_names_lie_behind_it(
    journal: CountingJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontier_module, "NAMES_MAX", 10)
    frontier = Frontier(journal, LIFE)
    for number in range(25):
        frontier.expect(name(number), "1.5")
        frontier.forget(name(number))
    assert journal.writes == 3
    assert not frontier.left().includes(name(19)) and frontier.left().includes(name(20))


def test_whatever_is_expected_still_is_in_every_later_note(
    journal: CountingJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontier_module, "FOLDERS_MAX", 1)
    monkeypatch.setattr(frontier_module, "NAMES_MAX", 10)
    frontier = Frontier(journal, LIFE)
    frontier.expect(name(1, "slow"), "1.5")
    for number in range(5, 30):
        frontier.expect(name(number, f"folder{number}"), "1.5")
        frontier.forget(name(number, f"folder{number}"))
    left = frontier.left()
    assert left.includes(name(1, "slow")) and left.folders == ["slow", "folder29"]
    frontier.forget(name(1, "slow"))
    frontier.expect(name(31, "folder31"), "1.5")
    left = frontier.left()
    assert not left.includes(name(30)) and left.includes(name(31)) and left.folders == ["folder31"]


def test_as_many_folders_as_there_is_room_for_stay_noted(
    journal: CountingJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontier_module, "FOLDERS_MAX", 2)
    frontier = Frontier(journal, LIFE)
    for number, folder in enumerate("abcb"):
        frontier.expect(name(number, folder), "1.5")
        frontier.forget(name(number, folder))
    assert journal.writes == 3 and frontier.left().folders == ["b", "c"]
    for folder in "wxyz":
        frontier.expect(name(9, folder), "1.5")
    assert frontier.left().folders == ["w", "x", "y", "z"]


def test_after_a_failed_note_nothing_counts_as_noted(journal: CountingJournal) -> None:
    frontier = Frontier(journal, LIFE)
    frontier.expect(name(1, "a"), "1.5")
    journal.fails = True
    with pytest.raises(OSError, match="Input/output"):
        frontier.expect(name(2, "b"), "1.5")
    journal.fails = False
    frontier.expect(name(3, "a"), "1.5")
    assert journal.writes == 3
    assert frontier.left().folders == ["a"] and frontier.left().includes(name(1, "a"))


def test_an_object_of_an_earlier_life_is_noted_by_its_name(journal: CountingJournal) -> None:
    frontier = Frontier(journal, LIFE)
    earlier = name(7, life="ba9876543210")
    frontier.expect(name(1), "1.5")
    frontier.expect(earlier, "1.6")
    left = frontier.left()
    assert left.others == {earlier: "1.6"} and left.folders == ["studies/1/2"] and left.includes(name(1))
    frontier.forget(earlier)
    frontier.expect(name(3, "other"), "1.5")
    assert frontier.left().others == {}
    frontier.expect(earlier, "1.6")
    assert frontier.left().others == {earlier: "1.6"}


def test_an_object_that_was_settled_before_is_included_again_when_it_is_replaced(journal: CountingJournal) -> None:
    frontier = Frontier(journal, LIFE)
    frontier.expect(name(100), "1.5")
    frontier.expect(name(50), "1.5")
    assert frontier.left().includes(name(50))
