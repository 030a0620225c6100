"""What is fuzzed: four decoders, each with what must hold for any bytes at all.

A target takes bytes and raises when a promise of its decoder is broken: an error of the wrong kind, a value that does
not survive encoding, or a result that depends on how the bytes were cut. Its first byte or bytes choose among
variants, so that one corpus serves all of them. The seeds come from the packers of the tests, not from files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from scpd.dataset.inflate import deflate
from scpd.dataset.reader import read_data_set
from scpd.dataset.scan import Scan, ScanLimits, Wanted
from scpd.dataset.scanner import Scanner
from scpd.dataset.site import Site, SiteAttribute
from scpd.dimse.codec import decode_command, encode_command
from scpd.dimse.pdv import MessageReader
from scpd.dimse.status import DimseFailure
from scpd.profile.negotiation import negotiate
from scpd.profile.profile import Profile
from scpd.query.identifier import QueryRules, decode_identifier
from scpd.query.levels import WANTED
from scpd.query.matching import answer
from scpd.query.response import MatchEncoder
from scpd.query.terms import Model
from scpd.storage.base import Incoming
from scpd.storage.head import Head
from scpd.ul.codec import decode, encode
from scpd.ul.connection import Connection, Role, State
from scpd.ul.errors import ProtocolError
from scpd.ul.events import AssociateIndication, DataIndication, Event
from scpd.ul.pdu import PDUType
from tests import datasets, rawpeer
from tests.ul.samples import connection_in
from tests.wire import joined

SYNTAXES = (rawpeer.IMPLICIT_LE, rawpeer.EXPLICIT_LE, rawpeer.EXPLICIT_BE, rawpeer.DEFLATED_LE)
FORMS = (datasets.IMPLICIT, datasets.EXPLICIT, datasets.BIG_ENDIAN)
WITHIN = SiteAttribute(0x00190004, "US", creator="ACME")
SITE = Site(
    (
        SiteAttribute(0x00190002, "DS", "STUDY", "ACME 1.0"),
        SiteAttribute(
            0x00190003, "SQ", "PATIENT", "ACME 1.0", items=(SiteAttribute(0x00190004, "US", creator="ACME"),)
        ),
        SiteAttribute(0x00400555, "SQ", items=(SiteAttribute(0x0040A040, "CS"),)),
    )
)
RULES = (QueryRules(), QueryRules(False, True, True, True, True, timezone_adjustment=True, indexed_besides=SITE))
INSTANCE = "1.2.3.4"
PROFILE = Profile(ae_titles=("SCPD",))
INDEXED = Wanted(WANTED)


class Target(NamedTuple):
    """A decoder under fire, and what to begin with."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


def pieces(data: bytes, size: int) -> Sequence[bytes]:
    """The same bytes in pieces of `size`, or whole for 0."""
    return [data[at : at + size] for at in range(0, len(data), size)] if size else [data]


# -- PDU: bytes into a connection ---------------------------------------------------------------------------------


def fuzz_pdu(data: bytes) -> None:
    """First byte: the length of the pieces, and whether an association is there already."""
    if not data:
        return
    state = State.ESTABLISHED if data[0] & 0x80 else State.AWAITING_REQUEST
    whole, cut = connection_in(state, Role.ACCEPTOR), connection_in(state, Role.ACCEPTOR)
    at_once = events_of(whole, [data[1:]])
    bit_by_bit = events_of(cut, pieces(data[1:], data[0] & 0x7F))
    assert joined(at_once) == joined(bit_by_bit)
    assert (whole.state, whole.data_to_send()) == (cut.state, cut.data_to_send())
    messages = MessageReader()
    with suppress(ProtocolError):
        for event in at_once:
            match event:
                case AssociateIndication(request):
                    assert decode(PDUType.ASSOCIATE_RQ, encode(request)[6:]) == request
                    negotiate(request, PROFILE, "127.0.0.1")
                case DataIndication():
                    messages.receive(event)


def events_of(connection: Connection, reads: Sequence[bytes]) -> list[Event]:
    """Everything a connection says of some reads."""
    return [event for read in reads for event in connection.receive_data(read, 0.0)]


