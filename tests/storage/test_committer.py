"""Batches that go wrong: who is told what, and what is left of it."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import pytest

from scpd.storage.base import (
    CommitInDoubt,
    Draft,
    Incoming,
    Location,
    Outcome,
    OutOfResources,
    Record,
    nothing,
)
from scpd.storage.committer import BATCH_BYTES_MAX, Commit, Committer
from scpd.storage.digests import digest_of
from scpd.storage.memory import MemoryBlobs, MemoryDraft, MemoryIndex
from scpd.testing import attributes, incoming, instance


class FaultyBlobs(MemoryBlobs):
    """Memory, but `fail_draft`, `fail_expect` and `fail_place` hold UIDs, `unsettled` locations."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_draft: set[str] = set()
        self.fail_expect: set[str] = set()
        self.fail_place: set[str] = set()
        self.unsettled: Collection[Location] = ()
        self.settling_mistake: Exception | None = None
        self.noted: dict[Location, str] = {}
        self.settled: list[Location] = []

    @property
    def placed(self) -> Collection[Location]:
        return self._placed.keys()

    def expect(self, location: Location, sop_instance_uid: str) -> None:
        if sop_instance_uid in self.fail_expect:
            raise OSError("journal")
        self.noted[location] = sop_instance_uid

    def forget(self, location: Location) -> None:
        self.noted.pop(location, None)

    def draft(self, incoming: Incoming) -> MemoryDraft:
        if incoming.sop_instance_uid in self.fail_draft:
            raise OSError("no space")
        return FaultyDraft(self, incoming, self._placed)

    def settle(
        self, placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None] = nothing
    ) -> Mapping[Location, OSError]:
        if self.settling_mistake is not None:
            raise self.settling_mistake
        meanwhile()
        self.settled += placed
        return {location: OSError("folder") for location in placed if location in self.unsettled}


class FaultyDraft(MemoryDraft):
    """One that is there, and yet fails to be placed."""

    def __init__(self, blobs: FaultyBlobs, incoming: Incoming, placed: dict[Location, bytes]) -> None:
        super().__init__(placed)
        self._fails = incoming.sop_instance_uid in blobs.fail_place
        self._blobs = blobs
        self._uid = incoming.sop_instance_uid

    def place(self, location: Location) -> None:
        assert self._blobs.noted[location] == self._uid, "nobody would look for it after a crash"
        super().place(location)
        if self._fails:
            raise OSError("folder")


