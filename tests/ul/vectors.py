"""Every PDU as bytes, typed from the tables of PS3.8 9.3 and PS3.7 D.3.3, and as the dataclass it stands for."""

from scpd.ul.pdu import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsyncOperationsWindow,
    CommonExtendedNegotiation,
    ContextResult,
    ExtendedNegotiation,
    PDataTF,
    Pdu,
    PresentationContextAC,
    PresentationContextRQ,
    PresentationDataValue,
    RejectReason,
    RejectResult,
    ReleaseRP,
    ReleaseRQ,
    RoleSelection,
    UserIdentityAC,
    UserIdentityRQ,
    UserIdentityType,
    UserInformation,
)
from tests.ul.samples import octets

ASSOCIATE_RQ_ECHO = octets("""
    01 00 000000B4                                           # A-ASSOCIATE-RQ, 180 bytes follow
    0001 0000                                                # protocol version 1
    'SCPD            ' 'MODALITY        '
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    10 00 0015 '1.2.840.10008.3.1.1.1'
    20 00 002E  01 00 00 00                                  # presentation context 1
      30 00 0011 '1.2.840.10008.1.1'
      40 00 0011 '1.2.840.10008.1.2'
    50 00 0021
      51 00 0004 00004000                                    # maximum length 16384
      52 00 0007 '1.2.3.4'
      55 00 000A 'SCANNER_42'
""")

ASSOCIATE_RQ_ALL_ITEMS = octets("""
    01 00 0000014B                                           # 331 bytes follow
    FFFF 0000
    '  STORE         ' '                '
    01020304 05060708 090A0B0C 0D0E0F10 11121314 15161718 191A1B1C 1D1E1F20
    10 00 0015 '1.2.840.10008.3.1.1.1'
    20 00 0027  FF 00 00 00                                  # presentation context 255
      30 00 0007 '1.2.3.9'
      40 00 0005 '1.2.5'
      40 00 0005 '1.2.6'
      40 00 0002 '1.'
    20 00 0014  02 00 00 00                                  # an even id
      30 00 0003 '1.4'
      40 00 0005 '1.2.5'
    50 00 00A7
      51 00 0004 00000000                                    # no maximum
      52 00 0007 '1.2.3.4'
      53 00 0004 0005 0000                                   # asynchronous operations window
      54 00 000D 0009 '1.2.3.9.1' 00 01                      # role selection: SCP only
      54 00 0008 0004 '1.22' 01 01
      55 00 0001 'V'
      56 00 000B 0005 '1.2.7' 01 00 01 01                    # extended negotiation
      56 00 0007 0005 '1.2.8'
      57 00 0020 0005 '1.2.9' 0007 '1.2.4.2' 000E 0005 '1.3.1' 0005 '1.3.2'
      57 00 0010 0005 '1.2.1' 0005 '1.4.2' 0000
      58 00 0014 02 01 0006 'jdoe42' 0008 'swordfsh'         # user identity with passcode
""")

ASSOCIATE_AC = octets("""
    02 00 000000D3                                           # A-ASSOCIATE-AC, 211 bytes follow
    0001 0000
    'SCPD            ' 'MODALITY        '
    01020304 05060708 090A0B0C 0D0E0F10 11121314 15161718 191A1B1C 1D1E1F20
    10 00 0015 '1.2.840.10008.3.1.1.1'
    21 00 0019  01 00 00 00                                  # presentation context 1: acceptance
      40 00 0011 '1.2.840.10008.1.2'
    21 00 0008  03 00 03 00                                  # abstract syntax not supported
      40 00 0000
    21 00 0019  05 00 04 00                                  # transfer syntaxes not supported
      40 00 0011 '1.2.840.10008.1.2'
    50 00 002C
      51 00 0004 00010000
      52 00 0007 '1.2.3.5'
      54 00 0009 0005 '1.2.7' 00 01
      59 00 0008 0006 'TICKET'                               # user identity, positive response
""")

