import random
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes
from scpd.query.entities import entities, more_telling, patient_key
from scpd.query.terms import Level
from tests.query.build import (
    CONTENT_TIME,
    DESCRIPTION,
    ISSUER,
    MODALITIES,
    NAME,
    PATIENT_ID,
    PROCEDURE_CODES,
    SERIES,
    SOP_INSTANCE,
    STUDY,
    STUDY_DATE,
    STUDY_TIME,
    TIMEZONE,
    instance,
)

ARCHIVE: list[Attributes] = [
    instance("1", "1.1", "1.1.1", PATIENT_ID="P1", MODALITY="CT", SOP_CLASS="9.1"),
    instance("1", "1.1", "1.1.2", PATIENT_ID="P1", MODALITY="CT", SOP_CLASS="9.1"),
    instance("1", "1.2", "1.2.1", PATIENT_ID="P1", MODALITY="SR", SOP_CLASS="9.2"),
    instance("2", "2.1", "2.1.1", PATIENT_ID="P1", MODALITY="CT", SOP_CLASS="9.1"),
    instance("3", "3.1", "3.1.1", PATIENT_ID="P2", MODALITY="MR", SOP_CLASS="9.3"),
    {SOP_INSTANCE: "4", PATIENT_ID: "P3"},  # belongs to no study
]

STUDIES_OF_PATIENT, SERIES_OF_PATIENT, INSTANCES_OF_PATIENT = 0x00201200, 0x00201202, 0x00201204
SERIES_OF_STUDY, INSTANCES_OF_STUDY, INSTANCES_OF_SERIES = 0x00201206, 0x00201208, 0x00201209
CLASSES = 0x00080062


def rows(level: Level, instances: list[Attributes], *tags: int) -> list[tuple[object, ...]]:
    return [tuple(entity.get(tag) for tag in tags) for entity in entities(level, instances)]


def test_f21_counts_at_every_level() -> None:
    patients = rows(Level.PATIENT, ARCHIVE, PATIENT_ID, STUDIES_OF_PATIENT, SERIES_OF_PATIENT, INSTANCES_OF_PATIENT)
    assert patients == [("P1", "2", "3", "4"), ("P2", "1", "1", "1")]
    studies = rows(Level.STUDY, ARCHIVE, STUDY, SERIES_OF_STUDY, INSTANCES_OF_STUDY, MODALITIES, CLASSES)
    assert studies == [
        ("1", "2", "3", "CT\\SR", "9.1\\9.2"),
        ("2", "1", "1", "CT", "9.1"),
        ("3", "1", "1", "MR", "9.3"),
    ]
    series = rows(Level.SERIES, ARCHIVE, STUDY, SERIES, INSTANCES_OF_SERIES)
    assert series == [("1", "1.1", "2"), ("1", "1.2", "1"), ("2", "2.1", "1"), ("3", "3.1", "1")]


def test_what_is_below_shows_what_is_above() -> None:
    shown = rows(Level.IMAGE, ARCHIVE, SOP_INSTANCE, PATIENT_ID, STUDIES_OF_PATIENT, MODALITIES)
    assert shown[0] == ("1.1.1", "P1", "2", "CT\\SR")
    assert [uid for uid, *_ in shown] == ["1.1.1", "1.1.2", "1.2.1", "2.1.1", "3.1.1"]


def test_an_entity_shows_the_attributes_of_its_most_telling_instance() -> None:
    poor = instance("1", "1.1", "1", PATIENT_ID="P1", NAME="AAA")
    rich = instance("1", "1.1", "2", PATIENT_ID="P1", NAME="DOE", PATIENT_AGE="040Y", DESCRIPTION="KNEE", ISSUER="H")
    assert rows(Level.STUDY, [poor, rich], NAME, DESCRIPTION, ISSUER) == [("DOE", "KNEE", "H")]


