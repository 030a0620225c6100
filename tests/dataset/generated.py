"""Hypothesis strategies for decoded attributes that any transfer syntax can carry."""

from typing import cast

from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes, Tag, Value

WORDS = st.text("ABCdef 012éß山ふ", max_size=12).map(str.strip)
NUMBERS = st.integers(0, 65_535).map(str)
TEXTS: dict[Tag, st.SearchStrategy[str]] = {
    0x00080016: st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,8}", fullmatch=True),
    0x00080020: st.dates().map(lambda day: f"{day:%Y%m%d}"),
    0x00081030: WORDS,
    0x00100010: st.lists(WORDS, max_size=3).map("^".join).map(str.strip),
    0x00101000: st.lists(WORDS, max_size=4).map("\\".join),
    0x00104000: st.text("ABC é\\\r\n", max_size=700).map(str.rstrip),
    0x00102110: st.text("xyz", max_size=700),
    0x00280010: NUMBERS,
    0x00280009: st.lists(st.sampled_from(["00181063", "00181065"]), max_size=3).map("\\".join),
    0x00189087: st.lists(st.floats(allow_nan=False).map(str), max_size=3).map("\\".join),
    0x00420011: st.binary(max_size=6).map(lambda data: data[: len(data) // 2 * 2].hex()),
}
ITEM = st.fixed_dictionaries({}, optional=cast("dict[Tag, st.SearchStrategy[Value]]", TEXTS))
NESTED = st.recursive(
    ITEM, lambda items: st.fixed_dictionaries({0x00081115: st.lists(items, max_size=3).map(tuple)}), max_leaves=6
)


def attribute_sets() -> st.SearchStrategy[Attributes]:
    """Data sets with a sequence of nested items among the texts and numbers."""
    sequence = {0x00081032: st.lists(NESTED, max_size=3).map(tuple)}
    return st.fixed_dictionaries({}, optional={**TEXTS, **sequence})
