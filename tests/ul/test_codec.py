"""PDUs: byte vectors both ways, and what has no meaning, by its line in the list of wire checks where it has one."""

import pytest
from hypothesis import given

from scpd.ul.codec import decode, encode
from scpd.ul.errors import ProtocolError
from scpd.ul.pdu import (
    AssociateAC,
    AssociateRQ,
    ContextResult,
    PDataTF,
    Pdu,
    PDUType,
    PresentationContextAC,
    PresentationContextRQ,
    RejectReason,
    UserInformation,
)
from tests.ul.samples import ACCEPT, REQUEST, associate_rq, item
from tests.ul.strategies import pdus
from tests.ul.vectors import VECTORS

DECODABLE = {name: vector for name, vector in VECTORS.items() if not isinstance(vector[1], PDataTF)}

APPLICATION = item(0x10, b"1.2.840.10008.3.1.1.1")
ABSTRACT = item(0x30, b"1.2.840.10008.1.1")
TRANSFER = item(0x40, b"1.2.840.10008.1.2")
USER = item(0x50, item(0x51, b"\0\0\x40\0"))


def context(context_id: int, *sub_items: bytes) -> bytes:
    return item(0x20, bytes((context_id, 0, 0, 0)) + b"".join(sub_items or (ABSTRACT, TRANSFER)))


def context_ac(context_id: int, result: int, *sub_items: bytes) -> bytes:
    return item(0x21, bytes((context_id, 0, result, 0)) + b"".join(sub_items))


def decode_rq(*items: bytes) -> AssociateRQ:
    pdu = decode(PDUType.ASSOCIATE_RQ, associate_rq(*items)[6:])
    assert isinstance(pdu, AssociateRQ)
    return pdu


def decode_ac(*items: bytes) -> AssociateAC:
    pdu = decode(PDUType.ASSOCIATE_AC, associate_rq(*items)[6:])
    assert isinstance(pdu, AssociateAC)
    return pdu


def assert_invalid(*items: bytes, match: str) -> None:
    with pytest.raises(ProtocolError, match=match) as caught:
        decode_rq(*items)
    assert (caught.value.source, caught.value.reason) == (2, 6)


@pytest.mark.parametrize(("data", "pdu"), DECODABLE.values(), ids=DECODABLE.keys())
def test_a_pdu_is_decoded(data: bytes, pdu: Pdu) -> None:
    assert decode(PDUType(data[0]), data[6:]) == pdu


@pytest.mark.parametrize(("data", "pdu"), VECTORS.values(), ids=VECTORS.keys())
def test_a_pdu_is_encoded(data: bytes, pdu: Pdu) -> None:
    assert encode(pdu) == data


@given(pdus())
def test_what_is_encoded_is_decoded_again(pdu: Pdu) -> None:
    data = encode(pdu)
    assert decode(PDUType(data[0]), data[6:]) == pdu


@pytest.mark.parametrize(("data", "pdu"), DECODABLE.values(), ids=DECODABLE.keys())
def test_a_pdu_cut_short_anywhere_is_an_error_or_another_pdu_but_never_the_same(data: bytes, pdu: Pdu) -> None:
    for end in range(6, len(data)):
        try:
            shorter = decode(PDUType(data[0]), data[6:end])
        except ProtocolError:
            continue
        assert shorter != pdu


@pytest.mark.parametrize("pdu_type", [PDUType.ASSOCIATE_RJ, PDUType.RELEASE_RQ, PDUType.RELEASE_RP, PDUType.ABORT])
def test_nothing_may_be_left_over(pdu_type: PDUType) -> None:
    with pytest.raises(ProtocolError, match="longer"):
        decode(pdu_type, b"\0\1\1\1\0")


