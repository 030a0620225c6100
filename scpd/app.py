"""The composition root: Settings -> Backend, ApplicationEntity, Listener; the order of start-up and of shutdown.

Configuration stops here. Every room below takes a small frozen dataclass of its own.
"""

import asyncio
import ctypes
import errno
import os
import signal
import socket
from collections.abc import Sequence

import structlog
import uvloop
from structlog.typing import FilteringBoundLogger

from scpd import __version__
from scpd.config import Settings
from scpd.exits import Exit
from scpd.identity.base import Verifier
from scpd.observability import systemd
from scpd.observability.logging import configure, report_loop_errors
from scpd.server.entity import ApplicationEntity
from scpd.server.listener import TLS_SOCKET_NAME, Listener, bind, inherited, is_loopback
from scpd.server.lobby import raise_descriptor_limit
from scpd.server.tls import Tls, TlsError
from scpd.storage.backends import load_backend
from scpd.storage.base import Backend, StorageError

M_ARENA_MAX = -8
"""malloc.h of glibc: mallopt(3)."""

PEER_EXAMPLE = '[[peer]]\nae_title = "CT1"\naddresses = ["192.0.2.10"]'
"""What an operator pastes to let a modality in; 192.0.2.0/24 is reserved for examples (RFC 5737)."""


def serve(settings: Settings) -> Exit:
    """Runs the daemon until SIGTERM or SIGINT. Blocks; returns how it ended."""
    configure(settings.log.level, settings.log.format)
    log: FilteringBoundLogger = structlog.get_logger()
    os.umask(0o027)
    raise_descriptor_limit()
    share_heaps()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(settings, log))


async def run(settings: Settings, log: FilteringBoundLogger) -> Exit:
    """Start-up and shutdown, in numbered steps."""
    # 1. From here on a signal asks for the orderly end.
    loop = asyncio.get_running_loop()
    report_loop_errors(loop, log)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # 2. What the configuration names: keys, certificates, users.
    try:
        verifier = settings.verifier()
        options = settings.tls_options()
        tls = Tls(options, log) if options is not None else None
    except (TlsError, ValueError) as error:
        log.error("cannot use what the configuration names", reason=str(error))
        return Exit.CONFIGURATION
    loop.add_signal_handler(signal.SIGHUP, reload, tls, log)
    # 3. The store: locked, checked, swept.
    try:
        backend = load_backend(settings.storage.backend, settings.backend_options())
        await backend.open()
    except (StorageError, ValueError) as error:
        log.error("cannot open the store", reason=str(error))
        return Exit.UNAVAILABLE
    # 4. Peers, for as long as nobody says stop.
    try:
        return await serve_peers(settings, backend, stop, log, tls=tls, verifier=verifier)
    finally:
        # 5. The store last: whatever was acknowledged is in it.
        await backend.close()
        log.info("stopped")


def share_heaps() -> None:
    """Lets all threads allocate from two heaps: glibc gives each its own, which keeps the most it ever needed.

    With objects of 100 MB from eight peers that is 6 of 77 MB; what threads allocate is too little to queue for.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # another C library has one heap, and no such call
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 2)


def reload(tls: Tls | None, log: FilteringBoundLogger) -> None:
    """What SIGHUP asks for: the files of TLS are read again; associations go on."""
    if tls is None:
        log.info("nothing to reload")
    else:
        tls.reload()


async def serve_peers(
    settings: Settings,
    backend: Backend,
    stop: asyncio.Event,
    log: FilteringBoundLogger,
    *,
    tls: Tls | None,
    verifier: Verifier | None,
) -> Exit:
    """Serves on the inherited or configured sockets until `stop`, then drains."""
    try:
        sockets, tls_sockets = listening_sockets(settings)
    except OSError as error:
        log.error("cannot listen", reason=error.strerror)
        return Exit.UNAVAILABLE
    entity = ApplicationEntity(
        settings.profile(), settings.provider(backend), settings.server_options(), log, verifier=verifier
    )
    listener = Listener(entity)
    await listener.start(sockets)
    if tls is not None:
        listener.start_tls(tls_sockets, tls)
    announce(settings, sockets, tls_sockets, log)
    systemd.notify("READY=1", f"STATUS=Serving DICOM as {', '.join(settings.ae.titles)}")
    watchdog = asyncio.create_task(feed_watchdog())
    await stop.wait()
    log.info("draining", associations=entity.associations, seconds_max=entity.options.drain_seconds)
    systemd.notify("STOPPING=1", "STATUS=Draining")
    await listener.drain(entity.options.drain_seconds)
    watchdog.cancel()
    return Exit.OK


def listening_sockets(settings: Settings) -> tuple[list[socket.socket], list[socket.socket]]:
    """The plain sockets and those for TLS, each inherited or bound. Raises OSError."""
    plain, secured = inherited(os.environ)
    if secured and settings.tls is None:
        raise OSError(errno.EINVAL, f"a socket named {TLS_SOCKET_NAME} was handed over, but [tls] is not configured")
    if settings.tls is not None and not secured:
        secured = bind(settings.tls.host, settings.tls.port)
    return plain or bind(settings.listen.host, settings.listen.port), secured


def announce(
    settings: Settings,
    sockets: Sequence[socket.socket],
    tls_sockets: Sequence[socket.socket],
    log: FilteringBoundLogger,
) -> None:
    """Says where and as whom the daemon listens; and, where nobody could call, how to let somebody in."""
    addresses = [sock.getsockname()[:2] for sock in (*sockets, *tls_sockets)]
    log.info(
        "listening",
        version=__version__,
        addresses=[f"{host}:{port}" for host, port in addresses[: len(sockets)]],
        tls_addresses=[f"{host}:{port}" for host, port in addresses[len(sockets) :]],
        ae_titles=list(settings.ae.titles),
        backend=settings.storage.backend,
        peers=len(settings.peer),
    )
    if not settings.peer and not all(is_loopback(host) for host, _ in addresses):
        log.warning(
            "no peers are declared: calls from other machines will be rejected; declare each of them",
            toml=PEER_EXAMPLE,
        )


async def feed_watchdog() -> None:
    """Tells systemd that the event loop turns, until cancelled."""
    seconds = systemd.watchdog_seconds()
    while seconds is not None:
        systemd.notify("WATCHDOG=1")
        await asyncio.sleep(seconds)
