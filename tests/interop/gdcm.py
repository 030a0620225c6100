"""GDCM's program gdcmscu as a function."""

import signal

from tests.interop.programs import run


def gdcmscu(port: int, operation: str, *options: object) -> None:
    """Runs gdcmscu. Debian's 3.0.21 aborts after each release, its work done, so its answers are read off the wire."""
    finished = run("gdcmscu", operation, "127.0.0.1", port, "--aetitle", "GDCM", "--call", "SCPD", *options)
    aborted_late = finished.returncode == -signal.SIGABRT and "ProtocolStream as nullptr" in finished.stdout
    assert finished.returncode == 0 or aborted_late, finished.stdout
