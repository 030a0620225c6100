"""Why a peer was turned away, in words an operator can act on: what it proposed, what is allowed, what to paste.

The TOML is only given where pasting it would work: a title that nobody may legally have, a UID that is none and a
service that scpd does not provide get words alone. Peers choose what is quoted here, so everything they sent is
shown escaped and cut short, and is written into TOML as one escaped string.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from scpd.profile.certificate import PeerCertificate
from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import Address, Offer, Peer, Profile, Role, Service, is_ae_title
from scpd.profile.quirks import Quirk
from scpd.profile.toml import ae_titles_toml, limit_toml, peer_toml, services_toml
from scpd.profile.uids import can_serve, can_use, spelling_of, title_of

ANY_CASE_TOML = "[ae]\ncase_sensitive = false"

SHOWN_CHARACTERS_MAX = 64
SHOWN_NAMES_MAX = 8


@dataclass(frozen=True, slots=True)
class Explanation:
    """`reason` in a few words, what the peer `proposed`, what is `allowed`, and the `toml` that would admit it.

    `toml` is "" where no configuration would. `context_id` is None when the whole association was rejected.
    """

    reason: str
    proposed: str
    allowed: str
    toml: str = ""
    context_id: int | None = None

    def __str__(self) -> str:
        where = "association" if self.context_id is None else f"presentation context {self.context_id}"
        text = f"{where} refused: {self.reason}; proposed: {self.proposed}; allowed: {self.allowed}"
        return f"{text}; to allow it:\n{self.toml}" if self.toml else text


def shown(text: str) -> str:
    """What a peer sent, fit for a log line: printable ASCII, cut short."""
    cut = text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."
    return "'" + cut.encode("unicode_escape").decode("ascii") + "'"


def named(uid: str) -> str:
    """A UID a peer sent, with its name where the dictionary has one."""
    title = title_of(uid)
    return shown(uid) if title == uid else f"{uid} ({title})"


def application_context(names: Sequence[str], supported: str) -> Explanation:
    """PS3.7 A.2.1."""
    return Explanation("application context not supported", _listed(map(shown, names)), f"exactly one, {supported}")


def called_ae_title(called: str, profile: Profile) -> Explanation:
    """Nobody here answers to the called AE title."""
    legal = is_ae_title(called)
    toml = ae_titles_toml((*profile.ae_titles, called)) if legal else ""
    if profile.ae_case_sensitive and called.lower() in map(str.lower, profile.ae_titles):
        toml = ANY_CASE_TOML
    reason = "called AE title not recognized" if legal else "called AE title is blank or has illegal characters"
    return Explanation(reason, shown(called), _listed(map(shown, profile.ae_titles)), toml)


def calling_ae_title(
    calling: str, address: Address | None, certificate: PeerCertificate | None, profile: Profile
) -> Explanation:
    """The calling AE title is no peer's."""
    if not is_ae_title(calling):
        allowed = "1 to 16 printable ASCII characters without backslash"
        toml = _at(address, Peer("UNNAMED", (), quirks=frozenset({Quirk.BLANK_CALLING_AE_TITLE})))
        return Explanation("calling AE title is blank or has illegal characters", shown(calling), allowed, toml)
    peer = next((peer for peer in profile.peers if peer.ae_title.lower() == calling.lower()), None)
    if peer is not None:
        peer = replace(peer, quirks=peer.quirks | {Quirk.AE_CASE_INSENSITIVE})
    toml = _at(address, _bound(peer or Peer(calling, ()), certificate))
    return Explanation("calling AE title not recognized", f"{shown(calling)} from {address}", "declared peers", toml)


def address(called: str, address: Address | None, namesakes: Sequence[Peer], profile: Profile) -> Explanation:
    """None of `namesakes`, the peers with the calling AE title, may call from `address`."""
    peer = namesakes[-1]
    networks = _listed(str(network) for namesake in namesakes for network in namesake.addresses)
    allowed = networks if profile.peers else f"{networks}, as no peer is declared"
    toml = _at(address, peer if peer.may_call(called) else _may_also_call(called, peer))
    return Explanation("address not permitted", f"{shown(peer.ae_title)} from {address}", allowed, toml)


def called_by_peer(called: str, address: Address | None, peer: Peer) -> Explanation:
    """The called AE title exists, but not for this peer."""
    allowed = _listed(map(shown, peer.called_ae_titles))
    toml = _at(address, _may_also_call(called, peer))
    return Explanation("called AE title not permitted to this peer", shown(called), allowed, toml)


def certificate(peer: Peer, address: Address | None, certificate: PeerCertificate | None) -> Explanation:
    """The certificate is not bound to the calling AE title; or there is none, and there has to be."""
    allowed = _listed(peer.certificates or (f"a dNSName {shown(peer.ae_title)}",))
    if certificate is None:
        return Explanation("peer must call over TLS with its certificate", "no certificate", allowed)
    proposed = _listed(name if name == certificate.fingerprint else shown(name) for name in certificate.names)
    toml = _at(address, _bound(peer, certificate))
    return Explanation("certificate not bound to the calling AE title", proposed, allowed, toml)


