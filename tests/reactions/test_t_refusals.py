"""T04-T11, T17: objects that are not what was announced, or do not say where they belong (PS3.4 B.2.3)."""

import random
import struct

import pytest

from scpd.profile.profile import LOOPBACK, Operation, Peer, Profile
from tests.daemon import Daemon
from tests.datasets import EXPLICIT, IMPLICIT, UNDEFINED, Form, ct, delimiter, element, item
from tests.rawpeer import (
    CT_IMAGE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Call,
    Message,
    RawPeer,
    command,
    command_set,
    data_set,
    store_rq,
    storing,
    us,
)
from tests.reactions import kept

INVALID_SOP_INSTANCE = 0x0117
NOT_AUTHORIZED = 0x0124
DOES_NOT_MATCH = 0xA900
DOES_NOT_MATCH_WARNING = 0xB007
CANNOT_UNDERSTAND = 0xC000

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
HANGING_PROTOCOL = "1.2.840.10008.5.1.4.38.1"
COLOR_PALETTE = "1.2.840.10008.5.1.4.39.1"
IMPLANT_TEMPLATE = "1.2.840.10008.5.1.4.43.1"

SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E


def assert_refused(peer: RawPeer, daemon: Daemon, response: Message, status: int) -> None:
    """Refused with `status`, nothing kept, and the association goes on."""
    assert response.status == status
    assert kept.nothing(daemon)
    assert peer.echo(99) == 0x0000


def offending(response: Message) -> list[int]:
    """Offending Element (0000,0901)."""
    return [group << 16 | number for group, number in struct.iter_unpack("<HH", response.command[0x0901])]


@pytest.mark.parametrize("sop_class", [MR_IMAGE, "1.2.3", CT_IMAGE + ".1"])
def test_t04_other_class_in_the_data_set(peer: RawPeer, daemon: Daemon, sop_class: str) -> None:
    """T04: A900H naming (0008,0016) (PS3.4 B.2.3)."""
    response = peer.store("1.2.3.4", ct("1.2.3.4", SOPClassUID=sop_class))
    assert_refused(peer, daemon, response, DOES_NOT_MATCH)
    assert offending(response) == [SOP_CLASS_UID]


@pytest.mark.parametrize("instance", ["1.2.3.5", "1.2.3.4.0", "1.2.3.40", "1.2.3"])
def test_t05_other_instance_in_the_data_set(peer: RawPeer, daemon: Daemon, instance: str) -> None:
    """T05: A900H naming (0008,0018) (PS3.4 B.2.3)."""
    response = peer.store("1.2.3.4", ct(instance))
    assert_refused(peer, daemon, response, DOES_NOT_MATCH)
    assert offending(response) == [SOP_INSTANCE_UID]


def before_the_uids() -> dict[str, bytes]:
    """Damage that hides the required UIDs."""
    object_ = ct("1.2.3.4")
    return {
        "random bytes": random.Random(6).randbytes(5000),
        "text": b"GET / HTTP/1.0\r\nHost: pacs.example\r\n\r\n" * 20,
        "zeros": bytes(5000),
        "ones": b"\xff" * 5000,
        "one byte": b"\x08",
        "cut in a head": object_[:5],
        "cut in the series": object_[: object_.index(struct.pack("<HH", 0x20, 0x0E)) + 10],
        "cut in a value before the UIDs": object_[:60],
        "length beyond the end": element(0x00080005, "CS", b"ISO_IR 100", length=60_000) + object_,
        "sequence without end": element(0x00080006, "SQ", b"", length=UNDEFINED)
        + item(b"", length=UNDEFINED)
        + object_,
        "no item in a sequence": element(0x00080006, "SQ", b"", length=UNDEFINED) + object_,
        "a delimiter of nothing": delimiter(0xE00D) + object_,
    }


@pytest.mark.parametrize("name", before_the_uids())
def test_t06_damage_before_the_uids(peer: RawPeer, daemon: Daemon, name: str) -> None:
    """T06: C000H, nothing is kept, the association goes on (PS3.4 B.2.3)."""
    assert_refused(peer, daemon, peer.store("1.2.3.4", before_the_uids()[name]), CANNOT_UNDERSTAND)


