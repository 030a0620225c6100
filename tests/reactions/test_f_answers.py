"""F01, F02, F19-F21, F24-F26: what the responses to a C-FIND hold (PS3.4 C.4.1, C.6)."""

import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.daemon import Daemon
from tests.datasets import (
    BIG_ENDIAN,
    CT_IMAGE,
    EXPLICIT,
    IMPLICIT,
    PATIENT_MARK,
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
    STUDY_ROOT_FIND,
    Call,
    Proposal,
    RawPeer,
    command,
    data_set,
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

PROPOSAL = QUERYING

DOES_NOT_MATCH = 0xA900
NO_DATA_SET = 0x0101

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
    pending, _ = ask(peer, "STUDY", RetrieveAETitle="OTHER", InstanceAvailability="OFFLINE")
    assert pending.status == PENDING_UNSUPPORTED  # the values asked for were passed over
    match = answer(pending)
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
