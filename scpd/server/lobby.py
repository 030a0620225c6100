"""The lobby: connections without an association, waiting to ask for one or for their peer to close.

They cost little, but descriptors are counted. When the lobby is full, whoever came next is let in and the oldest of
the most crowded address gives way: a peer that asks at once is always heard, however many connect and stay silent,
and no address can push out another that has fewer connections. The same happens when a newcomer's descriptor shows
that nearly all are in use, as the lowest free number is always the next one: the rest is left for the store's files.
"""

import resource
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Protocol

from scpd.profile.profile import read_address

DESCRIPTORS_RESERVED = 64
"""For the index, the log, the listening sockets and the folders that are synced."""

IPV6_SITE_BITS = 64
"""Whoever has one IPv6 address has the whole subnet (RFC 4291 2.5.1): it counts as one."""


class Guest(Protocol):
    """A connection in the lobby."""

    @property
    def origin(self) -> str:
        """Whence it came: see `origin_of`."""
        ...

    def give_way(self) -> None:
        """Closes the connection at once."""
        ...


class Lobby:
    """At most `connections_max` guests. `overcrowded` is called with the reason when one has to give way."""

    def __init__(self, connections_max: int, descriptor_max: int, overcrowded: Callable[[str], None]) -> None:
        self._limit = connections_max
        self._descriptor_max = descriptor_max
        self._overcrowded = overcrowded
        self._count = 0
        self._by_origin: dict[str, dict[Guest, None]] = {}

    def __len__(self) -> int:
        return self._count

    def enter(self, guest: Guest, descriptor: int = -1) -> None:
        """Lets `guest` in, and another one out where there is no room; `descriptor` is that of its socket."""
        self._by_origin.setdefault(guest.origin, {})[guest] = None
        self._count += 1
        if self._count > self._limit:
            self._make_room(f"limits.connections_max = {self._limit} is reached")
        elif descriptor > self._descriptor_max:
            for _ in range(min(2, self._count - 1)):  # two for one: there have to be fewer afterwards
                self._make_room(f"file descriptors run out: {descriptor} of {self._descriptor_max} are in use")

    def leave(self, guest: Guest) -> None:
        """The guest has an association, or has gone; once is enough."""
        crowd = self._by_origin.get(guest.origin, {})
        if guest in crowd:
            del crowd[guest]
            self._count -= 1
            if not crowd:
                del self._by_origin[guest.origin]

    def _make_room(self, reason: str) -> None:
        crowd: dict[Guest, None] = max(self._by_origin.values(), key=len)
        oldest = next(iter(crowd))
        self.leave(oldest)
        oldest.give_way()
        self._overcrowded(reason)


def origin_of(address: str) -> str:
    """What counts as one address."""
    match read_address(address):
        case IPv6Address() as ipv6:
            return f"{int(ipv6) >> 128 - IPV6_SITE_BITS:x}"
        case _:
            return address


def raise_descriptor_limit() -> None:
    """Allows this process as many file descriptors as the system does; nothing here uses select(2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptor_max(associations_max: int) -> int:
    """The highest descriptor a connection without an association may have: each association may need a file too."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft - min(associations_max + DESCRIPTORS_RESERVED, soft // 2)
