"""Which attribute lives at which Query/Retrieve level: PS3.4 C.6.1.1, C.6.2.1 and the usual optional keys, as one grid.

A line of the grid is tag, VR, key type (U unique, R required, O optional) and keyword. It holds whatever a query may
match on or ask for: the Patient, Study, Series and Image modules of PS3.3 as far as people search by them. In the
Study Root model the attributes of the patient belong to the STUDY level (PS3.4 C.6.2.1.1).

`COMPUTED` keys are counted from what is stored (PS3.4 C.3.4); `ANSWERED` ones are stated by the encoder.
Specific Character Set is in `WANTED` because nothing can be decoded without it; nobody matches on it.
Available Transfer Syntax UID (0008,3002) is not offered: nothing is retrieved from this AE, so nothing is available.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from scpd.dataset.attributes import Tag
from scpd.dataset.site import PLACES, place_of
from scpd.query.terms import Level, Model

GRID = """
PATIENT
  0008,1120 SQ O ReferencedPatientSequence
  0010,0010 PN R PatientName
  0010,0020 LO U PatientID
  0010,0021 LO O IssuerOfPatientID
  0010,0022 CS O TypeOfPatientID
  0010,0024 SQ O IssuerOfPatientIDQualifiersSequence
  0010,0030 DA O PatientBirthDate
  0010,0032 TM O PatientBirthTime
  0010,0040 CS O PatientSex
  0010,0200 CS O QualityControlSubject
  0010,0212 UC O StrainDescription
  0010,1000 LO O OtherPatientIDs
  0010,1001 PN O OtherPatientNames
  0010,1002 SQ O OtherPatientIDsSequence
  0010,1005 PN O PatientBirthName
  0010,1040 LO O PatientAddress
  0010,1060 PN O PatientMotherBirthName
  0010,1080 LO O MilitaryRank
  0010,1081 LO O BranchOfService
  0010,1090 LO O MedicalRecordLocator
  0010,1100 SQ O ReferencedPatientPhotoSequence
  0010,2150 LO O CountryOfResidence
  0010,2152 LO O RegionOfResidence
  0010,2154 SH O PatientTelephoneNumbers
  0010,2160 SH O EthnicGroup
  0010,21F0 LO O PatientReligiousPreference
  0010,2201 LO O PatientSpeciesDescription
  0010,2202 SQ O PatientSpeciesCodeSequence
  0010,2292 LO O PatientBreedDescription
  0010,2293 SQ O PatientBreedCodeSequence
  0010,2294 SQ O BreedRegistrationSequence
  0010,2297 PN O ResponsiblePerson
  0010,2298 CS O ResponsiblePersonRole
  0010,2299 LO O ResponsibleOrganization
  0010,4000 LT O PatientComments
  0012,0062 CS O PatientIdentityRemoved
  0012,0063 LO O DeidentificationMethod
STUDY
  0008,0020 DA R StudyDate
  0008,0030 TM R StudyTime
  0008,0050 SH R AccessionNumber
  0008,0051 SQ O IssuerOfAccessionNumberSequence
  0008,0090 PN O ReferringPhysicianName
  0008,0096 SQ O ReferringPhysicianIdentificationSequence
  0008,009C PN O ConsultingPhysicianName
  0008,1030 LO O StudyDescription
  0008,1032 SQ O ProcedureCodeSequence
  0008,1041 SQ O InstitutionalDepartmentTypeCodeSequence
  0008,1048 PN O PhysiciansOfRecord
  0008,1060 PN O NameOfPhysiciansReadingStudy
  0008,1080 LO O AdmittingDiagnosesDescription
  0008,1084 SQ O AdmittingDiagnosesCodeSequence
  0008,1110 SQ O ReferencedStudySequence
  0010,1010 AS O PatientAge
  0010,1020 DS O PatientSize
  0010,1022 DS O PatientBodyMassIndex
  0010,1030 DS O PatientWeight
  0010,2000 LO O MedicalAlerts
  0010,2110 LO O Allergies
  0010,2180 SH O Occupation
  0010,21A0 CS O SmokingStatus
  0010,21B0 LT O AdditionalPatientHistory
  0010,21C0 US O PregnancyStatus
  0010,21D0 DA O LastMenstrualDate
  0010,2203 CS O PatientSexNeutered
  0020,000D UI U StudyInstanceUID
  0020,0010 SH R StudyID
  0032,000A CS O StudyStatusID
  0032,000C CS O StudyPriorityID
  0032,1032 PN O RequestingPhysician
  0032,1033 LO O RequestingService
  0032,1066 UT O ReasonForVisit
  0038,0010 LO O AdmissionID
  0038,0014 SQ O IssuerOfAdmissionIDSequence
  0038,0016 LO O RouteOfAdmissions
  0038,0020 DA O AdmittingDate
  0038,0021 TM O AdmittingTime
  0038,0060 LO O ServiceEpisodeID
  0038,0062 LO O ServiceEpisodeDescription
  0038,0300 LO O CurrentPatientLocation
  0038,0400 LO O PatientInstitutionResidence
  0038,0500 LO O PatientState
  0040,1012 SQ O ReasonForPerformedProcedureCodeSequence
