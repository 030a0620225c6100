"""The words of the upper layer: what they take for granted and what they cannot say."""

from dataclasses import replace

import pytest

from scpd.ul.pdu import AssociateRJ, RejectReason, RejectResult, RejectSource
from tests.ul.samples import REQUEST


@pytest.mark.parametrize("raw", [b"STORE           ", b"           STORE", b" STORE  ".ljust(16)])
def test_a25_spaces_around_an_ae_title_are_not_significant(raw: bytes) -> None:
    request = replace(REQUEST, called_ae=raw, calling_ae=raw)
    assert request.called_ae_title == request.calling_ae_title == "STORE"
    assert request.called_ae == raw


def test_a24_a_blank_ae_title_is_empty() -> None:
    assert replace(REQUEST, called_ae=b" " * 16).called_ae_title == ""


def test_a26_whatever_else_stands_in_an_ae_title_stays_for_the_negotiation_to_judge() -> None:
    raw = b"A B\0\n\x1b\xe9../\\$(x);%"[:16]
    assert replace(REQUEST, calling_ae=raw).calling_ae_title == raw.decode("latin-1")


def test_reasons_to_reject_are_those_of_table_9_21() -> None:
    reasons = {(reason.source, reason.code) for reason in RejectReason}
    user, acse, presentation = RejectSource
    assert reasons == {*((user, n) for n in (1, 2, 3, 7)), (acse, 1), (acse, 2), (presentation, 1), (presentation, 2)}


def test_a_rejection_takes_its_source_from_its_reason() -> None:
    reject = AssociateRJ(RejectResult.TRANSIENT, RejectReason.TEMPORARY_CONGESTION)
    assert (reject.result, reject.reason.source, reject.reason.code) == (2, 3, 1)
