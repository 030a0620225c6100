"""How the command ends: exit codes, as documented in the README and understood by the systemd unit."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; from 64 on they are those of sysexits(3)."""

    OK = 0
    FAILED = 1  # `check` found a mistake, `echo` got no Success, `verify` or `reindex` found damage
    USAGE = 2  # argparse's own
    UNAVAILABLE = 69  # the address or the store cannot be had
    INTERNAL = 70  # a mistake of ours, with a traceback
    CONFIGURATION = 78  # the configuration is wrong; starting again will not help
