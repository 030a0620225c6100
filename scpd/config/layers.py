"""The sources of configuration: flags over environment over secrets over TOML files.

Every source becomes a `Layer`: its values as nested tables, and where each of them stands, so that a mistake can be
reported with the file and line, the variable or the flag it was made in. pydantic-settings lays them over each other:
tables merge, any other value replaces what is below. It does not read them: its own sources keep no places, pass over
misspelled variables, and let no file of conf.d add a `[[peer]]`. Therefore all TOML files become one layer here, in
which arrays of tables add up.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from scpd.config.positions import Path as KeyPath
from scpd.config.positions import positions
from scpd.config.problems import Origin

Tables: TypeAlias = dict[str, Any]  # Any: whatever TOML and JSON hold; Settings validates it

VARIABLE_PREFIX = "SCPD_"
CONFIG_VARIABLE = "SCPD_CONFIG"


@dataclass(slots=True)
class Layer:
    """Values as nested tables, and where they stand. A key without an origin stands where its table stands."""

    tables: Tables = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)

    def put(self, path: tuple[str, ...], value: object, origin: Origin) -> None:
        """Sets one value, making the tables on its way."""
        table = self.tables
        for name in path[:-1]:
            inner = table.setdefault(name, {})
            if not isinstance(inner, dict):  # a value and a table of one name: the more precise one wins
                inner = table[name] = {}
            table = inner
        table[path[-1]] = value
        self.origins[path] = origin

    def origin_of(self, path: KeyPath) -> Origin:
        """Where `path` stands, or the nearest table around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return Origin("defaults")

    def reach(self, path: KeyPath) -> tuple[int, bool]:
        """How much of `path` is set here, and whether that hides what lower layers say of it: it is no table."""
        value: Any = self.tables  # Any: as in Tables
        hides = False
        for depth, part in enumerate(path):
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return depth, hides
            hides = hides or not isinstance(value, dict)
        return len(path), hides

    def add_file(self, upper: "Layer") -> None:
        """Merges a file of higher priority into this one; arrays of tables add up."""
        shifts: dict[str, int] = {}
        for name, value in upper.tables.items():
            lower = self.tables.get(name, ())
            if _is_array_of_tables(value) and _is_array_of_tables(lower):
                shifts[name] = len(lower)
                self.tables[name] = [*lower, *value]
            elif isinstance(value, dict) and isinstance(lower, dict):
                _merge(lower, value)
            else:
                self.tables[name] = value
        for path, origin in upper.origins.items():
            self.origins[_shifted(path, shifts)] = origin


def origin_of(path: KeyPath, layers: Iterable[Layer]) -> Origin:
    """Where the value in force at `path` stands, or the nearest table around it; `layers` have falling priority."""
    origin, deepest = Origin("defaults"), 0
    for layer in layers:
        depth, hides = layer.reach(path)
        if depth > deepest:
            origin, deepest = layer.origin_of(path), depth
        if hides:
            break
    return origin


def toml_layer(file: Path) -> Layer:
    """A TOML file. Raises OSError, UnicodeDecodeError, TOMLDecodeError."""
    text = file.read_bytes().decode("utf-8")
    tables = tomllib.loads(text)
    places = {path: Origin(str(file), place.line, place.column) for path, place in positions(text).items()}
    return Layer(tables, places)


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Variables such as SCPD_TIMEOUTS__IDLE_SECONDS.

    One without two underscores names a whole table or nothing of ours: orchestrators add variables of their own
    (SCPD_PORT, SCPD_SERVICE_HOST), which are let be.
    """
    layer = Layer()
    for variable in sorted(environ):
        path = _path_of(variable)
        if path:
            layer.put(path, read_value(environ[variable]), Origin(f"environment variable {variable}"))
    return layer


def secret_files(directory: Path) -> list[Path]:
    """The files of a secrets directory that are named like our variables; the others belong to others."""
    files = sorted(directory.iterdir()) if directory.is_dir() else []
    return [file for file in files if _path_of(file.name) and file.is_file()]


def secret_layer(file: Path) -> Layer:
    """A file that holds one value, which never appears in a message. Raises OSError, UnicodeDecodeError."""
    layer = Layer()
    text = file.read_bytes().decode("utf-8").rstrip("\r\n")
    layer.put(_path_of(file.name), text, Origin(f"secret {file}", is_secret=True))
    return layer


def overrides_layer(overrides: Mapping[str, object]) -> Layer:
    """Flags, by dotted key. Text is read as in the environment, anything else is taken as it is."""
    layer = Layer()
    for key, value in overrides.items():
        read = read_value(value) if isinstance(value, str) else value
        layer.put(tuple(key.split(".")), read, Origin(f"command line, {key}"))
    return layer


def read_value(text: str) -> object:
    """A value written on one line: JSON or TOML where it is a list or a table, else the text itself."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _path_of(variable: str) -> tuple[str, ...]:
    matched = re.fullmatch(rf"{VARIABLE_PREFIX}(?P<rest>[A-Z0-9_]+)", variable.upper())
    if matched is None or variable == CONFIG_VARIABLE:
        return ()
    path = tuple(matched["rest"].lower().split("__"))
    return path if len(path) > 1 or path in (("peer",), ("service",)) else ()


def _is_array_of_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(element, dict) for element in value)


def _merge(lower: Tables, upper: Tables) -> None:
    for name, value in upper.items():
        if isinstance(value, dict) and isinstance(lower.get(name), dict):
            _merge(lower[name], value)
        else:
            lower[name] = value


def _shifted(path: KeyPath, shifts: Mapping[str, int]) -> KeyPath:
    match path:
        case (str(name), int(index), *rest) if name in shifts:
            return (name, index + shifts[name], *rest)
        case _:
            return path
