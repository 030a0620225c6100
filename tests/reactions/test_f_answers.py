"""F01-F08, F19-F21, F24-F26: what a C-FIND may ask, and what its responses hold (PS3.4 C.4.1, C.6)."""

import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from scpd.profile.profile import FindExtension, Profile
from scpd.query.identifier import QueryRules
from tests.daemon import Daemon
from tests.datasets import (
    BIG_ENDIAN,
    CT_IMAGE,
    EXPLICIT,
    IMPLICIT,
    PATIENT_MARK,
    UNDEFINED,
    Form,
    Value,
    ct,
    element,
    identifier,
    tag_of,
)
from tests.rawpeer import (
    DEFAULT_CONTEXTS,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    PATIENT_ROOT_FIND,
    STUDY_ROOT_FIND,
    Call,
    Message,
    Proposal,
    RawPeer,
    command,
    data_set,
    item,
    maximum_length,
    store_rq,
    us,
)
from tests.reactions.queries import (
    PATIENT_ROOT,
    PENDING,
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
    keep_images,
    keep_studies,
    studies_found,
)

DOES_NOT_MATCH = 0xA900
UNABLE_TO_PROCESS = 0xC000
NO_DATA_SET = 0x0101

LENIENT = {"query_rules": QueryRules(strict=False)}
RELATIONAL = {"profile": Profile(find_extensions=frozenset({FindExtension.RELATIONAL_QUERIES}))}


