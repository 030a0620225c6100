"""F14, F15, F17, F28: ranges of dates and times, and matching that has to be negotiated (PS3.4 C.2.2.2.5, C.5.1.1)."""

import struct

import pytest

from scpd.profile.profile import FindExtension
from tests.datasets import Value
from tests.rawpeer import (
    STUDY_ROOT_FIND,
    Call,
    Proposal,
    RawPeer,
    item,
    maximum_length,
)
from tests.reactions.queries import (
    PENDING_UNSUPPORTED,
    QUERYING,
    ask,
    found,
    images_found,
    keep_images,
    keep_studies,
    studies_found,
)

PROPOSAL = QUERYING

DOES_NOT_MATCH = 0xA900

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


def asking_for(extension: FindExtension) -> Proposal:
    """A peer that wants one extension in the Study Root model (PS3.4 Table C.5-1)."""
    wish = struct.pack(">H", len(STUDY_ROOT_FIND)) + STUDY_ROOT_FIND.encode() + bytes(extension) + b"\1"
    negotiated = maximum_length(16384) + item(0x52, b"1.2.3.4") + item(0x56, wish)
    return Proposal(contexts=QUERYING.contexts, user_items=negotiated)


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


@pytest.mark.parametrize(("negotiates", "expected"), [(True, [2, 3]), (False, [])])
def test_f17_empty_value_matching(call: Call, negotiates: bool, expected: list[int]) -> None:
    """F17: two quotation marks match absent and empty values where it was negotiated, else themselves (C.2.2.2.7)."""
    peer = call()
    peer.associate(asking_for(FindExtension.EMPTY_VALUE_MATCHING) if negotiates else QUERYING)
    keep_studies(peer, {"StudyID": "x"}, {"StudyID": ""}, {"StudyID": None})
    assert studies_found(peer, StudyID='""') == expected


def test_f17_multiple_value_matching(call: Call) -> None:
    """F17: any of several values where it was negotiated (PS3.4 C.2.2.2.8)."""
    peer = call()
    peer.associate(asking_for(FindExtension.MULTIPLE_VALUE_MATCHING))
    keep_studies(peer, {"StudyID": "x"}, {"StudyID": "y"}, {"StudyID": "z"})
    assert studies_found(peer, StudyID="x\\z\\none") == [1, 3]


def test_f17_multiple_values_that_were_not_negotiated(peer: RawPeer) -> None:
    """F17: A900H naming the key (PS3.4 C.5.1.1)."""
    (refused,) = ask(peer, "STUDY", StudyID="x\\z")
    assert refused.status == DOES_NOT_MATCH
    assert struct.unpack("<HH", refused.command[0x0901]) == (0x0020, 0x0010)


# -- F28: time zones -----------------------------------------------------------------------------------------------

BEFORE_MIDNIGHT: dict[str, Value] = {"StudyDate": "20241231", "StudyTime": "2330"}


def zones_kept(call: Call, *, negotiates: bool = True) -> RawPeer:
    """A peer that wants timezone query adjustment, and has stored a study of two zones each, and one of none."""
    peer = call()
    peer.associate(asking_for(FindExtension.TIMEZONE_ADJUSTMENT) if negotiates else QUERYING)
    zones: list[dict[str, Value]] = [{"TimezoneOffsetFromUTC": "-0500"}, {"TimezoneOffsetFromUTC": "+0100"}, {}]
    keep_studies(peer, *({**BEFORE_MIDNIGHT, **zone} for zone in zones))
    return peer


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"StudyDate": "20250101"}, [1]),
        ({"StudyDate": "20250101", "StudyTime": "0530"}, [1]),
        ({"StudyDate": "20241230-20241231", "StudyTime": "2300-2359"}, [2, 3]),
        ({"StudyTime": "05"}, [1]),
    ],
)
def test_f28_dates_and_times_in_the_zone_of_the_peer(call: Call, keys: dict[str, Value], expected: list[int]) -> None:
    """F28: (0008,0201) adjusts them where that was negotiated; unknown zones are the peer's (PS3.4 C.2.2.2.1.3)."""
    assert studies_found(zones_kept(call), TimezoneOffsetFromUTC="+0100", **keys) == expected


def test_f28_responses_in_the_zone_of_the_peer(call: Call) -> None:
    """F28: dates and times of a response are in the zone that it names, or stand as they are (C.4.1.1.3.2)."""
    peer = zones_kept(call)
    matches = found(peer, "STUDY", StudyDate="", StudyTime="", TimezoneOffsetFromUTC="+0100")
    told = [(one.StudyDate, one.StudyTime, one.get("TimezoneOffsetFromUTC")) for one in matches]
    assert told == [("20250101", "0530", "+0100"), ("20241231", "2330", "+0100"), ("20241231", "2330", None)]


def test_f28_a_zone_that_was_not_negotiated(call: Call) -> None:
    """F28: it moves nothing and is not matched on, which FF01H says; asked for, it is told where it is known."""
    peer = zones_kept(call, negotiates=False)
    pending = ask(peer, "STUDY", StudyDate="20241231", TimezoneOffsetFromUTC="+0100")[:-1]
    assert [each.status for each in pending] == [PENDING_UNSUPPORTED] * 3
    matches = found(peer, "STUDY", TimezoneOffsetFromUTC="")
    assert [one.get("TimezoneOffsetFromUTC") for one in matches] == ["-0500", "+0100", None]


def test_f28_a_zone_that_is_none(call: Call) -> None:
    """F28: A900H naming it."""
    (refused,) = ask(zones_kept(call), "STUDY", TimezoneOffsetFromUTC="CET")
    assert refused.status == DOES_NOT_MATCH
    assert struct.unpack("<HH", refused.command[0x0901]) == (0x0008, 0x0201)
