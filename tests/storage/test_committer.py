"""Batches that go wrong: who is told what, and what is left of it."""

import asyncio
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence

import pytest

from scpd.storage.base import (
    CommitInDoubt,
    Draft,
    Incoming,
    Location,
    Outcome,
    OutOfResources,
    Record,
)
from scpd.storage.committer import LARGE_BYTES_MIN, Commit, Committer
from scpd.storage.memory import MemoryBlobs, MemoryDraft, MemoryIndex
from scpd.testing import attributes, incoming, instance


class FaultyBlobs(MemoryBlobs):
    """Memory, but `fail_draft` and `fail_place` hold UIDs, `unsettled` the start of locations."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_draft: set[str] = set()
        self.unsettled: Collection[Location] = ()
        self.fail_journal = False
        self.announcements: list[dict[Location, str]] = []

    @property
    def placed(self) -> Collection[Location]:
        return self._placed.keys()

    def announce(self, names: Mapping[Location, str]) -> None:
        self.announcements.append(dict(names))
        if self.fail_journal:
            raise OSError("journal")

    def draft(self, incoming: Incoming) -> MemoryDraft:
        if incoming.sop_instance_uid in self.fail_draft:
            raise OSError("no space")
        return super().draft(incoming)

    def settle(self, placed: Mapping[Location, Draft | None]) -> Mapping[Location, OSError]:
        return {location: OSError("folder") for location in placed if location in self.unsettled}


class FaultyIndex(MemoryIndex):
    """Memory, but raises what `errors` gives next; None stands for success."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception | None] = []
        self.refused_uid = ""

    def add(self, stored: Sequence[Record], quarantined: Sequence[Record]) -> None:
        if any(record.incoming.sop_instance_uid == self.refused_uid for record in stored):
            raise ValueError("no row can be made of this one")
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        super().add(stored, quarantined)


Answers = list[Outcome | BaseException]


@pytest.fixture
def blobs() -> FaultyBlobs:
    return FaultyBlobs()


@pytest.fixture
def index() -> FaultyIndex:
    return FaultyIndex()


async def commit(committer: Committer, objects: Iterable[tuple[str, bytes]]) -> Answers:
    """Commits objects, all of them in one batch."""
    loop = asyncio.get_running_loop()
    commits = [
        Commit(incoming(uid), instance(attributes(uid)), None, [memoryview(data)], loop.create_future())
        for uid, data in objects
    ]
    for one in commits:
        committer.submit(one)
    return await asyncio.gather(*(one.answer for one in commits), return_exceptions=True)


async def committed(blobs: FaultyBlobs, index: FaultyIndex, *batches: Iterable[tuple[str, bytes]]) -> list[Answers]:
    """What a committer answers to whole batches, one after the other: all of one wait before it starts."""
    answers = []
    for batch in batches:
        committer = Committer(blobs, index)
        waiting = asyncio.ensure_future(commit(committer, batch))
        await asyncio.sleep(0)
        committer.start()
        answers.append(await waiting)
        await asyncio.to_thread(committer.close)
    return answers


def kinds(answers: Answers) -> list[object]:
    return [type(answer) if isinstance(answer, BaseException) else answer for answer in answers]


