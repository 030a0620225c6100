"""Every kind of matching in PS3.4 C.2.2.2; F-lines name the wire checks they are."""

import pytest

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.query.identifier import QueryRules
from scpd.query.matching import answer, comparable, matches
from scpd.query.terms import (
    AnyOf,
    Empty,
    Items,
    Key,
    Level,
    Matcher,
    Model,
    Range,
    Single,
    Stated,
    Universal,
    Wildcard,
)
from tests.query.build import (
    ACCESSION,
    ACQUISITION,
    CODE,
    COMMENTS,
    DESCRIPTION,
    INSTANCE_NUMBER,
    LEVEL,
    MODALITIES,
    MODALITY,
    NAME,
    PATIENT_ID,
    PROCEDURE_CODES,
    SERIES,
    SERIES_NUMBER,
    STUDY,
    STUDY_DATE,
    STUDY_TIME,
    TIMEZONE,
    asked,
    decoded,
    instance,
)


def fits(tag: Tag, matcher: Matcher, stored: Value, **others: Value) -> bool:
    return matches(asked(tag, matcher), {tag: stored, **instance(**others)})


@pytest.mark.parametrize(
    ("tag", "wanted", "stored", "expected"),
    [
        (PATIENT_ID, "P1", "P1", True),
        (PATIENT_ID, "P1", "p1", False),
        (PATIENT_ID, "P1", "P12", False),
        (MODALITY, "CT", "ct", False),
        (STUDY, "1.2", "1.2.3", False),
        (NAME, "doe^jane", "DOE^JANE", True),
        (NAME, "DOE^JANE", "DOE^JANE^^^", True),
        (NAME, "DOE", "DOE^JANE", False),
        (NAME, "Muller", "Müller", True),
        (NAME, "山田^太郎", "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
        (NAME, "Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
        (NAME, "=山田^太郎", "Yamada^Tarou=山田^太郎", True),
        (NAME, "山田^太郎=Yamada^Tarou", "Yamada^Tarou=山田^太郎", False),
        (NAME, "Yamada^Tarou=山田^太郎", "Yamada^Tarou", False),
        (INSTANCE_NUMBER, "7", "007", True),
        (SERIES_NUMBER, "1", "11", False),
        (SERIES_NUMBER, "x", "x", True),
        (SERIES_NUMBER, "0", "-0", True),
        (STUDY_DATE, "20240101", "2024.01.01", True),
        (STUDY_DATE, "20240101", "20240102", False),
        (STUDY_DATE, "2024*", "20240101", False),
        (STUDY_TIME, "10", "105959.999999", True),
        (STUDY_TIME, "10", "11", False),
        (STUDY_TIME, "1030", "10", False),
        (ACCESSION, "", "", False),
    ],
)
def test_f09_single_values(tag: Tag, wanted: str, stored: str, expected: bool) -> None:
    assert fits(tag, Single(wanted), stored) is expected


def test_f09_spaces_around_a_key_mean_nothing() -> None:
    assert matches(decoded({LEVEL: "STUDY", PATIENT_ID: " P1 "}), {PATIENT_ID: "P1"})


def test_a_private_creator_is_stated_and_not_matched_on() -> None:
    assert matches(asked(0x00190010, Stated("ACME 1.0")), {})


def test_f10_a_list_of_uids_is_their_union() -> None:
    query = decoded({LEVEL: "STUDY", STUDY: "1.2\\1.4"})
    assert [found[STUDY] for found in answer(query, [instance(f"1.{n}") for n in range(6)])] == ["1.2", "1.4"]


@pytest.mark.parametrize("stored", [{}, {PATIENT_ID: ""}, {PATIENT_ID: "P1"}, {PATIENT_ID: ({},)}])
@pytest.mark.parametrize("value", ["", "*", "**"])
def test_f11_universal_matches_absent_and_empty_values(stored: Attributes, value: str) -> None:
    assert matches(decoded({LEVEL: "STUDY", PATIENT_ID: value}), stored)


@pytest.mark.parametrize("matcher", [Single("P1"), AnyOf(("P1",)), Wildcard("?*"), Range(None, "9")])
@pytest.mark.parametrize("stored", [{}, {PATIENT_ID: ""}, {PATIENT_ID: ({},)}])
def test_everything_else_does_not(matcher: Matcher, stored: Attributes) -> None:
    assert not matches(asked(PATIENT_ID, matcher), stored)


@pytest.mark.parametrize(
    ("pattern", "stored", "expected"),
    [
        ("P*", "P1", True),
        ("P*", "P", True),
        ("P?", "P", False),
        ("?1", "P1", True),
        ("*1*3", "0123", True),
        ("*1*3", "0321", False),
        ("*12", "1212", True),
        ("a*ba", "aba", True),
        ("ab*ba", "aba", False),
        ("*a*a*", "a", False),
        ("p*", "P1", False),
        ("P*", "XP1", False),
        ("*", "a\nb", True),
        ("?", "\n", True),
    ],
)
def test_f12_wild_cards(pattern: str, stored: str, expected: bool) -> None:
    assert fits(PATIENT_ID, Wildcard(pattern), stored) is expected


@pytest.mark.parametrize(
    ("pattern", "stored", "expected"),
    [
        ("doe*", "DOE^JANE", True),
        ("*^jane", "Doe^Jane", True),
        ("mull?r*", "Müller^Jörg", True),
        ("山*", "Yamada^Tarou=山田^太郎", True),
        ("Yamada*=山*", "Yamada^Tarou=山田^太郎", True),
        ("Yamada*=川*", "Yamada^Tarou=山田^太郎", False),
        ("?^길동", "Hong^Gildong=洪^吉洞=홍^길동", True),
    ],
)
def test_f12_wild_cards_in_names(pattern: str, stored: str, expected: bool) -> None:
    assert fits(NAME, Wildcard(pattern), stored) is expected


@pytest.mark.parametrize(("tag", "value"), [(STUDY_DATE, "2024*"), (STUDY, "1.2*"), (SERIES_NUMBER, "?")])
def test_f12_in_other_vrs_a_wild_card_is_literal(tag: Tag, value: str) -> None:
    query = decoded({LEVEL: "SERIES", STUDY: "1.2", tag: value} if tag != STUDY else {LEVEL: "STUDY", STUDY: value})
    assert not list(answer(query, [instance("1.2", STUDY_DATE="20240101", SERIES_NUMBER="1")]))


@pytest.mark.parametrize(
    ("tag", "value", "stored", "expected"),
    [
        (STUDY_DATE, "20240101-20240131", "20240101", True),
        (STUDY_DATE, "20240101-20240131", "20240131", True),
        (STUDY_DATE, "20240101-20240131", "20240201", False),
        (STUDY_DATE, "-20240131", "19000101", True),
        (STUDY_DATE, "-20240131", "20240201", False),
        (STUDY_DATE, "20240101-", "20240101", True),
        (STUDY_DATE, "20240101-", "20231231", False),
        (STUDY_DATE, "20240101-", "garbage", False),
        (STUDY_DATE, "garbage-", "20240101", False),
        (STUDY_DATE, "-garbage", "20240101", False),
        (STUDY_TIME, "10-12", "125959", True),
        (STUDY_TIME, "1000-1059", "10", True),
        (STUDY_TIME, "1000-1059", "105959.5", True),
        (STUDY_TIME, "1000-1059", "1100", False),
        (ACQUISITION, "2024-2025", "20251231235959", True),
        (ACQUISITION, "20240101120000+0000-", "20240101130000+0100", True),
        (ACQUISITION, "20240101120000+0000-", "20240101125959+0100", False),
        (ACQUISITION, "20240101-0500", "2024010105+0000", True),
    ],
)
def test_f14_ranges(tag: Tag, value: str, stored: str, expected: bool) -> None:
    query = decoded({LEVEL: "IMAGE", STUDY: "1", SERIES: "1.1", tag: value})
    assert matches(query, {**instance(), tag: stored}) is expected


def test_f14_a_stored_date_time_without_offset_has_its_instances_own() -> None:
    since_noon = Range("20240101120000+0000", None)
    assert fits(ACQUISITION, since_noon, "20240101120000", TIMEZONE="+0000")
    assert not fits(ACQUISITION, since_noon, "20240101120000", TIMEZONE="+0100")


@pytest.mark.parametrize(
    ("date", "clock", "together", "apart"),
    [
        ("20240101", "120000", True, False),
        ("20240102", "060000", True, False),
        ("20240101", "050000", False, False),
        ("20240102", "101559", True, True),
        ("20240102", "110000", False, False),
        ("20240101", "090000", False, False),
        ("20240101", "", False, False),
        ("", "1000", False, False),
    ],
)
def test_f15_date_and_time_ranges_are_one_range_only_where_negotiated(
    date: str, clock: str, together: bool, apart: bool
) -> None:
    keys = {LEVEL: "STUDY", STUDY_DATE: "20240101-20240102", STUDY_TIME: "1000-1015"}
    stored = {STUDY_DATE: date, STUDY_TIME: clock}
    assert matches(decoded(keys, rules=QueryRules(combined_datetime=True)), stored) is together
    assert matches(decoded(keys), stored) is apart


def test_f15_open_ends_combine_too() -> None:
    rules = QueryRules(combined_datetime=True)
    since = decoded({LEVEL: "STUDY", STUDY_DATE: "20240101-", STUDY_TIME: "10-"}, rules=rules)
    assert matches(since, {STUDY_DATE: "20240105", STUDY_TIME: "0100"})
    until = decoded({LEVEL: "STUDY", STUDY_DATE: "-20240101", STUDY_TIME: "-10"}, rules=rules)
    assert not matches(until, {STUDY_DATE: "20240101", STUDY_TIME: "1100"})


@pytest.mark.parametrize(
    ("dates", "times"),
    [("20241301-20240301", "10-12"), ("20240101-2024", "10-12"), ("20240101-20240301", "x-12"), ("20240101-", "10-25")],
)
def test_f15_an_end_that_is_no_date_or_time_belongs_to_no_range(dates: str, times: str) -> None:
    keys = {LEVEL: "STUDY", STUDY_DATE: dates, STUDY_TIME: times}
    stored = {STUDY_DATE: "20240201", STUDY_TIME: "110000"}
    assert not matches(decoded(keys, rules=QueryRules(combined_datetime=True)), stored)
    assert not matches(decoded(keys), stored)


def test_f28_dates_and_times_are_matched_in_the_zone_of_the_query() -> None:
    stored = instance(STUDY_DATE="20241231", STUDY_TIME="2330", TIMEZONE="-0500", ACQUISITION="20241231233000")
    unknown = instance("2", "2.1", "2.1.1", STUDY_DATE="20241231", STUDY_TIME="2330", ACQUISITION="20241231233000")
    rules = QueryRules(timezone_adjustment=True, relational=True)

    def studies(level: str, **keys: str) -> list[object]:
        named: dict[Tag, Value] = {globals()[name]: value for name, value in keys.items()}
        query = decoded({LEVEL: level, TIMEZONE: "+0100", **named}, rules=rules)
        return [found[STUDY] for found in answer(query, [stored, unknown])]

    assert studies("STUDY", STUDY_DATE="20250101") == ["1"]
    assert studies("STUDY", STUDY_DATE="20250101", STUDY_TIME="0530") == ["1"]
    assert studies("IMAGE", STUDY_DATE="20241231", STUDY_TIME="2300-2359") == ["2"]
    assert studies("IMAGE", ACQUISITION="202501010530") == ["1"]
    assert studies("IMAGE", ACQUISITION="20241231223000+0000") == ["2"]


def test_f28_a_response_tells_its_dates_in_that_zone() -> None:
    stored = instance(STUDY_DATE="20241231", STUDY_TIME="2330", TIMEZONE="-0500")
    query = decoded({LEVEL: "STUDY", TIMEZONE: "+0100"}, rules=QueryRules(timezone_adjustment=True))
    (match,) = answer(query, [stored])
    assert (match[STUDY_DATE], match[STUDY_TIME], match[TIMEZONE]) == ("20250101", "0530", "+0100")


def test_f14_a_moment_in_an_item_has_the_offset_of_its_instance() -> None:
    query = asked(0x00400275, Items((Key(0x0040A13A, "DT", Single("20240101120000+0000")),)))
    for offset, expected in (("+0000", True), ("+0100", False)):
        assert matches(query, {TIMEZONE: offset, 0x00400275: ({0x0040A13A: "20240101120000"},)}) is expected


CODES = {PROCEDURE_CODES: ({CODE: "A", 0x00080102: "X"}, {CODE: "B", 0x00080102: "Y"})}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({CODE: "A"}, True),
        ({CODE: "A", 0x00080102: "X"}, True),
        ({CODE: "A", 0x00080102: "Y"}, False),
        ({CODE: "C*"}, False),
        ({CODE: ""}, True),
        ({}, True),
    ],
)
def test_f16_one_item_has_to_match_every_nested_key(item: Attributes, expected: bool) -> None:
    query = decoded({LEVEL: "STUDY", PROCEDURE_CODES: (item,)})
    assert matches(query, CODES) is expected


