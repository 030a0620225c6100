"""The cursor: forward, within its own bytes, nothing left over."""

import pytest

from scpd.ul.cursor import Cursor, uid
from scpd.ul.errors import ProtocolError


def test_it_reads_big_endian_numbers_in_order() -> None:
    cursor = Cursor(b"\x01\x02\x03\x04\x05\x06\x07")
    assert [cursor.number(1), cursor.number(2), cursor.number(4)] == [0x01, 0x0203, 0x04050607]
    assert cursor.is_at_end
    cursor.finish()


def test_it_never_reads_past_its_end() -> None:
    cursor = Cursor(b"abc")
    with pytest.raises(ProtocolError):
        cursor.take(4)
    assert cursor.take(3) == b"abc"
    assert cursor.rest() == b""
    with pytest.raises(ProtocolError):
        cursor.skip(1)


def test_it_complains_of_what_is_left_over() -> None:
    cursor = Cursor(b"ab")
    cursor.skip(1)
    with pytest.raises(ProtocolError, match="longer"):
        cursor.finish()


def test_counted_bytes_may_be_none() -> None:
    assert Cursor(b"\0\0").counted() == b""
    assert Cursor(b"\0\2abc").counted() == b"ab"


def test_a_flag_is_0_or_1() -> None:
    assert [Cursor(b"\0").flag(), Cursor(b"\1").flag()] == [False, True]
    with pytest.raises(ProtocolError, match="neither"):
        Cursor(b"\2").flag()


def test_an_item_gets_its_own_bytes_only() -> None:
    items = Cursor(b"\x10\xff\0\2ab\x20\0\0\0").items()
    item_type, content = next(items)
    assert (item_type, content.rest()) == (0x10, b"ab")
    item_type, content = next(items)
    assert (item_type, content.is_at_end) == (0x20, True)
    assert list(items) == []


def test_a_uid_loses_its_padding_and_nothing_else() -> None:
    assert uid(b"1.2.840\0") == "1.2.840"
    assert uid(b" 1.2.840 \0 ") == " 1.2.840"
    assert uid(b"\0") == ""
