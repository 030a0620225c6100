"""The users file: what it may hold, what it verifies, and that nothing tells who exists."""

import os
import time
from pathlib import Path

import pytest

from scpd.identity.base import Claim, NotJudged, Refused, Verified
from scpd.identity.users import PasscodeHash, UsersFile, open_users, read_users, user_line
from scpd.identity.verifiers import load_verifier
from scpd.ul.items import UserIdentityType

NAME, PASSCODE = UserIdentityType.USERNAME, UserIdentityType.USERNAME_AND_PASSCODE
ALICE = user_line("alice", "wonder land")
REFUSED = Refused("unknown user, or wrong passcode")


def claim(type: UserIdentityType, primary: str, secondary: str = "") -> Claim:
    return Claim(type, primary.encode(), secondary.encode(), "CT1", "192.0.2.1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"# who may call\n\n{ALICE}\nscanner:\n{user_line('Zoë', 'naïve')}\n", "utf-8")
    return path


async def test_a_user_is_verified_by_name_and_passcode(file: Path) -> None:
    users = UsersFile(file)
    assert await users.verify(claim(PASSCODE, "alice", "wonder land")) == Verified("alice")
    assert await users.verify(claim(PASSCODE, "Zoë", "naïve")) == Verified("Zoë")


@pytest.mark.parametrize(
    ("name", "passcode"),
    [
        ("alice", "wonder lan"),
        ("alice", ""),
        ("Alice", "wonder land"),
        ("bob", "wonder land"),
        ("scanner", ""),
        ("", ""),
    ],
)
async def test_anything_else_is_refused_in_the_same_words(file: Path, name: str, passcode: str) -> None:
    assert await UsersFile(file).verify(claim(PASSCODE, name, passcode)) == REFUSED


async def test_a_name_alone_verifies_only_a_user_without_a_passcode(file: Path) -> None:
    users = UsersFile(file)
    assert await users.verify(claim(NAME, "scanner")) == Verified("scanner")
    for name in ("alice", "bob", ""):
        assert await users.verify(claim(NAME, name)) == REFUSED


@pytest.mark.parametrize("kind", [UserIdentityType.KERBEROS, UserIdentityType.SAML, UserIdentityType.JWT])
async def test_tickets_assertions_and_tokens_are_not_judged(file: Path, kind: UserIdentityType) -> None:
    assert await UsersFile(file).verify(claim(kind, "alice")) == NotJudged(f"the users file cannot judge {kind.name}")


async def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    assert await UsersFile(file).verify(Claim(PASSCODE, b"\xff\x00", b"\xff", "CT1", "")) == REFUSED


async def test_an_unknown_user_costs_as_much_time_as_a_wrong_passcode(file: Path) -> None:
    users = UsersFile(file)

    async def seconds(name: str) -> float:
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            await users.verify(claim(PASSCODE, name, "guess"))
            taken.append(time.perf_counter() - began)
        return min(taken)

    wrong = await seconds("alice")
    for name in ("nobody", "scanner"):
        assert 0.5 < await seconds(name) / wrong < 2


async def test_the_file_is_read_again_when_it_has_changed(file: Path) -> None:
    users = UsersFile(file)
    assert await users.verify(claim(NAME, "late")) == REFUSED
    replacement = file.with_name("users.new")
    replacement.write_text("late:\n")
    os.replace(replacement, file)
    assert await users.verify(claim(NAME, "late")) == Verified("late")
    assert await users.verify(claim(PASSCODE, "alice", "wonder land")) == REFUSED


async def test_a_file_that_has_become_unreadable_verifies_nobody(file: Path) -> None:
    users = UsersFile(file)
    file.write_text("nonsense")
    with pytest.raises(ValueError, match="users:1: must be NAME:HASH or NAME:"):
        await users.verify(claim(NAME, "scanner"))


SALT, KEY = "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    "line",
    [
        "alice",
        ":scrypt$16384$8$1$x$y",
        "alice:secret",
        f"alice:bcrypt$16384$8$1${SALT}${KEY}",
        f"alice:scrypt$16383$8$1${SALT}${KEY}",
        f"alice:scrypt$1$8$1${SALT}${KEY}",
        f"alice:scrypt$16384$0$1${SALT}${KEY}",
        f"alice:scrypt$16384$8$0${SALT}${KEY}",
        f"alice:scrypt$16384$8$17${SALT}${KEY}",
        f"alice:scrypt$1048576$8$1${SALT}${KEY}",
        f"alice:scrypt$16384$8$1$AAAA${KEY}",
        f"alice:scrypt$16384$8$1${SALT}$AAAA",
        f"alice:scrypt$16384$8$1${SALT}$!",
    ],
)
def test_a_line_that_cannot_be_used_is_named_without_its_contents(tmp_path: Path, line: str) -> None:
    file = tmp_path / "users"
    file.write_text(f"scanner:\n{line}\n")
    with pytest.raises(ValueError, match=r"users:2: ") as caught:
        read_users(file)
    assert "secret" not in str(caught.value)


def test_a_hash_is_salted_and_survives_being_written() -> None:
    one, other = PasscodeHash.of(b"x"), PasscodeHash.of(b"x")
    assert str(one) != str(other)
    assert PasscodeHash.parse(str(one)) == one
    assert one.is_of(b"x") and not one.is_of(b"y")


@pytest.mark.parametrize("name", ["", " a", "a:b", "#a", "a\nb"])
def test_a_name_that_no_line_can_hold_gets_none(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a user name"):
        user_line(name, "x")


def test_the_options_are_checked(file: Path) -> None:
    assert isinstance(load_verifier("file", {"users": str(file)}), UsersFile)
    for options, message in (
        ({}, "users must be the absolute path"),
        ({"users": "users"}, "users must be the absolute path"),
        ({"users": str(file), "colour": 1}, "unknown identity.options: colour"),
        ({"users": str(file) + ".gone"}, "users.gone: No such file"),
    ):
        with pytest.raises(ValueError, match=message):
            open_users(options)
    with pytest.raises(ValueError, match="no verifier named 'ldap'; known are: file"):
        load_verifier("ldap", {})


def test_a_claim_does_not_show_its_secrets() -> None:
    assert repr(claim(PASSCODE, "alice", "secret")) == (
        "Claim(USERNAME_AND_PASSCODE, ae_title='CT1', address='192.0.2.1')"
    )
