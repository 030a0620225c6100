import os
import subprocess
import sys
from pathlib import Path

import pytest

from scpd.storage.base import StoreUnavailable
from scpd.storage.lock import Lock

HOLDER = """
import sys
from pathlib import Path
from scpd.storage.lock import Lock
lock = Lock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_holder_is_named_and_its_death_lets_the_next_one_in(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreUnavailable, match=f"pid {holder.pid}"):
            lock.acquire()
        holder.kill()
    lock.acquire()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_released_lock_can_be_taken_again_and_released_twice(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    lock.acquire()
    lock.release()
    lock.release()
    lock.acquire()
    lock.release()
