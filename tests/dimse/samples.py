"""Commands to test with: Hypothesis strategies made from the command table, and a hand-made command set."""

from dataclasses import fields
from struct import pack

from hypothesis import strategies as st

from scpd.dimse.command import Command
from scpd.dimse.table import COMMANDS, ELEMENTS, VR, DataSet, Kind
from scpd.ul.events import DataIndication

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"

_LATIN_1 = st.text(st.characters(max_codepoint=0xFF), max_size=66)
_STRATEGIES: dict[VR, st.SearchStrategy[object]] = {
    VR.AE: _LATIN_1.map(lambda text: text.strip("\0 ")),
    VR.AT: st.lists(st.integers(0, 0xFFFFFFFF), max_size=5).map(tuple),
    VR.LO: _LATIN_1.map(lambda text: text.strip("\0 ")),
    VR.UI: _LATIN_1.map(lambda text: text.rstrip("\0 ")),
    VR.US: st.integers(0, 0xFFFF),
}


def _parameter(name: str, default: object) -> st.SearchStrategy[object]:
    values = _STRATEGIES[ELEMENTS[name].vr]
    if default is None:
        return st.none() | values.filter(lambda value: value != "")
    return values


def _commands_of(kind: Kind) -> st.SearchStrategy[Command]:
    return st.builds(kind.type, **{field.name: _parameter(field.name, field.default) for field in fields(kind.type)})


def _with_data_set(kind: Kind) -> st.SearchStrategy[tuple[Command, bool]]:
    announced = {DataSet.NEVER: [False], DataSet.OPTIONAL: [False, True], DataSet.ALWAYS: [True]}[kind.data_set]
    return st.tuples(_commands_of(kind), st.sampled_from(announced))


commands = st.one_of([_with_data_set(kind) for kind in COMMANDS])
"""Any command, with whether it announces a data set."""


def us(number: int, value: int) -> bytes:
    """The element (0000,`number`) of VR US, typed by hand from PS3.5 7.1.3."""
    return pack("<HHIH", 0, number, 2, value)


def ui(number: int, value: bytes) -> bytes:
    """The element (0000,`number`) with `value` as it is."""
    return pack("<HHI", 0, number, len(value)) + value


def c_store_rq(**replaced: bytes) -> bytes:
    """A C-STORE-RQ by hand; a keyword replaces an element, b"" leaves it out."""
    elements = {
        "group_length": pack("<HHII", 0, 0, 4, 90),
        "sop_class": ui(0x0002, b"1.2.840.10008.5.1.4.1.1.2\0"),
        "command_field": us(0x0100, 0x0001),
        "message_id": us(0x0110, 7),
        "priority": us(0x0700, 0),
        "data_set_type": us(0x0800, 1),
        "sop_instance": ui(0x1000, b"1.2.3.4\0"),
    }
    return b"".join((elements | replaced).values())


def c_echo_rq(data_set_type: int = 0x0101, *more: bytes) -> bytes:
    """A C-ECHO-RQ by hand, followed by `more` elements."""
    body = [ui(0x0002, b"1.2.840.10008.1.1\0"), us(0x0100, 0x0030), us(0x0110, 1), us(0x0800, data_set_type), *more]
    length = sum(map(len, body))
    return pack("<HHII", 0, 0, 4, length) + b"".join(body)


def pieces(part: bytes, size: int, context_id: int = 1, *, is_command: bool = True) -> list[DataIndication]:
    """`part` in fragments of `size` bytes; the last one is marked as such."""
    cuts = [part[at : at + size] for at in range(0, len(part), size)] or [b""]
    return [
        DataIndication(context_id, is_command, memoryview(cut), True, index == len(cuts) - 1)
        for index, cut in enumerate(cuts)
    ]


def elements(command_set: bytes) -> list[bytes]:
    """The elements of a command set, Group Length among them."""
    cut = []
    while command_set:
        end = 8 + int.from_bytes(command_set[4:8], "little")
        cut.append(command_set[:end])
        command_set = command_set[end:]
    return cut
