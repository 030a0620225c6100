"""The configuration as it is found, and everything that can be wrong with it."""

import subprocess
import sys
from pathlib import Path

import pytest

from scpd.config import ConfigError, Settings, check, load, render
from scpd.config.loading import config_files, default_directory


def written(tmp_path: Path, text: str, name: str = "scpd.toml") -> Path:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    """What `scpd check` prints, without the folder."""
    found = check(written(tmp_path, text), environ)
    return [render(problem).replace(f"{tmp_path}/", "") for problem in found]


# -- sources -----------------------------------------------------------------------------------------------------


def test_without_any_source_everything_has_its_default(tmp_path: Path) -> None:
    settings = load(environ={"STATE_DIRECTORY": "/state"}, system_directory=tmp_path)
    assert settings.storage.directory == "/state"
    assert settings.model_copy(update={"storage": Settings().storage}) == Settings()
    assert (settings.ae.titles, settings.listen.host, settings.listen.port) == (("SCPD",), "127.0.0.1", 11112)


def test_flags_go_over_the_environment_over_secrets_over_files(tmp_path: Path) -> None:
    keys = ("artim_seconds", "idle_seconds", "send_seconds", "drain_seconds")
    text = '[ae]\ntitles = ["FILE"]\n[timeouts]\n' + "".join(f"{key} = 1\n" for key in keys)
    secrets = tmp_path / "secrets"
    for key in ("IDLE", "SEND", "DRAIN"):
        written(secrets, "2\n", f"SCPD_TIMEOUTS__{key}_SECONDS")
    environ = {
        "CREDENTIALS_DIRECTORY": str(secrets),
        "SCPD_TIMEOUTS__SEND_SECONDS": "3",
        "SCPD_TIMEOUTS__DRAIN_SECONDS": "3",
    }
    settings = load(written(tmp_path, text), {"timeouts.drain_seconds": 4}, environ)
    timeouts = settings.timeouts
    assert settings.ae.titles == ("FILE",)
    assert (timeouts.artim_seconds, timeouts.idle_seconds, timeouts.send_seconds, timeouts.drain_seconds) == (
        1,
        2,
        3,
        4,
    )


def test_lists_may_be_written_with_commas_outside_of_files(tmp_path: Path) -> None:
    assert load(None, {"ae.titles": "A, B"}, {}, tmp_path).ae.titles == ("A", "B")
    peer = '[{"ae_title": "CT1", "addresses": "10.0.0.1"}]'
    assert load(None, {}, {"SCPD_PEER": peer}, tmp_path).peer[0].addresses == ("10.0.0.1",)


def test_the_files_are_the_given_one_else_the_named_one_else_those_of_the_system(tmp_path: Path) -> None:
    main = written(tmp_path, "")
    second, first = written(tmp_path, "", "conf.d/20.toml"), written(tmp_path, "", "conf.d/10.toml")
    written(tmp_path, "", "conf.d/ignored.txt")
    given, named = Path("given.toml"), Path("named.toml")
    assert config_files(given, {"SCPD_CONFIG": str(named)}, tmp_path) == [given]
    assert config_files(None, {"SCPD_CONFIG": str(named)}, tmp_path) == [named]
    assert config_files(None, {}, tmp_path) == [main, first, second]
    assert config_files(None, {}, tmp_path / "missing") == []


def test_a_file_of_conf_d_adds_a_peer_and_overrides_a_value(tmp_path: Path) -> None:
    written(tmp_path, '[listen]\nport = 104\n[[peer]]\nae_title = "CT1"\naddresses = ["10.0.0.1"]\n')
    written(tmp_path, '[listen]\nport = 105\n[[peer]]\nae_title = "CT2"\naddresses = ["10.0.0.2"]\n', "conf.d/a.toml")
    settings = load(environ={}, system_directory=tmp_path)
    assert settings.listen.port == 105
    assert [peer.ae_title for peer in settings.peer] == ["CT1", "CT2"]


def test_any_other_source_replaces_the_peers_of_the_files(tmp_path: Path) -> None:
    written(tmp_path, '[[peer]]\nae_title = "CT1"\naddresses = ["10.0.0.1"]\n')
    assert load(environ={"SCPD_PEER": "[]"}, system_directory=tmp_path).peer == ()


