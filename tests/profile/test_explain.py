"""Explanations: what they say, and that pasting their TOML does what they promise."""

import re
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from scpd.config import load
from scpd.profile import explain
from scpd.profile.certificate import PeerCertificate
from scpd.profile.explain import Explanation
from scpd.profile.negotiation import Accepted, Rejected, negotiate
from scpd.profile.profile import Peer, Profile
from scpd.ul.pdu import AssociateRQ, PresentationContextRQ, RoleSelection, UserInformation
from tests.profile.requests import (
    CT,
    DEFLATED,
    ECHO,
    EXPLICIT,
    IMPLICIT,
    JPEG_BASELINE,
    LOOPBACK,
    MR,
    PRIVATE,
    STUDY_ROOT_FIND,
    STUDY_ROOT_MOVE,
    VERIFICATION,
    XML,
    accepted,
    informed,
    rejected,
    request,
)

ELSEWHERE = "10.1.2.3"


def configured(directory: Path, *files: str) -> Profile:
    """The profile of a system directory with these files in conf.d."""
    conf_d = directory / "conf.d"
    conf_d.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(files):
        (conf_d / f"{number}.toml").write_text(text)
    return load(environ={}, system_directory=directory).profile()


def explanations(answer: Accepted | Rejected) -> tuple[Explanation, ...]:
    """Why something was refused: one for each refused context, or the one of the rejection."""
    return answer.refused if isinstance(answer, Accepted) else (answer.explanation,)


def context(uid: str, *syntaxes: str) -> PresentationContextRQ:
    return PresentationContextRQ(1, uid, syntaxes or (IMPLICIT,))


PEER = '[[peer]]\nae_title = "CT1"\naddresses = ["10.1.0.0/16"]\n'
ONLY_CT = '[[service]]\nname = "storage"\nsop_classes = ["ct"]\ntransfer_syntaxes = ["implicit-vr-little-endian"]\n'
PREFIX = (
    '[[service]]\nname = "storage"\nsop_classes = ["1.3.12.*"]\ntransfer_syntaxes = ["implicit-vr-little-endian"]\n'
)
LIKE_TOML = 'x"] [[peer]] #'

CURABLE = {
    "A22 called AE title": ("", request(called="OTHER"), LOOPBACK),
    "A22 called AE title with quotes": ("", request(called='"];$(x)'), LOOPBACK),
    "A23 calling AE title": (PEER, request(calling="MR1"), ELSEWHERE),
    "A23 calling AE title that looks like TOML": (PEER, request(calling=LIKE_TOML), ELSEWHERE),
    "A27 called AE title in another case": ("", request(called="scpd"), LOOPBACK),
    "A27 calling AE title in another case": (PEER, request(calling="ct1"), ELSEWHERE),
    "blank calling AE title": (PEER, request(calling=""), ELSEWHERE),
    "illegal calling AE title": (PEER, request(calling="CT\\1"), ELSEWHERE),
    "A28 address, no peers": ("", request(), ELSEWHERE),
    "A28 address, IPv6": ("", request(), "2001:db8::1"),
    "A28 address, mapped": ("", request(), "::ffff:10.1.2.3"),
    "A28 address of a peer": (PEER, request(), "10.2.0.1"),
    "A28 address of a peer held to a title": (PEER + 'called_ae_titles = ["ARCHIVE"]\n', request(), "10.2.0.1"),
    "title of a peer": (PEER + 'called_ae_titles = ["ARCHIVE"]\n', request(), ELSEWHERE),
    "A37 private SOP class": ("", request(context(PRIVATE)), LOOPBACK),
    "A37 SOP class not declared": (ONLY_CT, request(context(MR)), LOOPBACK),
    "A37 find not declared": (ONLY_CT, request(context(STUDY_ROOT_FIND)), LOOPBACK),
    "A37 verification not declared": (ONLY_CT, request(context(VERIFICATION)), LOOPBACK),
    "A37 not among the peer's own": (
        PEER + ONLY_CT.replace("[service", "[peer.service"),
        request(context(MR)),
        ELSEWHERE,
    ),
    "A38 transfer syntax": (ONLY_CT, request(context(CT, EXPLICIT)), LOOPBACK),
    "A38 transfer syntax under a prefix": (PREFIX, request(context(PRIVATE, EXPLICIT)), LOOPBACK),
    "A38 private transfer syntax": ("", request(context(CT, XML, "1.2.3.4")), LOOPBACK),
    "A38 not among the peer's own": (
        PEER + 'transfer_syntaxes = ["uncompressed"]\n',
        request(context(CT, JPEG_BASELINE)),
        ELSEWHERE,
    ),
    "role": (
        '[[service]]\nname = "storage"\nroles = ["scu"]\n',
        request(context(CT), roles=(RoleSelection(CT, True, False),)),
        LOOPBACK,
    ),
}


