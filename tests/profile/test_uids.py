"""What an operator may write, and what it means."""

import pytest

from scpd.profile.dictionary import ServiceName
from scpd.profile.uids import (
    UnknownName,
    kebab,
    select_sop_classes,
    select_transfer_syntaxes,
    sop_class_spellings,
    spelling_of,
    title_of,
    transfer_syntax_spellings,
)
from tests.profile.requests import CT, EXPLICIT, IMPLICIT, PRIVATE, STUDY_ROOT_FIND, VERIFICATION

STORAGE, FIND = ServiceName.STORAGE, ServiceName.FIND


@pytest.mark.parametrize("spelling", ["ct", "CT", "CT Image Storage", "CTImageStorage", "ct-image-storage", CT])
def test_a_sop_class_has_many_spellings(spelling: str) -> None:
    assert select_sop_classes(STORAGE, (spelling,)).uids == (CT,)


def test_every_proposed_spelling_is_understood() -> None:
    for service in ServiceName:
        for spelling in sop_class_spellings(service):
            assert select_sop_classes(service, (spelling,)).uids
        for spelling in transfer_syntax_spellings(service):
            assert select_transfer_syntaxes(service, (spelling,))


def test_a_name_that_a_retired_class_shares_means_the_one_in_force() -> None:
    [uid] = select_sop_classes(STORAGE, ("Ultrasound Image Storage",)).uids
    assert spelling_of(uid) == "UltrasoundImageStorage"


def test_sop_classes_selected_twice_are_selected_once() -> None:
    assert select_sop_classes(STORAGE, ("ct", CT, PRIVATE, "1.3.*", "1.3.*")).uids == (CT, PRIVATE)
    assert select_sop_classes(STORAGE, ("1.3.*", "*", "1.3.*")).prefixes == ("1.3.", "")


def test_each_service_has_sop_classes_of_its_own() -> None:
    assert select_sop_classes(FIND, ("find:study-root",)).uids == (STUDY_ROOT_FIND,)
    assert select_sop_classes(ServiceName.VERIFICATION, ("verification",)).uids == (VERIFICATION,)
    assert select_sop_classes(ServiceName.VERIFICATION, ("Verification SOP Class",)).uids == (VERIFICATION,)


@pytest.mark.parametrize(
    ("service", "spelling", "nearest"),
    [
        (STORAGE, "CTImgStorage", "CTImageStorage"),
        (STORAGE, "storage:imag", "storage:image"),
        (STORAGE, "nothing like it", ""),
        (STORAGE, VERIFICATION, ""),
        (STORAGE, "1.2.840.10008.1.3.10", ""),  # the media directory
        (STORAGE, "1", ""),
        (STORAGE, "1." + "2" * 63, ""),
        (STORAGE, "1..2", ""),
        (STORAGE, "*.1", ""),
        (FIND, "find:studyroot-", "find:study-root"),
        (FIND, CT, ""),
        (FIND, PRIVATE, ""),
        (FIND, "1.2.*", ""),
    ],
)
def test_what_is_no_sop_class_of_the_service_is_refused_with_the_nearest_that_is(
    service: ServiceName, spelling: str, nearest: str
) -> None:
    with pytest.raises(UnknownName) as raised:
        select_sop_classes(service, (spelling,))
    assert (raised.value.spelling, raised.value.nearest) == (spelling, nearest)


@pytest.mark.parametrize(
    "spelling", ["explicit-vr-little-endian", "ExplicitVRLittleEndian", "Explicit VR Little Endian", EXPLICIT]
)
def test_a_transfer_syntax_has_many_spellings(spelling: str) -> None:
    assert select_transfer_syntaxes(STORAGE, (spelling,)) == (EXPLICIT,)


def test_transfer_syntaxes_keep_their_order_and_come_once() -> None:
    selected = select_transfer_syntaxes(STORAGE, ("jpeg-ls-lossless", IMPLICIT, "uncompressed", "1.2.3.4"))
    assert selected[:3] == ("1.2.840.10008.1.2.4.80", IMPLICIT, EXPLICIT)
    assert selected[-1] == "1.2.3.4"
    assert len(selected) == 5


@pytest.mark.parametrize(
    ("service", "spelling", "nearest"),
    [
        (STORAGE, "jpeg-ls-losless", "jpeg-ls-lossless"),
        (STORAGE, "lossles", "lossless"),
        (STORAGE, "xml-encoding", ""),
        (STORAGE, "1.2.840.10008.1.2.6.2", ""),
        (STORAGE, CT, ""),
        (FIND, "deflated-explicit-vr-little-endian", "explicit-vr-little-endian"),
        (FIND, "lossless", ""),
        (FIND, "1.2.3.4", ""),
        (FIND, "implicit-vr-litle-endian", "implicit-vr-little-endian"),
    ],
)
def test_what_is_no_usable_transfer_syntax_is_refused_with_the_nearest_that_is(
    service: ServiceName, spelling: str, nearest: str
) -> None:
    with pytest.raises(UnknownName) as raised:
        select_transfer_syntaxes(service, (spelling,))
    assert (raised.value.spelling, raised.value.nearest) == (spelling, nearest)


def test_keywords_become_names_for_toml() -> None:
    assert kebab("ImplicitVRLittleEndian") == "implicit-vr-little-endian"
    assert kebab("JPEGLSNearLossless") == "jpeg-ls-near-lossless"


def test_a_uid_nobody_knows_is_its_own_name() -> None:
    assert (title_of(PRIVATE), spelling_of(PRIVATE)) == (PRIVATE, PRIVATE)
    assert (title_of(CT), spelling_of(CT)) == ("CT Image Storage", "CTImageStorage")
