"""F09-F18, F27: what a key matches (PS3.4 C.2.2.2, C.5.1.1)."""

import struct

import pytest

from scpd.profile.profile import FindExtension, Profile
from tests.daemon import Daemon
from tests.datasets import CT_IMAGE, PATIENT_MARK, Value, tag_of
from tests.rawpeer import (
    STUDY_ROOT_FIND,
    Call,
    Proposal,
    RawPeer,
    item,
    maximum_length,
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

DOES_NOT_MATCH = 0xA900

NAME = f"{PATIENT_MARK}^"


@pytest.fixture
def peer(call: Call) -> RawPeer:
    """A peer that stores CT and asks both models."""
    connected = call()
    connected.associate(QUERYING)
    return connected


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
    assert studies_found(peer, PatientComments="*a" * 2_000 + "*b") == []
    assert studies_found(peer, PatientComments="*a" * 2_000) == [1]


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


# -- F14: ranges --------------------------------------------------------------------------------------------------

DATES = ("20240109", "20240110", "20240115", "20240120", "20240121", "2024.01.16", "", "garbage!")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("20240110-20240120", [2, 3, 4, 6]),
        ("-20240110", [1, 2]),
        ("20240120-", [4, 5]),
        ("20240115-20240115", [3]),
        ("20240120-20240110", []),
        ("20240115", [3]),
        ("20240116", [6]),
        ("20241399-", []),
        ("20240110 - 20240120", [2, 3, 4, 6]),
    ],
)
def test_f14_ranges_of_dates(peer: RawPeer, asked: str, expected: list[int]) -> None:
    """F14: both ends belong to the range, an end may be open (PS3.4 C.2.2.2.5)."""
    keep_studies(peer, *({"StudyDate": value} for value in DATES))
    assert studies_found(peer, StudyDate=asked) == expected


TIMES = ("095959", "100000", "101500.5", "105959.999999", "110000", "10", "")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("10", [2, 3, 4, 6]),
        ("1000-1059", [2, 3, 4, 6]),
        ("1015", [3]),
        ("101500", [3]),
        ("101500.5", [3]),
        ("-1000", [1, 2, 6]),
        ("110000-", [5]),
        ("100000-101500.4", [2, 6]),
    ],
)
def test_f14_ranges_of_times(peer: RawPeer, asked: str, expected: list[int]) -> None:
    """F14: a time covers what its precision covers: "10" is the hour, "1000-1059" too (PS3.4 C.2.2.2.5)."""
    keep_studies(peer, *({"StudyTime": value} for value in TIMES))
    assert studies_found(peer, StudyTime=asked) == expected


MOMENTS = ("20240131101500+0000", "20240131101500+0100", "20240131101500-0500", "20240131", "2024013110")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("20240131101500+0000", [1]),
        ("20240131111500+0100", [1]),
        ("20240131051500-0500", [1]),
        ("20240131101500-0500", [3]),
        ("20240131100000+0000-20240131103000+0000", [1, 5]),
        ("20240131091500+0000-20240131101500+0000", [1, 2, 5]),
        ("20240131050000-0500-20240131053000-0500", [1, 5]),
        ("20240131151500-", [3]),
        ("-20240131091500", [2, 4]),
        ("2024-2025", [1, 2, 3, 4, 5]),
        ("2023", []),
        ("202401", [1, 2, 3, 4, 5]),
    ],
)
def test_f14_ranges_of_date_times(peer: RawPeer, asked: str, expected: list[int]) -> None:
    """F14: UTC offsets count; a hyphen and a possible offset behind a value is one (PS3.4 C.2.2.2.5.1)."""
    keep_images(peer, *({"AcquisitionDateTime": value} for value in MOMENTS))
    assert images_found(peer, AcquisitionDateTime=asked) == expected


