"""strace(1) as the hand of fate: the n-th system call of a kind kills the daemon, or fails.

strace counts the calls of each thread by itself, so every thread of the daemon that comes to its n-th call meets the
fault. Calls are named with a question mark before them: architectures do not have all of them.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

DETACH_SECONDS = 3
OPEN, RENAME, UNLINK = "openat", "?rename,?renameat,renameat2", "?unlink,unlinkat"
WRITE, PWRITE, ALLOCATE, MKDIR = "writev", "pwrite64", "fallocate", "?mkdir,mkdirat"
SYNC_FILE, SYNC_FOLDER, SYNC_ALL = "fdatasync", "fsync", "syncfs"
SUBMIT, COLLECT = "io_submit", "io_getevents"


class Fault(NamedTuple):
    """What happens to the `turn`-th of these calls, or to all from there on: the name of an error, or "" for death."""

    calls: str
    turn: int
    error: str = ""
    onwards: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.turn}{'+' * self.onwards} {self.error or 'death'}"

    @property
    def name(self) -> str:
        """The name of the call, or of one of them."""
        return self.calls.partition(",")[0].removeprefix("?")

    def options(self) -> Sequence[str]:
        """The options of strace for it."""
        what = f"error={self.error}" if self.error else "signal=SIGKILL"
        return ["-e", f"inject={self.calls}:{what}:when={self.turn}{'+' * self.onwards}"]


class Call(NamedTuple):
    """A system call that ended, as strace wrote it down."""

    name: str
    arguments: str
    result: str

    @property
    def failed(self) -> bool:
        """Whether it returned an error."""
        return self.result.startswith("-1")

    @property
    def is_injected(self) -> bool:
        """Whether strace made this result up."""
        return self.result.endswith("(INJECTED)")


@cache
def missing() -> str:
    """Why processes cannot be traced here; "" if they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return f"strace does not work here: {tried.stderr.strip()}" if tried.returncode else ""


def born_with(fault: Fault, *command: str) -> Sequence[str]:
    """A command that meets a fault from its start on. Its process is the command's own, strace stands aside."""
    return ["strace", "-D", "-f", "-o", "/dev/null", "-e", f"trace={fault.calls}", *fault.options(), *command]


class Strace:
    """strace attached to a process that runs. Leaving the context detaches it, unless the process died."""

    def __init__(self, pid: int, fault: Fault, log: Path, *options: str, also: str = "") -> None:
        """`also` names further calls to write to `log`."""
        traced = f"trace={fault.calls}{also and ','}{also}"
        self._command = ["strace", "-f", "-y", "-o", str(log), "-e", traced, *fault.options(), *options, "-p", str(pid)]
        self._log = log

    def __enter__(self) -> Self:
        self._log.write_bytes(b"")
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        assert " attached" in line, line
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.communicate(timeout=DETACH_SECONDS)
        except subprocess.TimeoutExpired:  # it may wait for good for a thread that just died
            self._process.kill()
            self._process.communicate()

    def calls(self) -> Sequence[Call]:
        """What was traced until now, in the order in which the calls ended."""
        return list(parse(self._log.read_text("utf-8", "replace")))


BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)")
WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (.*)")


def parse(log: str) -> Iterator[Call]:
    """The calls in the output of `strace -f`."""
    begun: dict[str, str] = {}
    for line in log.splitlines():
        if match := BEGUN.fullmatch(line):
            begun[match[1]] = match[3]
        elif match := RESUMED.fullmatch(line):
            yield Call(match[2], begun.pop(match[1], "") + match[3], match[4])
        elif match := WHOLE.fullmatch(line):
            yield Call(match[2], match[3], match[4])
