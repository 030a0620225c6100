"""DCMTK, pynetdicom, GDCM, dcmjs-dimse and Orthanc ask the same questions over one archive of real files.

Everybody gets the rows of the oracle: `query/matching.py` over the attributes read from the files themselves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest

from scpd.dataset.attributes import Attributes, text
from scpd.dataset.encode import Encoder
from scpd.dataset.scan import Wanted
from scpd.dataset.scanner import Scanner
from scpd.dataset.uid import is_valid_uid
from scpd.query.identifier import decode_identifier
from scpd.query.levels import QUERY_RETRIEVE_LEVEL, SPECIFIC_CHARACTER_SET, WANTED
from scpd.query.matchers import QueryRules
from scpd.query.matching import answer
from scpd.query.terms import Level, Model
from scpd.testing import SERIES, SOP_CLASS, SOP_INSTANCE, STUDY
from tests.dataset.real_files import RealFile, real_files
from tests.datasets import tag_of
from tests.interop import questions
from tests.interop.daemon import Daemon
from tests.interop.orthanc import Orthanc
from tests.interop.questions import CANNOT, Keys, Question, Row, can
from tests.rawpeer import IMPLICIT_LE, Proposal, RawPeer, command, data_set, store_rq

CLIENTS = ("dcmtk", "pynetdicom", "gdcm", "dcmjs", "orthanc")

PATIENT: Keys = {"PatientID": "", "PatientName": "", "NumberOfPatientRelatedStudies": ""}
STUDY_KEYS: Keys = {"StudyInstanceUID": "", "PatientID": "", "PatientName": "", "StudyDate": "", "StudyTime": ""}
SERIES_KEYS: Keys = {"StudyInstanceUID": "", "SeriesInstanceUID": "", "Modality": "", "SeriesNumber": ""}
IMAGE_KEYS: Keys = {"StudyInstanceUID": "", "SeriesInstanceUID": "", "SOPInstanceUID": "", "InstanceNumber": ""}

PETER, ARCHIBALD = "98890234", "77654033"
BRAIN = "1.3.6.1.4.1.5962.1.1.0.0.0.1196533885.18148.0"
PETERS = {"PatientID": PETER, "StudyInstanceUID": f"{BRAIN}.133"}
"""One of Peter's studies, with two series."""

OF_A_SERIES = {"StudyInstanceUID": f"{BRAIN}.1", "SeriesInstanceUID": f"{BRAIN}.118"}


def patients(**keys: str) -> Question:
    return Question(Level.PATIENT, {**PATIENT, **keys}, Model.PATIENT_ROOT)


def studies(**keys: "str | Keys") -> Question:
    return Question(Level.STUDY, {**STUDY_KEYS, **keys})


def series(keys: Keys) -> Question:
    return Question(Level.SERIES, {**SERIES_KEYS, **keys})


def images(keys: Keys) -> Question:
    return Question(Level.IMAGE, {**IMAGE_KEYS, **keys})


def in_patient_root(question: Question) -> Question:
    return replace(question, model=Model.PATIENT_ROOT)


def extended(question: Question) -> Question:
    return replace(question, extended=True)


EVERYTHING = [patients(), studies(), extended(series({})), extended(images({}))]

QUESTIONS: Mapping[str, Question] = {
    "all patients": patients(),
    "a patient by ID": patients(PatientID=PETER),
    "patients by name, in any case": patients(PatientName="doe^*"),
    "patients by birth date": patients(PatientBirthDate="19400101-19701231"),
    "all studies": studies(NumberOfStudyRelatedSeries="", NumberOfStudyRelatedInstances="", ModalitiesInStudy=""),
    "studies of some years": studies(StudyDate="20000101-20041231"),
    "studies since": studies(StudyDate="20080101-"),
    "studies until": studies(StudyDate="-19991231"),
    "studies of a day": studies(StudyDate="20030505"),
    "studies of the morning": studies(StudyTime="0500-1130"),
    "studies by list of UIDs": studies(StudyInstanceUID=f"{BRAIN}.1\\1.2.3\\{BRAIN}.133"),
    "studies by modality": studies(ModalitiesInStudy="MR"),
    "studies by a part of the description": studies(StudyDescription="*Br?in*"),
    "studies by accession number": studies(AccessionNumber="2"),
    "studies by the code of the procedure": studies(ProcedureCodeSequence={"CodeValue": "2501", "CodeMeaning": ""}),
    "studies of some days, at a time of the day": studies(StudyDate="20010101-20040826", StudyTime="1000-190000"),
    "studies from a moment to another": extended(studies(StudyDate="20010101-20040826", StudyTime="1000-190000")),
    "names in Greek": studies(PatientName="Διον*"),
    "names in Latin letters with diacritics": studies(PatientName="*^Jérôme"),
    "names with diacritics, asked without": studies(PatientName="aneas^rudiger"),
    "names in Cyrillic": studies(PatientName="Люк*"),
    "names in Arabic": studies(PatientName="قباني^لنزار"),
    "names in Hebrew": studies(PatientName="שרון^*"),
    "names in Japanese": studies(PatientName="山田^*"),
    "names by their phonetic group": studies(PatientName="*=*=やまだ^たろう"),
    "names in Korean": studies(PatientName="*^길동"),
    "names in Chinese": studies(PatientName="王^小东"),
    "series of a study": series({"StudyInstanceUID": f"{BRAIN}.1"}),
    "series of a study by number": series({"StudyInstanceUID": f"{BRAIN}.1", "SeriesNumber": "02"}),
    "series by modality, in all studies": extended(series({"Modality": "CT"})),
    "instances of a series": images(OF_A_SERIES),
    "instances by number": images({**OF_A_SERIES, "InstanceNumber": "1"}),
    "instances by list of UIDs": images({**OF_A_SERIES, "SOPInstanceUID": f"{BRAIN}.119\\1.2.3\\{BRAIN}.121"}),
    "instances by what they were derived from": extended(images({"DerivationCodeSequence": {"CodeValue": "121327"}})),
    "studies of a patient": in_patient_root(studies(PatientID=ARCHIBALD)),
    "series of a patient's study": in_patient_root(series(PETERS)),
    "instances of a patient's series": in_patient_root(images({**PETERS, "SeriesInstanceUID": f"{BRAIN}.136"})),
}


