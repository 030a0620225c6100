import subprocess
import sys

import pytest
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom.datadict import dictionary_VR

from scpd.dataset import vrs
from scpd.dataset.dictionary import Encoding, encoding_of, tag_named, vr_of
from tests.dataset import vr_grid


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00100010, "PN"),
        (0x00280106, "US"),  # the first of US or SS
        (0x00100000, "UL"),  # group length
        (0x00090010, "LO"),  # private creator
        (0x00091001, "UN"),
        (0x0010FFFF, "UN"),
        (0x60023000, "OB"),  # repeating group
        (0x60033000, "UN"),  # a private one of the same look
    ],
)
def test_it_knows_the_vr_of_every_tag(tag: int, vr: str) -> None:
    assert vr_of(tag) == vr


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("ContrastBolusRoute", 0x00181040),
        ("0018,1040", 0x00181040),
        ("(0018,a001)", 0x0018A001),
        ("6002,3000", 0x60023000),
        ("0019,1040", None),
        ("0018,10400", None),
        ("NoSuchKeyword", None),
        ("", None),
    ],
)
def test_a_name_is_a_keyword_or_a_tag_of_the_standard(name: str, tag: int | None) -> None:
    assert tag_named(name) == tag


def test_unknown_transfer_syntaxes_are_explicit_little_endian() -> None:
    assert encoding_of("1.2.840.10008.1.2.4.90") == Encoding()
    assert encoding_of("1.2.840.10008.1.2") == Encoding(implicit=True)


def test_the_grid_is_what_pydicom_publishes() -> None:
    assert vrs.GRID == vr_grid.grid()  # else see vr_grid.py


def test_every_vr_is_what_pydicom_says_of_the_tag() -> None:
    repeating = [int(mask.replace("x", digit), 16) for mask in RepeatersDictionary for digit in "02E"]
    tags = {tag for tag in [*DicomDictionary, *repeating] if tag & 0xFFFF and tag < 0xFFFE0000}
    assert {tag: vr_of(tag) for tag in tags} == {tag: dictionary_VR(tag)[:2] for tag in tags}


def test_items_and_delimiters_have_no_vr() -> None:
    assert {vr_of(tag) for tag in (0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD)} == {"UN"}


def test_the_daemon_is_imported_and_configured_without_pydicom() -> None:
    code = """
import sys
from scpd import app
from scpd.config import Settings
Settings().profile()
from scpd.dataset.dictionary import vr_of
assert vr_of(0x00100010) == "PN"
sys.exit(any(name.startswith("pydicom") for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
