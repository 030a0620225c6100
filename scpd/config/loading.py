"""Finds the sources of the configuration, reads them, and makes Settings of them or tells everything that is wrong.

Files: the one given, else `$SCPD_CONFIG`, else `/etc/scpd/scpd.toml` and the sorted files of `/etc/scpd/conf.d`;
none is fine, everything has a default. Secrets: `$CREDENTIALS_DIRECTORY` (systemd) over `/run/secrets` (containers).
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from scpd.config.layers import (
    CONFIG_VARIABLE,
    Layer,
    environment_layer,
    overrides_layer,
    secrets_layer,
    toml_layer,
)
from scpd.config.problems import ConfigError, Origin, Problem, problems_of
from scpd.config.settings import Settings

SYSTEM_DIRECTORY = Path("/etc/scpd")
CONTAINER_SECRETS = Path("/run/secrets")


def load(
    path: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    system_directory: Path = SYSTEM_DIRECTORY,
) -> Settings:
    """The settings in force. Raises ConfigError.

    `path` is the file to read in place of the usual ones; `overrides` are flags by dotted key, of highest priority;
    `environ` is the environment (default: this process's).
    """
    environ = os.environ if environ is None else environ
    merged = _read(config_files(path, environ, system_directory))
    for directory in (CONTAINER_SECRETS, *_paths(environ.get("CREDENTIALS_DIRECTORY"))):
        merged.add(secrets_layer(directory))
    merged.add(environment_layer(environ))
    merged.add(overrides_layer(overrides or {}))
    try:
        settings = Settings.model_validate(merged.tables)
    except ValidationError as error:
        raise ConfigError(problems_of(error, Settings, merged.origin_of)) from None
    return _with_directory(settings, environ)


def check(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Sequence[Problem]:
    """Everything that is wrong with the configuration; empty when nothing is."""
    try:
        load(path, environ=environ)
    except ConfigError as error:
        return error.problems
    return ()


def config_files(path: Path | None, environ: Mapping[str, str], system_directory: Path) -> list[Path]:
    """The TOML files to read, of rising priority."""
    named = path or next(iter(_paths(environ.get(CONFIG_VARIABLE))), None)
    if named is not None:
        return [named]
    main = system_directory / "scpd.toml"
    return [*([main] if main.exists() else []), *sorted((system_directory / "conf.d").glob("*.toml"))]


def default_directory(environ: Mapping[str, str]) -> Path:
    """Where the store is unless it is configured: what the service manager provides, or the user's own place."""
    state_directories = environ.get("STATE_DIRECTORY", "")
    if state_directories:
        return Path(state_directories.split(":")[0])  # systemd.exec(5)
    if os.geteuid() == 0:
        return Path("/var/lib/scpd")
    return Path(environ.get("HOME") or Path.home()) / ".local/share/scpd"


def _read(files: Sequence[Path]) -> Layer:
    merged = Layer()
    problems: list[Problem] = []
    for file in files:
        try:
            merged.add(toml_layer(file, str(file)), appending=True)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            problems.append(_unreadable(file, error))
    if problems:
        raise ConfigError(problems)
    return merged


def _unreadable(file: Path, error: OSError | UnicodeDecodeError | tomllib.TOMLDecodeError) -> Problem:
    match error:
        case OSError():
            return Problem(Origin(str(file)), "", f"cannot be read: {error.strerror}")
        case UnicodeDecodeError():
            line = error.object.count(b"\n", 0, error.start) + 1
            return Problem(Origin(str(file), line), "", "is not UTF-8 text")
        case _:
            return _syntax_problem(file, str(error))


def _syntax_problem(file: Path, message: str) -> Problem:
    # tomllib tells the place only in its message: "... (at line 3, column 5)", or "(at end of document)".
    matched = re.fullmatch(
        r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", message
    )
    if matched is None:
        return Problem(Origin(str(file)), "", message)
    line, column = (int(matched[name]) if matched[name] else None for name in ("line", "column"))
    what = matched["what"] if line else f"{matched['what']}, at the end of the file"
    return Problem(Origin(str(file), line, column), "", what)


def _with_directory(settings: Settings, environ: Mapping[str, str]) -> Settings:
    if settings.storage.directory:
        return settings
    storage = settings.storage.model_copy(update={"directory": str(default_directory(environ))})
    return settings.model_copy(update={"storage": storage})


def _paths(value: str | None) -> list[Path]:
    return [Path(value)] if value else []
