"""User-information sub-items: what negotiates, and what means nothing (PS3.8 Annex D, PS3.7 D.3.3)."""

import pytest

from scpd.ul.cursor import Cursor
from scpd.ul.errors import ProtocolError
from scpd.ul.item_codec import ANSWER_DECODERS, REQUEST_DECODERS, decode_user_information, encode_user_information
from scpd.ul.items import (
    AsyncOperationsWindow,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    RoleSelection,
    UserIdentityAC,
    UserIdentityRQ,
    UserIdentityType,
    UserInformation,
)
from tests.ul.samples import item, octets


def decode_request(*sub_items: bytes) -> UserInformation:
    return decode_user_information(Cursor(b"".join(sub_items)), REQUEST_DECODERS)


def decode_answer(*sub_items: bytes) -> UserInformation:
    return decode_user_information(Cursor(b"".join(sub_items)), ANSWER_DECODERS)


def assert_invalid(*sub_items: bytes, match: str) -> None:
    with pytest.raises(ProtocolError, match=match) as caught:
        decode_request(*sub_items)
    assert (caught.value.source, caught.value.reason) == (2, 6)


@pytest.mark.parametrize("length", [0, 1, 7, 11, 12, 16384, 0xFFFFFFFF])
def test_a45_a46_a47_every_maximum_length_is_kept_as_it_was_announced(length: int) -> None:
    assert decode_request(item(0x51, length.to_bytes(4, "big"))).maximum_length == length


def test_a43_a_missing_maximum_length_is_none() -> None:
    assert decode_request(item(0x52, b"1.2")).maximum_length is None


@pytest.mark.parametrize("sub_item_type", [0x00, 0x50, 0x5A, 0x7F, 0xFF])
def test_a44_an_unknown_sub_item_is_ignored(sub_item_type: int) -> None:
    information = decode_request(item(sub_item_type, b"\xff" * 9), item(0x51, b"\0\0\x10\0"))
    assert information == UserInformation(maximum_length=4096)


def test_a48_our_implementation_is_named() -> None:
    information = UserInformation(implementation_class_uid="1.2.3", implementation_version_name="SCPD_0_1_0")
    assert encode_user_information(information) == octets("52 00 0005 '1.2.3' 55 00 000A 'SCPD_0_1_0'")


def test_a49_a50_an_asynchronous_operations_window_is_there_or_not() -> None:
    assert decode_request(octets("53 00 0004 0008 0008")).async_operations_window == AsyncOperationsWindow(8, 8)
    assert decode_request().async_operations_window is None
    assert encode_user_information(UserInformation()) == b""


@pytest.mark.parametrize(("scu", "scp"), [(False, False), (False, True), (True, False), (True, True)])
def test_a51_a52_roles_are_selected_one_by_one(scu: bool, scp: bool) -> None:
    data = item(0x54, octets("0003 '1.2'") + bytes((scu, scp)))
    information = UserInformation(role_selections=(RoleSelection("1.2", scu, scp),))
    assert decode_request(data) == decode_answer(data) == information
    assert encode_user_information(information) == data


def test_a_role_that_is_neither_0_nor_1_is_an_error() -> None:
    assert_invalid(octets("54 00 0007 0003 '1.2' 02 00"), match="neither 0 nor 1")


def test_a53_extended_negotiation_keeps_the_bytes_of_the_service_class() -> None:
    information = decode_request(octets("56 00 0006 0003 '1.2' 01"), octets("56 00 0005 0003 '1.2'"))
    assert information.extended_negotiations == (ExtendedNegotiation("1.2", b"\1"), ExtendedNegotiation("1.2", b""))


def test_a54_a_positive_response_may_be_empty() -> None:
    information = UserInformation(user_identity=UserIdentityAC())
    assert encode_user_information(information) == octets("59 00 0002 0000")
    assert decode_answer(octets("59 00 0002 0000")) == information


def test_a54_identities_of_the_other_side_are_ignored() -> None:
    assert decode_request(octets("59 00 0002 0000")).user_identity is None
    assert decode_answer(octets("58 00 0007 01 00 0001 'u' 0000")).user_identity is None


@pytest.mark.parametrize("identity_type", UserIdentityType)
def test_every_type_of_user_identity_is_decoded(identity_type: UserIdentityType) -> None:
    data = item(0x58, bytes((identity_type, 1)) + octets("0004 'user' 0000"))
    assert decode_request(data).user_identity == UserIdentityRQ(identity_type, True, b"user")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("00 00 0001 'u' 0000", "identity type 0"),
        ("06 00 0001 'u' 0000", "identity type 6"),
        ("01 02 0001 'u' 0000", "neither 0 nor 1"),
        ("01 00 0009 'u' 0000", "runs past"),
        ("02 00 0001 'u' 0001", "runs past"),
        ("01 00 0001 'u'", "runs past"),
        ("01 00 0001 'u' 0000 00", "longer"),
    ],
)
def test_a56_a_user_identity_that_means_nothing_is_an_error(content: str, match: str) -> None:
    assert_invalid(item(0x58, octets(content)), match=match)


def test_a56_a_user_name_may_be_as_long_as_its_item() -> None:
    name = b"n" * (0xFFFF - 6)
    identity = decode_request(item(0x58, b"\1\0" + len(name).to_bytes(2, "big") + name + b"\0\0")).user_identity
    assert identity == UserIdentityRQ(UserIdentityType.USERNAME, False, name)


def test_the_secrets_of_a_user_identity_are_not_shown() -> None:
    identity = UserIdentityRQ(UserIdentityType.USERNAME_AND_PASSCODE, True, b"jdoe", b"swordfish")
    assert repr(UserInformation(user_identity=identity)).endswith(
        "user_identity=UserIdentityRQ(USERNAME_AND_PASSCODE))"
    )


def test_a57_related_general_sop_classes_are_kept_and_fields_of_later_versions_are_not() -> None:
    content = "0003 '1.2' 0003 '1.3' 0008 0001 '5' 0003 '1.4' 'to come'"
    common = decode_request(item(0x57, octets(content))).common_extended_negotiations
    assert common == (CommonExtendedNegotiation("1.2", "1.3", ("5", "1.4")),)


def test_a57_is_a_sub_item_of_requests_only() -> None:
    assert decode_answer(item(0x57, b"")) == UserInformation()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("51 00 0003 000000", "runs past"),
        ("51 00 0005 0000000000", "longer"),
        ("53 00 0005 0001000100", "longer"),
        ("54 00 0008 0003 '1.2' 00 00 00", "longer"),
        ("57 00 000F 0003 '1.2' 0003 '1.3' 0003 0002 '5'", "runs past"),
    ],
)
def test_a13_a_sub_item_of_the_wrong_length_is_an_error(content: str, match: str) -> None:
    assert_invalid(octets(content), match=match)


@pytest.mark.parametrize(
    "sub_item",
    [
        "51 00 0004 00000000",
        "52 00 0003 '1.2'",
        "53 00 0004 0001 0001",
        "55 00 0001 'V'",
        "58 00 0007 01 00 0001 'u' 0000",
    ],
)
def test_a_sub_item_that_may_be_sent_once_never_has_two_meanings(sub_item: str) -> None:
    assert_invalid(octets(sub_item) * 2, match=f"{sub_item[:2]}H comes twice")
