"""The JSON text of attributes: what SQLite, and whoever reads an index by hand, finds in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes
from scpd.storage.sqlite_rows import from_json, to_json
from tests.dataset.generated import attribute_sets


@given(attribute_sets())
def test_attributes_come_back_as_they_went(attributes: Attributes) -> None:
    assert from_json(to_json(attributes)) == attributes


@given(st.text() | st.sampled_from(['"', "\\", "\0", "\ud800", "\U0010ffff", "\n"]))
def test_any_text_can_be_kept_in_ascii(text: str) -> None:
    encoded = to_json({0x00104000: text})
    assert encoded.isascii()
    assert json.loads(encoded) == {"00104000": text}


@pytest.mark.parametrize(
    ("attributes", "encoded"),
    [
        ({}, "{}"),
        ({0x00100020: "P1", 0x00100010: ""}, '{"00100020":"P1","00100010":""}'),
        ({0x00081032: ()}, '{"00081032":[]}'),
        ({0x00081032: ({0x00080100: "A"}, {})}, '{"00081032":[{"00080100":"A"},{}]}'),
    ],
)
def test_tags_are_written_in_eight_digits_and_sequences_as_arrays(attributes: Attributes, encoded: str) -> None:
    assert to_json(attributes) == encoded
