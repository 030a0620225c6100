"""What the server needs to know, apart from the profile: times in seconds and limits, each with its unit last."""

from dataclasses import dataclass, field

from scpd.dimse.pdv import DimseLimits
from scpd.ul.connection import UpperLayerLimits


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Times, limits and memory of the DICOM side of the daemon.

    `idle_seconds` is how long an association may be silent when it is the peer's turn; `send_seconds` how long
    the peer may take to accept bytes it does not read; `drain_seconds` how long a stop waits for associations.
    `associations_max` counts associations in negotiation or established, never bare connections.
    """

    idle_seconds: float = 60.0
    send_seconds: float = 30.0
    drain_seconds: float = 30.0
    associations_max: int = 200
    block_bytes: int = 262_144
    receive_bytes_max: int = 134_217_728
    upper_layer: UpperLayerLimits = field(default_factory=UpperLayerLimits)
    messages: DimseLimits = field(default_factory=DimseLimits)
