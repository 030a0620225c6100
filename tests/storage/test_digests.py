from hashlib import sha256

import pytest
from blake3 import blake3
from xxhash import xxh3_128_digest

from scpd.storage.digests import ALGORITHMS, UNKNOWN, VALUE_BYTES, algorithm_of, digest_of

PIECES = [b"the ", b"", b"bytes"]


def test_a_value_is_the_name_and_the_digest() -> None:
    assert digest_of(PIECES) == b"blake3\0\0" + blake3(b"the bytes").digest()
    assert digest_of(PIECES, "xxh3-128") == b"xxh3-128" + xxh3_128_digest(b"the bytes") + bytes(16)
    assert digest_of(PIECES, "sha256") == b"sha256\0\0" + sha256(b"the bytes").digest()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_value_says_what_made_it(algorithm: str) -> None:
    value = digest_of(PIECES, algorithm)
    assert (algorithm_of(value), len(value)) == (algorithm, VALUE_BYTES)


@pytest.mark.parametrize("value", [b"", UNKNOWN, b"md5".ljust(40, b"\0"), b"\xff" * 40, b"blake3\0\0" + bytes(16)])
def test_what_is_no_value_of_ours_was_made_by_nothing(value: bytes) -> None:
    assert algorithm_of(value) is None
