"""The Application Entity: what all associations of this daemon share, and whether one more may come in."""

import time
from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

from scpd.identity.base import Verifier
from scpd.profile.explain import Explanation
from scpd.profile.profile import Peer, Profile
from scpd.server.blocks import BlockPool, Blocks, Share
from scpd.server.lobby import Lobby, descriptor_max
from scpd.server.options import ServerOptions
from scpd.server.slots import Slots
from scpd.services.exchange import Provider
from scpd.ul.pdu import AssociateRJ, RejectReason, RejectResult

LOBBY_BLOCK_BYTES = 16_384
"""A connection without an association has a request to send, and a thousand of them may do so, or close, at once."""

REPEAT_SECONDS = 60.0
"""How long the log is silent about an overcrowded lobby after it was told once."""

DRAINING = Explanation("the daemon is shutting down", "an association", "none any more")


@dataclass(slots=True)
class ApplicationEntity:
    """One AE at work: its slots, the lobby where connections wait for one, and the memory they all share."""

    profile: Profile
    provider: Provider
    options: ServerOptions
    log: FilteringBoundLogger
    blocks: BlockPool = field(init=False)
    lobby_blocks: BlockPool = field(init=False)
    slots: Slots = field(init=False)
    lobby: Lobby = field(init=False)
    draining: bool = False
    verifier: Verifier | None = None
    _shares: dict[Peer, Share] = field(init=False, default_factory=dict)
    _gave_way: int = 0
    _silent_until: float = 0.0

    def __post_init__(self) -> None:
        options = self.options
        self.blocks = BlockPool(options.block_bytes, options.receive_bytes_max)
        self.lobby_blocks = BlockPool(LOBBY_BLOCK_BYTES, options.connections_max * LOBBY_BLOCK_BYTES)
        self.slots = Slots(options.associations_max, options.associations_per_address_max)
        self.lobby = Lobby(options.connections_max, descriptor_max(options.associations_max), self._overcrowded)

    @property
    def associations(self) -> int:
        """The gauge of associations that hold a slot."""
        return self.slots.taken

    def refusal(self, peer: Peer, address: str) -> tuple[AssociateRJ, Explanation] | None:
        """Why an acceptable association cannot be taken right now, or None (PS3.8 9.3.4)."""
        if self.draining:
            return AssociateRJ(RejectResult.TRANSIENT, RejectReason.TEMPORARY_CONGESTION), DRAINING
        explanation = self.slots.refusal(peer, address)
        if explanation is None:
            return None
        return AssociateRJ(RejectResult.TRANSIENT, RejectReason.LOCAL_LIMIT_EXCEEDED), explanation

    def blocks_of(self, peer: Peer) -> Blocks:
        """What the peer's associations may have of the receive memory: all of it, or a share of its own."""
        if not peer.bytes_in_flight_max:
            return self.blocks
        return self._shares.setdefault(peer, Share(self.blocks, peer.bytes_in_flight_max))

    def _overcrowded(self, reason: str) -> None:
        """Told for every connection that gives way; the log gets a line a minute."""
        self._gave_way += 1
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + REPEAT_SECONDS
            self.log.warning(
                "connections without an association give way to new ones", reason=reason, gave_way=self._gave_way
            )
