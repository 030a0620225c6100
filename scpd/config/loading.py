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
    origin_of,
    overrides_layer,
    secret_files,
    secret_layer,
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
    secrets_directories = (CONTAINER_SECRETS, *_paths(environ.get("CREDENTIALS_DIRECTORY")))
    secrets = [file for directory in secrets_directories for file in secret_files(directory)]
    layers = (
        overrides_layer(overrides or {}),
        environment_layer(environ),
        *_read(config_files(path, environ, system_directory), secrets),
    )
    try:
        settings = Settings.model_validate({"layers": layers})
    except ValidationError as error:
        raise ConfigError(problems_of(error, Settings, lambda key: origin_of(key, layers))) from None
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


def default_directory(environ: Mapping[str, str], *, as_root: bool) -> Path:
    """Where the store is unless it is configured: what the service manager provides, or the user's own place."""
    state_directories = environ.get("STATE_DIRECTORY", "")
    if state_directories:
        return Path(state_directories.split(":")[0])  # systemd.exec(5)
    if as_root:
        return Path("/var/lib/scpd")
    return Path(environ.get("HOME") or Path.home()) / ".local/share/scpd"


def _read(files: Sequence[Path], secrets: Sequence[Path]) -> list[Layer]:
    """The secrets, the last one first, and the files as one."""
    layers = [Layer()]
    problems: list[Problem] = []
    for file in (*files, *secrets):
        try:
            if file in secrets:
                layers.insert(0, secret_layer(file))
            else:
                layers[-1].add_file(toml_layer(file))
        except OSError as error:
            problems.append(Problem(Origin(str(file)), "", f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            problems.append(Problem(Origin(str(file), line), "", "is not UTF-8 text"))
        except tomllib.TOMLDecodeError as error:
            problems.append(_syntax_problem(file, str(error)))
    if problems:
        raise ConfigError(problems)
    return layers


def _syntax_problem(file: Path, message: str) -> Problem:
    # tomllib tells the place only in its message: "... (at line 3, column 5)", or "... (at end of document)".
    place = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if place is None:
        return Problem(Origin(str(file)), "", message)
    return Problem(Origin(str(file), int(place[1]), int(place[2])), "", message[: place.start()])


def _with_directory(settings: Settings, environ: Mapping[str, str]) -> Settings:
    if settings.storage.directory:
        return settings
    storage = settings.storage.model_copy(
        update={"directory": str(default_directory(environ, as_root=os.geteuid() == 0))}
    )
    return settings.model_copy(update={"storage": storage})


def _paths(value: str | None) -> list[Path]:
    return [Path(value)] if value else []