class FaultyIndex(MemoryIndex):
    """Memory, but a commit raises what `errors` gives next; None stands for success."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception | None] = []
        self.refused_uid = ""
        self.batches: list[int] = []

    def stage(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        if any(record.incoming.sop_instance_uid == self.refused_uid for record in stored):
            raise ValueError("no row can be made of this one")
        super().stage(stored, quarantined)

    def commit(self) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.batches.append(len(self._staged[0]))
        super().commit()


Answers = list[Outcome | BaseException]


@pytest.fixture
def blobs() -> FaultyBlobs:
    return FaultyBlobs()


@pytest.fixture
def index() -> FaultyIndex:
    return FaultyIndex()


class OneBatch(Committer):
    """Without threads: takes whatever waits when it is told to, all of it in one batch."""

    def start(self) -> None:
        self.hand_over()
        self.close()
        self._run()


def submit(committer: Committer, objects: Iterable[tuple[str, bytes]]) -> asyncio.Future[Answers]:
    """Submits objects; gives what will be answered to all of them."""
    loop = asyncio.get_running_loop()
    commits = [
        Commit(incoming(uid), instance(attributes(uid)), None, [memoryview(data)], loop.create_future())
        for uid, data in objects
    ]
    for one in commits:
        committer.submit(one)
    return asyncio.gather(*(one.answer for one in commits), return_exceptions=True)


async def committed(blobs: FaultyBlobs, index: FaultyIndex, *batches: Iterable[tuple[str, bytes]]) -> list[Answers]:
    """What a committer answers to whole batches, one after the other."""
    answers = []
    for batch in batches:
        committer = OneBatch(blobs, index)
        waiting = submit(committer, batch)
        committer.start()
        answers.append(await waiting)
    return answers


def kinds(answers: Answers) -> list[object]:
    return [type(answer) if isinstance(answer, BaseException) else answer for answer in answers]


async def test_what_cannot_be_written_fails_alone(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.fail_draft = {"1.2"}
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b"), ("1.3", b"c")])
    assert kinds(answers) == [Outcome.STORED, OutOfResources, Outcome.STORED]
    assert len(blobs.placed) == 2


async def test_without_a_note_in_the_journal_nothing_is_placed(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.fail_expect = {"1.1", "1.2"}
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b")])
    assert kinds(answers) == [OutOfResources, OutOfResources]
    assert not blobs.placed and index.locate("1.1") is None


async def test_what_cannot_be_placed_fails_alone_and_is_gone(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.fail_place = {"1.2"}
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b"), ("1.3", b"c")])
    assert kinds(answers) == [Outcome.STORED, OutOfResources, Outcome.STORED]
    assert sorted(blobs.placed) == ["object 0", "object 2"]
    assert index.locate("1.2") is None


async def test_a_transaction_that_fails_fails_the_batch(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    index.errors = [OutOfResources("database is locked")]
    batch = [("1.1", b"a"), ("1.2", b"b")]
    first, second = await committed(blobs, index, batch, batch)
    assert kinds(first) == [OutOfResources, OutOfResources]
    assert kinds(second) == [Outcome.STORED, Outcome.STORED]
    assert len(blobs.placed) == 2


async def test_one_object_of_which_no_row_can_be_made_costs_the_others_nothing(
    blobs: FaultyBlobs, index: FaultyIndex
) -> None:
    index.refused_uid = "1.2"
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b"), ("1.3", b"c")])
    assert kinds(answers) == [Outcome.STORED, ValueError, Outcome.STORED]
    assert len(blobs.placed) == 2


async def test_a_mistake_in_one_record_neither_ends_the_syncs_nor_costs_the_others_anything(
    blobs: FaultyBlobs, index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Commit.record

    def record(commit: Commit) -> Record:
        if commit.incoming.sop_instance_uid == "1.2":
            raise ZeroDivisionError
        return real(commit)

    monkeypatch.setattr(Commit, "record", record)
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b"), ("1.3", b"c")])
    assert kinds(answers) == [Outcome.STORED, ZeroDivisionError, Outcome.STORED]
    assert blobs.settled == ["object 0", "object 1", "object 2"] and sorted(blobs.placed) == ["object 0", "object 2"]


async def test_what_cannot_be_synced_fails_alone_and_is_gone(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.unsettled = ["object 1"]
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b"), ("1.3", b"c")])
    assert kinds(answers) == [Outcome.STORED, OutOfResources, Outcome.STORED]
    assert sorted(blobs.placed) == ["object 0", "object 2"]
    assert index.locate("1.2") is None


async def test_rows_are_written_while_files_are_synced_and_seen_by_nobody(
    blobs: FaultyBlobs, index: FaultyIndex
) -> None:
    seen: list[object] = []

    def settle(
        placed: Mapping[Location, Draft | None], meanwhile: Callable[[], None] = nothing
    ) -> Mapping[Location, OSError]:
        meanwhile()
        seen.append((len(index._staged[0]), index.locate("1.1")))
        return {}

    blobs.settle = settle  # type: ignore[method-assign]  # a look in between
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b")])
    assert answers == [Outcome.STORED] * 2
    assert seen == [(2, None)] and index.locate("1.1") is not None and index.batches == [2]


async def test_a_mistake_while_syncing_fails_those_concerned(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.settling_mistake = ZeroDivisionError()
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b")])
    assert kinds(answers) == [ZeroDivisionError] * 2
    assert not blobs.placed and not blobs.noted


async def test_what_cannot_be_synced_in_quarantine_fails_alone(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.unsettled = ["quarantined object 1"]
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.1", b"other"), ("1.2", b"b")])
    assert kinds(answers) == [Outcome.STORED, OutOfResources, Outcome.STORED]
    assert sorted(blobs.placed) == ["object 0", "object 2"]
    assert index.statistics().quarantined == 0


@pytest.mark.parametrize("is_settled", [False, True])
async def test_an_answer_that_rests_on_a_failed_object_fails_too(
    blobs: FaultyBlobs, index: FaultyIndex, is_settled: bool
) -> None:
    if is_settled:
        index.refused_uid = "1.1"
    else:
        index.errors = [OutOfResources("disk full")]
    same_and_other = [("1.1", b"a"), ("1.1", b"a"), ("1.1", b"other"), ("1.2", b"b")]
    (answers,) = await committed(blobs, index, same_and_other)
    if is_settled:
        assert kinds(answers) == [ValueError, OutOfResources, OutOfResources, Outcome.STORED]
    else:
        assert kinds(answers) == [OutOfResources] * 4
    assert index.statistics().quarantined == 0
    assert len(blobs.placed) == is_settled


async def test_same_bytes_fail_with_the_transaction_of_the_first(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    index.errors = [OutOfResources("disk full")]
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.1", b"a")])
    assert kinds(answers) == [OutOfResources, OutOfResources]


@pytest.mark.parametrize("step", ["place", "settle"])
async def test_same_bytes_fail_with_the_file_of_the_first(blobs: FaultyBlobs, index: FaultyIndex, step: str) -> None:
    if step == "place":
        blobs.fail_place = {"1.1"}
    else:
        blobs.unsettled = ["object 0"]
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.1", b"a"), ("1.2", b"b")])
    assert kinds(answers) == [OutOfResources, OutOfResources, Outcome.STORED]
    assert sorted(blobs.placed) == ["object 2"]


async def test_what_is_there_already_is_neither_named_nor_synced(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    first, again = await committed(blobs, index, [("1.1", b"a"), ("1.1", b"a")], [("1.1", b"a"), ("1.2", b"b")])
    assert first == [Outcome.STORED, Outcome.SAME_BYTES] and again == [Outcome.SAME_BYTES, Outcome.STORED]
    assert blobs.settled == ["object 0", "object 3"] == sorted(blobs.placed)


async def test_what_goes_to_quarantine_is_named_and_synced_once(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    await committed(blobs, index, [("1.1", b"a"), ("1.1", b"b")], [("1.1", b"c")])
    assert blobs.settled == ["object 0", "quarantined object 1", "quarantined object 2"] == sorted(blobs.placed)


async def test_a_file_that_cannot_be_read_back_fails_alone(
    blobs: FaultyBlobs, index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are compared by the digest of another algorithm, under which the first is known."""

    def digest(draft: MemoryDraft, algorithm: str) -> bytes:
        raise OSError("Input/output error")

    await committed(blobs, index, [("1.1", b"a")])
    (held,) = index.holders({"1.1"}).values()
    by_another = replace(held, stored=digest_of([b"a"], "sha256"))
    monkeypatch.setattr(index, "holders", lambda uids: {"1.1": by_another})
    monkeypatch.setattr(MemoryDraft, "digest", digest)
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b")])
    assert kinds(answers) == [OutOfResources, Outcome.STORED]


