"""What SQL can say about a Query: conditions on key columns that let every match pass, and possibly more.

A condition is a set of ranges of one column, half open and in code point order, and where the key is a wild card
pattern, a GLOB. Values go into a statement as parameters, never as text.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import NamedTuple

from scpd.dataset.attributes import Tag
from scpd.query.matching import is_universal
from scpd.query.moments import interval
from scpd.query.terms import AnyOf, Key, Matcher, Query, Range, Single, Universal, Wildcard
from scpd.storage.sqlite_rows import SEVERAL, date_key, name_key, to_key

LAST_DATE = "99999999"
NO_STRENGTH = 3
ZONES_APART = timedelta(days=2)  # from UTC-14 to UTC+14 is more than one
RUNS_MAX = 200  # SQLite's expressions may be 1000 terms deep


class Run(NamedTuple):
    """The values from `first` up to, but not including, `end`."""

    first: str
    end: str | bytes


EVERYTHING = Run("", b"")  # SQLite orders every blob behind every text


class Column(NamedTuple):
    """An indexed key column: where it is, and how its values are normalized."""

    table: str
    name: str
    normalize: Callable[[str], str]
    is_uid: bool = False

    @property
    def sql(self) -> str:
        """Its name in a statement."""
        return f"{self.table}.{self.name}"


COLUMNS: dict[Tag, Column] = {
    0x0020000D: Column("study", "uid", str, is_uid=True),
    0x00100020: Column("study", "patient_id", to_key),
    0x00100010: Column("study", "patient_name", name_key),
    0x00080020: Column("study", "study_date", date_key),
    0x00080050: Column("study", "accession_number", to_key),
    0x0020000E: Column("series", "uid", str, is_uid=True),
    0x00080018: Column("instance", "uid", str, is_uid=True),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must have in one column: a value in one of the runs, and one like `glob` unless that is None."""

    column: Column
    runs: tuple[Run, ...]
    glob: str | None = None

    @property
    def strength(self) -> int:
        """How few rows are to be expected, the least first: a UID, single values, ranges, anything."""
        if self.column.is_uid:
            return 0
        if EVERYTHING in self.runs:
            return NO_STRENGTH
        return 1 if all(run.end == f"{run.first}\0" for run in self.runs) else 2

    @property
    def few_runs(self) -> tuple[Run, ...]:
        """The runs, or where they are too many for one expression, all between the first and the last."""
        return self.runs if len(self.runs) <= RUNS_MAX else (Run(self.runs[0].first, self.runs[-1].end),)

    def runs_sql(self) -> str:
        """The few runs as a further term of a WHERE clause; its parameters are their bounds."""
        name = self.column.sql
        return f" AND ({' OR '.join([f'({name} >= ? AND {name} < ?)'] * len(self.few_runs))})"

    def glob_sql(self) -> str:
        """The pattern as a further term of a WHERE clause; its parameter is `glob`."""
        return f" AND ({self.column.sql} GLOB ? OR {self.column.sql} = char(92))"  # 92: SEVERAL


def conditions(query: Query) -> list[Condition]:
    """One condition for each key that a key column can help with."""
    found = (
        _condition(COLUMNS[key.tag], _any_zone(key) if query.utc_offset else key.matcher)
        for key in query.keys
        if key.tag in COLUMNS
    )
    return [condition for condition in found if condition is not None]


def _any_zone(key: Key) -> Matcher:
    """Dates are stored as their own zone has them; in the query's they may be others."""
    if key.vr != "DA":
        return key.matcher
    match key.matcher:
        case Single(value):
            return Range(_moved_date(value, -ZONES_APART), _moved_date(value, ZONES_APART))
        case Range(first, last):
            return Range(first and _moved_date(first, -ZONES_APART), last and _moved_date(last, ZONES_APART))
        case _:
            return Universal()


def _moved_date(date: str, shift: timedelta) -> str | None:
    """A date some days before or after; None where there is no such day, nor any match."""
    found = interval("DA", date)
    if found is None:
        return None
    try:
        moved = found.first + shift
    except OverflowError:
        return None
    return f"{moved.year:04}{moved:%m%d}"


def unsure(query: Query, tables: Collection[str], driver: Column) -> Query:
    """What is left for the oracle: all but what matches everything and the UIDs that SQL compares in these tables.

    The column that leads the search is read run by run, however many there are.
    """
    return replace(query, keys=tuple(key for key in query.keys if not _is_sure(key, tables, driver)))


def _is_sure(key: Key, tables: Collection[str], driver: Column) -> bool:
    if is_universal(key.matcher):
        return True
    column = COLUMNS.get(key.tag)
    if column is None or not column.is_uid or column.table not in tables:
        return False
    runs_max = inf if column is driver else RUNS_MAX
    return isinstance(key.matcher, Single) or (isinstance(key.matcher, AnyOf) and len(key.matcher.values) <= runs_max)


def _condition(column: Column, matcher: Matcher) -> Condition | None:
    match matcher:
        case Single(value):
            return _one_of(column, (value,))
        case AnyOf(values):
            return _one_of(column, values)
        case Wildcard(pattern) if not column.is_uid:
            return _like(column, column.normalize(pattern))
        case Range(first, last) if column.normalize is date_key:
            return _between(column, first or "", last or LAST_DATE)
    return None


def _one_of(column: Column, values: Iterable[str]) -> Condition | None:
    keys = [column.normalize(value) for value in values]
    return None if SEVERAL in keys else Condition(column, _with_several(column, [(key, key + "\0") for key in keys]))


def _like(column: Column, pattern: str) -> Condition | None:
    if pattern == SEVERAL:
        return None
    prefix = re.split(r"[*?]", pattern, maxsplit=1)[0]
    runs = _with_several(column, [(prefix, _after(prefix))]) if prefix else (EVERYTHING,)
    return Condition(column, runs, glob=pattern.replace("[", "[[]"))


def _between(column: Column, first: str, last: str) -> Condition | None:
    first, last = column.normalize(first), column.normalize(last)
    return None if SEVERAL in (first, last) else Condition(column, _with_several(column, [(first, last + "\0")]))


def _with_several(column: Column, runs: Sequence[tuple[str, str]]) -> tuple[Run, ...]:
    """The runs in order and apart, together with the rows that only the oracle can judge."""
    wanted = runs if column.is_uid else [*runs, (SEVERAL, SEVERAL + "\0")]
    apart: list[tuple[str, str]] = []
    for first, end in sorted(wanted):
        if apart and first < apart[-1][1]:
            first, before = apart.pop()
            end = max(before, end)
        apart.append((first, end))
    return tuple(Run(first, end) for first, end in apart)


def _after(prefix: str) -> str:
    """The first text behind all that begin with `prefix`."""
    code_point = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if code_point == 0xD800 else code_point)
