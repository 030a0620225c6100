"""What the transfer syntax leaves unsaid: how an encoding writes elements, and the VR of a tag (PS3.5, PS3.6).

The dictionary is pydicom's, imported at the first question, because a cold import takes longer than a whole
`scpd --version`. What was asked once is kept in a plain dict; only standard tags are, so hostile ones cannot fill it.
"""

import re
from dataclasses import dataclass

from scpd.dataset.attributes import Tag

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
    from pydicom.datadict import dictionary_has_tag, tag_for_keyword

    written = _TAG.fullmatch(name)
    tag = int(written[1] + written[2], 16) if written else tag_for_keyword(name)
    return tag if name and tag is not None and dictionary_has_tag(tag) else None


_vrs: dict[Tag, str] = {}


def vr_of(tag: Tag) -> str:
    """The VR of a standard tag, "UL" for a group length, "LO" for a private creator, "UN" for any other tag."""
    known = _vrs.get(tag)
    if known is not None:
        return known
    if tag & 0xFFFF == 0:
        return "UL"
    if tag & 0x10000:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    return _standard_vr(tag)


def _standard_vr(tag: Tag) -> str:
    from pydicom.datadict import dictionary_VR

    try:
        vr = dictionary_VR(tag)[:2]  # of "US or SS" the first
    except KeyError:
        return "UN"
    _vrs[tag] = vr
    return vr
