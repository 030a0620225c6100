"""Declarations rendered as TOML, read back by tomllib."""

import tomllib
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import Operation, Peer, Role, Service, Unfit
from scpd.profile.quirks import Quirk
from scpd.profile.toml import ae_titles_toml, peer_toml, quoted, services_toml


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_is_one_string_on_one_line_whatever_it_holds(text: str) -> None:
    line = f"value = {quoted(text)}"
    assert len(line.splitlines()) == 1
    assert tomllib.loads(line) == {"value": text}


def test_ae_titles() -> None:
    assert tomllib.loads(ae_titles_toml(("SCPD", 'A"B'))) == {"ae": {"titles": ["SCPD", 'A"B']}}


def test_services_are_tables_without_what_is_the_default_anyway() -> None:
    both = (
        Service(ServiceName.VERIFICATION),
        Service(ServiceName.STORAGE, ("ct",), ("lossless",), frozenset(Role)),
    )
    assert tomllib.loads(services_toml(both))["service"] == [
        {"name": "verification"},
        {"name": "storage", "sop_classes": ["ct"], "transfer_syntaxes": ["lossless"], "roles": ["scu", "scp"]},
    ]


def test_a_peer_is_a_table_with_its_services_inside() -> None:
    networks = (ip_network("10.0.0.0/24"), ip_network("::1/128"))
    bare = Peer("CT1", networks)
    full = Peer(
        "CT1",
        networks,
        frozenset({Operation.STORE, Operation.ECHO}),
        ("SCPD",),
        (Service(ServiceName.STORAGE), Service(ServiceName.FIND)),
        ("lossless",),
        ("dns:ct1.example",),
        True,
        5,
        1_000_000,
        frozenset({Quirk.ODD_UIDS, Quirk.LONG_PDUS}),
        Unfit.QUARANTINE,
    )
    common = {"ae_title": "CT1", "addresses": ["10.0.0.0/24", "::1/128"]}
    assert tomllib.loads(peer_toml(bare))["peer"] == [common]
    assert tomllib.loads(peer_toml(full))["peer"] == [
        common
        | {
            "operations": ["echo", "store"],
            "called_ae_titles": ["SCPD"],
            "transfer_syntaxes": ["lossless"],
            "certificates": ["dns:ct1.example"],
            "identity_required": True,
            "associations_max": 5,
            "bytes_in_flight_max": 1_000_000,
            "damaged": "quarantine",
            "quirks": ["long-pdus", "odd-uids"],
            "service": [{"name": "storage"}, {"name": "find"}],
        }
    ]
