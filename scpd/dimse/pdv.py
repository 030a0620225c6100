"""Messages <-> PDVs (PS3.7 6.3, PS3.8 Annex E): commands are put together, data sets pass through in pieces.

Reading, `MessageReader` keeps nothing but the command set that is arriving, and of that no more than its limit: the
pieces of a data set are handed on as the views they came in. A data set that a command of its kind cannot have is
passed over, so that the next command is found where it begins.

Writing, every PDV has a P-DATA-TF of its own (what old peers like best), no longer than the peer can take, and holds
an even number of bytes unless the data set itself is odd.
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple, TypeAlias

from scpd.dimse.codec import decode_command, encode_command
from scpd.dimse.command import Command
from scpd.dimse.table import DATA_SET_OF, DataSet
from scpd.ul.errors import ProtocolError
from scpd.ul.events import DataIndication
from scpd.ul.pdu import AbortReason, AbortSource, PDUType


@dataclass(frozen=True, slots=True)
class DimseLimits:
    """What one message may cost us.

    `command_bytes_max`: a real command set has some 200 bytes, one with a long list of tags some thousand.
    `empty_fragments_max`: fragments without a byte, in one command or data set: legal, pointless, and endless if one
    lets them.
    """

    command_bytes_max: int = 65_536
    empty_fragments_max: int = 256


DEFAULT_LIMITS = DimseLimits()


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A whole command. If `has_data_set`, DataSetPieces follow; the last of them says so.

    `data` is the command set as it was received.
    """

    context_id: int
    command: Command
    has_data_set: bool
    data: bytes = field(default=b"", compare=False, repr=False)


class DataSetPiece(NamedTuple):
    """The next bytes of a data set, in the buffer they were received in: use or copy them before it is reused.

    A tuple for the reason that `DataIndication` is one.
    """

    context_id: int
    data: memoryview
    is_last: bool


