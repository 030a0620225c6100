"""Dates, times and date-times as intervals: what a value of DA, TM or DT with any precision covers (PS3.5 6.2).

"2024" as DT covers a year, "10" as TM an hour. A stored value is compared by the first moment of its interval, a bound
of a range by its first or its last. Everything is a naive `datetime`: TM on one fixed day, DT moved to UTC.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

_DATE = re.compile(r"([0-9]{4})\.?([0-9]{2})\.?([0-9]{2})", re.ASCII)
_TIME = re.compile(r"([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2})(?:\.([0-9]{1,6}))?)?)?", re.ASCII)
_DATETIME = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.([0-9]{1,6}))?)?)?)?)?)?"
    r"([+-](?:0[0-9]|1[0-4])[0-5][0-9])?",
    re.ASCII,
)
_OFFSET = re.compile(r"[+-](?:0[0-9]|1[0-4])[0-5][0-9]", re.ASCII)
_RANGE = re.compile(rf"({_DATETIME.pattern})?-({_DATETIME.pattern})?", re.ASCII)
_MICROSECOND = timedelta(microseconds=1)

TIME_ORIGIN = datetime(2000, 1, 1)
"""The day on which every TM lies."""

_SPANS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))


class Interval(NamedTuple):
    """The first and the last moment, to the microsecond, that a value covers."""

    first: datetime
    last: datetime


@lru_cache(maxsize=4096)
def interval(vr: str, text: str, utc_offset: str = "") -> Interval | None:
    """What `text` covers; None when it is no value of `vr`. `utc_offset` ("+0100") is that of a DT that names none."""
    try:
        match vr:
            case "DA":
                return _date(text)
            case "TM":
                return _time(text)
            case _:
                return _datetime(text, utc_offset)
    except (ValueError, OverflowError):  # the thirteenth month, the year 10000
        return None


def _date(text: str) -> Interval | None:
    found = _DATE.fullmatch(text)
    return _covered([*map(int, found.groups())]) if found else None


def _time(text: str) -> Interval | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    *clock, fraction = found.groups()
    return _covered(
        [TIME_ORIGIN.year, TIME_ORIGIN.month, TIME_ORIGIN.day, *(int(part) for part in clock if part)], fraction
    )


def _datetime(text: str, utc_offset: str) -> Interval | None:
    found = _DATETIME.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, offset = found.groups()
    shift = utc_shift(offset or utc_offset)
    first, last = _covered([int(part) for part in parts if part], fraction)
    return Interval(first - shift, last - shift)


def is_utc_offset(text: str) -> bool:
    """Whether `text` is an offset from UTC as (0008,0201) and DT write it: "+0100"."""
    return _OFFSET.fullmatch(text) is not None


def utc_shift(utc_offset: str) -> timedelta:
    """How far a zone's clocks are ahead of UTC; nothing for what is no offset."""
    if not is_utc_offset(utc_offset):
        return timedelta(0)
    size = timedelta(hours=int(utc_offset[1:3]), minutes=int(utc_offset[3:]))
    return -size if utc_offset[0] == "-" else size


def _covered(parts: list[int], fraction: str | None = None) -> Interval:
    """From year, month, day, hour, minute, second, as many as are there, and the digits behind the point."""
    year, month, day, *clock = (*parts, 1, 1)[: max(3, len(parts))]
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    first = datetime(year, month, day, hour, minute, min(second, 59))  # 60 is a leap second
    if fraction:
        first += timedelta(microseconds=int(fraction.ljust(6, "0")))
        return Interval(first, first + timedelta(microseconds=10 ** (6 - len(fraction))) - _MICROSECOND)
    if len(parts) == 1:
        return Interval(first, datetime(year, 12, 31, 23, 59, 59, 999_999))
    if len(parts) == 2:
        return Interval(first, (first + timedelta(days=31)).replace(day=1) - _MICROSECOND)
    return Interval(first, first + (_SPANS[len(clock)] - _MICROSECOND))


def joined(date: str | None, time: str | None) -> Interval | None:
    """What a DA and a TM cover together, the whole day where there is no TM; None where there is no DA."""
    day = interval("DA", date) if date else None
    clock = interval("TM", time) if time else None
    if day is None or clock is None:
        return day
    return Interval(day.first + (clock.first - TIME_ORIGIN), day.first + (clock.last - TIME_ORIGIN))


def moved(date: str, time: str, shift: timedelta) -> tuple[str, str] | None:
    """A DA and its TM as clocks show them that are ahead by `shift`.

    "20241231", "2330" and an hour are "20250101", "0030". Without a date the time stays within its day. None for a time
    that is none, and where there is no such day.
    """
    clock = interval("TM", time)
    if clock is None:
        return None
    day = interval("DA", date)
    try:
        moment = (day.first if day else TIME_ORIGIN) + (clock.first - TIME_ORIGIN) + shift
    except OverflowError:
        return None
    whole, point, fraction = time.replace(":", "").partition(".")
    digits = max(len(whole), 4 if shift.seconds % 3600 else 2)  # an hour moved by minutes is no whole hour any more
    told = f"{moment:%H%M%S}"[:digits] + point + fraction
    return (f"{moment.year:04}{moment:%m%d}" if day else date), told


def split_range(vr: str, text: str) -> tuple[str, str] | None:
    """The two ends of a range, either of them maybe ""; None when `text` is a single value.

    In DT a hyphen also begins a UTC offset: one that four digits of a possible offset follow is taken for that
    (PS3.4 C.2.2.2.5.1). "20240101-0500" is one moment, "2024-2025" two years.
    """
    if vr != "DT":
        first, hyphen, last = text.partition("-")
        return (first.strip(), last.strip()) if hyphen else None
    if "-" not in text or _DATETIME.fullmatch(text):
        return None
    found = _RANGE.fullmatch(text.replace(" ", ""))
    return (found[1] or "", found[10] or "") if found else None
