"""The listening sockets: bound here or inherited from systemd, and the associations that came in through them.

A bare TCP connection costs a protocol object and no slot: slots are for parsed requests. `drain` is the orderly end:
no newcomers, the end of what runs, a bound in time.
"""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from scpd.server.association import Association
from scpd.server.entity import ApplicationEntity
from scpd.server.wire import Wire

BACKLOG = 1024
FIRST_INHERITED_FD = 3  # sd_listen_fds(3)
QUIET_SECONDS = 1.0
"""While draining, an association that has asked for nothing for so long is ended; a sender is let finish."""


class Listener:
    """Accepts peers for one Application Entity."""

    def __init__(self, entity: ApplicationEntity) -> None:
        self._entity = entity
        self._servers: list[asyncio.Server] = []
        self._associations: dict[asyncio.Task[None], Association] = {}

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Begins to accept on bound sockets."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            server = await loop.create_server(
                lambda: Wire(self._entity.blocks, self._opened), sock=sock, backlog=BACKLOG
            )
            self._servers.append(server)

    async def drain(self, seconds: float) -> None:
        """Stops accepting, lets associations end, and ends after `seconds` those that did not."""
        # 1. Nobody new.
        self._entity.draining = True
        for server in self._servers:
            server.close()
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

    def _opened(self, wire: Wire) -> None:
        association = Association(wire, self._entity)
        task = asyncio.get_running_loop().create_task(association.serve())
        self._associations[task] = association
        task.add_done_callback(self._associations.pop)


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


def inherited(environ: Mapping[str, str]) -> list[socket.socket]:
    """The sockets that systemd passed for this process, or none (sd_listen_fds(3))."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=FIRST_INHERITED_FD + number) for number in range(count)]


def is_loopback(host: str) -> bool:
    """Whether a socket bound to this address is reached from this machine only."""
    return ip_address(host.partition("%")[0]).is_loopback
