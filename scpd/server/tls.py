"""TLS on the listening side (PS3.15 B.12 and B.13, RFC 9325): an SSLContext made of files, and made again on reload.

A connection takes the context of its moment, so that a reload concerns those who call later and nobody who is here.
A reload that fails changes nothing. Sessions are not resumed: every call proves its certificate again, to the
authorities and the revocation list in force. TLS 1.2 is the floor, and OpenSSL prefers 1.3.
"""

import hashlib
import ssl
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from scpd.profile.certificate import PeerCertificate, certificate_name
from scpd.server.options import TlsOptions, TlsProfile

CIPHERS: Mapping[TlsProfile, str] = {
    # RFC 9325 4.2, all that it recommends.
    TlsProfile.BCP195: "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
    # PS3.15 B.13, less the Camellia suites, which OpenSSL does not have in GCM, and CCM_8, which is below its level 2.
    TlsProfile.BCP195_MODIFIED: "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-CCM:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-CCM",
}
"""Cipher suites of TLS 1.2, the preferred first. Those of TLS 1.3 are OpenSSL's, all of them good."""

SECURITY_LEVEL = "@SECLEVEL=2"
"""RSA keys of 2048 bits or more, elliptic curves of 224 or more, and no SHA-1 (RFC 9325 4.3)."""

ALPN_PROTOCOL = "dicom"
"""As registered with IANA; agreed on with peers that offer it (RFC 9325 3.7)."""

SAN_KINDS = {"DNS": "dns", "URI": "uri"}


class TlsError(Exception):
    """A file cannot be used; the text says which, and why."""


class Tls:
    """The context of the moment. `reload` reads its files again."""

    def __init__(self, options: TlsOptions, log: FilteringBoundLogger) -> None:
        """Raises TlsError."""
        self._options = options
        self._log = log
        self.context = load_context(options)
        self._warn_of_open_key()

    @property
    def authenticates_peers(self) -> bool:
        """Whether peers have to show a certificate."""
        return self._options.ca is not None

    def reload(self) -> None:
        """Puts what the files hold now into force, for connections to come."""
        try:
            self.context = load_context(self._options)
        except TlsError as error:
            self._log.error("TLS files not reloaded: the former ones stay in force", reason=str(error))
        else:
            self._log.info("TLS files reloaded", certificate=str(self._options.certificate))
            self._warn_of_open_key()

    def _warn_of_open_key(self) -> None:
        if self._options.key.stat().st_mode & stat.S_IRWXO:
            self._log.warning("the private key is open to every user of this machine", key=str(self._options.key))


def load_context(options: TlsOptions) -> ssl.SSLContext:
    """The context that the files make. Raises TlsError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.set_ciphers(f"{CIPHERS[options.profile]}:{SECURITY_LEVEL}")
    context.set_alpn_protocols([ALPN_PROTOCOL])
    _read(lambda chain, key: context.load_cert_chain(chain, key, _no_passphrase), options.certificate, options.key)
    if options.ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _read(context.load_verify_locations, options.ca)
    if options.crl is not None:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        _read(context.load_verify_locations, options.crl)
        if not context.cert_store_stats()["crl"]:
            raise TlsError(f"{options.crl}: holds no revocation list")
    return context


def peer_certificate(connection: ssl.SSLObject) -> PeerCertificate:
    """The certificate that the peer of a finished handshake has shown."""
    encoded = connection.getpeercert(binary_form=True)
    assert encoded is not None  # CERT_REQUIRED saw to it
    return PeerCertificate(hashlib.sha256(encoded).hexdigest(), alternative_names(connection.getpeercert() or {}))


def alternative_names(certificate: Mapping[str, object]) -> tuple[str, ...]:
    """The names of a certificate as `ssl` tells them, of the kinds that may be declared."""
    names = certificate.get("subjectAltName", ())
    assert isinstance(names, tuple)
    return tuple(certificate_name(f"{SAN_KINDS[kind]}:{name}") for kind, name in names if kind in SAN_KINDS and name)


def why_it_failed(error: OSError) -> str:
    """What a failed handshake's error says, in words for the log."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate of the peer is not accepted: {error.verify_message}"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "HTTPS_PROXY_REQUEST"):
            return "the peer does not speak TLS"
        case ssl.SSLError(reason=str(reason)):
            return reason.lower().replace("_", " ")
        case _:
            return str(error)


def _read(load: Callable[..., object], *files: Path) -> None:
    try:
        for file in files:
            file.open("rb").close()  # OpenSSL's own error does not name the file
        load(*files)
    except ssl.SSLError as error:
        raise TlsError(f"{', '.join(map(str, files))}: {why_it_failed(error)}") from None
    except OSError as error:
        raise TlsError(f"{error.filename}: {error.strerror}") from None


def _no_passphrase() -> str:
    raise TlsError("the private key has a passphrase, which nobody is there to type")
