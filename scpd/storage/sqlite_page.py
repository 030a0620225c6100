"""The SELECT that reads one page of rows as one JSON text, and what turns that text into rows again.

SQLite picks the attributes that were asked for out of the stored JSON, without Python's lock, and one call decodes a
whole page: a fraction of what it costs to carry every attribute of every row into Python and to decode it there.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

from scpd.dataset.attributes import Attributes, Tag, Value
from scpd.query.levels import stored_at
from scpd.query.zones import in_zone
from scpd.storage.sqlite_ladder import COMPUTED_SQL, Rung
from scpd.storage.sqlite_rows import items_of, path_of

PATHS_MAX = 50
"""Attributes one json_extract picks: SQLite allows a function 100 arguments or more."""


class Row(NamedTuple):
    """A row on the way down: its id, its attributes and those above it."""

    id: int
    attributes: dict[Tag, Value]


class Page:
    """What a page of rows of joined tables is made of.

    `position` names the columns that order the rows, the id last; `rungs` are the tables from the top down, and of what
    two of them say the lower counts. With `utc_offset`, dates and times are told in that zone. A row as it comes from
    SQLite has the position, a list of values for each pick, and a value for each computed key.
    """

    def __init__(
        self, position: Sequence[str], rungs: Sequence[Rung], tags: Collection[Tag], utc_offset: str = ""
    ) -> None:
        self._position = position
        self._utc_offset = utc_offset
        self._picks: list[tuple[str, tuple[Tag, ...]]] = [
            (column, some)
            for rung in rungs
            for column, level in rung.columns.items()
            for some in _portions(stored_at(level, sorted(tags)))
        ]
        tables = {rung.table for rung in rungs}
        self._computed = {tag: sql for tag, (table, sql) in COMPUTED_SQL.items() if tag in tags and table in tables}

    def sql(self, source: str) -> str:
        """The statement; `source` is everything from FROM on. Its one value is what `rows` takes."""
        places = [f"p{number}" for number in range(len(self._position))]
        picks = [f"a{number}" for number in range(len(self._picks))]
        counts = [f"c{number}" for number in range(len(self._computed))]
        columns = [*self._position, *(column for column, _ in self._picks), *self._computed.values()]
        inner = ", ".join(f"{sql} AS {name}" for sql, name in zip(columns, places + picks + counts, strict=True))
        picked = [f"json_extract({name}, {_paths(tags)})" for name, (_, tags) in zip(picks, self._picks, strict=True)]
        return (
            f"SELECT json_group_array(json_array({', '.join(places + picked + counts)})) FROM (SELECT {inner} {source})"
        )

    def rows(self, found: Sequence[Sequence[Any]], above: Attributes) -> list[Row]:
        """The rows of a decoded page, below the attributes above them. (Any: JSON)"""
        return [self._row(one, above) for one in found]

    def _row(self, found: Sequence[Any], above: Attributes) -> Row:
        first = len(self._position)
        attributes = dict(above)
        if self._utc_offset:
            self._add_in_zone(attributes, islice(found, first, None))
        else:
            for (_, tags), values in zip(self._picks, islice(found, first, None), strict=False):
                _add(attributes, tags, values)
        for tag, count in zip(self._computed, islice(found, first + len(self._picks), None), strict=True):
            attributes[tag] = str(count)
        return Row(found[first - 1], attributes)

    def _add_in_zone(self, attributes: dict[Tag, Value], found: Iterable[Sequence[Any]]) -> None:
        """Each column has the attributes of one level, and so of one instance and its zone."""
        picked = zip(self._picks, found, strict=False)
        for _, portions in groupby(picked, key=lambda pick: pick[0][0]):
            own: dict[Tag, Value] = {}
            for (_, tags), values in portions:
                _add(own, tags, values)
            attributes.update(in_zone(own, self._utc_offset))


def _add(attributes: dict[Tag, Value], tags: tuple[Tag, ...], values: Sequence[Any]) -> None:
    for tag, value in zip(tags, values, strict=False):
        if value is not None:
            attributes[tag] = value if isinstance(value, str) else items_of(value)


def decoded(page: str) -> list[list[Any]]:
    """The rows of a page as they are in its JSON."""
    found: list[list[Any]] = json.loads(page)
    return found


def _portions(tags: Sequence[Tag]) -> Iterator[tuple[Tag, ...]]:
    for first in range(0, len(tags), PATHS_MAX):
        yield tuple(tags[first : first + PATHS_MAX])


def _paths(tags: tuple[Tag, ...]) -> str:
    """At least two: of one path SQLite makes no array."""
    return ", ".join(f"'{path_of(tag)}'" for tag in (tags if len(tags) > 1 else tags * 2))
