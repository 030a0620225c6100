"""F03-F08, F29: what a C-FIND may ask, and who (PS3.4 C.4.1.1, C.4.1.2)."""

import struct

import pytest

from scpd.profile.profile import LOOPBACK, Operation, Peer, Profile
from scpd.query.identifier import QueryRules
from tests.daemon import Daemon
from tests.datasets import (
    IMPLICIT,
    PATIENT_MARK,
    UNDEFINED,
    Value,
    ct,
    element,
    identifier,
    tag_of,
)
from tests.rawpeer import (
    PATIENT_ROOT_FIND,
    STUDY_ROOT_FIND,
    Call,
    Message,
    Proposal,
    RawPeer,
    item,
    maximum_length,
)
from tests.reactions.queries import (
    PATIENT_ROOT,
    PENDING_UNSUPPORTED,
    QUERYING,
    SERIES,
    STUDY,
    STUDY_ROOT,
    SUCCESS,
    Root,
    answer,
    ask,
    found,
    keep,
    keep_studies,
)

PROPOSAL = QUERYING

DOES_NOT_MATCH = 0xA900
UNABLE_TO_PROCESS = 0xC000
NOT_AUTHORIZED = 0x0124
LENIENT = {"query_rules": QueryRules(strict=False)}
HIERARCHICAL = {"profile": Profile(find_extensions=frozenset())}


def offending(response: Message) -> list[int]:
    """Offending Element (0000,0901)."""
    return [group << 16 | number for group, number in struct.iter_unpack("<HH", response.command[0x0901])]


def assert_refused(peer: RawPeer, responses: list[Message], status: int) -> Message:
    """One response, which refuses and has no Identifier; the association goes on. Returns it."""
    (response,) = responses
    assert (response.status, response.data_set) == (status, None)
    assert peer.echo(99) == SUCCESS
    return response


# The keys that pin a query at each level to one entity of each level above.
PRIVATE_KEYS = element(0x00090010, "LO", b"ACME", IMPLICIT) + element(0x00091001, "LO", b"key ", IMPLICIT)


@pytest.mark.parametrize(
    "tail",
    [
        element(tag_of("ReasonForStudy"), "LO", b"pain", IMPLICIT),
        element(tag_of("MilitaryRank"), "LO", b"", IMPLICIT) + element(tag_of("ReasonForStudy"), "LO", b"", IMPLICIT),
        PRIVATE_KEYS,
    ],
    ids=["with a value", "without", "private"],
)
def test_f03_optional_key_that_is_not_supported(peer: RawPeer, tail: bytes) -> None:
    """F03: FF01H in place of FF00H; the key is neither matched on nor returned (PS3.4 C.4.1.1.4)."""
    keep_studies(peer, {}, {})
    head = identifier("STUDY", IMPLICIT, AccessionNumber=f"{PATIENT_MARK}A")
    *matches, final = peer.find(head + tail)
    assert [each.status for each in matches] == [PENDING_UNSUPPORTED] * 2
    assert final.status == SUCCESS
    unsupported = {tag_of("ReasonForStudy"), 0x00090010, 0x00091001}
    assert not [tag for each in matches for tag in answer(each).keys() & unsupported]


@pytest.mark.parametrize(
    ("root", "level"),
    [
        (STUDY_ROOT, None),
        (STUDY_ROOT, ""),
        (STUDY_ROOT, "BOGUS"),
        (STUDY_ROOT, "study"),
        (STUDY_ROOT, "STUDY\\SERIES"),
        (STUDY_ROOT, "PATIENT"),
        (PATIENT_ROOT, None),
        (PATIENT_ROOT, "WORKLIST"),
    ],
    ids=lambda part: repr(part) if not isinstance(part, Root) else "",
)
def test_f04_level_that_the_model_does_not_have(peer: RawPeer, root: Root, level: str | None) -> None:
    """F04: A900H naming (0008,0052) (PS3.4 C.4.1.1.4, C.6.1, C.6.2)."""
    response = assert_refused(peer, ask(peer, level, root, PatientID="", StudyInstanceUID=""), DOES_NOT_MATCH)
    assert offending(response) == [0x00080052]


