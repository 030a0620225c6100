"""T06, T13 under other settings: `storage.duplicates`, and `damaged` of a peer (PS3.4 B.2.3, PS3.7 9.1.1.1.9)."""

import pytest

from scpd.profile.profile import LOOPBACK, Peer, Profile, Unfit
from scpd.storage.backends import open_memory
from tests.daemon import Daemon
from tests.datasets import PATIENT_MARK, ct
from tests.rawpeer import RawPeer
from tests.reactions import kept
from tests.reactions.test_t_refusals import before_the_uids

FIRST, SECOND = ct("1.2.3.4"), ct("1.2.3.4", StudyDescription=f"{PATIENT_MARK} corrected")


def keeping_aside() -> dict[str, object]:
    """A daemon that keeps what the test's peer sends broken."""
    return {"profile": Profile(peers=(Peer("RAWPEER", LOOPBACK, damaged=Unfit.QUARANTINE),))}


def under(duplicates: str) -> object:
    """A daemon with this policy."""
    return lambda: {"backend": open_memory({"duplicates": duplicates})}


@pytest.mark.parametrize("daemon", [under("replace")], indirect=True)
def test_t13_replaced(peer: RawPeer, daemon: Daemon) -> None:
    """T13: with `duplicates = "replace"` 0000H, one object, and a line in the log."""
    assert peer.store("1.2.3.4", FIRST).status == 0x0000
    assert peer.store("1.2.3.4", SECOND, 2).status == 0x0000
    counts = kept.statistics(daemon)
    assert (counts.instances, counts.quarantined, counts.stored_bytes) == (1, 0, len(SECOND))
    assert [event["sop_instance_uid"] for event in daemon.events() if event["event"] == "object replaced"] == [
        "1.2.3.4"
    ]


@pytest.mark.parametrize("daemon", [under("keep-first")], indirect=True)
def test_t13_discarded(peer: RawPeer, daemon: Daemon) -> None:
    """T13: with `duplicates = "keep-first"` B006H, nothing is kept of it, and a line in the log; the same are 0000H."""
    assert peer.store("1.2.3.4", FIRST).status == 0x0000
    assert peer.store("1.2.3.4", SECOND, 2).status == 0xB006
    assert peer.store("1.2.3.4", FIRST, 3).status == 0x0000
    counts = kept.statistics(daemon)
    assert (counts.instances, counts.quarantined, counts.stored_bytes) == (1, 0, len(FIRST))
    assert [event["status"] for event in daemon.events() if event["event"] == "object discarded"] == ["B006H"]


@pytest.mark.parametrize("daemon", [under("refuse")], indirect=True)
def test_t13_refused(peer: RawPeer, daemon: Daemon) -> None:
    """T13: with `duplicates = "refuse"` 0111H, nothing is kept of it; the same bytes are 0000H."""
    assert peer.store("1.2.3.4", FIRST).status == 0x0000
    assert peer.store("1.2.3.4", SECOND, 2).status == 0x0111
    assert peer.store("1.2.3.4", FIRST, 3).status == 0x0000
    counts = kept.statistics(daemon)
    assert (counts.instances, counts.quarantined, counts.stored_bytes) == (1, 0, len(FIRST))


@pytest.mark.parametrize("daemon", [keeping_aside], indirect=True)
@pytest.mark.parametrize("name", before_the_uids())
def test_t06_kept_aside(peer: RawPeer, daemon: Daemon, name: str) -> None:
    """T06: with `damaged = "quarantine"` B007H, kept byte-exact, not found; a whole object is taken later."""
    broken = before_the_uids()[name]
    for message_id in (1, 2):
        assert peer.store("1.2.3.4", broken, message_id).status == 0xB007
    assert [file.data_set for file in kept.files(daemon, "quarantine")] == [broken]
    counts = kept.statistics(daemon)
    assert (counts.instances, counts.quarantined) == (0, 1)
    assert peer.store("1.2.3.4", FIRST, 3).status == 0x0000
    assert [file.data_set for file in kept.files(daemon)] == [FIRST]
