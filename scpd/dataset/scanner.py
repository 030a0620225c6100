"""Reads the wanted attributes of a data set while its bytes are still arriving."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from scpd.dataset.attributes import Attributes, Tag


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """What one scan may cost. A value longer than `value_bytes_max` is passed over as if it were absent."""

    value_bytes_max: int = 65_536
    kept_bytes_max: int = 1_048_576
    inflated_bytes_max: int = 67_108_864
    depth_max: int = 64


@dataclass(frozen=True, slots=True)
class Damage:
    """Where the structure of the data set breaks (offset in bytes; behind deflation where there is one), and how."""

    offset: int
    reason: str


class Wanted:
    """The top-level tags a scan keeps, prepared once; sequences among them are kept whole."""

    def __init__(self, tags: Collection[Tag]) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RawElement:
    """One kept element: its VR ("" when the transfer syntax does not say) and its value field."""

    vr: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found. `damage` is None when the structure is whole; `capped` when inflation stopped at its limit."""

    elements: Mapping[Tag, RawElement]
    damage: Damage | None
    file_meta_inside: bool
    capped: bool

    def attributes(self) -> Attributes:
        """Every kept element decoded by the data set's Specific Character Set."""
        raise NotImplementedError


class Scanner:
    """A push scanner over one data set. Never raises, whatever the bytes."""

    def __init__(self, transfer_syntax_uid: str, wanted: Wanted, limits: ScanLimits = ScanLimits()) -> None:
        raise NotImplementedError

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes; `data` may be reused when this returns."""
        raise NotImplementedError

    def finish(self) -> Scan:
        """The end of the data set."""
        raise NotImplementedError