async def test_what_cannot_be_written_fails_alone(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.fail_draft = {"1.2"}
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b"), ("1.3", b"c")])
    assert kinds(answers) == [Outcome.STORED, OutOfResources, Outcome.STORED]
    assert len(blobs.placed) == 2


async def test_a_journal_that_cannot_be_synced_fails_the_batch(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.fail_journal = True
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.2", b"b")])
    assert kinds(answers) == [OutOfResources, OutOfResources]
    assert not blobs.placed and index.locate("1.1") is None


async def test_a_folder_that_cannot_be_synced_fails_those_in_it(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.unsettled = ["object 1"]
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


async def test_an_answer_that_rests_on_a_failed_object_fails_too(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    blobs.unsettled = ["object 0"]
    same_and_other = [("1.1", b"a"), ("1.1", b"a"), ("1.1", b"other"), ("1.2", b"b")]
    (answers,) = await committed(blobs, index, same_and_other)
    assert kinds(answers) == [OutOfResources, OutOfResources, OutOfResources, Outcome.STORED]
    assert len(blobs.placed) == 1
    assert index.statistics().quarantined == 0


async def test_same_bytes_fail_with_the_transaction_of_the_first(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    index.errors = [OutOfResources("disk full")]
    (answers,) = await committed(blobs, index, [("1.1", b"a"), ("1.1", b"a")])
    assert kinds(answers) == [OutOfResources, OutOfResources]


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
    assert kinds(await commit(committer, [("1.1", b"a")])) == [CommitInDoubt]
    assert list(blobs.placed) == ["object 0"]
    assert await commit(committer, [("1.2", b"b")]) == [Outcome.STORED]
    assert list(blobs.placed) == ["object 1"]
    assert blobs.announcements[-1] == {"object 0": "1.1", "object 1": "1.2"}
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
        assert kinds(await commit(committer, [("1.1", b"a")])) == [ZeroDivisionError]
    assert await commit(committer, [("1.1", b"a")]) == [Outcome.STORED]
    await asyncio.to_thread(committer.close)


async def test_batches_are_bounded_and_answered_in_full(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    (answers,) = await committed(blobs, index, [(f"1.{n}", b"x") for n in range(600)])
    assert answers == [Outcome.STORED] * 600
    assert max(map(len, blobs.announcements)) == 128


async def test_a_caller_that_gave_up_does_not_disturb_the_others(blobs: FaultyBlobs, index: FaultyIndex) -> None:
    committer = Committer(blobs, index)
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    committer.submit(Commit(incoming("1.1"), instance(attributes("1.1")), None, (), answer))
    answer.cancel()
    waiting = asyncio.ensure_future(commit(committer, [("1.2", b"b")]))
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
    waiting = asyncio.ensure_future(commit(committer, [("1.1", b"a"), ("1.2", b"b")]))
    await asyncio.sleep(0)
    committer.close()
    committer.start()
    assert await waiting == [Outcome.STORED, Outcome.STORED]
    await asyncio.to_thread(committer.close)


async def test_large_objects_are_written_while_the_batch_ahead_is_committed(
    blobs: FaultyBlobs, index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, str] = {}
    is_settling, may_go_on = threading.Event(), threading.Event()

    def settle(self: FaultyBlobs, placed: object) -> Mapping[Location, OSError]:
        is_settling.set()
        may_go_on.wait(10)
        return {}

    def draft(self: FaultyBlobs, announced: Incoming) -> MemoryDraft:
        threads[announced.sop_instance_uid] = threading.current_thread().name
        if announced.sop_instance_uid == "1.3":
            may_go_on.set()
        return MemoryBlobs.draft(self, announced)

    monkeypatch.setattr(FaultyBlobs, "settle", settle)
    monkeypatch.setattr(FaultyBlobs, "draft", draft)
    large = bytes(LARGE_BYTES_MIN)
    committer = Committer(blobs, index)
    committer.start()
    alone = asyncio.ensure_future(commit(committer, [("1.1", large)]))
    await asyncio.to_thread(is_settling.wait, 10)
    assert await commit(committer, [("1.2", b"small"), ("1.3", large)]) == [Outcome.STORED] * 2
    assert await alone == [Outcome.STORED]
    assert (threads["1.1"], threads["1.2"]) == ("scpd-commit", "scpd-commit")
    assert threads["1.3"].startswith("scpd-finish")
    await asyncio.to_thread(committer.close)


async def test_a_large_object_that_cannot_be_written_is_not_tried_again(
    blobs: FaultyBlobs, index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def draft(self: FaultyBlobs, announced: Incoming) -> MemoryDraft:
        tries.append(announced.sop_instance_uid)
        raise OSError("no space")

    monkeypatch.setattr(FaultyBlobs, "draft", draft)
    committer = Committer(blobs, index)
    committer.start()
    large = bytes(LARGE_BYTES_MIN)
    answers = await commit(committer, [("1.1", large), ("1.2", large), ("1.3", b"small")])
    assert kinds(answers) == [OutOfResources] * 3
    assert sorted(tries) == ["1.1", "1.2", "1.3"]
    await asyncio.to_thread(committer.close)
