"""A recording TCP proxy, and a small reader of what it recorded (PS3.8 9.3, PS3.7 6.3).

The reader shares no code with the daemon, so that a mistake in one is not forgiven by the same mistake in the other.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

P_DATA = 0x04
A_ASSOCIATE_AC = 0x02
USER_INFORMATION, MAXIMUM_LENGTH = 0x50, 0x51
C_STORE_RQ, C_STORE_RSP, C_FIND_RSP, C_ECHO_RSP = 0x0001, 0x8001, 0x8020, 0x8030


@dataclass(slots=True)
class Recording:
    """The bytes of one connection."""

    to_daemon: bytearray = field(default_factory=bytearray)
    from_daemon: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class StoreOnWire:
    """One C-STORE: what crossed the wire, and how it was answered."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set: bytes
    status: int


class Wiretap:
    """Listens on a port of its own and passes everything on to the daemon's, both ways."""

    def __init__(self, daemon_port: int) -> None:
        self._daemon_port = daemon_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._recordings: list[Recording] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._bell: tuple[int, threading.Event] | None = None

    def __enter__(self) -> "Wiretap":
        self._threads[0].start()
        return self

    def __exit__(self, *exc: "type[BaseException] | BaseException | TracebackType | None") -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def ring_after(self, sent_bytes: int, bell: threading.Event) -> None:
        """Sets `bell` as soon as so many bytes in all were sent to the daemon. Call it before anything is sent."""
        self._bell = (sent_bytes, bell)

    def stores(self) -> list[StoreOnWire]:
        """Every C-STORE of every finished association, in order. Call it after the `with` block."""
        return [store for recording in self._recordings for store in read_stores(recording)]

    def responses(self, command_field: int) -> list[tuple[int, bytes]]:
        """Status and data set of every response of a kind, in order. Call it after the `with` block."""
        return [
            (number(command, 0x0900), data_set)
            for recording in self._recordings
            for _, command, data_set in messages(recording.from_daemon)
            if number(command, 0x0100) == command_field
        ]

    def longest_received(self) -> int:
        """The PDU-length of the longest P-DATA-TF that the daemon sent. Call it after the `with` block."""
        return max(
            len(body)
            for recording in self._recordings
            for pdu_type, body in pdus(recording.from_daemon)
            if pdu_type == P_DATA
        )

    def announced(self) -> set[tuple[int, int]]:
        """The Maximum Lengths of peer and daemon in each association (PS3.8 D.1.1). Call it after the `with` block."""
        return {
            (maximum_length(recording.to_daemon), maximum_length(recording.from_daemon))
            for recording in self._recordings
        }

    def sent(self) -> list[bytes]:
        """What each connection sent to the daemon, in order. Call it after the `with` block."""
        return [bytes(recording.to_daemon) for recording in self._recordings]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                daemon = socket.create_connection(("127.0.0.1", self._daemon_port))
            except OSError:
                client.close()
                continue
            for end in (client, daemon):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what both ends asked for, of nobody's delay
            recording = Recording()
            self._recordings.append(recording)
            directions = [(client, daemon, recording.to_daemon), (daemon, client, recording.from_daemon)]
            pumps = [threading.Thread(target=self._pump, args=direction) for direction in directions]
            self._threads += [*pumps, threading.Thread(target=close_after, args=(pumps, client, daemon))]
            for thread in self._threads[-3:]:
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, record: bytearray) -> None:
        """Copies until the source ends or is reset, then ends the target's reading."""
        with suppress(OSError):
            while chunk := source.recv(1 << 18):
                record += chunk
                target.sendall(chunk)
                self._ring_bell()
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _ring_bell(self) -> None:
        if self._bell and sum(len(recording.to_daemon) for recording in self._recordings) >= self._bell[0]:
            self._bell[1].set()


def close_after(pumps: list[threading.Thread], *sockets: socket.socket) -> None:
    """Closes both sockets once both directions are done."""
    for thread in pumps:
        thread.join()
    for sock in sockets:
        sock.close()


