"""Command sets: bytes typed by hand against dataclasses, round trips, and whatever a peer may get wrong."""

from itertools import accumulate
from struct import pack

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scpd.dimse.codec import decode_command, encode_command, uids_as_received
from scpd.dimse.command import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CGetRQ,
    CMoveRQ,
    Command,
    CStoreRQ,
    CStoreRSP,
    NActionRQ,
    NGetRQ,
    NSetRQ,
)
from scpd.ul.errors import ProtocolError
from tests.dimse.samples import CT_IMAGE_STORAGE, VERIFICATION, c_echo_rq, c_store_rq, commands, elements, ui, us

STORE = CStoreRQ(7, CT_IMAGE_STORAGE, "1.2.3.4")


def _abort(data: bytes) -> tuple[int, int]:
    with pytest.raises(ProtocolError) as caught:
        decode_command(data)
    return caught.value.source, caught.value.reason


class TestBytes:
    def test_a_c_echo_rsp_is_written_as_the_standard_lays_it_out(self) -> None:
        """D01: 8030H, the Message ID, no data set, Implicit VR Little Endian, and the right group length."""
        expected = bytes.fromhex(
            "00000000 04000000 42000000"
            "00000200 12000000 312e322e3834302e31303030382e312e3100"
            "00000001 02000000 3080"
            "00002001 02000000 0900"
            "00000008 02000000 0101"
            "00000009 02000000 0000"
        )
        assert encode_command(CEchoRSP(9, VERIFICATION, 0x0000), has_data_set=False) == expected

    def test_a_c_store_rq_is_read_and_written_as_typed_by_hand(self) -> None:
        data = c_store_rq()
        assert decode_command(data) == (STORE, True)
        assert encode_command(STORE, has_data_set=True) == data

    def test_optional_parameters_are_read_and_written(self) -> None:
        """T24, G10: the move originator."""
        command = CStoreRQ(7, CT_IMAGE_STORAGE, "1.2.3.4", 2, "ARCHIVE", 99)
        tail = ui(0x1030, b"ARCHIVE ") + us(0x1031, 99)
        assert encode_command(command, has_data_set=True).endswith(tail)
        assert decode_command(c_store_rq(priority=us(0x0700, 2), tail=tail)) == (command, True)

    def test_lists_of_tags_are_read_and_written(self) -> None:
        command = NGetRQ(1, "1.2", "1.3", (0x00100020, 0x7FE00010))
        data = encode_command(command, has_data_set=False)
        assert data.endswith(ui(0x1005, bytes.fromhex("10002000 e07f1000")))
        assert decode_command(data) == (command, False)

    def test_a_c_cancel_rq_names_nothing_but_the_message(self) -> None:
        """PS3.7 9.3.2.3."""
        expected = pack("<HHII", 0, 0, 4, 30) + us(0x0100, 0x0FFF) + us(0x0120, 5) + us(0x0800, 0x0101)
        assert encode_command(CCancelRQ(5), has_data_set=False) == expected

    def test_parameters_without_a_value_are_left_out(self) -> None:
        data = encode_command(CStoreRSP(1, "", "", 0xA700, error_comment=""), has_data_set=False)
        body = us(0x0100, 0x8001) + us(0x0120, 1) + us(0x0800, 0x0101) + us(0x0900, 0xA700)
        assert data == pack("<HHII", 0, 0, 4, len(body)) + body

    def test_text_that_no_byte_stands_for_is_shown_as_a_question_mark(self) -> None:
        response = CStoreRSP(1, "", "", 0xA700, error_comment="\u6f22")
        assert encode_command(response, has_data_set=False).endswith(ui(0x0902, b"? "))


class TestRoundTrips:
    @given(commands)
    def test_a_command_comes_back_as_it_was(self, sent: tuple[Command, bool]) -> None:
        command, has_data_set = sent
        assert decode_command(encode_command(command, has_data_set=has_data_set)) == sent

    @given(commands)
    def test_a_command_set_is_even_and_its_group_length_right(self, sent: tuple[Command, bool]) -> None:
        command, has_data_set = sent
        data = encode_command(command, has_data_set=has_data_set)
        assert len(data) % 2 == 0
        assert data[:12] == pack("<HHII", 0, 0, 4, len(data) - 12)

    @given(commands, st.data())
    def test_the_order_of_elements_does_not_matter(self, sent: tuple[Command, bool], draw: st.DataObject) -> None:
        """D29: out of order is tolerated."""
        command, has_data_set = sent
        in_order = elements(encode_command(command, has_data_set=has_data_set))
        assert decode_command(b"".join(draw.draw(st.permutations(in_order)))) == sent