SERIES
  0008,0021 DA O SeriesDate
  0008,0031 TM O SeriesTime
  0008,0060 CS R Modality
  0008,0068 CS O PresentationIntentType
  0008,0070 LO O Manufacturer
  0008,0080 LO O InstitutionName
  0008,0081 ST O InstitutionAddress
  0008,1010 SH O StationName
  0008,103E LO O SeriesDescription
  0008,103F SQ O SeriesDescriptionCodeSequence
  0008,1040 LO O InstitutionalDepartmentName
  0008,1050 PN O PerformingPhysicianName
  0008,1052 SQ O PerformingPhysicianIdentificationSequence
  0008,1070 PN O OperatorsName
  0008,1072 SQ O OperatorIdentificationSequence
  0008,1090 LO O ManufacturerModelName
  0008,1111 SQ O ReferencedPerformedProcedureStepSequence
  0008,1250 SQ O RelatedSeriesSequence
  0008,2218 SQ O AnatomicRegionSequence
  0012,0071 LO O ClinicalTrialSeriesID
  0018,0015 CS O BodyPartExamined
  0018,1000 LO O DeviceSerialNumber
  0018,1002 UI O DeviceUID
  0018,1008 LO O GantryID
  0018,1020 LO O SoftwareVersions
  0018,1030 LO O ProtocolName
  0018,5100 CS O PatientPosition
  0020,000E UI U SeriesInstanceUID
  0020,0011 IS R SeriesNumber
  0020,0052 UI O FrameOfReferenceUID
  0020,0060 CS O Laterality
  0020,0200 UI O SynchronizationFrameOfReferenceUID
  0020,1040 LO O PositionReferenceIndicator
  0040,0244 DA O PerformedProcedureStepStartDate
  0040,0245 TM O PerformedProcedureStepStartTime
  0040,0250 DA O PerformedProcedureStepEndDate
  0040,0251 TM O PerformedProcedureStepEndTime
  0040,0253 SH O PerformedProcedureStepID
  0040,0254 LO O PerformedProcedureStepDescription
  0040,0260 SQ O PerformedProtocolCodeSequence
  0040,0275 SQ O RequestAttributesSequence
  0040,0280 ST O CommentsOnThePerformedProcedureStep
