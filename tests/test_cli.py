"""The command as its users call it: as a process, judged by its exit code and what it prints."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scpd import __version__
from scpd.cli import assignment, endpoint, parser
from scpd.exits import Exit
from scpd.identity.users import read_users
from tests.interop.daemon import SCPD, Daemon


def scpd(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run(
        [SCPD, *arguments], env={**os.environ, **environ}, capture_output=True, text=True, timeout=30, check=False
    )


def test_version_is_printed_without_importing_what_it_does_not_need() -> None:
    assert scpd("--version").stdout == f"scpd {__version__}\n"
    loaded = "import sys, scpd.cli; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "pydantic", "pydicom", "structlog", "uvloop", "sqlite3"} & set(modules)


def test_no_command_is_a_usage_error() -> None:
    assert scpd().returncode == Exit.USAGE


def test_check_accepts_the_built_in_defaults() -> None:
    assert scpd("check").returncode == Exit.OK


def test_check_names_file_line_key_and_the_nearest_valid_spelling(tmp_path: Path) -> None:
    file = tmp_path / "scpd.toml"
    file.write_text('[ae]\ntitels = ["CT"]\n\n[log]\nlevel = "inof"\n')
    checked = scpd("check", str(file))
    assert checked.returncode == Exit.FAILED
    assert f"{file}:2:1: ae.titels: unknown key; did you mean 'titles'?" in checked.stderr
    assert f"{file}:5:1: log.level = 'inof'" in checked.stderr and "did you mean 'info'?" in checked.stderr


def test_schema_is_json_schema_of_every_table() -> None:
    schema = json.loads(scpd("schema").stdout)
    assert {"ae", "listen", "storage", "limits", "timeouts", "log", "service", "peer"} <= set(schema["properties"])


def test_serve_with_a_wrong_configuration_says_so_and_ends_with_78() -> None:
    started = scpd("serve", "--set", "limits.asociations_max=3")
    assert started.returncode == Exit.CONFIGURATION
    assert "did you mean 'associations_max'?" in started.stderr


def test_serve_on_a_taken_port_ends_with_69(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        started = scpd("serve", "--listen", f"127.0.0.1:{port}", "--storage", str(tmp_path), "--set", "log.format=json")
    assert started.returncode == Exit.UNAVAILABLE
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in started.stderr


def test_serve_on_a_locked_store_ends_with_69_and_names_the_owner(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        second = scpd("serve", "--listen", "127.0.0.1:0", "--storage", str(daemon.storage))
        assert second.returncode == Exit.UNAVAILABLE
        assert "locked" in second.stderr


def test_flags_override_the_environment_and_that_the_file(tmp_path: Path) -> None:
    file = tmp_path / "scpd.toml"
    file.write_text('[ae]\ntitles = ["FROM_FILE"]\n[limits]\nassociations_max = 7\n[log]\nformat = "console"\n')
    os.environ["SCPD_AE__TITLES"] = "FROM_ENVIRONMENT"
    try:
        options = ("--config", str(file), "--ae-title", "FROM_FLAG", "--set", "log.format=json")
        with Daemon(tmp_path, *options) as daemon:
            listening = daemon.events[0]
    finally:
        del os.environ["SCPD_AE__TITLES"]
    assert listening["ae_titles"] == ["FROM_FLAG"]


def test_echo_is_the_health_check(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        well = scpd("echo", f"127.0.0.1:{daemon.port}")
        assert (well.returncode, well.stdout) == (Exit.OK, f"SCPD at 127.0.0.1:{daemon.port}: status 0000H\n")
        misnamed = scpd("echo", f"127.0.0.1:{daemon.port}", "--called", "NOBODY")
        assert misnamed.returncode == Exit.FAILED
        assert "CALLED_AE_TITLE_NOT_RECOGNIZED" in misnamed.stdout
        port = daemon.port
    assert scpd("echo", f"127.0.0.1:{port}").returncode == Exit.FAILED


def test_echo_gives_up_on_a_silent_peer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = scpd("echo", f"127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.2")
    assert asked.returncode == Exit.FAILED
    assert "no answer within 0.2 s" in asked.stdout


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("127.0.0.1:104", ("127.0.0.1", 104)), ("[::1]:0", ("::1", 0)), ("localhost:65535", ("localhost", 65535))],
)
def test_an_endpoint_is_host_and_port(text: str, parsed: tuple[str, int]) -> None:
    assert endpoint(text) == parsed


@pytest.mark.parametrize("text", ["127.0.0.1", ":104", "host:", "host:http", "host:65536", "host:-1"])
def test_anything_else_is_no_endpoint(text: str) -> None:
    with pytest.raises(SystemExit) as exit_info:
        parser().parse_args(["echo", text])
    assert exit_info.value.code == Exit.USAGE


def test_an_assignment_keeps_every_sign_but_the_first_equals() -> None:
    assert assignment("storage.options.url = a=b") == ("storage.options.url", "a=b")


def test_hash_passcode_prints_a_line_that_verifies_the_passcode_it_read(tmp_path: Path) -> None:
    hashed = subprocess.run([SCPD, "hash-passcode", "alice"], input="open sesame\n", capture_output=True, text=True)
    assert (hashed.returncode, hashed.stderr) == (Exit.OK, "")
    file = tmp_path / "users"
    file.write_text(hashed.stdout)
    users = read_users(file)
    stored = users[b"alice"]
    assert stored is not None and stored.is_of(b"open sesame")


def test_hash_passcode_refuses_a_name_that_the_file_cannot_hold() -> None:
    hashed = subprocess.run([SCPD, "hash-passcode", "a:b"], input="x\n", capture_output=True, text=True)
    assert (hashed.returncode, hashed.stdout) == (Exit.FAILED, "")
