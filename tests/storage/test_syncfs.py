"""syncfs(2) itself: that it works here, and that failures are told."""

import errno
import os
from pathlib import Path

import pytest

from scpd.storage.syncfs import reports_failures, sync_file_system


def test_a_file_system_is_synced(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "file").write_bytes(b"bytes")
    sync_file_system(fd)
    os.close(fd)


def test_a_failure_is_an_os_error_with_its_number() -> None:
    with pytest.raises(OSError, match="descriptor") as caught:
        sync_file_system(-1)
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize(
    ("release", "reports"),
    [("5.7.19", False), ("5.8.0-rc1", True), ("6.18.44-cloud", True), ("4.19", False), ("15.0", True), ("odd", False)],
)
def test_only_kernels_that_report_failures_are_trusted(release: str, reports: bool) -> None:
    assert reports_failures(release) is reports
