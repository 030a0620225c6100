"""Attributes that a site has indexed besides the usual ones (PS3.4 C.2.2.1.3)."""

import pytest

from scpd.dataset.scan import ScanLimits
from scpd.dataset.site import Site, SiteAttribute
from scpd.query.identifier import QueryRules
from tests.datasets import EXPLICIT, IMPLICIT, Form, ct, element, identifier
from tests.rawpeer import Message, RawPeer
from tests.reactions.queries import (
    PENDING,
    PENDING_UNSUPPORTED,
    QUERYING,
    SERIES,
    STUDY,
    STUDY_ROOT,
    SUCCESS,
    ask,
    found,
    images_found,
    keep_images,
    keep_studies,
    studies_found,
)

PROPOSAL = QUERYING
SITE = Site(
    (
        SiteAttribute(0x00181040, "LO"),
        SiteAttribute(0x00400555, "SQ"),
        SiteAttribute(0x00320032, "DA", "STUDY"),
        SiteAttribute(0x00190002, "DS", "STUDY", "ACME 1.0"),
        SiteAttribute(0x00190003, "LO", "STUDY", "ACME 1.0", is_matched=False),
    )
)
INDEXED = {"scan_limits": ScanLimits(besides=SITE), "query_rules": QueryRules(indexed_besides=SITE)}
ABOVE = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES}


@pytest.mark.parametrize("daemon", [INDEXED], indirect=True)
def test_f03_attributes_of_the_site_are_matched_on_and_returned(peer: RawPeer) -> None:
    """F03: FF00H, because what is indexed is supported (PS3.4 C.4.1.1.4)."""
    keep_images(
        peer,
        {"ContrastBolusRoute": "ORAL", "AcquisitionContextSequence": [{"ValueType": "TEXT"}]},
        {"ContrastBolusRoute": "INTRAVENOUS", "AcquisitionContextSequence": [{"ValueType": "CODE"}]},
        {},
    )
    assert images_found(peer, ContrastBolusRoute="ORAL") == [1]
    assert images_found(peer, ContrastBolusRoute="*A*") == [1, 2]
    assert images_found(peer, AcquisitionContextSequence=[{"ValueType": "CODE"}]) == [2]
    matches = found(peer, "IMAGE", STUDY_ROOT, **ABOVE, ContrastBolusRoute="")
    assert [str(match.ContrastBolusRoute or "") for match in matches] == ["ORAL", "INTRAVENOUS", ""]


@pytest.mark.parametrize("daemon", [INDEXED], indirect=True)
def test_f03_attributes_of_the_site_at_other_levels(peer: RawPeer) -> None:
    """F03: at the level that the site has given them, and below."""
    keep_studies(peer, {"StudyVerifiedDate": "20240101"}, {"StudyVerifiedDate": "20240201"}, {})
    assert studies_found(peer, StudyVerifiedDate="20240101") == [1]
    (match,) = found(peer, "SERIES", STUDY_ROOT, StudyInstanceUID="1.2.2", StudyVerifiedDate="")
    assert match.StudyVerifiedDate == "20240201"


def private(block: int, dose: bytes, remark: bytes, form: Form = IMPLICIT) -> bytes:
    """Two private elements, and what says whose they are."""
    first = 0x00190000 | block << 8
    creator = element(0x00190000 | block, "LO", b"ACME 1.0", form)
    return creator + element(first | 2, "DS", dose, form) + element(first | 3, "LO", remark, form)


def with_private(usual: bytes, elements: bytes) -> bytes:
    """A data set with private elements in their place: tags ascend."""
    at = usual.index(element(0x0020000D, "UI", b"")[:4])
    return usual[:at] + elements + usual[at:]


def ask_privately(peer: RawPeer, dose: bytes, remark: bytes) -> list[Message]:
    """The responses to a query on the two private elements, in block 40."""
    return peer.find(with_private(identifier("STUDY", IMPLICIT, StudyInstanceUID=""), private(0x40, dose, remark)))


@pytest.mark.parametrize("daemon", [INDEXED], indirect=True)
def test_f03_private_attributes_of_the_site(peer: RawPeer) -> None:
    """F03: known by their creator, whatever block it has here and there (PS3.5 7.8.1)."""
    for number, block in ((1, 0x10), (2, 0x2F)):
        uid = f"1.2.{number}.1.1"
        usual = ct(uid, EXPLICIT, StudyInstanceUID=f"1.2.{number}", SeriesInstanceUID=f"1.2.{number}.1")
        elements = private(block, b"%d.5 " % number, b"remark %d" % number, EXPLICIT)
        assert peer.store(uid, with_private(usual, elements)).status == SUCCESS
    match, final = ask_privately(peer, b"2.50", b"")
    assert (match.status, final.status) == (PENDING, SUCCESS)
    assert match.data_set is not None and private(0x40, b"2.5 ", b"remark 2") in match.data_set
    *matches, final = ask_privately(peer, b"", b"nothing ")
    assert [one.status for one in matches] == [PENDING_UNSUPPORTED] * 2  # it is only returned


def test_f03_without_the_configuration_they_are_not_supported(peer: RawPeer) -> None:
    """F03: FF01H, and no value (PS3.4 C.4.1.1.4)."""
    keep_images(peer, {"ContrastBolusRoute": "ORAL"})
    pending, _ = ask(peer, "IMAGE", STUDY_ROOT, **ABOVE, ContrastBolusRoute="X")
    assert pending.status == PENDING_UNSUPPORTED
