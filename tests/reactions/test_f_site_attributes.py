"""Attributes that a site has indexed besides the usual ones, asked for at IMAGE level (PS3.4 C.2.2.1.3)."""

import pytest

from scpd.dataset.scanner import ScanLimits
from scpd.query.identifier import QueryRules
from tests.rawpeer import RawPeer
from tests.reactions.queries import (
    PENDING_UNSUPPORTED,
    QUERYING,
    SERIES,
    STUDY,
    STUDY_ROOT,
    ask,
    found,
    images_found,
    keep_images,
)

PROPOSAL = QUERYING
TAGS = frozenset({0x00181040, 0x00400555})
INDEXED = {"scan_limits": ScanLimits(besides=TAGS), "query_rules": QueryRules(indexed_besides=TAGS)}
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


def test_f03_without_the_configuration_they_are_not_supported(peer: RawPeer) -> None:
    """F03: FF01H, and no value (PS3.4 C.4.1.1.4)."""
    keep_images(peer, {"ContrastBolusRoute": "ORAL"})
    pending, _ = ask(peer, "IMAGE", STUDY_ROOT, **ABOVE, ContrastBolusRoute="X")
    assert pending.status == PENDING_UNSUPPORTED
