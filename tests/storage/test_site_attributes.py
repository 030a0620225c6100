"""Attributes that a site wants indexed besides: also those of objects that were stored before it wanted them."""

from pathlib import Path

from scpd.dataset.scanner import ScanLimits
from scpd.query.terms import Key, Level, Model, Query, Wildcard
from scpd.storage.base import Backend, Duplicates
from scpd.storage.reindex import Reindex
from scpd.testing import find, opened
from tests.datasets import ct
from tests.storage.files import archive_in, send

CONTRAST_BOLUS_ROUTE = 0x00181040
ASKED = Query(Model.STUDY_ROOT, Level.IMAGE, (Key(CONTRAST_BOLUS_ROUTE, "LO", Wildcard("O*")),))


async def routes(archive: Backend) -> list[str]:
    return [str(match[CONTRAST_BOLUS_ROUTE]) for match in await find(archive, ASKED)]


async def test_reindex_fills_them_in_for_what_is_stored(tmp_path: Path) -> None:
    async with opened(archive_in(tmp_path)) as archive:
        await send(archive, "1.2.1", ct("1.2.1", ContrastBolusRoute="ORAL"))
        await send(archive, "1.2.2", ct("1.2.2", ContrastBolusRoute="INTRAVENOUS"))
        assert await routes(archive) == []
    limits = ScanLimits(besides=frozenset({CONTRAST_BOLUS_ROUTE}))
    work = Reindex(tmp_path, tmp_path / "index.sqlite", limits, Duplicates.KEEP_FIRST)
    assert not any(report.complaint for report in work.reports())
    async with opened(archive_in(tmp_path)) as archive:
        assert await routes(archive) == ["ORAL"]
