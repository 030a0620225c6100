"""What this application entity declares: who may call it, what it serves to whom, and its limits of negotiation.

A declaration keeps the operator's own words ("storage:all", "jpeg-ls-lossless"), so that an explanation can repeat
them and a conformance statement can print them. `Profile` compiles them once into `Offers`, one dictionary look-up a
presentation context, because a modality proposes 128 contexts and waits for the answer.

Services add up: two storage services that name the same SOP class offer the transfer syntaxes of both, the first
one's first. Peers overlay: of the peers that fit a caller, the one declared last counts, so that a later file of
`conf.d` may override an earlier one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, TypeAlias

from scpd.profile.certificate import PeerCertificate
from scpd.profile.dictionary import ServiceName
from scpd.profile.quirks import Quirk
from scpd.profile.uids import may_be_stored, select_sop_classes, select_transfer_syntaxes

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
"""Where callers come from who need no declaration while no peer is declared."""

CONTEXTS_MAX = 128
"""As many presentation contexts as there are odd numbers from 1 to 255 (PS3.8 9.3.2.2)."""


class Operation(StrEnum):
    """What a peer may be permitted to do."""

    ECHO = "echo"
    STORE = "store"
    FIND = "find"


class Unfit(StrEnum):
    """What becomes of an object that cannot be filed, because it is broken or not what was announced."""

    REFUSE = "refuse"
    QUARANTINE = "quarantine"


class Role(StrEnum):
    """The roles of an application entity for a SOP class (PS3.7 D.3.3.4)."""

    SCU = "scu"
    SCP = "scp"


class FindExtension(IntEnum):
    """Matching that has to be negotiated, by its byte in the extended negotiation (PS3.4 Table C.5-1)."""

    RELATIONAL_QUERIES = 0
    DATE_TIME_MATCHING = 1
    FUZZY_PERSON_NAMES = 2
    TIMEZONE_ADJUSTMENT = 3
    MULTI_FRAME_CONVERSION = 4
    EMPTY_VALUE_MATCHING = 5
    MULTIPLE_VALUE_MATCHING = 6


FIND_EXTENSIONS = frozenset(
    {
        FindExtension.RELATIONAL_QUERIES,
        FindExtension.DATE_TIME_MATCHING,
        FindExtension.TIMEZONE_ADJUSTMENT,
        FindExtension.EMPTY_VALUE_MATCHING,
        FindExtension.MULTIPLE_VALUE_MATCHING,
    }
)
"""What C-FIND does when it is asked for.

The others are answered 0. Person names are always matched without case, accents and width, but literally: nothing
fuzzier is done when it is asked for (PS3.4 C.2.2.2.1.1).
"""

ALL_SOP_CLASSES: Mapping[ServiceName, tuple[str, ...]] = {name: (f"{name}:all",) for name in ServiceName}

# No data set follows a C-ECHO. An Identifier is a few hundred bytes, and whoever offers FIND has to offer the default
# syntax too (PS3.5 10.1): deflating it gains nothing and would put a decompressor in the way of a peer's bytes.
DEFAULT_TRANSFER_SYNTAXES: Mapping[ServiceName, tuple[str, ...]] = {
    ServiceName.VERIFICATION: ("uncompressed",),
    ServiceName.STORAGE: ("storage:all",),
    ServiceName.FIND: ("uncompressed",),
}


@dataclass(frozen=True, slots=True)
class Service:
    """SOP classes of one service, the transfer syntaxes they are taken in, and our roles.

    SOP classes and transfer syntaxes are spelled as in TOML (see `uids`); none means the service's default. The
    order of the transfer syntaxes is the order of preference.
    """

    name: ServiceName
    sop_classes: tuple[str, ...] = ()
    transfer_syntaxes: tuple[str, ...] = ()
    roles: frozenset[Role] = frozenset({Role.SCP})


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity that may call, and what differs for it.

    `addresses` are where it may call from; `called_ae_titles` which of our titles it may call, none meaning any.
    `services` replaces the profile's services, `transfer_syntaxes` those of every storage service. `certificates` are
    the names of those it may call with, over TLS only (see `certificate`); `identity_required` whether a user identity
    of it has to be verified. `associations_max` and `bytes_in_flight_max` are its own limits, 0 for none; `quirks` what
    is tolerated of it beyond what everybody may do; `damaged` what becomes of its objects that cannot be filed, None
    for what becomes of everybody's.
    """

    ae_title: str
    addresses: tuple[Network, ...]
    operations: frozenset[Operation] = frozenset(Operation)
    called_ae_titles: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    transfer_syntaxes: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    identity_required: bool = False
    associations_max: int = 0
    bytes_in_flight_max: int = 0
    quirks: frozenset[Quirk] = frozenset()
    damaged: Unfit | None = None

    def may_call_from(self, address: Address | None) -> bool:
        """Whether `address` is one of the peer's; None is an address that cannot be read."""
        return address is not None and any(address in network for network in self.addresses)

    def may_call(self, called_ae_title: str) -> bool:
        """Whether the peer may call us by this title."""
        return not self.called_ae_titles or called_ae_title in self.called_ae_titles

    def may_call_with(self, certificate: PeerCertificate | None) -> bool:
        """Whether `certificate` is bound to the peer; None is a call without one."""
        if certificate is None:
            return not self.certificates
        if self.certificates:
            return certificate.is_one_of(self.certificates)
        return certificate.names_ae_title(self.ae_title)


class Offer(NamedTuple):
    """What is offered for one SOP class: the transfer syntaxes by rank, 0 the most preferred."""

    service: ServiceName
    ranks: Mapping[str, int]
    roles: frozenset[Role]


