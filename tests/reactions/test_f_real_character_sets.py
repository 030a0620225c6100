"""F18: real files of every character set, stored as they are, asked for in their own and in others (PS3.4 C.2.2.2).

pydicom ships the samples that David Clunie made of PS3.5 Annexes H to K, without their pixels: his SCSARAB is chrArab.
"""

import warnings
from typing import NamedTuple

import pytest
from pydicom import Dataset, dcmread
from pydicom.charset import convert_encodings
from pydicom.valuerep import PersonName

from tests.dataset.real_files import RealFile, real_files
from tests.datasets import IMPLICIT, ct, identifier
from tests.rawpeer import (
    DEFAULT_CONTEXTS,
    EXPLICIT_LE,
    Proposal,
    RawPeer,
    command,
    data_set,
    store_rq,
)
from tests.reactions.queries import PENDING, SUCCESS, answer

COMPUTED_RADIOGRAPHY, SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.7"
CONTEXT_OF = {COMPUTED_RADIOGRAPHY: 9, SECONDARY_CAPTURE: 11}
PROPOSAL = Proposal(
    contexts=(*DEFAULT_CONTEXTS, *((number, uid, (EXPLICIT_LE,)) for uid, number in CONTEXT_OF.items()))
)

ASKED_IN = {"ISO_IR 192": "utf-8", "GB18030": "gb18030"}

CLUNIE = "Arab Fren Germ Greek H31 H32 Hbrw I2 Russ X1 X2"
"""His samples; beside them are three with several names or of modalities, and two parts of data sets."""


class Sample(NamedTuple):
    """A file, and what pydicom reads in it."""

    file: RealFile
    sop_class: str
    instance: str
    name: str
    character_set: str


def read(file: RealFile) -> Dataset:
    """What pydicom reads in a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = dcmread(file.path)
        data_set.decode()
    return data_set


def character_set_of(data_set: Dataset) -> str:
    """Its (0008,0005) as it is written."""
    named = data_set.SpecificCharacterSet
    return named if isinstance(named, str) else "\\".join(named)


def encoded(name: str, character_set: str) -> bytes:
    """A name as pydicom writes it."""
    return PersonName(name).encode(convert_encodings(character_set.split("\\")))


FILES = {file.path.stem: file for file in real_files() if file.path.parent.name == "charset_files"}
SAMPLES = {
    stem: Sample(file, found.SOPClassUID, found.SOPInstanceUID, str(found.PatientName), character_set_of(found))
    for stem, file in FILES.items()
    if "SOPInstanceUID" in (found := read(file))
}
PARTS = sorted(FILES.keys() - SAMPLES.keys())


def keep(peer: RawPeer, sample: Sample) -> None:
    """Stores a sample as it lies in its file."""
    number = CONTEXT_OF[sample.sop_class]
    peer.send(
        command(number, store_rq(sample.instance, sop_class=sample.sop_class)) + data_set(number, sample.file.data_set)
    )
    assert peer.receive_message().status == SUCCESS


def patterns(name: str) -> list[str]:
    """A name, and each of its groups whole and by wild cards."""
    groups = name.split("=")
    return [name, *(p for group in groups for p in (group, f"{group[0]}*", f"*{group[-1]}", f"?{group[1:]}"))]


def test_f18_there_are_samples_of_every_script() -> None:
    """F18: Arabic, French, German, Greek, Hebrew, Russian, Japanese, Korean and Chinese in two encodings."""
    assert {f"chr{name}" for name in CLUNIE.split()} <= SAMPLES.keys()
    assert (len(SAMPLES), PARTS) == (15, ["chrSQEncoding", "chrSQEncoding1"])


@pytest.mark.parametrize("asked_in", ASKED_IN)
@pytest.mark.parametrize("name", SAMPLES)
def test_f18_real_files_of_every_character_set(peer: RawPeer, name: str, asked_in: str) -> None:
    """F18: found by each group of the name, whole and by wild cards, in another character set, and answered in it."""
    sample, codec = SAMPLES[name], ASKED_IN[asked_in]
    keep(peer, sample)
    for pattern in patterns(sample.name):
        assert names_found(peer, asked_in, pattern.encode(codec)) == [sample.name], pattern
    for group in sample.name.split("="):
        assert names_found(peer, asked_in, f"{group}x".encode(codec)) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_f18_real_files_asked_for_in_their_own_character_set(peer: RawPeer, name: str) -> None:
    """F18: a peer finds its object by the bytes it wrote, code extensions and all, and is answered in them."""
    sample = SAMPLES[name]
    keep(peer, sample)
    for pattern in patterns(sample.name):
        (match,) = matches(peer, sample.character_set, encoded(pattern, sample.character_set))
        assert str(match.PatientName) == sample.name
        assert character_set_of(match) == sample.character_set


@pytest.mark.parametrize("name", PARTS)
def test_f18_names_of_data_sets_with_items_of_other_character_sets(peer: RawPeer, name: str) -> None:
    """F18: parts of a data set whose sequence has a Specific Character Set of its own, or has that of the data set."""
    part = read(FILES[name])
    physician = str(part.RequestingPhysician)
    raw = encoded(physician, character_set_of(part))
    whole = ct("1.2.3.4", SpecificCharacterSet=character_set_of(part), RequestingPhysician=raw)
    assert peer.store("1.2.3.4", whole).status == SUCCESS
    for asked_in, codec in ASKED_IN.items():
        for pattern in patterns(physician):
            keys = identifier(
                "STUDY", IMPLICIT, SpecificCharacterSet=asked_in, RequestingPhysician=pattern.encode(codec)
            )
            (match, _) = peer.find(keys)
            assert str(answer(match).RequestingPhysician) == physician


def names_found(peer: RawPeer, character_set: str, pattern: bytes) -> list[str]:
    """The names of the studies that match, as pydicom reads them."""
    return [str(match.PatientName) for match in matches(peer, character_set, pattern)]


def matches(peer: RawPeer, character_set: str, pattern: bytes) -> list[Dataset]:
    """The studies whose patient's name matches."""
    keys = identifier("STUDY", IMPLICIT, SpecificCharacterSet=character_set, PatientName=pattern)
    *pending, final = peer.find(keys)
    assert final.status == SUCCESS and {one.status for one in pending} <= {PENDING}
    return [answer(one) for one in pending]
