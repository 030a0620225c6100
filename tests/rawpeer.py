"""A peer made of bytes: PDUs and commands are packed by hand here, so that a mistake of scpd's codec cannot hide.

Blocking sockets, one timeout for everything, no state machine: a test says what it sends and reads what comes back.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self, TypeAlias

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"

A_ASSOCIATE_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, P_DATA_TF, A_RELEASE_RQ, A_RELEASE_RP, A_ABORT = range(1, 8)

DEFAULT_CONTEXTS = (
    (1, VERIFICATION, (IMPLICIT_LE,)),
    (3, CT_IMAGE, (EXPLICIT_LE,)),
    (5, STUDY_ROOT_FIND, (IMPLICIT_LE,)),
)


class Pdu(NamedTuple):
    """A received PDU: its type and its variable field."""

    type: int
    body: bytes


class Message(NamedTuple):
    """A received message: its command elements by number, and its data set."""

    context_id: int
    command: dict[int, bytes]
    data_set: bytes | None

    def number(self, element: int) -> int:
        """An element of VR US."""
        return int(struct.unpack("<H", self.command[element])[0])

    def text(self, element: int) -> str:
        """An element of text, without padding."""
        return self.command[element].decode("ascii").rstrip("\0 ")

    @property
    def status(self) -> int:
        """Status (0000,0900)."""
        return self.number(0x0900)


def pdu(kind: int, body: bytes, *, length: int | None = None, reserved: int = 0) -> bytes:
    """A PDU; `length` may lie."""
    return struct.pack(">BBI", kind, reserved, len(body) if length is None else length) + body


def item(kind: int, body: bytes, *, length: int | None = None, reserved: int = 0) -> bytes:
    """An item or sub-item; `length` may lie."""
    return struct.pack(">BBH", kind, reserved, len(body) if length is None else length) + body


def maximum_length(value: int) -> bytes:
    """Maximum Length sub-item (PS3.8 D.1)."""
    return item(0x51, struct.pack(">I", value))


def context(context_id: int, abstract: str, transfer: Iterable[str], *, reserved: int = 0) -> bytes:
    """A proposed presentation context."""
    syntaxes = b"".join(item(0x40, uid.encode()) for uid in transfer)
    return item(0x20, bytes([context_id, reserved, reserved, reserved]) + item(0x30, abstract.encode()) + syntaxes)


@dataclass
class Proposal:
    """An A-ASSOCIATE-RQ to be, each part replaceable by any bytes."""

    called: bytes = b"SCPD"
    calling: bytes = b"RAWPEER"
    version: int = 1
    reserved: bytes = bytes(32)
    application_context: bytes = item(0x10, APPLICATION_CONTEXT.encode())
    contexts: Sequence[tuple[int, str, Sequence[str]]] = DEFAULT_CONTEXTS
    context_items: bytes | None = None
    user_items: bytes = maximum_length(16384) + item(0x52, b"1.2.3.4")
    user_information: bytes | None = None

    def encode(self) -> bytes:
        """The PDU."""
        contexts = self.context_items
        if contexts is None:
            contexts = b"".join(context(*each) for each in self.contexts)
        user = item(0x50, self.user_items) if self.user_information is None else self.user_information
        fixed = struct.pack(
            ">HH16s16s32s", self.version, 0, self.called.ljust(16), self.calling.ljust(16), self.reserved
        )
        return pdu(A_ASSOCIATE_RQ, fixed + self.application_context + contexts + user)


def storing(transfer_syntax: str, sop_class: str = CT_IMAGE) -> Proposal:
    """Verification on context 1, one storage class in one transfer syntax on context 3."""
    return Proposal(contexts=((1, VERIFICATION, (IMPLICIT_LE,)), (3, sop_class, (transfer_syntax,))))


def element(number: int, value: bytes) -> bytes:
    """A command element, Implicit VR Little Endian."""
    return struct.pack("<HHI", 0, number, len(value)) + value


def uid(value: str) -> bytes:
    """A UID padded to even length."""
    raw = value.encode("latin-1")
    return raw + b"\0" * (len(raw) % 2)


def us(value: int) -> bytes:
    """An unsigned short."""
    return struct.pack("<H", value)


def command_set(*elements: tuple[int, bytes]) -> bytes:
    """A command set with its group length."""
    body = b"".join(element(*each) for each in elements)
    return element(0x0000, struct.pack("<I", len(body))) + body


def echo_rq(message_id: int = 1, sop_class: str = VERIFICATION) -> bytes:
    """C-ECHO-RQ."""
    return command_set((0x0002, uid(sop_class)), (0x0100, us(0x0030)), (0x0110, us(message_id)), (0x0800, us(0x0101)))


def store_rq(instance: str, message_id: int = 1, sop_class: str = CT_IMAGE, data_set_type: int = 1) -> bytes:
    """C-STORE-RQ."""
    return command_set(
        (0x0002, uid(sop_class)),
        (0x0100, us(0x0001)),
        (0x0110, us(message_id)),
        (0x0700, us(0)),
        (0x0800, us(data_set_type)),
        (0x1000, uid(instance)),
    )


def find_rq(message_id: int = 1, sop_class: str = STUDY_ROOT_FIND, data_set_type: int = 1) -> bytes:
    """C-FIND-RQ."""
    return command_set(
        (0x0002, uid(sop_class)),
        (0x0100, us(0x0020)),
        (0x0110, us(message_id)),
        (0x0700, us(0)),
        (0x0800, us(data_set_type)),
    )


def cancel_rq(message_id: int) -> bytes:
    """C-CANCEL-RQ."""
    return command_set((0x0100, us(0x0FFF)), (0x0120, us(message_id)), (0x0800, us(0x0101)))


def pdv(context_id: int, control: int, data: bytes, *, length: int | None = None) -> bytes:
    """A presentation data value; `control` bit 0 is command, bit 1 last; `length` may lie."""
    return struct.pack(">IBB", len(data) + 2 if length is None else length, context_id, control) + data


def p_data(*pdvs: bytes) -> bytes:
    """A P-DATA-TF."""
    return pdu(P_DATA_TF, b"".join(pdvs))


def command(context_id: int, command_bytes: bytes) -> bytes:
    """A whole command in one PDU."""
    return p_data(pdv(context_id, 3, command_bytes))


def data_set(context_id: int, data: bytes, fragment: int = 16000) -> bytes:
    """A data set in as many PDUs as it takes."""
    pieces = [data[at : at + fragment] for at in range(0, len(data), fragment)] or [b""]
    return b"".join(p_data(pdv(context_id, 2 if piece is pieces[-1] else 0, piece)) for piece in pieces)


RELEASE_RQ = pdu(A_RELEASE_RQ, bytes(4))
RELEASE_RP = pdu(A_RELEASE_RP, bytes(4))
ABORT = pdu(A_ABORT, bytes(4))


@dataclass
class RawPeer:
    """One TCP connection to an SCP. Every wait ends after `timeout` seconds with an error."""

    port: int
    timeout: float = 5.0
    host: str = "127.0.0.1"
    _received: bytearray = field(default_factory=bytearray, init=False)

    def __enter__(self) -> Self:
        self.socket = socket.create_connection((self.host, self.port), self.timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.socket.sendall(data)

    def send_bytewise(self, data: bytes) -> None:
        """Sends bytes as TCP segments of one byte."""
        for at in range(len(data)):
            self.socket.sendall(data[at : at + 1])

    def read(self, count: int) -> bytes | None:
        """Exactly `count` bytes, or None when the connection ended first."""
        while len(self._received) < count:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                return None
            self._received += chunk
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def receive(self) -> Pdu | None:
        """The next PDU, or None when the connection ended."""
        header = self.read(6)
        if header is None:
            return None
        kind, length = struct.unpack(">BxI", header)
        body = self.read(length)
        return None if body is None else Pdu(kind, body)

    def receive_message(self) -> Message:
        """The next whole message."""
        parts = {True: b"", False: b""}
        context_id, wants_data_set, elements = 0, True, dict[int, bytes]()
        while wants_data_set:
            received = self.receive()
            assert received is not None and received.type == P_DATA_TF, received
            body = received.body
            while body:
                length, context_id, control = struct.unpack(">IBB", body[:6])
                is_command = bool(control & 1)
                parts[is_command] += body[6 : 4 + length]
                body = body[4 + length :]
                if control & 2 and is_command:
                    elements = parse_command(parts[True])
                    wants_data_set = elements[0x0800] != us(0x0101)
                elif control & 2:
                    return Message(context_id, elements, parts[False])
        return Message(context_id, elements, None)

    def expect_abort(self) -> tuple[int, int]:
        """Reads an A-ABORT and returns its source and reason."""
        received = self.receive()
        assert received is not None and received.type == A_ABORT, received
        return received.body[2], received.body[3]

    def expect_reject(self) -> tuple[int, int, int]:
        """Reads an A-ASSOCIATE-RJ and returns result, source and reason."""
        received = self.receive()
        assert received is not None and received.type == A_ASSOCIATE_RJ, received
        return received.body[1], received.body[2], received.body[3]

    def expect_closed(self) -> float:
        """Waits for the end of the connection; returns the seconds it took. Fails when bytes come instead."""
        begun = time.monotonic()
        assert self.read(1) is None, "bytes where the end was due"
        return time.monotonic() - begun

    def associate(self, proposal: Proposal | None = None) -> Pdu:
        """Opens an association; returns the A-ASSOCIATE-AC."""
        self.send((proposal or Proposal()).encode())
        received = self.receive()
        assert received is not None and received.type == A_ASSOCIATE_AC, received
        return received

    def echo(self, message_id: int = 1, context_id: int = 1) -> int:
        """A C-ECHO; returns its status."""
        self.send(command(context_id, echo_rq(message_id)))
        return self.receive_message().status

    def store(self, instance: str, data: bytes, message_id: int = 1, context_id: int = 3) -> Message:
        """A C-STORE of a CT; returns the response."""
        self.send(command(context_id, store_rq(instance, message_id)) + data_set(context_id, data))
        return self.receive_message()

    def find(
        self, identifier: bytes, message_id: int = 1, context_id: int = 5, sop_class: str = STUDY_ROOT_FIND
    ) -> list[Message]:
        """A C-FIND; returns every response, the final one last."""
        self.send(command(context_id, find_rq(message_id, sop_class)) + data_set(context_id, identifier))
        responses = [self.receive_message()]
        while responses[-1].status in (0xFF00, 0xFF01):
            responses.append(self.receive_message())
        return responses

    def release(self) -> None:
        """Releases the association."""
        self.send(RELEASE_RQ)
        received = self.receive()
        assert received is not None and received.type == A_RELEASE_RP, received


Call: TypeAlias = Callable[[], RawPeer]
"""What a test calls to connect one more peer; the connection ends with the test."""


def parse_command(data: bytes) -> dict[int, bytes]:
    """The elements of a command set, by element number."""
    elements = {}
    while data:
        group, number, length = struct.unpack("<HHI", data[:8])
        assert group == 0
        elements[number] = data[8 : 8 + length]
        data = data[8 + length :]
    return elements


def context_results(accept: Pdu) -> dict[int, int]:
    """The results of an A-ASSOCIATE-AC, by presentation context id."""
    return {body[0]: body[2] for kind, body in items(accept.body[68:]) if kind == 0x21}


def transfer_syntaxes(accept: Pdu) -> dict[int, str]:
    """The transfer syntaxes of the accepted contexts of an A-ASSOCIATE-AC."""
    return {
        body[0]: syntax.decode()
        for kind, body in items(accept.body[68:])
        if kind == 0x21 and body[2] == 0
        for _, syntax in items(body[4:])
    }


def user_items(accept: Pdu) -> list[tuple[int, bytes]]:
    """The user-information sub-items of an A-ASSOCIATE-AC."""
    return [each for kind, body in items(accept.body[68:]) if kind == 0x50 for each in items(body)]


def items(data: bytes) -> list[tuple[int, bytes]]:
    """Items, one after the other."""
    found = []
    while data:
        kind, length = struct.unpack(">BxH", data[:4])
        found.append((kind, data[4 : 4 + length]))
        data = data[4 + length :]
    return found
