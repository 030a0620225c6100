import pytest

from scpd.dataset.charset import UTF_8
from scpd.dataset.values import bytes_of, text_of


@pytest.mark.parametrize(
    ("vr", "value", "text"),
    [
        ("LO", b" a \\ b ", "a\\b"),
        ("LT", b"  a \\ b  ", "  a \\ b"),
        ("UT", b" a\0", " a"),
        ("UR", b"http://a\\b ", "http://a\\b"),
        ("UI", b"1.2\0", "1.2"),
        ("UI", b"1.2\0\\1.3\0", "1.2\\1.3"),
        ("CS", "é".encode("latin-1"), "é"),
        ("PN", "Müller ".encode(), "Müller"),
        ("US", b"\x01\x02", "513"),
        ("US", b"\x01\x02\x03\x00\x09", "513\\3"),
        ("US", b"\x01", ""),
        ("SS", b"\xff\xff", "-1"),
        ("FD", b"\0\0\0\0\0\0\xf0\x3f", "1.0"),
        ("AT", b"\x08\x00\x18\x00\x10\x00\x20\x00", "00080018\\00100020"),
        ("OB", b"\x01\xff", "01ff"),
    ],
)
def test_a_value_is_read_as_text(vr: str, value: bytes, text: str) -> None:
    assert text_of(vr, value, "<", UTF_8) == text


@pytest.mark.parametrize(
    ("vr", "text", "value"),
    [
        ("LO", "abc", b"abc "),
        ("UI", "1.2", b"1.2\0"),
        ("OB", "010203", b"\x01\x02\x03\0"),
        ("US", "1\\2", b"\0\x01\0\x02"),
        ("US", "", b""),
        ("AT", "00080018", b"\0\x08\0\x18"),
        ("FL", "1.5", b"\x3f\xc0\0\0"),
        ("CS", "山", b"? "),
    ],
)
def test_text_is_written_padded_and_in_the_byte_order(vr: str, text: str, value: bytes) -> None:
    assert bytes_of(vr, text, ">", UTF_8) == value


@pytest.mark.parametrize(("vr", "text"), [("US", "65536"), ("US", "x"), ("FL", "1e99"), ("AT", "xyz"), ("OB", "1")])
def test_text_that_the_vr_cannot_carry_is_refused(vr: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        bytes_of(vr, text, "<", UTF_8)
