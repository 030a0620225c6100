"""Reads the wanted attributes of a data set while its bytes are still arriving, and checks its structure on the way.

The scanner walks element by element over windows: bytes copied from what was fed, parsed in place. A value nobody
wants is a number of bytes to let pass (`_skip`), so a large one costs nothing a byte. Where a head, or a wanted value,
is cut by the end of a window, its beginning waits in `_pending` until `_need` bytes of it are there.

Defined lengths are stepped over whole. Undefined ones have to be walked: open sequences and items alternate, so one
number, `_depth`, says everything about them: odd means among items, even means inside an item. A wanted sequence is
copied as it is walked, and read when the data set has ended.

Where the next bytes are those of a passage that a `Recall` knows, they are not walked at all.
"""

from collections.abc import Iterator, Mapping, Sequence

from scpd.dataset.attributes import Tag
from scpd.dataset.dictionary import encoding_of, vr_of
from scpd.dataset.heads import (
    BIG,
    LITTLE,
    SHORT,
    UNDEFINED,
    WITHIN_UN,
    Broken,
    Form,
    Incomplete,
    form_of_first,
    read_head,
)
from scpd.dataset.inflate import Inflater
from scpd.dataset.reader import VR_NAMES, RawDataSet, RawElement, read_items
from scpd.dataset.recall import SMALL_BYTES, Beginning, Mark, Passage, Recall, cost_of
from scpd.dataset.scan import DEFAULT_LIMITS, DELIMITERS, Damage, Kept, Scan, ScanLimits, Stretch, Wanted

WINDOW_BYTES = 16_384
SEQUENCES = frozenset({b"SQ", b"UN", b""})  # what may hold items; the others of undefined length hold fragments
UN_ITEMS = b"items"
"""Stands for the VR of a UN of undefined length: it holds items, whatever the dictionary says (PS3.5 6.2.2)."""

NAMES = {**VR_NAMES, UN_ITEMS: "SQ"}
UN_FORMS = frozenset({b"UN", UN_ITEMS})
PREFIX_END = 132  # preamble and "DICM" of a Part 10 file (PS3.10 7.1)


