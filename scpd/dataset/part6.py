"""The tables of PS3.6 that pydicom publishes, read without pydicom.

Importing the package takes a third of a second and 12 MB for what is done with data sets there; the two modules wanted
here are nothing but tables. What is read is not kept: callers take from it what they need.
"""

from collections.abc import Mapping
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TypeAlias, cast

Entry: TypeAlias = tuple[str, str, str, str, str]


def elements() -> Mapping[int, Entry]:
    """By tag: VR, VM, name, "Retired" or nothing, keyword. Repeating groups are not among them."""
    return cast(Mapping[int, Entry], _table("_dicom_dict", "DicomDictionary"))


def private_elements() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By private creator, then by "ggggxxee": VR, VM, name, "Retired" or nothing. Not of PS3.6, but well known."""
    return cast(Mapping[str, Mapping[str, tuple[str, ...]]], _table("_private_dict", "private_dictionaries"))


NEWER: Mapping[str, Entry] = {
    uid: (name, "Transfer Syntax", "", "", keyword)
    for uid, name, keyword in (
        ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", "JPEGXLLossless"),
        ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", "JPEGXLJPEGRecompression"),
        ("1.2.840.10008.1.2.4.112", "JPEG XL", "JPEGXL"),
        ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", "DeflatedImageFrameCompression"),
    )
}
"""UIDs of PS3.6 Annex A that pydicom's table does not have yet."""


def uids() -> Mapping[str, Entry]:
    """By UID: name, kind, remark, "Retired" or nothing, keyword."""
    return {**NEWER, **cast(Mapping[str, Entry], _table("_uid_dict", "UID_dictionary"))}


def _table(module_name: str, name: str) -> object:
    package = find_spec("pydicom")
    assert package is not None and package.origin is not None
    spec = spec_from_file_location(f"pydicom.{module_name}", Path(package.origin).with_name(f"{module_name}.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)
