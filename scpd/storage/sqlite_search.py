"""Answers a Query from the SQLite index, page by page, without joining what it need not join.

The search starts at the table whose key column promises the fewest rows, takes what is above each row by primary key,
and goes down to the level asked for by the children of each row. Every statement reads at most `PAGE_ROWS` rows in
the order of one index and remembers where it stopped, so a page costs the same at the beginning and at the end of an
answer, and no transaction lives between two. What SQL lets pass, the oracle confirms, unless only UIDs were asked.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache, reduce
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any, TypeAlias

from scpd.dataset.attributes import Attributes, Tag
from scpd.query.entities import more_telling
from scpd.query.levels import TIMEZONE_OFFSET_FROM_UTC, UNIQUE_KEY
from scpd.query.matching import matches
from scpd.query.terms import Level, Query
from scpd.query.zones import with_their_others
from scpd.storage.sqlite_ladder import LADDERS, Rung
from scpd.storage.sqlite_page import Page, Row, decoded
from scpd.storage.sqlite_prefilter import EVERYTHING, NO_STRENGTH, Column, Condition, conditions, unsure
from scpd.storage.sqlite_rows import from_json

PAGE_ROWS = 200
STATEMENTS_PER_PAGE = 50
PARENTS_REMEMBERED = 256

WITH_EVERY_MATCH = frozenset(UNIQUE_KEY.values())
"""What a match carries besides the keys that were asked for."""

IN_A_ZONE = frozenset({"DT", "SQ"})
"""VRs of what may hold a moment without an offset from UTC."""

BY_PATIENT = Condition(Column("study", "patient", str), (EVERYTHING,))
IN_ORDER = {table: Condition(Column(table, "uid", str), (EVERYTHING,)) for table in ("study", "series", "instance")}

Fetch: TypeAlias = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]  # Any: SQLite's values have no types
"""Runs one SELECT to its end. Raises OutOfResources."""


def search(query: Query, fetch: Fetch) -> Generator[Sequence[Attributes], None, None]:
    """Pages of matches; an empty one says that the search goes on. Raises OutOfResources."""
    one = Search(query, fetch)
    page: list[Attributes] = []
    for turn, rows in enumerate(one.batches(), 1):
        page += [row.attributes for row in rows if one.is_match(row)]
        if len(page) >= PAGE_ROWS or turn % STATEMENTS_PER_PAGE == 0:
            yield page
            page = []
    yield page


class Search:
    """One query while it is answered: `batches` of candidates, and which of them `is_match`."""

    def __init__(self, query: Query, fetch: Fetch) -> None:
        self._fetch = fetch
        self._level = query.level
        self._ladder = LADDERS[query.level]
        self._tables = [rung.table for rung in self._ladder]
        self._conditions = [condition for condition in conditions(query) if condition.column.table in self._tables]
        self._driver = self._most_promising()
        self._unsure = unsure(query, self._tables, self._driver.column)
        self._utc_offset = query.utc_offset
        self._tags = _needed(query)
        self._speaker = lru_cache(PARENTS_REMEMBERED)(self._find_speaker)

    def is_match(self, row: Row) -> bool:
        """Whether a candidate is in the answer."""
        if self._unsure.keys and not matches(self._unsure, row.attributes):
            return False
        return self._level is not Level.PATIENT or self._speaks_for_patient(row.id)

    def batches(self) -> Iterator[list[Row]]:
        """The candidates at the query's level, a statement's worth at a time."""
        start = self._tables.index(self._driver.column.table)
        batches = self._scan(start)
        for position in range(start + 1, len(self._ladder)):
            batches = self._children(position, batches)
        return batches

    def _most_promising(self) -> Condition:
        """The condition that leads the search: the most promising one, or all rows there are."""
        from_below = sorted(self._conditions, key=lambda condition: self._tables.index(condition.column.table))[::-1]
        best = min(from_below, key=attrgetter("strength"), default=None)
        if best is not None and best.strength < NO_STRENGTH:
            return best
        return BY_PATIENT if self._level is Level.PATIENT else IN_ORDER[self._tables[-1]]

    def _scan(self, start: int) -> Iterator[list[Row]]:
        """The rows of one table, each with all above it, in the order of the driver's column."""
        rungs = self._ladder[start::-1]
        table, column = rungs[0].table, self._driver.column.sql
        joined = "".join(
            f" CROSS JOIN {above.table} ON {above.table}.id = {below.table}.{above.table}"
            for below, above in pairwise(rungs)
        )
        others, values = self._where(rungs)
        page = Page((column, f"{table}.id"), rungs[::-1], self._tags, self._utc_offset)
        sql = page.sql(
            f"FROM {table}{joined} WHERE {column} < ? AND ({column}, {table}.id) > (?, ?){others} "
            f"ORDER BY {column}, {table}.id LIMIT ?"
        )
        for run in self._driver.runs:
            for found in self._read(sql, run.end, (run.first, 0), values):
                yield page.rows(found, {})

    def _children(self, position: int, parents: Iterator[list[Row]]) -> Iterator[list[Row]]:
        """The rows of the next table below `parents`, in the order they came."""
        rungs = (self._ladder[position],)
        table, above = rungs[0].table, self._ladder[position - 1].table
        others, values = self._where(rungs)
        page = Page((f"{table}.id",), rungs, self._tags, self._utc_offset)
        sql = page.sql(f"FROM {table} WHERE {table}.{above} = ? AND {table}.id > ?{others} ORDER BY {table}.id LIMIT ?")
        for parent in chain.from_iterable(parents):
            for found in self._read(sql, parent.id, (0,), values):
                yield page.rows(found, parent.attributes)

    def _read(
        self, sql: str, bound: object, start: Sequence[object], values: Sequence[object]
    ) -> Iterator[list[list[Any]]]:
        """All rows behind the position `start`, which the first columns of every row continue."""
        found: list[list[Any]] = []
        while not found or len(found) == PAGE_ROWS:
            position = found[-1][: len(start)] if found else start
            ((encoded,),) = self._fetch(sql, (bound, *position, *values, PAGE_ROWS))
            found = decoded(encoded)
            yield found
            if not found:
                return

    def _where(self, rungs: Sequence[Rung]) -> tuple[str, list[str | bytes]]:
        """What these tables must have besides the driver's runs, and the parameters of that."""
        tables = {rung.table for rung in rungs}
        sql = ""
        values: list[str | bytes] = []
        for condition in self._conditions:
            if condition.column.table not in tables:
                continue
            if condition is not self._driver:
                sql += condition.runs_sql()
                values += chain.from_iterable(condition.few_runs)
            if condition.glob is not None:
                sql += condition.glob_sql()
                values.append(condition.glob)
        return sql, values

    def _speaks_for_patient(self, study: int) -> bool:
        ((patient,),) = self._fetch("SELECT patient FROM study WHERE id = ?", (study,))
        return self._speaker(patient) == study

    def _find_speaker(self, patient: str) -> int:
        """The first of a patient's studies that shows what the patient shows: the one row found for the patient."""
        sql = "SELECT min(id), patient_attributes FROM study WHERE patient = ? GROUP BY patient_attributes"
        offered: list[tuple[int, Attributes]] = [(row[0], from_json(row[1])) for row in self._fetch(sql, (patient,))]
        winner = reduce(more_telling, (attributes for _, attributes in offered))
        return min(study for study, attributes in offered if attributes == winner)


def _needed(query: Query) -> frozenset[Tag]:
    """The attributes that it takes to judge a candidate and to answer with it."""
    tags = WITH_EVERY_MATCH.union(key.tag for key in query.keys)
    if query.utc_offset:
        return with_their_others(tags) | {TIMEZONE_OFFSET_FROM_UTC}
    return tags | {TIMEZONE_OFFSET_FROM_UTC} if any(key.vr in IN_A_ZONE for key in query.keys) else tags
