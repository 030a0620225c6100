"""The response to a request: the right dataclass, addressed to the right Message ID, echoing what the request named.

A service that refuses needs no more than `respond`; one that has more to say adds it with `dataclasses.replace`.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

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


def respond(
    request: Request,
    status: int,
    *,
    error_comment: str | None = None,
    offending_elements: tuple[int, ...] = (),
) -> Response:
    """The response to `request` with `status`.

    SOP Class and Instance UID, Event Type ID and Action Type ID are those of the request: the (=) of PS3.7 9.1, 10.1.
    """
    response = RESPONSES[type(request)]
    return response(
        message_id_being_responded_to=request.message_id,
        status=status,
        error_comment=error_comment,
        offending_elements=offending_elements,
        **{name: getattr(request, source) for name, source in _ECHOES[type(request)]},
    )


def with_uids(response: Response, uids: Mapping[str, str]) -> Response:
    """`response` with other Affected UIDs, as far as it has any: see `uids_as_received`."""
    present: dict[str, Any] = {name: uid for name, uid in uids.items() if getattr(response, name, None)}
    return replace(response, **present)  # Any: mypy takes the keys of a dict for every parameter at once


RESPONSES: dict[type[Request], type[Response]] = {
    CStoreRQ: CStoreRSP,
    CFindRQ: CFindRSP,
    CGetRQ: CGetRSP,
    CMoveRQ: CMoveRSP,
    CEchoRQ: CEchoRSP,
    NEventReportRQ: NEventReportRSP,
    NGetRQ: NGetRSP,
    NSetRQ: NSetRSP,
    NActionRQ: NActionRSP,
    NCreateRQ: NCreateRSP,
    NDeleteRQ: NDeleteRSP,
}

_ECHOED = {"affected_sop_class_uid", "affected_sop_instance_uid", "event_type_id", "action_type_id"}


def _echoes(request: type[Request], response: type[Response]) -> list[tuple[str, str]]:
    """Which parameter of the response repeats which of the request; some N- requests say "requested"."""
    asked = {field.name for field in fields(request)}
    echoed = [field.name for field in fields(response) if field.name in _ECHOED]
    return [(name, name if name in asked else name.replace("affected", "requested")) for name in echoed]


_ECHOES = {request: _echoes(request, response) for request, response in RESPONSES.items()}
