"""The Application Entity: what all associations of this daemon share, and whether one more may come in."""

from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

from scpd.profile.profile import Profile
from scpd.server.blocks import BlockPool
from scpd.server.options import ServerOptions
from scpd.services.exchange import Provider
from scpd.ul.pdu import AssociateRJ, RejectReason, RejectResult


@dataclass(slots=True)
class ApplicationEntity:
    """One AE at work. `associations` is the gauge of those that hold a slot."""

    profile: Profile
    provider: Provider
    options: ServerOptions
    log: FilteringBoundLogger
    blocks: BlockPool = field(init=False)
    associations: int = 0
    draining: bool = False

    def __post_init__(self) -> None:
        self.blocks = BlockPool(self.options.block_bytes, self.options.receive_bytes_max)

    def refusal(self) -> tuple[AssociateRJ, str] | None:
        """Why an acceptable association cannot be taken right now, or None (PS3.8 9.3.4)."""
        if self.draining:
            return AssociateRJ(RejectResult.TRANSIENT, RejectReason.TEMPORARY_CONGESTION), "the daemon is shutting down"
        if self.associations >= self.options.associations_max:
            reject = AssociateRJ(RejectResult.TRANSIENT, RejectReason.LOCAL_LIMIT_EXCEEDED)
            return reject, f"limits.associations_max = {self.options.associations_max} is reached"
        return None
