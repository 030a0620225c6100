"""What is made of the figures: medians, ratios within a round, and bars."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from benchmarks.compare import main, table
from benchmarks.plot import Panel, draw, figure
from benchmarks.sending import Load, Result

LOAD = Load("tiny4k", 8, 100)


def runs(*rates_and_cpu: tuple[float, float], failed: int = 0, peak_bytes: int = 0) -> list[Result]:
    return [Result(rate, failed, 1.0, 2.0, cpu, peak_bytes) for rate, cpu in rates_and_cpu]


def test_a_ratio_is_the_median_of_what_each_round_says() -> None:
    yardstick = runs((100, 1), (1000, 2), (400, 4))
    scpd = runs((50, 2), (900, 4), (300, 4), failed=2, peak_bytes=50_000_000)
    lines = table({"sink": yardstick, "scpd": scpd}, LOAD, 3).splitlines()
    assert lines[0] == "tiny4k, 8 associations, 100 instances; medians of 3 rounds"
    assert lines[3].split() == ["scpd", "300", "0.75", "4.000", "2.00", "2.0", "50.0", "6"]
    assert lines[4:] == ["scpd : sink         rate 0.75, CPU 2.00"]


def test_nothing_is_a_ratio_to_less_than_a_tick() -> None:
    assert table({"sink": runs((100, 0)), "scpd": runs((100, 1))}, LOAD, 1).endswith("rate 1.00, CPU nan")


def test_what_does_not_fit_on_the_disk_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=50_000))
    with pytest.raises(SystemExit) as ended:
        main(["--load", "tiny4k", "--instances", "10", "--rounds", "1", "--folder", str(tmp_path), "sink"])
    assert ended.value.code == 2
    assert "this would store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_bars_are_as_long_as_their_values_and_ours_stand_out() -> None:
    drawn = draw("a < b", Panel("rate", {"scpd": 300, "other": 100}), Panel("cost", {"scpd": 0, "other": 0}))
    bars = [
        (element.get("class"), int(element.get("width", "")))
        for element in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}rect")
    ]
    (ours, longest), (theirs, shorter), *empty = bars
    assert (ours, theirs) == ("bar ours", "bar")
    assert longest == pytest.approx(3 * shorter, abs=2)
    assert [width for _, width in empty] == [1, 1]


def test_a_plot_has_colours_for_dark_pages_of_all_that_it_colours() -> None:
    drawn = draw("", Panel("rate", {"scpd": 300}))
    light, _, dark = drawn.partition("prefers-color-scheme: dark")
    coloured = re.compile(r"^ +(\S.*?) \{.*fill: #", re.MULTILINE)
    assert coloured.findall(dark) == coloured.findall(light) != []


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1,234"), (99.94, "99.9"), (0.0123, "0.0123"), (0, "0")])
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text
