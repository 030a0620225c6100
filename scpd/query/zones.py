"""Dates and times told in the zone of whoever asks, where that was negotiated (PS3.4 C.2.2.2, C.2.2.2.1.3).

An instance tells its dates and times in its own zone, (0008,0201). The peer asks in another, and is answered in it. So
the attributes of one level are told anew before they are matched on: a TM takes its DA over midnight, a DT gets the
offset it lacks. They all stem from one instance (see `entities`), so one offset fits them all. Where there is none,
they stand as they are: then the peer's zone is as good a guess as any. A date without a time is no moment, and stays.
"""

from collections.abc import Iterable
from datetime import timedelta

from scpd.dataset.attributes import Attributes, Tag, Value, text
from scpd.dataset.dictionary import vr_of
from scpd.query.levels import TIMEZONE_OFFSET_FROM_UTC
from scpd.query.moments import interval, is_utc_offset, moved, utc_shift

BIRTH = (0x00100030, 0x00100032)
"""Of the patient, which no zone goes with."""

DATE_AND_TIME: tuple[tuple[Tag, Tag], ...] = (
    (0x00080012, 0x00080013),  # Instance Creation
    (0x00080020, 0x00080030),  # Study
    (0x00080021, 0x00080031),  # Series
    (0x00080022, 0x00080032),  # Acquisition
    (0x00080023, 0x00080033),  # Content
    BIRTH,
    (0x00181012, 0x00181014),  # Secondary Capture
    (0x00181200, 0x00181201),  # Last Calibration
    (0x0018700C, 0x0018700E),  # Last Detector Calibration
    (0x00320032, 0x00320033),  # Study Verified
    (0x00320034, 0x00320035),  # Study Read
    (0x00321000, 0x00321001),  # Scheduled Study Start
    (0x00321040, 0x00321041),  # Study Arrival
    (0x00321050, 0x00321051),  # Study Completion
    (0x00380020, 0x00380021),  # Admitting
    (0x00380030, 0x00380032),  # Discharge
    (0x00400002, 0x00400003),  # Scheduled Procedure Step Start
    (0x00400004, 0x00400005),  # Scheduled Procedure Step End
    (0x00400244, 0x00400245),  # Performed Procedure Step Start
    (0x00400250, 0x00400251),  # Performed Procedure Step End
    (0x00402004, 0x00402005),  # Issue of Imaging Service Request
    (0x0040A121, 0x0040A122),  # Date and Time, of a content item
    (0x00700082, 0x00700083),  # Presentation Creation
    (0x30060008, 0x30060009),  # Structure Set
    (0x300A0006, 0x300A0007),  # RT Plan
)
"""Pairs of a date and the time of that day."""

_DATE_OF: dict[Tag, Tag] = {time: date for date, time in DATE_AND_TIME if (date, time) != BIRTH}
_OTHER_OF: dict[Tag, Tag] = _DATE_OF | {date: time for time, date in _DATE_OF.items()}


def with_their_others(tags: Iterable[Tag]) -> frozenset[Tag]:
    """`tags`, and of every date and time among them the other one: what it takes to tell them in another zone."""
    asked = frozenset(tags)
    return asked | {_OTHER_OF[tag] for tag in asked if tag in _OTHER_OF}


def in_zone(attributes: Attributes, utc_offset: str) -> Attributes:
    """The attributes of one level, told in the zone `utc_offset` ("+0100"); in their own where that is ""."""
    own = text(attributes, TIMEZONE_OFFSET_FROM_UTC) if utc_offset else ""
    if not is_utc_offset(own):
        return attributes
    return {**_told(attributes, own, utc_shift(utc_offset) - utc_shift(own)), TIMEZONE_OFFSET_FROM_UTC: utc_offset}


def _told(attributes: Attributes, own: str, shift: timedelta) -> dict[Tag, Value]:
    told = dict(attributes)
    for tag, value in attributes.items():
        if not isinstance(value, str):
            told[tag] = tuple(_told(item, own, shift) for item in value)
        elif _vr(tag) == "DT":
            told[tag] = "\\".join(_with_offset(one, own) for one in value.split("\\"))
        elif _vr(tag) == "TM" and tag != BIRTH[1]:
            told.update(_moved(attributes, tag, value, shift))
    return told


def _vr(key: Tag) -> str:
    """The VR of what is kept under `key`; a private attribute is told as it is."""
    return vr_of(key & 0xFFFFFFFF)


def _with_offset(moment: str, own: str) -> str:
    return moment if is_utc_offset(moment[-5:]) or interval("DT", moment) is None else moment + own


def _moved(attributes: Attributes, tag: Tag, time: str, shift: timedelta) -> dict[Tag, Value]:
    """A time, and its date where there is one."""
    date = _DATE_OF.get(tag)
    day = text(attributes, date) if date is not None else ""
    told = moved(day, time, shift)
    if told is None:
        return {}
    return {tag: told[1], date: told[0]} if date is not None and day else {tag: told[1]}
