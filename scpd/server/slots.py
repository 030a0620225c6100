"""Slots for associations: how many there are in all, for one peer and for one address.

A slot is taken by a request that was parsed and found acceptable, never by a TCP connection (see `lobby`). A limit of
0 is none of its own: gateways and archives call for a whole hospital from one address.
"""

from collections import Counter

from scpd.profile import explain
from scpd.profile.explain import Explanation
from scpd.profile.profile import Peer, read_address


class Slots:
    """The slots of one Application Entity; `taken` is the gauge."""

    def __init__(self, associations_max: int, associations_per_address_max: int) -> None:
        self.taken = 0
        self._limit = associations_max
        self._limit_per_address = associations_per_address_max
        self._by_peer: Counter[Peer] = Counter()
        self._by_address: Counter[str] = Counter()

    def refusal(self, peer: Peer, address: str) -> Explanation | None:
        """Which limit one association more of `peer` from `address` would exceed, or None."""
        if self.taken >= self._limit:
            return explain.limit("associations_max", self._limit)
        if 0 < self._limit_per_address <= self._by_address[address]:
            return explain.limit("associations_per_address_max", self._limit_per_address)
        if 0 < peer.associations_max <= self._by_peer[peer]:
            return explain.peer_limit(peer, read_address(address))
        return None

    def take(self, peer: Peer, address: str) -> None:
        """One slot more."""
        self.taken += 1
        self._by_peer[peer] += 1
        self._by_address[address] += 1

    def free(self, peer: Peer, address: str) -> None:
        """Gives a slot back; who holds none any more is forgotten."""
        self.taken -= 1
        self._by_peer -= Counter({peer: 1})
        self._by_address -= Counter({address: 1})
