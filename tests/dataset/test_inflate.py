import pytest

from scpd.dataset.heads import Broken
from scpd.dataset.inflate import PIECE_BYTES_MAX, Inflater, deflate


def test_output_comes_in_pieces_of_bounded_size() -> None:
    inflater = Inflater()
    pieces = list(inflater.pieces(deflate(bytes(1_000_000))))
    assert b"".join(pieces) == bytes(1_000_000)
    assert max(map(len, pieces)) <= PIECE_BYTES_MAX
    assert inflater.ended


def test_nothing_is_inflated_beyond_the_cap() -> None:
    inflater = Inflater(100_000)
    assert sum(map(len, inflater.pieces(deflate(bytes(10_000_000))))) == 100_000
    assert inflater.capped
    assert list(inflater.pieces(b"more")) == []


def test_what_reaches_the_cap_is_refused_as_a_whole() -> None:
    with pytest.raises(Broken):
        Inflater(100).inflate_all(deflate(bytes(1_000)))


def test_deflated_data_have_even_length() -> None:
    assert all(len(deflate(bytes(size))) % 2 == 0 for size in range(40))
