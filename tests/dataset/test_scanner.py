"""The scanner against pydicom on real files, against itself at every chunk size, and against hostile bytes."""

import random
import struct
import tracemalloc
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes
from scpd.dataset.encode import Encoder
from scpd.dataset.inflate import deflate
from scpd.dataset.scan import Damage, Scan, ScanLimits, Wanted
from scpd.dataset.scanner import Scanner
from scpd.query.levels import WANTED
from tests.dataset.generated import attribute_sets
from tests.dataset.real_files import RealFile, comparable_items, read_by_pydicom, real_files

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

INDEXED = Wanted(WANTED)
PRIVATE = 0x00091001
UID = 0x00080018

# pydicom raises on the first: its last fragment is cut off. The others are cut off inside a value.
DAMAGED_FILES = {"emri_small_jpeg_2k_lossless_too_short.dcm", "MR_truncated.dcm", "rtplan_truncated.dcm"}


def scan(
    data: bytes,
    syntax: str = EXPLICIT,
    *,
    step: int | None = None,
    wanted: Wanted = INDEXED,
    limits: ScanLimits | None = None,
) -> Scan:
    scanner = Scanner(syntax, wanted, limits or ScanLimits())
    view = memoryview(data)
    step = step or max(len(data), 1)
    for at in range(0, len(data), step):
        scanner.feed(view[at : at + step])
    return scanner.finish()


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """An explicit little endian element."""
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in ("OB", "OW", "SQ", "UN", "UT"):
        return head + struct.pack("<HI", 0, size) + value
    return head + struct.pack("<H", size) + value


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, size) + value


UNDEFINED = 0xFFFFFFFF
TOO_LONG = "an element is longer than what holds it"
ITEM = implicit(0xFFFEE000, b"", UNDEFINED)
ITEM_END = implicit(0xFFFEE00D, b"")
SEQUENCE_END = implicit(0xFFFEE0DD, b"")
SOP_UID = element(UID, "UI", b"1.2\0")
PATIENT = element(0x00100020, "LO", b"P1")


def item(content: bytes, *, defined: bool = True) -> bytes:
    return implicit(0xFFFEE000, content) if defined else implicit(0xFFFEE000, content + ITEM_END, UNDEFINED)


def sequence(tag: int, items: Iterable[bytes], vr: str = "SQ") -> bytes:
    return element(tag, vr, b"".join(items) + SEQUENCE_END, UNDEFINED)


@pytest.mark.parametrize("file", real_files(), ids=lambda file: file.path.name)
def test_it_agrees_with_pydicom_on_a_real_file_whatever_the_chunks(file: RealFile) -> None:
    found = scan(file.data_set, file.transfer_syntax_uid)
    whole = found.attributes()
    assert (found.damage is not None) == (file.path.name in DAMAGED_FILES)
    assert not found.file_meta_inside
    if file.path.name != "emri_small_jpeg_2k_lossless_too_short.dcm":
        theirs = read_by_pydicom(file.path, WANTED)
        assert {tag: comparable_items(value) for tag, value in whole.items()} == {
            tag: comparable_items(value) for tag, value in theirs.items()
        }
    for step in (1, 7, 1000) if len(file.data_set) < 20_000 else (4_093, 65_536):
        assert scan(file.data_set, file.transfer_syntax_uid, step=step) == found


