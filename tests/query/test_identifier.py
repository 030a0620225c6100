"""Identifiers in, responses out: hierarchy, statuses, character sets, and what a response holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.dataset.encode import Encoder
from scpd.dataset.reader import read_data_set
from scpd.dataset.site import Site, SiteAttribute
from scpd.dimse.status import DimseFailure, Status
from scpd.query.identifier import QueryRules, decode_identifier, pending_status
from scpd.query.matching import matches
from scpd.query.response import MatchEncoder
from scpd.query.terms import AnyOf, Items, Key, Level, Model, Query, Range, Single, Stated, Universal, Wildcard
from scpd.query.wildcards import PATTERN_LENGTH_MAX
from tests.query.build import (
    ACCESSION,
    CHARACTER_SET,
    CODE,
    COMMENTS,
    DESCRIPTION,
    IMPLICIT,
    INSTANCE_NUMBER,
    LEVEL,
    MODALITIES,
    MODALITY,
    NAME,
    PATIENT_ID,
    PROCEDURE_CODES,
    SERIES,
    SOP_INSTANCE,
    STUDY,
    STUDY_DATE,
    STUDY_TIME,
    TIMEZONE,
    decoded,
    identifier,
)

RETRIEVE_AE, AVAILABILITY, UNHEARD_OF, REFERENCED = 0x00080054, 0x00080056, 0x00186011, 0x00081115
ROUTE = 0x00181040
A900, C000 = Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, Status.UNABLE_TO_PROCESS
LENIENT = QueryRules(strict=False)
RELATIONAL = QueryRules(relational=True)
SYNTAXES = [IMPLICIT, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]


def refused(keys: Attributes, model: Model = Model.STUDY_ROOT, rules: QueryRules | None = None) -> DimseFailure:
    with pytest.raises(DimseFailure) as failure:
        decoded(keys, model, rules or QueryRules())
    return failure.value


def answered(query: Query, match: Attributes, retrieve_ae_title: str | None = "SCPD") -> Attributes:
    return read_data_set(MatchEncoder(query, IMPLICIT, retrieve_ae_title).encode(match), IMPLICIT)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_identifier_becomes_typed_keys_in_every_transfer_syntax(syntax: str) -> None:
    keys: Attributes = {
        LEVEL: "STUDY",
        STUDY_DATE: "20240101-",
        MODALITIES: "CT",
        PROCEDURE_CODES: ({CODE: "X*"},),
        NAME: "DOE*",
        PATIENT_ID: "",
        STUDY: "1.2\\1.3",
    }
    query = decode_identifier(Encoder(syntax).encode(keys), syntax, Model.STUDY_ROOT)
    assert query == Query(
        Model.STUDY_ROOT,
        Level.STUDY,
        (
            Key(STUDY_DATE, "DA", Range("20240101", None)),
            Key(MODALITIES, "CS", Single("CT")),
            Key(PROCEDURE_CODES, "SQ", Items((Key(CODE, "SH", Wildcard("X*")),))),
            Key(NAME, "PN", Wildcard("DOE*")),
            Key(PATIENT_ID, "LO", Universal()),
            Key(STUDY, "UI", AnyOf(("1.2", "1.3"))),
        ),
    )


def test_a_zero_length_sequence_or_a_list_of_nothing_is_universal() -> None:
    query = decoded({LEVEL: "STUDY", PROCEDURE_CODES: (), STUDY: "\\"})
    assert [key.matcher for key in query.keys] == [Universal(), Universal()]


def test_a_sequence_sent_with_another_vr_is_universal() -> None:
    data = b"\x08\x00\x52\x00CS\x06\x00STUDY \x08\x00\x32\x10LO\x02\x00ab"
    assert decode_identifier(data, SYNTAXES[1], Model.STUDY_ROOT).keys == (Key(PROCEDURE_CODES, "SQ", Universal()),)


@pytest.mark.parametrize(
    ("keys", "model"),
    [
        ({STUDY: "1"}, Model.STUDY_ROOT),
        ({LEVEL: "BOGUS"}, Model.PATIENT_ROOT),
        ({LEVEL: "study"}, Model.STUDY_ROOT),
        ({LEVEL: "PATIENT"}, Model.STUDY_ROOT),
    ],
)
def test_f04_a_level_that_is_absent_unknown_or_not_of_the_model_is_refused(keys: Attributes, model: Model) -> None:
    failure = refused(keys, model)
    assert (failure.status, failure.offending_elements) == (A900, (LEVEL,))


@pytest.mark.parametrize(
    ("model", "keys", "missing"),
    [
        (Model.STUDY_ROOT, {LEVEL: "SERIES"}, (STUDY,)),
        (Model.STUDY_ROOT, {LEVEL: "SERIES", STUDY: "1\\2"}, (STUDY,)),
        (Model.STUDY_ROOT, {LEVEL: "IMAGE", STUDY: "1", SERIES: ""}, (SERIES,)),
        (Model.PATIENT_ROOT, {LEVEL: "STUDY", PATIENT_ID: "P*"}, (PATIENT_ID,)),
        (Model.PATIENT_ROOT, {LEVEL: "IMAGE"}, (PATIENT_ID, STUDY, SERIES)),
    ],
)
def test_f05_every_level_above_is_pinned_to_one_entity(
    model: Model, keys: Attributes, missing: tuple[Tag, ...]
) -> None:
    failure = refused(keys, model)
    assert (failure.status, failure.offending_elements) == (A900, missing)
    assert decoded(keys, model, LENIENT).level == keys[LEVEL]


def test_f12_a_pattern_is_as_long_as_anybody_needs() -> None:
    longest = "*" + "a" * (PATTERN_LENGTH_MAX - 1)
    (key,) = decoded({LEVEL: "STUDY", DESCRIPTION: longest}).keys
    assert key.matcher == Wildcard(longest)
    failure = refused({LEVEL: "STUDY", DESCRIPTION: f"{longest}?"})
    assert (failure.status, failure.offending_elements) == (A900, (DESCRIPTION,))
    (key,) = decoded({LEVEL: "STUDY", DESCRIPTION: "*" * 2 * PATTERN_LENGTH_MAX}).keys
    assert key.matcher == Universal()


def test_f06_a_key_of_a_level_below_is_refused_or_passed_over_with_ff01h() -> None:
    keys: Attributes = {LEVEL: "STUDY", SERIES: "", MODALITY: "CT"}
    failure = refused(keys)
    assert (failure.status, failure.offending_elements) == (A900, (MODALITY, SERIES))
    query = decoded(keys, rules=LENIENT)
    assert (query.keys, query.unsupported) == ((), frozenset({SERIES, MODALITY}))
    assert pending_status(query) == Status.PENDING_WITH_UNSUPPORTED_KEYS


def test_keys_of_the_levels_above_are_answered() -> None:
    query = decoded({LEVEL: "SERIES", STUDY: "1", NAME: "DOE", DESCRIPTION: ""})
    assert [key.tag for key in query.keys] == [DESCRIPTION, NAME, STUDY]
    assert not query.unsupported


def test_f07_a_relational_query_needs_no_unique_keys_above() -> None:
    query = decoded({LEVEL: "IMAGE", NAME: "DOE", INSTANCE_NUMBER: "1"}, Model.PATIENT_ROOT, RELATIONAL)
    assert [key.tag for key in query.keys] == [NAME, INSTANCE_NUMBER]


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", A900), (b"\x08\x00", C000), (b"\x08\x00\x52\x00\xff\0\0\0STUDY", C000), (b"\0" * 8, A900)],
)
def test_f08_an_empty_or_unreadable_identifier_is_refused(data: bytes, status: Status) -> None:
    with pytest.raises(DimseFailure) as failure:
        decode_identifier(data, IMPLICIT, Model.STUDY_ROOT)
    assert failure.value.status == status


@pytest.mark.parametrize(
    ("keys", "tag"),
    [
        ({STUDY_DATE: "-"}, STUDY_DATE),
        ({MODALITIES: "CT\\MR"}, MODALITIES),
        ({PROCEDURE_CODES: ({}, {})}, PROCEDURE_CODES),
        ({PROCEDURE_CODES: ({STUDY_DATE: "-"},)}, STUDY_DATE),
    ],
)
def test_keys_without_a_meaning_are_refused(keys: Attributes, tag: Tag) -> None:
    failure = refused({LEVEL: "STUDY", **keys})
    assert (failure.status, failure.offending_elements) == (A900, (tag,))


def test_an_item_where_the_dictionary_has_a_value_is_refused() -> None:
    data = b"\x08\x00\x52\x00CS\x06\x00STUDY \x10\x00\x10\x00SQ\0\0\0\0\0\0"
    with pytest.raises(DimseFailure):
        decode_identifier(data, SYNTAXES[1], Model.STUDY_ROOT)


def test_several_values_are_a_list_for_a_peer_granted_leniency() -> None:
    query = decoded({LEVEL: "STUDY", MODALITIES: "CT\\MR"}, rules=LENIENT)
    assert query.keys == (Key(MODALITIES, "CS", AnyOf(("CT", "MR"))),)


def test_a_backslash_in_a_text_key_is_a_character() -> None:
    query = decoded({LEVEL: "PATIENT", PATIENT_ID: "", COMMENTS: "a\\b"}, Model.PATIENT_ROOT)
    assert query.keys[1].matcher == Single("a\\b")


def test_f24_group_lengths_commands_and_file_meta_are_no_keys() -> None:
    data = identifier({0x00000110: "1", 0x00020010: "1.2", LEVEL: "STUDY", 0x00080000: "10", STUDY: ""})
    nested = decoded({LEVEL: "STUDY", PROCEDURE_CODES: ({0x00080000: "10", CHARACTER_SET: "ISO_IR 100", CODE: "A"},)})
    query = decode_identifier(data, IMPLICIT, Model.STUDY_ROOT)
    assert [key.tag for key in query.keys] == [STUDY]
    assert not query.unsupported
    assert nested.keys[0].matcher == Items((Key(CODE, "SH", Single("A")),))


def test_f03_unsupported_keys_turn_ff00h_into_ff01h() -> None:
    supported = decoded({LEVEL: "STUDY", STUDY: ""})
    assert pending_status(supported) == Status.PENDING
    unsupported = decoded({LEVEL: "STUDY", STUDY: "", UNHEARD_OF: "", 0x00091001: ""})
    assert pending_status(unsupported) == Status.PENDING_WITH_UNSUPPORTED_KEYS
    assert unsupported.unsupported == frozenset({UNHEARD_OF})  # the encoder leaves the private one out


def test_where_to_retrieve_from_and_the_time_zone_are_never_matched_on() -> None:
    query = decoded({LEVEL: "STUDY", RETRIEVE_AE: "OTHER", AVAILABILITY: "NEARLINE", TIMEZONE: "+0100"})
    assert {key.matcher for key in query.keys} == {Universal()}
    assert pending_status(query) == Status.PENDING_WITH_UNSUPPORTED_KEYS  # for their values were passed over
    asked_for = decoded({LEVEL: "STUDY", RETRIEVE_AE: "*", AVAILABILITY: "", TIMEZONE: ""})
    assert pending_status(asked_for) == Status.PENDING


ADJUSTED = QueryRules(timezone_adjustment=True)


def test_f28_the_zone_of_the_identifier_counts_where_that_was_negotiated() -> None:
    adjusted = decoded({LEVEL: "STUDY", TIMEZONE: "+0100"}, rules=ADJUSTED)
    assert (adjusted.utc_offset, pending_status(adjusted)) == ("+0100", Status.PENDING)
    assert decoded({LEVEL: "STUDY", TIMEZONE: "+0100"}).utc_offset == ""
    assert decoded({LEVEL: "STUDY", TIMEZONE: ""}, rules=ADJUSTED).utc_offset == ""
    failure = refused({LEVEL: "STUDY", TIMEZONE: "CET"}, rules=ADJUSTED)
    assert (failure.status, failure.offending_elements) == (A900, (TIMEZONE,))


def test_f28_a_response_names_its_zone_if_it_was_asked_for_and_is_known_and_never_an_empty_one() -> None:
    query = decoded({LEVEL: "STUDY", TIMEZONE: ""})
    assert answered(query, {TIMEZONE: "+0100"})[TIMEZONE] == "+0100"
    assert TIMEZONE not in answered(query, {TIMEZONE: ""})
    assert TIMEZONE not in answered(query, {})
    assert TIMEZONE not in answered(decoded({LEVEL: "STUDY"}), {TIMEZONE: "+0100"})


def test_f15_only_ranges_of_one_form_are_combined() -> None:
    rules = QueryRules(combined_datetime=True)
    times = {"1000-1100": True, "1000-": False, "-1100": False, "1000": False}
    for time, is_combined in times.items():
        query = decoded({LEVEL: "STUDY", STUDY_DATE: "20240101-20240102", STUDY_TIME: time}, rules=rules)
        assert bool(query.combined) is is_combined, time


MATCH: Attributes = {
    STUDY: "1",
    SERIES: "1.1",
    SOP_INSTANCE: "1.1.1",
    PATIENT_ID: "P1",
    NAME: "Doe^Jane",
    PROCEDURE_CODES: ({CODE: "A", 0x00080102: "X"}, {0x00080102: "Y"}),
}


@pytest.mark.parametrize(
    ("model", "keys", "unique"),
    [
        (Model.PATIENT_ROOT, {LEVEL: "PATIENT"}, {PATIENT_ID: "P1"}),
        (Model.PATIENT_ROOT, {LEVEL: "STUDY", PATIENT_ID: "P1"}, {PATIENT_ID: "P1", STUDY: "1"}),
        (Model.STUDY_ROOT, {LEVEL: "STUDY"}, {STUDY: "1"}),
        (
            Model.STUDY_ROOT,
            {LEVEL: "IMAGE", STUDY: "1", SERIES: "1.1"},
            {STUDY: "1", SERIES: "1.1", SOP_INSTANCE: "1.1.1"},
        ),
    ],
)
def test_f19_a_response_has_the_level_the_unique_keys_and_the_retrieve_ae_title(
    model: Model, keys: Attributes, unique: Attributes
) -> None:
    assert answered(decoded(keys, model), MATCH) == {LEVEL: keys[LEVEL], RETRIEVE_AE: "SCPD", **unique}


def test_f19_where_nothing_can_be_retrieved_the_title_is_empty_and_availability_says_so() -> None:
    response = answered(decoded({LEVEL: "STUDY", AVAILABILITY: ""}), MATCH, None)
    assert (response[RETRIEVE_AE], response[AVAILABILITY]) == ("", "UNAVAILABLE")
    assert answered(decoded({LEVEL: "STUDY", AVAILABILITY: ""}), MATCH)[AVAILABILITY] == "ONLINE"


def test_f20_only_what_was_asked_for_is_returned_and_absent_values_are_empty() -> None:
    query = decoded({LEVEL: "STUDY", NAME: "*", ACCESSION: "", UNHEARD_OF: ""})
    assert answered(query, MATCH) == {LEVEL: "STUDY", RETRIEVE_AE: "SCPD", STUDY: "1", NAME: "Doe^Jane", ACCESSION: ""}


def test_f20_of_a_sequence_the_nested_keys_are_returned() -> None:
    query = decoded({LEVEL: "STUDY", PROCEDURE_CODES: ({CODE: "A"},)})
    assert answered(query, MATCH)[PROCEDURE_CODES] == ({CODE: "A"},)  # and of its items those that match
    query = decoded({LEVEL: "STUDY", PROCEDURE_CODES: ({CODE: ""},)})
    assert answered(query, MATCH)[PROCEDURE_CODES] == ({CODE: "A"}, {CODE: ""})
    assert answered(query, {STUDY: "1"})[PROCEDURE_CODES] == ()
    whole: list[Value] = [(), ({},)]
    for everything in whole:
        query = decoded({LEVEL: "STUDY", PROCEDURE_CODES: everything})
        assert answered(query, MATCH)[PROCEDURE_CODES] == MATCH[PROCEDURE_CODES]


@pytest.mark.parametrize(
    ("charset", "name", "returned"),
    [
        ("", "Doe^Jane", None),
        ("ISO_IR 100", "Doe^Jane", None),
        ("ISO_IR 100", "Müller^Jörg", "ISO_IR 100"),
        ("ISO_IR 100", "山田^太郎", "ISO_IR 192"),
        ("", "Müller^Jörg", "ISO_IR 192"),
        ("WHAT", "Müller^Jörg", "ISO_IR 192"),
        ("ISO_IR 192", "山田^太郎", "ISO_IR 192"),
        ("GB18030", "王^小东", "GB18030"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎", "\\ISO 2022 IR 87"),
    ],
)
def test_f18_a_response_is_in_what_the_peer_asked_if_that_carries_it_or_utf_8(
    charset: str, name: str, returned: str | None
) -> None:
    query = decode_identifier(identifier({LEVEL: "STUDY", NAME: ""}, charset), IMPLICIT, Model.STUDY_ROOT)
    response = answered(query, {NAME: name})
    assert response[NAME] == name
    assert response.get(CHARACTER_SET) == returned


@pytest.mark.parametrize(
    ("charset", "wanted"),
    [("ISO_IR 100", "Jérôme"), ("ISO_IR 192", "山田"), ("\\ISO 2022 IR 87", "山田"), ("GB18030", "小东")],
)
def test_f18_keys_are_matched_as_decoded_text(charset: str, wanted: str) -> None:
    query = decode_identifier(identifier({LEVEL: "STUDY", DESCRIPTION: wanted}, charset), IMPLICIT, Model.STUDY_ROOT)
    assert matches(query, {DESCRIPTION: wanted})
    assert not matches(query, {DESCRIPTION: wanted + "x"})


@given(st.binary(max_size=300), st.sampled_from(SYNTAXES), st.sampled_from(Model), st.booleans())
def test_arbitrary_bytes_raise_nothing_but_dimse_failures(data: bytes, syntax: str, model: Model, strict: bool) -> None:
    level = Encoder(IMPLICIT).encode({LEVEL: "STUDY"})
    for candidate in (data, level + data):
        try:
            query = decode_identifier(candidate, syntax, model, QueryRules(strict=strict))
        except DimseFailure as failure:
            assert failure.status in (A900, C000)
        else:
            assert matches(query, {}) in (True, False)
            MatchEncoder(query, syntax, None).encode(MATCH)


def test_what_a_site_indexes_besides_is_a_key_of_its_level() -> None:
    rules = QueryRules(strict=False, indexed_besides=Site((SiteAttribute(ROUTE, "LO"),)))
    asked = decoded({LEVEL: "IMAGE", ROUTE: "X*"}, rules=rules)
    assert [key.tag for key in asked.keys] == [ROUTE] and not asked.unsupported
    assert decoded({LEVEL: "STUDY", ROUTE: ""}, rules=rules).unsupported == {ROUTE}
    assert decoded({LEVEL: "IMAGE", ROUTE: ""}, rules=LENIENT).unsupported == {ROUTE}
    of_patients = SiteAttribute(ROUTE, "LO", "PATIENT")
    rules = QueryRules(indexed_besides=Site((of_patients,)))
    for level, model in (("STUDY", Model.STUDY_ROOT), ("PATIENT", Model.PATIENT_ROOT)):
        assert decoded({LEVEL: level, ROUTE: "X"}, model, rules).keys == (
            Key(of_patients.key, "LO", Single("X"), ROUTE),
        )
    below = QueryRules(indexed_besides=Site((SiteAttribute(ROUTE, "LO", "SERIES"),)))
    assert refused({LEVEL: "STUDY", ROUTE: ""}, rules=below).offending_elements == (ROUTE,)


# -- private attributes (PS3.5 7.8.1) and parts of sequences that a site has indexed -----------------------------------

CREATOR, DOSE, COUNT = 0x00190022, 0x00192202, 0x00192203
ACME_DOSE = SiteAttribute(0x00190002, "DS", "SERIES", "ACME 1.0")
ACME_COUNT = SiteAttribute(0x00190003, "US", "STUDY", "ACME 1.0", is_matched=False)
CONTEXTS, VALUE_TYPE, PERSON = 0x00400555, 0x0040A040, 0x0040A123
CONTEXT = SiteAttribute(
    CONTEXTS, "SQ", "STUDY", items=(SiteAttribute(VALUE_TYPE, "CS"), SiteAttribute(PERSON, "PN", is_matched=False))
)
PRIVATELY = QueryRules(indexed_besides=Site((ACME_DOSE, ACME_COUNT, CONTEXT)))
VRS = {DOSE: "DS", COUNT: "US"}


def privately(keys: Attributes, level: str = "STUDY", syntax: str = IMPLICIT) -> Query:
    data = Encoder(syntax, private_vrs=VRS).encode({LEVEL: level, STUDY: "1", **keys})
    return decode_identifier(data, syntax, Model.STUDY_ROOT, PRIVATELY)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_f03_a_private_key_is_known_by_its_creator_whatever_block_it_has(syntax: str) -> None:
    query = privately({CREATOR: "ACME 1.0", DOSE: "1.5"}, "SERIES", syntax)
    assert query.keys == (
        Key(CREATOR, "LO", Stated("ACME 1.0")),
        Key(ACME_DOSE.key, "DS", Single("1.5"), DOSE),
        Key(STUDY, "UI", Single("1")),
    )
    assert pending_status(query) == Status.PENDING
    assert matches(query, {ACME_DOSE.key: "1.50", STUDY: "1"})
    response = MatchEncoder(query, syntax, "SCPD").encode({ACME_DOSE.key: "1.50", STUDY: "1"})
    expected = {LEVEL: "SERIES", RETRIEVE_AE: "SCPD", CREATOR: "ACME 1.0", DOSE: "1.50", STUDY: "1", SERIES: ""}
    assert response == Encoder(syntax, private_vrs=VRS).encode(expected)


def test_f03_private_keys_of_nobodys_or_of_a_level_below_are_not_supported() -> None:
    unknown = privately({CREATOR: "ACME 2.0", DOSE: "1.5"})
    assert unknown.unsupported == {CREATOR, DOSE}
    assert [key.tag for key in unknown.keys] == [STUDY]
    with pytest.raises(DimseFailure) as failure:
        privately({CREATOR: "ACME 1.0", DOSE: ""})
    assert failure.value.offending_elements == (DOSE,)


def test_f03_what_is_only_returned_is_not_matched_on_which_ff01h_says() -> None:
    query = privately({CREATOR: "ACME 1.0", COUNT: "7"})
    assert pending_status(query) == Status.PENDING_WITH_UNSUPPORTED_KEYS
    assert matches(query, {STUDY: "1", ACME_COUNT.key: "8"})
    response = MatchEncoder(query, IMPLICIT, "SCPD").encode({STUDY: "1", ACME_COUNT.key: "8"})
    assert Encoder(IMPLICIT, private_vrs=VRS).encode({CREATOR: "ACME 1.0", COUNT: "8"}) in response
    assert pending_status(privately({CREATOR: "ACME 1.0", COUNT: ""})) == Status.PENDING


def test_f03_of_a_sequence_the_parts_that_a_site_has_indexed_are_keys() -> None:
    query = privately({CONTEXTS: ({VALUE_TYPE: "TEXT", PERSON: "Doe*", CODE: "X"},)})
    assert query.unsupported == {CODE}
    assert query.unmatched == {PERSON}
    stored: Attributes = {STUDY: "1", CONTEXT.key: ({VALUE_TYPE: "CODE"}, {VALUE_TYPE: "TEXT", PERSON: "Roe"})}
    assert matches(query, stored)
    assert answered(query, stored)[CONTEXTS] == ({VALUE_TYPE: "TEXT", PERSON: "Roe"},)
    nothing_of_it = privately({CONTEXTS: ({CODE: "X"},)})
    assert nothing_of_it.unsupported == {CONTEXTS, CODE}
    assert [key.tag for key in nothing_of_it.keys] == [STUDY]
    everything = privately({CONTEXTS: ()})
    assert answered(everything, stored)[CONTEXTS] == stored[CONTEXT.key]


def test_f03_a_sequence_that_is_only_returned_returns_what_was_asked_for() -> None:
    inner = SiteAttribute(0x00190005, "LO", creator="ACME 1.0")
    outer = SiteAttribute(0x00190004, "SQ", "STUDY", "ACME 1.0", is_matched=False)
    part = SiteAttribute(CONTEXTS, "SQ", "STUDY", items=(inner,))
    rules = QueryRules(indexed_besides=Site((outer, part)))
    vrs = {0x00191004: "SQ", 0x00191005: "LO"}
    asked: Attributes = {
        LEVEL: "STUDY",
        0x00190010: "ACME 1.0",
        0x00191004: ({CODE: "A", PROCEDURE_CODES: ({CODE: "B"},)},),
        CONTEXTS: ({0x00190010: "ACME 1.0", 0x00191005: "X"},),
    }
    query = decode_identifier(Encoder(IMPLICIT, private_vrs=vrs).encode(asked), IMPLICIT, Model.STUDY_ROOT, rules)
    assert query.unmatched == {0x00191004}
    stored: Attributes = {outer.key: ({CODE: "C"},), part.key: ({inner.key: "X"}, {inner.key: "Y"})}
    assert matches(query, stored)
    expected: Attributes = {
        0x00190010: "ACME 1.0",
        0x00191004: ({CODE: "C", PROCEDURE_CODES: ""},),
        CONTEXTS: ({0x00190010: "ACME 1.0", 0x00191005: "X"},),
    }
    response = MatchEncoder(query, IMPLICIT, "SCPD").encode(stored)
    assert response == Encoder(IMPLICIT, private_vrs=vrs).encode(
        {LEVEL: "STUDY", RETRIEVE_AE: "SCPD", STUDY: "", **expected}
    )


def test_where_an_item_of_a_sequence_is_retrieved_from_is_matched_on() -> None:
    query = decoded({LEVEL: "IMAGE", STUDY: "1", SERIES: "1", REFERENCED: ({RETRIEVE_AE: "ELSEWHERE"},)})
    assert query.keys[0].matcher == Items((Key(RETRIEVE_AE, "AE", Single("ELSEWHERE")),))
    assert not query.unmatched


VALUES = st.text("0123456789-*?\\.+\"A^= '%_", max_size=30)


@given(st.dictionaries(st.sampled_from([NAME, STUDY_DATE, 0x00080030, 0x0008002A, STUDY, ACCESSION]), VALUES))
def test_arbitrary_values_are_a_query_or_a_refusal(values: dict[Tag, str]) -> None:
    rules = QueryRules(True, True, True, True, True)
    try:
        query = decoded({LEVEL: "IMAGE", **values}, rules=rules)
    except DimseFailure as failure:
        assert failure.status == A900
    else:
        assert matches(query, {tag: value for tag, value in values.items()}) in (True, False)
