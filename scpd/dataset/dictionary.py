"""What the transfer syntax leaves unsaid: how an encoding writes elements, and the VR of a tag (PS3.5, PS3.6).

VRs are read from our own grid, because every implicit element and every key of a query asks for one. Names, which
only a configuration asks for, are pydicom's.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from scpd.dataset.attributes import Tag
from scpd.dataset.vrs import GRID

SHORT_VRS = frozenset("AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs whose explicit form has a 16-bit length (PS3.5 Table 7.1-2)."""

LONG_VRS = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs whose explicit form has two reserved bytes and a 32-bit length (PS3.5 Table 7.1-1)."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a transfer syntax writes data elements (PS3.5 Annex A)."""

    implicit: bool = False
    big_endian: bool = False
    deflated: bool = False


_EXPLICIT_LITTLE = Encoding()
_ENCODINGS = {
    "1.2.840.10008.1.2": Encoding(implicit=True),
    "1.2.840.10008.1.2.2": Encoding(big_endian=True),
    "1.2.840.10008.1.2.1.99": Encoding(deflated=True),
    "1.2.840.10008.1.2.4.95": Encoding(deflated=True),  # JPIP Referenced Deflate
    "1.2.840.10008.1.2.4.205": Encoding(deflated=True),  # JPIP HTJ2K Referenced Deflate
    "1.2.840.113619.5.2": Encoding(implicit=True),  # GE private: only its pixel data are big endian
}


def encoding_of(transfer_syntax_uid: str) -> Encoding:
    """The encoding a transfer syntax prescribes; explicit little endian unless it is known to be another."""
    return _ENCODINGS.get(transfer_syntax_uid, _EXPLICIT_LITTLE)


_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)?")


def tag_named(name: str) -> Tag | None:
    """The tag of a keyword ("PatientID") or of a standard tag as PS3.6 writes it ("0010,0020"); None for any other."""
    from scpd.dataset.part6 import elements  # here, not above: few configurations name an attribute

    written = _TAG.fullmatch(name)
    if written:
        tag = int(written[1] + written[2], 16)
        return tag if _standard_vr(tag) else None
    return next((tag for tag, entry in elements().items() if entry[4] == name), None) if name else None


def vr_of(tag: Tag) -> str:
    """The VR of a standard tag, "UL" for a group length, "LO" for a private creator, "UN" for any other tag."""
    known = _VRS.get(tag)
    if known is not None:
        return known
    if tag & 0xFFFF == 0:
        return "UL"
    if tag & 0x10000:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    return _standard_vr(tag) or "UN"


def _standard_vr(tag: Tag) -> str | None:
    known = _VRS.get(tag)
    if known is None and not tag & 0x10000:
        return next((vrs[tag & mask] for mask, vrs in _REPEATING_VRS.items() if tag & mask in vrs), None)
    return known


def _read_grid() -> tuple[Mapping[Tag, str], Mapping[int, Mapping[Tag, str]]]:
    """VRs by tag; and, by the mask of the digits that count, those of the repeating groups and elements."""
    vrs: dict[Tag, str] = {}
    repeating: defaultdict[int, dict[Tag, str]] = defaultdict(dict)
    for line in GRID.split("\n")[1:-1]:
        group, vr, *elements = line.split()
        for tag in (group + element for element in elements):
            if "x" in tag:
                mask = int("".join("0" if digit == "x" else "F" for digit in tag), 16)
                repeating[mask][int(tag.replace("x", "0"), 16)] = vr
            else:
                vrs[int(tag, 16)] = vr
    return vrs, repeating


_VRS, _REPEATING_VRS = _read_grid()