def user_identity() -> Explanation:
    """PS3.7 D.3.3.7: nobody says who the user is."""
    return Explanation("user identity required", "none", "a user identity that can be verified")


def maximum_length(length_bytes: int) -> Explanation:
    """PS3.8 D.1: no PDV fits."""
    return Explanation("Maximum Length too small for any data", f"{length_bytes} bytes", "0 (unlimited), or at least 8")


def number_of_contexts(count: int, profile: Profile) -> Explanation:
    """None at all, or too many."""
    return Explanation("number of presentation contexts", str(count), f"1 to {profile.contexts_max}")


def no_context(refused: Sequence[Explanation]) -> Explanation:
    """Every presentation context is refused, and the peer is one that has to hear it by a rejection."""
    reasons = _listed(dict.fromkeys(explanation.reason for explanation in refused))
    proposed = _listed(explanation.proposed for explanation in refused)
    return replace(refused[0], reason=f"no presentation context left: {reasons}", proposed=proposed, context_id=None)


def limit(name: str, value: int) -> Explanation:
    """A limit of [limits] on the number of associations is reached."""
    return Explanation(f"limits.{name} is reached", "one more", str(value), limit_toml(name, 2 * value))


def peer_limit(peer: Peer, address: Address | None) -> Explanation:
    """The peer has as many associations as it may."""
    toml = _at(address, replace(peer, associations_max=2 * peer.associations_max))
    return Explanation("associations_max of the peer is reached", "one more", str(peer.associations_max), toml)


@dataclass(frozen=True, slots=True)
class ContextExplainer:
    """Explains the refused presentation contexts of one association."""

    profile: Profile
    peer: Peer
    address: Address | None

    def even_id(self, context_id: int) -> Explanation:
        """Presentation context IDs are odd (PS3.8 9.3.2.2)."""
        return Explanation("even presentation context ID", str(context_id), "odd IDs", context_id=context_id)

    def abstract_syntax(self, context_id: int, uid: str) -> Explanation:
        """No service offers the SOP class."""
        service = _service_for(uid)
        toml = self._with(Service(service, (spelling_of(uid),))) if service else ""
        allowed = _listed(sorted({declared.name for declared in self._services}))
        return Explanation("abstract syntax not supported", named(uid), f"services: {allowed}", toml, context_id)

    def transfer_syntaxes(self, context_id: int, uid: str, proposed: Sequence[str], offer: Offer) -> Explanation:
        """None of the proposed transfer syntaxes is offered for the SOP class."""
        usable = tuple(spelling_of(syntax) for syntax in proposed if can_use(offer.service, syntax))
        toml = self._with_transfer_syntaxes(Service(offer.service, (spelling_of(uid),), usable)) if usable else ""
        what = f"{named(uid)} in {_listed(map(named, proposed))}"
        return Explanation("no transfer syntax supported", what, _listed(map(named, offer.ranks)), toml, context_id)

    def roles(self, context_id: int, uid: str, service: ServiceName) -> Explanation:
        """We are only SCU for the SOP class, and the peer did not negotiate the SCP role."""
        toml = self._with(Service(service, (spelling_of(uid),), roles=frozenset({Role.SCP})))
        return Explanation("no role left for the peer", f"{named(uid)} as SCU", "as SCP", toml, context_id)

    @property
    def _services(self) -> tuple[Service, ...]:
        return self.peer.services or self.profile.declared_services

    def _with(self, service: Service) -> str:
        """The TOML that adds a service: the first one declared replaces the default, so that is restated."""
        if self.peer.services:
            return _at(self.address, replace(self.peer, services=(*self.peer.services, service)))
        restated = () if self.profile.services else self.profile.declared_services
        return services_toml((*restated, service))

    def _with_transfer_syntaxes(self, service: Service) -> str:
        if not self.peer.transfer_syntaxes or service.name is not ServiceName.STORAGE:
            return self._with(service)
        wider = replace(self.peer, transfer_syntaxes=(*self.peer.transfer_syntaxes, *service.transfer_syntaxes))
        return _at(self.address, wider)


def _at(address: Address | None, peer: Peer) -> str:
    """`peer` declared (once more) for one address: of the peers that fit a caller, the one declared last counts."""
    return "" if address is None else peer_toml(replace(peer, addresses=(ip_network(address),)))


def _may_also_call(called: str, peer: Peer) -> Peer:
    return replace(peer, called_ae_titles=(*peer.called_ae_titles, called))


def _bound(peer: Peer, certificate: PeerCertificate | None) -> Peer:
    """`peer`, with the certificate declared unless it may call with it anyway."""
    if certificate is None or peer.may_call_with(certificate):
        return peer
    return replace(peer, certificates=(*peer.certificates, certificate.fingerprint))


def _service_for(uid: str) -> ServiceName | None:
    """The service that could be declared for a SOP class."""
    return next((service for service in ServiceName if can_serve(service, uid)), None)


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    more = f" and {len(every) - SHOWN_NAMES_MAX} more" if len(every) > SHOWN_NAMES_MAX else ""
    return (", ".join(every[:SHOWN_NAMES_MAX]) or "none") + more
