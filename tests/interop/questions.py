"""The same C-FIND by five clients: what is asked, how each of them asks it, and the rows that each of them reads.

A row is what one match says of the keys that were asked for, as text. What a client cannot ask is listed with the
reason; everything else must give the rows of the oracle.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TypeAlias

from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pydicom.valuerep import PersonName
from pynetdicom import AE, build_context
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from scpd.query.terms import Level, Model
from tests.interop.dcmjs import dcmjs
from tests.interop.dcmtk import findscu
from tests.interop.gdcm import gdcmscu
from tests.interop.orthanc import Orthanc
from tests.interop.wiretap import C_FIND_RSP, Wiretap
from tests.rawpeer import PATIENT_ROOT_FIND, STUDY_ROOT_FIND

Keys: TypeAlias = Mapping[str, "str | Keys"]
"""Values by keyword; the keys of a sequence's item are keys again."""

Row: TypeAlias = tuple[str, ...]

MODELS = {Model.PATIENT_ROOT: PATIENT_ROOT_FIND, Model.STUDY_ROOT: STUDY_ROOT_FIND}
RELATIONAL_AND_COMBINED = b"\x01\x01"
"""What is proposed for a query of more than the hierarchy, or with a date and a time in one range (PS3.4 C.5.1.1)."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query; `extended` ones are asked after extended negotiation only."""

    level: Level
    keys: Keys
    model: Model = Model.STUDY_ROOT
    extended: bool = False

    @property
    def needs(self) -> set[str]:
        """What not every client can do."""
        several = [isinstance(value, Mapping) for value in self.keys.values()]
        return {
            *(["extended negotiation"] if self.extended else []),
            *(["sequences"] if any(several) else []),
            *(["the Patient Root"] if self.model is Model.PATIENT_ROOT else []),
            *(["the Patient Root below patients"] if self.below_patients else []),
            *([] if str(self.keys).isascii() else ["other characters"]),
        }

    @property
    def below_patients(self) -> bool:
        """Whether it asks in the Patient Root for something else than patients."""
        return self.model is Model.PATIENT_ROOT and self.level is not Level.PATIENT

    @property
    def asked(self) -> Sequence[str]:
        """The keywords that a row is made of: of text only."""
        return [keyword for keyword, value in self.keys.items() if isinstance(value, str)]


CANNOT: Mapping[tuple[str, str], str] = {
    ("dcmtk", "extended negotiation"): "findscu proposes none",
    ("gdcm", "extended negotiation"): "gdcmscu proposes none",
    ("gdcm", "sequences"): "--key takes one tag and a text",
    ("dcmjs", "extended negotiation"): "the client proposes none for queries",
    ("dcmjs", "the Patient Root"): "CFindRequest has the Study Root written into it",
    ("orthanc", "extended negotiation"): "it proposes none",
    ("orthanc", "sequences"): "a query is a flat object of texts",
    (
        "orthanc",
        "the Patient Root below patients",
    ): "it asks only for patients in that model",
}


NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
"""What a person name is made of (PS3.5 6.2.1.1), as PS3.18 F.2.2 calls it."""


def can(client: str, question: Question) -> bool:
    """Whether a client can ask it."""
    return not any((client, need) in CANNOT for need in question.needs)


def ask_by_dcmtk(port: int, question: Question) -> list[Row]:
    keys = dict(flat(with_character_set(question.keys)))
    matches = findscu(port, question.level.value, keys, model=f"--{question.model.name.split('_')[0].lower()}")
    return rows_of(question, matches)