class Scanner:
    """A push scanner over one data set. Never raises, whatever the bytes; damage ends the walk."""

    def __init__(
        self,
        transfer_syntax_uid: str,
        wanted: Wanted,
        limits: ScanLimits = DEFAULT_LIMITS,
        recall: Recall | None = None,
    ) -> None:
        encoding = encoding_of(transfer_syntax_uid)
        self._form = Form(BIG if encoding.big_endian else LITTLE, encoding.implicit)
        self._watched = wanted.big if encoding.big_endian else wanted.little
        self._limits = limits
        self._reading = wanted, limits
        self._recall = recall
        self._known: Mapping[int, Passage] = {}
        self._first_window = b""
        self._inflater = Inflater(limits.inflated_bytes_max) if encoding.deflated else None
        self._room = limits.kept_bytes_max
        self._kept: list[Kept] = []
        self._recalled: list[tuple[int, int, Passage]] = []  # how much was kept before, offset
        self._damage: Damage | None = None
        self._file_meta_inside = False
        self._offset = 0
        self._skip = 0
        self._pending = bytearray()
        self._need = PREFIX_END if recall is None else WINDOW_BYTES  # what is recalled must lie in one window
        self._depth = 0
        self._un_depth = 0  # the depth at which a UN of undefined length was opened
        self._copying: tuple[Tag, bytes, int] | None = None  # tag, VR and offset of the wanted sequence being walked
        self._copy = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes; `data` may be reused when this returns."""
        if self._damage is not None:
            return
        if self._inflater is None:
            self._take(data)
            return
        try:
            for piece in self._inflater.pieces(data):
                self._take(piece)
        except Broken as broken:
            self._walk_start()
            self._damage = self._damage or Damage(self._offset, broken.reason)

    def finish(self) -> Scan:
        """The end of the data set: what was kept, and whether the structure was whole."""
        self._walk_start()
        capped = self._inflater is not None and self._inflater.capped
        if self._damage is None and not capped:
            self._damage = self._cut_short()
        stretches = list(self._stretches())
        elements: dict[Tag, RawElement] = {}
        for stretch in stretches:
            elements.update(stretch.elements if isinstance(stretch, Passage) else stretch)
        if self._recall is not None and self._damage is None:
            self._teach(self._recall, elements)
        return Scan(elements, self._damage, self._file_meta_inside, capped, stretches)

    def _take(self, data: bytes | bytearray | memoryview) -> None:
        size = len(data)
        at = 0
        while at < size and self._damage is None:
            if self._skip:
                step = min(self._skip, size - at)
                if self._copying is not None:
                    self._copy_walked(data[at : at + step])
                self._skip -= step
                self._offset += step
            elif self._pending or size - at < self._need:
                step = min(self._need - len(self._pending), size - at)
                self._pending += data[at : at + step]
                if len(self._pending) == self._need:
                    self._walk_window(bytes(self._pending))
            else:
                step = min(WINDOW_BYTES, size - at)
                self._walk_window(bytes(data[at : at + step]))
            at += step

    def _walk_start(self) -> None:
        """Walks what waits for a first window that the data set is too short for."""
        if self._offset == 0 and self._pending and self._damage is None:
            self._walk_window(bytes(self._pending))

    def _walk_window(self, window: bytes) -> None:
        if self._offset == 0 and not self._begin(window):
            return
        self._need = 0
        self._pending.clear()
        at = 0
        try:
            while at < len(window):
                at = self._walk_nested(window, at) if self._depth else self._walk_top(window, at)
        except Incomplete as incomplete:
            at = incomplete.at
            self._need = incomplete.need
            self._pending += window[at:]
        except Broken as broken:
            self._damage = Damage(self._offset + broken.at, broken.reason)
        self._skip = max(at - len(window), 0)
        self._offset += min(at, len(window))

    def _begin(self, window: bytes) -> bool:
        """Looks at the start of the data set; False when it is a Part 10 file."""
        if window[128:PREFIX_END] == b"DICM":
            self._file_meta_inside = True
            self._damage = Damage(0, "a whole file instead of a data set")
            return False
        self._form = form_of_first(self._form, window)
        if self._recall is not None and min(self._limits.value_bytes_max, self._limits.kept_bytes_max) >= WINDOW_BYTES:
            self._known = self._recall.passages(self._form, self._reading)
            self._first_window = window
        return True

    def _walk_top(self, window: bytes, at: int) -> int:
        """Top-level elements, until one is opened or the window ends; the index reached, maybe behind the window.

        The hot loop: about 0.2 us an element. Heads of the common VRs and small wanted values are dealt with in line.
        """
        implicit, watched, known, kept = self._form.implicit, self._watched, self._known, self._kept
        short, pair = self._form.order.short, self._form.order.pair
        base, last = self._offset, len(window) - 8
        vr = b""
        while at <= last:
            if implicit:
                wire, length = pair(window, at)
                start = at + 8
            else:
                wire, vr, length = short(window, at)
                start = at + 8
                if vr not in SHORT:
                    wire, vr, length, start = read_head(window, at, self._form)
            if wire in known and window.startswith(known[wire].data, at) and known[wire].cost <= self._room:
                at = self._pass(known[wire], at)
                continue
            if length == UNDEFINED:
                return self._open(wire, vr, at, start)
            if wire in watched:
                if length > SMALL_BYTES or start + length > last:
                    self._keep_large(window, watched[wire], vr, at, start, length)
                else:
                    kept.append((watched[wire], vr, window[start : start + length], base + at))
            at = start + length
        if at < len(window):
            raise Incomplete(at, 8)
        return at

    def _keep_large(self, window: bytes, tag: Tag, vr: bytes, at: int, start: int, length: int) -> None:
        """Keeps a value that counts against the budget, or that the window does not hold whole. Raises Incomplete."""
        if length > min(self._limits.value_bytes_max, self._room):
            return
        if start + length > len(window):
            raise Incomplete(at, start - at + length)
        self._room -= cost_of(length)
        self._kept.append((tag, vr, window[start : start + length], self._offset + at))

    def _pass(self, passage: Passage, at: int) -> int:
        """Takes a passage as read; the index behind it."""
        self._recalled.append((len(self._kept), self._offset + at, passage))
        self._room -= passage.cost
        return at + len(passage.data)

    def _open(self, wire: int, vr: bytes, at: int, start: int) -> int:
        """Enters a top-level element of undefined length; the index of its first item."""
        self._depth = 1
        self._un_depth = 1 if vr == b"UN" else 0
        if wire in self._watched and vr in SEQUENCES:
            self._copying = self._watched[wire], UN_ITEMS if self._un_depth else b"SQ", self._offset + at
        return start

    def _walk_nested(self, window: bytes, at: int) -> int:
        """Items and elements of undefined lengths, until the top level or the end of the window is reached."""
        begin = at
        try:
            while self._depth and at < len(window):
                at = self._step(window, at)
        except Incomplete as incomplete:
            self._copy_walked(window[begin : incomplete.at])
            raise
        self._copy_walked(window[begin:at])
        if not self._depth:
            self._close()
        return at

    def _step(self, window: bytes, at: int) -> int:
        """One item, delimiter or nested element; the index behind what of it can be stepped over."""
        form = WITHIN_UN if self._un_depth else self._form
        order = form.order
        if len(window) - at < 8:
            raise Incomplete(at, 8)
        wire, length = order.pair(window, at)
        if self._depth & 1:
            if wire == order.sequence_end:
                self._depth -= 1
                if self._depth < self._un_depth:
                    self._un_depth = 0
                return at + 8
            if wire != order.item:
                raise Broken(at, "no item where one belongs")
            if length != UNDEFINED:
                return at + 8 + length
            self._depth += 1
            return at + 8
        if wire == order.item_end:
            self._depth -= 1
            return at + 8
        if wire in (order.item, order.sequence_end):
            raise Broken(at, "an item does not end")
        _, vr, length, start = read_head(window, at, form)
        if length != UNDEFINED:
            return start + length
        if self._depth // 2 >= self._limits.depth_max:
            raise Broken(at, "sequences are nested too deep")
        self._depth += 1
        if vr == b"UN":
            self._un_depth = self._depth
        return start

    def _copy_walked(self, piece: bytes | bytearray | memoryview) -> None:
        if self._copying is None:
            return
        if len(self._copy) + len(piece) > min(self._limits.value_bytes_max, self._room):
            self._copying = None
            self._copy.clear()
        else:
            self._copy += piece

    def _close(self) -> None:
        """Leaves the top-level element that `_open` entered."""
        if self._copying is not None:
            tag, vr, offset = self._copying
            self._kept.append((tag, vr, bytes(self._copy), offset))
            self._room -= cost_of(len(self._copy))
            self._copying = None
            self._copy.clear()

    def _cut_short(self) -> Damage | None:
        """What the end of the data set interrupts."""
        if self._inflater is not None and not self._inflater.ended:
            return Damage(self._offset, "the deflated stream does not end")
        if self._skip or self._pending:
            return Damage(self._offset, "the last element is cut short")
        return Damage(self._offset, "a sequence does not end") if self._depth else None

    def _stretches(self) -> Iterator[Stretch]:
        """What was kept and what was recalled, in the order of the data set."""
        begin = 0
        for end, _, passage in self._recalled:
            if end > begin:
                yield self._elements(self._kept[begin:end])
            yield passage
            begin = end
        yield self._elements(self._kept[begin:])

    def _elements(self, kept: Sequence[Kept]) -> RawDataSet:
        elements: dict[Tag, RawElement] = {}
        order = self._form.order.name
        for tag, vr, value, offset in kept:
            name = NAMES.get(vr) or vr_of(tag)
            if name == "SQ":
                self._read_sequence(elements, tag, WITHIN_UN if vr in UN_FORMS else self._form, value, offset)
            elif 0x00080000 <= tag < 0xFFFE0000:
                elements[tag] = name, value, order
            else:
                self._misplaced(tag, value, offset)
        return elements

    def _teach(self, recall: Recall, elements: RawDataSet) -> None:
        """Has it learn from this data set, when it was worth it."""
        size = len(self._first_window)
        if recall.is_curious(len([offset for *_, offset in self._kept if offset < size])):
            recall.learn(Beginning(self._form, self._reading, self._first_window, sorted(self._marks())), elements)

    def _marks(self) -> Iterator[Mark]:
        """Where every wanted element began, one that was recalled as well as one that was read."""
        for tag, _, value, offset in self._kept:
            yield offset, tag, len(value)
        for _, offset, passage in self._recalled:
            yield from passage.marks(offset)

    def _misplaced(self, tag: Tag, value: bytes, offset: int) -> None:
        """Notes an element that belongs elsewhere; zero bytes behind the end are none of group 0000."""
        if tag in DELIMITERS:
            self._damage = self._damage or Damage(offset, "a delimiter outside of any sequence")
        elif value:
            self._file_meta_inside = True

    def _read_sequence(self, elements: dict[Tag, RawElement], tag: Tag, form: Form, value: bytes, offset: int) -> None:
        try:
            items, _ = read_items(value, 0, len(value), form, depth=1, delimited=False)
        except Broken as broken:
            self._damage = self._damage or Damage(offset, broken.reason)
        else:
            elements[tag] = "SQ", items, form.order.name
