"""Part 10 heads, against pydicom's reader and against bytes packed by hand."""

from contextlib import suppress
from io import BytesIO

import pytest
from pydicom import dcmread

from scpd import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scpd.storage.base import Incoming
from scpd.storage.part10 import (
    DATA_SET_OFFSET_BYTES,
    PRIVATE_INFORMATION_CREATOR_UID,
    FileHead,
    data_set_offset,
    file_head,
    read_head,
)
from tests.datasets import ct, element

DIGEST = b"blake3\0\0" + b"\x07" * 32
INCOMING = Incoming("1.2.840.10008.5.1.4.1.1.2", "1.5", "1.2.840.10008.1.2.1", "MODALITY", "SCPD")


def test_pydicom_reads_every_element_back() -> None:
    meta = dcmread(BytesIO(file_head(INCOMING, DIGEST) + ct("1.5"))).file_meta
    assert meta.FileMetaInformationVersion == b"\x00\x01"
    assert meta.MediaStorageSOPClassUID == INCOMING.sop_class_uid
    assert meta.MediaStorageSOPInstanceUID == "1.5"
    assert meta.TransferSyntaxUID == INCOMING.transfer_syntax_uid
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
    assert str(meta.ImplementationVersionName).startswith("SCPD_")
    assert (meta.SourceApplicationEntityTitle, meta.SendingApplicationEntityTitle) == ("MODALITY", "MODALITY")
    assert meta.ReceivingApplicationEntityTitle == "SCPD"
    assert meta.PrivateInformationCreatorUID == PRIVATE_INFORMATION_CREATOR_UID
    assert meta.PrivateInformation == DIGEST


def test_the_head_is_preamble_prefix_and_group_0002_with_its_length() -> None:
    head = file_head(INCOMING)
    assert head[:132] == bytes(128) + b"DICM"
    length = (len(head) - DATA_SET_OFFSET_BYTES).to_bytes(4, "little")
    assert head[132:158] == element(0x00020000, "UL", length) + element(0x00020001, "OB", b"\x00\x01")


def test_the_digest_is_the_end_of_the_head() -> None:
    assert file_head(INCOMING, DIGEST)[-40:] == DIGEST
    assert len(file_head(INCOMING, DIGEST)) == len(file_head(INCOMING))


def test_uids_are_of_even_length_padded_with_nul() -> None:
    assert element(0x00020003, "UI", b"1.5\0") in file_head(INCOMING)


@pytest.mark.parametrize(
    ("title", "written"),
    [("  AE  ", b"AE"), ("A", b"A "), ("ABCDEFGHIJKLMNOPQ", b"ABCDEFGHIJKLMNOP"), ("a\\b\nc\xe4", b"a?b?c?")],
)
def test_an_ae_title_is_written_as_its_vr_allows(title: str, written: bytes) -> None:
    incoming = Incoming("1.2", "1.5", "1.2.3", title, "SCPD")
    assert element(0x00020017, "AE", written) in file_head(incoming)


def test_a_blank_ae_title_is_left_out() -> None:
    assert b"\x02\x00\x16\x00AE" not in file_head(Incoming("1.2", "1.5", "1.2.3", "   ", "SCPD"))


def test_the_data_set_is_found_behind_the_head() -> None:
    head = file_head(INCOMING)
    assert data_set_offset(head[:DATA_SET_OFFSET_BYTES]) == len(head)


@pytest.mark.parametrize(
    "head", [b"", bytes(200), bytes(128) + b"DICM", bytes(128) + b"DICM" + element(0x00020001, "OB", b"\x00\x01")]
)
def test_what_is_no_part_10_file_has_no_data_set(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"DICOM file|group length"):
        data_set_offset(head)


def test_a_file_of_ours_says_what_it_is_and_is_left_at_its_data_set() -> None:
    file = BytesIO(file_head(INCOMING, DIGEST) + b"data set")
    assert read_head(file) == FileHead(INCOMING, DIGEST)
    assert file.read() == b"data set"


def test_a_head_cut_or_changed_anywhere_is_read_as_it_is_or_refused() -> None:
    head = file_head(INCOMING, DIGEST)
    for cut in range(len(head)):
        with pytest.raises(ValueError):
            read_head(BytesIO(head[:cut]))
    for position in range(128, len(head)):
        for flipped in (0x01, 0x80):
            changed = bytearray(head)
            changed[position] ^= flipped
            with suppress(ValueError):
                read_head(BytesIO(changed + bytes(100)))


def test_a_file_of_another_program_is_not_one_of_ours() -> None:
    ours = PRIVATE_INFORMATION_CREATOR_UID.encode()
    foreign = file_head(INCOMING, DIGEST).replace(ours, b"1" * len(ours))
    with pytest.raises(ValueError, match="no digest of ours"):
        read_head(BytesIO(foreign))
