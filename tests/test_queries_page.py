"""docs/queries.md: its configurations are valid, its command works, and its keys and extensions are those there are."""

import asyncio
import re
from pathlib import Path
from typing import get_args

import pytest

from scpd.config import check, load
from scpd.config.tables import QueryExtension
from scpd.query.levels import COMPUTED_ROWS, STORED_ROWS
from scpd.query.matchers import WILDCARD_VRS
from scpd.query.terms import Level
from tests.storage.files import fill
from tests.test_maintenance import run

PAGE = (Path(__file__).parents[1] / "docs" / "queries.md").read_text()
CONFIGURATIONS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
(COMMAND,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", CONFIGURATIONS, ids=range(len(CONFIGURATIONS)))
def test_every_configuration_is_valid_and_adds_something(tmp_path: Path, text: str) -> None:
    file = tmp_path / "scpd.toml"
    file.write_text(text)
    assert check(file) == ()
    settings = load(file, environ={"STATE_DIRECTORY": str(tmp_path)})
    assert len(settings.index.site().attributes) == len(settings.index.attributes)


def test_the_command_works_with_each_of_them(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path / "storage", ["1.5"]))
    for text in CONFIGURATIONS:
        (tmp_path / "scpd.toml").write_text(f'{text}\n[storage]\ndirectory = "{tmp_path / "storage"}"\n')
        finished = run(COMMAND.strip(), tmp_path)
        assert finished.returncode == 0, finished.stderr


def test_every_extension_is_explained_and_nothing_else_is() -> None:
    explained = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert explained == list(get_args(QueryExtension))


def test_the_vrs_that_know_wild_cards_are_told() -> None:
    (told,) = re.findall(r"in ((?:[A-Z]{2}, )+[A-Z]{2} and [A-Z]{2}) any characters", PAGE)
    assert set(re.findall("[A-Z]{2}", told)) == WILDCARD_VRS


@pytest.mark.parametrize("level", Level)
def test_every_key_is_listed_at_its_level(level: Level) -> None:
    (section,) = re.findall(rf"^### {level}\n\n(.*?)(?:\n\n|\n*\Z)", PAGE, re.DOTALL | re.MULTILINE)
    stored = [(f"**{keyword}**" if kind in "UR" else keyword) for at, _, _, kind, keyword in STORED_ROWS if at is level]
    computed = [f"*{keyword}*" for at, *_, keyword in COMPUTED_ROWS if at is level]
    assert section.replace("\n", " ").rstrip(".").split(", ") == [*stored, *computed]
