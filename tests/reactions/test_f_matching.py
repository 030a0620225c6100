"""F09-F13, F16, F27: what a key matches (PS3.4 C.2.2.2)."""

import pytest

from tests.datasets import CT_IMAGE, PATIENT_MARK, Value, tag_of
from tests.rawpeer import (
    RawPeer,
)
from tests.reactions.queries import (
    QUERYING,
    SERIES,
    STUDY,
    STUDY_ROOT,
    ask,
    found,
    images_found,
    keep,
    keep_images,
    keep_studies,
    studies_found,
)

PROPOSAL = QUERYING

DOES_NOT_MATCH = 0xA900

NAME = f"{PATIENT_MARK}^"


def name(given: str, encoding: str = "utf-8") -> bytes:
    """A patient's name in some encoding."""
    return f"{NAME}{given}".encode(encoding)


# -- F09: single values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "stored", "asked"),
    [
        ("AccessionNumber", ("AB 1", "ab 1", "AB 10", "AB", "AB  1"), "AB 1"),
        ("StudyID", (" 7", "7", "07", "7 7"), "7"),
        ("PatientSex", ("F", "M", "FM", "O"), "F"),
        ("StudyDate", ("20240131", "20240130", "20240201"), "20240131"),
        ("StudyDescription", ("head", "Head", "forehead"), "head"),
    ],
)
def test_f09_single_value(peer: RawPeer, keyword: str, stored: tuple[str, ...], asked: str) -> None:
    """F09: the whole value, exactly and case sensitively; spaces around it count for nothing (PS3.4 C.2.2.2.1)."""
    keep_studies(peer, *({keyword: value} for value in stored))
    expected = [number for number, value in enumerate(stored, 1) if value.strip() == asked]
    for spaced in (asked, f"{asked}  ", f" {asked}", f"  {asked} "):
        if keyword != "StudyDate":
            assert studies_found(peer, **{keyword: spaced}) == expected
    assert studies_found(peer, **{keyword: asked}) == expected


def test_f09_unique_identifiers(peer: RawPeer) -> None:
    """F09: UIDs match whole, whatever pads them (PS3.4 C.2.2.2.1)."""
    keep_studies(peer, *[{}] * 12)
    assert studies_found(peer, StudyInstanceUID="1.2.1") == [1]
    assert studies_found(peer, StudyInstanceUID=b"1.2.1\0") == [1]
    assert studies_found(peer, StudyInstanceUID=b"1.2.10 ") == [10]
    assert studies_found(peer, StudyInstanceUID="1.2") == []


def test_f09_numbers(peer: RawPeer) -> None:
    """F09: numbers match by value, however they are written (PS3.5 6.2)."""
    keep_images(peer, {"InstanceNumber": "1"}, {"InstanceNumber": "+01 "}, {"InstanceNumber": "11"}, {"Rows": 512})
    assert images_found(peer, InstanceNumber="1") == [1, 2, 4]
    assert images_found(peer, Rows=512) == [4]


@pytest.mark.parametrize("asked", ["ANNA^MARIA", "anna^maria", "Anna^Maria^^", "Anna ^ Maria"])
def test_f09_person_names(peer: RawPeer, asked: str) -> None:
    """F09: names match without case and without padding of their components (PS3.4 C.2.2.2.1, pinned)."""
    keep_studies(peer, {"PatientName": f"{NAME}Anna^Maria"}, {"PatientName": f"{NAME}Annamaria"}, {"PatientName": None})
    assert studies_found(peer, PatientName=f"{NAME}{asked}") == [1]
    assert studies_found(peer, PatientName=PATIENT_MARK) == []


def test_f09_names_and_other_text_differ(peer: RawPeer) -> None:
    """F09: only names are compared without case (PS3.4 C.2.2.2.1, pinned)."""
    keep_studies(peer, {"PatientID": f"{PATIENT_MARK}a", "PatientName": f"{NAME}a"})
    assert studies_found(peer, PatientName=f"{NAME}A") == [1]
    assert studies_found(peer, PatientID=f"{PATIENT_MARK}A") == []


# -- F10, F11: lists and universal matching -----------------------------------------------------------------------


