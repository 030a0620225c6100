"""What a service that has only a final response is given to send others."""

from collections.abc import Sequence

from scpd.dimse.command import Response


async def nothing_is_pending(response: Response, data_sets: Sequence[bytes]) -> None:
    """For an Exchange; fails the test that gets here."""
    raise AssertionError(f"{response} is not a final response")
