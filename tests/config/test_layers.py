"""Sources, and how they are laid over each other."""

from pathlib import Path

import pytest

from scpd.config.layers import (
    Layer,
    environment_layer,
    origin_of,
    overrides_layer,
    read_value,
    secret_files,
    secret_layer,
    toml_layer,
)


def toml(tmp_path: Path, text: str, name: str = "file") -> Layer:
    file = tmp_path / f"{name}.toml"
    file.write_text(text)
    return toml_layer(file)


def place(layer: Layer, *path: str | int) -> str:
    """Where a key stands, without the folder."""
    return Path(str(layer.origin_of(path))).name


def test_tables_merge_and_later_values_win(tmp_path: Path) -> None:
    merged = toml(tmp_path, "[a]\nx = 1\ny = [1, 2]\n[a.b]\nz = 1\n", "lower")
    merged.add_file(toml(tmp_path, "[a]\ny = [3]\n[a.b]\nz = 2\nw = 3\n", "upper"))
    assert merged.tables == {"a": {"x": 1, "y": [3], "b": {"z": 2, "w": 3}}}
    assert place(merged, "a", "x") == "lower.toml:2:1"
    assert place(merged, "a", "y", 0) == "upper.toml:2:1"
    assert place(merged, "a", "b", "z") == "upper.toml:4:1"


def test_arrays_of_tables_of_several_files_add_up(tmp_path: Path) -> None:
    merged = Layer()
    for number in (1, 2):
        merged.add_file(toml(tmp_path, f"[[peer]]\nname = {number}\n[[peer]]\n", f"{number}"))
    assert merged.tables == {"peer": [{"name": 1}, {}, {"name": 2}, {}]}
    assert place(merged, "peer", 0, "name") == "1.toml:2:1"
    assert place(merged, "peer", 2, "name") == "2.toml:2:1"
    assert place(merged, "peer", 3, "missing") == "2.toml:3:3"


def test_the_place_of_a_value_is_in_the_highest_layer_that_sets_it(tmp_path: Path) -> None:
    layers = (environment_layer({"SCPD_A__X": "2"}), toml(tmp_path, "[a]\nx = 1\ny = 1\n"))
    assert str(origin_of(("a", "x"), layers)) == "environment variable SCPD_A__X"
    assert str(origin_of(("a", "y"), layers)).endswith("file.toml:3:1")
    assert str(origin_of(("b",), layers)) == "defaults"


def test_a_list_hides_the_places_of_the_one_it_replaces(tmp_path: Path) -> None:
    layers = (environment_layer({"SCPD_PEER": '[{"name": 1}]'}), toml(tmp_path, "[[peer]]\nmissing = 1\n"))
    assert str(origin_of(("peer", 0, "missing"), layers)) == "environment variable SCPD_PEER"
    assert str(origin_of(("peer", 1), layers)) == "environment variable SCPD_PEER"


def test_what_nobody_set_comes_from_the_defaults() -> None:
    assert str(Layer().origin_of(("a", "b"))) == "defaults"


def test_variables_become_keys() -> None:
    layer = environment_layer({"SCPD_AE__TITLES": "A,B", "SCPD_STORAGE__OPTIONS__DSN": "x", "PATH": "/bin"})
    assert layer.tables == {"ae": {"titles": "A,B"}, "storage": {"options": {"dsn": "x"}}}
    assert str(layer.origin_of(("ae", "titles", 0))) == "environment variable SCPD_AE__TITLES"


def test_variables_of_orchestrators_and_the_one_that_names_the_file_are_let_be() -> None:
    strangers = {"SCPD_CONFIG": "x", "SCPD_PORT": "tcp://1", "SCPD_SERVICE_HOST": "h", "SCPD_PORT_104_TCP_ADDR": "a"}
    assert environment_layer(strangers).tables == {}


def test_of_a_value_and_a_table_of_one_name_the_table_wins() -> None:
    layer = environment_layer({"SCPD_STORAGE__OPTIONS": "text", "SCPD_STORAGE__OPTIONS__DSN": "x"})
    assert layer.tables == {"storage": {"options": {"dsn": "x"}}}


def test_secrets_are_files_named_like_variables(tmp_path: Path) -> None:
    (tmp_path / "SCPD_STORAGE__OPTIONS__PASSWORD").write_text("hunter2\n")
    (tmp_path / "scpd_storage__options__user").write_text("me")
    (tmp_path / "other").write_text("not ours")
    (tmp_path / "SCPD_AE__TITLES").mkdir()
    password, user = map(secret_layer, secret_files(tmp_path))
    assert password.tables == {"storage": {"options": {"password": "hunter2"}}}
    assert user.tables == {"storage": {"options": {"user": "me"}}}
    assert password.origin_of(("storage", "options", "password")).is_secret
    assert secret_files(tmp_path / "missing") == []


def test_flags_are_dotted_keys() -> None:
    layer = overrides_layer({"listen.port": 104, "timeouts.idle_seconds": "5"})
    assert layer.tables == {"listen": {"port": 104}, "timeouts": {"idle_seconds": "5"}}
    assert str(layer.origin_of(("listen", "port"))) == "command line, listen.port"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("12", "12"),
        ('["A", "B"]', ["A", "B"]),
        ("['A', 'B']", ["A", "B"]),
        ('{"a": 1}', {"a": 1}),
        ("{a = 1}", {"a": 1}),
        ("[::1]", "[::1]"),
        ("", ""),
    ],
)
def test_values_on_one_line_are_text_json_or_toml(text: str, value: object) -> None:
    assert read_value(text) == value