IMAGE
  0008,0008 CS O ImageType
  0008,0012 DA O InstanceCreationDate
  0008,0013 TM O InstanceCreationTime
  0008,0014 UI O InstanceCreatorUID
  0008,0015 DT O InstanceCoercionDateTime
  0008,0016 UI O SOPClassUID
  0008,0018 UI U SOPInstanceUID
  0008,001A UI O RelatedGeneralSOPClassUID
  0008,0022 DA O AcquisitionDate
  0008,0023 DA O ContentDate
  0008,002A DT O AcquisitionDateTime
  0008,0032 TM O AcquisitionTime
  0008,0033 TM O ContentTime
  0008,0064 CS O ConversionType
  0008,0201 SH O TimezoneOffsetFromUTC
  0008,1115 SQ O ReferencedSeriesSequence
  0008,1140 SQ O ReferencedImageSequence
  0008,114A SQ O ReferencedInstanceSequence
  0008,2111 ST O DerivationDescription
  0008,2112 SQ O SourceImageSequence
  0008,2228 SQ O PrimaryAnatomicStructureSequence
  0008,9205 CS O PixelPresentation
  0008,9206 CS O VolumetricProperties
  0008,9215 SQ O DerivationCodeSequence
  0018,0010 LO O ContrastBolusAgent
  0018,0022 CS O ScanOptions
  0018,0050 DS O SliceThickness
  0018,0060 DS O KVP
  0018,0080 DS O RepetitionTime
  0018,0081 DS O EchoTime
  0018,0087 DS O MagneticFieldStrength
  0018,0088 DS O SpacingBetweenSlices
  0018,1150 IS O ExposureTime
  0018,1151 IS O XRayTubeCurrent
  0018,1152 IS O Exposure
  0018,1160 SH O FilterType
  0018,1400 LO O AcquisitionDeviceProcessingDescription
  0018,5101 CS O ViewPosition
  0018,A001 SQ O ContributingEquipmentSequence
  0020,0012 IS O AcquisitionNumber
  0020,0013 IS R InstanceNumber
  0020,0020 CS O PatientOrientation
  0020,0032 DS O ImagePositionPatient
  0020,0037 DS O ImageOrientationPatient
  0020,0062 CS O ImageLaterality
  0020,0100 IS O TemporalPositionIdentifier
  0020,0105 IS O NumberOfTemporalPositions
  0020,1002 IS O ImagesInAcquisition
  0020,1041 DS O SliceLocation
  0020,4000 LT O ImageComments
  0020,9056 SH O StackID
  0020,9057 UL O InStackPositionNumber
  0020,9128 UL O TemporalPositionIndex
  0020,9158 LT O FrameComments
  0028,0002 US O SamplesPerPixel
  0028,0004 CS O PhotometricInterpretation
  0028,0006 US O PlanarConfiguration
  0028,0008 IS O NumberOfFrames
  0028,0010 US O Rows
  0028,0011 US O Columns
  0028,0030 DS O PixelSpacing
  0028,0100 US O BitsAllocated
  0028,0101 US O BitsStored
  0028,0102 US O HighBit
  0028,0103 US O PixelRepresentation
  0028,0300 CS O QualityControlImage
  0028,0301 CS O BurnedInAnnotation
  0028,0302 CS O RecognizableVisualFeatures
  0028,0303 CS O LongitudinalTemporalInformationModified
  0028,1050 DS O WindowCenter
  0028,1051 DS O WindowWidth
  0028,2110 CS O LossyImageCompression
  0028,2112 DS O LossyImageCompressionRatio
  0028,2114 CS O LossyImageCompressionMethod
  0040,0512 LO O ContainerIdentifier
  0040,0560 SQ O SpecimenDescriptionSequence
  0040,A043 SQ O ConceptNameCodeSequence
  0040,A073 SQ O VerifyingObserverSequence
  0040,A375 SQ O CurrentRequestedProcedureEvidenceSequence
  0040,A491 CS O CompletionFlag
  0040,A493 CS O VerificationFlag
  0040,A496 CS O PreliminaryFlag
  0040,A504 SQ O ContentTemplateSequence
  0042,0010 ST O DocumentTitle
  0042,0012 LO O MIMETypeOfEncapsulatedDocument
  0054,0220 SQ O ViewCodeSequence
  0070,0080 CS O ContentLabel
  0070,0081 LO O ContentDescription
  0070,0082 DA O PresentationCreationDate
  0070,0083 TM O PresentationCreationTime
  0070,0084 PN O ContentCreatorName
  0100,0410 CS O SOPInstanceStatus
  0100,0420 DT O SOPAuthorizationDateTime
  0400,0600 CS O InstanceOriginStatus
  2200,0005 LT O BarcodeValue
  3002,0002 SH O RTImageLabel
  3004,000A CS O DoseSummationType
  3006,0002 SH O StructureSetLabel
  3006,0004 LO O StructureSetName
  3006,0008 DA O StructureSetDate
  300A,0002 SH O RTPlanLabel
  300A,0003 LO O RTPlanName
  300A,0006 DA O RTPlanDate
  300C,0002 SQ O ReferencedRTPlanSequence
"""

COMPUTED_GRID = """
PATIENT
  0020,1200 IS O NumberOfPatientRelatedStudies
  0020,1202 IS O NumberOfPatientRelatedSeries
  0020,1204 IS O NumberOfPatientRelatedInstances
