"""The tables of the TOML file: every key, its default, what it does, and what its values may be.

Names have their unit last. `scpd schema` and `config/scpd.toml` say the same; tests hold them together.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from scpd.config.rules import (
    absolute_or_empty,
    ae_title,
    ae_title_or_empty,
    attribute_name,
    authorities,
    certificate,
    comma_separated,
    known_backend,
    known_verifier_or_empty,
    network,
    sop_class_names,
    transfer_syntax_names,
    verifiable,
    wrong,
)
from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import CONTEXTS_MAX, FindExtension, Operation, Peer, Role, Service, Unfit
from scpd.profile.quirks import Quirk
from scpd.server.options import TlsOptions, TlsProfile
from scpd.storage.base import Duplicates

if TYPE_CHECKING:  # read where it is needed: few configurations name an attribute
    from scpd.dataset.site import Site

AeTitle: TypeAlias = Annotated[str, AfterValidator(ae_title)]
Certificate: TypeAlias = Annotated[str, AfterValidator(certificate)]
Directory: TypeAlias = Annotated[str, AfterValidator(absolute_or_empty)]
File: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(absolute_or_empty)]
Network: TypeAlias = Annotated[str, AfterValidator(network)]
QueryExtension: TypeAlias = Literal[
    "relational-queries",
    "date-time-matching",
    "timezone-adjustment",
    "empty-value-matching",
    "multiple-value-matching",
]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Listed = BeforeValidator(comma_separated)


class Table(BaseModel):
    """A table of the TOML file: immutable, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


class AeTable(Table):
    """[ae]: who we are."""

    titles: Annotated[tuple[AeTitle, ...], Listed] = Field(
        default=("SCPD",),
        min_length=1,
        description="AE titles we answer to; a peer that calls another one is rejected.",
    )
    case_sensitive: bool = Field(
        default=True, description='Whether "scpd" is another title than "SCPD", calling and called (PS3.5 6.2).'
    )


class AccessTable(Table):
    """[access]: what callers get whom no [[peer]] lets in."""

    unknown: Literal["reject", "close"] = Field(
        default="reject",
        description='"reject" tells them why (A-ASSOCIATE-RJ); "close" closes the connection without a word.',
    )
    health_check: bool = Field(
        default=True,
        description="Answer a C-ECHO of this machine's SCPD_ECHO, as `scpd echo` calls itself, whoever is declared.",
    )


