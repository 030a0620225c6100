"""Random archives: instances that agree about their patient, study and series as in a hospital, or do not.

A few patients, studies and series are dealt out to the instances, so that every entity has siblings; then an instance
may contradict them in anything. One without a Study Instance UID is no patient's (PS3.4 GG). Values come from small
pools, so that entities share them.
"""

from collections.abc import Mapping, Sequence
from random import Random

from scpd.dataset import dictionary
from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.dataset.site import Site, SiteAttribute
from scpd.query.levels import LEVEL_OF, TIMEZONE_OFFSET_FROM_UTC
from scpd.query.terms import Level
from scpd.testing import HOSTILE_TEXTS, PATIENT_ID, SERIES, SOP_CLASS, SOP_INSTANCE, STUDY
from tests.datasets import tag_of

SITE = Site(
    (
        SiteAttribute(tag_of("ContrastBolusRoute"), "LO"),
        SiteAttribute(tag_of("StudyComments"), "LT", "STUDY"),
        SiteAttribute(tag_of("ContrastBolusVolume"), "DS", "SERIES", is_matched=False),
        SiteAttribute(0x00190002, "LO", "SERIES", "ACME 1.0"),
        SiteAttribute(0x00190003, "PN", "PATIENT", "ACME 1.0"),
    )
)
"""Not in the grid of `query/levels.py`, but indexed by this site; the private ones by keys that are no tags."""

WANTED = {one.key: one for one in SITE.attributes}

LONG = "x" * 9_000

NAMES = (
    "Doe^Jane", "DOE^JANE^^", "doe^john^A^Dr", "Doe^John=", "müller^jörg", "MULLER^JORG", "Ｍｕｌｌｅｒ^Jorg", "Straße",
    "Yamada^Tarou=山田^太郎=やまだ^たろう", "=山田^太郎", "==やまだ^たろう", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
    "Hong^Gildong=洪^吉洞=홍^길동", "Doe^Jane\\Roe^Richard", "\\Doe^Jane", "^", "", LONG,
)  # fmt: skip
TEXTS = (
    *HOSTILE_TEXTS, "1", "10", "1_0", "A", "a", "A\\a", "1\\10\\100%", "\\", "\\A", "[", "[!1]", "]", "'", '"', '""',
    "\0", "\ud800", "\udfffz", "\ue000", "\U0010ffff", "-", "", LONG,
)  # fmt: skip
DATES = (
    "20240101", "20240229", "20240301", "20241231", "19991231", "2024.03.01", "20240101\\20250101", "20241301", "2024",
    "99999999", "yesterday", "",
)  # fmt: skip
TIMES = ("00", "10", "1015", "101500", "101559.999", "10:15:00", "2359", "235960", "235959.999999", "1015\\11", "x", "")
MOMENTS = (
    "2024", "202402", "20240101", "2024010112", "20240101120000.5", "20240101120000+0100", "20231231233000-0500",
    "20240101120000\\20240601", "202401011200+1500", "",
)  # fmt: skip
NUMBERS = ("1", "01", "+1", "1.0", "1E0", "-0", "0", "2", "10", "1\\2", "x", "NaN", "1e99999999999", "")
POOLS: Mapping[str, Sequence[str]] = {
    "PN": NAMES, "UI": ("1.2.1", "1.2.1.1", "1.2.2", "1.2.1\\1.2.2", "1.2.*", "1.2.\0", ""), "DA": DATES, "TM": TIMES,
    "DT": MOMENTS, "IS": NUMBERS, "DS": NUMBERS, "US": ("1", "2", "512", "1\\2", ""), "AS": ("001Y", "012M", ""),
    "CS": ("CT", "MR", "M", "F", "ORIGINAL\\PRIMARY", "DERIVED\\PRIMARY\\AXIAL", "ct", "C_T", ""),
}  # fmt: skip
"""What attributes of a VR hold; those of others hold TEXTS."""

