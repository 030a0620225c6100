"""The settings as each room takes them, and the files of config/ held against the schema."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import scpd.config.tables
from scpd.config import ConfigError, Settings, check, load
from scpd.config.tables import AttributeTable, PeerTable, ServiceTable, TlsTable
from scpd.dataset.site import NO_SITE, Site, SiteAttribute
from scpd.identity.users import UsersFile
from scpd.profile.dictionary import ServiceName
from scpd.profile.profile import FindExtension, Operation, Peer, Profile, Role, Service, Unfit, health_check_peer
from scpd.profile.quirks import Quirk
from scpd.query.identifier import QueryRules
from scpd.server.options import ServerOptions, TlsOptions, TlsProfile
from scpd.services.exchange import Provider
from scpd.storage.archive import Archive
from scpd.storage.memory import MemoryBlobs, MemoryIndex

CONFIG = Path(__file__).parents[2] / "config"


def loaded(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "scpd.toml"
    file.write_text(text)
    return load(file, environ={"STATE_DIRECTORY": "/state"})


# -- conversions -------------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_rooms() -> None:
    assert Settings().profile() == Profile()
    assert Settings().server_options() == ServerOptions()


def test_the_profile_holds_what_was_declared(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
        ae.titles = ["A", "B"]
        ae.case_sensitive = false
        access.unknown = "close"
        limits.pdu_bytes_max = 8192
        limits.contexts_max = 5
        [[service]]
        name = "storage"
        sop_classes = ["ct"]
        transfer_syntaxes = ["lossless"]
        roles = ["scp", "scu"]
        [[peer]]
        ae_title = "CT1"
        addresses = ["10.0.0.1", "2001:db8::/64"]
        operations = ["store"]
        called_ae_titles = ["B"]
        transfer_syntaxes = ["uncompressed"]
        associations_max = 3
        bytes_in_flight_max = 1_000_000
        quirks = ["odd-uids", "long-pdus"]
        damaged = "quarantine"
        [[peer.service]]
        name = "find"
        """,
    )
    assert settings.profile() == Profile(
        ae_titles=("A", "B"),
        services=(Service(ServiceName.STORAGE, ("ct",), ("lossless",), frozenset(Role)),),
        peers=(
            health_check_peer(),
            Peer(
                ae_title="CT1",
                addresses=(ip_network("10.0.0.1"), ip_network("2001:db8::/64")),
                operations=frozenset({Operation.STORE}),
                called_ae_titles=("B",),
                services=(Service(ServiceName.FIND),),
                transfer_syntaxes=("uncompressed",),
                associations_max=3,
                bytes_in_flight_max=1_000_000,
                quirks=frozenset({Quirk.ODD_UIDS, Quirk.LONG_PDUS}),
                damaged=Unfit.QUARANTINE,
            ),
        ),
        pdu_bytes_max=8192,
        contexts_max=5,
        ae_case_sensitive=False,
        unknown_are_closed=True,
    )


def test_the_health_check_may_call_beside_declared_peers_unless_told_otherwise(tmp_path: Path) -> None:
    peer = '[[peer]]\nae_title = "CT1"\naddresses = ["10.0.0.1"]\n'
    assert [each.ae_title for each in loaded(tmp_path, peer).profile().peers] == ["SCPD_ECHO", "CT1"]
    alone = loaded(tmp_path, "access.health_check = false\n" + peer)
    assert [each.ae_title for each in alone.profile().peers] == ["CT1"]
    assert loaded(tmp_path, "").profile().peers == ()  # then anybody on this machine may


def test_what_is_granted_to_queries_reaches_the_profile(tmp_path: Path) -> None:
    granted = loaded(tmp_path, 'query.extensions = ["timezone-adjustment"]').profile().find_extensions
    assert granted == {FindExtension.TIMEZONE_ADJUSTMENT}
    assert loaded(tmp_path, "query.extensions = []").profile().find_extensions == frozenset()
    with pytest.raises(ConfigError, match="did you mean 'empty-value-matching'"):
        loaded(tmp_path, 'query.extensions = ["empty-values-matching"]')


def test_limits_and_times_reach_the_server(tmp_path: Path) -> None:
    options = loaded(
        tmp_path,
        """
        [limits]
        associations_max = 1
        associations_per_address_max = 2
        connections_max = 3
        pdu_bytes_max = 5000
        pdu_bytes_tolerated = 6000
        associate_pdu_bytes_max = 7000
        command_bytes_max = 8000
        empty_fragments_max = 9
        block_bytes = 20000
        receive_bytes_max = 2000000
        [timeouts]
        artim_seconds = 1.5
        idle_seconds = 2
        send_seconds = 3
        rate_bytes_per_second_min = 5
        drain_seconds = 4
        """,
    ).server_options()
    assert (options.associations_max, options.block_bytes, options.receive_bytes_max) == (1, 20000, 2000000)
    assert (options.associations_per_address_max, options.connections_max) == (2, 3)
    assert options.rate_bytes_per_second_min == 5
    assert (options.idle_seconds, options.send_seconds, options.drain_seconds) == (2, 3, 4)
    assert (options.messages.command_bytes_max, options.messages.empty_fragments_max) == (8000, 9)
    upper_layer = options.upper_layer
    assert (upper_layer.pdu_bytes_max, upper_layer.pdu_bytes_tolerated) == (5000, 6000)
    assert (upper_layer.associate_pdu_bytes_max, upper_layer.artim_seconds) == (7000, 1.5)


