"""Decoded attributes: the currency between the head scanner, the index and the query layer.

An index does not keep PS3.5 bytes. It keeps what a person would read: text decoded by the Specific Character
Set (0008,0005), numbers in decimal, several values joined by a backslash, sequences as tuples of items. A tag
that is missing was absent from the data set; a tag whose value is "" was present with zero length.
"""

from collections.abc import Mapping
from typing import TypeAlias

Tag: TypeAlias = int
"""A data element tag as one number: (0010,0020) is 0x00100020."""

Value: TypeAlias = "str | tuple[Attributes, ...]"
"""Decoded text without padding, values joined by a backslash; or the items of a sequence."""

Attributes: TypeAlias = Mapping[Tag, Value]
"""Decoded attributes of one entity (or of one sequence item) by tag."""


def text(attributes: Attributes, tag: Tag) -> str:
    """The text of `tag`, or "" when it is absent, empty or a sequence."""
    value = attributes.get(tag, "")
    return value if isinstance(value, str) else ""
