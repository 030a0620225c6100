"""The lobby: who has to give way, and who never has to."""

import pytest

from scpd.server.lobby import Lobby, origin_of


class Visitor:
    """A guest that notes when it has to go."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.gone = False

    def give_way(self) -> None:
        self.gone = True


class Reasons(list[str]):
    """What the lobby said."""

    def lobby(self, connections_max: int, descriptor_max: int = 1000) -> Lobby:
        return Lobby(connections_max, descriptor_max, self.append)


def entered(lobby: Lobby, *origins: str) -> list[Visitor]:
    guests = [Visitor(origin) for origin in origins]
    for guest in guests:
        lobby.enter(guest)
    return guests


def test_the_oldest_gives_way_to_the_newest() -> None:
    reasons = Reasons()
    guests = entered(reasons.lobby(2), "a", "a", "a", "a")
    assert [guest.gone for guest in guests] == [True, True, False, False]
    assert reasons == ["limits.connections_max = 2 is reached"] * 2


def test_an_address_with_many_does_not_push_out_one_with_few() -> None:
    lobby = Reasons().lobby(4)
    [first] = entered(lobby, "few")
    crowd = entered(lobby, *["many"] * 50)
    assert not first.gone
    assert [guest.gone for guest in crowd] == [True] * 47 + [False] * 3


def test_a_newcomer_makes_the_crowded_address_give_way() -> None:
    lobby = Reasons().lobby(3)
    crowd = entered(lobby, *["many"] * 3)
    [newcomer] = entered(lobby, "few")
    assert not newcomer.gone
    assert [guest.gone for guest in crowd] == [True, False, False]


def test_who_has_left_makes_room() -> None:
    lobby = Reasons().lobby(1)
    [first] = entered(lobby, "a")
    lobby.leave(first)
    lobby.leave(first)
    [second] = entered(lobby, "a")
    assert not first.gone and not second.gone
    assert len(lobby) == 1


def test_a_guest_may_come_back_and_is_then_the_newest() -> None:
    lobby = Reasons().lobby(2)
    first, second = entered(lobby, "a", "a")
    lobby.leave(first)
    lobby.enter(first)
    entered(lobby, "a")
    assert second.gone and not first.gone


def test_the_last_descriptors_are_kept_for_files() -> None:
    reasons = Reasons()
    lobby = reasons.lobby(100, descriptor_max=50)
    first, second, third, fourth = (Visitor("a") for _ in range(4))
    lobby.enter(first, 49)
    lobby.enter(second, 50)
    lobby.enter(third, 51)
    assert [guest.gone for guest in (first, second, third)] == [True, True, False]
    assert reasons == ["file descriptors run out: 51 of 50 are in use"] * 2
    lobby.leave(third)
    lobby.enter(fourth, 52)
    assert not fourth.gone


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
    ],
)
def test_an_ipv6_subnet_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (origin_of(one) == origin_of(other)) is same
