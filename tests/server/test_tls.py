"""TLS over real sockets: who is let in, what is refused and logged, and that a reload drops nobody."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from scpd.profile.profile import LOOPBACK, Peer, Profile
from scpd.server.options import TlsOptions, TlsProfile
from scpd.server.tls import Tls, TlsError, alternative_names, load_context
from tests.daemon import QUICK, Daemon
from tests.datasets import ct
from tests.interop.programs import run
from tests.interop.synthetic import write_images
from tests.rawpeer import Proposal, RawPeer, command, store_rq
from tests.rawpeer import data_set as p_data_of
from tests.tls import Issued, Pki, TlsPeer, client_context, openssl, server_options

ARTIM = QUICK.upper_layer.artim_seconds
EXPIRED = "20210101000000Z"
RQ = Proposal(calling=b"CT1").encode()


class World:
    """Two authorities and what they issued; made once, as keys take their time."""

    def __init__(self, folder: Path) -> None:
        self.pki = Pki(folder / "hospital")
        self.other = Pki(folder / "elsewhere")
        self.server = self.pki.issue("server", "DNS:scpd.example")
        self.ct1 = self.pki.issue("ct1", "DNS:ct1.example,DNS:CT1,URI:urn:uuid:1")
        self.nameless = self.pki.issue("nameless")
        self.expired = self.pki.issue("expired", "DNS:ct1", until=EXPIRED)
        self.revoked = self.pki.issue("revoked", "DNS:ct1")
        self.pki.revoke(self.revoked)
        self.foreign = self.other.issue("foreign", "DNS:ct1")

    def context(self, client: Issued | None = None) -> ssl.SSLContext:
        return client_context(self.pki, client or self.ct1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("pki"))


def declared(*peers: Peer) -> Profile:
    return Profile(ae_titles=("SCPD",), peers=peers or (Peer("CT1", LOOPBACK), Peer("MR1", LOOPBACK)))


@pytest.fixture
def daemon(tmp_path: Path, world: World) -> Iterator[Daemon]:
    """A daemon with a listener for TLS, where CT1 and MR1 are declared without certificates."""
    with Daemon(tmp_path, profile=declared(), tls=server_options(world.pki, world.server)) as running:
        yield running


def associate(peer: RawPeer, calling: str = "CT1") -> None:
    peer.associate(Proposal(calling=calling.encode()))
    assert peer.echo() == 0x0000
    peer.release()


def logged(daemon: Daemon, event: str) -> list[dict[str, object]]:
    """The log lines of one kind, as soon as there is one."""
    daemon.wait_until(lambda: any(line["event"] == event for line in daemon.events()))
    return [line for line in daemon.events() if line["event"] == event]


def failed_handshake(daemon: Daemon) -> str:
    """Why the one handshake failed that failed."""
    [line] = logged(daemon, "TLS handshake failed")
    assert (line["level"], line["address"]) == ("warning", "127.0.0.1")
    daemon.wait_until(lambda: not daemon._listener._handshakes)
    assert daemon.entity.blocks.out_bytes == 0
    return str(line["reason"])


def expect_no_association(daemon: Daemon, context: ssl.SSLContext) -> None:
    """With TLS 1.3 a client learns that its certificate is refused when it wants to read."""
    try:
        with TlsPeer(daemon.tls_port, context=context) as peer:
            peer.send(RQ)
            assert peer.receive() is None
    except (ssl.SSLError, ConnectionError):
        pass


# -- who is let in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_trusted_certificate_is_let_in(daemon: Daemon, world: World, version: ssl.TLSVersion) -> None:
    context = world.context()
    context.maximum_version = version
    with TlsPeer(daemon.tls_port, context=context) as peer:
        associate(peer)
    [accepted] = logged(daemon, "association accepted")
    assert accepted["tls"] == version.name.replace("_", ".")


def test_tls_1_3_is_preferred(daemon: Daemon, world: World) -> None:
    with TlsPeer(daemon.tls_port, context=world.context()) as peer:
        assert isinstance(peer.socket, ssl.SSLSocket)
        assert peer.socket.version() == "TLSv1.3"


def test_objects_larger_than_all_read_ahead_blocks_arrive_whole(daemon: Daemon, world: World) -> None:
    """Back-pressure works over TLS: blocks are given back, and none is held by an idle association."""
    with TlsPeer(daemon.tls_port, timeout=20, context=world.context()) as peer:
        peer.associate(Proposal(calling=b"CT1"))
        for number in range(3):
            uid = f"1.2.3.4.{number}"
            assert peer.store(uid, ct(uid, PixelData=bytes(3_000_000))).status == 0x0000
            daemon.wait_until(lambda: daemon.entity.blocks.out_bytes == 0)
        peer.release()
    files = sorted((daemon.directory / "store").rglob("*.dcm"))
    assert sorted(file.stat().st_size // 1_000_000 for file in files) == [3, 3, 3]


def test_every_byte_may_come_in_a_record_of_its_own(daemon: Daemon, world: World) -> None:
    with TlsPeer(daemon.tls_port, context=world.context()) as peer:
        peer.send_bytewise(RQ)
        received = peer.receive()
        assert received is not None and received.type == 2
        peer.release()


def test_a_request_in_one_segment_with_the_end_of_the_handshake_is_not_lost(daemon: Daemon, world: World) -> None:
    """A TLS 1.3 client sends its Finished and its first data together."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = world.context().wrap_bio(incoming, outgoing)
    with socket.create_connection(("127.0.0.1", daemon.tls_port), 5) as sock:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65536))
        client.write(RQ)
        sock.sendall(outgoing.read())
        while True:
            try:
                assert client.read(1) == b"\x02"
                break
            except ssl.SSLWantReadError:
                incoming.write(sock.recv(65536))


