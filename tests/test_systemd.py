"""The systemd units: accepted by systemd itself, hardened, and in agreement with the daemon they run."""

import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from scpd.exits import Exit
from scpd.server.options import ServerOptions

UNITS = Path(__file__).parents[1] / "systemd"
SERVICE, SOCKET = UNITS / "scpd.service", UNITS / "scpd.socket"
SCPD = str(Path(sys.executable).with_name("scpd"))


def directives(unit: Path) -> dict[str, list[str]]:
    """The values of each directive, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def needs(program: str) -> pytest.MarkDecorator:
    """Systemd's own programs are not everywhere the daemon is."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@needs("systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in (SERVICE, SOCKET):
        installed = unit.read_text().replace("/opt/scpd/bin/scpd", SCPD)
        (tmp_path / unit.name).write_text(installed)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / SERVICE.name, tmp_path / SOCKET.name],
        capture_output=True,
        text=True,
    )
    assert verified.returncode == 0, verified.stderr
    assert "scpd" not in verified.stderr


@needs("systemd-analyze")
def test_the_service_is_hardly_exposed() -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", SERVICE],
        capture_output=True,
        text=True,
    )
    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


def test_the_service_is_not_restarted_where_that_cannot_help() -> None:
    (codes,) = directives(SERVICE)["RestartPreventExitStatus"]
    assert codes.split() == [str(int(Exit.USAGE)), str(int(Exit.CONFIGURATION))]


def test_the_service_may_stop_for_longer_than_the_daemon_drains() -> None:
    (seconds,) = directives(SERVICE)["TimeoutStopSec"]
    assert int(seconds) > ServerOptions().drain_seconds


def test_the_socket_is_the_dicom_port() -> None:
    socket_directives = directives(SOCKET)
    assert socket_directives["ListenStream"] == ["104"]
    assert socket_directives["FileDescriptorName"] == ["dicom"]
