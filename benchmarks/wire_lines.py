"""What bad peers send, line by line of docs/reactions.md, as bytes: for the soak in `hostile.py`.

Each line is a whole session as one text: the daemon's answers are not waited for, so that an association is opened
only where the text waits for it (`then`). `spoiled` changes a few bytes of a line, or cuts it, by chance.
"""

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from tests.datasets import ct, identifier
from tests.rawpeer import (
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    ABORT,
    DEFAULT_CONTEXTS,
    IMPLICIT_LE,
    RELEASE_RP,
    RELEASE_RQ,
    VERIFICATION,
    Proposal,
    cancel_rq,
    command,
    command_set,
    context,
    data_set,
    echo_rq,
    find_rq,
    item,
    maximum_length,
    p_data,
    pdu,
    pdv,
    store_rq,
    us,
)


class Line(NamedTuple):
    """`first` is sent at once; `then` when something came back."""

    first: bytes
    then: bytes = b""


RQ = Proposal().encode()
STORE = command(3, store_rq("1.2.3.4"))
OBJECT = ct("1.2.3.4", PixelData=bytes(20_000))
DEEP = b"\xe1\x7f\x10\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 1000
TLS_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(500)
ALL_CONTEXTS = tuple((number, VERIFICATION, (IMPLICIT_LE,) * 10) for number in range(1, 256, 2))

BEFORE_AN_ASSOCIATION: Mapping[str, bytes] = {
    "A03": b"",
    "A02": RQ[:40],
    "A04": command(1, echo_rq()),
    "A05 release": RELEASE_RQ,
    "A05 accept": pdu(A_ASSOCIATE_AC, RQ[6:]),
    "A05 reject": pdu(A_ASSOCIATE_RJ, bytes(4)),
    "A06": ABORT,
    "A07 unknown": pdu(0xFF, bytes(100)),
    "A07 HTTP": b"GET / HTTP/1.0\r\nHost: pacs\r\n\r\n",
    "A08": TLS_HELLO,
    "A10": pdu(1, bytes(100), length=0xFFFFFFFF),
    "A11": pdu(1, RQ[6:], length=1 << 30),
    "A12": pdu(1, bytes(67)),
    "A13": Proposal(user_information=item(0x50, b"abc", length=65535)).encode(),
    "A15": RQ + command(1, echo_rq()),
    "A16": Proposal(version=2).encode(),
    "A20": Proposal(application_context=item(0x10, b"1.2.3")).encode(),
    "A21": Proposal(application_context=b"").encode(),
    "A22": Proposal(called=b"NOBODY").encode(),
    "A24": Proposal(calling=b"").encode(),
    "A26": Proposal(calling=b"\x00\x1b[2J").encode(),
    "A33": Proposal(contexts=()).encode(),
    "A34": Proposal(contexts=((2, VERIFICATION, (IMPLICIT_LE,)),)).encode(),
    "A35": Proposal(contexts=(DEFAULT_CONTEXTS[0],) * 2).encode(),
    "A36": Proposal(contexts=ALL_CONTEXTS).encode(),
    "A39": Proposal(context_items=context(1, VERIFICATION, ())).encode(),
    "A43": Proposal(user_information=b"").encode(),
    "A46": Proposal(user_items=maximum_length(1)).encode(),
    "A56": Proposal(user_items=item(0x58, b"\x00\x01\xff\xff")).encode(),
}

WITHIN_AN_ASSOCIATION: Mapping[str, bytes] = {
    "S01": RQ,
    "S02": RELEASE_RP,
    "S03": pdu(0x0A, bytes(10)),
    "S04": STORE + data_set(3, OBJECT)[:5000] + ABORT,
    "S05": STORE + data_set(3, OBJECT)[:5000],
    "S07": pdu(5, b"\xff" * 4, reserved=0xFF),
    "S08": command(5, find_rq()) + data_set(5, identifier("STUDY", StudyInstanceUID="")) + RELEASE_RQ,
    "S10": RELEASE_RQ + RQ,
    "D01": command(1, echo_rq()) + RELEASE_RQ,
    "D02": p_data(pdv(99, 3, echo_rq())),
    "D04": p_data(pdv(1, 3, echo_rq(), length=0)),
    "D05": p_data(pdv(1, 3, echo_rq(), length=0xFFFFFFFF)),
    "D06": p_data(),
    "D07": p_data(pdv(3, 0, bytes(70_000))),
    "D11": p_data(pdv(1, 1, b"")) * 300,
    "D13": data_set(3, OBJECT),
    "D14": STORE + p_data(pdv(3, 0, b"abcd")) + command(1, echo_rq()),
    "D15": STORE + data_set(5, OBJECT),
    "D16": command(1, command_set((0x0100, us(0x0999)), (0x0110, us(1)), (0x0800, us(0x0101)))),
    "D17": command(1, command_set((0x0100, us(0x0030)), (0x0800, us(0x0101)))),
    "D19": command(1, store_rq("1.2.3.4")) + data_set(1, OBJECT),
    "D21": command(3, store_rq("1.2.3.4", data_set_type=0x0101)),
    "D25": command(5, cancel_rq(77)) + command(1, echo_rq()),
    "T05": command(3, store_rq("1.2.3.9")) + data_set(3, OBJECT),
    "T06": STORE + data_set(3, OBJECT[:200] + b"\xff" * 2000),
    "T07": STORE + data_set(3, b""),
    "T09": command(3, store_rq("../../x")) + data_set(3, OBJECT),
    "T17": STORE + data_set(3, bytes(128) + b"DICM" + OBJECT),
    "T18": STORE + data_set(3, OBJECT + DEEP),
    "F04": command(5, find_rq()) + data_set(5, identifier("BOGUS")),
    "F05": command(5, find_rq()) + data_set(5, identifier("IMAGE", SOPInstanceUID="")),
    "F08": command(5, find_rq()) + data_set(5, b"garbage"),
}

LINES: Mapping[str, Line] = {name: Line(sent) for name, sent in BEFORE_AN_ASSOCIATION.items()} | {
    name: Line(RQ, sent) for name, sent in WITHIN_AN_ASSOCIATION.items()
}


def spoiled(line: Line, chance: Random) -> Line:
    """The same with a few bytes changed, or cut short, or twice."""
    first, then = line
    if then and chance.random() < 0.8:
        return Line(first, _spoiled(then, chance))
    return Line(_spoiled(first, chance), then)


def _spoiled(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4) if data else 0):
        changed[chance.randrange(len(changed))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    match chance.randrange(4):
        case 0:
            return bytes(changed[: chance.randint(0, len(changed))])
        case 1:
            return bytes(changed) + data
        case _:
            return bytes(changed)
