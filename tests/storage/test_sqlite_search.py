"""The SQLite index against the oracle: random archives, random queries, hostile text, pages of every size."""

import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scpd.dataset.attributes import Attributes
from scpd.dataset.site import SiteAttribute
from scpd.query import levels
from scpd.query.levels import COMPUTED
from scpd.query.matching import answer
from scpd.query.terms import (
    AnyOf,
    Empty,
    Items,
    Key,
    Level,
    Matcher,
    Model,
    Query,
    Range,
    Single,
    Universal,
    Wildcard,
)
from scpd.storage import sqlite_search
from scpd.storage.archive import Archive
from scpd.storage.base import Record, Sealed
from scpd.storage.memory import MemoryBlobs
from scpd.storage.sqlite import SqliteIndex
from scpd.testing import incoming, instance, query, rows

NAMES = (
    "Doe^Jane",
    "DOE^JANE^^",
    "Doe^John",
    "müller^jörg",
    "MULLER^JORG",
    "Ōsaka=大阪=おおさか",
    "",
    "a\\b",
    "[x]",
    "^",
)
TEXTS = ("1", "10", "100%", "1_0", "a*b", "A", "a", "", "x\\y", "[", "]", "'", '"', "\0", "\U0010ffff", "\ud7ff", " 1")
DATES = ("20240101", "20240229", "2024.03.01", "20241231", "19991231", "", "2024", "20241301", "20240101\\20250101")
TIMES = ("10", "1015", "101500", "101559.999", "235960", "", "x")
MOMENTS = ("20240101", "20240229120000", "20240229120000+0100", "x", "")
OFFSETS = ("+0000", "-1100", "+1400", "+0530", "", "CET")
PATTERNS = (
    "*",
    "?",
    "1*",
    "*0",
    "a?b",
    "a\\*",
    "[*",
    "*%*",
    "D*",
    "DOE^J*",
    "m?ller*",
    "*\\*",
    "\U0010ffff*",
    "**",
    "=*",
)
UIDS = tuple(f"1.{n}" for n in range(4))
SITE = {
    SiteAttribute(0x00181040, "LO").key: Level.IMAGE,
    SiteAttribute(0x00190002, "LO", "SERIES", "ACME 1.0").key: Level.SERIES,
    SiteAttribute(0x00324000, "LT", "STUDY").key: Level.STUDY,
    SiteAttribute(0x00190002, "LO", "PATIENT", "ACMÉ").key: Level.PATIENT,
}
"""Attributes that the grid does not have, but a site wants."""
LEVEL_OF = {**levels.LEVEL_OF, levels.TIMEZONE_OFFSET_FROM_UTC: Level.STUDY, **SITE}
VR_OF = {**levels.VR_OF, **dict.fromkeys(SITE, "LO")}

VALUES: Mapping[int, tuple[str, ...]] = {
    0x00100010: NAMES, 0x00100020: TEXTS, 0x00100021: ("", "A", "B"), 0x00100030: DATES, 0x00100040: ("M", "F", ""),
    0x00080020: DATES, 0x00080030: TIMES, 0x00080050: TEXTS, 0x00081030: TEXTS, 0x00080090: NAMES,
    0x00080060: ("CT", "MR", "PT", "", "CT\\MR"), 0x0008103E: TEXTS, 0x00200011: ("1", "01", "2", ""),
    0x00080016: ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"), 0x00200013: ("1", "2", ""),
    0x00080023: DATES, 0x00080008: ("ORIGINAL\\PRIMARY", "DERIVED\\PRIMARY"),
    0x00080033: TIMES, 0x0008002A: MOMENTS, 0x00080201: OFFSETS,
    **dict.fromkeys(SITE, TEXTS),
}  # fmt: skip
HIERARCHY: Mapping[int, tuple[str, ...]] = {0x0020000D: UIDS, 0x0020000E: UIDS, 0x00080018: UIDS}
CODES = st.fixed_dictionaries({}, optional={0x00080100: st.sampled_from(TEXTS), 0x00080104: st.sampled_from(TEXTS)})
PROCEDURE_CODE_SEQUENCE = 0x00081032
VALUES_OF = {**VALUES, **HIERARCHY}
ASKED = [*VALUES_OF, PROCEDURE_CODE_SEQUENCE, *sorted(COMPUTED)]