def pdu_seeds() -> Iterator[bytes]:
    """Sessions and single PDUs, before and after acceptance."""
    proposal = rawpeer.Proposal().encode()
    user = rawpeer.maximum_length(0) + b"".join(
        rawpeer.item(kind, content)
        for kind, content in (
            (0x52, b"1.2.3"),
            (0x53, bytes(4)),
            (0x54, b"\0\x051.2.3\0\1"),
            (0x55, b"VERSION"),
            (0x56, b"\0\x051.2.3\1\1"),
            (0x57, b"\0\x051.2.3\0\x051.2.4\0\0"),
            (0x58, b"\2\1\0\x04user\0\x04pass"),
        )
    )
    for size in (0, 1, 7):
        yield bytes([size]) + proposal
        yield bytes([size]) + rawpeer.Proposal(user_items=user).encode()
        yield bytes([0x80 | size]) + rawpeer.command(1, rawpeer.echo_rq()) + rawpeer.RELEASE_RQ
        store = rawpeer.command(1, rawpeer.store_rq(INSTANCE)) + rawpeer.data_set(1, bytes(100), fragment=30)
        yield bytes([0x80 | size]) + store + rawpeer.ABORT


# -- command sets ----------------------------------------------------------------------------------------------------


def fuzz_command(data: bytes) -> None:
    """The bytes are the command set."""
    try:
        command, has_data_set = decode_command(data)
    except ProtocolError:
        return
    encoded = encode_command(command, has_data_set=has_data_set)
    assert decode_command(encoded) == (command, has_data_set)


def command_seeds() -> Iterator[bytes]:
    """A command of every kind."""
    us, uid = rawpeer.us, rawpeer.uid
    yield from (rawpeer.echo_rq(), rawpeer.store_rq(INSTANCE), rawpeer.find_rq(), rawpeer.cancel_rq(1))
    for field in (0x0010, 0x0021, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150):
        for response in (0, 0x8000):
            yield rawpeer.command_set(
                (0x0002, uid("1.2.3")),
                (0x0003, uid("1.2.3")),
                (0x0100, us(field | response)),
                (0x0110, us(1)),
                (0x0120, us(1)),
                (0x0600, b"MOVESCU "),
                (0x0800, us(1)),
                (0x0900, us(0xA700)),
                (0x0901, bytes(4)),
                (0x0902, b"comment "),
                (0x1000, uid(INSTANCE)),
                (0x1002, us(1)),
                (0x1005, bytes(4)),
                (0x1008, us(1)),
            )


# -- the head of a data set -------------------------------------------------------------------------------------------


def fuzz_head(data: bytes) -> None:
    """First byte: the transfer syntax; second byte: the length of the pieces."""
    if len(data) < 2:
        return
    syntax, size, content = SYNTAXES[data[0] % len(SYNTAXES)], data[1], data[2:]
    whole, cut = scan(syntax, [content]), scan(syntax, pieces(content, size))
    assert whole == cut
    whole.attributes()
    head = Head(Incoming(rawpeer.CT_IMAGE, INSTANCE, syntax, "FUZZ", "SCPD"), ScanLimits(besides=SITE))
    head.feed([memoryview(content)])
    with suppress(DimseFailure):
        instance = head.instance()
        assert instance.study_instance_uid and instance.series_instance_uid


def scan(syntax: str, reads: Sequence[bytes]) -> Scan:
    """What a scanner finds in some reads."""
    scanner = Scanner(syntax, INDEXED)
    for read in reads:
        scanner.feed(read)
    return scanner.finish()


