"""Attributes that a site wants besides, found in data sets of any encoding, private blocks and sequences."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes
from scpd.dataset.reader import RawDataSet, decoded, read_raw
from scpd.dataset.site import NO_SITE, PLACES, Site, SiteAttribute, as_named, located, place_of
from tests import datasets
from tests.datasets import BIG_ENDIAN, EXPLICIT, IMPLICIT, Form, item

SYNTAXES = {EXPLICIT: "1.2.840.10008.1.2.1", IMPLICIT: "1.2.840.10008.1.2", BIG_ENDIAN: "1.2.840.10008.1.2.2"}
ROUTE, CONTEXTS, VALUE_TYPE = 0x00181040, 0x00400555, 0x0040A040

DOSE = SiteAttribute(0x00190002, "DS", "SERIES", "ACME 1.0")
COUNT = SiteAttribute(0x00190003, "US", "IMAGE", "ACME 1.0")
OTHER = SiteAttribute(0x00190002, "LO", "STUDY", "OTHER")


def element(tag: int, vr: str, value: str | bytes | int | list[bytes], form: Form) -> bytes:
    """An element of text, bytes, one number, or items."""
    match value:
        case str():
            packed = value.encode() + b" " * (len(value) % 2)
        case int():
            packed = struct.pack(form.order + "H", value)
        case list():
            packed = b"".join(item(content, form) for content in value)
        case bytes():
            packed = value
    return datasets.element(tag, vr, packed, form)


def raw_of(data: bytes, form: Form = EXPLICIT) -> RawDataSet:
    return read_raw(data, SYNTAXES[form])


def kept(site: Site, data: bytes, form: Form = EXPLICIT) -> Attributes:
    raw = raw_of(data, form)
    return site.kept(decoded(raw), raw)


def private(
    form: Form, block: int, creator: str, element_number: int, vr: str, value: str | int | list[bytes]
) -> bytes:
    """A creator and one element of its block."""
    return element(0x00190000 | block, "LO", creator, form) + element(
        0x00190000 | block << 8 | element_number, vr, value, form
    )


@pytest.mark.parametrize("form", SYNTAXES)
@pytest.mark.parametrize("block", [0x10, 0x7F, 0xFF])
def test_a_private_element_is_found_in_whatever_block_its_creator_reserved(form: Form, block: int) -> None:
    data = private(form, block, "ACME 1.0", 2, "DS", "1.5") + element(0x00190000 | block << 8 | 3, "US", 7, form)
    assert kept(Site((DOSE, COUNT, OTHER)), data, form) == {DOSE.key: "1.5", COUNT.key: "7"}


def test_an_element_of_another_creator_is_another() -> None:
    data = private(EXPLICIT, 0x10, "OTHER", 2, "LO", "X") + private(EXPLICIT, 0x11, "ACME 1.0", 2, "DS", "2")
    assert kept(Site((DOSE, OTHER)), data) == {OTHER.key: "X", DOSE.key: "2"}
    assert kept(Site((DOSE,)), private(EXPLICIT, 0x10, "ACME 1.1", 2, "DS", "1")) == {}


def test_the_key_of_a_private_element_is_no_creator() -> None:
    odd = SiteAttribute(0x00190010, "LO", "IMAGE", "ACME 1.0")
    assert kept(Site((odd,)), private(EXPLICIT, 0x10, "ACME 1.0", 0x10, "LO", "X")) == {odd.key: "X"}
    assert kept(Site((odd,)), element(0x00190010, "LO", "OTHER", EXPLICIT)) == {}


def test_a_standard_attribute_of_another_level_is_kept_under_a_key_of_that_level() -> None:
    site = Site((SiteAttribute(ROUTE, "LO", "STUDY"),))
    assert kept(site, element(ROUTE, "LO", "ORAL", EXPLICIT)) == {site.attributes[0].key: "ORAL"}
    assert [place_of(SiteAttribute(ROUTE, "LO", level).key) for level in PLACES] == [0, 1, 2, 3]


def test_one_of_the_image_level_is_kept_as_it_is() -> None:
    site = Site((SiteAttribute(ROUTE, "LO"),))
    attributes: Attributes = {ROUTE: "ORAL"}
    assert site.kept(attributes, {}) is attributes
    assert site.watched == {ROUTE}
    assert NO_SITE.watched == frozenset()


CONTEXT = element(
    CONTEXTS,
    "SQ",
    [
        element(0x00080005, "CS", "ISO_IR 100", EXPLICIT)
        + element(VALUE_TYPE, "CS", "TEXT", EXPLICIT)
        + element(0x0040A160, "UT", "Jörg".encode("latin-1"), EXPLICIT),
        element(VALUE_TYPE, "CS", "CODE", EXPLICIT),
    ],
    EXPLICIT,
)


def test_of_a_sequence_only_what_is_named_is_kept_and_its_text_is_what_it_was() -> None:
    whole, part = SiteAttribute(CONTEXTS, "SQ"), SiteAttribute(0x0040A160, "UT")
    pruned = kept(Site((SiteAttribute(CONTEXTS, "SQ", items=(part,)),)), CONTEXT)
    assert pruned == {CONTEXTS: ({0x00080005: "ISO_IR 100", 0x0040A160: "Jörg"}, {})}
    (items,) = kept(Site((whole,)), CONTEXT).values()
    assert [sorted(one) for one in items] == [[0x00080005, VALUE_TYPE, 0x0040A160], [VALUE_TYPE]]


@pytest.mark.parametrize("form", [EXPLICIT, IMPLICIT])
def test_a_private_sequence_is_read_whatever_it_is_written_as(form: Form) -> None:
    inner = SiteAttribute(0x00190005, "LO", creator="ACME 1.0")
    outer = SiteAttribute(0x00190004, "SQ", "STUDY", "ACME 1.0", items=(inner,))
    within = private(form, 0x30, "ACME 1.0", 5, "LO", "X")
    assert kept(Site((outer,)), private(form, 0x10, "ACME 1.0", 4, "SQ", [within]), form) == {
        outer.key: ({inner.key: "X"},)
    }


@pytest.mark.parametrize(
    "data",
    [
        element(0x00191004, "UN", b"\xff" * 12, EXPLICIT),
        element(0x00191004, "UN", b"abc ", EXPLICIT),
    ],
)
def test_what_is_no_sequence_is_passed_over(data: bytes) -> None:
    outer = SiteAttribute(0x00190004, "SQ", "STUDY", "ACME 1.0")
    creator = element(0x00190010, "LO", "ACME 1.0", EXPLICIT)
    assert kept(Site((outer,)), creator + data) == {}


def test_a_sequence_where_the_site_expects_a_value_is_passed_over() -> None:
    data = element(0x00190010, "LO", "ACME 1.0", EXPLICIT) + element(0x00191002, "SQ", [b""], EXPLICIT)
    assert kept(Site((DOSE,)), data) == {}
    assert decoded(as_named(raw_of(data), (DOSE,))) == {0x00190010: "ACME 1.0", 0x00191002: ({},)}
    raw = raw_of(data)
    assert as_named(raw, ()) is raw  # nothing wanted costs nothing


def test_elements_are_named_where_they_stand() -> None:
    data = private(IMPLICIT, 0x22, "ACME 1.0", 3, "US", 7)
    raw = raw_of(data, IMPLICIT)
    assert located(raw, (COUNT,)) == {0x00192203: COUNT}
    assert decoded(raw)[0x00192203] == "0700"
    assert decoded(as_named(raw, (COUNT,))) == {0x00190022: "ACME 1.0", 0x00192203: "7"}


def test_elements_within_sequences_are_named_too() -> None:
    outer = SiteAttribute(CONTEXTS, "SQ", items=(COUNT,))
    data = element(CONTEXTS, "SQ", [private(IMPLICIT, 0x22, "ACME 1.0", 3, "US", 7)], IMPLICIT)
    assert decoded(as_named(raw_of(data, IMPLICIT), (outer,)))[CONTEXTS] == ({0x00190022: "ACME 1.0", 0x00192203: "7"},)


ATTRIBUTES = st.builds(
    SiteAttribute,
    st.integers(0x00090000, 0xFFFFFFFF),
    st.just("LO"),
    st.sampled_from(PLACES),
    st.text("abcABC 0123456789._äé", max_size=10),
)


@given(ATTRIBUTES, ATTRIBUTES)
def test_different_attributes_have_different_keys(one: SiteAttribute, other: SiteAttribute) -> None:
    assert (one.key == other.key) is (one == other)
    assert PLACES[place_of(one.key)] == one.level