class ListenTable(Table):
    """[listen]: where we listen, unless a socket unit hands over sockets."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; 0.0.0.0 or :: for all of them.",
    )
    port: int = Field(default=11112, ge=0, le=65535, description="TCP port; 0 lets the system choose one.")


class TlsTable(Table):
    """[tls]: a second listener, for peers that speak TLS. Without this table there is none."""

    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on for TLS; 0.0.0.0 or :: for all of them."
    )
    port: int = Field(default=2762, ge=0, le=65535, description="TCP port for TLS; 0 lets the system choose one.")
    certificate: File = Field(description="Our certificate and those between it and the root (PEM).")
    key: File = Field(description="The private key of our certificate (PEM, without a passphrase).")
    client_certificates: Literal["required", "off"] = Field(
        default="required",
        description='"required" admits peers with a trusted certificate bound to their AE title; "off" anybody.',
    )
    ca: Annotated[Directory, AfterValidator(authorities)] = Field(
        default="", validate_default=True, description="Authorities that sign the certificates of peers (PEM)."
    )
    crl: Directory = Field(
        default="", description="Revocation lists of all those authorities (PEM); empty for not to ask."
    )
    profile: TlsProfile = Field(
        default=TlsProfile.BCP195, description='"bcp195" (PS3.15 B.12) or "bcp195-modified" (PS3.15 B.13).'
    )

    def options(self) -> TlsOptions:
        """What the server takes."""
        return TlsOptions(
            certificate=Path(self.certificate),
            key=Path(self.key),
            ca=Path(self.ca) if self.client_certificates == "required" else None,
            crl=Path(self.crl) if self.crl else None,
            profile=self.profile,
        )


class IdentityTable(Table):
    """[identity]: who verifies the users that peers name (PS3.7 D.3.3.7)."""

    verifier: Annotated[str, AfterValidator(known_verifier_or_empty)] = Field(
        default="", description='"file" (names and passcodes), or a name that a package registered; empty for nobody.'
    )
    required: Annotated[bool, AfterValidator(verifiable)] = Field(
        default=False, description="Reject every association without a user identity that was verified."
    )
    timeout_seconds: Seconds = Field(default=10.0, description="For the verifier, then the peer may try again.")
    options: Mapping[str, Any] = Field(
        # Any: a third party's options are its own
        default={},
        description='Options of the verifier; "file" has one, users, the file of the users.',
    )


class StorageTable(Table):
    """[storage]: where objects are kept."""

    backend: Annotated[str, AfterValidator(known_backend)] = Field(
        default="filesystem",
        description='"filesystem" (files with an index in SQLite), "memory", or a name that a package registered.',
    )
    directory: Directory = Field(
        default="",
        description="Folder of the store; empty for $STATE_DIRECTORY, /var/lib/scpd (root) or ~/.local/share/scpd.",
    )
    blobs: Directory = Field(default="", description="Folder of the files; empty for the store's own folder.")
    index: Directory = Field(
        default="",
        description="File of the index, on a local file system; empty for index.sqlite in the store's own folder.",
    )
    durability: Literal["sync", "none"] = Field(
        default="sync",
        description='"sync" answers Success only after everything is on disk; "none" leaves that to the system.',
    )
    sync_strategy: Literal["files", "filesystem"] = Field(
        default="files",
        description='"files" syncs each file and folder; "filesystem" all at once: for a disk of our own.',
    )
    large_objects: Literal["direct", "cached"] = Field(
        default="direct",
        description='256 KiB and more go past the page cache ("direct", where the disk can) or through it ("cached").',
    )
    digest: Literal["blake3", "sha256", "xxh3-128"] = Field(
        default="blake3",
        description='What objects prove themselves by: "blake3", "sha256", or "xxh3-128" against accidents only.',
    )
    duplicates: Duplicates = Field(
        default=Duplicates.KEEP_BOTH,
        description='Other bytes of a known UID: "keep-both-in-quarantine" (B007H), "keep-first" (B006H), "replace", '
        '"refuse" (0111H).',
    )
    damaged: Unfit = Field(
        default=Unfit.REFUSE,
        description='What cannot be filed: "refuse" it (C000H, A900H), or keep it in "quarantine" (B007H).',
    )
    min_free_bytes: int = Field(
        default=268_435_456, ge=0, description="No object is begun when the disk has less room than this: A700H."
    )
    options: Mapping[str, Any] = Field(
        # Any: a third party's options are its own
        default={},
        description="Further options of the backend, free of form.",
    )


class QueryTable(Table):
    """[query]: how C-FIND is answered."""

    strict: bool = Field(
        default=True,
        description="Refuse what the hierarchical model forbids (PS3.4 C.4.1.2.1); false ignores such keys.",
    )
    retrieve_ae_title: Annotated[str, AfterValidator(ae_title_or_empty)] = Field(
        default="", description="(0008,0054) of every match; empty where nothing can be retrieved."
    )
    extensions: Annotated[tuple[QueryExtension, ...], Listed] = Field(
        default=get_args(QueryExtension), description="What is granted to peers that negotiate it (PS3.4 C.5.1.1)."
    )

    def find_extensions(self) -> frozenset[FindExtension]:
        """What is granted, in the words of the profile."""
        return frozenset(FindExtension[name.upper().replace("-", "_")] for name in self.extensions)


class AttributeTable(Table):
    """[[index.attributes]]: an attribute for queries; a name alone stands for one of the image level."""

    name: Annotated[str, AfterValidator(attribute_name)] = Field(
        description="A keyword or tag, a private element like '(0019,xx02) \"ACME 1.0\" LO', "
        'or a path "Sequence > Attribute".'
    )
    level: Literal["", "patient", "study", "series", "image"] = Field(
        default="", description="Whose attribute it is, and the highest level of queries for it; empty for image."
    )
    matched: bool = Field(default=True, description="Whether queries match on it; false only returns it.")


def spelled_out(value: object) -> object:
    """A list of attributes in which a name may stand for a table."""
    return [{"name": one} if isinstance(one, str) else one for one in value] if isinstance(value, list) else value


def indexable(tables: tuple[AttributeTable, ...]) -> tuple[AttributeTable, ...]:
    """Attributes that go together, and with what is indexed anyway."""
    if tables:
        _site(tables)
    return tables


def _site(tables: tuple[AttributeTable, ...]) -> "Site":
    from scpd.config.attributes import Misnamed, Named, site_of

    try:
        return site_of(Named(table.name, table.level.upper(), table.matched) for table in tables)
    except Misnamed as misnamed:
        raise wrong(misnamed.reason, misnamed.nearest, misnamed.part) from None


class IndexTable(Table):
    """[index]: what is kept of every object for queries."""

    attributes: Annotated[
        tuple[AttributeTable, ...],
        AfterValidator(indexable),
        BeforeValidator(spelled_out, json_schema_input_type=tuple[AttributeTable | str, ...]),
        Listed,
    ] = Field(
        default=(),
        description="Further attributes for queries, as names or tables; `scpd reindex` fills them in for what is "
        "stored.",
    )

    def site(self) -> "Site":
        """Those that the index has not anyway."""
        if not self.attributes:
            from scpd.dataset.site import NO_SITE

            return NO_SITE
        return _site(self.attributes)


class LimitsTable(Table):
    """[limits]: what peers may cost us. Each is checked before memory is taken."""

    associations_max: int = Field(
        default=200, ge=1, description="Associations at one time; one more is rejected as a transient local limit."
    )
    associations_per_address_max: int = Field(
        default=0, ge=0, description="Associations at one time from one address; 0 for no limit of its own."
    )
    connections_max: int = Field(
        default=1_000,
        ge=2,
        description="Connections without an association; beyond, the oldest of the most crowded address gives way.",
    )
    contexts_max: int = Field(
        default=CONTEXTS_MAX, ge=1, le=CONTEXTS_MAX, description="Presentation contexts in one association."
    )
    pdu_bytes_max: int = Field(
        default=131_072, ge=4_096, le=1_048_576, description="Maximum Length that we announce to peers (PS3.8 D.1)."
    )
    pdu_bytes_tolerated: int = Field(
        default=0,
        ge=0,
        le=16_777_216,
        description="Longest PDU taken from peers that exceed what we announced; 0 for none.",
    )
    associate_pdu_bytes_max: int = Field(
        default=262_144, ge=4_096, description="Longest A-ASSOCIATE-RQ; 128 contexts of all syntaxes take 180 KiB."
    )
    command_bytes_max: int = Field(default=65_536, ge=1_024, description="Longest command set.")
    empty_fragments_max: int = Field(default=256, ge=1, description="Fragments without a byte in one message.")
    identifier_bytes_max: int = Field(default=1_048_576, ge=1_024, description="Longest C-FIND Identifier.")
    object_bytes_max: int = Field(
        default=4_294_967_296, ge=1_048_576, description="Longest data set of a C-STORE, then A700H."
    )
    nesting_max: int = Field(
        default=64, ge=1, le=1_024, description="Sequences within sequences; an object that has more counts as damaged."
    )
    inflated_bytes_max: int = Field(
        default=67_108_864, ge=1_048_576, description="As much of a deflated object is inflated to read its attributes."
    )
    results_max: int = Field(default=0, ge=0, description="Matches of one C-FIND, then A700H; 0 for no limit.")
    block_bytes: int = Field(
        default=557_056, ge=16_384, description="Size of a receive block; this one holds a CT slice of 512 x 512."
    )
    receive_bytes_max: int = Field(
        default=134_217_728,
        ge=1_048_576,
        description="Receive blocks of all associations; when used up, senders are slowed.",
    )


class TimeoutsTable(Table):
    """[timeouts]: how long we wait."""

    artim_seconds: Seconds = Field(
        default=10.0, description="For a connected peer's A-ASSOCIATE-RQ, and for it to close (PS3.8 9.1.5)."
    )
    idle_seconds: Seconds = Field(default=60.0, description="For the next bytes of an association, then A-ABORT.")
    send_seconds: Seconds = Field(default=30.0, description="For a peer to take what we send, then A-ABORT.")
    rate_bytes_per_second_min: float = Field(
        default=256.0,
        ge=0,
        allow_inf_nan=False,
        description="Slowest a message may come in, over idle_seconds of waiting for it, then A-ABORT; 0 for any rate.",
    )
    drain_seconds: Seconds = Field(default=30.0, description="For associations to end when the daemon stops.")


class LogTable(Table):
    """[log]: what is said on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severity to log.")
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description='"auto" is "console" on a terminal and "json" elsewhere.'
    )


