"""Cuts the received bytes into PDUs, and P-DATA-TF into the pieces of its fragments, without waiting for either.

`read_pdus` is written as if it could wait for bytes: it is a generator that yields None where it needs more. Lengths
are checked as soon as a header is complete and before anything behind it is kept. Kept are an incomplete header, and
the body of a PDU that the state of the association has a use for; never more bytes than were received. P-DATA passes
through as views of the block it came in, and a body that nobody wants is counted, not kept.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import NamedTuple, TypeAlias

from scpd.ul.codec import ASSOCIATE_FIXED_BYTES
from scpd.ul.cursor import invalid
from scpd.ul.errors import ProtocolError
from scpd.ul.events import DataIndication
from scpd.ul.pdu import AbortReason, AbortSource, PDUType

NOTHING = memoryview(b"")

_PDU_HEADER = Struct(">BxI")  # type, reserved, length of what follows: PS3.8 9.3.1
_PDV_HEADER = Struct(">IBB")  # length of what follows, context id, message control header: PS3.8 9.3.5.1, E.2
_PDV_COUNTED_HEADER_BYTES = 2  # the part of it that its own length counts
_IS_COMMAND, _IS_LAST = 0x01, 0x02  # bits of the message control header; the others are not tested


@dataclass(frozen=True, slots=True)
class UpperLayerLimits:
    """What a peer may cost us, and how long it may take.

    `pdu_bytes_max` is the P-DATA-TF length to announce as our Maximum Length (PS3.8 D.1); a longer one is a protocol
    error unless `pdu_bytes_tolerated` is set higher, for peers that exceed what they were told.
    `associate_pdu_bytes_max` holds 128 contexts with 40 transfer syntaxes each. `artim_seconds` is the time a peer
    has for its A-ASSOCIATE-RQ, and later for closing the transport.
    """

    pdu_bytes_max: int = 131_072
    pdu_bytes_tolerated: int = 0
    associate_pdu_bytes_max: int = 262_144
    artim_seconds: float = 10.0


class ReceivedPDU(NamedTuple):
    """A PDU: whole, with its variable field, or its header only where the body is not wanted."""

    pdu_type: PDUType
    variable_field: bytes | None


Token: TypeAlias = ReceivedPDU | DataIndication


class Inbound:
    """The bytes at hand, and what the association has a use for at the moment.

    `wanted` are the PDU types whose body matters in the present state, `contexts` the ids of the accepted
    presentation contexts, a byte each. The owner changes both while it reads tokens.
    """

    __slots__ = ("_at", "_data", "_lengths", "contexts", "data_bytes_max", "wanted")

    def __init__(self, limits: UpperLayerLimits) -> None:
        self.wanted: frozenset[PDUType] = frozenset()
        self.contexts = b""
        self.data_bytes_max = max(limits.pdu_bytes_max, limits.pdu_bytes_tolerated)
        self._lengths = _lengths(limits)
        self._data = NOTHING
        self._at = 0

    def feed(self, data: memoryview) -> None:
        """Offers the next bytes; all that was fed before has been used up."""
        self._data = data
        self._at = 0

    @property
    def has_some(self) -> bool:
        """Whether bytes are at hand."""
        return self._at < len(self._data)

    def some(self, count: int) -> memoryview:
        """At most `count` bytes of those at hand, possibly none."""
        piece = self._data[self._at : self._at + count]
        self._at += len(piece)
        return piece or NOTHING  # an empty view would keep its whole block

    def header(self, layout: Struct) -> tuple[int, ...] | None:
        """The fields of the next header, None while it is not at hand as a whole."""
        at = self._at
        if len(self._data) - at < layout.size:
            return None
        self._at = at + layout.size
        return layout.unpack_from(self._data, at)

    def check(self, pdu_type: int, length: int) -> None:
        """Raises ProtocolError for a type that does not exist, or a length no PDU of this type can have."""
        if pdu_type not in self._lengths:
            reason = AbortReason.UNRECOGNIZED_PDU
            raise ProtocolError(AbortSource.SERVICE_PROVIDER, reason, f"PDU type {pdu_type:02X}H")
        if length not in self._lengths[pdu_type]:
            raise invalid(f"PDU type {pdu_type:02X}H with length {length}")


@cache
def _lengths(limits: UpperLayerLimits) -> Mapping[int, range]:
    """The lengths of each PDU. That of P-DATA-TF matters only where data is expected: elsewhere it is skipped."""
    associate = range(ASSOCIATE_FIXED_BYTES, limits.associate_pdu_bytes_max + 1)
    four = range(4, 5)
    return {
        PDUType.ASSOCIATE_RQ: associate,
        PDUType.ASSOCIATE_AC: associate,
        PDUType.ASSOCIATE_RJ: four,
        PDUType.P_DATA_TF: range(1 << 32),
        PDUType.RELEASE_RQ: four,
        PDUType.RELEASE_RP: four,
        PDUType.ABORT: four,
    }


def read_pdus(inbound: Inbound) -> Generator[Token | None, None, None]:
    """Tokens in the order of their bytes, None where more bytes are needed. Raises ProtocolError and ends there."""
    while True:
        header = inbound.header(_PDU_HEADER)
        number, length = header or _PDU_HEADER.unpack((yield from _exactly(inbound, _PDU_HEADER.size)))
        if number == PDUType.P_DATA_TF and number in inbound.wanted:
            yield from _read_fragments(inbound, length)
            continue
        inbound.check(number, length)
        if number in inbound.wanted:
            yield ReceivedPDU(PDUType(number), bytes((yield from _exactly(inbound, length))))
        else:
            yield ReceivedPDU(PDUType(number), None)
            yield from _skip(inbound, length)


def _read_fragments(inbound: Inbound, length: int) -> Generator[DataIndication | None, None, None]:
    """The PDVs of one P-DATA-TF: one or more (PS3.8 9.3.5), and nothing beside them."""
    if length > inbound.data_bytes_max:
        raise invalid(f"P-DATA-TF with length {length}, more than our maximum length")
    if length == 0:
        raise invalid("P-DATA-TF without a PDV")
    while length:
        if length < _PDV_HEADER.size:
            raise invalid("P-DATA-TF with less room than a PDV needs")
        header = inbound.header(_PDV_HEADER) or _PDV_HEADER.unpack((yield from _exactly(inbound, _PDV_HEADER.size)))
        pdv_length, context_id, control = header
        length -= _PDV_HEADER.size
        left = pdv_length - _PDV_COUNTED_HEADER_BYTES
        if not 0 <= left <= length:
            raise invalid(f"PDV with length {pdv_length}")
        if context_id not in inbound.contexts:
            raise invalid(f"PDV on presentation context {context_id}, which was not accepted")
        length -= left
        is_command, is_last = bool(control & _IS_COMMAND), bool(control & _IS_LAST)
        while left > len(piece := inbound.some(left)):
            left -= len(piece)
            yield DataIndication(context_id, is_command, piece, False, False) if piece else None
        yield DataIndication(context_id, is_command, piece, True, is_last)  # also of a fragment without bytes


def _skip(inbound: Inbound, count: int) -> Generator[None, None, None]:
    while count := count - len(inbound.some(count)):
        yield None


def _exactly(inbound: Inbound, count: int) -> Generator[None, None, memoryview | bytearray]:
    """The next `count` bytes: a view while they are all at hand, else a copy of what came so far and what follows."""
    piece = inbound.some(count)
    if len(piece) == count:
        return piece
    held, piece = bytearray(piece), NOTHING  # no view is kept over a wait
    while len(held) < count:
        yield None
        held += inbound.some(count - len(held))
    return held