def test_f10_lists_of_uids(peer: RawPeer) -> None:
    """F10: the union, for any key of VR UI (PS3.4 C.2.2.2.2)."""
    keep_studies(peer, *[{}] * 4)
    assert studies_found(peer, StudyInstanceUID="1.2.1\\1.2.3\\1.2.404") == [1, 3]
    assert studies_found(peer, StudyInstanceUID="1.2.1\\1.2.1") == [1]
    assert studies_found(peer, StudyInstanceUID="\\1.2.2\\") == [2]
    assert studies_found(peer, SOPClassesInStudy=f"1.2.404\\{CT_IMAGE}") == [1, 2, 3, 4]


def test_f10_lists_below_the_study(peer: RawPeer) -> None:
    """F10: the union at SERIES and IMAGE level, and of UIDs that are no unique keys (PS3.4 C.2.2.2.2)."""
    keep_images(peer, {"FrameOfReferenceUID": "1.9.1"}, {"FrameOfReferenceUID": "1.9.1"}, {})
    assert images_found(peer, SOPInstanceUID=f"{SERIES}.1\\{SERIES}.3") == [1, 3]
    assert images_found(peer, SOPClassUID=f"1.2.404\\{CT_IMAGE}") == [1, 2, 3]
    assert len(found(peer, "SERIES", StudyInstanceUID=STUDY, FrameOfReferenceUID="1.9.404\\1.9.1")) == 1
    assert len(found(peer, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID=f"{SERIES}\\1.2.404")) == 1


def test_f10_many_uids(peer: RawPeer) -> None:
    """F10: as many as an Identifier holds (PS3.4 C.2.2.2.2)."""
    keep_studies(peer, {}, {}, {})
    asked = "\\".join(f"1.2.404.{number}" for number in range(4000))
    assert studies_found(peer, StudyInstanceUID=f"1.2.3\\{asked}\\1.2.1") == [1, 3]


@pytest.mark.parametrize("universal", ["", "*", "**", " "])
@pytest.mark.parametrize("keyword", ["AccessionNumber", "PatientName", "StudyDescription", "PatientID"])
def test_f11_universal_matching(peer: RawPeer, keyword: str, universal: str) -> None:
    """F11: zero length, and wild cards alone, match absent and empty values too (PS3.4 C.2.2.2.3, C.2.2.2.4)."""
    keep_studies(peer, {keyword: f"{PATIENT_MARK}x"}, {keyword: ""}, {keyword: None})
    assert studies_found(peer, **{keyword: universal}) == [1, 2, 3]


def test_f11_a_value_matches_no_absent_one(peer: RawPeer) -> None:
    """F11: single values, `?` and ranges match neither absent nor empty values (PS3.4 C.2.2.2)."""
    keep_studies(
        peer, {"StudyID": "x"}, {"StudyID": "", "StudyDate": "", "StudyTime": ""}, {"StudyID": None, "StudyDate": None}
    )
    assert studies_found(peer, StudyID="x") == studies_found(peer, StudyID="?") == [1]
    assert studies_found(peer, StudyID="?*") == [1]
    assert studies_found(peer, StudyDate="19000101-") == [1]
    assert studies_found(peer, StudyTime="-2359") == [1, 3]


