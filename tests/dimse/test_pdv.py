"""Messages as PDVs: what a reader makes of every way to cut them, and what is sent to every kind of peer."""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import unpack_from

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.dimse.codec import encode_command
from scpd.dimse.command import CEchoRQ, CEchoRSP, CFindRSP, Command, CStoreRQ, CStoreRSP
from scpd.dimse.pdv import (
    PDU_LENGTH_CAP,
    CommandReceived,
    DataSetPiece,
    DimseLimits,
    MessageReader,
    RepeatedMessage,
    encode_message,
)
from scpd.ul.errors import ProtocolError
from scpd.ul.events import DataIndication
from tests.dimse.samples import CT_IMAGE_STORAGE, VERIFICATION, c_echo_rq, c_store_rq, commands, pieces

STORE = CStoreRQ(7, CT_IMAGE_STORAGE, "1.2.3.4")
STORED = CStoreRSP(7, CT_IMAGE_STORAGE, "1.2.3.4", 0x0000)
ECHO = CEchoRQ(1, VERIFICATION)
PENDING = CFindRSP(3, "1.2.840.10008.5.1.4.1.2.2.1", 0xFF00)


def _read(reader: MessageReader, events: Iterable[DataIndication]) -> list[CommandReceived | DataSetPiece]:
    return [said for event in events if (said := reader.receive(event)) is not None]


def _pieces(told: Iterable[CommandReceived | DataSetPiece]) -> list[DataSetPiece]:
    return [said for said in told if isinstance(said, DataSetPiece)]


def _abort(reader: MessageReader, events: Iterable[DataIndication]) -> tuple[int, int]:
    """The reason for which the last of `events`, and no earlier one, ends the association."""
    *accepted, last = events
    _read(reader, accepted)
    with pytest.raises(ProtocolError) as caught:
        reader.receive(last)
    return caught.value.source, caught.value.reason


def _empty(*, is_command: bool, is_last: bool = False) -> DataIndication:
    return DataIndication(1, is_command, memoryview(b""), True, is_last)


def _command(context_id: int = 1) -> list[DataIndication]:
    return pieces(c_store_rq(), 9999, context_id)


def _data_set(data: bytes, size: int = 9999, context_id: int = 1) -> list[DataIndication]:
    return pieces(data, size, context_id, is_command=False)