def behind_the_uids(form: Form) -> dict[str, bytes]:
    """Damage that the required UIDs precede."""
    object_ = ct("1.2.3.4", form, PixelData=None)
    pixels = 0x7FE00010
    return {
        "pixels cut": object_ + element(pixels, "OW", bytes(100), form, length=524_288),
        "cut in a head": object_ + element(pixels, "OW", b"", form)[:6],
        "garbage": object_ + b"\xfe\xff\x00" * 50,
        "fragments without end": object_ + element(pixels, "OB", b"", form, length=UNDEFINED) + item(b"abcd", form),
        "fragment beyond the end": object_
        + element(pixels, "OB", b"", form, length=UNDEFINED)
        + item(b"abcd", form, length=1000),
        "no item in fragments": object_ + element(pixels, "OB", bytes(100), form, length=UNDEFINED),
        "sequence without end": object_ + element(0x00400275, "SQ", b"", form, length=UNDEFINED) + item(b"", form),
        "item without end": object_
        + element(0x00400275, "SQ", b"", form, length=UNDEFINED)
        + item(b"", form, length=UNDEFINED)
        + delimiter(0xE0DD, form),
        "a delimiter of nothing": object_ + delimiter(0xE0DD, form),
    }


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE], ids=["explicit", "implicit"])
@pytest.mark.parametrize("name", behind_the_uids(EXPLICIT))
def test_t06_damage_behind_the_uids(call: Call, daemon: Daemon, name: str, syntax: str) -> None:
    """T06: stored byte-exact, B007H, logged as damaged; it can be queried (PS3.4 B.2.3)."""
    object_ = behind_the_uids(IMPLICIT if syntax == IMPLICIT_LE else EXPLICIT)[name]
    peer = call()
    peer.associate(storing(syntax))
    assert peer.store("1.2.3.4", object_).status == DOES_NOT_MATCH_WARNING
    assert [file.data_set for file in kept.files(daemon)] == [object_]
    counts = kept.statistics(daemon)
    assert (counts.instances, counts.damaged) == (1, 1)
    (event,) = [event for event in daemon.events() if event["event"] == "object set apart"]
    assert (event["damaged"], event["outcome"]) == (True, "stored")
    assert peer.echo(2) == 0x0000


def test_t07_data_set_of_no_bytes(peer: RawPeer, daemon: Daemon) -> None:
    """T07: C000H (PS3.4 B.2.3)."""
    assert_refused(peer, daemon, peer.store("1.2.3.4", b""), CANNOT_UNDERSTAND)


REQUIRED = {
    "SOPClassUID": SOP_CLASS_UID,
    "SOPInstanceUID": SOP_INSTANCE_UID,
    "StudyInstanceUID": STUDY_INSTANCE_UID,
    "SeriesInstanceUID": SERIES_INSTANCE_UID,
}


@pytest.mark.parametrize("value", [None, "", "\0\0"], ids=["absent", "empty", "padding"])
@pytest.mark.parametrize("keyword", REQUIRED)
def test_t08_required_uid_missing(peer: RawPeer, daemon: Daemon, keyword: str, value: str | None) -> None:
    """T08: A900H naming what is missing in (0000,0901) (PS3.4 B.2.3, PS3.7 Annex C)."""
    response = peer.store("1.2.3.4", ct("1.2.3.4", EXPLICIT, **{keyword: value}))
    assert_refused(peer, daemon, response, DOES_NOT_MATCH)
    assert offending(response) == [REQUIRED[keyword]]


@pytest.mark.parametrize("sop_class", [HANGING_PROTOCOL, COLOR_PALETTE, IMPLANT_TEMPLATE])
def test_t08_objects_of_no_patient_need_no_study(call: Call, daemon: Daemon, sop_class: str) -> None:
    """T08: stored: IODs without a patient have neither study nor series (PS3.4 GG.3)."""
    object_ = ct("1.2.3.4", SOPClassUID=sop_class, StudyInstanceUID=None, SeriesInstanceUID=None, PatientID=None)
    peer = call()
    peer.associate(storing(EXPLICIT_LE, sop_class))
    peer.send(command(3, store_rq("1.2.3.4", sop_class=sop_class)) + data_set(3, object_))
    assert peer.receive_message().status == 0x0000
    assert [file.data_set for file in kept.files(daemon, "other")] == [object_]


HOSTILE_UIDS = {
    "65 characters": "1." + "2" * 63,
    "relative path": "../../x",
    "dots": "..",
    "one dot": ".",
    "absolute path": "/etc/passwd",
    "NUL inside": "1.2\0.3",
    "letters": "1.2.3.LOCALIZER",
    "empty component": "1..2",
    "dot at the end": "1.2.",
    "two values": "1.2.3\\1.2.4",
    "control bytes": "1.2\x1b[2J\n.3",
    "latin-1": "1.2.\xb2",
    "spaces inside": "1.2 .3",
    "kilobytes": "1.2." + "3" * 30_000,
}