class TestWhatLeavesNoHonestAnswer:
    @pytest.mark.parametrize("command_field", [0x0000, 0x0999, 0x8FFF, 0xFFFF])
    def test_an_unknown_command_field_aborts(self, command_field: int) -> None:
        """D16: pinned to A-ABORT, because no response class can be told."""
        assert _abort(c_store_rq(command_field=us(0x0100, command_field))) == (0, 0)

    @pytest.mark.parametrize("missing", ["message_id", "command_field", "data_set_type"])
    def test_without_a_vital_element_the_association_ends(self, missing: str) -> None:
        """D17: nothing is answered under an invented Message ID."""
        assert _abort(c_store_rq(**{missing: b""})) == (2, 6)

    @pytest.mark.parametrize("value", [b"", b"\x01", b"\x01\0\x02\0"], ids=["empty", "one byte", "two values"])
    @pytest.mark.parametrize(
        ("name", "number"), [("message_id", 0x0110), ("command_field", 0x0100), ("data_set_type", 0x0800)]
    )
    def test_a_vital_element_that_is_no_number_is_missing(self, name: str, number: int, value: bytes) -> None:
        """D17."""
        assert _abort(c_store_rq(**{name: ui(number, value)})) == (2, 6)

    @pytest.mark.parametrize("missing", [0x0120, 0x0900])
    def test_a_response_without_its_message_or_status_means_nothing(self, missing: int) -> None:
        """D17, seen from the requestor."""
        whole = elements(encode_command(CStoreRSP(1, "1.2", "1.3", 0), has_data_set=False))
        assert _abort(b"".join(part for part in whole if part[2:4] != pack("<H", missing))) == (2, 6)

    @pytest.mark.parametrize(
        "command",
        [STORE, CFindRQ(1, "1.2"), CGetRQ(1, "1.2"), CMoveRQ(1, "1.2", "ARCHIVE"), NSetRQ(1, "1.2", "1.3")],
        ids=lambda command: type(command).__name__,
    )
    def test_a_command_that_needs_a_data_set_must_announce_one(self, command: Command) -> None:
        """D21."""
        assert _abort(encode_command(command, has_data_set=False)) == (2, 6)

    def test_an_element_of_another_group_aborts(self) -> None:
        """D29: non-group-0000 is no command set."""
        assert _abort(c_echo_rq(0x0101, pack("<HHI", 8, 0x0018, 4) + b"1.2\0")) == (2, 6)

    def test_an_element_sent_twice_aborts(self) -> None:
        """Nobody should have to choose between two Message IDs."""
        assert _abort(c_echo_rq(0x0101, us(0x0110, 2))) == (2, 6)

    @pytest.mark.parametrize("length", [1, 0x7FFFFFFF, 0xFFFFFFFF])
    def test_an_element_longer_than_the_command_set_aborts(self, length: int) -> None:
        assert _abort(c_echo_rq(0x0101, pack("<HHI", 0, 0x1000, length))) == (2, 6)

    def test_a_command_set_that_ends_inside_an_element_aborts(self) -> None:
        data = c_echo_rq()
        ends = [end for end in range(len(data)) if end not in _element_ends(data)]
        assert {_abort(data[:end]) for end in ends} == {(2, 6)}

    def test_an_empty_command_set_aborts(self) -> None:
        """D17."""
        assert _abort(b"") == (2, 6)