def test_the_services_get_their_backend_and_their_rules(tmp_path: Path) -> None:
    backend = Archive(MemoryBlobs(), MemoryIndex())
    provider = Settings().provider(backend)
    assert provider.backend is backend
    assert (provider.query_rules, provider.retrieve_ae_title) == (QueryRules(strict=True), None)
    text = (
        '[query]\nstrict = false\nretrieve_ae_title = "SCPD"\n[limits]\nidentifier_bytes_max = 2000\nresults_max = 7\n'
        "object_bytes_max = 3_000_000\nnesting_max = 9\ninflated_bytes_max = 4_000_000\n"
        "[storage]\ndamaged = 'quarantine'\n"
    )
    provider = loaded(tmp_path, text).provider(backend)
    assert (provider.query_rules, provider.retrieve_ae_title) == (QueryRules(strict=False), "SCPD")
    assert (provider.identifier_bytes_max, provider.results_max) == (2000, 7)
    assert (provider.object_bytes_max, provider.damaged) == (3_000_000, Unfit.QUARANTINE)
    assert (provider.scan_limits.depth_max, provider.scan_limits.inflated_bytes_max) == (9, 4_000_000)


def test_the_filesystem_backend_gets_our_keys_and_any_backend_its_own(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").backend_options() == {
        "directory": Path("/state"),
        "durability": "sync",
        "sync_strategy": "files",
        "large_objects": "direct",
        "digest": "blake3",
        "duplicates": "keep-both-in-quarantine",
        "min_free_bytes": 268_435_456,
    }
    text = '[storage]\nblobs = "/b"\nindex = "~/i"\n'
    text += 'durability = "none"\nlarge_objects = "cached"\ndigest = "sha256"\nduplicates = "replace"\n'
    text += "options = {extra = 1}\n"
    assert loaded(tmp_path, text).backend_options() == {
        "directory": Path("/state"),
        "blobs": Path("/b"),
        "index": Path.home() / "i",
        "durability": "none",
        "sync_strategy": "files",
        "large_objects": "cached",
        "digest": "sha256",
        "duplicates": "replace",
        "min_free_bytes": 268_435_456,
        "extra": 1,
    }
    assert loaded(tmp_path, '[storage]\nbackend = "memory"\noptions = {extra = 1}\n').backend_options() == {"extra": 1}


TLS = '[tls]\ncertificate = "/tls/scpd.crt"\nkey = "/tls/scpd.key"\n'


