"""Who may associate: one test a line of the wire list, named by its ID, and the rules about addresses."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from scpd.profile.certificate import PeerCertificate
from scpd.profile.profile import Peer, Profile
from scpd.ul.pdu import (
    AssociateRJ,
    AssociateRQ,
    PresentationContextRQ,
    RejectReason,
    RejectResult,
    UserIdentityRQ,
    UserIdentityType,
    UserInformation,
)
from tests.profile.requests import (
    ECHO,
    IMPLICIT,
    LOOPBACK,
    VERIFICATION,
    accepted,
    informed,
    padded,
    reason,
    rejected,
    request,
)

CT_SCANNER = Peer("CT1", (ip_network("10.1.0.0/16"), ip_network("2001:db8::/64")))
WITH_PEERS = Profile(ae_titles=("SCPD", "ARCHIVE"), peers=(CT_SCANNER,))

CALLED, CALLING = RejectReason.CALLED_AE_TITLE_NOT_RECOGNIZED, RejectReason.CALLING_AE_TITLE_NOT_RECOGNIZED
APPLICATION_CONTEXT = RejectReason.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
NO_REASON = RejectReason.NO_REASON


def test_a_rejection_is_permanent_and_explained() -> None:
    answer = rejected(request(called="NOBODY"))
    assert answer.reject == AssociateRJ(RejectResult.PERMANENT, CALLED)
    assert "association refused: called AE title not recognized" in str(answer.explanation)


def test_A17_the_protocol_version_is_not_tested_here() -> None:
    assert accepted(replace(request(), protocol_version=0xFFFF)).contexts


@pytest.mark.parametrize("names", [("1.2.3",), (), ("1.2.840.10008.3.1.1.1",) * 2, ("1.2.840.10008.3.1.1.1", "1.2.3")])
def test_A20_A21_any_but_one_dicom_application_context_is_rejected(names: tuple[str, ...]) -> None:
    assert reason(replace(request(), application_contexts=names)) is APPLICATION_CONTEXT


def test_A22_an_unknown_called_ae_title_is_rejected() -> None:
    assert reason(request(called="OTHER")) is CALLED


def test_any_of_our_ae_titles_may_be_called() -> None:
    assert accepted(request(called="ARCHIVE"), WITH_PEERS, "10.1.2.3").peer is CT_SCANNER


def test_A23_an_unknown_calling_ae_title_is_rejected_when_peers_are_declared() -> None:
    assert reason(request(calling="MR1"), WITH_PEERS, "10.1.2.3") is CALLING
    assert reason(request(calling="MR1"), WITH_PEERS, LOOPBACK) is CALLING


def test_A24_blank_ae_titles_are_rejected() -> None:
    assert reason(replace(request(), called_ae=bytes(b" " * 16))) is CALLED
    assert reason(replace(request(), calling_ae=bytes(b" " * 16))) is CALLING


def test_A25_spaces_around_an_ae_title_are_not_significant() -> None:
    spaced = replace(request(), called_ae=padded("  SCPD"), calling_ae=padded(" CT1"))
    assert accepted(spaced, WITH_PEERS, "10.1.2.3").peer is CT_SCANNER


ILLEGAL = ["A\x00B", "A\nB", "A\x1b[31m", "\xc4\xd6", "..\\..", "CT1\x00", "\tCT1"]


@pytest.mark.parametrize("title", ILLEGAL)
def test_A26_illegal_characters_in_an_ae_title_are_rejected(title: str) -> None:
    assert reason(replace(request(), called_ae=padded(title))) is CALLED
    assert reason(replace(request(), calling_ae=padded(title))) is CALLING


@pytest.mark.parametrize("title", ["../", "$(x)", ";", "%n", '"', "'", "[[peer]]"])
def test_A26_every_other_character_of_iso_646_is_legal(title: str) -> None:
    assert accepted(request(calling=title)).peer.ae_title == title


def test_A27_ae_titles_are_compared_with_their_case() -> None:
    assert reason(request(called="scpd")) is CALLED
    assert reason(request(calling="ct1"), WITH_PEERS, "10.1.2.3") is CALLING


@pytest.mark.parametrize("address", ["10.2.0.1", "2001:db8:1::1", LOOPBACK, "", "/run/socket"])
def test_A28_an_address_that_the_peer_may_not_call_from_is_rejected(address: str) -> None:
    assert reason(request(), WITH_PEERS, address) is NO_REASON


@pytest.mark.parametrize("address", ["10.1.255.255", "::ffff:10.1.0.0", "2001:db8::ffff"])
def test_a_peer_may_call_from_any_of_its_networks(address: str) -> None:
    assert accepted(request(), WITH_PEERS, address).peer is CT_SCANNER


@pytest.mark.parametrize("address", [LOOPBACK, "127.255.0.9", "::1", "::ffff:127.0.0.1"])
def test_without_peers_any_ae_may_call_from_loopback(address: str) -> None:
    assert accepted(request(calling="ANYBODY"), address=address).peer.ae_title == "ANYBODY"


@pytest.mark.parametrize("address", ["10.1.2.3", "::2", "::ffff:10.0.0.1", "128.0.0.1", "0.0.0.0", "nonsense"])
def test_A28_without_peers_nobody_may_call_from_elsewhere(address: str) -> None:
    assert reason(request(), address=address) is NO_REASON


def test_a_peer_may_be_held_to_some_of_our_ae_titles() -> None:
    profile = replace(WITH_PEERS, peers=(replace(CT_SCANNER, called_ae_titles=("ARCHIVE",)),))
    assert reason(request(called="SCPD"), profile, "10.1.2.3") is CALLED
    assert accepted(request(called="ARCHIVE"), profile, "10.1.2.3").contexts


def test_of_several_peers_that_fit_the_last_one_counts() -> None:
    elsewhere = Peer("CT1", (ip_network("10.2.0.0/16"),))
    again = Peer("CT1", (ip_network("10.1.2.3/32"),))
    titled = Peer("CT1", (ip_network("10.1.2.3/32"),), called_ae_titles=("ARCHIVE",))
    profile = replace(WITH_PEERS, peers=(CT_SCANNER, elsewhere, again, titled))
    assert accepted(request(), profile, "10.1.2.3").peer is again
    assert accepted(request(called="ARCHIVE"), profile, "10.1.2.3").peer is titled
    assert accepted(request(), profile, "10.1.2.4").peer is CT_SCANNER
    assert accepted(request(), profile, "10.2.2.3").peer is elsewhere


def test_A33_a_request_without_presentation_contexts_is_rejected() -> None:
    assert reason(replace(request(), presentation_contexts=())) is NO_REASON


def test_A36_more_contexts_than_the_limit_are_rejected() -> None:
    two = (ECHO, PresentationContextRQ(3, VERIFICATION, (IMPLICIT,)))
    assert reason(request(*two), Profile(contexts_max=1)) is NO_REASON
    assert accepted(request(*two), Profile(contexts_max=2)).contexts.keys() == {1, 3}


@pytest.mark.parametrize("length_bytes", range(1, 8))
def test_A46_a_maximum_length_that_holds_no_data_is_rejected(length_bytes: int) -> None:
    assert reason(informed(UserInformation(maximum_length=length_bytes))) is NO_REASON


@pytest.mark.parametrize("length_bytes", [0, 8, 9, 11, 12, 2**32 - 1])
def test_A45_A46_A47_any_other_maximum_length_is_accepted(length_bytes: int) -> None:
    assert accepted(informed(UserInformation(maximum_length=length_bytes))).remarks == ()


def test_A43_a_missing_maximum_length_is_tolerated_and_remarked() -> None:
    [remark] = accepted(informed(UserInformation())).remarks
    assert "no Maximum Length" in remark


def test_the_first_fault_in_the_order_of_the_request_decides() -> None:
    nobody = request(called="OTHER", calling="OTHER")
    assert reason(replace(nobody, application_contexts=()), WITH_PEERS) is APPLICATION_CONTEXT
    assert reason(nobody, WITH_PEERS) is CALLED
    assert reason(request(calling="OTHER"), WITH_PEERS) is CALLING


OF_CT1 = PeerCertificate("a" * 64, ("dns:ct1",))
OF_MR1 = PeerCertificate("b" * 64, ("dns:mr1",))


def test_a_certificate_has_to_be_bound_to_the_calling_ae_title() -> None:
    assert accepted(request(), WITH_PEERS, "10.1.2.3", OF_CT1).peer is CT_SCANNER
    refusal = rejected(request(), WITH_PEERS, "10.1.2.3", OF_MR1)
    assert refusal.reject == AssociateRJ(RejectResult.PERMANENT, CALLING)
    assert refusal.explanation.proposed == f"sha256:{'b' * 64}, 'dns:mr1'"
    assert refusal.explanation.allowed == "a dNSName 'CT1'"


def test_a_peer_that_declares_certificates_has_to_call_with_one_of_them() -> None:
    declared = replace(WITH_PEERS, peers=(replace(CT_SCANNER, certificates=(OF_MR1.fingerprint,)),))
    assert accepted(request(), declared, "10.1.2.3", OF_MR1).contexts
    for certificate in (None, OF_CT1):
        refusal = rejected(request(), declared, "10.1.2.3", certificate)
        assert refusal.reject.reason is CALLING
        assert refusal.explanation.allowed == OF_MR1.fingerprint


def test_of_several_peers_that_fit_only_the_last_ones_certificates_count() -> None:
    strict = replace(CT_SCANNER, certificates=(OF_MR1.fingerprint,))
    profile = replace(WITH_PEERS, peers=(CT_SCANNER, strict))
    assert reason(request(), profile, "10.1.2.3") is CALLING


def test_without_peers_a_certificate_is_bound_to_no_title() -> None:
    assert accepted(request(calling="ANYBODY"), certificate=OF_CT1).contexts
    refusal = rejected(request(calling="ANYBODY"), address="10.1.2.3", certificate=OF_CT1)
    assert refusal.reject.reason is NO_REASON


def identified() -> AssociateRQ:
    return informed(
        UserInformation(maximum_length=0, user_identity=UserIdentityRQ(UserIdentityType.USERNAME, False, b"u"))
    )


def test_A55_a_user_identity_has_to_be_given_where_one_is_required() -> None:
    of_everybody = replace(WITH_PEERS, identity_required=True)
    of_one_peer = replace(WITH_PEERS, peers=(replace(CT_SCANNER, identity_required=True),))
    for profile in (of_everybody, of_one_peer):
        refusal = rejected(request(), profile, "10.1.2.3")
        assert refusal.reject == AssociateRJ(RejectResult.PERMANENT, RejectReason.ACSE_NO_REASON)
        assert refusal.explanation.toml == ""
        assert accepted(identified(), profile, "10.1.2.3").contexts