class TestReading:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 9999])
    def test_a_command_is_the_same_however_it_is_cut(self, size: int) -> None:
        """D10, D12: fragments of two bytes, and odd ones, are tolerated."""
        assert _read(MessageReader(), pieces(c_store_rq(), size)) == [CommandReceived(1, STORE, True)]

    def test_it_is_known_whether_a_message_is_complete(self) -> None:
        reader = MessageReader()
        assert not reader.is_within_message
        within = [(reader.receive(event), reader.is_within_message)[1] for event in pieces(c_store_rq(), 50)]
        assert all(within) and len(within) > 1
        _read(reader, _data_set(b"xx"))
        assert not reader.is_within_message

    def test_the_command_set_is_handed_on_as_it_came(self) -> None:
        [told] = _read(MessageReader(), pieces(c_store_rq(), 7))
        assert isinstance(told, CommandReceived)
        assert told.data == c_store_rq()

    @given(commands, st.integers(0, 127).map(lambda number: 2 * number + 1), st.integers(1, 64))
    def test_any_command_is_the_same_however_it_is_cut(
        self, sent: tuple[Command, bool], context_id: int, size: int
    ) -> None:
        command, has_data_set = sent
        data = encode_command(command, has_data_set=has_data_set)
        expected = [CommandReceived(context_id, command, has_data_set)]
        assert _read(MessageReader(), pieces(data, size, context_id)) == expected

    def test_the_pieces_of_a_data_set_are_the_views_that_came_in(self) -> None:
        received = bytearray(b"a data set")
        event = DataIndication(1, False, memoryview(received), True, True)
        [piece] = _pieces(_read(MessageReader(), [*_command(), event]))
        assert piece == DataSetPiece(1, event.data, True)
        received[:] = b"reused...."
        assert piece.data.tobytes() == b"reused...."

    @given(st.binary(max_size=40), st.integers(1, 9))
    def test_the_pieces_of_a_data_set_are_the_data_set(self, data: bytes, size: int) -> None:
        _, *told = _read(MessageReader(), [*_command(), *_data_set(data, size)])
        assert told == _pieces(told)
        assert b"".join(piece.data for piece in _pieces(told)) == data
        assert [piece.is_last for piece in _pieces(told)] == [False] * (len(told) - 1) + [True]

    def test_an_empty_last_fragment_ends_a_data_set(self) -> None:
        """Peers that notice the end late send one."""
        half = DataIndication(1, False, memoryview(b"half"), True, False)
        nothing, end = _empty(is_command=False), _empty(is_command=False, is_last=True)
        told = _read(MessageReader(), [*_command(), half, nothing, end])
        assert told[1:] == [DataSetPiece(1, half.data, False), DataSetPiece(1, memoryview(b""), True)]

    def test_messages_follow_each_other_on_any_context(self) -> None:
        """D26: the second request is read after the first."""
        echo = pieces(c_echo_rq(), 20, 3)
        told = _read(MessageReader(), [*echo, *_command(5), *_data_set(b"xx", context_id=5), *echo])
        assert [said.context_id for said in told] == [3, 5, 5, 3]

    @pytest.mark.parametrize("data_set", [b"", b"unexpected data set"])
    def test_a_data_set_after_a_c_echo_is_passed_over(self, data_set: bytes) -> None:
        """D23: it is consumed, and the next command is found."""
        events = [*pieces(c_echo_rq(0x0001), 9999), *_data_set(data_set, 4), *_command()]
        expected = [CommandReceived(1, ECHO, False), CommandReceived(1, STORE, True)]
        assert _read(MessageReader(), events) == expected


class TestDisorder:
    def test_a_data_set_without_a_command_aborts(self) -> None:
        """D13."""
        assert _abort(MessageReader(), _data_set(b"xx")) == (2, 2)

    def test_a_data_set_after_a_command_that_announced_none_aborts(self) -> None:
        """D13."""
        assert _abort(MessageReader(), [*pieces(c_echo_rq(), 9999), *_data_set(b"xx")]) == (2, 2)

    def test_a_data_set_inside_a_command_aborts(self) -> None:
        """D13."""
        first, *_ = pieces(c_store_rq(), 50)
        assert _abort(MessageReader(), [first, *_data_set(b"xx")]) == (2, 2)

    def test_more_data_set_after_its_end_aborts(self) -> None:
        """D13."""
        assert _abort(MessageReader(), [*_command(), *_data_set(b"xx"), *_data_set(b"xx")]) == (2, 2)

    @pytest.mark.parametrize("context_id", [1, 3])
    def test_a_command_before_the_data_set_ended_aborts(self, context_id: int) -> None:
        """D14: on the same context or on another."""
        begun = [*_command(), *_data_set(b"half of it", 4)[:1]]
        assert _abort(MessageReader(), [*begun, *pieces(c_echo_rq(), 9999, context_id)]) == (2, 2)

    def test_two_commands_interleaved_abort(self) -> None:
        """D14."""
        first, *_ = pieces(c_store_rq(), 50)
        other, *_ = pieces(c_echo_rq(), 40, 3)
        assert _abort(MessageReader(), [first, other]) == (2, 2)

    def test_a_data_set_in_another_context_than_its_command_aborts(self) -> None:
        """D15."""
        assert _abort(MessageReader(), [*_command(1), *_data_set(b"xx", context_id=3)]) == (2, 6)