BROKEN_HIERARCHY: dict[str, tuple[Root, str, dict[str, Value], str]] = {
    "study UID missing": (STUDY_ROOT, "SERIES", {}, "StudyInstanceUID"),
    "study UID empty": (STUDY_ROOT, "SERIES", {"StudyInstanceUID": ""}, "StudyInstanceUID"),
    "list of study UIDs": (STUDY_ROOT, "SERIES", {"StudyInstanceUID": f"{STUDY}\\1.2.4"}, "StudyInstanceUID"),
    "series UID missing": (STUDY_ROOT, "IMAGE", {"StudyInstanceUID": STUDY}, "SeriesInstanceUID"),
    "study UID missing above a series": (STUDY_ROOT, "IMAGE", {"SeriesInstanceUID": SERIES}, "StudyInstanceUID"),
    "patient ID missing": (PATIENT_ROOT, "STUDY", {}, "PatientID"),
    "patient ID with wild card": (PATIENT_ROOT, "STUDY", {"PatientID": f"{PATIENT_MARK}*"}, "PatientID"),
    "patient ID missing above a series": (PATIENT_ROOT, "SERIES", {"StudyInstanceUID": STUDY}, "PatientID"),
}
HIERARCHIES = pytest.mark.parametrize("name", BROKEN_HIERARCHY)


@HIERARCHIES
def test_f05_unique_key_above_is_not_one_value(peer: RawPeer, name: str) -> None:
    """F05: A900H naming the key, since relational queries were not negotiated (PS3.4 C.4.1.2.1, C.4.1.3.1.1)."""
    keep(peer, "1.2.3.1.1")
    root, level, keys, culprit = BROKEN_HIERARCHY[name]
    response = assert_refused(peer, ask(peer, level, root, **keys), DOES_NOT_MATCH)
    assert offending(response) == [tag_of(culprit)]


@pytest.mark.parametrize("daemon", [LENIENT], indirect=True)
@HIERARCHIES
def test_f05_lenient(peer: RawPeer, name: str) -> None:
    """F05: answered without them where `query.strict` is false."""
    keep(peer, "1.2.3.1.1")
    root, level, keys, _ = BROKEN_HIERARCHY[name]
    assert len(found(peer, level, root, **keys)) == 1


KEYS_BELOW: dict[str, tuple[Root, str, str]] = {
    "series key": (STUDY_ROOT, "STUDY", "Modality"),
    "unique key of a series": (STUDY_ROOT, "STUDY", "SeriesInstanceUID"),
    "image key": (STUDY_ROOT, "STUDY", "InstanceNumber"),
    "study key": (PATIENT_ROOT, "PATIENT", "StudyDate"),
    "computed key": (PATIENT_ROOT, "PATIENT", "ModalitiesInStudy"),
}


@pytest.mark.parametrize("name", KEYS_BELOW)
def test_f06_key_of_a_level_below(peer: RawPeer, name: str) -> None:
    """F06: A900H naming the key (PS3.4 C.4.1.2.1)."""
    keep(peer, "1.2.3.1.1")
    root, level, keyword = KEYS_BELOW[name]
    response = assert_refused(peer, ask(peer, level, root, **{keyword: ""}), DOES_NOT_MATCH)
    assert offending(response) == [tag_of(keyword)]


@pytest.mark.parametrize("daemon", [LENIENT], indirect=True)
@pytest.mark.parametrize("name", KEYS_BELOW)
def test_f06_lenient(peer: RawPeer, name: str) -> None:
    """F06: passed over with FF01H where `query.strict` is false."""
    keep(peer, "1.2.3.1.1")
    root, level, keyword = KEYS_BELOW[name]
    match, final = ask(peer, level, root, **{keyword: ""})
    assert (match.status, final.status) == (PENDING_UNSUPPORTED, SUCCESS)
    assert not answer(match).get(tag_of(keyword))