def head_seeds() -> Iterator[bytes]:
    """A small object in every form, with sequences of both kinds, compressed pixels and other texts."""
    more: dict[str, datasets.Value] = {
        "SpecificCharacterSet": "\\ISO 2022 IR 87",
        "PatientName": b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
        "RequestAttributesSequence": [{"ScheduledProcedureStepID": "1"}, {"RequestedProcedureID": "2"}],
    }
    for index, form in enumerate(FORMS):
        yield bytes([index, 0]) + datasets.ct(INSTANCE, form)
        yield bytes([index, 5]) + datasets.ct(INSTANCE, form, **more)
        yield bytes([index, 7]) + private(form) + datasets.ct(INSTANCE, form)
    undefined = datasets.element(0x00400275, "SQ", b"", length=datasets.UNDEFINED)
    items = datasets.item(b"", length=datasets.UNDEFINED) + datasets.delimiter(0xE00D) + datasets.delimiter(0xE0DD)
    pixels = datasets.element(0x7FE00010, "OB", b"", length=datasets.UNDEFINED)
    fragments = datasets.item(b"") + datasets.item(bytes(8)) + datasets.delimiter(0xE0DD)
    explicit = datasets.ct(INSTANCE, PixelData=None) + undefined + items + pixels + fragments
    yield bytes([1, 3]) + explicit
    yield bytes([3, 9]) + deflate(explicit)


def private(form: datasets.Form) -> bytes:
    """Private elements that the site wants, one of them a sequence with others."""
    within = datasets.element(0x00190020, "LO", b"ACME", form) + datasets.element(0x00192004, "US", b"\1\0", form)
    return (
        datasets.element(0x00190010, "LO", b"ACME 1.0", form)
        + datasets.element(0x00191002, "DS", b"1.5 ", form)
        + datasets.element(0x00191003, "SQ", datasets.item(within, form), form)
    )


# -- identifiers -----------------------------------------------------------------------------------------------------


def fuzz_identifier(data: bytes) -> None:
    """First byte: transfer syntax, model and rules."""
    if not data:
        return
    syntax = SYNTAXES[data[0] % 4]
    model = (Model.PATIENT_ROOT, Model.STUDY_ROOT)[data[0] >> 2 & 1]
    try:
        query = decode_identifier(data[1:], syntax, model, RULES[data[0] >> 3 & 1])
    except DimseFailure:
        return
    for match in answer(query, [KEPT]):
        MatchEncoder(query, syntax, None).encode(match)
    response = MatchEncoder(query, syntax, "SCPD").encode(KEPT)
    assert read_data_set(response, syntax)


def identifier_seeds() -> Iterator[bytes]:
    """Queries at every level, with every kind of matching."""
    keys: Sequence[Mapping[str, datasets.Value]] = (
        {"StudyInstanceUID": ""},
        {"StudyDate": "20240101-20241231", "StudyTime": "-12", "PatientName": "Z*^?", "StudyInstanceUID": ""},
        {"StudyInstanceUID": "1.2.3\\1.2.4", "ModalitiesInStudy": "CT\\MR", "TimezoneOffsetFromUTC": "+0100"},
        {"RequestAttributesSequence": [{"RequestedProcedureID": "1"}], "SpecificCharacterSet": "ISO_IR 192"},
        {"PatientName": b"\xc3\x84*", "SpecificCharacterSet": "ISO_IR 192", "NumberOfStudyRelatedInstances": ""},
        {
            "TimezoneOffsetFromUTC": "-0500",
            "StudyDate": "20240130-",
            "StudyTime": "2300-",
            "AcquisitionDateTime": "20240131000000+0100-",
            "PatientSex": '""',
            "ReferencedImageSequence": [{"PurposeOfReferenceCodeSequence": [{"CodeValue": "1*"}]}],
        },
    )
    for choice, form in enumerate(FORMS):
        for level in ("PATIENT", "STUDY", "SERIES", "IMAGE"):
            for each in keys:
                above = {"PatientID": "1", "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1"}
                yield bytes([choice | 4]) + datasets.identifier(level, form, **{**above, **each})
                yield bytes([choice | 8]) + datasets.identifier(level, form, **each)
                yield bytes([choice | 8]) + datasets.identifier(level, form, **each) + private(form)


KEPT = scan(rawpeer.EXPLICIT_LE, [datasets.ct(INSTANCE, TimezoneOffsetFromUTC="+0100")]).attributes()
"""An object that queries may find."""

TARGETS: Mapping[str, Target] = {
    "pdu": Target(fuzz_pdu, pdu_seeds),
    "command": Target(fuzz_command, command_seeds),
    "head": Target(fuzz_head, head_seeds),
    "identifier": Target(fuzz_identifier, identifier_seeds),
}
