"""What the server needs to know, apart from the profile: times in seconds and limits, each with its unit last."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from scpd.dimse.pdv import DimseLimits
from scpd.ul.connection import UpperLayerLimits


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Times, limits and memory of the DICOM side of the daemon.

    `idle_seconds` is how long an association may be silent when it is the peer's turn; `send_seconds` how long
    the peer may take to accept bytes it does not read; `drain_seconds` how long a stop waits for associations;
    `identity_seconds` how long a user identity may take to be verified.
    `associations_max` counts established associations, `connections_max` the connections without one; a limit per
    address of 0 is none. `rate_bytes_per_second_min` is the slowest a peer may send a message it has begun, 0 for any:
    a modem of 9600 baud is four times faster than the default.
    """

    idle_seconds: float = 60.0
    send_seconds: float = 30.0
    drain_seconds: float = 30.0
    identity_seconds: float = 10.0
    rate_bytes_per_second_min: float = 256.0
    associations_max: int = 200
    associations_per_address_max: int = 0
    connections_max: int = 1000
    block_bytes: int = 557_056
    receive_bytes_max: int = 134_217_728
    upper_layer: UpperLayerLimits = field(default_factory=UpperLayerLimits)
    messages: DimseLimits = field(default_factory=DimseLimits)


class TlsProfile(StrEnum):
    """Secure Transport Connection Profiles of PS3.15."""

    BCP195 = "bcp195"  # B.12: BCP 195, as of RFC 8996 and RFC 9325
    BCP195_MODIFIED = "bcp195-modified"  # B.13: the same with a fixed list of cipher suites


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Files (PEM) and profile of the TLS listener.

    With `ca`, every peer has to show a certificate that one of these authorities signed and that no list of `crl`
    revokes; without it, none is asked for.
    """

    certificate: Path
    key: Path
    ca: Path | None = None
    crl: Path | None = None
    profile: TlsProfile = TlsProfile.BCP195