@pytest.fixture
def peer(call: Call) -> RawPeer:
    """A peer that stores CT and asks both models."""
    connected = call()
    connected.associate(QUERYING)
    return connected


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
ABOVE: dict[tuple[Root, str], dict[str, Value]] = {
    (PATIENT_ROOT, "PATIENT"): {},
    (PATIENT_ROOT, "STUDY"): {"PatientID": f"{PATIENT_MARK}1"},
    (PATIENT_ROOT, "SERIES"): {"PatientID": f"{PATIENT_MARK}1", "StudyInstanceUID": STUDY},
    (PATIENT_ROOT, "IMAGE"): {"PatientID": f"{PATIENT_MARK}1", "StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES},
    (STUDY_ROOT, "STUDY"): {},
    (STUDY_ROOT, "SERIES"): {"StudyInstanceUID": STUDY},
    (STUDY_ROOT, "IMAGE"): {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES},
}
UNIQUE = {
    "PATIENT": "PatientID",
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}
LEVELS = pytest.mark.parametrize(("root", "level"), ABOVE, ids=lambda part: part if isinstance(part, str) else "")


@LEVELS
def test_f01_matches(peer: RawPeer, root: Root, level: str) -> None:
    """F01: FF00H with an Identifier for each match, then one 0000H without (PS3.4 C.4.1.1.4, C.4.1.3)."""
    for number in (1, 2, 3):
        study = STUDY if level in ("SERIES", "IMAGE") else f"1.2.{number + 2}"
        series = SERIES if level == "IMAGE" else f"{study}.{number}"
        patient = f"{PATIENT_MARK}{number if level == 'PATIENT' else 1}"
        keep(peer, f"1.2.9.{number}", StudyInstanceUID=study, SeriesInstanceUID=series, PatientID=patient)
    *matches, final = ask(peer, level, root, **ABOVE[root, level] | {UNIQUE[level]: ""})
    assert [each.status for each in matches] == [PENDING] * 3
    assert all(each.number(0x0800) != NO_DATA_SET and each.data_set for each in matches)
    assert len({answer(each)[tag_of(UNIQUE[level])].value for each in matches}) == 3
    assert (final.status, final.number(0x0800), final.data_set) == (SUCCESS, NO_DATA_SET, None)
    for response in (*matches, final):
        assert response.context_id == root.context_id
        assert (response.number(0x0100), response.number(0x0120)) == (0x8020, 1)
        assert response.text(0x0002) == root.sop_class


@pytest.mark.parametrize(
    ("syntax", "form"),
    [(IMPLICIT_LE, IMPLICIT), (EXPLICIT_LE, EXPLICIT), (EXPLICIT_BE, BIG_ENDIAN)],
    ids=["implicit", "explicit", "big endian"],
)
def test_f01_identifiers_in_each_transfer_syntax(call: Call, syntax: str, form: Form) -> None:
    """F01: Identifiers are read and written in the context's transfer syntax (PS3.8 9.3.3.2)."""
    peer = call()
    peer.associate(Proposal(contexts=(*DEFAULT_CONTEXTS[:2], (5, STUDY_ROOT_FIND, (syntax,)))))
    keep_studies(peer, {}, {})
    asked = {"PatientName": f"{PATIENT_MARK}^Anna", "StudyInstanceUID": "1.2.2", "NumberOfStudyRelatedSeries": ""}
    match, final = peer.find(identifier("STUDY", form, **asked))
    assert (match.status, final.status) == (PENDING, SUCCESS)
    expected = identifier(
        "STUDY",
        form,
        **asked | {"NumberOfStudyRelatedSeries": "1"},
        RetrieveAETitle="",
        InstanceAvailability="UNAVAILABLE",
    )
    assert match.data_set == expected


@LEVELS
def test_f02_no_match(peer: RawPeer, root: Root, level: str) -> None:
    """F02: 0000H and nothing else, from an empty archive too (PS3.4 C.4.1.3.1)."""
    keys = ABOVE[root, level] | {UNIQUE[level]: "1.2.3.404"}
    assert [each.status for each in ask(peer, level, root, **keys)] == [SUCCESS]
    keep_studies(peer, {})
    (final,) = ask(peer, level, root, **keys)
    assert (final.status, final.number(0x0800)) == (SUCCESS, NO_DATA_SET)


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


@pytest.mark.parametrize("daemon", [RELATIONAL], indirect=True)
@HIERARCHIES
def test_f07_relational_query(call: Call, name: str) -> None:
    """F07: no unique keys above are needed where relational queries were negotiated (PS3.4 C.4.1.3.2.1)."""
    root, level, keys, _ = BROKEN_HIERARCHY[name]
    peer = call()
    peer.associate(relational(root.sop_class))
    keep(peer, "1.2.3.1.1")
    assert len(found(peer, level, root, **keys)) == 1


@pytest.mark.parametrize("daemon", [RELATIONAL], indirect=True)
def test_f07_relational_query_in_the_other_model(call: Call) -> None:
    """F07: what one SOP class negotiated is not granted to another: A900H (PS3.4 C.5.1.1)."""
    peer = call()
    peer.associate(relational(PATIENT_ROOT_FIND))
    assert_refused(peer, ask(peer, "SERIES", STUDY_ROOT), DOES_NOT_MATCH)


@pytest.mark.parametrize("daemon", [{}, RELATIONAL], ids=["not offered", "not asked for"], indirect=True)
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


ALWAYS = {tag_of("QueryRetrieveLevel"), tag_of("RetrieveAETitle")}


@LEVELS
@pytest.mark.parametrize("daemon", [{"retrieve_ae_title": "ELSEWHERE"}, {}], ids=["retrieve", "none"], indirect=True)
def test_f19_where_and_how_a_match_is_retrieved(peer: RawPeer, daemon: Daemon, root: Root, level: str) -> None:
    """F19: level, unique keys, (0008,0054); where nothing can be retrieved empty, and UNAVAILABLE (C.4.1.1.3.2)."""
    keep(peer, "1.2.3.1.1")
    (match,) = found(peer, level, root, **ABOVE[root, level])
    assert match.QueryRetrieveLevel == level
    for keyword in (*ABOVE[root, level], UNIQUE[level]):
        assert match[tag_of(keyword)].value
    if daemon.retrieve_ae_title:
        assert match.RetrieveAETitle == daemon.retrieve_ae_title
        assert "InstanceAvailability" not in match
    else:
        assert not match.RetrieveAETitle
        assert match.InstanceAvailability == "UNAVAILABLE"


@pytest.mark.parametrize("daemon", [{"retrieve_ae_title": "ELSEWHERE"}], indirect=True)
def test_f19_availability_when_it_is_asked_for(peer: RawPeer) -> None:
    """F19: ONLINE (PS3.4 C.4.1.1.3.2, PS3.3 C.4.23.1.1); neither key is matched on."""
    keep(peer, "1.2.3.1.1")
    (match,) = found(peer, "STUDY", RetrieveAETitle="OTHER", InstanceAvailability="OFFLINE")
    assert (match.RetrieveAETitle, match.InstanceAvailability) == ("ELSEWHERE", "ONLINE")


@LEVELS
def test_f20_only_what_was_asked_for(peer: RawPeer, root: Root, level: str) -> None:
    """F20: the requested keys and those of F19, nothing else of the object (PS3.4 C.4.1.1.3.2)."""
    keep(peer, "1.2.3.1.1")
    (match,) = found(peer, level, root, **ABOVE[root, level], PatientName="", PatientBirthTime="")
    asked = {tag_of("PatientName"), tag_of("PatientBirthTime")} | {tag_of(keyword) for keyword in ABOVE[root, level]}
    assert match.keys() == asked | ALWAYS | {tag_of(UNIQUE[level]), tag_of("InstanceAvailability")}
    assert str(match.PatientName) == f"{PATIENT_MARK}^Anna"
    assert not match.PatientBirthTime


def test_f20_only_the_asked_part_of_a_sequence(peer: RawPeer) -> None:
    """F20: of the items of a sequence too, the requested keys only (PS3.4 C.2.2.2.6)."""
    code: Value = [{"CodeValue": "A1", "CodingSchemeDesignator": "99X", "CodeMeaning": f"{PATIENT_MARK} brain"}]
    keep(peer, "1.2.3.1.1", ProcedureCodeSequence=code)
    (match,) = found(peer, "STUDY", ProcedureCodeSequence=[{"CodeValue": "", "CodeMeaning": ""}])
    (procedure,) = match.ProcedureCodeSequence
    assert [each.keyword for each in procedure] == ["CodeValue", "CodeMeaning"]
    assert procedure.CodeMeaning == f"{PATIENT_MARK} brain"


MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


def test_f21_computed_keys_right_after_concurrent_stores(call: Call) -> None:
    """F21: counted at once and truly, over what eight peers just stored (PS3.4 C.3.4, C.6.2)."""
    peers = [call() for _ in range(8)]
    contexts = (*QUERYING.contexts, (9, MR_IMAGE, (EXPLICIT_LE,)))
    for peer in peers:
        peer.associate(Proposal(contexts=contexts))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(store_a_series, peers, range(8)))
    peer = peers[-1]
    (study,) = found(
        peer,
        "STUDY",
        ModalitiesInStudy="",
        SOPClassesInStudy="",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
    )
    assert sorted(study.ModalitiesInStudy) == ["CT", "MR"]
    assert sorted(study.SOPClassesInStudy) == [CT_IMAGE, MR_IMAGE]
    assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (8, 40)
    series = found(peer, "SERIES", StudyInstanceUID=STUDY, NumberOfSeriesRelatedInstances="")
    assert [each.NumberOfSeriesRelatedInstances for each in series] == [5] * 8
    (patient,) = found(
        peer,
        "PATIENT",
        PATIENT_ROOT,
        NumberOfPatientRelatedStudies="",
        NumberOfPatientRelatedSeries="",
        NumberOfPatientRelatedInstances="",
    )
    assert patient.NumberOfPatientRelatedStudies == 1
    assert (patient.NumberOfPatientRelatedSeries, patient.NumberOfPatientRelatedInstances) == (8, 40)


