"""An association, seen by its peer: what only happens when something ends in the middle of something else."""

from collections.abc import Callable

from tests.daemon import Daemon
from tests.datasets import ct
from tests.rawpeer import A_RELEASE_RP, RELEASE_RQ, RawPeer, command, p_data, pdv, store_rq


def test_a_release_in_the_middle_of_an_object_is_answered_and_the_object_is_not(
    daemon: Daemon, call: Callable[[], RawPeer]
) -> None:
    peer = call()
    peer.associate()
    peer.send(command(3, store_rq("1.2.3.4")) + p_data(pdv(3, 0, ct("1.2.3.4")[:100])) + RELEASE_RQ)
    assert peer.receive() == (A_RELEASE_RP, bytes(4))
    daemon.wait_until(lambda: daemon.entity.associations == 0)
    assert not list((daemon.directory / "store").rglob("*.dcm"))
    assert "service failed" not in daemon.log_text.getvalue()
