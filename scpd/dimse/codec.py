"""Command set bytes <-> dataclass: Implicit VR Little Endian, whatever the context's transfer syntax (PS3.7 6.3.1).

At import each line of the command table is laid out once: the parameters in the order of the dataclass for reading,
in the order of their tags for writing. Reading is then one pass that cuts elements and one that converts the known
ones. What is unknown, retired or out of order is passed over, what has no value is as good as absent, and Group
Length is never believed. Only what leaves no honest answer is an error, and the association ends by it.
"""

from bisect import bisect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from struct import Struct
from typing import Any

from scpd.dimse.command import Command
from scpd.dimse.table import (
    COMMAND_FIELD,
    COMMANDS,
    DATA_SET_TYPE,
    ELEMENTS,
    GROUP_LENGTH,
    NO_DATA_SET,
    VR,
    DataSet,
    Element,
    Kind,
)
from scpd.ul.errors import ProtocolError
from scpd.ul.pdu import AbortReason, AbortSource

_HEADER = Struct("<HHI")
_HEADER_BYTES = _HEADER.size
_TAG = Struct("<HH")


def decode_command(data: bytes) -> tuple[Command, bool]:
    """The command, and whether it announces a data set.

    Raises ProtocolError where no answer could be honest: a broken element, one outside group 0000 or sent twice; no
    Command Field, Data Set Type, Message ID or Status; an unknown Command Field; no data set where the command is
    nothing without one.
    """
    values = _cut(data)
    layout = _LAYOUT_OF_FIELD.get(_read_vital(values.get(COMMAND_FIELD, b""), "Command Field"))
    if layout is None:
        raise ProtocolError(AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED, "unknown Command Field")
    has_data_set = _read_vital(values.get(DATA_SET_TYPE, b""), "Command Data Set Type") != NO_DATA_SET
    if layout.kind.data_set is DataSet.ALWAYS and not has_data_set:
        raise _invalid(f"{layout.kind.type.__name__} without a data set")
    parameters = [read(values.get(number, b""), absent) for number, read, absent in layout.readers]
    return layout.kind.type(*parameters), has_data_set


def uids_as_received(data: bytes) -> dict[str, str]:
    """The Affected SOP Class and Instance UIDs of a command set that was decoded, with their padding.

    Some peers do not recognize their own UID when it is padded otherwise in the response.
    """
    values = _cut(data)
    numbers = {name: ELEMENTS[name].number for name in ("affected_sop_class_uid", "affected_sop_instance_uid")}
    return {name: values[number].decode("latin-1") for name, number in numbers.items() if number in values}


def encode_command(command: Command, *, has_data_set: bool) -> bytes:
    """The command set of `command`, Group Length first; parameters without a value are left out."""
    layout = _LAYOUT_OF_TYPE[type(command)]
    parts = [_element(number, encode(getattr(command, name))) for name, number, encode in layout.writers]
    parts.insert(layout.data_set_type_at, _DATA_SET if has_data_set else _WITHOUT_DATA_SET)
    parts.insert(layout.command_field_at, layout.command_field)
    body = b"".join(parts)
    return _GROUP_LENGTH_HEADER + len(body).to_bytes(4, "little") + body


def _cut(data: bytes) -> dict[int, bytes]:
    """The values of a command set by element number."""
    values: dict[int, bytes] = {}
    at, end = 0, len(data)
    while at < end:
        if end - at < _HEADER_BYTES:
            raise _invalid("the command set ends inside an element")
        group, number, length = _HEADER.unpack_from(data, at)
        if group != 0:
            raise _invalid("an element outside group 0000 in the command set")
        if number in values:
            raise _invalid("an element twice in the command set")
        start = at + _HEADER_BYTES
        at = start + length
        values[number] = data[start:at]
    if at > end:
        raise _invalid("an element is longer than the command set")
    return values


def _invalid(detail: str) -> ProtocolError:
    return ProtocolError(AbortSource.SERVICE_PROVIDER, AbortReason.INVALID_PDU_PARAMETER_VALUE, detail)


# --- values: each reader returns `absent` for what is no value of its VR, each writer b"" for no value --------------
# Text is latin-1 both ways, so that any bytes of a peer can be echoed as they came.