def test_responses_are_not_delayed_by_nagle(daemon: Daemon, world: World) -> None:
    with TlsPeer(daemon.tls_port, context=world.context()) as peer:
        peer.associate(Proposal(calling=b"CT1"))
        [association] = daemon._listener._associations.values()
        transport = association._wire._transport
        assert transport is not None
        assert transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_agreed_protocol_is_dicom(daemon: Daemon, world: World) -> None:
    context = world.context()
    context.set_alpn_protocols(["http/1.1", "dicom"])
    with TlsPeer(daemon.tls_port, context=context) as peer:
        assert isinstance(peer.socket, ssl.SSLSocket)
        assert peer.socket.selected_alpn_protocol() == "dicom"


def test_a_close_notify_ends_the_association_in_the_middle_of_an_object(daemon: Daemon, world: World) -> None:
    with TlsPeer(daemon.tls_port, context=world.context()) as peer:
        peer.associate(Proposal(calling=b"CT1"))
        peer.send((command(3, store_rq("1.2.3")) + p_data_of(3, ct("1.2.3")))[:-50])
        assert isinstance(peer.socket, ssl.SSLSocket)
        peer.socket.unwrap()
    daemon.wait_until(lambda: daemon.tasks == 0)
    assert daemon.entity.associations == 0
    assert not list((daemon.directory / "store").rglob("*.dcm"))
    assert daemon.entity.blocks.out_bytes == 0


# -- who is not --------------------------------------------------------------------------------------------------


def test_a_certificate_of_another_authority_is_refused(daemon: Daemon, world: World) -> None:
    expect_no_association(daemon, world.context(world.foreign))
    assert failed_handshake(daemon) == (
        "the certificate of the peer is not accepted: unable to get local issuer certificate"
    )


def test_an_expired_certificate_is_refused(daemon: Daemon, world: World) -> None:
    expect_no_association(daemon, world.context(world.expired))
    assert failed_handshake(daemon) == "the certificate of the peer is not accepted: certificate has expired"


