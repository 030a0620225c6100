"""docs/quirks.md: every quirk stands there, and every test it names exists."""

import re
from pathlib import Path

from scpd.profile.quirks import Quirk

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "quirks.md").read_text()


def test_every_quirk_is_documented_once_and_nothing_else_is() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE) == list(Quirk)


def test_every_row_names_a_test_that_exists() -> None:
    files = (ROOT / "tests").rglob("test_*.py")
    existing = {name for file in files for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.M)}
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and "| test |" not in line]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert all(named), "a row without a test"
    assert not {name for names in named for name in names} - existing


def test_every_quirk_that_a_refusal_names_exists() -> None:
    sources = (file.read_text() for file in (ROOT / "scpd").rglob("*.py"))
    named = {name for source in sources for name in re.findall(r'quirk="([^"]*)"', source)}
    assert named <= set(Quirk)
    assert named
