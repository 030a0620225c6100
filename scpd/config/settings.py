"""The whole configuration, and how it becomes what each room takes.

`Settings` is the only place that knows all rooms. Nothing below `app` sees it: a room gets its own small frozen
dataclass, made here. The keys are in `tables.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from scpd.config.rules import (
    wrong,
)
from scpd.config.tables import (
    AccessTable,
    AeTable,
    IdentityTable,
    IndexTable,
    LimitsTable,
    ListenTable,
    LogTable,
    PeerTable,
    QueryTable,
    ServiceTable,
    StorageTable,
    TimeoutsTable,
    TlsTable,
)
from scpd.profile.profile import Peer, Profile, health_check_peer
from scpd.server.options import ServerOptions, TlsOptions
from scpd.ul.connection import UpperLayerLimits

if TYPE_CHECKING:  # the services bring pydicom with them, which `scpd check` and `scpd schema` do not need
    from scpd.dataset.scan import ScanLimits
    from scpd.identity.base import Verifier
    from scpd.services.exchange import Provider
    from scpd.storage.base import Backend


def verifiable_peers(peers: tuple[PeerTable, ...], info: ValidationInfo) -> tuple[PeerTable, ...]:
    """Somebody has to verify the identities that peers are required to have."""
    identity = info.data.get("identity")
    for peer in peers:
        if peer.identity_required and identity is not None and not identity.verifier:
            raise wrong("has identity_required, which needs identity.verifier to be set", part=peer.ae_title)
    return peers


class Settings(BaseSettings):
    """The whole configuration. Immutable; a reload makes another one."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, validate_default=False, case_sensitive=True)

    ae: AeTable = AeTable()
    access: AccessTable = AccessTable()
    listen: ListenTable = ListenTable()
    tls: TlsTable | None = Field(default=None, description="A listener for TLS; without the table there is none.")
    identity: IdentityTable = IdentityTable()
    storage: StorageTable = StorageTable()
    query: QueryTable = QueryTable()
    index: IndexTable = IndexTable()
    limits: LimitsTable = LimitsTable()
    timeouts: TimeoutsTable = TimeoutsTable()
    log: LogTable = LogTable()
    service: tuple[ServiceTable, ...] = Field(
        default=(), description="What we serve; without any: Verification, all storage SOP classes, and C-FIND."
    )
    peer: Annotated[tuple[PeerTable, ...], AfterValidator(verifiable_peers)] = Field(
        default=(),
        description="Who may call; without any: every AE of this machine's loopback addresses, and nobody else.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A source for each of the given `layers`, in place of the library's own: see `scpd.config.layers`."""
        given = init_settings()
        layers = given.pop("layers", ())
        return tuple(InitSettingsSource(settings_cls, tables) for tables in (given, *(each.tables for each in layers)))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:  # Any: JSON
        """The JSON Schema of the TOML file, for editors and for `scpd schema`."""
        return cls.model_json_schema()

    def profile(self) -> Profile:
        """What negotiates. Reads the DICOM dictionary."""
        return Profile(
            ae_titles=self.ae.titles,
            services=tuple(table.service() for table in self.service),
            peers=self._peers(),
            pdu_bytes_max=self.limits.pdu_bytes_max,
            contexts_max=self.limits.contexts_max,
            find_extensions=self.query.find_extensions(),
            identity_required=self.identity.required,
            ae_case_sensitive=self.ae.case_sensitive,
            unknown_are_closed=self.access.unknown == "close",
        )

    def _peers(self) -> tuple[Peer, ...]:
        """The declared ones; where there are any, the health check comes before them, so that they can overrule it."""
        declared = tuple(table.peer() for table in self.peer)
        return (health_check_peer(), *declared) if declared and self.access.health_check else declared

    def tls_options(self) -> TlsOptions | None:
        """What the listener for TLS takes, or None where there is none."""
        return self.tls.options() if self.tls is not None else None

    def verifier(self) -> "Verifier | None":
        """Who verifies user identities, or None. Raises ValueError for options that the verifier cannot use."""
        if not self.identity.verifier:
            return None
        from scpd.identity.verifiers import load_verifier

        return load_verifier(self.identity.verifier, self.identity.options)

    def upper_layer_limits(self) -> UpperLayerLimits:
        """What the upper layer bounds."""
        return UpperLayerLimits(
            pdu_bytes_max=self.limits.pdu_bytes_max,
            pdu_bytes_tolerated=self.limits.pdu_bytes_tolerated,
            associate_pdu_bytes_max=self.limits.associate_pdu_bytes_max,
            artim_seconds=self.timeouts.artim_seconds,
        )

    def server_options(self) -> ServerOptions:
        """What the server bounds."""
        from scpd.dimse.pdv import DimseLimits

        return ServerOptions(
            idle_seconds=self.timeouts.idle_seconds,
            send_seconds=self.timeouts.send_seconds,
            drain_seconds=self.timeouts.drain_seconds,
            identity_seconds=self.identity.timeout_seconds,
            rate_bytes_per_second_min=self.timeouts.rate_bytes_per_second_min,
            associations_max=self.limits.associations_max,
            associations_per_address_max=self.limits.associations_per_address_max,
            connections_max=self.limits.connections_max,
            block_bytes=self.limits.block_bytes,
            receive_bytes_max=self.limits.receive_bytes_max,
            upper_layer=self.upper_layer_limits(),
            messages=DimseLimits(self.limits.command_bytes_max, self.limits.empty_fragments_max),
        )

    def provider(self, backend: "Backend") -> "Provider":
        """What the services work with."""
        from scpd.query.identifier import QueryRules
        from scpd.services.exchange import Provider

        return Provider(
            backend=backend,
            query_rules=QueryRules(strict=self.query.strict, indexed_besides=self.index.site()),
            identifier_bytes_max=self.limits.identifier_bytes_max,
            results_max=self.limits.results_max,
            object_bytes_max=self.limits.object_bytes_max,
            scan_limits=self.scan_limits(),
            damaged=self.storage.damaged,
            retrieve_ae_title=self.query.retrieve_ae_title or None,
        )

    def scan_limits(self) -> "ScanLimits":
        """What reading the head of an object may cost, and what it keeps."""
        from scpd.dataset.scan import ScanLimits

        return ScanLimits(
            inflated_bytes_max=self.limits.inflated_bytes_max,
            depth_max=self.limits.nesting_max,
            besides=self.index.site(),
        )

    def backend_options(self) -> dict[str, object]:
        """The options of the chosen backend: our own keys for `filesystem`, and [storage.options] for all."""
        if self.storage.backend != "filesystem":
            return dict(self.storage.options)
        paths = {"directory": self.storage.directory, "blobs": self.storage.blobs, "index": self.storage.index}
        return {
            **{name: Path(text) for name, text in paths.items() if text},
            "durability": self.storage.durability,
            "sync_strategy": self.storage.sync_strategy,
            "large_objects": self.storage.large_objects,
            "digest": self.storage.digest,
            "duplicates": self.storage.duplicates,
            "min_free_bytes": self.storage.min_free_bytes,
            **self.storage.options,
        }