def test_a_revoked_certificate_is_refused(daemon: Daemon, world: World) -> None:
    expect_no_association(daemon, world.context(world.revoked))
    assert failed_handshake(daemon) == "the certificate of the peer is not accepted: certificate revoked"


def test_no_certificate_is_refused(daemon: Daemon, world: World) -> None:
    expect_no_association(daemon, client_context(world.pki))
    assert failed_handshake(daemon) == "peer did not return a certificate"


def test_who_does_not_trust_the_daemon_says_so_in_its_log(daemon: Daemon, world: World) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsPeer(daemon.tls_port, context=client_context(world.other, world.ct1)).__enter__()
    assert failed_handshake(daemon) == "tlsv1 alert unknown ca"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_1_1_is_refused(daemon: Daemon, world: World) -> None:
    context = world.context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    expect_no_association(daemon, context)
    assert failed_handshake(daemon) == "unsupported protocol"


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
def test_suites_that_rfc_9325_does_not_recommend_are_refused(daemon: Daemon, world: World, cipher: str) -> None:
    context = world.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    expect_no_association(daemon, context)
    assert failed_handshake(daemon) == "no shared cipher"


def test_a_client_that_does_not_finish_the_handshake_is_disconnected_at_artim(daemon: Daemon) -> None:
    with RawPeer(daemon.tls_port) as silent:
        assert ARTIM / 2 < silent.expect_closed() < ARTIM + 1
    assert "SSL handshake is taking longer than 0.5 seconds" in failed_handshake(daemon)


def test_artim_runs_from_the_connection_and_not_from_the_end_of_the_handshake(daemon: Daemon, world: World) -> None:
    with socket.create_connection(("127.0.0.1", daemon.tls_port), 5) as sock:
        threading.Event().wait(ARTIM * 0.6)  # this time is what the test is about
        with world.context().wrap_socket(sock) as secured:
            daemon.wait_until(lambda: len(daemon._listener._associations) == 1)
            began = daemon.loop.time()
            daemon.wait_until(lambda: daemon.tasks == 0)
            assert daemon.loop.time() - began < ARTIM * 0.7
            del secured


def test_a_bare_connection_is_logged_at_debug_only(daemon: Daemon) -> None:
    socket.create_connection(("127.0.0.1", daemon.tls_port), 5).close()
    [line] = logged(daemon, "connection ended before TLS was agreed on")
    assert (line["level"], line["address"]) == ("debug", "127.0.0.1")
    assert {event["level"] for event in daemon.events()} == {"debug"}


def test_silent_and_failing_clients_keep_nobody_waiting(daemon: Daemon, world: World) -> None:
    silent = [socket.create_connection(("127.0.0.1", daemon.tls_port), 5) for _ in range(50)]
    for number, sock in enumerate(silent):
        sock.send(b"\x16\x03\x01" if number % 2 else RQ)
    began = daemon.loop.time()
    with TlsPeer(daemon.tls_port, context=world.context()) as peer:
        associate(peer)
    assert daemon.loop.time() - began < ARTIM
    for sock in silent:
        sock.close()
    daemon.wait_until(lambda: daemon.tasks == 0)


def test_handshakes_are_guests_of_the_lobby_and_give_way(tmp_path: Path, world: World) -> None:
    options = replace(QUICK, connections_max=5)
    with Daemon(tmp_path, options=options, profile=declared(), tls=server_options(world.pki, world.server)) as daemon:
        silent = [socket.create_connection(("127.0.0.1", daemon.tls_port), 5) for _ in range(20)]
        logged(daemon, "connections without an association give way to new ones")
        daemon.wait_until(lambda: daemon.tasks == 5)
        with TlsPeer(daemon.tls_port, context=world.context()) as peer:
            associate(peer)
        for sock in silent:
            sock.close()


# -- the certificate and the calling AE title --------------------------------------------------------------------