class Offers:
    """The offers of a list of services, by SOP class."""

    __slots__ = ("_by_prefix", "_by_uid")

    def __init__(self, services: Iterable[Service]) -> None:
        """Raises UnknownName for a spelling that stands for nothing."""
        self._by_uid: dict[str, Offer] = {}
        self._by_prefix: dict[str, Offer] = {}
        for service in services:
            selected = select_sop_classes(service.name, service.sop_classes or ALL_SOP_CLASSES[service.name])
            offer = _offer(service)
            for uid in selected.uids:
                self._by_uid[uid] = _added(self._by_uid.get(uid), offer)
            for prefix in selected.prefixes:
                self._by_prefix[prefix] = _added(self._by_prefix.get(prefix), offer)

    def of(self, sop_class_uid: str) -> Offer | None:
        """The offer for a SOP class, of all services that name it or cover it by a prefix. None when there is none."""
        offer = self._by_uid.get(sop_class_uid)
        if self._by_prefix and may_be_stored(sop_class_uid):
            for prefix, covering in self._by_prefix.items():
                offer = _added(offer, covering) if sop_class_uid.startswith(prefix) else offer
        return offer


@dataclass(frozen=True, slots=True)
class Profile:
    """The conformance profile in force. Immutable: a reload makes another one.

    `pdu_bytes_max` is the Maximum Length we announce; `find_extensions` what C-FIND can do when asked for;
    `identity_required` whether a user identity has to be verified, whoever calls. With no `peers`, any application
    entity may call from a loopback address, with any certificate, and nobody from elsewhere. Without
    `ae_case_sensitive`, "scpd" is "SCPD"; with `unknown_are_closed`, callers from no peer's address are not answered.
    """

    ae_titles: tuple[str, ...] = ("SCPD",)
    services: tuple[Service, ...] = ()
    peers: tuple[Peer, ...] = ()
    pdu_bytes_max: int = 131_072
    contexts_max: int = CONTEXTS_MAX
    find_extensions: frozenset[FindExtension] = FIND_EXTENSIONS
    identity_required: bool = False
    ae_case_sensitive: bool = True
    unknown_are_closed: bool = False
    _offers: Offers = field(init=False, repr=False, compare=False)
    _peer_offers: Mapping[Peer, Offers] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        services = self.declared_services
        own = {peer: _own_services(peer, services) for peer in self.peers}
        compiled = {declared: Offers(declared) for declared in {services, *own.values()}}
        object.__setattr__(self, "_offers", compiled[services])
        object.__setattr__(self, "_peer_offers", {peer: compiled[declared] for peer, declared in own.items()})

    @property
    def declared_services(self) -> tuple[Service, ...]:
        """The services in force: the declared ones, else every service in full."""
        return self.services or DEFAULT_SERVICES

    def requires_identity_of(self, peer: Peer) -> bool:
        """Whether an association of `peer` needs a user identity that was verified."""
        return self.identity_required or peer.identity_required

    def offers_to(self, peer: Peer) -> Offers:
        """What is offered to `peer`, which need not be a declared one."""
        return self._peer_offers.get(peer, self._offers)


DEFAULT_SERVICES = tuple(Service(name) for name in ServiceName)
"""Verification, every storage SOP class in every syntax, and C-FIND on both models."""


def undeclared_peer(ae_title: str) -> Peer:
    """Who calls from this machine while no peer is declared: anybody, for everything."""
    return Peer(ae_title, LOOPBACK)


HEALTH_CHECK_AE_TITLE = "SCPD_ECHO"
"""Whom `scpd echo` calls as, unless it is told otherwise."""


def health_check_peer() -> Peer:
    """Who may ask from this machine whether we are there, and nothing else, although other peers are declared.

    It has nothing to gain: a process on this machine, or behind a proxy on it, learns what connecting would tell it.
    """
    operations, services = frozenset({Operation.ECHO}), (Service(ServiceName.VERIFICATION),)
    return Peer(HEALTH_CHECK_AE_TITLE, LOOPBACK, operations, services=services)


def read_address(text: str) -> Address | None:
    """A socket's peer address; an IPv4 address that an IPv6 socket mapped is IPv4 again. None when it is no address."""
    try:
        address = ip_address(text.partition("%")[0])  # the zone of a link-local address is ours, not the peer's
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_ae_title(text: str) -> bool:
    """1 to 16 printable ASCII characters without backslash and without spaces around (PS3.5 6.2, PS3.8 9.3.2)."""
    return 0 < len(text) <= 16 and text == text.strip() and text.isascii() and text.isprintable() and "\\" not in text


@cache
def _ranks(service: ServiceName, transfer_syntaxes: tuple[str, ...]) -> Mapping[str, int]:
    return {uid: rank for rank, uid in enumerate(select_transfer_syntaxes(service, transfer_syntaxes))}


def _offer(service: Service) -> Offer:
    spelled = service.transfer_syntaxes or DEFAULT_TRANSFER_SYNTAXES[service.name]
    return Offer(service.name, _ranks(service.name, spelled), service.roles)


def _added(former: Offer | None, offer: Offer) -> Offer:
    if former is None or former == offer:
        return offer
    ranks = {uid: rank for rank, uid in enumerate(dict.fromkeys((*former.ranks, *offer.ranks)))}
    return Offer(offer.service, ranks, former.roles | offer.roles)


def _own_services(peer: Peer, services: tuple[Service, ...]) -> tuple[Service, ...]:
    declared = peer.services or services
    if not peer.transfer_syntaxes:
        return declared
    return tuple(
        replace(service, transfer_syntaxes=peer.transfer_syntaxes) if service.name is ServiceName.STORAGE else service
        for service in declared
    )
