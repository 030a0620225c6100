"""The suite that proves a Backend, whoever wrote it. Needs pytest and pytest-asyncio.

    from scpd.testing import BackendSuite

    class TestMyBackend(BackendSuite):
        @pytest.fixture
        def backend(self, tmp_path):
            return MyBackend(tmp_path)

Every test gets a new backend over an empty store from that one fixture, not opened yet; the suite opens and closes it.
What queries must answer is computed by `scpd.query.matching`, from the same attributes that were stored.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

import pytest

from scpd.dataset.attributes import Attributes
from scpd.query.levels import COMPUTED_ROWS, UNIQUE_KEY, VR_OF
from scpd.query.matching import answer
from scpd.query.terms import AnyOf, Key, Level, Matcher, Model, Query, Range, Single, Universal, Wildcard
from scpd.storage.base import Backend, Duplicates, Incoming, Instance, Outcome, StorageError

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
COLOR_PALETTE = "1.2.840.10008.5.1.4.39.1"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

PATIENT_NAME, PATIENT_ID, ISSUER = 0x00100010, 0x00100020, 0x00100021
STUDY_DATE, ACCESSION_NUMBER, STUDY_DESCRIPTION = 0x00080020, 0x00080050, 0x00081030
MODALITY, SERIES_NUMBER, INSTANCE_NUMBER = 0x00080060, 0x00200011, 0x00200013
SOP_CLASS, SOP_INSTANCE, STUDY, SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E

HOSTILE_TEXTS = (
    "100%", "a_b", "O'Brien", 'say "hi"', "[a-z]", "a*b?c", "; DROP TABLE study; --", "$(reboot)", "../../etc/passwd",
    "one\\two", "nul\0inside", "line\nfeed", "müller^jörg", "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\U0001f480", " lead",
)  # fmt: skip

HOSTILE_UIDS = ("../../../tmp/x", "..", ".", "1..2", "1.02.3", "9" * 80, "a/b", "nul\0", "*", "LOCALIZER", "-", "~")


def incoming(uid: str, sop_class_uid: str = CT_IMAGE) -> Incoming:
    """An object about to arrive under `uid`."""
    return Incoming(sop_class_uid, uid, EXPLICIT_VR_LITTLE_ENDIAN, "MODALITY", "SCPD")


def attributes(uid: str, study: str = "1.2.3", series: str = "1.2.3.1", **changed: str) -> dict[int, str]:
    """What an ordinary image says of itself; `changed` names tags in hexadecimal: `_00100020="42"`."""
    return {
        SOP_CLASS: CT_IMAGE, SOP_INSTANCE: uid, STUDY: study, SERIES: series, PATIENT_NAME: "Doe^Jane",
        PATIENT_ID: "4711", STUDY_DATE: "20240229", ACCESSION_NUMBER: "A1", MODALITY: "CT", INSTANCE_NUMBER: "1",
    } | {int(name[1:], 16): value for name, value in changed.items()}  # fmt: skip


def instance(found: Attributes) -> Instance:
    """What the head of a data set with these attributes gives."""
    return Instance(str(found.get(STUDY, "")), str(found.get(SERIES, "")), found)


def query(level: Level, *asked: int, model: Model = Model.PATIENT_ROOT, **matched: Matcher) -> Query:
    """A query at `level` that asks for tags, and matches on those named in hexadecimal."""
    matchers: dict[int, Matcher] = {tag: Universal() for tag in asked}
    matchers |= {int(name[1:], 16): matcher for name, matcher in matched.items()}
    return Query(model, level, tuple(Key(tag, VR_OF[tag], matchers[tag]) for tag in sorted(matchers)))


async def store(
    backend: Backend, found: Attributes, data: bytes = b"bytes", *, piece_bytes: int = 0, sop_class_uid: str = CT_IMAGE
) -> Outcome:
    """Stores one object: in one piece, or in pieces whose memory is overwritten as soon as `write` returns."""
    sink = await backend.open_sink(incoming(str(found[SOP_INSTANCE]), sop_class_uid))
    rest = bytearray(data)
    while piece_bytes and len(rest) > piece_bytes:
        piece = rest[:piece_bytes]
        await sink.write([memoryview(piece)[:1], memoryview(piece)[1:]], last=False)
        piece[:] = b"\xff" * len(piece)
        del rest[:piece_bytes]
    await sink.write([memoryview(rest)], last=True)
    return await sink.commit(instance(found))


async def find(backend: Backend, asked: Query) -> list[Attributes]:
    """All matches."""
    async with aclosing(backend.find(asked)) as pages:
        return [match async for page in pages for match in page]


async def read(backend: Backend, uid: str) -> bytes:
    """The data set of an object."""
    async with aclosing(backend.read(uid)) as pieces:
        return b"".join([piece async for piece in pieces])


def rows(asked: Query, matches: Iterable[Attributes]) -> list[list[object]]:
    """What a peer would see of matches, in one order: the keys asked for and the unique keys."""
    seen = sorted({key.tag for key in asked.keys} | set(UNIQUE_KEY.values()))
    return sorted(([match.get(tag) for tag in seen] for match in matches), key=repr)


@asynccontextmanager
async def opened(backend: Backend) -> AsyncIterator[Backend]:
    """`backend`, open."""
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


async def _store_each(backend: Backend, versions: Sequence[bytes]) -> None:
    for version in versions:
        await store(backend, attributes("1.5", _00100020=str(version[0])), version, piece_bytes=60_000)


DUPLICATES = {
    Duplicates.KEEP_BOTH: (Outcome.QUARANTINED, Outcome.QUARANTINED),
    Duplicates.KEEP_FIRST: (Outcome.DISCARDED, Outcome.DISCARDED),
    Duplicates.REPLACE: (Outcome.REPLACED, Outcome.SAME_BYTES),
    Duplicates.REFUSE: (Outcome.REFUSED, Outcome.REFUSED),
}
"""What becomes of other bytes under a known UID, and of the same other bytes again."""

LEVELS = tuple(Level)
COMPUTED_TAGS = {level: tuple(tag for at, tag, *_ in COMPUTED_ROWS if at is level) for level in LEVELS}


async def assert_answers(backend: Backend, asked: Query, stored: Sequence[Attributes]) -> None:
    """Asserts that a query is answered as the oracle answers it."""
    assert rows(asked, await find(backend, asked)) == rows(asked, answer(asked, stored)), asked


@pytest.mark.asyncio
class BackendSuite:
    """Subclass it and give it the fixture `backend`, and `duplicates` if that does not keep both."""

    duplicates = Duplicates.KEEP_BOTH

    @pytest.fixture
    def backend(self) -> Backend:
        """A backend over an empty store, not opened."""
        raise NotImplementedError("give the suite a fixture named backend")

    async def test_a_stored_object_is_found_at_every_level_and_given_back(self, backend: Backend) -> None:
        one = attributes("1.2.3.1.1")
        async with opened(backend) as archive:
            assert await store(archive, one, b"the bytes") is Outcome.STORED
            for level in LEVELS:
                await assert_answers(archive, query(level, PATIENT_NAME), [one])
                assert len(await find(archive, query(level))) == 1
            assert await read(archive, "1.2.3.1.1") == b"the bytes"
            statistics = await archive.statistics()
        assert (statistics.patients, statistics.studies, statistics.series, statistics.instances) == (1, 1, 1, 1)
        assert statistics.stored_bytes == 9

    @pytest.mark.parametrize("piece_bytes", [1, 7, 4096])
    async def test_memory_lent_to_write_may_be_reused_at_once(self, backend: Backend, piece_bytes: int) -> None:
        data = bytes(range(251)) * (5 if piece_bytes < 100 else 100)
        async with opened(backend) as archive:
            await store(archive, attributes("1.5"), data, piece_bytes=piece_bytes)
            assert await read(archive, "1.5") == data

    async def test_a_write_may_have_thousands_of_views_and_empty_ones(self, backend: Backend) -> None:
        data = bytes(range(256)) * 20
        views = [memoryview(data)[position : position + 1] for position in range(len(data))]
        async with opened(backend) as archive:
            sink = await archive.open_sink(incoming("1.5"))
            await sink.write([], last=False)
            await sink.write([*views, memoryview(b"")], last=False)
            await sink.write([*views, memoryview(b"")], last=True)
            await sink.commit(instance(attributes("1.5")))
            assert await read(archive, "1.5") == data + data

    async def test_an_object_may_end_without_a_last_write(self, backend: Backend) -> None:
        async with opened(backend) as archive:
            sink = await archive.open_sink(incoming("1.5"))
            await sink.write([memoryview(b"all of it")], last=False)
            assert await sink.commit(instance(attributes("1.5"))) is Outcome.STORED
            assert await read(archive, "1.5") == b"all of it"

    async def test_nothing_is_visible_before_commit_or_after_discard(self, backend: Backend) -> None:
        async with opened(backend) as archive:
            small, large, unused = [await archive.open_sink(incoming(uid)) for uid in ("1.5", "1.6", "1.7")]
            await small.write([memoryview(b"small")], last=True)
            await large.write([memoryview(b"large")], last=False)
            assert await find(archive, query(Level.IMAGE)) == []
            for sink in (small, large, unused):
                await sink.discard()
                await sink.discard()
            assert await find(archive, query(Level.IMAGE)) == []
            assert (await archive.statistics()).instances == 0
            assert await store(archive, attributes("1.5"), b"other") is Outcome.STORED

    async def test_a_discard_after_commit_changes_nothing(self, backend: Backend) -> None:
        async with opened(backend) as archive:
            sink = await archive.open_sink(incoming("1.5"))
            await sink.write([memoryview(b"kept")], last=True)
            await sink.commit(instance(attributes("1.5")))
            await sink.discard()
            assert await read(archive, "1.5") == b"kept"

    async def test_reading_what_is_not_there_is_a_storage_error(self, backend: Backend) -> None:
        async with opened(backend) as archive:
            with pytest.raises(StorageError):
                await read(archive, "1.2.3")

    async def test_the_same_bytes_again_add_nothing(self, backend: Backend) -> None:
        one = attributes("1.5")
        async with opened(backend) as archive:
            assert await store(archive, one, b"same") is Outcome.STORED
            assert await store(archive, one, b"same", piece_bytes=2) is Outcome.SAME_BYTES
            statistics = await archive.statistics()
            await assert_answers(archive, query(Level.STUDY, *COMPUTED_TAGS[Level.STUDY]), [one])
        assert (statistics.instances, statistics.quarantined) == (1, 0)

    async def test_other_bytes_under_a_known_uid_become_what_the_policy_says(self, backend: Backend) -> None:
        first, second = attributes("1.5"), attributes("1.5", study="1.9", _00100020="other")
        once, again = DUPLICATES[self.duplicates]
        async with opened(backend) as archive:
            await store(archive, first, b"first")
            assert await store(archive, second, b"second") is once
            assert await store(archive, second, b"second") is again
            replaced = once is Outcome.REPLACED
            assert await read(archive, "1.5") == (b"second" if replaced else b"first")
            for level in LEVELS:
                await assert_answers(archive, query(level, PATIENT_ID), [second if replaced else first])
            statistics = await archive.statistics()
        assert (statistics.studies, statistics.instances) == (1, 1)
        assert statistics.quarantined == (once is Outcome.QUARANTINED)

    async def test_an_unfit_object_is_kept_where_no_query_finds_it(self, backend: Backend) -> None:
        broken = Instance("", "", {SOP_INSTANCE: "1.5"}, damaged=True, unfit="no study")
        async with opened(backend) as archive:
            for _ in range(2):
                sink = await archive.open_sink(incoming("1.5"))
                await sink.write([memoryview(b"broken")], last=True)
                assert await sink.commit(broken) is Outcome.QUARANTINED
            assert await find(archive, query(Level.IMAGE)) == []
            with pytest.raises(StorageError):
                await read(archive, "1.5")
            assert await store(archive, attributes("1.5"), b"whole") is Outcome.STORED
            statistics = await archive.statistics()
        assert (statistics.instances, statistics.quarantined) == (1, 1)

    async def test_readers_see_one_version_of_an_object_and_never_a_mix(self, backend: Backend) -> None:
        versions = [bytes([number]) * 150_000 for number in range(20)]
        async with opened(backend) as archive:
            await store(archive, attributes("1.5"), versions[0])
            storing = asyncio.ensure_future(_store_each(archive, versions[1:]))
            while not storing.done():
                assert await read(archive, "1.5") in versions
                assert len(await find(archive, query(Level.IMAGE, PATIENT_ID))) == 1
            await storing

    async def test_one_object_on_eight_associations_at_once_is_stored_once(self, backend: Backend) -> None:
        one = attributes("1.5")
        async with opened(backend) as archive:
            outcomes = await asyncio.gather(*(store(archive, one, b"same", piece_bytes=n % 3) for n in range(8)))
            assert sorted(outcome.name for outcome in outcomes) == ["SAME_BYTES"] * 7 + ["STORED"]
            assert len(await find(archive, query(Level.IMAGE))) == 1

    async def test_of_different_objects_under_one_uid_at_once_one_is_stored(self, backend: Backend) -> None:
        one = attributes("1.5")
        async with opened(backend) as archive:
            versions = [b"version %d" % number for number in range(8)]
            outcomes = await asyncio.gather(*(store(archive, one, version) for version in versions))
            other, _ = DUPLICATES[self.duplicates]
            assert outcomes.count(Outcome.STORED) == 1 and outcomes.count(other) == 7
            winners = [
                version
                for version, outcome in zip(versions, outcomes, strict=True)
                if outcome in (Outcome.STORED, Outcome.REPLACED)
            ]
            assert await read(archive, "1.5") in winners
            assert (await archive.statistics()).quarantined == outcomes.count(Outcome.QUARANTINED)

    async def test_a_query_sees_every_store_that_ended_before_it(self, backend: Backend) -> None:
        async def store_and_look(archive: Backend, number: int) -> None:
            for part in range(5):
                uid = f"1.5.{number}.{part}"
                await store(archive, attributes(uid, series=f"1.2.3.{number}"), uid.encode())
                asked = query(Level.IMAGE, _00080018=Single(uid))
                assert len(await find(archive, asked)) == 1

        async with opened(backend) as archive:
            await asyncio.gather(*(store_and_look(archive, number) for number in range(8)))
            assert (await archive.statistics()).series == 8

    async def test_a_long_answer_has_every_match_once_and_may_be_left_early(self, backend: Backend) -> None:
        stored = [attributes(f"1.5.{number}", series=f"1.2.3.{number % 3}") for number in range(230)]
        async with opened(backend) as archive:
            await asyncio.gather(*(store(archive, one, str(one[SOP_INSTANCE]).encode()) for one in stored))
            for level in LEVELS:
                await assert_answers(archive, query(level, *COMPUTED_TAGS[level]), stored)
            async with aclosing(archive.find(query(Level.IMAGE))) as pages:
                assert await anext(pages)
            await assert_answers(archive, query(Level.IMAGE, _0020000D=Single("1.2.3")), stored)

    async def test_objects_of_no_patient_are_kept_and_not_found(self, backend: Backend) -> None:
        palette = {SOP_CLASS: COLOR_PALETTE, SOP_INSTANCE: "1.5"}
        async with opened(backend) as archive:
            assert await store(archive, palette, b"rgb", sop_class_uid=COLOR_PALETTE) is Outcome.STORED
            assert await read(archive, "1.5") == b"rgb"
            for level in LEVELS:
                assert await find(archive, query(level)) == []
            assert (await archive.statistics()).instances == 1

    @pytest.mark.parametrize("hostile", HOSTILE_UIDS)
    async def test_a_hostile_study_or_series_uid_is_only_a_name(self, backend: Backend, hostile: str) -> None:
        one = attributes("1.5", study=hostile, series=hostile)
        async with opened(backend) as archive:
            assert await store(archive, one, b"bytes") is Outcome.STORED
            assert await read(archive, "1.5") == b"bytes"
            for level in LEVELS[1:]:
                await assert_answers(archive, query(level, _0020000D=Single(hostile)), [one])

    async def test_hostile_text_matches_itself_and_nothing_else(self, backend: Backend) -> None:
        stored = [
            attributes(f"1.5.{n}", f"1.{n}", f"1.{n}.1", _00100010=text, _00100020=text, _00080050=text, _00081030=text)
            for n, text in enumerate(HOSTILE_TEXTS)
        ]
        async with opened(backend) as archive:
            await asyncio.gather(*(store(archive, one) for one in stored))
            for text in HOSTILE_TEXTS:
                for level in LEVELS:
                    for matcher in (Single(text), Wildcard(f"{text[:1]}*"), Wildcard(f"*{text[1:]}"), AnyOf((text,))):
                        await assert_answers(archive, query(level, _00100020=matcher), stored)
                        await assert_answers(archive, query(level, _00100010=matcher), stored)
                        await assert_answers(archive, query(level, _00080050=matcher), stored)

    @pytest.mark.parametrize("backwards", [False, True])
    async def test_conflicting_attributes_end_the_same_in_any_order(self, backend: Backend, backwards: bool) -> None:
        stored = [
            attributes("1.5.1", _00100010="A", _00081030="short"),
            attributes("1.5.2", _00100010="B", _00081030="longer", _00080030="101500"),
            attributes("1.5.3", _00100020="4712", _00100021="ISSUER", _00100010=""),
            attributes("1.5.4", series="1.2.3.2", _00080060="MR", _00100020="", _00100010="C"),
            attributes("1.5.5", study="1.2.4", _00100020="4712", _00100021="ISSUER", _00100030="19700101"),
            attributes("1.5.6", study="1.2.5", _00100020=""),
        ]
        async with opened(backend) as archive:
            for one in reversed(stored) if backwards else stored:
                await store(archive, one)
            for level in LEVELS:
                asked = [PATIENT_NAME, PATIENT_ID, ISSUER, *COMPUTED_TAGS[Level.PATIENT]]
                if level is not Level.PATIENT:
                    asked += [STUDY_DESCRIPTION, *COMPUTED_TAGS[Level.STUDY]]
                await assert_answers(archive, query(level, *asked), stored)
                for patient in ("4711", "4712", ""):
                    await assert_answers(archive, query(level, *asked, _00100020=Single(patient)), stored)

    async def test_dates_match_by_range_in_either_form(self, backend: Backend) -> None:
        dates = ("20240101", "2024.01.02", "20240103", "", "20241301", "20240101\\20250101", "yesterday")
        stored = [attributes(f"1.5.{n}", study=f"1.{n}", _00080020=date) for n, date in enumerate(dates)]
        ranges = (("20240101", "20240102"), (None, "20240101"), ("20240103", None), ("2024.01.02", None), ("x", "y"))
        async with opened(backend) as archive:
            for one in stored:
                await store(archive, one)
            for first, last in ranges:
                await assert_answers(archive, query(Level.STUDY, _00080020=Range(first, last)), stored)
            for date in filter(None, dates):
                await assert_answers(archive, query(Level.STUDY, _00080020=Single(date)), stored)

    async def test_a_commit_whose_caller_was_cancelled_is_whole_or_nothing(self, backend: Backend) -> None:
        async with opened(backend) as archive:
            for number in range(20):
                uid = f"1.5.{number}"
                task = asyncio.create_task(store(archive, attributes(uid), uid.encode() * 100, piece_bytes=number))
                for _ in range(number):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                assert await store(archive, attributes(uid), uid.encode() * 100) in (Outcome.STORED, Outcome.SAME_BYTES)
                assert await read(archive, uid) == uid.encode() * 100
            assert (await archive.statistics()).instances == 20