def test_a_right_certificate_does_not_serve_for_another_title(daemon: Daemon, world: World) -> None:
    with TlsPeer(daemon.tls_port, context=world.context()) as peer:
        peer.send(Proposal(calling=b"MR1").encode())
        assert peer.expect_reject() == (1, 1, 3)
    [line] = logged(daemon, "association rejected")
    assert line["reason"] == "certificate not bound to the calling AE title"
    assert f'certificates = ["{world.ct1.fingerprint}"]' in str(line["toml"])


def test_the_fingerprint_that_openssl_prints_admits_a_nameless_certificate(tmp_path: Path, world: World) -> None:
    printed = openssl("x509", "-in", world.nameless.certificate, "-noout", "-fingerprint", "-sha256")
    fingerprint = "sha256:" + printed.strip().partition("=")[2].replace(":", "").lower()
    profile = declared(Peer("MR1", LOOPBACK, certificates=(fingerprint,)), Peer("CT1", LOOPBACK))
    with Daemon(tmp_path, profile=profile, tls=server_options(world.pki, world.server)) as daemon:
        with TlsPeer(daemon.tls_port, context=world.context(world.nameless)) as peer:
            associate(peer, "MR1")
        with TlsPeer(daemon.tls_port, context=world.context(world.nameless)) as peer:
            peer.send(RQ)
            assert peer.expect_reject() == (1, 1, 3)


@pytest.mark.parametrize("name", ["dns:ct1.example", "uri:urn:uuid:1"])
def test_a_peer_may_declare_an_alternative_name(tmp_path: Path, world: World, name: str) -> None:
    profile = declared(Peer("SCANNER_7", LOOPBACK, certificates=(name,)))
    with Daemon(tmp_path, profile=profile, tls=server_options(world.pki, world.server)) as daemon:
        with TlsPeer(daemon.tls_port, context=world.context()) as peer:
            associate(peer, "SCANNER_7")
        with RawPeer(daemon.port) as plain:
            plain.send(Proposal(calling=b"SCANNER_7").encode())
            assert plain.expect_reject() == (1, 1, 3)


def test_a_peer_without_certificates_may_call_without_tls(daemon: Daemon) -> None:
    with RawPeer(daemon.port) as plain:
        associate(plain)


def test_a_certificate_does_not_replace_the_address(tmp_path: Path, world: World) -> None:
    profile = declared(Peer("CT1", (ip_network("192.0.2.0/24"),)))
    with Daemon(tmp_path, profile=profile, tls=server_options(world.pki, world.server)) as daemon:
        with TlsPeer(daemon.tls_port, context=world.context()) as peer:
            peer.send(RQ)
            assert peer.expect_reject() == (1, 1, 1)


def test_without_peers_anybody_with_a_trusted_certificate_calls_from_loopback(tmp_path: Path, world: World) -> None:
    with Daemon(tmp_path, tls=server_options(world.pki, world.server)) as daemon:
        with TlsPeer(daemon.tls_port, context=world.context(world.nameless)) as peer:
            associate(peer, "ANYBODY")


def test_client_certificates_may_be_off(tmp_path: Path, world: World) -> None:
    bound = Peer("MR1", LOOPBACK, certificates=("dns:ct1.example",))
    options = TlsOptions(world.server.certificate, world.server.key)
    with Daemon(tmp_path, profile=declared(Peer("CT1", LOOPBACK), bound), tls=options) as daemon:
        with TlsPeer(daemon.tls_port, context=client_context(world.pki)) as peer:
            associate(peer)
        with TlsPeer(daemon.tls_port, context=world.context()) as peer:
            peer.send(Proposal(calling=b"MR1").encode())
            assert peer.expect_reject() == (1, 1, 3)


# -- reload ------------------------------------------------------------------------------------------------------


class Files:
    """Copies of the daemon's files, to be replaced while it runs."""

    def __init__(self, folder: Path, world: World) -> None:
        self.options = TlsOptions(folder / "crt", folder / "key", folder / "ca", folder / "crl")
        self.put(certificate=world.server.certificate, key=world.server.key, ca=world.pki.ca, crl=world.pki.crl)

    def put(self, **sources: Path) -> None:
        for name, source in sources.items():
            target: Path = getattr(self.options, name)
            target.write_bytes(source.read_bytes())
            target.chmod(0o600)


