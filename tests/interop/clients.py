"""Five clients behind one signature: each echoes, stores files and finds them, as the call has PDU size and TLS.

Each takes a `Call` and returns what its own C-FIND said: the Image Comments by SOP Instance UID.
It fails where an operation does. What it cannot do is listed in test_matrix.py.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from ssl import SSLContext
from typing import NamedTuple

from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from tests.interop.corpus import Sample
from tests.interop.dcmjs import dcmjs
from tests.interop.dcmtk import echoscu, findscu, storescu, write_profile
from tests.interop.gdcm import gdcmscu
from tests.interop.orthanc import Orthanc
from tests.interop.wiretap import C_ECHO_RSP, C_FIND_RSP, Wiretap
from tests.tls import Issued, Pki, client_context

Found = dict[str, str]
VERIFICATION = UID("1.2.840.10008.1.1")
STUDY_ROOT_FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")


class Credentials(NamedTuple):
    """What a client trusts, and what it proves itself by."""

    pki: Pki
    own: Issued

    @property
    def context(self) -> SSLContext:
        return client_context(self.pki, self.own)


@dataclass(frozen=True, slots=True)
class Call:
    """What a client is to do: `pdu_bytes` is the Maximum Length it announces, 0 for no limit; None is plain TCP.

    The files are of one study and series.
    """

    port: int
    pdu_bytes: int
    credentials: Credentials | None
    files: Sequence[Sample]

    @property
    def keys(self) -> dict[str, str]:
        """An IMAGE level query for all files."""
        study, series = self.files[0].study_instance_uid, self.files[0].series_instance_uid
        return {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": "", "ImageComments": ""}


def call_by_dcmtk(call: Call) -> Found:
    """One program an operation."""
    options: list[object] = ["--max-pdu", call.pdu_bytes]
    if call.credentials:
        pki, own = call.credentials
        options += ["+tls", own.key, own.certificate, "+cf", pki.ca]
    assert echoscu(call.port, *options).returncode == 0
    with tempfile.TemporaryDirectory() as folder:
        profile = write_profile(Path(folder) / "profile", call.files)
        sent = storescu(call.port, [file.path for file in call.files], *options, "-xf", profile, "P")
    assert sent.returncode == 0, sent.stdout
    return told(findscu(call.port, "IMAGE", call.keys, *options))


def call_by_pynetdicom(call: Call) -> Found:
    """One association for everything. The files go out as they are, if pynetdicom is configured so."""
    contexts = [build_context(file.sop_class_uid, file.transfer_syntax_uid) for file in call.files]
    contexts += [build_context(VERIFICATION), build_context(STUDY_ROOT_FIND)]
    association = AE("PYNETDICOM").associate(
        *("127.0.0.1", call.port, contexts, "SCPD", call.pdu_bytes),
        tls_args=(call.credentials.context, "127.0.0.1") if call.credentials else None,
    )
    assert association.is_established
    try:
        assert association.send_c_echo().Status == 0x0000
        assert [association.send_c_store(file.path).Status for file in call.files] == [0x0000] * len(call.files)
        return told(matches_of(association, call.keys))
    finally:
        association.release()


def matches_of(association: Association, keys: Mapping[str, str]) -> Iterator[Dataset]:
    """The matches of a C-FIND at IMAGE level by pynetdicom."""
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    *pending, (last, _) = association.send_c_find(query, STUDY_ROOT_FIND)
    assert last.Status == 0x0000
    for status, match in pending:
        assert status.Status == 0xFF00 and match is not None
        yield match


def call_by_gdcm(call: Call) -> Found:
    """One program an operation and a file. It dies before it tells what it found, which is read off the wire."""
    with Wiretap(call.port) as wire:
        gdcmscu(wire.port, "--echo")
        for file in call.files:
            gdcmscu(wire.port, "--store", "-i", file.path)
        keys = [f"{tag_for_keyword(keyword) or 0:08x}={value}" for keyword, value in call.keys.items()]
        asked = [word for key in keys for word in ("--key", f"{key[:4]},{key[4:]}")]
        gdcmscu(wire.port, "--find", "--studyroot", "--image", *asked)
    assert wire.responses(C_ECHO_RSP) == [(0x0000, b"")]
    assert [store.status for store in wire.stores()] == [0x0000] * len(call.files)
    *pending, last = wire.responses(C_FIND_RSP)
    assert ([status for status, _ in pending], last) == ([0xFF00] * len(pending), (0x0000, b""))
    return told(dcmread(BytesIO(match), force=True) for _, match in pending)


def call_by_dcmjs(call: Call) -> Found:
    """One association for everything."""
    store = ("store", *(file.path for file in call.files))
    find = ("find", "IMAGE", json.dumps(call.keys))
    tls = {}
    if call.credentials:
        pki, own = call.credentials
        tls = {"tls": {"ca": str(pki.ca), "cert": str(own.certificate), "key": str(own.key)}}
    responses = dcmjs(call.port, "echo", "+", *store, "+", *find, maxPduLength=call.pdu_bytes, **tls)
    matches = [response["dataset"] for response in responses if response["status"] == 0xFF00]
    done = [response["status"] for response in responses if response["status"] != 0xFF00]
    assert done == [0x0000] * (len(call.files) + 2)
    return {match["SOPInstanceUID"]: match["ImageComments"] for match in matches}


def call_by_orthanc(orthanc: Orthanc, call: Call) -> Found:
    """Over its REST API. Its Maximum Length and certificate are those that it was started with."""
    orthanc.aim(call.port, tls=call.credentials is not None)
    orthanc.post("/modalities/scpd/echo", {})
    resources = [orthanc.post("/instances", file.path.read_bytes())["ID"] for file in call.files]
    sent = orthanc.post("/modalities/scpd/store", {"Resources": resources, "Synchronous": True})
    assert (sent["InstancesCount"], sent["FailedInstancesCount"]) == (len(call.files), 0)
    return {match["SOPInstanceUID"]: match["ImageComments"] for match in orthanc.find("Instance", call.keys)}


def told(matches: Iterable[Dataset]) -> Found:
    """The Image Comments of the matches, by SOP Instance UID."""
    return {str(match.SOPInstanceUID): str(match.ImageComments) for match in matches}
