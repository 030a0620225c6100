"""What a query is asked about, and what it found: few objects, each with a number, and answers read by pydicom."""

from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple

from pydicom import Dataset
from pydicom.filereader import read_dataset

from tests.datasets import EXPLICIT, IMPLICIT, Value, ct, identifier
from tests.rawpeer import (
    DEFAULT_CONTEXTS,
    IMPLICIT_LE,
    PATIENT_ROOT_FIND,
    STUDY_ROOT_FIND,
    Message,
    Proposal,
    RawPeer,
)


class Root(NamedTuple):
    """A query model: its context and its SOP class."""

    context_id: int
    sop_class: str


STUDY_ROOT = Root(5, STUDY_ROOT_FIND)
PATIENT_ROOT = Root(7, PATIENT_ROOT_FIND)
QUERYING = Proposal(contexts=(*DEFAULT_CONTEXTS, (7, PATIENT_ROOT_FIND, (IMPLICIT_LE,))))
"""What a peer proposes that asks both."""

SUCCESS, PENDING, PENDING_UNSUPPORTED, CANCELLED = 0x0000, 0xFF00, 0xFF01, 0xFE00

STUDY, SERIES = "1.2.3", "1.2.3.1"
"""Where `keep_images` files its objects."""


def keep(peer: RawPeer, uid: str, **attributes: Value) -> None:
    """Stores one object."""
    assert peer.store(uid, ct(uid, EXPLICIT, **attributes)).status == SUCCESS


def keep_studies(peer: RawPeer, *studies: Mapping[str, Value]) -> None:
    """Stores studies of one object; the first is number 1."""
    for number, attributes in enumerate(studies, 1):
        study = f"1.2.{number}"
        keep(peer, f"{study}.1.1", **{"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", **attributes})


def keep_images(peer: RawPeer, *images: Mapping[str, Value]) -> None:
    """Stores objects of one series; the first is number 1."""
    for number, attributes in enumerate(images, 1):
        keep(peer, f"{SERIES}.{number}", **attributes)


def studies_found(peer: RawPeer, **keys: Value) -> list[int]:
    """The numbers of the studies that match, in ascending order."""
    matches = found(peer, "STUDY", STUDY_ROOT, **keys)
    return sorted(int(match.StudyInstanceUID.split(".")[2]) for match in matches)


def images_found(peer: RawPeer, **keys: Value) -> list[int]:
    """The numbers of the images that match, in ascending order."""
    matches = found(peer, "IMAGE", STUDY_ROOT, StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, **keys)
    return sorted(int(match.SOPInstanceUID.split(".")[-1]) for match in matches)


def found(peer: RawPeer, level: str, root: Root = STUDY_ROOT, **keys: Value) -> list[Dataset]:
    """The matches of a query that is answered to its end, every key of it supported."""
    *pending, final = ask(peer, level, root, **keys)
    assert final.status == SUCCESS
    assert {each.status for each in pending} <= {PENDING}
    return [answer(each) for each in pending]


def ask(peer: RawPeer, level: str | None, root: Root = STUDY_ROOT, **keys: Value) -> list[Message]:
    """Every response to a query, the final one last."""
    return peer.find(identifier(level, IMPLICIT, **keys), context_id=root.context_id, sop_class=root.sop_class)


def answer(response: Message, *, implicit: bool = True) -> Dataset:
    """The Identifier of a pending response."""
    assert response.data_set is not None
    return read_dataset(BytesIO(response.data_set), is_implicit_VR=implicit, is_little_endian=True)
