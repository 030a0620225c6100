"""Which file system a path lies on: SQLite's WAL needs shared memory and locks that network file systems lack."""

import ctypes
import os
import sys
from pathlib import Path

# statfs(2) and linux/magic.h
NETWORK_FILE_SYSTEMS = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB2",
    0x5346414F: "AFS",
    0x73757245: "Coda",
    0x01021997: "9P",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x01161970: "GFS2",
    0x7461636F: "OCFS2",
    0x19830326: "BeeGFS",
    0x786F4256: "VirtualBox shared folder",
}

_STATFS_BYTES = 256  # more than any platform's struct statfs; its first word is f_type


def network_file_system(path: Path) -> str | None:
    """The name of the network file system that `path` lies on; None on a local one. Raises OSError."""
    return NETWORK_FILE_SYSTEMS.get(file_system_magic(path))


def file_system_magic(path: Path) -> int:
    """The f_type of statfs(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    if libc.statfs(os.fsencode(path), buffer) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return int.from_bytes(buffer.raw[:4] if sys.byteorder == "little" else buffer.raw[4:8], sys.byteorder)