STUDY
  0008,0061 CS O ModalitiesInStudy
  0008,0062 UI O SOPClassesInStudy
  0020,1206 IS O NumberOfStudyRelatedSeries
  0020,1208 IS O NumberOfStudyRelatedInstances
SERIES
  0020,1209 IS O NumberOfSeriesRelatedInstances
"""

SPECIFIC_CHARACTER_SET = 0x00080005
QUERY_RETRIEVE_LEVEL = 0x00080052
RETRIEVE_AE_TITLE = 0x00080054
INSTANCE_AVAILABILITY = 0x00080056
TIMEZONE_OFFSET_FROM_UTC = 0x00080201

Row = tuple[Level, Tag, str, str, str]
"""Level, tag, VR, key type and keyword of one attribute."""


def _rows(grid: str) -> tuple[Row, ...]:
    rows: list[Row] = []
    level = Level.PATIENT
    for words in map(str.split, grid.strip().splitlines()):
        if len(words) == 1:
            level = Level(words[0])
        else:
            tag, vr, key_type, keyword = words
            rows.append((level, int(tag.replace(",", ""), 16), vr, key_type, keyword))
    return tuple(rows)


STORED_ROWS = _rows(GRID)
COMPUTED_ROWS = _rows(COMPUTED_GRID)

LEVEL_OF: Mapping[Tag, Level] = MappingProxyType({tag: level for level, tag, *_ in STORED_ROWS + COMPUTED_ROWS})
"""The level of every attribute a query may name, computed ones included, as in the Patient Root model."""

VR_OF: Mapping[Tag, str] = MappingProxyType({tag: vr for _, tag, vr, *_ in STORED_ROWS + COMPUTED_ROWS})
"""The VR of every attribute in `LEVEL_OF`."""

UNIQUE_KEY: Mapping[Level, Tag] = MappingProxyType(
    {level: tag for level, tag, _, kind, _ in STORED_ROWS if kind == "U"}
)
"""The one unique key of each level (PS3.4 C.6.1.1, C.6.2.1)."""

COMPUTED: frozenset[Tag] = frozenset(tag for _, tag, *_ in COMPUTED_ROWS)
"""Keys that no data set carries: counted over the stored instances."""

ANSWERED: frozenset[Tag] = frozenset({RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY})
"""Keys of every level that `response.MatchEncoder` fills in."""

ZONED: frozenset[Level] = frozenset({Level.STUDY, Level.SERIES, Level.IMAGE})
"""Levels that keep the time zone of their dates and times. Nobody is born at another hour for having been abroad."""

STORED: Mapping[Level, frozenset[Tag]] = MappingProxyType(
    {
        level: frozenset(tag for at, tag, *_ in STORED_ROWS if at is level)
        | ({TIMEZONE_OFFSET_FROM_UTC} if level in ZONED else frozenset())
        for level in Level
    }
)
"""The attributes of each level that instances carry."""

WANTED: frozenset[Tag] = frozenset(VR_OF) - COMPUTED | {SPECIFIC_CHARACTER_SET}
"""What the scanner keeps of a data set."""


_NOT_OF_A_SITE = frozenset({*VR_OF, *ANSWERED, SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL})


def level_beyond_grid(tag: Tag) -> Level | None:
    """The level that the key of a site's attribute names; None for what is no site's business."""
    return None if tag in _NOT_OF_A_SITE else Level(PLACES[place_of(tag)])


def stored_at(level: Level, tags: Iterable[Tag]) -> list[Tag]:
    """Those of `tags` that are kept with the entities of `level`: by the grid, or because a site wants them there."""
    return [tag for tag in tags if tag in STORED[level] or level_beyond_grid(tag) is level]


LEVELS: tuple[Level, ...] = tuple(Level)


def levels(model: Model) -> tuple[Level, ...]:
    """The levels of `model`, from the root down."""
    return LEVELS if model is Model.PATIENT_ROOT else LEVELS[1:]


def levels_down_to(level: Level, model: Model = Model.PATIENT_ROOT) -> tuple[Level, ...]:
    """The levels of `model` from the root to `level`."""
    every = levels(model)
    return every[: every.index(level) + 1]


def level_of(tag: Tag, model: Model) -> Level | None:
    """The level `tag` belongs to in `model`; None for a tag that no query is answered on."""
    level = LEVEL_OF.get(tag)
    return Level.STUDY if level is Level.PATIENT and model is Model.STUDY_ROOT else level
