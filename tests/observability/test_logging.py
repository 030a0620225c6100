"""Log lines: what reaches them is escaped, what goes wrong is told, and tracebacks show no local variable."""

import asyncio
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from scpd.observability.logging import configure, is_journal, report_loop_errors


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_a_peer_sent_cannot_break_a_line_or_steer_a_terminal() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    structlog.get_logger().info("called", ae="A\nB\x1b[31m\x85")
    (line,) = lines(stream)
    assert line["ae"] == r"A\nB\x1b[31m\x85"


def test_the_console_escapes_as_well() -> None:
    stream = io.StringIO()
    configure("info", "console", stream)
    structlog.get_logger().info("called", ae="A\nB\x1b[31m")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b[31m" not in stream.getvalue()


def test_toml_to_paste_keeps_its_lines() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    structlog.get_logger().info("refused", toml='[[peer]]\nae_title = "CT"')
    assert lines(stream)[0]["toml"] == '[[peer]]\nae_title = "CT"'


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_traceback_shows_no_local_variables(format: str) -> None:
    stream = io.StringIO()
    configure("info", format, stream)
    patient_name = "Doe^" + "John"  # in a local variable only, not in the source line that fails
    try:
        int(len(patient_name) * "x")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "Traceback" in stream.getvalue()
    assert "Doe^John" not in stream.getvalue()


def test_a_level_below_the_threshold_is_not_written() -> None:
    stream = io.StringIO()
    configure("warning", "json", stream)
    structlog.get_logger().info("not this")
    structlog.get_logger().warning("but this")
    assert [line["event"] for line in lines(stream)] == ["but this"]


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    stream = open("/dev/full", "w")
    configure("info", "json", stream)
    for _ in range(1000):
        structlog.get_logger().info("not written", reason="x" * 100)
    with pytest.raises(OSError, match="No space left"):
        stream.close()


def test_the_journal_gets_priorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        configure("info", "auto", stream)
        structlog.get_logger().warning("low on space")
        stream.seek(0)
        written = stream.read()
    assert written.startswith('<4>{"event": "low on space"')


def test_a_stream_without_a_descriptor_is_not_the_journal() -> None:
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
    assert not is_journal(sys.__stderr__ or sys.stderr, {})


async def test_what_asyncio_could_not_hand_to_anybody_is_logged_with_its_traceback() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    loop = asyncio.get_running_loop()
    report_loop_errors(loop, structlog.get_logger())
    loop.call_soon(lambda: 1 // 0)
    await asyncio.sleep(0.01)
    (line,) = lines(stream)
    assert line["event"] == "event loop error"
    assert "ZeroDivisionError" in str(line["exception"])