def test_the_case_of_a_table_counts(tmp_path: Path) -> None:
    [told] = problems(tmp_path, "[Listen]\nport = 104\n")
    assert told == "scpd.toml:1:2: Listen: unknown key; did you mean 'listen'?"


def test_the_store_lies_where_the_service_manager_says_or_in_a_place_of_ones_own(tmp_path: Path) -> None:
    assert default_directory({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, as_root=True) == Path("/var/lib/a")
    assert default_directory({"HOME": "/home/me"}, as_root=True) == Path("/var/lib/scpd")
    assert default_directory({"HOME": "/home/me"}, as_root=False) == Path("/home/me/.local/share/scpd")
    assert load(None, {"storage.directory": "/data"}, {}, tmp_path).storage.directory == "/data"


def test_the_process_environment_counts_when_no_other_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCPD_LISTEN__PORT", "1104")
    assert load(system_directory=tmp_path).listen.port == 1104


def test_reading_the_configuration_does_not_import_pydicom() -> None:
    program = "import sys, scpd.config; scpd.config.check(); sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env={}, check=False).returncode == 0


# -- mistakes ----------------------------------------------------------------------------------------------------


def test_all_mistakes_are_told_at_once_each_with_its_place_and_the_nearest_valid_spelling(tmp_path: Path) -> None:
    text = """\
[ae]
titels = ["A"]
titles = ["SCPD", "bad\\\\one"]
[storage]
durability = "snyc"
backend = "filesytem"
index = "relative/path"
[limits]
pdu_bytes_max = 1
[[peer]]
ae_title = "CT1"
[[peer]]
ae_title = " CT1"
addresses = ["10.1.2.3/24", "::ffff:10.0.0.0/120", "nowhere"]
operations = ["stor"]
[[peer.service]]
name = "storag"
sop_classes = ["what the service is, nobody knows"]
adress = "x"
[[service]]
name = "storage"
sop_classes = ["ct", "enhancd-ct"]
transfer_syntaxes = [
  "jpeg-ls-losless",
]
[lisen]
host = "a"
"""
    title = "must be 1 to 16 printable ASCII characters, no backslash, no space around"
    assert problems(tmp_path, text, SCPD_TIMEOUTS__IDLE_SECONDS="soon") == [
        "scpd.toml:2:1: ae.titels: unknown key; did you mean 'titles'?",
        f"scpd.toml:3:1: ae.titles.1 = 'bad\\\\one': {title}",
        "scpd.toml:5:1: storage.durability = 'snyc': must be 'sync' or 'none'; did you mean 'sync'?",
        "scpd.toml:6:1: storage.backend = 'filesytem': no such backend; known are filesystem, memory; "
        "did you mean 'filesystem'?",
        f"scpd.toml:7:1: storage.index = 'relative/path': must be an absolute path; "
        f"did you mean '{Path('relative/path').absolute()}'?",
        "scpd.toml:9:1: limits.pdu_bytes_max = 1: must be greater than or equal to 4096",
        "scpd.toml:10:3: peer.0.addresses: is missing",
        f"scpd.toml:13:1: peer.1.ae_title = ' CT1': {title}; did you mean 'CT1'?",
        "scpd.toml:14:1: peer.1.addresses.0 = '10.1.2.3/24': must be an address or a network: 10.1.2.3/24 has host "
        "bits set; did you mean '10.1.2.0/24'?",
        "scpd.toml:14:1: peer.1.addresses.1 = '::ffff:10.0.0.0/120': must be the IPv4 network itself, as callers are "
        "compared by their IPv4 address",
        "scpd.toml:14:1: peer.1.addresses.2 = 'nowhere': must be an address or a network: 'nowhere' does not appear to "
        "be an IPv4 or IPv6 network",
        "scpd.toml:15:1: peer.1.operations.0 = 'stor': must be 'echo', 'store' or 'find'; did you mean 'store'?",
        "scpd.toml:17:1: peer.1.service.0.name = 'storag': must be 'verification', 'storage' or 'find'; "
        "did you mean 'storage'?",
        "scpd.toml:19:1: peer.1.service.0.adress: unknown key",
        "scpd.toml:22:1: service.0.sop_classes = 'enhancd-ct': is no SOP class that storage can serve; "
        "did you mean 'enhanced-ct'?",
        "scpd.toml:23:1: service.0.transfer_syntaxes = 'jpeg-ls-losless': is no transfer syntax that storage can use; "
        "did you mean 'jpeg-ls-lossless'?",
        "scpd.toml:26:2: lisen: unknown key; did you mean 'listen'?",
        "environment variable SCPD_TIMEOUTS__IDLE_SECONDS: timeouts.idle_seconds = 'soon': must be a valid number, "
        "unable to parse string as a number",
    ]


def test_a_misspelled_variable_or_flag_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(None, {"listen.prt": "1"}, {"SCPD_LISTEN__HOTS": "x"}, tmp_path)
    assert str(raised.value) == (
        "command line, listen.prt: listen.prt: unknown key; did you mean 'port'?\n"
        "environment variable SCPD_LISTEN__HOTS: listen.hots: unknown key; did you mean 'host'?"
    )


def test_a_table_in_place_of_a_value_and_the_other_way_round(tmp_path: Path) -> None:
    assert problems(tmp_path, "storage = 1\n[ae.titles]\nx = 1\n") == [
        "scpd.toml:1:1: storage = 1: must be a valid dictionary or instance of StorageTable",
        "scpd.toml:2:2: ae.titles = {'x': 1}: must be a valid tuple",
    ]


def test_empty_lists_and_blank_titles(tmp_path: Path) -> None:
    assert problems(
        tmp_path, '[ae]\ntitles = []\n[query]\nretrieve_ae_title = "\\t"\n[[service]]\nname = "find"\nroles = []'
    ) == [
        "scpd.toml:2:1: ae.titles = []: must have at least 1 item after validation, not 0",
        "scpd.toml:4:1: query.retrieve_ae_title = '\\t': must be 1 to 16 printable ASCII characters, no backslash, "
        "no space around",
        "scpd.toml:7:1: service.0.roles = []: must have at least 1 item after validation, not 0",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[ae\n", "scpd.toml:1:4: Expected ']' at the end of a table declaration"),
        ('a = "', "scpd.toml: Unterminated string (at end of document)"),
        ("[ae]\nx = 1\nx = 2\n", "scpd.toml:3:6: Cannot overwrite a value"),
    ],
)
def test_a_syntax_error_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert problems(tmp_path, text) == [told]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    [problem] = check(tmp_path / "missing.toml", {})
    assert render(problem) == f"{tmp_path}/missing.toml: cannot be read: No such file or directory"
    file = tmp_path / "latin.toml"
    file.write_bytes(b"[ae]\n# \xe4\n")
    [problem] = check(file, {})
    assert render(problem) == f"{file}:2: is not UTF-8 text"


def test_every_unreadable_file_is_told(tmp_path: Path) -> None:
    written(tmp_path, "[")
    written(tmp_path, "]", "conf.d/a.toml")
    with pytest.raises(ConfigError) as raised:
        load(environ={}, system_directory=tmp_path)
    assert len(raised.value.problems) == 2


def test_a_good_configuration_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path, '[[service]]\nname = "storage"\nsop_classes = ["ct", "1.3.12.*"]\n') == []


def test_a_long_value_is_cut_short(tmp_path: Path) -> None:
    [told] = problems(tmp_path, f'[log]\nlevel = "{"x" * 1000}"\n')
    assert len(told) < 200


# -- secrets -----------------------------------------------------------------------------------------------------


def test_secrets_are_never_repeated(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    written(secrets, "hunter2", "SCPD_LIMITS__ASSOCIATIONS_MAX")
    written(secrets, "hunter2", "SCPD_LOG__LEVEL")
    written(secrets, "hunter2", "SCPD_STORAGE__PASWORD")
    text = '[storage]\noptions = "password=hunter2"\npassword = "hunter2"\n'
    told = problems(tmp_path, text, CREDENTIALS_DIRECTORY=str(secrets))
    assert len(told) == 5
    assert "hunter2" not in "\n".join(told)


def test_a_secret_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "SCPD_STORAGE__OPTIONS__KEY").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(None, {}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, tmp_path)
