"""What an object must say of itself before it is filed: the T lines of PS3.4 B.2.3."""

import zlib
from collections.abc import Mapping

import pytest

from scpd.dataset.scan import ScanLimits
from scpd.dataset.site import Site, SiteAttribute
from scpd.dimse.status import DimseFailure, Status
from scpd.storage.base import Incoming
from scpd.storage.head import NON_PATIENT_SOP_CLASSES, Head
from tests.datasets import BIG_ENDIAN, CT_IMAGE, EXPLICIT, IMPLICIT, Form, Value, ct, data_set, element

EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
)
PALETTE = "1.2.840.10008.5.1.4.39.1"


def head_of(
    data: bytes, *, uid: str = "1.5", sop_class: str = CT_IMAGE, syntax: str = EXPLICIT_LITTLE, step: int = 0
) -> Head:
    head = Head(Incoming(sop_class, uid, syntax, "SCU", "SCP"))
    for first in range(0, len(data), step or len(data) or 1):
        head.feed([memoryview(data)[first : first + (step or len(data))]])
    return head


def refusal(data: bytes, **changed: str) -> tuple[int, tuple[int, ...]]:
    with pytest.raises(DimseFailure) as refused:
        head_of(data, **changed).instance()  # type: ignore[arg-type]  # a str is what all the named ones take
    return refused.value.status, refused.value.offending_elements


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize(
    ("syntax", "form"), [(EXPLICIT_LITTLE, EXPLICIT), (IMPLICIT_LITTLE, IMPLICIT), (EXPLICIT_BIG, BIG_ENDIAN)]
)
def test_the_indexed_attributes_are_read_in_every_encoding_and_cut(syntax: str, form: Form, step: int) -> None:
    instance = head_of(ct("1.5", form, PatientName="Doe^Jane"), syntax=syntax, step=step).instance()
    assert (instance.study_instance_uid, instance.series_instance_uid) == ("1.2.3", "1.2.3.1")
    assert instance.attributes[0x00100010] == "Doe^Jane"
    assert not instance.damaged


def test_a_deflated_data_set_is_read() -> None:
    packer = zlib.compressobj(wbits=-15)
    deflated = packer.compress(ct("1.5")) + packer.flush()
    assert head_of(deflated, syntax=DEFLATED).instance().study_instance_uid == "1.2.3"


def test_a_sop_class_other_than_announced_is_refused() -> None:
    assert refusal(ct("1.5", SOPClassUID=PALETTE)) == (Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, (0x00080016,))


def test_a_sop_instance_uid_other_than_announced_is_refused() -> None:
    assert refusal(ct("1.6")) == (Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, (0x00080018,))


@pytest.mark.parametrize(
    ("keyword", "tag"),
    [
        ("SOPClassUID", 0x00080016),
        ("SOPInstanceUID", 0x00080018),
        ("StudyInstanceUID", 0x0020000D),
        ("SeriesInstanceUID", 0x0020000E),
    ],
)
@pytest.mark.parametrize("value", [None, "", "1.2\\1.3"])
def test_a_required_uid_that_is_missing_empty_or_double_is_named(keyword: str, tag: int, value: str | None) -> None:
    changed: Mapping[str, Value] = {keyword: value}
    assert refusal(ct("1.5", EXPLICIT, **changed)) == (Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, (tag,))


@pytest.mark.parametrize("sop_class", sorted(NON_PATIENT_SOP_CLASSES))
def test_an_object_of_no_patient_needs_no_study(sop_class: str) -> None:
    data = data_set({"SOPClassUID": sop_class, "SOPInstanceUID": "1.5"})
    instance = head_of(data, sop_class=sop_class).instance()
    assert (instance.study_instance_uid, instance.series_instance_uid) == ("", "")


def test_an_unknown_sop_class_is_filed_by_the_common_keys() -> None:
    assert head_of(ct("1.5", SOPClassUID="1.3.12.2.1107.5.9.1"), sop_class="1.3.12.2.1107.5.9.1").instance()


@pytest.mark.parametrize("data", [b"", b"\0", b"garbage that is no data set at all", ct("1.5")[:60]])
def test_what_breaks_before_the_required_uids_cannot_be_understood(data: bytes) -> None:
    assert refusal(data) == (Status.CANNOT_UNDERSTAND, ())


def test_what_breaks_behind_them_is_kept_and_marked() -> None:
    broken = ct("1.5", PixelData=None) + element(0x7FE00010, "OW", b"short", length=1000)
    assert head_of(broken).instance().damaged


def test_file_meta_information_has_no_place_in_a_data_set() -> None:
    assert refusal(element(0x00020010, "UI", b"1.2\0") + ct("1.5")) == (Status.CANNOT_UNDERSTAND, ())
    assert refusal(bytes(128) + b"DICM" + ct("1.5")) == (Status.CANNOT_UNDERSTAND, ())


def test_a_deflated_bomb_without_uids_is_refused_at_the_inflate_limit() -> None:
    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(element(0x00020000, "UL", b"")[:0] + element(0x00080001, "UL", b"\0" * 4))
    bomb += packer.compress(element(0x00080008, "OB", b"", length=1 << 30)) + packer.compress(bytes(80 << 20))
    assert refusal(bomb + packer.flush(), syntax=DEFLATED) == (Status.CANNOT_UNDERSTAND, ())


def test_what_a_site_wants_besides_is_kept() -> None:
    private = SiteAttribute(0x00190002, "LO", "SERIES", "ACME 1.0")
    site = Site((SiteAttribute(0x00181040, "LO"), SiteAttribute(0x00400555, "SQ"), private))
    limits = ScanLimits(besides=site)
    head = Head(Incoming(CT_IMAGE, "1.5", EXPLICIT_LITTLE, "SCU", "SCP"), limits)
    kept: dict[str, Value] = {"ContrastBolusRoute": "oral", "AcquisitionContextSequence": [{"ValueType": "TEXT"}]}
    data = ct("1.5", EXPLICIT, **kept, ContrastBolusVolume="3")
    behind = data.index(element(0x00200013, "IS", b"")[:4])  # tags ascend
    block = element(0x00190010, "LO", b"ACME 1.0") + element(0x00191002, "LO", b"secret")
    head.feed([memoryview(data[:behind] + block + data[behind:])])
    found = head.instance().attributes
    assert found[private.key] == "secret"
    assert not {0x00190010, 0x00191002} & found.keys()
    assert found[0x00181040] == "oral"
    assert found[0x00400555] == ({0x0040A040: "TEXT"},)
    assert 0x00181041 not in found
