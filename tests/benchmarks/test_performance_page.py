"""The benchmarks of docs/performance.md and of the README run as they stand, but for their size, and print figures."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.objects import SIZES
from benchmarks.servers import SERVERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "performance.md").read_text("utf-8")
COMMAND = r"^ {4}(\.venv/bin/python -m benchmarks\..*)$"
COMMANDS = re.findall(COMMAND, PAGE, re.MULTILINE)
(CLAIMED,) = re.findall(COMMAND, (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
COMPARE, COMPARE_LARGE, COMPARE_COLD, SEEDED, QUERIES, MIXED = COMMANDS

Row = Mapping[str, float]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Indexes that are filled once."""
    return tmp_path_factory.mktemp("archives")


def run(command: str, folder: Path, *fewer: str) -> str:
    """What a command prints in `folder`, with options that make it short. Those given last hold."""
    words = [sys.executable, *shlex.split(command)[1:], "--rounds", "1", *fewer]
    environment = {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def rows(printed: str, header: str) -> dict[str, Row]:
    """The rows of the table below the line that begins with `header`: figures by the names of the columns' ends."""
    lines = printed.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(header))
    names = re.split(r"  +", lines[at].strip())[1:]
    found: dict[str, Row] = {}
    for line in lines[at + 1 :]:
        name, *figures = re.split(r"  +", line.strip())
        if len(figures) != len(names):
            break
        found[name] = dict(zip(names, (float(one.replace(",", "")) for one in figures), strict=True))
    return found


def test_the_table_of_servers_names_every_server() -> None:
    listed = {name for cell in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for name in re.findall("`(.*?)`", cell)}
    assert listed == set(SERVERS)
    assert all(f"`{name}`" in PAGE for name in SIZES)


def test_servers_are_compared(tmp_path: Path) -> None:
    printed = run(COMPARE, tmp_path, "--instances", "40")
    table = rows(printed, "server")
    assert list(table) == shlex.split(COMPARE)[-len(SERVERS) :]
    assert sorted(table) == sorted(SERVERS)
    for name, row in table.items():
        assert row["inst/s"] > 0
        assert row["peak MB"] > 1
        assert row["failed"] == 0 or name == "dcmqrscp"
    assert table["sink-sync"]["x sink-sync"] == 1
    assert printed.splitlines()[-1].startswith("scpd : pynetdicom")


def test_what_the_readme_claims_can_be_measured(tmp_path: Path) -> None:
    table = rows(run(CLAIMED, tmp_path, "--instances", "20"), "server")
    assert list(table) == ["sink-sync", "scpd", "orthanc"]


def test_the_largest_objects_are_compared_and_drawn(tmp_path: Path) -> None:
    table = rows(run(COMPARE_LARGE, tmp_path, "--instances", "2", "--folder", "."), "server")
    assert [row["failed"] for row in table.values()] == [0, 0]
    assert ElementTree.parse(tmp_path / "ingest.svg").getroot().tag.endswith("svg")
    runs = json.loads((tmp_path / "ingest.json").read_text())["runs"]
    assert runs.keys() == table.keys()
    assert {path.name for path in tmp_path.iterdir()} == {"ingest.svg", "ingest.json"}


def test_the_ways_past_and_through_the_page_cache_are_compared(tmp_path: Path) -> None:
    table = rows(run(COMPARE_COLD, tmp_path, "--instances", "20"), "server")
    assert list(table) == ["sink-sync", "scpd", "scpd-cached", "orthanc"]
    runs = json.loads((tmp_path / "cold.json").read_text())["runs"]
    assert all(len(rounds) == 1 and rounds[0]["rate"] > 0 for rounds in runs.values())


def test_a_full_index_is_compared_with_an_empty_one(tmp_path: Path, archives: Path) -> None:
    table = rows(run(SEEDED, tmp_path, "--archives", str(archives), "--studies", "8", "--instances", "50"), "server")
    assert list(table) == ["empty", "800"]
    assert [row["failed"] for row in table.values()] == [0, 0]


def test_queries_are_compared(tmp_path: Path, archives: Path) -> None:
    small = re.sub(r":\d+", ":8", QUERIES.replace("scpd:200 ", ""))
    printed = run(small, tmp_path, "--archives", str(archives), "--effort", "0.02")
    expected = {"STUDY by PatientID": 1, "STUDY by date range": 7, "STUDY by name DOE*": 8, "IMAGE of one series": 50}
    for question, rows_each in expected.items():
        table = rows(printed[printed.index(question) :], "  server")
        assert list(table) == ["scpd:8", "dcmqrscp:8", "orthanc:8"]
        assert {row["rows each"] for row in table.values()} == {rows_each}


def test_loads_are_mixed(tmp_path: Path, archives: Path) -> None:
    printed = run(MIXED, tmp_path, "--archives", str(archives), "--studies", "8", "--instances", "40")
    told = re.match(r"ct512k x 8: (\d+) inst/s alone, (\d+) beside (\d+) queries/s of 100 offered", printed)
    assert told, printed
    assert min(map(int, told.groups())) > 0
    lines = printed.splitlines()[2:]
    assert [line[:20].strip() for line in lines] == ["idle", "during ingest", "during 100,000 rows"]
    assert all(float(figure) > 0 for line in lines for figure in line[20:].split())