def relational(sop_class: str) -> Proposal:
    """Both models, and relational queries asked for in one of them (PS3.4 Table C.5-1)."""
    wish = item(0x56, struct.pack(">H", len(sop_class)) + sop_class.encode() + b"\1")
    return Proposal(contexts=QUERYING.contexts, user_items=maximum_length(16384) + item(0x52, b"1.2.3.4") + wish)


@HIERARCHIES
def test_f07_relational_query(call: Call, name: str) -> None:
    """F07: no unique keys above are needed where relational queries were negotiated (PS3.4 C.4.1.3.2.1)."""
    root, level, keys, _ = BROKEN_HIERARCHY[name]
    peer = call()
    peer.associate(relational(root.sop_class))
    keep(peer, "1.2.3.1.1")
    assert len(found(peer, level, root, **keys)) == 1


def test_f07_relational_query_in_the_other_model(call: Call) -> None:
    """F07: what one SOP class negotiated is not granted to another: A900H (PS3.4 C.5.1.1)."""
    peer = call()
    peer.associate(relational(PATIENT_ROOT_FIND))
    assert_refused(peer, ask(peer, "SERIES", STUDY_ROOT), DOES_NOT_MATCH)


@pytest.mark.parametrize("daemon", [HIERARCHICAL, {}], ids=["not offered", "not asked for"], indirect=True)
def test_f07_relational_query_that_was_not_agreed(call: Call, daemon: Daemon) -> None:
    """F07: A900H where only one side wants it (PS3.4 C.5.1.1)."""
    asked_for = not daemon.profile.find_extensions
    peer = call()
    peer.associate(relational(STUDY_ROOT_FIND) if asked_for else QUERYING)
    assert_refused(peer, ask(peer, "SERIES", STUDY_ROOT), DOES_NOT_MATCH)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"", DOES_NOT_MATCH),
        (identifier(None, IMPLICIT, PatientName=""), DOES_NOT_MATCH),
        (b"\xff" * 100, UNABLE_TO_PROCESS),
        (b"SELECT * FROM study", UNABLE_TO_PROCESS),
        (identifier("STUDY", IMPLICIT, PatientName="")[:-3], UNABLE_TO_PROCESS),
        (identifier("STUDY", IMPLICIT)[:-2], UNABLE_TO_PROCESS),
        (identifier("STUDY", IMPLICIT) + element(0x00081032, "SQ", b"", IMPLICIT, length=UNDEFINED), UNABLE_TO_PROCESS),
        (identifier("STUDY", IMPLICIT) + element(0x00104000, "LT", bytes(80_000), IMPLICIT), UNABLE_TO_PROCESS),
    ],
    ids=["empty", "no level", "garbage", "text", "cut in a head", "cut in a value", "open sequence", "too long"],
)
def test_f08_identifier_that_is_none(peer: RawPeer, asked: bytes, status: int) -> None:
    """F08: A900H for one that does not fit the model, C000H for one that cannot be read (PS3.4 C.4.1.1.4)."""
    assert_refused(peer, peer.find(asked), status)


NOT_ASKING = Profile(peers=(Peer("RAWPEER", LOOPBACK, operations=frozenset({Operation.ECHO, Operation.STORE})),))


@pytest.mark.parametrize("daemon", [{"profile": NOT_ASKING}], indirect=True)
@pytest.mark.parametrize("root", [STUDY_ROOT, PATIENT_ROOT], ids=["study root", "patient root"])
def test_f29_peer_that_may_not_ask(peer: RawPeer, root: Root) -> None:
    """F29: 0124H, Refused: Not Authorized, not even of what it has stored itself (PS3.7 9.1.2.1.5, Annex C)."""
    keep_studies(peer, {})
    (refused,) = ask(peer, "STUDY", root, PatientID="", StudyInstanceUID="")
    assert (refused.status, refused.data_set) == (NOT_AUTHORIZED, None)
    assert peer.store("1.2.9", ct("1.2.9")).status == SUCCESS