def flat(keys: Keys, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The keys as findscu takes them: "ProcedureCodeSequence[0].CodeValue"."""
    for keyword, value in keys.items():
        if isinstance(value, str):
            yield prefix + keyword, value
        else:
            yield from flat(value, f"{prefix}{keyword}[0].")


def ask_by_pynetdicom(port: int, question: Question) -> list[Row]:
    sop_class = UID(MODELS[question.model])
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid, extended.service_class_application_information = sop_class, RELATIONAL_AND_COMBINED
    association = AE("PYNETDICOM").associate(
        "127.0.0.1", port, [build_context(sop_class)], "SCPD", ext_neg=[extended] if question.extended else None
    )
    assert association.is_established
    try:
        *pending, (last, _) = association.send_c_find(data_set(question), sop_class)
    finally:
        association.release()
    assert [last.Status, *{status.Status for status, _ in pending}] in ([0x0000], [0x0000, 0xFF00])
    return rows_of(question, [match for _, match in pending if match is not None])


def data_set(question: Question) -> Dataset:
    """The Identifier as pydicom has it."""
    asked = item(with_character_set(question.keys))
    asked.QueryRetrieveLevel = question.level.value
    return asked


def item(keys: Keys) -> Dataset:
    """Keys as a data set."""
    made = Dataset()
    for keyword, value in keys.items():
        setattr(made, keyword, value if isinstance(value, str) else [item(value)])
    return made


def ask_by_gdcm(port: int, question: Question) -> list[Row]:
    model = f"--{question.model.value.replace('_', '').lower()}"
    keys = [
        f"{tag >> 16:x},{tag & 0xFFFF:x}={value}"
        for keyword, value in with_character_set(question.keys).items()
        if (tag := tag_for_keyword(keyword)) is not None
    ]
    asked = [word for key in keys for word in ("--key", key)]
    with Wiretap(port) as wire:
        gdcmscu(wire.port, "--find", model, f"--{question.level.value.lower()}", *asked)
    *pending, last = wire.responses(C_FIND_RSP)
    assert last == (0x0000, b"")
    return rows_of(question, [dcmread(BytesIO(match), force=True) for _, match in pending])


def ask_by_dcmjs(port: int, question: Question) -> list[Row]:
    responses = dcmjs(port, "find", question.level.value, json.dumps(natural(with_character_set(question.keys))))
    assert [one["status"] for one in responses if one["status"] != 0xFF00] == [0x0000]
    matches = [one["dataset"] for one in responses if one["status"] == 0xFF00]
    return sorted(tuple(told(match.get(keyword, "")) for keyword in question.asked) for match in matches)


def natural(keys: Keys) -> dict[str, object]:
    """Keys as dcmjs has them: several values as a list, or it would cut the text at the length of one."""
    return {
        keyword: (value.split("\\") if "\\" in value else value) if isinstance(value, str) else [natural(value)]
        for keyword, value in keys.items()
    }


def ask_by_orthanc(orthanc: Orthanc, port: int, question: Question) -> list[Row]:
    orthanc.aim(port, tls=False)
    level = "Instance" if question.level is Level.IMAGE else question.level.value.capitalize()
    matches = orthanc.find(level, {keyword: str(value) for keyword, value in question.keys.items()})
    return sorted(tuple(told(match.get(keyword, "")) for keyword in question.asked) for match in matches)


def with_character_set(keys: Keys) -> Keys:
    """In UTF-8, where there is more than ASCII."""
    return keys if str(keys).isascii() else {"SpecificCharacterSet": "ISO_IR 192", **keys}


def told(value: object) -> str:
    """What JSON says of an attribute, as text."""
    match value:
        case None:
            return ""
        case list():
            return "\\".join(map(told, value))
        case dict():
            return "=".join(str(value.get(group, "")) for group in NAME_GROUPS).rstrip("=")
        case _:
            return str(value).rstrip("=")


def rows_of(question: Question, matches: Iterable[Dataset]) -> list[Row]:
    """What pydicom says of the matches."""
    return sorted(tuple(value_of(match, keyword) for keyword in question.asked) for match in matches)


def value_of(match: Dataset, keyword: str) -> str:
    """The text of an attribute, without empty groups at the end of a name."""
    value = match.get(keyword)
    several = value if isinstance(value, MultiValue) else [value]
    return "\\".join("" if one is None else plain(one) for one in several)


def plain(value: object) -> str:
    """One value as it was written."""
    return str(value).rstrip("=") if isinstance(value, PersonName) else str(getattr(value, "original_string", value))