objects = st.fixed_dictionaries(
    {0x0020000D: st.sampled_from(UIDS[:3]), 0x0020000E: st.sampled_from(UIDS[:3])},
    optional={
        **{tag: st.sampled_from(values) for tag, values in VALUES.items()},
        PROCEDURE_CODE_SEQUENCE: st.lists(CODES, max_size=2).map(tuple),
    },
)
archives = st.lists(objects, max_size=10).map(
    lambda found: [{0x00080016: "1.2", **one, 0x00080018: f"1.{number}"} for number, one in enumerate(found)]
)


def matchers(tag: int) -> st.SearchStrategy[Matcher]:
    values = st.sampled_from([value for value in VALUES_OF[tag] if value] or ["x"])
    common = [st.just(Universal()), values.map(Single), st.lists(values, min_size=1, max_size=3).map(tuple).map(AnyOf)]
    if VR_OF[tag] in ("DA", "TM", "DT"):
        ends = st.one_of(st.none(), values)
        return st.one_of(*common, st.builds(Range, ends, ends), st.just(Empty()))
    if VR_OF[tag] == "UI":
        return st.one_of(*common)
    return st.one_of(*common, st.sampled_from(PATTERNS).map(Wildcard), st.just(Empty()))


def key(tag: int) -> st.SearchStrategy[Key]:
    if tag == PROCEDURE_CODE_SEQUENCE:
        inner = st.sampled_from(TEXTS[:-1]).map(lambda text: (Key(0x00080100, "SH", Single(text or "x")),))
        return st.one_of(st.just(()), inner).map(lambda keys: Key(tag, "SQ", Items(keys)))
    if tag in COMPUTED:
        one = st.sampled_from(["CT", "MR", "1", "2", "1.2"]).map(Single)
        return st.one_of(st.just(Universal()), one).map(lambda matcher: Key(tag, VR_OF[tag], matcher))
    return matchers(tag).map(lambda matcher: Key(tag, VR_OF[tag], matcher))


@st.composite
def queries(draw: st.DrawFn) -> Query:
    level = draw(st.sampled_from(Level))
    above = [
        tag for tag in [*VALUES, *HIERARCHY, PROCEDURE_CODE_SEQUENCE, *COMPUTED] if LEVEL_OF[tag] in _down_to(level)
    ]
    tags = draw(st.lists(st.sampled_from(above), unique=True, max_size=5))
    if level is not Level.PATIENT and draw(st.booleans()):
        tags = [*{*tags, 0x00080020, 0x00080030}]
    keys = tuple(draw(key(tag)) for tag in sorted(tags))
    is_combined = {0x00080020, 0x00080030} <= {one.tag for one in keys if isinstance(one.matcher, Range)}
    return Query(
        draw(st.sampled_from(Model)),
        level,
        keys,
        combined=((0x00080020, 0x00080030),) if is_combined and draw(st.booleans()) else (),
        utc_offset=draw(st.sampled_from(("", "", "+0000", "-1200", "+1400"))),
    )


def _down_to(level: Level) -> list[Level]:
    return list(levels.levels_down_to(level))


def record(found: Attributes, number: int) -> Record:
    uid = str(found[0x00080018])
    return Record(incoming(uid, str(found[0x00080016])), instance(found), f"object {number}", Sealed(uid.encode(), 1))


def filled(folder: Path, archive: list[Attributes]) -> SqliteIndex:
    index = SqliteIndex(folder / "index.sqlite", sync=False)
    index.open()
    index.add([record(found, number) for number, found in enumerate(archive)], [])
    return index


def found(index: SqliteIndex, asked: Query) -> list[Attributes]:
    return [match for page in index.pages(asked) for match in page]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(archive=archives, asked=st.lists(queries(), min_size=3, max_size=6), page_rows=st.sampled_from([1, 2, 200]))
