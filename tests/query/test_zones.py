"""F28: dates and times told in another zone (PS3.4 C.2.2.2.1.3)."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes
from scpd.dataset.site import SiteAttribute
from scpd.query.moments import interval, utc_shift
from scpd.query.zones import in_zone, with_their_others
from tests.query.build import ACQUISITION, CONTENT_TIME, MODALITY, STUDY_DATE, STUDY_TIME, TIMEZONE

REQUESTS, STEP_DATE, STEP_TIME = 0x00400275, 0x00400002, 0x00400003


@pytest.mark.parametrize(
    ("own", "told_in", "date", "time", "expected"),
    [
        ("-0500", "+0100", "20241231", "2330", ("20250101", "0530")),
        ("+0100", "-0500", "20250101", "053000.25", ("20241231", "233000.25")),
        ("+0000", "+0530", "20240229", "10", ("20240229", "1530")),
        ("+0100", "+0000", "2024.03.01", "00:30:00", ("20240229", "233000")),
        ("+0100", "+0100", "20240301", "10", ("20240301", "10")),
        ("+0100", "+0000", "", "0030", ("", "2330")),
        ("+0100", "+0000", "20240301", "", ("20240301", "")),
        ("+0100", "+0000", "20240301", "noon", ("20240301", "noon")),
        ("+0100", "+0000", "yesterday", "12", ("yesterday", "11")),
        ("+0100", "+0000", "00010101", "0030", ("00010101", "0030")),
        ("", "+0100", "20240301", "10", ("20240301", "10")),
        ("CET", "+0100", "20240301", "10", ("20240301", "10")),
        ("-0500", "", "20240301", "10", ("20240301", "10")),
    ],
)
def test_a_time_takes_its_date_over_midnight(
    own: str, told_in: str, date: str, time: str, expected: tuple[str, str]
) -> None:
    told = in_zone({STUDY_DATE: date, STUDY_TIME: time, TIMEZONE: own}, told_in)
    assert (told[STUDY_DATE], told[STUDY_TIME]) == expected


def test_a_time_without_a_date_stays_within_its_day() -> None:
    told = in_zone({CONTENT_TIME: "0030", 0x00181201: "0100", TIMEZONE: "+0200"}, "+0000")
    assert told == {CONTENT_TIME: "2230", 0x00181201: "2300", TIMEZONE: "+0000"}


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("20240101", "20240101-0500"),
        ("20240101120000+0000", "20240101120000+0000"),
        ("2024\\2025+0100", "2024-0500\\2025+0100"),
        ("", ""),
        ("x", "x"),
    ],
)
def test_a_date_time_gets_the_offset_it_lacks(stored: str, told: str) -> None:
    assert in_zone({ACQUISITION: stored, TIMEZONE: "-0500"}, "+0100")[ACQUISITION] == told


def test_items_are_told_from_the_zone_of_the_data_set_around_them() -> None:
    item: Attributes = {STEP_DATE: "20240101", STEP_TIME: "2300", MODALITY: "CT"}
    told = in_zone({REQUESTS: (item,), TIMEZONE: "-0200"}, "+0000")
    assert told[REQUESTS] == ({STEP_DATE: "20240102", STEP_TIME: "0100", MODALITY: "CT"},)


def test_nobody_is_born_at_another_hour_elsewhere() -> None:
    birth: Attributes = {0x00100030: "19700101", 0x00100032: "0000"}
    assert in_zone({**birth, TIMEZONE: "-0500"}, "+0100") == {**birth, TIMEZONE: "+0100"}


def test_what_a_site_wants_of_another_level_is_told_too_but_a_private_attribute_is_not() -> None:
    verified = SiteAttribute(0x00189074, "DT", "STUDY").key
    private = SiteAttribute(0x00190002, "DT", "STUDY", "ACME 1.0").key
    told = in_zone({verified: "2024", private: "2024", TIMEZONE: "-0500"}, "+0100")
    assert (told[verified], told[private]) == ("2024-0500", "2024")


def test_a_date_is_told_with_its_time_and_a_time_with_its_date() -> None:
    assert with_their_others([STUDY_DATE, MODALITY]) == {STUDY_DATE, STUDY_TIME, MODALITY}
    assert with_their_others([STUDY_TIME]) == {STUDY_DATE, STUDY_TIME}
    assert with_their_others([0x00100030]) == {0x00100030}


OFFSETS = st.builds("{}{:02}{:02}".format, st.sampled_from("+-"), st.integers(0, 14), st.integers(0, 59))


@given(st.datetimes(datetime(1000, 1, 3), datetime(9999, 12, 28)), OFFSETS, OFFSETS)
def test_the_moment_is_the_same_in_every_zone(moment: datetime, own: str, other: str) -> None:
    told = in_zone({STUDY_DATE: f"{moment:%Y%m%d}", STUDY_TIME: f"{moment:%H%M%S}", TIMEZONE: own}, other)
    found = interval("DT", f"{told[STUDY_DATE]}{told[STUDY_TIME]}{other}")
    assert found is not None
    assert found.first == moment.replace(microsecond=0) - utc_shift(own)
