"""Start-up and shutdown of the real process: readiness, inherited sockets, a warning for everybody, the drain."""

import os
import platform
import signal
import socket
import ssl
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scpd.exits import Exit
from scpd.server.listener import inherited
from tests.interop.daemon import SCPD, Daemon
from tests.rawpeer import CT_IMAGE, RawPeer, command, data_set, store_rq
from tests.tls import Issued, Pki, TlsPeer, client_context

SOP_INSTANCE = "1.2.3.4.5"


def explicit(group: int, element: int, vr: bytes, value: bytes) -> bytes:
    """One element, Explicit VR Little Endian, with a short length."""
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", group, element, vr, len(value)) + value


CT = (
    explicit(0x0008, 0x0016, b"UI", CT_IMAGE.encode())
    + explicit(0x0008, 0x0018, b"UI", SOP_INSTANCE.encode())
    + explicit(0x0020, 0x000D, b"UI", b"1.2.3")
    + explicit(0x0020, 0x000E, b"UI", b"1.2.3.4")
)


def terminate(process: subprocess.Popen[bytes]) -> float:
    """Sends SIGTERM and returns the seconds until the clean end."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == Exit.OK
    return time.monotonic() - begun


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path, "--set", "timeouts.drain_seconds=4", "--set", "timeouts.artim_seconds=1")


def test_an_idle_daemon_stops_at_once(daemon: Daemon) -> None:
    with daemon:
        begun = time.monotonic()
        daemon.stop()
        assert time.monotonic() - begun < 2
        daemon.start()


def test_draining_ends_a_quiet_association_and_refuses_newcomers(daemon: Daemon) -> None:
    with daemon, RawPeer(daemon.port) as quiet:
        quiet.associate()
        assert quiet.echo() == 0
        daemon.process.send_signal(signal.SIGTERM)
        assert quiet.expect_abort() == (0, 0)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", daemon.port), 1)


def test_draining_lets_a_sender_finish(daemon: Daemon) -> None:
    with daemon, RawPeer(daemon.port) as sender:
        sender.associate()
        whole = command(3, store_rq(SOP_INSTANCE)) + data_set(3, CT)
        sender.send(whole[:-40])
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_event("draining")
        time.sleep(1.2)  # longer than a quiet association would be given: what matters is that this one is not quiet
        sender.send(whole[-40:])
        assert sender.receive_message().status == 0x0000
        sender.release()


def test_the_drain_is_bounded(daemon: Daemon) -> None:
    with daemon, RawPeer(daemon.port, timeout=10) as stuck:
        stuck.associate()
        stuck.send(command(3, store_rq(SOP_INSTANCE)))
        begun = time.monotonic()
        daemon.stop()
        assert 3.5 < time.monotonic() - begun < 8
        daemon.start()


def test_everybody_is_warned_when_nobody_could_call(tmp_path: Path) -> None:
    with Daemon(tmp_path, "--listen", "0.0.0.0:0") as daemon:
        warning = next(event for event in daemon.events if event["level"] == "warning")
    assert "no peers are declared" in warning["event"]
    assert warning["toml"].startswith("[[peer]]\nae_title = ")


def test_files_and_folders_are_closed_to_others(daemon: Daemon) -> None:
    with daemon, RawPeer(daemon.port) as sender:
        sender.associate()
        assert sender.store(SOP_INSTANCE, CT).status == 0x0000
        sender.release()
        paths = [daemon.storage, *daemon.storage.rglob("*")]
        assert len(paths) > 3
        assert not [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o027]


def test_sockets_are_inherited_from_systemd(tmp_path: Path) -> None:
    """The child gets the socket as descriptor 3 and LISTEN_PID set to its own id, as sd_listen_fds(3) wants it."""
    program = (
        "import os, sys\n"
        "os.environ['LISTEN_PID'] = str(os.getpid())\n"
        "os.environ['LISTEN_FDS'] = '1'\n"
        "os.dup2(int(sys.argv[1]), 3)\n"
        "os.set_inheritable(3, True)\n"
        "os.execv(sys.argv[2], sys.argv[2:])\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        serve = [SCPD, "serve", "--storage", str(tmp_path / "store"), "--listen", "127.0.0.1:1"]
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(listening.fileno()), *serve],
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        with RawPeer(port, timeout=20) as peer:  # queued by the kernel until the daemon accepts
            peer.associate()
            assert peer.echo() == 0
            peer.release()
        terminate(process)
    finally:
        process.kill()
        process.wait()


def test_systemd_hears_ready_watchdog_and_stopping(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(20)
        process = subprocess.Popen(
            [SCPD, "serve", "--storage", str(tmp_path / "store"), "--listen", "127.0.0.1:0"],
            env={**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "200000"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert manager.recv(4096).startswith(b"READY=1\nSTATUS=")
            assert manager.recv(4096) == b"WATCHDOG=1"
            assert manager.recv(4096) == b"WATCHDOG=1"
            terminate(process)
            last = b""
            while not last.startswith(b"STOPPING=1"):
                last = manager.recv(4096)
        finally:
            process.kill()
            process.wait()


def tls_options(pki: Pki, server: Issued) -> list[str]:
    """The flags for a listener for TLS, on a port of the kernel's choice."""
    files = {"certificate": server.certificate, "key": server.key, "ca": pki.ca, "crl": pki.crl}
    sets = ("tls.port=0", *(f"tls.{name}={file}" for name, file in files.items()))
    return [option for each in sets for option in ("--set", each)]


