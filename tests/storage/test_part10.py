"""Part 10 heads, against pydicom's reader and against bytes packed by hand."""

from io import BytesIO

import pytest
from pydicom import dcmread

from scpd.storage.base import Incoming
from scpd.storage.part10 import (
    DATA_SET_OFFSET_BYTES,
    DIGEST_NAME,
    IMPLEMENTATION_CLASS_UID,
    PRIVATE_INFORMATION_CREATOR_UID,
    data_set_offset,
    file_head,
)
from tests.datasets import ct, element

INCOMING = Incoming("1.2.840.10008.5.1.4.1.1.2", "1.5", "1.2.840.10008.1.2.1", "MODALITY", "SCPD")


def test_pydicom_reads_every_element_back() -> None:
    meta = dcmread(BytesIO(file_head(INCOMING, b"\x07" * 32) + ct("1.5"))).file_meta
    assert meta.FileMetaInformationVersion == b"\x00\x01"
    assert meta.MediaStorageSOPClassUID == INCOMING.sop_class_uid
    assert meta.MediaStorageSOPInstanceUID == "1.5"
    assert meta.TransferSyntaxUID == INCOMING.transfer_syntax_uid
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert str(meta.ImplementationVersionName).startswith("SCPD_")
    assert (meta.SourceApplicationEntityTitle, meta.SendingApplicationEntityTitle) == ("MODALITY", "MODALITY")
    assert meta.ReceivingApplicationEntityTitle == "SCPD"
    assert meta.PrivateInformationCreatorUID == PRIVATE_INFORMATION_CREATOR_UID
    assert meta.PrivateInformation == DIGEST_NAME + b"\x07" * 32


def test_the_head_is_preamble_prefix_and_group_0002_with_its_length() -> None:
    head = file_head(INCOMING)
    assert head[:132] == bytes(128) + b"DICM"
    length = (len(head) - DATA_SET_OFFSET_BYTES).to_bytes(4, "little")
    assert head[132:158] == element(0x00020000, "UL", length) + element(0x00020001, "OB", b"\x00\x01")


def test_the_digest_is_the_end_of_the_head() -> None:
    assert file_head(INCOMING, b"\x07" * 32)[-32:] == b"\x07" * 32
    assert len(file_head(INCOMING, b"\x07" * 32)) == len(file_head(INCOMING))


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