def test_f28_a_study_has_the_zone_of_the_instance_whose_dates_it_shows() -> None:
    west = instance("1", "1.1", "1", STUDY_DATE="20241231", STUDY_TIME="2330", TIMEZONE="-0500", DESCRIPTION="KNEE")
    east = instance("1", "1.2", "2", STUDY_DATE="20250101", STUDY_TIME="0530", TIMEZONE="+0100")
    at_study = rows(Level.STUDY, [west, east], STUDY_DATE, STUDY_TIME, TIMEZONE)
    assert at_study == [("20241231", "2330", "-0500")]
    assert rows(Level.SERIES, [west, east], SERIES, TIMEZONE) == [("1.1", "-0500"), ("1.2", "+0100")]
    (told,) = entities(Level.STUDY, [west, east], "+0000")
    assert (told[STUDY_DATE], told[STUDY_TIME], told[TIMEZONE]) == ("20250101", "0430", "+0000")


def test_f28_every_level_is_told_from_its_own_zone() -> None:
    poor = instance("1", "1.1", "1", STUDY_DATE="20240101", STUDY_TIME="12", TIMEZONE="+0100", CONTENT_TIME="12")
    rich = instance("1", "1.1", "2", STUDY_DATE="20240101", STUDY_TIME="12", TIMEZONE="-0100", DESCRIPTION="KNEE")
    first, _ = entities(Level.IMAGE, [poor, rich], "+0000")
    assert (first[STUDY_TIME], first[CONTENT_TIME]) == ("13", "11")


def test_a_study_whose_instances_name_two_patients_has_one() -> None:
    instances: list[Attributes] = [instance("1", "1.1", "1", PATIENT_ID="B"), instance("1", "1.1", "2", PATIENT_ID="A")]
    assert rows(Level.PATIENT, instances, PATIENT_ID, INSTANCES_OF_PATIENT) == [("A", "2")]


def test_one_patient_id_of_two_issuers_is_two_patients() -> None:
    instances: list[Attributes] = [
        instance("1", "1.1", "1", PATIENT_ID="7", ISSUER="NORTH"),
        instance("2", "2.1", "2", PATIENT_ID="7", ISSUER="SOUTH"),
    ]
    assert rows(Level.PATIENT, instances, PATIENT_ID, ISSUER) == [("7", "NORTH"), ("7", "SOUTH")]


def test_f25_strangers_without_a_patient_id_are_not_one_patient() -> None:
    instances: list[Attributes] = [
        instance("1", "1.1", "1", NAME="A"),
        instance("2", "2.1", "2", NAME="B", PATIENT_ID=""),
    ]
    assert rows(Level.PATIENT, instances, NAME, STUDIES_OF_PATIENT) == [("A", "1"), ("B", "1")]
    assert patient_key(instances[0]) == ("", "", "1")


def test_instances_at_one_level_keep_their_own_attributes() -> None:
    numbered: list[Attributes] = [instance("1", "1.1", f"1.{n}", INSTANCE_NUMBER=str(n)) for n in range(3)]
    assert rows(Level.IMAGE, numbered, 0x00200013) == [("0",), ("1",), ("2",)]


def test_no_order_of_arrival_changes_what_is_shown() -> None:
    instances = [
        instance("1", "1.1", "1", PATIENT_ID="P", NAME="A", PROCEDURE_CODES=({0x00080100: "X"},)),
        instance("1", "1.1", "2", PATIENT_ID="P", NAME="A", PROCEDURE_CODES=({0x00080100: "Y"},)),
        instance("1", "1.2", "3", PATIENT_ID="Q", NAME="", DESCRIPTION=""),
    ]
    answers = [list(entities(Level.STUDY, order)) for order in permutations(instances)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0][PROCEDURE_CODES] == ({0x00080100: "X"},)


SETS = st.dictionaries(st.sampled_from([NAME, PATIENT_ID, ISSUER]), st.sampled_from(["", "A", "B"]))


@given(SETS, SETS, SETS, st.randoms(use_true_random=False))
def test_the_winner_is_a_maximum_in_a_total_order(
    a: Attributes, b: Attributes, c: Attributes, rng: random.Random
) -> None:
    assert more_telling(a, b) == more_telling(b, a)
    assert more_telling(a, more_telling(b, c)) == more_telling(more_telling(a, b), c)
    shuffled = dict(rng.sample(list(a.items()), len(a)))
    assert more_telling(a, shuffled) == a
