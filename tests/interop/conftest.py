"""Fixtures of the interoperability tests. Every test below this folder drives somebody else's software."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.daemon import Daemon

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A running daemon over an empty archive; it must end cleanly when the test is over."""
    with Daemon(tmp_path) as daemon:
        yield daemon
