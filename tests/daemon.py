"""A daemon's core in a thread of its own: real sockets on loopback, a real store, and its log kept for the test.

The composition is that of `scpd/app.py` without signals and configuration, so that a test can look at the gauge and
put a faulty backend behind the services. Tests that need the process itself (kill -9, memory) start `scpd serve`.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Self

import structlog
import uvloop

from scpd.dataset.scan import DEFAULT_LIMITS, ScanLimits
from scpd.identity.base import Verifier
from scpd.observability.logging import escape_control_characters, report_loop_errors
from scpd.profile.profile import Profile
from scpd.query.identifier import QueryRules
from scpd.server.entity import ApplicationEntity
from scpd.server.listener import Listener, bind
from scpd.server.options import ServerOptions, TlsOptions
from scpd.server.tls import Tls
from scpd.services.exchange import Provider
from scpd.storage.backends import open_filesystem
from scpd.storage.base import Backend
from scpd.ul.connection import UpperLayerLimits

QUICK = ServerOptions(
    idle_seconds=1.5, send_seconds=1.0, drain_seconds=2.0, upper_layer=UpperLayerLimits(artim_seconds=0.5)
)
"""Times short enough that a whole list of timing tests takes minutes."""


@dataclass
class Daemon:
    """Use as a context manager. `entity.associations` is the gauge, `events()` the log so far."""

    directory: Path
    options: ServerOptions = QUICK
    profile: Profile = field(default_factory=lambda: Profile(ae_titles=("SCPD",)))
    backend: Backend | None = None
    query_rules: QueryRules = field(default_factory=QueryRules)
    results_max: int = 0
    object_bytes_max: int = 1 << 32
    scan_limits: ScanLimits = DEFAULT_LIMITS
    retrieve_ae_title: str | None = None
    tls: TlsOptions | None = None
    verifier: Verifier | None = None
    log_text: StringIO = field(default_factory=StringIO)

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="daemon", daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the daemon did not start"
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self.begin_drain()
        self._thread.join(self.options.drain_seconds + 10)
        assert not self._thread.is_alive(), "the daemon did not stop"
        if self._failure is not None:
            raise self._failure

    def begin_drain(self) -> None:
        """Asks for the orderly end, as SIGTERM does; leaving the context waits for it."""
        self.loop.call_soon_threadsafe(self._stop.set)

    def reload(self) -> None:
        """Reads the files of TLS again, as SIGHUP does; returns when that is done."""

        async def reload() -> None:
            self._tls.reload()

        asyncio.run_coroutine_threadsafe(reload(), self.loop).result(5)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Waits for something that no peer can see."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.005)

    def events(self) -> list[dict[str, object]]:
        """The log lines, parsed."""
        return [json.loads(line) for line in self.log_text.getvalue().splitlines()]

    @property
    def tasks(self) -> int:
        """Connections that are still served."""
        return len(self._listener._associations) + len(self._listener._handshakes)

    @property
    def stalled(self) -> int:
        """Connections whose peers do not take what was written to them."""
        return sum(
            association._wire._writable is not None for association in list(self._listener._associations.values())
        )

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        log = structlog.wrap_logger(
            structlog.WriteLogger(self.log_text),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.format_exc_info,
                escape_control_characters,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger("debug"),
        )
        report_loop_errors(self.loop, log)
        backend = self.backend or open_filesystem({"directory": str(self.directory / "store")})
        await backend.open()
        try:
            provider = Provider(
                backend,
                self.query_rules,
                identifier_bytes_max=65_536,
                results_max=self.results_max,
                object_bytes_max=self.object_bytes_max,
                scan_limits=self.scan_limits,
                retrieve_ae_title=self.retrieve_ae_title,
            )
            self.entity = ApplicationEntity(self.profile, provider, self.options, log, verifier=self.verifier)
            self._listener = Listener(self.entity)
            sockets = bind("127.0.0.1", 0)
            self.port: int = sockets[0].getsockname()[1]
            await self._listener.start(sockets)
            if self.tls is not None:
                self._tls = Tls(self.tls, log)
                tls_sockets = bind("127.0.0.1", 0)
                self.tls_port: int = tls_sockets[0].getsockname()[1]
                self._listener.start_tls(tls_sockets, self._tls)
            self._ready.set()
            await self._stop.wait()
            await self._listener.drain(self.options.drain_seconds)
        finally:
            await backend.close()
