"""Real files as test material: those of pydicom and pydicom-data, and what pydicom reads in them, as `Attributes`."""

import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import data_store
import pydicom
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.filereader import _read_file_meta_info  # the only way to learn where a data set begins
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from scpd.dataset.attributes import Attributes, Tag, Value

FOLDERS = [Path(pydicom.__file__).parent / "data", *map(Path, data_store.__path__)]


class RealFile(NamedTuple):
    """A Part 10 file: where it lies, its transfer syntax, and the bytes behind the file meta information."""

    path: Path
    transfer_syntax_uid: str
    data_set: bytes


@cache
def real_files() -> list[RealFile]:
    """Every Part 10 file with a transfer syntax."""
    return list(_real_files())


def _real_files() -> Iterator[RealFile]:
    for path in sorted(path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()):
        stream = BytesIO(path.read_bytes())
        if stream.read(132)[128:] != b"DICM":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            meta = _read_file_meta_info(stream)
        if syntax := str(meta.get("TransferSyntaxUID", "")):
            yield RealFile(path, syntax, stream.read())


def read_by_pydicom(path: Path, wanted: Iterable[Tag]) -> dict[Tag, Value]:
    """What pydicom reads of the wanted tags."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _attributes(dcmread(path), wanted)


def _attributes(data_set: Dataset, wanted: Iterable[Tag]) -> dict[Tag, Value]:
    return {tag: _value(data_set[tag]) for tag in wanted if tag in data_set}


def _value(element: DataElement) -> Value:
    if element.VR == "SQ":
        return tuple(_attributes(item, filter(is_comparable, item.keys())) for item in element.value)
    if element.value is None:
        return ""
    several = list(element.value) if isinstance(element.value, MultiValue) else [element.value]
    text = "\\".join(map(_one, several))
    return text if element.VR in ("LT", "ST", "UT") else "\\".join(part.strip(" \0") for part in text.split("\\"))


def _one(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, PersonName):
        return str(value)
    return str(getattr(value, "original_string", None) or value)


def is_comparable(tag: Tag) -> bool:
    """Whether both sides read this tag with the same VR: not where pydicom infers one from another element."""
    return dictionary_has_tag(tag) and " or " not in dictionary_VR(tag)


def comparable_items(value: Value) -> Value:
    """A value without the nested elements, and without the empty last name groups, that are not comparable."""
    if isinstance(value, str):
        return value.rstrip("=")  # pydicom drops them
    return tuple(_comparable(item) for item in value)


def _comparable(item: Attributes) -> dict[Tag, Value]:
    return {tag: comparable_items(value) for tag, value in item.items() if is_comparable(tag)}
