"""T01, T12-T16, T22-T25: what is stored, how often, and that not one byte of it changes (PS3.4 Annex B)."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from pydicom._uid_dict import UID_dictionary

from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import Profile, Service
from tests.daemon import Daemon
from tests.datasets import BIG_ENDIAN, EXPLICIT, IMPLICIT, PATIENT_MARK, UNDEFINED, ct, delimiter, element, item
from tests.rawpeer import (
    CT_IMAGE,
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Call,
    RawPeer,
    command,
    context_results,
    data_set,
    store_rq,
    storing,
    us,
)
from tests.rawpeer import element as command_element
from tests.reactions import kept

DOES_NOT_MATCH_WARNING = 0xB007

NOT_FOR_STORAGE = ("1.2.840.10008.1.2.6.", "1.2.840.10008.1.2.7.", "1.2.840.10008.1.20")  # mail, XML, SMPTE, Papyrus
SYNTAXES = [
    uid
    for uid, (_, kind, *_) in UID_dictionary.items()
    if kind == "Transfer Syntax" and not uid.startswith(NOT_FOR_STORAGE)
]
BY_REFERENCE = ("1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.204")
BY_REFERENCE_DEFLATED = ("1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")

PIXELS = (
    element(0x7FE00010, "OB", b"", length=UNDEFINED)
    + item(b"")
    + item(b"\xff\xd8 one")
    + item(b"two ")
    + delimiter(0xE0DD)
)


def deflated(data: bytes) -> bytes:
    """A raw DEFLATE stream of even length (PS3.5 A.5)."""
    compressor = zlib.compressobj(wbits=-15)
    stream = compressor.compress(data) + compressor.flush()
    return stream + b"\0" * (len(stream) % 2)


def encoded(syntax: str) -> bytes:
    """The same object as each transfer syntax writes it."""
    by_reference = ct("1.2.3.4", PixelData=None, PixelDataProviderURL="https://pacs.example/1")
    encodings = {
        IMPLICIT_LE: ct("1.2.3.4", IMPLICIT),
        EXPLICIT_LE: ct("1.2.3.4", EXPLICIT),
        EXPLICIT_BE: ct("1.2.3.4", BIG_ENDIAN),
        DEFLATED_LE: deflated(ct("1.2.3.4")),
        **dict.fromkeys(BY_REFERENCE, by_reference),
        **dict.fromkeys(BY_REFERENCE_DEFLATED, deflated(by_reference)),
    }
    return encodings.get(syntax, ct("1.2.3.4", PixelData=None) + PIXELS)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_t01_object_in_each_transfer_syntax(call: Call, daemon: Daemon, syntax: str) -> None:
    """T01: 0000H; byte-exact in a Part 10 file that names the accepted syntax; a row (PS3.4 B.2.2, PS3.10 7.1)."""
    peer = call()
    peer.associate(storing(syntax))
    assert peer.store("1.2.3.4", encoded(syntax)).status == 0x0000
    (file,) = kept.files(daemon)  # at once: success is said after everything is durable
    assert file.data_set == encoded(syntax)
    assert (file.sop_class_uid, file.sop_instance_uid) == (CT_IMAGE, "1.2.3.4")
    assert file.transfer_syntax_uid == syntax
    counts = kept.statistics(daemon)
    assert (counts.patients, counts.studies, counts.series, counts.instances) == (1, 1, 1, 1)


def test_t12_same_object_again(call: Call, daemon: Daemon) -> None:
    """T12: 0000H, one object, one row; on the same association and on another (PS3.4 B.2.2)."""
    for peer in (call(), call()):
        peer.associate()
        assert peer.store("1.2.3.4", ct("1.2.3.4")).status == 0x0000
        assert peer.store("1.2.3.4", ct("1.2.3.4"), message_id=2).status == 0x0000
    assert len(kept.files(daemon)) == kept.statistics(daemon).instances == 1
    assert not kept.files(daemon, "quarantine")


def test_t13_other_bytes_under_a_known_uid(peer: RawPeer, daemon: Daemon) -> None:
    """T13: the first is kept, the second goes byte-exact to quarantine, B007H, and the log says so (PS3.4 B.2.3)."""
    first, second = ct("1.2.3.4"), ct("1.2.3.4", StudyDescription=f"{PATIENT_MARK} corrected")
    assert peer.store("1.2.3.4", first).status == 0x0000
    for message_id in (2, 3):  # and again: it is kept aside once
        assert peer.store("1.2.3.4", second, message_id).status == DOES_NOT_MATCH_WARNING
    assert [file.data_set for file in kept.files(daemon)] == [first]
    assert [file.data_set for file in kept.files(daemon, "quarantine")] == [second]
    counts = kept.statistics(daemon)
    assert (counts.instances, counts.quarantined) == (1, 1)
    assert [event["outcome"] for event in daemon.events() if event["event"] == "object set apart"] == [
        "quarantined"
    ] * 2
    assert peer.store("1.2.3.4", first, 4).status == 0x0000


def test_t14_same_object_on_eight_associations_at_once(call: Call, daemon: Daemon) -> None:
    """T14: eight times 0000H, and one object, one row."""
    peers = [call() for _ in range(8)]
    for peer in peers:
        peer.associate()
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda peer: peer.store("1.2.3.4", ct("1.2.3.4")).status, peers))
    assert statuses == [0x0000] * 8
    assert len(kept.files(daemon)) == kept.statistics(daemon).instances == 1


def test_t14_eight_different_objects_under_one_uid_at_once(call: Call, daemon: Daemon) -> None:
    """T14: one is stored and told so, seven are kept aside and told so; nobody is told what is not true."""
    objects = [ct("1.2.3.4", InstanceNumber=str(number)) for number in range(8)]
    peers = [call() for _ in objects]
    for peer in peers:
        peer.associate()
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda peer, object_: peer.store("1.2.3.4", object_).status, peers, objects))
    assert sorted(statuses) == [0x0000] + [DOES_NOT_MATCH_WARNING] * 7
    winner = objects[statuses.index(0x0000)]
    assert [file.data_set for file in kept.files(daemon)] == [winner]
    assert {file.data_set for file in kept.files(daemon, "quarantine")} == {*objects} - {winner}
    counts = kept.statistics(daemon)
    assert (counts.instances, counts.quarantined) == (1, 7)


def test_t14_one_study_on_eight_associations_at_once(call: Call, daemon: Daemon) -> None:
    """T14: the same study from eight senders: every object has its row, and the study one."""
    peers = [call() for _ in range(8)]
    for peer in peers:
        peer.associate()
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(store_ten, peers, range(8)))
    assert statuses == [[0x0000] * 10] * 8
    counts = kept.statistics(daemon)
    assert (counts.patients, counts.studies, counts.series, counts.instances) == (1, 1, 8, 80)


def store_ten(peer: RawPeer, sender: int) -> list[int]:
    """Ten objects of a series of this sender."""
    uids = [f"1.2.3.{sender + 1}.{number}" for number in range(10)]
    return [peer.store(one, ct(one, SeriesInstanceUID=f"1.2.3.{sender + 1}")).status for one in uids]


UNUSUAL = {
    "padded and misspelled values": partial(
        ct, PatientID=f"  {PATIENT_MARK}  ", PatientSex="female", StudyDate="31.1.24"
    ),
    "undeclared character set": partial(ct, PatientName=f"{PATIENT_MARK}^J\xf6rg".encode("latin-1")),
    "wrong character set": partial(
        ct, SpecificCharacterSet="ISO_IR 192", PatientName=PATIENT_MARK.encode() + b"\xff\xfe"
    ),
    "no issuer": partial(ct, IssuerOfPatientID=""),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_t15_values_that_others_coerce(peer: RawPeer, daemon: Daemon, name: str) -> None:
    """T15: nothing is coerced, so 0000H and never B000H (PS3.4 B.2.3)."""
    object_ = UNUSUAL[name]("1.2.3.4")
    assert peer.store("1.2.3.4", object_).status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]


@pytest.mark.parametrize(
    "object_",
    [
        ct("1.2.3.4", PixelData=None) + element(0x00290010, "LO", b"ACME 1.0") + element(0x00291001, "UN", bytes(300)),
        ct("1.2.3.4") + element(0xFFFCFFFC, "OB", bytes(100)),
        element(0x00080001, "UL", b"\x10\0\0\0") + ct("1.2.3.4"),
        ct("1.2.3.4", PixelData=None) + element(0x00291002, "ZZ", b"abcd"),
    ],
    ids=["private elements", "trailing padding", "retired elements", "unknown VR"],
)
def test_t16_elements_that_others_drop(peer: RawPeer, daemon: Daemon, object_: bytes) -> None:
    """T16: nothing is dropped, so 0000H and never B006H (PS3.4 B.2.3, B.4.1)."""
    assert peer.store("1.2.3.4", object_).status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]


@pytest.mark.parametrize(
    ("tail", "syntax"),
    [
        (element(0x00291001, "UN", bytes(range(256)) * 256), EXPLICIT_LE),
        (element(0x00291001, "OB", bytes(65_536)), EXPLICIT_LE),
        (element(0x00291001, "UN", bytes(range(256)) * 256, IMPLICIT), IMPLICIT_LE),
        (element(0x00324000, "LT", b"odd"), EXPLICIT_LE),
        (element(0x00324000, "LT", b"odd", IMPLICIT) + element(0x00400254, "LO", b"even", IMPLICIT), IMPLICIT_LE),
    ],
    ids=["64 KiB UN", "64 KiB OB", "64 KiB private, implicit", "odd length", "odd length, implicit"],
)
def test_t22_large_private_and_odd_elements(call: Call, daemon: Daemon, tail: bytes, syntax: str) -> None:
    """T22: stored byte-exact, an odd length too, though PS3.5 7.1.1 forbids it (PS3.4 B.4.1)."""
    form = IMPLICIT if syntax == IMPLICIT_LE else EXPLICIT
    object_ = ct("1.2.3.4", form, PixelData=None) + tail
    peer = call()
    peer.associate(storing(syntax))
    assert peer.store("1.2.3.4", object_).status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]


def test_t23_responses_name_what_they_answer(peer: RawPeer) -> None:
    """T23: Message ID and Affected SOP Instance UID of each request come back, pipelined or not (PS3.7 9.3.1.2)."""
    uids = {7 * number + 1: f"1.2.3.{10**number}" for number in range(10)}
    peer.send(b"".join(command(3, store_rq(one, number)) + data_set(3, ct(one)) for number, one in uids.items()))
    responses = [peer.receive_message() for _ in uids]
    assert [(each.number(0x0120), each.text(0x1000)) for each in responses] == [*uids.items()]
    assert {each.text(0x0002) for each in responses} == {CT_IMAGE}
    assert {each.number(0x0100) for each in responses} == {0x8001}
    assert {each.status for each in responses} == {0x0000}


def test_t24_move_originator(peer: RawPeer, daemon: Daemon) -> None:
    """T24: accepted, and recorded in the log (PS3.7 9.3.1.1)."""
    request = store_rq("1.2.3.4") + command_element(0x1030, b"ORIGINATOR") + command_element(0x1031, us(513))
    peer.send(command(3, request) + data_set(3, ct("1.2.3.4")))
    assert peer.receive_message().status == 0x0000
    recorded = [event for event in daemon.events() if event.get("move_originator") == "ORIGINATOR"]
    assert [event["move_message_id"] for event in recorded] == [513]


ANY_STORAGE = Profile(services=(Service(ServiceName.VERIFICATION), Service(ServiceName.STORAGE, ("*",))))


@pytest.mark.parametrize("daemon", [{"profile": ANY_STORAGE}], indirect=True)
@pytest.mark.parametrize("sop_class", ["1.3.12.2.1107.5.9.1", "1.2.840.10008.5.1.4.1.1.9999", CT_IMAGE])
def test_t25_unknown_storage_class(call: Call, daemon: Daemon, sop_class: str) -> None:
    """T25: with any storage class declared, a private one is stored and indexed by the common keys (PS3.4 B.5)."""
    peer = call()
    peer.associate(storing(EXPLICIT_LE, sop_class))
    object_ = ct("1.2.3.4", SOPClassUID=sop_class)
    peer.send(command(3, store_rq("1.2.3.4", sop_class=sop_class)) + data_set(3, object_))
    assert peer.receive_message().status == 0x0000
    assert [(file.sop_class_uid, file.data_set) for file in kept.files(daemon)] == [(sop_class, object_)]
    assert kept.statistics(daemon).studies == 1


def test_t25_unknown_storage_class_is_refused_otherwise(call: Call) -> None:
    """T25: by default the context of an unknown class is refused: result 3 (PS3.8 9.3.3.2)."""
    peer = call()
    accept = peer.associate(storing(EXPLICIT_LE, "1.3.12.2.1107.5.9.1"))
    assert context_results(accept) == {1: 0, 3: 3}
    assert peer.echo() == 0x0000
