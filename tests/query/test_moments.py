from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.query.moments import Interval, interval, joined, split_range


@pytest.mark.parametrize(
    ("vr", "text", "first", "last"),
    [
        ("DA", "20240229", "2024-02-29T00:00:00", "2024-02-29T23:59:59.999999"),
        ("DA", "2024.02.29", "2024-02-29T00:00:00", "2024-02-29T23:59:59.999999"),
        ("TM", "10", "2000-01-01T10:00:00", "2000-01-01T10:59:59.999999"),
        ("TM", "1059", "2000-01-01T10:59:00", "2000-01-01T10:59:59.999999"),
        ("TM", "10:59:01", "2000-01-01T10:59:01", "2000-01-01T10:59:01.999999"),
        ("TM", "235960", "2000-01-01T23:59:59", "2000-01-01T23:59:59.999999"),
        ("TM", "105901.5", "2000-01-01T10:59:01.500000", "2000-01-01T10:59:01.599999"),
        ("TM", "105901.000001", "2000-01-01T10:59:01.000001", "2000-01-01T10:59:01.000001"),
        ("DT", "2024", "2024-01-01T00:00:00", "2024-12-31T23:59:59.999999"),
        ("DT", "9999", "9999-01-01T00:00:00", "9999-12-31T23:59:59.999999"),
        ("DT", "202402", "2024-02-01T00:00:00", "2024-02-29T23:59:59.999999"),
        ("DT", "202412", "2024-12-01T00:00:00", "2024-12-31T23:59:59.999999"),
        ("DT", "2024022910", "2024-02-29T10:00:00", "2024-02-29T10:59:59.999999"),
        ("DT", "20240229100000+0200", "2024-02-29T08:00:00", "2024-02-29T08:00:00.999999"),
        ("DT", "20240229100000.25-0530", "2024-02-29T15:30:00.250000", "2024-02-29T15:30:00.259999"),
    ],
)
def test_a_value_covers_what_its_precision_says(vr: str, text: str, first: str, last: str) -> None:
    assert interval(vr, text) == Interval(datetime.fromisoformat(first), datetime.fromisoformat(last))


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        ("DA", "20241301"),
        ("DA", "2024"),
        ("DA", "00000101"),
        ("TM", "25"),
        ("TM", "1"),
        ("DT", "20240230"),
        ("DT", "x"),
        ("DT", "999912"),
        ("DT", "0001+0100"),
    ],
)
def test_what_is_no_date_or_time_covers_nothing(vr: str, text: str) -> None:
    assert interval(vr, text) is None


def test_a_date_time_without_offset_has_the_one_given() -> None:
    assert interval("DT", "2024010112", "+0100") == interval("DT", "2024010112+0100")
    assert interval("DT", "2024010112-0100", "+0100") == interval("DT", "2024010112-0100")
    assert interval("DT", "2024010112", "nonsense") == interval("DT", "2024010112+0000")


@pytest.mark.parametrize(
    ("vr", "text", "ends"),
    [
        ("DA", "20240101", None),
        ("DA", "20240101-20240202", ("20240101", "20240202")),
        ("DA", "20240101 - 20240202", ("20240101", "20240202")),
        ("DA", "-20240202", ("", "20240202")),
        ("TM", "10-", ("10", "")),
        ("DT", "20240101", None),
        ("DT", "20240101-0500", None),
        ("DT", "2024-2025", ("2024", "2025")),
        ("DT", "20240101-", ("20240101", "")),
        ("DT", "-20240101", ("", "20240101")),
        ("DT", "20240101-0500-", ("20240101-0500", "")),
        ("DT", "-20240101-0500", ("", "20240101-0500")),
        ("DT", "20240101-0500-20240102+0100", ("20240101-0500", "20240102+0100")),
        ("DT", "20240101.5-x", None),
    ],
)
def test_f14_a_hyphen_divides_a_range_unless_it_begins_a_utc_offset(
    vr: str, text: str, ends: tuple[str, str] | None
) -> None:
    assert split_range(vr, text) == ends


def test_a_date_joined_by_a_time_is_that_part_of_the_day() -> None:
    assert joined("20240101", "10") == interval("DT", "2024010110")
    assert joined("20240101", None) == joined("20240101", "x") == interval("DA", "20240101")
    assert joined(None, "10") is None


@given(st.sampled_from(["DA", "TM", "DT"]), st.text("0123456789+-.: x", max_size=30))
def test_arbitrary_text_never_raises(vr: str, text: str) -> None:
    found = interval(vr, text)
    assert found is None or found.first <= found.last
    split_range(vr, text)
