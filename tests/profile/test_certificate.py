"""How certificates are named, and which peer may call with which."""

from ipaddress import ip_network

import pytest

from scpd.profile.certificate import PeerCertificate, certificate_name
from scpd.profile.profile import Peer

HEX = "0123456789abcdef" * 4
COLONS = ":".join(HEX.upper()[at : at + 2] for at in range(0, 64, 2))
CERTIFICATE = PeerCertificate(HEX, ("dns:ct1.example", "uri:urn:x", "dns:ct1"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"sha256:{HEX}", f"sha256:{HEX}"),
        (f"SHA256:{COLONS}", f"sha256:{HEX}"),
        ("dns:CT1.Example", "dns:ct1.example"),
        ("URI:urn:UUID:1", "uri:urn:UUID:1"),
    ],
)
def test_a_name_has_one_spelling(text: str, name: str) -> None:
    assert certificate_name(text) == name
    assert certificate_name(name) == name


@pytest.mark.parametrize("text", ["", "CT1", "sha256:", f"sha256:{HEX[:-1]}", f"sha1:{HEX}", "dns:", "uri:", f"{HEX}"])
def test_anything_else_names_no_certificate(text: str) -> None:
    with pytest.raises(ValueError, match="neither sha256:"):
        certificate_name(text)


@pytest.mark.parametrize("declared", [f"sha256:{HEX}", "dns:ct1.example", "uri:urn:x"])
def test_a_peer_may_call_with_a_certificate_that_it_declares_by_any_of_its_names(declared: str) -> None:
    assert Peer("MR7", (), certificates=("dns:other", declared)).may_call_with(CERTIFICATE)


@pytest.mark.parametrize("declared", [f"sha256:{HEX[::-1]}", "dns:ct1.example.org", "uri:urn:X", "dns:CT1.example"])
def test_a_peer_that_declares_certificates_may_call_with_no_other(declared: str) -> None:
    assert not Peer("CT1", (), certificates=(declared,)).may_call_with(CERTIFICATE)


def test_without_a_declaration_a_dns_name_has_to_be_the_ae_title() -> None:
    assert Peer("CT1", ()).may_call_with(CERTIFICATE)
    assert Peer("Ct1", ()).may_call_with(CERTIFICATE)
    assert not Peer("CT1.EXAMPL", ()).may_call_with(CERTIFICATE)
    assert not Peer("urn:x", ()).may_call_with(CERTIFICATE)


def test_a_peer_that_declares_certificates_may_not_call_without_one() -> None:
    assert not Peer("CT1", (ip_network("10.0.0.0/8"),), certificates=("dns:ct1",)).may_call_with(None)
    assert Peer("CT1", (ip_network("10.0.0.0/8"),)).may_call_with(None)