# --- A-ASSOCIATE-RQ ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([item(0x10, b"1.2", length=4)], id="item past the PDU"),
        pytest.param([b"\x10\0\0"], id="header past the PDU"),
        pytest.param([b"\x10"], id="lone byte"),
        pytest.param([item(0x20, b"\1\0\0\0" + item(0x30, b"1.2", length=9))], id="sub-item past its item"),
        pytest.param([item(0x20, b"\1\0\0")], id="context without room for its id"),
        pytest.param([item(0x50, item(0x52, b"1.2", length=65535))], id="UID past user information"),
        pytest.param([item(0x50, item(0x54, b"\xff\xff1.2\0\0"))], id="UID past role selection"),
        pytest.param([item(0x10, b"", length=65535) * 16_000], id="16 000 lengths of 65535"),
    ],
)
def test_a13_a_length_that_runs_past_what_contains_it_is_an_error(items: list[bytes]) -> None:
    assert_invalid(*items, match="runs past")


def test_a18_reserved_bytes_are_not_tested() -> None:
    data = bytearray(associate_rq(APPLICATION, context(1), USER))
    reserved = {8: 2, 42: 32, 75: 1}  # bytes 9-10, the block of 32, and byte 2 of the first item
    for start, count in reserved.items():
        data[start : start + count] = b"\xee" * count
    start = data.index(context(1))
    data[start + 1] = data[start + 5] = data[start + 6] = data[start + 7] = 0xEE
    pdu = decode(PDUType.ASSOCIATE_RQ, bytes(data[6:]))
    assert isinstance(pdu, AssociateRQ)
    assert pdu.presentation_contexts == decode_rq(APPLICATION, context(1), USER).presentation_contexts
    assert pdu.reserved == b"\xee" * 32


def test_a19_an_answer_returns_the_ae_titles_and_the_reserved_block_and_zeros_elsewhere() -> None:
    accept = AssociateAC(b"\xe9" * 16, b"\xea" * 16, "1.2", (), UserInformation(), reserved=b"\xeb" * 32)
    data = encode(accept)
    assert data[1:2] + data[8:10] == bytes(3)
    assert data[10:74] == b"\xe9" * 16 + b"\xea" * 16 + b"\xeb" * 32


@pytest.mark.parametrize("count", [0, 2])
def test_a21_any_number_of_application_contexts_is_left_to_the_negotiation(count: int) -> None:
    assert (
        decode_rq(*[APPLICATION] * count, context(1), USER).application_contexts == ("1.2.840.10008.3.1.1.1",) * count
    )


def test_a33_no_presentation_context_at_all_is_left_to_the_negotiation() -> None:
    assert decode_rq(APPLICATION, USER).presentation_contexts == ()


def test_a34_even_context_ids_are_left_to_the_negotiation() -> None:
    contexts = decode_rq(APPLICATION, context(2), context(0), context(1), USER).presentation_contexts
    assert [each.context_id for each in contexts] == [2, 0, 1]


def test_a35_a_context_id_that_comes_twice_is_an_error() -> None:
    assert_invalid(APPLICATION, context(1), context(3), context(1), USER, match="id 1 comes twice")


def test_a36_128_contexts_are_decoded() -> None:
    request = decode_rq(APPLICATION, *[context(number) for number in range(1, 256, 2)], USER)
    assert [each.context_id for each in request.presentation_contexts] == list(range(1, 256, 2))


@pytest.mark.parametrize(
    ("sub_items", "match"),
    [
        ([ABSTRACT], "without a transfer syntax"),
        ([TRANSFER], "one abstract syntax"),
        ([ABSTRACT, ABSTRACT, TRANSFER], "one abstract syntax"),
    ],
)
def test_a39_a_context_needs_one_abstract_syntax_and_a_transfer_syntax(sub_items: list[bytes], match: str) -> None:
    assert_invalid(APPLICATION, context(1, *sub_items), USER, match=match)


