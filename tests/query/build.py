"""Short ways to write queries, identifiers and instances in tests."""

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.dataset.dictionary import vr_of
from scpd.dataset.encode import Encoder
from scpd.query.identifier import STRICT, QueryRules, decode_identifier
from scpd.query.terms import Key, Level, Matcher, Model, Query

IMPLICIT = "1.2.840.10008.1.2"

CHARACTER_SET, SOP_CLASS, SOP_INSTANCE = 0x00080005, 0x00080016, 0x00080018
STUDY_DATE, STUDY_TIME, ACCESSION, LEVEL, MODALITY = 0x00080020, 0x00080030, 0x00080050, 0x00080052, 0x00080060
MODALITIES, DESCRIPTION, PROCEDURE_CODES, CODE = 0x00080061, 0x00081030, 0x00081032, 0x00080100
CONTENT_TIME, ACQUISITION, TIMEZONE = 0x00080033, 0x0008002A, 0x00080201
NAME, PATIENT_ID, ISSUER, COMMENTS, PATIENT_AGE = 0x00100010, 0x00100020, 0x00100021, 0x00104000, 0x00101010
STUDY, SERIES, INSTANCE_NUMBER, SERIES_NUMBER = 0x0020000D, 0x0020000E, 0x00200013, 0x00200011


def identifier(keys: Attributes, charset: str = "ISO_IR 192") -> bytes:
    """The bytes of an Identifier, in implicit VR little endian."""
    return Encoder(IMPLICIT, charset).encode({CHARACTER_SET: charset, **keys})


def decoded(keys: Attributes, model: Model = Model.STUDY_ROOT, rules: QueryRules = STRICT) -> Query:
    """The query that an Identifier of these keys asks."""
    return decode_identifier(identifier(keys), IMPLICIT, model, rules)


def asked(tag: Tag, matcher: Matcher, level: Level = Level.IMAGE) -> Query:
    """A query on one key."""
    return Query(Model.STUDY_ROOT, level, (Key(tag, vr_of(tag), matcher),))


def instance(study: str = "1", series: str = "1.1", sop: str = "1.1.1", /, **others: Value) -> dict[Tag, Value]:
    """An instance; other attributes by the names above."""
    named = {globals()[name]: value for name, value in others.items()}
    return {STUDY: study, SERIES: series, SOP_INSTANCE: sop, **named}
