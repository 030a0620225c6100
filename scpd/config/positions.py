"""Where in a TOML text each key stands, which tomllib does not tell.

The text has been parsed by tomllib before: it is valid, and only keys have to be told from values. Keys within an
inline table or an array stand where the key that holds them stands.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""A key's way down from the root: ("peer", 0, "ae_title")."""


class Position(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


KEY_PART = r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'"""
KEY = re.compile(rf"(?:{KEY_PART})(?:[ \t]*\.[ \t]*(?:{KEY_PART}))*")
HEADER = re.compile(rf"(?P<open>\[\[?)[ \t]*(?P<key>{KEY.pattern})[ \t]*\]\]?")
BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)+")
# One step of a value: a string, a comment, a bracket, a line end, or anything else up to the next of those.
VALUE_STEP = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\]|\\.)*"|'[^']*'|\#[^\n]*|[\[{]|[\]}]|\n|[^"'\#\[\]{}\n]+''',
    re.DOTALL,
)


def positions(text: str) -> Mapping[Path, Position]:
    """The position of every table header and key of a valid TOML text."""
    found: dict[Path, Position] = {(): Position(1, 1)}
    arrays: dict[Path, int] = {}
    table: Path = ()
    at = 0
    while at < len(text):
        if blank := BLANK.match(text, at):
            at = blank.end()
        elif header := HEADER.match(text, at):
            table = _enter(_parts(header["key"]), arrays, is_array=header["open"] == "[[")
            found[table] = _position(text, header.start("key"))
            at = header.end()
        else:
            key = KEY.match(text, at)
            assert key is not None  # in a valid text
            found[table + _parts(key[0])] = _position(text, at)
            at = _after_value(text, key.end())
    return found


def _enter(parts: Path, arrays: dict[Path, int], *, is_array: bool) -> Path:
    """The path of a table header, with the index of the last element of each array of tables on its way."""
    path: Path = ()
    for depth, part in enumerate(parts, 1):
        path += (part,)
        if is_array and depth == len(parts):
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path += (arrays[path],)
    return path


def _parts(key: str) -> Path:
    return tuple(_unquoted(part) for part in re.findall(KEY_PART, key))


def _unquoted(part: str) -> str:
    return next(iter(tomllib.loads(f"{part} = 0")))


def _after_value(text: str, at: int) -> int:
    """The end of the line on which the value ends that begins behind the key."""
    depth = 0
    while at < len(text):
        step = VALUE_STEP.match(text, at)
        assert step is not None  # in a valid text
        at = step.end()
        if step[0] == "\n" and depth == 0:
            break
        depth += (step[0] in "[{") - (step[0] in "]}")
    return at


def _position(text: str, at: int) -> Position:
    return Position(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
