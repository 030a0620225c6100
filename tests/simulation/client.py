"""A peer's end of an association: scpd's own requestor half, over asyncio streams of the simulated network."""

import asyncio
from typing import NamedTuple

from scpd.dimse.command import CEchoRQ, CFindRQ, Command, CStoreRQ, Request, Response
from scpd.dimse.pdv import CommandReceived, DataSetPiece, MessageReader, encode_message
from scpd.server.requestor import Call, associate_request
from scpd.ul.connection import Connection, Role
from scpd.ul.events import (
    AssociateConfirmation,
    AssociateRejection,
    DataIndication,
    Event,
    ReleaseConfirmation,
    ReleaseIndication,
)
from scpd.ul.pdu import PresentationContextRQ
from tests.rawpeer import CT_IMAGE, DEFAULT_CONTEXTS, STUDY_ROOT_FIND, VERIFICATION

PATIENCE_SECONDS = 300.0
"""How long a peer waits for anything: far longer than the daemon may take for it."""

ECHO_CONTEXT, STORE_CONTEXT, FIND_CONTEXT = (context_id for context_id, _, _ in DEFAULT_CONTEXTS)
PENDING = frozenset({0xFF00, 0xFF01})


class Rejected(Exception):
    """The daemon rejected the association."""


class Lost(Exception):
    """The association ended otherwise than by our release."""


class Thing(NamedTuple):
    """An object to store."""

    instance: str
    data: bytes


class Client:
    """One association. Use `open`; every wait raises Lost when the association ends or nothing comes for too long."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.connection = Connection(Role.REQUESTOR)
        self._messages = MessageReader()
        self._events: list[Event] = []
        self._message_id = 0

    @classmethod
    async def open(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, title: str) -> "Client":
        """Negotiates the usual contexts. Raises Rejected, Lost."""
        client = cls(reader, writer)
        contexts = [PresentationContextRQ(*context) for context in DEFAULT_CONTEXTS]
        client.connection.associate(associate_request(Call("", 0, "SCPD", title), contexts), client._now)
        client.connection.transport_opened(client._now)
        match await client.next_event():
            case AssociateConfirmation():
                return client
            case AssociateRejection(reject):
                raise Rejected(reject.reason.name)
            case event:
                raise Lost(type(event).__name__)

    async def echo(self) -> int:
        """Verifies, and returns the status."""
        self.send(CEchoRQ(self._next_id(), VERIFICATION), ECHO_CONTEXT)
        return (await self.response()).status

    async def store(self, thing: Thing) -> int:
        """Stores, and returns the status."""
        self.send_store(thing)
        return (await self.response()).status

    async def find(self, identifier: bytes) -> list[int]:
        """Queries, and returns every status."""
        self.send_find(identifier)
        statuses = [(await self.response()).status]
        while statuses[-1] in PENDING:
            statuses.append((await self.response()).status)
        return statuses

    def send_store(self, thing: Thing) -> None:
        """Sends a C-STORE-RQ with its object."""
        self.send(CStoreRQ(self._next_id(), CT_IMAGE, thing.instance), STORE_CONTEXT, thing.data)

    def send_find(self, identifier: bytes) -> int:
        """Sends a C-FIND-RQ with its Identifier, and returns its Message ID."""
        message_id = self._next_id()
        self.send(CFindRQ(message_id, STUDY_ROOT_FIND), FIND_CONTEXT, identifier)
        return message_id

    def send(self, command: Command, context_id: int, data_set: bytes | None = None) -> None:
        """Sends a message. Raises Lost when the association has ended."""
        if not self.connection.can_send_data:
            raise Lost("over before it was sent")
        message = encode_message(command, context_id, data_set, self.connection.peer_maximum_length)
        self.connection.send_data(message, self._now)
        self._flush()

    async def response(self) -> Response:
        """The next response, read to the end of its data set."""
        command: Command | None = None
        while True:
            event = await self.next_event()
            if not isinstance(event, DataIndication):
                raise Lost(type(event).__name__)
            match self._messages.receive(event):
                case CommandReceived(_, command, has_data_set):
                    if not has_data_set:
                        break
                case DataSetPiece(_, _, is_last):
                    if is_last:
                        break
        assert isinstance(command, Response) and not isinstance(command, Request)
        return command

    async def release(self) -> None:
        """Releases, and waits for the end of it."""
        if not self.connection.can_send_data:
            raise Lost("over before it was released")
        self.connection.release(self._now)
        while not isinstance(event := await self.next_event(), ReleaseConfirmation):
            if not isinstance(event, DataIndication | ReleaseIndication):
                raise Lost(type(event).__name__)

    def abort(self) -> None:
        """Aborts."""
        if self.connection.can_abort:
            self.connection.abort(0, 0, self._now)
            self._flush()

    async def next_event(self) -> Event:
        """What the daemon says next."""
        while not self._events:
            self._flush()
            if self.connection.close_transport:
                raise Lost("closed")
            self._events += await self._receive()
        return self._events.pop(0)

    async def _receive(self) -> list[Event]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                data = await self.reader.read(65_536)
        except (TimeoutError, ConnectionError) as error:
            raise Lost(type(error).__name__) from None
        if not data:
            return self.connection.receive_eof(self._now)
        # A copy each: pieces may be looked at after the next read.
        return self.connection.receive_data(data, self._now)

    def _flush(self) -> None:
        data = self.connection.data_to_send()
        if data:
            self.writer.write(data)

    def _next_id(self) -> int:
        self._message_id += 1
        return self._message_id

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()