class TestLimits:
    LIMITS = DimseLimits(command_bytes_max=200, empty_fragments_max=3)

    def test_a_command_without_end_is_cut_off_at_the_limit(self) -> None:
        """D11."""
        endless = [DataIndication(1, True, memoryview(b"0123456789"), True, False)] * 21
        assert _abort(MessageReader(self.LIMITS), endless) == (2, 6)

    def test_a_command_as_long_as_the_limit_is_accepted(self) -> None:
        exactly = DimseLimits(command_bytes_max=len(c_store_rq()))
        assert _read(MessageReader(exactly), pieces(c_store_rq(), 9)) == [CommandReceived(1, STORE, True)]

    def test_a_single_fragment_longer_than_the_limit_is_not_kept(self) -> None:
        """D11."""
        assert _abort(MessageReader(self.LIMITS), [DataIndication(1, True, memoryview(bytes(201)), True, True)]) == (
            2,
            6,
        )

    def test_empty_fragments_of_a_command_are_counted(self) -> None:
        """D11."""
        assert _abort(MessageReader(self.LIMITS), [_empty(is_command=True)] * 4) == (2, 6)

    def test_empty_fragments_of_a_data_set_are_counted(self) -> None:
        """D11."""
        assert _abort(MessageReader(self.LIMITS), [*_command(), *[_empty(is_command=False)] * 4]) == (2, 6)

    def test_empty_fragments_of_a_data_set_that_is_passed_over_are_counted(self) -> None:
        """D11, D23."""
        echo = pieces(c_echo_rq(0x0001), 9999)
        assert _abort(MessageReader(self.LIMITS), [*echo, *[_empty(is_command=False)] * 4]) == (2, 6)

    def test_each_command_and_each_data_set_may_have_some_empty_fragments(self) -> None:
        message = [
            *[_empty(is_command=True)] * 3,
            *_command(),
            *[_empty(is_command=False)] * 3,
            *_data_set(b"xx"),
        ]
        assert len(_read(MessageReader(self.LIMITS), message * 3)) == 6

    def test_the_default_takes_a_command_of_64_kib(self) -> None:
        """The global constants of the conformance statement."""
        assert DimseLimits().command_bytes_max == 65_536


@dataclass(frozen=True)
class Fragment:
    """A PDV as found in a P-DATA-TF, read here by the text of PS3.8 9.3.5 and E.2."""

    pdu_length: int
    context_id: int
    is_command: bool
    is_last: bool
    data: bytes


def _fragments(pdus: bytes) -> list[Fragment]:
    """The PDVs of whole P-DATA-TFs, each of which has exactly one."""
    found = []
    while pdus:
        kind, reserved, pdu_length, pdv_length, context_id, control = unpack_from(">BBIIBB", pdus)
        assert (kind, reserved, pdv_length, control & ~3) == (0x04, 0x00, pdu_length - 4, 0)
        data, pdus = pdus[12 : 6 + pdu_length], pdus[6 + pdu_length :]
        assert len(data) == pdv_length - 2
        found.append(Fragment(pdu_length, context_id, bool(control & 1), bool(control & 2), data))
    return found


def _indications(pdus: bytes) -> list[DataIndication]:
    return [
        DataIndication(found.context_id, found.is_command, memoryview(found.data), True, found.is_last)
        for found in _fragments(pdus)
    ]