def store_a_series(peer: RawPeer, number: int) -> None:
    """Five objects, CT or MR, of the one study."""
    context_id, sop_class, modality = (3, CT_IMAGE, "CT") if number % 2 else (9, MR_IMAGE, "MR")
    for image in range(5):
        uid = f"{STUDY}.{number + 1}.{image}"
        object_ = ct(uid, SOPClassUID=sop_class, SeriesInstanceUID=f"{STUDY}.{number + 1}", Modality=modality)
        peer.send(command(context_id, store_rq(uid, sop_class=sop_class)) + data_set(context_id, object_))
        assert peer.receive_message().status == SUCCESS


def test_f21_computed_keys_are_matched_on(peer: RawPeer) -> None:
    """F21: Modalities in Study matches a study with any series of it (PS3.4 C.3.4)."""
    keep_studies(peer, {"Modality": "CT"}, {"Modality": "OT"})
    keep(peer, "1.2.2.2.1", StudyInstanceUID="1.2.2", SeriesInstanceUID="1.2.2.2", Modality="SR")
    assert studies_found(peer, ModalitiesInStudy="CT") == [1]
    assert studies_found(peer, ModalitiesInStudy="SR") == [2]
    assert studies_found(peer, ModalitiesInStudy="?T") == [1, 2]
    assert studies_found(peer, ModalitiesInStudy="MR") == []


