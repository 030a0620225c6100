import pytest

from scpd.config.attributes import Named, site_of, steps_of
from scpd.dataset.site import SiteAttribute

ACME = SiteAttribute(0x00290010, "SQ", creator="ACME > 1.0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ContrastBolusRoute", [SiteAttribute(0x00181040, "LO")]),
        ("(0018,1040)", [SiteAttribute(0x00181040, "LO")]),
        ('(0019,xx0A) "ACME" DS', [SiteAttribute(0x0019000A, "DS", creator="ACME")]),
        (
            '7053,xx00 "Philips PET Private Group"',
            [SiteAttribute(0x70530000, "DS", creator="Philips PET Private Group")],
        ),
        (
            '(0029,xx10) "ACME > 1.0" SQ>CodeValue',
            [ACME, SiteAttribute(0x00080100, "SH")],
        ),
        (
            "AcquisitionContextSequence > ConceptNameCodeSequence > CodeMeaning",
            [SiteAttribute(0x00400555, "SQ"), SiteAttribute(0x0040A043, "SQ"), SiteAttribute(0x00080104, "LO")],
        ),
    ],
)
def test_a_name_is_a_path_of_keywords_tags_and_private_elements(name: str, expected: list[SiteAttribute]) -> None:
    assert list(steps_of(name)) == expected


def test_paths_through_one_sequence_are_one_attribute() -> None:
    contexts, names = SiteAttribute(0x00400555, "SQ"), SiteAttribute(0x0040A043, "SQ")
    path = "AcquisitionContextSequence > ConceptNameCodeSequence > "
    (one,) = site_of(
        [
            Named(f"{path}CodeValue", "SERIES"),
            Named("AcquisitionContextSequence > ValueType", "SERIES", is_matched=False),
            Named(f"{path}CodeMeaning", "SERIES"),
            Named(f"{path}CodeMeaning", "SERIES"),
        ]
    ).attributes
    code = (SiteAttribute(0x00080100, "SH"), SiteAttribute(0x00080104, "LO"))
    kept = (
        SiteAttribute(names.tag, "SQ", items=code),
        SiteAttribute(0x0040A040, "CS", is_matched=False),
    )
    assert one == SiteAttribute(contexts.tag, "SQ", "SERIES", items=kept)


@pytest.mark.parametrize("order", [1, -1])
def test_all_of_a_sequence_has_its_parts(order: int) -> None:
    declared = [Named("AcquisitionContextSequence"), Named("AcquisitionContextSequence > ValueType")]
    assert site_of(declared[::order]).attributes == (SiteAttribute(0x00400555, "SQ"),)


def test_what_is_indexed_anyway_needs_nothing() -> None:
    assert not site_of([Named("PatientID"), Named("RequestAttributesSequence > StudyInstanceUID", "SERIES")]).attributes