async def test_within_a_batch_the_first_is_kept(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.1", b"b"), ("1.1", b"a"), ("1.1", b"b")])
    assert answers == [Outcome.STORED, Outcome.QUARANTINED, Outcome.SAME_BYTES, Outcome.QUARANTINED]
    assert sorted(blobs.placed) == ["object 0", "quarantined object 1"]


async def test_files_of_a_transaction_in_doubt_stay_until_the_next_one_succeeds(
    blobs: FaultyBlobs, index: FaultyIndex
) -> None:
    index.errors = [CommitInDoubt("fsync of the log")]
    committer = Committer(blobs, index)
    committer.start()
    assert kinds(await submit(committer, [("1.1", b"a")])) == [CommitInDoubt]
    assert list(blobs.placed) == ["object 0"] == list(blobs.noted)
    assert await submit(committer, [("1.2", b"b")]) == [Outcome.STORED]
    assert list(blobs.placed) == ["object 1"]
    assert not blobs.noted
    await asyncio.to_thread(committer.close)


async def test_a_mistake_of_ours_is_answered_and_the_thread_lives_on(
    blobs: FaultyBlobs, index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(self: FaultyIndex, sop_instance_uids: object) -> object:
        raise ZeroDivisionError

    committer = Committer(blobs, index)
    committer.start()
    with monkeypatch.context() as patch:
        patch.setattr(FaultyIndex, "holders", mistaken, raising=False)
        assert kinds(await submit(committer, [("1.1", b"a")])) == [ZeroDivisionError]
    assert await submit(committer, [("1.1", b"a")]) == [Outcome.STORED]
    await asyncio.to_thread(committer.close)


async def test_what_comes_while_a_batch_is_sealed_joins_it(
    blobs: FaultyBlobs, index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    committer = Committer(blobs, index)
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    late = Commit(incoming("1.3"), instance(attributes("1.3")), None, [memoryview(b"c")], answer)

    loop = asyncio.get_running_loop()

    async def come_late() -> None:
        committer.submit(late)
        await asyncio.sleep(0)

    def draft(incoming: Incoming) -> MemoryDraft:
        if incoming.sop_instance_uid == "1.2":
            asyncio.run_coroutine_threadsafe(come_late(), loop).result(10)
        return FaultyBlobs.draft(blobs, incoming)

    monkeypatch.setattr(blobs, "draft", draft)
    early = submit(committer, [("1.1", b"a"), ("1.2", b"b")])
    committer.start()
    assert [*await early, await answer] == [Outcome.STORED] * 3
    committer.close()
    assert index.batches == [3]


async def test_what_comes_in_one_turn_of_the_event_loop_wakes_the_thread_once(
    blobs: FaultyBlobs, index: FaultyIndex
) -> None:
    committer = Committer(blobs, index)
    waiting = submit(committer, [("1.1", b"a"), ("1.2", b"b"), ("1.3", b"c")])
    await asyncio.sleep(0)
    assert committer._queue.qsize() == 1
    committer.start()
    assert await waiting == [Outcome.STORED] * 3
    await asyncio.to_thread(committer.close)
    assert index.batches == [3]


async def test_large_objects_make_batches_of_fewer(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    large = bytes(BATCH_BYTES_MAX // 4)
    (answers,) = await committed(blobs, index, [(f"1.{number}", large) for number in range(10)])
    assert answers == [Outcome.STORED] * 10
    assert index.batches == [4, 4, 2]


async def test_batches_are_bounded_and_answered_in_full(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    (answers,) = await committed(blobs, index, [(f"1.{n}", b"x") for n in range(600)])
    assert answers == [Outcome.STORED] * 600
    assert index.batches == [128, 128, 128, 128, 88]


async def test_a_caller_that_gave_up_does_not_disturb_the_others(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    committer = Committer(blobs, index)
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    committer.submit(Commit(incoming("1.1"), instance(attributes("1.1")), None, (), answer))
    answer.cancel()
    waiting = submit(committer, [("1.2", b"b")])
    await asyncio.sleep(0)
    committer.start()
    assert await waiting == [Outcome.STORED]
    await asyncio.to_thread(committer.close)


def test_a_committer_that_was_never_started_can_be_closed(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    committer = Committer(blobs, index)
    committer.close()
    committer.close()


async def test_what_was_submitted_before_the_end_is_still_committed(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    committer = Committer(blobs, index)
    waiting = submit(committer, [("1.1", b"a"), ("1.2", b"b")])
    await asyncio.sleep(0)
    committer.close()
    committer.start()
    assert await waiting == [Outcome.STORED, Outcome.STORED]
    await asyncio.to_thread(committer.close)
