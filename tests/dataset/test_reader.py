import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.dataset.heads import Broken
from scpd.dataset.inflate import deflate
from scpd.dataset.reader import DEPTH_MAX, read_data_set

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF


def element(tag: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


ITEM_END = element(0xFFFEE00D, b"")
SEQUENCE_END = element(0xFFFEE0DD, b"")
ITEM = element(0xFFFEE000, b"", UNDEFINED)
CODE = element(0x00080100, b"C1")


def fragments(content: bytes) -> bytes:
    return struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED) + content


def test_an_item_has_its_own_character_set_or_the_one_around_it() -> None:
    own = element(0x00080005, b"ISO_IR 126") + element(0x00080104, b"\xc4")
    data = (
        element(0x00080005, b"ISO_IR 100")
        + element(0x00081032, element(0xFFFEE000, own) + element(0xFFFEE000, element(0x00080104, b"\xe9")))
        + element(0x00100010, b"\xe9")
    )
    assert read_data_set(data, IMPLICIT) == {
        0x00080005: "ISO_IR 100",
        0x00081032: ({0x00080005: "ISO_IR 126", 0x00080104: "Δ"}, {0x00080104: "é"}),
        0x00100010: "é",
    }


def test_a_character_set_that_is_a_sequence_names_none() -> None:
    data = struct.pack("<HH2sHI", 0x0008, 0x0005, b"SQ", 0, 0) + struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", 2) + b"P1"
    assert read_data_set(data, EXPLICIT) == {0x00080005: (), 0x00100020: "P1"}


def test_undefined_lengths_are_followed_to_their_delimiters() -> None:
    data = element(0x00081032, ITEM + CODE + ITEM_END + SEQUENCE_END, UNDEFINED) + element(0x00100020, b"P1")
    assert read_data_set(data, IMPLICIT) == {0x00081032: ({0x00080100: "C1"},), 0x00100020: "P1"}


def test_encapsulated_pixel_data_are_passed_over() -> None:
    data = fragments(element(0xFFFEE000, b"abcd") + SEQUENCE_END)
    assert read_data_set(data, EXPLICIT) == {0x7FE00010: ""}


def test_a_deflated_data_set_is_inflated_first() -> None:
    assert read_data_set(deflate(element(0x00100020, b"P1")), DEFLATED) == {0x00100020: "P1"}
    with pytest.raises(Broken, match="does not end"):
        read_data_set(deflate(element(0x00100020, b"P1"))[:4], DEFLATED)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (CODE[:7], "head does not end"),
        (CODE[:-1], "longer than what holds it"),
        (element(0x00081032, ITEM + CODE, UNDEFINED), "an item does not end"),
        (element(0x00081032, element(0xFFFEE000, CODE), UNDEFINED), "a sequence does not end"),
        (element(0x00081032, CODE, UNDEFINED), "no item where one belongs"),
        (element(0x00081032, ITEM + SEQUENCE_END, UNDEFINED), "an item does not end"),
        (element(0x00081032, element(0xFFFEE000, CODE, 4)), "longer than what holds it"),
        (element(0x00081032, element(0xFFFEE000, CODE[:4])), "head does not end"),
        (element(0x00081032, element(0xFFFEE000, b"")[:7]), "head does not end"),
        (element(0x00081032, ITEM, UNDEFINED) * (DEPTH_MAX + 1), "nested too deep"),
    ],
)
def test_a_broken_structure_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Broken, match=reason):
        read_data_set(data, IMPLICIT)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(ITEM, "a fragment has no length"), (element(0xFFFEE000, b""), "fragments do not end"), (CODE, "no item")],
)
def test_broken_fragments_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(Broken, match=reason):
        read_data_set(fragments(content), EXPLICIT)


@given(st.binary(max_size=400), st.sampled_from([IMPLICIT, EXPLICIT, DEFLATED, "1.2.840.10008.1.2.2"]))
def test_arbitrary_bytes_are_read_or_refused(data: bytes, syntax: str) -> None:
    try:
        read_data_set(data, syntax)
    except Broken as broken:
        assert broken.reason