@pytest.mark.parametrize(
    "extra",
    [
        element(0x00020010, "UI", b"1.2\0", IMPLICIT),
        element(0x00080000, "UL", struct.pack("<I", 12345), IMPLICIT),
        element(0x00100000, "UL", b"", IMPLICIT),
        element(0x00100000, "UN", us(1), IMPLICIT),
    ],
    ids=["file meta", "group length", "empty group length", "group length of two bytes"],
)
def test_f24_elements_that_ask_for_nothing(peer: RawPeer, extra: bytes) -> None:
    """F24: ignored, and not returned: still FF00H (PS3.4 C.4.1.1.3)."""
    keep(peer, "1.2.3.1.1")
    level, name = identifier("STUDY", IMPLICIT), identifier(None, IMPLICIT, PatientName=f"{PATIENT_MARK}^*")
    match, final = peer.find(extra + level + name if extra < level else level + extra + name)
    assert (match.status, final.status) == (PENDING, SUCCESS)
    assert not [tag for tag in answer(match).keys() if tag.element == 0 or tag.group == 2]


def test_f25_patients_without_an_id(peer: RawPeer) -> None:
    """F25: found by universal matching, and not taken for one patient (PS3.4 C.6.1)."""
    keep_studies(
        peer,
        {"PatientID": "", "PatientName": f"{PATIENT_MARK}^Anna"},
        {"PatientID": None, "PatientName": f"{PATIENT_MARK}^Berta"},
        {"PatientID": f"{PATIENT_MARK}3", "PatientName": f"{PATIENT_MARK}^Clara"},
    )
    for universal in ("", "*"):
        matches = found(peer, "PATIENT", PATIENT_ROOT, PatientID=universal, PatientName="")
        assert sorted(str(each.PatientName) for each in matches) == [
            f"{PATIENT_MARK}^{name}" for name in ("Anna", "Berta", "Clara")
        ]
    (match,) = found(peer, "PATIENT", PATIENT_ROOT, PatientID="", PatientName=f"{PATIENT_MARK}^Berta")
    assert not match.PatientID


def test_f26_what_was_acknowledged_is_found(call: Call) -> None:
    """F26: the next C-FIND, on another association, sees each object that was answered 0000H."""
    sender, asker = call(), call()
    for peer in (sender, asker):
        peer.associate(QUERYING)
    for number in range(1, 31):
        keep(sender, f"{SERIES}.{number}")
        (match,) = found(
            asker, "IMAGE", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=f"{SERIES}.{number}"
        )
        assert match.SOPInstanceUID == f"{SERIES}.{number}"
        (series,) = found(asker, "SERIES", StudyInstanceUID=STUDY, NumberOfSeriesRelatedInstances="")
        assert series.NumberOfSeriesRelatedInstances == number


def test_f26_what_was_refused_is_not_found(peer: RawPeer) -> None:
    """F26: an object that was refused, or set apart, is not found."""
    keep_images(peer, {"InstanceNumber": "1"})
    assert peer.store(f"{SERIES}.9", ct("1.2.3.4")).status == DOES_NOT_MATCH
    assert peer.store(f"{SERIES}.1", ct(f"{SERIES}.1", InstanceNumber="7")).status == 0xB007
    (match,) = found(peer, "IMAGE", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, InstanceNumber="")
    assert match.InstanceNumber == 1
