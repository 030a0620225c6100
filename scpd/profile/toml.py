"""Declarations as the TOML lines that make them, to be pasted into a file of `conf.d`."""

from collections.abc import Iterable

from scpd.profile.profile import Operation, Peer, Role, Service


def quoted(text: str) -> str:
    """A TOML basic string: whatever `text` holds, it stays one string on one line."""
    return '"' + "".join(map(_escaped, text)) + '"'


def array(texts: Iterable[str]) -> str:
    """A TOML array of strings."""
    return "[" + ", ".join(map(quoted, texts)) + "]"


def ae_titles_toml(titles: Iterable[str]) -> str:
    """The titles this application entity answers to."""
    return f"[ae]\ntitles = {array(titles)}"


def limit_toml(name: str, value: int) -> str:
    """One of the limits for everybody."""
    return f"[limits]\n{name} = {value}"


def service_toml(service: Service, table: str = "service") -> str:
    """One `[[service]]`, or one `[[peer.service]]`."""
    lines = [f"[[{table}]]", f"name = {quoted(service.name)}"]
    if service.sop_classes:
        lines.append(f"sop_classes = {array(service.sop_classes)}")
    if service.transfer_syntaxes:
        lines.append(f"transfer_syntaxes = {array(service.transfer_syntaxes)}")
    if service.roles != {Role.SCP}:
        lines.append(f"roles = {array(role for role in Role if role in service.roles)}")
    return "\n".join(lines)


def services_toml(services: Iterable[Service]) -> str:
    """Several `[[service]]`."""
    return "\n\n".join(map(service_toml, services))


def peer_toml(peer: Peer) -> str:
    """One `[[peer]]` with its services."""
    lines = ["[[peer]]", f"ae_title = {quoted(peer.ae_title)}", f"addresses = {array(map(str, peer.addresses))}"]
    if len(peer.operations) < len(Operation):
        lines.append(f"operations = {array(operation for operation in Operation if operation in peer.operations)}")
    if peer.called_ae_titles:
        lines.append(f"called_ae_titles = {array(peer.called_ae_titles)}")
    if peer.transfer_syntaxes:
        lines.append(f"transfer_syntaxes = {array(peer.transfer_syntaxes)}")
    if peer.certificates:
        lines.append(f"certificates = {array(peer.certificates)}")
    if peer.identity_required:
        lines.append("identity_required = true")
    if peer.associations_max:
        lines.append(f"associations_max = {peer.associations_max}")
    if peer.bytes_in_flight_max:
        lines.append(f"bytes_in_flight_max = {peer.bytes_in_flight_max}")
    if peer.damaged:
        lines.append(f"damaged = {quoted(peer.damaged)}")
    if peer.quirks:
        lines.append(f"quirks = {array(sorted(peer.quirks))}")
    return "\n\n".join(["\n".join(lines), *(service_toml(service, "peer.service") for service in peer.services)])


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isascii() and character.isprintable() else f"\\U{ord(character):08x}"