def tls_port(daemon: Daemon) -> int:
    return int(daemon.events[0]["tls_addresses"][0].rpartition(":")[2])


def test_sighup_reads_the_files_of_tls_again_and_drops_nobody(tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    server, ct1, late = pki.issue("server"), pki.issue("ct1", "DNS:ct1"), pki.issue("late")
    with Daemon(tmp_path, *tls_options(pki, server)) as daemon:
        with TlsPeer(tls_port(daemon), context=client_context(pki, ct1)) as here, RawPeer(daemon.port) as plain:
            here.associate()
            plain.associate()
            pki.revoke(late)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_event("TLS files reloaded")
            with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
                with TlsPeer(tls_port(daemon), context=client_context(pki, late)) as revoked:
                    revoked.associate()
            assert here.echo() == plain.echo() == 0x0000
            here.release()
            plain.release()


def test_sighup_ends_nobody_where_there_is_nothing_to_reload(daemon: Daemon) -> None:
    with daemon, RawPeer(daemon.port) as peer:
        peer.associate()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_event("nothing to reload")
        assert peer.echo() == 0x0000
        peer.release()


@pytest.mark.parametrize(
    ("key", "reason"),
    [("tls.key=/nowhere", "/nowhere: No such file or directory"), ("identity.verifier=file", "identity.options.users")],
)
def test_files_that_cannot_be_used_end_the_start_with_78(tmp_path: Path, key: str, reason: str) -> None:
    pki = Pki(tmp_path / "pki")
    started = subprocess.run(
        [SCPD, "serve", *tls_options(pki, pki.issue("server")), "--set", key],
        env={**os.environ, "STATE_DIRECTORY": str(tmp_path / "store")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert started.returncode == Exit.CONFIGURATION
    assert reason in started.stderr


def test_sockets_for_tls_are_known_by_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain, socket.create_server(("127.0.0.1", 0)) as secured:
        descriptors = (os.dup(plain.fileno()), os.dup(secured.fileno()))
        assert descriptors[1] == descriptors[0] + 1
        monkeypatch.setattr("scpd.server.listener.FIRST_INHERITED_FD", descriptors[0])
        environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "dicom:dicom-tls"}
        found_plain, found_secured = inherited(environ)
        try:
            assert [sock.getsockname() for sock in found_plain] == [plain.getsockname()]
            assert [sock.getsockname() for sock in found_secured] == [secured.getsockname()]
        finally:
            for sock in (*found_plain, *found_secured):
                sock.close()


ALLOCATING_THREADS = """
import ctypes, threading
from scpd.app import share_heaps

share_heaps()
together = threading.Barrier(8)

def allocate():
    together.wait()
    data = bytearray(100_000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have one heap for all threads")
def test_threads_share_two_heaps() -> None:
    told = subprocess.run([sys.executable, "-c", ALLOCATING_THREADS], check=True, capture_output=True, text=True).stderr
    assert told.count("Arena ") == 2
