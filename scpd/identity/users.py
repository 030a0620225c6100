"""The verifier "file": user names, and the scrypt hashes of their passcodes, one user a line.

    alice:scrypt$16384$8$1$bm90IHNhbHR5Li4u$...     may call with her passcode only
    scanner:                                        may call with the name alone
    # anything else

A passcode costs the same time whether its user exists or not, and is compared in constant time. Hashing is slow and
large on purpose, so one thread does it for everybody: passcodes tried by the thousand take one core and one hash's
memory, never the event loop. The file is read again when it has changed.
"""

import asyncio
import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from scpd.identity.base import Claim, NotJudged, Refused, Verdict, Verified, Verifier
from scpd.ul.items import UserIdentityType

SALT_BYTES, KEY_BYTES = 16, 32
MEMORY_BYTES_MAX = 64 << 20
PARALLELISM_MAX = 16


@dataclass(frozen=True, slots=True)
class PasscodeHash:
    """A hash by scrypt (RFC 7914). `cost`, `block_size` and `parallelism` are its N, r and p."""

    salt: bytes
    key: bytes
    cost: int = 16_384
    block_size: int = 8
    parallelism: int = 1

    @classmethod
    def of(cls, passcode: bytes) -> "PasscodeHash":
        """The hash of a passcode, with a salt of its own."""
        salt = os.urandom(SALT_BYTES)
        return cls(salt, cls(salt, b"").derive(passcode))

    @classmethod
    def parse(cls, text: str) -> "PasscodeHash":
        """Reads what `str` wrote. Raises ValueError."""
        name, *parameters, salt, key = text.split("$")
        cost, block_size, parallelism = map(int, parameters)
        parsed = cls(b64decode(salt, validate=True), b64decode(key, validate=True), cost, block_size, parallelism)
        if name != "scrypt" or not parsed.is_usable:
            raise ValueError("not a hash by scrypt")
        return parsed

    @property
    def is_usable(self) -> bool:
        """Whether scrypt takes the parameters, and has the memory for them (RFC 7914 section 2)."""
        is_power_of_two = self.cost > 1 and self.cost.bit_count() == 1
        memory_bytes = 128 * self.block_size * (self.cost + self.parallelism)
        is_affordable = 0 < memory_bytes < MEMORY_BYTES_MAX and 0 < self.parallelism <= PARALLELISM_MAX
        return is_power_of_two and is_affordable and len(self.salt) >= SALT_BYTES and len(self.key) >= KEY_BYTES

    def __str__(self) -> str:
        salt, key = b64encode(self.salt).decode(), b64encode(self.key).decode()
        return f"scrypt${self.cost}${self.block_size}${self.parallelism}${salt}${key}"

    def derive(self, passcode: bytes) -> bytes:
        """The key that `passcode` makes with this salt: about 50 ms and 16 MiB."""
        return hashlib.scrypt(
            passcode,
            salt=self.salt,
            n=self.cost,
            r=self.block_size,
            p=self.parallelism,
            maxmem=MEMORY_BYTES_MAX,
            dklen=len(self.key) or KEY_BYTES,
        )

    def is_of(self, passcode: bytes) -> bool:
        """Whether this is the hash of `passcode`."""
        return hmac.compare_digest(self.derive(passcode), self.key)


Users: TypeAlias = Mapping[bytes, PasscodeHash | None]
"""Users by name; None is a user without a passcode."""

NOBODY = PasscodeHash(bytes(SALT_BYTES), bytes(KEY_BYTES))
"""What passcodes of unknown users are compared with, for the time it takes."""


class UsersFile:
    """Verifies user names and passcodes by the users in `path`."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, and ValueError for a line that cannot be read."""
        self._path = path
        self._users = read_users(path)
        self._state = _state(path)
        self._thread = ThreadPoolExecutor(1, "identity")

    async def verify(self, claim: Claim) -> Verdict:
        """Judges names and passcodes; tickets, assertions and tokens are not for a file."""
        if claim.type not in (UserIdentityType.USERNAME, UserIdentityType.USERNAME_AND_PASSCODE):
            return NotJudged(f"the users file cannot judge {claim.type.name}")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._judge, claim)

    def _judge(self, claim: Claim) -> Verdict:
        users = self._current_users()
        hashed = users.get(claim.primary)
        if claim.type is UserIdentityType.USERNAME:
            is_true = claim.primary in users and hashed is None
        else:
            is_true = (hashed or NOBODY).is_of(claim.secondary) and hashed is not None
        return Verified(claim.primary.decode()) if is_true else Refused("unknown user, or wrong passcode")

    def _current_users(self) -> Users:
        state = _state(self._path)
        if state != self._state:
            self._users = read_users(self._path)
            self._state = state
        return self._users


def open_users(options: Mapping[str, object]) -> Verifier:
    """`file`: has one option, `users`, the file. Raises ValueError."""
    path = options.get("users")
    if not isinstance(path, str) or not os.path.isabs(path):
        raise ValueError("identity.options.users must be the absolute path of a file")
    if len(options) > 1:
        raise ValueError(f"unknown identity.options: {', '.join(sorted(set(options) - {'users'}))}")
    try:
        return UsersFile(Path(path))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None


def read_users(path: Path) -> Users:
    """The users of a file. Raises OSError, and ValueError that names the line."""
    users: dict[bytes, PasscodeHash | None] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, separator, hashed = line.strip().partition(":")
        if not (name and separator):
            raise ValueError(f"{path}:{number}: must be NAME:HASH or NAME:")
        try:
            users[name.encode()] = PasscodeHash.parse(hashed) if hashed else None
        except ValueError:
            raise ValueError(f"{path}:{number}: the hash is not one of `scpd hash-passcode`") from None
    return users


def user_line(name: str, passcode: str) -> str:
    """The line for a user with a passcode. Raises ValueError for a name that no line can hold."""
    if not name or name != name.strip() or not name.isprintable() or ":" in name or name.startswith("#"):
        raise ValueError(f"{name!r} cannot be a user name here")
    return f"{name}:{PasscodeHash.of(passcode.encode())}"


def _state(path: Path) -> tuple[int, int, int]:
    """What changes when somebody writes or replaces the file."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
