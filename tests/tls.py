"""Certificates by the openssl command, and a raw peer that speaks TLS with them.

pki = Pki(folder)
ct1 = pki.issue("ct1", "DNS:ct1")
with TlsPeer(port, context=client_context(pki, ct1)) as peer: ...
"""

import ssl
import subprocess
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

from scpd.server.options import TlsOptions
from tests.rawpeer import RawPeer

CONFIGURATION = """
[ca]
default_ca = authority
[authority]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 30
policy = anything
copy_extensions = copy
unique_subject = no
[anything]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


class Issued(NamedTuple):
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """The name that no other certificate has."""
        return "sha256:" + sha256(ssl.PEM_cert_to_DER_cert(self.certificate.read_text())).hexdigest()


@dataclass
class Pki:
    """An authority in a folder of its own, with a revocation list."""

    folder: Path
    ca: Path = field(init=False)
    crl: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.ca, self.crl = self.folder / "ca.crt", self.folder / "ca.crl"
        self._configuration = self.folder / "openssl.cnf"
        self._configuration.write_text(CONFIGURATION.format(folder=self.folder))
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("1000\n")
        openssl(
            *("req", "-x509", "-config", self._configuration, "-newkey", "rsa:2048", "-nodes", "-days", "30"),
            *("-keyout", self.folder / "ca.key", "-out", self.ca, "-subj", f"/CN={self.folder.name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign,cRLSign"),
        )
        self._write_crl()

    def issue(self, name: str, alternative_names: str = "", *, until: str = "20490101000000Z") -> Issued:
        """A certificate for 2048 bits of RSA, valid from 2020; `alternative_names` as in "DNS:a,URI:b"."""
        issued = Issued(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request = self.folder / f"{name}.csr"
        extension = ("-addext", f"subjectAltName={alternative_names}") if alternative_names else ()
        openssl(
            *("req", "-new", "-config", self._configuration, "-newkey", "rsa:2048", "-nodes"),
            *("-keyout", issued.key, "-out", request, "-subj", f"/CN={name}", *extension),
        )
        self._authority("-in", request, "-out", issued.certificate, "-startdate", "20200101000000Z", "-enddate", until)
        issued.key.chmod(0o600)
        return issued

    def revoke(self, issued: Issued) -> None:
        """Puts a certificate on the revocation list."""
        self._authority("-revoke", issued.certificate)
        self._write_crl()

    def _write_crl(self) -> None:
        self._authority("-gencrl", "-out", self.crl)

    def _authority(self, *arguments: object) -> None:
        openssl("ca", "-batch", "-notext", "-config", self._configuration, *arguments)


def openssl(*arguments: object, stdin: bytes = b"") -> str:
    """Runs the command and returns what it printed. Fails when it fails."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def server_options(pki: Pki, server: Issued, *, with_crl: bool = True) -> TlsOptions:
    """A listener that admits who has a certificate of `pki`."""
    return TlsOptions(server.certificate, server.key, pki.ca, pki.crl if with_crl else None)


def client_context(pki: Pki, client: Issued | None = None) -> ssl.SSLContext:
    """A client that trusts `pki` and shows the certificate of `client`."""
    context = ssl.create_default_context(cafile=str(pki.ca))
    context.check_hostname = False
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return context


@dataclass
class TlsPeer(RawPeer):
    """A raw peer over TLS. The handshake is over when the context is entered."""

    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def __enter__(self) -> Self:
        super().__enter__()
        self.socket = self.context.wrap_socket(self.socket)
        return self

    def read(self, count: int) -> bytes | None:
        """As for any raw peer; a connection that ends without a word of TLS has ended too."""
        try:
            return super().read(count)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return None
