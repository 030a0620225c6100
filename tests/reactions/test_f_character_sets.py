"""F18: text in one character set, asked for in another (PS3.4 C.2.2.2, C.4.1.1.3)."""

import pytest

from tests.datasets import PATIENT_MARK, tag_of
from tests.rawpeer import (
    RawPeer,
)
from tests.reactions.queries import (
    QUERYING,
    found,
    keep_studies,
    studies_found,
)

PROPOSAL = QUERYING

NAME = f"{PATIENT_MARK}^"


def name(given: str, encoding: str = "utf-8") -> bytes:
    """A patient's name in some encoding."""
    return f"{NAME}{given}".encode(encoding)


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