def test_f16_a_zero_length_item_or_sequence_is_universal() -> None:
    values: list[Value] = [(), ({},), ({CODE: ""},), ({0x00081115: ({CODE: ""},)},)]
    for value in values:
        assert matches(decoded({LEVEL: "STUDY", PROCEDURE_CODES: value}), {})
    assert not matches(asked(PROCEDURE_CODES, Items((Key(CODE, "SH", Single("A")),))), {PROCEDURE_CODES: "text"})


def test_f17_empty_value_matching_where_negotiated() -> None:
    empty = decoded({LEVEL: "STUDY", ACCESSION: '""'}, rules=QueryRules(empty_values=True))
    assert [matches(empty, stored) for stored in ({}, {ACCESSION: ""}, {ACCESSION: "A"})] == [True, True, False]
    literal = decoded({LEVEL: "STUDY", ACCESSION: '""'})
    assert [matches(literal, stored) for stored in ({}, {ACCESSION: '""'})] == [False, True]


def test_f17_empty_matches_a_sequence_without_items() -> None:
    assert fits(PROCEDURE_CODES, Empty(), ())
    assert not fits(PROCEDURE_CODES, Empty(), ({},))


def test_f17_multiple_value_matching_where_negotiated() -> None:
    query = decoded({LEVEL: "STUDY", MODALITIES: "CT\\MR"}, rules=QueryRules(multiple_values=True))
    assert [matches(query, {MODALITIES: stored}) for stored in ("MR", "SR\\CT", "SR")] == [True, True, False]