@pytest.mark.parametrize(("before", "asked", "address"), CURABLE.values(), ids=CURABLE)
def test_pasting_the_toml_lifts_the_refusal_and_changes_nothing_else(
    before: str, asked: AssociateRQ, address: str, tmp_path: Path
) -> None:
    profile = configured(tmp_path, before)
    refusal = negotiate(asked, profile, address)
    [explanation] = explanations(refusal)
    profile_after = configured(tmp_path, before, explanation.toml)
    answer = accepted(asked, profile_after, address)
    assert not answer.refused
    assert answer.contexts
    peer_before = refusal.peer if isinstance(refusal, Accepted) else answer.peer
    for uid in (CT, VERIFICATION, STUDY_ROOT_FIND):
        if profile.offers_to(peer_before).of(uid) is not None:
            assert profile_after.offers_to(answer.peer).of(uid) is not None


CERTIFICATE = PeerCertificate("c" * 64, ("dns:ct9.example",))


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        (PEER, request(calling="MR1")),
        (PEER, request()),
        (PEER + 'certificates = ["dns:ct1.example"]\n', request()),
    ],
    ids=["unknown peer", "certificate of somebody else", "certificate not among the declared"],
)
def test_pasting_the_toml_binds_the_certificate(before: str, asked: AssociateRQ, tmp_path: Path) -> None:
    refusal = rejected(asked, configured(tmp_path, before), ELSEWHERE, CERTIFICATE)
    assert CERTIFICATE.fingerprint in refusal.explanation.toml
    after = configured(tmp_path, before, refusal.explanation.toml)
    assert accepted(asked, after, ELSEWHERE, CERTIFICATE).contexts


def test_certificates_that_were_declared_stay_bound_beside_the_new_one(tmp_path: Path) -> None:
    before = PEER + 'certificates = ["dns:ct1.example"]\n'
    refusal = rejected(request(), configured(tmp_path, before), ELSEWHERE, CERTIFICATE)
    after = configured(tmp_path, before, refusal.explanation.toml)
    former = PeerCertificate("d" * 64, ("dns:ct1.example",))
    assert accepted(request(), after, ELSEWHERE, former).contexts


def test_a_certificate_that_names_an_unknown_peer_need_not_be_declared() -> None:
    profile = Profile(peers=(Peer("CT1", (ip_network("10.1.0.0/16"),)),))
    of_mr1 = PeerCertificate("e" * 64, ("dns:mr1",))
    assert "certificates" not in rejected(request(calling="MR1"), profile, ELSEWHERE, of_mr1).explanation.toml


def test_calling_without_tls_is_not_made_possible_by_toml(tmp_path: Path) -> None:
    profile = configured(tmp_path, PEER + 'certificates = ["dns:ct1.example"]\n')
    explanation = rejected(request(), profile, ELSEWHERE).explanation
    assert (explanation.reason, explanation.toml) == ("peer must call over TLS with its certificate", "")


def test_adding_a_transfer_syntax_for_one_peer_keeps_those_it_had(tmp_path: Path) -> None:
    before = PEER + 'transfer_syntaxes = ["implicit-vr-little-endian"]\n'
    asked = request(context(CT, EXPLICIT))
    [explanation] = accepted(asked, configured(tmp_path, before), ELSEWHERE).refused
    after = configured(tmp_path, before, explanation.toml)
    assert accepted(request(context(CT, IMPLICIT)), after, ELSEWHERE).contexts