class TestWriting:
    def test_a_small_response_is_one_pdu(self) -> None:
        command = encode_command(STORED, has_data_set=False)
        assert _fragments(encode_message(STORED, 5, None, 16_384)) == [
            Fragment(len(command) + 6, 5, True, True, command)
        ]

    def test_a_command_and_its_data_set_are_a_pdu_each(self) -> None:
        command = encode_command(PENDING, has_data_set=True)
        assert _fragments(encode_message(PENDING, 5, b"identifier", 16_384)) == [
            Fragment(len(command) + 6, 5, True, True, command),
            Fragment(16, 5, False, True, b"identifier"),
        ]

    def test_without_a_data_set_the_command_says_so(self) -> None:
        """D31: 0101H and no data set, on the context of the request."""
        told = _read(MessageReader(), _indications(encode_message(CEchoRSP(1, VERIFICATION, 0), 77, None, 0)))
        assert told == [CommandReceived(77, CEchoRSP(1, VERIFICATION, 0), False)]

    def test_an_empty_data_set_is_announced_and_sent(self) -> None:
        """D31."""
        told = _read(MessageReader(), _indications(encode_message(PENDING, 1, b"", None)))
        assert told == [CommandReceived(1, PENDING, True), DataSetPiece(1, memoryview(b""), True)]

    @pytest.mark.parametrize("unlimited", [0, None, 0xFFFFFFFF, PDU_LENGTH_CAP])
    def test_a_peer_without_limit_gets_pdus_of_our_own_cap(self, unlimited: int | None) -> None:
        """A45."""
        lengths = [found.pdu_length for found in _fragments(encode_message(STORE, 1, bytes(300_000), unlimited))]
        assert lengths[1:] == [PDU_LENGTH_CAP, PDU_LENGTH_CAP, 300_000 - 2 * (PDU_LENGTH_CAP - 6) + 6]

    @pytest.mark.parametrize(("maximum", "size"), [(8, 2), (9, 2), (10, 4), (11, 4), (12, 6), (13, 6)])
    def test_a_peer_with_a_tiny_limit_gets_even_fragments(self, maximum: int, size: int) -> None:
        """A46 (8 to 11), A47 (12): the variable field is no longer than the peer said."""
        found = _fragments(encode_message(PENDING, 1, b"identifier..", maximum))
        assert max(fragment.pdu_length for fragment in found) <= maximum
        assert {len(fragment.data) for fragment in found[:-1] if not fragment.is_last} == {size}
        assert b"".join(fragment.data for fragment in found if not fragment.is_command) == b"identifier.."

    @pytest.mark.parametrize(
        ("size", "sizes"),
        [(0, [0]), (1, [1]), (100, [100]), (101, [100, 1]), (200, [100, 100]), (300, [100, 100, 100])],
    )
    def test_only_the_last_fragment_is_not_full_and_none_is_empty_behind_others(
        self, size: int, sizes: list[int]
    ) -> None:
        found = [each for each in _fragments(encode_message(PENDING, 1, bytes(size), 106)) if not each.is_command]
        assert [len(fragment.data) for fragment in found] == sizes
        assert [fragment.is_last for fragment in found] == [False] * (len(sizes) - 1) + [True]

    @pytest.mark.parametrize("maximum", [1, 7, -1])
    def test_a_limit_without_room_for_data_is_refused(self, maximum: int) -> None:
        """A46: negotiation rejects such a peer, so this cannot be asked for."""
        with pytest.raises(ValueError, match="no room"):
            encode_message(PENDING, 1, None, maximum)

    def test_only_the_last_fragment_of_an_odd_data_set_is_odd(self) -> None:
        """PS3.8 E.1: fragments are even; what was stored odd leaves as it is."""
        found = _fragments(encode_message(STORE, 1, b"x" * 101, 25))
        assert [len(fragment.data) for fragment in found if not fragment.is_command] == [18] * 5 + [11]

    @given(commands, st.binary(max_size=100), st.integers(8, 120))
    def test_what_is_written_is_read(self, sent: tuple[Command, bool], data: bytes, maximum: int) -> None:
        command, has_data_set = sent
        pdus = encode_message(command, 9, data if has_data_set else None, maximum)
        assert all(fragment.pdu_length <= maximum for fragment in _fragments(pdus))
        received, *told = _read(MessageReader(), _indications(pdus))
        assert received == CommandReceived(9, command, has_data_set)
        assert b"".join(piece.data for piece in _pieces(told)) == (data if has_data_set else b"")
        assert bool(told) is has_data_set


class TestRepeating:
    @given(st.lists(st.binary(max_size=60), max_size=3), st.integers(8, 60) | st.none())
    def test_a_repeated_message_is_what_encoding_it_anew_gives(
        self, data_sets: list[bytes], maximum: int | None
    ) -> None:
        pending = RepeatedMessage(PENDING, 3, maximum)
        for data_set in data_sets:
            assert pending.with_data_set(data_set) == encode_message(PENDING, 3, data_set, maximum)
