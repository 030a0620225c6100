"""The storage SOP classes and transfer syntaxes, held against lists made by others."""

import subprocess
import sys

from pydicom.uid import AllTransferSyntaxes

from scpd.profile.dictionary import ServiceName, dictionary

STORAGE = dictionary().sop_class_groups[ServiceName.STORAGE]
SYNTAXES = dictionary().transfer_syntax_groups


def keywords(uids: tuple[str, ...]) -> set[str]:
    return {dictionary().keywords[uid] for uid in uids}


def test_every_storage_sop_class_that_pynetdicom_knows_is_one() -> None:
    # In a process of its own: importing pynetdicom adds to pydicom's dictionary.
    program = (
        "from pynetdicom.presentation import AllStoragePresentationContexts as every\n"
        "print(*(context.abstract_syntax for context in every))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    theirs = set(told.split())
    assert len(theirs) > 150
    newer_than_the_dictionary = theirs - set(dictionary().titles)
    assert len(newer_than_the_dictionary) < 10
    assert theirs - newer_than_the_dictionary <= set(STORAGE["storage:all"])


def test_retired_and_non_patient_storage_sop_classes_are_among_them() -> None:
    assert keywords(STORAGE["storage:all"]) >= {
        "UltrasoundImageStorageRetired",
        "StoredPrintStorage",
        "HardcopyColorImageStorage",
        "StandaloneCurveStorage",
        "RTBeamsDeliveryInstructionStorageTrial",
        "RawDataStorage",
        "HangingProtocolStorage",
        "ColorPaletteStorage",
        "ImplantTemplateGroupStorage",
        "ProtocolApprovalStorage",
        "InventoryStorage",
    }


def test_services_that_only_sound_like_storage_are_not_among_them() -> None:
    assert not keywords(STORAGE["storage:all"]) & {
        "",
        "MediaStorageDirectoryStorage",
        "StorageCommitmentPushModel",
        "StorageCommitmentPullModel",
        "ProtocolApprovalInformationModelFind",
        "InventoryFind",
        "RTConventionalMachineVerification",
        "Verification",
    }


def test_a_storage_sop_class_belongs_to_a_patient_or_to_none() -> None:
    composite, non_patient = set(STORAGE["storage:composite"]), set(STORAGE["storage:non-patient"])
    assert len(non_patient) == 9
    assert not composite & non_patient
    assert composite | non_patient == set(STORAGE["storage:all"])


def test_groups_hold_what_their_names_say() -> None:
    assert {"CTImageStorage", "SegmentationStorage", "RTDoseStorage"} <= keywords(STORAGE["storage:image"])
    assert "MRSpectroscopyStorage" not in keywords(STORAGE["storage:image"])
    assert "ComprehensiveSRStorage" in keywords(STORAGE["storage:sr"])
    assert "TwelveLeadECGWaveformStorage" in keywords(STORAGE["storage:waveform"])
    assert "ColorSoftcopyPresentationStateStorage" in keywords(STORAGE["storage:presentation-state"])
    assert {"RTPlanStorage", "RoboticArmRadiationStorage"} <= keywords(STORAGE["storage:radiotherapy"])
    assert "PatientRadiationDoseSRStorage" not in keywords(STORAGE["storage:radiotherapy"])


def test_every_transfer_syntax_that_a_c_store_can_use_is_offered_once() -> None:
    offered = SYNTAXES["storage:all"]
    assert len(offered) == len(set(offered)) >= 53
    assert {str(uid) for uid in AllTransferSyntaxes} - set(offered) == {
        uid for uid, keyword in dictionary().keywords.items() if keyword.startswith("SMPTE")
    }


def test_encodings_of_mail_web_pages_streams_and_papyrus_are_not_offered() -> None:
    offered = keywords(SYNTAXES["storage:all"])
    assert not {keyword for keyword in offered if keyword.startswith(("RFC", "XML", "SMPTE", "Papyrus"))}


def test_lossless_goes_before_explicit_before_lossy_before_implicit_before_references() -> None:
    order = [dictionary().keywords[uid] for uid in SYNTAXES["storage:all"]]
    ranked = [
        "JPEGLosslessSV1",
        "JPEG2000Lossless",
        "MPEG4HP41",
        "ExplicitVRLittleEndian",
        "DeflatedExplicitVRLittleEndian",
        "ExplicitVRBigEndian",
        "JPEGBaseline8Bit",
        "JPEG2000",
        "ImplicitVRLittleEndian",
        "JPIPReferenced",
    ]
    assert sorted(ranked, key=order.index) == ranked
