"""Where a verifier comes from: the entry-point group `scpd.identity_verifiers`."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

from scpd.identity.base import Verifier

GROUP = "scpd.identity_verifiers"


def load_verifier(name: str, options: Mapping[str, object]) -> Verifier:
    """The verifier registered as `name`, made with `options`. Raises ValueError naming what is wrong."""
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in entries:
        raise ValueError(f"no verifier named {name!r}; known are: {', '.join(sorted(entries))}")
    open_verifier: Callable[[Mapping[str, object]], Verifier] = entries[name].load()
    return open_verifier(options)
