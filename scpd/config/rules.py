"""What a value must be beyond its type. A rule returns the value, or raises an error that may propose another."""

import os
from importlib.metadata import entry_points
from ipaddress import IPv6Network, ip_network

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from scpd.profile.certificate import certificate_name
from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import is_ae_title
from scpd.profile.uids import UnknownName, nearest, select_sop_classes, select_transfer_syntaxes

BACKENDS_GROUP = "scpd.backends"
VERIFIERS_GROUP = "scpd.identity_verifiers"
IPV4_MAPPED = IPv6Network("::ffff:0:0/96")


def wrong(message: str, nearest: str = "", part: str | None = None) -> PydanticCustomError:
    """The error for a value that breaks a rule, or for the part of it that does."""
    return PydanticCustomError("rule", "{message}", {"message": message, "nearest": nearest, "part": part})


def comma_separated(value: object) -> object:
    """A list written as one text, as environment variables and flags have it."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def ae_title(text: str) -> str:
    """PS3.5 6.2, PS3.8 9.3.2."""
    if is_ae_title(text):
        return text
    raise wrong("must be 1 to 16 printable ASCII characters, no backslash, no space around", _as_ae_title(text))


def ae_title_or_empty(text: str) -> str:
    """An AE title, or nothing."""
    return ae_title(text) if text else text


def absolute_or_empty(text: str) -> str:
    """A path that does not depend on where the daemon was started, or nothing."""
    path = os.path.expanduser(text)
    if not path or os.path.isabs(path):
        return path
    raise wrong("must be an absolute path", os.path.abspath(path))


def network(text: str) -> str:
    """An address or a network in CIDR notation."""
    try:
        parsed = ip_network(text)
    except ValueError as error:
        raise wrong(f"must be an address or a network: {error}", _as_network(text)) from None
    if isinstance(parsed, IPv6Network) and parsed.subnet_of(IPV4_MAPPED):
        raise wrong("must be the IPv4 network itself, as callers are compared by their IPv4 address")
    return text


def known_backend(name: str) -> str:
    """A name of the entry-point group."""
    names = sorted(entry.name for entry in entry_points(group=BACKENDS_GROUP))
    if name in names:
        return name
    raise wrong(f"no such backend; known are {', '.join(names)}", nearest(name, names))


def known_verifier_or_empty(name: str) -> str:
    """A name of the entry-point group, or nothing."""
    names = sorted(entry.name for entry in entry_points(group=VERIFIERS_GROUP))
    if not name or name in names:
        return name
    raise wrong(f"no such verifier; known are {', '.join(names)}", nearest(name, names))


def certificate(text: str) -> str:
    """A certificate's fingerprint or one of its subject alternative names, in the spelling they are compared in."""
    try:
        return certificate_name(text)
    except ValueError:
        raise wrong("must be sha256: with 64 hex digits, or dns: or uri: with a name") from None


def authorities(file: str, info: ValidationInfo) -> str:
    """[tls] ca: needed where peers have to show certificates."""
    if file or info.data.get("client_certificates") != "required":
        return file
    raise wrong('must be set while client_certificates is "required"')


def verifiable(required: bool, info: ValidationInfo) -> bool:
    """[identity] required: somebody has to verify what is required."""
    if required and not info.data.get("verifier"):
        raise wrong("needs identity.verifier to be set")
    return required


def sop_class_names(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """SOP classes of the table's own service."""
    service = info.data.get("name")
    if isinstance(service, ServiceName):  # else the name itself is wrong, and reported
        for name in names:
            try:
                select_sop_classes(service, (name,))
            except UnknownName as unknown:
                raise wrong(unknown.reason, unknown.nearest, name) from None
    return names


def attribute_name(name: str) -> str:
    """An attribute whose values people can read, maybe a private one, maybe within sequences."""
    from scpd.config.attributes import Misnamed, steps_of  # with the dictionary, which few configurations need

    try:
        steps_of(name)
    except Misnamed as misnamed:
        raise wrong(misnamed.reason, misnamed.nearest, misnamed.part) from None
    return name


def transfer_syntax_names(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Transfer syntaxes of the table's own service; a peer's are for storage."""
    service = info.data.get("name", ServiceName.STORAGE)
    for name in names:
        try:
            select_transfer_syntaxes(service, (name,))
        except UnknownName as unknown:
            raise wrong(unknown.reason, unknown.nearest, name) from None
    return names


def _as_ae_title(text: str) -> str:
    trimmed = text.strip()[:16].strip()
    return trimmed if is_ae_title(trimmed) else ""


def _as_network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        return ""
