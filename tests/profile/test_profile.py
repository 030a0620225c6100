"""How declarations add up, overlay, and are looked up."""

from ipaddress import ip_address, ip_network

import pytest

from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import Offers, Peer, Profile, Role, Service, is_ae_title, read_address, undeclared_peer
from scpd.profile.uids import UnknownName
from tests.profile.requests import (
    BIG_ENDIAN,
    CT,
    EXPLICIT,
    IMPLICIT,
    JPEG_BASELINE,
    MR,
    PRIVATE,
    STUDY_ROOT_FIND,
    STUDY_ROOT_MOVE,
    VERIFICATION,
)

ANYWHERE = (ip_network("0.0.0.0/0"),)
STORAGE = ServiceName.STORAGE


def ranked(offers: Offers, uid: str) -> list[str]:
    offer = offers.of(uid)
    return [] if offer is None else sorted(offer.ranks, key=offer.ranks.__getitem__)


def test_without_services_everything_is_offered() -> None:
    offers = Profile().offers_to(undeclared_peer("CT1"))
    assert len(ranked(offers, CT)) >= 53
    assert ranked(offers, VERIFICATION) == ranked(offers, STUDY_ROOT_FIND) == [EXPLICIT, BIG_ENDIAN, IMPLICIT]
    assert offers.of(STUDY_ROOT_MOVE) is offers.of(PRIVATE) is None


def test_services_that_name_one_sop_class_add_up_the_first_ones_syntaxes_first() -> None:
    first = Service(STORAGE, ("ct", "mr"), (IMPLICIT, EXPLICIT))
    second = Service(STORAGE, ("ct",), (JPEG_BASELINE, EXPLICIT), frozenset({Role.SCU}))
    offers = Offers((first, second))
    assert ranked(offers, CT) == [IMPLICIT, EXPLICIT, JPEG_BASELINE]
    assert ranked(offers, MR) == [IMPLICIT, EXPLICIT]
    offer = offers.of(CT)
    assert offer is not None
    assert offer.roles == set(Role)


def test_a_service_repeated_changes_nothing() -> None:
    service = Service(STORAGE, ("ct",))
    assert ranked(Offers((service, service)), CT) == ranked(Offers((service,)), CT)


def test_a_prefix_covers_what_it_begins_and_adds_to_what_is_named() -> None:
    named = Service(STORAGE, (PRIVATE,), (IMPLICIT,))
    siemens = Service(STORAGE, ("1.3.12.2.1107.*",), (EXPLICIT,))
    offers = Offers((named, siemens))
    assert ranked(offers, PRIVATE) == [IMPLICIT, EXPLICIT]
    assert ranked(offers, "1.3.12.2.1107.5.9.2") == [EXPLICIT]
    assert offers.of("1.3.46.670589.11.0.0.12.1") is None


def test_a_prefix_never_covers_a_sop_class_that_is_known_not_to_be_stored() -> None:
    offers = Offers((Service(STORAGE, ("*",)),))
    assert offers.of(CT) is not None
    assert offers.of(PRIVATE) is not None
    assert offers.of(STUDY_ROOT_MOVE) is offers.of("1.2.840.10008.1.3.10") is None


def test_a_peer_may_have_services_of_its_own() -> None:
    peer = Peer("CT1", ANYWHERE, services=(Service(STORAGE, ("mr",)),))
    profile = Profile(peers=(peer,))
    assert profile.offers_to(peer).of(CT) is None
    assert profile.offers_to(peer).of(MR) is not None
    assert profile.offers_to(undeclared_peer("CT1")).of(CT) is not None


def test_a_peer_may_have_transfer_syntaxes_of_its_own_for_storage() -> None:
    peer = Peer("CT1", ANYWHERE, transfer_syntaxes=("implicit-vr-little-endian",))
    profile = Profile(peers=(peer,))
    assert ranked(profile.offers_to(peer), CT) == [IMPLICIT]
    assert ranked(profile.offers_to(peer), STUDY_ROOT_FIND) == [EXPLICIT, BIG_ENDIAN, IMPLICIT]


def test_peers_without_services_of_their_own_share_one_table() -> None:
    peers = tuple(Peer(f"CT{number}", ANYWHERE) for number in range(100))
    profile = Profile(peers=peers)
    assert len({id(profile.offers_to(peer)) for peer in peers}) == 1


def test_a_misspelled_declaration_makes_no_profile() -> None:
    with pytest.raises(UnknownName):
        Profile(services=(Service(STORAGE, ("ctt",)),))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::1", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_addresses_are_read_as_sockets_give_them(text: str, address: str) -> None:
    assert read_address(text) == ip_address(address)


def test_what_is_no_address_is_nowhere() -> None:
    assert read_address("/run/scpd.sock") is None
    assert not undeclared_peer("CT1").may_call_from(read_address(""))


@pytest.mark.parametrize("title", ["SCPD", "a b", "X" * 16, "/../.$;%", "scpd"])
def test_printable_ascii_makes_an_ae_title(title: str) -> None:
    assert is_ae_title(title)


@pytest.mark.parametrize("title", ["", " ", " A", "A ", "X" * 17, "A\\B", "A\nB", "A\x00", "A\x7f", "Ä"])
def test_anything_else_makes_none(title: str) -> None:
    assert not is_ae_title(title)
