"""`benchmarks.hostile` and `benchmarks.idle` run to their ends, with few peers, and a good one is heard meanwhile."""

import re
from pathlib import Path

import pytest

from benchmarks import idle
from benchmarks.hostile import main


def test_bad_associations_leave_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["soak", "--associations", "30", "--processes", "1", "--folder", str(tmp_path)])
    printed = capsys.readouterr().out
    assert re.match(r"30 bad associations of \d+ kinds", printed)
    before, after = (int(count) for count in re.findall(r", (\d+) descriptors", printed))
    assert after <= before  # the good peer's own may still be open before
    assert " 0 associations" in printed
    assert re.search(r"fresh C-ECHO meanwhile: \d+ times, p50 ", printed)


def test_a_crowd_is_borne(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--dribbling", "2", "--deaf", "1", "--instances", "50", "--seconds", "1", "--settle", "0"]
    main(["crowd", *few, "--folder", str(tmp_path)])
    printed = capsys.readouterr().out
    before, largest, after = (int(count) for count in re.findall(r", (\d+) descriptors", printed))
    assert after <= before < largest
    for association in ("a kept association", "fresh associations"):
        assert re.search(rf"C-ECHO on {association}: [1-9]\d* times", printed)


def test_silent_associations_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    idle.main(["--associations", "20", "--seconds", "1", "--echoes", "5"])
    printed = capsys.readouterr().out
    assert printed.startswith("20 associations opened")
    assert re.search(r"^C-ECHO on fresh associations: 5 times", printed, re.MULTILINE)