def test_f14_offset_of_the_data_set(peer: RawPeer) -> None:
    """F14: a stored DT without an offset has that of (0008,0201) (PS3.4 C.2.2.2.5.1, PS3.3 C.12.1)."""
    keep_images(
        peer,
        {"AcquisitionDateTime": "20240131101500", "TimezoneOffsetFromUTC": "+0200"},
        {"AcquisitionDateTime": "20240131101500", "TimezoneOffsetFromUTC": "-0330"},
    )
    assert images_found(peer, AcquisitionDateTime="20240131081500+0000") == [1]
    assert images_found(peer, AcquisitionDateTime="20240131134500+0000") == [2]


# -- F15, F17: what has to be negotiated --------------------------------------------------------------------------


def extended(*extensions: FindExtension) -> dict[str, Profile]:
    """A daemon whose profile offers some matching when asked."""
    return {"profile": Profile(find_extensions=frozenset(extensions))}


def asking_for(extension: FindExtension) -> Proposal:
    """A peer that wants one extension in the Study Root model (PS3.4 Table C.5-1)."""
    wish = struct.pack(">H", len(STUDY_ROOT_FIND)) + STUDY_ROOT_FIND.encode() + bytes(extension) + b"\1"
    negotiated = maximum_length(16384) + item(0x52, b"1.2.3.4") + item(0x56, wish)
    return Proposal(contexts=QUERYING.contexts, user_items=negotiated)


@pytest.mark.parametrize("daemon", [extended(FindExtension.DATE_TIME_MATCHING)], indirect=True)
@pytest.mark.parametrize(("negotiates", "expected"), [(True, [2, 3, 4]), (False, [2, 4])])
def test_f15_combined_date_and_time(call: Call, negotiates: bool, expected: list[int]) -> None:
    """F15: two ranges are one only where it was negotiated, else each counts for itself (PS3.4 C.5.1.1, C.2.2.2.5)."""
    peer = call()
    peer.associate(asking_for(FindExtension.DATE_TIME_MATCHING) if negotiates else QUERYING)
    moments = (
        ("20240101", "1159"),
        ("20240101", "1201"),
        ("20240102", "0800"),
        ("20240103", "1259"),
        ("20240103", "1301"),
    )
    keep_studies(peer, *({"StudyDate": date, "StudyTime": time} for date, time in moments))
    assert studies_found(peer, StudyDate="20240101-20240103", StudyTime="1200-1259") == expected


@pytest.mark.parametrize("daemon", [extended(FindExtension.EMPTY_VALUE_MATCHING)], indirect=True)
@pytest.mark.parametrize(("negotiates", "expected"), [(True, [2, 3]), (False, [])])
def test_f17_empty_value_matching(call: Call, negotiates: bool, expected: list[int]) -> None:
    """F17: two quotation marks match absent and empty values where it was negotiated, else themselves (C.2.2.2.7)."""
    peer = call()
    peer.associate(asking_for(FindExtension.EMPTY_VALUE_MATCHING) if negotiates else QUERYING)
    keep_studies(peer, {"StudyID": "x"}, {"StudyID": ""}, {"StudyID": None})
    assert studies_found(peer, StudyID='""') == expected


@pytest.mark.parametrize("daemon", [extended(FindExtension.MULTIPLE_VALUE_MATCHING)], indirect=True)
def test_f17_multiple_value_matching(call: Call) -> None:
    """F17: any of several values where it was negotiated (PS3.4 C.2.2.2.8)."""
    peer = call()
    peer.associate(asking_for(FindExtension.MULTIPLE_VALUE_MATCHING))
    keep_studies(peer, {"StudyID": "x"}, {"StudyID": "y"}, {"StudyID": "z"})
    assert studies_found(peer, StudyID="x\\z\\none") == [1, 3]


@pytest.mark.parametrize("daemon", [{}, extended(FindExtension.MULTIPLE_VALUE_MATCHING)], indirect=True)
def test_f17_multiple_values_that_were_not_negotiated(peer: RawPeer, daemon: Daemon) -> None:
    """F17: A900H naming the key (PS3.4 C.5.1.1)."""
    (refused,) = ask(peer, "STUDY", StudyID="x\\z")
    assert refused.status == DOES_NOT_MATCH
    assert struct.unpack("<HH", refused.command[0x0901]) == (0x0020, 0x0010)


