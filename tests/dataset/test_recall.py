"""A scanner that recalls what the last data sets said finds what one finds that never saw any."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scpd.dataset.recall import READ_MAX, Passage, Recall
from scpd.dataset.scan import DEFAULT_LIMITS, Scan, ScanLimits, Wanted
from scpd.dataset.scanner import WINDOW_BYTES, Scanner
from scpd.query.levels import WANTED
from tests.dataset.real_files import real_files
from tests.datasets import BIG_ENDIAN, EXPLICIT, IMPLICIT, UNDEFINED, Form, delimiter, element, item

SYNTAX_OF = {EXPLICIT: "1.2.840.10008.1.2.1", IMPLICIT: "1.2.840.10008.1.2", BIG_ENDIAN: "1.2.840.10008.1.2.2"}
CHARACTER_SET = 0x00080005
PROCEDURE = 0x00081032
TAGS = [0x00180100 + number for number in range(2 * READ_MAX)]  # of no meaning, and so of no VR of their own
LISTED = Wanted([PROCEDURE, *TAGS])
UNWANTED = 0x00190010
PIXELS = element(0x7FE00010, "OW", bytes(2 * WINDOW_BYTES))


def scan(
    data: bytes,
    recall: Recall | None = None,
    form: Form = EXPLICIT,
    *,
    step: int = 0,
    wanted: Wanted = LISTED,
    limits: ScanLimits = DEFAULT_LIMITS,
) -> Scan:
    scanner = Scanner(SYNTAX_OF[form], wanted, limits, recall)
    for at in range(0, len(data), step or len(data)):
        scanner.feed(memoryview(data)[at : at + (step or len(data))])
    return scanner.finish()


def header(changed: Mapping[int, bytes] | None = None, form: Form = EXPLICIT) -> bytes:
    """More elements than are read without learning from them; those in `changed` are not as always."""
    values = {**dict.fromkeys(TAGS, b"same"), **(changed or {})}
    return b"".join(element(tag, "LO", value, form) for tag, value in sorted(values.items()))


def taught(*data_sets: bytes, form: Form = EXPLICIT) -> Recall:
    recall = Recall()
    for data in data_sets:
        scan(data, recall, form)
    return recall


def assert_alike(found: Scan, plain: Scan) -> None:
    assert found == plain
    assert found.attributes() == plain.attributes()


def recalled(found: Scan) -> list[int]:
    """The tags that were not read anew."""
    return [tag for stretch in found.stretches if isinstance(stretch, Passage) for tag in stretch.elements]


@pytest.mark.parametrize("form", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("step", [0, 1, 100])
def test_what_two_data_sets_have_in_common_is_recalled_in_the_third(form: Form, step: int) -> None:
    recall = taught(header({TAGS[9]: b"1"}, form), header({TAGS[9]: b"12"}, form), form=form)
    data = header({TAGS[9]: b"123"}, form)
    found = scan(data, recall, form, step=step)
    assert recalled(found) == TAGS[:9] + TAGS[10:]
    assert_alike(found, scan(data, form=form))


def test_what_lies_between_the_wanted_is_a_part_of_it() -> None:
    unknown = header({UNWANTED: b"1"})
    recall = taught(header(), header())
    assert_alike(scan(unknown, recall), scan(unknown))
    assert recalled(scan(unknown, taught(unknown, unknown))) == TAGS
    changed = header({0x00180090: b"before", 0x00180180: b"behind"})
    assert_alike(scan(changed, recall), scan(changed))


def test_one_data_set_is_not_enough_and_neither_are_two_that_share_nothing() -> None:
    other = header(dict.fromkeys(TAGS, b"other"))
    assert recalled(scan(header(), taught(header()))) == []
    assert recalled(scan(header(), taught(header(), other))) == []


def test_another_series_is_learned_when_it_begins() -> None:
    first, second = header(), header(dict.fromkeys(TAGS[: READ_MAX + 1], b"second"))
    recall = taught(first, first, first, second)
    assert recalled(scan(second, recall)) == TAGS[READ_MAX + 1 :]
    assert recalled(scan(second, recall)) == TAGS
    assert_alike(scan(first, recall), scan(first))
    assert recalled(scan(second, taught(first, first, second, second))) == TAGS


def test_a_few_new_values_are_no_reason_to_learn() -> None:
    recall = taught(header({TAGS[READ_MAX - 1]: b"1"}), header({TAGS[READ_MAX - 1]: b"2"}))
    assert recalled(scan(header({TAGS[0]: b"new"}), recall)) == TAGS[READ_MAX:]
    assert recalled(scan(header(), recall)) == TAGS[: READ_MAX - 1] + TAGS[READ_MAX:]


def test_strangers_in_a_row_are_learned_from_ever_more_seldom() -> None:
    recall = Recall()
    unlike = [
        header(dict.fromkeys(TAGS, str(number).encode())) for number in range(5)
    ]  # the fourth is the last learned
    for data in [*unlike, header(), header(), header()]:
        assert recalled(scan(data, recall)) == []
    assert recalled(scan(header(), recall)) == []  # the eighth was compared with the fourth
    for _ in range(8):
        scan(header(), recall)
    assert recalled(scan(header(), recall)) == TAGS
    changed = header(dict.fromkeys(TAGS, b"new"))
    assert [recalled(scan(changed, recall)) for _ in range(3)] == [[], [], TAGS]  # one that was known ended the row


def test_text_follows_the_character_set_of_its_own_data_set() -> None:
    name = {TAGS[5]: "é".encode()}
    latin, unicode = header(name | {CHARACTER_SET: b"ISO_IR 100"}), header(name | {CHARACTER_SET: b"ISO_IR 192"})
    recall = taught(latin, unicode)
    for data, expected in [(latin, "Ã©"), (unicode, "é"), (header(name), "Ã©"), (latin, "Ã©")]:
        found = scan(data, recall)
        assert TAGS[5] in recalled(found)
        assert found.attributes()[TAGS[5]] == expected
        assert_alike(found, scan(data))


def test_the_same_bytes_are_read_anew_for_other_tags_limits_and_forms() -> None:
    data = header()
    for wanted, limits in [(Wanted(TAGS[1:]), ScanLimits()), (LISTED, ScanLimits(depth_max=1))]:
        recall = taught(data, data, data)
        found = scan(data, recall, wanted=wanted, limits=limits)
        assert recalled(found) == []
        assert_alike(found, scan(data, wanted=wanted, limits=limits))
        scan(data, recall, wanted=wanted, limits=limits)
        assert recalled(scan(data, recall, wanted=wanted, limits=limits)) == TAGS[-len(found.elements) :]
    in_implicit = element(0x00080018, "UI", b"1.2 ", IMPLICIT) + data  # the VRs are a part of lengths now
    found = scan(in_implicit, taught(data, data), IMPLICIT)
    assert recalled(found) == []
    assert_alike(found, scan(in_implicit, form=IMPLICIT))


def test_limits_that_the_first_window_may_exceed_are_kept_without_recalling() -> None:
    for limits in (ScanLimits(value_bytes_max=WINDOW_BYTES - 1), ScanLimits(kept_bytes_max=WINDOW_BYTES - 1)):
        recall = Recall()
        assert [recalled(scan(header(), recall, limits=limits)) for _ in range(3)] == [[], [], []]


def test_a_passage_costs_what_its_values_cost() -> None:
    limits = ScanLimits(kept_bytes_max=WINDOW_BYTES + 1_000)
    large, gap = header({TAGS[3]: b"x" * 10_000}), element(UNWANTED, "OB", bytes(WINDOW_BYTES))
    too_much, enough = element(TAGS[-1], "LO", b"y" * 8_000), element(TAGS[-1], "LO", b"z" * 7_000)
    recall = Recall()
    for data in (large, large, large + too_much, large + enough, large + gap + large + gap + enough):
        found = scan(data, recall, limits=limits)
        assert_alike(found, scan(data, limits=limits))
    assert recalled(scan(large + too_much, recall, limits=limits)) == TAGS


@pytest.mark.parametrize(
    "data", [header() + header({TAGS[4]: b"last"}), header({0x00020010: b"1.2"})], ids=["repeated", "misplaced"]
)
def test_nothing_is_learned_of_repeated_or_misplaced_tags(data: bytes) -> None:
    recall = taught(data, data)
    found = scan(data, recall)
    assert recalled(found) == []
    assert_alike(found, scan(data))


@pytest.mark.parametrize("again", [TAGS[0], TAGS[20], TAGS[-1]])
def test_the_last_of_two_equal_tags_counts_wherever_it_is_recalled(again: int) -> None:
    recall = taught(header(), header())
    repeated = element(again, "LO", b"other")
    for data in (repeated + header(), header() + repeated, header() + repeated + header()):
        assert_alike(scan(data, recall), scan(data))


def test_nothing_is_learned_of_damage_and_damage_is_found_behind_what_is_recalled() -> None:
    broken = header() + element(0x7FE00010, "OW", b"ab", length=4)
    assert recalled(scan(header(), taught(broken, broken))) == []
    found = scan(broken, taught(header() + PIXELS, header() + PIXELS))
    assert recalled(found) == TAGS
    assert found.damage is not None
    assert_alike(found, scan(broken))


def test_sequences_are_recalled_and_those_that_do_not_hold_are_damage_each_time() -> None:
    name = item(element(TAGS[0], "LO", b"inside"))
    ended = element(PROCEDURE, "SQ", name, length=UNDEFINED) + delimiter(0xE0DD)
    whole = element(PROCEDURE, "SQ", name * 30)
    for sequence in (ended, whole):
        recall = taught(sequence + header(), sequence + header())
        found = scan(sequence + header(), recall)
        assert recalled(found) == [PROCEDURE, *TAGS]
        assert_alike(found, scan(sequence + header()))
    broken = element(PROCEDURE, "SQ", element(TAGS[0], "LO", b"no item"))
    recall = taught(broken + header(), broken + header())
    assert scan(broken + header(), recall).damage is not None


SMALL = element(UNWANTED, "LO", b"small ")
TO_THE_END = element(UNWANTED, "OB", bytes(WINDOW_BYTES - len(header()) - 20))


@pytest.mark.parametrize(
    ("tail", "taken"),
    [
        (b"", b""),
        (PIXELS, b""),
        (SMALL * 2 + PIXELS, SMALL * 2),
        (TO_THE_END + PIXELS, TO_THE_END),
        (SMALL + element(PROCEDURE | 0x00700000, "SQ", b"", length=UNDEFINED) + delimiter(0xE0DD), SMALL),
    ],
    ids=["nothing", "large", "small", "to the end of the window", "of undefined length"],
)
def test_the_last_passage_ends_with_what_the_window_holds_whole(tail: bytes, taken: bytes) -> None:
    data = header() + tail
    found = scan(data, taught(data, data))
    assert [stretch.data for stretch in found.stretches if isinstance(stretch, Passage)] == [header() + taken]
    assert_alike(found, scan(data))


def test_what_reaches_out_of_the_first_window_is_read_each_time() -> None:
    data = header({TAGS[-1]: bytes(WINDOW_BYTES)})
    found = scan(data, taught(data, data))
    assert recalled(found) == TAGS[:-1]
    assert_alike(found, scan(data))


def test_a_data_set_that_begins_with_a_long_value_is_read_each_time() -> None:
    data = element(PROCEDURE, "SQ", item(b"") * 4_000) + header()
    recall = taught(data, data, data)
    assert recalled(scan(data, recall)) == []
    assert_alike(scan(data, recall), scan(data))


def test_real_files_are_read_alike_one_after_the_other_and_again() -> None:
    wanted, recall = Wanted(WANTED), Recall()
    times_recalled = 0
    for file in real_files():
        plain = scan_file(file.data_set, file.transfer_syntax_uid, wanted, None)
        for _ in range(3):
            found = scan_file(file.data_set, file.transfer_syntax_uid, wanted, recall)
            assert_alike(found, plain)
        times_recalled += bool(recalled(found))
    assert times_recalled > 20


def scan_file(data: bytes, syntax: str, wanted: Wanted, recall: Recall | None) -> Scan:
    scanner = Scanner(syntax, wanted, recall=recall)
    scanner.feed(data)
    return scanner.finish()


@st.composite
def histories(draw: st.DrawFn) -> Sequence[bytes]:
    """Data sets that have much in common, with elements changed, repeated, left out, moved and damaged."""
    rng = random.Random(draw(st.integers(0, 1 << 30)))
    pieces = [element(tag, "LO", rng.choice([b"", b"ab", b"long" * 90])) for tag in TAGS]
    pieces.insert(0, element(CHARACTER_SET, "CS", b"ISO_IR 192"))
    pieces.insert(1, element(PROCEDURE, "SQ", item(pieces[3]) * 9, length=UNDEFINED) + delimiter(0xE0DD))
    pieces.insert(9, element(UNWANTED, "UN", b"private "))
    history = [b"".join(pieces)] * 2
    for _ in range(4):
        some = list(pieces)
        for _ in range(rng.randrange(4)):
            place = rng.randrange(len(some))
            change = rng.randrange(4)
            if change == 0:
                some[place] = element(rng.choice(TAGS), "LO", rng.randbytes(2 * rng.randrange(20)))
            elif change == 1:
                some.insert(place, rng.choice(pieces))
            elif change == 2:
                del some[place]
            else:
                damaged = bytearray(some[place])
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
                some[place] = bytes(damaged)
        history.append(b"".join(some))
    return history


@given(histories(), st.sampled_from([0, 0, 1, 50, 5_000]))
@settings(max_examples=150, deadline=None)
def test_recalling_changes_nothing_whatever_was_said_before(history: Sequence[bytes], step: int) -> None:
    recall = Recall()
    for data in history:
        assert_alike(scan(data, recall, step=step), scan(data))
