"""The encoder against pydicom's reader, and what it does with stored values that broke the rules."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from pydicom import dcmread

from scpd.dataset.attributes import Attributes
from scpd.dataset.encode import Encoder
from scpd.dataset.reader import read_data_set
from tests.dataset.generated import attribute_sets

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
SYNTAXES = [IMPLICIT, EXPLICIT, "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]


@pytest.mark.parametrize("syntax", SYNTAXES)
@given(attributes=attribute_sets())
@settings(max_examples=60, deadline=None)
def test_what_is_encoded_is_read_back(syntax: str, attributes: Attributes) -> None:
    in_utf_8 = {**attributes, 0x00080005: "ISO_IR 192"}
    assert read_data_set(Encoder(syntax, "ISO_IR 192").encode(in_utf_8), syntax) == in_utf_8


def test_pydicom_reads_what_is_encoded() -> None:
    attributes: Attributes = {
        0x00100010: "Doe^Jane",
        0x00080020: "20240101",
        0x00081032: ({0x00080100: "C1"}, {}),
        0x00280010: "512",
    }
    data = Encoder(EXPLICIT).encode(attributes)
    read = dcmread(BytesIO(bytes(128) + b"DICM" + data), force=True)
    assert [element.tag for element in read] == sorted(attributes)
    assert (read.PatientName, read.Rows, read.ProcedureCodeSequence[0].CodeValue) == ("Doe^Jane", 512, "C1")


def test_tags_ascend_and_lengths_are_even() -> None:
    data = Encoder(IMPLICIT).encode({0x00100020: "P1X", 0x00080018: "1.2"})
    assert data == b"\x08\x00\x18\x00\x04\0\0\x001.2\0\x10\x00\x20\x00\x04\0\0\x00P1X "


def test_a_value_too_long_for_its_vr_becomes_un() -> None:
    data = Encoder(EXPLICIT).encode({0x00100020: "P" * 65_535})
    assert data[4:12] == b"UN\0\0\0\0\x01\0"
    assert read_data_set(data, EXPLICIT) == {0x00100020: "P" * 65_535}


@pytest.mark.parametrize(
    "stored",
    [{0x00280010: "many"}, {0x00280010: ({},)}, {0x00081032: "no sequence"}, {0x00081032: ""}, {0x00081032: ()}],
)
def test_a_value_that_its_vr_cannot_carry_is_written_empty(stored: Attributes) -> None:
    (tag,) = stored
    assert read_data_set(Encoder(IMPLICIT).encode(stored), IMPLICIT) in ({tag: ""}, {tag: ()})


def test_elements_that_the_dictionary_does_not_know_are_left_out() -> None:
    assert Encoder(IMPLICIT).encode({0x00091001: "private"}) == b""


def test_text_outside_the_character_set_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        Encoder(IMPLICIT, "ISO_IR 100").encode({0x00100010: "山田"})


def test_private_elements_are_written_with_the_vrs_that_are_given() -> None:
    attributes: Attributes = {0x00190010: "ACME 1.0", 0x00191001: "7", 0x00191002: "x"}
    written = Encoder(EXPLICIT, private_vrs={0x00191001: "US"}).encode(attributes)
    assert written == b"\x19\0\x10\0LO\x08\0ACME 1.0" + b"\x19\0\x01\x10US\x02\0\x07\0"