def test_random_queries_over_random_archives_are_answered_as_the_oracle_does(
    monkeypatch: pytest.MonkeyPatch, archive: list[Attributes], asked: list[Query], page_rows: int
) -> None:
    monkeypatch.setattr(sqlite_search, "PAGE_ROWS", page_rows)
    with tempfile.TemporaryDirectory() as folder, closing(filled(Path(folder), archive)) as index:
        for one in asked:
            assert rows(one, found(index, one)) == rows(one, answer(one, archive)), one


def image(number: int, study: int, series: int, **changed: str) -> Attributes:
    return {
        0x00080016: "1.2", 0x00080018: f"3.{number}", 0x0020000D: f"1.{study}", 0x0020000E: f"1.{study}.{series}",
        0x00100020: f"P{study % 7}", 0x00100010: f"NAME{study:03}^X", 0x00080020: f"202401{study % 28 + 1:02}",
    } | {int(name[1:], 16): value for name, value in changed.items()}  # fmt: skip


@pytest.fixture(scope="module")
def archive() -> list[Attributes]:
    return [image(study * 20 + part, study, part % 4) for study in range(60) for part in range(20)]


@pytest.fixture(scope="module")
def index(archive: list[Attributes], tmp_path_factory: pytest.TempPathFactory) -> SqliteIndex:
    return filled(tmp_path_factory.mktemp("index"), archive)


QUESTIONS = [
    query(level, **matched)
    for level in Level
    for matched in (
        {},
        {"_00100020": Single("P3")},
        {"_00100010": Wildcard("NAME00*")},
        {"_00100010": Wildcard("*7^X")},
        {"_00080020": Range("20240105", "20240106")},
        {"_00080020": Range(None, "20240103"), "_00100020": AnyOf(("P1", "P2", "P1", "nobody"))},
        {"_0020000D": Single("1.5")},
        {"_0020000D": AnyOf(tuple(f"1.{n}" for n in range(900)))},
        {"_0020000E": AnyOf(tuple(f"1.{n}.2" for n in range(900))), "_0020000D": AnyOf(("1.5", "1.6"))},
        {"_00080018": AnyOf(tuple(f"3.{n}" for n in range(700)))},
    )
    if all(LEVEL_OF[int(name[1:], 16)] in _down_to(level) for name in matched)
]


@pytest.mark.parametrize("page_rows", [7, 200])
@pytest.mark.parametrize("asked", QUESTIONS, ids=range(len(QUESTIONS)))
def test_answers_of_many_pages_have_every_match_once(
    index: SqliteIndex, archive: list[Attributes], monkeypatch: pytest.MonkeyPatch, page_rows: int, asked: Query
) -> None:
    monkeypatch.setattr(sqlite_search, "PAGE_ROWS", page_rows)
    assert rows(asked, found(index, asked)) == rows(asked, answer(asked, archive))