def test_tls_is_off_without_its_table_and_asks_for_certificates_with_it(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").tls_options() is None
    mutual = loaded(tmp_path, TLS + 'ca = "/tls/ca.crt"\ncrl = "/tls/ca.crl"\nprofile = "bcp195-modified"\n')
    assert mutual.tls_options() == TlsOptions(
        Path("/tls/scpd.crt"),
        Path("/tls/scpd.key"),
        Path("/tls/ca.crt"),
        Path("/tls/ca.crl"),
        TlsProfile.BCP195_MODIFIED,
    )
    one_sided = loaded(tmp_path, TLS + 'client_certificates = "off"\nca = "/tls/ca.crt"\n')
    assert one_sided.tls_options() == TlsOptions(Path("/tls/scpd.crt"), Path("/tls/scpd.key"))


def test_certificates_reach_the_peer_in_the_spelling_they_are_compared_in(tmp_path: Path) -> None:
    colons = ":".join(["AB"] * 32)
    text = (
        f'[[peer]]\nae_title = "CT1"\naddresses = ["10.0.0.1"]\ncertificates = ["sha256:{colons}", "dns:CT1.Example"]\n'
    )
    [_, peer] = loaded(tmp_path, text).profile().peers
    assert peer.certificates == ("sha256:" + "ab" * 32, "dns:ct1.example")


IDENTITY = '[identity]\nverifier = "file"\n'


def test_identities_may_be_required_of_everybody_or_of_a_peer(tmp_path: Path) -> None:
    assert loaded(tmp_path, IDENTITY + "required = true\ntimeout_seconds = 2\n").profile().identity_required
    peer = '[[peer]]\nae_title = "CT1"\naddresses = ["10.0.0.1"]\nidentity_required = true\n'
    profile = loaded(tmp_path, IDENTITY + peer).profile()
    assert not profile.identity_required and profile.peers[-1].identity_required


def test_the_verifier_is_made_with_its_options(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").verifier() is None
    users = tmp_path / "users"
    users.write_text("")
    settings = loaded(tmp_path, IDENTITY + f'timeout_seconds = 2\noptions = {{users = "{users}"}}\n')
    assert isinstance(settings.verifier(), UsersFile)
    assert settings.server_options().identity_seconds == 2
    with pytest.raises(ValueError, match="users"):
        loaded(tmp_path, IDENTITY).verifier()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TLS, "tls.ca = '': must be set while client_certificates is \"required\""),
        ("[tls]\n", "tls.certificate: is missing"),
        (TLS.replace("/tls/scpd.key", "scpd.key"), "must be an absolute path"),
        (TLS + 'ca = "/ca"\nprofile = "bcp159"\n', "did you mean 'bcp195'?"),
        (TLS + 'ca = "/ca"\nkeyy = ""\n', "unknown key; did you mean 'key'?"),
        ('[identity]\nverifier = "fil"\n', "no such verifier; known are file; did you mean 'file'?"),
        ("[identity]\nrequired = true\n", "identity.required = True: needs identity.verifier to be set"),
        (
            '[[peer]]\nae_title = "CT1"\naddresses = ["10.0.0.1"]\nidentity_required = true\n',
            "peer = 'CT1': has identity_required, which needs identity.verifier to be set",
        ),
        (
            '[[peer]]\nae_title = "CT1"\naddresses = ["10.0.0.1"]\ncertificates = ["CT1"]\n',
            "peer.0.certificates.0 = 'CT1': must be sha256: with 64 hex digits, or dns: or uri: with a name",
        ),
    ],
)
def test_mistakes_about_tls_and_identities_are_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert message in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().log.level = "debug"


# -- the files of config/ ----------------------------------------------------------------------------------------


