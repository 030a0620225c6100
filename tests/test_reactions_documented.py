"""docs/reactions.md and tests/reactions tell of the same reactions: no line without a test, no test without a line."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([A-Z]\d\d) \|", re.MULTILINE)
TEST = re.compile(r"^(?:async )?def test_([a-z]\d\d)_", re.MULTILINE)


def documented() -> list[str]:
    """The IDs of the table rows, in their order."""
    return ROW.findall((ROOT / "docs" / "reactions.md").read_text())


def proved() -> set[str]:
    """The IDs that tests are named after."""
    files = (ROOT / "tests" / "reactions").glob("test_*.py")
    return {found.upper() for file in files for found in TEST.findall(file.read_text())}


def test_every_documented_reaction_has_a_test() -> None:
    assert sorted(set(documented()) - proved()) == []


def test_every_tested_reaction_is_documented() -> None:
    assert sorted(proved() - set(documented())) == []


def test_every_reaction_stands_once_and_in_order_of_its_section() -> None:
    ids = documented()
    sections = list(dict.fromkeys(found[0] for found in ids))
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids, key=lambda found: (sections.index(found[0]), found))
