"""Verification Service Class (PS3.4 Annex A): C-ECHO."""

from scpd.dimse.command import CEchoRQ, CEchoRSP
from scpd.dimse.status import Status
from scpd.services.exchange import Exchange


async def echo(request: CEchoRQ, exchange: Exchange) -> CEchoRSP:
    """Answers a C-ECHO-RQ with Success (PS3.7 9.1.5)."""
    return CEchoRSP(request.message_id, request.affected_sop_class_uid, Status.SUCCESS)
