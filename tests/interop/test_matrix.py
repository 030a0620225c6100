"""Every client, over every PDU size of both sides, plain and with TLS: echo, store, find.

There is one daemon a size that scpd announces, with a listener for either transport. A cell of the matrix sends
files of its own: three real images in a study that no other cell has, with Image Comments so long that a C-FIND
response takes several PDUs of the smallest size. A recording proxy measures the PDUs that scpd sends in plain cells.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
import pytest
from pydicom.uid import generate_uid
from pynetdicom import _config

from tests.interop import clients
from tests.interop.clients import Call, Credentials, Found
from tests.interop.corpus import Sample, read_sample, samples
from tests.interop.daemon import Daemon
from tests.interop.dcmjs import dcmjs
from tests.interop.dcmtk import echoscu
from tests.interop.orthanc import Orthanc
from tests.interop.part10 import part10_files, read_part10
from tests.interop.programs import run
from tests.interop.wiretap import Wiretap
from tests.tls import Pki

FILES = {
    "MR2_UNCR.dcm": "1.2.840.10008.1.2.1",  # 2 MB: 513 PDUs of the smallest size
    "MR_small_RLE.dcm": "1.2.840.10008.1.2.5",
    "SC_rgb_jpeg_dcmtk.dcm": "1.2.840.10008.1.2.4.50",
}
COMMENTS = "Nothing of note." * 600
"""9 600 characters; an LT may have 10 240 characters (PS3.5 6.2)."""

ANNOUNCED_BY_SCPD = (4_096, 16_384, 131_072, 1_048_576)
ANNOUNCED_BY_CLIENT = (4_096, 16_384, 131_072, 0)
TRANSPORTS = ("plain", "tls")
CLIENTS = ("dcmtk", "pynetdicom", "gdcm", "dcmjs", "orthanc")

CANNOT: Mapping[tuple[str, int | str], str] = {
    ("dcmtk", 0): "--max-pdu takes 4096 to 131072",
    ("gdcm", "tls"): "gdcmscu has no option for TLS",
    ("gdcm", 4_096): "gdcmscu has no option for the PDU size, and announces 16384",
    ("gdcm", 131_072): "gdcmscu has no option for the PDU size, and announces 16384",
    ("gdcm", 0): "gdcmscu has no option for the PDU size, and announces 16384",
    ("dcmjs", 0): "Implementation.setMaxPduLength(0) means its default, 262144",
    ("orthanc", 0): "MaximumPduLength takes 4096 to 131072",
}
"""What a client cannot announce, or speak, and why. Everything else is a cell."""

REWRITES: Mapping[str, str] = {"dcmjs": "numbers, the character set and the lengths of sequences are written anew"}
"""Clients that do not send the bytes of the file, and what they change. In plain cells the wire is asked as well."""


class Cell(NamedTuple):
    """One combination."""

    client: str
    scpd_bytes: int
    client_bytes: int
    transport: str

    def __str__(self) -> str:
        return f"{self.client}-{self.client_bytes or 'unlimited'}-scpd-{self.scpd_bytes}-{self.transport}"

    @property
    def is_possible(self) -> bool:
        return not self.words & CANNOT.keys()

    @property
    def words(self) -> set[tuple[str, int | str]]:
        """Where the table has the reason, if there is one."""
        return {(self.client, self.client_bytes), (self.client, self.transport)}


EVERY = [Cell(*cell) for cell in product(CLIENTS, ANNOUNCED_BY_SCPD, ANNOUNCED_BY_CLIENT, TRANSPORTS)]
CELLS = [cell for cell in EVERY if cell.is_possible]


class World:
    """Daemons, Orthancs and certificates, each started or issued when it is first asked for."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._folder = folder
        self._running = running
        self._daemons: dict[int, Daemon] = {}
        self._orthancs: dict[int, Orthanc] = {}
        self._known: set[Path] = set()
        self._pki = Pki(folder / "pki")
        self._server = self._pki.issue("scpd", "IP:127.0.0.1")
        self.credentials = Credentials(self._pki, self._pki.issue("client"))

    def daemon(self, pdu_bytes: int) -> Daemon:
        """The daemon that announces this."""
        if pdu_bytes not in self._daemons:
            settings = {
                "limits.pdu_bytes_max": pdu_bytes,
                "tls.port": 0,
                "tls.certificate": self._server.certificate,
                "tls.key": self._server.key,
                "tls.ca": self._pki.ca,
                "tls.crl": self._pki.crl,
            }
            options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
            folder = self._fresh(f"scpd-{pdu_bytes}")
            self._daemons[pdu_bytes] = self._running.enter_context(Daemon(folder, *options))
        return self._daemons[pdu_bytes]

    def orthanc(self, pdu_bytes: int) -> Orthanc:
        """The Orthanc that announces this."""
        if pdu_bytes not in self._orthancs:
            options: dict[str, Any] = {  # Any: as free as Orthanc's configuration
                "MaximumPduLength": pdu_bytes,
                "DicomTlsCertificate": str(self.credentials.own.certificate),
                "DicomTlsPrivateKey": str(self.credentials.own.key),
                "DicomTlsTrustedCertificates": str(self._pki.ca),
            }
            orthanc = Orthanc(self._fresh(f"orthanc-{pdu_bytes}"), **options)
            self._orthancs[pdu_bytes] = self._running.enter_context(orthanc)
        return self._orthancs[pdu_bytes]

    def newly_stored(self, daemon: Daemon) -> dict[str, Path]:
        """The files of the archive by SOP Instance UID, without those that this returned before."""
        new = set(part10_files(daemon.storage)) - self._known
        self._known |= new
        return {read_part10(path).sop_instance_uid: path for path in new}

    def _fresh(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    with ExitStack() as running:
        yield World(folder, running)
    shutil.rmtree(folder)  # the archives of all cells are 230 MB


@pytest.fixture
def files(request: pytest.FixtureRequest, tmp_path: Path) -> list[Sample]:
    """The real files as images of a study of this test's own."""
    originals = {sample.name: sample for sample in samples() if sample.name in FILES}
    assert {name: sample.transfer_syntax_uid for name, sample in originals.items()} == FILES
    return [renamed(sample, request.node.name, tmp_path) for sample in originals.values()]


def renamed(sample: Sample, study: str, folder: Path) -> Sample:
    """A copy of a real file: the pixels and everything else, but another study and longer comments."""
    image = pydicom.dcmread(sample.path)
    image.PatientID, image.PatientName, image.ImageComments = "MATRIX", "Matrix", COMMENTS
    image.StudyInstanceUID = generate_uid(entropy_srcs=[study])
    image.SeriesInstanceUID = generate_uid(entropy_srcs=[study, "series"])
    image.SOPInstanceUID = generate_uid(entropy_srcs=[study, sample.name])
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.pop("DataSetTrailingPadding", None)  # which DCMTK and Orthanc do not send
    image.save_as(folder / sample.name, enforce_file_format=True)
    copy = read_sample(folder, folder / sample.name)
    assert copy is not None
    return copy


def perform(world: World, cell: Cell, port: int, files: list[Sample]) -> Found:
    """Lets the client of a cell do its part."""
    call = Call(port, cell.client_bytes, world.credentials if cell.transport == "tls" else None, files)
    if cell.client == "orthanc":
        return clients.call_by_orthanc(world.orthanc(cell.client_bytes), call)
    by_name = {
        "dcmtk": clients.call_by_dcmtk,
        "pynetdicom": clients.call_by_pynetdicom,
        "gdcm": clients.call_by_gdcm,
        "dcmjs": clients.call_by_dcmjs,
    }
    return by_name[cell.client](call)


def assert_same(cell: Cell, stored: Path, sent: Path) -> None:
    """Fails unless the archive has the bytes that were sent, or the values where the client wrote the bytes anew."""
    if cell.client in REWRITES:
        assert values(stored) == values(sent)
    else:
        assert read_part10(stored).data_set == read_part10(sent).data_set


def values(path: Path) -> pydicom.Dataset:
    """A data set without the name of its encoding."""
    data_set = pydicom.dcmread(path)
    data_set.pop("SpecificCharacterSet", None)
    return pydicom.Dataset(data_set)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_what_is_sent_is_stored_and_found(
    world: World, cell: Cell, files: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)  # pynetdicom sends the bytes of the file
    daemon = world.daemon(cell.scpd_bytes)
    if cell.transport == "tls":
        found = perform(world, cell, daemon.tls_port, files)
        stored = world.newly_stored(daemon)
    else:
        with Wiretap(daemon.port) as wire:
            found = perform(world, cell, wire.port, files)
        stored = world.newly_stored(daemon)
        assert_on_wire(cell, wire, stored)
    uids = [file.sop_instance_uid for file in files]
    assert found == dict.fromkeys(uids, COMMENTS)
    assert sorted(stored) == sorted(uids)
    for file in files:
        assert_same(cell, stored[file.sop_instance_uid], file.path)


def assert_on_wire(cell: Cell, wire: Wiretap, stored: Mapping[str, Path]) -> None:
    """Fails unless scpd sent PDUs as long as it may and no longer, and the archive has the bytes that it was sent."""
    assert wire.announced() == {(cell.client_bytes, cell.scpd_bytes)}
    longest = wire.longest_received()
    assert 4_090 < longest <= 4_096 if cell.client_bytes == 4_096 else longest > len(COMMENTS)
    on_wire = {store.sop_instance_uid: store.data_set for store in wire.stores()}
    assert on_wire == {uid: read_part10(path).data_set for uid, path in stored.items()}


def test_the_table_is_about_combinations_that_there_are() -> None:
    assert {words for cell in EVERY for words in cell.words} >= CANNOT.keys()
    assert {cell.client for cell in CELLS} == set(CLIENTS)


def test_what_the_table_says_is_true(world: World, tmp_path: Path) -> None:
    """The day a client can do more, its line of the table has to go."""
    port = world.daemon(4_096).port
    assert "Invalid value for option --max-pdu (underflow: 0)" in echoscu(port, "--max-pdu", 0).stdout
    options = run("gdcmscu", "--help").stdout.lower()
    assert "--aetitle" in options and "tls" not in options and "pdu" not in options
    with Wiretap(port) as wire:
        dcmjs(wire.port, "echo", maxPduLength=0)
    assert wire.announced() == {(262_144, 4_096)}
    with pytest.raises(AssertionError, match="PDU"), Orthanc(tmp_path, MaximumPduLength=0):
        pass