def leaves(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:  # Any: TOML
    """Every dotted key of nested tables with its value."""
    for name, value in tables.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def as_json(value: object) -> object:
    """A value as JSON would give it back: lists for tuples."""
    return json.loads(json.dumps(value))


def defaults(model: type[BaseModel]) -> dict[str, object]:
    return {name: as_json(field.default) for name, field in model.model_fields.items() if not field.is_required()}


def example(text: str, header: str) -> dict[str, object]:
    """The table that stands as a comment under `header`."""
    block = re.search(rf"^# {re.escape(header)}\n((?:# .*\n)+)", text, re.MULTILINE)
    assert block is not None
    lines = (line.removeprefix("# ") for line in block[1].splitlines())
    return tomllib.loads("\n".join(lines))


TEXT = (CONFIG / "scpd.toml").read_text()


def test_scpd_toml_lists_every_key_with_its_default() -> None:
    listed = dict(leaves(tomllib.loads(TEXT)))
    everything = as_json(Settings().model_dump(mode="json"))
    assert isinstance(everything, dict)
    expected = dict(
        leaves({name: value for name, value in everything.items() if name not in ("service", "peer", "tls")})
    )
    assert listed == expected


NOT_AT_DEFAULT = {"service", "ca"}
"""Keys that the examples leave out, or give because the table needs them."""


@pytest.mark.parametrize(
    ("header", "model"),
    [
        ("[[service]]", ServiceTable),
        ("[[peer]]", PeerTable),
        ("[tls]", TlsTable),
        ("[[index.attributes]]", AttributeTable),
    ],
)
def test_scpd_toml_shows_every_key_of_optional_tables_with_its_default(header: str, model: type[BaseModel]) -> None:
    shown = example(TEXT, header)
    assert shown.keys() | {"service"} == model.model_fields.keys() | {"service"}
    assert {name: shown[name] for name in defaults(model) if name not in NOT_AT_DEFAULT} == {
        name: value for name, value in defaults(model).items() if name not in NOT_AT_DEFAULT
    }
    model.model_validate(shown)


def test_scpd_toml_explains_every_key_in_the_words_of_the_schema() -> None:
    tables = [
        table
        for table in vars(scpd.config.tables).values()
        if isinstance(table, type) and issubclass(table, scpd.config.tables.Table)
    ]
    fields = [field for table in tables for field in table.model_fields.values()]
    assert len(fields) > 35
    for field in fields:
        assert field.description
        assert f"# {field.description}" in TEXT


@pytest.mark.parametrize("name", ["scpd.toml", "container.toml"])
def test_the_files_name_the_schema_and_are_valid(name: str) -> None:
    assert (CONFIG / name).read_text().startswith("#:schema ./scpd.schema.json\n")
    assert check(CONFIG / name, {}) == ()


def test_the_schema_that_is_shipped_is_the_one_in_force() -> None:
    assert json.loads((CONFIG / "scpd.schema.json").read_text()) == Settings.json_schema()


def test_the_container_listens_everywhere_logs_json_and_declares_nobody() -> None:
    settings = load(CONFIG / "container.toml", environ={})
    assert (settings.listen.host, settings.log.format, settings.storage.directory) == (
        "0.0.0.0",
        "json",
        "/var/lib/scpd",
    )
    assert settings.peer == ()


def test_the_defaults_of_the_limits_are_those_of_the_services() -> None:
    provider = Settings().provider(Archive(MemoryBlobs(), MemoryIndex()))
    assert provider == Provider(
        provider.backend, QueryRules(), provider.identifier_bytes_max, results_max=0, retrieve_ae_title=None
    )


def test_attributes_for_the_index_reach_the_scanner_and_the_query(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[index]\nattributes = ["ContrastBolusRoute", "0040,0555", "PatientID"]')
    expected = Site(
        (SiteAttribute(0x00181040, "LO"), SiteAttribute(0x00400555, "SQ"))
    )  # a patient's ID is indexed anyway
    provider = settings.provider(Archive(MemoryBlobs(), MemoryIndex()))
    assert provider.query_rules.indexed_besides == provider.scan_limits.besides == expected
    assert Settings().index.site() == NO_SITE


SITE = """
[[index.attributes]]
name = "StudyVerifiedDate"
level = "study"
[[index.attributes]]
name = '(0019,xx02) "ACME 1.0" LO'
level = "series"
matched = false
"""


def test_attributes_for_the_index_may_be_tables_and_come_from_anywhere(tmp_path: Path) -> None:
    assert loaded(tmp_path, SITE).index.site() == Site(
        (
            SiteAttribute(0x00320032, "DA", "STUDY"),
            SiteAttribute(0x00190002, "LO", "SERIES", "ACME 1.0", is_matched=False),
        )
    )
    one = Site((SiteAttribute(0x00320032, "DA", "STUDY"),))
    for written in ('["StudyVerifiedDate"]', '[{"name": "StudyVerifiedDate"}]', "StudyVerifiedDate"):
        settings = load(None, environ={"SCPD_INDEX__ATTRIBUTES": written, "STATE_DIRECTORY": "/state"})
        assert [table.name for table in settings.index.attributes] == ["StudyVerifiedDate"]
    assert loaded(tmp_path, 'index.attributes = [{ name = "StudyVerifiedDate", level = "study" }]').index.site() == one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('index.attributes = ["ContrastBolusRout"]', "0.name = 'ContrastBolusRout': must be the keyword"),
        ('index.attributes = ["ContrastBolusRout"]', "did you mean 'ContrastBolusRoute'?"),
        ('index.attributes = ["TransferSyntaxUID"]', "in the DICOM dictionary"),
        ('index.attributes = ["PixelData"]', "0.name = 'PixelData': has a binary value"),
        ('index.attributes = ["EncapsulatedDocument"]', "binary"),
        ('index.attributes = ["0019,1001"]', """did you mean '(0019,xx01) "PRIVATE CREATOR"'?"""),
        ("index.attributes = ['(0019,xx01) \"ACME\"']", """did you mean '(0019,xx01) "ACME" LO'?"""),
        ("index.attributes = ['(0019,xx01) \"ACME\" OB']", "has no VR that people can read"),
        ("index.attributes = ['(0018,xx01) \"ACME\" LO']", "private ones have odd groups"),
        ("index.attributes = ['(0019,xx01) \"ACME LO']", "must be a path"),
        ('index.attributes = ["CodeValue > CodeMeaning"]', "0.name = 'CodeValue': is no sequence"),
        ('index.attributes = [{ name = "CodeValue", level = "serie" }]', "did you mean 'series'?"),
        ('index.attributes = [{ name = "CodeValue", lvl = "" }]', "unknown key; did you mean 'level'?"),
        ('index.attributes = [{ name = "Modality", level = "study" }]', "is indexed anyway, at the series level"),
        ('index.attributes = [{ name = "Modality", matched = false }]', "is indexed anyway, and matched on"),
        ('index.attributes = ["RetrieveAETitle"]', "says nothing of an object"),
        (
            "index.attributes = ['RequestAttributesSequence > (0019,xx01) \"ACME\" LO']",
            "is within a sequence that is indexed as it comes",
        ),
        (
            'index.attributes = ["CodeValue", { name = "CodeValue", level = "study" }]',
            "is declared for two levels, image and study",
        ),
    ],
)
def test_mistakes_about_attributes_are_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert message in str(caught.value)
    assert f"{tmp_path / 'scpd.toml'}:1:" in str(caught.value)