def test_f25_patients_without_an_id_are_found_by_universal_matching() -> None:
    stored = instance(NAME="DOE", PATIENT_ID="")
    query = decoded({LEVEL: "PATIENT", PATIENT_ID: "", NAME: "DOE"}, Model.PATIENT_ROOT)
    assert [found[NAME] for found in answer(query, [stored])] == ["DOE"]


def test_f27_one_of_several_stored_values_is_enough() -> None:
    assert fits(0x00101000, Single("B"), "A\\B")
    assert fits(0x00101000, Wildcard("B?"), "A\\B1")
    assert not fits(0x00101000, Single("A\\B"), "A\\B")


def test_a_backslash_in_a_text_divides_nothing() -> None:
    assert fits(COMMENTS, Single("a\\b"), "a\\b")
    assert not fits(COMMENTS, Single("b"), "a\\b")


def test_every_key_has_to_match() -> None:
    query = decoded({LEVEL: "STUDY", PATIENT_ID: "P1", DESCRIPTION: "KNEE*"})
    assert matches(query, {PATIENT_ID: "P1", DESCRIPTION: "KNEE LEFT"})
    assert not matches(query, {PATIENT_ID: "P1", DESCRIPTION: "HIP"})


def test_computed_keys_are_matched_like_any_other() -> None:
    archive = [instance("1", "1.1", "1", MODALITY="CT"), instance("2", "2.1", "2", MODALITY="MR")]
    query = decoded({LEVEL: "STUDY", MODALITIES: "MR"})
    assert [found[STUDY] for found in answer(query, archive)] == ["2"]


def test_a_query_of_universal_keys_finds_everything_at_its_level() -> None:
    archive = [instance("1", "1.1", "1"), instance("1", "1.1", "2"), instance("2", "2.1", "3")]
    assert len(list(answer(asked(STUDY, Universal(), Level.STUDY), archive))) == 2
    assert len(list(answer(asked(STUDY, Universal(), Level.IMAGE), archive))) == 3


@pytest.mark.parametrize(
    ("vr", "value", "form"),
    [
        ("PN", "Müller", "muller"),
        ("DA", "2024.01.02", "20240102"),
        ("DS", "+07.50", "7.5"),
        ("DS", "1e999999999999999999", "1e999999999999999999"),
        ("CS", "CT", "CT"),
    ],
)
def test_equal_values_have_one_comparable_form(vr: str, value: str, form: str) -> None:
    assert comparable(vr, value) == form
