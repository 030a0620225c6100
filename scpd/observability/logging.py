"""Log lines: structlog events, readable on a terminal and JSON everywhere else.

What a peer said may stand in a line (AE titles, addresses, UIDs), but never as it came: control characters are
escaped here, once, for every line and every format. Patient data never reaches a log call; tracebacks are printed
without local variables for the same reason.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

PRIORITY_OF = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""Journal priorities of the levels: the journal takes them as `<N>` before the line (sd-daemon(3))."""

MULTI_LINE_KEYS = frozenset({"exception", "toml"})


def configure(level: str = "info", format: str = "auto", stream: TextIO | None = None) -> None:
    """Sets up logging for the process: `level` is a level's name, `format` one of auto, console, json."""
    stream = stream or sys.stderr
    is_console = stream.isatty() if format == "auto" else format == "console"
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        escape_control_characters,
    ]
    if is_console:
        processors.append(structlog.dev.ConsoleRenderer(colors=stream.isatty()))
    elif is_journal(stream, os.environ):
        processors.append(JournalRenderer())
    else:
        processors.append(structlog.processors.JSONRenderer())
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: Lines(stream),
    )


def escape_control_characters(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Makes characters that do not print visible instead of effective; only our own long texts keep line breaks."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            allowed = "\n" if key in MULTI_LINE_KEYS else ""
            event[key] = "".join(
                c if c.isprintable() or c in allowed else c.encode("unicode_escape").decode() for c in value
            )
    return event


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `stream` is the journal's: JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class JournalRenderer:
    """JSON lines with the journal's priority before them."""

    def __init__(self) -> None:
        self._render = structlog.processors.JSONRenderer()

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        return f"<{PRIORITY_OF.get(str(event.get('level')), 6)}>{self._render(logger, name, event)!s}"


class Lines:
    """Where lines go. One that cannot be written is lost: a full disk under the log must not cost a peer anything."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def _write(self, line: str) -> None:
        with suppress(OSError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = _write


def report_loop_errors(loop: asyncio.AbstractEventLoop, log: FilteringBoundLogger) -> None:
    """Sends what asyncio could not hand to anybody to the log: nothing goes wrong in silence."""

    def report(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        log.error("event loop error", message=str(context.get("message")), exc_info=error)

    loop.set_exception_handler(report)
