"""The command table agrees with itself and with the dataclasses."""

from dataclasses import fields
from typing import get_args

import pytest

from scpd.dimse.command import Command, Priority
from scpd.dimse.table import COMMANDS, ELEMENTS, Kind


def _name(kind: Kind) -> str:
    return kind.type.__name__


def test_every_command_has_exactly_one_line() -> None:
    assert [kind.type for kind in COMMANDS if COMMANDS.count(kind) != 1] == []
    assert {kind.type for kind in COMMANDS} == set(get_args(Command))
    assert len(COMMANDS) == len({kind.command_field for kind in COMMANDS}) == 23


def test_every_element_number_is_given_once() -> None:
    assert len({element.number for element in ELEMENTS.values()}) == len(ELEMENTS)


def test_every_element_is_a_parameter_of_some_command_and_every_parameter_an_element() -> None:
    assert {field.name for kind in COMMANDS for field in fields(kind.type)} == set(ELEMENTS)


@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if not kind.command_field & 0x8000], ids=_name)
def test_a_response_has_the_command_field_of_its_request_with_the_high_bit_set(kind: Kind) -> None:
    """PS3.7 Annex E; a C-CANCEL-RQ has no response."""
    by_field = {other.command_field: other.type.__name__ for other in COMMANDS}
    expected = None if _name(kind) == "CCancelRQ" else _name(kind).replace("RQ", "RSP")
    assert by_field.get(kind.command_field | 0x8000) == expected


def test_priorities_are_those_of_the_standard() -> None:
    """PS3.7 Annex E: LOW is 2, MEDIUM 0, HIGH 1."""
    assert (Priority.LOW, Priority.MEDIUM, Priority.HIGH) == (2, 0, 1)
