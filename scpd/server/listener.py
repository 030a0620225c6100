"""The listening sockets: bound here or inherited from systemd, and the associations that came in through them.

A bare TCP connection costs a protocol object and no slot: slots are for parsed requests. On a socket for TLS it costs
a handshake too, which is over within ARTIM; every one that fails is logged. `drain` is the orderly end: no newcomers,
the end of what runs, a bound in time.
"""

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from scpd.server.association import Association
from scpd.server.entity import ApplicationEntity
from scpd.server.lobby import origin_of
from scpd.server.tls import Tls, peer_certificate, why_it_failed
from scpd.server.wire import Wire

BACKLOG_MAX = 1024
FIRST_INHERITED_FD = 3  # sd_listen_fds(3)
TLS_SOCKET_NAME = "dicom-tls"
"""FileDescriptorName= of a socket unit whose port is for TLS (systemd.socket(5))."""
QUIET_SECONDS = 1.0
"""While draining, an association that has asked for nothing for so long is ended; a sender is let finish."""
OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
PAUSE_SECONDS = 0.5
"""How long to wait for a descriptor before accepting again."""


@dataclass(frozen=True, slots=True, eq=False)
class Handshake:
    """A connection in the lobby that does not speak TLS yet."""

    origin: str
    task: "asyncio.Task[None]"

    def give_way(self) -> None:
        """Ends the connection."""
        self.task.cancel()


class Listener:
    """Accepts peers for one Application Entity."""

    def __init__(self, entity: ApplicationEntity) -> None:
        self._entity = entity
        self._servers: list[asyncio.Server] = []
        self._acceptors: list[asyncio.Task[None]] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._associations: dict[asyncio.Task[None], Association] = {}

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Begins to accept on bound sockets."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            server = await loop.create_server(
                lambda: Wire(self._entity.lobby_blocks, self._opened), sock=sock, backlog=backlog()
            )
            self._servers.append(server)

    def start_tls(self, sockets: Sequence[socket.socket], tls: Tls) -> None:
        """Begins to accept TLS on bound sockets."""
        for sock in sockets:
            sock.listen(backlog())
            sock.setblocking(False)
            self._acceptors.append(asyncio.get_running_loop().create_task(self._accept_tls(sock, tls)))

    async def drain(self, seconds: float) -> None:
        """Stops accepting, lets associations end, and ends after `seconds` those that did not."""
        # 1. Nobody new.
        self._entity.draining = True
        for server in self._servers:
            server.close()
        newcomers = [*self._acceptors, *self._handshakes]
        for task in newcomers:
            task.cancel()
        await asyncio.gather(*newcomers, return_exceptions=True)
        # 2. Who is busy may finish; who is quiet is sent away.
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._associations and loop.time() < end:
            for association in self._associations.values():
                if association.quiet_since is not None and loop.time() - association.quiet_since >= QUIET_SECONDS:
                    association.stop()
            await asyncio.wait(self._associations, timeout=min(0.1, max(0.0, end - loop.time())))
        # 3. The rest is cut off.
        for task in self._associations:
            task.cancel()
        if self._associations:
            await asyncio.wait(self._associations)

    async def _accept_tls(self, sock: socket.socket, tls: Tls) -> None:
        """Accepts and secures connections until cancelled."""
        loop = asyncio.get_running_loop()
        with sock:
            while True:
                try:
                    connected, address = await loop.sock_accept(sock)
                except OSError as error:  # the peer has gone already, or there is no descriptor left
                    self._entity.log.warning("cannot accept", reason=error.strerror)
                    await asyncio.sleep(PAUSE_SECONDS if error.errno in OUT_OF_DESCRIPTORS else 0)
                else:
                    handshake = loop.create_task(self._secure(connected, str(address[0]), tls))
                    self._handshakes.add(handshake)
                    handshake.add_done_callback(self._handshakes.discard)

    async def _secure(self, connected: socket.socket, address: str, tls: Tls) -> None:
        """One handshake, with the context of this moment; the wire that comes of it is opened as any other."""
        artim_seconds = self._entity.options.upper_layer.artim_seconds
        opened = partial(self._opened_secured, tls)
        task = asyncio.current_task()
        assert task is not None
        guest = Handshake(origin_of(address), task)
        self._entity.lobby.enter(guest, connected.fileno())
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Wire(self._entity.lobby_blocks, opened, is_tls=True),
                connected,
                ssl=tls.context,
                ssl_handshake_timeout=artim_seconds,
                ssl_shutdown_timeout=artim_seconds,
            )
        except ConnectionResetError:  # a probe, as a rule
            self._entity.log.debug("connection ended before TLS was agreed on", address=address)
        except OSError as error:
            self._entity.log.warning("TLS handshake failed", address=address, reason=why_it_failed(error))
        finally:
            self._entity.lobby.leave(guest)

    def _opened_secured(self, tls: Tls, wire: Wire) -> None:
        assert wire.secured is not None
        if tls.authenticates_peers:
            wire.certificate = peer_certificate(wire.secured)
        self._opened(wire)

    def _opened(self, wire: Wire) -> None:
        association = Association(wire, self._entity)
        self._entity.lobby.enter(association, wire.descriptor)
        task = asyncio.get_running_loop().create_task(association.serve())
        self._associations[task] = association
        task.add_done_callback(self._associations.pop)


def backlog() -> int:
    """How many connections may wait to be accepted, all at once: no more than a part of the descriptors.

    libuv accepts whoever waits before anybody can give way, and closes on those for whom no descriptor is left.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(BACKLOG_MAX, soft // 8))


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address of `host`. Raises OSError that names the address."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(addresses):
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            sock.bind(address)
        except OSError as error:
            sock.close()
            for other in bound:
                other.close()
            raise OSError(error.errno, f"cannot listen on {host} port {port}: {error.strerror}") from error
        bound.append(sock)
    return bound


def inherited(environ: Mapping[str, str]) -> tuple[list[socket.socket], list[socket.socket]]:
    """The sockets that systemd passed for this process, if any: plain ones, and those for TLS (sd_listen_fds(3))."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return [], []
    count = int(environ.get("LISTEN_FDS", "0"))
    sockets = [socket.socket(fileno=FIRST_INHERITED_FD + number) for number in range(count)]
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    secured = [sock for sock, name in zip(sockets, names, strict=False) if name == TLS_SOCKET_NAME]
    return [sock for sock in sockets if sock not in secured], secured


def is_loopback(host: str) -> bool:
    """Whether a socket bound to this address is reached from this machine only."""
    return ip_address(host.partition("%")[0]).is_loopback