def _read_vital(raw: bytes, name: str) -> int:
    """A US value that must be there: nothing is invented in its place."""
    if len(raw) != 2:
        raise _invalid(f"no {name}")
    return int.from_bytes(raw, "little")


def _read_us(raw: bytes, absent: int | None) -> int | None:
    return int.from_bytes(raw, "little") if len(raw) == 2 else absent


def _read_at(raw: bytes, absent: tuple[int, ...]) -> tuple[int, ...]:
    if len(raw) % _TAG.size:
        return absent
    return tuple(group << 16 | element for group, element in _TAG.iter_unpack(raw))


def _read_ui(raw: bytes, absent: str | None) -> str | None:
    return raw.rstrip(b"\0 ").decode("latin-1") or absent


def _read_text(raw: bytes, absent: str | None) -> str | None:
    """AE and LO: spaces on either side mean nothing (PS3.5 6.2); some peers pad with NUL."""
    return raw.strip(b"\0 ").decode("latin-1") or absent


def _write_us(value: int | None) -> bytes:
    return b"" if value is None else value.to_bytes(2, "little")


def _write_at(tags: tuple[int, ...]) -> bytes:
    return b"".join([_TAG.pack(tag >> 16, tag & 0xFFFF) for tag in tags])


def _write_ui(text: str | None) -> bytes:
    return _padded(text, b"\0")


def _write_text(text: str | None) -> bytes:
    return _padded(text, b" ")


def _padded(text: str | None, padding: bytes) -> bytes:
    raw = text.encode("latin-1", "replace") if text else b""
    return raw + padding if len(raw) & 1 else raw


def _element(number: int, raw: bytes) -> bytes:
    return _HEADER.pack(0, number, len(raw)) + raw if raw else b""


_Reader = Callable[[bytes, Any], Any]  # Any: the type of a parameter follows from its VR
_Writer = Callable[[Any], bytes]  # Any: as above

READERS: dict[VR, _Reader] = {
    VR.AE: _read_text,
    VR.AT: _read_at,
    VR.LO: _read_text,
    VR.UI: _read_ui,
    VR.US: _read_us,
}
WRITERS: dict[VR, _Writer] = {
    VR.AE: _write_text,
    VR.AT: _write_at,
    VR.LO: _write_text,
    VR.UI: _write_ui,
    VR.US: _write_us,
}

# What a mandatory parameter becomes when the peer left it out.
_NOTHING: dict[VR, object] = {VR.AE: "", VR.AT: (), VR.LO: "", VR.UI: "", VR.US: 0}

_GROUP_LENGTH_HEADER = _HEADER.pack(0, GROUP_LENGTH, 4)
_DATA_SET = _element(DATA_SET_TYPE, _write_us(0x0001))
_WITHOUT_DATA_SET = _element(DATA_SET_TYPE, _write_us(NO_DATA_SET))


@dataclass(frozen=True, slots=True)
class _Layout:
    """A line of the command table, made ready for reading and writing."""

    kind: Kind
    readers: tuple[tuple[int, _Reader, object], ...]  # the object: what an absent value is; of a vital one, its name
    writers: tuple[tuple[str, int, _Writer], ...]
    command_field: bytes
    command_field_at: int
    data_set_type_at: int


def _lay_out(kind: Kind) -> _Layout:
    parameters = [(field.name, field.default, ELEMENTS[field.name]) for field in fields(kind.type)]
    by_tag = sorted(parameters, key=lambda parameter: parameter[2].number)
    numbers = [element.number for _, _, element in by_tag]
    return _Layout(
        kind,
        tuple((element.number, *_reader(name, default, element)) for name, default, element in parameters),
        tuple((name, element.number, WRITERS[element.vr]) for name, _, element in by_tag),
        _element(COMMAND_FIELD, _write_us(kind.command_field)),
        bisect(numbers, COMMAND_FIELD),
        bisect(numbers, DATA_SET_TYPE),
    )


def _reader(name: str, default: object, element: Element) -> tuple[_Reader, object]:
    if element.vital:
        return _read_vital, name
    return READERS[element.vr], _NOTHING[element.vr] if default is MISSING else default


_LAYOUTS = [_lay_out(kind) for kind in COMMANDS]
_LAYOUT_OF_FIELD = {layout.kind.command_field: layout for layout in _LAYOUTS}
_LAYOUT_OF_TYPE = {layout.kind.type: layout for layout in _LAYOUTS}