def rules_of(question: Question) -> QueryRules:
    """What the daemon grants whoever negotiates it."""
    return QueryRules(relational=question.extended, combined_datetime=question.extended)


def oracle(question: Question, archive: Sequence[Attributes]) -> list[Row]:
    """The rows that everybody is to get."""
    identifier = {SPECIFIC_CHARACTER_SET: "ISO_IR 192", QUERY_RETRIEVE_LEVEL: question.level.value}
    encoded = Encoder(IMPLICIT_LE, "ISO_IR 192").encode({**identifier, **tagged(question.keys)})
    query = decode_identifier(encoded, IMPLICIT_LE, question.model, rules_of(question))
    tags = [tag_of(keyword) for keyword in question.asked]
    return sorted(tuple(text(match, tag).rstrip("=") for tag in tags) for match in answer(query, archive))


def tagged(keys: Keys) -> Attributes:
    """Keys by tag."""
    return {tag_of(word): value if isinstance(value, str) else (tagged(value),) for word, value in keys.items()}


class RealArchive(NamedTuple):
    """The daemon, and what the objects in it say of themselves."""

    port: int
    attributes: Sequence[Attributes]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealArchive]:
    with Daemon(tmp_path_factory.mktemp("archive")) as daemon:
        yield RealArchive(daemon.port, list(stored(daemon.port)))


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with Orthanc(tmp_path_factory.mktemp("orthanc"), DefaultEncoding="Utf8") as orthanc:
        yield orthanc


def stored(port: int) -> Iterator[Attributes]:
    """Stores one file for every SOP Instance UID, and yields what was read of it without the daemon."""
    files = {str(found[SOP_INSTANCE]): (file, found) for file in real_files() if fit(found := read(file))}
    pairs = sorted({(str(found[SOP_CLASS]), file.transfer_syntax_uid) for file, found in files.values()})
    contexts = {pair: number for number, pair in zip(range(1, 256, 2), pairs, strict=False)}
    with RawPeer(port) as peer:
        peer.associate(Proposal(contexts=[(number, sop, (syntax,)) for (sop, syntax), number in contexts.items()]))
        for uid, (file, found) in files.items():
            sop_class = str(found[SOP_CLASS])
            number = contexts[sop_class, file.transfer_syntax_uid]
            peer.send(command(number, store_rq(uid, sop_class=sop_class)) + data_set(number, file.data_set))
            assert peer.receive_message().status in (0x0000, 0xB007), file.path.name
            yield found
        peer.release()


def read(file: RealFile) -> Attributes:
    """The attributes that queries are about."""
    scanner = Scanner(file.transfer_syntax_uid, Wanted(WANTED))
    scanner.feed(file.data_set)
    return scanner.finish().attributes()


def fit(attributes: Attributes) -> bool:
    """Whether an object can be filed, and so is found."""
    return all(is_valid_uid(text(attributes, tag)) for tag in (SOP_CLASS, SOP_INSTANCE, STUDY, SERIES))


@pytest.fixture
def ask(archive: RealArchive, request: pytest.FixtureRequest) -> Callable[[str, Question], list[Row]]:
    """Asks by a client."""

    def asked(client: str, question: Question) -> list[Row]:
        if client == "orthanc":
            return questions.ask_by_orthanc(request.getfixturevalue("orthanc"), archive.port, question)
        return BY_CLIENT[client](archive.port, question)

    return asked


BY_CLIENT: Mapping[str, Callable[[int, Question], list[Row]]] = {
    "dcmtk": questions.ask_by_dcmtk,
    "pynetdicom": questions.ask_by_pynetdicom,
    "gdcm": questions.ask_by_gdcm,
    "dcmjs": questions.ask_by_dcmjs,
}


def test_the_archive_and_the_questions_are_worth_asking(archive: RealArchive) -> None:
    """Every question finds something, and all but those for everything leave something out."""
    everything = {question.level: len(oracle(question, archive.attributes)) for question in EVERYTHING}
    assert len(archive.attributes) > 140
    for name, question in QUESTIONS.items():
        found = len(oracle(question, archive.attributes))
        assert found > 0 and (found < everything[question.level] or name.startswith("all ")), name


def test_a_client_that_cannot_ask_is_listed_for_a_need_that_some_question_has() -> None:
    needs = {need for question in QUESTIONS.values() for need in question.needs}
    assert {need for _, need in CANNOT} <= needs
    assert {client for client, _ in CANNOT} <= set(CLIENTS)


@pytest.mark.parametrize(
    ("client", "name"), [(c, name) for c in CLIENTS for name, question in QUESTIONS.items() if can(c, question)]
)
def test_every_client_gets_the_rows_of_the_oracle(
    archive: RealArchive, ask: Callable[[str, Question], list[Row]], client: str, name: str
) -> None:
    assert ask(client, QUESTIONS[name]) == oracle(QUESTIONS[name], archive.attributes)
