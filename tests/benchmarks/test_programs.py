"""The programs that are started are the ones that are meant."""

import os
import re
from pathlib import Path

import pytest

from benchmarks import programs
from benchmarks.programs import compiled, installed, is_script


def test_a_script_that_hides_a_program_of_the_same_name_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "storescp").write_text("#!/bin/sh\n")
    (tmp_path / "storescp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = Path(installed("storescp"))
    assert found.parent != tmp_path
    assert not is_script(found)


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program is not installed"):
        installed("no-such-program")


def test_a_program_is_compiled_again_when_its_source_or_the_header_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "HERE", tmp_path)
    source, header = tmp_path / "two.c", tmp_path / "peer.h"
    header.write_text("")
    source.write_text("int main(void) { return 0; }\n")
    first = compiled("two").stat()
    assert compiled("two").stat().st_ino == first.st_ino
    for changed in (header, source):
        before = compiled("two").stat()
        os.utime(changed, (before.st_mtime + 60, before.st_mtime + 60))
        assert compiled("two").stat().st_ino != before.st_ino


@pytest.mark.parametrize("name", ["load", "ask", "sink"])
def test_a_program_says_how_it_is_called(name: str) -> None:
    """Every option that it reads stands in its opening comment."""
    text = (programs.HERE / f"{name}.c").read_text()
    comment = text.partition("*/")[0]
    options = re.findall(r"option == '(\w)'", text)
    assert len(options) > 2
    assert [option for option in options if f"-{option}" not in comment] == []
