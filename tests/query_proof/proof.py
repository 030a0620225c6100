"""The proof: random archives in SQLite, random questions of each, and whether the answers are those of the oracle.

The oracle is `query/matching.py`, asked about the same attributes. Objects arrive in two batches, and pages are small
as a rule, so that answers take several statements. A tally says what was found by what: a proof that finds nothing is
none. What differs is reduced to the few instances, attributes and keys that it takes.
"""

import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from scpd.dataset.attributes import Attributes, Tag
from scpd.dimse.status import DimseFailure
from scpd.query.levels import QUERY_RETRIEVE_LEVEL, UNIQUE_KEY
from scpd.query.matching import answer, is_universal
from scpd.query.terms import Items, Key, Query
from scpd.storage import sqlite_search
from scpd.storage.base import Record, Sealed
from scpd.storage.sqlite import SqliteIndex
from scpd.testing import SOP_CLASS, SOP_INSTANCE, incoming, instance, rows
from tests.query_proof.archives import random_archive
from tests.query_proof.questions import Question, random_question

Kept = TypeVar("Kept")

QUESTIONS = 25
"""What is asked of one archive."""

PAGE_ROWS = (1, 2, 7, 200)


class Tally:
    """How many questions were asked, refused by their rules, and answered with something; and by which matching."""

    def __init__(self) -> None:
        self.asked = self.refused = self.found = 0
        self.found_by: Counter[str] = Counter()

    def __str__(self) -> str:
        return f"{self.asked} questions, {self.refused} of them refused, {self.found} found something"

    def count(self, query: Query | None, matches: int = 0) -> None:
        """Notes a question; None stands for one that was refused."""
        self.asked += 1
        self.refused += query is None
        self.found += bool(matches)
        if query and matches:
            self.found_by.update({*kinds(query.keys), *(["combined"] if query.combined else []), query.level.value})


def kinds(keys: Sequence[Key]) -> Iterator[str]:
    """The kinds of matching in a query, each with its VR: "Range DA"."""
    for key in keys:
        yield f"{type(key.matcher).__name__} {key.vr}"
        if isinstance(key.matcher, Items) and not is_universal(key.matcher):
            yield from (f"Items of {kind}" for kind in kinds(key.matcher.keys))


@dataclass(frozen=True, slots=True)
class Case:
    """A question about an archive, and the size of the pages of the answer."""

    archive: Sequence[Attributes]
    question: Question
    page_rows: int

    def simpler(self) -> Iterator["Case"]:
        """The same with a key or an instance less, with less attributes, or with an attribute less."""
        for tag in self.question.keys.keys() - {QUERY_RETRIEVE_LEVEL}:
            yield replace(self, question=replace(self.question, keys=without(self.question.keys, [tag])))
        for at, attributes in enumerate(self.archive):
            before, behind = self.archive[:at], self.archive[at + 1 :]
            yield replace(self, archive=[*before, *behind])
            dispensable = attributes.keys() - {SOP_CLASS, SOP_INSTANCE}
            unasked = dispensable - self.question.keys.keys() - set(UNIQUE_KEY.values())
            for tags in [unasked, *([tag] for tag in dispensable)]:
                if tags:
                    yield replace(self, archive=[*before, without(attributes, tags), *behind])

    def reduced(self) -> "Case":
        """The simplest of these whose answer differs; the case's own does."""
        for case in self.simpler():
            if case.differs():
                return case.reduced()
        return self

    def differs(self) -> bool:
        """Whether SQLite and the oracle disagree; not where the rules refuse the question."""
        with indexed(self.archive) as index:
            try:
                ask(index, self, Tally())
            except AssertionError:
                return True
        return False


def prove(seeds: Iterable[int], tally: Tally) -> Iterator[tuple[int, Case]]:
    """The cases that differ among those of some seeds, reduced; one archive and some questions a seed."""
    for seed in seeds:
        chance = Random(seed)
        archive = random_archive(chance)
        arrived_first = chance.randint(0, len(archive))
        cases = [Case(archive, random_question(archive, chance), chance.choice(PAGE_ROWS)) for _ in range(QUESTIONS)]
        with indexed(archive[:arrived_first], archive[arrived_first:]) as index:
            for case in cases:
                try:
                    ask(index, case, tally)
                except AssertionError:
                    yield seed, case.reduced()


def ask(index: SqliteIndex, case: Case, tally: Tally) -> None:
    """One question to both. Fails when the answers differ."""
    try:
        query = case.question.query()
    except DimseFailure:
        tally.count(None)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_search, "PAGE_ROWS", case.page_rows)
        found = rows(query, (match for page in index.pages(query) for match in page))
    expected = rows(query, answer(query, case.archive))
    assert found == expected
    tally.count(query, len(found))


def without(elements: Mapping[Tag, Kept], tags: Collection[Tag]) -> Mapping[Tag, Kept]:
    """Elements but those with these tags."""
    return {tag: element for tag, element in elements.items() if tag not in tags}


@contextmanager
def indexed(*batches: Sequence[Attributes]) -> Iterator[SqliteIndex]:
    """An index to which objects with these attributes were added, batch by batch."""
    with tempfile.TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "index.sqlite", sync=False)
        index.open()
        try:
            for batch in batches:
                index.add([record(attributes) for attributes in batch], [])
            yield index
        finally:
            index.close()


def record(attributes: Attributes) -> Record:
    """An object with these attributes, as if its bytes were stored."""
    uid = str(attributes[SOP_INSTANCE])
    arrived = incoming(uid, str(attributes[SOP_CLASS]))
    return Record(arrived, instance(attributes), f"object {uid}", Sealed(uid.encode(), 1))
