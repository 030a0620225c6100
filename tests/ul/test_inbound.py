"""Framing: what is kept, what passes through, and what is refused before it arrives."""

import tracemalloc

import pytest

from scpd.ul.errors import ProtocolError
from scpd.ul.events import DataIndication
from scpd.ul.inbound import Inbound, ReceivedPDU, Token, UpperLayerLimits, read_pdus
from scpd.ul.pdu import PDUType
from tests.ul.samples import LIMITS, RELEASE_RQ, p_data, pdu, pdv

EVERY_TYPE = frozenset(PDUType)


class Reader:
    """An Inbound that wants everything, and the tokens it gives."""

    def __init__(self, limits: UpperLayerLimits = LIMITS) -> None:
        self.inbound = Inbound(limits)
        self.inbound.wanted = EVERY_TYPE
        self.inbound.contexts = bytes((1, 3))
        self.tokens = read_pdus(self.inbound)

    def read(self, data: bytes) -> list[Token]:
        self.inbound.feed(memoryview(data))
        tokens = []
        while (token := next(self.tokens)) is not None:
            tokens.append(token)
        return tokens


def piece(data: bytes, *, ends: bool = True, last: bool = True, command: bool = False, context: int = 1) -> Token:
    return DataIndication(context, command, memoryview(data), ends, last)


def test_a_pdu_in_one_read_comes_whole() -> None:
    assert Reader().read(RELEASE_RQ) == [ReceivedPDU(PDUType.RELEASE_RQ, bytes(4))]


def test_a14_a_pdu_one_byte_at_a_time_comes_when_its_last_byte_does() -> None:
    reader = Reader()
    assert [reader.read(bytes((byte,))) for byte in RELEASE_RQ[:-1]] == [[]] * 9
    assert reader.read(RELEASE_RQ[-1:]) == [ReceivedPDU(PDUType.RELEASE_RQ, bytes(4))]


def test_two_pdus_and_half_a_header_in_one_read() -> None:
    reader = Reader()
    assert len(reader.read(RELEASE_RQ + RELEASE_RQ + RELEASE_RQ[:3])) == 2
    assert len(reader.read(RELEASE_RQ[3:])) == 1


def test_an_empty_read_says_nothing() -> None:
    assert Reader().read(b"") == []


def test_a_body_nobody_wants_is_told_at_the_header_and_passed_over() -> None:
    reader = Reader()
    reader.inbound.wanted = frozenset({PDUType.RELEASE_RQ})
    header = pdu(0x04, b"", length=1 << 31)
    assert reader.read(header) == [ReceivedPDU(PDUType.P_DATA_TF, None)]
    block = bytes(1 << 20)
    assert all(reader.read(block) == [] for _ in range(1 << 11))
    assert reader.read(RELEASE_RQ) == [ReceivedPDU(PDUType.RELEASE_RQ, bytes(4))]