VECTORS: dict[str, tuple[bytes, Pdu]] = {
    "associate-rq": (
        ASSOCIATE_RQ_ECHO,
        AssociateRQ(
            called_ae=b"SCPD            ",
            calling_ae=b"MODALITY        ",
            application_contexts=("1.2.840.10008.3.1.1.1",),
            presentation_contexts=(PresentationContextRQ(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),),
            user_information=UserInformation(16384, "1.2.3.4", "SCANNER_42"),
        ),
    ),
    "associate-rq with every item": (
        ASSOCIATE_RQ_ALL_ITEMS,
        AssociateRQ(
            protocol_version=0xFFFF,
            called_ae=b"  STORE         ",
            calling_ae=b"                ",
            reserved=bytes(range(1, 33)),
            application_contexts=("1.2.840.10008.3.1.1.1",),
            presentation_contexts=(
                PresentationContextRQ(255, "1.2.3.9", ("1.2.5", "1.2.6", "1.")),
                PresentationContextRQ(2, "1.4", ("1.2.5",)),
            ),
            user_information=UserInformation(
                maximum_length=0,
                implementation_class_uid="1.2.3.4",
                implementation_version_name="V",
                async_operations_window=AsyncOperationsWindow(5, 0),
                role_selections=(RoleSelection("1.2.3.9.1", False, True), RoleSelection("1.22", True, True)),
                extended_negotiations=(
                    ExtendedNegotiation("1.2.7", b"\x01\x00\x01\x01"),
                    ExtendedNegotiation("1.2.8", b""),
                ),
                common_extended_negotiations=(
                    CommonExtendedNegotiation("1.2.9", "1.2.4.2", ("1.3.1", "1.3.2")),
                    CommonExtendedNegotiation("1.2.1", "1.4.2"),
                ),
                user_identity=UserIdentityRQ(UserIdentityType.USERNAME_AND_PASSCODE, True, b"jdoe42", b"swordfsh"),
            ),
        ),
    ),
    "associate-ac": (
        ASSOCIATE_AC,
        AssociateAC(
            called_ae=b"SCPD            ",
            calling_ae=b"MODALITY        ",
            reserved=bytes(range(1, 33)),
            application_context="1.2.840.10008.3.1.1.1",
            presentation_contexts=(
                PresentationContextAC(1, ContextResult.ACCEPTANCE, "1.2.840.10008.1.2"),
                PresentationContextAC(3, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, ""),
                PresentationContextAC(5, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, "1.2.840.10008.1.2"),
            ),
            user_information=UserInformation(
                maximum_length=65536,
                implementation_class_uid="1.2.3.5",
                role_selections=(RoleSelection("1.2.7", False, True),),
                user_identity=UserIdentityAC(b"TICKET"),
            ),
        ),
    ),
    "associate-rj": (
        octets("03 00 00000004 00 01 01 07"),
        AssociateRJ(RejectResult.PERMANENT, RejectReason.CALLED_AE_TITLE_NOT_RECOGNIZED),
    ),
    "associate-rj, transient": (
        octets("03 00 00000004 00 02 03 02"),
        AssociateRJ(RejectResult.TRANSIENT, RejectReason.LOCAL_LIMIT_EXCEEDED),
    ),
    "p-data-tf": (
        octets("04 00 00000012  00000006 01 03 'CMND'  00000004 03 00 'DA'"),
        PDataTF(
            (
                PresentationDataValue(1, is_command=True, is_last=True, data=b"CMND"),
                PresentationDataValue(3, is_command=False, is_last=False, data=b"DA"),
            )
        ),
    ),
    "release-rq": (octets("05 00 00000004 00000000"), ReleaseRQ()),
    "release-rp": (octets("06 00 00000004 00000000"), ReleaseRP()),
    "abort": (octets("07 00 00000004 00 00 02 06"), Abort(2, 6)),
    "abort of a source and reason that mean nothing": (octets("07 00 00000004 00 00 01 FF"), Abort(1, 255)),
}