# -- F12, F13: wild cards and characters that mean something elsewhere --------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("HEAD*", [1, 2, 3]),
        ("*NECK", [2]),
        ("*EA*", [1, 2, 3]),
        ("HEA?", [1]),
        ("HEA??*", [2, 3]),
        ("H*D*N*K", [2]),
        ("?EAD*", [1, 2, 3]),
        ("HEAD?NECK", [2]),
        ("????", [1]),
        ("head*", []),
        ("*X*", []),
    ],
)
@pytest.mark.parametrize("keyword", ["StudyDescription", "AccessionNumber", "PatientID", "PatientComments"])
def test_f12_wild_cards(peer: RawPeer, keyword: str, pattern: str, expected: list[int]) -> None:
    """F12: `*` is any characters or none, `?` is one (PS3.4 C.2.2.2.4)."""
    keep_studies(peer, *({keyword: value} for value in ("HEAD", "HEAD NECK", "HEADS")))
    assert studies_found(peer, **{keyword: pattern}) == expected


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Modality", "CT"),
        ("BodyPartExamined", "HEAD"),
        ("InstitutionName", "Clinic"),
        ("InstitutionAddress", "Street 1"),
        ("OperatorsName", "Smith^John"),
        ("StationName", "CT1"),
    ],
    ids=["CS", "CS again", "LO", "ST", "PN", "SH"],
)
def test_f12_wild_cards_by_vr(peer: RawPeer, keyword: str, value: str) -> None:
    """F12: for CS, LO, LT, PN, SH, ST, UC and UT (PS3.4 C.2.2.2.4)."""
    keep(peer, "1.2.3.1.1", **{keyword: value})
    for pattern in (f"{value[:1]}*", f"*{value[-1:]}", f"?{value[1:]}"):
        (match,) = found(peer, "SERIES", STUDY_ROOT, StudyInstanceUID=STUDY, **{keyword: pattern})
        assert str(match[tag_of(keyword)].value) == value
    assert not found(peer, "SERIES", STUDY_ROOT, StudyInstanceUID=STUDY, **{keyword: "Z*"})


@pytest.mark.parametrize(
    ("keyword", "pattern"),
    [
        ("StudyDate", "2024*"),
        ("StudyDate", "202401??"),
        ("StudyTime", "10*"),
        ("StudyInstanceUID", "1.2.*"),
        ("StudyInstanceUID", "1.2.?"),
        ("NumberOfStudyRelatedSeries", "*1"),
        ("NumberOfStudyRelatedSeries", "?"),
    ],
)
def test_f12_no_wild_cards_in_other_vrs(peer: RawPeer, keyword: str, pattern: str) -> None:
    """F12: in DA, TM, UI and IS they are characters, which no value has: 0000H and no match (PS3.4 C.2.2.2.4)."""
    keep_studies(peer, {}, {})
    assert studies_found(peer, **{keyword: pattern}) == []


def test_f12_a_question_mark_is_one_character_of_any_script(peer: RawPeer) -> None:
    """F12: one character, not one byte (PS3.4 C.2.2.2.4)."""
    keep_studies(peer, {"SpecificCharacterSet": "ISO_IR 192", "PatientName": name("Bjørn")})
    assert studies_found(peer, PatientName=f"{NAME}Bj?rn") == [1]
    assert studies_found(peer, PatientName=f"{NAME}Bj??rn") == []


def test_f12_a_pattern_made_to_take_long(peer: RawPeer) -> None:
    """F12: many asterisks cost no more than a long value: the oracle's C-ECHO is answered within a second."""
    keep_studies(peer, {"PatientComments": "a" * 10_000})
    assert studies_found(peer, PatientComments="*a" * 500 + "*b") == []
    assert studies_found(peer, PatientComments="*a" * 500) == [1]
    assert studies_found(peer, PatientComments="*" * 2_000) == [1]
    (final,) = ask(peer, "STUDY", PatientComments="*a" * 500 + "*" * 25)
    assert final.status == 0xA900


METACHARACTERS = [
    "100%",
    "a_b",
    "O'Brien",
    'say "hi"',
    "[a-z]",
    "; DROP TABLE study; --",
    "$(reboot)",
    "{0}",
    "a^b",
    "%s",
]


@pytest.mark.parametrize("text", METACHARACTERS)
def test_f13_characters_that_mean_something_to_databases(peer: RawPeer, text: str) -> None:
    """F13: matched literally, within wild cards too; nothing is injected."""
    decoys = [text.replace(special, "x") for special in "%_'\"[;$-{^" if special in text]
    keep_studies(peer, *({"StudyDescription": value} for value in (text, *decoys)))
    assert studies_found(peer, StudyDescription=text) == [1]
    assert studies_found(peer, StudyDescription=f"{text}*") == [1]
    assert studies_found(peer, StudyDescription=f"*{text}") == [1]


