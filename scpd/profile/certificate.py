"""The certificate that a peer proved to hold in a TLS handshake, and the names it is declared by in TOML.

A certificate is named by its SHA-256 fingerprint ("sha256:9f86d0...") or by a subject alternative name
("dns:ct1.example", "uri:urn:uuid:..."). `certificate_name` is the one spelling of each, so that names are compared as
text.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

FINGERPRINT = re.compile(r"[0-9a-f]{64}")
DNS = "dns:"


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """A certificate that a trusted authority signed and whose key the peer has.

    `sha256` is the fingerprint in hex, `sans` the subject alternative names, each as `certificate_name` spells it.
    """

    sha256: str
    sans: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The name that no other certificate has."""
        return f"sha256:{self.sha256}"

    @property
    def names(self) -> tuple[str, ...]:
        """Everything the certificate may be declared by."""
        return (self.fingerprint, *self.sans)

    def is_one_of(self, declared: Collection[str]) -> bool:
        """Whether one of its names is declared."""
        return any(name in declared for name in self.names)

    def names_ae_title(self, ae_title: str) -> bool:
        """Whether a dNSName is the AE title itself. DNS knows no case (RFC 4343)."""
        return DNS + ae_title.lower() in self.sans


def certificate_name(text: str) -> str:
    """The one spelling of a name: fingerprints in lower case without colons, DNS names in lower case.

    Raises ValueError for what names no certificate.
    """
    kind, _, value = text.partition(":")
    match kind.lower():
        case "sha256" if FINGERPRINT.fullmatch(plain := value.replace(":", "").lower()):
            return f"sha256:{plain}"
        case "dns" if value:
            return DNS + value.lower()
        case "uri" if value:
            return f"uri:{value}"
        case _:
            raise ValueError(f"{text!r} is neither sha256: with 64 hex digits, nor dns: or uri: with a name")