def test_a_reload_concerns_newcomers_and_drops_nobody(tmp_path: Path, world: World) -> None:
    (tmp_path / "tls").mkdir()
    files = Files(tmp_path / "tls", world)
    late, renewed = world.pki.issue("late", "DNS:ct1"), world.pki.issue("renewed", "DNS:scpd.example")
    with Daemon(tmp_path, profile=declared(), tls=files.options) as daemon:
        with TlsPeer(daemon.tls_port, context=world.context(late)) as here:
            here.associate(Proposal(calling=b"CT1"))
            world.pki.revoke(late)
            files.put(certificate=renewed.certificate, key=renewed.key, crl=world.pki.crl)
            daemon.reload()
            expect_no_association(daemon, world.context(late))
            assert failed_handshake(daemon).endswith("certificate revoked")
            with TlsPeer(daemon.tls_port, context=world.context()) as newcomer:
                assert isinstance(newcomer.socket, ssl.SSLSocket)
                shown = newcomer.socket.getpeercert(binary_form=True)
                assert shown == ssl.PEM_cert_to_DER_cert(renewed.certificate.read_text())
                associate(newcomer)
            assert here.echo() == 0x0000
            here.release()
        assert logged(daemon, "TLS files reloaded")


BROKEN: dict[str, Callable[[Files, World], None]] = {
    "key of another certificate": lambda files, world: files.put(key=world.ct1.key),
    "no certificate": lambda files, world: files.options.certificate.unlink(),
    "no PEM": lambda files, world: files.put(ca=Path(__file__)),
}


@pytest.mark.parametrize("break_files", BROKEN.values(), ids=BROKEN)
def test_a_reload_that_fails_says_why_and_changes_nothing(
    tmp_path: Path, world: World, break_files: Callable[[Files, World], None]
) -> None:
    (tmp_path / "tls").mkdir()
    files = Files(tmp_path / "tls", world)
    with Daemon(tmp_path, profile=declared(), tls=files.options) as daemon:
        break_files(files, world)
        daemon.reload()
        [line] = logged(daemon, "TLS files not reloaded: the former ones stay in force")
        assert line["level"] == "error"
        assert str(tmp_path / "tls") in str(line["reason"])
        with TlsPeer(daemon.tls_port, context=world.context()) as peer:
            associate(peer)


# -- files -------------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, world: World) -> None:
    server, ca = world.server, world.pki.ca
    for options, message in (
        (TlsOptions(tmp_path / "gone", server.key), "gone: No such file or directory"),
        (TlsOptions(server.certificate, tmp_path / "gone"), "gone: No such file or directory"),
        (TlsOptions(server.certificate, world.ct1.key), "server.crt, .*ct1.key: key values mismatch"),
        (TlsOptions(server.certificate, server.key, ca, ca), "ca.crt: holds no revocation list"),
    ):
        with pytest.raises(TlsError, match=message):
            load_context(options)


def test_a_key_with_a_passphrase_is_refused_instead_of_asking_for_it(tmp_path: Path, world: World) -> None:
    locked = tmp_path / "locked.key"
    openssl("rsa", "-in", world.server.key, "-out", locked, "-aes128", "-passout", "pass:secret")
    with pytest.raises(TlsError, match="passphrase"):
        load_context(TlsOptions(world.server.certificate, locked))


def test_a_key_that_others_may_read_is_warned_about(tmp_path: Path, world: World) -> None:
    (tmp_path / "tls").mkdir()
    files = Files(tmp_path / "tls", world)
    with capture_logs() as lines:
        Tls(files.options, structlog.get_logger())
        assert not lines
        files.options.key.chmod(0o644)
        Tls(files.options, structlog.get_logger())
    assert [(line["log_level"], line["key"]) for line in lines] == [("warning", str(files.options.key))]


