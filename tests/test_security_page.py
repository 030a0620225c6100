"""docs/security.md is executed: its configurations are checked, its commands run, its verifier verifies."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from scpd.config import load
from scpd.identity.base import Claim, NotJudged, Refused, Verified, Verifier
from scpd.identity.users import read_users
from scpd.identity.verifiers import load_verifier
from scpd.profile.certificate import certificate_name
from scpd.profile.profile import LOOPBACK, Peer, Profile
from scpd.server.options import TlsOptions
from scpd.ul.items import UserIdentityType
from tests.daemon import Daemon
from tests.interop.programs import SEARCH_PATH
from tests.tls import Issued, Pki

TEXT = (Path(__file__).parents[1] / "docs" / "security.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


TLS, IDENTITY, ENTRY_POINT = blocks("toml")
FINGERPRINT, CLIENTS, HASH = blocks("sh")
[VERIFIER] = blocks("python")
KEY = "k" * 32


def shell(commands: str, folder: Path, stdin: str = "") -> str:
    """What commands of the page print, in a folder with the files they name. Fails when they fail."""
    path = f"{Path(sys.executable).parent}:{SEARCH_PATH}" if commands.startswith("scpd") else SEARCH_PATH
    done = subprocess.run(
        ["sh", "-e", "-c", commands],
        cwd=folder,
        env={"PATH": path},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page: ct1.crt, ct1.key, mr1.crt, ca.crt."""
    pki = Pki(tmp_path_factory.mktemp("page") / "pki")
    for name in ("ct1", "mr1", "server"):
        pki.issue(name, f"DNS:{name}")
    return pki.folder


@pytest.mark.parametrize("text", [TLS, IDENTITY], ids=["tls", "identity"])
def test_the_configurations_are_valid(tmp_path: Path, text: str) -> None:
    (tmp_path / "scpd.toml").write_text(text)
    settings = load(tmp_path / "scpd.toml", environ={})
    assert settings.profile().peers
    assert (settings.tls_options() is None) is (text is IDENTITY)


def test_the_fingerprint_that_the_command_prints_can_be_declared(folder: Path) -> None:
    printed = shell(FINGERPRINT, folder).strip()
    assert re.fullmatch(r"sha256 Fingerprint=[0-9A-F:]{95}", printed)
    issued = Issued(folder / "mr1.crt", folder / "mr1.key")
    assert certificate_name("sha256:" + printed.partition("=")[2]) == issued.fingerprint


def test_the_clients_of_the_page_get_through(tmp_path: Path, folder: Path) -> None:
    server = Issued(folder / "server.crt", folder / "server.key")
    options = TlsOptions(server.certificate, server.key, folder / "ca.crt", folder / "ca.crl")
    with Daemon(tmp_path, profile=Profile(peers=(Peer("CT1", LOOPBACK),)), tls=options) as daemon:
        commands = CLIENTS.replace("scpd.example 2762", f"127.0.0.1 {daemon.tls_port}")
        printed = shell(commands.replace("scpd.example:2762", f"127.0.0.1:{daemon.tls_port}"), folder)
    assert "Verify return code: 0 (ok)" in printed
    assert [event["calling"] for event in daemon.events() if event["event"] == "association released"] == ["CT1"]


def test_the_line_that_hash_passcode_prints_is_one_of_a_users_file(tmp_path: Path) -> None:
    (tmp_path / "users").write_text(shell(HASH, tmp_path, "open sesame\n") + "scanner:\n")
    users = read_users(tmp_path / "users")
    assert users.keys() == {b"alice", b"scanner"}


@pytest.fixture
def verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Verifier]:
    """The verifier of the page, installed as a distribution of its own."""
    (tmp_path / "tokens.py").write_text(VERIFIER)
    info = tmp_path / "tokens-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tokens\nVersion: 1.0\n")
    name = '[project.entry-points."scpd.identity_verifiers"]'
    assert name in ENTRY_POINT
    (info / "entry_points.txt").write_text(ENTRY_POINT.replace(name, "[scpd.identity_verifiers]").replace('"', ""))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield load_verifier("tokens", {"key": KEY})
    sys.modules.pop("tokens", None)


def claim(token: str, kind: UserIdentityType = UserIdentityType.JWT) -> Claim:
    return Claim(kind, token.encode(), b"", "CT1", "192.0.2.1")


async def test_the_verifier_of_the_page_verifies_tokens(verifier: Verifier) -> None:
    good = {"sub": "alice", "aud": "scpd", "exp": time.time() + 60}
    assert await verifier.verify(claim(jwt.encode(good, KEY))) == Verified("alice")
    for wrong, reason in (
        (jwt.encode(good, "x" * 32), "InvalidSignatureError"),
        (jwt.encode(good | {"exp": 1}, KEY), "ExpiredSignatureError"),
        (jwt.encode(good | {"aud": "other"}, KEY), "InvalidAudienceError"),
        (jwt.encode({"sub": "alice", "aud": "scpd"}, KEY), "MissingRequiredClaimError"),
        (jwt.encode(good, None, "none"), "InvalidAlgorithmError"),
        ("nonsense", "DecodeError"),
    ):
        assert await verifier.verify(claim(wrong)) == Refused(reason)
    assert isinstance(await verifier.verify(claim("alice", UserIdentityType.USERNAME)), NotJudged)
