"""The `scpd` command: arguments in, exit codes out. Every command imports what it needs when it is called.

So `scpd --version` and `scpd echo`, which a health check runs every few seconds, do not wait for what `serve` needs.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scpd import __version__
from scpd.exits import Exit

if TYPE_CHECKING:
    from scpd.config import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], Exit] = options.command
    return command(options)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="scpd", description="DICOM Storage and Query SCP daemon")
    top.add_argument("--version", action="version", version=f"scpd {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    add_serve(commands.add_parser("serve", help="run the daemon"))
    add_verify(commands.add_parser("verify", help="re-read every stored object and compare it with its digest"))
    add_reindex(commands.add_parser("reindex", help="rebuild the index from the files; the daemon must be stopped"))
    add_stats(commands.add_parser("stats", help="count what is stored"))
    add_quarantine(commands.add_parser("quarantine", help="list, show, release or delete what was set apart"))
    add_check(commands.add_parser("check", help="validate a configuration"))
    add_schema(commands.add_parser("schema", help="print the JSON Schema of the configuration"))
    add_hash_passcode(commands.add_parser("hash-passcode", help="print a line for the users file of [identity]"))
    add_echo(commands.add_parser("echo", help="verify a peer with a C-ECHO; also the health check"))
    return top


def add_serve(command: argparse.ArgumentParser) -> None:
    """Arguments of `serve`: every one but --config sets a configuration key, over file and environment."""
    add_configuration(command)
    command.add_argument("--ae-title", metavar="T", help="the AE title to answer to")
    command.add_argument("--listen", type=endpoint, metavar="HOST:PORT", help="where to listen; port 0 is any free one")
    command.set_defaults(command=serve)


def add_configuration(command: argparse.ArgumentParser) -> None:
    """Arguments of every command that reads the configuration."""
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration file (default: $SCPD_CONFIG, else /etc/scpd)"
    )
    command.add_argument("--storage", metavar="DIR", help="folder of the store")
    command.add_argument(
        "--set",
        type=assignment,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any dotted configuration key, e.g. timeouts.idle_seconds=120",
    )


def add_verify(command: argparse.ArgumentParser) -> None:
    """Arguments of `verify`."""
    add_configuration(command)
    command.add_argument("--resume", action="store_true", help="go on where the last run was interrupted")
    command.add_argument(
        "--megabytes-per-second", type=float, default=0.0, metavar="N", help="read no faster (default: 0, no limit)"
    )
    command.set_defaults(command=maintain, maintenance="verify")


def add_reindex(command: argparse.ArgumentParser) -> None:
    """Arguments of `reindex`."""
    add_configuration(command)
    command.set_defaults(command=maintain, maintenance="reindex")


def add_stats(command: argparse.ArgumentParser) -> None:
    """Arguments of `stats`."""
    add_configuration(command)
    command.add_argument("--json", action="store_true", help="one JSON object")
    command.set_defaults(command=maintain, maintenance="stats")


def add_quarantine(command: argparse.ArgumentParser) -> None:
    """Arguments of `quarantine`."""
    command.description = "List, show, release or delete what was set apart. The last two need the daemon stopped."
    add_configuration(command)
    command.add_argument("action", choices=("list", "show", "release", "delete"))
    command.add_argument("id", nargs="?", type=int, metavar="ID", help="as `list` prints it")
    command.set_defaults(command=maintain, maintenance="quarantine")


def add_check(command: argparse.ArgumentParser) -> None:
    """Arguments of `check`."""
    command.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: what `serve` would read")
    command.set_defaults(command=check)


def add_schema(command: argparse.ArgumentParser) -> None:
    """Arguments of `schema`: none."""
    command.set_defaults(command=schema)


def add_hash_passcode(command: argparse.ArgumentParser) -> None:
    """Arguments of `hash-passcode`; the passcode itself is never one."""
    command.add_argument(
        "user", metavar="NAME", help="the user; the passcode is asked for, or read from standard input"
    )
    command.set_defaults(command=hash_passcode)


def add_echo(command: argparse.ArgumentParser) -> None:
    """Arguments of `echo`."""
    command.add_argument("peer", type=endpoint, metavar="HOST:PORT")
    command.add_argument("--called", default="SCPD", metavar="T", help="AE title to call (default: SCPD)")
    command.add_argument("--calling", default="SCPD_ECHO", metavar="T", help="AE title to call as (default: SCPD_ECHO)")
    command.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="for everything (default: 10)")
    command.set_defaults(command=echo)


def serve(arguments: argparse.Namespace) -> Exit:
    """Runs the daemon."""
    overrides: dict[str, object] = {}
    if arguments.ae_title is not None:
        overrides["ae.titles"] = [arguments.ae_title]
    if arguments.listen is not None:
        overrides["listen.host"], overrides["listen.port"] = arguments.listen
    settings = configuration(arguments, overrides)
    if settings is None:
        return Exit.CONFIGURATION

    from scpd import app

    return app.serve(settings)


def maintain(arguments: argparse.Namespace) -> Exit:
    """Runs one of the commands over a store."""
    settings = configuration(arguments, {})
    if settings is None:
        return Exit.CONFIGURATION

    from scpd import maintenance

    return maintenance.run(settings, arguments)


def configuration(arguments: argparse.Namespace, overrides: Mapping[str, object]) -> "Settings | None":
    """What --config, --storage and --set make of it; None for a wrong one, after telling all that is wrong."""
    from scpd.config import ConfigError, load

    given = {**dict(arguments.set), **overrides}
    if arguments.storage is not None:
        given["storage.directory"] = str(Path(arguments.storage).absolute())
    try:
        return load(arguments.config, given)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return None


def check(arguments: argparse.Namespace) -> Exit:
    """Says everything that is wrong with a configuration."""
    from scpd import config

    problems = config.check(arguments.file)
    for problem in problems:
        print(config.render(problem), file=sys.stderr)
    if problems:
        return Exit.FAILED
    print("the configuration is valid")
    return Exit.OK


def schema(arguments: argparse.Namespace) -> Exit:
    """Prints the JSON Schema."""
    import json

    from scpd.config import Settings

    print(json.dumps(Settings.json_schema(), indent=2))
    return Exit.OK


def hash_passcode(arguments: argparse.Namespace) -> Exit:
    """Prints the line for a user with a passcode."""
    from getpass import getpass

    from scpd.identity.users import user_line

    passcode = getpass("Passcode: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        print(user_line(arguments.user, passcode))
    except ValueError as error:
        print(error, file=sys.stderr)
        return Exit.FAILED
    return Exit.OK


def echo(arguments: argparse.Namespace) -> Exit:
    """Asks a peer for a C-ECHO and says how it went."""
    import asyncio

    from scpd.server.requestor import AssociationFailed, Call
    from scpd.server.requestor import echo as verify

    host, port = arguments.peer
    call = Call(host, port, arguments.called, arguments.calling)
    try:
        status = asyncio.run(asyncio.wait_for(verify(call), arguments.timeout))
    except TimeoutError:
        outcome = f"no answer within {arguments.timeout:g} s"
    except (OSError, AssociationFailed) as error:
        outcome = str(error)
    else:
        outcome = f"status {status:04X}H"
    print(f"{arguments.called} at {host}:{port}: {outcome}")
    return Exit.OK if outcome == "status 0000H" else Exit.FAILED


def endpoint(text: str) -> tuple[str, int]:
    """HOST:PORT; an IPv6 address stands in brackets. Raises ArgumentTypeError."""
    host, separator, port = text.rpartition(":")
    if not (separator and host and port.isdecimal() and int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def assignment(text: str) -> tuple[str, str]:
    """KEY=VALUE. Raises ArgumentTypeError."""
    key, separator, value = text.partition("=")
    if not (separator and key):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key.strip(), value.strip()