def test_f13_backslashes(peer: RawPeer) -> None:
    """F13: a backslash parts values, but in LT it is a character (PS3.5 6.2)."""
    keep_studies(peer, {"PatientComments": "C:\\x"}, {"PatientComments": "C:", "StudyID": "x"})
    assert studies_found(peer, PatientComments="C:\\x") == [1]
    assert studies_found(peer, PatientComments="*:\\?") == [1]
    (refused,) = ask(peer, "STUDY", StudyID="x\\y")
    assert refused.status == DOES_NOT_MATCH


# -- F16: sequences ------------------------------------------------------------------------------------------------


def code(value: str, scheme: str = "99X") -> dict[str, Value]:
    """An item of a code sequence."""
    return {"CodeValue": value, "CodingSchemeDesignator": scheme}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([code("A")], [1, 2]),
        ([code("B")], [2, 3]),
        ([code("A", "DCM")], []),
        ([code("B", "DCM")], [3]),
        ([{"CodeValue": "A*"}], [1, 2]),
        ([{"CodeValue": "", "CodingSchemeDesignator": "DCM"}], [3]),
        ([{"CodeValue": "", "CodingSchemeDesignator": ""}], [1, 2, 3, 4, 5]),
        ([{}], [1, 2, 3, 4, 5]),
        ([], [1, 2, 3, 4, 5]),
    ],
)
def test_f16_sequences(peer: RawPeer, asked: Value, expected: list[int]) -> None:
    """F16: one stored item has to match every key of the one asked; no value, universal (PS3.4 C.2.2.2.6)."""
    stored: list[Value] = [[code("A")], [code("A"), code("B")], [code("B"), code("B", "DCM")], [], None]
    keep_studies(peer, *({"ProcedureCodeSequence": items} for items in stored))
    assert studies_found(peer, ProcedureCodeSequence=asked) == expected


def test_f16_sequences_within_sequences(peer: RawPeer) -> None:
    """F16: to any depth (PS3.4 C.2.2.2.6)."""
    keep(peer, f"{SERIES}.1", RequestAttributesSequence=[{"ScheduledProtocolCodeSequence": [code("A")]}])
    for value, count in (("A", 1), ("B", 0)):
        asked: Value = [{"ScheduledProtocolCodeSequence": [{"CodeValue": value}]}]
        assert len(found(peer, "SERIES", StudyInstanceUID=STUDY, RequestAttributesSequence=asked)) == count


def test_f16_more_than_one_item(peer: RawPeer) -> None:
    """F16: A900H: a sequence key has one item (PS3.4 C.2.2.2.6)."""
    (refused,) = ask(peer, "STUDY", ProcedureCodeSequence=[code("A"), code("B")])
    assert refused.status == DOES_NOT_MATCH


# -- F27: several stored values ------------------------------------------------------------------------------------


def test_f27_any_of_several_stored_values(peer: RawPeer) -> None:
    """F27: one of them matching is enough, for single values, wild cards and ranges (PS3.4 C.2.2.2.1)."""
    keep_images(
        peer,
        {"ImageType": "ORIGINAL\\PRIMARY\\AXIAL"},
        {"ImageType": "DERIVED\\SECONDARY\\AXIAL"},
        {"ImageType": "ORIGINAL\\PRIMARY\\LOCALIZER"},
        {"ImageType": "AXIAL"},
    )
    assert images_found(peer, ImageType="AXIAL") == [1, 2, 4]
    assert images_found(peer, ImageType="LOC*") == [3]
    assert images_found(peer, ImageType="ORIGINAL") == [1, 3]
    assert images_found(peer, ImageType="ORIGINAL?PRIMARY") == []


def test_f27_several_names_and_ids(peer: RawPeer) -> None:
    """F27: of a patient's other IDs and names too (PS3.4 C.2.2.2.1)."""
    keep_studies(
        peer,
        {"OtherPatientIDs": f"{PATIENT_MARK}X\\{PATIENT_MARK}Y"},
        {"OtherPatientNames": f"{NAME}Anna\\{NAME}Berta"},
    )
    assert studies_found(peer, OtherPatientIDs=f"{PATIENT_MARK}Y") == [1]
    assert studies_found(peer, OtherPatientNames=f"{NAME}berta") == [2]
    assert studies_found(peer, OtherPatientNames=f"{NAME}B*") == [2]