def test_a_find_syntax_is_never_cured_by_the_peers_storage_syntaxes() -> None:
    explanation = accepted(request(context(STUDY_ROOT_FIND, DEFLATED))).refused[0]
    assert explanation.reason == "no transfer syntax supported"
    assert explanation.toml == ""


def test_a_verification_syntax_of_a_peer_with_storage_syntaxes_is_added_as_a_service(tmp_path: Path) -> None:
    before = (
        '[[service]]\nname = "verification"\ntransfer_syntaxes = ["explicit-vr-little-endian"]\n'
        + PEER
        + 'transfer_syntaxes = ["lossless"]\n'
    )
    [explanation] = accepted(request(ECHO), configured(tmp_path, before), ELSEWHERE).refused
    assert accepted(request(ECHO), configured(tmp_path, before, explanation.toml), ELSEWHERE).contexts


@pytest.mark.parametrize(
    "asked",
    [
        request(called="A\x1bB"),
        request(called=""),
        request(context(STUDY_ROOT_MOVE)),
        request(context("no uid at all")),
        request(context(CT, XML, "garbage")),
        request(PresentationContextRQ(2, CT, (IMPLICIT,))),
        replace(request(), application_contexts=()),
        replace(request(), presentation_contexts=()),
        informed(UserInformation(maximum_length=1)),
    ],
)
def test_what_no_configuration_could_allow_gets_no_toml(asked: AssociateRQ) -> None:
    [explanation] = explanations(negotiate(asked, Profile(), LOOPBACK))
    assert explanation.toml == ""
    assert "to allow it" not in str(explanation)


def test_an_unreadable_address_gets_no_toml(tmp_path: Path) -> None:
    assert rejected(request(), address="nowhere").explanation.toml == ""
    assert rejected(request(calling="MR1"), configured(tmp_path, PEER), "nowhere").explanation.toml == ""


def test_an_explanation_says_what_was_proposed_what_is_allowed_and_what_to_paste() -> None:
    assert str(rejected(request(called="OTHER")).explanation) == (
        "association refused: called AE title not recognized; proposed: 'OTHER'; allowed: 'SCPD'; to allow it:\n"
        '[ae]\ntitles = ["SCPD", "OTHER"]'
    )
    [explanation] = accepted(request(context(STUDY_ROOT_MOVE))).refused
    assert str(explanation) == (
        "presentation context 1 refused: abstract syntax not supported; proposed: 1.2.840.10008.5.1.4.1.2.2.2 "
        "(Study Root Query/Retrieve Information Model - MOVE); allowed: services: find, storage, verification"
    )


def test_hostile_text_is_escaped_and_cut_short() -> None:
    explanation = rejected(request(called="\x1b[2J\n\xff")).explanation
    assert explanation.proposed == r"'\x1b[2J\n\xff'"
    [refused] = accepted(request(context("\r" * 65535))).refused
    assert refused.proposed == "'" + r"\r" * 64 + "...'"


def test_long_lists_are_cut_short() -> None:
    [refused] = accepted(request(context(CT, *(f"x{number}" for number in range(100))))).refused
    assert "'x7' and 92 more" in refused.proposed
    assert re.search(r"\(JPEG[^)]*\).* and \d+ more$", refused.allowed)


def test_a_limit_is_named_and_the_toml_raises_it(tmp_path: Path) -> None:
    explanation = explain.limit("associations_max", 200)
    assert (explanation.reason, explanation.allowed) == ("limits.associations_max is reached", "200")
    configured(tmp_path, explanation.toml)
    assert explanation.toml == "[limits]\nassociations_max = 400"


def test_the_limit_of_a_peer_is_raised_for_the_address_it_called_from(tmp_path: Path) -> None:
    profile = configured(tmp_path, PEER + "associations_max = 3\nbytes_in_flight_max = 4\n")
    explanation = explain.peer_limit(profile.peers[-1], ip_address(ELSEWHERE))
    assert explanation.reason == "associations_max of the peer is reached"
    [*_, raised] = configured(tmp_path, PEER, explanation.toml).peers
    assert (raised.associations_max, raised.bytes_in_flight_max) == (6, 4)
    assert raised.addresses == (ip_network(ELSEWHERE),)
