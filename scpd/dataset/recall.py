"""What the data sets of one sender have in common, so that the next one is read only where it says something else.

Images of a series differ in a dozen of their indexed values; what lies between these is the same, byte for byte. Such
a passage is kept with what was read in it, and a scanner that comes to its first tag compares bytes, which is one
call, instead of reading elements. Nothing is taken for granted: a passage counts only at the top level, in the same
form, for the same tags and under the same limits, where equal bytes cannot be read in any other way.

What is kept comes from the head of a data set, as far as its first window reaches: some 40 KB for an association.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple, TypeAlias

from scpd.dataset.attributes import Attributes, Tag
from scpd.dataset.charset import CharacterSet
from scpd.dataset.heads import Form, Incomplete, read_head
from scpd.dataset.reader import RawDataSet, texts_of

READ_MAX = 24
"""A data set with more that is new is a stranger. Images of a series have a dozen or two of values of their own."""

SMALL_BYTES = 256
"""Values up to this are kept without counting: there are few tags, and most values are shorter."""

Mark: TypeAlias = tuple[int, Tag, int]
"""Where a wanted element begins, in bytes from the start of the data set; its tag; the bytes of its value."""

Cell: TypeAlias = tuple[Tag, bytes, int]
"""A wanted element with whatever follows it up to the next one, as it came; and the bytes of its value."""


def cost_of(value_bytes: int) -> int:
    """What a kept value takes from the budget of its scan."""
    return value_bytes if value_bytes > SMALL_BYTES else 0


class Passage:
    """Consecutive elements of a data set: the wanted ones as they were written, and as text once it was asked for.

    It is recognised by its bytes, `data`; `cost` is what it takes from the budget of a scan.
    """

    __slots__ = ("_attributes", "_charset", "_sizes", "cost", "data", "elements")

    def __init__(self, cells: Sequence[Cell], elements: RawDataSet) -> None:
        self.elements = {tag: elements[tag] for tag, _, _ in cells}
        self.data = b"".join([data for _, data, _ in cells])
        self.cost = sum([cost_of(value_bytes) for _, _, value_bytes in cells])
        self._sizes = [(tag, len(data), value_bytes) for tag, data, value_bytes in cells]
        self._charset: CharacterSet | None = None

    def decoded(self, charset: CharacterSet) -> Attributes:
        """The elements in a Specific Character Set."""
        if charset is not self._charset:
            self._attributes, self._charset = texts_of(self.elements, charset), charset
        return self._attributes

    def marks(self, offset: int) -> Iterator[Mark]:
        """Where the elements begin when the passage does at `offset`."""
        for tag, size, value_bytes in self._sizes:
            yield offset, tag, value_bytes
            offset += size


class Beginning(NamedTuple):
    """The first window of a data set, its wanted elements in order, and how they were read.

    `reading` is whatever decides besides the form what is kept of the bytes, and how.
    """

    form: Form
    reading: object
    window: bytes
    marks: Sequence[Mark]

    def is_read_like(self, form: Form, reading: object) -> bool:
        """Whether the same bytes mean the same."""
        return (self.form, self.reading) == (form, reading)

    def trimmed(self) -> "Beginning":
        """The window without what lies behind the last wanted element that it holds whole."""
        inside = [mark for mark in self.marks if mark[0] < len(self.window)]
        return self._replace(window=self.window[: self._end(inside[-1])], marks=inside)

    def _end(self, last: Mark) -> int:
        """Where an element ends, with all behind it that the window holds whole; where it begins if it is cut."""
        begin, _, value_bytes = last
        end = read_head(self.window, begin, self.form)[3] + value_bytes
        if end > len(self.window):
            return begin
        with suppress(Incomplete):
            while end < len(self.window):
                _, _, length, start = read_head(self.window, end, self.form)
                if start + length > len(self.window):
                    break
                end = start + length
        return end

    def cells(self) -> list[Cell]:
        """A trimmed window, cut at every wanted element."""
        ends = [*[start for start, _, _ in self.marks[1:]], len(self.window)]
        return [
            (tag, self.window[start:end], value_bytes)
            for (start, tag, value_bytes), end in zip(self.marks, ends, strict=True)
            if start < end
        ]


class Recall:
    """The passages that the last two data sets it learned from have in common."""

    __slots__ = ("_last", "_passages", "_strange")

    def __init__(self) -> None:
        self._strange = 0  # data sets in a row that said much that was new
        self._last: Beginning | None = None
        self._passages: dict[int, Passage] = {}

    def passages(self, form: Form, reading: object) -> Mapping[int, Passage]:
        """By the wire tag that each begins with; none for who reads in another way."""
        return self._passages if self._last and self._last.is_read_like(form, reading) else {}

    def is_curious(self, read: int) -> bool:
        """Whether to learn from one more data set, of whose first window so many wanted elements had to be read.

        From three strangers in a row, but then ever more seldom: of what a router sends, little is common, and learning
        costs more than reading.
        """
        self._strange = self._strange + 1 if read > READ_MAX else 0
        return 0 < self._strange < 4 or self._strange.bit_count() == 1

    def learn(self, beginning: Beginning, elements: RawDataSet) -> None:
        """Compares the beginning of a data set that is whole with that of the one before."""
        if len(beginning.marks) != len(elements):
            return  # tags are repeated or misplaced, and nobody needs that fast
        beginning = beginning.trimmed()
        last, self._last, self._passages = self._last, beginning, {}
        form, reading, _, _ = beginning
        if last is None or not last.is_read_like(form, reading):
            return
        before = {tag: data for tag, data, _ in last.cells()}
        for is_common, cells in groupby(beginning.cells(), lambda cell: before.get(cell[0]) == cell[1]):
            if is_common:
                passage = Passage(list(cells), elements)
                self._passages[form.order.tag(next(iter(passage.elements)))] = passage
