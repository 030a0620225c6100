"""F18: pydicom's samples of every character set, stored as they are and asked for in others (PS3.4 C.2.2.2)."""

import warnings
from typing import NamedTuple

import pytest
from pydicom import dcmread

from tests.dataset.real_files import RealFile, real_files
from tests.datasets import IMPLICIT, identifier
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


class Sample(NamedTuple):
    """A file, and what pydicom reads in it."""

    file: RealFile
    sop_class: str
    instance: str
    name: str


def sample_of(file: RealFile) -> Sample | None:
    """None for a file that is no whole object."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = dcmread(file.path)
        if "SOPInstanceUID" not in read:
            return None
        return Sample(file, read.SOPClassUID, read.SOPInstanceUID, str(read.PatientName))


SAMPLES = {
    file.path.stem: sample
    for file in real_files()
    if file.path.parent.name == "charset_files" and (sample := sample_of(file))
}


def test_f18_there_are_samples_of_every_script() -> None:
    """F18: Arabic, French, German, Greek, Hebrew, Russian, Japanese, Korean and Chinese in two encodings."""
    assert {"chrArab", "chrFren", "chrGerm", "chrGreek", "chrHbrw", "chrRuss", "chrH32", "chrI2", "chrX1", "chrX2"} <= (
        SAMPLES.keys()
    )


@pytest.mark.parametrize("asked_in", ASKED_IN)
@pytest.mark.parametrize("name", SAMPLES)
def test_f18_real_files_of_every_character_set(peer: RawPeer, name: str, asked_in: str) -> None:
    """F18: found by each group of the name, whole and by wild cards, in another character set, and answered in it."""
    sample, codec = SAMPLES[name], ASKED_IN[asked_in]
    number = CONTEXT_OF[sample.sop_class]
    peer.send(
        command(number, store_rq(sample.instance, sop_class=sample.sop_class)) + data_set(number, sample.file.data_set)
    )
    assert peer.receive_message().status == SUCCESS
    for group in sample.name.split("="):
        for pattern in (group, f"{group[0]}*", f"*{group[-1]}", f"?{group[1:]}"):
            assert names_found(peer, asked_in, pattern.encode(codec)) == [sample.name], pattern
        assert names_found(peer, asked_in, f"{group}x".encode(codec)) == []
    assert names_found(peer, asked_in, sample.name.encode(codec)) == [sample.name]


def names_found(peer: RawPeer, character_set: str, pattern: bytes) -> list[str]:
    """The names of the studies that match, as pydicom reads them."""
    keys = identifier("STUDY", IMPLICIT, SpecificCharacterSet=character_set, PatientName=pattern)
    *pending, final = peer.find(keys)
    assert final.status == SUCCESS and {one.status for one in pending} <= {PENDING}
    return [str(answer(one).PatientName) for one in pending]