def test_the_modified_profile_has_the_suites_of_b_13_and_the_other_those_of_rfc_9325(world: World) -> None:
    plain, modified = (
        {
            cipher["name"]
            for cipher in load_context(
                TlsOptions(world.server.certificate, world.server.key, profile=profile)
            ).get_ciphers()
            if cipher["protocol"] == "TLSv1.2"
        }
        for profile in (TlsProfile.BCP195, TlsProfile.BCP195_MODIFIED)
    )
    assert len(plain) == 4 and all("GCM" in name and name.startswith("ECDHE-") for name in plain)
    assert plain < modified
    assert modified - plain == {
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES256-CCM",
        "ECDHE-ECDSA-AES128-CCM",
    }


def test_alternative_names_of_other_kinds_are_passed_over() -> None:
    names = (("DNS", "CT1.Example"), ("IP Address", "192.0.2.1"), ("email", "a@b"), ("URI", "urn:x"), ("DNS", ""))
    assert alternative_names({"subjectAltName": names}) == ("dns:ct1.example", "uri:urn:x")
    assert alternative_names({}) == ()


# -- other clients -----------------------------------------------------------------------------------------------


def dcmtk(daemon: Daemon, world: World, client: Issued, *options: object) -> int:
    """The exit code of DCMTK's echoscu over TLS."""
    files = ("+tls", client.key, client.certificate, "+cf", world.pki.ca)
    return run("echoscu", *files, *options, "-aet", "CT1", "-aec", "SCPD", "127.0.0.1", daemon.tls_port).returncode


@pytest.mark.parametrize("profile", ["--profile-bcp195-nd", "--profile-bcp195", "--profile-bcp195-ex"])
def test_dcmtk_is_served_under_each_of_its_profiles(daemon: Daemon, world: World, profile: str) -> None:
    assert dcmtk(daemon, world, world.ct1, profile) == 0


def test_dcmtk_is_refused_with_a_certificate_that_is_not_good(daemon: Daemon, world: World) -> None:
    for client in (world.expired, world.revoked, world.foreign, world.nameless):
        assert dcmtk(daemon, world, client) != 0
    assert run("echoscu", "+tla", "-ic", "-aec", "SCPD", "127.0.0.1", daemon.tls_port).returncode != 0


def test_dcmtk_stores_over_tls(daemon: Daemon, world: World, tmp_path: Path) -> None:
    [file] = write_images(tmp_path / "sent", [1])
    files = ("+tls", world.ct1.key, world.ct1.certificate, "+cf", world.pki.ca)
    sent = run("storescu", *files, "-aet", "CT1", "-aec", "SCPD", "127.0.0.1", daemon.tls_port, file)
    assert sent.returncode == 0, sent.stdout
    assert len(list((daemon.directory / "store").rglob("*.dcm"))) == 1


def test_pynetdicom_is_served(daemon: Daemon, world: World) -> None:
    from pynetdicom import AE

    ae = AE("CT1")
    ae.add_requested_context("1.2.840.10008.1.1")
    association = ae.associate(
        "127.0.0.1", daemon.tls_port, ae_title="SCPD", tls_args=(world.context(), "scpd.example")
    )
    assert association.is_established
    assert association.send_c_echo().Status == 0x0000
    association.release()


@pytest.mark.parametrize(("option", "is_agreed"), [("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False)])
def test_openssl_s_client_agrees_on_1_3_and_1_2_only(
    daemon: Daemon, world: World, option: str, is_agreed: bool
) -> None:
    printed = run(
        *("openssl", "s_client", "-connect", f"127.0.0.1:{daemon.tls_port}", "-CAfile", world.pki.ca, option),
        *("-cert", world.ct1.certificate, "-key", world.ct1.key, "-cipher", "ALL:@SECLEVEL=0", "-ign_eof"),
    ).stdout
    assert ("Verify return code: 0 (ok)" in printed and "Cipher is (NONE)" not in printed) is is_agreed
