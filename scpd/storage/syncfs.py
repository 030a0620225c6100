"""syncfs(2), which Python lacks: one call makes everything that was written to a file system durable.

Since Linux 5.8 it reports every write that failed since the descriptor was opened or last asked, whoever wrote it.
Before, it reported nothing: there it must not be used.
"""

import ctypes
import os
import platform
import re

_libc = ctypes.CDLL(None, use_errno=True)
_REPORTING_LINUX = (5, 8)


def reports_failures(release: str = "") -> bool:
    """Whether this kernel's syncfs tells of what could not be written; `release` as uname(2) names one."""
    version = re.match(r"(\d+)\.(\d+)", release or platform.release())
    return version is not None and (int(version[1]), int(version[2])) >= _REPORTING_LINUX


def sync_file_system(fd: int) -> None:
    """Syncs the file system that `fd` is open on, which must have been opened before the writing. Raises OSError."""
    if _libc.syncfs(fd) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