@pytest.mark.parametrize("padding", [b"\0", b" ", b"\0\0", b" \0"])
def test_a42_padding_of_uids_is_taken_off(padding: bytes) -> None:
    request = decode_rq(
        item(0x10, b"1.2.840" + padding),
        context(1, item(0x30, b"1.2.3" + padding), item(0x40, b"1.2.4" + padding)),
        item(0x50, item(0x52, b"1.2.5" + padding) + item(0x55, b"NAME" + padding)),
    )
    assert request.application_contexts == ("1.2.840",)
    assert request.presentation_contexts == (PresentationContextRQ(1, "1.2.3", ("1.2.4",)),)
    assert request.user_information == UserInformation(None, "1.2.5", "NAME")


def test_a42_uids_are_sent_without_padding() -> None:
    assert item(0x30, b"1.2.840.10008.1.1") in encode(REQUEST)
    assert item(0x40, b"1.2.840.10008.1.2") in encode(ACCEPT)


def test_a43_no_user_information_says_as_much_as_an_empty_one() -> None:
    assert decode_rq(APPLICATION, context(1)).user_information == UserInformation()
    assert decode_rq(APPLICATION, context(1), item(0x50, b"")).user_information == UserInformation()


def test_user_information_that_comes_twice_is_an_error() -> None:
    assert_invalid(APPLICATION, context(1), USER, USER, match="user information item comes twice")


def test_items_of_an_unknown_type_are_passed_over() -> None:
    unknown = item(0x7F, b"anything")
    of_an_answer = context_ac(1, 0, TRANSFER)
    strange = decode_rq(unknown, APPLICATION, of_an_answer, context(1, unknown, ABSTRACT, TRANSFER), USER, unknown)
    assert strange == decode_rq(APPLICATION, context(1), USER)


def test_items_may_come_in_any_order() -> None:
    assert decode_rq(USER, context(1, TRANSFER, ABSTRACT), APPLICATION) == decode_rq(APPLICATION, context(1), USER)


def test_a_uid_of_8_bit_characters_is_kept_for_the_negotiation_to_refuse() -> None:
    assert decode_rq(context(1, item(0x30, b"1.\xe9"), TRANSFER)).presentation_contexts[0].abstract_syntax == "1.é"


# --- A-ASSOCIATE-AC and -RJ ----------------------------------------------------------------------------------------


def test_a_refused_context_may_come_without_a_transfer_syntax() -> None:
    accept = decode_ac(APPLICATION, context_ac(1, 3), context_ac(3, 4, TRANSFER, TRANSFER), USER)
    assert accept.presentation_contexts == (
        PresentationContextAC(1, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, ""),
        PresentationContextAC(3, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, "1.2.840.10008.1.2"),
    )


@pytest.mark.parametrize(
    ("items", "match"),
    [
        ([context_ac(1, 0, TRANSFER)], "one application context"),
        ([APPLICATION, APPLICATION], "one application context"),
        ([APPLICATION, context_ac(1, 0)], "one transfer syntax"),
        ([APPLICATION, context_ac(1, 0, TRANSFER, TRANSFER)], "one transfer syntax"),
        ([APPLICATION, context_ac(1, 5, TRANSFER)], "result 5"),
        ([APPLICATION, context_ac(1, 0, TRANSFER), context_ac(1, 3)], "id 1 comes twice"),
    ],
)
def test_an_acceptance_that_means_nothing_is_an_error(items: list[bytes], match: str) -> None:
    with pytest.raises(ProtocolError, match=match):
        decode_ac(*items)


@pytest.mark.parametrize("reason", RejectReason)
def test_every_reason_to_reject_is_decoded_with_its_source(reason: RejectReason) -> None:
    assert decode(PDUType.ASSOCIATE_RJ, bytes((0, 2, reason.source, reason.code))).reason is reason  # type: ignore[union-attr]  # an A-ASSOCIATE-RJ


@pytest.mark.parametrize(
    "numbers", [(0, 1, 1), (3, 1, 1), (1, 0, 1), (1, 4, 1), (1, 1, 0), (1, 1, 4), (1, 2, 3), (1, 3, 0)]
)
def test_a_rejection_that_means_nothing_is_an_error(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ProtocolError, match="rejection"):
        decode(PDUType.ASSOCIATE_RJ, bytes((0, *numbers)))