# -- F16: sequences -----------------------------------------------------------------------------------------------


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


# -- F18: character sets ------------------------------------------------------------------------------------------

NAMES = {
    "western": ("Jörg", "ISO_IR 100", "latin-1"),
    "western in UTF-8": ("Jörg", "ISO_IR 192", "utf-8"),
    "central European": ("Łukasz", "ISO_IR 101", "iso8859-2"),
    "Cyrillic": ("Иван", "ISO_IR 144", "iso8859-5"),
    "Greek": ("Διον", "ISO_IR 126", "iso8859-7"),
    "Japanese": ("山田", "\\ISO 2022 IR 87", "iso2022_jp"),
    "Chinese": ("王小东", "GB18030", "gb18030"),
    "Chinese in UTF-8": ("王小东", "ISO_IR 192", "utf-8"),
}
ASKED_IN = {"ISO_IR 192": "utf-8", "GB18030": "gb18030"}


@pytest.mark.parametrize("asked_in", ASKED_IN)
@pytest.mark.parametrize("script", NAMES)
def test_f18_character_sets(peer: RawPeer, script: str, asked_in: str) -> None:
    """F18: matched as text; the response says its own (0008,0005), which is never matched on (PS3.4 C.2.2.2)."""
    given, stored_in, encoding = NAMES[script]
    keep_studies(
        peer,
        {"SpecificCharacterSet": stored_in, "PatientName": name(given, encoding)},
        {"SpecificCharacterSet": stored_in, "PatientName": name("Anna")},
    )
    for pattern in (given, f"{given[0]}*", f"?{given[1:]}"):
        (match,) = found(peer, "STUDY", SpecificCharacterSet=asked_in, PatientName=name(pattern, ASKED_IN[asked_in]))
        assert match.StudyInstanceUID == "1.2.1"
        written_in = ASKED_IN[match.SpecificCharacterSet]
        raw = match.get_item(tag_of("PatientName")).value
        assert raw.decode(written_in).rstrip() == f"{NAME}{given}"


def test_f18_asked_in_the_character_set_of_the_object(peer: RawPeer) -> None:
    """F18: a peer that knows Latin-1 only asks in it, and is answered in it (PS3.4 C.4.1.1.3)."""
    keep_studies(peer, {"SpecificCharacterSet": "ISO_IR 192", "PatientName": name("Jörg")})
    (match,) = found(peer, "STUDY", SpecificCharacterSet="ISO_IR 100", PatientName=name("Jörg", "latin-1"))
    assert match.SpecificCharacterSet == "ISO_IR 100"
    assert match.get_item(tag_of("PatientName")).value.rstrip() == name("Jörg", "latin-1").rstrip()


def test_f18_asked_in_japanese(peer: RawPeer) -> None:
    """F18: code extensions are understood in a request too (PS3.3 C.12.1.1.2)."""
    keep_studies(peer, {"SpecificCharacterSet": "ISO_IR 192", "PatientName": name("山田")}, {})
    asked = name("山田", "iso2022_jp")
    assert b"\x1b$B" in asked
    assert studies_found(peer, SpecificCharacterSet="\\ISO 2022 IR 87", PatientName=asked) == [1]


def test_f18_no_character_set_where_none_is_needed(peer: RawPeer) -> None:
    """F18: a response in ASCII has no (0008,0005) (PS3.4 C.4.1.1.3)."""
    keep_studies(peer, {"SpecificCharacterSet": "ISO_IR 192"})
    (match,) = found(peer, "STUDY", SpecificCharacterSet="ISO_IR 192", PatientName="")
    assert "SpecificCharacterSet" not in match


# -- F27: several stored values -----------------------------------------------------------------------------------


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
