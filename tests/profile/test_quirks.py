"""Quirks that change who may associate: each lets in a peer that is turned away without it, and nobody else."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from scpd.profile.profile import Peer, Profile
from scpd.profile.quirks import Quirk
from scpd.ul.pdu import PresentationContextRQ, RejectReason
from tests.profile.requests import EXPLICIT, PRIVATE, accepted, reason, rejected, request

HERE, ELSEWHERE = "10.1.2.3", "10.9.9.9"
CALLED, CALLING = RejectReason.CALLED_AE_TITLE_NOT_RECOGNIZED, RejectReason.CALLING_AE_TITLE_NOT_RECOGNIZED
CT_SCANNER = Peer("CT1", (ip_network("10.1.0.0/16"),), called_ae_titles=("Archive",))
OTHER = Peer("MR1", (ip_network("10.1.0.0/16"),))
STRICT = Profile(ae_titles=("SCPD", "Archive"), peers=(CT_SCANNER, OTHER))


def with_quirk(quirk: Quirk) -> Profile:
    return replace(STRICT, peers=(replace(CT_SCANNER, quirks=frozenset({quirk})), OTHER))


@pytest.mark.parametrize("title", ["", "\0\0", "CT\\1", "CT\x071", "\xff\xfe"])
def test_a_blank_or_illegal_calling_ae_title_is_told_by_its_address(title: str) -> None:
    asked = request(calling=title, called="Archive")
    assert reason(asked, STRICT, HERE) is CALLING
    lenient = with_quirk(Quirk.BLANK_CALLING_AE_TITLE)
    assert accepted(asked, lenient, HERE).peer == lenient.peers[0]
    assert reason(asked, lenient, ELSEWHERE) is CALLING


def test_a_named_peer_is_not_told_by_its_address() -> None:
    asked = request(calling="XX", called="Archive")
    assert reason(asked, with_quirk(Quirk.BLANK_CALLING_AE_TITLE), HERE) is CALLING


def test_A27_the_case_of_both_titles_is_ignored_for_one_peer() -> None:
    asked = request(calling="ct1", called="ARCHIVE")
    assert reason(asked, STRICT, HERE) is CALLED
    assert reason(replace(asked, called_ae=request(called="Archive").called_ae), STRICT, HERE) is CALLING
    answer = accepted(asked, with_quirk(Quirk.AE_CASE_INSENSITIVE), HERE)
    assert answer.peer.ae_title == "CT1"
    assert (answer.accept.called_ae, answer.accept.calling_ae) == (asked.called_ae, asked.calling_ae)
    assert reason(request(calling="mr1"), with_quirk(Quirk.AE_CASE_INSENSITIVE), HERE) is CALLING
    assert reason(request(calling="CT1", called="OTHER"), with_quirk(Quirk.AE_CASE_INSENSITIVE), HERE) is CALLED


def test_A27_the_case_of_all_titles_is_ignored_when_it_is_configured() -> None:
    anybody = replace(STRICT, ae_case_sensitive=False)
    assert accepted(request(calling="mr1", called="scpd"), anybody, HERE).peer == OTHER
    assert accepted(request(called="scpd"), Profile(ae_case_sensitive=False)).contexts


def test_A28_unknown_callers_are_closed_on_when_it_is_configured() -> None:
    silent = replace(STRICT, unknown_are_closed=True)
    assert rejected(request(calling="MR1", called="SCPD"), silent, ELSEWHERE).silently
    assert rejected(request(calling="XX", called="SCPD"), silent, HERE).silently
    assert rejected(request(calling="XX", called="GUESS"), silent, HERE).silently
    assert not rejected(request(calling="MR1", called="GUESS"), silent, HERE).silently
    assert not rejected(request(calling="XX", called="SCPD"), STRICT, HERE).silently


def test_A41_a_request_without_an_acceptable_context_is_rejected_for_one_peer() -> None:
    contexts = (PresentationContextRQ(1, PRIVATE, (EXPLICIT,)), PresentationContextRQ(3, "1.2.9", (EXPLICIT,)))
    asked = request(*contexts, called="Archive")
    assert not accepted(asked, STRICT, HERE).contexts
    lenient = with_quirk(Quirk.REJECT_WITHOUT_CONTEXTS)
    answer = rejected(asked, lenient, HERE)
    assert answer.reject.reason is RejectReason.NO_REASON
    assert answer.explanation.reason == "no presentation context left: abstract syntax not supported"
    assert answer.explanation.toml
    assert answer.explanation.context_id is None
    assert accepted(request(called="Archive"), lenient, HERE).contexts
