"""A34-A42: presentation contexts, each answered by itself (PS3.8 9.3.2.2, 9.3.3.2)."""

import pytest

from tests.rawpeer import (
    A_ASSOCIATE_AC,
    CT_IMAGE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VERIFICATION,
    Call,
    Proposal,
    command,
    context,
    context_results,
    echo_rq,
    item,
    items,
    transfer_syntaxes,
)

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
PRIVATE = "1.2.826.0.1.3680043.2.1.1"
PAPYRUS = "1.2.840.10008.1.20"

REFUSALS = {1, 2, 3, 4}


def results(call: Call, proposal: Proposal) -> dict[int, int]:
    """The answers to the contexts of a proposal, each of which must be answered once."""
    peer = call()
    accept = peer.associate(proposal)
    answered = [body[0] for kind, body in items(accept.body[68:]) if kind == 0x21]
    assert len(answered) == len(set(answered))
    return context_results(accept)


@pytest.mark.parametrize("number", [0, 2, 254])
def test_a34_an_even_context_id_is_refused_alone(call: Call, number: int) -> None:
    """Result 1-4 for that context, the others are served: "odd integers between 1 and 255" (PS3.8 9.3.2.2)."""
    proposal = Proposal(contexts=((number, VERIFICATION, (IMPLICIT_LE,)), (3, VERIFICATION, (IMPLICIT_LE,))))
    answer = results(call, proposal)
    assert answer.pop(number) in REFUSALS
    assert answer == {3: 0}


@pytest.mark.parametrize("second", [VERIFICATION, CT_IMAGE])
def test_a35_a_context_id_that_comes_twice_is_aborted(call: Call, second: str) -> None:
    """AB(0,0): one ID never has two meanings (PS3.8 7.1.1.13)."""
    peer = call()
    peer.send(Proposal(contexts=((1, VERIFICATION, (IMPLICIT_LE,)), (1, second, (IMPLICIT_LE,)))).encode())
    assert peer.expect_abort() == (0, 0)


@pytest.mark.parametrize("order", [1, -1], ids=["ascending", "descending"])
def test_a36_128_contexts_are_answered_each_once(call: Call, order: int) -> None:
    """Every ID from 1 to 255, whatever the order (PS3.8 9.3.3.2)."""
    numbers = range(1, 256, 2)[::order]
    proposal = Proposal(contexts=[(number, CT_IMAGE, (IMPLICIT_LE, EXPLICIT_LE)) for number in numbers])
    assert results(call, proposal) == dict.fromkeys(numbers, 0)


def test_a36_128_contexts_of_60_transfer_syntaxes_fit(call: Call) -> None:
    """About 200 KiB: more than all syntaxes of images there are, and less than the limit of an A-ASSOCIATE-RQ."""
    syntaxes = [f"1.2.840.10008.1.2.9.{number}" for number in range(100, 159)] + [EXPLICIT_LE]
    proposal = Proposal(contexts=[(number, CT_IMAGE, syntaxes) for number in range(1, 256, 2)])
    assert results(call, proposal) == dict.fromkeys(range(1, 256, 2), 0)


@pytest.mark.parametrize("abstract", [PRIVATE, "1.2.840.10008.1.3.10", EXPLICIT_LE, "no UID", ""])
def test_a37_an_unsupported_abstract_syntax_is_refused(call: Call, abstract: str) -> None:
    """Result 3 abstract-syntax-not-supported (PS3.8 Table 9-18)."""
    proposal = Proposal(contexts=((1, abstract, (IMPLICIT_LE,)), (3, VERIFICATION, (IMPLICIT_LE,))))
    assert results(call, proposal) == {1: 3, 3: 0}


@pytest.mark.parametrize("syntaxes", [(PRIVATE,), (PAPYRUS, PRIVATE), (CT_IMAGE,), ("",)])
def test_a38_unsupported_transfer_syntaxes_are_refused(call: Call, syntaxes: tuple[str, ...]) -> None:
    """Result 4 transfer-syntaxes-not-supported; a transfer syntax stands there all the same (PS3.8 9.3.3.2)."""
    accept = call().associate(Proposal(contexts=((1, CT_IMAGE, syntaxes),)))
    assert context_results(accept) == {1: 4}
    (answered,) = (body for kind, body in items(accept.body[68:]) if kind == 0x21)
    assert [kind for kind, _ in items(answered[4:])] == [0x40]


