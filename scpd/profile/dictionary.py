"""PS3.6 Annex A as scpd needs it: the storage SOP classes, the transfer syntaxes of C-STORE, and groups of both.

All is read from pydicom's table of UIDs, once, when the first name is looked up.

**The order of "storage:all"** decides what is chosen when one presentation context offers several syntaxes. scpd
never transcodes, so the choice decides what the *sender* does to the object. A sender that offers a compressed syntax
beside an uncompressed one usually holds the compressed form; that it offers the default syntax says nothing, because
everybody has to (PS3.5 10.1), and some offer just [the file's own, Implicit VR] in one context. First to last:

1. lossless compression, the widely readable first: a wrong guess costs time, never pixels;
2. video: nobody encodes video in order to send it, and decoding it to native frames is what senders fail at;
3. Explicit VR Little Endian, deflated, encapsulated uncompressed, big endian: nothing lost, private VRs kept;
4. lossless processes that were retired: nothing lost, but few can read them;
5. lossy compression: behind everything lossless, so that no sender is pushed into losing pixels, and before Implicit
   VR, because beside that alone it is the form the sender holds;
6. Implicit VR Little Endian, which loses the VR of private elements;
7. JPIP references, whose objects hold no pixels at all.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from scpd.dataset import part6

VERIFICATION_SOP_CLASS = "1.2.840.10008.1.1"
PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"


class ServiceName(StrEnum):
    """The service classes scpd provides."""

    VERIFICATION = "verification"
    STORAGE = "storage"
    FIND = "find"


SOP_CLASS_ALIASES: Mapping[str, str] = {
    "cr": "ComputedRadiographyImageStorage",
    "ct": "CTImageStorage",
    "dx": "DigitalXRayImageStorageForPresentation",
    "ecg": "TwelveLeadECGWaveformStorage",
    "enhanced-ct": "EnhancedCTImageStorage",
    "enhanced-mr": "EnhancedMRImageStorage",
    "enhanced-pet": "EnhancedPETImageStorage",
    "ko": "KeyObjectSelectionDocumentStorage",
    "mg": "DigitalMammographyXRayImageStorageForPresentation",
    "mr": "MRImageStorage",
    "nm": "NuclearMedicineImageStorage",
    "pdf": "EncapsulatedPDFStorage",
    "pet": "PositronEmissionTomographyImageStorage",
    "rf": "XRayRadiofluoroscopicImageStorage",
    "rtdose": "RTDoseStorage",
    "rtimage": "RTImageStorage",
    "rtplan": "RTPlanStorage",
    "rtstruct": "RTStructureSetStorage",
    "sc": "SecondaryCaptureImageStorage",
    "seg": "SegmentationStorage",
    "us": "UltrasoundImageStorage",
    "us-multi-frame": "UltrasoundMultiFrameImageStorage",
    "xa": "XRayAngiographicImageStorage",
}

# PS3.4 Table GG.3-1: objects that belong to no patient. (Performed protocols do belong to one.)
NON_PATIENT = frozenset(
    {
        "HangingProtocolStorage",
        "ColorPaletteStorage",
        "GenericImplantTemplateStorage",
        "ImplantAssemblyTemplateStorage",
        "ImplantTemplateGroupStorage",
        "CTDefinedProcedureProtocolStorage",
        "XADefinedProcedureProtocolStorage",
        "ProtocolApprovalStorage",
        "InventoryStorage",
    }
)

# Storage SOP classes with an Image IE (PS3.3 Table A.1-1) whose keyword does not say "Image".
IMAGES_BY_ANOTHER_NAME = frozenset(
    {
        "CornealTopographyMapStorage",
        "DICOS2DAITStorage",
        "DICOS3DAITStorage",
        "EnhancedUSVolumeStorage",
        "OphthalmicThicknessMapStorage",
        "ParametricMapStorage",
        "RTDoseStorage",
        "SegmentationStorage",
    }
)

# A keyword that the dictionary at hand does not have yet counts for nothing.
LOSSLESS = (
    "JPEGLosslessSV1",
    "JPEGLossless",
    "JPEGLSLossless",
    "JPEG2000Lossless",
    "RLELossless",
    "HTJ2KLossless",
    "HTJ2KLosslessRPCL",
    "JPEG2000MCLossless",
    "JPEGXLLossless",
)
NOTHING_LOST = (
    "ExplicitVRLittleEndian",
    "DeflatedExplicitVRLittleEndian",
    "DeflatedImageFrameCompression",
    "EncapsulatedUncompressedExplicitVRLittleEndian",
    "ExplicitVRBigEndian",
    "JPEGLosslessNonHierarchical15",
    "JPEGLosslessHierarchical28",
    "JPEGLosslessHierarchical29",
)
UNCOMPRESSED = ("ExplicitVRLittleEndian", "ExplicitVRBigEndian", "ImplicitVRLittleEndian")
REFERENCED = ("JPIPReferenced", "JPIPHTJ2KReferenced", "JPIPReferencedDeflate", "JPIPHTJ2KReferencedDeflate")
# Beginnings of keywords: encodings of mail, of web pages, of live streams and of another file format.
NOT_FOR_STORAGE = ("RFC2557MIMEEncapsulation", "XMLEncoding", "SMPTE", "Papyrus")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """`titles` and `keywords` are by UID; `sop_classes` and `transfer_syntaxes` are UIDs by spelling (see `plain`)."""

    titles: Mapping[str, str]
    keywords: Mapping[str, str]
    sop_classes: Mapping[ServiceName, Mapping[str, str]]
    sop_class_groups: Mapping[ServiceName, Mapping[str, tuple[str, ...]]]
    transfer_syntaxes: Mapping[str, str]
    transfer_syntax_groups: Mapping[str, tuple[str, ...]]

    def all_of(self, service: ServiceName) -> tuple[str, ...]:
        """Every SOP class of the dictionary that `service` can serve."""
        return self.sop_class_groups[service][f"{service}:all"]


def plain(spelling: str) -> str:
    """A spelling without case and punctuation, as names are compared."""
    return re.sub(r"[^a-z0-9]", "", spelling.lower())


@cache
def dictionary() -> Dictionary:
    """Reads pydicom's table, once."""
    entries = part6.uids()
    titles = {uid: entry[0] for uid, entry in entries.items()}
    keywords = {uid: entry[4] for uid, entry in entries.items()}
    kinds = {uid: entry[1] for uid, entry in entries.items()}
    storage = {uid: keywords[uid] for uid, kind in kinds.items() if kind == "SOP Class" and _is_storage(keywords[uid])}
    syntaxes = {keywords[uid]: uid for uid, kind in kinds.items() if kind == "Transfer Syntax"}
    sop_class_groups = _sop_class_groups(storage)
    syntax_groups = _transfer_syntax_groups(syntaxes)
    return Dictionary(
        titles=titles,
        keywords=keywords,
        sop_classes={
            service: _by_spelling(groups[f"{service}:all"], titles, keywords)
            for service, groups in sop_class_groups.items()
        },
        sop_class_groups=sop_class_groups,
        transfer_syntaxes=_by_spelling(syntax_groups["storage:all"], titles, keywords),
        transfer_syntax_groups=syntax_groups,
    )


