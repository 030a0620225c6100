"""Data sets packed by hand, element by element, so that no reader or encoder under test can agree with itself.

`ct` is a small whole object and `identifier` a C-FIND key list; both take attributes by the keywords of PS3.6. A str
is written in ASCII, an int as a binary number, bytes as they are, a list of mappings as a sequence; None leaves out.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from pydicom.datadict import dictionary_VR, tag_for_keyword

PATIENT_MARK = "Zqxpatient"
"""Part of every name, ID and description that a test stores: no log may ever show it."""

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"

Value: TypeAlias = "str | bytes | int | Sequence[Mapping[str, Value]] | None"

LONG_FORM = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i"}
UNDEFINED = 0xFFFFFFFF


class Form(NamedTuple):
    """How elements are written (PS3.5 7.1)."""

    order: str
    implicit: bool


EXPLICIT = Form("<", implicit=False)
IMPLICIT = Form("<", implicit=True)
BIG_ENDIAN = Form(">", implicit=False)


def element(tag: int, vr: str, value: bytes, form: Form = EXPLICIT, *, length: int | None = None) -> bytes:
    """A data element; `length` may lie."""
    length = len(value) if length is None else length
    head = struct.pack(form.order + "HH", tag >> 16, tag & 0xFFFF)
    if form.implicit:
        return head + struct.pack("<I", length) + value
    if vr in LONG_FORM:
        return head + vr.encode() + struct.pack(form.order + "2xI", length) + value
    return head + vr.encode() + struct.pack(form.order + "H", length) + value


def item(content: bytes, form: Form = EXPLICIT, *, length: int | None = None) -> bytes:
    """An item or a fragment; `length` may lie."""
    return struct.pack(form.order + "HHI", 0xFFFE, 0xE000, len(content) if length is None else length) + content


def delimiter(number: int, form: Form = EXPLICIT) -> bytes:
    """E00DH ends an item, E0DDH a sequence."""
    return struct.pack(form.order + "HHI", 0xFFFE, number, 0)


def data_set(attributes: Mapping[str, Value], form: Form = EXPLICIT) -> bytes:
    """The elements of `attributes` in the order of their tags."""
    present = {tag_of(keyword): value for keyword, value in attributes.items() if value is not None}
    return b"".join(
        element(tag, vr_of(tag), packed(vr_of(tag), value, form), form) for tag, value in sorted(present.items())
    )


def tag_of(keyword: str) -> int:
    """The tag of a keyword."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return int(tag)


def vr_of(tag: int) -> str:
    """The dictionary's VR: of two the first, but 16-bit pixels are words."""
    return "OW" if tag == 0x7FE00010 else dictionary_VR(tag)[:2]


def packed(vr: str, value: Value, form: Form) -> bytes:
    """The value field, padded."""
    match value:
        case bytes():
            raw = value
        case int():
            raw = struct.pack(form.order + NUMBERS[vr], value)
        case str():
            raw = value.encode("ascii")
        case None:
            raw = b""
        case items:
            raw = b"".join(item(data_set(each, form), form) for each in items)
    return raw + (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(raw) % 2)


def ct(instance: str, form: Form = EXPLICIT, **attributes: Value) -> bytes:
    """A CT image of four pixels; `attributes` replace and add."""
    usual: dict[str, Value] = {
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL",
        "SOPClassUID": CT_IMAGE,
        "SOPInstanceUID": instance,
        "StudyDate": "20240131",
        "StudyTime": "101500",
        "AccessionNumber": f"{PATIENT_MARK}A",
        "Modality": "CT",
        "ReferringPhysicianName": f"{PATIENT_MARK}^Referrer",
        "StudyDescription": f"{PATIENT_MARK} head",
        "PatientName": f"{PATIENT_MARK}^Anna",
        "PatientID": f"{PATIENT_MARK}1",
        "PatientBirthDate": "19700101",
        "PatientSex": "F",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.1",
        "StudyID": "1",
        "SeriesNumber": "1",
        "InstanceNumber": "1",
        "Rows": 2,
        "Columns": 2,
        "BitsAllocated": 16,
        "PixelData": b"\x01\x02\x03\x04\x05\x06\x07\x08",
    }
    return data_set(usual | attributes, form)


def identifier(level: str | None, form: Form = IMPLICIT, **keys: Value) -> bytes:
    """A C-FIND Identifier; without a level it has no (0008,0052)."""
    return data_set({"QueryRetrieveLevel": level, **keys}, form)
