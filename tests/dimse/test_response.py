"""Every request gets its response, and the response repeats what the request named."""

import pytest

from scpd.dimse.command import (
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CFindRSP,
    CGetRQ,
    CGetRSP,
    CMoveRQ,
    CMoveRSP,
    CStoreRQ,
    CStoreRSP,
    NActionRQ,
    NActionRSP,
    NCreateRQ,
    NCreateRSP,
    NDeleteRQ,
    NDeleteRSP,
    NEventReportRQ,
    NEventReportRSP,
    NGetRQ,
    NGetRSP,
    NSetRQ,
    NSetRSP,
    Request,
    Response,
)
from scpd.dimse.response import respond, with_uids

ANSWERS: list[tuple[Request, Response]] = [
    (CStoreRQ(7, "1.2", "1.3", 1, "ARCHIVE", 9), CStoreRSP(7, "1.2", "1.3", 0x0000)),
    (CFindRQ(7, "1.2"), CFindRSP(7, "1.2", 0x0000)),
    (CGetRQ(7, "1.2"), CGetRSP(7, "1.2", 0x0000)),
    (CMoveRQ(7, "1.2", "ARCHIVE"), CMoveRSP(7, "1.2", 0x0000)),
    (CEchoRQ(7, "1.2"), CEchoRSP(7, "1.2", 0x0000)),
    (NEventReportRQ(7, "1.2", "1.3", 2), NEventReportRSP(7, "1.2", "1.3", 0x0000, 2)),
    (NGetRQ(7, "1.2", "1.3", (0x00100020,)), NGetRSP(7, "1.2", "1.3", 0x0000)),
    (NSetRQ(7, "1.2", "1.3"), NSetRSP(7, "1.2", "1.3", 0x0000)),
    (NActionRQ(7, "1.2", "1.3", 4), NActionRSP(7, "1.2", "1.3", 0x0000, 4)),
    (NCreateRQ(7, "1.2", "1.3"), NCreateRSP(7, "1.2", 0x0000, "1.3")),
    (NCreateRQ(7, "1.2"), NCreateRSP(7, "1.2", 0x0000)),
    (NDeleteRQ(7, "1.2", "1.3"), NDeleteRSP(7, "1.2", "1.3", 0x0000)),
]


@pytest.mark.parametrize(("request_", "response"), ANSWERS, ids=lambda command: type(command).__name__)
def test_a_response_repeats_what_its_request_named(request_: Request, response: Response) -> None:
    """T23: the Message ID and the Affected UIDs (PS3.7 9.1, 10.1)."""
    assert respond(request_, 0x0000) == response


def test_every_request_has_been_asked() -> None:
    assert {type(request) for request, _ in ANSWERS} == set(Request.__args__)


@pytest.mark.parametrize("request_", [request for request, _ in ANSWERS], ids=lambda command: type(command).__name__)
def test_a_failure_carries_its_comment_and_the_elements_at_fault(request_: Request) -> None:
    response = respond(request_, 0xA900, error_comment="mismatch", offending_elements=(0x00080018,))
    assert (response.status, response.error_comment, response.offending_elements) == (0xA900, "mismatch", (0x00080018,))


def test_the_uids_of_a_response_can_be_written_as_they_were_received() -> None:
    uids = {"affected_sop_class_uid": "1.2 ", "affected_sop_instance_uid": "1.3 "}
    assert with_uids(CStoreRSP(7, "1.2", "1.3", 0x0000), uids) == CStoreRSP(7, "1.2 ", "1.3 ", 0x0000)
    assert with_uids(CEchoRSP(7, "1.2", 0x0000), uids) == CEchoRSP(7, "1.2 ", 0x0000)