@pytest.mark.parametrize("name", [*HOSTILE_UIDS, "empty"])
def test_t09_instance_uid_that_is_none(peer: RawPeer, daemon: Daemon, name: str) -> None:
    """T09: 0117H, and no path is made of it (PS3.7 9.1.1.1.9, PS3.5 9.1)."""
    uid = HOSTILE_UIDS.get(name, "")
    object_ = ct("1.2.3.4", SOPInstanceUID=uid.encode("latin-1"))
    assert_refused(peer, daemon, peer.store(uid, object_), INVALID_SOP_INSTANCE)


def test_t09_no_instance_uid_at_all(peer: RawPeer, daemon: Daemon) -> None:
    """T09: 0117H for a command without (0000,1000) (PS3.7 9.3.1.1)."""
    request = command_set(
        (0x0002, CT_IMAGE.encode() + b"\0"), (0x0100, us(1)), (0x0110, us(1)), (0x0700, us(0)), (0x0800, us(1))
    )
    peer.send(command(3, request) + data_set(3, ct("1.2.3.4")))
    assert_refused(peer, daemon, peer.receive_message(), INVALID_SOP_INSTANCE)


@pytest.mark.parametrize("uid", ["1.02.3", "01.2", "1.2.00"])
def test_t09_leading_zeros(peer: RawPeer, daemon: Daemon, uid: str) -> None:
    """T09: a component with a leading zero is accepted and logged, though PS3.5 9.1 forbids it."""
    assert peer.store(uid, ct(uid)).status == 0x0000
    assert [file.sop_instance_uid for file in kept.files(daemon)] == [uid]
    assert [event for event in daemon.events() if event["event"] == "tolerated"]


@pytest.mark.parametrize("name", HOSTILE_UIDS)
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_t10_hostile_study_or_series(peer: RawPeer, daemon: Daemon, keyword: str, name: str) -> None:
    """T10: A900H naming the attribute; no path is made of it (PS3.5 9.1)."""
    response = peer.store("1.2.3.4", ct("1.2.3.4", EXPLICIT, **{keyword: HOSTILE_UIDS[name].encode("latin-1")}))
    assert_refused(peer, daemon, response, DOES_NOT_MATCH)
    assert offending(response) == [REQUIRED[keyword]]


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_t10_leading_zeros(peer: RawPeer, daemon: Daemon, keyword: str) -> None:
    """T10: as in T09, leading zeros are let through."""
    object_ = ct("1.2.3.4", EXPLICIT, **{keyword: "1.02.3"})
    assert peer.store("1.2.3.4", object_).status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [object_]


ECHO_ONLY = Profile(peers=(Peer("RAWPEER", LOOPBACK, operations=frozenset({Operation.ECHO})),))


@pytest.mark.parametrize("daemon", [{"profile": ECHO_ONLY}], indirect=True)
def test_t11_peer_that_may_not_store(peer: RawPeer, daemon: Daemon) -> None:
    """T11: 0124H, Refused: Not Authorized (PS3.7 9.1.1.1.9, Annex C)."""
    assert_refused(peer, daemon, peer.store("1.2.3.4", ct("1.2.3.4")), NOT_AUTHORIZED)


def meta(form: Form) -> bytes:
    """File meta elements."""
    return element(0x00020000, "UL", b"\x1a\0\0\0", form) + element(0x00020010, "UI", b"1.2.840.10008.1.2.1\0", form)


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE], ids=["explicit", "implicit"])
@pytest.mark.parametrize("name", ["file", "file without preamble", "meta first", "meta last"])
def test_t17_file_meta_on_the_network(call: Call, daemon: Daemon, name: str, syntax: str) -> None:
    """T17: C000H, and nothing of it is written: group 0002 belongs to files (PS3.10 7.1, PS3.5 7.1)."""
    form = IMPLICIT if syntax == IMPLICIT_LE else EXPLICIT
    object_ = ct("1.2.3.4", form)
    cases = {
        "file": bytes(128) + b"DICM" + meta(EXPLICIT) + object_,
        "file without preamble": b"DICM" + meta(EXPLICIT) + object_,
        "meta first": meta(form) + object_,
        "meta last": object_ + meta(form),
    }
    peer = call()
    peer.associate(storing(syntax))
    assert_refused(peer, daemon, peer.store("1.2.3.4", cases[name]), CANNOT_UNDERSTAND)
