import subprocess
import sys

import pytest

from scpd.dataset.dictionary import Encoding, encoding_of, tag_named, vr_of


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
    ],
)
def test_it_knows_the_vr_of_every_tag(tag: int, vr: str) -> None:
    assert vr_of(tag) == vr
    assert vr_of(tag) == vr  # from the cache


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("ContrastBolusRoute", 0x00181040),
        ("0018,1040", 0x00181040),
        ("(0018,a001)", 0x0018A001),
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


def test_pydicom_is_not_imported_before_a_vr_is_asked_for() -> None:
    code = "import sys, scpd.dataset.scanner, scpd.query.identifier; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