ABSTRACT = item(0x30, VERIFICATION.encode())
TRANSFER = item(0x40, IMPLICIT_LE.encode())
INCOMPLETE = {
    "no transfer syntax": ABSTRACT,
    "no abstract syntax": TRANSFER,
    "two abstract syntaxes": ABSTRACT + ABSTRACT + TRANSFER,
    "nothing": b"",
}


@pytest.mark.parametrize("sub_items", INCOMPLETE.values(), ids=INCOMPLETE)
def test_a39_a_context_of_the_wrong_shape_is_aborted(call: Call, sub_items: bytes) -> None:
    """AB(0,0): one abstract syntax, one or more transfer syntaxes (PS3.8 9.3.2.2)."""
    peer = call()
    peer.send(Proposal(context_items=item(0x20, b"\x01\0\0\0" + sub_items)).encode())
    assert peer.expect_abort() == (0, 0)


@pytest.mark.parametrize(
    "offered",
    [
        (IMPLICIT_LE,),
        (IMPLICIT_LE, EXPLICIT_LE),
        (EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE),
        (PRIVATE, JPEG_BASELINE, IMPLICIT_LE),
        (IMPLICIT_LE, IMPLICIT_LE),
    ],
)
def test_a40_one_of_the_offered_transfer_syntaxes_is_chosen(call: Call, offered: tuple[str, ...]) -> None:
    """Exactly one, and one that was offered (PS3.8 9.3.3.2.1, PS3.7 D.3.2)."""
    accept = call().associate(Proposal(contexts=((1, CT_IMAGE, offered),)))
    (answered,) = (body for kind, body in items(accept.body[68:]) if kind == 0x21)
    assert answered[2] == 0
    ((kind, chosen),) = items(answered[4:])
    assert kind == 0x40 and chosen.decode() in offered


def test_a40_images_as_they_were_made_are_preferred(call: Call) -> None:
    """An explicit or compressed syntax wins over Implicit VR, wherever the peer put it: nothing is transcoded."""
    chosen = call().associate(
        Proposal(contexts=((1, CT_IMAGE, (IMPLICIT_LE, EXPLICIT_LE)), (3, CT_IMAGE, (IMPLICIT_LE, JPEG_BASELINE))))
    )
    assert transfer_syntaxes(chosen) == {1: EXPLICIT_LE, 3: JPEG_BASELINE}


def test_a41_an_association_without_an_accepted_context_is_accepted(call: Call) -> None:
    """AC with every context refused: the results say why (PS3.8 7.1.1.14); data on a refused context: AB(2,6)."""
    peer = call()
    accept = peer.associate(Proposal(contexts=((1, PRIVATE, (IMPLICIT_LE,)), (3, VERIFICATION, (PRIVATE,)))))
    assert context_results(accept) == {1: 3, 3: 4}
    peer.send(command(1, echo_rq()))
    assert peer.expect_abort() == (2, 6)


@pytest.mark.parametrize("padding", [b"\0", b" ", b"\0\0"], ids=["NUL", "space", "two NULs"])
def test_a42_padded_uids_are_understood_and_answered_unpadded(call: Call, padding: bytes) -> None:
    """UIDs of items are sent without padding (PS3.8 Annex F); a peer's padding is trimmed."""
    sub_items = item(0x30, VERIFICATION.encode() + padding) + item(0x40, IMPLICIT_LE.encode() + padding)
    peer = call()
    accept = peer.associate(
        Proposal(
            application_context=item(0x10, b"1.2.840.10008.3.1.1.1" + padding),
            context_items=item(0x20, b"\x01\0\0\0" + sub_items) + context(3, CT_IMAGE, (EXPLICIT_LE,)),
        )
    )
    assert accept.type == A_ASSOCIATE_AC
    assert transfer_syntaxes(accept) == {1: IMPLICIT_LE, 3: EXPLICIT_LE}
    assert items(accept.body[68:])[0] == (0x10, b"1.2.840.10008.3.1.1.1")
    assert peer.echo() == 0x0000
