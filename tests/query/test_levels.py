"""The grid of attributes against the dictionary, and against the Standard's list of unique and required keys."""

from pydicom.datadict import dictionary_VR, keyword_for_tag

from scpd.dataset.site import SiteAttribute
from scpd.query.levels import (
    COMPUTED,
    COMPUTED_ROWS,
    LEVEL_OF,
    STORED,
    STORED_ROWS,
    TIMEZONE_OFFSET_FROM_UTC,
    UNIQUE_KEY,
    VR_OF,
    WANTED,
    ZONED,
    level_of,
    levels,
    stored_at,
)
from scpd.query.terms import Level, Model

ROWS = STORED_ROWS + COMPUTED_ROWS


def test_every_row_is_what_the_dictionary_says() -> None:
    assert [(tag, vr, keyword) for _, tag, vr, _, keyword in ROWS] == [
        (tag, dictionary_VR(tag), keyword_for_tag(tag)) for _, tag, *_ in ROWS
    ]


def test_every_attribute_has_one_level_but_the_time_zone() -> None:
    assert len(LEVEL_OF) == len(VR_OF) == len(ROWS)
    assert sum(map(len, STORED.values())) == len(STORED_ROWS) + 2  # the time zone has three


def test_the_time_zone_goes_with_every_level_whose_dates_are_moments() -> None:
    assert {level for level in Level if TIMEZONE_OFFSET_FROM_UTC in STORED[level]} == ZONED
    assert Level.PATIENT not in ZONED


def test_unique_and_required_keys_are_those_of_ps3_4_c_6() -> None:
    assert list(UNIQUE_KEY.values()) == [0x00100020, 0x0020000D, 0x0020000E, 0x00080018]
    required = {level: {keyword for at, _, _, kind, keyword in ROWS if at is level and kind == "R"} for level in Level}
    assert required == {
        Level.PATIENT: {"PatientName"},
        Level.STUDY: {"StudyDate", "StudyTime", "AccessionNumber", "StudyID"},
        Level.SERIES: {"Modality", "SeriesNumber"},
        Level.IMAGE: {"InstanceNumber"},
    }


def test_the_scanner_is_asked_for_all_but_computed_keys() -> None:
    assert set(LEVEL_OF) - COMPUTED | {0x00080005} == WANTED


def test_study_root_puts_the_patient_on_the_study_level() -> None:
    assert levels(Model.STUDY_ROOT) == (Level.STUDY, Level.SERIES, Level.IMAGE)
    assert level_of(0x00100010, Model.STUDY_ROOT) is Level.STUDY
    assert level_of(0x00100010, Model.PATIENT_ROOT) is Level.PATIENT
    assert level_of(0x00091001, Model.PATIENT_ROOT) is None


def test_what_the_grid_does_not_know_is_kept_with_the_instance() -> None:
    tags = [0x00080005, 0x00080054, 0x00100020, 0x0020000D, 0x00200013, 0x00201208, 0x00181040]
    assert stored_at(Level.IMAGE, tags) == [0x00200013, 0x00181040]
    assert stored_at(Level.STUDY, tags) == [0x0020000D]


def test_what_a_site_wants_of_another_level_is_kept_there() -> None:
    keys = [SiteAttribute(0x00181040, "LO", level).key for level in Level]
    private = [SiteAttribute(0x00190002, "LO", level, "ACME 1.0").key for level in Level]
    for level, key, private_key in zip(Level, keys, private, strict=True):
        assert stored_at(level, [*keys, *private]) == [key, private_key]