async def test_a_search_that_finds_nothing_for_many_statements_goes_on(
    index: SqliteIndex, archive: list[Attributes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_search, "PAGE_ROWS", 7)
    monkeypatch.setattr(sqlite_search, "STATEMENTS_PER_PAGE", 1)
    backend = Archive(MemoryBlobs(), index)
    asked = query(Level.IMAGE, _00080018=Wildcard("3.1199"))  # SQL does not narrow UIDs by wild cards
    pages = [page async for page in backend.find(asked)]
    assert rows(asked, chain.from_iterable(pages)) == rows(asked, answer(asked, archive))
    assert [] in pages and any(pages)


@pytest.mark.parametrize("asked", QUESTIONS, ids=range(len(QUESTIONS)))
def test_every_statement_is_led_by_an_index_and_needs_no_sorting(index: SqliteIndex, asked: Query) -> None:
    plans: list[str] = []

    def explained(sql: str, values: object) -> list[tuple[object, ...]]:
        assert isinstance(values, tuple | list)
        if "LIMIT" in sql:  # a page; the studies of one patient may be sorted
            plans.extend(str(row[3]) for row in index._fetch("EXPLAIN QUERY PLAN " + sql, values))
        return index._fetch(sql, values)

    list(sqlite_search.search(asked, explained))
    assert plans and not any("TEMP B-TREE" in plan for plan in plans)
    # One row comes of it: the page as JSON, made of what the search found.
    assert all(plan.startswith("SEARCH") or "subquery" in plan for plan in plans), plans


@pytest.mark.parametrize("level", Level)
def test_every_attribute_there_is_can_be_asked_for_at_once(tmp_path: Path, level: Level) -> None:
    full: Attributes = {**{tag: f"{tag:08X}" for tag in levels.WANTED}, **image(1, 1, 1)}
    asked = query(level, *(tag for tag, at in levels.LEVEL_OF.items() if at in _down_to(level)))
    with closing(filled(tmp_path, [full])) as index:
        (match,) = found(index, asked)
    asked_for = {key.tag for key in asked.keys}
    assert asked_for <= match.keys() <= asked_for | {levels.TIMEZONE_OFFSET_FROM_UTC}
    assert rows(asked, [match]) == rows(asked, answer(asked, [full]))


ZONES = [
    image(1, 1, 1, _00080020="20241231", _00080030="2330", _00080201="-1200", _0008002A="20241231233000"),
    image(2, 2, 1, _00080020="20250103", _00080030="0030", _00080201="+1400"),
    image(3, 3, 1, _00080020="20250101", _00080030="1000"),
    image(4, 4, 1, _00080020="yesterday", _00080030="1000", _00080201="+0100"),
]


@pytest.mark.parametrize("level", [Level.STUDY, Level.IMAGE])
@pytest.mark.parametrize(
    ("zone", "date", "expected"),
    [
        ("+1400", Single("20250102"), ["3.1"]),
        ("-1200", Single("20250101"), ["3.2", "3.3"]),
        ("-1200", Range("20250101", "20250101"), ["3.2", "3.3"]),
        ("-1200", Range(None, "20241231"), ["3.1"]),
        ("+1400", Range("20250103", None), ["3.2"]),
        ("+0000", AnyOf(("20250101", "20250102")), ["3.1", "3.2", "3.3"]),
        ("+0000", Single("yesterday"), ["3.4"]),
        ("+0000", Range("00010101", "99991231"), ["3.1", "3.2", "3.3"]),
        ("+0000", Universal(), ["3.1", "3.2", "3.3", "3.4"]),
    ],
)
def test_f28_dates_are_found_and_told_in_the_zone_of_the_query(
    tmp_path: Path, level: Level, zone: str, date: Matcher, expected: list[str]
) -> None:
    asked = replace(query(level, 0x00080030, 0x00080201, 0x00100010, _00080020=date), utc_offset=zone)
    with closing(filled(tmp_path, ZONES)) as index:
        matches = found(index, asked)
        assert rows(asked, matches) == rows(asked, answer(asked, ZONES))
        at_image = replace(query(Level.IMAGE, 0x00080018, _00080020=date), utc_offset=zone)
        assert sorted(str(match[0x00080018]) for match in found(index, at_image)) == expected


def test_f28_of_two_zones_the_lower_levels_is_that_of_a_match(tmp_path: Path) -> None:
    poor, rich = (
        image(1, 1, 1, _00080201="+0100", _0008002A="20240101120000"),
        image(2, 1, 1, _00080201="-0100", _00081030="KNEE", _0008103E="KNEE"),
    )
    asked = query(Level.IMAGE, 0x00080201, _00100010=Wildcard("NAME*"), _00080018=Single("3.1"))
    with closing(filled(tmp_path, [poor, rich])) as index:
        for driven_from_below in (asked, query(Level.IMAGE, 0x00080201, _0020000D=Single("1.1"))):
            assert rows(driven_from_below, found(index, driven_from_below)) == rows(
                driven_from_below, answer(driven_from_below, [poor, rich])
            )
        (match,) = found(index, asked)
        assert match[0x00080201] == "+0100"