@given(attribute_sets(), st.sampled_from([IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED]), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_it_reads_back_what_the_encoder_wrote(attributes: Attributes, syntax: str, step: int) -> None:
    in_utf_8 = {**attributes, 0x00080005: "ISO_IR 192"}
    data = Encoder(syntax, "ISO_IR 192").encode(in_utf_8)
    found = scan(data, syntax, step=step, wanted=Wanted(attributes.keys()))
    assert found.damage is None
    assert found.attributes() == in_utf_8


@given(st.binary(max_size=600), st.sampled_from([IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED]), st.integers(1, 200))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_never_raise_and_chunks_never_matter(data: bytes, syntax: str, step: int) -> None:
    whole = scan(data, syntax)
    whole.attributes()
    assert scan(data, syntax, step=step) == whole


@given(st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_flipped_byte_anywhere_never_raises_and_chunks_never_matter(rng: random.Random) -> None:
    nested = sequence(0x00081032, [item(SOP_UID, defined=False), item(sequence(0x00081115, [item(PATIENT)]))])
    data = bytearray(SOP_UID + nested + sequence(0x00091002, [item(implicit(0x00100020, b"P2"))], "UN") + PATIENT)
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    whole = scan(bytes(data))
    whole.attributes()
    assert scan(bytes(data), step=rng.randint(1, 50)) == whole


def test_an_empty_data_set_is_whole_and_holds_nothing() -> None:
    assert scan(b"", step=1) == Scan({}, None, False, False, [])


def test_a_large_value_before_a_wanted_one_is_passed_over_and_not_kept() -> None:
    data = element(PRIVATE, "OB", bytes(10_000_000)) + PATIENT
    scanner = Scanner(EXPLICIT, INDEXED)
    tracemalloc.start()
    for at in range(0, len(data), 65_536):
        scanner.feed(memoryview(data)[at : at + 65_536])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scanner.finish().attributes() == {0x00100020: "P1"}
    assert peak < 200_000


@pytest.mark.parametrize("step", [1, 100, 100_000])
def test_a_wanted_value_longer_than_the_limit_is_passed_over(step: int) -> None:
    limits = ScanLimits(value_bytes_max=300)
    data = element(0x00104000, "LT", b"x" * 400) + element(0x00204000, "LT", b"y" * 300)
    found = scan(data, step=step, limits=limits)
    assert (found.attributes(), found.damage) == ({0x00204000: "y" * 300}, None)


def test_values_stop_being_kept_when_the_budget_is_spent() -> None:
    limits = ScanLimits(value_bytes_max=300, kept_bytes_max=500)
    data = (
        element(0x00104000, "LT", b"x" * 300)
        + element(0x00204000, "LT", b"y" * 300)
        + element(0x0020000D, "UI", b"1.2\0")
    )
    assert scan(data, limits=limits).attributes().keys() == {0x00104000, 0x0020000D}


@pytest.mark.parametrize("step", [1, 64, 100_000])
def test_a_wanted_sequence_longer_than_the_limit_is_passed_over(step: int) -> None:
    data = sequence(0x00081032, [item(PATIENT, defined=False)] * 100) + PATIENT
    found = scan(data, step=step, limits=ScanLimits(value_bytes_max=300))
    assert (found.attributes(), found.damage) == ({0x00100020: "P1"}, None)


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("step", [1, 13, 100_000])
def test_a_wanted_sequence_is_kept_whole(defined: bool, step: int) -> None:
    inner = sequence(0x00081115, [item(PATIENT, defined=defined)])
    data = sequence(0x00081032, [item(SOP_UID + inner, defined=defined), item(b"", defined=defined)])
    expected: tuple[Attributes, ...] = ({UID: "1.2", 0x00081115: ({0x00100020: "P1"},)}, {})
    assert scan(data, step=step).attributes() == {0x00081032: expected}


@pytest.mark.parametrize("step", [4_093, 100_000])
def test_a_wanted_sequence_may_be_longer_than_a_window(step: int) -> None:
    data = sequence(0x00081032, [item(element(0x00104000, "UT", b"x" * 40_000))]) + PATIENT
    assert scan(data, step=step).attributes() == {0x00081032: ({0x00104000: "x" * 40_000},), 0x00100020: "P1"}


@pytest.mark.parametrize("step", [1, 100_000])
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_un_of_undefined_length_holds_implicit_little_endian_items(step: int, syntax: str) -> None:
    inside = [item(implicit(0x00100020, b"P2") + implicit(0x00081115, item(b"")), defined=False)]
    un = sequence(0x00081032, inside, "UN")
    private = sequence(PRIVATE, inside, "UN")
    last = PATIENT
    if syntax == BIG_ENDIAN:
        swapped = struct.Struct(">HH2sHI").pack
        un = swapped(0x0008, 0x1032, b"UN", 0, UNDEFINED) + un[12:]
        private = swapped(0x0009, 0x1001, b"UN", 0, UNDEFINED) + private[12:]
        last = struct.pack(">HH2sH", 0x0010, 0x0020, b"LO", 2) + b"P1"
    found = scan(un + private + last, syntax, step=step)
    assert found.attributes() == {0x00081032: ({0x00100020: "P2", 0x00081115: ({},)},), 0x00100020: "P1"}
    assert found.damage is None


def test_explicit_elements_resume_behind_a_nested_un() -> None:
    nested_un = sequence(PRIVATE, [item(implicit(0x00100020, b"P2"), defined=False)], "UN")
    data = sequence(0x00081032, [item(nested_un + SOP_UID, defined=False)]) + PATIENT
    found = scan(data)
    assert found.damage is None
    assert found.attributes()[0x00081032] == ({PRIVATE: ({0x00100020: "P2"},), UID: "1.2"},)


def test_un_of_defined_length_is_read_as_the_dictionary_says() -> None:
    data = element(0x00081032, "UN", item(implicit(0x00100020, b"P2"))) + element(0x00100020, "UN", b"P1")
    assert scan(data).attributes() == {0x00081032: ({0x00100020: "P2"},), 0x00100020: "P1"}


def test_encapsulated_pixel_data_is_walked_fragment_by_fragment() -> None:
    pixels = sequence(0x7FE00010, [item(b""), item(bytes(100_000)), item(b"abc")], "OB")
    after = element(0xFFFCFFFC, "OB", b"\0\0")
    assert scan(SOP_UID + pixels + after).damage is None
    assert scan(SOP_UID + pixels[:-8]).damage == Damage(len(SOP_UID + pixels) - 8, "a sequence does not end")


def test_a_sequence_of_fragments_is_not_kept_even_when_wanted() -> None:
    pixels = sequence(0x7FE00010, [item(b"abcd")], "OB")
    assert scan(pixels, wanted=Wanted([0x7FE00010])).attributes() == {}


def test_unknown_value_representations_are_stepped_over_in_both_forms() -> None:
    long_form = struct.pack("<HH2sHI", 0x0009, 0x1001, b"ZZ", 0, 4) + b"abcd"
    short_form = struct.pack("<HH2sH", 0x0009, 0x1002, b"ZZ", 4) + b"abcd"
    wanted_unknown = element(0x00100010, "ZZ", b"DOE ")
    found = scan(SOP_UID + long_form + short_form + wanted_unknown + PATIENT)
    assert found.attributes() == {UID: "1.2", 0x00100010: "DOE", 0x00100020: "P1"}
    assert found.damage is None


def test_odd_lengths_are_no_damage() -> None:
    found = scan(element(UID, "UI", b"1.2") + element(PRIVATE, "OB", b"abc") + PATIENT)
    assert found.damage is None
    assert found.attributes()[UID] == "1.2"


def test_implicit_elements_in_an_explicit_stream_are_read() -> None:
    found = scan(SOP_UID + implicit(0x00100020, b"P9") + PATIENT)
    assert (found.attributes()[0x00100020], found.damage) == ("P1", None)


@pytest.mark.parametrize("step", [1, 100_000])
def test_a_data_set_in_the_other_form_than_negotiated_is_read(step: int) -> None:
    assert scan(SOP_UID + PATIENT, IMPLICIT, step=step).attributes() == {UID: "1.2", 0x00100020: "P1"}
    in_implicit = implicit(UID, b"1.2\0") + implicit(0x00100020, b"P1")
    assert scan(in_implicit, EXPLICIT, step=step).attributes() == {UID: "1.2", 0x00100020: "P1"}


def test_the_last_of_two_equal_tags_counts() -> None:
    assert scan(element(0x00100020, "LO", b"P0") + PATIENT).attributes() == {0x00100020: "P1"}


@pytest.mark.parametrize(
    ("data", "damage"),
    [
        (SOP_UID + PATIENT[:-1], Damage(len(SOP_UID), "the last element is cut short")),
        (SOP_UID + PATIENT[:6], Damage(len(SOP_UID), "the last element is cut short")),
        (SOP_UID + element(PRIVATE, "OB", b"ab", 4), Damage(26, "the last element is cut short")),
        (SOP_UID + element(PRIVATE, "OB", b"")[:10], Damage(12, "the last element is cut short")),
        (SOP_UID + sequence(0x00091002, [item(SOP_UID)])[:-8], Damage(44, "a sequence does not end")),
        (SOP_UID + sequence(PRIVATE, [PATIENT]), Damage(24, "no item where one belongs")),
        (SOP_UID + sequence(PRIVATE, [ITEM + SEQUENCE_END]), Damage(32, "an item does not end")),
        (SOP_UID + bytes(8) + PATIENT, Damage(12, "no value representation")),
        (SOP_UID + SEQUENCE_END + PATIENT, Damage(12, "a delimiter outside of any sequence")),
        (SOP_UID + element(0x00081032, "SQ", implicit(0x00100020, b"")), Damage(12, "no item where one belongs")),
        (SOP_UID + element(0x00081032, "SQ", item(PATIENT)[:-1]), Damage(12, TOO_LONG)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", [1, 100_000])
def test_t06_damage_behind_the_uids_is_reported_where_it_begins(data: bytes, damage: Damage, step: int) -> None:
    found = scan(data, step=step)
    assert found.damage == damage
    assert found.attributes()[UID] == "1.2"


def test_bytes_behind_the_damage_are_ignored() -> None:
    scanner = Scanner(EXPLICIT, INDEXED)
    scanner.feed(SOP_UID + sequence(PRIVATE, [PATIENT]) + bytes(200))
    damage = scanner.finish().damage
    scanner.feed(PATIENT)
    assert scanner.finish() == Scan(scanner.finish().elements, damage, False, False, [])
    assert 0x00100020 not in scanner.finish().elements


def test_trailing_zero_bytes_in_implicit_vr_are_no_command_elements() -> None:
    found = scan(implicit(UID, b"1.2\0") + bytes(8), IMPLICIT)
    assert (found.file_meta_inside, found.damage) == (False, None)


@pytest.mark.parametrize("step", [1, 100_000])
def test_t17_a_whole_file_is_recognised(step: int) -> None:
    found = scan(bytes(128) + b"DICM" + element(0x00020010, "UI", b"1.2\0") + SOP_UID, step=step)
    assert found.file_meta_inside
    assert found.damage == Damage(0, "a whole file instead of a data set")


@pytest.mark.parametrize("tag", [0x00020010, 0x00000110])
def test_t17_file_meta_and_command_elements_inside_are_reported(tag: int) -> None:
    found = scan(element(tag, "UI", b"1.2\0") + SOP_UID)
    assert found.file_meta_inside
    assert found.attributes() == {UID: "1.2"}


@pytest.mark.parametrize("tag", [0x00081032, PRIVATE])
@pytest.mark.parametrize(("depth", "is_damage"), [(64, False), (65, True), (1_000, True), (100_000, True)])
def test_t18_nesting_costs_no_memory_and_too_much_of_it_is_damage(tag: int, depth: int, is_damage: bool) -> None:
    opening = sequence(tag, [])[:12] + implicit(0xFFFEE000, b"", UNDEFINED)
    data = SOP_UID + opening * depth + (ITEM_END + SEQUENCE_END) * depth
    scanner = Scanner(EXPLICIT, INDEXED)
    tracemalloc.start()
    scanner.feed(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found = scanner.finish()
    assert found.damage == (Damage(12 + 64 * 20, "sequences are nested too deep") if is_damage else None)
    assert found.attributes()[UID] == "1.2"
    assert peak < 200_000


def test_t18_defined_lengths_nest_without_being_walked() -> None:
    data = b""
    for _ in range(2_000):
        data = element(PRIVATE, "SQ", item(data))
    assert scan(data + PATIENT).attributes() == {0x00100020: "P1"}


def test_t19_counts_of_anything_are_bounded_only_by_the_bytes() -> None:
    many = SOP_UID + sequence(PRIVATE, [item(b"")] * 50_000) + sequence(0x7FE00010, [item(b"")] * 50_000, "OB")
    assert scan(many + implicit(0x7FE00010, b"", 0xFFFFFFF0)).damage == Damage(
        len(many) + 8, "the last element is cut short"
    )


def test_t20_a_bomb_is_inflated_up_to_the_cap_and_that_is_no_damage() -> None:
    bomb = deflate(SOP_UID + element(PRIVATE, "OB", bytes(5_000_000)) + PATIENT)
    found = scan(bomb, DEFLATED, limits=ScanLimits(inflated_bytes_max=1_000_000))
    assert (found.capped, found.damage) == (True, None)
    assert found.attributes() == {UID: "1.2"}


@pytest.mark.parametrize("syntax", [DEFLATED, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"])
@pytest.mark.parametrize("step", [1, 100_000])
def test_t20_trailing_bytes_behind_a_deflated_stream_are_ignored(syntax: str, step: int) -> None:
    found = scan(deflate(SOP_UID + PATIENT) + b"\0\0", syntax, step=step)
    assert (found.capped, found.damage) == (False, None)
    assert found.attributes() == {UID: "1.2", 0x00100020: "P1"}


def test_t20_a_deflated_stream_that_is_corrupt_or_cut_short_is_damage() -> None:
    stream = zlib.compressobj(wbits=-15)
    flushed = stream.compress(SOP_UID) + stream.flush(zlib.Z_SYNC_FLUSH)
    assert scan(flushed, DEFLATED).damage == Damage(12, "the deflated stream does not end")
    corrupt = scan(flushed + b"\xff" * 50, DEFLATED)
    assert corrupt.damage == Damage(12, "the deflated stream is corrupt")
    assert scan(flushed + b"\xff" * 50, DEFLATED, step=1) == corrupt


@pytest.mark.parametrize("step", [1, 7, 100, 100_000])
def test_t20_what_lies_before_the_corruption_is_found_however_the_bytes_arrive(step: int) -> None:
    stream = zlib.compressobj(wbits=-15)
    noise = element(PRIVATE, "OB", random.Random(1).randbytes(3_000))
    data = stream.compress(SOP_UID + noise) + stream.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 50
    found = scan(data, DEFLATED, step=step)
    assert found.damage == Damage(len(SOP_UID + noise), "the deflated stream is corrupt")
    assert found.attributes() == {UID: "1.2"}