class ServiceTable(Table):
    """[[service]]: SOP classes we serve, and the transfer syntaxes we take them in."""

    name: ServiceName = Field(description='The service class: "verification", "storage" or "find".')
    sop_classes: Annotated[tuple[str, ...], Listed, AfterValidator(sop_class_names)] = Field(
        default=(),
        description='Names, keywords, UIDs, UID prefixes ("1.3.12.2.1107.*") or groups ("storage:image"); '
        "empty for all of the service.",
    )
    transfer_syntaxes: Annotated[tuple[str, ...], Listed, AfterValidator(transfer_syntax_names)] = Field(
        default=(),
        description='Names, UIDs or groups ("lossless"), the preferred first; empty for all that make sense.',
    )
    roles: Annotated[tuple[Role, ...], Listed] = Field(
        default=(Role.SCP,), min_length=1, description="Our roles; scu only where a peer negotiates it."
    )

    def service(self) -> Service:
        """The declaration for the profile."""
        return Service(self.name, self.sop_classes, self.transfer_syntaxes, frozenset(self.roles))


class PeerTable(Table):
    """[[peer]]: an application entity that may call. Of several that fit a caller, the last one counts."""

    ae_title: AeTitle = Field(description="Its calling AE title.")
    addresses: Annotated[tuple[Network, ...], Listed] = Field(
        min_length=1, description="Addresses and networks (CIDR) it calls from."
    )
    operations: Annotated[tuple[Operation, ...], Listed] = Field(
        default=tuple(Operation), description="What it may do; anything else is answered 0124H."
    )
    called_ae_titles: Annotated[tuple[AeTitle, ...], Listed] = Field(
        default=(), description="Those of our titles it may call; empty for all."
    )
    transfer_syntaxes: Annotated[tuple[str, ...], Listed, AfterValidator(transfer_syntax_names)] = Field(
        default=(), description="Its own transfer syntaxes for storage, the preferred first; empty for the services'."
    )
    certificates: Annotated[tuple[Certificate, ...], Listed] = Field(
        default=(),
        description='Certificates it must use ("sha256:...", "dns:..." or "uri:..."); with none, over TLS, one that '
        "names its AE title.",
    )
    identity_required: bool = Field(
        default=False, description="Reject it without a user identity that was verified, whatever others need."
    )
    associations_max: int = Field(
        default=0, ge=0, description="Its associations at one time; 0 for no limit of its own."
    )
    bytes_in_flight_max: int = Field(
        default=0,
        ge=0,
        description="Receive blocks of all its associations beyond one each; 0 for no limit of its own.",
    )
    quirks: Annotated[tuple[Quirk, ...], Listed] = Field(
        default=(), description="What is tolerated of it although the Standard forbids it: see docs/quirks.md."
    )
    damaged: Literal["", "refuse", "quarantine"] = Field(
        default="", description="What becomes of its objects that cannot be filed; empty for storage.damaged."
    )
    service: tuple[ServiceTable, ...] = Field(default=(), description="Its own services; none for those of everybody.")

    def peer(self) -> Peer:
        """The declaration for the profile."""
        return Peer(
            ae_title=self.ae_title,
            addresses=tuple(ip_network(text) for text in self.addresses),
            operations=frozenset(self.operations),
            called_ae_titles=self.called_ae_titles,
            services=tuple(table.service() for table in self.service),
            transfer_syntaxes=self.transfer_syntaxes,
            certificates=self.certificates,
            identity_required=self.identity_required,
            associations_max=self.associations_max,
            bytes_in_flight_max=self.bytes_in_flight_max,
            quirks=frozenset(self.quirks),
            damaged=Unfit(self.damaged) if self.damaged else None,
        )
