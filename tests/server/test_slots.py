"""Slots: who may have one more, and which limit says no."""

from ipaddress import ip_network

from scpd.profile.profile import Peer
from scpd.server.slots import Slots

HERE, ELSEWHERE = "10.1.1.1", "10.2.2.2"
ANYBODY = Peer("ANY", (ip_network("10.0.0.0/8"),))
LIMITED = Peer("CT1", (ip_network("10.0.0.0/8"),), associations_max=1)


def reason(slots: Slots, peer: Peer, address: str) -> str | None:
    explanation = slots.refusal(peer, address)
    return None if explanation is None else explanation.reason


def test_slots_are_limited_in_all() -> None:
    slots = Slots(2, 0)
    slots.take(ANYBODY, HERE)
    assert reason(slots, ANYBODY, HERE) is None
    slots.take(ANYBODY, HERE)
    assert reason(slots, LIMITED, ELSEWHERE) == "limits.associations_max is reached"
    slots.free(ANYBODY, HERE)
    assert reason(slots, LIMITED, ELSEWHERE) is None
    assert slots.taken == 1


def test_slots_are_limited_for_an_address() -> None:
    slots = Slots(10, 1)
    slots.take(ANYBODY, HERE)
    assert reason(slots, LIMITED, HERE) == "limits.associations_per_address_max is reached"
    assert reason(slots, ANYBODY, ELSEWHERE) is None
    slots.free(ANYBODY, HERE)
    assert reason(slots, LIMITED, HERE) is None


def test_slots_are_limited_for_a_peer_wherever_it_calls_from() -> None:
    slots = Slots(10, 0)
    slots.take(LIMITED, HERE)
    explanation = slots.refusal(LIMITED, ELSEWHERE)
    assert explanation is not None
    assert explanation.reason == "associations_max of the peer is reached"
    assert 'addresses = ["10.2.2.2/32"]\nassociations_max = 2' in explanation.toml
    assert reason(slots, ANYBODY, HERE) is None


def test_who_holds_no_slot_any_more_is_forgotten() -> None:
    slots = Slots(10, 10)
    for number in range(100):
        slots.take(ANYBODY, f"10.0.0.{number}")
        slots.free(ANYBODY, f"10.0.0.{number}")
    assert not slots._by_address and not slots._by_peer
