"""Attributes that a site wants indexed besides: also those of objects that were stored before it wanted them."""

from pathlib import Path

import pytest

from scpd.dataset.scan import ScanLimits
from scpd.dataset.site import Site, SiteAttribute
from scpd.query.terms import Items, Key, Level, Matcher, Model, Query, Single, Wildcard
from scpd.storage.base import Duplicates
from scpd.storage.reindex import Reindex
from scpd.testing import find, opened
from tests.datasets import ct, element
from tests.storage.files import archive_in, send

ROUTE = SiteAttribute(0x00181040, "LO")
VERIFIED = SiteAttribute(0x00320032, "DA", "STUDY")
DOSE = SiteAttribute(0x00190002, "LO", "SERIES", "ACME 1.0")
VALUE_TYPE = SiteAttribute(0x0040A040, "CS")
CONTEXTS = SiteAttribute(0x00400555, "SQ", "PATIENT", items=(VALUE_TYPE,))
SITE = Site((ROUTE, VERIFIED, DOSE, CONTEXTS))

QUESTIONS: list[tuple[SiteAttribute, Level, Matcher]] = [
    (ROUTE, Level.IMAGE, Wildcard("O*")),
    (VERIFIED, Level.STUDY, Single("20240101")),
    (VERIFIED, Level.IMAGE, Single("20240101")),
    (DOSE, Level.SERIES, Single("high")),
    (CONTEXTS, Level.PATIENT, Items((Key(VALUE_TYPE.key, "CS", Single("TEXT")),))),
]


def with_dose(data: bytes, block: int, dose: bytes) -> bytes:
    """The same object with a private element, in its place."""
    behind = data.index(element(0x00200013, "IS", b"")[:4])  # tags ascend
    creator = element(0x00190000 | block, "LO", b"ACME 1.0")
    return data[:behind] + creator + element(0x00190002 | block << 8, "LO", dose) + data[behind:]


OBJECTS = {
    number: with_dose(
        ct(
            f"1.2.{number}",
            StudyInstanceUID=f"1.{number}",
            SeriesInstanceUID=f"1.{number}.1",
            PatientID=str(number),
            ContrastBolusRoute=route,
            StudyVerifiedDate=date,
            AcquisitionContextSequence=[{"ValueType": value_type}],
        ),
        0x10 + number,
        dose,
    )
    for number, route, date, value_type, dose in (
        (1, "ORAL", "20240101", "TEXT", b"high"),
        (2, "INTRAVENOUS", "20240102", "CODE", b"low "),
    )
}


@pytest.mark.parametrize(("asked", "level", "matcher"), QUESTIONS, ids=lambda part: str(getattr(part, "tag", part)))
async def test_reindex_fills_them_in_for_what_is_stored(
    tmp_path: Path, asked: SiteAttribute, level: Level, matcher: Matcher
) -> None:
    query = Query(Model.PATIENT_ROOT, level, (Key(asked.key, asked.vr, matcher),))
    async with opened(archive_in(tmp_path)) as archive:
        for number, data in OBJECTS.items():
            await send(archive, f"1.2.{number}", data)
        assert await find(archive, query) == []
    work = Reindex(tmp_path, tmp_path / "index.sqlite", ScanLimits(besides=SITE), Duplicates.KEEP_FIRST)
    assert not any(report.complaint for report in work.reports())
    async with opened(archive_in(tmp_path)) as archive:
        (match,) = await find(archive, query)
    assert match[0x00100020] == "1"
