from collections.abc import Iterator
from pathlib import Path

import pytest

from scpd.storage.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal", sync=True)
    opened.open()
    yield opened
    opened.close()


def test_a_new_journal_holds_no_names(journal: Journal) -> None:
    assert list(journal.read()) == []


@pytest.mark.parametrize("names", [[], ["one"], ["one", "two"], [f"name {n}" for n in range(1000)]])
def test_the_names_written_last_are_read(journal: Journal, names: list[str]) -> None:
    journal.write(["a long list", "that", "was", "here", "before"] * 100)
    journal.write(names)
    assert list(journal.read()) == names


def test_the_names_outlive_the_process(journal: Journal, tmp_path: Path) -> None:
    journal.write(["one"])
    again = Journal(tmp_path / "journal", sync=False)
    again.open()
    assert list(again.read()) == ["one"]
    again.close()


@pytest.mark.parametrize("position", [0, 4, 20, 36, 40])
def test_a_torn_list_reads_as_no_names(journal: Journal, tmp_path: Path, position: int) -> None:
    journal.write(["studies/1/2/3.dcm"])
    torn = bytearray((tmp_path / "journal").read_bytes())
    torn[position] ^= 0xFF
    (tmp_path / "journal").write_bytes(torn)
    assert list(journal.read()) == []


def test_a_list_that_was_cut_off_reads_as_no_names(journal: Journal, tmp_path: Path) -> None:
    journal.write(["studies/1/2/3.dcm"])
    whole = (tmp_path / "journal").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "journal").write_bytes(whole[:length])
        assert list(journal.read()) == []
