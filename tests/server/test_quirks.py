"""Quirks over real sockets: what a peer gets with the switch, and what it gets without it. See docs/quirks.md."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from scpd.profile.profile import Peer, Profile
from scpd.profile.quirks import Quirk
from tests.daemon import Daemon
from tests.datasets import ct, identifier
from tests.rawpeer import (
    A_ABORT,
    CT_IMAGE,
    P_DATA_TF,
    VERIFICATION,
    Message,
    Proposal,
    RawPeer,
    command,
    command_set,
    data_set,
    echo_rq,
    p_data,
    pdv,
    store_rq,
    us,
)

LOOPBACK = (ip_network("127.0.0.0/8"),)
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
LONG_UID = "1.2." + "3" * 70
AFFECTED_SOP_CLASS_UID, AFFECTED_SOP_INSTANCE_UID, COMMAND_FIELD = 0x0002, 0x1000, 0x0100


def asked(directory: Path, quirk: Quirk | None, ask: Callable[[RawPeer], Message]) -> tuple[Message, Daemon]:
    """What a peer with this quirk is answered, and the daemon that it asked."""
    peer = Peer("RAWPEER", LOOPBACK, quirks=frozenset({quirk} if quirk else ()))
    directory = directory / str(quirk)
    directory.mkdir()
    with Daemon(directory, profile=Profile(peers=(peer,))) as daemon, RawPeer(daemon.port) as connected:
        connected.associate()
        answer = ask(connected)
        connected.release()
    return answer, daemon


def logged(daemon: Daemon, event: str) -> dict[str, object]:
    """The only line with this event."""
    [line] = [line for line in daemon.events() if line["event"] == event]
    return line


# -- UIDs that are none ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", [LONG_UID, "1.2.3LOCALIZER", "../../x"])
def test_odd_uids_are_stored_and_found_under_no_path_of_their_making(uid: str, tmp_path: Path) -> None:
    def store(peer: RawPeer) -> Message:
        return peer.store(uid, ct(uid, StudyInstanceUID=f"{uid}.1", SeriesInstanceUID=f"{uid}.2"))

    def store_and_find(peer: RawPeer) -> Message:
        assert store(peer).status == 0x0000
        found, final = peer.find(identifier("STUDY", StudyInstanceUID=f"{uid}.1"))
        assert uid.encode() in (found.data_set or b"")
        return final

    answer, daemon = asked(tmp_path, None, store)
    assert answer.status == 0x0117
    assert answer.text(AFFECTED_SOP_INSTANCE_UID) == uid
    assert logged(daemon, "request refused")["quirk"] == "odd-uids"
    answer, daemon = asked(tmp_path, Quirk.ODD_UIDS, store_and_find)
    assert answer.status == 0x0000
    [stored] = daemon.directory.rglob("*.dcm")
    assert all(part.isalnum() or set(part) <= set("0123456789abcdefh.cdm") for part in stored.parts[-3:])


def test_a_study_uid_that_is_none_is_stored_where_odd_uids_are_granted(tmp_path: Path) -> None:
    def store(peer: RawPeer) -> Message:
        return peer.store("1.2.3.4", ct("1.2.3.4", StudyInstanceUID=LONG_UID))

    answer, daemon = asked(tmp_path, None, store)
    assert answer.status == 0xA900
    assert logged(daemon, "request refused")["quirk"] == "odd-uids"
    assert asked(tmp_path, Quirk.ODD_UIDS, store)[0].status == 0x0000


@pytest.mark.parametrize("uid", ["1.2 3", "1.2\\1.3", "9" * 129], ids=["space", "two values", "endless"])
def test_what_no_quirk_would_let_pass_is_not_said_to(uid: str, tmp_path: Path) -> None:
    answer, daemon = asked(tmp_path, Quirk.ODD_UIDS, lambda peer: peer.store(uid, ct("1.2.3")))
    assert answer.status == 0x0117
    assert "quirk" not in logged(daemon, "request refused")


# -- UIDs of command and data set ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirk", "status"),
    [(None, 0xA900), (Quirk.UID_MISMATCH_WARNED, 0xB007), (Quirk.UID_MISMATCH_ACCEPTED, 0x0000)],
)
def test_t05_another_instance_uid_in_the_data_set(quirk: Quirk | None, status: int, tmp_path: Path) -> None:
    """Kept byte by byte, and found by the UID of the command, by which the sender knows it."""

    def store(peer: RawPeer) -> Message:
        answer = peer.store("1.2.3.4", ct("1.2.3.9"))
        keys = identifier("IMAGE", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", SOPInstanceUID="")
        found = [message.data_set or b"" for message in peer.find(keys)[:-1]]
        assert [b"1.2.3.4" in match for match in found] == ([] if quirk is None else [True])
        return answer

    answer, daemon = asked(tmp_path, quirk, store)
    assert answer.status == status
    stored = [file.read_bytes() for file in daemon.directory.rglob("*.dcm")]
    assert [each.endswith(ct("1.2.3.9")) for each in stored] == ([] if quirk is None else [True])
    if quirk is None:
        assert logged(daemon, "request refused")["quirk"] == "uid-mismatch-warned"
    elif quirk is Quirk.UID_MISMATCH_WARNED:
        assert logged(daemon, "object set apart")["differing"] == ["00080018"]


@pytest.mark.parametrize(("quirk", "status"), [(None, 0x0122), (Quirk.UID_MISMATCH_ACCEPTED, 0x0000)])
def test_d20_another_sop_class_than_the_contexts(quirk: Quirk | None, status: int, tmp_path: Path) -> None:
    def store(peer: RawPeer) -> Message:
        data = ct("1.2.3.4", SOPClassUID=MR_IMAGE)
        peer.send(command(3, store_rq("1.2.3.4", sop_class=MR_IMAGE)) + data_set(3, data))
        return peer.receive_message()

    assert asked(tmp_path, quirk, store)[0].status == status


def test_d19_a_mismatch_that_is_accepted_stores_nothing_on_the_context_of_another_service(tmp_path: Path) -> None:
    def store(peer: RawPeer) -> Message:
        peer.send(command(1, store_rq("1.2.3.4")) + data_set(1, ct("1.2.3.4")))
        return peer.receive_message()

    assert asked(tmp_path, Quirk.UID_MISMATCH_ACCEPTED, store)[0].status == 0x0122


# -- responses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirk", [None, Quirk.UIDS_ECHOED_EXACTLY])
def test_padding_is_repeated_as_it_came(quirk: Quirk | None, tmp_path: Path) -> None:
    def store(peer: RawPeer) -> Message:
        peer.send(
            command(
                3,
                command_set(
                    (AFFECTED_SOP_CLASS_UID, CT_IMAGE.encode() + b" "),
                    (COMMAND_FIELD, us(0x0001)),
                    (0x0110, us(1)),
                    (0x0800, us(1)),
                    (AFFECTED_SOP_INSTANCE_UID, b"1.2.3.4 "),
                ),
            )
            + data_set(3, ct("1.2.3.4"))
        )
        return peer.receive_message()

    answer, _ = asked(tmp_path, quirk, store)
    padding = b"\0" if quirk is None else b" "
    assert answer.status == 0x0000
    assert answer.command[AFFECTED_SOP_INSTANCE_UID] == b"1.2.3.4" + (b"\0" if quirk is None else b" ")
    assert answer.command[AFFECTED_SOP_CLASS_UID] == CT_IMAGE.encode() + padding


def test_padding_is_repeated_in_every_response_of_a_query(tmp_path: Path) -> None:
    def find(peer: RawPeer) -> Message:
        peer.store("1.2.3.4", ct("1.2.3.4"))
        answers = peer.find(identifier("STUDY", StudyInstanceUID=""))
        assert [answer.status for answer in answers] == [0xFF00, 0x0000]
        assert len({answer.command[AFFECTED_SOP_CLASS_UID] for answer in answers}) == 1
        return answers[-1]

    asked(tmp_path, Quirk.UIDS_ECHOED_EXACTLY, find)


# -- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirk", [None, Quirk.LONG_PDUS])
def test_d07_a_pdu_longer_than_announced(quirk: Quirk | None, tmp_path: Path) -> None:
    peer = Peer("RAWPEER", LOOPBACK, quirks=frozenset({quirk} if quirk else ()))
    data = ct("1.2.3.4", PixelData=bytes(200_000))
    with Daemon(tmp_path, profile=Profile(peers=(peer,))) as daemon, RawPeer(daemon.port) as connected:
        connected.associate()
        connected.send(command(3, store_rq("1.2.3.4")) + p_data(pdv(3, 2, data)))
        received = connected.receive()
        assert received is not None
        assert received.type == (A_ABORT if quirk is None else P_DATA_TF)
        connected.socket.close()
        daemon.wait_until(lambda: daemon.tasks == 0)
        assert len(list(daemon.directory.rglob("*.dcm"))) == (quirk is not None)


@pytest.mark.parametrize(("quirk", "status"), [(None, 0xA900), (Quirk.LENIENT_QUERIES, 0x0000)])
def test_f05_a_query_without_the_unique_keys_above(quirk: Quirk | None, status: int, tmp_path: Path) -> None:
    def find(peer: RawPeer) -> Message:
        return peer.find(identifier("SERIES", SeriesInstanceUID=""))[-1]

    assert asked(tmp_path, quirk, find)[0].status == status


@pytest.mark.parametrize("quirk", [None, Quirk.BLANK_CALLING_AE_TITLE])
def test_a_caller_without_a_name_is_known_by_that_of_its_peer(quirk: Quirk | None, tmp_path: Path) -> None:
    peer = Peer("RAWPEER", LOOPBACK, quirks=frozenset({quirk} if quirk else ()))
    with Daemon(tmp_path, profile=Profile(peers=(peer,))) as daemon, RawPeer(daemon.port) as connected:
        connected.send(Proposal(calling=b"").encode())
        if quirk is None:
            assert connected.expect_reject() == (1, 1, 3)
            assert 'quirks = ["blank-calling-ae-title"]' in str(logged(daemon, "association rejected")["toml"])
            return
        connected.receive()
        assert connected.store("1.2.3.4", ct("1.2.3.4")).status == 0x0000
        connected.release()
    [stored] = tmp_path.rglob("*.dcm")
    assert b"RAWPEER" in stored.read_bytes()[:1000]


@pytest.mark.parametrize("quirk", [None, Quirk.REJECT_WITHOUT_CONTEXTS])
def test_a41_no_context_is_acceptable(quirk: Quirk | None, tmp_path: Path) -> None:
    peer = Peer("RAWPEER", LOOPBACK, quirks=frozenset({quirk} if quirk else ()))
    proposal = Proposal(contexts=((1, "1.2.3.4", ("1.2.840.10008.1.2",)),))
    with Daemon(tmp_path, profile=Profile(peers=(peer,))) as daemon, RawPeer(daemon.port) as connected:
        if quirk is None:
            connected.associate(proposal)
        else:
            connected.send(proposal.encode())
            assert connected.expect_reject() == (1, 1, 1)


@pytest.mark.parametrize("quirk", [None, Quirk.AE_CASE_INSENSITIVE])
def test_a27_titles_in_another_case(quirk: Quirk | None, tmp_path: Path) -> None:
    peer = Peer("RAWPEER", LOOPBACK, quirks=frozenset({quirk} if quirk else ()))
    proposal = Proposal(called=b"scpd", calling=b"RawPeer")
    with Daemon(tmp_path, profile=Profile(peers=(peer,))) as daemon, RawPeer(daemon.port) as connected:
        if quirk is None:
            connected.send(proposal.encode())
            assert connected.expect_reject() == (1, 1, 7)
        else:
            connected.associate(proposal)
            connected.send(command(1, echo_rq(1, VERIFICATION)))
            assert connected.receive_message().status == 0x0000