@pytest.mark.parametrize("pdu_type", [0x00, 0x08, 0x0A, 0x47, 0xFF])
def test_s03_a_type_that_does_not_exist_is_unrecognized(pdu_type: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        Reader().read(pdu(pdu_type, b"", length=100))
    assert (caught.value.source, caught.value.reason) == (2, 1)


@pytest.mark.parametrize("pdu_type", [0x01, 0x02])
@pytest.mark.parametrize("length", [0, 1, 67, 8193, 1 << 30, 0xFFFFFFFF])
def test_a10_a11_a12_an_impossible_length_of_an_associate_pdu_is_refused_at_its_header(
    pdu_type: int, length: int
) -> None:
    with pytest.raises(ProtocolError, match=str(length)) as caught:
        Reader().read(pdu(pdu_type, b"", length=length))
    assert (caught.value.source, caught.value.reason) == (2, 6)


@pytest.mark.parametrize("length", [68, 8192])
def test_a_possible_length_of_an_associate_pdu_is_not(length: int) -> None:
    assert Reader().read(pdu(0x01, bytes(length))) == [ReceivedPDU(PDUType.ASSOCIATE_RQ, bytes(length))]


@pytest.mark.parametrize("pdu_type", [0x03, 0x05, 0x06, 0x07])
@pytest.mark.parametrize("length", [0, 3, 5, 0xFFFFFFFF])
def test_the_small_pdus_have_one_length(pdu_type: int, length: int) -> None:
    with pytest.raises(ProtocolError, match=str(length)):
        Reader().read(pdu(pdu_type, b"", length=length))


def test_nothing_more_is_read_after_an_error() -> None:
    reader = Reader()
    with pytest.raises(ProtocolError):
        reader.read(pdu(0xFF, b""))
    with pytest.raises(StopIteration):
        reader.read(RELEASE_RQ)


def test_a_header_that_announces_much_takes_no_memory() -> None:
    reader = Reader(UpperLayerLimits(associate_pdu_bytes_max=1 << 30))
    tracemalloc.start()
    reader.read(pdu(0x01, bytes(100), length=1 << 30))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000


# --- P-DATA-TF -----------------------------------------------------------------------------------------------------


def test_a_fragment_comes_as_a_view_of_the_read_it_came_in() -> None:
    data = p_data(pdv(b"abcd"))
    (token,) = Reader().read(data)
    assert token == piece(b"abcd")
    assert isinstance(token, DataIndication)
    assert token.data.obj is data


def test_a_fragment_comes_piece_by_piece_as_it_arrives() -> None:
    reader = Reader()
    data = p_data(pdv(b"abcdef"))
    assert reader.read(data[:14]) == [piece(b"ab", ends=False, last=False)]
    assert reader.read(data[14:17]) == [piece(b"cde", ends=False, last=False)]
    assert reader.read(data[17:]) == [piece(b"f")]


def test_a_read_that_ends_with_the_pdv_header_says_nothing_yet() -> None:
    reader = Reader()
    data = p_data(pdv(b"abcdef"))
    assert reader.read(data[:12]) == []
    assert reader.read(data[12:]) == [piece(b"abcdef")]


@pytest.mark.parametrize(
    ("control", "is_command", "is_last"), [(0, False, False), (1, True, False), (2, False, True), (3, True, True)]
)
def test_the_message_control_header_tells_what_a_fragment_is(control: int, is_command: bool, is_last: bool) -> None:
    assert Reader().read(p_data(pdv(b"ab", control=control))) == [piece(b"ab", command=is_command, last=is_last)]


def test_d09_the_other_bits_of_the_message_control_header_are_not_tested() -> None:
    assert Reader().read(p_data(pdv(b"ab", control=0xFD))) == [piece(b"ab", command=True, last=False)]


def test_d10_command_and_data_set_in_one_pdu() -> None:
    data = p_data(pdv(b"co", control=1), pdv(b"mm", control=3), pdv(b"data", context_id=3))
    commands = [piece(b"co", command=True, last=False), piece(b"mm", command=True)]
    assert Reader().read(data) == [*commands, piece(b"data", context=3)]


def test_d11_an_empty_fragment_is_a_piece_of_nothing() -> None:
    assert Reader().read(p_data(pdv(b"", control=0), pdv(b""))) == [piece(b"", last=False), piece(b"")]


def test_d12_a_fragment_of_odd_length_is_tolerated() -> None:
    assert Reader().read(p_data(pdv(b"abc"))) == [piece(b"abc")]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        pytest.param(p_data(pdv(b"ab", context_id=5)), "presentation context 5", id="D02 never proposed"),
        pytest.param(p_data(pdv(b"ab", context_id=0)), "presentation context 0", id="D03 not accepted"),
        pytest.param(p_data(pdv(b"", length=0)), "length 0", id="D04 item length 0"),
        pytest.param(p_data(pdv(b"", length=1)), "length 1", id="D04 item length 1"),
        pytest.param(p_data(bytes(4)), "less room", id="D04 no room for a header"),
        pytest.param(p_data(pdv(b"ab"), b"\0"), "less room", id="D04 a byte behind the last PDV"),
        pytest.param(p_data(pdv(b"ab", length=5)), "length 5", id="D05 one byte past the PDU"),
        pytest.param(p_data(pdv(b"ab", length=0xFFFFFFFF)), "4294967295", id="D05 32-bit wrap"),
        pytest.param(p_data(), "without a PDV", id="D06"),
        pytest.param(p_data(pdv(bytes(4091))), "length 4097", id="D07"),
        pytest.param(pdu(0x04, b"", length=0xFFFFFFFF), "length 4294967295", id="D07 at the header"),
    ],
)
def test_d02_to_d07_p_data_that_breaks_a_rule_is_an_invalid_parameter(data: bytes, match: str) -> None:
    reader = Reader()
    with pytest.raises(ProtocolError, match=match) as caught:
        reader.read(data)
    assert (caught.value.source, caught.value.reason) == (2, 6)


def test_d08_a_pdu_of_exactly_the_maximum_length_is_accepted() -> None:
    assert Reader().read(p_data(pdv(bytes(4090)))) == [piece(bytes(4090))]


def test_d07_more_than_was_announced_may_be_tolerated() -> None:
    reader = Reader(UpperLayerLimits(pdu_bytes_max=4096, pdu_bytes_tolerated=5000))
    assert len(reader.read(p_data(pdv(bytes(4994))))) == 1
    with pytest.raises(ProtocolError, match="5001"):
        reader.read(p_data(pdv(bytes(4995))))


def test_streaming_a_large_pdu_keeps_none_of_it() -> None:
    reader = Reader(UpperLayerLimits(pdu_bytes_max=1 << 28))
    block = bytes(1 << 20)
    reader.read(pdu(0x04, pdv(b"", length=(1 << 28) - 4), length=1 << 28))
    tracemalloc.start()
    for _ in range(200):
        reader.read(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000