POOL_OF: Mapping[Tag, Sequence[str]] = {
    PATIENT_ID: ("1", "10", "A", "O'Brien", "100%", "1\\A", "\0", ""),
    tag_of("IssuerOfPatientID"): ("A", "B", ""),
    STUDY: ("1.2.1", "1.2.10", "1.2.2", "1.2.1.1", ""),
    SERIES: ("1.2.1.1", "1.2.1.2", "1.2.2.1", "LOCALIZER"),
    SOP_INSTANCE: [f"1.2.{number}" for number in range(24)],
    SOP_CLASS: ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"),
    TIMEZONE_OFFSET_FROM_UTC: ("+0000", "+0100", "-0500", "+1400", "+2500", ""),
}
"""Of these attributes, whatever their VR."""

KEYWORDS = """
    PatientName PatientID IssuerOfPatientID PatientBirthDate PatientBirthTime PatientSex OtherPatientIDs
    OtherPatientNames PatientComments OtherPatientIDsSequence
    StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyDescription NameOfPhysiciansReadingStudy StudyID
    PatientAge PatientWeight PregnancyStatus ReasonForVisit AdmittingDate AdmittingTime ProcedureCodeSequence
    Modality SeriesDescription SeriesNumber SeriesDate SeriesTime OperatorsName InstitutionAddress BodyPartExamined
    SynchronizationFrameOfReferenceUID RequestAttributesSequence
    InstanceNumber ContentDate ContentTime AcquisitionDateTime ImageType ImageComments ContentCreatorName
    RelatedGeneralSOPClassUID Rows SliceThickness TimezoneOffsetFromUTC ReferencedImageSequence
"""
"""At each level something of every VR that is matched on, with one value or several."""

KEYS = (*map(tag_of, KEYWORDS.split()), *WANTED)
CODES = tag_of("ScheduledProtocolCodeSequence")
NESTED = tuple(map(tag_of, ("CodeValue", "CodeMeaning", "Date", "DateTime", "PersonName", "ReferencedSOPInstanceUID")))
"""What items hold, besides CODES with further items."""


def pool(tag: Tag) -> Sequence[str]:
    """What an attribute may hold."""
    return POOL_OF.get(tag) or POOLS.get(vr_of(tag), TEXTS)


def vr_of(tag: Tag) -> str:
    """The VR of an attribute."""
    return WANTED[tag].vr if tag in WANTED else dictionary.vr_of(tag)


def level_of(tag: Tag) -> Level:
    """Where an attribute lives; each level has a time zone of its own, here they agree as a rule."""
    return Level(WANTED[tag].level) if tag in WANTED else LEVEL_OF.get(tag, Level.STUDY)


def random_archive(chance: Random) -> list[Attributes]:
    """Up to two dozen instances in the order in which they arrive."""
    patients = [{**_some_of(Level.PATIENT, chance), PATIENT_ID: _value(PATIENT_ID, chance)} for _ in range(3)]
    studies = [
        {**chance.choice(patients), **_some_of(Level.STUDY, chance), STUDY: uid}
        for uid in chance.sample(pool(STUDY), 3)
    ]
    series = [
        {**chance.choice(studies), **_some_of(Level.SERIES, chance), SERIES: chance.choice(pool(SERIES))}
        for _ in range(5)
    ]
    uids = chance.sample(pool(SOP_INSTANCE), chance.randint(1, len(pool(SOP_INSTANCE))))
    return [_instance(uid, chance.choice(series), chance) for uid in uids]


def _instance(uid: str, series: Attributes, chance: Random) -> Attributes:
    contradicted = chance.choices((*KEYS, STUDY, SERIES), k=chance.choice((0, 0, 0, 1, 3)))
    return {
        **series,
        **_some_of(Level.IMAGE, chance),
        **{tag: _value(tag, chance) for tag in contradicted},
        SOP_CLASS: chance.choice(pool(SOP_CLASS)),
        SOP_INSTANCE: uid,
    }


def _some_of(level: Level, chance: Random) -> Attributes:
    return {tag: _value(tag, chance) for tag in KEYS if level_of(tag) is level and chance.random() < 0.8}


def _value(tag: Tag, chance: Random) -> Value:
    if vr_of(tag) != "SQ":
        return chance.choice(pool(tag))
    return tuple(_item(tag, chance) for _ in range(chance.randint(0, 2)))


def _item(sequence: Tag, chance: Random) -> Attributes:
    within = NESTED if sequence == CODES else (*NESTED, CODES)
    return {tag: _value(tag, chance) for tag in within if chance.random() < 0.7}