class TestWhatIsTolerated:
    @pytest.mark.parametrize("data_set_type", [0x0000, 0x0001, 0x0100, 0x0102, 0xFFFF])
    def test_any_data_set_type_but_0101_announces_a_data_set(self, data_set_type: int) -> None:
        """D22."""
        assert decode_command(c_store_rq(data_set_type=us(0x0800, data_set_type))) == (STORE, True)

    @pytest.mark.parametrize(
        "element",
        [us(0x0001, 60), ui(0x0010, b"ACR-NEMA"), us(0x5110, 1), ui(0xFFFF, b"x" * 999)],
        ids=["Length to End", "Recognition Code", "retired print", "unknown"],
    )
    def test_unknown_and_retired_elements_are_ignored(self, element: bytes) -> None:
        """D28."""
        assert decode_command(c_store_rq(extra=element)) == (STORE, True)

    @pytest.mark.parametrize(
        "element", [b"", pack("<HHII", 0, 0, 4, 0), pack("<HHII", 0, 0, 4, 0xFFFFFFFF), us(0x0000, 12), ui(0x0000, b"")]
    )
    def test_a_wrong_or_missing_group_length_is_ignored(self, element: bytes) -> None:
        """D28."""
        assert decode_command(c_store_rq(group_length=element)) == (STORE, True)

    @pytest.mark.parametrize("priority", [3, 0xFFFF])
    def test_a_priority_that_does_not_exist_is_kept_and_means_nothing(self, priority: int) -> None:
        """D30."""
        command, _ = decode_command(c_store_rq(priority=us(0x0700, priority)))
        assert command == CStoreRQ(7, CT_IMAGE_STORAGE, "1.2.3.4", priority)

    @pytest.mark.parametrize("priority", [b"", ui(0x0700, b""), ui(0x0700, b"HIGH")])
    def test_a_priority_that_is_none_is_medium(self, priority: bytes) -> None:
        """D30."""
        assert decode_command(c_store_rq(priority=priority)) == (STORE, True)

    def test_missing_uids_are_empty_so_that_the_service_can_answer(self) -> None:
        """D17: only what addresses the answer is vital."""
        assert decode_command(c_store_rq(sop_class=b"", sop_instance=b"")) == (CStoreRQ(7, "", ""), True)

    def test_missing_numbers_and_titles_are_what_no_service_accepts(self) -> None:
        action = encode_command(NActionRQ(1, "", "", 3), has_data_set=False)
        assert decode_command(action.replace(us(0x1008, 3), b"")) == (NActionRQ(1, "", "", 0), False)
        move = encode_command(CMoveRQ(1, "1.2", ""), has_data_set=True)
        assert decode_command(move) == (CMoveRQ(1, "1.2", ""), True)

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            (b"1.2.3\0", "1.2.3"),
            (b"1.2.3   \0", "1.2.3"),
            (b"1.2.3", "1.2.3"),
            (b" 1.2.3 ", " 1.2.3"),
            (b"../../x\xe9", "../../x\xe9"),
            (b"\0\0", ""),
            (b"1" * 70, "1" * 70),
        ],
    )
    def test_a_uid_is_the_text_received_less_its_padding(self, sent: bytes, kept: str) -> None:
        """T09: the service judges it, whatever it is."""
        assert decode_command(c_store_rq(sop_instance=ui(0x1000, sent))) == (CStoreRQ(7, CT_IMAGE_STORAGE, kept), True)

    @pytest.mark.parametrize("title", [b"  ARCHIVE ", b"ARCHIVE\0", b"ARCHIVE"])
    def test_an_ae_title_loses_its_padding_on_both_sides(self, title: bytes) -> None:
        """PS3.5 6.2: leading and trailing spaces are not significant."""
        command, _ = decode_command(c_store_rq(originator=ui(0x1030, title)))
        assert command == CStoreRQ(7, CT_IMAGE_STORAGE, "1.2.3.4", move_originator_ae_title="ARCHIVE")

    def test_a_list_of_tags_with_half_a_tag_is_no_list(self) -> None:
        data = encode_command(NGetRQ(1, "1.2", "1.3"), has_data_set=False)
        assert decode_command(data + ui(0x1005, b"\x10\0\x20\0\x08\0")) == (NGetRQ(1, "1.2", "1.3"), False)

    def test_an_odd_length_is_tolerated(self) -> None:
        assert decode_command(c_echo_rq(0x0101, ui(0x1000, b"1.2"))) == (CEchoRQ(1, VERIFICATION), False)


def _element_ends(data: bytes) -> set[int]:
    return set(accumulate(map(len, elements(data)), initial=0))


class TestHostileBytes:
    @given(st.binary(max_size=300))
    @example(b"\0" * 8)
    def test_arbitrary_bytes_are_a_command_or_a_protocol_error(self, data: bytes) -> None:
        try:
            decode_command(data)
        except ProtocolError as error:
            assert (error.source, error.reason) in {(0, 0), (2, 6)}

    @given(st.data())
    def test_damaged_commands_are_a_command_or_a_protocol_error(self, draw: st.DataObject) -> None:
        command, has_data_set = draw.draw(commands)
        data = bytearray(encode_command(command, has_data_set=has_data_set))
        for at in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=4)):
            data[at] = draw.draw(st.integers(0, 255))
        end = draw.draw(st.integers(0, len(data)))
        try:
            decode_command(bytes(data[:end]))
        except ProtocolError as error:
            assert (error.source, error.reason) in {(0, 0), (2, 6)}


def test_uids_can_be_had_with_their_padding() -> None:
    data = ui(0x0002, b"1.2.3 ") + us(0x0110, 7) + ui(0x1000, b"1.2.3.4\0")
    assert uids_as_received(data) == {"affected_sop_class_uid": "1.2.3 ", "affected_sop_instance_uid": "1.2.3.4\0"}
    assert uids_as_received(us(0x0110, 7)) == {}