class MessageReader:
    """The receiving end of one association, in either role: one message after the other (PS3.8 E.1)."""

    __slots__ = (
        "_command",
        "_command_context_id",
        "_data_set_context_id",
        "_empty_fragments",
        "_limits",
        "_passes_over",
    )

    def __init__(self, limits: DimseLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._command = bytearray()
        self._command_context_id: int | None = None  # while a command is incomplete
        self._data_set_context_id: int | None = None  # while a data set is incomplete
        self._passes_over = False
        self._empty_fragments = 0

    @property
    def is_within_message(self) -> bool:
        """Whether the message that was begun still lacks something."""
        return self._command_context_id is not None or self._data_set_context_id is not None

    def receive(self, event: DataIndication) -> CommandReceived | DataSetPiece | None:
        """Takes the next piece of P-DATA; None where there is nothing to say yet. Raises ProtocolError."""
        return self._receive_command(event) if event.is_command else self._receive_data_set(event)

    def _receive_command(self, event: DataIndication) -> CommandReceived | None:
        if self._data_set_context_id is not None:
            raise _unexpected("a command before the data set of the last one has ended")
        if self._command_context_id not in (None, event.context_id):
            raise _unexpected("two commands interleaved")
        if len(self._command) + len(event.data) > self._limits.command_bytes_max:
            raise _invalid("the command set is longer than the limit")
        self._command += event.data
        if event.is_last:
            return self._end_command(event.context_id)
        self._command_context_id = event.context_id
        self._count_if_empty(event)
        return None

    def _end_command(self, context_id: int) -> CommandReceived:
        data = bytes(self._command)
        command, has_data_set = decode_command(data)
        self._command.clear()
        self._command_context_id = None
        self._data_set_context_id = context_id if has_data_set else None
        self._passes_over = DATA_SET_OF[type(command)] is DataSet.NEVER
        self._empty_fragments = 0
        return CommandReceived(context_id, command, has_data_set and not self._passes_over, data)

    def _receive_data_set(self, event: DataIndication) -> DataSetPiece | None:
        if self._data_set_context_id is None:
            raise _unexpected("a data set that no command announced")
        if event.context_id != self._data_set_context_id:
            raise _invalid("a data set in another presentation context than its command")
        if event.is_last:
            self._data_set_context_id = None
            self._empty_fragments = 0
        else:
            self._count_if_empty(event)
        if self._passes_over or not (event.data or event.is_last):
            return None
        return DataSetPiece(event.context_id, event.data, event.is_last)

    def _count_if_empty(self, event: DataIndication) -> None:
        if event.data:
            return
        self._empty_fragments += 1
        if self._empty_fragments > self._limits.empty_fragments_max:
            raise _invalid("too many empty fragments")


def _invalid(detail: str) -> ProtocolError:
    return ProtocolError(AbortSource.SERVICE_PROVIDER, AbortReason.INVALID_PDU_PARAMETER_VALUE, detail)


def _unexpected(detail: str) -> ProtocolError:
    return ProtocolError(AbortSource.SERVICE_PROVIDER, AbortReason.UNEXPECTED_PDU, detail)


# --- writing -------------------------------------------------------------------------------------------------------

PDU_LENGTH_CAP = 131_072
"""The longest P-DATA-TF we send, whatever more the peer would take (PS3.8 D.1): it bounds the buffers of both."""

_COMMAND, _LAST = 0x01, 0x02  # bits of the message control header, PS3.8 E.2
_HEADERS = Struct(">BxIIBB")  # PDU type, reserved, PDU length, PDV length, context ID, message control header
_PDV_HEADER_BYTES = 6  # of a PDV, its length field included: what the PDU length counts beside the data

Bytes: TypeAlias = bytes | bytearray | memoryview


def encode_message(command: Command, context_id: int, data_set: Bytes | None, pdu_length_max: int | None) -> bytes:
    """The P-DATA-TFs of a message, one after the other.

    `pdu_length_max` is the Maximum Length the peer announced; 0 and None say it has none. Less than 8 leaves no room
    for two bytes of data: ValueError, because negotiation refuses such a peer.
    """
    room = _room(pdu_length_max)
    head = _encode_part(encode_command(command, has_data_set=data_set is not None), context_id, _COMMAND, room)
    return head if data_set is None else head + _encode_part(data_set, context_id, 0, room)


class RepeatedMessage:
    """Messages that differ in their data sets only, as the pending responses of one C-FIND do: encoded for little."""

    def __init__(self, command: Command, context_id: int, pdu_length_max: int | None) -> None:
        self._context_id = context_id
        self._room = _room(pdu_length_max)
        self._command = _encode_part(encode_command(command, has_data_set=True), context_id, _COMMAND, self._room)

    def with_data_set(self, data_set: Bytes) -> bytes:
        """What `encode_message` gives for the same command and this data set."""
        return self._command + _encode_part(data_set, self._context_id, 0, self._room)


def _room(pdu_length_max: int | None) -> int:
    """Bytes of data, an even number, that fit a P-DATA-TF with one PDV (PS3.8 9.3.5, E.1)."""
    room = (min(pdu_length_max or PDU_LENGTH_CAP, PDU_LENGTH_CAP) - _PDV_HEADER_BYTES) & ~1
    if room < 2:
        raise ValueError(f"a maximum length of {pdu_length_max} leaves no room for data")
    return room


def _encode_part(data: Bytes, context_id: int, control: int, room: int) -> bytes:
    """Full fragments, and a last one of what remains; one without a byte where there is nothing."""
    if len(data) <= room:
        return _encode_pdu(data, context_id, control | _LAST)
    view, last = memoryview(data), (len(data) - 1) // room * room
    pdus = [_encode_pdu(view[at : at + room], context_id, control) for at in range(0, last, room)]
    return b"".join([*pdus, _encode_pdu(view[last:], context_id, control | _LAST)])


def _encode_pdu(data: Bytes, context_id: int, control: int) -> bytes:
    length = len(data) + _PDV_HEADER_BYTES
    return _HEADERS.pack(PDUType.P_DATA_TF, length, length - 4, context_id, control) + data