def _is_storage(keyword: str) -> bool:
    # The dictionary lists two UIDs of the storage arc without name or keyword: they were never defined, and stay out.
    return "Storage" in keyword and not keyword.startswith(("MediaStorageDirectory", "StorageCommitment"))


def _sop_class_groups(storage: Mapping[str, str]) -> dict[ServiceName, dict[str, tuple[str, ...]]]:
    return {
        ServiceName.VERIFICATION: {"verification:all": (VERIFICATION_SOP_CLASS,)},
        ServiceName.STORAGE: _storage_groups(storage),
        ServiceName.FIND: {
            "find:all": (PATIENT_ROOT_FIND, STUDY_ROOT_FIND),
            "find:patient-root": (PATIENT_ROOT_FIND,),
            "find:study-root": (STUDY_ROOT_FIND,),
        },
    }


def _storage_groups(storage: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    def named(*wanted: Iterable[str]) -> tuple[str, ...]:
        keywords = frozenset(keyword for some in wanted for keyword in some)
        return tuple(uid for uid, keyword in storage.items() if keyword in keywords)

    def containing(*words: str) -> list[str]:
        return [keyword for keyword in storage.values() if any(word in keyword for word in words)]

    radiotherapy = (keyword for keyword in containing("RT", "Radiation") if "SRStorage" not in keyword)
    return {
        "storage:all": tuple(storage),
        "storage:composite": named(keyword for keyword in storage.values() if keyword not in NON_PATIENT),
        "storage:non-patient": named(NON_PATIENT),
        "storage:image": named(containing("Image"), IMAGES_BY_ANOTHER_NAME),
        "storage:sr": named(containing("SRStorage")),
        "storage:waveform": named(containing("WaveformStorage")),
        "storage:presentation-state": named(containing("PresentationStateStorage")),
        "storage:radiotherapy": named(radiotherapy),
    }


def _transfer_syntax_groups(syntaxes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    usable = [keyword for keyword in syntaxes if not keyword.startswith(NOT_FOR_STORAGE)]
    video = tuple(keyword for keyword in usable if keyword.startswith(("MPEG", "HEVC")))
    last = ("ImplicitVRLittleEndian", *REFERENCED)
    # What a later dictionary adds is taken for lossy until it is listed above.
    lossy = tuple(keyword for keyword in usable if keyword not in {*LOSSLESS, *video, *NOTHING_LOST, *last})
    groups = {
        "storage:all": (*LOSSLESS, *video, *NOTHING_LOST, *lossy, *last),
        "lossless": LOSSLESS,
        "lossy": lossy,
        "uncompressed": UNCOMPRESSED,
        "video": video,
    }
    return {name: tuple(syntaxes[word] for word in words if word in syntaxes) for name, words in groups.items()}


def _by_spelling(uids: Iterable[str], titles: Mapping[str, str], keywords: Mapping[str, str]) -> dict[str, str]:
    return {plain(text): uid for uid in uids for text in _texts(titles[uid], keywords[uid])}


def _texts(title: str, keyword: str) -> Iterator[str]:
    yield keyword
    if not keyword.endswith("Retired"):  # then the name is that of the class which replaced it
        yield title
        yield title.removesuffix(" SOP Class")
