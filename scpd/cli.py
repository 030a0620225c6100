"""The `scpd` command: arguments in, exit codes out. Every command imports what it needs when it is called.

So `scpd --version` and `scpd echo`, which a health check runs every few seconds, do not wait for what `serve` needs.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from scpd import __version__
from scpd.exits import Exit


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

    serve_command = commands.add_parser("serve", help="run the daemon")
    serve_command.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default: $SCPD_CONFIG, else /etc/scpd)"
    )
    serve_command.add_argument("--ae-title", metavar="T", help="ae.titles: the one AE title to answer to")
    serve_command.add_argument("--listen", type=endpoint, metavar="HOST:PORT", help="listen.host and listen.port")
    serve_command.add_argument("--storage", metavar="DIR", help="storage.directory")
    serve_command.add_argument(
        "--set",
        type=assignment,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any dotted configuration key, e.g. --set timeouts.idle_seconds=120",
    )
    serve_command.set_defaults(command=serve)

    check_command = commands.add_parser("check", help="validate a configuration")
    check_command.add_argument("file", nargs="?", type=Path, metavar="FILE")
    check_command.set_defaults(command=check)

    schema_command = commands.add_parser("schema", help="print the JSON Schema of the configuration")
    schema_command.set_defaults(command=schema)

    echo_command = commands.add_parser("echo", help="verify a peer with a C-ECHO; the health check")
    echo_command.add_argument("peer", type=endpoint, metavar="HOST:PORT")
    echo_command.add_argument("--called", default="SCPD", metavar="T", help="AE title to call (default SCPD)")
    echo_command.add_argument("--calling", default="SCPD_ECHO", metavar="T", help="AE title to call as")
    echo_command.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS")
    echo_command.set_defaults(command=echo)
    return top


def serve(options: argparse.Namespace) -> Exit:
    """Runs the daemon."""
    return Exit.OK


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
    return key.strip(), value