def read_stores(recording: Recording) -> Iterator[StoreOnWire]:
    """Pairs each C-STORE-RQ with its response by Message ID."""
    syntaxes = accepted_syntaxes(recording.from_daemon)
    statuses = {
        number(command, 0x0120): number(command, 0x0900)
        for _, command, _ in messages(recording.from_daemon)
        if number(command, 0x0100) == C_STORE_RSP
    }
    for context_id, command, data_set in messages(recording.to_daemon):
        if number(command, 0x0100) == C_STORE_RQ:
            yield StoreOnWire(
                uid(command, 0x0002),
                uid(command, 0x1000),
                syntaxes[context_id],
                data_set,
                statuses.get(number(command, 0x0110), -1),
            )


def messages(stream: bytes | bytearray) -> Iterator[tuple[int, dict[int, bytes], bytes]]:
    """Context ID, command elements and data set of each whole message of a direction."""
    command, data_set = bytearray(), bytearray()
    elements: dict[int, bytes] = {}
    for context_id, header, fragment in fragments(stream):
        (command if header & 1 else data_set).extend(fragment)
        if not header & 2:
            continue
        if header & 1:
            elements = command_elements(command)
            command = bytearray()
        if not header & 1 or number(elements, 0x0800) == 0x0101:
            yield context_id, elements, bytes(data_set)
            data_set = bytearray()


def fragments(stream: bytes | bytearray) -> Iterator[tuple[int, int, memoryview]]:
    """Context ID, message control header and bytes of each PDV (PS3.8 9.3.5.1)."""
    for pdu_type, body in pdus(stream):
        position = 0
        while pdu_type == P_DATA and position < len(body):
            length, context_id, header = struct.unpack_from(">IBB", body, position)
            yield context_id, header, body[position + 6 : position + 4 + length]
            position += 4 + length


def pdus(stream: bytes | bytearray) -> Iterator[tuple[int, memoryview]]:
    """Type and body of each PDU; one cut short by a lost connection is left out."""
    view, position = memoryview(stream), 0
    while position + 6 <= len(view):
        pdu_type, length = struct.unpack_from(">BxI", view, position)
        if position + 6 + length > len(view):
            return
        yield pdu_type, view[position + 6 : position + 6 + length]
        position += 6 + length


def accepted_syntaxes(stream: bytes | bytearray) -> dict[int, str]:
    """The transfer syntax of each accepted context of the A-ASSOCIATE-AC (PS3.8 9.3.3.2)."""
    accepted: dict[int, str] = {}
    for pdu_type, body in pdus(stream):
        position = 68
        while pdu_type == A_ASSOCIATE_AC and position < len(body):
            item_type, length = struct.unpack_from(">BxH", body, position)
            item = bytes(body[position + 4 : position + 4 + length])
            if item_type == 0x21 and item[2] == 0:
                accepted[item[0]] = item[8:].decode().rstrip("\0")
            position += 4 + length
    return accepted


def maximum_length(stream: bytes | bytearray) -> int:
    """The Maximum Length in the A-ASSOCIATE-RQ or -AC: the first of the User Information's sub-items here."""
    _, body = next(pdus(stream))
    position = 68
    while body[position] != USER_INFORMATION:
        position += 4 + int.from_bytes(body[position + 2 : position + 4])
    item_type, length, value = struct.unpack_from(">BxHI", body, position + 4)
    assert (item_type, length) == (MAXIMUM_LENGTH, 4)
    return int(value)


def command_elements(command: bytes | bytearray) -> dict[int, bytes]:
    """The elements of a command set by element number: Implicit VR Little Endian, group 0000 (PS3.7 6.3.1)."""
    elements, position = {}, 0
    while position < len(command):
        element, length = struct.unpack_from("<2xHI", command, position)
        elements[element] = bytes(command[position + 8 : position + 8 + length])
        position += 8 + length
    return elements


def number(command: dict[int, bytes], element: int) -> int:
    """An unsigned short, -1 when it is absent."""
    return int.from_bytes(command[element], "little") if element in command else -1


def uid(command: dict[int, bytes], element: int) -> str:
    """A UID without its padding."""
    return command.get(element, b"").decode("latin-1").rstrip("\0 ")
