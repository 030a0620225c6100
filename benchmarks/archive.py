"""A synthetic archive to query: studies of two series of fifty CT images, with what a scanner says of each.

The attributes are those that scpd's own scanner keeps of `objects.header`; names, dates and UIDs differ from study to
study. However many studies there are, the questions of `queries` have answers of the same size: one study a day, twenty
patients whose names begin with DOE, a patient a study. An index is filled through scpd's own writer, without any file;
other servers get the same attributes as objects without pixels, over the network.
"""

import hashlib
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from benchmarks import objects
from scpd.dataset.attributes import Attributes, Tag
from scpd.dataset.encode import Encoder
from scpd.dimse.command import CStoreRQ
from scpd.dimse.pdv import encode_message
from scpd.profile.admission import DICOM_APPLICATION_CONTEXT
from scpd.storage.base import Incoming, Instance, Record, Sealed
from scpd.storage.head import Head
from scpd.storage.sqlite import SqliteIndex
from scpd.ul.codec import encode
from scpd.ul.pdu import AssociateRQ, PresentationContextRQ, UserInformation

SERIES_A_STUDY, IMAGES_A_SERIES = 2, 50
IMAGES_A_STUDY = SERIES_A_STUDY * IMAGES_A_SERIES
NAMED_DOE = 20
FIRST_DAY = date(1995, 1, 1)
RECORDS_A_TRANSACTION = 20_000
ROOT = "1.2.826.0.1.3680043.10.1778"

FAMILIES = "Abbott Baker Carter Dixon Evans Fisher Garcia Hughes Ivanov Jensen Keller Larsen Miller Novak Olsen".split()
GIVEN = "Anna Bela Carl Dora Emil Fritz Grete Hans Ida Jan Karin Lars Marta Nils Olga Paul".split()

STORED = struct.pack("<HHIH", 0x0000, 0x0900, 2, 0x0000)
"""Status 0000H as it stands in a command set."""
RELEASE = bytes([5, 0, 0, 0, 0, 4, 0, 0, 0, 0])


def study_uid(study: int) -> str:
    """Its UID, of the same length for every study."""
    return f"{ROOT}.1.{10_000_000 + study}"


def series_uid(study: int, series: int) -> str:
    """Its UID."""
    return f"{ROOT}.2.{10_000_000 + study}.{series + 1}"


def patient_id(study: int) -> str:
    """Of the patient of a study."""
    return f"P{1_000_000 + study}"


def day(study: int) -> str:
    """The study's date as DA."""
    return (FIRST_DAY + timedelta(days=study)).strftime("%Y%m%d")


def patient_name(study: int, studies: int) -> str:
    """One in so many is named DOE that there are twenty, or all in a smaller archive."""
    given = GIVEN[study % len(GIVEN)]
    return f"DOE^{given}" if study % max(studies // NAMED_DOE, 1) == 0 else f"{FAMILIES[study % len(FAMILIES)]}^{given}"


def images(studies: int) -> Iterator[Attributes]:
    """What the scanner keeps of every image."""
    common = scanned()
    for study in range(studies):
        of_study: dict[Tag, str] = {
            0x0020000D: study_uid(study), 0x00100020: patient_id(study), 0x00100010: patient_name(study, studies),
            0x00080020: day(study), 0x00080021: day(study), 0x00080050: f"A{1_000_000 + study}", 0x00200010: str(study),
        }  # fmt: skip
        for series in range(SERIES_A_STUDY):
            of_series = {0x0020000E: series_uid(study, series), 0x00200011: str(series + 1)}
            for number in range(1, IMAGES_A_SERIES + 1):
                uid = f"{ROOT}.3.{10_000_000 + study}.{series + 1}.{number}"
                yield {**common, **of_study, **of_series, 0x00080018: uid, 0x00200013: str(number)}


def scanned() -> Attributes:
    """The kept attributes of one object of the load generator."""
    head = Head(Incoming(objects.CT_IMAGE, objects.INSTANCE_UID, objects.EXPLICIT_LE, "LOAD", "SCPD"))
    head.feed([memoryview(objects.encoded(objects.header(objects.CT_IMAGE, small=False)))])
    return head.instance().attributes


def filled_index(folder: Path, studies: int) -> Path:
    """The absolute path of scpd's index of the archive, made unless it is there: some 10,000 instances a second."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.absolute() / f"{studies}.sqlite"
    if not path.exists():
        fill_index(path, studies)
    return path


def fill_index(path: Path, studies: int) -> None:
    """Writes it, in a file that takes its name when it is complete."""
    growing = path.with_suffix(".growing")
    with closing(SqliteIndex(growing, sync=False)) as index:
        index.open()
        records = map(record, images(studies))
        while some := list(islice(records, RECORDS_A_TRANSACTION)):
            index.add(some, [])
    growing.rename(path)


def record(found: Attributes) -> Record:
    """What the index is given of an image whose bytes are nowhere."""
    uid, study, series = str(found[0x00080018]), str(found[0x0020000D]), str(found[0x0020000E])
    incoming = Incoming(objects.CT_IMAGE, uid, objects.EXPLICIT_LE, "LOAD", "SCPD")
    sealed = Sealed(hashlib.sha256(uid.encode()).digest(), 525_000)
    return Record(incoming, Instance(study, series, found), f"studies/{study}/{uid}.dcm", sealed)


def store(port: int, studies: int, associations: int) -> None:
    """Sends the archive to a server. Raises RuntimeError when it does not take an object."""
    with ThreadPoolExecutor(associations) as senders:
        shares = [islice(images(studies), first, None, associations) for first in range(associations)]
        for sent in [senders.submit(send, port, share) for share in shares]:
            sent.result()


def send(port: int, share: Iterator[Attributes]) -> None:
    """One association that stores its share."""
    encoder = Encoder(objects.EXPLICIT_LE)
    with socket.create_connection(("127.0.0.1", port), 120) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(associate_request(objects.CT_IMAGE, objects.EXPLICIT_LE))
        received_pdu(peer)
        for found in share:
            command = CStoreRQ(1, objects.CT_IMAGE, str(found[0x00080018]))
            message = encode_message(command, 1, encoder.encode(found), 16_384)
            peer.sendall(message)
            if STORED not in received_pdu(peer):
                raise RuntimeError(f"{command.affected_sop_instance_uid} was not stored")
        peer.sendall(RELEASE)
        received_pdu(peer)


def received_pdu(peer: socket.socket) -> bytes:
    """The next PDU. Raises RuntimeError when the server goes away."""
    head = received(peer, 6)
    return head + received(peer, int.from_bytes(head[2:]))


def received(peer: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            raise RuntimeError("the server closed the connection")
        data += piece
    return data


def associate_request(sop_class: str, transfer_syntax: str) -> bytes:
    """An A-ASSOCIATE-RQ for one context, numbered 1."""
    return encode(
        AssociateRQ(
            called_ae=b"SCPD".ljust(16),
            calling_ae=b"LOAD".ljust(16),
            application_contexts=(DICOM_APPLICATION_CONTEXT,),
            presentation_contexts=(PresentationContextRQ(1, sop_class, (transfer_syntax,)),),
            user_information=UserInformation(maximum_length=131_072, implementation_class_uid=ROOT),
        )
    )
