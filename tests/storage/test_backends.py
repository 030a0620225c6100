import textwrap
from pathlib import Path

import pytest

from scpd.storage.archive import Archive
from scpd.storage.backends import load_backend, open_filesystem, open_memory


def test_both_backends_of_our_own_are_registered(tmp_path: Path) -> None:
    assert isinstance(load_backend("memory", {}), Archive)
    assert isinstance(load_backend("filesystem", {"directory": str(tmp_path)}), Archive)


def test_an_unknown_backend_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no backend named 'filesytem'; known are: filesystem, memory") as refused:
        load_backend("filesytem", {})
    assert "did you mean 'filesystem'?" in str(refused.value)


def test_a_third_party_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_backend.py").write_text("def opened(options):\n    return 'theirs', options\n")
    info = tmp_path / "their_backend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        textwrap.dedent("""
            [scpd.backends]
            theirs = their_backend:opened
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    made: object = load_backend("theirs", {"a": 1})
    assert made == ("theirs", {"a": 1})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "option 'directory' is missing"),
        ({"index": "/x"}, "option 'directory' is missing"),
        ({"directory": 7}, "option 'directory' must be a path, not 7"),
        ({"directory": ""}, "option 'directory' must be a path, not ''"),
        ({"directory": "/x", "durability": "maybe"}, "option 'durability' must be one of sync, none, not 'maybe'"),
        ({"directory": "/x", "min_free_bytes": "1 GB"}, "option 'min_free_bytes' must be a number of bytes"),
        ({"directory": "/x", "min_free_bytes": -1}, "option 'min_free_bytes' must be a number of bytes"),
        ({"directory": "/x", "min_free_bytes": True}, "option 'min_free_bytes' must be a number of bytes"),
        ({"directory": "/x", "durabilty": "none"}, "unknown option 'durabilty'; did you mean 'durability'?"),
        ({"directory": "/x", "zzz": "none"}, "unknown option 'zzz'$"),
    ],
)
def test_an_option_that_is_wrong_is_named(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("?", r"\?")):
        open_filesystem(options)


def test_memory_takes_no_options() -> None:
    with pytest.raises(ValueError, match="unknown option 'directory'"):
        open_memory({"directory": "/x"})


def test_making_a_backend_touches_nothing(tmp_path: Path) -> None:
    open_filesystem({"directory": str(tmp_path / "archive")})
    assert list(tmp_path.iterdir()) == []
